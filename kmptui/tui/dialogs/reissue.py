"""Reissue (SCM: replace): the same order, a new certificate for another key or other names."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from textual import events
from textual.app import App, ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from kmptui.domain import entry
from kmptui.domain.keys import KeySpec
from kmptui.domain.order import Order
from kmptui.domain.renewable import ReissueRequest, SameKey, spec_of
from kmptui.errors import BadInput
from kmptui.tui import present
from kmptui.tui.dialogs import key_choice, weighed
from kmptui.tui.dialogs.order.names_field import NamesField
from kmptui.tui.dialogs.order.names_list import Names, by_name
from kmptui.tui.dialogs.order.sending import meaning, send_and_follow
from kmptui.tui.dialogs.problem import ProblemDialog
from kmptui.tui.dialogs.renew import kinds
from kmptui.tui.dialogs.weighing import WeighingDialog
from kmptui.tui.widgets.fields import Field, TextField

if TYPE_CHECKING:
    from kmptui.services.ordering import Placed
    from kmptui.services.reissuing import ReissuePreview
    from kmptui.services.workspace import Workspace

Ask = Callable[[ReissueRequest], Awaitable["ReissuePreview"]]


@dataclass(frozen=True, slots=True)
class ReissueDecision:
    """What a person has decided; `despite_mirror` as `Reissuing.reissue` means it."""

    request: ReissueRequest
    despite_mirror: bool


class ReissueDialog(WeighingDialog[ReissueDecision]):
    """The names stand as the certificate has them; what is added or removed is said below them."""

    ACT = "Reissue"
    WIDE = True
    WEIGH_AFTER = 0.15
    DEFAULT_CSS = """
    ReissueDialog NamesField { height: 5; }
    ReissueDialog Field > .field-note { width: 26; }
    ReissueDialog KindField > Picker { max-width: 30; }
    ReissueDialog .reissue-changes { height: 2; }
    ReissueDialog .against { min-height: 1; }
    """

    def __init__(self, preview: ReissuePreview, offered: Sequence[KeySpec], now: datetime, ask: Ask) -> None:
        super().__init__()
        self._preview = without_reason(preview)
        self._order: Order = preview.order
        self._offered = tuple(offered)
        self._now = now
        self._ask = ask
        self._before = tuple(dict.fromkeys((self._order.common_name, *self._order.names)))
        self._unread = ""

    def title_text(self) -> str:
        return f"Reissue {self._order.row.number} {self._order.common_name}"

    def body(self) -> ComposeResult:
        words = (
            f"The same order, {present.ending(self._order.row.expires, self._now)}, a new certificate for another key "
            "or other names. The old one stays until the new one is here; the CA may revoke it soon after."
        )
        yield Static(present.text(words))
        yield NamesField(Names(self._before))
        yield Static(classes="reissue-changes")
        yield from key_choice.key_fields(spec_of(self._order), self._offered, same=False)
        yield TextField("reason", "Reason", check=entry.reason, most=entry.LONGEST_REASON)
        yield Static(classes="against")
        yield Static(classes="command-line")

    @property
    def shown(self) -> ReissuePreview:
        return self._preview

    def on_mount(self) -> None:
        key_choice.reveal(self)

    def on_resize(self, event: events.Resize) -> None:
        self.query_one(NamesField).styles.height = max(5, min(14, event.size.height - 19))

    def changed(self, field: Field) -> None:  # noqa: ARG002 - whichever it was
        key_choice.reveal(self)
        self.draw()

    def request(self) -> ReissueRequest:
        """What the fields say. Raises BadInput("csr")."""
        names = self.query_one(NamesField).names.names
        key = key_choice.chosen_key(self)
        if isinstance(key, SameKey):  # is not offered here
            key = None
        same = set(names) == set(self._before) and names[:1] == self._before[:1]
        return ReissueRequest(self._order.id, self._reason.value.strip(), key, () if same else names)

    @property
    def _reason(self) -> TextField:
        return next(field for field in self.query(TextField) if field.name == "reason")

    @property
    def _csr(self) -> TextField:
        return next(field for field in self.query(TextField) if field.name == "csr")

    async def weigh(self) -> None:
        self._unread = ""
        try:
            request = self.request()
        except BadInput as error:
            self._unread = "no CSR yet"
            if self._csr.value.strip():
                self._csr.show_note(error.why or error.what, bad=True)
        else:
            self._csr.show_note()
            self._preview = without_reason(await self._ask(request))
        self.draw()

    def show(self, cells: int) -> None:
        names = self.query_one(NamesField)
        names.show_findings(by_name(self._preview.findings))
        self.query_one(".reissue-changes", Static).update(changes(self._before, names.names.names, cells))

    def can_act(self) -> str:
        if not self.query(NamesField):
            return ""
        names = self.query_one(NamesField).names
        if names.problems:
            return f"{len(names.problems):,} names to mend"
        if not names.names:
            return "no name"
        if off := super().can_act() or self._unread:
            return off
        return "" if self._reason.value.strip() else "no reason yet"

    async def act(self) -> None:
        self.query_one(NamesField).entry.hand_over()
        request = self.request()
        entry.reason(request.reason)
        self._preview = without_reason(await self._ask(request))
        self.draw()
        if not self.can_act():
            self.dismiss(ReissueDecision(request, weighed.despite(self._preview.findings)))
        else:
            self.query_one(".dialog-body", VerticalScroll).scroll_end(animate=False)


def without_reason(preview: ReissuePreview) -> ReissuePreview:
    """What is known against it apart from the reason, which the dialog sees for itself."""
    findings = tuple(finding for finding in preview.findings if finding.field != "reason")
    command = preview.command.replace("--reason ''", "--reason TEXT")
    return replace(preview, findings=findings, command=command)


def changes(before: Sequence[str], after: Sequence[str], cells: int) -> Content:
    """`+ 1 added: img…` and `- 2 removed: old…`, and a new common name; always two lines."""
    added = [name for name in after if name not in before]
    removed = [name for name in before if name not in after]
    lines: list[Content] = []
    if added:
        lines.append(_some("+", "added", added, present.GOOD, cells))
    if removed:
        lines.append(_some("-", "removed", removed, present.WARNING, cells))
    if not lines and after and before and after[0] != before[0]:
        lines.append(present.text(f"  The common name becomes {present.name(after[0])}", "", cells))
    if not lines:
        lines.append(present.text("  The same names as before", present.MUTED))
    return Content("\n").join([*lines, Content("")][:2])


def _some(mark: str, word: str, names: Sequence[str], style: str, cells: int) -> Content:
    listed = ", ".join(present.name(name) for name in names)
    return present.text(f"{mark} {len(names):,} {word}: {listed}", style, cells)


async def reissue(app: App[Any], workspace: Workspace, order_id: int) -> None:
    """Ask, send, follow the order to its new certificate."""
    preview = await workspace.reissuing.preview(ReissueRequest(order_id, ""))
    offered = kinds(await workspace.ordering.facts(), preview.order.profile_id)
    dialog = ReissueDialog(preview, offered, workspace.clock.now(), workspace.reissuing.preview)
    decision = await app.push_screen_wait(dialog)
    if decision is None:
        return

    async def send() -> Placed:
        return await workspace.reissuing.reissue(decision.request, despite_mirror=decision.despite_mirror)

    error = await send_and_follow(app, workspace, preview.order.common_name, send)
    if error is not None:
        await app.push_screen_wait(ProblemDialog(error, meaning(error)))
