"""Fields that one types into. What is wrong stands beside them while one types."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import ClassVar

from textual import events, on
from textual.binding import Binding, BindingType
from textual.document._document import EditResult
from textual.document._edit import Edit
from textual.widget import Widget
from textual.widgets import Input, TextArea

from kmptui.domain.text import printable
from kmptui.errors import BadInput
from kmptui.tui.widgets.field import Field, LineInput, through

Check = Callable[[str], object]
_KEPT = frozenset({"\n", "\r\n", "\t"})


class TextField(Field):
    """One line of text. `check` raises BadInput, whose words stand beside the field as one types; `most` counts the
    characters."""

    def __init__(
        self,
        name: str,
        label: str,
        value: str = "",
        *,
        check: Check | None = None,
        most: int = 0,
        password: bool = False,
        placeholder: str = "",
        hint: str = "",
        id: str | None = None,  # noqa: A002 - Textual's word
    ) -> None:
        super().__init__(name, label, hint=hint or (f"{len(value):,} of {most:,}" if most else ""), id=id)
        self.check = check
        self.most = most
        self.input = LineInput(value, password=password, placeholder=placeholder)

    def make_control(self) -> Widget:
        return self.input

    @property
    def value(self) -> str:
        return self.input.value

    @value.setter
    def value(self, text: str) -> None:
        self.input.value = text

    def validate_now(self, *, empty_is_fine: bool = False) -> bool:
        """Check the value and say what is wrong beside it; whether it is right."""
        if self.most:
            self.hint = f"{len(self.value):,} of {self.most:,}"
        if self.check is None or (empty_is_fine and not self.value):
            self.show_note()
            return True
        try:
            self.check(self.value)
        except BadInput as error:
            self.show_note(error.why or error.what, bad=True)
            return False
        self.show_note()
        return True

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        self.validate_now(empty_is_fine=True)
        self.post_message(self.Edited(self))


class Area(TextArea):
    """A text area that stands still; tab moves on, and the chord is the dialog's (a TextArea would redo with it). What
    comes in is made printable but for its line breaks and tabs, since it is drawn as it stands."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+y", "screen.command('dialog.act')", show=False)]

    def __init__(self, text: str) -> None:
        super().__init__(text, soft_wrap=True, show_line_numbers=False, tab_behavior="focus", compact=True)
        self.cursor_blink = False

    def edit(self, edit: Edit) -> EditResult:
        edit.text = _printable_lines(edit.text)
        return super().edit(edit)

    def _set_document(self, text: str, language: str | None) -> None:
        super()._set_document(_printable_lines(text), language)

    async def _on_key(self, event: events.Key) -> None:
        if not through(self, event):
            await super()._on_key(event)


def _printable_lines(text: str) -> str:
    return "".join(piece if piece in _KEPT else printable(piece) for piece in re.split(r"(\r\n|[\n\t])", text))


class AreaField(TextField):
    """Some lines of text."""

    DEFAULT_CSS = """
    AreaField { height: 4; }
    AreaField > Area { height: 4; width: 1fr; border: none; padding: 0; background: $panel; }
    AreaField > Area:focus { background: $primary 30%; }
    """

    def __init__(
        self, name: str, label: str, value: str = "", *, check: Check | None = None, most: int = 0, hint: str = ""
    ) -> None:
        super().__init__(name, label, value, check=check, most=most, hint=hint)
        self.area = Area(value)

    def make_control(self) -> Widget:
        return self.area

    @property
    def value(self) -> str:
        return self.area.text

    @value.setter
    def value(self, text: str) -> None:
        self.area.text = text

    @on(TextArea.Changed)
    def _area_changed(self, event: TextArea.Changed) -> None:
        event.stop()
        self.validate_now(empty_is_fine=True)
        self.post_message(self.Edited(self))
