"""Timers, a screen, scripts and a process whose clock jumps on one store: one order for each intent, nobody is told
that the store is busy, and nothing that one wrote is lost to another."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections import Counter
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

from kmptui.config import Paths
from kmptui.domain.listing import Topic
from kmptui.sandbox.server import SandboxConfig, SandboxServer, running
from kmptui.services.importing import ImportOptions
from kmptui.services.workspace import Workspace
from kmptui.store import keys
from kmptui.store.ledger.proof import contradiction
from tests.benchmarks.stage import ROOT, environment
from tests.cli.conftest import ORDER
from tests.reliability import holders, newer
from tests.reliability.tally import Tally
from tests.services.homes import linked, rows, workspace
from tests.services.rig import Hands

LONG = 25
"""From this number on everything is told from one process to the other; below, what costs little."""
RUNNERS, FEW_RUNNERS, TRIES = 3, 2, 4
BATCH = 10
"""Names that one script orders."""
SCRIPTS_AT_ONCE = 3
AGE = timedelta(days=150)
"""Of 199 days: less than a third is left."""
JUMP = timedelta(hours=1)
FINE, ATTENTION, DEFERRED = 0, 3, 4
NEVER_SAID = re.compile("busy|database is locked|Traceback|lost its claim|defect", re.IGNORECASE)


async def prove(tally: Tally, number: int, folder: Path) -> None:
    many = max(5, 26 * number // 10)
    paths = Paths(folder / "home")
    with running(SandboxConfig(certificates=0, issue_after=0)) as sandbox:
        long = number >= LONG
        await crowded(tally, many, RUNNERS if long else FEW_RUNNERS, sandbox, paths, folder)
        await holders.prove(tally, sandbox, paths, long=long)
        await newer.prove(tally, sandbox, paths, long=long)


async def crowded(tally: Tally, many: int, runners: int, sandbox: SandboxServer, paths: Paths, folder: Path) -> None:
    """As many renewals that are due as new orders, wanted by several at once."""
    due = [f"w{number:03d}.example.com" for number in range(many)]
    new = [f"n{number:03d}.example.com" for number in range(many)]
    ids = await prepared(sandbox, paths, due)
    await by_a_wrong_clock(tally, sandbox, paths)
    notes = {str(ids[name]): f"noted for {name}" for name in due}
    screen = {
        "renew": [ids[name] for name in due[::2]],
        "order": new[::5],
        "notes": notes,
    }
    await asyncio.gather(
        *(runner(tally, paths) for _ in range(runners)),
        on_a_screen(tally, paths, screen),
        scripts(tally, paths, new, [ids[name] for name in due[::3]], folder),
        by_a_jumping_clock(tally, paths, [ids[name] for name in due[::4]]),
    )
    await runner(tally, paths)
    await judged(tally, sandbox, paths, due, new, notes)


async def prepared(sandbox: SandboxServer, paths: Paths, names: list[str]) -> dict[str, int]:
    """A home with certificates that are due, all chosen by a rule; the order of each name."""
    sandbox.control("clock", {"advance": -AGE.total_seconds()})
    for name in names:
        sandbox.control("orders", {"commonName": name, "certType": 2103})
    sandbox.control("clock", {"advance": AGE.total_seconds()})
    async with linked(paths, sandbox, mirrored=True) as opened:
        await opened.importing.run(ImportOptions())
        await opened.importing.fetch()
        await opened.renewal.enable()
        await opened.renewal.set_days(60)
        await opened.renewal.add_rule("name", "w*.example.com")
        found = {row.common_name: row.id for row in await rows(opened, Topic.ORDERS)}
    sandbox.control("reset", {"what": "counters"})
    return found


async def by_a_wrong_clock(tally: Tally, sandbox: SandboxServer, paths: Paths) -> None:
    """By a clock that is more than an hour off nothing is done at all."""
    clock = Hands()
    clock.ahead = JUMP + timedelta(minutes=2)
    async with workspace(paths, clock=clock, face="timer") as opened:
        report = await opened.schedule.run_due()
    told = [line for line in report.blocked if line.job == "clock"]
    tally.require(told and not report.done, f"by a wrong clock: {report.words}")
    tally.require(not sandbox.control("state")["created"], "something was ordered by a wrong clock")


async def by_a_jumping_clock(tally: Tally, paths: Paths, ids: list[int]) -> None:
    """Renews while its clock jumps an hour to and fro."""
    clock = Hands()
    async with workspace(paths, clock=clock) as opened:

        async def jump() -> None:
            while True:
                clock.ahead = JUMP - clock.ahead
                await asyncio.sleep(0.05)

        jumping = asyncio.create_task(jump())
        placed = await opened.renewing.renew_all(ids, stop_after=100_000)
        jumping.cancel()
        with suppress(asyncio.CancelledError):
            await jumping
    for one in placed:
        said(tally, "the one with the jumping clock", str(one.error or ""))


async def on_a_screen(tally: Tally, paths: Paths, given: dict[str, Any]) -> None:
    code, out, err = await process("tests.reliability.screen", str(paths.home), told=json.dumps(given))
    tally.require(code == FINE, f"the screen ended with {code}: {err}")
    for words in json.loads(out) if code == FINE else ():
        said(tally, "the screen", words)


async def runner(tally: Tally, paths: Paths) -> None:
    """A timer's process, again a few times while it is told that another one works."""
    for _ in range(TRIES):
        code, out, err = await kmptui(paths, "run-due", "--json")
        tally.count("processes of timers")
        said(tally, "a timer", out + err)
        tally.require(code in {FINE, ATTENTION, DEFERRED}, f"run-due ended with {code}: {out} {err}")
        if code != DEFERRED:
            return


async def scripts(tally: Tally, paths: Paths, new: list[str], ids: list[int], folder: Path) -> None:
    """Each batch of orders is wanted by two scripts at once; others renew."""
    free = asyncio.Semaphore(SCRIPTS_AT_ONCE)

    async def script(*words: str) -> None:
        async with free:
            code, out, err = await kmptui(paths, "orders", *words, "--yes", "--json")
        tally.count("processes of scripts")
        said(tally, f"orders {words[0]}", out + err)
        tally.require(code in {FINE, ATTENTION, DEFERRED}, f"orders {words[0]} ended with {code}: {out} {err}")

    batches = []
    for at in range(0, len(new), BATCH):
        file = folder / f"names-{at}"
        file.write_text("\n".join(new[at : at + BATCH]))
        batches += [("create", *ORDER, "--each", "--names-file", str(file))] * 2
    numbers = [f"o{order_id}" for order_id in ids]
    renewals = [
        ("renew", "--stop-after", "10000", *numbers[at : at + 2 * BATCH]) for at in range(0, len(numbers), 2 * BATCH)
    ]
    await asyncio.gather(*(script(*words) for words in [*renewals, *batches]))


async def kmptui(paths: Paths, *words: str) -> tuple[int, str, str]:
    return await process("kmptui", *words, home=paths.home)


async def process(module: str, *words: str, home: Path | None = None, told: str = "") -> tuple[int, str, str]:
    """Exit code and what it wrote."""
    started = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, *words, cwd=ROOT, env=environment(home), stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await started.communicate(told.encode())
    assert started.returncode is not None
    return started.returncode, out.decode(), err.decode()


def said(tally: Tally, who: str, words: str) -> None:
    """What nobody is ever told is not among it."""
    found = NEVER_SAID.search(words)
    tally.require(not found, f"{who} says {words[max(0, found.start() - 200) : found.end() + 200] if found else ''}")


async def judged(
    tally: Tally, sandbox: SandboxServer, paths: Paths, due: list[str], new: list[str], notes: dict[str, str]
) -> None:
    created = Counter(one["common_name"] for one in sandbox.control("state")["created"])
    tally.count("orders and renewals at the server", created.total())
    tally.count("intents", len(due) + len(new))
    wrong = {name: created[name] for name in {*due, *new, *created} if created[name] != 1}
    tally.require(not wrong, f"at the server not once: {wrong}")
    posts = [one["path"] for one in sandbox.control("requests") if one["method"] == "POST"]
    sent = sum("enroll" in path or "renewById" in path for path in posts)
    tally.require(sent == len(due) + len(new), f"{sent} requests were sent")
    async with workspace(paths) as opened:
        await nothing_lost(tally, opened, sandbox, notes)


async def nothing_lost(tally: Tally, opened: Workspace, sandbox: SandboxServer, notes: dict[str, str]) -> None:
    """What each of them wrote is there: links, notes, keys, the record."""
    store = opened._engine.store
    for order_id, text in notes.items():
        order = await opened.lists.order(int(order_id))
        tally.require(order.note == text, f"the note of o{order_id} is lost")
        tally.require(order.next_id is not None, f"o{order_id} is not linked to its renewal")
        tally.count("notes written meanwhile")
    for one in sandbox.control("state")["created"]:
        tally.require(await store.read(keys.key, one["spki_sha256"]), f"the key of {one['common_name']} is lost")
    wrong = await store.read(contradiction)
    tally.require(not wrong, wrong)
    tally.require((await opened.record.verify()).intact, "the audit is not whole")
    tally.require(not await opened.ordering.unconfirmed(), "something stays unconfirmed")
    tally.require(not await opened.check_store(), "the store is damaged")
