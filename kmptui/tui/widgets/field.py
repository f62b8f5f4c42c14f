"""The base of all fields: a label, a control of one line, and a note beside it that never moves the layout.

`esc` leaves a text field; Enter goes to the next one and never acts. A letter that arrives as alt+letter (esc and the
letter in one packet) leaves the field and counts as the letter.
"""

from __future__ import annotations

from typing import Any

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input, Static, TextArea

from kmptui.domain.text import printable
from kmptui.tui import present


def leave_text(screen: Screen[Any]) -> bool:
    """Take the focus out of a text field; False when it was in none."""
    focused = screen.focused
    if isinstance(focused, Input) or (isinstance(focused, TextArea) and not focused.read_only):
        screen.set_focus(None)
        return True
    return False


def through(widget: Widget, event: events.Key) -> bool:
    """Handle what reaches a text field as alt+letter: leave it and press the letter. True when it was that."""
    if not event.key.startswith("alt+"):
        return False
    event.stop()
    event.prevent_default()
    letter = event.key.removeprefix("alt+").removeprefix("shift+")
    letter = letter.upper() if "shift+" in event.key else letter
    widget.screen.set_focus(None)
    if len(letter) == 1:
        widget.app.simulate_key(letter)
    return True


class LineInput(Input):
    """An Input that stands still: no blinking, no suggestions, Enter moves on. What is set, typed or pasted comes in
    printable, since it is drawn as it stands; a password is drawn as dots, and kept as it is."""

    DEFAULT_CSS = """
    LineInput { height: 1; border: none; padding: 0; background: $panel; width: 1fr; }
    LineInput:focus { background: $primary 30%; text-style: underline; }
    """

    def __init__(self, value: str = "", *, password: bool = False, placeholder: str = "") -> None:
        self._secret = password
        super().__init__(value, password=password, placeholder=placeholder, select_on_focus=False, compact=True)
        self.cursor_blink = False

    def validate_value(self, value: str) -> str:
        return value if self._secret else printable(value)

    def replace(self, text: str, start: int, end: int) -> None:
        """Made printable before it is counted, so that the cursor comes to stand behind it."""
        super().replace(text if self._secret else printable(text), start, end)

    def action_copy(self) -> None:
        """A password never reaches a clipboard."""
        if not self.password:
            super().action_copy()

    def action_cut(self) -> None:
        """The same; what was marked goes."""
        if self.password:
            self.delete_selection()
        else:
            super().action_cut()

    async def _on_key(self, event: events.Key) -> None:
        if through(self, event):
            return
        if event.key in {"enter", "down", "ctrl+j"}:
            event.stop()
            event.prevent_default()
            self.screen.focus_next()
        elif event.key == "up":
            event.stop()
            event.prevent_default()
            self.screen.focus_previous()
        else:
            await super()._on_key(event)


class Field(Horizontal):
    """A labelled control with a note beside it. `name` is the member that errors name."""

    class Edited(Message):
        """The value is another one."""

        def __init__(self, field: Field) -> None:
            super().__init__()
            self.field = field

        @property
        def control(self) -> Field:
            return self.field

    DEFAULT_CSS = """
    Field { height: 1; width: 100%; }
    Field > .field-label { width: 15; }
    Field > .field-note { width: 28; padding-left: 1; color: $text-muted; }
    Field.-bad > .field-note { color: $text-error; text-style: bold; }
    Field.-note-none > .field-note { display: none; }
    """

    def __init__(self, name: str, label: str, *, hint: str = "", id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(name=name, id=id or f"field-{name.replace('_', '-')}")
        self.label_text = label
        self.hint = hint
        self.said = ""
        self._label = Static(present.text(label), classes="field-label")
        self._note = Static(present.text(hint), classes="field-note")
        self._noted = (hint, False)

    @property
    def name(self) -> str:
        """The member's name; always given."""
        return super().name or ""

    def compose(self) -> ComposeResult:
        yield self._label
        yield self.make_control()
        yield self._note

    def make_control(self) -> Widget:
        """The control itself."""
        raise NotImplementedError

    def focus_control(self) -> None:
        """Put the focus on the control."""
        for child in self.query("*").results(Widget):
            if child.can_focus:
                self.screen.set_focus(child)
                return

    def show_note(self, words: str = "", *, bad: bool = False) -> None:
        """Say something beside the field; without words the hint comes back. It is drawn where it differs, and moves
        nothing: this is called at each key press."""
        self.said = words
        noted = (words or self.hint, bad and bool(words))
        if noted != self._noted:
            self._noted = noted
            self.set_class(noted[1], "-bad")
            self._note.update(present.text(("x " if noted[1] else "") + noted[0]), layout=False)

    @property
    def is_bad(self) -> bool:
        return self.has_class("-bad")
