"""Asking one thing and reading the answer, with what is odd in it noted down.

An oddity is a member of a wrong type or a row without an id: it never keeps the rest of an answer out, and it is never
swallowed either.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import TypeVar

import msgspec

from kmptui.scm import reading, remote
from kmptui.scm.connection import Answer, Connection
from kmptui.scm.dates import to_date, to_moment
from kmptui.scm.failures import Call

W = TypeVar("W", bound=msgspec.Struct)
MOST_KEPT = 200


class Asking:
    """Calls that read, over one connection; they raise AccountRefused, Unreachable, ScmRefused, ScmGarbled,
    WrongKind."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._oddities: list[str] = []

    def take_oddities(self) -> tuple[str, ...]:
        """What was odd since the last time, in words."""
        taken, self._oddities = tuple(self._oddities), []
        return taken

    def note(self, words: str) -> None:
        if len(self._oddities) < MOST_KEPT:
            self._oddities.append(words)
        elif len(self._oddities) == MOST_KEPT:
            self._oddities.append("and more")

    async def rows(
        self,
        call: Call,
        kind: type[W],
        path: str,
        params: Mapping[str, str | int] | None = None,
        *,
        key: Callable[[W], object],
    ) -> list[W]:
        """`GET` a JSON list; see `read_rows`."""
        return self.read_rows(call, kind, await self.connection.read(call, "GET", path, params=params), key=key)

    async def one(self, call: Call, kind: type[W], path: str) -> W:
        """`GET` a JSON object."""
        return self.read_object(call, kind, await self.connection.read(call, "GET", path))

    def read_rows(self, call: Call, kind: type[W], answer: Answer, *, key: Callable[[W], object]) -> list[W]:
        """The rows of a JSON list; `key` is the member without which a row says nothing. Raises ScmGarbled where the
        answer is no list, or has rows and none of them with a key: taken for an empty list it would wipe a mirror."""
        try:
            rows, odd = reading.many(kind, answer.body)
        except reading.WrongShape as error:
            raise self.connection.garbled(str(error)) from error
        if rows and not any(key(row) for row in rows):
            raise self.connection.garbled("none of its rows says what it is about")
        for number, each in odd.items():
            for words in each:
                self.note(f"{call.name}, row {number + 1}: {words}")
        return rows

    def read_object(self, call: Call, kind: type[W], answer: Answer) -> W:
        """Raises ScmGarbled where the answer is no object."""
        odd: list[str] = []
        try:
            found = reading.one(kind, answer.body, odd)
        except reading.WrongShape as error:
            raise self.connection.garbled(str(error)) from error
        for words in odd:
            self.note(f"{call.name}: {words}")
        return found

    def usable(self, call: Call, number: int | None, name: str | None) -> int:
        """A usable id, or 0 and an oddity."""
        odd: list[str] = []
        found = remote.usable_id(number, odd)
        for words in odd:
            self.note(f"{call.name}, {(name or '')[:60]!r}: {words}")
        return found

    def day(self, what: str, text: str | None) -> date | None:
        """A date; None and an oddity for text that is none."""
        try:
            return to_date(text) if text else None
        except ValueError:
            self.note(f"{what} is {(text or '')[:40]!r}, no date")
            return None

    def moment(self, what: str, text: str | None) -> datetime | None:
        """A moment in UTC; None and an oddity for text that is none."""
        try:
            return to_moment(text) if text else None
        except ValueError:
            self.note(f"{what} is {(text or '')[:40]!r}, no date")
            return None
