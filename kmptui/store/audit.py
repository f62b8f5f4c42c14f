"""The record: append-only rows, each chained to the one before it by SHA-256.

`hash` is the SHA-256, in hex, of the UTF-8 bytes of one JSON array without blanks, ASCII only (`\\uXXXX` elsewhere):
[seq, at, actor, account, action, phase, outcome, subject, order_id, certificate_id, reason, [[name, value], …],
previous] `at` is UTC as YYYY-MM-DDThh:mm:ss.ffffffZ, a missing id is null, `previous` the hash of row seq-1 (64 zeros
for row 1). A changed, inserted, removed or swapped row is found; a cut tail or a rewritten whole only against a head
kept elsewhere.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from datetime import datetime
from typing import Any

from kmptui.domain.audit import AuditRow, Entry, Stamp, Verdict
from kmptui.domain.listing import Topic
from kmptui.store.columns import clean, json_text, moment_text, pairs_of
from kmptui.store.db import Db, touch
from kmptui.store.faults import undecodable

START = "0" * 64
"""What stands as the hash before the first row."""
COLUMNS = (
    "seq", "at", "actor", "account", "action", "phase", "outcome", "subject", "order_id", "certificate_id", "reason",
    "details", "previous", "hash",
)  # fmt: skip
_COLUMNS = ", ".join(COLUMNS)
_UNREADABLE = (None,) * len(COLUMNS)


def append(db: Db, entry: Entry, stamp: Stamp) -> int:
    """Write a row; its seq."""
    last = db.rows("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1")
    seq, previous = (int(last[0][0]) + 1, str(last[0][1])) if last else (1, START)
    row = (
        seq,
        moment_text(stamp.at),
        clean(str(stamp.actor)),
        clean(stamp.account),
        clean(entry.action),
        clean(entry.phase),
        clean(entry.outcome),
        clean(entry.subject),
        entry.order_id,
        entry.certificate_id,
        clean(entry.reason),
        json_text([[clean(name), clean(value)] for name, value in entry.details]),
        previous,
    )
    db.run(f"INSERT INTO audit ({_COLUMNS}) VALUES ({', '.join('?' * 14)})", (*row, _hash(row)))  # noqa: S608 - constants
    touch(db, Topic.AUDIT)
    return seq


def head(db: Db) -> str:
    """The hash of the last row, "" while there is none."""
    return str(db.value("SELECT hash FROM audit ORDER BY seq DESC LIMIT 1") or "")


def verify(db: Db, head: str | None = None) -> Verdict:
    """Follow the whole chain, streamed; with `head`, also that this hash is one of its rows'."""
    previous, seen, rows_seen = START, not head, 0
    told = db.run(f"SELECT {_COLUMNS} FROM audit ORDER BY seq")  # noqa: S608 - constants
    while row := _next(told):
        problem = _problem(row, rows_seen + 1, previous)
        if problem:
            return Verdict(False, rows_seen, previous if rows_seen else "", rows_seen + 1, problem)
        previous, rows_seen = str(row[13]), rows_seen + 1
        seen = seen or previous == head
    last = previous if rows_seen else ""
    if not seen:
        problem = "the given head is not in the record: rows were cut off its end, or the whole was rewritten"
        return Verdict(False, rows_seen, last, rows_seen + 1, problem)
    return Verdict(True, rows_seen, last)


def rows(
    db: Db, *, after: int = 0, start: datetime | None = None, end: datetime | None = None, most: int = 1000
) -> tuple[AuditRow, ...]:
    """The next rows after seq `after`, oldest first, with start ≤ at < end: call again with the last seq until
    empty."""
    first, last = (moment_text(start) if start else ""), (moment_text(end) if end else "~")
    sql = f"SELECT {_COLUMNS} FROM audit WHERE seq > ? AND at >= ? AND at < ? ORDER BY seq LIMIT ?"  # noqa: S608
    return tuple(map(row_of, db.rows(sql, (after, first, last, most))))


def of_order(db: Db, order_id: int, most: int = 20) -> tuple[AuditRow, ...]:
    """Newest first."""
    found = db.rows(f"SELECT {_COLUMNS} FROM audit WHERE order_id = ? ORDER BY seq DESC LIMIT ?", (order_id, most))  # noqa: S608
    return tuple(map(row_of, found))


def last_reason(db: Db, order_id: int, action: str) -> str:
    """The reason of the newest row of that action, "" without one."""
    sql = "SELECT reason FROM audit WHERE order_id = ? AND action = ? ORDER BY seq DESC LIMIT 1"
    return str(db.value(sql, (order_id, action)) or "")


def of_certificate(db: Db, certificate_id: int, most: int = 20) -> tuple[AuditRow, ...]:
    """Newest first."""
    sql = f"SELECT {_COLUMNS} FROM audit WHERE certificate_id = ? ORDER BY seq DESC LIMIT ?"  # noqa: S608 - constants
    return tuple(map(row_of, db.rows(sql, (certificate_id, most))))


def row_of(row: tuple[Any, ...]) -> AuditRow:
    """A row from its COLUMNS."""
    seq, at, *texts, order_id, certificate_id, reason, details, previous, digest = row
    actor, account, action, phase, outcome, subject = texts
    return AuditRow(
        seq, datetime.fromisoformat(at), actor, account, action, phase, outcome, subject, order_id, certificate_id,
        reason, pairs_of(details), previous, digest,
    )  # fmt: skip


def _hash(row: tuple[Any, ...]) -> str:
    """Of all columns but the hash itself, in their order; `details` go in as the array that they are."""
    values: list[Any] = list(row)
    values[11] = json.loads(values[11])
    return hashlib.sha256(json_text(values).encode("ascii")).hexdigest()


def _next(told: sqlite3.Cursor) -> tuple[Any, ...] | None:
    """The next row; one of None where its text is no text, None behind the last."""
    try:
        return next(told, None)
    except sqlite3.OperationalError as error:
        if not undecodable(error):
            raise
        return _UNREADABLE


def _problem(row: tuple[Any, ...], expected: int, previous: str) -> str:
    if row is _UNREADABLE:
        return f"row {expected} was changed: it cannot be read"
    if row[0] != expected:
        return f"row {expected} is missing" if row[0] > expected else f"row {row[0]} stands where {expected} should"
    if row[12] != previous:
        return f"row {expected} does not follow the one before it"
    try:
        digest = _hash(row[:13]) if isinstance(row[11], str) else ""
    except (ValueError, TypeError, RecursionError):  # no JSON, bytes where text should be, JSON without end
        digest = ""
    return "" if digest == row[13] else f"row {expected} was changed"
