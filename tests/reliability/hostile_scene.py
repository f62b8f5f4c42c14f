"""What the parts of `hostile` share: the texts in their turn, and what they are held against."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from kmptui.config import Paths
from kmptui.sandbox.server import SandboxServer
from tests.reliability.bites import dirt
from tests.reliability.tally import Tally

FIRST = "round 0"


class Turn:
    """Every text in its turn, for each place by itself; each place begins at another one."""

    def __init__(self, every: Sequence[str]) -> None:
        self.every = every
        self._given: Counter[str] = Counter()

    def next(self, place: str, most: int | None = None) -> str:
        """At most so many characters of it."""
        at = zlib.crc32(place.encode()) + self._given[place]
        self._given[place] += 1
        return self.every[at % len(self.every)][:most]

    def whole(self) -> int:
        """Places that every text went through."""
        return sum(number >= len(self.every) for number in self._given.values())


def sendable(text: str) -> str:
    """As it comes through an encoding on the way: without halves of characters."""
    return text.encode("utf-8", "replace").decode()


@dataclass
class Scene:
    """One home whose every field is filled with texts that bite, and the sandbox that it is linked to. `rows`: how long
    each list is made, 0 for as long as it is."""

    tally: Tally
    sandbox: SandboxServer
    paths: Paths
    turn: Turn
    name: str
    rows: int = 0

    @property
    def thorough(self) -> bool:
        return self.rows > 0

    @property
    def first(self) -> bool:
        """Of the rounds: what takes its time is done in one of them."""
        return self.name == FIRST

    def require(self, true: object, words: str) -> None:
        self.tally.require(true, f"{self.name}, {words}")

    def clean(self, where: str, text: str, allowed: str = "\n") -> None:
        found = dirt(text, allowed)
        self.require(not found, f"{where}: {found}")
        self.tally.count("places looked at")
