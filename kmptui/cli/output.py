"""Standard output: data, and nothing but data. Text from outside is made printable; JSON is ASCII."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from kmptui.domain.text import clip, no_formula, printable, width

WIDEST = 1_100
"""Cells of one column of a table."""


def line(text: str = "") -> None:
    """One line of text."""
    sys.stdout.write(printable(text) + "\n")


def raw(data: bytes) -> None:
    """Bytes as they are: an export to standard output."""
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def value(data: Any) -> None:
    """One JSON value, snake_case members, dates ISO 8601 in UTC; flushed, since a program may wait for it."""
    json.dump(data, sys.stdout, default=plain, indent=2)
    sys.stdout.write("\n")
    sys.stdout.flush()


def plain(data: object) -> Any:
    """What JSON does not know: moments and days as ISO 8601, sets and tuples as arrays."""
    if isinstance(data, datetime):
        return data.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    if isinstance(data, date):
        return data.isoformat()
    if isinstance(data, set | frozenset | tuple):
        return sorted(data) if isinstance(data, set | frozenset) else list(data)
    return str(data)


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A plain table: a line of titles, then one line a row, columns aligned, no line longer than its cells. What is
    longer than anything that SCM takes is cut, or it would make all other lines as long; JSON and CSV have it whole."""
    cells = [[clip(printable(_text(cell)[: 4 * WIDEST]), WIDEST) for cell in row] for row in rows]
    widths = [max([width(title), *(width(row[at]) for row in cells)]) for at, title in enumerate(columns)]
    for row in [list(columns), *cells]:
        padded = [cell + " " * (size - width(cell)) for cell, size in zip(row, widths, strict=True)]
        sys.stdout.write("  ".join(padded).rstrip() + "\n")


def fields(pairs: Iterable[tuple[str, object]]) -> None:
    """`label  value` lines, values aligned; empty values are left out."""
    shown = [(label, printable(_text(value))) for label, value in pairs if value not in (None, "", (), [])]
    size = max((width(label) for label, _ in shown), default=0)
    for label, text in shown:
        sys.stdout.write(f"{label}{' ' * (size - width(label))}  {text}\n")


def records(rows: Sequence[Mapping[str, object]], columns: Sequence[str], layout: str) -> None:
    """Rows as a table, as CSV whose cells cannot become formulas, or as one JSON array."""
    if layout == "json":
        value([dict(row) for row in rows])
    elif layout == "csv":
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([_cell(row.get(name)) for name in columns] for row in rows)
        sys.stdout.write(out.getvalue())
    else:
        table(columns, ([row.get(name) for name in columns] for row in rows))


def _cell(data: object) -> str:
    return no_formula(printable(_text(data)))


def _text(data: object) -> str:
    if data is None:
        return "-"
    if isinstance(data, bool):
        return "yes" if data else "no"
    if isinstance(data, list | tuple):
        return ", ".join(map(str, data))
    return str(plain(data)) if isinstance(data, date) else str(data)
