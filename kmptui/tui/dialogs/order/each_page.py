"""Ordering one certificate for each name: a line for each, which tells what became of it as it goes."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from kmptui.domain.order import Ledger
from kmptui.services.ordering import Placed
from kmptui.tui import present
from kmptui.tui.dialogs.order.follow import MARKS, STYLES
from kmptui.tui.widgets.page import Page

LEAVE = "You can leave at any time (esc): the orders are placed all the same, and their outcomes are told at the end."


class EachPage(Page[None]):
    """It places nothing itself: `show` adds an outcome, `close_with` says what it all came to."""

    DEFAULT_CSS = """
    EachPage .each-head, EachPage .each-words { height: auto; padding: 0 2; }
    EachPage .each-head { margin-top: 1; }
    EachPage VerticalScroll { height: 1fr; margin: 1 0; padding: 0 2; scrollbar-size-vertical: 1; }
    """

    def __init__(self, names: tuple[str, ...]) -> None:
        super().__init__()
        self.names = names
        self.outcomes: list[Placed] = []
        self._end: str | None = None

    def body(self) -> ComposeResult:
        yield Static(classes="each-head")
        with VerticalScroll():
            yield Static(classes="each-lines")
        yield Static(classes="each-words")

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one(VerticalScroll).focus()
        self._draw()

    def on_resize(self) -> None:
        self._draw()

    def show(self, placed: Placed) -> None:
        """What became of the next name."""
        self.outcomes.append(placed)
        self._draw()

    def begin(self) -> None:
        """From the first name on."""
        self.outcomes.clear()

    def close_with(self, words: str) -> None:
        """All is over."""
        self._end = words
        self._draw()

    def _draw(self) -> None:
        if not self.is_attached or not self.query(".each-words"):
            return
        done, total = len(self.outcomes), len(self.names)
        head = f"Order {present.counted(total, 'certificate')}, one for each name: {done:,} of {total:,} done"
        self.query_one(".each-head", Static).update(present.text(head, present.STRONG))
        cells = max(40, self.size.width - 6)
        lines = [self._line(at, name, cells) for at, name in enumerate(self.names)]
        self.query_one(".each-lines", Static).update(Content("\n").join(lines))
        self.query_one(".each-words", Static).update(present.paragraph(LEAVE if self._end is None else self._end))
        scroll = self.query_one(VerticalScroll)
        if self._end is None and done >= scroll.scroll_offset.y + scroll.size.height:
            scroll.scroll_to(y=done - scroll.size.height + 1, animate=False)

    def _line(self, at: int, name: str, cells: int) -> Content:
        shown = present.name(name, cells // 2)
        if at < len(self.outcomes):
            placed = self.outcomes[at]
            mark = "done" if placed.ledger is Ledger.ACCEPTED else "wrong"
            number = f"o{placed.order_id}" if placed.order_id else "-"
            words = f"{number:<7} {shown}  {placed.words}"
        elif at == len(self.outcomes) and self._end is None:
            mark, words = "now", f"{'':<7} {shown}  is being sent to SCM"
        else:
            mark, words = "later", f"{'':<7} {shown}" + ("  not ordered" if self._end is not None else "")
        return present.text(f"{MARKS[mark]} {words}", STYLES[mark], cells)
