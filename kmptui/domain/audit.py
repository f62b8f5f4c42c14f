"""The record of what was done: who, when, on what, with which outcome. No secrets, ever."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts. `face` is tui, cli or timer; what is not known reads "unknown"."""

    face: str
    user: str = "unknown"
    sudo_user: str = ""
    ssh_source: str = ""
    host: str = "unknown"
    pid: int = 0
    unit: str = ""

    def __str__(self) -> str:
        who = f"{self.sudo_user} (as {self.user})" if self.sudo_user else self.user
        whence = f" from {self.ssh_source}" if self.ssh_source else ""
        return f"{self.face} {self.unit or who}@{self.host}{whence}"


@dataclass(frozen=True, slots=True)
class Stamp:
    """When and by whom a row is written: `account` is `login@customer-uri`, or empty before the first link."""

    at: datetime
    actor: Actor
    account: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """What is about to be recorded; the members mean what they mean in AuditRow."""

    action: str
    phase: str = "done"
    outcome: str = "done"
    subject: str = ""
    order_id: int | None = None
    certificate_id: int | None = None
    reason: str = ""
    details: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One row of the chain. `seq` counts from 1 without gaps; `hash` covers the row and `previous`, hex SHA-256.

    `action` is the verb (link, sync, import, order, collect, export, attach key, delete, settings …), `phase` is intent
    or outcome or done, `outcome` accepted, refused, unconfirmed, done, failed …; `subject` what it was done to in
    words, `order_id` and `certificate_id` ours where there is one; `details` small facts as text.
    """

    seq: int
    at: datetime
    actor: str
    account: str
    action: str
    phase: str
    outcome: str
    subject: str
    order_id: int | None = None
    certificate_id: int | None = None
    reason: str = ""
    details: tuple[tuple[str, str], ...] = field(default=())
    previous: str = ""
    hash: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check of the chain found: `intact`, the number of rows, the head's hash, and the first bad row."""

    intact: bool
    rows: int
    head: str
    first_bad: int | None = None
    problem: str = ""
