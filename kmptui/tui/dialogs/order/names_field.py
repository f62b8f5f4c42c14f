"""The Names field: type or paste names as they come, see what became of each, choose the common name."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import ClassVar

from textual import events, on
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from kmptui.domain.text import width
from kmptui.errors import Finding
from kmptui.tui import present
from kmptui.tui.dialogs.order.names_list import Line, Names, lines
from kmptui.tui.widgets.fields import Field, LineInput, through

TAKES = frozenset({"comma", "semicolon", "space", "enter", "ctrl+j"})
"""Keys that end a name: so a paste that the terminal does not mark as one is read name by name."""
PASTE_GAP = 0.03
"""Seconds: a tab that follows a key sooner than this belongs to a paste and ends a name; a person's tab moves on."""
ENTRY_HINT = "type or paste names; a comma, blank or Enter takes them"


class NamesEntry(LineInput):
    """One line that hands over a name at each separator, and a paste whole."""

    class Given(Message):
        """Text to be read as names."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(self) -> None:
        super().__init__(placeholder=ENTRY_HINT)
        self._last_key = 0.0

    async def _on_key(self, event: events.Key) -> None:
        if through(self, event):
            return
        hurried = event.time - self._last_key < PASTE_GAP
        self._last_key = event.time
        if event.key in TAKES or (event.key == "tab" and (hurried or self.value.strip())):
            event.stop()
            event.prevent_default()
            self.hand_over()
        else:
            await super()._on_key(event)

    def _on_paste(self, event: events.Paste) -> None:
        """All lines of it, where an Input would keep the first."""
        event.stop()
        event.prevent_default()
        self.post_message(self.Given(f"{self.value} {event.text}"))
        self.clear()

    def _on_blur(self, event: events.Blur) -> None:
        super()._on_blur(event)
        self.hand_over()

    def hand_over(self) -> None:
        """Have what stands here read as names."""
        if self.value.strip():
            self.post_message(self.Given(self.value))
        self.clear()


class NamesList(OptionList):
    """What the names came to; keys act on the line under the bar."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f", "wish('first')", "Make it the common name", show=False),
        Binding("delete,backspace", "wish('remove')", "Remove it", show=False),
        Binding("j", "cursor_down", show=False),
        Binding("k", "cursor_up", show=False),
    ]

    class Wish(Message):
        """The line's text, and what is to become of it: first, remove or edit."""

        def __init__(self, what: str, text: str) -> None:
            super().__init__()
            self.what = what
            self.text = text

    def __init__(self) -> None:
        super().__init__(compact=True, markup=False)

    @property
    def text(self) -> str:
        """The name or piece under the bar; empty where there is none."""
        if self.highlighted is None or self.highlighted >= self.option_count:
            return ""
        return self.get_option_at_index(self.highlighted).id or ""

    def action_wish(self, what: str) -> None:
        if self.text:
            self.post_message(self.Wish(what, self.text))

    def action_select(self) -> None:
        self.action_wish("edit")

    def action_cursor_up(self) -> None:
        """Up from the first line leads out, to the entry."""
        if self.highlighted:
            super().action_cursor_up()
        else:
            self.screen.focus_previous()

    def action_cursor_down(self) -> None:
        """Down from the last line leads on."""
        if self.highlighted is not None and self.highlighted < self.option_count - 1:
            super().action_cursor_down()
        else:
            self.screen.focus_next()


class NamesField(Field):
    """Entry line above, names below; `names` is what they came to. Tells of every change by `Field.Edited`."""

    DEFAULT_CSS = """
    NamesField { height: 6; }
    NamesField > Vertical { width: 1fr; height: 100%; }
    NamesField > .field-label { height: 100%; }
    NamesField > .field-note { display: none; }
    NamesField NamesList {
        height: 1fr; border: none; padding: 0; background: $background; scrollbar-size-vertical: 1;
    }
    NamesField NamesList > .option-list--option { padding: 0; }
    NamesField NamesList > .option-list--option-highlighted { background: $background; }
    NamesField NamesList:focus > .option-list--option-highlighted { background: $primary 30%; text-style: underline; }
    """

    def __init__(self, names: Names) -> None:
        super().__init__("names", "Names")
        self.names = names
        self.entry = NamesEntry()
        self.listing = NamesList()
        self._findings: Mapping[str, Finding] = {}
        self._ends: Mapping[str, date] = {}

    def make_control(self) -> Widget:
        return Vertical(self.entry, self.listing)

    def on_mount(self) -> None:
        self._draw()

    def on_resize(self) -> None:
        self._draw()

    def show_findings(self, findings: Mapping[str, Finding], ends: Mapping[str, date] | None = None) -> None:
        """What is known against names, and when their DCV ends, where that is asked, by name."""
        ends = ends or {}
        if (findings, ends) != (self._findings, self._ends):
            self._findings, self._ends = findings, ends
            self._draw()

    def focus_problem(self) -> None:
        """The first line that is wrong; the entry where there is none."""
        shown = lines(self.names, self._findings, self._ends)
        at = next((n for n, line in enumerate(shown) if line.mark == "x"), None)
        if at is None:
            self.entry.focus()
        else:
            self.listing.highlighted = at
            self.listing.focus()

    def offer(self, names: Names) -> None:
        """Other names, from a draft."""
        self.names = names
        self._draw()

    @on(Input.Changed)
    def _typing(self, event: Input.Changed) -> None:
        event.stop()

    @on(NamesEntry.Given)
    def _given(self, event: NamesEntry.Given) -> None:
        event.stop()
        self._set(self.names.take(event.text))

    @on(NamesList.Wish)
    def _wish(self, event: NamesList.Wish) -> None:
        event.stop()
        if event.what == "first":
            self._set(self.names.first(event.text))
            return
        self._set(self.names.without(event.text))
        if event.what == "edit":
            self.entry.value = event.text
            self.entry.focus()

    def _set(self, names: Names) -> None:
        if names != self.names:
            self.names = names
            self._draw()
            self.post_message(self.Edited(self))

    def _draw(self) -> None:
        at = self.listing.highlighted or 0
        before = self.listing.text
        shown = lines(self.names, self._findings, self._ends)
        cells = max(30, self.size.width - 17)
        self.listing.set_options([Option(_line(line, cells), id=line.text) for line in shown])
        if shown:
            kept = next((n for n, line in enumerate(shown) if line.text == before), None)
            self.listing.highlighted = kept if kept is not None else min(at, len(shown) - 1)
        count = f"Names {len(self.names.names):>6,}" if self.names.names else "Names"
        told = [count, *self.names.told]
        if self.names.problems:
            told.append(f"{len(self.names.problems):,} to mend")
        self._label.update(Content("\n").join(present.text(words, cells=14) for words in told))


def _line(line: Line, cells: int) -> Content:
    words = ("common name, " if line.common else "") + line.words
    room = column = min(cells // 2, max(20, cells - len("x  common name, ok, DCV to 28 Feb")))
    if "xn--" in line.text:  # both forms of an international name are worth more than the column, and than DCV's end
        least = words.partition(", DCV to")[0] if line.mark == " " else words
        room = max(room, cells - 4 - min(width(least), cells // 4))
    left = present.name(line.text, room)
    if "xn--" in line.text and line.mark == " " and width(left) + width(words) + 4 > cells:
        words = words.partition(", DCV to")[0]
    style = {"x": present.ERROR, "!": present.WARNING}.get(line.mark, present.PLAIN)
    return present.text(f"{line.mark} {present.cell(left, max(column, width(left)))} {words}", style, cells)
