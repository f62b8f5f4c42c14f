"""Domain control validation (DCV): where it stands, and what has to be published for it (SCM REST 25.5, DCV).

Words are kept as SCM wrote them: `VALIDATED`, `Validated`; compare them with `kmptui.domain.domain.word`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from kmptui.domain.domain import word

METHODS = ("cname", "txt", "http", "https", "email")
"""As SCM's calls name them, those first that also prove the names below a domain and need no web server."""
METHOD_WORDS = {"cname": "CNAME", "txt": "TXT", "http": "HTTP", "https": "HTTPS", "email": "e-mail"}
LONGEST_STRING = 255
"""Octets of one string of a TXT record (RFC 1035 3.3)."""


class Step(StrEnum):
    """What comes next for a domain's validation."""

    START = "start"
    PUBLISH = "publish"
    AWAIT = "await"
    DONE = "done"


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

    @property
    def type(self) -> str:
        """The DNS record's type; empty where it is a file or a mail. SCM writes CNAME as CNAME_CSR_HASH, too."""
        return {"cname": "CNAME", "txt": "TXT"}.get(method_of(self.method), "") if self.point else ""

    @property
    def zone_line(self) -> str:
        """The record as a line of a zone file (RFC 1035 5.1); empty where it is none."""
        if not self.type:
            return ""
        value = _absolute(self.point) if self.type == "CNAME" else _quoted(self.point)
        return f"{_absolute(self.host)} IN {self.type} {value}"


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

    @property
    def step(self) -> Step:
        """An attempt that runs goes before what still holds: a validation is renewed before it ends."""
        attempt = word(self.order_status)
        if attempt == "awaitingsubmission":
            return Step.PUBLISH
        if attempt == "submitted":
            return Step.AWAIT
        return Step.DONE if word(self.status) == "validated" else Step.START

    @property
    def method(self) -> str:
        """The running attempt's, as in METHODS; empty where none runs or SCM does not say."""
        running = self.step in {Step.PUBLISH, Step.AWAIT} and self.record is not None
        return method_of(self.record.method) if running and self.record is not None else ""


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


@dataclass(frozen=True, slots=True)
class Dependents:
    """What is refused while a domain is not validated: renewals of `certificates` (valid ones without a successor, the
    first of which ends on `first`; `due` of them within `days`), and open `orders`, which wait for it."""

    certificates: int = 0
    orders: int = 0
    due: int = 0
    first: date | None = None
    days: int = 0

    @property
    def words(self) -> str:
        """`1 open order; the renewal of 12 certificates, 3 of them due within 30 d`; empty where nothing depends on
        it."""
        found = []
        if self.orders:
            found.append(f"{self.orders:,} open order{'' if self.orders == 1 else 's'}")
        if self.certificates:
            many = "" if self.certificates == 1 else "s"
            which = "" if self.due == self.certificates else f"{self.due:,} of them "
            due = f", {which}due within {self.days} d" if self.due else ""
            found.append(f"the renewal of {self.certificates:,} certificate{many}{due}")
        return "; ".join(found)


def method_of(text: str) -> str:
    """SCM's name of a method (CNAME, CNAME_CSR_HASH, DNSTXT_RANDOM_VALUE) as in METHODS; empty for another one."""
    folded = word(text)
    for start, method in (("cname", "cname"), ("dnstxt", "txt"), ("txt", "txt"), ("https", "https"), ("http", "http")):
        if folded.startswith(start):
            return method
    return "email" if "email" in folded else ""


def method_words(text: str) -> str:
    """SCM's name of a method as people call it; SCM's own word for another one."""
    return METHOD_WORDS.get(method_of(text), text)


def _absolute(name: str) -> str:
    """With the dot that keeps a zone file from adding its origin; a single label is left to it."""
    return name if "." not in name or name.endswith(".") else f"{name}."


def _quoted(text: str) -> str:
    """The strings of a TXT record."""
    pieces = [text[at : at + LONGEST_STRING] for at in range(0, len(text), LONGEST_STRING)]
    return " ".join('"' + piece.replace("\\", "\\\\").replace('"', '\\"') + '"' for piece in pieces)
