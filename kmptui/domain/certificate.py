"""Certificates of the repository."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class CertificateStatus(StrEnum):
    """Superseded: a newer one of its order or renewal took its place, and it still lives."""

    VALID = "valid"
    EXPIRED = "expired"
    REVOKED = "revoked"
    SUPERSEDED = "superseded"


def serial_hex(serial: str | int) -> str:
    """A serial as kmptui keeps it: upper-case hex in whole bytes, without separators and leading zero bytes. SCM writes
    `00:a1:0b`, openssl `A10B`, the report perhaps `a10b`. Raises ValueError for what is no positive hex number."""
    number = int("".join(serial.split()).replace(":", ""), 16) if isinstance(serial, str) else serial
    if number < 0:
        raise ValueError("a serial is not negative")
    digits = f"{number:X}"
    return digits.zfill(len(digits) + len(digits) % 2)


class Source(StrEnum):
    """Where a certificate came from."""

    ORDERED = "ordered"
    IMPORTED = "imported"
    RENEWED = "renewed"
    REISSUED = "reissued"


@dataclass(frozen=True, slots=True)
class CertificateRow:
    """One line of the Certificates list. `serial` is upper-case hex without separators."""

    id: int
    serial: str
    common_name: str
    names_count: int
    not_before: datetime
    not_after: datetime
    issuer: str
    has_key: bool
    order_id: int | None
    source: Source
    revoked: bool = False
    superseded: bool = False
    exported: datetime | None = None

    @property
    def number(self) -> str:
        """`c42`."""
        return f"c{self.id}"

    def status(self, now: datetime) -> CertificateStatus:
        if self.revoked:
            return CertificateStatus.REVOKED
        if self.not_after <= now:
            return CertificateStatus.EXPIRED
        return CertificateStatus.SUPERSEDED if self.superseded else CertificateStatus.VALID


@dataclass(frozen=True, slots=True)
class Certificate:
    """All of one certificate. `leaf` and `chain` are DER; the chain starts at the leaf's issuer and ends at the root
    where it was given."""

    row: CertificateRow
    names: tuple[str, ...]
    leaf: bytes
    chain: tuple[bytes, ...]
    sha256: str
    spki: str
    key: str
    subject: str = ""
    added: datetime | None = None

    @property
    def id(self) -> int:
        return self.row.id
