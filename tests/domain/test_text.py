"""Whatever comes from outside, what is shown moves no cursor and breaks no table."""

from __future__ import annotations

import shlex
import sys
import unicodedata

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from wcwidth import wcwidth

from kmptui.domain.text import COMBINING_IN_A_ROW, clip, no_formula, printable, shell_word, width

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


def test_a_flag_and_a_tone_of_skin_are_told_by_their_numbers() -> None:
    assert printable("\U0001f1e9\U0001f1ea") == "‹1F1E9›‹1F1EA›"
    assert printable("\U0001f44d\U0001f3fd") == "\U0001f44d‹1F3FD›"
    assert printable("\u2708\ufe0f") == "\u2708‹FE0F›"


def test_every_character_has_the_width_that_others_give_it() -> None:
    """By itself: as the toolkit and as terminals count it. Of what nobody has assigned, and of the large alphabets of
    one width, some stand for all."""
    for code in range(sys.maxunicode + 1):
        if code % 97 and unicodedata.category(chr(code)) in {"Cn", "Co", "Lo"}:
            continue
        shown = printable(f"a{chr(code)}b")
        assert width(shown) == cell_len(shown) == sum(max(0, wcwidth(char)) for char in shown), hex(code)


@given(ANYTHING)
def test_characters_together_have_the_width_that_others_give_them(text: str) -> None:
    shown = printable(text)
    assert width(shown) == cell_len(shown) == sum(max(0, wcwidth(char)) for char in shown)


@given(ANYTHING)
def test_a_shell_takes_it_for_one_word(text: str) -> None:
    assert shlex.split(f"kmptui show {shell_word(text)} --json") == ["kmptui", "show", printable(text), "--json"]
    assert shell_word("*.example.com; reboot") == "'*.example.com; reboot'"
    assert shell_word("www.example.com") == "www.example.com"


@given(
    st.text(" \t\r\n\xa0\u2003\u2028\u3000"),
    st.sampled_from(["=1+1", "+1", "-1", "@SUM(1)", "\uff1d1", "\t=1", "\n @x"]),
)
def test_no_text_is_a_formula(blanks: str, formula: str) -> None:
    """Whatever blanks, tabs and line breaks stand before it."""
    assert no_formula(printable(blanks + formula)).startswith("'")
    assert no_formula(f"x{formula}") == f"x{formula}"
