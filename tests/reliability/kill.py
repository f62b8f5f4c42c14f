"""A process that is ended anywhere, by SIGKILL at each point and at random instants, or by SIGTERM and SIGHUP, leaves
one order for each intent, no key lost and no half file; the next start needs nobody's hand."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.hazmat.primitives.serialization.pkcs12 import load_pkcs12

from kmptui.config import Paths
from kmptui.errors import KmptuiError
from kmptui.sandbox.server import SandboxConfig, SandboxServer, running
from kmptui.store import audit, keys
from kmptui.store.ledger.proof import contradiction
from tests.answering import Answering
from tests.benchmarks.stage import ROOT, environment
from tests.benchmarks.terminal import Terminal
from tests.cli.conftest import ORDER
from tests.faults import hurting
from tests.faults.judges import WAYS
from tests.faults.walk import PASSWORD
from tests.reliability.tally import Tally
from tests.services.rig import Rig, opened

FEW = ("order",)
"""Ways that are walked in the short form: `tests/faults` takes samples of all."""
LONG = 25
"""From this number on all points of all ways are taken."""
WITHIN = 5.0
"""Seconds from a signal to the end; judged in the long form alone, since a test may get no processor for long."""
PATIENCE = 600
"""Seconds until it is given up that something ends."""
ON_TERMINAL = (("5",), ("5", "enter"), ("n",), ("h",))
"""Keys that lead to where the full-screen program is when it is told to end."""


async def prove(tally: Tally, number: int, folder: Path) -> None:
    draw = random.Random(tally.seed)
    long = number >= LONG
    for way in WAYS if long else FEW:
        await at_points(tally, way, folder / way, long=long)
    with running(SandboxConfig(certificates=8, issue_after=0)) as sandbox:
        await at_random_instants(tally, draw, max(2, 2 * number), sandbox, folder / "busy")
        await asyncio.to_thread(told_to_end, tally, draw, max(1, number // 4), sandbox, folder, long=long)
        await asyncio.to_thread(on_a_terminal, tally, sandbox, folder, long=long)


async def at_points(tally: Tally, way: str, folder: Path, *, long: bool) -> None:
    """One process for each point of the way, killed there."""
    folder.mkdir()
    template = folder / "template"
    with running(SandboxConfig(certificates=WAYS[way].certificates, issue_after=0)) as sandbox:
        await WAYS[way].template(Paths(template), sandbox)
        before = taken(Paths(template)) if template.exists() else 0
        points = await hurting.points(template, way, "kill")
        whole = folder / f"kill-{hurting.NEVER}" / "home"
        posts = [at for at, words in enumerate(points) if words.startswith("before POST")]
        at = range(len(points)) if long else [posts[0] - 1, posts[0] + 1, len(points) - 2]
        cases, failures = await hurting.hurt(template, way, "kill", at, lambda case: WAYS[way].judge(case, sandbox))
        homes = [Paths(whole), *(case.paths for case in cases)]
        intents = before + sum(taken(home) - before for home in homes)
        at_server = sum(len(one["certificates"]) for one in sandbox.control("state")["created"])
    tally.count("points of a kill", len(cases))
    told(tally, f"the way {way}", at_server, intents)
    for failure in failures:
        tally.require(False, failure)


def taken(paths: Paths) -> int:
    """Intents of which the home knows that SCM took them."""
    with closing(sqlite3.connect(paths.store)) as db:
        return int(db.execute("SELECT count(*) FROM intents WHERE state = 'accepted'").fetchone()[0])


def told(tally: Tally, where: str, at_server: int, intents: int) -> None:
    tally.count("orders, renewals and reissues at the server", at_server)
    tally.count("intents confirmed", intents)
    tally.require(at_server == intents, f"{where}: {at_server} at the server, {intents} intents confirmed")


async def at_random_instants(
    tally: Tally, draw: random.Random, number: int, sandbox: SandboxServer, folder: Path
) -> None:
    """One home, on which a process does everything at once until it is killed, again and again."""
    folder.mkdir()
    home = folder / f"kill-{hurting.NEVER}"
    case = hurting.Case(home, "busy", "kill", hurting.NEVER)
    case.out.parent.mkdir(parents=True)
    async with opened(case.paths, sandbox):
        sandbox.control("reset", {"what": "counters"})
    proven: set[str] = set()
    with Answering(hurting.WALK, "1") as walks:
        for at in range(number):
            after = draw.uniform(0.01, 2.0)
            run = replace(case, at=hurting.NEVER + at, after=after)
            end = await asyncio.to_thread(walks.ask, run.order())
            where = f"killed {after:.3f} s after the beginning, for the {at + 1}. time"
            tally.require(end["status"] == -signal.SIGKILL, f"{where}: it ended by itself, {end}")
            tally.count("kills at a random instant")
            try:
                async with opened(case.paths, sandbox) as rig:
                    await started_again(tally, rig, proven, where)
            except KmptuiError as error:
                tally.require(False, f"{where}: the next start says {type(error).__name__}: {error}")
            files_are_whole(tally, case.out.parent, where)
    at_server = sum(len(one["certificates"]) for one in sandbox.control("state")["created"])
    told(tally, "random instants", at_server, taken(case.paths))
    tally.count("private keys proved", len(proven))


async def started_again(tally: Tally, rig: Rig, proven: set[str], where: str) -> None:
    """What the dead process left half done is judged, and nothing is lost."""
    await rig.ordering.recover()
    await rig.ordering.reconcile()
    rig.advance(601)
    await rig.ordering.reconcile()
    tally.require(not await rig.ordering.unconfirmed(), f"{where}: an intent stays unconfirmed")
    tally.require(not await rig.store.check(), f"{where}: the store is damaged")
    wrong = await rig.store.read(contradiction)
    tally.require(not wrong, f"{where}: {wrong}")
    tally.require((await rig.store.read(audit.verify)).intact, f"{where}: the audit is not whole")
    for one in rig.sandbox.control("state")["created"]:
        if one["spki_sha256"] in proven:
            continue
        stored = await rig.store.read(keys.key, one["spki_sha256"])
        tally.require(stored is not None and await rig.engine.open_sealed(stored.sealed), f"{where}: a key is lost")
        proven.add(one["spki_sha256"])


def files_are_whole(tally: Tally, folder: Path, where: str) -> None:
    """Every export can be read to its end, and nothing half lies beside it; those that were read are taken away."""
    for path in folder.iterdir():
        try:
            if path.suffix == ".p12":
                whole = load_pkcs12(path.read_bytes(), PASSWORD.encode()).key is not None
            else:
                whole = path.suffix == ".pem" and bool(load_pem_private_key(path.read_bytes(), None))
        except ValueError:
            whole = False
        tally.require(whole, f"{where}: {path.name} is a half export")
        tally.count("exports read")
        path.unlink()


def told_to_end(
    tally: Tally, draw: random.Random, number: int, sandbox: SandboxServer, folder: Path, *, long: bool
) -> None:
    """Commands that order are told to end at a random instant, in every fifth case while SCM does not answer, and in
    every second case twice, as by a terminal that closes."""
    paths = Paths(folder / "told")
    asyncio.run(a_home(paths, sandbox))
    sandbox.control("reset", {"what": "counters"})
    for at in range(number):
        number_of = signal.SIGTERM if at % 2 else signal.SIGHUP
        hanging = at % 5 == 0
        if hanging:
            fault = {"kind": "delay", "match": "POST /ssl/v1/enroll", "delay": 30, "act": True}
            sandbox.control("faults", fault)
        process = subprocess.Popen(
            [sys.executable, "-m", "kmptui", "orders", "create", *ORDER, "--yes", "--common-name",
             f"told-{at}.example.com"],
            cwd=ROOT, env=environment(paths.home), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        if hanging:
            until_asked(sandbox, at)
        else:
            time.sleep(draw.uniform(0.1, 2.0))
        began = time.monotonic()
        process.send_signal(number_of)
        if at // 2 % 2:
            time.sleep(draw.uniform(0.0, 0.3))
            process.send_signal(number_of)
        _, said = process.communicate(timeout=PATIENCE)
        took = time.monotonic() - began
        where = f"{number_of.name} to a command, {at + 1}. time"
        tally.count("commands told to end")
        tally.require(not long or took <= WITHIN, f"{where}: it took {took:.1f} s")
        codes = {128 + number_of} if hanging else {0, 128 + number_of, -number_of}
        tally.require(process.returncode in codes, f"{where}: exit {process.returncode}, {said!r}")
        tally.require(b"Traceback" not in said and said[-1:] in {b"", b"\n"}, f"{where}: it says {said!r}")
        sandbox.control("faults", None, method="DELETE")
    asyncio.run(found_again(tally, paths, sandbox))


def until_asked(sandbox: SandboxServer, at: int) -> None:
    """Until the request of that order is at the server."""
    end = time.monotonic() + PATIENCE
    while sandbox.control("faults"):  # taken by the request that it was armed for
        if time.monotonic() > end:
            raise RuntimeError(f"order {at} was never sent")
        time.sleep(0.02)


async def a_home(paths: Paths, sandbox: SandboxServer) -> None:
    async with opened(paths, sandbox):
        pass


async def found_again(tally: Tally, paths: Paths, sandbox: SandboxServer) -> None:
    async with opened(paths, sandbox) as rig:
        await started_again(tally, rig, set(), "after the signals")
    told(tally, "signals", len(sandbox.control("state")["created"]), taken(paths))


def on_a_terminal(tally: Tally, sandbox: SandboxServer, folder: Path, *, long: bool) -> None:
    """The full-screen program gives the terminal back as it was."""
    del sandbox  # its home is linked to it
    cases = [
        (keys_, number, twice)
        for keys_ in ON_TERMINAL
        for number in (signal.SIGTERM, signal.SIGHUP)
        for twice in (False, True)
    ]
    for pressed, number, twice in cases if long else cases[:1]:
        with Terminal("kmptui", home=folder / "told", columns=100, lines=30) as terminal:
            before = terminal.modes
            terminal.until("Repository")
            for key in pressed:
                terminal.key(key, quiet=0.1)
            began = time.monotonic()
            status = terminal.end(number, twice=twice)
            took = time.monotonic() - began
            where = f"{number.name} on the screen after {' '.join(pressed)}"
            tally.count("screens told to end")
            code = os.waitstatus_to_exitcode(status)
            tally.require(code == 128 + number, f"{where}: it ended with {code}")
            tally.require(not long or took <= WITHIN, f"{where}: it took {took:.1f} s")
            output = terminal.output
            restored = b"\x1b[?1049l" in output and b"\x1b[?25h" in output and terminal.modes == before
            tally.require(restored, f"{where}: the terminal is not as it was")
            tally.require(b"Traceback" not in output, f"{where}: it says {json.dumps(output[-500:].decode())}")
