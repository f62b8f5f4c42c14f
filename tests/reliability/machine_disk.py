"""A disk without room: at every write of every way through the program, and for real on a small file system."""

from __future__ import annotations

import asyncio
import random
import shutil
import subprocess
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from pathlib import Path

from kmptui.sandbox.server import SandboxServer
from kmptui.services.workspace import Workspace
from kmptui.store.ledger.proof import contradiction
from tests.faults.hurting import NEVER, Case, prepared, walked
from tests.reliability.commands import Commands, Ended
from tests.reliability.machine_stage import PLACE
from tests.reliability.tally import Tally
from tests.services.homes import workspace
from tests.services.rig import Hands

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
    before = at_server(sandbox)  # other ways have walked here, with the same names
    cases = [prepared(template, way, "full", at) for at in sorted(draw.sample(reached, min(number, len(reached))))]
    ends = {}
    for at in range(0, len(cases), AT_ONCE):
        ends |= await asyncio.to_thread(walked, cases[at : at + AT_ONCE])
    for case in cases:
        end = ends[case.name]
        told_so = f"no room at point {case.at} of {way}, {end['words']}"
        tally.require(end["status"] == 0 and "Traceback" not in end["words"], told_so)
        tally.count("points at which the disk was full")
        async with room_again(case, sandbox) as home:
            tally.require(await home.check_store() == (), f"{told_so}: the store is not sound")
            tally.require((await home.record.verify()).intact, f"{told_so}: the record is not whole")
            wrong = await home._engine.store.read(contradiction)
            tally.require(not wrong, f"{told_so}: {wrong}")
        most = 2 if case.way == "renew" else 1
        orders = at_server(sandbox)[case.name] - before[case.name]
        tally.require(orders <= most, f"{told_so}: {orders} orders at the server")
        shutil.rmtree(case.folder)


def at_server(sandbox: SandboxServer) -> Counter[str]:
    return Counter(one["common_name"] for one in sandbox.control("state")["created"])


@asynccontextmanager
async def room_again(case: Case, sandbox: SandboxServer) -> AsyncIterator[Workspace]:
    """The home at its next start: what was left half done is settled, or the first start is made again."""
    clock = Hands()
    async with workspace(case.paths, clock=clock) as home:
        if case.way != "first":
            await home.ordering.recover()
            await home.ordering.reconcile()
            clock.ahead += timedelta(minutes=11)
            sandbox.control("clock", {"advance": 660})  # the pause between two searches is counted by SCM's clock
            await home.ordering.reconcile()
        elif (await home.vault.status()).state == "none":
            await home.vault.init(None)
        yield home


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
