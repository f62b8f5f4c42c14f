"""What the cases of a bad machine are made of."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from kmptui.sandbox.server import SandboxServer
from tests.cli.conftest import ORDER
from tests.reliability.commands import Conditions
from tests.reliability.tally import Tally

PLACE = ("orders", "create", "--common-name", "machine.example.com", *ORDER, "--yes")


class NotHere(Exception):
    """This machine cannot be made as bad as that: why, in words."""


@dataclass
class Stage:
    """A home that was lived in, of which each case gets a copy, and the sandbox that it is linked to."""

    template: Path
    folder: Path
    sandbox: SandboxServer
    draw: random.Random
    tally: Tally
    number: int = 0

    def copy(self) -> Path:
        self.number += 1
        home = self.folder / f"home-{self.number}"
        shutil.copytree(self.template, home)
        return home


@dataclass(frozen=True)
class Step:
    """A command, the exit codes that are right, and words that it must say."""

    words: tuple[str, ...]
    codes: frozenset[int] = frozenset({1})
    told: tuple[str, ...] = ()


@dataclass(frozen=True)
class Case:
    """`arrange` makes the machine bad while its block lasts. `doctor`: the checks that are bad then, None where it is
    not asked; `whole`: nothing that counts may change in the store; `homeless`: KMPTUI_HOME is the arrangement's."""

    name: str
    arrange: Callable[[Stage, Path], AbstractContextManager[Conditions]]
    steps: tuple[Step, ...]
    doctor: tuple[str, ...] | None = ()
    whole: bool = True
    homeless: bool = False


def fails(*told: str) -> tuple[Step, ...]:
    """A look, a reading from SCM and an order all end with one sentence."""
    return tuple(Step(words, told=told) for words in (("orders", "list"), ("sync",), PLACE))


def reads_only(*told: str, codes: frozenset[int] = frozenset({1})) -> tuple[Step, ...]:
    """What is here is shown; what needs more ends with one sentence."""
    return (Step(("orders", "list"), frozenset({0})), *(Step(words, codes, told) for words in (("sync",), PLACE)))
