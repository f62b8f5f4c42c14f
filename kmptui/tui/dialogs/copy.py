"""Copy: what of a row can be taken along, whole, and raw for selecting where the terminal takes no copies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from textual import on
from textual.app import ComposeResult
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from kmptui.domain.audit import AuditRow, RenewalLine
from kmptui.domain.listing import Topic
from kmptui.services.lists import Lists
from kmptui.tui import present
from kmptui.tui.dialogs.choose import Choices
from kmptui.tui.widgets.dialog import Dialog


@dataclass(frozen=True, slots=True)
class Copyable:
    """A text under its label."""

    label: str
    text: str


async def copyable(lists: Lists, topic: Topic, row: Any) -> tuple[Copyable, ...]:
    """What can be copied of a row. Never a secret."""
    if topic is Topic.ORDERS:
        order = await lists.order(row.id)
        found = [
            ("Common name", order.common_name),
            ("Names", "\n".join(order.names)),
            ("Number", row.number),
            ("SCM id", str(order.ssl_id or "")),
            ("CA order", order.order_number),
            ("Serial", row.serial),
        ]
    elif topic is Topic.CERTIFICATES:
        certificate = await lists.certificate(row.id)
        found = [
            ("Common name", row.common_name),
            ("Names", "\n".join(certificate.names)),
            ("Serial", row.serial),
            ("SHA-256", certificate.sha256),
            ("Number", row.number),
            ("Key hash (SPKI)", certificate.spki),
        ]
    elif isinstance(row, RenewalLine):
        found = [
            ("Common name", row.common_name),
            ("Names", "\n".join(row.names)),
            ("Old serial", row.old_serial),
            ("New serial", row.serial),
            ("SCM id", str(row.ssl_id or row.old_ssl_id or "")),
            ("Cause", row.cause),
        ]
    elif topic is Topic.AUDIT and not isinstance(row, AuditRow):  # a line of the plan
        found = [("Common name", row.common_name), ("Number", row.number), ("Cause", row.cause), ("Cure", row.cure)]
    elif topic is Topic.AUDIT:
        found = [("Subject", row.subject), ("Reason", row.reason), ("Hash", row.hash), ("Number", str(row.seq))]
    else:
        found = [("Name", row.name), ("Id", str(row.id))]
    return tuple(Copyable(label, text) for label, text in found if text)


class CopyDialog(Dialog[None]):
    """Enter sends the text to the terminal (OSC 52), which may or may not take it; the whole text stands below."""

    TITLE = "Copy"
    DEFAULT_CSS = """
    CopyDialog .copy-raw { margin-top: 1; height: auto; max-height: 12; overflow-y: auto; }
    CopyDialog .copy-said { margin-top: 1; color: $text-muted; }
    """

    def __init__(self, found: Sequence[Copyable]) -> None:
        super().__init__()
        self._found = tuple(found)

    def body(self) -> ComposeResult:
        yield Choices(*(Option(self._line(item)) for item in self._found), markup=False)
        yield Static(classes="copy-raw")
        yield Static("", classes="copy-said")

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one(Choices).highlighted = 0

    def draw_keys(self) -> None:
        self.query_one(".dialog-keys", Static).update("enter Send to the terminal's clipboard   esc Back")

    def _line(self, item: Copyable) -> Any:
        first = item.text.splitlines()[0] if item.text.strip() else ""
        more = item.text.count("\n")
        return present.join(
            (present.cell(item.label, 17), present.MUTED), present.line(first, 50), f" +{more}" if more else ""
        )

    @on(OptionList.OptionHighlighted)
    def _raw(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        self.query_one(".copy-raw", Static).update(present.paragraph(self._found[event.option_index].text))

    @on(OptionList.OptionSelected)
    def _copy(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        item = self._found[event.option_index]
        self.app.copy_to_clipboard(present.paragraph(item.text).plain)
        said = f"{item.label} sent to the terminal. If it does not take it, select the text above."
        self.query_one(".copy-said", Static).update(present.text(said))
