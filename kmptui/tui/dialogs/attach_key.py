"""Taking in the private key of a certificate that has none here; it is proved to be the certificate's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual.app import App, ComposeResult
from textual.widgets import Static

from kmptui.domain.certificate import CertificateRow
from kmptui.errors import BadInput
from kmptui.services.repository import Repository
from kmptui.tui import present
from kmptui.tui.dialogs.files import named
from kmptui.tui.widgets.dialog import Dialog
from kmptui.tui.widgets.fields import TextField

if TYPE_CHECKING:
    from kmptui.services.workspace import Workspace


class AttachKeyDialog(Dialog[bool]):
    """True: the key is in the vault."""

    ACT = "Take it in"

    def __init__(self, certificate: CertificateRow, repository: Repository) -> None:
        super().__init__()
        self._certificate = certificate
        self._repository = repository

    def title_text(self) -> str:
        return f"Attach a private key to {self._certificate.number} {self._certificate.common_name}"

    def body(self) -> ComposeResult:
        words = (
            "The file is read, the key is proved to be this certificate's, and sealed in the vault. The file stays "
            "where it is: delete it yourself if it should not."
        )
        yield Static(present.text(words))
        yield TextField("key_file", "Key file", placeholder="/path/to/private.key", hint="PEM or DER")
        yield TextField("passphrase", "Its passphrase", password=True, hint="empty: it has none")

    async def act(self) -> None:
        typed = {field.name: field.value for field in self.query(TextField)}
        if not typed["key_file"].strip():
            raise BadInput("key_file", "Name the file of the key", why="name the file")
        path = named(typed["key_file"])
        await self._repository.attach_key(self._certificate.id, path, typed["passphrase"] or None)
        self.dismiss(True)


async def attach_key(app: App[Any], workspace: Workspace, certificate_id: int) -> None:
    certificate = await workspace.lists.certificate(certificate_id)
    dialog = AttachKeyDialog(certificate.row, workspace.repository)
    if await app.push_screen_wait(dialog) and (say := getattr(app, "say", None)):
        say(f"The key of {present.line(certificate.row.common_name)} is in the vault: it can be exported whole now")
