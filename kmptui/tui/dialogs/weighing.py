"""The base of forms whose answer is held against what is known while they are filled in: renew, reissue, edit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Protocol, TypeVar

from textual import events, on
from textual.timer import Timer
from textual.widgets import OptionList, Static

from kmptui.domain.order import Order
from kmptui.errors import Finding
from kmptui.tui import present
from kmptui.tui.dialogs import weighed
from kmptui.tui.widgets.dialog import Dialog
from kmptui.tui.widgets.fields import Field

R = TypeVar("R")
NARROWEST = 74
"""Cells of a line before anything is laid out."""


class Preview(Protocol):
    """What the engine would do with the answer, from the store alone."""

    @property
    def order(self) -> Order: ...
    @property
    def forbidden(self) -> str: ...
    @property
    def findings(self) -> Sequence[Finding]: ...
    @property
    def command(self) -> str: ...


class WeighingDialog(Dialog[R]):
    """Subclasses compose Statics of the classes `against` and `command-line`, write `weigh()`, which asks for a new
    preview and draws it, and `show()`, which draws what is their own."""

    WEIGH_AFTER: ClassVar[float] = 0.0
    """Seconds without a key after which the answer is weighed."""

    def __init__(self) -> None:
        super().__init__()
        self._delay: Timer | None = None

    @property
    def shown(self) -> Preview:
        """The preview that the dialog shows."""
        raise NotImplementedError

    async def weigh(self) -> None:
        raise NotImplementedError

    def show(self, cells: int) -> None:
        """Draw the parts of the preview that are this dialog's own, each line of at most so many cells."""

    def changed(self, field: Field) -> None:
        """A field has another value; it is not weighed yet."""

    def on_mount(self) -> None:
        self.draw()  # Textual calls the handler of every base by itself

    def on_resize(self, event: events.Resize) -> None:  # noqa: ARG002 - whatever the size
        self.call_after_refresh(self.draw)

    @on(Field.Edited)
    def _edited(self, event: Field.Edited) -> None:
        event.stop()
        self.changed(event.field)
        self.show_error(None)
        if self._delay is not None:
            self._delay.stop()
        if self.WEIGH_AFTER:
            self._delay = self.set_timer(self.WEIGH_AFTER, self._begin)
        else:
            self._begin()

    def _begin(self) -> None:
        self.start(self.weigh, group="weigh", exclusive=True)

    @on(OptionList.OptionHighlighted)
    def _highlighted(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()

    def draw(self) -> None:
        """Draw anew all that follows from the answer."""
        if not self.query(".against"):
            return
        cells = self.query_one(".against", Static).size.width or NARROWEST
        self.query_one(".against", Static).update(
            weighed.told(self.shown.forbidden, self.shown.findings, cells, off=self.can_act())
        )
        self.query_one(".command-line", Static).update(present.text(self.shown.command, present.MUTED))
        self.show(cells)
        self.draw_keys()

    def can_act(self) -> str:
        return weighed.against(self.shown.forbidden, self.shown.findings)
