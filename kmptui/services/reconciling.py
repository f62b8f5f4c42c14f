"""Orders whose answer never came: found again, or not placed, or a person is asked. Nothing is ever sent here.

The mark in the comments finds an order for sure; where none could be sent, its names, profile, organization and day do,
and once it is issued its public key decides. "Not placed" takes two complete searches, ten minutes apart, the second
at least that long after the request ended. An intent is judged only under the claim on its name: while another process
holds that, the intent is being worked on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from kmptui.domain.audit import Entry
from kmptui.domain.listing import Topic
from kmptui.domain.order import ISSUED_STATUSES, Intent, Ledger, Order, RemoteOrder
from kmptui.errors import BadInput, HeldElsewhere, ScmGarbled, ScmRefused, StateForbids
from kmptui.services import matching
from kmptui.services.bounded import for_each
from kmptui.store import certificates, ledger

if TYPE_CHECKING:
    from datetime import datetime

    from kmptui.domain.audit import Stamp
    from kmptui.domain.certificate import Certificate
    from kmptui.scm.client import ScmClient
    from kmptui.services.claiming import Claiming
    from kmptui.services.engine import Engine
    from kmptui.store.claims import Claim
    from kmptui.store.database import Db

BETWEEN_SEARCHES = timedelta(minutes=10)
PAGE = 200


@dataclass(frozen=True, slots=True)
class Candidate:
    """An order at SCM that may be the unconfirmed one, and what speaks for it, in words."""

    ssl_id: int
    common_name: str
    names: tuple[str, ...]
    status: str
    requested: str
    reasons: tuple[str, ...]
    sure: bool = False
    """It has the intent's mark or public key."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What came of one intent."""

    order_id: int
    ssl_id: int | None
    common_name: str
    ledger: Ledger
    words: str


class Reconciling:
    """Judges intents; run it in tasks that the workspace owns, as all that changes the ledger."""

    def __init__(self, engine: Engine, claiming: Claiming) -> None:
        self._engine = engine
        self._claiming = claiming

    async def recover(self) -> int:
        """Judge what dead processes left behind, from the store: prepared → draft, sent → unconfirmed. How many."""
        engine = self._engine
        await self._claiming.give_back_left()  # a claim that is left over would keep its intent from being judged
        count = 0
        for intent in await engine.store.read(ledger.open_intents):
            if intent.state is Ledger.UNCONFIRMED or intent.holder:
                continue
            try:
                async with self._claiming.hold(intent.common_name) as claim:
                    count += await engine.store.write(_recover, intent.id, claim, await engine.stamp())
            except HeldElsewhere:
                continue
            engine.changed(Topic.ORDERS, {intent.order_id})
        return count

    async def reconcile(self, order_ids: Collection[int] | None = None) -> tuple[Judged, ...]:
        """Look for every unconfirmed intent that nobody holds, or for these orders' alone. Asks SCM nothing where there
        is none. Raises NotLinked, VaultLocked, AccountRefused, Unreachable."""
        await self.recover()
        engine = self._engine
        judged = []
        for intent in await engine.store.read(ledger.open_intents):
            if order_ids is not None and intent.order_id not in order_ids:
                continue
            if intent.state is not Ledger.UNCONFIRMED:
                judged.append(_judged(intent, f"being sent by {intent.holder}"))
                continue
            client = await engine.client()
            try:
                async with self._claiming.hold(intent.common_name) as claim:
                    judged.append(await self._judge(client, intent.id, claim))
            except HeldElsewhere as error:
                judged.append(_judged(intent, str(error)))
            except (ScmGarbled, ScmRefused, StateForbids) as error:
                judged.append(_judged(intent, f"could not be looked for: {error}"))
        return tuple(judged)

    async def candidates(self, order_id: int) -> tuple[Candidate, ...]:
        """Ask SCM which orders may be the unconfirmed one. Raises StateForbids where nothing is unconfirmed."""
        await self.recover()
        intent = await self._unconfirmed(order_id)
        return await self._search(await self._engine.client(), intent)

    async def settle(self, order_id: int, ssl_id: int | None) -> Order:
        """A person says which order it is, or none. Raises StateForbids, HeldElsewhere; BadInput("ssl_id") where SCM's
        order has other names or another key."""
        engine = self._engine
        await self.recover()
        intent = await self._unconfirmed(order_id)
        async with self._claiming.hold(intent.common_name) as claim:
            if ssl_id is None:
                words = "a person said that it was not placed"
                entry = _entry(intent, Ledger.NOT_PLACED, words)
                await engine.store.write(ledger.not_placed, intent.id, words, claim, entry, await engine.stamp())
            else:
                client = await engine.client()
                remote = await client.details(ssl_id)
                await self._refuse_stranger(client, intent, remote)
                await self._accept(intent, remote, claim, "a person said so")
        engine.changed(Topic.ORDERS, {order_id})
        return await engine.store.read(ledger.order, order_id)

    async def _unconfirmed(self, order_id: int) -> Intent:
        intent = await self._engine.store.read(ledger.intent_of, order_id)
        if intent is None or intent.state is not Ledger.UNCONFIRMED:
            raise StateForbids(f"Order o{order_id} is not unconfirmed", why="its outcome is known")
        return intent

    async def _judge(self, client: ScmClient, intent_id: int, claim: Claim) -> Judged:
        engine = self._engine
        intent = await engine.store.read(ledger.intent, intent_id)
        if intent.state is not Ledger.UNCONFIRMED:
            return _judged(intent, "settled meanwhile")
        began = engine.clock.now()
        found = await self._search(client, intent)
        sure = await self._of_the_key(client, intent, [one for one in found if one.sure])
        one = sure[0] if len(sure) == 1 else found[0] if len(found) == 1 and not intent.token else None
        if one is not None:
            remote = await client.details(one.ssl_id)
            order = await self._accept(intent, remote, claim, f"found again: {', '.join(one.reasons)}")
            return Judged(order.id, one.ssl_id, intent.common_name, Ledger.ACCEPTED, f"found again as scm:{one.ssl_id}")
        if found:
            words = f"{len(found)} orders in SCM may be it" if len(found) > 1 else f"scm:{found[0].ssl_id} may be it"
            words += f": settle it with kmptui orders settle o{intent.order_id}"
            await engine.store.write(ledger.set_problem, intent.order_id, words)
            engine.changed(Topic.ORDERS, {intent.order_id})
            return _judged(intent, words)
        return await self._not_found(intent, claim, began)

    async def _of_the_key(self, client: ScmClient, intent: Intent, sure: list[Candidate]) -> list[Candidate]:
        """The one of several that has the intent's key, where all others have another: who renews an order in SCM's
        console copies its comments, and the mark with them."""
        if len(sure) < 2:
            return sure
        same = [await self._same_key(client, intent, one.ssl_id) for one in sure]
        ours = [one for one, is_ours in zip(sure, same, strict=True) if is_ours]
        return ours if len(ours) == 1 and None not in same else sure

    async def _not_found(self, intent: Intent, claim: Claim, began: datetime) -> Judged:
        """A complete search, which `began` then, found nothing."""
        engine = self._engine
        ended = intent.ended or intent.sent or intent.prepared
        if intent.searched is None:
            await engine.store.write(ledger.record_search, intent.id, began, claim)
        elif began - max(intent.searched, ended) >= BETWEEN_SEARCHES:
            words = "SCM does not have it: two complete searches found nothing"
            entry = _entry(intent, Ledger.NOT_PLACED, words)
            await engine.store.write(ledger.not_placed, intent.id, words, claim, entry, await engine.stamp())
            engine.changed(Topic.ORDERS, {intent.order_id})
            return Judged(intent.order_id, None, intent.common_name, Ledger.NOT_PLACED, words)
        again = max(intent.searched or began, ended) + BETWEEN_SEARCHES
        return _judged(intent, f"not found yet; the second search is possible from {again:%H:%M} UTC on")

    async def _accept(self, intent: Intent, remote: RemoteOrder, claim: Claim, words: str) -> Order:
        engine = self._engine
        entry = _entry(intent, Ledger.ACCEPTED, words, (("ssl id", str(remote.ssl_id)),))
        order = await engine.store.write(_accept, intent.id, remote, claim, entry, await engine.stamp())
        engine.changed(Topic.ORDERS, set())
        return order

    async def _search(self, client: ScmClient, intent: Intent) -> tuple[Candidate, ...]:
        """One complete search. Raises ScmGarbled where SCM's list is not whole."""
        rows = await self._listed(client, intent.common_name)
        strangers = await self._engine.store.read(_strangers, intent, [row.ssl_id for row in rows])
        found: list[Candidate] = []

        async def look(row: RemoteOrder) -> None:
            candidate = await self._weigh(client, intent, await client.details(row.ssl_id))
            if candidate is not None:
                found.append(candidate)

        await for_each([row for row in rows if row.ssl_id not in strangers], look, self._engine.settings.concurrency)
        return tuple(sorted(found, key=lambda one: (not one.sure, one.ssl_id)))

    async def _listed(self, client: ScmClient, common_name: str) -> list[RemoteOrder]:
        """All of that name, whatever the size of SCM's pages: up to its count, or to an empty page where it tells
        none."""
        rows: dict[int, RemoteOrder] = {}
        position, total = 0, None
        while total is None or position < total:
            page = await client.list_orders(position, PAGE, commonName=common_name)
            total = page.total
            known = len(rows)
            rows.update((row.ssl_id, row) for row in page.rows)
            position += len(page.rows)
            if len(rows) == known:
                break
        if total is not None and len(rows) != total:
            raise ScmGarbled(f"SCM lists {len(rows):,} orders of {common_name}, and counts {total:,}")
        return list(rows.values())

    async def _weigh(self, client: ScmClient, intent: Intent, remote: RemoteOrder) -> Candidate | None:
        reasons = matching.reasons(intent, remote)
        if not reasons:
            return None
        sure = matching.MARK in reasons
        if not sure and remote.status.lower() in ISSUED_STATUSES:
            same = await self._same_key(client, intent, remote.ssl_id)
            if same is False:
                return None
            if same:
                sure, reasons = True, (*reasons, "public key")
        requested = f"{remote.requested:%Y-%m-%d}" if remote.requested else ""
        return Candidate(
            remote.ssl_id, remote.common_name, remote.names, remote.status, requested, reasons, sure
        )  # fmt: skip

    async def _same_key(self, client: ScmClient, intent: Intent, ssl_id: int) -> bool | None:
        """Whether the issued certificate has the intent's public key; None while SCM does not hand it out."""
        from kmptui.pki import chain

        try:
            data = await client.collect(ssl_id)
        except ScmRefused:
            return None
        return await asyncio.to_thread(lambda: chain.holds_key(chain.parse(data), intent.spki))

    async def _refuse_stranger(self, client: ScmClient, intent: Intent, remote: RemoteOrder) -> None:
        if remote.common_name and remote.common_name.lower() != intent.common_name:
            what = f"scm:{remote.ssl_id} is for {remote.common_name}"
            raise BadInput("ssl_id", what, why=f"the order is for {intent.common_name}")
        issued = remote.status.lower() in ISSUED_STATUSES
        if issued and await self._same_key(client, intent, remote.ssl_id) is False:
            what = f"scm:{remote.ssl_id} has another key than the one that was ordered"
            raise BadInput("ssl_id", what, cure="It is somebody else's order")


def _recover(db: Db, intent_id: int, claim: Claim, stamp: Stamp) -> bool:
    intent = ledger.intent(db, intent_id)
    if intent.state is Ledger.PREPARED:
        words = "kmptui ended before it was sent"
        ledger.back_to_draft(db, intent_id, words, claim, _entry(intent, "not sent", words), stamp)
    elif intent.state is Ledger.SENT:
        words = "kmptui ended before SCM answered"
        ledger.unconfirm(db, intent_id, words, claim, _entry(intent, Ledger.UNCONFIRMED, words), stamp)
    else:
        return False
    return True


def _accept(db: Db, intent_id: int, remote: RemoteOrder, claim: Claim, entry: Entry, stamp: Stamp) -> Order:
    ledger.accept(db, intent_id, remote.ssl_id, claim, entry, stamp)
    return ledger.update_from_details(db, remote, stamp)


def _strangers(db: Db, intent: Intent, ssl_ids: Sequence[int]) -> frozenset[int]:
    """Those that cannot be the intent's: other orders of ours that were sent from here, were known before it, or have a
    certificate with another key."""
    found = set()
    for ssl_id in ssl_ids:
        order = ledger.order_by_ssl_id(db, ssl_id)
        if order is None or order.id == intent.order_id:
            continue
        others = any(row.spki != intent.spki for row in _certificates(db, order.id))
        marked = intent.token and intent.token in order.comments
        if ledger.intent_of(db, order.id) is not None or (not marked and (ssl_id <= intent.highest_ssl_id or others)):
            found.add(ssl_id)
    return frozenset(found)


def _certificates(db: Db, order_id: int) -> list[Certificate]:
    return [certificates.certificate(db, row.id) for row in certificates.of_order(db, order_id)]


def _entry(intent: Intent, outcome: str, words: str, details: tuple[tuple[str, str], ...] = ()) -> Entry:
    return Entry(
        intent.act.value, "outcome", str(outcome), intent.common_name, order_id=intent.order_id, reason=words,
        details=details,
    )  # fmt: skip


def _judged(intent: Intent, words: str) -> Judged:
    return Judged(intent.order_id, None, intent.common_name, intent.state, words)
