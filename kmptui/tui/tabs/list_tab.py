"""A tab with a list: a line that says what is listed, the windowed list, and the details beside it where it is wide."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal

from kmptui.domain.clock import Clock
from kmptui.domain.filters import parse_filter
from kmptui.domain.listing import Query, Topic, sorting
from kmptui.errors import BadInput, KmptuiError
from kmptui.services.lists import TAB_OF, Lists
from kmptui.services.mirror import Mirror
from kmptui.tui import present
from kmptui.tui.commands.command import Command
from kmptui.tui.commands.list_commands import LIST_COMMANDS, SORT_WORDS
from kmptui.tui.commands.ways import Ways
from kmptui.tui.tabs.details_page import DetailsPage
from kmptui.tui.tabs.tab import Tab
from kmptui.tui.widgets.columns import Column
from kmptui.tui.widgets.details import Details, DetailsView
from kmptui.tui.widgets.filter_line import FilterLine
from kmptui.tui.widgets.list_title import ListTitle, TitleFacts
from kmptui.tui.widgets.windowed_list import WindowedList, row_id

WIDE = 120
"""From so many columns on the details stand beside the list, which keeps what it shows where there are 80."""
OLD_ORDERS_HOURS = 26
OLD_REST_HOURS = 8 * 24


class ListTab(Tab):
    """Subclasses give TOPIC, COLUMNS, `details()`, the words of an empty list, and commands of their own."""

    COLUMNS: ClassVar[tuple[Column, ...]]
    DETAILS: ClassVar[type[DetailsPage]] = DetailsPage
    VIEWS: ClassVar[bool] = False
    """Whether there is more to see than what is current."""
    OFFERS: ClassVar[tuple[type[Command[Any]], ...]] = LIST_COMMANDS
    DEFAULT_CSS = """
    ListTab { layers: default above; }
    ListTab > .list-and-details { height: 1fr; }
    ListTab WindowedList { width: 3fr; }
    ListTab DetailsView { display: none; width: 2fr; max-width: 72; border-left: vkey $panel; }
    ListTab.-beside WindowedList { min-width: 80; }
    ListTab.-beside DetailsView { display: block; }
    """

    def __init__(self, lists: Lists, mirror: Mirror, clock: Clock, ways: Ways) -> None:
        super().__init__()
        self.lists = lists
        self.mirror = mirror
        self.ways = ways
        self._clock = clock
        self._title = ListTitle()
        self._filter = FilterLine()
        self.list = WindowedList(lists, self.columns(), clock, Query(self.TOPIC))
        self._details = DetailsView(can_focus=False)
        self._shown_id: int | None = None

    # -- what commands act on

    @property
    def topic(self) -> Topic:
        return self.TOPIC

    @property
    def row(self) -> Any | None:
        return self.list.row

    @property
    def marked(self) -> tuple[int, ...]:
        return tuple(sorted(self.list.marks))

    @property
    def query_shown(self) -> Query:
        return self.list.query_now

    @property
    def folder(self) -> Path:
        """Where files go that one does not name."""
        workspace = getattr(self.app, "workspace", None)
        return workspace.paths.exports if workspace is not None else Path.cwd()

    def now(self) -> datetime:
        return self._clock.now()

    def say(self, words: str) -> None:
        if hasattr(self.app, "say"):
            self.app.say(words)

    def show_line(self) -> str:
        """The command line that shows the row, where there is one."""
        return ""

    # -- what it is made of

    def compose(self) -> ComposeResult:
        yield self._title
        yield self._filter
        with Horizontal(classes="list-and-details"):
            yield self.list
            yield self._details

    def on_mount(self) -> None:
        self._draw_title()

    def on_resize(self, event: events.Resize) -> None:
        self.set_class(event.size.width >= WIDE, "-beside")
        self._show_details()

    def take_focus(self) -> None:
        if not self._filter.display:
            self.screen.set_focus(self.list)

    async def details(self, row: Any) -> Details:
        """All that is told of a row."""
        raise NotImplementedError

    async def fresh_row(self, row: Any) -> Any | None:
        """The row as it is now, None where it is gone from every view."""
        everything = Query(self.TOPIC, view="all")
        place = await self.lists.position(everything, row_id(row))
        if place is None:
            return None
        window = await self.lists.window(everything, place, 1)
        return window.rows[0] if window.rows else None

    def columns(self) -> tuple[Column, ...]:
        """The columns of its list."""
        return self.COLUMNS

    def view_word(self) -> str:
        """What the first line calls the view; empty where there is only one."""
        return self.query_shown.view if self.VIEWS else ""

    def sorted_by(self) -> tuple[str, bool]:
        """What the list is sorted by, in words, and whether downwards."""
        by, descending = sorting(self.query_shown)
        return SORT_WORDS.get(by, by), descending

    def why_no_sort(self) -> str:
        """Why the list keeps its order; empty where another can be chosen."""
        return ""

    async def write(self, path: Path, format: str, *, replace: bool) -> int:  # noqa: A002
        """Write the whole list, as it is filtered and sorted; the number of rows. Raises BadInput."""
        return await self.lists.write(self.query_shown, path, format, replace=replace)

    def empty_words(self) -> str:
        """Why the list is empty without any filter, and the key that fills it."""
        return "Nothing is here yet. s reads it from SCM."

    # -- reading

    async def refresh_data(self) -> None:
        self.list.read_again()
        await self._read_age()
        self._show_details(again=True)

    @on(WindowedList.Read)
    def _read(self, event: WindowedList.Read) -> None:
        event.stop()
        if not event.total and event.error is None:
            self.list.words = self._why_empty()
            self.list.refresh()
        self._draw_title()
        self.start(self._read_age, group="age", exclusive=True)
        self.refresh_bindings()

    def _why_empty(self) -> str:
        query = self.query_shown
        frame = getattr(self.app, "frame", None)
        if frame is not None and not frame.linked and self.TOPIC is not Topic.AUDIT:
            return "Waiting for an account: 1 shows the form that links one."
        if query.filter:
            return "Nothing matches the filter.\nesc takes it off, / changes it."
        if self.VIEWS and query.view == "current":
            return self.empty_words() + "\nu shows also what is superseded, closed or long expired."
        return self.empty_words()

    async def _read_age(self) -> None:
        """The age of the data and how many rows there are in all: both in words, in the first line."""
        age_of = Topic.ORDERS if self.TOPIC is Topic.CERTIFICATES else self.TOPIC
        age = None if self.TOPIC is Topic.AUDIT else await self.mirror.age(age_of)
        everything: int | None = None
        if self.query_shown.filter or self.VIEWS:
            everything = (await self.list.source.window(self.whole_query(), 0, 1)).total
        self._draw_title(age=age, everything=everything)

    def whole_query(self) -> Query:
        """All that there is, to be counted."""
        return dataclasses.replace(self.query_shown, filter="", view="all")

    def _draw_title(self, age: datetime | None = None, everything: int | None = None) -> None:
        query = self.query_shown
        self.refresh_bindings()  # what esc does depends on marks and filter
        now = self.now()
        hours = OLD_ORDERS_HOURS if self.TOPIC in {Topic.ORDERS, Topic.CERTIFICATES} else OLD_REST_HOURS
        old = age is not None and (now - age).total_seconds() > hours * 3600
        by, descending = self.sorted_by()
        self._title.show(
            TitleFacts(
                title=TAB_OF[self.TOPIC],
                view=self.view_word(),
                filter=query.filter,
                marked=len(self.list.marks),
                total=self.list.total,
                everything=everything if everything is not None else self._title.facts.everything,
                sort=by,
                descending=descending,
                age=f"as of {present.clock(age, now)}" if age else self._title.facts.age,
                old=old if age else self._title.facts.old,
            )
        )

    # -- details

    @on(WindowedList.Highlighted)
    def _highlighted(self, event: WindowedList.Highlighted) -> None:
        event.stop()
        self._show_details()
        self.refresh_bindings()

    def _show_details(self, *, again: bool = False) -> None:
        if not self.has_class("-beside") or not self.is_mounted:
            return
        row = self.row
        wanted = row_id(row) if row is not None else None
        if row is None:
            self._details.say("")
            self._shown_id = None
        elif wanted != self._shown_id or again:
            self.start(self._read_details, group="details", exclusive=True)

    async def _read_details(self) -> None:
        row = self.row
        if row is None:
            return
        try:
            found = await self.details(row)
        except KmptuiError as error:
            self._details.say(str(error))
            return
        self._details.show(found, afresh=row_id(row) != self._shown_id)
        self._shown_id = row_id(row)

    async def open_details(self) -> None:
        """The details as a screen of their own."""
        if self.row is not None:
            row = self.row
            await self.app.push_screen_wait(self.DETAILS(self, row, await self.details(row)))

    # -- filter, sort, view, marks

    def show_query(self, query: Query) -> None:
        self.list.marks.clear()
        self._ask(query)
        self.take_focus()

    def _ask(self, query: Query) -> None:
        self.list.ask(query)
        self._draw_title()

    def edit_filter(self) -> None:
        self._filter.edit(self.query_shown.filter)

    @on(FilterLine.Closed)
    def _filter_closed(self, event: FilterLine.Closed) -> None:
        event.stop()
        if event.text is not None and event.text != self.query_shown.filter:
            self._ask(dataclasses.replace(self.query_shown, filter=event.text))
        self.screen.set_focus(self.list)

    def check_filter(self, text: str) -> str:
        """What is wrong with a filter, in words."""
        try:
            parse_filter(text)
        except BadInput as error:
            return f"{error.why or error.what}" + (f". {error.cure}" if error.cure else "")
        return ""

    def clear(self) -> None:
        """Marks first, then the filter."""
        if self.list.marks:
            self.list.unmark_all()
            self._draw_title()
        elif self.query_shown.filter:
            self._ask(dataclasses.replace(self.query_shown, filter=""))

    def sort(self, column: str, descending: bool) -> None:
        self._ask(dataclasses.replace(self.query_shown, sort=column, descending=descending))

    def turn_view(self) -> None:
        view = "all" if self.query_shown.view == "current" else "current"
        self._ask(dataclasses.replace(self.query_shown, view=view))

    def mark(self) -> None:
        self.list.mark()
        self._draw_title()

    async def mark_all(self) -> None:
        """Every row that matches; the bound of `Lists.ids` is told where it is met."""
        ids: Sequence[int] = await self.lists.ids(self.query_shown)
        self.list.marks = set(ids)
        self.list.refresh()
        self._draw_title()
        if self.list.total is not None and len(ids) < self.list.total:
            self.say(f"The first {len(ids):,} of {self.list.total:,} rows are marked: that is the most")
