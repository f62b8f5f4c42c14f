"""Cancel, approve or decline requests: what it means, the message that goes with it, and where there is no such way any
more, what remains."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from textual import on
from textual.app import App, ComposeResult
from textual.content import Content
from textual.widgets import Static

from kmptui.domain import entry
from kmptui.domain.order import Order
from kmptui.tui import present
from kmptui.tui.commands.command import Command
from kmptui.tui.dialogs.order.sending import unlocking
from kmptui.tui.widgets.dialog import Dialog, TextDialog
from kmptui.tui.widgets.fields import AreaField, Field

if TYPE_CHECKING:
    from kmptui.services.deciding import Decided
    from kmptui.services.workspace import Workspace

SHOWN = 4


@dataclass(frozen=True, slots=True)
class Words:
    """How one of the three acts is told: its heading, the chord's word, what it means, and what was done."""

    title: str
    act: str
    meaning: str
    done: str


WORDS: dict[str, Words] = {
    "cancel": Words(
        "Cancel",
        "Cancel the request",
        "SCM declines the request, with this message: nothing is issued, and it cannot be taken back. Your order stays "
        "in the list as declined.",
        "cancelled",
    ),
    "decline": Words(
        "Decline",
        "Decline",
        "SCM declines the request, and its requester reads this message: nothing is issued, and it cannot be taken "
        "back.",
        "declined",
    ),
    "approve": Words(
        "Approve",
        "Approve",
        "SCM passes the request on to the CA, which issues the certificate and may charge for it. It cannot be taken "
        "back.",
        "approved",
    ),
}


class DecideDialog(Dialog[str]):
    """Ends with the message."""

    DEFAULT_CSS = """
    DecideDialog AreaField, DecideDialog AreaField > Area { height: 3; }
    DecideDialog Field > .field-note { width: 14; }
    DecideDialog .decide-part { margin-top: 1; }
    """

    def __init__(self, act: str, orders: Sequence[Order], left_out: Sequence[tuple[Order, str]] = ()) -> None:
        super().__init__()
        self._act = act
        self._orders = tuple(orders)
        self._left_out = tuple(left_out)
        self.ACT = WORDS[act].act  # type: ignore[misc]  # one dialog for three acts, each with its own word

    def title_text(self) -> str:
        return f"{WORDS[self._act].title} {present.counted(len(self._orders), 'request')}"

    def body(self) -> ComposeResult:
        for order in self._orders[:SHOWN]:
            row = order.row
            by = f", by {order.requester}" if order.requester else ""
            words = f"  {row.number}  {order.common_name}, requested {present.day(row.requested)}{by}"
            yield Static(present.text(words, present.STRONG))
        if len(self._orders) > SHOWN:
            yield Static(present.text(f"  and {len(self._orders) - SHOWN:,} more", present.STRONG))
        for order, why in self._left_out[:SHOWN]:
            yield Static(present.text(f"x {order.row.number}  {order.common_name}: {why}", present.ERROR))
        if len(self._left_out) > SHOWN:
            yield Static(present.text(f"  and {len(self._left_out) - SHOWN:,} more left out", present.MUTED))
        yield Static(present.text(WORDS[self._act].meaning), classes="decide-part")
        yield AreaField("message", "Message", check=entry.message, most=entry.LONGEST_REASON)
        yield Static(classes="command-line decide-part")

    def on_mount(self) -> None:
        super().on_mount()
        self._draw_command()

    def _draw_command(self) -> None:
        numbers = " ".join(order.row.number for order in self._orders[:SHOWN])
        more = " …" if len(self._orders) > SHOWN else ""
        message = self.query_one(AreaField).value.strip()
        line = f"kmptui orders {self._act} {numbers}{more} --message {shlex.quote(message) if message else 'TEXT'}"
        self.query_one(".command-line", Static).update(present.text(line, present.MUTED))

    @on(Field.Edited)
    def _edited(self, event: Field.Edited) -> None:
        event.stop()
        self._draw_command()
        self.draw_keys()

    def can_act(self) -> str:
        return "" if self.query_one(AreaField).value.strip() else "no message yet"

    async def act(self) -> None:
        message = entry.message(self.query_one(AreaField).value)
        self.dismiss(message)


class CopyNumber(Command["NotPossibleDialog"]):
    id = "decide.copy"
    words = "Send the CA's order number to the terminal's clipboard"
    label = "Copy"
    keys = "y"

    def why_not(self, where: NotPossibleDialog) -> str:
        return "" if where.number else "the CA has given it no number yet"

    async def run(self, where: NotPossibleDialog) -> None:
        where.app.copy_to_clipboard(present.line(where.number))
        where.tell_copied()


class NotPossibleDialog(TextDialog):
    """Why it is not possible any more, and the way that remains; the CA's order number stands alone on its line."""

    OFFERS = (CopyNumber,)

    def __init__(self, title: str, order: Order, why: str) -> None:
        self.number = order.order_number
        said = [present.text(f"{order.row.number}  {order.common_name}, {order.row.state}", present.STRONG)]
        said += [Content(""), present.paragraph(f"{why[:1].upper()}{why[1:]}")]
        if self.number:
            said += [Content(""), present.text("CA order number", present.MUTED), present.text(self.number)]
        super().__init__(title, Content("\n").join(said))

    def draw_keys(self) -> None:
        copies = "y Copy the CA's order number   " if self.number else ""
        self._keys(f"{copies}esc Back")

    def tell_copied(self) -> None:
        """What became of the key, where the keys stand."""
        self._keys("sent to the terminal; if it does not take it, select it above   esc Back")

    def _keys(self, words: str) -> None:
        for found in self.query(".dialog-keys").results(Static):
            found.update(present.text(words))


async def decide(app: App[Any], workspace: Workspace, act: str, order_ids: tuple[int, ...]) -> None:
    """`act`: cancel, decline or approve. Ask for the message, do it to each that allows it, and tell the outcome."""
    orders = [await workspace.lists.order(order_id) for order_id in order_ids]
    reasons = [workspace.deciding.why_not(order, act) for order in orders]
    can = [order for order, why in zip(orders, reasons, strict=True) if not why]
    cannot = [(order, why) for order, why in zip(orders, reasons, strict=True) if why]
    if not can:
        order, why = cannot[0]
        title = f"{WORDS[act].title} is not possible"
        if len(cannot) == 1:
            await app.push_screen_wait(NotPossibleDialog(title, order, why))
        else:
            lines = [present.text(f"{o.row.number} {o.common_name}: {words}") for o, words in cannot]
            await app.push_screen_wait(TextDialog(title, Content("\n").join(lines)))
        return
    message = await app.push_screen_wait(DecideDialog(act, can, cannot))
    if message is None:
        return
    ids = [order.id for order in can]

    async def send() -> tuple[Decided, ...]:
        work = {
            "cancel": workspace.deciding.cancel,
            "decline": workspace.deciding.decline,
            "approve": workspace.deciding.approve,
        }[act]
        return await work(ids, message)

    await tell(app, act, await unlocking(app, send))


async def tell(app: App[Any], act: str, decided: Sequence[Decided]) -> None:
    """One good outcome in the status line; anything else in a dialog that stays until it is read."""
    say = getattr(app, "say", None)
    if len(decided) == 1 and decided[0].ok and say:
        say(f"o{decided[0].order_id} {present.line(decided[0].common_name)}: {present.line(decided[0].words)}")
        return
    good = sum(1 for one in decided if one.ok)
    lines = [present.text(f"{good:,} of {len(decided):,} {WORDS[act].done}", present.STRONG)]
    for one in sorted(decided, key=lambda one: one.ok):
        words = f"{' ' if one.ok else 'x'} o{one.order_id} {one.common_name}: {one.words}"
        lines.append(present.text(words, present.PLAIN if one.ok else present.ERROR))
    await app.push_screen_wait(TextDialog("What became of the requests", Content("\n").join(lines)))
