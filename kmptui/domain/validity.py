"""Public dates of the field, in one place: how long certificates and proofs of control may live.

Sources: CA/Browser Forum ballot SC-081v3 (limits from 2026-03-15, 2027-03-15, 2029-03-15); Sectigo's own margins.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Period:
    """From `start` on: days that a public TLS certificate and a reused DCV may live."""

    start: date
    certificate_days: int
    dcv_days: int


PERIODS = (
    Period(date(2020, 9, 1), 398, 398),
    Period(date(2026, 3, 15), 200, 200),
    Period(date(2027, 3, 15), 100, 100),
    Period(date(2029, 3, 15), 47, 10),
)
ORGANIZATION_DATA_DAYS = 398


def period(day: date) -> Period:
    """The period in force on a day (the first one for any day before it)."""
    return max((p for p in PERIODS if p.start <= day), key=lambda p: p.start, default=PERIODS[0])


def longest_issued(day: date) -> int:
    """Days for which Sectigo issues a public certificate on `day`: one less than the ballot's limit."""
    return period(day).certificate_days - 1
