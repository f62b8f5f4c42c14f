"""Domain control validation (DCV): where it stands, and what has to be published for it (SCM REST 25.5, DCV).

Words are kept as SCM wrote them: `VALIDATED`, `Validated`; compare them with `kmptui.domain.domain.word`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class DcvRecord:
    """What the CA looks for: for CNAME and TXT the record `host` → `point`; for HTTP and HTTPS a file at `url` with two
    lines; for EMAIL the mailboxes that may be asked. `message` is SCM's own remark."""

    method: str
    host: str = ""
    point: str = ""
    url: str = ""
    first_line: str = ""
    second_line: str = ""
    emails: tuple[str, ...] = ()
    message: str = ""

    @property
    def publishable(self) -> bool:
        """Whether there is something to publish now."""
        return bool(self.point or self.url)


@dataclass(frozen=True, slots=True)
class DcvState:
    """Where the validation of a domain stands. `order_status` is the running attempt's: Not initiated, Awaiting
    submission, Submitted, Rejected. `record` is what is to be published for it, where SCM tells."""

    domain: str
    status: str = ""
    order_status: str = ""
    validated: date | None = None
    expires: date | None = None
    record: DcvRecord | None = None
    submitted: date | None = None
    last_check: datetime | None = None
    next_check: datetime | None = None
    message: str = ""


@dataclass(frozen=True, slots=True)
class DcvRow:
    """One line of SCM's search over all validations. Methods are named as SCM names them (`CNAME_CSR_HASH`)."""

    domain: str
    status: str = ""
    method: str = ""
    order_status: str = ""
    order_method: str = ""
    expires: date | None = None


@dataclass(frozen=True, slots=True)
class DcvLogLine:
    """What the CA saw of one domain of a waiting order; moments in UTC."""

    domain: str
    status: str = ""
    last_check: datetime | None = None
    next_check: datetime | None = None
    validated: datetime | None = None


@dataclass(frozen=True, slots=True)
class DcvInstruction:
    """What a waiting order still needs published for one of its domains."""

    domain: str
    record: DcvRecord


@dataclass(frozen=True, slots=True)
class OrderDcv:
    """The DCV of one order: what is to be published, what the CA saw, and the error that SCM names, if any."""

    instructions: tuple[DcvInstruction, ...] = ()
    log: tuple[DcvLogLine, ...] = ()
    problem: str = ""
