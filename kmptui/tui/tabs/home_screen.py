"""The first screen: the tab bar and the tabs, each mounted when it is first shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Vertical

from kmptui.domain.listing import Query, Topic
from kmptui.tui.commands.command import HoldsKeys
from kmptui.tui.messages import StoreChanged
from kmptui.tui.tabs.catalog import TABS
from kmptui.tui.tabs.tab import Tab
from kmptui.tui.widgets.frame import Framed
from kmptui.tui.widgets.tab_bar import TabBar

if TYPE_CHECKING:
    from kmptui.services.workspace import Workspace
    from kmptui.tui.commands.ways import Ways


class HomeScreen(Framed):
    """Holds the tabs; `current` is the one that is seen."""

    AUTO_FOCUS = ""
    DEFAULT_CSS = "HomeScreen > #tabs { height: 1fr; }"

    def __init__(self, workspace: Workspace, ways: Ways) -> None:
        super().__init__(id="home")
        self._workspace = workspace
        self._ways = ways
        self._tabs: dict[Topic, Tab] = {}
        self.current = TABS[0].topic

    def body(self) -> ComposeResult:
        yield TabBar([(entry.title, entry.short) for entry in TABS])
        yield Vertical(id="tabs")

    def on_mount(self) -> None:
        super().on_mount()
        self.show_tab(self.current)

    def tab(self, topic: Topic) -> Tab:
        """The tab, mounted if it was not."""
        if topic not in self._tabs:
            entry = next(entry for entry in TABS if entry.topic is topic)
            tab = entry.build(self._workspace, self._ways)
            tab.display = False
            self._tabs[topic] = tab
            self.query_one("#tabs").mount(tab)
        return self._tabs[topic]

    def show_tab(self, topic: Topic) -> Tab:
        """Show the tab and give it the focus."""
        chosen = self.tab(topic)
        self.current = topic
        for other in self._tabs.values():
            other.display = other is chosen
        self.query_one(TabBar).active = next(at for at, entry in enumerate(TABS) if entry.topic is topic)
        if chosen.is_mounted:
            chosen.shown()
        else:
            self._show_first(chosen)
        return chosen

    def _show_first(self, tab: Tab) -> None:
        """Keys wait until the tab can take them."""
        app = self.app
        if isinstance(app, HoldsKeys):
            app.hold_keys()
            tab.call_later(tab.call_later, app.release_keys)
        tab.call_later(tab.shown)

    def show_list(self, query: Query) -> None:
        """Show just the query's rows, in their tab."""
        tab = self.show_tab(query.topic)
        tab.call_later(tab.show_query, query)

    def on_store_changed(self, event: StoreChanged) -> None:
        for tab in self._tabs.values():
            tab.post_message(StoreChanged(event.topic))
