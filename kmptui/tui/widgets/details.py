"""Details of one row: a heading, what is wrong, then lines of label and text."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from kmptui.tui import present
from kmptui.tui.commands.command import with_alt

Part = tuple[str, str]
"""A text, perhaps foreign, and its style (see `present`)."""
BESIDE, BELOW = 13, 2
"""Cells before a text that stands beside its label, or below it."""
NARROW = 50
"""Cells below which a long text has more room under its label."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One labelled text; several lines where it has several."""

    label: str
    lines: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Details:
    """What is shown of one row: `state` stands right of the title; `alerts` are what is wrong with it."""

    title: str
    state: Part
    alerts: tuple[str, ...] = ()
    facts: tuple[Fact, ...] = field(default=())


def fact(label: str, text: object, style: str = "") -> Fact:
    """A fact of one line."""
    return Fact(label, ((str(text), style),))


def facts(label: str, lines: list[str], most: int = 12, none: str = "-") -> Fact:
    """A fact of several lines, the last one saying how many more there are."""
    shown = [(line, "") for line in lines[:most]]
    if len(lines) > most:
        shown.append((f"and {len(lines) - most:,} more", present.MUTED))
    return Fact(label, tuple(shown) or ((none, present.MUTED),))


class DetailsView(VerticalScroll, can_focus=True):
    """Draws `Details`; scrolls with the keys of the lists."""

    DEFAULT_CSS = """
    DetailsView { height: 1fr; padding: 0 1; scrollbar-size-vertical: 1; }
    DetailsView > Static { width: 100%; height: auto; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(with_alt("down,j"), "scroll_down", "Scroll down", show=False, id="details.down"),
        Binding(with_alt("up,k"), "scroll_up", "Scroll up", show=False, id="details.up"),
        Binding(with_alt("g,home"), "scroll_home", "To the beginning", show=False, id="details.first"),
        Binding(with_alt("G,end"), "scroll_end", "To the end", show=False, id="details.last"),
    ]

    def __init__(self, *, can_focus: bool = True) -> None:
        super().__init__(can_focus=can_focus)
        self._body = Static(Content(""))
        self.details: Details | None = None
        self._lines = -1
        self._drawn: tuple[Details | None, int] = (None, 0)

    def compose(self):  # type: ignore[no-untyped-def]  # ComposeResult of one widget
        yield self._body

    def show(self, details: Details | None, *, afresh: bool = False) -> None:
        """Draw; `afresh` goes to the top: it is another row."""
        if details == self.details:
            return
        self.details = details
        self._draw()
        if afresh:
            self.scroll_home(animate=False)

    def say(self, words: str) -> None:
        """A sentence instead of details."""
        self.details = None
        self._drawn = (None, 0)
        self._lines = -1
        self._body.update(present.text(words, present.MUTED))

    def on_resize(self) -> None:
        self._draw()

    def _draw(self) -> None:
        drawn = self.details, self.size.width
        if self.details is None or not self.size.width or drawn == self._drawn:
            return  # a change of its height alone changes no line
        self._drawn = drawn
        said = content(self.details, max(20, self.size.width - 3))
        lines = said.plain.count("\n")
        self._body.update(said, layout=lines != self._lines)  # nothing moves between two rows of as many lines
        self._lines = lines


def content(details: Details, cells: int) -> Content:
    """The details as text, `cells` wide: long texts are wrapped under their label."""
    state, style = details.state
    state, title = present.line(state), present.line(details.title, cells)
    gap = cells - present.width(title) - present.width(state)
    if gap >= 2:
        lines = [present.join((title, present.STRONG), " " * gap, (state, style))]
    else:
        lines = [present.text(title, present.STRONG)]
        lines += [present.text(piece, style) for piece in wrapped(state, cells)]
    lines += [present.text(f"! {alert}", present.WARNING) for alert in details.alerts]
    for item in details.facts:
        lines += _fact(item, cells)
    return Content("\n").join(lines)


def _fact(item: Fact, cells: int) -> list[Content]:
    """The label with the text beside it; where that has little room and does not fit, or the label is a long one, the
    text stands below."""
    words = [(present.line(text), tone) for text, tone in item.lines]
    longest = max((present.width(text) for text, _ in words), default=0)
    below = len(item.label) >= BESIDE or (cells < NARROW and longest > cells - BESIDE)
    indent = BELOW if below else BESIDE
    lines = [present.text(item.label, present.MUTED)] if below else []
    for text, tone in words:
        for piece in wrapped(text, max(10, cells - indent)):
            label = "" if lines else item.label
            lines.append(present.join((present.cell(label, indent), present.MUTED), (piece, tone)))
    return lines


def wrapped(text: str, cells: int) -> list[str]:
    """A printable line cut into pieces of at most `cells` cells, at wide gaps, blanks or colons where there are any."""
    pieces: list[str] = []
    rest = text
    while present.width(rest) > cells:
        cut = len(present.clip(rest, cells + 1)) - 1  # less the mark of the cut, or what is one cell too much
        wide, blank = rest.rfind("   ", cells // 2, cut + 1), rest.rfind(" ", cells // 2, cut + 1)
        pair = rest.rfind(":", cells // 2, cut) + 1  # of a serial
        at = next((place for place in (wide, blank, pair, cut) if place > 0), 1)
        pieces.append(rest[:at].rstrip())
        rest = rest[at:].lstrip()
    return [*pieces, rest]
