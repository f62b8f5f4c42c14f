"""The vault's passphrase: asked for when something needs a secret."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual.app import App, ComposeResult
from textual.widgets import Input, Static

from kmptui.errors import BadInput
from kmptui.services.vault import VaultService
from kmptui.tui import present
from kmptui.tui.widgets.dialog import Dialog
from kmptui.tui.widgets.fields import TextField

if TYPE_CHECKING:
    from kmptui.services.workspace import Workspace


class PassphraseDialog(Dialog[bool]):
    """True: the vault is open now. A wrong passphrase is said beside the field, and may be typed again. `problem`: why
    its file did not open it."""

    TITLE = "The vault is locked"
    ACT = "Unlock"

    def __init__(self, vault: VaultService, problem: str = "") -> None:
        super().__init__()
        self._vault = vault
        self._problem = problem

    def body(self) -> ComposeResult:
        yield Static(present.text("What you asked for needs a secret: the SCM password or a private key."))
        if self._problem:
            yield Static(present.text(f"! {self._problem}", present.WARNING))
        yield TextField("passphrase", "Passphrase", password=True)

    async def act(self) -> None:
        field = self.query_one(TextField)
        if not field.value:
            raise BadInput("passphrase", "Type the passphrase")
        typed = field.value
        with self.prevent(Input.Changed):  # so that what is said of a wrong one stays
            field.value = ""
        await self._vault.unlock(typed)
        self.dismiss(True)


class ChangePassphraseDialog(Dialog[bool]):
    """True: the vault has another passphrase now, or its first one. `old` is asked for where there is one."""

    ACT = "Change"

    def __init__(self, vault: VaultService, *, first: bool) -> None:
        super().__init__()
        self._vault = vault
        self._first = first

    def title_text(self) -> str:
        return "Protect the vault by a passphrase" if self._first else "Change the vault's passphrase"

    def body(self) -> ComposeResult:
        if self._first:
            words = "The key file stays as it is, so that a timer can go on; both open the vault."
            yield Static(present.text(words))
        else:
            yield TextField("passphrase", "Now", password=True)
        yield TextField("new", "New", password=True)
        yield TextField("again", "New once more", password=True)

    async def act(self) -> None:
        typed = {field.name: field.value for field in self.query(TextField)}
        agreed("new", typed["new"], typed["again"])
        if self._first:
            await self._vault.add_slot("passphrase", typed["new"])
        else:
            await self._vault.change_passphrase(typed["passphrase"], typed["new"])
        self.dismiss(True)


def agreed(name: str, typed: str, again: str) -> str:
    """What was typed twice. Raises BadInput(name) where it is empty or differs."""
    if not typed:
        raise BadInput(name, "Type it twice", why="it is empty")
    if typed != again:
        raise BadInput(name, "The two do not agree", cure="Type both again")
    return typed


async def unlock(app: App[Any], workspace: Workspace) -> bool:
    """Open the vault: by what opens it unattended, else by asking. Whether it is open now. Raises what is wrong with
    its key file where there is no passphrase that one could type."""
    status = await workspace.vault.proved()
    if status.state == "open":
        return True
    if "passphrase" not in status.slots:
        return (await workspace.vault.unlock()).state == "open"
    opened = await app.push_screen_wait(PassphraseDialog(workspace.vault, status.problem))
    return bool(opened)
