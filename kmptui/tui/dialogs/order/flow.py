"""The way of an order: form, preview, request, following. The form comes back with its values where it fails."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, runtime_checkable

from textual.app import App

from kmptui.domain.order import Ledger
from kmptui.domain.validity import longest_issued
from kmptui.errors import (
    AccountRefused,
    AlreadyOrdered,
    Finding,
    HeldElsewhere,
    KmptuiError,
    NotLinked,
    PreflightFailed,
    ReadOnly,
    ScmRefused,
    StoreFailed,
    Unconfirmed,
    Unreachable,
    VaultLocked,
)
from kmptui.tui import present
from kmptui.tui.dialogs.order import choices
from kmptui.tui.dialogs.order.decision import OrderDecision
from kmptui.tui.dialogs.order.each_page import EachPage
from kmptui.tui.dialogs.order.follow import FollowPage, follow_order
from kmptui.tui.dialogs.order.form import OrderForm
from kmptui.tui.dialogs.order.values import from_members, from_request
from kmptui.tui.dialogs.problem import ProblemDialog
from kmptui.tui.widgets.dialog import TextDialog
from kmptui.tui.widgets.page import Page

if TYPE_CHECKING:
    from kmptui.services.ordering import Placed
    from kmptui.services.workspace import Workspace

T = TypeVar("T")
NOT_SENT = "No order was sent. The form comes back as you left it."
NONE_MADE = "SCM made no order of it. The form comes back as you left it."
AGAIN = "Look at it first; to order all the same, go on from the form to the preview again"


@runtime_checkable
class Unlocks(Protocol):
    """An app that can ask for the vault's passphrase."""

    async def unlock(self) -> bool: ...


async def order_certificate(app: App[Any], workspace: Workspace, like: int | None = None) -> None:
    """From an empty form, a draft, or an order that another one should be like, to the repository."""
    facts = await workspace.ordering.facts()
    draft = None
    if like is not None:
        values = from_request(await workspace.ordering.like(like))
    elif (draft := await workspace.drafts.load()) is not None:
        values = from_members(dict(draft.members))
    else:
        values = choices.first(facts, longest_issued(workspace.clock.now().date()))

    async def sync() -> None:
        await workspace.mirror.sync()

    saved = draft.saved if draft else None
    findings: tuple[Finding, ...] | None = ()
    while findings is not None:
        form = OrderForm(
            workspace.ordering, workspace.drafts, workspace.clock, facts, values,
            sync=sync, draft_of=saved, findings=findings,
        )  # fmt: skip
        decision = await app.push_screen_wait(form)
        if decision is None:
            return
        values = decision.values
        facts = form.facts
        findings = await (_place_each if decision.each else _place_one)(app, workspace, decision)


async def unlocking(app: App[Any], work: Callable[[], Awaitable[T]]) -> T:
    """Do the work; where the vault is locked (so that nothing was sent), ask for the passphrase and do it again."""
    try:
        return await work()
    except VaultLocked:
        if not isinstance(app, Unlocks) or not await app.unlock():
            raise
        return await work()


async def _place_one(app: App[Any], workspace: Workspace, decision: OrderDecision) -> tuple[Finding, ...] | None:
    """Place it and follow it; findings (perhaps none) bring the form back, None is the end of it."""
    request = decision.request
    page = FollowPage(workspace, request.common_name)
    await app.push_screen(page)

    async def place() -> Placed:
        return await workspace.ordering.place(request, again=decision.again, despite_mirror=decision.despite_mirror)

    try:
        placed = await unlocking(app, place)
    except Unconfirmed as error:
        await workspace.drafts.discard()
        await _show_lost(workspace, page, error)
        return None
    except KmptuiError as error:
        if isinstance(error, AlreadyOrdered):
            error.cure = AGAIN
        await _close(page)
        await app.push_screen_wait(ProblemDialog(error, _meaning(error)))
        return _findings(error)
    await workspace.drafts.discard()
    page.tell(placed.words)
    if placed.order_id is not None:
        await follow_order(app, workspace, placed.order_id, page)
    return None


async def _place_each(app: App[Any], workspace: Workspace, decision: OrderDecision) -> tuple[Finding, ...] | None:
    """Place them one after the other, on a page that tells each outcome as it comes; where that was left, all are told
    at the end."""
    page = EachPage(decision.request.names)
    await app.push_screen(page)

    async def place() -> tuple[Placed, ...]:
        page.begin()
        return await workspace.ordering.place_each(
            decision.request, again=decision.again, despite_mirror=decision.despite_mirror, on_placed=page.show
        )

    try:
        outcomes = await unlocking(app, place)
    except KmptuiError as error:
        await _close(page)
        await app.push_screen_wait(ProblemDialog(error))
        return _findings(error)
    left = _not_ordered(decision.request.names, outcomes)
    if left:
        await workspace.drafts.save(replace(decision.values, names=left, each=len(left) > 1).members())
    else:
        await workspace.drafts.discard()
    summary = _summary(len(decision.request.names) - len(outcomes), len(left))
    page.close_with(summary)
    if not page.is_attached:
        lines = [f"{'o' + str(p.order_id) if p.order_id else '-':<7} {p.common_name}: {p.words}" for p in outcomes]
        said = present.paragraph("\n".join([*lines, summary]))
        await app.push_screen_wait(TextDialog("What became of the orders", said))
    return None


def _summary(missing: int, left: int) -> str:
    """What it all came to: how many names were not come to, and how many have no order."""
    lines = [f"Stopped here: {present.counted(missing, 'name')} not ordered."] if missing else []
    if left:
        wait = "waits" if left == 1 else "wait"
        lines.append(f"{present.counted(left, 'name')} without an order {wait} in the form (n).")
    return "\n".join([*lines, "Orders shows them; c checks them."])


def _not_ordered(names: tuple[str, ...], outcomes: tuple[Placed, ...]) -> tuple[str, ...]:
    """The names for which there is no order, for sure; one without a clear answer is not among them."""
    perhaps = {p.common_name for p in outcomes if p.ledger in {Ledger.ACCEPTED, Ledger.SENT, Ledger.UNCONFIRMED}}
    return tuple(name for name in names if name not in perhaps)


async def _show_lost(workspace: Workspace, page: FollowPage, error: Unconfirmed) -> None:
    """The order without a clear answer: its row is there, and the page says what that means."""
    unknown = await workspace.ordering.unconfirmed()
    mine = [intent for intent in unknown if intent.common_name == page.common_name]
    if mine:
        page.show(await workspace.lists.order(mine[-1].order_id))
    page.tell(str(error))


async def _close(page: Page[None]) -> None:
    if page.is_current:
        await page.dismiss(None)


def _meaning(error: KmptuiError) -> str:
    """What an error of `Ordering.place` means for the order; nothing is claimed that its contract does not say."""
    if isinstance(error, ScmRefused | AccountRefused):
        return NONE_MADE
    unsent = PreflightFailed | AlreadyOrdered | ReadOnly | NotLinked | VaultLocked | HeldElsewhere | Unreachable
    return NOT_SENT if isinstance(error, unsent | StoreFailed) else ""


def _findings(error: KmptuiError) -> tuple[Finding, ...]:
    """What the form marks when it comes back."""
    if isinstance(error, PreflightFailed):
        return error.findings
    if isinstance(error, ScmRefused) and error.field:
        return (Finding(error.field, error.what, error.cure),)
    return ()
