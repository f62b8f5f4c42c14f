"""Texts that bite: every control character, sequences of terminals, bidi, marks, markup, formulas, floods."""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Iterator

WORD = "web01.example.com"
SEQUENCES = (
    "\x1b[31337z", "\x1b[2J\x1b[H", "\x1b[6n", "\x1b[c", "\x1b[?1049l", "\x1b[?25l", "\x1b[8;5;5t", "\x1b[5i",
    "\x1b[38;2;255;0;0m", "\x1b[7m", "\x1bc", "\x1b#8", "\x1b(0", "\x1b7\x1b8", "\x1b[1;1r", "\x1b[999;999H",
    "\x1b]0;owned\x07", "\x1b]2;owned\x1b\\", "\x1b]52;c;b3duZWQ=\x07", "\x1b]52;c;?\x07", "\x1b]4;1;rgb:0/0/0\x07",
    "\x1b]8;;http://example.com\x1b\\x\x1b]8;;\x1b\\", "\x1b]1337;File=inline=1:AA==\x07", "\x1b]777;notify;a;b\x07",
    "\x1bP1$q\x1b\\", "\x1bPq#0;2;0;0;0~-\x1b\\", "\x1b_Gf=24;AAAA\x1b\\", "\x1b^private\x1b\\", "\x1bX\x1b\\",
    "\x9b31m", "\x9b2J", "\x90q\x9c", "\x9d0;owned\x9c", "\x9e\x9c", "\x84\x85\x8d", "\x1b", "\x1b[", "\x1b]", "\x1bP",
)  # fmt: skip
MARKUP = (
    "[/]", "[red", "[bold]x[/bold]", "[@click=app.bell]y[/]", "[@click='app.quit']y[/]", "[link=http://x]y[/link]",
    "[$primary]x", "$text", "$", "[[", "]]", "[]", "\\[red]", "[on red]", ":smile:", "[#ff0000]", "[b][/i]",
    "<b>x</b>", "{0}", "{x!r}", "%s%n", "${HOME}", "$(id)", "`id`", "; rm -rf ~", "--help", "-", "\\", "'", '"', "\\n",
    "%00", "../../etc/passwd", "|", "||", " | x=1;2;3", "&& true", "#", "key=value", ",", ";", "\t", "\r\n", "\n\n\n",
)  # fmt: skip
FORMULAS = tuple(
    start + rest
    for start in ("=", "+", "-", "@", "\t=", "\r=", "\n=", " =", "\u200b=", "\uff1d", "\uff0b", "\uff20", '"=', "'=")
    for rest in ("1+1", "cmd|' /C calc'!A0", 'HYPERLINK("http://example.com")')
)
BIDI = tuple(chr(code) for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x061C))
BLANK = tuple(
    chr(code)
    for code in (
        0x00A0, 0x00AD, 0x034F, 0x115F, 0x1160, 0x17B4, 0x180E, *range(0x2000, 0x2010), 0x2028, 0x2029, 0x202F, 0x205F,
        *range(0x2060, 0x2065), *range(0x206A, 0x2070), 0x3000, 0x3164, 0xFE0F, 0xFEFF, 0xFFA0, *range(0xFFF9, 0xFFFE),
        0xFFFE, 0xFFFF, 0xE000, 0xF8FF, 0xF0000, 0x10FFFD, 0x1D173, *range(0xE0000, 0xE0080, 7),
    )
)  # fmt: skip
WIDE = ("\u6f22\u5b57" * 30, "\uff37\uff45\uff42", "\U0001f469\u200d\U0001f4bb" * 9, "\U0001f1e9\U0001f1ea", "\ufdfd",
        "\U0001f44d\U0001f3fd", "\u0e33" * 9, "\u0ddf\u200d", "\u1100\u1161\u11a8", "\U00012031", "\u2e3b")  # fmt: skip
MARKS = (
    "e" + "\u0301" * 500,
    "\u0301",
    "\u0489" * 40,
    "Z\u0351\u036b\u0343" * 40,
    "\u20dd" * 9,
    "\u0e47" * 60,
)
LONG = ("x" * 10_000, "x " * 5_000, "\u6f22" * 5_000, "x." * 5_000, "")
HUGE = "x\x1b[31m\u202e" * 150_000
"""About a megabyte."""
SURROGATES = ("\ud800", "\udc00x", "a\udfff", "\ud83d", "\udcff\udc80")


def texts(seed: int) -> list[str]:
    """More than 500 of them, in an order that the seed gives; each is another one."""
    draw = random.Random(seed)
    found = list(dict.fromkeys([*_alone(), *_mixed(draw)]))
    draw.shuffle(found)
    return found


def _alone() -> Iterator[str]:
    """Every one inside of an ordinary word, and those that bite at the beginning by themselves."""
    controls = [chr(code) for code in (*range(0x20), *range(0x7F, 0xA0))]
    for bite in (*controls, *SEQUENCES, *BIDI, *BLANK, *SURROGATES):
        yield f"web{bite}01.example.com"
    for bite in (*SEQUENCES, *MARKUP, *FORMULAS, *MARKS, *WIDE, *LONG, HUGE):
        yield bite
    for bite in MARKUP:
        yield f"{WORD}{bite}"


def _mixed(draw: random.Random) -> Iterator[str]:
    """Several at once."""
    every = (*SEQUENCES, *MARKUP, *FORMULAS, *BIDI, *BLANK, *WIDE[1:], *MARKS, *SURROGATES)
    for _ in range(200):
        yield "".join(draw.choices(every, k=draw.randint(2, 9)))


def dirt(text: str, allowed: str = "\n") -> set[str]:
    """Control and format characters, halves of characters, private ones, separators of lines."""
    bad = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    return {char for char in text if unicodedata.category(char) in bad and char not in allowed}
