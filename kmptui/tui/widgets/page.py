"""A screen of its own on top of the tabs, with the frame around it: details, the order form, following an order."""

from __future__ import annotations

from typing import Any, ClassVar, Generic, TypeVar

from kmptui.tui import workers
from kmptui.tui.commands.command import Command, Commanded, Mode
from kmptui.tui.commands.everywhere import EVERYWHERE
from kmptui.tui.widgets.closing import ClosesOnce
from kmptui.tui.widgets.fields import leave_text
from kmptui.tui.widgets.frame import Framed

T = TypeVar("T")


class Leave(Command["Page[Any]"]):
    id = "page.back"
    mode = Mode.QUICK
    words = "Leave the field, then the screen"
    label = "Back"
    keys = "escape"
    place = 5

    async def run(self, where: Page[Any]) -> None:
        if not leave_text(where):
            workers.start(where, where.leave, name="leave")


class Page(Commanded, ClosesOnce, Framed, Generic[T]):
    """Ends with a value of T, or with None. It is modal: the keys of the tabs do not reach through it."""

    OFFERS: ClassVar[tuple[type[Command[Any]], ...]] = (Leave, *EVERYWHERE)
    AUTO_FOCUS = ""

    @property
    def is_modal(self) -> bool:
        return True

    async def leave(self) -> None:
        """Close it: forms ask or save first."""
        self.dismiss(None)

    def start(self, work: workers.Work, *, group: str = "", exclusive: bool = False) -> None:
        """Run something beside the screen, guarded. `exclusive` for reads only: it ends with the screen."""
        workers.start(self, work, group=group, exclusive=exclusive)
