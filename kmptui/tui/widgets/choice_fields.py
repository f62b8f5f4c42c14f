"""Fields that one chooses in: from a list, among a few, yes or no."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget

from kmptui.tui import present, workers
from kmptui.tui.widgets.field import Field

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Option(Generic[T]):
    """One thing to choose: its words, perhaps foreign, and why it cannot be chosen ("" when it can)."""

    value: T
    words: str
    off: str = ""


class OneLine(Widget, can_focus=True):
    """A control of one line that draws itself and takes the focus."""

    DEFAULT_CSS = """
    OneLine { height: 1; width: 1fr; }
    OneLine:focus { background: $primary 30%; text-style: bold underline; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "app.focus_next", show=False),
        Binding("up", "app.focus_previous", show=False),
    ]


class Picker(OneLine):
    """The control of a ChoiceField: the chosen words and a mark; Enter or space opens the list."""

    DEFAULT_CSS = "Picker { background: $panel; }"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter,space", "open", show=False)]

    def __init__(self, holder: ChoiceField[Any]) -> None:
        super().__init__()
        self.holder = holder

    def render(self) -> Content:
        room = max(0, self.size.width - 2)
        return present.join((present.cell(self.holder.words or self.holder.empty, room), ""), " v")

    def action_open(self) -> None:
        workers.start(self, self.holder.choose, name="choose")


class ChoiceField(Field, Generic[T]):
    """One of several; the list opens with Enter and is filtered as one types."""

    def __init__(
        self,
        name: str,
        label: str,
        options: Sequence[Option[T]],
        value: T | None = None,
        *,
        empty: str = "choose with enter",
        hint: str = "",
        id: str | None = None,  # noqa: A002 - Textual's word
    ) -> None:
        super().__init__(name, label, hint=hint, id=id)
        self.options = tuple(options)
        self.empty = empty
        self.value: T | None = value
        self.control = Picker(self)

    def make_control(self) -> Widget:
        return self.control

    @property
    def words(self) -> str:
        return next((option.words for option in self.options if option.value == self.value), "")

    def offer(self, options: Sequence[Option[T]], value: T | None) -> None:
        """Other options, and what is chosen of them."""
        self.options = tuple(options)
        self.value = value
        self.control.refresh()

    async def choose(self) -> None:
        from kmptui.tui.dialogs.choose import ChooseDialog

        picked = await self.app.push_screen_wait(ChooseDialog(self.label_text, self.options, self.value))
        if picked is not None and picked.value != self.value:
            self.value = picked.value
            self.control.refresh()
            self.show_note()
            self.post_message(self.Edited(self))


class Radio(OneLine):
    """The control of a RadioField: `(o) one  ( ) two`; left and right or space move."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "move(-1)", show=False),
        Binding("right,space", "move(1)", show=False),
        Binding("enter", "app.focus_next", show=False),
    ]

    def __init__(self, holder: RadioField[Any]) -> None:
        super().__init__()
        self.holder = holder

    def render(self) -> Content:
        parts = [
            f"({'o' if option.value == self.holder.value else ' '}) {present.line(option.words)}"
            for option in self.holder.options
        ]
        return present.text("  ".join(parts), cells=self.size.width)

    def action_move(self, step: int) -> None:
        self.holder.move(step)


class RadioField(Field, Generic[T]):
    """One of a few, all to be seen. Arrows move; a printable key never chooses, but for the space bar."""

    def __init__(self, name: str, label: str, options: Sequence[Option[T]], value: T, *, hint: str = "") -> None:
        super().__init__(name, label, hint=hint)
        self.options = tuple(options)
        self.value: T = value
        self.control = Radio(self)
        self.set_class(not hint, "-note-none")

    def make_control(self) -> Widget:
        return self.control

    def move(self, step: int) -> None:
        """Choose the next one that can be chosen."""
        open_ones = [option.value for option in self.options if not option.off]
        if open_ones:
            at = open_ones.index(self.value) if self.value in open_ones else -step
            self.choose(open_ones[(at + step) % len(open_ones)])

    def choose(self, value: T) -> None:
        if value != self.value:
            self.value = value
            self.control.refresh()
            self.post_message(self.Edited(self))

    def show_note(self, words: str = "", *, bad: bool = False) -> None:
        self.set_class(not (words or self.hint), "-note-none")
        super().show_note(words, bad=bad)


class Tick(OneLine):
    """The control of a CheckField."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "turn", show=False),
        Binding("enter", "app.focus_next", show=False),
    ]

    def __init__(self, holder: CheckField) -> None:
        super().__init__()
        self.holder = holder

    def render(self) -> Content:
        return present.text(f"[{'x' if self.holder.value else ' '}] {self.holder.words}", cells=self.size.width)

    def action_turn(self) -> None:
        self.holder.value = not self.holder.value
        self.refresh()
        self.holder.post_message(Field.Edited(self.holder))


class CheckField(Field):
    """Yes or no: `[x] automatic`; the space bar turns it."""

    def __init__(self, name: str, label: str, words: str, value: bool = False, *, hint: str = "") -> None:
        super().__init__(name, label, hint=hint)
        self.words = words
        self.value = value
        self.control = Tick(self)
        self.set_class(not hint, "-note-none")

    def make_control(self) -> Widget:
        return self.control

    def show_note(self, words: str = "", *, bad: bool = False) -> None:
        self.set_class(not (words or self.hint), "-note-none")
        super().show_note(words, bad=bad)
