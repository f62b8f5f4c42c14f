"""The base of dialogs that ask SCM where a validation (DCV) stands: `c` asks, which changes nothing there, `y` copies
what is to be published, and the chord does the step that comes next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import events
from textual.content import Content
from textual.widgets import Static

from kmptui.tui import present
from kmptui.tui.commands.command import Command, Mode
from kmptui.tui.dialogs.copy import Copyable, CopyDialog
from kmptui.tui.widgets.details import wrapped
from kmptui.tui.widgets.dialog import Dialog

if TYPE_CHECKING:
    from kmptui.domain.clock import Clock
    from kmptui.domain.dcv import DcvRecord

NARROW = 11
"""Cells of a record's label: a TXT record's value has room beside it where the terminal is smallest."""


class AskScm(Command["AskingDialog"]):
    id = "dcv.check"
    words = "Ask SCM where it stands"
    label = "Check"
    keys = "c"
    place = 1

    def why_not(self, where: AskingDialog) -> str:
        return "a step is being taken" if where.acting else ""

    def line(self, where: AskingDialog) -> str:
        return where.check_line()

    async def run(self, where: AskingDialog) -> None:
        where.show_error(None)
        await where.ask()


class CopyRecord(Command["AskingDialog"]):
    id = "dcv.copy"
    mode = Mode.OPENS
    words = "Copy what is to be published; show it raw"
    label = "Copy"
    keys = "y"
    place = 2

    def why_not(self, where: AskingDialog) -> str:
        return "" if where.copyables() else "there is nothing to publish"

    async def run(self, where: AskingDialog) -> None:
        await where.app.push_screen_wait(CopyDialog(where.copyables()))


class AskingDialog(Dialog[None]):
    """Asks when it opens; the chord is off until SCM has answered. Subclasses write `look()`, which asks and takes the
    answer, `draw()`, and `copyables()`. `forbidden`: why nothing may be changed in SCM, "" where it may."""

    WIDE = True
    OFFERS = (AskScm, CopyRecord)

    def __init__(self, clock: Clock, forbidden: str) -> None:
        super().__init__()
        self._clock = clock
        self._forbidden = forbidden
        self._asking = True
        self._answered = False

    @property
    def next_act(self) -> str:
        """The chord's word."""
        return self.ACT

    async def look(self) -> None:
        """Ask SCM, and keep what it says."""
        raise NotImplementedError

    def draw(self) -> None:
        raise NotImplementedError

    def copyables(self) -> tuple[Copyable, ...]:
        """What is to be published."""
        raise NotImplementedError

    def check_line(self) -> str:
        """The command line that asks the same."""
        raise NotImplementedError

    def on_mount(self) -> None:  # Textual calls the handler of every base by itself
        self.draw()
        self.start(self.ask, group="details", exclusive=True)

    def on_resize(self, event: events.Resize) -> None:  # noqa: ARG002 - whatever the size
        self.call_after_refresh(self.draw)

    def on_key(self, event: events.Key) -> None:
        self.scroll_by(event)

    async def ask(self) -> None:
        """Ask SCM; what it said before stays on the screen where it does not answer."""
        self._asking, self._answered = True, False
        self.draw()
        try:
            await self.look()
            self._answered = True
        finally:
            self._asking = False
            self.draw()

    def can_act(self) -> str:
        if self._forbidden:
            return self._forbidden
        if self._asking:
            return "asking SCM"
        return "" if self._answered else "c asks SCM again"

    def draw_keys(self) -> None:
        off = "working" if self.acting else "off" if self._forbidden else self.can_act()
        copy = "   y Copy" if self.copyables() else ""
        line = f"c Check{copy}   esc Back   ctrl+y {self.next_act}" + (f" ({off})" if off else "")
        for shown in self.query(".dialog-keys").results(Static):
            shown.update(present.text(line))


def cells_of(dialog: Dialog[None]) -> int:
    """How wide its text may be: the scroll bar has its place whether it is there or not, so that nothing moves."""
    return max(30, dialog.query_one(".dialog-box").size.width - 1)


def record_lines(record: DcvRecord | None) -> list[tuple[str, str, str]]:
    """Label, text and style of each part of a record."""
    if record is None:
        return []
    parts = [
        ("Type", record.type),
        ("Host", record.host),
        ("Value", record.point),
        ("File at", record.url),
        ("Its lines", ", then ".join(filter(None, (record.first_line, record.second_line)))),
        ("Mailboxes", ", ".join(record.emails)),
        ("SCM says", record.message),
    ]
    return [(label, text, "") for label, text in parts if text]


def labelled(parts: list[tuple[str, str, str]], cells: int, indent: int = NARROW) -> Content:
    """Labelled texts, each wrapped under its label."""
    lines = []
    for label, text, style in parts:
        for row, piece in enumerate(wrapped(present.line(text), cells - indent)):
            head = present.cell(label if row == 0 else "", indent)
            lines.append(present.join((head, present.MUTED), (piece, style)))
    return Content("\n").join(lines)
