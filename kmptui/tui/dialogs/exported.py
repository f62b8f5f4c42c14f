"""What an export came to: where it is, its digest, how to copy it on, and a made password, once."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.widgets import Static

from kmptui.services.repository import Exported
from kmptui.tui import present
from kmptui.tui.commands.command import Command
from kmptui.tui.widgets.dialog import Dialog


class CopyPath(Command["ExportedDialog"]):
    id = "exported.copy-path"
    words = "Copy the file's path"
    label = "Copy path"
    keys = "y"
    place = 1

    async def run(self, where: ExportedDialog) -> None:
        where.copy(str(where.done.path))


class CopyScp(Command["ExportedDialog"]):
    id = "exported.copy-scp"
    words = "Copy the scp line"
    label = "Copy scp line"
    keys = "c"
    place = 2

    async def run(self, where: ExportedDialog) -> None:
        where.copy(where.done.scp)


class CopyDigest(Command["ExportedDialog"]):
    id = "exported.copy-digest"
    words = "Copy the SHA-256"
    label = "Copy SHA-256"
    keys = "h"
    place = 3

    async def run(self, where: ExportedDialog) -> None:
        where.copy(where.done.sha256)


class ExportedDialog(Dialog[None]):
    """Stays until it is left. A made password is shown here and nowhere else; no key copies it, since what a terminal's
    clipboard keeps is out of our hands."""

    TITLE = "Written"
    OFFERS = (CopyPath, CopyScp, CopyDigest)
    WIDE = True

    def __init__(self, done: Exported) -> None:
        super().__init__()
        self.done = done

    def body(self) -> ComposeResult:
        yield Static(present.join(("File     ", present.MUTED), (str(self.done.path), present.STRONG)))
        yield Static(
            present.join(("Size     ", present.MUTED), f"{self.done.size:,} bytes, readable by you alone (0600)")
        )
        yield Static(present.join(("SHA-256  ", present.MUTED), self.done.sha256))
        yield Static(present.text("Fetch it from another machine:", present.MUTED))
        yield Static(present.text(self.done.scp))
        for warning in self.done.warnings:
            yield Static(present.text(f"! {warning}", present.WARNING))
        if self.done.password:
            yield Static(present.join(("Password ", present.MUTED), (self.done.password, present.STRONG)))
            yield Static(
                present.text("It was made for this file and is shown only now: write it down.", present.WARNING)
            )
        yield Static("", classes="told")

    def copy(self, words: str) -> None:
        """Send it to the terminal, which does not answer: so the raw text stays above."""
        self.app.copy_to_clipboard(words)
        self.query_one(".told", Static).update(present.text("Sent to the terminal's clipboard; the text stands above."))

    def draw_keys(self) -> None:
        words = "y Copy path   c Copy scp line   h Copy SHA-256   esc Back"
        self.query_one(".dialog-keys", Static).update(present.text(words))
