"""What is due by schedule, and when, as of the store."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from kmptui.domain import timing
from kmptui.domain.listing import Topic
from kmptui.domain.timing import Past
from kmptui.services.mirror import MIRRORED
from kmptui.services.reporting import Report, silent
from kmptui.services.runs import RunLine
from kmptui.store import mirror, pending, schedule

if TYPE_CHECKING:
    from kmptui.services.automatic import Automatic, Due
    from kmptui.services.engine import Engine
    from kmptui.store.database import Db
    from kmptui.store.pending import Pending

RUN, MIRROR, ORDERS, SEARCH = "run", "scheduled mirror", "scheduled orders", "scheduled search"
"""The jobs whose last run is kept (store.schedule)."""
CHECK, UNANSWERED, BODIES, RENEWALS, PROOFS = "check", "unanswered", "bodies", "renewals", "proofs"
"""What else may be due."""


class Proving(Protocol):
    """What proves revocations by looking CRLs up."""

    async def due(self) -> datetime | None: ...

    async def prove(self, report: Report = silent, *, due_only: bool = True) -> tuple[Any, ...]: ...


@dataclass(frozen=True, slots=True)
class Work:
    """What is due and when, as of the store; None: never. `backward`: the last run is noted for the future."""

    due: dict[str, datetime | None]
    pending: Pending
    renewals: Due
    now: datetime
    backward: bool

    def is_due(self, job: str) -> bool:
        at = self.due[job]
        return at is not None and at <= self.now

    @property
    def next(self) -> datetime | None:
        return min((at for at in self.due.values() if at is not None), default=None)

    @property
    def anything(self) -> bool:
        """Whether SCM has to be asked."""
        return self.backward or any(map(self.is_due, self.due))


class Outlook:
    """Reads the store alone; what revocations wait for is asked of `proving`, where that is there."""

    def __init__(self, engine: Engine, automatic: Automatic, proving: Proving | None = None) -> None:
        self._engine = engine
        self._automatic = automatic
        self._proving = proving

    async def work(self) -> Work:
        """Asks nobody."""
        engine = self._engine
        now = engine.clock.now()
        waits = await engine.store.read(pending.pending, now)
        past = await engine.store.read(pasts)
        renewals = await self._automatic.due()
        searched = past[SEARCH].begun
        due = {
            MIRROR: timing.due(past[MIRROR], timing.WEEKLY, now),
            ORDERS: timing.due(past[ORDERS], timing.DAILY, now) if waits.known else None,
            CHECK: min((timing.asked_again(one.placed, one.asked, now) for one in waits.open), default=None),
            UNANSWERED: min(
                (timing.asked_again(one.sent, _since(searched, one.sent), now) for one in waits.unanswered),
                default=None,
            ),
            BODIES: waits.bodies,
            RENEWALS: renewals.at(now),
            PROOFS: await self._proving.due() if self._proving is not None else None,
        }
        backward = any(one.begun is not None and one.begun - now > timing.CLOCK_OFF for one in past.values())
        return Work(due, waits, renewals, now, backward)


def pasts(db: Db) -> dict[str, Past]:
    """What is known of the jobs; a sync by hand counts as one by schedule."""
    kept = {run.job: past_of(run) for run in schedule.runs(db)}
    found = {job: kept.get(job, Past()) for job in (RUN, MIRROR, ORDERS, SEARCH)}
    by_hand = {MIRROR: MIRRORED, ORDERS: (Topic.ORDERS,)}
    for job, topics in by_hand.items():
        ages = [age for topic in topics if (age := mirror.mirrored_at(db, topic)) is not None]
        if len(ages) == len(topics):
            own = found[job].done
            found[job] = replace(found[job], done=max(min(ages), own) if own is not None else min(ages))
    return found


def past_of(run: schedule.Run) -> Past:
    """A run as the rules of timing take it."""
    return Past(run.started, run.ended, run.done)


def _since(searched: datetime | None, sent: datetime) -> datetime | None:
    """When what has no reply was looked for last, where that came after the request."""
    return searched if searched is not None and searched > sent else None


def left_open(db: Db, now: datetime) -> tuple[RunLine, ...]:
    """What is under way when the run ends."""
    waits = pending.pending(db, now)
    lines = [
        RunLine(
            "unconfirmed", f"the {one.act} has no reply yet: it is looked for",
            f"Or settle it: kmptui orders settle o{one.order_id}", one.order_id, one.common_name,
        )
        for one in waits.unanswered
    ]  # fmt: skip
    lines += [
        RunLine("check", f"{one.state} since {one.placed:%-d %b %Y}", "", one.order_id, one.common_name)
        for one in waits.open
    ]
    return tuple(lines)
