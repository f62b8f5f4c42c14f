"""The store's file and its two threads: open, write, read, notice changes, close."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from kmptui.config import Paths
from kmptui.domain.clock import Clock
from kmptui.domain.listing import Topic
from kmptui.errors import Damaged, StoreFailed
from kmptui.store import home, words
from kmptui.store.db import Db as Db
from kmptui.store.faults import FAULTS, damaged, fault
from kmptui.store.lane import Lane
from kmptui.store.migrations import APPLICATION_ID, NEWEST, STEPS, migrate, version

T = TypeVar("T")
P = ParamSpec("P")


class Store:
    """One opened store. Functions given to it run on its own threads and return domain values, never queries.

    order_id = await store.write(begin, request, stamp)      # def begin(db: Db, request, stamp) -> int
    order = await store.read(ledger.order, order_id)
    """

    def __init__(self, paths: Paths, *, busy_seconds: float = 10.0) -> None:
        """Use `open`."""
        self.path = paths.store
        self._writer = Lane(
            "store-writer",
            Db(paths.store, paths.holders, writer=True, busy_seconds=busy_seconds),
            idle=lambda db: _between(db, self.path),
        )
        self._reader = Lane("store-reader", Db(paths.store, paths.holders, writer=False, busy_seconds=busy_seconds))
        self._seen: tuple[int, dict[str, int]] = (0, {})

    @classmethod
    async def open(cls, paths: Paths, clock: Clock, *, busy_seconds: float = 10.0) -> Store:
        """Open, or make, the store of a home; bring an older one up to date after copying it aside.

        Raises SettingsError (the home cannot be made or is another user's), Damaged, FromTheFuture, Busy, Full and
        StoreFailed (network file system, another host's home, SQLite too old, not readable). Whatever it raises, the
        store's file is as it was.
        """
        store = cls(paths, busy_seconds=busy_seconds)
        try:
            await asyncio.wrap_future(store._writer.put(lambda db: store._guard(_open_writer, db, paths, clock)))
            store._seen = await asyncio.wrap_future(store._reader.put(lambda db: store._guard(_open_reader, db)))
        except BaseException:
            await store.aclose()
            raise
        return store

    async def write(self, fn: Callable[Concatenate[Db, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `fn(db, …)` on the writer thread in one immediate transaction, and give its value after COMMIT.

        What `fn` raises rolls everything back and is raised here. A caller that is cancelled while it waits hears
        nothing, yet the write has been done or will be. Raises Busy, Full, Damaged, FromTheFuture, StoreFailed.
        """

        def transaction(db: Db) -> T:
            with db.unit("IMMEDIATE"):
                home.refuse_newer(version(db))
                return fn(db, *args, **kwargs)

        return await asyncio.wrap_future(self._writer.put(lambda db: self._guard(transaction, db)))

    async def write_part(self, fn: Callable[Concatenate[Db, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """As `write`, for one of many parts of a work that ends with a `write`: only that one waits for the disk, and
        makes all of them lasting. A loss of power before it may undo parts, the last ones first; the end of the process
        does not."""

        def transaction(db: Db) -> T:
            with db.unhurried(), db.unit("IMMEDIATE"):
                home.refuse_newer(version(db))
                return fn(db, *args, **kwargs)

        return await asyncio.wrap_future(self._writer.put(lambda db: self._guard(transaction, db)))

    async def read(self, fn: Callable[Concatenate[Db, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `fn(db, …)` on the reader thread; all it reads is of one moment. Raises as `write` does."""

        def transaction(db: Db) -> T:
            with db.unit():
                home.refuse_newer(version(db))
                return fn(db, *args, **kwargs)

        return await asyncio.wrap_future(self._reader.put(lambda db: self._guard(transaction, db)))

    async def changes(self) -> frozenset[Topic]:
        """Topics that were written, by this process or another, since the last call (or since the opening)."""

        def look(db: Db) -> frozenset[Topic]:
            moment, known = self._seen
            # In autocommit, and before the revisions are read: a write in between is then seen at the next call.
            now = _data_version(db)
            if now == moment:
                return frozenset()
            found = _revisions(db)
            self._seen = (now, found)
            return frozenset(Topic(topic) for topic, number in found.items() if known.get(topic) != number)

        return await asyncio.wrap_future(self._reader.put(lambda db: self._guard(look, db)))

    async def check(self) -> tuple[str, ...]:
        """Look at every page of the file: what is wrong with it, nothing when it is sound. For the doctor: slow."""

        def look(db: Db) -> tuple[str, ...]:
            found = [str(row[0]) for row in db.rows("PRAGMA integrity_check(20)") if row[0] != "ok"]
            found += [f"{row[0]} {row[1]} refers to a missing {row[2]}" for row in db.rows("PRAGMA foreign_key_check")]
            return tuple(found)

        try:
            return await asyncio.wrap_future(self._reader.put(lambda db: self._guard(look, db)))
        except Damaged as error:  # so spoilt that the check itself cannot go on
            return (str(error),)

    async def prove_writable(self) -> None:
        """Change nothing, by a statement that needs all that a change needs: where the file is read-only, a transaction
        alone begins as one that reads. Raises as `write` does."""
        await self.write(lambda db: db.run("UPDATE facts SET value = value WHERE 0").rowcount)

    async def backup(self, target: Path) -> None:
        """A consistent copy of the store in a new file (0600, O_EXCL), while others read and write. Raises StoreFailed
        where the file is there already."""
        await asyncio.wrap_future(self._reader.put(lambda db: self._guard(_copy, db, target)))

    async def aclose(self) -> None:
        """Finish what is queued, then close both connections. Work given later raises StoreFailed."""
        self._reader.close()
        self._writer.close()
        await asyncio.to_thread(self._reader.join)
        await asyncio.to_thread(self._writer.join)

    def _guard(self, work: Callable[Concatenate[Db, P], T], db: Db, *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return work(db, *args, **kwargs)
        except FAULTS as error:
            meant = fault(error, self.path)
            if meant is None:
                raise
            raise meant from error


def _open_writer(db: Db, paths: Paths, clock: Clock) -> None:
    home.prepare(paths)
    db.connect()
    found = version(db)
    home.refuse_newer(found)
    objects = int(db.value("SELECT count(*) FROM sqlite_master"))
    if found == 0 and objects:
        raise damaged(paths.store, "its version is missing")
    if found and int(db.value("PRAGMA application_id")) != APPLICATION_ID:
        raise damaged(paths.store, "its mark is missing")
    if found == NEWEST:
        return
    with db.unit("IMMEDIATE"):  # another process may have done it while this one waited
        found = version(db)
        home.refuse_newer(found)
        if 0 < found < NEWEST:
            _copy_aside(paths, found)
        migrate(db, clock.now(), STEPS)


def _open_reader(db: Db) -> tuple[int, dict[str, int]]:
    db.connect()
    return _data_version(db), _revisions(db)


def _data_version(db: Db) -> int:
    return int(db.value("PRAGMA data_version"))


def _revisions(db: Db) -> dict[str, int]:
    return {str(topic): int(number) for topic, number in db.rows("SELECT topic, number FROM revisions")}


def _between(db: Db, path: Path) -> bool:
    """Between two jobs the writer takes new text into the search index, a little at a time."""
    if db.is_closed():
        return False
    try:
        with db.unit("IMMEDIATE"):
            return version(db) <= NEWEST and words.catch_up(db)
    except FAULTS as error:
        # Search finds what is not indexed yet as well, only slower: the next write tries again.
        if fault(error, path) is None:
            raise
        return False


def _copy_aside(paths: Paths, found: int) -> None:
    """The store as it was before a migration, beside it; the caller holds the write lock."""
    target = paths.store.with_name(f"{paths.store.name}.before-{found + 1:04}")
    handle, name = tempfile.mkstemp(dir=paths.home, prefix=f".{target.name}.")
    os.close(handle)
    source = sqlite3.connect(paths.store)
    try:
        _pour(source, Path(name))
        Path(name).replace(target)
        _settle(paths.home)
    finally:
        source.close()
        Path(name).unlink(missing_ok=True)


def _copy(db: Db, target: Path) -> None:
    try:
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise StoreFailed(f"{target} cannot be made", why=error.strerror or str(error)) from error
    try:
        _pour(db.raw(), target)
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    _settle(target.parent)


def _pour(source: sqlite3.Connection, target: Path) -> None:
    copy = sqlite3.connect(target)
    try:
        source.backup(copy)
    finally:
        copy.close()
    _settle(target)


def _settle(path: Path) -> None:
    """fsync a file or a folder."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
