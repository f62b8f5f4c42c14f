"""Place one order: everything that is done and proved before the one request, and the errand that sends it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from kmptui.domain import preflight
from kmptui.domain.coverage import dcv_end
from kmptui.domain.listing import Topic
from kmptui.domain.order import Act, KeystorePassword, NewKey, Order, OrderRequest, OrderRow, OwnCsr
from kmptui.domain.preflight import Facts
from kmptui.errors import AlreadyOrdered, BadInput, Finding, PreflightFailed
from kmptui.services import anew, making, spelling
from kmptui.services.sending import Errand, Sending
from kmptui.store import ledger
from kmptui.store.ledger import Material
from kmptui.store.sealed import new_identity

if TYPE_CHECKING:
    from kmptui.scm.requests import Enrolment
    from kmptui.services.claiming import Claiming
    from kmptui.services.engine import Engine
    from kmptui.services.reporting import Changed
    from kmptui.store.database import Db
    from kmptui.store.sealed import Sealed

YOUNG = timedelta(hours=24)
"""An order of the same names and profile that was placed since then is taken for the same intent."""
CSR_PLACEHOLDER = "-----BEGIN CERTIFICATE REQUEST-----\nmade when it is sent\n-----END CERTIFICATE REQUEST-----\n"
MARK_PLACEHOLDER = "kmptui:(made when it is sent)"


class Placing:
    def __init__(self, engine: Engine, claiming: Claiming, sending: Sending) -> None:
        self._engine = engine
        self._claiming = claiming
        self._sending = sending
        self._known: Facts | None = None
        engine.listeners.add(self._forget)

    async def findings(self, request: OrderRequest) -> tuple[Finding, ...]:
        """Everything that is known against the request, from the store only; what the mirror says is kept in memory
        until it changes, for this is asked at each key press."""
        today = self._engine.clock.now().date()
        return await self._weighed(request, dataclasses.replace(await self._facts(), today=today))

    async def dcv_ends(self, names: Iterable[str]) -> dict[str, date]:
        """When the DCV of the names' domains ends, as far as the mirror knows."""
        index = (await self._facts()).domains
        return {name: end for name in names if (end := dcv_end(name, index)) is not None}

    async def _facts(self) -> Facts:
        if self._known is None:
            self._known = await self._engine.store.read(anew.facts, self._engine.clock.now().date())
        return self._known

    def _forget(self, change: Changed) -> None:
        if change.topic in {Topic.ORGANIZATIONS, Topic.DOMAINS, Topic.PROFILES}:
            self._known = None

    async def similar(self, request: OrderRequest) -> tuple[OrderRow, ...]:
        """Orders with the same names and profile that are open or were placed within 24 hours."""
        return await self._engine.store.read(_similar, request, self._engine.clock.now(), None)

    async def place(
        self,
        request: OrderRequest,
        *,
        again: bool = False,
        despite_mirror: bool = False,
        order_id: int | None = None,
        noted: Callable[[int], object] = lambda _: None,
    ) -> Order:
        """The accepted order; `noted` hears the row's id once there is one. Raises what `Ordering.place` says. Run it
        in a task that the workspace owns."""
        engine = self._engine
        await engine.may_write()
        await self._refuse_findings(request, despite_mirror)
        if not again:
            await engine.store.read(_refuse_similar, request, engine.clock.now(), order_id)
        client = await engine.client()
        async with self._claiming.hold(request.common_name) as claim:
            material, enrolment = await self._made(request)
            await client.prove()
            organization, profile = await engine.store.read(anew.titles, request)
            now = engine.clock.now()

            def guard(db: Db) -> None:
                # once more where the intent is written: a script that runs beside this one may have been quicker
                if not again:
                    _refuse_similar(db, request, now, order_id)

            errand = Errand(
                Act.ORDER,
                request,
                material,
                lambda: client.enroll(enrolment),
                _subject(request),
                organization,
                profile,
                order_id,
                _details(request, organization, profile, material),
                guard,
            )
            return await self._sending.carry_out(errand, claim, noted)

    async def _refuse_findings(self, request: OrderRequest, despite_mirror: bool) -> None:
        """Form findings forbid; what rests on the mirror is read anew first, then a person may send all the same."""
        self._known = None  # another process may have synced
        found = await self.findings(request)
        if anew.worth_asking(found):
            await anew.read_anew(self._engine, await self._engine.client(), request)
            found = await self.findings(request)
        if forbidding := anew.left(found, despite_mirror=despite_mirror):
            raise PreflightFailed(forbidding)

    async def _weighed(self, request: OrderRequest, facts: Facts) -> tuple[Finding, ...]:
        if isinstance(request.key, NewKey):
            return preflight.check(request, facts)
        try:
            spec = (await making.read_csr(request.key)).key
        except BadInput as error:
            wrong = Finding("csr", f"{error.what}: {error.why}", error.cure)
            others = preflight.check(request, facts)
            return (wrong, *(finding for finding in others if finding.field != "csr"))
        return preflight.check(request, dataclasses.replace(facts, csr_key=spec))

    async def _made(self, request: OrderRequest) -> tuple[Material, Enrolment]:
        """Key, CSR, mark and the request as SCM will get it: what may fail fails here, before anything is written."""
        from kmptui.scm.requests import Enrolment

        engine = self._engine
        made = await making.make(engine, request.key, request.names)
        mark = spelling.mark_for(request.comments, engine.randomness)
        enrolment = _enrolment(Enrolment, request, made.csr, spelling.marked(request.comments, mark))
        body = tuple((name, str(value)) for name, value in enrolment.body().items() if name != "csr")
        password = await self._password(request)
        return Material(made.csr, made.spki, made.key, made.words, mark, password, body), enrolment

    async def _password(self, request: OrderRequest) -> Sealed | None:
        engine = self._engine
        if request.keystore_password_when is KeystorePassword.AT_EXPORT:
            return None
        made = request.keystore_password_when is KeystorePassword.MADE
        password = spelling.made_password(engine.randomness) if made else request.keystore_password
        return await engine.seal(password.encode("utf-8"), new_identity())


def preview_body(request: OrderRequest) -> str:
    """The request as SCM will get it, with placeholders for what is made when it is sent; empty while the form does not
    come to a request."""
    from kmptui.scm.requests import Enrolment, preview

    csr = request.key.pem if isinstance(request.key, OwnCsr) else CSR_PLACEHOLDER
    mark = MARK_PLACEHOLDER if len(request.comments) <= preflight.ROOMY_COMMENTS else ""
    try:
        return preview(_enrolment(Enrolment, request, csr, spelling.marked(request.comments, mark)))
    except BadInput:  # the findings say what and where
        return ""


def _enrolment(make: type[Enrolment], request: OrderRequest, csr: str, comments: str) -> Enrolment:
    return make(
        organization_id=request.organization_id,
        csr=csr,
        names=request.names,
        profile_id=request.profile_id,
        term=request.term,
        comments=comments,
        requesters=request.requesters,
        custom_fields=request.custom_fields,
    )


def _similar(db: Db, request: OrderRequest, now: datetime, apart_from: int | None) -> tuple[OrderRow, ...]:
    ids = ledger.similar(db, request.names, request.profile_id, now - YOUNG)
    return tuple(ledger.order(db, order_id).row for order_id in ids if order_id != apart_from)


def _refuse_similar(db: Db, request: OrderRequest, now: datetime, apart_from: int | None) -> None:
    rows = _similar(db, request, now, apart_from)
    if rows:
        words = ", ".join(f"{row.number} ({row.state})" for row in rows[:5])
        raise AlreadyOrdered(
            f"{request.common_name} was ordered already: {words}",
            orders=[row.id for row in rows],
            why="the names and the profile are the same",
        )


def _subject(request: OrderRequest) -> str:
    others = len(request.names) - 1
    return request.common_name + (f" and {others:,} more" if others else "")


def _details(request: OrderRequest, organization: str, profile: str, material: Material) -> tuple[tuple[str, str], ...]:
    return (
        ("organization", organization or str(request.organization_id)),
        ("profile", profile or str(request.profile_id)),
        ("term", f"{request.term} days"),
        ("key", material.key_words if material.key is not None else f"{material.key_words}, own CSR"),
        ("public key", material.spki),
        ("mark", material.token or "none: the comments have no room"),
    )
