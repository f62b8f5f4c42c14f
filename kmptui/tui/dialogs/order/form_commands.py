"""What can be done in the order form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kmptui.tui.commands.command import Command, Mode

if TYPE_CHECKING:
    from kmptui.tui.dialogs.order.form import OrderForm


class ShowPreview(Command["OrderForm"]):
    id = "order.preview"
    mode = Mode.OPENS
    words = "Show the whole request, and what it will do"
    label = "Preview"
    keys = "ctrl+o,o"
    place = 1

    async def run(self, where: OrderForm) -> None:
        await where.preview()


class NextProblem(Command["OrderForm"]):
    id = "order.next-problem"
    mode = Mode.QUICK
    words = "Go to the next thing to mend"
    label = "Next problem"
    keys = "ctrl+g,g"
    place = 2

    def why_not(self, where: OrderForm) -> str:
        return "" if where.findings else "there is nothing to mend"

    async def run(self, where: OrderForm) -> None:
        where.next_problem()


class SyncNow(Command["OrderForm"]):
    id = "order.sync"
    words = "Read organizations, domains and profiles from SCM again"
    label = "Sync now"
    keys = "ctrl+r,s"
    place = 3

    async def run(self, where: OrderForm) -> None:
        await where.sync_now()


class Afresh(Command["OrderForm"]):
    id = "order.afresh"
    words = "Empty the form and throw the draft away"
    label = "Empty"
    keys = "ctrl+n"

    async def run(self, where: OrderForm) -> None:
        await where.afresh()


FORM_COMMANDS: tuple[type[Command[Any]], ...] = (ShowPreview, NextProblem, SyncNow, Afresh)
