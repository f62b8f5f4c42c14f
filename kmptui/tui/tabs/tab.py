"""The base of all tabs: mounted when first shown, told of changes while it is on the screen, focused as a whole."""

from __future__ import annotations

from typing import ClassVar

from textual.containers import Vertical

from kmptui.domain.listing import Query, Topic
from kmptui.tui import workers
from kmptui.tui.commands.command import Commanded
from kmptui.tui.messages import StoreChanged


class Tab(Commanded, Vertical):
    """`TOPIC` names the tab; `FOLLOWS` are the topics whose changes it hears of (`refresh_data`)."""

    TOPIC: ClassVar[Topic]
    FOLLOWS: ClassVar[frozenset[Topic]] = frozenset()
    DEFAULT_CSS = "Tab { height: 1fr; width: 100%; }"

    def __init__(self) -> None:
        super().__init__(id=f"tab-{self.TOPIC.value}")
        self.stale = False

    def on_store_changed(self, event: StoreChanged) -> None:
        """Read again when it is on the screen, else when it is shown next."""
        if event.topic in self.FOLLOWS:
            if self.display:
                self.start(self.refresh_data, group="refresh", exclusive=True)
            else:
                self.stale = True

    def shown(self) -> None:
        """It has come on the screen: catch up, and take the focus."""
        if self.stale:
            self.stale = False
            self.start(self.refresh_data, group="refresh", exclusive=True)
        self.take_focus()

    async def refresh_data(self) -> None:
        """Read again what is shown, in place: cursor, marks, scroll and filter stay."""

    def take_focus(self) -> None:
        """Put the focus where the keys of the tab work."""

    def show_query(self, query: Query) -> None:
        """Show just these rows."""

    def start(self, work: workers.Work, *, group: str = "", exclusive: bool = False) -> None:
        """Run something beside the tab, guarded. `exclusive` for reads only."""
        workers.start(self, work, group=group, exclusive=exclusive)
