"""What is shown while the terminal is too small for anything else; what was open waits beneath."""

from __future__ import annotations

from textual import events
from textual.app import ComposeResult
from textual.screen import ModalScreen
from textual.widgets import Static

from kmptui.tui.terminal import SMALLEST, too_small


class TooSmall(ModalScreen[None]):
    """Goes away by itself when there is room again."""

    DEFAULT_CSS = """
    TooSmall { background: $background; align: center middle; }
    TooSmall Static { width: auto; text-align: center; }
    """

    def compose(self) -> ComposeResult:
        yield Static("")

    def on_mount(self) -> None:
        self._draw()

    def on_screen_resume(self) -> None:
        """What was opened over it has closed: by now there may be room."""
        if not too_small(self.app.size.width, self.app.size.height):
            self.dismiss()

    def on_resize(self, _: events.Resize) -> None:
        self._draw()

    def _draw(self) -> None:
        size, (columns, lines) = self.app.size, SMALLEST
        self.query_one(Static).update(f"{size.width} x {size.height} is too small.\nkmptui needs {columns} x {lines}.")
