"""How one row of a list becomes one line of the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from kmptui.domain.listing import Query, sorting
from kmptui.tui import present
from kmptui.tui.widgets.columns import Column, fit

TONES = ("good", "warning", "error", "muted")
LEAD = 3
"""Cells before the first column: the cursor, the mark, a blank."""


class RowPainter:
    """Draws with the component styles `list--TONE` of its widget."""

    def __init__(self, widget: Widget, columns: Sequence[Column]) -> None:
        self._widget = widget
        self._columns = tuple(columns)
        self._layout: list[tuple[Column, int]] = []
        self._styles: dict[str, Style] = {}

    def fit(self, width: int) -> None:
        """Choose the columns and their widths for lines of `width` cells."""
        self._layout = fit(self._columns, max(1, width - LEAD))

    def forget_styles(self) -> None:
        """The theme has changed."""
        self._styles.clear()

    def head(self, query: Query, width: int) -> Strip:
        """The line of titles, the sorted column marked by its direction."""
        cells = [(" " * LEAD, "head")]
        by, descending = sorting(query)
        for at, (column, room) in enumerate(self._layout):
            way = "" if not column.sort or column.sort != by else " v" if descending else " ^"
            cells.append((" " * bool(at) + present.cell(column.title + way, room, right=column.right), "head"))
        return self._strip(cells, self._widget.rich_style, width)

    def row(self, row: Any, now: datetime, width: int, *, cursor: str, marked: bool) -> Strip:
        """One row; `cursor` names the style of its bar, empty when the cursor is elsewhere."""
        base = self._widget.rich_style
        if cursor:
            base += self._style(cursor)
        if marked:
            base += self._style("marked")
        cells = [(f"{'>' if cursor else ' '}{'*' if marked else ' '} ", "")]
        for at, (column, room) in enumerate(self._layout):
            words, tone = column.value(row, now)
            cells.append((" " * bool(at) + present.cell(words, room, right=column.right), tone))
        return self._strip(cells, base, width)

    def words(self, words: str, width: int) -> Strip:
        """A sentence instead of a row."""
        base = self._widget.rich_style
        return Strip([Segment(present.cell(words, width), base)]).adjust_cell_length(width, base)

    def _strip(self, cells: list[tuple[str, str]], base: Style, width: int) -> Strip:
        """One line; neighbours of one style become one segment, so that less goes over the line."""
        strip = Strip([Segment(words, base + self._style(tone) if tone else base) for words, tone in cells])
        return strip.adjust_cell_length(width, base).simplify()

    def _style(self, name: str) -> Style:
        if name not in self._styles:
            self._styles[name] = self._widget.get_component_rich_style(f"list--{name}", partial=True)
        return self._styles[name]
