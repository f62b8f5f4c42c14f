"""Whatever comes from outside, what is shown moves no cursor and breaks no table."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from kmptui.domain.text import COMBINING_IN_A_ROW, clip, no_formula, printable, width

ANYTHING = st.text(st.characters(codec=None, categories=None), max_size=60)


@given(ANYTHING)
def test_nothing_that_a_terminal_obeys_is_left(text: str) -> None:
    shown = printable(text)
    assert not [c for c in shown if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}]
    assert printable(shown) == shown


@given(ANYTHING, st.integers(1, 40))
def test_a_clipped_text_fits(text: str, cells: int) -> None:
    shown = printable(text)
    assert width(clip(shown, cells)) <= cells
    if width(shown) <= cells:
        assert clip(shown, cells) == shown


def test_what_was_there_can_still_be_told() -> None:
    assert printable("a\x1b[31mb") == "a␛[31mb"
    assert printable("a\u202eb") == "a‹202E›b"
    assert printable("one\ntwo\tthree") == "one two three"
    assert printable("\x9b31m") == "‹009B›31m"
    assert printable("\ud800") == "\ufffd"
    assert printable("bücher 日本") == "bücher 日本"


def test_a_flood_of_marks_is_cut() -> None:
    assert printable("z" + "\u0301" * 500) == "z" + "\u0301" * COMBINING_IN_A_ROW


def test_widths_are_cells() -> None:
    assert width("日本") == 4
    assert clip("日本語", 5) == "日本…"


@given(
    st.text(" \t\r\n\xa0\u2003\u2028\u3000"),
    st.sampled_from(["=1+1", "+1", "-1", "@SUM(1)", "\uff1d1", "\t=1", "\n @x"]),
)
def test_no_text_is_a_formula(blanks: str, formula: str) -> None:
    """Whatever blanks, tabs and line breaks stand before it."""
    assert no_formula(printable(blanks + formula)).startswith("'")
    assert no_formula(f"x{formula}") == f"x{formula}"
