"""Auto-Renewal Audit, in three views: what was renewed, what is planned, and everything that was done."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, ClassVar

from textual.containers import Horizontal

from kmptui.domain.clock import Clock
from kmptui.domain.listing import RENEWALS, Query, Topic
from kmptui.services.life import Life
from kmptui.services.lists import Lists
from kmptui.services.mirror import Mirror
from kmptui.tui.commands.order_commands import AUDIT_COMMANDS
from kmptui.tui.commands.ways import Ways
from kmptui.tui.tabs import audit_columns, audit_details
from kmptui.tui.tabs.details_page import DetailsPage
from kmptui.tui.tabs.list_tab import ListTab
from kmptui.tui.tabs.planned import MOST, PLAN, Planned, PlannedRow
from kmptui.tui.widgets.columns import Column
from kmptui.tui.widgets.details import Details
from kmptui.tui.widgets.windowed_list import WindowedList

EVERYTHING = "current"
"""The store's name of the view that leaves nothing out: nothing of the record is ever past."""
COLUMNS: dict[str, tuple[Column, ...]] = {
    RENEWALS: audit_columns.RENEWALS,
    PLAN: audit_columns.PLAN,
    EVERYTHING: audit_columns.EVERYTHING,
}
"""The views in their turn."""
EMPTY = {
    RENEWALS: "Nothing was renewed or reissued here yet.\nu shows the plan, and then everything that was done.",
    PLAN: "Nothing is chosen for automatic renewal.\nt in Orders chooses; p sets rules and the days before the end.",
    EVERYTHING: "Nothing has been done here yet.\nEvery order, fetch, export and change is recorded in this list.",
}
LINES = {
    RENEWALS: "kmptui auto-renewal audit",
    PLAN: "kmptui auto-renewal plan",
    EVERYTHING: "kmptui audit list",
}


class AuditDetails(DetailsPage):
    """One row on a screen of its own."""

    OFFERS = AUDIT_COMMANDS


class AuditTab(ListTab):
    """Each view has a list of its own, made when it is first shown; the tab's `list` is the one that is seen."""

    TOPIC = Topic.AUDIT
    FOLLOWS = frozenset({Topic.AUDIT, Topic.ORDERS, Topic.CERTIFICATES})
    COLUMNS = audit_columns.RENEWALS
    DETAILS: ClassVar[type[DetailsPage]] = AuditDetails
    OFFERS = AUDIT_COMMANDS

    def __init__(self, lists: Lists, mirror: Mirror, clock: Clock, ways: Ways, life: Life) -> None:
        super().__init__(lists, mirror, clock, ways)
        self.life = life
        self._source = Planned(lists, life.plan)
        self._views: dict[str, WindowedList] = {}
        self.list = self._view(RENEWALS)

    def _view(self, view: str) -> WindowedList:
        if view not in self._views:
            query = Query(Topic.AUDIT, view=view)
            self._views[view] = WindowedList(self._source, COLUMNS[view], self._clock, query)
        return self._views[view]

    async def write(self, path: Path, format: str, *, replace: bool) -> int:  # noqa: A002
        query = self.query_shown
        if query.view == PLAN:
            return await self.life.write_plan(path, format, query.filter, replace=replace)
        return await super().write(path, format, replace=replace)

    @property
    def marked(self) -> tuple[int, ...]:
        """Orders of the plan; rows of the record are no orders."""
        return super().marked if self.query_shown.view == PLAN else ()

    async def mark_all(self) -> None:
        if self.query_shown.view == PLAN:
            self.list.marks = {row.id for row in (await self._source.window(self.query_shown, 0, MOST)).rows}
            self.list.refresh()
            self._draw_title()
        else:
            await super().mark_all()

    def whole_query(self) -> Query:
        return dataclasses.replace(self.query_shown, filter="")

    def view_word(self) -> str:
        view = self.query_shown.view
        return f"{'everything' if view == EVERYTHING else view} (u turns)"

    def sorted_by(self) -> tuple[str, bool]:
        return ("when due", False) if self.query_shown.view == PLAN else super().sorted_by()

    def why_no_sort(self) -> str:
        return "the plan goes by the day on which it is due" if self.query_shown.view == PLAN else ""

    def empty_words(self) -> str:
        return EMPTY[self.query_shown.view]

    def show_line(self) -> str:
        return LINES[self.query_shown.view]

    def turn_view(self) -> None:
        order = list(COLUMNS)
        self._turn_to(order[(order.index(self.query_shown.view) + 1) % len(order)])

    def show_query(self, query: Query) -> None:
        view = query.view if query.view in COLUMNS else EVERYTHING
        self._turn_to(view)
        super().show_query(dataclasses.replace(query, view=view))

    def _turn_to(self, view: str) -> None:
        former, self.list = self.list, self._view(view)
        if self.list is former:
            return
        if self.list.parent is None:
            self.query_one(".list-and-details", Horizontal).mount(self.list, before=0)
        else:
            self.list.read_again()
        former.display, self.list.display = False, True
        self._shown_id = None
        self._draw_title()
        self.call_after_refresh(self.take_focus)

    async def fresh_row(self, row: Any) -> Any | None:
        query = Query(Topic.AUDIT, view=self.query_shown.view)
        place = await self._source.position(query, row.id if isinstance(row, PlannedRow) else row.seq)
        if place is None:
            return None
        window = await self._source.window(query, place, 1)
        return window.rows[0] if window.rows else None

    async def details(self, row: Any) -> Details:
        return await audit_details.of(self, row)
