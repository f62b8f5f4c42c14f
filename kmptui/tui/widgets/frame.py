"""The frame of every screen: who and how fresh, the status, the keys. Each is one line that draws itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from textual.app import ComposeResult
from textual.content import Content
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input

from kmptui.domain.text import width
from kmptui.services.reporting import Progress
from kmptui.tui import present
from kmptui.tui.commands.gather import footer


@dataclass(frozen=True, slots=True)
class FrameFacts:
    """What the frame tells: the account, how fresh the data is (clock times), what kind of store it is, the running
    work, what was said last, what is wrong, and how many orders have no reply."""

    account: str = ""
    linked: bool = False
    fresh: str = ""
    demo: bool = False
    read_only: bool = False
    running: tuple[Progress, ...] = ()
    said: str = ""
    problem: str = ""
    unconfirmed: int = 0


NOTHING = FrameFacts()
STOPS = "  esc stops it"


class FrameLine(Widget):
    """One line of the frame."""

    DEFAULT_CSS = "FrameLine { height: 1; width: 100%; }"

    @property
    def facts(self) -> FrameFacts:
        """The app's facts; an app without a frame has none."""
        facts = getattr(self.app, "frame", NOTHING)
        return facts if isinstance(facts, FrameFacts) else NOTHING


class HeaderLine(FrameLine):
    """The first line."""

    DEFAULT_CSS = "HeaderLine { background: $panel; }"

    def render(self) -> Content:
        facts = self.facts
        marks = [word for word, on in ((" DEMO ", facts.demo), (" READ-ONLY ", facts.read_only)) if on]
        left = f" kmptui  {present.line(facts.account)}"
        used = sum(len(mark) + 1 for mark in marks)
        room = max(0, self.size.width - used - 1)
        fresh = present.line(facts.fresh, max(0, room - 12))
        left = present.line(left, max(8, room - width(fresh) - 2))
        gap = " " * max(1, room - width(left) - width(fresh))
        parts: list[Content | str] = [present.text(left, present.STRONG), " "]
        for mark in marks:
            parts += [present.text(mark, "bold reverse"), " "]
        return present.join(*parts, gap[1:], (fresh, present.MUTED))


class StatusLine(FrameLine):
    """What is being done, with its progress; else what was said last; else the worst thing that is wrong."""

    DEFAULT_CSS = "StatusLine { padding: 0 1; }"

    def render(self) -> Content:
        facts = self.facts
        if facts.running:
            more = len(facts.running) - 1
            words = progress_words(facts.running[-1]) + (f"  (+{more} more)" if more else "")
            stops = STOPS if facts.running[-1].stoppable and self._esc_is_free() else ""
            said = present.text(words, cells=max(0, self.size.width - len(stops)))
            return present.join(said, (stops, present.MUTED))
        if facts.problem and not facts.said:
            return present.text(f"! {facts.problem}", present.WARNING, cells=self.size.width)
        return present.text(facts.said, cells=self.size.width)

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._changed)

    def _changed(self, _: Screen[Any]) -> None:
        if self.facts.running:
            self.refresh()

    def _esc_is_free(self) -> bool:
        """Whether `esc` comes to the app, which stops the work: nothing nearer has a use for it now."""
        found = self.screen.active_bindings.get("escape")
        return found is not None and found.binding.id == "stop" and not isinstance(self.screen.focused, Input)


class BannerLine(FrameLine):
    """Orders without a reply: cannot be dismissed, only settled."""

    DEFAULT_CSS = """
    BannerLine { display: none; padding: 0 1; background: $error-muted; }
    BannerLine.-on { display: block; }
    """

    def render(self) -> Content:
        number = self.facts.unconfirmed
        words = (
            f"! {present.counted(number, 'order')} without a reply: press ! to settle {'it' if number == 1 else 'them'}"
        )
        return present.text(words, present.STRONG, cells=self.size.width)

    def draw(self) -> None:
        """Be there only when there is something to say."""
        self.set_class(self.facts.unconfirmed > 0, "-on")
        self.refresh()


class FooterLine(FrameLine):
    """The keys that count here: six at most, the help always among them. Drawn where they differ: a list tells of its
    keys at each step of its cursor."""

    DEFAULT_CSS = "FooterLine { background: $panel; padding: 0 1; }"
    _drawn: Sequence[tuple[str, str]] = ()

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._changed)

    def _changed(self, screen: Screen[Any]) -> None:
        if footer(screen) != self._drawn:
            self.refresh()

    def render(self) -> Content:
        self._drawn = footer(self.screen)
        return keys_line(self._drawn, self.size.width)


def keys_line(keys: Sequence[tuple[str, str]], cells: int) -> Content:
    """`enter Open   n New`, as many as fit without cutting one; the last of them (the help) stays longest."""
    shown = list(keys)
    while len(shown) > 1 and sum(len(key) + len(label) + 4 for key, label in shown) - 3 > cells:
        del shown[-2]
    parts: list[Content | tuple[str, str]] = []
    for at, (key, label) in enumerate(shown):
        parts += [("   " if at else "", ""), (key, present.STRONG), (f" {label}", "")]
    return present.join(*parts)


def progress_words(progress: Progress) -> str:
    """`Importing orders: 1,200 of 5,000`."""
    if progress.total is None:
        return progress.words + (f": {progress.done:,}" if progress.done else " …")
    return f"{progress.words}: {progress.done:,} of {progress.total:,}"


class Framed(Screen[Any]):
    """A whole screen with the frame around it; subclasses compose `body()`."""

    def compose(self) -> ComposeResult:
        yield HeaderLine()
        yield from self.body()
        yield BannerLine()
        yield StatusLine()
        yield FooterLine()

    def body(self) -> ComposeResult:
        """What stands between the first line and the status."""
        yield from ()

    def on_mount(self) -> None:
        self.draw_frame()

    def on_screen_resume(self) -> None:
        self.draw_frame()

    def draw_frame(self) -> None:
        """Draw the frame's facts again."""
        for line in self.query(FrameLine):
            line.draw() if isinstance(line, BannerLine) else line.refresh()
