"""The private note and contact of an order; they stay here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual.app import App, ComposeResult
from textual.widgets import Static

from kmptui.domain import entry
from kmptui.domain.order import Order
from kmptui.services.repository import Repository
from kmptui.tui import present
from kmptui.tui.widgets.dialog import Dialog
from kmptui.tui.widgets.fields import AreaField, TextField

if TYPE_CHECKING:
    from kmptui.services.workspace import Workspace


class NoteDialog(Dialog[bool]):
    """True: they were kept."""

    ACT = "Keep"

    def __init__(self, order: Order, repository: Repository) -> None:
        super().__init__()
        self._order = order
        self._repository = repository

    def title_text(self) -> str:
        return f"Note on {self._order.row.number} {self._order.common_name}"

    def body(self) -> ComposeResult:
        yield Static(present.text("Both stay in kmptui; nothing is sent to SCM."), classes="muted")
        note = AreaField("note", "Note", self._order.note, check=entry.note, most=entry.LONGEST_NOTE)
        note.styles.height = 8
        note.area.styles.height = 8
        yield note
        yield TextField("contact", "Contact", self._order.contact, check=entry.contact, most=entry.LONGEST_CONTACT)

    async def act(self) -> None:
        typed = {field.name: field.value for field in self.query(TextField)}
        note, contact = entry.note(typed["note"]), entry.contact(typed["contact"])
        before = self._order
        await self._repository.annotate(
            before.id,
            note=note if note != before.note else None,
            contact=contact if contact != before.contact else None,
            seen=before,
        )
        self.dismiss(True)


async def edit_note(app: App[Any], workspace: Workspace, order_id: int) -> None:
    order = await workspace.lists.order(order_id)
    await app.push_screen_wait(NoteDialog(order, workspace.repository))
