"""The home screen: what needs a person, worst first; below it, quietly, how things stand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

from rich.segment import Segment
from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.strip import Strip
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from kmptui.domain.clock import Clock
from kmptui.domain.text import width
from kmptui.services.home import HomeView, Need
from kmptui.tui import present
from kmptui.tui.commands.account_commands import OpenNeed
from kmptui.tui.commands.command import Commanded
from kmptui.tui.messages import ShowList
from kmptui.tui.widgets.details import wrapped

WORST = frozenset({"ACCOUNT", "UNCONF'D", "FAILED", "DCV", "SCHEDULE", "KEYS"})
LEAD, WORD, LABEL = 2, 10, 14
"""Cells before a line, where its mark stands; of its word; of a quiet line's label."""
FEWEST = 6
"""Lines of what needs somebody that are seen, however much stands below."""


class NeedChosen(Message):
    """Enter on a line that no list stands for: the changes elsewhere, the account, the schedule."""

    def __init__(self, need: Need) -> None:
        super().__init__()
        self.need = need


class NeedsList(Commanded, OptionList):
    """The lines, the current one marked as in every list; Enter opens the list that a line counts. The bar stays on its
    line while the figures change."""

    OFFERS = (OpenNeed,)
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "cursor_down", show=False),
        Binding("k", "cursor_up", show=False),
        Binding("g", "first", show=False),
        Binding("G", "last", show=False),
    ]

    def __init__(self) -> None:
        super().__init__(compact=True, markup=False, id="needs")

    def render_line(self, y: int) -> Strip:
        """Each option is one line: that of the bar begins with its mark, which tells it without colour, too."""
        strip = super().render_line(y)
        if self.highlighted is None or y + self.scroll_offset.y != self.highlighted or not strip.cell_length:
            return strip
        first = next(iter(strip))
        return Strip([Segment(">", first.style), *strip.crop(1)], strip.cell_length)


class HomePanel(Vertical, can_focus=True):
    """Draws a HomeView; `facts` are lines of the account and the vault, instead of those with the same label. It takes
    the focus while there is no line to stand on, so that the keys of the tab work."""

    DEFAULT_CSS = """
    HomePanel { height: 1fr; padding: 0 1 0 0; }
    HomePanel .home-head { height: 1; padding-left: 1; }
    HomePanel .home-stale { color: $text-warning; padding-left: 1; }
    HomePanel NeedsList {
        height: auto; max-height: 1fr; border: none; padding: 0; background: $background; text-wrap: nowrap;
    }
    HomePanel NeedsList:focus { background-tint: $background 0%; }
    HomePanel NeedsList > .option-list--option { padding: 0; }
    HomePanel NeedsList > .option-list--option-highlighted,
    HomePanel NeedsList:focus > .option-list--option-highlighted { background: $primary 30%; color: $foreground; }
    HomePanel .home-facts { height: auto; margin-top: 1; padding-left: 1; }
    """

    def __init__(self, clock: Clock) -> None:
        super().__init__(id="home-panel")
        self._clock = clock
        self._view: HomeView | None = None
        self._facts: tuple[tuple[str, str], ...] = ()
        self._asking = ""
        self._needs: tuple[Need, ...] = ()

    def compose(self) -> ComposeResult:
        yield Static(classes="home-head")
        yield Static(classes="home-stale")
        yield NeedsList()
        yield Static(classes="home-facts")

    def on_mount(self) -> None:
        self.draw()

    def show(self, view: HomeView, facts: Sequence[tuple[str, str]]) -> None:
        """The figures as they are now; the bar stays on its line."""
        self._view = view
        self._facts = tuple(facts)
        self.draw()

    def asking(self, words: str) -> None:
        """What SCM is being asked just now; empty: nothing."""
        self._asking = words
        self.draw()

    def draw(self) -> None:
        """Draw all of it, in place."""
        if not self.query(".home-head"):
            return  # it is going: what SCM was asked for may end after it
        view = self._view
        head, stale = self.query_one(".home-head", Static), self.query_one(".home-stale", Static)
        if view is None:
            head.update(present.text("Reading the store ..."))
            return
        cells = self.size.width - 1
        head.update(self._head(view, cells))
        stale.update(present.text(f"! {view.stale}"))
        stale.display = bool(view.stale)
        told = {label for label, _ in self._facts}
        lines = [
            present.join((present.cell("" if row else label, LABEL), present.MUTED), piece)
            for label, words in (*(fact for fact in view.facts if fact[0] not in told), *self._facts)
            for row, piece in enumerate(wrapped(present.line(words), max(20, cells - LABEL)))
        ]
        self._draw_needs(view.needs, self.size.height - len(lines) - 2 - bool(view.stale))
        self.query_one(".home-facts", Static).update(Content("\n").join(lines))

    def _head(self, view: HomeView, cells: int) -> Content:
        if view.needs:
            left = present.text(f"Needs you: {view.total:,}", present.STRONG)
        else:
            left = present.text("Nothing needs you", present.GOOD if view.as_of else present.PLAIN)
        age = f"stored, {as_of(view.as_of, self._clock.now())}" if view.as_of else "no orders imported yet: press I"
        right = "; ".join(filter(None, (age, self._asking)))
        room = max(0, cells - left.cell_length - 2)
        right = present.line(right, room)
        gap = " " * max(2, cells - left.cell_length - width(right))
        return present.join(left, gap, (right, present.MUTED))

    def _draw_needs(self, needs: tuple[Need, ...], most: int) -> None:
        """In at most so many lines, that what stands below is seen: it scrolls, and only then has a bar beside it."""
        listing = self.query_one(NeedsList)
        most = max(FEWEST, most)
        bar = int(len(needs) > most)
        listing.styles.max_height = most
        listing.styles.scrollbar_size_vertical = bar
        at = listing.highlighted or 0
        word = self._needs[at].word if at < len(self._needs) else ""
        self._needs = needs
        cells = max(40, self.size.width - bar - LEAD)
        listing.display = bool(needs)
        listing.set_options([Option(found) for found in need_lines(needs, cells)])
        if needs:
            kept = next((n for n, need in enumerate(needs) if need.word == word), min(at, len(needs) - 1))
            listing.highlighted = kept

    def on_resize(self, _: events.Resize) -> None:
        self.draw()

    @on(OptionList.OptionSelected)
    def _open(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        need = self._needs[event.option_index]
        self.post_message(ShowList(need.query) if need.query is not None else NeedChosen(need))


def as_of(moment: datetime, now: datetime) -> str:
    """The time of the data, with the zone: `Mon 23 Nov 03:12 CET`."""
    shown = present.local(moment)
    day = "today" if shown.date() == present.local(now).date() else f"{shown:%a} {shown.day} {shown:%b}"
    return f"{day} {shown:%H:%M} {present.zone()}"


def need_lines(needs: Sequence[Need], cells: int) -> list[Content]:
    """`EXPIRES   4 certificates end within 7 d   api.example.edu, ends in 2 d`, the columns under each other."""
    counted = [f"{need.count:,} {need.what}" for need in needs]
    least = 25 if cells < 100 else 40
    wide = min(cells // 2, max([least, *map(width, counted)]))
    room = max(0, cells - WORD - wide - 1)
    return [
        present.join(
            " " * LEAD, (present.cell(need.word, WORD), present.ERROR if need.word in WORST else present.WARNING),
            present.cell(what, wide), " ", present.line(need.example, room),
        )
        for need, what in zip(needs, counted, strict=True)
    ]  # fmt: skip
