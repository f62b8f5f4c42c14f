"""Renew certificates: what is known beforehand, and the one request for each that costs money.

SCM's own word on the old order is read right before the request is sent: what it has renewed already, or renews by
itself, is left alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import TYPE_CHECKING

from kmptui.domain import renewable
from kmptui.domain.audit import Entry
from kmptui.domain.listing import Topic
from kmptui.domain.order import Act, Ledger, NewKey, Order, OwnCsr
from kmptui.domain.renewable import RenewalRequest, SameKey
from kmptui.errors import (
    BadInput,
    Finding,
    KmptuiError,
    PreflightFailed,
    ScmRefused,
    StateForbids,
)
from kmptui.services import anew, making, respelling, standing
from kmptui.services.bounded import for_each
from kmptui.services.bulk import Run
from kmptui.services.ordering import Placed
from kmptui.services.reporting import Report, silent
from kmptui.services.sending import Errand
from kmptui.services.standing import Standing
from kmptui.store import audit, blocked, ledger
from kmptui.store.blocked import Blocked
from kmptui.store.ledger import Material

if TYPE_CHECKING:
    from kmptui.scm.client import ScmClient
    from kmptui.services.claiming import Claiming
    from kmptui.services.engine import Engine
    from kmptui.services.sending import Sending
    from kmptui.store.database import Db

__all__ = ["Blocked", "RenewalPreview", "Renewing"]

Key = NewKey | SameKey | OwnCsr | None


@dataclass(frozen=True, slots=True)
class RenewalPreview:
    """What a renewal would be: `forbidden` says why the order cannot be renewed ("" where it can), `findings` what is
    known against it, `key` the key in words, `term` in days (0: not known), `expected` the last day it may have, then
    the command line that does the same, the effect in words, and the request's body as SCM will get it."""

    order: Order
    findings: tuple[Finding, ...]
    forbidden: str
    key: str
    term: int
    expected: date | None
    command: str
    effect: str
    body: str = ""

    @property
    def blocked(self) -> bool:
        """Whether it would be refused here."""
        return bool(self.forbidden) or any(not finding.hint for finding in self.findings)

    @property
    def cause(self) -> str:
        """What blocks it, in one line; "" where nothing does."""
        return self.forbidden or "; ".join(str(finding) for finding in self.findings if not finding.hint)


class Renewing:
    """Run by hand, in bulk, and by the schedule alike."""

    def __init__(self, engine: Engine, claiming: Claiming, sending: Sending) -> None:
        self._engine = engine
        self._claiming = claiming
        self._sending = sending

    async def preview(self, order_ids: Sequence[int], key: Key = None) -> tuple[RenewalPreview, ...]:
        """One for each, in their order, from the store alone; no key is made. Raises NotFound."""
        today = self._engine.clock.now().date()
        found = await self._engine.store.read(standing.of_orders, order_ids, today)
        return tuple([await self._previewed(one, key) for one in found])

    async def renew(self, request: RenewalRequest, *, despite_mirror: bool = False, why: str = "") -> Placed:
        """Renew one, once (see the order protocol in README); goes on when the caller is cancelled. `despite_mirror`:
        although findings that rest on the mirror hold after they were read anew; `why`: what led to it, for the record.

        Raises before anything was sent: StateForbids (also where SCM's word on the old order forbids it),
        PreflightFailed, BadInput, ReadOnly, NotFound, NotLinked, VaultLocked, HeldElsewhere, AccountRefused,
        Unreachable, ScmGarbled, StoreFailed. After it was sent: ScmRefused (the renewal's row is "refused"),
        Unconfirmed.
        """
        return await self._owned(request, despite_mirror, why, lambda _: None)

    async def renew_all(
        self,
        order_ids: Sequence[int],
        *,
        key: Key = None,
        despite_mirror: bool = False,
        stop_after: int = 3,
        report: Report = silent,
        why: str = "",
    ) -> tuple[Placed, ...]:
        """Renew many, a few at a time; one outcome for each, in their order. What is renewed already is said so and
        not repeated, so a run that broke off is simply run again. No more are begun after `stop_after` of them failed
        at SCM, or one for a reason that concerns all (credentials, connection, vault, store). Raises NotFound, and
        BadInput("csr") where one CSR is to serve several."""
        if isinstance(key, OwnCsr) and len(order_ids) > 1:
            raise BadInput("csr", "One request cannot renew several certificates", cure="Renew them one by one")
        orders = await self._engine.store.read(ledger.orders, list(dict.fromkeys(order_ids)))
        run = Run("Renewing", len(orders), stop_after, self._engine.telling(report))

        async def one_name(of_name: Sequence[Order]) -> None:
            # one claim holds a name: its orders go one after the other
            for order in of_name:
                await run.do(order, partial(self._outcome, RenewalRequest(order.id, key), despite_mirror, why))

        by_name: dict[str, list[Order]] = {}
        for order in orders:
            by_name.setdefault(order.common_name.lower(), []).append(order)
        await for_each(by_name.values(), one_name, self._engine.settings.concurrency)
        return tuple(run.placed[order_id] for order_id in order_ids)

    async def blocked(self) -> tuple[Blocked, ...]:
        """What could be renewed and was not, for a cause that is known; soonest to expire first."""
        found = await self._engine.store.read(blocked.renewals)
        today = self._engine.clock.now().date()
        standings = await self._engine.store.read(standing.of_orders, [one.order_id for one in found], today)
        return tuple(one for one, now in zip(found, standings, strict=True) if not now.unrenewable)

    async def retry_blocked(
        self, *, despite_mirror: bool = False, stop_after: int = 3, report: Report = silent
    ) -> tuple[Placed, ...]:
        """Renew all that a cause blocked, in one act; as `renew_all`."""
        ids = [one.order_id for one in await self.blocked()]
        why = "tried again after it was blocked"
        return await self.renew_all(
            ids, despite_mirror=despite_mirror, stop_after=stop_after, report=report, why=why
        )  # fmt: skip

    async def _owned(
        self, request: RenewalRequest, despite_mirror: bool, why: str, noted: Callable[[int], object]
    ) -> Placed:
        engine = self._engine
        order = await engine.store.read(ledger.order, request.order_id)
        work = self._renew(request, despite_mirror, why, noted)
        renewed = await engine.own(work, f"Renewing {order.common_name}")
        words = f"SCM has taken the renewal of {order.row.number} as scm:{renewed.ssl_id}"
        return Placed(renewed.id, renewed.ssl_id, renewed.common_name, renewed.row.ledger, words)

    async def _outcome(self, request: RenewalRequest, despite_mirror: bool, why: str) -> Placed:
        """As `renew`, what went wrong as an outcome."""
        engine = self._engine
        noted: list[int] = []
        try:
            return await self._owned(request, despite_mirror, why, noted.append)
        except KmptuiError as error:
            now = (await engine.store.read(standing.of_orders, [request.order_id], engine.clock.now().date()))[0]
            row = now.successor
            if row is None and noted:
                row = (await engine.store.read(ledger.order, noted[-1])).row
            name = now.order.common_name
            if row is None:
                return Placed(None, None, name, Ledger.DRAFT, str(error), error)
            if not noted and row.ledger is Ledger.ACCEPTED:
                words = f"renewed already: {row.number}, {row.state}"
                return Placed(row.id, row.ssl_id, name, row.ledger, words)
            return Placed(row.id, row.ssl_id, name, row.ledger, str(error), error)

    async def _previewed(self, now: Standing, key: Key) -> RenewalPreview:
        order, profile = now.order, now.profile
        try:
            findings = await self._findings(now, key)
            csr_key = str((await making.read_csr(key)).key) if isinstance(key, OwnCsr) else ""
        except BadInput as error:
            findings, csr_key = (Finding(error.field, f"{error.what}: {error.why}", error.cure),), ""
        term = renewable.term(order, profile)
        expected = renewable.expected_end(order, profile, now.facts.today)
        return RenewalPreview(
            order,
            findings,
            now.unrenewable,
            respelling.renewal_key(order, key, has_key=now.has_key, csr_key=csr_key),
            term,
            expected,
            respelling.renewal_command([order], key),
            respelling.renewal_effect(order, key, term, expected, has_key=now.has_key),
            respelling.renewal_body(key),
        )

    async def _findings(self, now: Standing, key: Key) -> tuple[Finding, ...]:
        """Raises BadInput("csr")."""
        if not isinstance(key, OwnCsr):
            return renewable.findings(now.order, now.facts, key)
        read = await making.read_csr(key)
        of_csr = renewable.csr_findings(now.order, read.key, read.names, now.profile)
        return (*of_csr, *renewable.findings(now.order, now.facts, key))

    async def _renew(
        self, request: RenewalRequest, despite_mirror: bool, why: str, noted: Callable[[int], object]
    ) -> Order:
        engine = self._engine
        await engine.may_write("renew")
        now = await self._sendable(request, despite_mirror)
        client = await engine.client()
        async with self._claiming.hold(now.order.common_name) as claim:
            material = await self._made(now, request.key)
            fresh = await self._heard(client, now, why)
            if set(fresh.order.names) != set(now.order.names):  # reissued elsewhere meanwhile
                material = await self._made(fresh, request.key)
            errand = self._errand(client, fresh, request.key, material, why)
            return await self._sending.carry_out(errand, claim, noted)

    async def _sendable(self, request: RenewalRequest, despite_mirror: bool) -> Standing:
        """Where the order stands, once nothing speaks against renewing it. Raises StateForbids, PreflightFailed,
        BadInput."""
        now = await self._standing(request.order_id)
        if now.unrenewable:
            raise _forbidden(now.order, now.unrenewable)
        found = await self._findings(now, request.key)
        if anew.worth_asking(found):
            await self._ask_anew(now, found)
            now = await self._standing(request.order_id)
            found = await self._findings(now, request.key)
        if forbidding := anew.left(found, despite_mirror=despite_mirror):
            raise PreflightFailed(forbidding)
        return now

    async def _ask_anew(self, now: Standing, found: Sequence[Finding]) -> None:
        """Read what the findings rest on: the order itself, its profile, or its organization and domains."""
        engine = self._engine
        client = await engine.client()
        if now.order.profile_id is None:
            await self._take_in(client, now.order)
            return
        asked = renewable.as_request(now.order, None, renewable.term(now.order, now.profile))
        if any(one.field in {"profile", "term"} and not one.hint for one in found):
            await anew.read_profile_anew(engine, client, asked)
        if any(one.field not in {"profile", "term"} and not one.hint for one in found):
            await anew.read_anew(engine, client, asked)

    async def _heard(self, client: ScmClient, now: Standing, why: str) -> Standing:
        """Where the order stands by SCM's own word, right before the request is sent; what the word forbids is in the
        audit. Raises StateForbids; also where SCM does not know the order any more."""
        try:
            words = await self._take_in(client, now.order)
        except ScmRefused as error:
            words = str(error)
        if words:
            entry = Entry(
                Act.RENEW.value, "done", "blocked", now.order.common_name, now.order.id, reason=words,
                details=(("why", why),) if why else (),
            )  # fmt: skip
            await self._engine.store.write(audit.append, entry, await self._engine.stamp())
            raise _forbidden(now.order, words)
        return await self._standing(now.order.id)

    async def _take_in(self, client: ScmClient, order: Order) -> str:
        """Read the order from SCM into the store; why that forbids a renewal, or ""."""
        engine = self._engine
        assert order.ssl_id is not None  # noqa: S101 - what SCM does not have is not renewable
        remote = await client.details(order.ssl_id)
        await engine.store.write(ledger.update_from_details, remote, await engine.stamp())
        engine.changed(Topic.ORDERS, {order.id})
        return renewable.told_otherwise(remote, beside_scm=engine.settings.renew_beside_scm)

    async def _standing(self, order_id: int) -> Standing:
        today = self._engine.clock.now().date()
        return (await self._engine.store.read(standing.of_orders, [order_id], today))[0]

    async def _made(self, now: Standing, key: Key) -> Material:
        """Key and CSR; nothing of both where SCM is to use the old key again."""
        if isinstance(key, SameKey):
            return Material("", now.spki, None, now.order.key)
        asked = renewable.as_request(now.order, key, 0)
        made = await making.make(self._engine, asked.key, asked.names)
        return Material(made.csr, made.spki, made.key, made.words)

    def _errand(self, client: ScmClient, now: Standing, key: Key, material: Material, why: str) -> Errand:
        order, today = now.order, now.facts.today
        asked = renewable.as_request(order, key, renewable.term(order, now.profile))
        old = order.ssl_id
        assert old is not None  # noqa: S101 - what SCM does not have is not renewable
        expected = renewable.expected_end(order, now.profile, today)

        def guard(db: Db) -> None:
            # once more where the intent is written: another process may have been quicker
            (still,) = standing.of_orders(db, [order.id], today)
            if still.unrenewable:
                raise _forbidden(order, still.unrenewable)

        return Errand(
            Act.RENEW,
            asked,
            material,
            lambda: client.renew(old, material.csr or None),
            respelling.subject(order.common_name, asked.names),
            order.row.organization,
            order.row.profile,
            order.id,
            _details(now, key, material, expected),
            guard,
            expected,
            why,
        )


def _forbidden(order: Order, words: str) -> StateForbids:
    return StateForbids(f"{order.row.number} {order.common_name} is not renewed", why=words)


def _details(now: Standing, key: Key, material: Material, expected: date | None) -> tuple[tuple[str, str], ...]:
    order = now.order
    words = material.key_words
    if isinstance(key, SameKey):
        words = f"{words}, the old one again"
    elif isinstance(key, OwnCsr):
        words = f"{words}, own CSR"
    found = (
        ("renews", f"{order.row.number}, scm:{order.ssl_id}"),
        ("old serial", order.row.serial or "not known"),
        ("old end", f"{order.row.expires or 'not known'}"),
        ("organization", order.row.organization or str(order.organization_id)),
        ("profile", order.row.profile or str(order.profile_id)),
        ("key", words),
        ("public key", material.spki),
        ("expected end", f"{expected or 'not known'}"),
    )
    return tuple((name, value) for name, value in found if value)
