"""What can be done with a domain. Neither key changes anything by itself: one asks SCM, the other opens a dialog."""

from __future__ import annotations

from typing import Any

from kmptui.tui import present
from kmptui.tui.commands.command import Command, Mode
from kmptui.tui.commands.list_commands import OnSubject
from kmptui.tui.commands.subject import Subject


class CheckDomain(OnSubject):
    id = "domain.check"
    words = "Check the validation (DCV): ask SCM now"
    label = "Check"
    keys = "c"
    place = 3

    def line(self, where: Subject) -> str:
        return f"kmptui domains check {_word(where)}"

    async def run(self, where: Subject) -> None:
        if where.row is not None:
            where.say(f"Asking SCM about {_name(where)} …")
            where.say(present.line((await where.ways.check_domain(where.row.id)).words))


class Validate(OnSubject):
    id = "domain.validate"
    mode = Mode.OPENS
    words = "Validate (DCV): the record to publish, submit it, look again"
    label = "Validate"
    keys = "V"
    place = 5

    def line(self, where: Subject) -> str:
        return f"kmptui domains validate {_word(where)} --method cname"

    async def run(self, where: Subject) -> None:
        if where.row is not None:
            await where.ways.validate(where.row.id)


def _name(where: Subject) -> str:
    return present.line(where.row.name) if where.row is not None else ""


def _word(where: Subject) -> str:
    return present.shell_word(where.row.name) if where.row is not None else ""


DOMAIN_COMMANDS: tuple[type[Command[Any]], ...] = (CheckDomain, Validate)
