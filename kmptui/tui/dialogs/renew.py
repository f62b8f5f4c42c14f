"""Renew one order: what is renewed, with which key, what speaks against it, and what SCM leaves open."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from textual.app import App, ComposeResult
from textual.widgets import Static

from kmptui.domain.keys import KeySpec
from kmptui.domain.order import NewKey, OwnCsr
from kmptui.domain.renewable import RenewalRequest, SameKey, spec_of
from kmptui.errors import BadInput
from kmptui.tui import present
from kmptui.tui.dialogs import key_choice, weighed
from kmptui.tui.dialogs.order import choices
from kmptui.tui.dialogs.order.sending import meaning, send_and_follow
from kmptui.tui.dialogs.problem import ProblemDialog
from kmptui.tui.dialogs.weighing import WeighingDialog
from kmptui.tui.widgets.fields import Field

if TYPE_CHECKING:
    from kmptui.services.ordering import FormFacts, Placed
    from kmptui.services.renewing import RenewalPreview
    from kmptui.services.workspace import Workspace

Key = NewKey | SameKey | OwnCsr | None
Ask = Callable[[Key], Awaitable["RenewalPreview"]]
"""The preview of the renewal with that key, from the store alone."""


UNSURE = "SCM promises neither the end nor that comments and fields stay: what came is told once it is here."
UNREAD = "Your own CSR is sent; its key stays with you. What will come is told once the file can be read."


@dataclass(frozen=True, slots=True)
class RenewDecision:
    """What a person has decided; `despite_mirror` as `Renewing.renew` means it."""

    request: RenewalRequest
    despite_mirror: bool


class RenewDialog(WeighingDialog[RenewDecision]):
    """One order; ends with the decision. What it tells is read anew whenever the key is another one."""

    ACT = "Renew"
    DEFAULT_CSS = """
    RenewDialog .renew-part { margin-top: 1; }
    RenewDialog .against { min-height: 2; }
    RenewDialog KindField > Picker { max-width: 30; }
    """

    def __init__(self, preview: RenewalPreview, offered: Sequence[KeySpec], now: datetime, ask: Ask) -> None:
        super().__init__()
        self._preview = preview
        self._offered = tuple(offered)
        self._now = now
        self._ask = ask
        self._unread = ""

    def title_text(self) -> str:
        order = self._preview.order
        return f"Renew {order.row.number} {order.common_name}"

    def body(self) -> ComposeResult:
        order = self._preview.order
        yield Static(present.text(head(self._preview, self._now)))
        yield from key_choice.key_fields(spec_of(order), self._offered, same=True)
        yield Static(classes="renew-promise renew-part")
        yield Static(classes="against renew-part")
        yield Static(classes="command-line renew-part")

    @property
    def shown(self) -> RenewalPreview:
        return self._preview

    def on_mount(self) -> None:
        key_choice.reveal(self)

    def changed(self, field: Field) -> None:  # noqa: ARG002 - whichever it was
        key_choice.reveal(self)

    async def weigh(self) -> None:
        """Ask again for the key that is chosen; a file that cannot be read is said beside it."""
        self._unread = ""
        try:
            key = key_choice.chosen_key(self)
        except BadInput as error:
            self._unread = "no CSR yet"
            named = bool(str(getattr(_csr(self), "value", "")).strip())
            _csr(self).show_note(error.why or error.what if named else "", bad=named)
        else:
            _csr(self).show_note()
            self._preview = await self._ask(key)
        self.draw()

    def show(self, cells: int) -> None:  # noqa: ARG002 - it is wrapped where it stands
        words = UNREAD if self._unread else promise(self._preview)
        self.query_one(".renew-promise", Static).update(present.text(words))
        if self._unread:
            line = f"kmptui orders renew {self._preview.order.row.number} --csr FILE"
            self.query_one(".command-line", Static).update(present.text(line, present.MUTED))

    def can_act(self) -> str:
        return super().can_act() or self._unread

    async def act(self) -> None:
        key = key_choice.chosen_key(self)
        self._preview = await self._ask(key)
        self.draw()
        if self.can_act():
            return
        order = self._preview.order
        self.dismiss(RenewDecision(RenewalRequest(order.id, key), weighed.despite(self._preview.findings)))


def _csr(dialog: RenewDialog) -> Field:
    return next(field for field in dialog.fields() if field.name == "csr")


def head(preview: RenewalPreview, now: datetime) -> str:
    """`Serial 4A:..:9C, 12 names, ends 2 Dec 2026, in 9 d`."""
    order = preview.order
    parts = [
        f"Serial {ends_of_serial(order.row.serial)}" if order.row.serial else "",
        present.counted(len(order.names) or order.row.names_count, "name"),
        present.ending(order.row.expires, now),
    ]
    return ", ".join(filter(None, parts))


def ends_of_serial(digits: str) -> str:
    """`4A:11:..:9C:01`: enough to tell it by; `y` in the lists copies it whole."""
    pairs = present.serial(digits).split(":")
    return ":".join(pairs) if len(pairs) <= 5 else ":".join([*pairs[:2], "..", *pairs[-2:]])


def promise(preview: RenewalPreview) -> str:
    """What will come, as far as one can tell: SCM's renewal takes a CSR and nothing else."""
    if preview.forbidden:
        return "Nothing would be sent."
    known = "" if preview.term else " How long it will be valid is not known beforehand."
    return f"{preview.effect}{known} {UNSURE}"


async def renew_orders(app: App[Any], workspace: Workspace, order_ids: tuple[int, ...]) -> None:
    """Renew one order under the eyes of who asks, or several, each with an outcome of its own."""
    if len(order_ids) == 1:
        await _one(app, workspace, order_ids[0])
    else:
        from kmptui.tui.dialogs.renew_many import renew_many

        await renew_many(app, workspace, order_ids)


async def _one(app: App[Any], workspace: Workspace, order_id: int) -> None:
    async def ask(key: Key) -> RenewalPreview:
        return (await workspace.renewing.preview((order_id,), key))[0]

    preview = await ask(None)
    offered = kinds(await workspace.ordering.facts(), preview.order.profile_id)
    decision = await app.push_screen_wait(RenewDialog(preview, offered, workspace.clock.now(), ask))
    if decision is None:
        return

    async def send() -> Placed:
        return await workspace.renewing.renew(decision.request, despite_mirror=decision.despite_mirror)

    error = await send_and_follow(app, workspace, preview.order.common_name, send)
    if error is not None:
        await app.push_screen_wait(ProblemDialog(error, meaning(error)))


def kinds(facts: FormFacts, profile_id: int | None) -> tuple[KeySpec, ...]:
    """The key types that the order's profile takes."""
    return choices.keys(choices.profile(facts, profile_id))
