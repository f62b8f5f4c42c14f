"""A choice among several that does not fit on one line: as many lines as it takes, all of it to be seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from textual import events
from textual.content import Content

from kmptui.tui import present
from kmptui.tui.widgets.choice_fields import Option, Radio, RadioField, T

GAP = "  "


class RadioFlow(Radio):
    """The control: the options one after the other, broken where a line is full."""

    def __init__(self, holder: RadioField[Any]) -> None:
        super().__init__(holder)
        self.styles.height = 2

    def lines(self, cells: int) -> list[str]:
        """The options as lines of at most `cells` cells, where each fits into one."""
        found: list[str] = []
        for option in self.holder.options:
            piece = f"({'o' if option.value == self.holder.value else ' '}) {present.line(option.words)}"
            if found and present.width(found[-1] + GAP + piece) <= cells:
                found[-1] += GAP + piece
            else:
                found.append(piece)
        return found

    def on_resize(self, event: events.Resize) -> None:
        needed = len(self.lines(event.size.width))
        self.styles.height = needed
        self.holder.styles.height = needed

    def render(self) -> Content:
        return Content("\n").join(present.text(line) for line in self.lines(self.size.width))


class RadioLines(RadioField[T]):
    """As a RadioField; arrows and the space bar move through all of it."""

    def __init__(self, name: str, label: str, options: Sequence[Option[T]], value: T) -> None:
        super().__init__(name, label, options, value)
        self.control = RadioFlow(self)
        self.styles.height = 2
