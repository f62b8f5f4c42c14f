"""Domain control validation (DCV): seen, started, submitted, looked at again; and a waiting order's own.

Each step is one request that changes something at SCM: intent and outcome are in the audit, and afterwards the domain's
row in the mirror is read anew. A step without a clear answer is told, never repeated by itself; taken again by a person
it does no harm: SCM keeps one attempt for a domain. What is to be published is no secret, and SCM tells it at any time.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from kmptui.domain.audit import Entry
from kmptui.domain.coverage import DomainIndex, unproved
from kmptui.domain.dcv import Step, method_of
from kmptui.domain.listing import Topic
from kmptui.errors import (
    AccountRefused,
    BadInput,
    KmptuiError,
    ScmGarbled,
    ScmRefused,
    StateForbids,
    StoreFailed,
    Unreachable,
    WrongKind,
)
from kmptui.services.sending import DEFECT, STOPPED
from kmptui.store import audit, dependents, ledger, mirror

if TYPE_CHECKING:
    from datetime import date, datetime

    from kmptui.domain.dcv import DcvRecord, DcvState, Dependents, OrderDcv
    from kmptui.domain.domain import Domain
    from kmptui.scm.client import ScmClient
    from kmptui.services.claiming import Claiming
    from kmptui.services.engine import Engine
    from kmptui.store.database import Db

T = TypeVar("T")
Sleep = Callable[[float], Awaitable[None]]

_log = logging.getLogger(__name__)

FIRST_PAUSE, SLOWER, LONGEST_PAUSE = 5.0, 1.5, 60.0
"""Seconds between two looks of `follow`, and how they grow."""
RETRY = "kmptui orders renew --blocked"


@dataclass(frozen=True, slots=True)
class DcvView:
    """A domain's validation. `domain` is the mirror's row; `state` is SCM's word at the time `asked`, None where SCM
    was not asked; `stale` says why the mirror's row could not be read anew."""

    domain: Domain
    blocks: Dependents
    state: DcvState | None = None
    asked: datetime | None = None
    stale: str = ""

    @property
    def step(self) -> Step:
        """What comes next, by SCM's word."""
        return self.state.step if self.state is not None else Step.START

    @property
    def method(self) -> str:
        """The running attempt's method, else the one that the domain was last validated by, as in METHODS."""
        return (self.state.method if self.state else "") or method_of(self.domain.dcv_method)

    @property
    def words(self) -> str:
        """Where it stands and what that means, in one sentence."""
        name, blocked = self.domain.name, self.blocks.words
        if self.step is Step.DONE:
            due = self.blocks.due
            renewals = f"{due:,} renewal{' is' if due == 1 else 's are'} due under it" if due else ""
            return f"{name} is validated" + (f"; {renewals}, those that it blocked go on with: {RETRY}" if due else "")
        meaning = f"; until then it blocks {blocked}" if blocked else ""
        if self.step is Step.PUBLISH:
            return f"{name} waits for its record to be published, and then for the submit{meaning}"
        if self.step is Step.AWAIT:
            return f"{name} waits for the CA to see what was published{meaning}"
        return f"{name} is not validated, and no attempt runs" + (f"; it blocks {blocked}" if blocked else "")


class Validating:
    def __init__(self, engine: Engine, claiming: Claiming, sleep: Sleep = asyncio.sleep) -> None:
        self._engine = engine
        self._claiming = claiming
        self._sleep = sleep

    async def known(self, domain_id: int) -> DcvView:
        """From the store alone. Raises NotFound."""
        engine = self._engine
        today, days = engine.clock.now().date(), engine.settings.renew_days_before
        return await engine.store.read(_known, domain_id, today, days)

    async def behind(self, order_id: int) -> int | None:
        """The first domain of the order's names whose validation does not cover them now; None where all do. From the
        store alone. Raises NotFound."""
        return await self._engine.store.read(_behind, order_id, self._engine.clock.now().date())

    async def state(self, domain_id: int) -> DcvView:
        """Ask SCM; the mirror's row is read anew. Raises NotFound, NotLinked, VaultLocked, AccountRefused, Unreachable,
        ScmRefused, ScmGarbled."""
        domain = (await self.known(domain_id)).domain
        return await self._engine.own(self._state(domain), f"Asking SCM about {domain.name}", stoppable=True)

    async def follow(
        self, domain_id: int, on_change: Callable[[DcvView], None], *, seconds: float | None = None
    ) -> DcvView:
        """Ask SCM, 5 s apart at first, then slower, while an attempt waits for the CA and `seconds` have not passed;
        `on_change` hears every change. Returns the last. Raises like `state`, but is not stopped by Unreachable once it
        has begun."""
        loop = asyncio.get_running_loop()
        start, slept, pause = loop.time(), 0.0, FIRST_PAUSE
        view = await self.state(domain_id)
        on_change(view)
        while view.step is Step.AWAIT:
            waited = max(loop.time() - start, slept)
            if seconds is not None and waited >= seconds:
                break
            nap = pause if seconds is None else min(pause, seconds - waited)
            await self._sleep(nap)
            slept += nap
            pause = min(pause * SLOWER, LONGEST_PAUSE)
            with contextlib.suppress(Unreachable):  # asked again after the next pause
                fresh = await self.state(domain_id)
                if fresh.state != view.state:
                    on_change(fresh)
                view = fresh
        return view

    async def start(self, domain_id: int, method: str) -> DcvRecord:
        """Begin: the record to publish. For txt it may come with the submit only; for email it names the mailboxes.

        Raises ReadOnly, BadInput("method"), HeldElsewhere, Unreachable (nothing was sent), AccountRefused, ScmRefused,
        Unconfirmed (it may be done again by hand)."""
        answer, view = await self._step(
            domain_id, "dcv start", (("method", method),), lambda client, name: client.dcv_start(name, method)
        )
        told = view.state.record if view.state is not None else None
        return told if told is not None and not (answer.publishable or answer.emails) else answer

    async def submit(self, domain_id: int, method: str, email: str = "") -> DcvView:
        """Let the CA look for what was published. Raises like `start`, and BadInput("email")."""
        details = (("method", method), *((("email", email),) if email else ()))
        answer, view = await self._step(
            domain_id, "dcv submit", details, lambda client, name: client.dcv_submit(name, method, email)
        )
        return _completed(view, answer)

    async def look(self, domain_id: int) -> DcvView:
        """Let SCM look again now. Raises like `start`."""
        answer, view = await self._step(domain_id, "dcv look", (), lambda client, name: client.dcv_sync(name))
        return _completed(view, answer)

    async def of_order(self, order_id: int) -> OrderDcv:
        """What a waiting order still needs published, and what the CA saw. Raises NotFound, StateForbids, and like
        `state`."""
        ssl_id, _ = await self._order(order_id)

        async def work() -> OrderDcv:
            return await (await self._engine.client()).order_dcv(ssl_id)

        return await self._engine.own(work(), f"Asking SCM about the validation of o{order_id}", stoppable=True)

    async def recheck(self, order_id: int) -> OrderDcv:
        """Let the CA look again for one waiting order. Raises StateForbids, and like `start`."""
        await self._engine.may_write("validate")
        ssl_id, name = await self._order(order_id)

        async def work() -> OrderDcv:
            client = await self._engine.client()
            async with self._claiming.hold(_topic(name)):
                entry = Entry("dcv recheck", subject=name, order_id=order_id)
                await self._audited(entry, lambda: client.order_dcv_recheck(ssl_id))
                # the answer holds the log alone (SCM REST 25.5, SSL: DCV recheck)
                return await client.order_dcv(ssl_id)

        return await self._engine.own(work(), f"Having the CA look again for {name}")

    # the work itself, in tasks of the workspace

    async def _state(self, domain: Domain) -> DcvView:
        client = await self._engine.client()
        state = await client.dcv_status(domain.name)
        stale = await self._mirrored(client, domain)
        return replace(await self.known(domain.id), state=state, asked=self._engine.clock.now(), stale=stale)

    async def _step(
        self,
        domain_id: int,
        action: str,
        details: tuple[tuple[str, str], ...],
        call: Callable[[ScmClient, str], Awaitable[T]],
    ) -> tuple[T, DcvView]:
        """One step, and how things stand after it. Where that cannot be asked any more the step was taken all the same:
        `stale` says why."""
        await self._engine.may_write("validate")
        known = await self.known(domain_id)
        name = known.domain.name

        async def work() -> tuple[T, DcvView]:
            client = await self._engine.client()
            async with self._claiming.hold(_topic(name)):
                answer = await self._audited(Entry(action, subject=name, details=details), lambda: call(client, name))
            try:
                return answer, await self._state(known.domain)
            except KmptuiError as error:
                return answer, replace(known, stale=str(error))

        return await self._engine.own(work(), f"Validating {name}")

    async def _audited(self, entry: Entry, call: Callable[[], Awaitable[T]]) -> T:
        """Run what changes SCM between its intent and its outcome."""
        await self._note(replace(entry, phase="intent", outcome="prepared"))
        try:
            answer = await call()
        except BaseException as error:
            await self._end(entry, _outcome(error), _words(error))
            raise
        await self._end(entry, "accepted", "")
        return answer

    async def _end(self, entry: Entry, outcome: str, reason: str) -> None:
        """The outcome's row. That it cannot be written does not change what came of the step, which is told."""
        try:
            await self._note(replace(entry, phase="outcome", outcome=outcome, reason=reason))
        except StoreFailed as error:
            _log.warning("the outcome of %s for %s could not be written: %s", entry.action, entry.subject, error)

    async def _note(self, entry: Entry) -> None:
        await self._engine.store.write(audit.append, entry, await self._engine.stamp())

    async def _mirrored(self, client: ScmClient, domain: Domain) -> str:
        """Read the domain's row anew; why that could not be, in words."""
        try:
            fresh = await client.domain(domain.id)
        except KmptuiError as error:
            return str(error)
        if await self._engine.store.write(mirror.update_domain, fresh):
            self._engine.changed(Topic.DOMAINS, {domain.id})
        return ""

    async def _order(self, order_id: int) -> tuple[int, str]:
        order = await self._engine.store.read(ledger.order, order_id)
        if order.ssl_id is None:
            raise StateForbids(f"SCM does not know {order.row.number}", cure="Only an order that SCM took has a DCV")
        return order.ssl_id, order.common_name


def _known(db: Db, domain_id: int, today: date, days: int) -> DcvView:
    found = mirror.domain(db, domain_id)
    return DcvView(found, dependents.of_domain(db, found.name, today, days))


def _behind(db: Db, order_id: int, today: date) -> int | None:
    index = DomainIndex(mirror.domains(db))
    names = ledger.order(db, order_id).names
    return next((domain.id for name in names if (domain := unproved(name, index, today)) is not None), None)


def _completed(view: DcvView, answer: DcvState) -> DcvView:
    """What the step answered stands where SCM could not be asked after it, or tells less (version 1 of the call)."""
    if view.state is None:
        return replace(view, state=answer)
    if view.state.record is None and answer.record is not None:
        return replace(view, state=replace(view.state, record=answer.record))
    return view


def _topic(name: str) -> str:
    """What is claimed: the validation of the name, not the name itself, which an order may be for."""
    return f"dcv {name}"


def _outcome(error: BaseException) -> str:
    if isinstance(error, Unreachable | WrongKind | BadInput | ScmGarbled):  # garbled: the read before the step
        return "not sent"
    return "refused" if isinstance(error, ScmRefused | AccountRefused) else "unconfirmed"


def _words(error: BaseException) -> str:
    if isinstance(error, KmptuiError):
        return str(error)
    return STOPPED if isinstance(error, asyncio.CancelledError) else f"{DEFECT} ({type(error).__name__})"
