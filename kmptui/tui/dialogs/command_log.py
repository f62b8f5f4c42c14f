"""What was done on the screen, as command lines that do the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.content import Content

from kmptui.tui import present
from kmptui.tui.widgets.dialog import TextDialog

if TYPE_CHECKING:
    from kmptui.tui.app import Logged


class CommandLogDialog(TextDialog):
    """Newest first."""

    def __init__(self, logged: Sequence[Logged]) -> None:
        lines = [present.join((entry.at, present.MUTED), "  ", (entry.line, "")) for entry in reversed(logged)]
        super().__init__("Done here, as command lines", Content("\n").join(lines or [Content("Nothing yet.")]))
