"""Rules that choose certificates for automatic renewal."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from kmptui.domain.names import LONGEST_NAME
from kmptui.errors import BadInput

KINDS = ("organization", "profile", "name")


@dataclass(frozen=True, slots=True)
class Rule:
    """`kind` organization (its departments too), profile (`value` is SCM's id) or name (`value` is a pattern for the
    common name, in which * stands for any characters). `exclude`: an exception, which goes before all other rules.
    `title` is the name of the organization or profile, where it is known."""

    id: int
    kind: str
    value: str
    exclude: bool = False
    created: datetime | None = None
    title: str = ""

    @property
    def words(self) -> str:
        """`organization Web Ops`, `except name *.test.example.com`."""
        return ("except " if self.exclude else "") + f"{self.kind} {self.title or self.value}"


@dataclass(frozen=True, slots=True)
class Matched:
    """How many of the current orders a rule matches, and how many there are."""

    count: int
    of: int

    @property
    def words(self) -> str:
        """`It matches none of 40 certificates: …`; nothing or everything is said as such."""
        if not self.of:
            return "There are no certificates here yet: it counts for those that come"
        if not self.count:
            return f"It matches none of the {self.of:,} certificates here; it counts for those that come"
        if self.count == self.of:
            return f"It matches every certificate here, all {self.of:,}"
        return f"It matches {self.count:,} of the {self.of:,} certificates here"


def pattern(text: str) -> str:
    """A name pattern as it is kept: lower case, without blanks around. Raises BadInput("name")."""
    wanted = text.strip().lower()
    if not wanted:
        raise BadInput("name", "The pattern is empty", cure="Write * for any characters: *.example.com")
    if len(wanted) > LONGEST_NAME:
        raise BadInput("name", "The pattern is too long", cure=f"A name has at most {LONGEST_NAME} characters")
    if any(char.isspace() or not char.isprintable() for char in wanted):
        raise BadInput("name", f"{wanted[:40]!r} holds what no name holds", cure="Give one pattern: *.example.com")
    return wanted
