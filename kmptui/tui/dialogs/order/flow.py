"""The way of an order: form, preview, request, following. The form comes back with its values where it fails."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from textual.app import App

from kmptui.domain.order import Ledger
from kmptui.domain.validity import longest_issued
from kmptui.errors import AlreadyOrdered, Finding, KmptuiError, PreflightFailed, ScmRefused
from kmptui.tui import present
from kmptui.tui.dialogs.order import choices
from kmptui.tui.dialogs.order.decision import OrderDecision
from kmptui.tui.dialogs.order.each_page import EachPage
from kmptui.tui.dialogs.order.form import OrderForm
from kmptui.tui.dialogs.order.sending import close, meaning, send_and_follow, unlocking
from kmptui.tui.dialogs.order.values import from_members, from_request
from kmptui.tui.dialogs.problem import ProblemDialog
from kmptui.tui.widgets.dialog import TextDialog

if TYPE_CHECKING:
    from kmptui.services.ordering import Placed
    from kmptui.services.workspace import Workspace

BACK = "The form comes back as you left it."
AGAIN = "Look at it first; to order all the same, go on from the form to the preview again"


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


async def _place_one(app: App[Any], workspace: Workspace, decision: OrderDecision) -> tuple[Finding, ...] | None:
    """Place it and follow it; findings (perhaps none) bring the form back, None is the end of it."""
    request = decision.request

    async def place() -> Placed:
        return await workspace.ordering.place(request, again=decision.again, despite_mirror=decision.despite_mirror)

    error = await send_and_follow(app, workspace, request.common_name, place, workspace.drafts.discard)
    if error is None:
        return None
    if isinstance(error, AlreadyOrdered):
        error.cure = AGAIN
    told = meaning(error)
    await app.push_screen_wait(ProblemDialog(error, f"{told} {BACK}" if told else ""))
    return _findings(error)


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
        await close(page)
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


def _findings(error: KmptuiError) -> tuple[Finding, ...]:
    """What the form marks when it comes back."""
    if isinstance(error, PreflightFailed):
        return error.findings
    if isinstance(error, ScmRefused) and error.field:
        return (Finding(error.field, error.what, error.cure),)
    return ()
