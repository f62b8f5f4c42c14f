"""Edit an order in SCM: names, profile and term while it waits, comments and external requesters at any time."""

from __future__ import annotations

import asyncio
import logging
import shlex
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kmptui.domain import editing, preflight
from kmptui.domain.audit import Entry
from kmptui.domain.editing import EditRequest
from kmptui.domain.listing import Topic
from kmptui.domain.order import Order
from kmptui.errors import (
    AccountRefused,
    BadInput,
    Finding,
    PreflightFailed,
    ScmGarbled,
    ScmRefused,
    StateForbids,
    Unconfirmed,
    Unreachable,
)
from kmptui.services import acting, anew, spelling
from kmptui.services.acting import Deed
from kmptui.services.deciding_words import not_at_scm
from kmptui.store import keys, ledger, mirror, revocations

if TYPE_CHECKING:
    from kmptui.domain.audit import Stamp
    from kmptui.domain.order import RemoteOrder
    from kmptui.scm.client import ScmClient
    from kmptui.scm.requests import Update
    from kmptui.services.acting import Acting
    from kmptui.services.claiming import Claiming
    from kmptui.services.engine import Engine
    from kmptui.services.placing import Placing
    from kmptui.store.database import Db

__all__ = ["EditPreview", "EditRequest", "Editing"]

NEW_CSR = "-----BEGIN CERTIFICATE REQUEST-----\nmade when it is sent\n-----END CERTIFICATE REQUEST-----\n"
LOOK = "Look at it as it is now, and say again what to change"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class EditPreview:
    """What an edit would do. `changes` are (field, before, after) in words; `forbidden` why it cannot be made at all;
    `body` the request as SCM will get it (JSON text); `command` the command line that does the same."""

    order: Order
    changes: tuple[tuple[str, str, str], ...]
    forbidden: str
    findings: tuple[Finding, ...]
    body: str
    command: str

    @property
    def blocked(self) -> bool:
        return bool(self.forbidden) or not self.changes or preflight.forbids(self.findings)


class Editing:
    def __init__(self, engine: Engine, claiming: Claiming, acting_: Acting, placing: Placing) -> None:
        self._engine = engine
        self._claiming = claiming
        self._acting = acting_
        self._placing = placing

    def why_not(self, order: Order, changes: EditRequest | None = None) -> str:
        """Why the order cannot be edited in SCM, or not so; "" where it can. Comments and external requesters can be
        changed in any state."""
        if why := not_at_scm(order):
            return why
        if changes is None or not editing.requests(changes) or order.row.status.lower() in editing.EDITABLE:
            return ""
        return (
            f"it is {order.row.state}: SCM changes names, profile and term only while a request waits or was declined,"
            f" rejected or invalid; {_instead(order)}"
        )

    async def preview(self, order_id: int, changes: EditRequest) -> EditPreview:
        """From the store only; nothing is sent. Raises NotFound."""
        order = await self._engine.store.read(ledger.order, order_id)
        wanted = editing.narrowed(order, changes, spelling.unmarked(order.comments))
        try:
            body = await asyncio.to_thread(_body, order, wanted)
        except BadInput:  # the findings say what and where
            body = ""
        return EditPreview(
            order,
            await self._engine.store.read(_in_words, order, wanted),
            self.why_not(order, wanted),
            await self._findings(order, wanted),
            body,
            _command(order, wanted),
        )

    async def edit(
        self, order_id: int, changes: EditRequest, *, despite_mirror: bool = False, seen: Order | None = None
    ) -> Order:
        """Send the changes, once; the order as SCM has it then. `despite_mirror`: although findings that rest on the
        mirror hold; `seen`: the order as a person saw it, who is not to undo what was changed since. What does not
        differ is not sent. Raises before anything was sent: PreflightFailed, BadInput, StateForbids (also where nothing
        differs), ReadOnly, NotLinked, VaultLocked, HeldElsewhere, AccountRefused, Unreachable, StoreFailed; afterwards
        ScmRefused (nothing was changed) or Unconfirmed."""
        order = await self._engine.store.read(ledger.order, order_id)
        work = self._edit(order, changes, despite_mirror, seen or order)
        return await self._engine.own(work, f"Editing {order.row.number} {order.common_name}")

    async def _edit(self, order: Order, changes: EditRequest, despite_mirror: bool, seen: Order) -> Order:
        engine = self._engine
        await engine.may_write("edit")
        self._refuse(order, changes)
        wanted = editing.narrowed(order, changes, spelling.unmarked(order.comments))
        if form := [one for one in await self._findings(order, wanted) if not (one.hint or one.stale_prone)]:
            raise PreflightFailed(form)
        client = await engine.client()
        assert order.ssl_id is not None  # noqa: S101 - see not_at_scm
        topics = dict.fromkeys(name.lower() for name in (order.common_name, *(changes.names or ())[:1]))
        async with AsyncExitStack() as stack:
            claims = [await stack.enter_async_context(self._claiming.hold(name)) for name in topics]
            order = await self._take_in(await client.details(order.ssl_id))
            wanted = editing.narrowed(order, changes, spelling.unmarked(order.comments))
            self._refuse(order, wanted)
            if fields := editing.overtaken(seen, order, wanted):
                what = f"{order.row.number} is not changed"
                raise StateForbids(what, why=f"somebody changed it meanwhile ({', '.join(fields)})", cure=LOOK)
            found = await self._findings(order, wanted)
            if anew.worth_asking(found):
                await anew.read_anew(engine, client, editing.edited(order, wanted))
                found = await self._findings(order, wanted)
            if forbidding := anew.left(found, despite_mirror=despite_mirror):
                raise PreflightFailed(forbidding)
            update = await asyncio.to_thread(_update, order, wanted, await self._csr(order, wanted))
            body = update.body()
            entry = Entry(
                "edit", subject=f"{order.row.number} {order.common_name}", order_id=order.id,
                details=tuple((name, str(value)) for name, value in body.items() if name != "csr"),
            )  # fmt: skip
            deed = Deed(order.common_name, entry, lambda: client.update(update), ended=_learn(update))
            try:
                await self._acting.carry_out(deed, claims[0])
            except Unconfirmed as error:
                after = await self._looked(client, update.ssl_id)
                if (
                    after is not None
                    and editing.narrowed(after, wanted, spelling.unmarked(after.comments)) == EditRequest()
                ):
                    return after
                raise Unconfirmed(
                    error.what, why=error.why, cure=f"It is not repeated by itself; {acting.ASK}"
                ) from error
            finally:
                engine.changed(Topic.ORDERS, {order.id})
        return await engine.store.read(ledger.order, order.id)

    def _refuse(self, order: Order, changes: EditRequest) -> None:
        if why := self.why_not(order, changes):
            raise StateForbids(f"{order.row.number} is not changed", why=why)
        if not editing.fields_of(changes):
            raise StateForbids(f"{order.row.number} is not changed", why="it has all of that already")

    async def _findings(self, order: Order, changes: EditRequest) -> tuple[Finding, ...]:
        """The same preflight as for an order, of what the change has to do with."""
        concerned = editing.concerned(changes)
        found = await self._placing.findings(editing.edited(order, changes))
        own = [one for one in found if one.field in concerned]
        if changes.comments is not None and spelling.mark_in(order.comments):
            own = [one for one in own if one.field != "comments" or not one.hint]
            if len(changes.comments) > preflight.ROOMY_COMMENTS:
                cause = f"above {preflight.ROOMY_COMMENTS:,} characters the mark that finds the order has no room"
                own.append(Finding("comments", cause, "Shorten them"))
        if changes.names is not None and not await self._engine.store.read(_has_key, order.spki):
            cause = "its CSR stays, which was made for other names: SCM takes the names that are given beside it"
            own.append(Finding("names", cause, hint=True, names=changes.names))
        return tuple(own)

    async def _csr(self, order: Order, changes: EditRequest) -> str | None:
        """A request for the new names, made with the order's key where that is here: the CA may hold them against each
        other. None where the names stay, or the key is elsewhere."""
        if changes.names is None:
            return None
        stored = await self._engine.store.read(keys.key, order.spki) if order.spki else None
        if stored is None:
            return None
        from kmptui.pki import csr

        private = await self._engine.open_sealed(stored.sealed)
        return await asyncio.to_thread(csr.build, private, changes.names)

    async def _looked(self, client: ScmClient, ssl_id: int) -> Order | None:
        try:
            return await self._take_in(await self._engine.own(client.details(ssl_id)))
        except (Unreachable, ScmRefused, ScmGarbled, AccountRefused) as error:
            _log.warning("scm:%s is looked at by the next check: %s", ssl_id, error)
            return None

    async def _take_in(self, remote: RemoteOrder) -> Order:
        return await self._engine.store.write(revocations.take_in, remote, await self._engine.stamp())


def _learn(update: Update) -> Callable[[Db, str, RemoteOrder | None, Stamp], None]:
    """The order as SCM answers; a text that was emptied is empty, which its answer alone would not tell."""

    def learn(db: Db, _: str, remote: RemoteOrder | None, stamp: Stamp) -> None:
        if remote is None:
            return
        order = revocations.take_in(db, remote, stamp)
        emptied = {
            name: ""
            for name, sent, told in (
                ("comments", update.comments, remote.comments),
                ("external_requester", update.requesters, remote.external_requester),
            )
            if sent is not None and not sent and not told
        }
        if emptied:
            ledger.set_told(db, order.id, emptied)

    return learn


def _instead(order: Order) -> str:
    if order.row.status.lower() == "issued":
        return f"reissue it for other names: kmptui orders reissue {order.row.number}"
    return "order like it instead"


def _update(order: Order, changes: EditRequest, csr: str | None) -> Update:
    from kmptui.scm.requests import Update

    assert order.ssl_id is not None  # noqa: S101 - see not_at_scm
    comments = changes.comments
    if comments is not None:
        comments = spelling.marked(comments, spelling.mark_in(order.comments))
    return Update(
        order.ssl_id,
        profile_id=changes.profile_id,
        term=changes.term,
        common_name=changes.names[0] if changes.names else None,
        names=changes.names,
        csr=csr,
        comments=comments,
        requesters=changes.requesters,
    )


def _body(order: Order, changes: EditRequest) -> str:
    from kmptui.scm.requests import preview

    if order.ssl_id is None:
        return ""
    made = NEW_CSR if changes.names is not None and order.spki else None
    return preview(_update(order, changes, made))


def _has_key(db: Db, spki: str) -> bool:
    return bool(spki) and keys.key(db, spki) is not None


def _in_words(db: Db, order: Order, changes: EditRequest) -> tuple[tuple[str, str, str], ...]:
    """Each change with what was before."""
    found = []
    if changes.names is not None:
        found.append(("names", editing.words_of(editing.all_names(order)), editing.words_of(changes.names)))
    if changes.profile_id is not None:
        known = {one.id: one.name for one in mirror.profiles(db)}
        found.append(("profile", order.row.profile, known.get(changes.profile_id, str(changes.profile_id))))
    if changes.term is not None:
        found.append(("term", f"{order.term or 0:,} days", f"{changes.term:,} days"))
    if changes.comments is not None:
        found.append(("comments", spelling.unmarked(order.comments), changes.comments))
    if changes.requesters is not None:
        before = editing.requesters_of(order)
        found.append(("external requesters", editing.words_of(before), editing.words_of(changes.requesters)))
    return tuple(found)


def _command(order: Order, changes: EditRequest) -> str:
    """What a shell would be told for the same."""
    words = ["kmptui", "orders", "edit", order.row.number]
    if changes.names is not None:
        before = editing.all_names(order)
        if changes.names[:1] != before[:1]:
            words += ["--common-name", changes.names[0]]
        for name in changes.names:
            words += ["--add-san", name] if name not in before else []
        for name in before:
            words += ["--remove-san", name] if name not in changes.names else []
    if changes.profile_id is not None:
        words += ["--profile", str(changes.profile_id)]
    if changes.term is not None:
        words += ["--term", str(changes.term)]
    if changes.comments is not None:
        words += ["--comments", changes.comments]
    if changes.requesters is not None:
        words += ["--external-requester", ",".join(changes.requesters)]
    return shlex.join(words)
