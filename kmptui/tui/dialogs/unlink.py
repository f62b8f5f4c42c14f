"""Unlinking: the account and its password are forgotten, all else stays."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.widgets import Static

from kmptui.errors import BadInput
from kmptui.services.account import AccountView
from kmptui.tui import present
from kmptui.tui.widgets.dialog import Dialog
from kmptui.tui.widgets.fields import TextField


class UnlinkDialog(Dialog[bool]):
    """True: yes. The login is typed to confirm."""

    TITLE = "Unlink the account"
    ACT = "Unlink"

    def __init__(self, account: AccountView) -> None:
        super().__init__()
        self._account = account

    def body(self) -> ComposeResult:
        yield Static(present.text(f"{self._account.login}@{self._account.customer_uri}", present.STRONG))
        words = (
            "kmptui forgets the account and its password; SCM is not told, and nothing changes there. Orders, "
            "certificates, keys, notes and the audit stay here. No order can be checked and nothing renewed by itself "
            "until an account is linked again."
        )
        yield Static(present.text(words))
        yield TextField("login", "To confirm", hint="type the login")

    async def act(self) -> None:
        if self.query_one(TextField).value.strip() != self._account.login:
            raise BadInput("login", "This is not the login")
        self.dismiss(True)
