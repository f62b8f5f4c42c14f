"""Every command and key of the program by its id: for the user's own keys, and for the manual."""

from __future__ import annotations

from typing import Any

from kmptui.tui.commands.account_commands import ACCOUNT_COMMANDS
from kmptui.tui.commands.app_commands import APP_COMMANDS
from kmptui.tui.commands.command import Command
from kmptui.tui.commands.domain_commands import DOMAIN_COMMANDS
from kmptui.tui.commands.list_commands import LIST_COMMANDS
from kmptui.tui.commands.order_commands import AUDIT_COMMANDS, CERTIFICATE_COMMANDS, ORDER_COMMANDS

MOVES = ("list.down", "list.up", "list.page_down", "list.page_up", "list.first", "list.last")


def known_commands() -> dict[str, type[Command[Any]]]:
    """The commands of the tabs and the app, by id. Dialogs keep their keys."""
    kinds = (
        *APP_COMMANDS, *ACCOUNT_COMMANDS, *LIST_COMMANDS, *DOMAIN_COMMANDS, *ORDER_COMMANDS, *CERTIFICATE_COMMANDS,
        *AUDIT_COMMANDS,
    )  # fmt: skip
    return {kind.id: kind for kind in kinds}


def known_ids() -> set[str]:
    """What may stand in the settings, `keys`."""
    return {*known_commands(), *MOVES}
