"""A list that shows a window on the store: it asks for the rows that are on the screen, and a few more.

A hundred rows and a million cost the same. The cursor follows the id of its row through refreshes, sorting and filters;
rows are drawn when they have come, so that nothing flickers.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar, Protocol

from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from kmptui.domain.clock import Clock
from kmptui.domain.listing import Query, Window
from kmptui.errors import KmptuiError
from kmptui.tui import workers
from kmptui.tui.commands.command import with_alt
from kmptui.tui.widgets.columns import Column
from kmptui.tui.widgets.row_painter import TONES, RowPainter

MARGIN = 60
"""Rows beyond the screen, on each side, that are asked for too."""


class Source(Protocol):
    """Where the rows come from. Rows have an `id` (audit rows: `seq`)."""

    async def window(self, query: Query, offset: int, limit: int) -> Window[Any]: ...

    async def position(self, query: Query, row_id: int) -> int | None: ...


def row_id(row: Any) -> int:
    """The id by which the cursor and the marks know a row."""
    return int(row.seq if hasattr(row, "seq") else row.id)


class WindowedList(ScrollView, can_focus=True):
    """`cursor` is the index of the current row; `row` the row itself once it has come."""

    DEFAULT_CSS = """
    WindowedList { height: 1fr; width: 1fr; overflow-x: hidden; overflow-y: scroll; scrollbar-size-vertical: 1; }
    WindowedList > .list--head { color: $text-muted; text-style: bold; }
    WindowedList > .list--cursor { background: $primary-muted; text-style: bold; }
    WindowedList > .list--cursor-away { background: $boost; }
    WindowedList > .list--marked { text-style: italic; }
    WindowedList > .list--good { color: $text-success; }
    WindowedList > .list--warning { color: $text-warning; }
    WindowedList > .list--error { color: $text-error; text-style: bold; }
    WindowedList > .list--muted { color: $text-muted; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "list--head", "list--cursor", "list--cursor-away", "list--marked", *(f"list--{tone}" for tone in TONES),
    }  # fmt: skip
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(with_alt("down,j"), "move(1)", "Down", show=False, id="list.down"),
        Binding(with_alt("up,k"), "move(-1)", "Up", show=False, id="list.up"),
        Binding("pagedown,ctrl+f", "page(1)", "A page down", show=False, id="list.page_down"),
        Binding("pageup,ctrl+u", "page(-1)", "A page up", show=False, id="list.page_up"),
        Binding(with_alt("g,home"), "go(0)", "First row", show=False, id="list.first"),
        Binding(with_alt("G,end"), "go(-1)", "Last row", show=False, id="list.last"),
    ]

    class Highlighted(Message):
        """The cursor stands on another row, or on another state of it."""

        def __init__(self, row: Any | None) -> None:
            super().__init__()
            self.row = row

    class Read(Message):
        """Rows have come: `total` match; `error` says why none have."""

        def __init__(self, total: int, error: KmptuiError | None) -> None:
            super().__init__()
            self.total = total
            self.error = error

    def __init__(self, source: Source, columns: Sequence[Column], clock: Clock, query: Query) -> None:
        super().__init__()
        self.source = source
        self.clock = clock
        self.query_now = query
        self.total: int | None = None
        self.error: KmptuiError | None = None
        self.words = "Reading …"
        self.cursor = 0
        self.marks: set[int] = set()
        self._rows: Sequence[Any] = ()
        self._offset = 0
        self._goal = 0
        self._painter = RowPainter(self, columns)
        self._pulling = False
        self._again = False
        self._now: datetime = clock.now()

    # -- what it shows

    @property
    def row(self) -> Any | None:
        """The row under the cursor, None when there is none or it has not come yet."""
        return self._at(self.cursor)

    @property
    def page(self) -> int:
        """Rows on the screen, the head not counted."""
        return max(1, self.size.height - 1)

    @property
    def cells(self) -> int:
        """Cells for a row, the scroll bar not counted."""
        return self.scrollable_content_region.width

    def _at(self, index: int) -> Any | None:
        at = index - self._offset
        return self._rows[at] if 0 <= at < len(self._rows) else None

    def on_mount(self) -> None:
        self.read_again()

    def on_resize(self) -> None:
        self._painter.fit(self.cells)
        self._extent()
        self._keep_in_sight()
        self._pull()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._painter.forget_styles()

    def on_focus(self) -> None:
        self._draw_row(self.cursor)

    def on_blur(self) -> None:
        self._draw_row(self.cursor)

    # -- where it stands

    def action_move(self, step: int) -> None:
        self.go(self._goal + step)

    def action_page(self, direction: int) -> None:
        self.go(self._goal + direction * max(1, self.page - 1))

    def action_go(self, to: int) -> None:
        self.go(to if to >= 0 else (self.total or 1) - 1)

    def go(self, to: int) -> None:
        """Put the cursor on a row, by its index; it moves when the rows there have come."""
        self._goal = max(0, min(to, (self.total or 1) - 1))
        if self._covered(self._goal):
            self._arrive()
        else:
            self._pull()

    def _covered(self, index: int) -> bool:
        top = self._top_for(index)
        bottom = min(top + self.page, self.total or 0)
        return self._offset <= top and bottom <= self._offset + len(self._rows)

    def _top_for(self, index: int) -> int:
        """The first row on the screen when the cursor stands on `index`: moved no more than needed."""
        top = self.scroll_offset.y
        return max(0, min(index, max(top, index - self.page + 1)))

    def _arrive(self) -> None:
        former, self.cursor = self.cursor, self._goal
        top = self._top_for(self.cursor)
        if top != self.scroll_offset.y:
            self.scroll_to(y=top, animate=False, immediate=True, force=True)
            self.refresh()
        elif former != self.cursor:
            self._draw_row(former)
            self._draw_row(self.cursor)
        if former != self.cursor:
            self.post_message(self.Highlighted(self.row))

    def _keep_in_sight(self) -> None:
        top = self._top_for(self.cursor)
        if top != self.scroll_offset.y:
            self.scroll_to(y=top, animate=False, immediate=True, force=True)

    def _draw_row(self, index: int) -> None:
        self.refresh_line(index + 1)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if round(old_value) != round(new_value):
            self._pull()

    # -- reading

    def ask(self, query: Query) -> None:
        """Show another query; the cursor stays on its row where the row is in it."""
        self.query_now = query
        self.read_again()

    def read_again(self) -> None:
        """Read the window anew, in place."""
        self._again = True
        self._pull()

    def _pull(self) -> None:
        if not self._pulling and self.is_attached and (self._again or not self._enough()):
            self._pulling = True
            workers.start(self, self._read, name="window")

    def _enough(self) -> bool:
        if self.total is None or self.error is not None:
            return self.total is not None
        top = self.scroll_offset.y
        bottom = min(top + self.page, self.total)
        return self._covered(self._goal) and self._offset <= top and bottom <= self._offset + len(self._rows)

    async def _read(self) -> None:
        try:
            while self._again or not self._enough():
                if self._again:
                    self._again = False
                    await self._read_anew()
                else:
                    await self._read_more()
        finally:
            self._pulling = False

    async def _read_more(self) -> None:
        start = max(0, self._top_for(self._goal) - MARGIN)
        if self._covered(self._goal):  # the wheel or the scroll bar went elsewhere
            start = max(0, self.scroll_offset.y - MARGIN)
        window = await self._window(self.query_now, start)
        if window is not None:
            self._take(window)
            self._arrive()
            self.refresh()  # rows on the screen were lacking, also where the cursor stays

    async def _read_anew(self) -> None:
        """Find the row of the cursor again and keep it at its height on the screen."""
        query = self.query_now
        current = self.row
        height = self.cursor - self.scroll_offset.y
        try:
            place = await self.source.position(query, row_id(current)) if current is not None else None
        except KmptuiError as error:
            self._fail(error)
            return
        goal = place if place is not None else self.cursor
        top = max(0, goal - max(0, min(height, self.page - 1)))
        window = await self._window(query, max(0, top - MARGIN))
        if window is None:
            return
        if window.total <= goal:
            goal = max(0, window.total - 1)
            top = max(0, min(top, window.total - self.page))
            if window.total and not (window.offset <= top and goal < window.offset + len(window.rows)):
                window = await self._window(query, max(0, top - MARGIN)) or window
        self._now = self.clock.now()
        self._take(window)
        self._goal = self.cursor = max(0, min(goal, window.total - 1))
        self.scroll_to(y=min(top, max(0, window.total - self.page)), animate=False, immediate=True, force=True)
        self.refresh()
        self.post_message(self.Highlighted(self.row))
        self.post_message(self.Read(window.total, None))

    async def _window(self, query: Query, start: int) -> Window[Any] | None:
        try:
            return await self.source.window(query, start, self.page + 2 * MARGIN)
        except KmptuiError as error:
            self._fail(error)
            return None

    def _take(self, window: Window[Any]) -> None:
        self.error = None
        self._rows, self._offset = window.rows, window.offset
        if window.total != self.total:
            self.total = window.total
            self._extent()

    def _fail(self, error: KmptuiError) -> None:
        self.error = error
        self.total = self.total or 0
        self.refresh()
        self.post_message(self.Read(self.total, error))

    def _extent(self) -> None:
        self.virtual_size = Size(self.cells, (self.total or 0) + 1)

    # -- marks

    def mark(self) -> None:
        """Mark or unmark the current row, and go on to the next."""
        if self.row is not None:
            self.marks ^= {row_id(self.row)}
            self._draw_row(self.cursor)
            self.action_move(1)

    def unmark_all(self) -> None:
        self.marks.clear()
        self.refresh()

    # -- drawing

    def render_line(self, y: int) -> Strip:
        width = self.cells
        if y == 0:
            return self._painter.head(self.query_now, width)
        index = y - 1 + self.scroll_offset.y
        if not self.total or self.error is not None:
            lines = self._said()
            words = lines[y - 2] if 0 <= y - 2 < len(lines) else ""
            return self._painter.words(f"   {words}", width)
        if index >= self.total:
            return Strip.blank(width, self.rich_style)
        row = self._at(index)
        if row is None:
            return self._painter.words("   …", width)
        cursor = "" if index != self.cursor else "cursor" if self.has_focus else "cursor-away"
        return self._painter.row(row, self._now, width, cursor=cursor, marked=row_id(row) in self.marks)

    def _said(self) -> list[str]:
        if self.error is not None:
            return [self.error.what, *filter(None, (self.error.why, self.error.cure))]
        return self.words.splitlines() if self.total is not None else ["Reading …"]
