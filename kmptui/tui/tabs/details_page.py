"""The details of one row on a screen of their own, with the commands of its kind."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import ComposeResult

from kmptui.domain.listing import Query, Topic
from kmptui.tui.commands.command import Command
from kmptui.tui.commands.list_commands import DETAILS_COMMANDS
from kmptui.tui.messages import StoreChanged
from kmptui.tui.widgets.details import Details, DetailsView
from kmptui.tui.widgets.page import Page

if TYPE_CHECKING:
    from kmptui.tui.tabs.list_tab import ListTab


class DetailsPage(Page[None]):
    """Reads its row again whenever the store changes; the row may be gone by then, and that is said."""

    OFFERS: ClassVar[tuple[type[Command[Any]], ...]] = DETAILS_COMMANDS

    def __init__(self, tab: ListTab, row: Any, details: Details) -> None:
        super().__init__()
        self._tab = tab
        self._row = row
        self.lists = tab.lists
        self.mirror = tab.mirror
        self.ways = tab.ways
        self._view = DetailsView()
        self._view.show(details)

    @property
    def topic(self) -> Topic:
        return self._tab.topic

    @property
    def row(self) -> Any | None:
        return self._row

    @property
    def marked(self) -> tuple[int, ...]:
        return ()

    @property
    def query_shown(self) -> Query:
        return self._tab.query_shown

    def now(self) -> datetime:
        return self._tab.now()

    def say(self, words: str) -> None:
        self._tab.say(words)

    def body(self) -> ComposeResult:
        yield self._view

    def on_mount(self) -> None:
        super().on_mount()
        self.set_focus(self._view)

    def on_store_changed(self, event: StoreChanged) -> None:
        if event.topic in self._tab.FOLLOWS:
            self.start(self.read, group="details", exclusive=True)

    async def read(self) -> None:
        """Read the row and all that is told of it."""
        fresh = await self._tab.fresh_row(self._row)
        if fresh is not None:
            self._row = fresh
        self._view.show(await self._tab.details(self._row))
        self.refresh_bindings()
