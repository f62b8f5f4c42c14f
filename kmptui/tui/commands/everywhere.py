"""Help and the palette: on every screen, whatever is under it."""

from __future__ import annotations

from typing import Any

from kmptui.tui.commands.command import Command, Mode


class Help(Command[Any]):
    id = "help"
    mode = Mode.OPENS
    words = "Help: keys and words of where one stands"
    label = "Help"
    keys = "question_mark,f1"
    place = 9

    async def run(self, where: Any) -> None:
        from kmptui.tui.dialogs.help import HelpDialog

        await where.app.push_screen_wait(HelpDialog.of(where.app.screen))


class Palette(Command[Any]):
    id = "palette"
    mode = Mode.OPENS
    words = "Find a command"
    label = "Commands"
    keys = "ctrl+p"

    async def run(self, where: Any) -> None:
        from kmptui.tui.dialogs.actions import ActionsDialog

        await ActionsDialog.choose_and_run(where.app, where.app.screen, "Commands", everything=True)


EVERYWHERE: tuple[type[Command[Any]], ...] = (Help, Palette)
