"""The life of an order around the order itself: what it renewed, what renewed it, what is decided about its renewal and
why the last try failed, and how far a revocation of it is proved. From the store only; never asks SCM."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from kmptui.domain.order import Order, OrderRow
from kmptui.domain.renewal import Decision, Policy
from kmptui.domain.retrying import Attempt
from kmptui.store import ledger, renewals, stalled

if TYPE_CHECKING:
    from pathlib import Path

    from kmptui.services.engine import Engine
    from kmptui.services.proving import Proof
    from kmptui.services.renewal import PlanLine, Renewal
    from kmptui.services.revoking import Revoking
    from kmptui.store.database import Db
    from kmptui.store.stalled import Stalled

MOST = 4
"""Orders that are told before and after one."""


@dataclass(frozen=True, slots=True)
class LifeView:
    """`before` are the orders that it renewed, oldest first, `after` those that renewed it, oldest first; `attempt` the
    scheduled renewal that failed last, `refused` one by hand that SCM did not take; `proofs` the revocations of its
    certificates, newest first."""

    before: tuple[OrderRow, ...]
    after: tuple[OrderRow, ...]
    decision: Decision
    attempt: Attempt | None = None
    refused: Stalled | None = None
    proofs: tuple[Proof, ...] = ()


class Life:
    def __init__(self, engine: Engine, renewal: Renewal, revoking: Revoking) -> None:
        self._engine = engine
        self._renewal = renewal
        self._revoking = revoking

    async def of(self, order_id: int) -> LifeView:
        """Raises NotFound."""
        engine = self._engine
        before, after, attempt, refused = await engine.store.read(_around, order_id, engine.clock.now())
        decision = await self._renewal.decision(order_id)
        proofs = tuple(one for one in await self._revoking.proofs() if one.order_id == order_id)
        return LifeView(before, after, decision, attempt, refused, proofs)

    async def plan(self, most: int) -> Sequence[PlanLine]:
        """What is to be renewed, what is due first."""
        return await self._renewal.plan(most)

    async def write_plan(self, path: Path, format: str, words: str, *, replace: bool) -> int:  # noqa: A002
        """The plan, or the lines of it that hold all the words, as csv or json; how many. Raises BadInput."""
        written, _ = await self._renewal.export(path, format, words, replace=replace)
        return written

    def policy(self) -> Policy:
        """What is set about automatic renewal."""
        return self._renewal.policy()


def _around(
    db: Db, order_id: int, now: datetime
) -> tuple[tuple[OrderRow, ...], tuple[OrderRow, ...], Attempt | None, Stalled | None]:
    order = ledger.order(db, order_id)
    before, after = _walk(db, order, "previous_id"), _walk(db, order, "next_id")
    found = renewals.subjects(db, (order_id,), now)
    attempt = found[0].attempt if found else None
    return before[::-1], after, attempt, stalled.last(db, order_id) if attempt is None else None


def _walk(db: Db, order: Order, member: str) -> tuple[OrderRow, ...]:
    rows: list[OrderRow] = []
    while len(rows) < MOST and (number := getattr(order, member)) is not None:
        order = ledger.order(db, number)
        rows.append(order.row)
    return tuple(rows)
