"""A problem that stays until it is read: what happened, why, what to do; the server's own words below."""

from __future__ import annotations

from pathlib import Path

from textual.content import Content

from kmptui.errors import KmptuiError, PreflightFailed
from kmptui.tui import present
from kmptui.tui.problems import problem_of
from kmptui.tui.widgets.dialog import TextDialog


class ProblemDialog(TextDialog):
    """One typed error; `meaning` says what it means for what was being done."""

    def __init__(self, error: KmptuiError, meaning: str = "") -> None:
        said = present.error(error)
        if isinstance(error, PreflightFailed):
            said = Content("\n").join([present.text("Not sent", present.STRONG), *map(present.text, error.findings)])
        if meaning:
            said = Content("\n").join([said, present.text(meaning)])
        server = present.server_said(error)
        further = Content("\n").join([Content(""), present.text(server, present.MUTED)]) if server else None
        super().__init__(problem_of(error).title, said, further=further)


class BugDialog(TextDialog):
    """A fault of kmptui's own. Its values are not shown: they may be secret."""

    def __init__(self, kind: str, where: str, log: Path) -> None:
        said = Content("\n\n").join(
            [
                present.text(f"kmptui made a mistake of its own: {kind} in {where}.", present.STRONG),
                present.text(
                    "Nothing that was sent to SCM is lost: it is in the store, and is followed up from there."
                ),
                present.text(f"Go on, or start again. Where it happened is in {log}"),
            ]
        )
        super().__init__("A fault of kmptui", said)
