"""What can be done wherever one is: tabs, help, palette, the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kmptui.tui.commands.command import Command, Mode
from kmptui.tui.commands.everywhere import EVERYWHERE
from kmptui.tui.tabs.catalog import TABS, TabEntry

if TYPE_CHECKING:
    from kmptui.tui.app import KmptuiApp


class AppCommand(Command["KmptuiApp"]):
    """A command of the app."""


def _tab_command(number: int, entry: TabEntry) -> type[AppCommand]:
    class ShowTab(AppCommand):
        id = f"tab.{entry.topic.value}"
        mode = Mode.QUICK
        words = f"Show {entry.title}"
        keys = str(number)

        async def run(self, where: KmptuiApp) -> None:
            where.show_tab(entry.topic)

    return ShowTab


class CommandLog(AppCommand):
    id = "log"
    mode = Mode.OPENS
    words = "What was done, as command lines"
    label = "Log"
    keys = "L"

    async def run(self, where: KmptuiApp) -> None:
        from kmptui.tui.dialogs.command_log import CommandLogDialog

        await where.push_screen_wait(CommandLogDialog(tuple(where.log_of_commands)))


class Attend(AppCommand):
    id = "attend"
    mode = Mode.OPENS
    words = "Settle the oldest order without a reply, or read the last problem"
    label = "Attend"
    keys = "exclamation_mark"

    def why_not(self, where: KmptuiApp) -> str:
        return "" if where.frame.unconfirmed or where.last_problem else "nothing is unsettled"

    async def run(self, where: KmptuiApp) -> None:
        if where.frame.unconfirmed:
            await where.ways.settle()
        elif where.last_problem is not None:
            from kmptui.tui.dialogs.problem import ProblemDialog

            await where.push_screen_wait(ProblemDialog(where.last_problem))


class NewOrder(AppCommand):
    id = "new"
    mode = Mode.OPENS
    words = "Order a certificate"
    label = "New"
    keys = "n"
    place = 2

    def why_not(self, where: KmptuiApp) -> str:
        return where.ways.writing() or ("" if where.frame.linked else "no account is linked yet: 1 shows the form")

    def line(self, where: KmptuiApp) -> str:  # noqa: ARG002 - the same wherever one is
        return "kmptui orders create --common-name NAME --organization O --profile P --term DAYS"

    async def run(self, where: KmptuiApp) -> None:
        await where.ways.order()


class ImportOrders(AppCommand):
    id = "import"
    mode = Mode.OPENS
    words = "Import existing orders from SCM"
    label = "Import"
    keys = "I"

    def why_not(self, where: KmptuiApp) -> str:
        return "" if where.frame.linked else "no account is linked yet: 1 shows the form"

    def line(self, where: KmptuiApp) -> str:  # noqa: ARG002
        return "kmptui orders import"

    async def run(self, where: KmptuiApp) -> None:
        await where.ways.import_orders()


class Stop(AppCommand):
    """The key comes here only where nothing nearer has a use for it: no field, filter, mark or dialog."""

    id = "stop"
    mode = Mode.QUICK
    yields = True
    words = "Stop what is running: syncs, imports, fetching, checks"
    label = "Stop"
    keys = "escape"

    def why_not(self, where: KmptuiApp) -> str:
        return "" if where.can_stop else "nothing is running that can be stopped"

    async def run(self, where: KmptuiApp) -> None:
        where.workspace.stop()


class Quit(AppCommand):
    id = "quit"
    mode = Mode.OPENS
    words = "Quit"
    label = "Quit"
    keys = "q"

    async def run(self, where: KmptuiApp) -> None:
        if where.keys_follow:
            # the rest of a paste would go to the shell, which obeys it
            where.say("q came with other keys, as in a paste: press it alone to quit")
            return
        if where.workspace.running:
            from kmptui.tui.dialogs.quit import QuitDialog

            if not await where.push_screen_wait(QuitDialog(where.workspace.running)):
                return
        where.exit()


APP_COMMANDS: tuple[type[Command[Any]], ...] = (
    *(_tab_command(number, entry) for number, entry in enumerate(TABS, 1)),
    NewOrder,
    ImportOrders,
    *EVERYWHERE,
    Attend,
    CommandLog,
    Stop,
    Quit,
)
