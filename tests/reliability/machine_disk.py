"""A disk without room: at every write of every way through the program, and for real on a small file system."""

from __future__ import annotations

import asyncio
import random
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kmptui.sandbox.server import SandboxServer
from kmptui.store import audit
from kmptui.store.ledger.proof import contradiction
from tests.faults.hurting import NEVER, Case, prepared, walked
from tests.reliability.commands import Commands, Ended
from tests.reliability.machine_stage import PLACE
from tests.reliability.tally import Tally
from tests.services.rig import opened

WAYS = ("order", "renew", "reissue", "rotate", "import", "first")
LONG = 25
MOST = 30
"""Points of a way that are tried."""
AT_ONCE = 6
SMALL = 4 * 1024 * 1024
COMMANDS = (PLACE, ("settings", "set", "theme", "light"), ("sync",), ("orders", "check"), ("vault", "rotate", "--yes"))


async def prove(tally: Tally, number: int, folder: Path, sandbox: SandboxServer, template: Path) -> None:
    draw = random.Random(tally.seed)
    for way in WAYS if number >= LONG else WAYS[:1]:
        place = folder / f"full-{way}"
        place.mkdir()
        if way != "first":
            shutil.copytree(template, place / "template")
        await points(tally, draw, min(3 * number, MOST), place / "template", way, sandbox)
    if number >= LONG:
        await asyncio.to_thread(small, tally, draw, number, folder, template)


async def points(
    tally: Tally, draw: random.Random, number: int, template: Path, way: str, sandbox: SandboxServer
) -> None:
    """Walk the way, with no room from a point on."""
    whole = prepared(template, way, "full", NEVER)
    (told,) = (await asyncio.to_thread(walked, [whole])).values()
    tally.require(told["words"] == "done", f"{way} with all the room there is: {told['words']}")
    reached = range(len(whole.reached))
    cases = [prepared(template, way, "full", at) for at in sorted(draw.sample(reached, min(number, len(reached))))]
    ends = {}
    for at in range(0, len(cases), AT_ONCE):
        ends |= await asyncio.to_thread(walked, cases[at : at + AT_ONCE])
    for case in cases:
        end = ends[case.name]
        told_so = f"no room at point {case.at} of {way}, {end['words']}"
        tally.require(end["status"] == 0 and "Traceback" not in end["words"], told_so)
        tally.count("points at which the disk was full")
        async with opened(case.paths, sandbox) as rig:
            await rig.ordering.recover()
            await rig.ordering.reconcile()
            rig.advance(660)
            await rig.ordering.reconcile()
            tally.require(await rig.store.check() == (), f"{told_so}: the store is not sound")
            tally.require((await rig.store.read(audit.verify)).intact, f"{told_so}: the record is not whole")
            wrong = await rig.store.read(contradiction)
            tally.require(not wrong, f"{told_so}: {wrong}")
            _judge(tally, case, len(rig.created(case.name)), told_so)
        shutil.rmtree(case.folder)


def _judge(tally: Tally, case: Case, at_server: int, told: str) -> None:
    most = 2 if case.way == "renew" else 1
    tally.require(at_server <= most, f"{told}: {at_server} orders at the server")


def small(tally: Tally, draw: random.Random, number: int, folder: Path, template: Path) -> None:
    """A file system of four megabytes, filled up to some bytes, and a command; room again, and it goes on."""
    with mounted(folder / "small") as place, Commands() as commands:
        if place is None:
            tally.count("small file systems: none, this machine lets none be mounted")
            return
        for at in range(number):
            home = place / "home"
            shutil.copytree(template, home)
            left, words = draw.choice((0, 1, 4096, 8192, 20_000, 100_000)), draw.choice(COMMANDS)
            fill(place / "filler", left)
            done = commands.run(home, *words)
            (place / "filler").unlink()
            case = f"case {at}, {left} bytes left, kmptui {' '.join(words[:2])}: exit {done.code}, {done.err!r:.600}"
            tally.require("Traceback" not in done.err and done.code in {0, 1, 3}, case)
            tally.require(not done.code or done.err.strip(), f"{case}: not a word")
            tally.count("commands on a full file system")
            tally.count("of them ended in a sentence", int(bool(done.code)))
            again: Ended = commands.run(home, "doctor", "--json")
            tally.require(again.code == 0, f"{case}: with room again {again.out:.900} {again.err:.300}")
            shutil.rmtree(home)


def fill(file: Path, left: int) -> None:
    """Take all room but some bytes."""
    taken = 0
    with file.open("wb", buffering=0) as out:
        try:
            while True:
                taken += out.write(b"x" * 4096)
        except OSError:
            out.truncate(max(0, taken - left))


@contextmanager
def mounted(place: Path) -> Iterator[Path | None]:
    """A small file system of memory, None where none can be mounted."""
    place.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SMALL},mode=700", "kmptui-small", str(place)],
        capture_output=True, check=False,
    )  # fmt: skip
    if made.returncode:
        yield None
        return
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)
