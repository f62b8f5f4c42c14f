"""Orders whose answer never came: found again, or not placed, or a person is asked. Nothing is ever sent here.

The mark in the comments finds an order for sure; where none could be sent, its names, profile, organization and day do,
and once it is issued its public key decides. Of a renewal the old order tells first whether it was renewed at all; a
reissue is proved by its public key, or by an order that is with the CA again. "Not placed" takes two complete searches,
ten minutes apart by SCM's clock, since this host's may jump in between. An intent is judged only under the claim on its
name: while another process holds that, the intent is being worked on.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from kmptui.domain.audit import Entry
from kmptui.domain.listing import Topic
from kmptui.domain.order import ISSUED_STATUSES, Act, Intent, Ledger, Order, RemoteOrder
from kmptui.errors import BadInput, HeldElsewhere, RestSwitchedOff, RoleMissing, ScmGarbled, ScmRefused, StateForbids
from kmptui.services.looking import Candidate, Looking
from kmptui.store import ledger

if TYPE_CHECKING:
    from datetime import datetime

    from kmptui.domain.audit import Stamp
    from kmptui.scm.client import ScmClient
    from kmptui.services.claiming import Claiming
    from kmptui.services.engine import Engine
    from kmptui.store.claims import Claim
    from kmptui.store.database import Db

__all__ = ["Candidate", "Judged", "Reconciling"]

BETWEEN_SEARCHES = timedelta(minutes=10)


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
        self._looking = Looking(engine)

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
        is none. Raises NotLinked, VaultLocked, WrongLogin, PasswordExpired, Unreachable."""
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
            except (ScmGarbled, ScmRefused, RoleMissing, RestSwitchedOff, StateForbids) as error:
                judged.append(_judged(intent, f"could not be looked for: {error}"))
        return tuple(judged)

    async def candidates(self, order_id: int) -> tuple[Candidate, ...]:
        """Ask SCM which orders may be the unconfirmed one. Raises StateForbids where nothing is unconfirmed."""
        await self.recover()
        intent = await self._unconfirmed(order_id)
        client = await self._engine.client()
        if intent.act is not Act.REISSUE:
            return (await self._looking.search(client, intent)).candidates
        assert intent.target_ssl_id is not None  # noqa: S101 - a reissue is of an order that SCM has
        remote = await client.details(intent.target_ssl_id)
        taken, words = await self._looking.reissued(client, intent, remote)
        requested = f"{remote.requested:%Y-%m-%d}" if remote.requested else ""
        told = (remote.ssl_id, remote.common_name, remote.names, remote.status, requested, (words,), bool(taken))
        return (Candidate(*told),)

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
        began = await self._began(client)
        if intent.act is Act.REISSUE:
            return await self._judge_reissue(client, intent, claim, began)
        # that SCM did not renew the old one is the best proof that it took no renewal
        renewed = (await self._read_target(client, intent)).renewed if intent.act is Act.RENEW else None
        search = await self._looking.search(client, intent)
        found = search.candidates
        if renewed is False:  # then only what has the new public key can be the renewal
            found = tuple(one for one in found if one.sure)
        sure = await self._looking.of_the_key(client, intent, [one for one in found if one.sure])
        one = sure[0] if len(sure) == 1 else found[0] if len(found) == 1 and not intent.token else None
        if one is not None:
            remote = await client.details(one.ssl_id)
            order = await self._accept(intent, remote, claim, f"found again: {', '.join(one.reasons)}")
            return Judged(order.id, one.ssl_id, intent.common_name, Ledger.ACCEPTED, f"found again as scm:{one.ssl_id}")
        if found:
            words = f"{len(found)} orders in SCM may be it" if len(found) > 1 else f"scm:{found[0].ssl_id} may be it"
            return await self._ask(intent, words)
        if renewed and not search.others:
            return await self._ask(intent, "SCM says that the old one is renewed, and lists no order that may be it")
        return await self._not_found(intent, claim, began, "SCM does not have it: two complete searches found nothing")

    async def _began(self, client: ScmClient) -> datetime:
        """When the search that begins now began: by SCM's clock, which it tells right now, where it tells one."""
        await client.prove()
        return client.server_now or self._engine.clock.now()

    async def _judge_reissue(self, client: ScmClient, intent: Intent, claim: Claim, began: datetime) -> Judged:
        remote = await self._read_target(client, intent)
        taken, words = await self._looking.reissued(client, intent, remote)
        if taken:
            order = await self._accept(intent, remote, claim, f"found again: {words}")
            told = f"reissued under scm:{remote.ssl_id}: {words}"
            return Judged(order.id, remote.ssl_id, intent.common_name, Ledger.ACCEPTED, told)
        if taken is None:
            return await self._ask(intent, words)
        return await self._not_found(intent, claim, began, f"SCM did not reissue it: {words}, looked at twice")

    async def _read_target(self, client: ScmClient, intent: Intent) -> RemoteOrder:
        """The order that is renewed or reissued, as SCM has it now."""
        engine = self._engine
        assert intent.target_ssl_id is not None  # noqa: S101 - both are of an order that SCM has
        remote = await client.details(intent.target_ssl_id)
        await engine.store.write(ledger.update_from_details, remote, await engine.stamp())
        engine.changed(Topic.ORDERS, set())
        return remote

    async def _ask(self, intent: Intent, words: str) -> Judged:
        """Only a person can tell: the order's row says so."""
        engine = self._engine
        words += f": settle it with kmptui orders settle o{intent.order_id}"
        await engine.store.write(ledger.set_problem, intent.order_id, words)
        engine.changed(Topic.ORDERS, {intent.order_id})
        return _judged(intent, words)

    async def _not_found(self, intent: Intent, claim: Claim, began: datetime, words: str) -> Judged:
        """A complete search, which `began` then, found nothing; `words` say so once it was the second."""
        engine = self._engine
        if intent.searched is None:
            await engine.store.write(ledger.record_search, intent.id, began, claim)
        elif began - intent.searched >= BETWEEN_SEARCHES:
            entry = _entry(intent, Ledger.NOT_PLACED, words)
            await engine.store.write(ledger.not_placed, intent.id, words, claim, entry, await engine.stamp())
            engine.changed(Topic.ORDERS, {intent.order_id})
            return Judged(intent.order_id, None, intent.common_name, Ledger.NOT_PLACED, words)
        again = (intent.searched or began) + BETWEEN_SEARCHES
        return _judged(intent, f"not found yet; the second search is possible from {again:%H:%M} UTC on")

    async def _accept(self, intent: Intent, remote: RemoteOrder, claim: Claim, words: str) -> Order:
        engine = self._engine
        entry = _entry(intent, Ledger.ACCEPTED, words, (("ssl id", str(remote.ssl_id)),))
        order = await engine.store.write(_accept, intent.id, remote, claim, entry, await engine.stamp())
        engine.changed(Topic.ORDERS, set())
        return order

    async def _refuse_stranger(self, client: ScmClient, intent: Intent, remote: RemoteOrder) -> None:
        if intent.act is not Act.REISSUE and remote.common_name and remote.common_name.lower() != intent.common_name:
            what = f"scm:{remote.ssl_id} is for {remote.common_name}"
            raise BadInput("ssl_id", what, why=f"the order is for {intent.common_name}")
        issued = remote.status.lower() in ISSUED_STATUSES
        if issued and await self._looking.same_key(client, intent, remote.ssl_id) is False:
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


def _entry(intent: Intent, outcome: str, words: str, details: tuple[tuple[str, str], ...] = ()) -> Entry:
    return Entry(
        intent.act.value, "outcome", str(outcome), intent.common_name, order_id=intent.order_id, reason=words,
        details=details,
    )  # fmt: skip


def _judged(intent: Intent, words: str) -> Judged:
    return Judged(intent.order_id, None, intent.common_name, intent.state, words)
