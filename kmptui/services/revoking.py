"""Revoke one certificate: confirmed by what is typed, sent once, and proved afterwards."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING

from kmptui.domain import entry as rules
from kmptui.domain.audit import Entry
from kmptui.domain.listing import Topic
from kmptui.domain.order import ISSUED_STATUSES
from kmptui.domain.revocation import BY_NAME, REASONS, Revocation, confirms
from kmptui.errors import (
    AccountRefused,
    BadInput,
    ScmGarbled,
    ScmRefused,
    Unconfirmed,
    Unreachable,
)
from kmptui.services import acting, targets
from kmptui.services.acting import ACCEPTED, ALREADY, NOT_SENT, REFUSED, Deed
from kmptui.services.reporting import Report, silent
from kmptui.services.targets import Target
from kmptui.store import certificates, revocations
from kmptui.store.columns import serial_text

if TYPE_CHECKING:
    from kmptui.domain.audit import Stamp
    from kmptui.domain.order import RemoteOrder
    from kmptui.scm.client import ScmClient
    from kmptui.services.acting import Acting
    from kmptui.services.claiming import Claiming
    from kmptui.services.engine import Engine
    from kmptui.services.proving import Proof, Proving
    from kmptui.store.claims import Claim
    from kmptui.store.database import Db

__all__ = ["Revoked", "Revoking", "Target"]

FIRST_LOOK = timedelta(minutes=15)
"""After this the CA's list is looked up for the first time."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Revoked:
    """What became of it. `already`: it was revoked before, and nothing was changed; `confirmed`: SCM says that it is
    revoked; `certificate_id` names what may be taken out of the repository now."""

    words: str
    already: bool
    confirmed: bool
    certificate_id: int | None
    order_id: int | None


@dataclass(frozen=True, slots=True)
class _Listed:
    """Where the certificate's list is, who signs it (a chain, DER, issuer first), and when the certificate ends."""

    url: str = ""
    chain: tuple[bytes, ...] = ()
    ends: datetime | None = None


class Revoking:
    """Targets are found in `targets`, the proof is in `proving`."""

    def __init__(self, engine: Engine, claiming: Claiming, acting_: Acting, proving: Proving) -> None:
        self._engine = engine
        self._claiming = claiming
        self._acting = acting_
        self._proving = proving

    async def target(
        self, *, order_id: int | None = None, certificate_id: int | None = None, serial: str = ""
    ) -> Target:
        """The one certificate that a revocation would act on, from the store. Raises NotFound, Ambiguous,
        BadInput("serial"); StateForbids where there is nothing to revoke, or where the order has several live
        certificates: it names their serials."""
        return await self._engine.store.read(_find, self._engine.clock.now(), order_id, certificate_id, serial)

    async def revoke(self, target: Target, *, code: int, reason: str, typed: str) -> Revoked:
        """Revoke it, once; the critical part belongs to the workspace.

        `code` 0, 1, 3, 4 or 5, `reason` 1–512 characters, `typed` what `target.confirm` asks for. Raises before
        anything was sent: BadInput("reason_code"|"reason"|"confirm"), StateForbids, ReadOnly, NotLinked, VaultLocked,
        HeldElsewhere, AccountRefused, Unreachable, StoreFailed; afterwards ScmRefused (nothing was revoked) or
        Unconfirmed: it is looked up by the next `prove`.
        """
        code, reason = rules.reason_code(code), rules.reason(reason)
        words = f"Revoking {target.common_name or target.number}"
        return await self._engine.own(self._revoke(target, code, reason, typed), words)

    async def prove(self, report: Report = silent, *, due_only: bool = True) -> tuple[Proof, ...]:
        """Look up whether SCM says that it is revoked, and whether the CA's list has it: of all that are due, or of all
        that are not proved yet. Each has its own outcome; raises StoreFailed alone."""
        return await self._engine.own(
            self._proving.prove(self._engine.telling(report), due_only=due_only), "Proving revocations", stoppable=True
        )

    async def proofs(self) -> tuple[Proof, ...]:
        """All revocations that were asked for here and how far they are proved, newest first; from the store."""
        return await self._proving.known()

    async def due(self) -> datetime | None:
        """When the next one is to be looked up, None while none is."""
        return await self._engine.store.read(revocations.next_due)

    async def _revoke(self, target: Target, code: int, reason: str, typed: str) -> Revoked:
        engine = self._engine
        await engine.may_write("revoke")
        if target.certificate_id is not None:
            now = await self.target(certificate_id=target.certificate_id)
        else:
            now = (
                await self.target(serial=target.serial)
                if target.serial
                else await self.target(order_id=target.order_id)
            )
        if now.already:
            return _already(now)
        _refuse_unless_confirmed(now, typed)
        client = await engine.client()
        async with self._claiming.hold(now.common_name) as claim:
            remote = await self._as_scm_has_it(client, now)
            if remote is not None and _is_revoked(remote, now.serial):
                return _already(now)
            return await self._send(client, now, remote, code, reason, claim)

    async def _as_scm_has_it(self, client: ScmClient, target: Target) -> RemoteOrder | None:
        """The order's details right before the request; they prove the way to SCM, too. None without an order."""
        if target.ssl_id is None:
            await client.prove()
            return None
        remote = await client.details(target.ssl_id)
        await self._take_in(remote)
        return remote

    async def _send(
        self, client: ScmClient, target: Target, remote: RemoteOrder | None, code: int, reason: str, claim: Claim
    ) -> Revoked:
        engine = self._engine
        through_order = remote is not None and await engine.store.read(_has_one, target, remote)
        where = await self._where_listed(client, target)
        new = Revocation(
            0, target.certificate_id, target.order_id, target.serial, target.common_name, code, reason,
            engine.clock.now(), where.url, ends=where.ends,
        )  # fmt: skip
        noted: list[int] = []

        async def call() -> None:
            if through_order:
                assert target.ssl_id is not None  # noqa: S101 - see through_order
                await client.revoke(target.ssl_id, code, reason)
            else:
                await client.revoke_serial(target.serial, code, reason)

        def begun(db: Db, stamp: Stamp) -> None:
            issuer = revocations.keep_issuer(db, where.chain)
            first = stamp.at + FIRST_LOOK
            noted.append(revocations.begin(db, replace(new, issuer=issuer, asked=stamp.at, again=first)))
            asked.append(stamp.at)

        def ended(db: Db, outcome: str, _: None, stamp: Stamp) -> None:
            if outcome in {REFUSED, NOT_SENT}:
                revocations.forget(db, noted[0], asked[0])
            elif outcome in {ACCEPTED, ALREADY} and not _tells(target, remote):
                # details tell of an order's newest certificate only: of others this answer is SCM's word
                revocations.confirm(db, noted[0], stamp.at)

        asked: list[datetime] = []
        details = (
            ("serial", target.serial), ("reason code", f"{code} ({REASONS[code]})"), ("reason", reason),
            ("through", f"scm:{target.ssl_id}" if through_order else "serial"),
        )  # fmt: skip
        entry = Entry(
            "revoke", subject=target.subject, order_id=target.order_id, certificate_id=target.certificate_id,
            details=details,
        )  # fmt: skip
        deed = Deed(target.common_name, entry, call, begun, ended)
        try:
            done = await self._acting.carry_out(deed, claim)
        except Unconfirmed as error:
            if await self._looked(client, target, remote, noted[0]):
                words = f"{target.number} is revoked: SCM did not answer the request, but says so now"
                return Revoked(words, False, True, target.certificate_id, target.order_id)
            raise Unconfirmed(error.what, why=error.why, cure=f"It is not repeated by itself; {acting.ASK}") from error
        finally:
            self._tell(target)
        confirmed = await self._looked(client, target, remote, noted[0])
        if done.outcome == ALREADY:
            return replace(_already(target), confirmed=confirmed)
        says = "SCM says so" if confirmed else "SCM has taken it; that it says so is looked up"
        words = (
            f"{target.number} {target.common_name} is revoked: {says}. Its place in the CA's list is looked up later"
        )
        return Revoked(words, False, confirmed, target.certificate_id, target.order_id)

    async def _looked(self, client: ScmClient, target: Target, remote: RemoteOrder | None, revocation_id: int) -> bool:
        """Whether SCM says now that it is revoked. Where it does not tell, it is asked again by schedule."""
        engine = self._engine
        if target.ssl_id is not None and _tells(target, remote):
            try:
                await self._take_in(await engine.own(client.details(target.ssl_id)))
            except (Unreachable, ScmRefused, ScmGarbled, AccountRefused) as error:
                _log.warning("whether %s is revoked is asked again: %s", target.number, error)
        try:
            row = await engine.store.read(revocations.get, revocation_id)
        finally:
            self._tell(target)
        return row.confirmed is not None

    async def _take_in(self, remote: RemoteOrder) -> None:
        await self._engine.store.write(revocations.take_in, remote, await self._engine.stamp())

    async def _where_listed(self, client: ScmClient, target: Target) -> _Listed:
        """Out of the certificate: of the repository, or fetched for this alone, since SCM hands out none that is
        revoked. Without one the list is not known, which keeps nothing from being revoked."""
        if target.certificate_id is not None:
            held = await self._engine.store.read(certificates.certificate, target.certificate_id)
            return await asyncio.to_thread(_listed_of, (held.leaf, *held.chain), target.serial)
        ends = datetime.combine(target.ends, time(23, 59), UTC) if target.ends is not None else None
        if target.ssl_id is None:
            return _Listed(ends=ends)
        try:
            return await asyncio.to_thread(_parsed, await client.collect(target.ssl_id), target.serial, ends)
        except (ScmRefused, ScmGarbled, Unreachable) as error:
            _log.warning("the list of %s is not known: %s", target.number, error)
            return _Listed(ends=ends)

    def _tell(self, target: Target) -> None:
        self._engine.changed(
            Topic.CERTIFICATES, {target.certificate_id} if target.certificate_id is not None else set()
        )
        self._engine.changed(Topic.ORDERS, {target.order_id} if target.order_id is not None else set())


def _find(db: Db, now: datetime, order_id: int | None, certificate_id: int | None, serial: str) -> Target:
    return targets.find(db, now, order_id=order_id, certificate_id=certificate_id, serial=serial)


def _refuse_unless_confirmed(target: Target, typed: str) -> None:
    if confirms(typed, target.confirm, target.common_name, target.serial):
        return
    if target.confirm == BY_NAME:
        cure = f"To confirm, type the common name: {target.common_name}"
    else:
        cure = "To confirm, type the last four digits of the serial: several live certificates have the name"
    raise BadInput("confirm", f"{target.number} is not revoked", why="what was typed does not name it", cure=cure)


def _has_one(db: Db, target: Target, remote: RemoteOrder) -> bool:
    """Whether the order had this one certificate only, by the store and by SCM: then its id names it."""
    assert target.order_id is not None  # noqa: S101 - there is a remote order
    same = not remote.serial or serial_text(remote.serial) == target.serial
    issued = remote.status.lower() in ISSUED_STATUSES
    return issued and same and remote.replaced is None and revocations.held_of(db, target.order_id) <= 1


def _tells(target: Target, remote: RemoteOrder | None) -> bool:
    """Whether the order's details tell of this certificate: they do of the newest alone."""
    return remote is not None and (not remote.serial or serial_text(remote.serial) == target.serial)


def _is_revoked(remote: RemoteOrder, serial: str) -> bool:
    return remote.status.lower() == "revoked" and (not remote.serial or serial_text(remote.serial) == serial)


def _already(target: Target) -> Revoked:
    words = f"{target.number} {target.common_name} is already revoked"
    return Revoked(words, True, True, target.certificate_id, target.order_id)


def _parsed(data: bytes, serial: str, ends: datetime | None) -> _Listed:
    from kmptui.pki import chain

    found = chain.assemble(chain.parse(data), None)
    listed = _listed_of((found.leaf, *found.issuers), serial)
    return listed if listed.chain or listed.url else _Listed(ends=ends)


def _listed_of(ders: tuple[bytes, ...], serial: str) -> _Listed:
    from kmptui.pki import chain, revocation

    try:
        facts = chain.facts(ders[0])
        if facts.serial != serial:
            return _Listed()
        known = revocation.urls(ders[0])
    except ScmGarbled:  # a certificate that cannot be read any more has no list that could be read
        return _Listed()
    return _Listed(known[0] if known else "", ders[1:], facts.not_after)
