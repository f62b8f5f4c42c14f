"""Rows as CSV or JSON, for files that others open: cells cannot become formulas, JSON is ASCII, moments are UTC."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from kmptui.domain.text import no_formula, printable
from kmptui.errors import BadInput

FORMATS = ("csv", "json")


def encoded(kind: str, columns: Sequence[str], rows: Sequence[Mapping[str, object]]) -> bytes:
    """The rows as bytes; `kind` is csv or json. Raises BadInput("format")."""
    known(kind)
    if kind == "json":
        return (json.dumps([dict(row) for row in rows], default=plain, indent=1) + "\n").encode("ascii")
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")  # RFC 4180
    writer.writerow(columns)
    writer.writerows([cell(row.get(name)) for name in columns] for row in rows)
    return out.getvalue().encode("utf-8")


def known(kind: str) -> None:
    """Raise BadInput("format") for another format than csv and json."""
    if kind not in FORMATS:
        raise BadInput("format", f"{kind!r} is no format of lists", cure=" or ".join(FORMATS))


def plain(value: object) -> Any:
    """What JSON does not know."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, set | frozenset):
        return sorted(value)
    return str(value)


def cell(value: object) -> str:
    """One printable CSV cell that no spreadsheet takes for a formula (a leading apostrophe keeps it text)."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, Mapping):
        text = "; ".join(f"{name}={part}" for name, part in value.items())
    elif isinstance(value, list | tuple):
        text = ", ".join(map(str, value))
    else:
        text = str(plain(value)) if isinstance(value, date) else str(value)
    return no_formula(printable(text))
