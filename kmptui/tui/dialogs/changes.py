"""What somebody else did in SCM, with before and after, until a person has seen it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from kmptui.domain.changes import Change
from kmptui.domain.clock import Clock
from kmptui.tui import present
from kmptui.tui.commands.command import Command, Mode
from kmptui.tui.widgets.details import wrapped
from kmptui.tui.widgets.dialog import Dialog

if TYPE_CHECKING:
    from kmptui.services.changes import Changes
    from kmptui.services.workspace import Workspace

INDENT = 12


class Mark(Command["ChangesDialog"]):
    id = "changes.mark"
    mode = Mode.QUICK
    words = "Mark the change, to acknowledge the marked ones only"
    label = "Mark"
    keys = "space"

    def why_not(self, where: ChangesDialog) -> str:
        return "" if where.changes else "there is no change"

    async def run(self, where: ChangesDialog) -> None:
        where.mark()


class ChangesDialog(Dialog[int]):
    """Ends with how many were acknowledged: the marked ones, all that are shown where none is."""

    ACT = "Acknowledge"
    TITLE = "Changed elsewhere"
    WIDE = True
    OFFERS = (Mark,)
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "cursor('down')", show=False),
        Binding("k", "cursor('up')", show=False),
    ]
    DEFAULT_CSS = """
    ChangesDialog OptionList { height: auto; border: none; padding: 0; }
    ChangesDialog OptionList > .option-list--option { padding: 0; }
    ChangesDialog OptionList > .option-list--option-highlighted,
    ChangesDialog OptionList:focus > .option-list--option-highlighted { background: $primary 30%; color: $foreground; }
    """

    def __init__(self, service: Changes, clock: Clock, changes: Sequence[Change]) -> None:
        super().__init__()
        self._service = service
        self._clock = clock
        self.changes = tuple(changes)
        self._marked: set[int] = set()

    def body(self) -> ComposeResult:
        if not self.changes:
            yield Static(present.text("Nobody else changed anything that was not acknowledged."))
            return
        yield OptionList(*self._options(), compact=True, markup=False)

    def on_resize(self, event: events.Resize) -> None:
        super().on_resize(event)
        for listing in self.query(OptionList):
            listing.styles.max_height = max(3, event.size.height - 6)
        self._draw()

    def action_cursor(self, way: str) -> None:
        """As the arrows do."""
        for listing in self.query(OptionList):
            listing.action_cursor_down() if way == "down" else listing.action_cursor_up()

    def mark(self) -> None:
        """Mark the line under the bar, or take its mark away, and go on to the next."""
        listing = self.query_one(OptionList)
        at = listing.highlighted or 0
        self._marked ^= {self.changes[at].id}
        self._draw()
        listing.highlighted = min(at + 1, len(self.changes) - 1)
        self.draw_keys()

    def can_act(self) -> str:
        return "" if self.changes else "there is no change"

    async def act(self) -> None:
        shown = [change.id for change in self.changes]
        self.dismiss(await self._service.acknowledge([one for one in shown if one in self._marked] or shown))

    def draw_keys(self) -> None:
        number = len(self._marked) or len(self.changes)
        what = f"{present.counted(number, 'change')}" if self._marked else f"all {number:,}"
        act = f"   space Mark   ctrl+y {self.ACT} {what}" if self.changes else ""
        self.query_one(".dialog-keys", Static).update(present.text(f"esc Back{act}"))

    def _draw(self) -> None:
        for listing in self.query(OptionList):
            at = listing.highlighted
            listing.set_options(self._options())
            listing.highlighted = at

    def _options(self) -> list[Option]:
        cells = max(30, min(self.size.width or 80, 118) - INDENT - 5)
        return [Option(self._told(change, cells)) for change in self.changes]

    def _told(self, change: Change, cells: int) -> Content:
        mark = "*" if change.id in self._marked else " "
        at = present.clock(change.at, self._clock.now())
        head = present.join(
            f"{mark} ", (present.cell(change.kind, INDENT - 2), present.WARNING),
            (f"{change.number} {present.name(change.subject)}", present.STRONG), (f"  seen {at}", present.MUTED),
        )  # fmt: skip
        lines = [("was", change.before), ("now", change.after)] if change.before else [("now", change.after)]
        told = [
            present.join(" " * INDENT, (f"{label if first else '   '}  ", present.MUTED), piece)
            for label, said in lines
            for first, piece in _numbered(wrapped(present.line(said), cells - 5))
        ]
        return Content("\n").join([head, *told])


def _numbered(pieces: Sequence[str]) -> list[tuple[bool, str]]:
    return [(at == 0, piece) for at, piece in enumerate(pieces)]


async def show_changes(app: App[Any], workspace: Workspace) -> None:
    """Show what nobody has acknowledged yet."""
    found = await workspace.changes.list()
    done = await app.push_screen_wait(ChangesDialog(workspace.changes, workspace.clock, found))
    say = getattr(app, "say", None)
    if done and say:
        say(f"{present.counted(done, 'change')} acknowledged")
