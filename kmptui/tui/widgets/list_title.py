"""The first line of a list: what it shows, how many, in which order, and how old it is."""

from __future__ import annotations

from dataclasses import dataclass

from textual.content import Content
from textual.widget import Widget

from kmptui.domain.text import width
from kmptui.tui import present


@dataclass(frozen=True, slots=True)
class TitleFacts:
    """`total` rows match of `everything`; `age` in words, `old` when it must not pass for fresh."""

    title: str = ""
    view: str = ""
    filter: str = ""
    marked: int = 0
    total: int | None = None
    everything: int | None = None
    sort: str = ""
    descending: bool = False
    age: str = ""
    old: bool = False


class ListTitle(Widget):
    """One line."""

    DEFAULT_CSS = "ListTitle { height: 1; width: 100%; padding: 0 1; }"

    def __init__(self) -> None:
        super().__init__()
        self.facts = TitleFacts()

    def show(self, facts: TitleFacts) -> None:
        if facts != self.facts:
            self.facts = facts
            self.refresh()

    def render(self) -> Content:
        facts, room = self.facts, self.size.width
        count = "" if facts.total is None else present.count(facts.total)
        if facts.total is not None and facts.everything is not None and facts.everything != facts.total:
            count += f" of {present.count(facts.everything)}"
        if facts.sort:
            count += f" by {facts.sort}{' v' if facts.descending else ' ^'}"
        left: list[tuple[str, str]] = [(facts.title, present.STRONG)]
        if facts.old:
            left.append((f"   {facts.age}: old, s reads it anew", present.WARNING))
        if facts.marked:
            left.append((f"   {present.count(facts.marked)} marked", present.STRONG))
        if facts.view:
            left.append((f"   view: {facts.view}", ""))
        if facts.filter:
            left.append((f"   / {facts.filter}", present.WARNING))
        shown: list[tuple[str, str]] = []
        used = 0
        for words, style in left:
            piece = present.line(words, max(0, room - width(count) - 2 - used))
            used += width(piece)
            shown.append((piece, style))
        age = f"{facts.age}   " if facts.age and not facts.old else ""
        if used + width(age) + width(count) + 2 > room:
            age = ""
        gap = " " * max(1, room - used - width(age) - width(count))
        return present.join(*shown, gap, (age, present.MUTED), (count, ""))
