"""Reissue a certificate (SCM: replace): the same order, a new certificate, for a new key and perhaps other names.

It is done only when the certificate that comes has the new public key; until then the present one stays current.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from kmptui.domain import renewable
from kmptui.domain.audit import Entry
from kmptui.domain.listing import Topic
from kmptui.domain.order import ISSUED_STATUSES, OPEN_STATUSES, Act, Order, OwnCsr
from kmptui.domain.renewable import ReissueRequest
from kmptui.errors import BadInput, Finding, PreflightFailed, ScmRefused, StateForbids
from kmptui.services import anew, making, respelling, standing
from kmptui.services.ordering import Placed
from kmptui.services.sending import Errand
from kmptui.services.standing import Standing
from kmptui.store import audit, ledger
from kmptui.store.ledger import Material

if TYPE_CHECKING:
    from kmptui.scm.client import ScmClient
    from kmptui.services.claiming import Claiming
    from kmptui.services.engine import Engine
    from kmptui.services.sending import Sending
    from kmptui.store.claims import Claim
    from kmptui.store.database import Db


@dataclass(frozen=True, slots=True)
class ReissuePreview:
    """What a reissue would be: `forbidden` says why the order cannot be reissued ("" where it can), `findings` what is
    known against it, `key` the key in words, `added` and `removed` names, then the command line that does the same, the
    effect in words, and the request's body as SCM will get it."""

    order: Order
    findings: tuple[Finding, ...]
    forbidden: str
    key: str
    added: tuple[str, ...]
    removed: tuple[str, ...]
    command: str
    effect: str
    body: str = ""

    @property
    def blocked(self) -> bool:
        """Whether it would be refused here."""
        return bool(self.forbidden) or any(not finding.hint for finding in self.findings)


class Reissuing:
    def __init__(self, engine: Engine, claiming: Claiming, sending: Sending) -> None:
        self._engine = engine
        self._claiming = claiming
        self._sending = sending

    async def preview(self, request: ReissueRequest) -> ReissuePreview:
        """From the store alone; no key is made. Raises NotFound."""
        now = await self._standing(request.order_id)
        try:
            findings = await self._findings(now, request)
            csr_key = str((await making.read_csr(request.key)).key) if isinstance(request.key, OwnCsr) else ""
        except BadInput as error:
            findings, csr_key = (Finding(error.field, f"{error.what}: {error.why}", error.cure),), ""
        added, removed = respelling.changed_names(now.order, request)
        return ReissuePreview(
            now.order,
            findings,
            renewable.not_reissuable(now.order, now.facts.today),
            respelling.renewal_key(now.order, request.key, has_key=False, csr_key=csr_key),
            added,
            removed,
            respelling.reissue_command(now.order, request),
            respelling.reissue_effect(now.order, request),
            respelling.reissue_body(now.order, request),
        )

    async def reissue(self, request: ReissueRequest, *, despite_mirror: bool = False) -> Placed:
        """Have it reissued, once (see the order protocol in README); goes on when the caller is cancelled. What is
        returned says that SCM has taken it: the certificate comes by a check (`Order.reissuing` until then).

        Raises before anything was sent: StateForbids, PreflightFailed, BadInput, ReadOnly, NotFound, NotLinked,
        VaultLocked, HeldElsewhere, AccountRefused, Unreachable, ScmGarbled, StoreFailed. After it was sent: ScmRefused,
        Unconfirmed. The order itself and its certificate stay what they are in all these cases.
        """
        engine = self._engine
        order = await engine.store.read(ledger.order, request.order_id)
        done = await engine.own(self._reissue(request, despite_mirror), f"Reissuing {order.common_name}")
        words = f"SCM has taken the reissue of {done.row.number}: the certificate for the new key is awaited"
        return Placed(done.id, done.ssl_id, done.common_name, done.row.ledger, words)

    async def _reissue(self, request: ReissueRequest, despite_mirror: bool) -> Order:
        engine = self._engine
        await engine.may_write("reissue")
        now = await self._sendable(request, despite_mirror)
        client = await engine.client()
        async with self._claiming.hold(now.order.common_name) as claim:
            new_name = renewable.reissue_request(now.order, request).common_name
            if new_name.lower() == now.order.common_name.lower():
                return await self._send(client, now, request, claim)
            # another common name: nobody may work on an order of that one meanwhile either
            async with self._claiming.hold(new_name) as other:
                return await self._send(client, now, request, other)

    async def _send(self, client: ScmClient, now: Standing, request: ReissueRequest, claim: Claim) -> Order:
        asked = renewable.reissue_request(now.order, request)
        made = await making.make(self._engine, asked.key, asked.names)
        material = Material(made.csr, made.spki, made.key, made.words, body=(("reason", request.reason),))
        fresh = await self._heard(client, now)
        if not request.names and set(fresh.order.names) != set(now.order.names):  # reissued elsewhere meanwhile
            raise _forbidden(fresh.order, "SCM has other names for it now: look at it again")
        return await self._sending.carry_out(self._errand(client, fresh, request, material), claim)

    async def _sendable(self, request: ReissueRequest, despite_mirror: bool) -> Standing:
        """Where the order stands, once nothing speaks against reissuing it. Raises StateForbids, PreflightFailed,
        BadInput."""
        engine = self._engine
        now = await self._standing(request.order_id)
        if words := renewable.not_reissuable(now.order, now.facts.today):
            raise _forbidden(now.order, words)
        found = await self._findings(now, request)
        if anew.worth_asking(found):
            asked, client = renewable.reissue_request(now.order, request), await engine.client()
            if any(one.field == "profile" for one in found):
                await anew.read_profile_anew(engine, client, asked)
            if any(one.field != "profile" and not one.hint for one in found):
                await anew.read_anew(engine, client, asked)
            now = await self._standing(request.order_id)
            found = await self._findings(now, request)
        if forbidding := anew.left(found, despite_mirror=despite_mirror):
            raise PreflightFailed(forbidding)
        return now

    async def _findings(self, now: Standing, request: ReissueRequest) -> tuple[Finding, ...]:
        """Raises BadInput("csr")."""
        if not isinstance(request.key, OwnCsr):
            return renewable.reissue_findings(now.order, request, now.facts)
        read = await making.read_csr(request.key)
        found = list(renewable.reissue_findings(now.order, request, now.facts, csr_key=read.key))
        found = [*renewable.strange_names(now.order, request, read.names), *found]
        if read.spki == now.spki:
            cause = "has the key of the present certificate, so that the new one could not be told from it"
            found.insert(0, Finding("csr", cause, "Make a new key and a new request"))
        return tuple(found)

    async def _heard(self, client: ScmClient, now: Standing) -> Standing:
        """Where the order stands by SCM's own word, right before the request is sent; what the word forbids is in the
        audit. Raises StateForbids; also where SCM does not know the order any more."""
        engine, order = self._engine, now.order
        assert order.ssl_id is not None  # noqa: S101 - what SCM does not have is not reissuable
        words = ""
        try:
            remote = await client.details(order.ssl_id)
            await engine.store.write(ledger.update_from_details, remote, await engine.stamp())
            engine.changed(Topic.ORDERS, {order.id})
            if remote.status.lower() not in ISSUED_STATUSES:
                words = f'SCM says that it is "{remote.status}"'
                if remote.status.lower() in OPEN_STATUSES:
                    words = f'a reissue of it is under way in SCM, which says that it is "{remote.status}"'
        except ScmRefused as error:
            words = str(error)
        if words:
            entry = Entry(Act.REISSUE.value, "done", "blocked", order.common_name, order.id, reason=words)
            await engine.store.write(audit.append, entry, await engine.stamp())
            raise _forbidden(order, words)
        return await self._standing(order.id)

    async def _standing(self, order_id: int) -> Standing:
        today = self._engine.clock.now().date()
        return (await self._engine.store.read(standing.of_orders, [order_id], today))[0]

    def _errand(self, client: ScmClient, now: Standing, request: ReissueRequest, material: Material) -> Errand:
        order, today = now.order, now.facts.today
        ssl_id = order.ssl_id
        assert ssl_id is not None  # noqa: S101 - what SCM does not have is not reissuable
        asked = renewable.reissue_request(order, request)
        common_name, names = respelling.sent_names(order, request)
        body = material.body
        if names:
            body += (("commonName", common_name), ("subjectAlternativeNames", ", ".join(names)))

        async def call() -> int:
            await client.replace(ssl_id, material.csr, request.reason, common_name, names)
            return ssl_id

        def guard(db: Db) -> None:
            # once more where the intent is written: another process may have been quicker
            if words := renewable.not_reissuable(ledger.order(db, order.id), today):
                raise _forbidden(order, words)

        return Errand(
            Act.REISSUE,
            asked,
            replace(material, body=body),
            call,
            respelling.subject(asked.common_name, asked.names),
            order_id=order.id,
            details=_details(now, request, material),
            guard=guard,
            why=request.reason,
        )


def _forbidden(order: Order, words: str) -> StateForbids:
    return StateForbids(f"{order.row.number} {order.common_name} is not reissued", why=words)


def _details(now: Standing, request: ReissueRequest, material: Material) -> tuple[tuple[str, str], ...]:
    order = now.order
    added, removed = respelling.changed_names(order, request)
    own = isinstance(request.key, OwnCsr)
    found: Sequence[tuple[str, str]] = (
        ("reissues", f"{order.row.number}, scm:{order.ssl_id}"),
        ("old serial", order.row.serial or "not known"),
        ("key", f"{material.key_words}, own CSR" if own else material.key_words),
        ("public key", material.spki),
        ("names added", ", ".join(added)),
        ("names taken out", ", ".join(removed)),
    )
    return tuple((name, value) for name, value in found if value)
