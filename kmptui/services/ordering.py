"""Order a certificate: what the form needs, the checks, the preview, and the one request that costs money."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from kmptui.domain.keys import KeySpec
from kmptui.domain.listing import Topic
from kmptui.domain.names import parse_names
from kmptui.domain.order import (
    CLOSED_STATUSES,
    ISSUED_STATUSES,
    Hold,
    Intent,
    Ledger,
    NewKey,
    Order,
    OrderRequest,
    OrderRow,
)
from kmptui.domain.organization import Organization
from kmptui.domain.profile import CustomField, Profile
from kmptui.errors import (
    BadInput,
    Finding,
    HeldElsewhere,
    KmptuiError,
    Refused,
    ScmRefused,
    Stopped,
    Unreachable,
    VaultLocked,
)
from kmptui.services import anew, placing, spelling
from kmptui.services.reconciling import Candidate
from kmptui.store import drafts, ledger, mirror

if TYPE_CHECKING:
    from kmptui.services.checking import Checking
    from kmptui.services.engine import Engine
    from kmptui.services.placing import Placing
    from kmptui.services.reconciling import Reconciling
    from kmptui.store.database import Db

__all__ = ["Candidate", "FormFacts", "Ordering", "Placed", "Preview", "request_like"]

FIRST_PAUSE = 5.0
"""Seconds between the first two questions of `follow`."""
SLOWER = 1.5
LONGEST_PAUSE = 300.0


@dataclass(frozen=True, slots=True)
class FormFacts:
    """What the form offers: all organizations, profiles and active custom fields of the mirror, and the last choice."""

    organizations: tuple[Organization, ...]
    profiles: tuple[Profile, ...]
    custom_fields: tuple[CustomField, ...]
    last_organization_id: int | None
    last_profile_id: int | None
    last_term: int | None
    mirrored: datetime | None


@dataclass(frozen=True, slots=True)
class Preview:
    """The request as SCM will get it (JSON text), the command line that does the same, what will happen in words,
    orders that look the same, and the findings."""

    body: str
    command: str
    effect: str
    similar: tuple[OrderRow, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Placed:
    """The outcome of one intent: `ledger` accepted, refused, unconfirmed or not placed; `words` one plain sentence.

    `error` is what went wrong, where something did (several are placed at once by `place_each`).
    """

    order_id: int | None
    ssl_id: int | None
    common_name: str
    ledger: Ledger
    words: str
    error: Exception | None = None


class Ordering:
    """Placing is in `placing`, the protocol in `sending`, what was lost is found in `reconciling`."""

    def __init__(
        self,
        engine: Engine,
        placing: Placing,
        reconciling: Reconciling,
        checking: Checking,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._engine = engine
        self._placing = placing
        self._reconciling = reconciling
        self._checking = checking
        self._sleep = sleep

    async def facts(self) -> FormFacts:
        """From the store only."""
        return await self._engine.store.read(_form_facts)

    async def check(self, request: OrderRequest) -> tuple[Finding, ...]:
        """Everything that is known against the request, from the store only; quick enough for each key press."""
        return await self._placing.findings(request)

    async def dcv_ends(self, names: Sequence[str]) -> dict[str, date]:
        """When the proof of control (DCV) of each name's domain ends, from the store only; names without one are not
        in it."""
        return await self._placing.dcv_ends(names)

    async def similar(self, request: OrderRequest) -> tuple[OrderRow, ...]:
        """Orders with the same names and profile that are open or were placed within 24 hours."""
        return await self._placing.similar(request)

    async def preview(self, request: OrderRequest) -> Preview:
        """Nothing is sent; no key is made (the CSR is shown as a placeholder)."""
        organization, profile = await self._engine.store.read(anew.titles, request)
        return Preview(
            body=placing.preview_body(request),
            command=spelling.command_line(request),
            effect=spelling.effect(request, organization, profile, self._engine.clock.now().date()),
            similar=await self.similar(request),
            findings=await self.check(request),
        )

    async def place(
        self, request: OrderRequest, *, again: bool = False, despite_mirror: bool = False, order_id: int | None = None
    ) -> Placed:
        """Place one order, once (see the order protocol in README). The critical part belongs to the workspace: it goes
        on when the caller is cancelled.

        `again`: although `similar()` is not empty; `despite_mirror`: although findings that rest on the mirror hold
        after they were read anew; `order_id`: a draft, refused or not placed order that this is the new try of. Raises
        before anything was sent: PreflightFailed, AlreadyOrdered (its number in the text), ReadOnly, NotLinked,
        VaultLocked, HeldElsewhere, AccountRefused, Unreachable, StoreFailed. After it was sent: ScmRefused (the order
        row is "refused"), Unconfirmed (the row is "unconfirmed").
        """
        work = self._placing.place(request, again=again, despite_mirror=despite_mirror, order_id=order_id)
        return _placed(await self._engine.own(work, f"Ordering {request.common_name}"))

    async def place_each(
        self,
        request: OrderRequest,
        *,
        again: bool = False,
        despite_mirror: bool = False,
        on_placed: Callable[[Placed], object] = lambda _: None,
    ) -> tuple[Placed, ...]:
        """One order for each name of the request, one after the other, `on_placed` hears each outcome; stops at
        credentials or connection trouble. Raises VaultLocked before the first, so that nothing is half done."""
        placed: list[Placed] = []
        for number, name in enumerate(request.names, 1):
            words = f"Ordering {name} ({number:,} of {len(request.names):,})"
            single = dataclasses.replace(request, names=(name,))
            noted: list[int] = []
            work = self._placing.place(single, again=again, despite_mirror=despite_mirror, noted=noted.append)
            try:
                placed.append(_placed(await self._engine.own(work, words)))
            except KmptuiError as error:
                if isinstance(error, VaultLocked) and not placed:
                    raise
                placed.append(await self._not_placed(name, noted[-1] if noted else None, error))
                if not isinstance(error, Refused | ScmRefused | HeldElsewhere):
                    on_placed(placed[-1])
                    break
            on_placed(placed[-1])
        return tuple(placed)

    async def _not_placed(self, name: str, order_id: int | None, error: KmptuiError) -> Placed:
        if order_id is None:
            return Placed(None, None, name, Ledger.DRAFT, str(error), error)
        order = await self._engine.store.read(ledger.order, order_id)
        return Placed(order_id, order.ssl_id, name, order.row.ledger, str(error), error)

    async def like(self, order_id: int) -> OrderRequest:
        """A request like that order, without passwords."""
        return request_like(*await self._engine.store.read(_pattern, order_id))

    async def follow(self, order_id: int, on_change: Callable[[Order], None], *, seconds: float | None = None) -> Order:
        """Ask SCM about the order, 5 s apart at first, then slower, until it is in the repository, closed, or held
        ("issued, not added"), or `seconds` have passed; `on_change` hears every change of state. Returns the last."""
        loop = asyncio.get_running_loop()
        start, slept, pause = loop.time(), 0.0, FIRST_PAUSE
        order = await self._engine.store.read(ledger.order, order_id)
        told = ""
        while True:
            with contextlib.suppress(Unreachable, Stopped):  # asked again after the next pause
                await self._checking.check([order_id])
            order = await self._engine.store.read(ledger.order, order_id)
            if order.row.state != told:
                told = order.row.state
                on_change(order)
            waited = max(loop.time() - start, slept)
            if _settled(order) or (seconds is not None and waited >= seconds):
                return order
            nap = pause if seconds is None else min(pause, seconds - waited)
            await self._sleep(nap)
            slept += nap
            pause = min(pause * SLOWER, LONGEST_PAUSE)

    async def unconfirmed(self) -> tuple[Intent, ...]:
        """Intents whose outcome is unknown, oldest first; one that is being sent right now is not among them."""
        intents = await self._engine.store.read(ledger.open_intents)
        return tuple(one for one in intents if one.state in {Ledger.SENT, Ledger.UNCONFIRMED} and not one.holder)

    async def recover(self) -> int:
        """Judge what dead processes left half done, from the store alone; how many. Called when a home is opened."""
        return await self._engine.own(self._reconciling.recover(), "Looking after open orders")

    async def candidates(self, order_id: int) -> tuple[Candidate, ...]:
        """Ask SCM which orders may be the unconfirmed one; nothing is changed."""
        return await self._engine.own(
            self._reconciling.candidates(order_id), f"Looking for o{order_id}", stoppable=True
        )

    async def settle(self, order_id: int, ssl_id: int | None) -> Order:
        """A person says which order it is (its sslId), or none. Proved as far as SCM tells; in the audit."""
        return await self._engine.own(self._reconciling.settle(order_id, ssl_id), f"Settling o{order_id}")

    async def reconcile(self) -> tuple[Placed, ...]:
        """Look for every unconfirmed order that nobody holds: taken over, not placed (after two complete searches, ten
        minutes apart), or still to be settled by a person."""
        judged = await self._engine.own(self._reconciling.reconcile(), "Looking for unconfirmed orders")
        return tuple(Placed(one.order_id, one.ssl_id, one.common_name, one.ledger, one.words) for one in judged)


def _settled(order: Order) -> bool:
    row = order.row
    if row.ledger in {Ledger.REFUSED, Ledger.NOT_PLACED, Ledger.DRAFT}:
        return True
    status = row.status.lower()
    if status in CLOSED_STATUSES or row.hold is Hold.UNSETTLED:
        return True
    if row.hold is Hold.REISSUE:
        return False
    return status in ISSUED_STATUSES and (row.certificate_id is not None or row.hold in {Hold.LIMIT, Hold.MISMATCH})


def _form_facts(db: Db) -> FormFacts:
    last = drafts.last_choice(db)
    ages = [mirror.mirrored_at(db, topic) for topic in (Topic.ORGANIZATIONS, Topic.DOMAINS, Topic.PROFILES)]
    return FormFacts(
        organizations=mirror.organizations(db),
        profiles=mirror.profiles(db),
        custom_fields=mirror.custom_fields(db),
        last_organization_id=last.organization_id,
        last_profile_id=last.profile_id,
        last_term=last.term,
        mirrored=min((age for age in ages if age is not None), default=None),
    )


def _placed(order: Order) -> Placed:
    words = f"SCM has taken the order as scm:{order.ssl_id}"
    return Placed(order.id, order.ssl_id, order.common_name, order.row.ledger, words)


def _pattern(db: Db, order_id: int) -> tuple[Order, tuple[CustomField, ...]]:
    return ledger.order(db, order_id), mirror.custom_fields(db)


def request_like(order: Order, fields: Sequence[CustomField]) -> OrderRequest:
    """The request that orders the same again: without passwords and marks, without fields that the account lost."""
    active = {field.name for field in fields}
    try:
        spec = KeySpec.parse(order.key)
    except BadInput:
        spec = KeySpec("RSA", "2048")
    names = parse_names("\n".join((order.common_name, *order.names))).ascii
    return OrderRequest(
        names=names,
        organization_id=order.organization_id or 0,
        profile_id=order.profile_id or 0,
        term=order.term or 0,
        key=NewKey(spec),
        keystore=order.keystore,
        comments=spelling.unmarked(order.comments),
        requesters=tuple(address for address in re.split(r"[,;\s]+", order.external_requester) if address),
        custom_fields=tuple((name, value) for name, value in order.custom_fields if name in active),
        auto_renew=order.row.auto_renew,
        note=order.note,
        contact=order.contact,
    )
