"""When each job last ran and how it ended, and the queue of certificate bodies that are still to be fetched."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from kmptui.domain.listing import Topic
from kmptui.domain.order import REISSUING, Hold
from kmptui.store.columns import moment_text
from kmptui.store.db import Db, touch
from kmptui.store.ledger import rows
from kmptui.store.models import RunRow

_QUEUE = "hold IN ('waiting', 'locked', 'failed') AND shelf < 2 AND expires >= ?"
"""Answered by the index on expires alone, which holds the others."""
_SUCCESSOR = "(previous_id IS NOT NULL OR certificate_id IS NOT NULL)"


@dataclass(frozen=True, slots=True)
class Run:
    """The last run of a job (mirror, check, import …). `ended` is None while it runs, or when it was killed; `done` is
    when one last ended well; `words` say how the last one ended."""

    job: str
    started: datetime
    ended: datetime | None
    done: datetime | None
    outcome: str
    words: str


def begin(db: Db, job: str, at: datetime) -> None:
    """A job begins; when it last ended well stays known."""
    before = last(db, job)
    done = before.done if before is not None else None
    row = RunRow.insert(job=job, started=at, ended=None, done=done, outcome="", words="")
    row.on_conflict_replace().execute(db)
    touch(db, Topic.ACCOUNT)


def finish(db: Db, job: str, at: datetime, outcome: str, words: str = "") -> None:
    """`outcome` "done" also moves `done`."""
    columns = {"ended": at, "outcome": outcome, "words": words} | ({"done": at} if outcome == "done" else {})
    RunRow.update(**columns).where(RunRow.job == job).execute(db)
    touch(db, Topic.ACCOUNT)


def last(db: Db, job: str) -> Run | None:
    """None when it never ran."""
    row = RunRow.select().where(RunRow.job == job).dicts().first(db)
    return None if row is None else Run(**row)


def runs(db: Db) -> tuple[Run, ...]:
    """All jobs that ever ran, by name."""
    return tuple(Run(**row) for row in RunRow.select().order_by(RunRow.job).dicts().execute(db))


@dataclass(frozen=True, slots=True)
class Body:
    """A certificate that is issued and not in the repository: what is needed to fetch it. `spki` is "" for an order
    that was imported; `successor`: it takes a predecessor's place and is never held back by the limit."""

    order_id: int
    ssl_id: int
    common_name: str
    serial: str
    spki: str
    tries: int
    successor: bool


def bodies(db: Db, now: datetime, most: int = 100) -> tuple[Body, ...]:
    """The next to be fetched: waiting (Hold.WAITING), not expired, soonest to expire first; one that failed comes again
    when its pause is over."""
    found = db.rows(
        f"SELECT id, ssl_id, common_name, serial, spki, body_tries, {_SUCCESSOR} FROM orders"  # noqa: S608 - constants
        f" WHERE {_QUEUE} AND body_again <= ? ORDER BY expires, id LIMIT ?",
        (now.date().isoformat(), moment_text(now), most),
    )
    return tuple(
        Body(order_id, ssl_id, common_name, serial, spki, tries, bool(successor))
        for order_id, ssl_id, common_name, serial, spki, tries, successor in found
    )


def bodies_due(db: Db, now: datetime) -> tuple[int, int]:
    """How many can be fetched now, and how many of these take a predecessor's place."""
    found = db.rows(
        f"SELECT count(*), coalesce(sum({_SUCCESSOR}), 0) FROM orders"  # noqa: S608 - constants
        f" WHERE {_QUEUE} AND body_again <= ?",
        (now.date().isoformat(), moment_text(now)),
    )
    return int(found[0][0]), int(found[0][1])


def bodies_left(db: Db, now: datetime) -> int:
    """How many are waiting to be fetched, those whose pause is not over among them (without those that the limit
    holds)."""
    return int(db.value(f"SELECT count(*) FROM orders WHERE {_QUEUE}", (now.date().isoformat(),)))  # noqa: S608


def body_failed(db: Db, order_id: int, problem: str, code: int | None, again: datetime) -> None:
    """It is tried again at `again`; the order says why (Hold.FAILED, or that a reissue is awaited). Raises NotFound."""
    known = rows.known(db, order_id)
    tries = known["body_tries"] + 1
    hold = Hold(known["hold"]) if Hold(known["hold"]) in REISSUING else Hold.FAILED
    rows.change(
        db, order_id, hold=hold.value, problem=problem, problem_code=code, body_tries=tries,
        body_again=moment_text(again),
    )  # fmt: skip


def hold_by_limit(db: Db, order_ids: Iterable[int]) -> None:
    """The limit keeps these out: "issued, not added"."""
    rows.hold_many(db, order_ids, Hold.LIMIT)


def release_limit(db: Db) -> int:
    """The limit was raised, or something left the repository: those that it held wait again; how many."""
    held = [int(row[0]) for row in db.rows("SELECT id FROM orders WHERE hold = 'limit'")]
    return rows.hold_many(db, held, Hold.WAITING)
