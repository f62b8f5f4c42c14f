"""The explicit database handle that every function of the store takes first."""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

import peewee

from kmptui.domain.listing import Topic

V = TypeVar("V")

READER_PRAGMAS = (("query_only", 1), ("cache_size", -16_000))
WRITER_PRAGMAS = (
    ("journal_mode", "wal"), ("synchronous", "full"), ("wal_autocheckpoint", 4_000), ("cache_size", -64_000),
)  # fmt: skip
_ASK_AGAIN = (0.001, 0.01)
"""Seconds between two tries to write while another process does."""
ROWS_AT_ONCE = 500
"""With 50 columns 25,000 values, of the 32,766 that SQLite takes in one statement (3.32 and later)."""
PRAGMAS = (("foreign_keys", 1), ("temp_store", "memory"), ("trusted_schema", 0))


class Db(peewee.SqliteDatabase):
    """One connection, on the thread that opened it. Connects only when told to: a query that strays to another thread
    fails there instead of opening a connection of its own."""

    def __init__(self, path: Path, holders: Path, *, writer: bool, busy_seconds: float) -> None:
        super().__init__(
            str(path),
            pragmas=(WRITER_PRAGMAS if writer else ()) + PRAGMAS + (() if writer else READER_PRAGMAS),
            timeout=busy_seconds,
            autoconnect=False,
        )
        self.register_function(_fold, "fold", 1)
        self.path = path
        self.holders = holders
        self._patience = busy_seconds
        self.counts: dict[tuple[object, ...], int] = {}
        """Counts of lists that were made, by query, day and revision: see kmptui.store.listing."""
        self.found: dict[str, tuple[object, Any]] = {}
        """What took long to find, by what it is, and for which revision and day: see `kept`."""

    @contextmanager
    def unit(self, kind: str = "DEFERRED") -> Iterator[None]:
        """One transaction. Peewee's own would try to roll back what SQLite has rolled back by itself (disk full)."""
        if kind == "IMMEDIATE":
            self._begin_writing()
        else:
            self.run(f"BEGIN {kind}")
        try:
            yield
            self.run("COMMIT")
        except BaseException:
            if self.raw().in_transaction:
                self.run("ROLLBACK")
            raise

    def _begin_writing(self) -> None:
        """Wait for the one place that writes. SQLite's own waiting asks every 100 ms, and among processes that write
        one after the other it may never be its turn; asking often and at odd moments is fair enough."""
        end = time.monotonic() + self._patience
        self.run("PRAGMA busy_timeout = 0")
        try:
            while True:
                try:
                    self.run("BEGIN IMMEDIATE")
                    return
                except peewee.OperationalError as error:
                    if not _is_busy(error) or time.monotonic() >= end:
                        raise
                time.sleep(random.uniform(*_ASK_AGAIN))  # noqa: S311 - no secret
        finally:
            self.run(f"PRAGMA busy_timeout = {round(self._patience * 1000)}")

    @contextmanager
    def unhurried(self) -> Iterator[None]:
        """Transactions in it last once a later one was waited for (https://www.sqlite.org/pragma.html#pragma_synchronous:
        with WAL the file stays consistent)."""
        self.run("PRAGMA synchronous = normal")
        try:
            yield
        finally:
            self.run("PRAGMA synchronous = full")

    @contextmanager
    def part(self) -> Iterator[None]:
        """A part of a transaction that can fail alone."""
        self.run("SAVEPOINT part")
        try:
            yield
        except BaseException:
            if self.raw().in_transaction:
                self.run("ROLLBACK TO part")
                self.run("RELEASE part")
            raise
        self.run("RELEASE part")

    def run(self, sql: str, parameters: tuple[Any, ...] = ()) -> sqlite3.Cursor:
        """Run one statement."""
        cursor: sqlite3.Cursor = self.execute_sql(sql, parameters)  # type: ignore[no-untyped-call]
        return cursor

    def rows(self, sql: str, parameters: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """All rows of a statement."""
        return self.run(sql, parameters).fetchall()

    def value(self, sql: str, parameters: tuple[Any, ...] = ()) -> Any:
        """The first column of the first row, None without a row."""
        row = self.run(sql, parameters).fetchone()
        return row[0] if row else None

    def many(self, sql: str, rows: list[tuple[Any, ...]]) -> None:
        """One statement for many rows."""
        if rows:
            self.raw().executemany(sql, rows)

    def insert(self, table: str, columns: Sequence[str], rows: list[tuple[Any, ...]]) -> None:
        """New rows, many to a statement: each costs a fifth less than with one of its own."""
        head = f"INSERT INTO {table} ({', '.join(columns)}) VALUES "  # noqa: S608 - names are the program's own
        marks = f"({', '.join('?' * len(columns))})"
        whole = len(rows) - len(rows) % ROWS_AT_ONCE
        for at in range(0, whole, ROWS_AT_ONCE):
            values = list(chain.from_iterable(rows[at : at + ROWS_AT_ONCE]))
            self.raw().execute(head + ", ".join([marks] * ROWS_AT_ONCE), values)
        self.many(head + marks, rows[whole:])

    def raw(self) -> sqlite3.Connection:
        """The driver's own connection."""
        connection: sqlite3.Connection = self.connection()  # type: ignore[no-untyped-call]
        return connection


def _is_busy(error: peewee.OperationalError) -> bool:
    code = getattr(getattr(error, "orig", error), "sqlite_errorcode", 0)
    return int(code) & 0xFF == sqlite3.SQLITE_BUSY


def _fold(text: object) -> object:
    return text.casefold() if isinstance(text, str) else text


def touch(db: Db, *topics: Topic) -> None:
    """Rows of these topics changed: whoever watches the store hears of it after the commit."""
    for topic in topics:
        db.run("UPDATE revisions SET number = number + 1 WHERE topic = ?", (topic.value,))


def kept(db: Db, what: str, key: tuple[object, ...], find: Callable[[], V]) -> V:
    """What `find` found for this key, at the last call or now; one answer is kept for each `what`."""
    known = db.found.get(what)
    if known is None or known[0] != key:
        known = db.found[what] = (key, find())
    value: V = known[1]
    return value


def revisions(db: Db, *topics: Topic) -> tuple[int, ...]:
    """A number for each topic that counts up with each change of it."""
    known = dict(db.rows("SELECT topic, number FROM revisions"))
    return tuple(int(known[topic.value]) for topic in topics)
