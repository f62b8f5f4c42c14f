"""Claims: one certificate name, or the runner's lease, is worked on by one task of one process.

Each process holds an flock on a file of its own for as long as it lives: kept while it is suspended, freed by the
kernel at its death, whatever the clock says. A claim names its holder's file; it is taken over only when that lock is
free. Each taking counts the fencing number up, and a write under an older number is refused.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self
from uuid import uuid4

from kmptui.config import Paths, make_private_folder
from kmptui.domain.audit import Actor
from kmptui.errors import HeldElsewhere, StoreFailed
from kmptui.store.db import Db
from kmptui.store.models import ClaimRow

RUNNER = "runner"
"""The topic of the runner's lease."""
_SUFFIX = ".lock"


def name_topic(common_name: str) -> str:
    """The topic under which a certificate name is claimed."""
    return f"name {common_name.lower()}"


class Holder:
    """This process as a holder of claims; make one when the workspace opens."""

    def __init__(self, identity: str, words: str, path: Path, handle: int) -> None:
        """Use `open`."""
        self.id = identity
        self.words = words
        """`timer on web01, process 4711, since 24 Nov 03:12 UTC`."""
        self._path = path
        self._handle: int | None = handle

    @classmethod
    def open(cls, paths: Paths, actor: Actor, now: datetime) -> Self:
        """Make and lock the file (0600), and clear away those of dead processes. Raises StoreFailed."""
        folder = paths.holders
        make_private_folder(folder)
        _clear(folder)
        name = uuid4().hex
        handle, temporary = tempfile.mkstemp(dir=folder, prefix=".", suffix=".new")
        try:
            # Locked before it has its name: whoever finds the name finds the lock.
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.write(handle, f"{actor}\n".encode())
            Path(temporary).rename(folder / f"{name}{_SUFFIX}")
        except OSError as error:
            os.close(handle)
            Path(temporary).unlink(missing_ok=True)
            raise StoreFailed(f"{folder} cannot be used", why=error.strerror or str(error)) from error
        who = actor.unit or actor.face
        words = f"{who} on {actor.host}, process {actor.pid}, since {now.astimezone(UTC):%d %b %H:%M} UTC"
        return cls(name, words, folder / f"{name}{_SUFFIX}", handle)

    def close(self) -> None:
        """Free the lock: whatever was not released can be taken over from now on."""
        if self._handle is None:
            return
        self._path.unlink(missing_ok=True)
        os.close(self._handle)
        self._handle = None


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim that was taken. `taken_over` says from whom, in words, when its holder had died: it belongs in the
    audit."""

    topic: str
    holder: str
    fence: int
    taken_over: str = ""


def claim(db: Db, topic: str, holder: Holder, now: datetime) -> Claim:
    """Take it, or raise HeldElsewhere(holder, since), also when another task of this process has it."""
    row = ClaimRow.select().where(ClaimRow.topic == topic).dicts().first(db)
    fence, taken_over = 1, ""
    if row is not None:
        if row["holder"] and _lives(db.holders, row["holder"]):
            who = "another task of this process" if row["holder"] == holder.id else row["words"]
            raise HeldElsewhere(
                "Another one works on it", holder=who, since=row["since"], cure="Try again when it is done"
            )
        fence = row["fence"] + 1
        taken_over = row["words"] if row["holder"] else ""
    taken = ClaimRow.insert(topic=topic, fence=fence, holder=holder.id, words=holder.words, since=now)
    taken.on_conflict_replace().execute(db)
    return Claim(topic, holder.id, fence, taken_over)


def check(db: Db, claim: Claim) -> None:
    """Raise HeldElsewhere unless the claim is still the newest on its topic. Every write under a claim begins with
    it."""
    row = ClaimRow.select().where(ClaimRow.topic == claim.topic).dicts().first(db)
    if row is None or (row["fence"], row["holder"]) != (claim.fence, claim.holder):
        who = row["words"] if row is not None and row["holder"] else ""
        raise HeldElsewhere(
            "This process lost its claim, so what it wanted to write is refused",
            holder=who,
            since=row["since"] if row is not None else None,
            cure="Look at the order again: another process went on with it",
        )


def release(db: Db, claim: Claim) -> None:
    """Give it back; nothing happens when it was taken over in between."""
    held = (ClaimRow.topic == claim.topic) & (ClaimRow.fence == claim.fence) & (ClaimRow.holder == claim.holder)
    ClaimRow.update(holder="").where(held).execute(db)


def held_by(db: Db, topic: str) -> str:
    """Who holds it, in words, when somebody alive does; else ""."""
    row = ClaimRow.select().where(ClaimRow.topic == topic).dicts().first(db)
    return str(row["words"]) if row is not None and row["holder"] and _lives(db.holders, row["holder"]) else ""


def held(db: Db, topics: Collection[str]) -> dict[str, str]:
    """Who holds which of these, in words, where somebody alive does."""
    taken = db.rows("SELECT topic, holder, words FROM claims WHERE holder <> ''")
    return {topic: words for topic, holder, words in taken if topic in topics and _lives(db.holders, holder)}


def _lives(folder: Path, holder: str) -> bool:
    """Whether the holder's lock is held: its process lives, even if it is suspended."""
    try:
        handle = os.open(folder / f"{holder}{_SUFFIX}", os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def _clear(folder: Path) -> None:
    """Take away the files of the dead; that a file is gone says the same as a free lock."""
    for path in folder.glob(f"*{_SUFFIX}"):
        if not _lives(folder, path.name.removesuffix(_SUFFIX)):
            path.unlink(missing_ok=True)
