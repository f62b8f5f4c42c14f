"""The line in which one types a filter: what is wrong with it stands beside it while one types."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input, Static

from kmptui.tui import present
from kmptui.tui.widgets.fields import LineInput, through


@runtime_checkable
class ChecksFilters(Protocol):
    """Who knows the filter language."""

    def check_filter(self, text: str) -> str: ...


class FilterInput(LineInput):
    """Enter takes the filter, esc leaves it as it was."""

    class Done(Message):
        def __init__(self, taken: bool) -> None:
            super().__init__()
            self.taken = taken

    async def _on_key(self, event: events.Key) -> None:
        if event.key in {"enter", "ctrl+j", "escape"}:
            event.stop()
            event.prevent_default()
            self.post_message(self.Done(event.key != "escape"))
        elif event.key.startswith("alt+"):
            self.post_message(self.Done(False))
            through(self, event)
        else:
            await super()._on_key(event)


class FilterLine(Horizontal):
    """Seen only while it is edited; it lies over the title line of its tab."""

    DEFAULT_CSS = """
    FilterLine { height: 1; display: none; width: 100%; dock: top; layer: above; background: $surface; padding: 0 1; }
    FilterLine > .filter-label { width: 8; }
    FilterLine > .filter-wrong { width: 1fr; padding-left: 1; color: $text-error; }
    FilterLine > FilterInput { width: 1fr; }
    """

    class Closed(Message):
        """`text` is the new filter, None when it stays as it was."""

        def __init__(self, text: str | None) -> None:
            super().__init__()
            self.text = text

    def __init__(self) -> None:
        super().__init__()
        self._input = FilterInput(placeholder='words, org:"…", status:…, expires<30d, covers:NAME')
        self._wrong = Static("", classes="filter-wrong")

    def compose(self) -> ComposeResult:
        yield Static("Filter", classes="filter-label")
        yield self._input
        yield self._wrong

    def edit(self, text: str) -> None:
        """Open it with the filter as it is."""
        self._input.value = text
        self._input.cursor_position = len(text)
        self.display = True
        self.screen.set_focus(self._input)

    def _problem(self) -> str:
        holder = self.parent
        return holder.check_filter(self._input.value) if isinstance(holder, ChecksFilters) else ""

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self._wrong.update(present.text(self._problem()))

    @on(FilterInput.Done)
    def _done(self, event: FilterInput.Done) -> None:
        event.stop()
        if event.taken and self._problem():
            return
        self.display = False
        self.post_message(self.Closed(self._input.value.strip() if event.taken else None))
