"""From "issued" to the repository: fetch the certificate, prove that it is the one that was ordered, add it once.

What SCM issued is never lost: with the limit reached, no room or no answer, the order stays "issued, not added" and its
certificate comes in later.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from kmptui.domain.audit import Entry
from kmptui.domain.certificate import Source
from kmptui.domain.limit import Limit
from kmptui.domain.listing import Topic
from kmptui.domain.order import Act, Hold, Intent, Ledger
from kmptui.errors import (
    FromScm,
    HeldElsewhere,
    LimitReached,
    NotFound,
    RestSwitchedOff,
    RoleMissing,
    ScmGarbled,
    ScmRefused,
    StateForbids,
)
from kmptui.services import comparing
from kmptui.store import audit, certificates, ledger, schedule

if TYPE_CHECKING:
    from kmptui.domain.audit import Stamp
    from kmptui.domain.order import RemoteOrder
    from kmptui.scm.client import ScmClient
    from kmptui.services.claiming import Claiming
    from kmptui.services.engine import Engine
    from kmptui.store.certificates import NewCertificate
    from kmptui.store.database import Db
    from kmptui.store.schedule import Body

FIRST_PAUSE = timedelta(minutes=5)
LONGEST_PAUSE = timedelta(hours=12)
COLLECTED = "collected"
NOT_ADDED = "not added"
WAITING = "waiting"
CLOSED = "closed"
FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Collected:
    """What became of one certificate. `outcome`: collected, not added, waiting, closed, failed."""

    order_id: int
    common_name: str
    outcome: str
    words: str


class OtherKey(ScmGarbled):
    """SCM handed out a certificate with another key than the order's; `certificate` is what came."""

    def __init__(self, certificate: NewCertificate) -> None:
        super().__init__(
            "SCM handed out a certificate with another key than the one that was ordered",
            why=f"it has serial {certificate.serial}",
            cure="Look at the order in SCM: somebody may have reissued it there",
        )
        self.certificate = certificate


class Collecting:
    """Fetches certificates of orders that are issued; adds what was fetched in one transaction with its audit rows."""

    def __init__(self, engine: Engine, claiming: Claiming) -> None:
        self._engine = engine
        self._claiming = claiming

    async def collect(self, client: ScmClient, body: Body) -> Collected:
        """Fetch and add one. Raises WrongLogin, PasswordExpired, Unreachable, StoreFailed; all else is an outcome."""
        fetched = await self.fetch(client, body)
        return fetched if isinstance(fetched, Collected) else (await self.add([fetched]))[0]

    async def fetch(self, client: ScmClient, body: Body) -> NewCertificate | Collected:
        """The certificate, proved, or why there is none. Raises WrongLogin, PasswordExpired, Unreachable,
        StoreFailed."""
        try:
            return await self._fetch(client, body)
        except (ScmRefused, ScmGarbled, RoleMissing, RestSwitchedOff) as error:  # of this one alone
            return await self.failed(body, str(error), error.code if isinstance(error, FromScm) else None)
        except (HeldElsewhere, StateForbids) as error:
            return await self.failed(body, str(error), None)

    async def _fetch(self, client: ScmClient, body: Body) -> NewCertificate | Collected:
        try:
            data = await client.collect(body.ssl_id)
            return await asyncio.to_thread(read_certificate, data, body)
        except OtherKey as error:
            return await self._other_key(client, body, error)
        except ScmRefused as error:
            return await self._refused(client, body, error)
        except ScmGarbled as error:
            return await self.failed(body, str(error), None)

    async def add(self, fetched: Sequence[NewCertificate]) -> list[Collected]:
        """Add them in one transaction, each with its audit row; the limit holds back what has no room. StoreFailed."""
        engine = self._engine
        most = engine.settings.certificate_limit
        added = await engine.store.write(_add_all, fetched, most, await engine.stamp())
        engine.changed(Topic.CERTIFICATES, set())
        engine.changed(Topic.ORDERS, {one.order_id for one in added})
        return added

    async def _refused(self, client: ScmClient, body: Body, error: ScmRefused) -> Collected:
        if error.kind == "pending":
            await self._pause(body, "SCM says it is issued, but does not hand it out yet", error.code)
            return _outcome(body, WAITING, "SCM does not hand it out yet")
        if error.kind == "revoked":
            remote = await client.details(body.ssl_id)
            await self._engine.store.write(_closed, remote, await self._engine.stamp())
            return _outcome(body, CLOSED, "revoked: SCM no longer hands it out")
        return await self.failed(body, str(error), error.code)

    async def _other_key(self, client: ScmClient, body: Body, error: OtherKey) -> NewCertificate | Collected:
        """Ours for sure, and reissued elsewhere: taken in without a key. Ours for sure, but not that: held. Linked by
        its looks alone: it was not ours, and the link is undone."""
        engine = self._engine
        awaited = await engine.store.read(ledger.awaited_reissue, body.order_id)
        if awaited is not None:
            if awaited.state is Ledger.ACCEPTED and await engine.store.read(_overtaken, awaited, error.certificate):
                return error.certificate
            return _outcome(body, WAITING, "reissue under way: SCM still hands out the earlier certificate")
        intent = await engine.store.read(ledger.intent_of, body.order_id)
        remote = await client.details(body.ssl_id)
        if remote.replaced is not None:
            return error.certificate
        marked = intent is not None and intent.token != "" and intent.token in remote.comments
        if intent is None or marked or await engine.store.read(_was_answered, body.order_id):
            await engine.store.write(_hold, body.order_id, Hold.MISMATCH, str(error), None)
            return _outcome(body, FAILED, str(error))
        words = f"scm:{body.ssl_id} came with another key: it is not the order that was sent, which is open again"
        entry = Entry(intent.act.value, "outcome", "unconfirmed", body.common_name, reason=words)
        async with self._claiming.hold(intent.common_name) as claim:
            await engine.store.write(ledger.undo_accept, intent.id, words, claim, entry, await engine.stamp())
        engine.changed(Topic.ORDERS, {body.order_id})
        return _outcome(body, FAILED, words)

    async def failed(self, body: Body, words: str, code: int | None) -> Collected:
        """Note why it did not come; it is tried again after a pause that grows."""
        await self._pause(body, words, code)
        return _outcome(body, FAILED, words)

    async def _pause(self, body: Body, words: str, code: int | None) -> None:
        engine = self._engine
        pause = min(FIRST_PAUSE * 2 ** min(body.tries, 10), LONGEST_PAUSE)
        await engine.store.write(schedule.body_failed, body.order_id, words, code, engine.clock.now() + pause)
        engine.changed(Topic.ORDERS, {body.order_id})


def read_certificate(data: bytes, body: Body) -> NewCertificate:
    """The order's certificate and its chain out of SCM's answer, whatever their order in it. Raises OtherKey where the
    public key is not the ordered one, ScmGarbled where there is no certificate in it."""
    from kmptui.pki import chain

    found = chain.parse(data)
    ours = not body.spki or chain.holds_key(found, body.spki)
    whole = chain.assemble(found, body.spki if body.spki and ours else None)
    facts = chain.facts(whole.leaf)
    certificate = certificates.NewCertificate(
        order_id=body.order_id,
        serial=facts.serial,
        common_name=facts.common_name or body.common_name,
        names=facts.names,
        not_before=facts.not_before,
        not_after=facts.not_after,
        issuer=facts.issuer,
        subject=facts.subject,
        key=facts.key,
        leaf=whole.leaf,
        chain=whole.issuers,
        sha256=facts.sha256,
        spki=facts.spki,
    )
    if not ours:
        raise OtherKey(certificate)
    return certificate


def _outcome(body: Body, outcome: str, words: str) -> Collected:
    return Collected(body.order_id, body.common_name, outcome, words)


def _add_all(db: Db, fetched: Sequence[NewCertificate], most: int, stamp: Stamp) -> list[Collected]:
    outcomes = []
    for new in fetched:
        assert new.order_id is not None  # noqa: S101 - what is collected is collected for an order
        subject = f"{new.common_name} {new.serial}"
        entry = Entry("collect", subject=subject, order_id=new.order_id, details=(("issuer", new.issuer),))
        try:
            awaited = ledger.awaited_reissue(db, new.order_id)
            if awaited is not None and awaited.state is Ledger.ACCEPTED and awaited.spki != new.spki:
                ledger.reissue_overtaken(db, new.order_id, new.spki)
            added = certificates.add(db, replace(new, source=_source(db, new)), entry, stamp, most=most)
            ledger.set_problem(db, new.order_id, "")
            comparing.remark(db, new, added, stamp)
        except LimitReached:
            limit = Limit(most, certificates.limit_used(db, stamp.at))
            words = f"issued, not added: limit {limit}"
            if ledger.order(db, new.order_id).row.hold is not Hold.LIMIT:
                audit.append(db, replace(entry, outcome="not added", reason=words), stamp)
            schedule.hold_by_limit(db, [new.order_id])
            outcomes.append(Collected(new.order_id, new.common_name, NOT_ADDED, words))
        except NotFound:
            outcomes.append(Collected(new.order_id, new.common_name, CLOSED, "the order was deleted here meanwhile"))
        else:
            outcomes.append(Collected(new.order_id, new.common_name, COLLECTED, f"in the repository, {new.serial}"))
    return outcomes


def _source(db: Db, new: NewCertificate) -> Source:
    assert new.order_id is not None  # noqa: S101 - see _add_all
    intent = ledger.intent_of(db, new.order_id)
    keeps_key = intent is not None and intent.act is Act.RENEW and not intent.spki
    if intent is None or not (keeps_key or intent.spki == new.spki):
        return Source.IMPORTED
    return {Act.ORDER: Source.ORDERED, Act.RENEW: Source.RENEWED, Act.REISSUE: Source.REISSUED}[intent.act]


def _overtaken(db: Db, reissue: Intent, came: NewCertificate) -> bool:
    """Whether it was issued since the reissue was sent, and not for it: somebody had the order reissued once more."""
    held = certificates.of_order(db, reissue.order_id)
    known = certificates.by_sha256(db, came.sha256) is not None
    return bool(held) and not known and came.not_before >= (reissue.sent or reissue.prepared) - timedelta(days=1)


def _closed(db: Db, remote: RemoteOrder, stamp: Stamp) -> None:
    order = ledger.update_from_details(db, remote, stamp)
    ledger.set_hold(db, order.id, Hold.NONE)


def _hold(db: Db, order_id: int, hold: Hold, problem: str, code: int | None) -> None:
    ledger.set_hold(db, order_id, hold)
    ledger.set_problem(db, order_id, problem, code)


def _was_answered(db: Db, order_id: int) -> bool:
    """Whether SCM itself answered the newest request that was to make this order with its id: then no search has linked
    them. What else was asked of it (an edit, say) may have gone unanswered."""
    for row in audit.of_order(db, order_id, most=1000):
        if row.action not in {Act.ORDER.value, Act.RENEW.value}:
            continue
        if row.outcome == "unconfirmed":
            return False
        if row.phase == "intent":
            break
    return True
