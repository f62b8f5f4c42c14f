"""SCM's dates: seven ways to write a day, one meaning.

SCM REST 25.5, Date formatting: SSL details write `05/21/2026` (US order, no time), domains, DCV lists and passwords
`2026-05-21`, reports and organization validations `2026-05-21T12:34:24.000Z`, DCV logs `2026-05-21 12:34:24`; servers
with another default write `21.05.2026` or `2026/05/21`. Moments without a zone are UTC.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta, timezone
from email.utils import parsedate_to_datetime
from functools import lru_cache

_CLOCK = r"(?:[T ](?P<h>\d\d):(?P<i>\d\d)(?::(?P<s>\d\d)(?:[.,]\d{1,9})?)?\s?(?P<zone>Z|[+-]\d\d:?\d\d)?)?"
_FORMS = tuple(
    re.compile(day + _CLOCK, re.ASCII)
    for day in (
        r"(?P<y>\d{4})-(?P<m>\d\d)-(?P<d>\d\d)",
        r"(?P<m>\d\d)/(?P<d>\d\d)/(?P<y>\d{4})",
        r"(?P<d>\d\d)\.(?P<m>\d\d)\.(?P<y>\d{4})",
        r"(?P<y>\d{4})/(?P<m>\d\d)/(?P<d>\d\d)",
    )
)
_REPORTED = re.compile(r"(\d{4}-\d\d-\d\d)T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?Z", re.ASCII)
"""The form of reports, of which there are many: its day alone is looked up."""
_YEARS = range(1970, 10_000)


def to_moment(text: str) -> datetime:
    """The moment, aware and in UTC, whole seconds; midnight where only a day is given. Raises ValueError."""
    bare = text.strip()
    found = next((match for form in _FORMS if (match := form.fullmatch(bare))), None) if len(bare) <= 40 else None
    if found is None or int(found["y"]) not in _YEARS:
        raise ValueError("no date of a form that SCM uses")
    day = date(int(found["y"]), int(found["m"]), int(found["d"]))
    clock = time(int(found["h"] or 0), int(found["i"] or 0), int(found["s"] or 0))
    try:
        return datetime.combine(day, clock, _zone(found["zone"])).astimezone(UTC)
    except OverflowError:
        raise ValueError("a date beyond the calendar") from None


def from_header(text: str) -> datetime | None:
    """The moment of an HTTP header (RFC 9110, 5.6.7); None for text that is none, or names no zone."""
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):  # what its parser is known to let through
        return None
    return found if found.tzinfo is not None else None


def to_date(text: str) -> date:
    """The day in UTC. Raises ValueError."""
    plain = _REPORTED.fullmatch(text)
    return _day(plain[1]) if plain else _day(text)


@lru_cache(maxsize=16_384)
def _day(text: str) -> date:
    return to_moment(text).date()


def _zone(text: str | None) -> timezone:
    if text is None or text == "Z":
        return UTC
    away = timedelta(hours=int(text[1:3]), minutes=int(text[-2:]))
    return timezone(-away if text[0] == "-" else away)
