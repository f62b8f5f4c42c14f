"""The base of every dialog: it ends with a typed value, or with None.

The default is Back. What acts is the chord ctrl+y, never a printable key and never Enter: a page pasted into a dialog
does nothing. `esc` leaves a text field first, then closes. Errors of the dialog's own work stand in it: beside the
field that they name, and in words above the keys; the layout stays still.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, Generic, TypeVar

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from kmptui.errors import BadInput, KmptuiError, PreflightFailed, WrongPassphrase
from kmptui.tui import present, workers
from kmptui.tui.commands.command import Command, Commanded, Mode
from kmptui.tui.problems import problem_of
from kmptui.tui.widgets.closing import ClosesOnce
from kmptui.tui.widgets.fields import Field, leave_text

T = TypeVar("T")


class Back(Command["Dialog[Any]"]):
    id = "dialog.back"
    mode = Mode.QUICK
    words = "Leave the field, then the dialog"
    label = "Back"
    keys = "escape"

    async def run(self, where: Dialog[Any]) -> None:
        if not leave_text(where):
            where.dismiss(None)


class Act(Command["Dialog[Any]"]):
    id = "dialog.act"
    words = "Do what the dialog is for"
    label = "Do it"
    keys = "ctrl+y"

    def why_not(self, where: Dialog[Any]) -> str:
        return "" if where.ACT else "there is nothing to confirm here"

    async def run(self, where: Dialog[Any]) -> None:
        if where.ACT and not where.acting:
            where.acting = True
            where.draw_keys()
            try:
                where.show_error(None)
                await where.act()
            finally:
                where.acting = False
                where.draw_keys()


class Dialog(Commanded, ClosesOnce, ModalScreen["T | None"], Generic[T]):
    """Subclasses compose `body()`, and where they act, set ACT (the chord's word) and write `act()`, which validates,
    perhaps works, and ends with `self.dismiss(value)`."""

    TITLE: ClassVar[str] = ""
    ACT: ClassVar[str] = ""
    WIDE: ClassVar[bool] = False
    OFFERS: ClassVar[tuple[type[Command[Any]], ...]] = (Back, Act)
    AUTO_FOCUS = ""
    DEFAULT_CSS = """
    Dialog { align: center middle; }
    Dialog > .dialog-box {
        width: 78; max-width: 100%; height: auto; max-height: 100%; background: $surface; border: solid $border;
        border-title-style: bold; border-title-color: $text; padding: 0 1; margin: 1 0 0 0;
    }
    Dialog.-wide > .dialog-box { width: 100%; max-width: 118; }
    Dialog .dialog-body { height: auto; scrollbar-size-vertical: 1; }
    Dialog .dialog-error { height: 2; color: $text-error; }
    Dialog.-silent .dialog-error { display: none; }
    Dialog .dialog-keys { height: 1; text-align: right; color: $text-muted; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.acting = False

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog-box") as box:
            box.border_title = present.text(self.title_text())
            with VerticalScroll(classes="dialog-body", can_focus=False):
                yield from self.body()
            yield Static(classes="dialog-error")
            yield Static(classes="dialog-keys")

    def on_mount(self) -> None:
        self.set_class(self.WIDE, "-wide")
        self.set_class(not self.ACT, "-silent")
        self.draw_keys()
        if self.focused is None:
            self.focus_first()

    def on_resize(self, event: events.Resize) -> None:
        """The body takes what the screen's first line (DEMO stands there), the frame, the error and the keys leave, and
        scrolls in it."""
        self.query_one(".dialog-body").styles.max_height = max(3, event.size.height - (6 if self.ACT else 4))

    def title_text(self) -> str:
        """The heading; foreign text is made printable."""
        return self.TITLE

    def body(self) -> ComposeResult:
        """The fields and texts of the dialog."""
        yield from ()

    async def act(self) -> None:
        """Validate, work where the dialog is to stay open on failure, then `self.dismiss(value)`."""
        raise NotImplementedError

    def fields(self) -> Iterator[Field]:
        """Its fields, in order."""
        yield from self.query(Field)

    def focus_first(self) -> None:
        """Focus what can be focused first, or nothing."""
        if self.focus_chain:
            self.set_focus(self.focus_chain[0])

    def can_act(self) -> str:
        """Why the chord is off just now; empty when it is on. It is shown beside the chord's word."""
        return ""

    def draw_keys(self) -> None:
        """Draw the last line: what esc and the chord do."""
        act = ""
        if self.ACT:
            off = "working" if self.acting else self.can_act()
            act = f"   ctrl+y {self.ACT}" + (f" ({off})" if off else "")
        for found in self.query(".dialog-keys").results(Static):
            found.update(present.join((f"esc Back{act}", "")))

    def show_error(self, error: KmptuiError | None) -> None:
        """Show an error in the dialog's own line, and none with None."""
        said = Content("")
        if error is not None:
            title = problem_of(error).title
            first = error.what if error.what.startswith(title) else f"{title}: {error.what}"
            first += f": {error.why}" if error.why else ""
            said = Content("\n").join(
                [present.text(first, present.ERROR), present.text(error.cure or present.server_said(error))]
            )
        for found in self.query(".dialog-error").results(Static):
            found.update(said)

    def show_problem(self, error: KmptuiError) -> bool:
        """Errors of this dialog's work: those that name a field of it stand beside it and take the focus there; those
        that name none stay in the dialog's line; a dialog without one leaves them to the app."""
        named: list[tuple[str, str]] = []
        if isinstance(error, PreflightFailed):
            named = [(finding.field, finding.cause) for finding in error.findings]
        elif isinstance(error, BadInput):
            named = [(error.field, error.why or error.what)]
        elif isinstance(error, WrongPassphrase):
            named = [("passphrase", error.what)]
        by_name = {field.name: field for field in self.fields()}
        first = True
        for member, words in named:
            if (field := by_name.get(member)) is not None:
                field.show_note(words, bad=True)
                if first:
                    field.focus_control()
                first = False
        if not self.ACT:
            return False
        self.show_error(error)
        return True

    def scroll_by(self, event: events.Key) -> bool:
        """Scroll the body where the key is one that does; whether it was."""
        body = self.query_one(".dialog-body", VerticalScroll)
        page = max(1, body.size.height - 1)
        steps = {"down": 1, "j": 1, "up": -1, "k": -1, "pagedown": page, "pageup": -page, "space": page}
        if event.key not in steps:
            return False
        event.stop()
        body.scroll_relative(y=steps[event.key], animate=False)
        return True

    def start(self, work: workers.Work, *, group: str = "", exclusive: bool = False) -> None:
        """Run something beside the dialog, with its errors shown here. Reads only: it ends with the dialog."""
        workers.start(self, work, group=group, exclusive=exclusive)


class TextDialog(Dialog[None]):
    """Text that stays until it is read: it scrolls."""

    def __init__(self, title: str, said: Content, *, further: Content | None = None) -> None:
        super().__init__()
        self._title = title
        self._said = said
        self._further = further

    def title_text(self) -> str:
        return self._title

    def body(self) -> ComposeResult:
        yield Static(self._said)
        if self._further is not None:
            further = Static(self._further, classes="further")
            yield further

    def on_key(self, event: events.Key) -> None:
        """The text scrolls with the usual keys; enter closes, and what is typed besides touches nothing beneath."""
        if not self.scroll_by(event) and event.key == "enter":
            event.stop()
            self.dismiss(None)
