"""How SCM writes: JSON answers, errors with code and description, dates, paging, and reading what clients send."""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, TypeVar

import msgspec
from starlette.datastructures import QueryParams
from starlette.responses import Response

from kmptui.sandbox.codes import text_of

T = TypeVar("T")
PAGE_LIMIT = 200
JSON = "application/json;charset=UTF-8"

# SCM REST 25.5, Date formatting: names and patterns, case-independent.
DATE_FORMATS = {
    "ISO": ("yyyy-MM-dd", "%Y-%m-%d"),
    "ISO_HMS": ("yyyy-MM-dd'T'HH:mm:ss.SSS'Z'", "%Y-%m-%dT%H:%M:%S.000Z"),
    "EU": ("dd.MM.yyyy", "%d.%m.%Y"),
    "EU_HMS": ("dd.MM.yyyy HH:mm:ss", "%d.%m.%Y %H:%M:%S"),
    "US": ("MM/dd/yyyy", "%m/%d/%Y"),
    "US_HMS": ("MM/dd/yyyy HH:mm:ss", "%m/%d/%Y %H:%M:%S"),
    "UK": ("dd/MM/yyyy", "%d/%m/%Y"),
    "UK_HMS": ("dd/MM/yyyy HH:mm:ss", "%d/%m/%Y %H:%M:%S"),
    "JP": ("yyyy/MM/dd", "%Y/%m/%d"),
    "JP_HMS": ("yyyy/MM/dd HH:mm:ss", "%Y/%m/%d %H:%M:%S"),
}
_PATTERNS = {key: strftime for name, (java, strftime) in DATE_FORMATS.items() for key in (name.lower(), java.lower())}


class Refusal(Exception):
    """SCM's No: an HTTP status, one of its error codes, and the description it gives with it."""

    def __init__(self, code: int, *values: object, status: int = 400, text: str | None = None) -> None:
        self.status = status
        self.code = code
        self.description = text if text is not None else text_of(code, *values)
        super().__init__(f"{status} {code}: {self.description}")

    def response(self) -> Response:
        return json_response({"code": self.code, "description": self.description}, status=self.status)


def json_response(value: object, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(msgspec.json.encode(value), status_code=status, media_type=JSON, headers=dict(headers or {}))


def no_content() -> Response:
    return Response(status_code=204)


def us_date(seconds: float | None) -> str | None:
    """``05/21/2026``, as SSL details write dates (SCM REST 25.5, Get SSL certificate details)."""
    return None if seconds is None else _format(int(seconds), "%m/%d/%Y")


def iso_date(seconds: float | None) -> str | None:
    """``2026-05-21``, as domains, DCV and passwords write dates."""
    return None if seconds is None else _format(int(seconds), "%Y-%m-%d")


@lru_cache(maxsize=200_000)
def _stamp(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def stamp(seconds: float | None) -> str | None:
    """``2026-05-21T12:34:24.000Z``, as reports and organization validations write times."""
    return None if seconds is None else _stamp(int(seconds))


def log_time(seconds: float | None) -> str | None:
    """``2026-05-21 12:24:26``, as DCV logs write times."""
    return None if seconds is None else _format(int(seconds), "%Y-%m-%d %H:%M:%S")


def date_writer(wanted: str | None) -> Callable[[float | None], str | None]:
    """The writer for a ``dateFormat`` parameter; US without one. Refusal -1601 for a format that SCM does not know."""
    if not wanted:
        return us_date
    pattern = _PATTERNS.get(wanted.lower())
    if pattern is None:
        raise Refusal(-1601, "dateFormat")
    return lambda seconds: None if seconds is None else _format(int(seconds), pattern)


def _format(seconds: int, pattern: str) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime(pattern)


def serial_text(serial: int) -> str:
    """A serial number as SCM's lists and details write it: hexadecimal bytes with colons."""
    return serial.to_bytes((serial.bit_length() + 7) // 8 or 1).hex(":").upper()


def serial_number(text: str) -> int | None:
    """The serial in hexadecimal *text*, with or without colons or a 0x; None if it is not one."""
    cleaned = text.strip().replace(":", "").replace(" ", "").removeprefix("0x").removeprefix("0X")
    try:
        return int(cleaned, 16)
    except ValueError:
        return None


def page(items: Sequence[T], query: QueryParams) -> Sequence[T]:
    """The window ``position`` … ``position + size`` of *items*; ``size`` is 200 without one, and never more."""
    size = query_number(query, "size", minimum=0)
    position = query_number(query, "position", minimum=0) or 0
    return items[position : position + (PAGE_LIMIT if size is None else min(size, PAGE_LIMIT))]


def listing(items: Sequence[T], query: QueryParams, render: Callable[[T], object]) -> Response:
    """One page of *items* as JSON, with the whole count in ``X-Total-Count``."""
    rows = [render(item) for item in page(items, query)]
    return json_response(rows, headers={"X-Total-Count": str(len(items))})


def query_number(query: QueryParams, name: str, *, minimum: int = 1) -> int | None:
    """A whole number from the query string, None where it is absent or empty. Refusal -1601 for anything else."""
    text = query.get(name)
    if not text:
        return None
    if not re.fullmatch(r"[0-9]{1,10}", text) or int(text) < minimum:
        raise Refusal(-1601, name)
    return int(text)


def read_object(body: bytes) -> dict[str, Any]:
    """The JSON object in *body*; Refusal -1002 if there is none."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise Refusal(-1002) from None
    if not isinstance(value, dict):
        raise Refusal(-1002)
    return value


def text_field(body: Mapping[str, Any], name: str, *, minimum: int = 0, maximum: int | None = None) -> str | None:
    """A text member; absent and null are None. Refusal -1601 for another type or length."""
    value = body.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or len(value) < minimum or (maximum is not None and len(value) > maximum):
        raise Refusal(-1601, name)
    return value


def required_text(body: Mapping[str, Any], name: str, *, maximum: int | None = None) -> str:
    """A text member that must be there and not empty. Refusals: -7 where it is not, -1601 for its type or length."""
    value = text_field(body, name, maximum=maximum)
    if not value:
        raise Refusal(-7, name)
    return value


def number_field(body: Mapping[str, Any], name: str, *, minimum: int = 1) -> int | None:
    """A whole-number member; absent and null are None. Refusal -1601 for another type or a number too small."""
    value = body.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or value < minimum:
        raise Refusal(-1601, name)
    return value


def required_number(body: Mapping[str, Any], name: str, *, minimum: int = 1) -> int:
    """A whole-number member that must be there. Refusals: -7 where it is not, else as :func:`number_field`."""
    value = number_field(body, name, minimum=minimum)
    if value is None:
        raise Refusal(-7, name)
    return value


def names_field(body: Mapping[str, Any], name: str) -> list[str] | None:
    """A member that lists names, as a JSON list or as one text with commas; absent and null are None."""
    value = body.get(name)
    if value is None:
        return None
    if isinstance(value, str):
        return split_names(value)
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return [item.strip() for item in value if item.strip()]
    raise Refusal(-1601, name)


def split_names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def without_absent(pairs: Iterable[tuple[str, object]]) -> dict[str, object]:
    """A JSON object without the members that SCM would leave out because they have no value."""
    return {name: value for name, value in pairs if value is not None}
