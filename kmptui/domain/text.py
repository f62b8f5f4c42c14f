"""Text from outside, made printable: it moves no cursor, colours nothing, breaks no table.

Every control and format character becomes a visible symbol; newline and tab become a blank; a flood of combining marks
is cut; a character that takes one cell on some terminals and two on others is told by its number. What comes back is
one line, safe for a terminal, a log and a file, of a width that is known, and still tells what was there.
"""

from __future__ import annotations

import shlex
import unicodedata

COMBINING_IN_A_ROW = 3
FORMULA_STARTS = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What a spreadsheet takes for the beginning of a formula; the last four are their full-width forms."""


_DISPUTED = (
    (0x2630, 0x2637), (0x268A, 0x268F), (0x4DC0, 0x4DFF), (0x1D300, 0x1D356), (0x1D360, 0x1D378),  # wide since 2024
    (0xFE00, 0xFE0F), (0xE0100, 0xE01EF),  # selectors of a variation, which may make the former character wide
    (0x1F1E6, 0x1F1FF), (0x1F3FB, 0x1F3FF),  # halves of flags and tones of skin: alone, or one with their neighbour
)  # fmt: skip
"""First and last of the characters about whose cells terminals and their libraries disagree."""


def printable(text: str) -> str:
    """One printable line. ASCII controls become their pictures (ESC is ␛), others their code point in ‹›."""
    if text.isascii() and text.isprintable():
        return text
    out: list[str] = []
    marks = 0
    for char in text:
        kind = unicodedata.category(char)
        marks = marks + 1 if _joins(char, kind) else 0
        if marks > COMBINING_IN_A_ROW:
            continue
        out.append(_shown(char, kind))
    return "".join(out)


def _joins(char: str, kind: str) -> bool:
    """Whether it stands in the cell of the character before it: marks, and vowels and ends of Hangul syllables."""
    return kind in {"Mn", "Me", "Mc"} or "\u1160" <= char <= "\u11ff" or "\ud7b0" <= char <= "\ud7ff"


def _shown(char: str, kind: str) -> str:
    code = ord(char)
    if char in "\n\r\t\u2028\u2029":
        return " "
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\u2421"
    if kind == "Cs":
        return "\ufffd"
    if kind in {"Cc", "Cf", "Cn", "Co"} or char in "\u115f\u1160\u3164\uffa0":  # Hangul fillers are blank and wide
        return f"\u2039{code:04X}\u203a"
    if code >= 0x2630 and any(first <= code <= last for first, last in _DISPUTED):
        return f"\u2039{code:04X}\u203a"
    return " " if kind == "Zs" else char


def shell_word(text: str) -> str:
    """A printable word of a command line that is shown to be copied: quoted where a shell would take it for more."""
    return shlex.quote(printable(text))


def no_formula(text: str) -> str:
    """A printable line that no spreadsheet takes for a formula, not even one that trims blanks: a leading apostrophe
    keeps it text."""
    return "'" + text if text.lstrip().startswith(FORMULA_STARTS) else text


def width(text: str) -> int:
    """Terminal cells that a printable line takes (UAX 11: wide and full-width characters take two)."""
    if text.isascii():
        return len(text)
    cells = 0
    for char in text:
        if not _joins(char, unicodedata.category(char)):
            cells += 2 if unicodedata.east_asian_width(char) in {"W", "F"} else 1
    return cells


def clip(text: str, cells: int) -> str:
    """At most `cells` cells of a printable line, the cut marked by an ellipsis."""
    if width(text) <= cells:
        return text
    out, used = [], 0
    for char in text:
        size = width(char)
        if used + size > cells - 1:
            break
        out.append(char)
        used += size
    return "".join(out) + "…"
