"""The gate from foreign text to widgets."""

from __future__ import annotations

import os
import time
import unicodedata
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kmptui.domain.text import width
from kmptui.errors import ScmRefused
from kmptui.tui import present

NOW = datetime(2026, 11, 23, 3, 12, tzinfo=UTC)


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The host's zone is one with an offset and daylight saving."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    os.environ.pop("TZ", None)
    time.tzset()


HOSTILE = [
    "\x1b[31mred\x1b[0m",
    "a[/]b",
    "[bold]x[/bold]",
    "bell\x07 c1\x9b31m",
    "‮gnirts",
    "zero\u200bwidth\u2060",
    "line\nbreak\ttab\r",
    "\ud800 alone",
    "e" + "\u0301" * 400,
    "漢字" * 40,
    "👩‍👩‍👧 🏳️‍🌈",
    "x" * 10_000,
    "\u2028\u2029\u0085",
    "\x00\x7f",
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_is_one_printable_line(text: str) -> None:
    shown = present.line(text)
    assert all(unicodedata.category(c) not in {"Cc", "Cf", "Cs", "Zl", "Zp"} for c in shown)
    assert present.text(text).plain == shown, "nothing is read as markup"
    shown.encode("utf-8")


@given(st.text(max_size=60), st.integers(0, 40))
def test_a_cell_takes_exactly_its_cells(text: str, cells: int) -> None:
    shown = present.cell(text, cells)
    assert width(shown) == cells
    assert width(present.line(text, cells)) <= cells


@given(st.lists(st.text(max_size=30), max_size=6))
def test_joined_parts_are_printable(parts: list[str]) -> None:
    plain = present.join(*parts, *((part, present.ERROR) for part in parts)).plain
    assert plain == "".join(map(present.line, parts * 2))


def test_the_cut_is_marked() -> None:
    assert present.line("example.edu", 6) == "examp…"
    assert present.cell("漢字漢字", 4) in {"漢… ", "漢字"}


def test_names_show_both_forms_where_there_is_room() -> None:
    assert present.name("xn--bcher-kva.example") == "bücher.example (xn--bcher-kva.example)"
    assert present.name("xn--bcher-kva.example", 25) == "xn--bcher-kva.example"


@pytest.mark.usefixtures("berlin")
def test_dates_are_told_in_the_zone_of_the_host() -> None:
    late = datetime(2026, 12, 1, 23, 30, tzinfo=UTC)
    assert present.day(late) == "2 Dec 2026"
    assert present.when(date(2026, 12, 2), NOW) == "2 Dec 2026, in 9 d"
    assert present.when(date(2026, 11, 20), NOW) == "20 Nov 2026, 3 d ago"
    assert present.when(None, NOW) == "-"
    assert present.clock(NOW - timedelta(hours=1), NOW) == "03:12"
    assert present.clock(NOW - timedelta(days=2), NOW) == "Sat 04:12"
    assert present.clock(NOW - timedelta(days=20), NOW) == "3 Nov 2026 04:12"
    assert present.zone() == "CET" or present.zone() == "CEST"


def test_expiry_columns() -> None:
    assert present.expiry(date(2026, 12, 2), NOW) == "    9 d   2 Dec"
    assert present.expiry(NOW.date(), NOW) == f"  today  {NOW.day} Nov"
    assert present.expiry(date(2026, 11, 20), NOW) == "  ended  20 Nov"
    assert present.expiry(date(2029, 12, 2), NOW).endswith("2 Dec 2029")


def test_counts_have_separators() -> None:
    assert present.counted(1, "order") == "1 order"
    assert present.counted(3041, "order") == "3,041 orders"


def test_what_the_server_said_is_printable() -> None:
    error = ScmRefused("Refused", code=-7, text="bad \x1b[2J [/] name", kind="request")
    assert "\x1b" not in present.server_said(error)
    assert present.error(error).plain.startswith("Refused")
