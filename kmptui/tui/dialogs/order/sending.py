"""Sending what makes an order (an order, a renewal, a reissue) and following it; what an error means for it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, runtime_checkable

from textual.app import App

from kmptui.errors import (
    AccountRefused,
    AlreadyOrdered,
    BadInput,
    HeldElsewhere,
    KmptuiError,
    NotLinked,
    PreflightFailed,
    ReadOnly,
    ScmRefused,
    StateForbids,
    StoreFailed,
    Unconfirmed,
    Unreachable,
    VaultLocked,
)
from kmptui.tui.dialogs.order.follow import FollowPage, follow_order
from kmptui.tui.widgets.page import Page

if TYPE_CHECKING:
    from kmptui.services.ordering import Placed
    from kmptui.services.workspace import Workspace

T = TypeVar("T")
NOT_SENT = "No order was sent."
NONE_MADE = "SCM made no order of it."


@runtime_checkable
class Unlocks(Protocol):
    """An app that can ask for the vault's passphrase."""

    async def unlock(self) -> bool: ...


async def unlocking(app: App[Any], work: Callable[[], Awaitable[T]]) -> T:
    """Do the work; where the vault is locked (so that nothing was sent), ask for the passphrase and do it again."""
    try:
        return await work()
    except VaultLocked:
        if not isinstance(app, Unlocks) or not await app.unlock():
            raise
        return await work()


async def nothing() -> None:
    """For who has nothing to do once it is sent."""


async def send_and_follow(
    app: App[Any],
    workspace: Workspace,
    common_name: str,
    send: Callable[[], Awaitable[Placed]],
    sent: Callable[[], Awaitable[None]] = nothing,
) -> KmptuiError | None:
    """Send it under a page that follows it to its end, and give None; `sent` is awaited once SCM may have it. The error
    where SCM has taken nothing: the page is gone again then, and the caller shows it."""
    page = FollowPage(workspace, common_name)
    await app.push_screen(page)
    try:
        placed = await unlocking(app, send)
    except Unconfirmed as error:
        await sent()
        await _show_lost(workspace, page, error)
        return None
    except KmptuiError as error:
        await close(page)
        return error
    await sent()
    page.tell(placed.words)
    if placed.order_id is not None:
        await follow_order(app, workspace, placed.order_id, page)
    return None


async def close(page: Page[None]) -> None:
    """Close it where it is still on top."""
    if page.is_current:
        await page.dismiss(None)


def meaning(error: KmptuiError) -> str:
    """What an error means for the order that was to be made; nothing is claimed that the service's contract does not
    say."""
    if isinstance(error, ScmRefused | AccountRefused):
        return NONE_MADE
    unsent = PreflightFailed | AlreadyOrdered | ReadOnly | NotLinked | VaultLocked | HeldElsewhere | Unreachable
    return NOT_SENT if isinstance(error, unsent | StoreFailed | StateForbids | BadInput) else ""


async def _show_lost(workspace: Workspace, page: FollowPage, error: Unconfirmed) -> None:
    """The order without a clear answer: its row is there, and the page says what that means."""
    unknown = await workspace.ordering.unconfirmed()
    mine = [intent for intent in unknown if intent.common_name == page.common_name]
    if mine:
        page.show(await workspace.lists.order(mine[-1].order_id))
    page.tell(str(error))
