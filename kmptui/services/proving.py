"""The proof of a revocation: SCM says so, and the CA's list has the serial. Looked up by schedule until both are true.

SCM's word is asked for only where it is missing; the list needs neither account nor vault.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from kmptui.domain.audit import Entry
from kmptui.domain.listing import Topic
from kmptui.domain.order import ISSUED_STATUSES
from kmptui.errors import (
    AccountRefused,
    BadInput,
    HeldElsewhere,
    NotLinked,
    ScmGarbled,
    ScmRefused,
    Unreachable,
    VaultLocked,
    WrongKind,
)
from kmptui.services.bounded import for_each
from kmptui.services.reporting import Progress, Report
from kmptui.store import account as accounts
from kmptui.store import ledger, revocations
from kmptui.store.columns import serial_text

if TYPE_CHECKING:
    from kmptui.domain.revocation import Revocation
    from kmptui.pki.revocation import Listing
    from kmptui.scm.client import ScmClient
    from kmptui.services.claiming import Claiming
    from kmptui.services.engine import Engine

FIRST_PAUSE = timedelta(minutes=15)
LONGEST_PAUSE = timedelta(hours=12)
SURE = timedelta(minutes=10)
"""After so long, an order that SCM still has as issued was not revoked by the request that had no answer."""
AT_ONCE = 4

LISTED, WAITING, UNCONFIRMED, NOT_REVOKED, CLOSED = "listed", "waiting", "unconfirmed", "not revoked", "closed"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Proof:
    """How far one revocation is proved. `state`: listed (the CA's list has it), waiting (SCM says that it is revoked,
    the list does not have it yet), unconfirmed (SCM has not said so), not revoked (SCM still has it as issued; nothing
    came of the request), closed (not looked up any more, `words` say why); `again` is when it is looked up next."""

    id: int
    certificate_id: int | None
    order_id: int | None
    serial: str
    common_name: str
    state: str
    words: str
    url: str = ""
    asked: datetime | None = None
    confirmed: datetime | None = None
    listed: datetime | None = None
    again: datetime | None = None


@dataclass
class _Scm:
    """SCM as one run asks it, one question at a time; `client` None: not, or not any more."""

    client: ScmClient | None
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


class Proving:
    def __init__(self, engine: Engine, claiming: Claiming) -> None:
        self._engine = engine
        self._claiming = claiming

    async def known(self) -> tuple[Proof, ...]:
        """All of them, newest first, from the store."""
        return tuple(map(_proof, await self._engine.store.read(revocations.rows)))

    async def prove(self, report: Report, *, due_only: bool) -> tuple[Proof, ...]:
        """Look up what is due, or all that are open. Raises StoreFailed alone."""
        engine = self._engine
        due = await engine.store.read(revocations.due, engine.clock.now() if due_only else None)
        scm = _Scm(await self._client() if any(row.confirmed is None for row in due) else None)
        lists: dict[str, asyncio.Task[bytes]] = {}
        proofs: list[Proof] = []

        async def one(row: Revocation) -> None:
            proofs.append(await self._one(row, scm, lists))
            report(Progress("Looking up revocations", len(proofs), len(due)))

        try:
            await for_each(due, one, AT_ONCE)
        finally:
            for task in lists.values():
                task.cancel()
            await asyncio.gather(*lists.values(), return_exceptions=True)
        if due:
            engine.changed(Topic.CERTIFICATES)
            engine.changed(Topic.ORDERS)
        return tuple(proofs)

    async def _client(self) -> ScmClient | None:
        try:
            return await self._engine.client()
        except (NotLinked, VaultLocked, AccountRefused) as error:
            _log.warning("SCM is not asked about revocations: %s", error)
            return None

    async def _one(self, row: Revocation, scm: _Scm, lists: dict[str, asyncio.Task[bytes]]) -> Proof:
        engine = self._engine
        trouble = ""
        if row.confirmed is None:
            trouble = await self._ask(row, scm)
            if trouble == NOT_REVOKED:
                words = "SCM still has it as issued: nothing was revoked. It can be revoked again"
                return Proof(row.id, row.certificate_id, row.order_id, row.serial, row.common_name, NOT_REVOKED, words)
        problem = await self._look(row, lists)
        if problem:
            now = await engine.store.read(revocations.get, row.id)
            await engine.store.write(revocations.pause, row.id, trouble or problem, self._again(now))
        return _proof(await engine.store.read(revocations.get, row.id))

    async def _ask(self, row: Revocation, scm: _Scm) -> str:
        """SCM's word on it: "" once it says that it is revoked or cannot tell, NOT_REVOKED, or what was the trouble."""
        engine = self._engine
        order = await engine.store.read(ledger.order, row.order_id) if row.order_id is not None else None
        if order is None or order.ssl_id is None:
            return ""
        try:
            async with scm.turn:
                if scm.client is None:
                    return ""
                # a task of its own: that SCM refuses the credentials is noted
                remote = await engine.own(scm.client.details(order.ssl_id))
        except AccountRefused as error:
            scm.client = None  # they are not sent again for the next one
            return str(error)
        except (ScmRefused, ScmGarbled, Unreachable, WrongKind) as error:
            return str(error)
        stamp = await engine.stamp()
        await engine.store.write(revocations.take_in, remote, stamp)
        mine = not remote.serial or serial_text(remote.serial) == row.serial
        if not (mine and remote.status.lower() in ISSUED_STATUSES and stamp.at >= row.asked + SURE):
            return ""
        entry = Entry(
            "revoke", "outcome", "not done", f"{row.common_name} {row.serial}", row.order_id, row.certificate_id,
            "SCM still has it as issued; nothing was revoked",
        )  # fmt: skip
        try:
            async with self._claiming.hold(row.common_name):
                await engine.store.write(revocations.not_revoked, row.id, entry, stamp)
        except HeldElsewhere as error:
            return str(error)
        return NOT_REVOKED

    async def _look(self, row: Revocation, lists: dict[str, asyncio.Task[bytes]]) -> str:
        """Whether the CA's list has it: "" once it does, else why not."""
        if not row.crl_url:
            return "its certificate is not here, so its list is not known"
        issuer = await self._engine.store.read(revocations.issuer, row.issuer)
        if issuer is None:
            return "its issuer is not known here, so no list can be proved to be the CA's"
        if row.crl_url not in lists:
            lists[row.crl_url] = asyncio.create_task(self._fetch(row.crl_url))
        try:
            data = await asyncio.shield(lists[row.crl_url])
            found = await asyncio.to_thread(_listing, data, issuer, row.serial)
        except (Unreachable, ScmGarbled, BadInput) as error:
            return str(error)
        if found.entry is None:
            return _not_there(found, self._engine.clock.now())
        details = (
            ("list", row.crl_url), ("since", found.entry.revoked.isoformat()), ("reason code", str(found.entry.reason)),
            ("list of", found.this_update.isoformat()),
        )  # fmt: skip
        entry = Entry(
            "crl", subject=f"{row.common_name} {row.serial}", order_id=row.order_id, certificate_id=row.certificate_id,
            details=details,
        )  # fmt: skip
        await self._engine.store.write(revocations.listed, row.id, entry, await self._engine.stamp())
        return ""

    async def _fetch(self, url: str) -> bytes:
        from kmptui.scm import crl

        settings, account = self._engine.settings, await self._engine.store.read(accounts.account)
        ca_file = (account.ca_file if account else "") or settings.ca_file
        proxy = (account.proxy if account else "") or settings.proxy
        return await crl.fetch(url, ca_file=ca_file, proxy=proxy, network=self._engine.transport)

    def _again(self, row: Revocation) -> datetime | None:
        """After a pause that grows; no more once nothing can come of it."""
        now = self._engine.clock.now()
        if row.ends is not None and row.ends <= now:
            return None  # lists need not have what has expired (RFC 5280, 3.3)
        if row.confirmed is not None and not (row.crl_url and row.issuer):
            return None
        pause: timedelta = min(FIRST_PAUSE * 2 ** min(row.tries + 1, 10), LONGEST_PAUSE)
        return now + pause


def _proof(row: Revocation) -> Proof:
    state, words = _told(row)
    return Proof(
        row.id, row.certificate_id, row.order_id, row.serial, row.common_name, state, words, row.crl_url, row.asked,
        row.confirmed, row.listed, row.again,
    )  # fmt: skip


def _told(row: Revocation) -> tuple[str, str]:
    if row.listed is not None:
        return LISTED, f"revoked; the CA's list has it ({row.crl_url})"
    problem = f": {row.problem}" if row.problem else ""
    if row.again is None:
        said = "SCM says that it is revoked" if row.confirmed is not None else "SCM has not said that it is revoked"
        return CLOSED, f"{said}; not looked up any more{problem}"
    if row.confirmed is not None:
        return WAITING, f"SCM says that it is revoked; the CA's list is looked up again{problem}"
    return UNCONFIRMED, f"whether it is revoked is not known; looked up again{problem}"


def _not_there(found: Listing, now: datetime) -> str:
    made = f"{found.this_update:%-d %b %Y %H:%M} UTC"
    if found.next_update is not None and found.next_update <= now:
        return f"the list that the CA hands out is old (of {made})"
    return f"the list of {made} does not have it yet"


def _listing(data: bytes, issuer: bytes, serial: str) -> Listing:
    from kmptui.pki import revocation

    return revocation.look(data, issuer, serial)
