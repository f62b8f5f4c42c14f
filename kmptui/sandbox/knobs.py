"""What every control call is made of: the question, and what makes one wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kmptui.sandbox.state import Admin
from kmptui.sandbox.world import World

if TYPE_CHECKING:
    from kmptui.sandbox.app import Sandbox

OTHER_ADMIN = "m.keller"
"""Who acts when control says nothing else."""


class Wrong(Exception):
    """A control request that cannot be done, with the reason."""


@dataclass(frozen=True)
class Ask:
    """One control request: its JSON object, the parts of its path, its query."""

    sandbox: Sandbox
    path: Mapping[str, str]
    query: Mapping[str, str]
    body: dict[str, Any]

    @property
    def world(self) -> World:
        return self.sandbox.world

    @property
    def actor(self) -> Admin:
        """Who acts: the login under ``as``, else m.keller."""
        login = str(self.body.get("as", OTHER_ADMIN))
        if login not in self.world.admins:
            raise Wrong(f"no administrator {login}")
        return self.world.admins[login]


Knob = Callable[[Ask], object]


def only(body: Mapping[str, Any], *names: str) -> None:
    """Wrong if *body* has a member that is not one of *names*: a knob that is misspelt must not be a silent no-op."""
    unknown = sorted(set(body) - set(names))
    if unknown:
        raise Wrong(f"unknown: {', '.join(unknown)}; there are {', '.join(names)}")
