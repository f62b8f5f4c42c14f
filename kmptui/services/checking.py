"""Check order status: ask SCM now, and collect into the repository what is issued."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from kmptui.domain.certificate import serial_hex
from kmptui.domain.listing import Topic
from kmptui.domain.order import CLOSED_STATUSES, ISSUED_STATUSES, Hold, Ledger, Order
from kmptui.errors import FromScm, NotFound, RestSwitchedOff, RoleMissing, ScmGarbled, ScmRefused, Unreachable
from kmptui.services import collecting
from kmptui.services.bounded import for_each
from kmptui.services.reporting import Progress, Report, silent
from kmptui.store import certificates, ledger, revocations
from kmptui.store.schedule import Body

if TYPE_CHECKING:
    from kmptui.domain.order import RemoteOrder
    from kmptui.scm.client import ScmClient
    from kmptui.services.collecting import Collected, Collecting
    from kmptui.services.engine import Engine
    from kmptui.services.fetching import Fetching
    from kmptui.services.reconciling import Judged, Reconciling
    from kmptui.store.database import Db

UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class CheckLine:
    """What the check of one order found. `outcome`: collected, not added, waiting, closed, unchanged, failed."""

    order_id: int
    common_name: str
    before: str
    after: str
    outcome: str
    words: str


@dataclass(frozen=True, slots=True)
class CheckReport:
    lines: tuple[CheckLine, ...]

    def count(self, outcome: str) -> int:
        return sum(line.outcome == outcome for line in self.lines)


class Checking:
    def __init__(self, engine: Engine, collecting_: Collecting, fetching: Fetching, reconciling: Reconciling) -> None:
        self._engine = engine
        self._collecting = collecting_
        self._fetching = fetching
        self._reconciling = reconciling

    async def check(self, order_ids: Collection[int] | None = None, report: Report = silent) -> CheckReport:
        """Ask SCM about these orders, or about all that are open or not yet collected; unconfirmed ones are reconciled
        first. What is issued is collected, proved to belong to its key, and added to the repository unless the limit is
        reached ("issued, not added"). Raises NotLinked, AccountRefused, VaultLocked, Unreachable when nothing could be
        asked at all."""
        return await self._engine.own(
            self._check(order_ids, self._engine.telling(report)),
            "Checking orders",
            stoppable=True,
            stopped="what was found so far is kept, check again for the rest",
        )

    async def _check(self, order_ids: Collection[int] | None, report: Report) -> CheckReport:
        engine = self._engine
        client = await engine.client()
        judged = {one.order_id: one for one in await self._reconciling.reconcile(order_ids)}
        lines: list[CheckLine] = []
        if order_ids is None:
            await self._fetching.let_in()
            due = await engine.store.read(_due)
        else:
            due = tuple(dict.fromkeys(order_ids))
        # what SCM does not have under a number of its own cannot be asked about
        unknown = await engine.store.read(_without_number, [*judged])
        lines += [_line_of(judged[order_id]) for order_id in judged if order_id in unknown or order_id not in due]
        due = tuple(order_id for order_id in due if order_id not in unknown)
        done = 0
        errors: list[Unreachable] = []

        async def one(order_id: int) -> None:
            nonlocal done
            try:
                line = await self._one(client, order_id)
            except Unreachable as error:
                errors.append(error)
                line = CheckLine(order_id, "", "", "", collecting.FAILED, str(error))
            lines.append(_after(judged.get(order_id), line))
            done += 1
            report(Progress("Checking orders", done, len(due)))

        await for_each(due, one, engine.settings.concurrency)
        if errors and len(errors) == len(due):
            raise errors[0]
        if order_ids is None:
            lines += [_collected_line(one) for one in await self._fetching.drain(client, report)]
        return CheckReport(tuple(lines))

    async def _one(self, client: ScmClient, order_id: int) -> CheckLine:
        """One order, in its own try: what is wrong with it never stops the others, nor that the account may not see it.
        Raises WrongLogin, PasswordExpired, Unreachable, StoreFailed, which concern them all."""
        engine = self._engine
        try:
            order = await engine.store.read(ledger.order, order_id)
        except NotFound as error:
            return CheckLine(order_id, "", "", "", collecting.FAILED, str(error))
        before = order.row.state
        if order.ssl_id is None or order.row.ledger is not Ledger.ACCEPTED:
            return CheckLine(order_id, order.common_name, before, before, UNCHANGED, "SCM does not know it")
        try:
            remote = await client.details(order.ssl_id)
        except (ScmRefused, ScmGarbled, RoleMissing, RestSwitchedOff) as error:
            code = error.code if isinstance(error, FromScm) else None
            await engine.store.write(ledger.set_problem, order_id, str(error), code)
            engine.changed(Topic.ORDERS, {order_id})
            return CheckLine(order_id, order.common_name, before, before, collecting.FAILED, str(error))
        order = await engine.store.write(revocations.take_in, remote, await engine.stamp())
        engine.changed(Topic.ORDERS, {order_id})
        return await self._outcome(client, order, remote, before)

    async def _outcome(self, client: ScmClient, order: Order, remote: RemoteOrder, before: str) -> CheckLine:
        status = order.row.status.lower()
        outcome, words = UNCHANGED, f"{order.row.state}, as before" if order.row.state == before else order.row.state
        if status in ISSUED_STATUSES and await self._missing(order, remote):
            collected = await self._collecting.collect(client, _body(order))
            order = await self._engine.store.read(ledger.order, order.id)
            outcome, words = collected.outcome, collected.words
        elif status in CLOSED_STATUSES:
            outcome = collecting.CLOSED if order.row.state != before else UNCHANGED
        elif status not in ISSUED_STATUSES:
            outcome, words = collecting.WAITING, f"{order.row.state} since {_since(order)}" if _since(order) else words
        return CheckLine(order.id, order.common_name, before, order.row.state, outcome, words)

    async def _missing(self, order: Order, remote: RemoteOrder) -> bool:
        """Whether the certificate that SCM has now is not in the repository, or may not be: a reissue's is known by its
        key alone."""
        if order.row.certificate_id is None or order.row.hold is Hold.REISSUE:
            return True
        if not remote.serial:
            return False
        held = await self._engine.store.read(certificates.of_order, order.id)
        return all(serial_hex(row.serial) != _serial(remote.serial) for row in held)


def _due(db: Db) -> tuple[int, ...]:
    """Orders to be asked about, those whose revocation SCM has not confirmed among them; issued ones that only wait for
    their body are fetched from the queue instead."""
    queued = {Hold.WAITING, Hold.FAILED, Hold.LIMIT}
    orders = (ledger.order(db, order_id) for order_id in ledger.to_check(db))
    found = [
        order.id for order in orders if order.row.status.lower() not in ISSUED_STATUSES or order.row.hold not in queued
    ]
    return tuple(dict.fromkeys((*found, *revocations.unconfirmed(db))))


def _body(order: Order) -> Body:
    assert order.ssl_id is not None  # noqa: S101 - asked of orders that SCM has
    return Body(order.id, order.ssl_id, order.common_name, order.row.serial, order.spki, 0, False)


def _serial(text: str) -> str:
    """SCM's spelling of a serial as ours; what is no serial stays as it is."""
    try:
        return serial_hex(text)
    except ValueError:
        return text


def _since(order: Order) -> str:
    day = order.approved or order.row.requested
    return f"{day:%-d %b %Y}" if day is not None else ""


def _line_of(judged: Judged) -> CheckLine:
    outcome = {Ledger.ACCEPTED: collecting.WAITING, Ledger.NOT_PLACED: collecting.CLOSED}
    return CheckLine(
        judged.order_id,
        judged.common_name,
        Ledger.UNCONFIRMED.value,
        judged.ledger.value,
        outcome.get(judged.ledger, collecting.FAILED),
        judged.words,
    )


def _after(judged: Judged | None, line: CheckLine) -> CheckLine:
    """What was found of an order whose reply had not come: one line, from how it was."""
    if judged is None:
        return line
    words = f"{judged.words}; {line.words}"
    if judged.ledger is Ledger.UNCONFIRMED:  # a reissue: the order itself is known
        return replace(line, outcome=collecting.FAILED, words=words)
    return replace(line, before=Ledger.UNCONFIRMED.value, words=words)


def _without_number(db: Db, order_ids: Collection[int]) -> frozenset[int]:
    return frozenset(order_id for order_id in order_ids if ledger.order(db, order_id).ssl_id is None)


def _collected_line(one: Collected) -> CheckLine:
    after = "issued" if one.outcome == collecting.COLLECTED else "issued, not added"
    return CheckLine(one.order_id, one.common_name, "issued, not added", after, one.outcome, one.words)
