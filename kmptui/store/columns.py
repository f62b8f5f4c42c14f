"""How values stand in columns: moments, days, lists of names, JSON; and the Peewee fields that do so.

Moments are UTC as `YYYY-MM-DDThh:mm:ss.ffffffZ`, days as `YYYY-MM-DD`: both sort as text. `expires` of an order that
has none stands as NEVER, so that it sorts behind all others; other missing days stand as "".
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any

import peewee

NEVER = "9999-12-31"
SEPARATOR = "\x1f"
"""Between names: no host name holds it, and `clean_name` takes it out of what is none."""


def moment_text(at: datetime) -> str:
    """Raises ValueError for a moment without a zone: it would be read as another one."""
    if at.tzinfo is None:
        raise ValueError("a moment without a time zone")
    return at.astimezone(UTC).isoformat(timespec="microseconds")[:26] + "Z"


def moment_of(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def day_text(day: date | None) -> str:
    return day.isoformat() if day is not None else ""


def day_of(text: str | None) -> date | None:
    return date.fromisoformat(text) if text and text != NEVER else None


_JSON = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"))


def json_text(value: object) -> str:
    return _JSON.encode(value)


@lru_cache(maxsize=4_096)
def pairs_text(pairs: tuple[tuple[str, str], ...]) -> str:
    """Pairs of texts as JSON; "" for none. Kept, since many orders have the same custom fields."""
    return json_text(pairs) if pairs else ""


def pairs_of(text: str) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in json.loads(text)) if text else ()


def texts_text(texts: Iterable[str]) -> str:
    listed = list(texts)
    return json_text(listed) if listed else ""


def texts_of(text: str) -> tuple[str, ...]:
    return tuple(json.loads(text)) if text else ()


def names_text(names: Iterable[str]) -> str:
    """Names in their order, joined by SEPARATOR."""
    listed = list(names)
    joined = SEPARATOR.join(listed)
    if joined.count(SEPARATOR) != len(listed) - 1 and listed:
        joined = SEPARATOR.join(name.replace(SEPARATOR, " ") for name in listed)
    return joined


def names_of(text: str) -> tuple[str, ...]:
    return tuple(text.split(SEPARATOR)) if text else ()


def clean(text: str) -> str:
    """Text that a TEXT column can hold: without NUL (it ends C strings) and lone surrogates (no UTF-8)."""
    if "\0" in text:
        text = text.replace("\0", "\N{REPLACEMENT CHARACTER}")
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    return text


def serial_text(text: str) -> str:
    """A serial as upper-case hex in pairs, without separators and needless zeros; what is no hex stays as it is."""
    digits = text.replace(":", "").replace(" ", "").upper().lstrip("0")
    return "0" + digits if len(digits) % 2 else digits


class MomentField(peewee.TextField):
    """An aware datetime, or None."""

    def db_value(self, value: Any) -> Any:
        return moment_text(value) if isinstance(value, datetime) else value

    def python_value(self, value: Any) -> Any:
        return moment_of(value)


class DayField(peewee.TextField):
    """A date; None stands as ""."""

    def db_value(self, value: Any) -> Any:
        return day_text(value) if value is None or isinstance(value, date) else value

    def python_value(self, value: Any) -> Any:
        return day_of(value)


class ExpiryField(DayField):
    """A date; None stands as NEVER."""

    def db_value(self, value: Any) -> Any:
        return super().db_value(value) or NEVER


class CleanField(peewee.TextField):
    """Text from outside, made storable."""

    def db_value(self, value: Any) -> Any:
        return clean(value) if isinstance(value, str) else value


class NamesField(peewee.TextField):
    """A tuple of names."""

    def db_value(self, value: Any) -> Any:
        return clean(names_text(value)) if isinstance(value, tuple) else value

    def python_value(self, value: Any) -> Any:
        return names_of(value)


class PairsField(peewee.TextField):
    """A tuple of (name, value)."""

    def db_value(self, value: Any) -> Any:
        return pairs_text(value) if isinstance(value, tuple) else value

    def python_value(self, value: Any) -> Any:
        return pairs_of(value)


class TextsField(peewee.TextField):
    """A tuple of texts."""

    def db_value(self, value: Any) -> Any:
        return texts_text(value) if isinstance(value, tuple) else value

    def python_value(self, value: Any) -> Any:
        return texts_of(value)
