"""Revocations: the reason codes that SCM takes (RFC 5280, 5.3.1), how one is confirmed, and what proves it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from kmptui.domain.certificate import serial_hex
from kmptui.domain.names import display

REASONS: dict[int, str] = {
    1: "key was exposed",
    4: "replaced",
    5: "no longer used",
    3: "organization's details changed",
    0: "no reason given",
}
BY_NAME = "name"
BY_SERIAL = "serial"
"""What is typed to confirm: the common name where one live certificate has it, else the end of the serial."""
DIGITS = 4
"""Hex digits of the serial that are typed."""
CONSEQUENCES = (
    "Browsers stop trusting it within hours to days, many programs never check: put the new one on the servers first."
    " It cannot be undone."
)


@dataclass(frozen=True, slots=True)
class Living:
    """A certificate that is neither revoked nor expired. `number` is `c42`, or `o118` where only its order is here."""

    number: str
    serial: str
    issued: date | None
    ends: date | None

    @property
    def words(self) -> str:
        """`c42, serial …9C41, ends 2 Dec 2026`."""
        ends = f", ends {self.ends:%-d %b %Y}" if self.ends is not None else ""
        return f"{self.number}, serial …{self.serial[-DIGITS:]}{ends}"


@dataclass(frozen=True, slots=True)
class Revocation:
    """One revocation as the store keeps it. `confirmed`: SCM said that it is revoked; `listed`: the CRL at `crl_url`
    had the serial; `again`: when it is looked up next, None when it is not any more; `problem` the last trouble."""

    id: int
    certificate_id: int | None
    order_id: int | None
    serial: str
    common_name: str
    reason_code: int
    reason: str
    asked: datetime
    crl_url: str
    issuer: str = ""
    ends: datetime | None = None
    confirmed: datetime | None = None
    listed: datetime | None = None
    tries: int = 0
    again: datetime | None = None
    problem: str = ""

    @property
    def state(self) -> str:
        """listed, revoked (SCM says so, the CRL does not yet) or unconfirmed."""
        if self.listed is not None:
            return "listed"
        return "revoked" if self.confirmed is not None else "unconfirmed"


def confirms(typed: str, confirm: str, common_name: str, serial: str) -> bool:
    """Whether what was typed confirms: the whole serial always does, the common name (as it is written, or shown) or
    the serial's last four digits where they are asked for."""
    text = typed.strip()
    digits = text.replace(":", "").replace(" ", "").upper()
    if serial and (digits == serial or _same_serial(digits, serial)):
        return True
    if confirm == BY_NAME:
        return bool(common_name) and text.casefold() in {common_name.casefold(), display(common_name).casefold()}
    return bool(serial) and digits == serial[-DIGITS:]


def _same_serial(digits: str, serial: str) -> bool:
    """Whether a serial was written with or without leading zeros."""
    if len(digits) <= DIGITS:
        return False
    try:
        return serial_hex(digits) == serial
    except ValueError:
        return False
