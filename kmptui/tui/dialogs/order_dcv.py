"""The validation (DCV) of one waiting order: what is to be published for its names, and what the CA saw."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual import events
from textual.app import App, ComposeResult
from textual.content import Content
from textual.widgets import Static

from kmptui.tui import present
from kmptui.tui.commands.command import Command, Mode
from kmptui.tui.dialogs.copy import Copyable, CopyDialog
from kmptui.tui.dialogs.validation import cells_of, labelled, record_lines
from kmptui.tui.widgets.details import wrapped
from kmptui.tui.widgets.dialog import Dialog

if TYPE_CHECKING:
    from kmptui.domain.clock import Clock
    from kmptui.domain.dcv import OrderDcv
    from kmptui.domain.order import Order
    from kmptui.services.validating import Validating
    from kmptui.services.workspace import Workspace


class AskAgain(Command["OrderDcvDialog"]):
    id = "order-dcv.check"
    words = "Ask SCM what is still to be published"
    label = "Check"
    keys = "c"
    place = 1

    def why_not(self, where: OrderDcvDialog) -> str:
        return "a step is being taken" if where.acting else ""

    def line(self, where: OrderDcvDialog) -> str:
        return f"kmptui orders dcv {where.order.row.number}"

    async def run(self, where: OrderDcvDialog) -> None:
        where.show_error(None)
        await where.ask()


class CopyRecords(Command["OrderDcvDialog"]):
    id = "order-dcv.copy"
    mode = Mode.OPENS
    words = "Copy the records; show them raw"
    label = "Copy"
    keys = "y"
    place = 2

    def why_not(self, where: OrderDcvDialog) -> str:
        return "" if where.copyables() else "there is nothing to publish"

    async def run(self, where: OrderDcvDialog) -> None:
        await where.app.push_screen_wait(CopyDialog(where.copyables()))


class OrderDcvDialog(Dialog[None]):
    """Asks when it opens; the chord has the CA look again."""

    ACT = "Look again"
    WIDE = True
    OFFERS = (AskAgain, CopyRecords)
    DEFAULT_CSS = "OrderDcvDialog .dcv-order { height: auto; min-height: 6; }"

    def __init__(self, validating: Validating, clock: Clock, order: Order, *, forbidden: str = "") -> None:
        super().__init__()
        self._validating = validating
        self._clock = clock
        self._forbidden = forbidden
        self._asking = True
        self._found: OrderDcv | None = None
        self.order = order

    def title_text(self) -> str:
        return f"Validation of {self.order.row.number} {self.order.common_name}"

    def body(self) -> ComposeResult:
        yield Static(classes="dcv-order")

    def on_mount(self) -> None:
        super().on_mount()
        self._draw()
        self.start(self.ask, group="details", exclusive=True)

    def on_resize(self, event: events.Resize) -> None:
        super().on_resize(event)
        self.call_after_refresh(self._draw)

    def on_key(self, event: events.Key) -> None:
        self.scroll_by(event)

    async def ask(self) -> None:
        """Ask SCM; what it said before stays on the screen where it does not answer."""
        self._asking = True
        self._draw()
        try:
            self._found = await self._validating.of_order(self.order.id)
        finally:
            self._asking = False
            self._draw()

    def can_act(self) -> str:
        if self._forbidden:
            return self._forbidden
        if self._asking:
            return "asking SCM"
        if self._found is None:
            return "c asks SCM again"
        return "" if self._found.instructions else "nothing is awaited"

    async def act(self) -> None:
        if not self.can_act():
            self._found = await self._validating.recheck(self.order.id)
            self._draw()

    def copyables(self) -> tuple[Copyable, ...]:
        found = self._found.instructions if self._found is not None else ()
        parts = [(one.domain, one.record.zone_line or one.record.url or one.record.point) for one in found]
        lines = "\n".join(text for _, text in parts if text)
        every = (Copyable("All of them", lines),) if sum(bool(text) for _, text in parts) > 1 else ()
        return (*every, *(Copyable(domain, text) for domain, text in parts if text))

    def draw_keys(self) -> None:
        off = "working" if self.acting else "off" if self._forbidden else self.can_act()
        copy = "   y Copy" if self.copyables() else ""
        line = f"c Check{copy}   esc Back   ctrl+y {self.ACT}" + (f" ({off})" if off else "")
        for shown in self.query(".dialog-keys").results(Static):
            shown.update(present.text(line))

    def _draw(self) -> None:
        if not self.is_mounted or not self.query(".dcv-order"):
            return
        self.query_one(".dcv-order", Static).update(Content("\n").join(self._lines(cells_of(self))))
        self.draw_keys()

    def _lines(self, cells: int) -> list[Content]:
        if self._found is None:
            return [present.text("asking SCM …" if self._asking else "SCM did not tell", present.MUTED)]
        lines = []
        now = self._clock.now()
        advice = "Nothing is to be published for it: its names are validated."
        if self._found.instructions:
            advice = "Publish this; the CA looks by itself, ctrl+y has it look now. V in Domains validates a domain."
        lines += [present.text(piece, present.STRONG) for piece in wrapped(self._forbidden or advice, cells)]
        if self._found.problem:
            problem = wrapped(present.line(self._found.problem), cells)
            lines += [present.text(piece, present.ERROR) for piece in problem]
        for one in self._found.instructions:
            lines += [Content(""), present.text(present.name(one.domain), present.STRONG)]
            method = [] if one.record.type else [("Method", one.record.method, "")]
            lines.append(labelled([*method, *record_lines(one.record)], cells))
        if self._found.log:
            lines += [Content(""), present.text("What the CA saw", present.STRONG)]
        for line in self._found.log:
            following = f", next {present.clock(line.next_check, now)} {present.zone()}" if line.next_check else ""
            seen = f"{line.status or 'unknown'}, looked {present.clock(line.last_check, now)}{following}"
            lines.append(present.text(present.name(line.domain)))
            lines.append(labelled([("", seen, "")], cells))
        command = f"kmptui orders dcv {self.order.row.number}{' --recheck' if self._found.instructions else ''}"
        return [*lines, Content(""), labelled([("Command", command, present.MUTED)], cells)]


async def order_dcv(app: App[Any], workspace: Workspace, order_id: int, forbidden: str = "") -> None:
    order = await workspace.lists.order(order_id)
    await app.push_screen_wait(OrderDcvDialog(workspace.validating, workspace.clock, order, forbidden=forbidden))
