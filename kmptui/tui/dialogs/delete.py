"""Delete here: kmptui forgets, SCM keeps. A private key is destroyed only by a second, separate yes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from textual.app import App, ComposeResult
from textual.widgets import Static

from kmptui.domain.listing import Topic
from kmptui.tui import present
from kmptui.tui.widgets.dialog import Dialog

if TYPE_CHECKING:
    from kmptui.services.workspace import Workspace

SHOWN = 6
ORDERS = (
    "In SCM nothing happens: the order stays, its certificate stays valid, and nothing is cancelled or revoked.",
    "Here the order leaves the list. Its certificate and private key, if any, stay in the repository.",
    "An import does not bring it back, unless you ask for deleted ones. The audit keeps what was done.",
)
CERTIFICATES = (
    "In SCM nothing happens: the certificate stays valid, and is not revoked.",
    "Here it leaves the repository. Its private key, if any, stays sealed in the vault: destroying that is a separate "
    "act.",
    "Check or an import can bring it back.",
)
KEYS = (
    "The key is destroyed for good: no one can use the certificate without it, and no copy is anywhere in kmptui.",
    "Keystores that were exported earlier keep their copies. SCM has never had the key.",
)


class DeleteDialog(Dialog[bool]):
    """True: yes."""

    ACT = "Delete here"

    def __init__(self, title: str, what: Sequence[str], truth: Sequence[str], *, act: str = "Delete here") -> None:
        super().__init__()
        self._title = title
        self._what = tuple(what)
        self._truth = tuple(truth)
        self.ACT = act  # type: ignore[misc]  # one dialog for two acts, each with its own word

    def title_text(self) -> str:
        return self._title

    def body(self) -> ComposeResult:
        for words in self._what[:SHOWN]:
            yield Static(present.text(f"  {words}", present.STRONG))
        if len(self._what) > SHOWN:
            yield Static(present.text(f"  and {len(self._what) - SHOWN:,} more", present.STRONG))
        yield Static("")
        for words in self._truth:
            yield Static(present.text(words))

    async def act(self) -> None:
        self.dismiss(True)


async def delete_here(app: App[Any], workspace: Workspace, topic: Topic, ids: tuple[int, ...]) -> None:
    """Ask, then forget the rows here; for a certificate with a key, ask once more about the key alone."""
    if topic is Topic.ORDERS:
        await _orders(app, workspace, ids)
    elif topic is Topic.CERTIFICATES:
        await _certificates(app, workspace, ids)


async def _orders(app: App[Any], workspace: Workspace, ids: tuple[int, ...]) -> None:
    shown = [await workspace.lists.order(number) for number in ids[:SHOWN]]
    what = [f"{order.row.number}  {order.common_name}, {order.row.state}" for order in shown]
    what += ["" for _ in ids[SHOWN:]]
    title = f"Delete {present.counted(len(ids), 'order')} here"
    if await app.push_screen_wait(DeleteDialog(title, what, ORDERS)):
        number = await workspace.repository.delete_orders(ids)
        _say(app, f"{present.counted(number, 'order')} deleted here; SCM keeps {'it' if number == 1 else 'them'}")


async def _certificates(app: App[Any], workspace: Workspace, ids: tuple[int, ...]) -> None:
    shown = [(await workspace.lists.certificate(number)).row for number in ids[:SHOWN]]
    what = [f"{row.number}  {row.common_name}, ends {present.day(row.not_after)}" for row in shown]
    what += ["" for _ in ids[SHOWN:]]
    title = f"Delete {present.counted(len(ids), 'certificate')} here"
    if await app.push_screen_wait(DeleteDialog(title, what, CERTIFICATES)):
        number = await workspace.repository.delete_certificates(ids)
        _say(app, f"{present.counted(number, 'certificate')} deleted here; SCM keeps {'it' if number == 1 else 'them'}")


async def destroy_key(app: App[Any], workspace: Workspace, certificate_id: int) -> None:
    """Destroy one certificate's private key, after a yes of its own."""
    row = (await workspace.lists.certificate(certificate_id)).row
    what = [f"{row.number}  {row.common_name}, ends {present.day(row.not_after)}"]
    dialog = DeleteDialog("Destroy a private key, for good", what, KEYS, act="Destroy the key")
    if await app.push_screen_wait(dialog):
        await workspace.repository.delete_key(row.number)
        _say(app, f"The private key of {present.line(row.common_name)} is destroyed")


def _say(app: App[Any], words: str) -> None:
    if say := getattr(app, "say", None):
        say(words)
