"""Revoke: which certificate, what that means, why; off until its name or the end of its serial is typed."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from textual import on
from textual.app import App, ComposeResult
from textual.widgets import Static

from kmptui.domain import entry
from kmptui.domain.revocation import BY_NAME, REASONS, confirms
from kmptui.tui import present
from kmptui.tui.dialogs.choose import ChooseDialog
from kmptui.tui.dialogs.delete import DeleteDialog
from kmptui.tui.dialogs.order.sending import unlocking
from kmptui.tui.dialogs.radio_lines import RadioLines
from kmptui.tui.widgets.dialog import Dialog, TextDialog
from kmptui.tui.widgets.fields import AreaField, Field, Option, TextField

if TYPE_CHECKING:
    from kmptui.services.revoking import Revoked, Target
    from kmptui.services.workspace import Workspace

REPOSITORY = (
    "In SCM it stays revoked. Here it would leave the repository.",
    "Its private key, if any, stays sealed in the vault: destroying that is a separate act.",
)


@dataclass(frozen=True, slots=True)
class RevokeDecision:
    """Reason code and text as SCM gets them, and what was typed to confirm."""

    code: int
    reason: str
    typed: str


class RevokeDialog(Dialog[RevokeDecision]):
    """Nothing is preset that could be sent by mistake: the text and the confirmation are empty."""

    ACT = "Revoke"
    DEFAULT_CSS = """
    RevokeDialog AreaField, RevokeDialog AreaField > Area { height: 2; }
    RevokeDialog #field-reason > .field-note { width: 14; }
    RevokeDialog #field-reason-code, RevokeDialog .command-line { margin-top: 1; }
    """

    def __init__(self, target: Target, now: datetime) -> None:
        super().__init__()
        self._target = target
        self._now = now

    def title_text(self) -> str:
        return f"Revoke a certificate of {self._target.common_name}"

    def body(self) -> ComposeResult:
        target = self._target
        yield Static(present.text(head(target, self._now)), classes="revoke-head")
        if len(target.live) > 1 or not target.warning:
            yield Static(present.text(target.standing), classes="revoke-standing")
        if target.warning:
            yield Static(present.text(f"! {target.warning}", present.WARNING), classes="revoke-warning")
        yield Static(present.text(target.words), classes="revoke-words")
        codes = [Option(code, f"{code} {words}") for code, words in REASONS.items()]
        yield RadioLines("reason_code", "Reason", codes, next(iter(REASONS)))
        yield AreaField("reason", "Text", check=entry.reason, most=entry.LONGEST_REASON)
        what = "the common name" if target.confirm == BY_NAME else "the serial's last 4 digits"
        yield TextField("confirm", "To confirm", placeholder=f"type {what}")
        yield Static(classes="command-line")

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one(RadioLines).focus_control()
        self._draw_command()

    def _draw_command(self) -> None:
        target = self._target
        noun = "certificates" if target.certificate_id is not None else "orders"
        confirm = "NAME" if target.confirm == BY_NAME else "SERIAL"
        typed = self._typed()
        reason = shlex.quote(typed.reason) if typed.reason else "TEXT"
        line = f"kmptui {noun} revoke {target.number} --reason-code {typed.code} --reason {reason} --confirm {confirm}"
        self.query_one(".command-line", Static).update(present.text(line, present.MUTED))

    @on(Field.Edited)
    def _edited(self, event: Field.Edited) -> None:
        event.stop()
        typed = self._typed().typed
        field = next(field for field in self.fields() if field.name == "confirm")
        field.show_note("" if not typed else "agrees" if self._agrees(typed) else "not it yet")
        self._draw_command()
        self.draw_keys()

    def _agrees(self, typed: str) -> bool:
        asked = self._target
        return confirms(typed, asked.confirm, asked.common_name, asked.serial)

    def _typed(self) -> RevokeDecision:
        fields: dict[str, Any] = {field.name: field.value for field in self.query(TextField)}
        return RevokeDecision(self.query_one(RadioLines).value, fields["reason"].strip(), fields["confirm"].strip())

    def can_act(self) -> str:
        if not self.is_mounted:
            return "off"
        typed = self._typed()
        if not typed.reason:
            return "off: no text yet"
        return "" if self._agrees(typed.typed) else f"off: {self._asked} is not typed yet"

    @property
    def _asked(self) -> str:
        return "the name" if self._target.confirm == BY_NAME else "the serial's end"

    async def act(self) -> None:
        typed = self._typed()
        entry.reason(typed.reason)
        if not self.can_act():
            self.dismiss(typed)


def head(target: Target, now: datetime) -> str:
    """`Serial 4A:11:..:9C, issued 21 May 2026, ends 2 Dec 2026, in 9 d, 12 names`, the serial in full."""
    return ", ".join(
        filter(
            None,
            (
                f"Serial {present.serial(target.serial)}",
                f"issued {present.day(target.issued)}" if target.issued else "",
                present.ending(target.ends, now),
                present.counted(len(target.names), "name"),
            ),
        )
    )


async def revoke(
    app: App[Any], workspace: Workspace, *, order_id: int | None = None, certificate_id: int | None = None
) -> None:
    """Find the one certificate that is meant, ask, revoke it, tell what came of it, and offer to take it out of the
    repository."""
    if certificate_id is None and order_id is not None:
        chosen = await _which(app, workspace, order_id)
        if chosen is None:
            return
        order_id, certificate_id = chosen
    target = await workspace.revoking.target(order_id=order_id, certificate_id=certificate_id)
    if target.already:
        await app.push_screen_wait(TextDialog("Already revoked", present.paragraph(target.already)))
        return
    decision = await app.push_screen_wait(RevokeDialog(target, workspace.clock.now()))
    if decision is None:
        return

    async def send() -> Revoked:
        return await workspace.revoking.revoke(target, code=decision.code, reason=decision.reason, typed=decision.typed)

    revoked = await unlocking(app, send)
    title = "Already revoked" if revoked.already else "Revoked"
    await app.push_screen_wait(TextDialog(title, present.paragraph(revoked.words)))
    if revoked.certificate_id is not None:
        await _take_out(app, workspace, target, revoked.certificate_id)


async def _which(app: App[Any], workspace: Workspace, order_id: int) -> tuple[int | None, int | None] | None:
    """One certificate of the order: the only one that still lives, or the one that is chosen; None: none was."""
    now = workspace.clock.now()
    held = [
        row for row in await workspace.lists.order_certificates(order_id) if not row.revoked and row.not_after > now
    ]
    if len(held) < 2:
        return order_id, None
    options = [
        Option(row.id, f"{row.number:<6} {present.serial(row.serial)[-23:]}  {present.ending(row.not_after, now)}")
        for row in held
    ]
    picked = await app.push_screen_wait(ChooseDialog("Which one of its live certificates", options))
    return None if picked is None else (None, int(picked.value))


async def _take_out(app: App[Any], workspace: Workspace, target: Target, certificate_id: int) -> None:
    """The default is Back: it stays."""
    what = [f"c{certificate_id}  {target.common_name}, serial {present.serial(target.serial)}"]
    dialog = DeleteDialog("Remove it from the repository?", what, REPOSITORY, act="Remove it")
    if await app.push_screen_wait(dialog):
        await workspace.repository.delete_certificates((certificate_id,))
        if say := getattr(app, "say", None):
            say("The revoked certificate was taken out of the repository; the audit keeps what was done")
