"""The tab bar: one line that never wraps and never cuts a word; where room is short, numbers stand for words."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from kmptui.tui import present


class TabBar(Widget):
    """Titles come as (long, short) pairs; tab `active` (from 0) is marked."""

    DEFAULT_CSS = "TabBar { height: 1; width: 100%; padding: 0 1; }"
    active: reactive[int] = reactive(0)

    def __init__(self, titles: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self.titles = tuple(titles)

    def render(self) -> Content:
        parts: list[Content | tuple[str, str]] = []
        for at, label in enumerate(labels(self.titles, self.active, self.size.width)):
            style = "bold reverse" if at == self.active else ""
            parts += [present.text(label, style), (" ", "")]
        return present.join(*parts[:-1])


def labels(titles: Sequence[tuple[str, str]], active: int, cells: int) -> list[str]:
    """What stands for each tab in `cells` cells: long titles, else short ones, else numbers but for the active one."""
    full = [f"{n} {long}" for n, (long, _) in enumerate(titles, 1)]
    short = [f"{n} {word}" for n, (_, word) in enumerate(titles, 1)]
    sparse = [short[at] if at == active else str(at + 1) for at in range(len(titles))]
    for choice in (full, short, sparse):
        if sum(map(len, choice)) + len(choice) - 1 <= cells:
            return choice
    return [str(at + 1) for at in range(len(titles))]
