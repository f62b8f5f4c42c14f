"""Cancel one's own waiting request, decline or approve another's: each once, looked at before and afterwards.

SCM's word for both endings is decline (SCM REST 25.5); it is the only cancel there is, while a request waits.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kmptui.domain import entry as rules
from kmptui.domain import preflight
from kmptui.domain.audit import Entry
from kmptui.domain.listing import Topic
from kmptui.domain.order import Order
from kmptui.errors import (
    AccountRefused,
    BadInput,
    HeldElsewhere,
    KmptuiError,
    NotFound,
    Refused,
    ScmGarbled,
    ScmRefused,
    StateForbids,
    Unconfirmed,
    Unreachable,
)
from kmptui.services import acting
from kmptui.services.acting import Deed
from kmptui.services.deciding_words import not_waiting
from kmptui.services.reporting import Progress, Report, silent
from kmptui.store import ledger, revocations

if TYPE_CHECKING:
    from kmptui.domain.order import RemoteOrder
    from kmptui.scm.client import ScmClient
    from kmptui.services.acting import Acting
    from kmptui.services.claiming import Claiming
    from kmptui.services.engine import Engine
    from kmptui.store.database import Db

CANCEL, DECLINE, APPROVE = "cancel", "decline", "approve"
MOST = 500
"""Orders at a time."""
_RIGHT = {CANCEL: "order", DECLINE: "approve", APPROVE: "approve"}
_DOING = {CANCEL: "Cancelling", DECLINE: "Declining", APPROVE: "Approving"}
_DONE = {CANCEL: "cancelled", DECLINE: "declined", APPROVE: "approved"}
FOUR_EYES = "an EV request is approved by another person than its requester: ask a colleague to approve it"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Decided:
    """What became of one request; `ok`: it is as it was asked. `error` is what went wrong, where something did."""

    order_id: int
    common_name: str
    ok: bool
    words: str
    error: KmptuiError | None = None


class Deciding:
    def __init__(self, engine: Engine, claiming: Claiming, acting_: Acting) -> None:
        self._engine = engine
        self._claiming = claiming
        self._acting = acting_

    def why_not(self, order: Order, act: str) -> str:
        """Why the order cannot be cancelled, declined or approved (`act`), with the way out; "" where it can, as far as
        is known here: SCM judges."""
        if why := not_waiting(order, act):
            return why
        ours = order.origin in {"ordered", "renewed"}
        return FOUR_EYES if act == APPROVE and ours and _is_ev(order) else ""

    async def cancel(self, order_ids: Collection[int], message: str, report: Report = silent) -> tuple[Decided, ...]:
        """Take requests back while they wait: SCM counts them as declined. One outcome each; trouble that concerns
        them all (credentials, connection) ends the run, and the rest says so. Raises BadInput("message"|"orders"),
        ReadOnly."""
        return await self._all(CANCEL, order_ids, message, report)

    async def decline(self, order_ids: Collection[int], message: str, report: Report = silent) -> tuple[Decided, ...]:
        """Refuse others' requests. As `cancel`."""
        return await self._all(DECLINE, order_ids, message, report)

    async def approve(self, order_ids: Collection[int], message: str, report: Report = silent) -> tuple[Decided, ...]:
        """Let others' requests go on to the CA. As `cancel`."""
        return await self._all(APPROVE, order_ids, message, report)

    async def _all(self, act: str, order_ids: Collection[int], message: str, report: Report) -> tuple[Decided, ...]:
        message = rules.message(message)
        ids = tuple(dict.fromkeys(order_ids))
        if len(ids) > MOST:
            raise BadInput("orders", f"{len(ids):,} requests at a time are too many", cure=f"At most {MOST} are taken")
        await self._engine.may_write(_RIGHT[act])
        words = f"{_DOING[act]} {len(ids):,} request{'s' if len(ids) != 1 else ''}"
        return await self._engine.own(self._each(act, ids, message, words, report), words)

    async def _each(
        self, act: str, ids: tuple[int, ...], message: str, words: str, also: Report
    ) -> tuple[Decided, ...]:
        report = self._engine.telling(also)
        decided: list[Decided] = []
        fatal: KmptuiError | None = None
        for order_id in ids:
            if fatal is not None:
                decided.append(await self._told(order_id, f"not tried: {fatal}", fatal))
                continue
            try:
                # a task of its own: that SCM refuses the credentials is noted, and they are not sent again
                decided.append(await self._engine.own(self._one(act, order_id, message)))
            except KmptuiError as error:
                decided.append(await self._told(order_id, str(error), error))
                if not isinstance(error, Refused | ScmRefused | HeldElsewhere | Unconfirmed | ScmGarbled):
                    fatal = error
            report(Progress(words, len(decided), len(ids)))
        return tuple(decided)

    async def _told(self, order_id: int, words: str, error: KmptuiError) -> Decided:
        return Decided(order_id, await self._engine.store.read(_name_of, order_id), False, words, error)

    async def _one(self, act: str, order_id: int, message: str) -> Decided:
        engine = self._engine
        order = await engine.store.read(ledger.order, order_id)
        self._refuse(order, act)
        client = await engine.client()
        assert order.ssl_id is not None  # noqa: S101 - see not_waiting
        ssl_id = order.ssl_id
        async with self._claiming.hold(order.common_name) as claim:
            remote = await client.details(ssl_id)
            order = await self._take_in(remote)
            self._refuse(order, act)
            if act == APPROVE:
                await _refuse_own(client, order, remote)
            entry = Entry(
                act, subject=f"{order.row.number} {order.common_name}", order_id=order.id,
                details=(("message", message), ("ssl id", str(ssl_id))),
            )  # fmt: skip
            send = client.approve if act == APPROVE else client.decline
            deed = Deed(order.common_name, entry, _calling(send, ssl_id, message))
            try:
                await self._acting.carry_out(deed, claim)
            except Unconfirmed as error:
                after = await self._looked(client, ssl_id)
                if after is not None and _is_so(after, act):
                    words = f"{_DONE[act]}: SCM did not answer the request, but it is {after.row.state} now"
                    return Decided(order.id, order.common_name, True, words)
                cure = f"It is not repeated by itself; {acting.ASK}"
                raise Unconfirmed(error.what, why=error.why, cure=cure) from error
            finally:
                engine.changed(Topic.ORDERS, {order_id})
            after = await self._looked(client, ssl_id)
        state = f"; it is {after.row.state} now" if after is not None else ""
        return Decided(order.id, order.common_name, True, f"{_DONE[act]}{state}")

    def _refuse(self, order: Order, act: str) -> None:
        if why := self.why_not(order, act):
            raise StateForbids(f"{order.row.number} is not {_DONE[act]}", why=why)

    async def _looked(self, client: ScmClient, ssl_id: int) -> Order | None:
        """The order as SCM has it after the request; None where it does not tell just now: the next check asks."""
        try:
            order = await self._take_in(await self._engine.own(client.details(ssl_id)))
        except (Unreachable, ScmRefused, ScmGarbled, AccountRefused) as error:
            _log.warning("scm:%s is looked at by the next check: %s", ssl_id, error)
            return None
        self._engine.changed(Topic.ORDERS, {order.id})
        return order

    async def _take_in(self, remote: RemoteOrder) -> Order:
        return await self._engine.store.write(revocations.take_in, remote, await self._engine.stamp())


async def _refuse_own(client: ScmClient, order: Order, remote: RemoteOrder) -> None:
    """Four eyes: SCM refuses the approval of one's own EV request (-1140). Where SCM does not tell who we are, or who
    asked, it judges."""
    if not _is_ev(order):
        return
    me = await client.myself()
    if me is None:
        return
    if remote.requester_id is not None:
        own = remote.requester_id == me.id
    else:
        asked = remote.requester.casefold()
        own = bool(asked) and asked in {me.name.casefold(), client.login.casefold()}
    if own:
        raise StateForbids(f"{order.row.number} is not approved", why=FOUR_EYES)


def _calling(send: Callable[[int, str], Awaitable[None]], ssl_id: int, message: str) -> Callable[[], Awaitable[None]]:
    return lambda: send(ssl_id, message)


def _is_ev(order: Order) -> bool:
    return preflight.level_in(order.row.profile) == "EV"


def _is_so(order: Order, act: str) -> bool:
    """Whether SCM's status is what the request was to make of it."""
    status = order.row.status.lower()
    return status in {"approved", "applied", "issued"} if act == APPROVE else status == "declined"


def _name_of(db: Db, order_id: int) -> str:
    try:
        return ledger.order(db, order_id).common_name
    except NotFound:
        return ""
