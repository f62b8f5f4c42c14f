"""Choose one of several: a list that is filtered as one types."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option as Line

from kmptui.tui import present
from kmptui.tui.widgets.dialog import Dialog
from kmptui.tui.widgets.fields import LineInput, Option

MANY = 8
"""From so many options on there is a line to filter them."""


class FilterInput(LineInput):
    """Typing filters; the arrows move in the list below it, Enter chooses there."""

    async def _on_key(self, event: events.Key) -> None:
        steps = {
            "down": "cursor_down",
            "up": "cursor_up",
            "pagedown": "page_down",
            "pageup": "page_up",
            "enter": "select",
        }
        if event.key == "escape":  # nothing that one types here would be missed
            event.stop()
            event.prevent_default()
            self.screen.dismiss(None)
        elif event.key in steps:
            event.stop()
            event.prevent_default()
            getattr(self.screen.query_one(OptionList), f"action_{steps[event.key]}")()
        else:
            await super()._on_key(event)


class Choices(OptionList):
    """The list, with the usual keys."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "cursor_down", show=False),
        Binding("k", "cursor_up", show=False),
        Binding("g", "first", show=False),
        Binding("G", "last", show=False),
    ]
    DEFAULT_CSS = """
    Choices { height: auto; max-height: 16; border: none; padding: 0; background: transparent; }
    Choices:focus { border: none; }
    """


class ChooseDialog(Dialog[Option[Any]]):
    """Enter chooses: it sends nothing and changes nothing but a field or a view."""

    def __init__(self, title: str, options: Sequence[Option[Any]], value: object = None, *, note: str = "") -> None:
        super().__init__()
        self._title = title
        self._options = tuple(options)
        self._value = value
        self._note = note
        self._shown: list[Option[Any]] = []

    def title_text(self) -> str:
        return self._title

    def body(self) -> ComposeResult:
        if len(self._options) >= MANY:
            yield FilterInput(placeholder="type to filter")
        yield Choices(markup=False)

    def on_mount(self) -> None:
        super().on_mount()
        self._fill("")
        self.query_one(Choices).styles.height = max(1, len(self._options))  # it stays as it is while one filters
        at = next((n for n, option in enumerate(self._shown) if option.value == self._value), 0)
        self.query_one(Choices).highlighted = at if self._shown else None

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self._fill(event.value)

    def _fill(self, wanted: str) -> None:
        words = wanted.casefold().split()
        self._shown = [o for o in self._options if all(word in o.words.casefold() for word in words)]
        choices = self.query_one(Choices)
        choices.set_options([self._line(option) for option in self._shown])
        if self._shown:
            choices.highlighted = 0

    def _line(self, option: Option[Any]) -> Line:
        mark = "o " if option.value == self._value else "  "
        off = f"   {option.off}" if option.off else ""
        style = present.MUTED if option.off else ""
        return Line(present.text(f"{mark}{option.words}{off}", style, 72), disabled=bool(option.off))

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.dismiss(self._shown[event.option_index])

    def draw_keys(self) -> None:
        from textual.widgets import Static

        self.query_one(".dialog-keys", Static).update("enter Choose   esc Back")
