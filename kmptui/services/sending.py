"""The order protocol: one intent, one request that changes SCM, one outcome.

    prepared ─► sent ─► accepted | refused | unconfirmed
        └─────────┴──► draft, only with proof that nothing was sent

What is sealed and written down before the first byte leaves can be found again after any end of this process. Between
the commit of "sent" and the request nothing else happens. Whatever is not clearly a yes, a no or a not-sent leaves the
intent unconfirmed, and it is never sent again by itself.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING, TypeVar

from kmptui.domain.audit import Entry
from kmptui.domain.listing import Topic
from kmptui.domain.order import Act, Order, OrderRequest
from kmptui.errors import (
    AccountRefused,
    BadInput,
    HeldElsewhere,
    KmptuiError,
    ScmRefused,
    StateForbids,
    StoreFailed,
    Unconfirmed,
    Unreachable,
    WrongKind,
)
from kmptui.store import drafts, ledger

if TYPE_CHECKING:
    from kmptui.domain.audit import Stamp
    from kmptui.domain.order import Intent
    from kmptui.services.engine import Engine
    from kmptui.store.claims import Claim
    from kmptui.store.database import Db
    from kmptui.store.ledger import Material

T = TypeVar("T")

_log = logging.getLogger(__name__)

STOPPED = "kmptui was stopped before SCM answered"
DEFECT = "kmptui failed while it waited for SCM's answer"


@dataclass(frozen=True, slots=True)
class Errand:
    """One request that changes SCM. `call` sends it, built and validated beforehand, and gives the order's sslId;
    `guard` is run in the transaction that writes the intent down and raises what forbids it."""

    act: Act
    request: OrderRequest
    material: Material
    call: Callable[[], Awaitable[int]]
    subject: str
    organization: str = ""
    profile: str = ""
    order_id: int | None = None
    details: tuple[tuple[str, str], ...] = field(default=())
    guard: Callable[[Db], None] | None = None
    expected: date | None = None
    why: str = ""
    """What led to it, for the record."""


@dataclass(frozen=True, slots=True)
class _End:
    """What the outcome of a written intent is recorded with; `stamp` is the intent's."""

    intent: Intent
    claim: Claim
    errand: Errand
    stamp: Stamp

    def entry(self, outcome: str, reason: str = "", details: tuple[tuple[str, str], ...] = ()) -> Entry:
        return _entry(self.errand, "outcome", outcome, reason, details)


class Sending:
    """Carries an errand out under a claim; run it in a task that the workspace owns."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def carry_out(self, errand: Errand, claim: Claim, noted: Callable[[int], object] = lambda _: None) -> Order:
        """The accepted order; `noted` hears the row's id once there is one. Raises before anything was sent:
        StateForbids, HeldElsewhere, StoreFailed, Unreachable; afterwards ScmRefused and AccountRefused (the intent is
        refused) or Unconfirmed."""
        store = self._engine.store
        stamp = await self._engine.stamp()
        entry = _entry(errand, "intent", "prepared", errand.why, errand.details)
        intent = await store.write(_prepare, errand, claim, entry, stamp)
        noted(intent.order_id)
        self._tell(intent)
        end = _End(intent, claim, errand, stamp)
        try:
            await store.write(ledger.mark_sent, intent.id, claim, None, stamp)
        except BaseException as error:
            # nothing was sent, whether that commit came through or not
            await self._back(end, error)
            raise
        try:
            ssl_id = await errand.call()
        except (Unreachable, WrongKind, BadInput) as error:
            # the client's word that nothing was sent
            await self._back(end, error)
            raise
        except (ScmRefused, AccountRefused) as error:
            await self._note(end, ledger.refuse, end.entry("refused", str(error)), str(error), error.code)
            raise
        except BaseException as error:
            # a cancelled task and a defect of ours are no answer either
            await self._unconfirm(end, _words(error))
            raise
        return await self._accept(end, ssl_id)

    async def _accept(self, end: _End, ssl_id: int) -> Order:
        entry = end.entry("accepted", details=(("ssl id", str(ssl_id)),))
        try:
            return await self._write(end, ledger.accept, entry, ssl_id)
        except StateForbids as error:
            # SCM named an id that another order of ours has: that is no answer to this one
            await self._unconfirm(end, f"SCM answered with scm:{ssl_id}, and {error}")
            raise _untold(ssl_id, error) from error
        except (StoreFailed, HeldElsewhere) as error:
            raise _untold(ssl_id, error) from error
        finally:
            self._tell(end.intent)

    async def _unconfirm(self, end: _End, words: str) -> None:
        await self._note(end, ledger.unconfirm, end.entry("unconfirmed", words), words)

    async def _back(self, end: _End, error: BaseException) -> None:
        words = _words(error)
        await self._note(end, ledger.back_to_draft, end.entry("not sent", words), words)

    async def _note(self, end: _End, fn: Callable[..., Intent], entry: Entry, *args: object) -> None:
        """Write an outcome that is no yes. Where that fails, the intent stays as it is on the disk, prepared or sent,
        and is judged later by whoever finds its claim free: the error that led here is the one to be told."""
        try:
            await self._write(end, fn, entry, *args)
        except (StoreFailed, StateForbids, HeldElsewhere) as error:
            _log.warning("the outcome of %s could not be written: %s", end.intent.common_name, error)
        self._tell(end.intent)

    async def _write(self, end: _End, fn: Callable[..., T], entry: Entry, *args: object) -> T:
        """One outcome, given to the store before anything else is waited for: a task that is told to end loses none."""
        stamp = replace(end.stamp, at=self._engine.clock.now())
        return await self._engine.store.write(fn, end.intent.id, *args, end.claim, entry, stamp)

    def _tell(self, intent: Intent) -> None:
        self._engine.changed(Topic.ORDERS, {intent.order_id})


def _prepare(db: Db, errand: Errand, claim: Claim, entry: Entry, stamp: Stamp) -> Intent:
    if errand.guard is not None:
        errand.guard(db)
    intent = ledger.prepare(
        db,
        errand.act,
        errand.request,
        errand.material,
        claim,
        entry,
        stamp,
        organization=errand.organization,
        profile=errand.profile,
        order_id=errand.order_id,
        expected=errand.expected,
    )
    if errand.act is Act.ORDER:
        choice = drafts.LastChoice(errand.request.organization_id, errand.request.profile_id, errand.request.term)
        drafts.remember(db, choice)
    return intent


def _untold(ssl_id: int, error: KmptuiError) -> Unconfirmed:
    return Unconfirmed(
        f"SCM took the order (its id is {ssl_id}), but that could not be written down",
        why=str(error),
        cure="It is found again by the next check of unconfirmed orders",
    )


def _words(error: BaseException) -> str:
    if isinstance(error, KmptuiError):
        return str(error)
    return STOPPED if isinstance(error, asyncio.CancelledError) else f"{DEFECT} ({type(error).__name__})"


def _entry(
    errand: Errand, phase: str, outcome: str, reason: str = "", details: tuple[tuple[str, str], ...] = ()
) -> Entry:
    return Entry(errand.act.value, phase, outcome, errand.subject, reason=reason, details=details)
