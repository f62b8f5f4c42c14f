"""Renew several orders: how many, what is blocked and why, when to stop; then one line of outcome for each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from textual import events, on
from textual.app import App, ComposeResult
from textual.content import Content
from textual.widgets import Static

from kmptui.domain.order import Ledger
from kmptui.domain.preflight import sentence
from kmptui.errors import BadInput
from kmptui.tui import present
from kmptui.tui.dialogs import weighed
from kmptui.tui.dialogs.order.sending import unlocking
from kmptui.tui.widgets.details import wrapped
from kmptui.tui.widgets.dialog import Dialog, TextDialog
from kmptui.tui.widgets.fields import Field, TextField

if TYPE_CHECKING:
    from kmptui.services.ordering import Placed
    from kmptui.services.renewing import RenewalPreview
    from kmptui.services.workspace import Workspace

STOP_AFTER = 3
MOST_HELD = 50
MOST_READY = 8


@dataclass(frozen=True, slots=True)
class ManyDecision:
    """Which orders, and after how many errors to stop."""

    order_ids: tuple[int, ...]
    stop_after: int


class RenewManyDialog(Dialog[ManyDecision]):
    """Ends with those that may be renewed. The others stand first, with cause and cure: blocked ones are left out,
    those that only the mirror speaks against are looked up again before they are sent."""

    ACT = "Renew"
    WIDE = True
    DEFAULT_CSS = """
    RenewManyDialog .many-part { margin-top: 1; }
    """

    def __init__(self, previews: Sequence[RenewalPreview], title: str = "") -> None:
        super().__init__()
        hard = [bool(weighed.against(preview.forbidden, preview.findings)) for preview in previews]
        self._blocked = tuple(one for one, out in zip(previews, hard, strict=True) if out)
        self._ready = tuple(one for one, out in zip(previews, hard, strict=True) if not out)
        self._doubtful = tuple(one for one in self._ready if weighed.despite(one.findings))
        self._title = title or f"Renew {present.counted(len(previews), 'order')}"

    def title_text(self) -> str:
        return self._title

    def body(self) -> ComposeResult:
        yield Static(present.text(self._counts(), present.STRONG))
        words = (
            "A new order with a new key for the same names of each, a few at a time. What is renewed stays valid "
            "to its end; SCM promises no term."
        )
        yield Static(present.text(words, present.MUTED))
        yield TextField("stop_after", "Stop after", str(STOP_AFTER), check=_number, hint="errors")
        yield Static(classes="many-lines many-part")
        yield Static(classes="command-line many-part")

    @on(Field.Edited)
    def _edited(self, event: Field.Edited) -> None:
        event.stop()
        self._draw_command()

    def _draw_command(self) -> None:
        numbers = " ".join(preview.order.row.number for preview in self._ready[:MOST_READY])
        more = " …" if len(self._ready) > MOST_READY else ""
        line = f"kmptui orders renew {numbers}{more} --stop-after {self.query_one(TextField).value.strip()}"
        self.query_one(".command-line", Static).update(present.text(line if self._ready else "", present.MUTED))

    def _counts(self) -> str:
        doubtful = len(self._doubtful)
        parts = [
            f"{len(self._ready) - doubtful:,} to renew",
            f"{doubtful:,} to be looked up again first" if doubtful else "",
            f"{len(self._blocked):,} blocked and left out" if self._blocked else "",
        ]
        return ", ".join(filter(None, parts))

    def on_mount(self) -> None:
        super().on_mount()
        self._draw()
        self._draw_command()

    def on_resize(self, event: events.Resize) -> None:
        super().on_resize(event)
        self.call_after_refresh(self._draw)

    def _draw(self) -> None:
        shown = self.query_one(".many-lines", Static)
        cells = max(40, (shown.size.width or 74) - 2)
        lines: list[Content] = []
        held = [(one, "x", present.ERROR) for one in self._blocked]
        held += [(one, "!", present.WARNING) for one in self._doubtful]
        for preview, mark, style in held[:MOST_HELD]:
            lines += _held(preview, mark, style, cells)
        if len(held) > MOST_HELD:
            lines.append(present.text(f"  and {len(held) - MOST_HELD:,} more like these", present.MUTED))
        sure = [preview for preview in self._ready if preview not in self._doubtful]
        for preview in sure[:MOST_READY]:
            order = preview.order
            end = f"new end about {present.day(preview.expected)}" if preview.expected else "new end not known"
            words = f"{order.row.number:<6} {present.name(order.common_name, cells // 2)}, "
            lines.append(present.text(f"  {words}ends {present.day(order.row.expires)}; {end}", "", cells))
        if len(sure) > MOST_READY:
            lines.append(present.text(f"  and {len(sure) - MOST_READY:,} more", present.MUTED))
        shown.update(Content("\n").join(lines))

    def can_act(self) -> str:
        return "" if self._ready else "all are blocked"

    async def act(self) -> None:
        if self._ready:
            stop = _number(self.query_one(TextField).value)
            self.dismiss(ManyDecision(tuple(preview.order.id for preview in self._ready), stop))


def _held(preview: RenewalPreview, mark: str, style: str, cells: int) -> list[Content]:
    order = preview.order
    grave = [finding for finding in preview.findings if not finding.hint]
    cause = preview.forbidden or "; ".join(map(sentence, grave[:2]))
    cure = "" if preview.forbidden else next((finding.cure for finding in grave if finding.cure), "")
    words = f"{order.row.number} {present.name(order.common_name, cells // 3)}: {cause}" + (f". {cure}" if cure else "")
    first, *rest = wrapped(present.line(words), cells)
    return [present.text(f"{mark} {first}", style), *(present.text(f"  {piece}") for piece in rest)]


def _number(text: str) -> int:
    """How many errors end it. Raises BadInput("stop_after")."""
    bare = text.strip()
    if not (bare.isascii() and bare.isdigit() and len(bare) < 5 and int(bare)):
        raise BadInput("stop_after", "This is no number of errors", why="a number from 1 on")
    return int(bare)


async def renew_many(app: App[Any], workspace: Workspace, order_ids: tuple[int, ...], title: str = "") -> None:
    """Ask, renew them, a few at a time, and tell what became of each."""
    previews = await workspace.renewing.preview(order_ids)
    decision = await app.push_screen_wait(RenewManyDialog(previews, title))
    if decision is None:
        return

    async def send() -> tuple[Placed, ...]:
        return await workspace.renewing.renew_all(decision.order_ids, stop_after=decision.stop_after)

    outcomes = await unlocking(app, send)
    await app.push_screen_wait(OutcomesDialog("What became of the renewals", outcomes))


class OutcomesDialog(TextDialog):
    """One line for each that was tried, what went wrong first."""

    def __init__(self, title: str, outcomes: Sequence[Placed]) -> None:
        good = [one for one in outcomes if one.ledger is Ledger.ACCEPTED]
        bad = [one for one in outcomes if one.ledger is not Ledger.ACCEPTED]
        lines = [present.text(f"{len(good):,} of {len(outcomes):,} taken by SCM", present.STRONG)]
        lines += [present.text(f"x {_of(one)}", present.ERROR) for one in bad]
        lines += [present.text(f"  {_of(one)}") for one in good]
        lines += [Content(""), present.text("Orders shows them; c checks them.", present.MUTED)]
        super().__init__(title, Content("\n").join(lines))


def _of(one: Placed) -> str:
    return f"{f'o{one.order_id}' if one.order_id else '-':<6} {one.common_name}: {one.words}"


async def retry_blocked(app: App[Any], workspace: Workspace) -> None:
    """Whatever was blocked, tried again now."""
    blocked = await workspace.renewing.blocked()
    if not blocked:
        if say := getattr(app, "say", None):
            say("No renewal is blocked")
        return
    await renew_many(app, workspace, tuple(one.order_id for one in blocked), "Retry all that was blocked")
