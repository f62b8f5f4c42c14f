"""Renewals that did not come about: which orders wait for one, why, and when it is tried again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from kmptui.store.columns import json_text, moment_of, moment_text
from kmptui.store.db import Db

BY_SCHEDULE = "by schedule"
"""How the reason of a renewal begins that nobody asked for by hand."""
FAILED, BLOCKED, DEFERRED = "failed", "blocked", "deferred"
_DEFERRED = frozenset({"unreachable", "temporary", "held"})
"""Kinds of trouble that pass by themselves: the next try needs nobody."""
_REFUSED = frozenset({"refused", "given up"})
_TRIES = "SELECT t.order_id, t.kind FROM renewal_tries t JOIN orders o ON o.id = t.order_id WHERE o.auto_renew = 1"
"""What is left out since waits for no renewal."""
_NOT_TAKEN = (
    "SELECT previous_id FROM orders WHERE state IN ('refused', 'not placed') AND previous_id IS NOT NULL"
    " AND deleted = 0"
)
"""Orders whose renewal SCM did not take."""


@dataclass(frozen=True, slots=True)
class Stalled:
    """The last try to renew an order: the cause in plain words with SCM's code, the cure, when it was made, and when
    the next one is (None: none by itself)."""

    order_id: int
    tries: int
    cause: str
    cure: str
    code: int | None
    last: datetime | None
    again: datetime | None


def having(db: Db, op: str, value: str) -> str:
    """Ids (a JSON array) of the orders whose renewal is so: `failed` are all that need a person, `blocked` those of
    them that something known forbids, `deferred` those that are tried again by themselves; each also by its kind."""
    found = [int(row[0]) for row in db.rows(_TRIES) if _is(op, value, _words(str(row[1])))]
    if _is(op, value, (FAILED, "refused")):
        found += [int(row[0]) for row in db.rows(_NOT_TAKEN)]
    return json_text(sorted(set(found)))


def last(db: Db, order_id: int) -> Stalled | None:
    """The last try of an order that came to nothing; None where there was none."""
    rows = db.rows(
        "SELECT tries, cause, cure, code, last, again FROM renewal_tries WHERE order_id = ?", (order_id,)
    ) or db.rows(
        "SELECT 1, problem, 'Renew it again', problem_code, placed, NULL FROM orders"
        " WHERE previous_id = ? AND state IN ('refused', 'not placed') AND deleted = 0",
        (order_id,),
    )
    if not rows:
        return None
    tries, cause, cure, code, at, again = rows[0]
    upcoming = moment_of(again)
    return Stalled(
        order_id,
        tries,
        cause,
        cure,
        code,
        moment_of(at),
        None if upcoming is None or upcoming.year > 9000 else upcoming,
    )


def tonight(db: Db, start: datetime, end: datetime) -> tuple[int, int, int]:
    """Renewals by schedule that SCM took between two moments and that are issued by now, those that still wait, and
    tries that failed since the first and need a person."""
    since, until = moment_text(start), moment_text(end)
    ((taken, issued),) = db.rows(
        "SELECT count(*), ifnull(sum(o.serial <> ''), 0) FROM audit a LEFT JOIN orders o ON o.id = a.order_id"
        " WHERE a.at >= ? AND a.at <= ? AND a.action = 'renew' AND a.outcome = 'accepted'"
        " AND EXISTS (SELECT 1 FROM audit i WHERE i.order_id = a.order_id AND i.action = 'renew' AND i.phase = 'intent'"
        " AND i.reason LIKE ?)",
        (since, until, f"{BY_SCHEDULE}%"),
    )
    tries = db.rows(f"{_TRIES} AND t.last >= ?", (since,))
    return int(issued), int(taken) - int(issued), sum(_words(str(row[1]))[0] == FAILED for row in tries)


def _words(kind: str) -> tuple[str, ...]:
    if kind in _DEFERRED:
        return (DEFERRED, kind)
    return (FAILED, kind) if kind in _REFUSED else (FAILED, BLOCKED, kind)


def _is(op: str, value: str, words: tuple[str, ...]) -> bool:
    return value in words if op == "=" else any(value in word for word in words)
