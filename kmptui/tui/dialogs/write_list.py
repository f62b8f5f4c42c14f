"""Write a list as CSV or JSON."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from textual import on
from textual.app import ComposeResult
from textual.widgets import Static

from kmptui.config import meant
from kmptui.domain.listing import RENEWALS, Query, Topic
from kmptui.errors import BadInput
from kmptui.tui import present
from kmptui.tui.dialogs.files import spelled
from kmptui.tui.widgets.dialog import Dialog
from kmptui.tui.widgets.fields import CheckField, Field, Option, RadioField, TextField


@dataclass(frozen=True, slots=True)
class Written:
    """How many rows went where."""

    rows: int
    path: Path


class Write(Protocol):
    """Writes the list to a file as csv or json; the number of rows."""

    async def __call__(self, path: Path, format: str, *, replace: bool) -> int: ...  # noqa: A002


def called(query: Query) -> str:
    """What the list is called: by its view, where the audit has several."""
    views = {RENEWALS: "renewals", "plan": "plan"}
    return views.get(query.view, query.topic.value) if query.topic is Topic.AUDIT else query.topic.value


class WriteListDialog(Dialog[Written]):
    """The whole list as it is filtered and sorted, not only what is on the screen."""

    TITLE = "Write this list"
    ACT = "Write"

    def __init__(self, write: Write, query: Query, folder: Path) -> None:
        super().__init__()
        self._write = write
        self._query = query
        self._format = RadioField("format", "Format", [Option("csv", "CSV"), Option("json", "JSON")], "csv")
        self._path = TextField("out", "File", spelled(folder / f"{called(query)}.csv"))
        self._replace = CheckField("replace", "", "replace the file if it exists")

    def body(self) -> ComposeResult:
        what = called(self._query) + (f", filter: {self._query.filter}" if self._query.filter else "")
        yield Static(present.text(what, present.MUTED, 72))
        yield self._format
        yield self._path
        yield self._replace

    @on(Field.Edited)
    def _edited(self, event: Field.Edited) -> None:
        event.stop()
        if event.field is self._format:
            self._path.value = str(Path(self._path.value).with_suffix(f".{self._format.value}"))

    def _file(self) -> Path:
        if not self._path.value.strip():
            raise BadInput("out", "The file is missing", cure="Name a file to write")
        return meant(self._path.value.strip())

    async def act(self) -> None:
        path = self._file()
        rows = await self._write(path, self._format.value, replace=self._replace.value)
        self.dismiss(Written(rows, path))
