"""Settling an order whose request had no clear answer: which order at SCM it is, or none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from textual.app import App, ComposeResult
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from kmptui.domain.order import Intent, Ledger
from kmptui.errors import BadInput
from kmptui.services.ordering import Candidate
from kmptui.tui import present
from kmptui.tui.widgets.details import wrapped
from kmptui.tui.widgets.dialog import Dialog

if TYPE_CHECKING:
    from kmptui.services.workspace import Workspace

NONE = 0


class SettleDialog(Dialog[int]):
    """Ends with the sslId of the order that it is, or 0 for none of them. Enter marks; only the chord settles."""

    ACT = "Settle"
    WIDE = True
    DEFAULT_CSS = """
    SettleDialog OptionList { height: auto; max-height: 14; border: none; padding: 0; margin-top: 1; }
    SettleDialog OptionList > .option-list--option { padding: 0; }
    SettleDialog OptionList > .option-list--option-highlighted,
    SettleDialog OptionList:focus > .option-list--option-highlighted { background: $primary 30%; color: $foreground; }
    """

    def __init__(self, intent: Intent, candidates: Sequence[Candidate], sent: str) -> None:
        super().__init__()
        self._intent = intent
        self._candidates = tuple(candidates)
        self._sent = sent
        self._marked: int | None = None

    def title_text(self) -> str:
        return f"Which order is o{self._intent.order_id}, {self._intent.common_name}?"

    def body(self) -> ComposeResult:
        words = (
            f"It was sent {self._sent} and no clear answer came. It is never sent again by itself. "
            "Say which order at SCM it is, and kmptui takes that over with its key; or say that it is none, and you "
            "may order again."
        )
        yield Static(present.text(words))
        found = f"SCM has {present.counted(len(self._candidates), 'order')} that may be it:"
        yield Static(present.text(found if self._candidates else "SCM shows no order that may be it."))
        yield OptionList(*self._options(), compact=True, markup=False)

    def _options(self) -> list[Option]:
        lines = []
        for candidate in self._candidates:
            head = f"{self._mark(candidate.ssl_id)} {candidate.ssl_id}  {candidate.common_name}, "
            head += f"{present.counted(len(candidate.names), 'name')}, {candidate.status}, {candidate.requested}"
            reasons = ", ".join(candidate.reasons) or "nothing but its name"
            below = [present.text(f"     {piece}", present.MUTED) for piece in wrapped(present.line(reasons), 68)]
            lines.append(Content("\n").join([present.text(head), *below]))
        lines.append(present.text(f"{self._mark(NONE)} none of them: it was not placed"))
        return [Option(line) for line in lines]

    def _mark(self, value: int) -> str:
        return "(o)" if self._marked == value else "( )"

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        values = [*(candidate.ssl_id for candidate in self._candidates), NONE]
        self._marked = values[event.option_index]
        event.option_list.set_options(self._options())
        event.option_list.highlighted = event.option_index
        self.draw_keys()

    def can_act(self) -> str:
        return "" if self._marked is not None else "mark one with enter"

    async def act(self) -> None:
        if self._marked is None:
            raise BadInput("candidate", "Nothing is marked", cure="Mark one with enter, then ctrl+y")
        self.dismiss(self._marked)


async def settle_order(app: App[Any], workspace: Workspace, order_id: int | None = None) -> None:
    """Look for the order (the oldest unconfirmed one without an id) at SCM, and ask which it is."""
    await workspace.ordering.reconcile()
    unknown = await workspace.ordering.unconfirmed()
    intent = next((i for i in unknown if order_id in {None, i.order_id}), None)
    say = getattr(app, "say", None)
    if intent is None:
        if say:
            said = "No order is unsettled"
            if order_id is not None:
                row = (await workspace.lists.order(order_id)).row
                said = f"{row.number} is settled: {row.state}"
            say(said)
        return
    candidates = await workspace.ordering.candidates(intent.order_id)
    sent = present.clock(intent.sent or intent.prepared, workspace.clock.now())
    chosen = await app.push_screen_wait(SettleDialog(intent, candidates, sent))
    if chosen is None:
        return
    order = await workspace.ordering.settle(intent.order_id, chosen or None)
    if say:
        word = "taken over" if order.row.ledger is Ledger.ACCEPTED else "not placed; you may order again"
        say(f"{order.row.number} {present.line(order.common_name)}: {word}")
