"""The record of what was done: who, when, on what, with which outcome. No secrets, ever."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime


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
class RenewalLine:
    """One attempt to renew or reissue a certificate: what the record says of it, joined with the ledger.

    `seq` is the row of the record that it began with, `action` renew or reissue. `order_id` and `ssl_id` are those of
    the order that the request made (None where none was made; a reissue keeps its order), `old_…` those of what was to
    be replaced. Serials and ends are those of the certificates where they are here, else what SCM told of the orders.
    `why` is why it was due, `outcome` a word of OUTCOMES or one that the schedule recorded, `cause` what kept it from
    being renewed, `next_try` when it is tried again by itself.
    """

    seq: int
    at: datetime
    action: str
    common_name: str
    names: tuple[str, ...]
    actor: str
    account: str
    why: str
    outcome: str
    cause: str
    next_try: datetime | None
    old_order_id: int | None
    old_ssl_id: int | None
    old_serial: str
    old_expires: date | None
    order_id: int | None
    ssl_id: int | None
    serial: str
    expires: date | None
    certificate_id: int | None


OUTCOMES: tuple[str, ...] = (
    "renewed", "reissued", "pending", "under way", "blocked", "deferred", "refused", "unconfirmed", "not placed",
    "not sent", "failed",
)  # fmt: skip
"""What becomes of an attempt: the new certificate is here; SCM has the order; the request is being sent; it was not
made, for a person or for a while; SCM said no; it may have been acted on; SCM does not have it; nothing was sent; SCM
took it and issues nothing, or the schedule failed."""


@dataclass(frozen=True, slots=True)
class RenewalSums:
    """Attempts of a range of days, counted: by outcome, and the requests among them by their state in the ledger."""

    attempts: int
    outcomes: dict[str, int]
    states: dict[str, int]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check of the chain found: `intact`, the number of rows, the head's hash, and the first bad row."""

    intact: bool
    rows: int
    head: str
    first_bad: int | None = None
    problem: str = ""
