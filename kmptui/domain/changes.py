"""What somebody else did in SCM between two looks at it: in the console, with another client, or SCM by itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from kmptui.domain.listing import Topic


class ChangeKind(StrEnum):
    """What happened."""

    NEW = "new"
    """An order that was not made here, and that was not there at the last look."""
    REVOKED = "revoked"
    REISSUED = "reissued"
    """The same order has, or is getting, another certificate."""
    RENEWED = "renewed"
    """There is a newer order for the same names, or SCM says that there is one."""
    VANISHED = "vanished"
    """SCM lists it no more."""
    CHANGED = "changed"
    """A profile offers other terms or keys."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change. `at` is when it was noticed; `topic` orders or profiles, `subject` the common name or the profile's
    name, `order_id` ours, `row_id` of a profile, or our id of the new order where one was renewed; `before` and `after`
    in words; `seen` when a person acknowledged it."""

    id: int
    at: datetime
    topic: Topic
    kind: ChangeKind
    subject: str
    order_id: int | None
    row_id: int | None
    before: str
    after: str
    seen: datetime | None = None

    @property
    def number(self) -> str:
        """`o118`, or `profile 2103`."""
        return f"o{self.order_id}" if self.order_id is not None else f"profile {self.row_id}"

    def __str__(self) -> str:
        """`o118 shop.example.edu was revoked: issued, ends 2 Dec 2026 → revoked on 3 Nov 2026`."""
        told = f"{self.before} → {self.after}" if self.before else self.after
        return f"{self.number} {self.subject}, {self.kind}: {told}"
