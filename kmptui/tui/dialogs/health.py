"""The health panel: what SCM says about the account and what it rests on; last time's first, then anew in place."""

from __future__ import annotations

from textual import events
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from kmptui.domain.clock import Clock
from kmptui.errors import KmptuiError
from kmptui.services.health import Health, HealthReport
from kmptui.tui import present
from kmptui.tui.commands.command import Command
from kmptui.tui.widgets.details import wrapped
from kmptui.tui.widgets.dialog import Dialog

STYLES = {"ok": present.GOOD, "note": present.WARNING, "bad": present.ERROR, "skipped": present.MUTED}
ORDER = ("bad", "note", "ok", "skipped")
INDENT = 8


class LookAgain(Command["HealthDialog"]):
    id = "health.again"
    words = "Ask SCM again"
    label = "Ask again"
    keys = "c"
    place = 1

    async def run(self, where: HealthDialog) -> None:
        await where.look()


class HealthDialog(Dialog[None]):
    """Worst first; each with its cure."""

    TITLE = "Health of the account"
    WIDE = True
    OFFERS = (LookAgain,)

    def __init__(self, health: Health, clock: Clock, last: HealthReport | None) -> None:
        super().__init__()
        self._health = health
        self._clock = clock
        self._report = last
        self._told = ""

    def body(self) -> ComposeResult:
        yield Static(classes="health-lines")

    def on_mount(self) -> None:
        super().on_mount()
        self._draw()
        self.start(self.look, group="look", exclusive=True)

    def on_resize(self, event: events.Resize) -> None:
        super().on_resize(event)
        self.call_after_refresh(self._draw)

    async def look(self) -> None:
        """Ask SCM; what was known stays on the screen where it does not answer."""
        self._told = "asking SCM ..."
        self._draw()
        try:
            self._report = await self._health.check()
            self._told = ""
        except KmptuiError as error:
            self._told = f"not renewed: {error}"
        self._draw()

    def _draw(self) -> None:
        lines: list[Content] = []
        shown = self.query_one(".health-lines", Static)
        cells = max(30, self.query_one(".dialog-box").size.width - 1 - INDENT)  # the scroll bar has its place
        if self._report is not None:
            for check in sorted(self._report.checks, key=lambda check: ORDER.index(check.state)):
                style = STYLES[check.state]
                first, *rest = wrapped(present.line(f"{check.name}: {check.what}"), cells)
                lines.append(present.join((f"{check.state:<{INDENT}}", style), first))
                lines += [present.text(" " * INDENT + piece) for piece in rest]
                if check.cure and check.state != "ok":
                    cure = wrapped(present.line(check.cure), cells)
                    lines += [present.text(" " * INDENT + piece, present.MUTED) for piece in cure]
            at = present.clock(self._report.at, self._clock.now())
            lines += [Content(""), present.text(f"as of {at} {present.zone()}", present.MUTED)]
        if self._told:
            lines.append(present.text(self._told, present.WARNING))
        shown.update(Content("\n").join(lines))

    def draw_keys(self) -> None:
        self.query_one(".dialog-keys", Static).update(present.text("c Ask again   esc Back"))
