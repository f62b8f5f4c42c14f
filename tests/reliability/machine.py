"""Whatever is wrong with the machine, a command ends in a plain sentence and the right exit code, and the store is as
it was; the doctor finds beforehand what can be found."""

from __future__ import annotations

import asyncio
import json
import random
import shutil
import sqlite3
import time
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from kmptui.config import Paths
from kmptui.sandbox.server import SandboxConfig, SandboxServer, running
from kmptui.services.importing import ImportOptions
from tests.reliability import machine_disk, machine_network, machine_store, machine_terminal
from tests.reliability.commands import Commands, Conditions, Ended
from tests.reliability.machine_stage import PLACE, Case, NotHere, Stage, Step
from tests.reliability.tally import Tally
from tests.services.homes import linked
from tests.services.rig import opened, request

LONG = 25
"""From this number on every case is run, and the disk is full at every point."""
SHORT = 6
PATIENCE = 10
"""Seconds that the program waits for a lock (`Store.open`)."""
PASSING = {"facts", "runs", "claims", "revisions", "holders", "audit", "sqlite_sequence", "acts", "renewal_tries"}
"""Tables in which a command may note that it was run, and the record, which is looked at by itself."""


async def prove(tally: Tally, number: int, folder: Path) -> None:
    draw = random.Random(tally.seed)
    with running(SandboxConfig(certificates=12, issue_after=0)) as sandbox:
        template = Paths(folder / "template")
        await lived(template, sandbox)
        stage = Stage(template.home, folder, sandbox, draw, tally)
        cases = [*machine_store.CASES, *machine_network.CASES]
        if number < LONG:
            cases = draw.sample(cases, SHORT)
        await asyncio.to_thread(walk, tally, stage, cases)
        if number >= LONG:
            await asyncio.to_thread(locked_for_a_minute, tally, stage)
        await machine_disk.prove(tally, number, folder, sandbox, template.home)
        await asyncio.to_thread(machine_terminal.prove, tally, number, stage)


async def lived(paths: Paths, sandbox: SandboxServer) -> None:
    """A linked home with orders of SCM's and one of its own."""
    async with linked(paths, sandbox, mirrored=True) as home:
        await home.importing.run(ImportOptions())
        await home.importing.fetch()
    async with opened(paths, sandbox) as rig:
        order_id = (await rig.ordering.place(request("own.example.com"))).order_id
        await rig.checking.check([order_id or 0])


def walk(tally: Tally, stage: Stage, cases: Iterable[Case]) -> None:
    with Commands() as commands:
        for case in cases:
            try:
                one(tally, stage, commands, case)
            except NotHere as why:
                tally.count(f"cases left out: {case.name}, {why}")


def locked_for_a_minute(tally: Tally, stage: Stage) -> None:
    """With the patience that the program really has: what is asked for meanwhile ends in a sentence or waits until it
    is done, and afterwards everything goes on."""
    home = stage.copy()
    began = time.monotonic()
    with closing(sqlite3.connect(Paths(home).store, isolation_level=None)) as other, Commands() as commands:
        other.execute("BEGIN IMMEDIATE")
        done = commands.run(home, *PLACE, conditions=Conditions(busy=PATIENCE))
        judge(tally, "locked for a minute", Step(PLACE, told=("lock",)), done)
        time.sleep(max(0, 60 - (time.monotonic() - began)))
        other.execute("ROLLBACK")
        judge(tally, "after a minute's lock", Step(("sync",), frozenset({0})), commands.run(home, "sync"))
    shutil.rmtree(home)


def one(tally: Tally, stage: Stage, commands: Commands, case: Case) -> None:
    home = stage.copy()
    before = dump(Paths(home).store)
    tally.count("troubles")
    with case.arrange(stage, home) as conditions:
        for step in case.steps:
            done = commands.run(None if case.homeless else home, *step.words, conditions=conditions)
            judge(tally, f"{case.name}, kmptui {' '.join(step.words[:3])}", step, done)
        if case.doctor is not None:
            done = commands.run(None if case.homeless else home, "doctor", "--json", conditions=conditions)
            diagnosed(tally, case, done)
    if case.whole:
        after = dump(Paths(home).store)
        changed = sorted(name for name in before if before[name] != after.get(name))
        tally.require(not changed, f"{case.name}: the store is not as it was, {changed}")
        tally.count("stores as they were")
    shutil.rmtree(home)


def judge(tally: Tally, case: str, step: Step, done: Ended) -> None:
    told = f"{case}: exit {done.code}, {done.err or done.out!r:.1500}"
    tally.require(done.code in step.codes, f"{told}; not {sorted(step.codes)}")
    tally.require("Traceback" not in done.err, told)
    if done.code:
        tally.require(0 < len(done.err.splitlines()) <= 4, f"{told}: that is no plain sentence")
        tally.count("commands that ended in a sentence")
    else:
        tally.count("commands that went on")
    for words in step.told:
        tally.require(words.lower() in f"{done.out} {done.err}".lower(), f"{told}: {words!r} is not said")


def diagnosed(tally: Tally, case: Case, done: Ended) -> None:
    assert case.doctor is not None
    try:
        checks = json.loads(done.out)
    except ValueError:
        tally.require(False, f"{case.name}: the doctor says {done.out!r:.500} {done.err!r:.1500}")
        return
    bad = {check["name"] for check in checks if check["state"] == "bad"}
    tally.require(bad == set(case.doctor), f"{case.name}: the doctor finds {bad}, not {case.doctor}: {checks}")
    tally.require(done.code == int(bool(bad)), f"{case.name}: the doctor's exit code is {done.code}")
    tally.require(all(check["cure"] for check in checks if check["state"] == "bad"), f"{case.name}: no cure")
    tally.count("troubles that the doctor names beforehand" if bad else "troubles of which the doctor says all is well")


def dump(store: Path) -> dict[str, list[tuple[object, ...]]]:
    """All rows of a store, by table; of the record those that stood before. Read from a copy, so that it is not even
    opened."""
    copy = store.with_name("looked-at.db")
    for end in ("", "-wal"):
        if store.with_name(store.name + end).exists():
            shutil.copyfile(store.with_name(store.name + end), copy.with_name(copy.name + end))
    try:
        with closing(sqlite3.connect(copy)) as db:
            names = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            found = {
                name: sorted(db.execute(f"SELECT * FROM {name}").fetchall(), key=repr)
                for name in names
                if name not in PASSING and "_search" not in name and "_words" not in name
            }
            found["intents of the record"] = db.execute("SELECT seq FROM audit WHERE phase = 'intent'").fetchall()
            return found
    finally:
        for end in ("", "-wal", "-shm"):
            copy.with_name(copy.name + end).unlink(missing_ok=True)
