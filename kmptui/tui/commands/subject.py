"""What commands on rows act on: a list with its cursor and marks, or the details of one row."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Protocol

from textual.app import App

from kmptui.domain.listing import Query, Topic
from kmptui.services.lists import Lists
from kmptui.services.mirror import Mirror
from kmptui.tui.commands.ways import Ways


class Subject(Protocol):
    """A list tab or a details page."""

    app: App[Any]
    lists: Lists
    mirror: Mirror
    ways: Ways

    @property
    def topic(self) -> Topic: ...

    @property
    def row(self) -> Any | None:
        """The row that is meant; None when there is none."""
        ...

    @property
    def marked(self) -> tuple[int, ...]:
        """Ids of the marked rows."""
        ...

    @property
    def query_shown(self) -> Query: ...

    def now(self) -> datetime: ...

    def say(self, words: str) -> None: ...


def meant(subject: Subject) -> tuple[int, ...]:
    """The marked rows, or the one under the cursor."""
    if subject.marked:
        return subject.marked
    row = subject.row
    return () if row is None else (row.id,)
