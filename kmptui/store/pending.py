"""What waits for the next run of the schedule: orders of ours at SCM, requests without a reply, bodies to fetch."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from kmptui.domain.order import Ledger
from kmptui.store.columns import json_text, moment_of, moment_text
from kmptui.store.db import Db
from kmptui.store.ledger.reading import OPEN_STATES

ELSEWHERE_AT_ONCE = 20
"""Orders that are asked about in one run because they seem to have been renewed elsewhere."""
ELSEWHERE_DAYS = timedelta(days=3)
_OPEN = ", ".join(f"'{word}'" for word in (*OPEN_STATES, "reissue under way"))
_OURS = (
    "FROM orders WHERE origin IN ('ordered', 'renewed') AND ledger = 'accepted' AND deleted = 0"
    f" AND (state IN ({_OPEN}) OR (state >= '\"' AND state < '#'))"
)
_QUEUE = "hold IN ('waiting', 'locked', 'failed') AND shelf < 2 AND expires >= ?"


@dataclass(frozen=True, slots=True)
class Open:
    """An order of ours that SCM has not finished: `asked` is when SCM was asked about it last."""

    order_id: int
    common_name: str
    state: str
    placed: datetime
    asked: datetime | None


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A request whose outcome is not known, sent at `sent`."""

    order_id: int
    common_name: str
    act: str
    sent: datetime


@dataclass(frozen=True, slots=True)
class Pending:
    """`bodies`: when the next one may be fetched, None where none waits; `known`: orders of SCM's are known here."""

    open: tuple[Open, ...] = ()
    unanswered: tuple[Unanswered, ...] = ()
    bodies: datetime | None = None
    known: bool = False


def pending(db: Db, now: datetime) -> Pending:
    """As the store has it."""
    return Pending(
        open=_open(db),
        unanswered=_unanswered(db),
        bodies=_bodies(db, now),
        known=bool(db.value("SELECT EXISTS (SELECT 1 FROM orders WHERE ssl_id IS NOT NULL)")),
    )


def perhaps_renewed(db: Db, today: date) -> tuple[int, ...]:
    """Chosen orders that another one looks like the renewal of, where SCM was not asked whether it is, or the other one
    is only days old; a few, oldest answer first."""
    found = db.rows(
        "SELECT o.id FROM orders o WHERE o.auto_renew = 1 AND o.shelf = 0 AND o.ledger = 'accepted'"
        " AND o.next_id IS NULL AND ifnull(o.renewed, 0) = 0 AND EXISTS (SELECT 1 FROM orders n"
        " WHERE n.common_name = o.common_name AND n.ssl_id > o.ssl_id AND n.origin = 'imported'"
        " AND n.previous_id IS NULL AND n.names_count = o.names_count AND n.deleted = 0 AND n.requested >= o.requested"
        " AND n.organization_id = o.organization_id AND n.profile_id = o.profile_id"
        " AND (o.renewed IS NULL OR n.requested >= ?)) ORDER BY o.checked, o.id LIMIT ?",
        ((today - ELSEWHERE_DAYS).isoformat(), ELSEWHERE_AT_ONCE),
    )
    return tuple(int(row[0]) for row in found)


def renewed_by_nobody_known(db: Db) -> tuple[tuple[int, str, int], ...]:
    """Chosen orders that SCM calls renewed, by an order that is not here: id, common name, sslId; a few."""
    found = db.rows(
        "SELECT o.id, o.common_name, o.ssl_id FROM orders o LEFT JOIN orders n ON n.id = o.next_id"
        " WHERE o.auto_renew = 1 AND o.shelf = 0 AND o.ledger = 'accepted' AND o.renewed = 1"
        " AND (n.id IS NULL OR n.ledger IN ('draft', 'refused', 'not placed')) ORDER BY o.checked, o.id LIMIT ?",
        (ELSEWHERE_AT_ONCE,),
    )
    return tuple((int(row[0]), str(row[1]), int(row[2])) for row in found)


def unknown(db: Db, ssl_ids: Collection[int]) -> frozenset[int]:
    """Those of SCM's orders that are not here, nor were deleted here."""
    known = db.rows(
        "SELECT ssl_id FROM orders WHERE ssl_id IN (SELECT value FROM json_each(?))", (json_text(list(ssl_ids)),)
    )
    return frozenset(ssl_ids) - {int(row[0]) for row in known}


def _open(db: Db) -> tuple[Open, ...]:
    found = db.rows(f"SELECT id, common_name, state, placed, checked {_OURS} ORDER BY id")
    told = ((row, moment_of(row[3])) for row in found)
    return tuple(Open(row[0], row[1], row[2], placed, moment_of(row[4])) for row, placed in told if placed is not None)


def _unanswered(db: Db) -> tuple[Unanswered, ...]:
    found = db.rows(
        "SELECT i.order_id, i.common_name, i.act, coalesce(i.ended, i.sent, i.prepared) FROM intents i"
        " JOIN orders o ON o.id = i.order_id WHERE i.state IN (?, ?, ?) AND o.deleted = 0 ORDER BY i.id",
        (Ledger.PREPARED.value, Ledger.SENT.value, Ledger.UNCONFIRMED.value),
    )
    told = ((row, moment_of(row[3])) for row in found)
    return tuple(Unanswered(row[0], row[1], row[2], at) for row, at in told if at is not None)


def _bodies(db: Db, now: datetime) -> datetime | None:
    today = now.date().isoformat()
    found = db.value(f"SELECT min(body_again) FROM orders WHERE {_QUEUE}", (today,))  # noqa: S608 - a constant
    if found is None:
        return None
    return now if found <= moment_text(now) else moment_of(found)
