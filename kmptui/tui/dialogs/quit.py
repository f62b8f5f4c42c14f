"""Asked only while work is running."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.widgets import Static

from kmptui.services.reporting import Progress
from kmptui.tui import present
from kmptui.tui.widgets.dialog import Dialog
from kmptui.tui.widgets.frame import progress_words


class QuitDialog(Dialog[bool]):
    """True: quit all the same."""

    TITLE = "Work is still running"
    ACT = "Quit"

    def __init__(self, running: Sequence[Progress]) -> None:
        super().__init__()
        self._jobs = tuple(running)

    def body(self) -> ComposeResult:
        for progress in self._jobs:
            yield Static(present.text(f"- {progress_words(progress)}"))
        yield Static(
            "\nWhat is being sent to SCM gets four seconds to finish; then it is found again at the next start. "
            "Reading goes on where it stopped.",
            markup=False,
        )

    async def act(self) -> None:
        self.dismiss(True)
