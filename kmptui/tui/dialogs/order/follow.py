"""Following an order from the request to the repository; the screen can be left at any time, the following goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual.app import App, ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from kmptui.domain.order import Ledger, Order
from kmptui.tui import present
from kmptui.tui.commands.command import Command, Mode
from kmptui.tui.dialogs.order.stages import Stage, finished, stages
from kmptui.tui.widgets.details import wrapped
from kmptui.tui.widgets.page import Page

if TYPE_CHECKING:
    from kmptui.services.workspace import Workspace

FOLLOW_SECONDS = 3_600.0
"""How long an order is asked about while the program is open; after that Check does it."""
MARGIN = 5
"""Cells that the page leaves free beside its text, the scroll bar's with them."""
MARKS = {"done": "[x]", "now": "[.]", "later": "[ ]", "wrong": "[!]"}
STYLES = {"done": present.GOOD, "now": present.STRONG, "later": present.MUTED, "wrong": present.ERROR}
LOST = (
    "Your request was sent, but no clear answer came: the order may exist at SCM, and it is never sent a second time.",
    "kmptui looks for it by itself and takes it over, with its key, when it is found.",
    "Press ! to look now, and to say which order it is, or that it is none.",
)


class ExportIt(Command["FollowPage"]):
    id = "follow.export"
    mode = Mode.OPENS
    words = "Export the certificate"
    label = "Export"
    keys = "e"
    place = 1

    def why_not(self, where: FollowPage) -> str:
        return "" if where.certificate_id else "it is not in the repository yet"

    def line(self, where: FollowPage) -> str:
        return f"kmptui certificates export c{where.certificate_id} --format pkcs12"

    async def run(self, where: FollowPage) -> None:
        from kmptui.tui.dialogs.export import export_certificate

        if where.certificate_id is not None:
            await export_certificate(where.app, where.workspace, where.certificate_id)


class SettleIt(Command["FollowPage"]):
    id = "follow.settle"
    words = "Find out, or say, which order it is at SCM"
    label = "Settle"
    keys = "exclamation_mark"
    place = 2

    def why_not(self, where: FollowPage) -> str:
        return "" if where.unconfirmed else "there is nothing to settle"

    async def run(self, where: FollowPage) -> None:
        from kmptui.tui.dialogs.settle import settle_order

        if where.order is not None:
            await settle_order(where.app, where.workspace, where.order.id)
            where.show(await where.workspace.lists.order(where.order.id))


class FollowPage(Page[None]):
    """Shows where the order stands; it asks nobody itself: `show` and `tell` change it."""

    OFFERS = (ExportIt, SettleIt)
    DEFAULT_CSS = """
    FollowPage VerticalScroll { height: 1fr; padding: 1 2; }
    FollowPage .follow-steps { height: auto; margin: 1 0; }
    """

    def __init__(self, workspace: Workspace, common_name: str, order: Order | None = None) -> None:
        super().__init__()
        self.workspace = workspace
        self.common_name = common_name
        self._told = ""
        self.order = order

    @property
    def certificate_id(self) -> int | None:
        return self.order.row.certificate_id if self.order else None

    @property
    def unconfirmed(self) -> bool:
        return self.order is not None and self.order.row.ledger is Ledger.UNCONFIRMED

    def body(self) -> ComposeResult:
        with VerticalScroll():
            yield Static(classes="follow-head")
            yield Static(classes="follow-steps")
            yield Static(classes="follow-words")

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one(VerticalScroll).focus()
        self.draw()

    def on_resize(self) -> None:
        self.draw()

    def show(self, order: Order) -> None:
        """The order as it is now."""
        self.order = order
        self.draw()

    def tell(self, words: str) -> None:
        """One sentence below the steps."""
        self._told = words
        self.draw()

    def draw(self) -> None:
        """Draw all of it, in place."""
        if not self.is_attached or not self.query(".follow-words"):
            return
        order = self.order
        number = f"{order.row.number}  " if order else ""
        self.query_one(".follow-head", Static).update(present.text(f"Order {number}{self.common_name}", present.STRONG))
        steps = [line for step in stages(order) for line in _lines(step, max(20, self.size.width - MARGIN))]
        self.query_one(".follow-steps", Static).update(Content("\n").join(steps))
        self.query_one(".follow-words", Static).update(Content("\n").join([present.text(w) for w in self._words()]))
        self.refresh_bindings()

    def _words(self) -> tuple[str, ...]:
        if self.unconfirmed:
            return LOST
        if self.certificate_id:
            return (self._told, "e exports it. It is c" + str(self.certificate_id) + " in Certificates.")
        if self.order is None or not finished(self.order):
            wait = (
                "You can leave at any time (esc): it is followed in the background, and Check (c) in Orders asks again."
            )
            asked = self.order.checked if self.order else None
            seen = f"Asked last at {present.clock(asked, self.workspace.clock.now())}." if asked else ""
            return (self._told, seen, wait)
        return (self._told, "Nothing more comes of it. N in Orders orders the same again, once the cause is mended.")


def _lines(step: Stage, cells: int) -> list[Content]:
    """`[x] placed    SCM has it as 4711`, wrapped under its words."""
    head = f"{MARKS[step.state]} {step.word:<9} "
    pieces = wrapped(present.line(step.words), cells - len(head))
    indents = [head, *[" " * len(head)] * (len(pieces) - 1)]
    return [present.text(indent + piece, STYLES[step.state]) for indent, piece in zip(indents, pieces, strict=True)]


async def follow_order(app: App[Any], workspace: Workspace, order_id: int, page: FollowPage | None = None) -> None:
    """Show the order and ask SCM about it until it has arrived or ended, whether or not the page is still open."""
    order = await workspace.lists.order(order_id)
    if page is None:
        page = FollowPage(workspace, order.common_name, order)
        await app.push_screen(page)
    page.show(order)
    if order.row.ledger is Ledger.ACCEPTED and not finished(order):
        page.show(await workspace.ordering.follow(order_id, page.show, seconds=FOLLOW_SECONDS))
