"""Claims between real processes: alive, suspended, killed; and the fencing number."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kmptui.config import Paths
from kmptui.errors import HeldElsewhere, StoreFailed
from kmptui.store import claims
from kmptui.store.claims import Holder, name_topic
from kmptui.store.database import Store
from kmptui.store.db import Db
from tests.store.making import ACTOR, NOW

ROOT = Path(__file__).parents[2]
TOPIC = name_topic("Shop.example.edu")

OTHER = """
import asyncio, sys
from pathlib import Path
from kmptui.config import Paths
from kmptui.domain.audit import Actor
from kmptui.errors import HeldElsewhere
from kmptui.store import claims
from kmptui.store.database import Store
from tests.store.making import NOW, FixedClock

async def main():
    paths = Paths(Path(sys.argv[1]))
    store = await Store.open(paths, FixedClock())
    holder = claims.Holder.open(paths, Actor("timer", host="web01", pid=77), NOW)
    claim = await store.write(claims.claim, claims.name_topic("shop.example.edu"), holder, NOW)
    print("claimed", claim.fence, flush=True)
    for line in sys.stdin:
        try:
            await store.write(claims.check, claim)
            print("still mine", flush=True)
        except HeldElsewhere as error:
            print("lost:", error, flush=True)
    await store.aclose()

asyncio.run(main())
"""


@pytest.fixture
def other(paths: Paths) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the claim."""
    process = subprocess.Popen(
        [sys.executable, "-c", OTHER, str(paths.home)], cwd=ROOT, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "claimed 1\n", process.stderr.read() if process.stderr else ""
    yield process
    if process.poll() is None:
        process.send_signal(signal.SIGCONT)
        process.kill()
    process.communicate()


def ask(process: subprocess.Popen[str]) -> str:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("?\n")
    process.stdin.flush()
    return process.stdout.readline().strip()


@pytest.fixture
def mine(paths: Paths) -> Iterator[Holder]:
    paths.home.mkdir(mode=0o700, exist_ok=True)
    made = Holder.open(paths, ACTOR, NOW)
    yield made
    made.close()


async def test_the_living_are_respected(store: Store, mine: Holder, other: subprocess.Popen[str]) -> None:
    with pytest.raises(HeldElsewhere, match="timer on web01, process 77") as caught:
        await store.write(claims.claim, TOPIC, mine, NOW)
    assert caught.value.since == NOW
    assert await store.read(claims.held_by, TOPIC) == "timer on web01, process 77, since 23 Nov 03:12 UTC"
    assert (await store.write(claims.claim, name_topic("other.example.edu"), mine, NOW)).fence == 1


async def test_the_suspended_are_respected(store: Store, mine: Holder, other: subprocess.Popen[str]) -> None:
    os.kill(other.pid, signal.SIGSTOP)
    with pytest.raises(HeldElsewhere):
        await store.write(claims.claim, TOPIC, mine, NOW)
    os.kill(other.pid, signal.SIGCONT)
    assert ask(other) == "still mine"


async def test_the_dead_are_taken_over_and_said(store: Store, mine: Holder, other: subprocess.Popen[str]) -> None:
    os.kill(other.pid, signal.SIGKILL)
    other.wait()
    claim = await store.write(claims.claim, TOPIC, mine, NOW)
    assert claim.fence == 2
    assert claim.taken_over.startswith("timer on web01, process 77")
    await store.write(claims.check, claim)


async def test_a_late_write_with_an_old_number_is_refused(
    store: Store, mine: Holder, paths: Paths, other: subprocess.Popen[str]
) -> None:
    own = mine.id
    for path in paths.holders.glob("*.lock"):  # its lock is lost: the only way to lose a claim while one lives
        if path.stem != own:
            path.unlink()
    claim = await store.write(claims.claim, TOPIC, mine, NOW)
    assert claim.fence == 2
    assert ask(other).startswith("lost: This process lost its claim")
    await store.write(claims.check, claim)


async def test_a_released_claim_is_free_and_counts_up(store: Store, mine: Holder, paths: Paths) -> None:
    first = await store.write(claims.claim, TOPIC, mine, NOW)
    with pytest.raises(HeldElsewhere, match="another task of this process"):
        await store.write(claims.claim, TOPIC, mine, NOW)
    await store.write(claims.release, first)
    assert await store.read(claims.held_by, TOPIC) == ""
    with pytest.raises(HeldElsewhere):
        await store.write(claims.check, first)
    second = await store.write(claims.claim, TOPIC, mine, NOW)
    assert (second.fence, second.taken_over) == (2, "")
    await store.write(claims.release, first)
    await store.write(claims.check, second)


async def test_a_closed_holder_can_be_taken_over(store: Store, paths: Paths, mine: Holder) -> None:
    left = Holder.open(paths, ACTOR, NOW)
    await store.write(claims.claim, TOPIC, left, NOW)
    left.close()
    left.close()
    assert (await store.write(claims.claim, TOPIC, mine, NOW)).taken_over


def test_files_are_private_and_the_dead_are_cleared(paths: Paths, open_umask: object) -> None:
    first, second = Holder.open(paths, ACTOR, NOW), Holder.open(paths, ACTOR, NOW)
    (paths.holders / "dead.lock").write_text("")
    third = Holder.open(paths, ACTOR, NOW)
    assert {path.stem for path in paths.holders.iterdir()} == {first.id, second.id, third.id}
    assert {stat.S_IMODE(path.stat().st_mode) for path in paths.holders.iterdir()} == {0o600}
    assert stat.S_IMODE(paths.holders.stat().st_mode) == 0o700
    for holder in (first, second, third):
        holder.close()
    assert list(paths.holders.iterdir()) == []


def test_a_folder_that_cannot_be_used_is_said(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    paths.home.mkdir()

    def fails(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("kmptui.store.claims.os.write", fails)
    with pytest.raises(StoreFailed, match="No space"):
        Holder.open(paths, ACTOR, NOW)
    assert list(paths.holders.iterdir()) == []


def test_an_unknown_claim_is_refused(db: Db) -> None:
    with pytest.raises(HeldElsewhere):
        claims.check(db, claims.Claim(TOPIC, "nobody", 1))
