"""The validation (DCV) of one waiting order: what is to be published for its names, and what the CA saw."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual.app import App, ComposeResult
from textual.content import Content
from textual.widgets import Static

from kmptui.tui import present
from kmptui.tui.dialogs.asking import AskingDialog, cells_of, labelled, record_lines
from kmptui.tui.dialogs.copy import Copyable
from kmptui.tui.widgets.details import wrapped

if TYPE_CHECKING:
    from kmptui.domain.clock import Clock
    from kmptui.domain.dcv import OrderDcv
    from kmptui.domain.order import Order
    from kmptui.services.validating import Validating
    from kmptui.services.workspace import Workspace


class OrderDcvDialog(AskingDialog):
    """The chord has the CA look again."""

    ACT = "Look again"
    DEFAULT_CSS = "OrderDcvDialog .dcv-order { height: auto; min-height: 6; }"

    def __init__(self, validating: Validating, clock: Clock, order: Order, *, forbidden: str = "") -> None:
        super().__init__(clock, forbidden)
        self._validating = validating
        self._found: OrderDcv | None = None
        self.order = order

    def title_text(self) -> str:
        return f"Validation of {self.order.row.number} {self.order.common_name}"

    def body(self) -> ComposeResult:
        yield Static(classes="dcv-order")

    def check_line(self) -> str:
        return f"kmptui orders dcv {self.order.row.number}"

    async def look(self) -> None:
        self._found = await self._validating.of_order(self.order.id)

    def can_act(self) -> str:
        if off := super().can_act():
            return off
        return "" if self._found is not None and self._found.instructions else "nothing is awaited"

    async def act(self) -> None:
        if not self.can_act():
            self._found = await self._validating.recheck(self.order.id)
            self.draw()

    def copyables(self) -> tuple[Copyable, ...]:
        found = self._found.instructions if self._found is not None else ()
        parts = [(one.domain, one.record.zone_line or one.record.url or one.record.point) for one in found]
        lines = "\n".join(text for _, text in parts if text)
        every = (Copyable("All of them", lines),) if sum(bool(text) for _, text in parts) > 1 else ()
        return (*every, *(Copyable(domain, text) for domain, text in parts if text))

    def draw(self) -> None:
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
