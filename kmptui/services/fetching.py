"""Fetching queued certificate bodies: bounded, resumable, each once; the limit decides how many come in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kmptui.domain.audit import Entry
from kmptui.domain.limit import Limit
from kmptui.domain.listing import Topic
from kmptui.errors import Unreachable
from kmptui.services.bounded import for_each
from kmptui.services.collecting import NOT_ADDED, Collected
from kmptui.services.reporting import Progress, Report
from kmptui.store import audit, certificates, ledger, schedule

if TYPE_CHECKING:
    from datetime import datetime

    from kmptui.domain.audit import Stamp
    from kmptui.scm.client import ScmClient
    from kmptui.services.collecting import Collecting
    from kmptui.services.engine import Engine
    from kmptui.store.certificates import NewCertificate
    from kmptui.store.database import Db
    from kmptui.store.schedule import Body

BATCH = 64
"""Bodies that are added in one transaction: what a kill can lose, to be fetched again."""
HELD_AT_ONCE = 1_000


class Fetching:
    """The queue is in the store, so a run that was stopped or killed goes on where it was."""

    def __init__(self, engine: Engine, collecting: Collecting) -> None:
        self._engine = engine
        self._collecting = collecting

    async def let_in(self) -> None:
        """Where the limit has room again, what it held waits again."""
        if await self._engine.store.write(_let_in, self._engine.settings.certificate_limit, self._engine.clock.now()):
            self._engine.changed(Topic.ORDERS, set())

    async def drain(self, client: ScmClient, report: Report) -> tuple[Collected, ...]:
        """Fetch until the queue is empty or SCM cannot be reached. Raises AccountRefused, StoreFailed; Unreachable
        where nothing at all could be fetched."""
        engine = self._engine
        total = await engine.store.read(_to_come, engine.settings.certificate_limit, engine.clock.now())
        outcomes: list[Collected] = []
        asked = 0
        while True:
            batch, held = await engine.store.write(_next, engine.settings.certificate_limit, await engine.stamp())
            outcomes += held
            if held:
                engine.changed(Topic.ORDERS, {one.order_id for one in held})
            if not batch and not held:
                return tuple(outcomes)
            if not batch:
                continue
            trouble, got = await self._batch(client, batch)
            outcomes += got
            asked += len(batch)
            report(Progress("Fetching certificates", asked, max(total, asked)))
            if len(trouble) == len(batch):
                if len(outcomes) == len(got):
                    raise trouble[0]
                return tuple(outcomes)

    async def _batch(self, client: ScmClient, batch: Sequence[Body]) -> tuple[list[Unreachable], list[Collected]]:
        trouble: list[Unreachable] = []
        outcomes: list[Collected] = []
        fetched: list[NewCertificate] = []

        async def one(body: Body) -> None:
            try:
                got = await self._collecting.fetch(client, body)
            except Unreachable as error:
                trouble.append(error)
                got = await self._collecting.failed(body, str(error), None)
            if isinstance(got, Collected):
                outcomes.append(got)
            else:
                fetched.append(got)

        try:
            await for_each(batch, one, self._engine.settings.concurrency)
        finally:
            # what has come is kept, whatever ended the rest
            if fetched:
                outcomes += await self._collecting.add(fetched)
        return trouble, outcomes


def _let_in(db: Db, most: int, now: datetime) -> int:
    room = Limit(most, certificates.limit_used(db, now)).room
    return schedule.release_limit(db) if room is None or room > 0 else 0


def _to_come(db: Db, most: int, now: datetime) -> int:
    """How many a run will fetch: what waits now, without what the limit will hold back."""
    waiting, successors = schedule.bodies_due(db, now)
    room = Limit(most, certificates.limit_used(db, now)).room
    return waiting if room is None else successors + min(room, waiting - successors)


def _next(db: Db, most: int, stamp: Stamp) -> tuple[list[Body], list[Collected]]:
    """The next bodies to fetch, no more than fit in; where nothing fits any more, those that are held for it: of orders
    that were made here the audit tells so, of imported ones the import has told."""
    now = stamp.at
    limit = Limit(most, certificates.limit_used(db, now))
    room = limit.room
    if room is None or room > 0:
        return _that_fit(schedule.bodies(db, now, BATCH), room), []
    waiting = schedule.bodies(db, now, HELD_AT_ONCE)
    held = [body for body in waiting if not body.successor]
    schedule.hold_by_limit(db, [body.order_id for body in held])
    words = f"issued, not added: limit {limit}"
    for body in held:
        if ledger.intent_of(db, body.order_id) is not None:
            entry = Entry(
                "collect", outcome="not added", subject=body.common_name, order_id=body.order_id, reason=words
            )
            audit.append(db, entry, stamp)
    outcomes = [Collected(body.order_id, body.common_name, NOT_ADDED, words) for body in held]
    return [body for body in waiting if body.successor][:BATCH], outcomes


def _that_fit(bodies: Sequence[Body], room: int | None) -> list[Body]:
    fitting: list[Body] = []
    for body in bodies:
        if not body.successor and room is not None:
            if room == 0:
                continue
            room -= 1
        fitting.append(body)
    return fitting
