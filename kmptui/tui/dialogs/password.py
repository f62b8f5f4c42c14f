"""Replacing the stored SCM password; one call proves the new one before the old is given up."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.widgets import Static

from kmptui.domain import entry
from kmptui.services.account import Account
from kmptui.tui import present
from kmptui.tui.dialogs.passphrase import agreed
from kmptui.tui.widgets.dialog import Dialog
from kmptui.tui.widgets.fields import TextField


class PasswordDialog(Dialog[bool]):
    """True: SCM took it, and it is kept. A refused one is sent once; the stored one stays."""

    TITLE = "Replace the stored password"
    ACT = "Prove and keep"

    def __init__(self, account: Account) -> None:
        super().__init__()
        self._account = account

    def body(self) -> ComposeResult:
        words = "Set the new password in SCM first; this changes only what kmptui keeps. It is tried by one call."
        yield Static(present.text(words))
        yield TextField("password", "New password", password=True)
        yield TextField("again", "once more", password=True)

    async def act(self) -> None:
        typed = {field.name: field.value for field in self.query(TextField)}
        new = agreed("again", entry.password(typed["password"]), typed["again"])
        await self._account.change_password(new)
        self.dismiss(True)
