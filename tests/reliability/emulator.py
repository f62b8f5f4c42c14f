"""A terminal's judgement of what a program writes: pyte, an emulator that knows nothing of the program's toolkit.

It plays every byte, keeps what stands on the screen, and notes whatever acted beyond text, places, colours and modes:
a title, a bell, a report that was asked for, another character set, a reset, lines that were moved.
"""

from __future__ import annotations

import fcntl
import os
import re
import struct
import termios
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyte
from textual.pilot import Pilot
from wcwidth import wcwidth

from tests.benchmarks.terminal import FOREIGN, KEYS, Terminal

POINTER = re.compile(rb"\x1b\]22;[a-z]*(?:\x07|\x1b\\)")
"""The pointer's shape, which Textual sets; pyte would take it for a title."""
HALF = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*|[\]PX^_][^\x07\x1b]*\x1b?|[ -/]*)?\Z")
"""A sequence whose end has not come yet."""
ACTS = (
    "set_title", "set_icon_name", "bell", "report_device_status", "define_charset", "alignment_display", "set_margins",
    "insert_lines", "delete_lines", "insert_characters", "delete_characters", "reverse_index", "reset", "set_tab_stop",
    "clear_tab_stop", "save_cursor", "restore_cursor", "shift_out", "debug",
)  # fmt: skip
PATIENCE = 120
QUIET, LATEST = 0.15, 1.5
"""Seconds without a byte after which a key has had its effect; and where none comes at all."""
Play = Callable[..., None]


class Judge(pyte.Screen):
    """A screen that keeps the names of what `acted`."""

    def __init__(self, columns: int, lines: int) -> None:
        self.acted: list[str] = []
        super().__init__(columns, lines)
        self.acted.clear()

    def draw(self, data: str) -> None:
        """Without marks, which take no cell: pyte drops the rest of a text after some of them, as no terminal does."""
        super().draw("".join(char for char in data if wcwidth(char) != 0))

    def base(self, line: int) -> list[str]:
        """The characters of a line by columns; "" after a wide one."""
        return [self.buffer[line][column].data for column in range(self.columns)]


def _noting(name: str, play: Play) -> Play:
    def noted(self: Judge, *arguments: Any, **members: Any) -> None:
        self.acted.append(name)
        play(self, *arguments, **members)

    return noted


for _name in ACTS:
    setattr(Judge, _name, _noting(_name, getattr(pyte.Screen, _name)))


def misdrawn(pilot: Pilot[Any]) -> list[str]:
    """Lines of the app's screen that come to stand otherwise on a terminal than the program believes."""
    strips = pilot.app.screen._compositor.render_strips()
    judge = Judge(pilot.app.size.width, len(strips))
    stream = pyte.Stream(judge)
    for number, strip in enumerate(strips, 1):
        stream.feed(f"\x1b[{number};1H{strip.render(pilot.app.console)}")
    found = [f"it acts: {', '.join(judge.acted)}"] if judge.acted else []
    for number, strip in enumerate(strips):
        believed: list[str] = []
        for char in strip.text:
            believed += [char, *[""] * (wcwidth(char) - 1)] if wcwidth(char) else []
        if judge.base(number) != believed:
            found.append(f"line {number} stands as {judge.display[number]!r}, not {strip.text!r}")
    return found


class Watched(Terminal):
    """The program on a pseudo-terminal whose size can change, played to the judge while it runs."""

    def __init__(
        self, home: Path, *, columns: int = 80, lines: int = 24, module: str = "kmptui",
        arguments: tuple[str, ...] = (), **environment: str,
    ) -> None:  # fmt: skip
        super().__init__(module, *arguments, home=home, columns=columns, lines=lines)
        self._environment |= environment
        self.judge = Judge(columns, lines)
        self._stream = pyte.ByteStream(self.judge)
        self._played = 0
        self._half = b""

    def resize(self, columns: int, lines: int) -> None:
        """The kernel tells the program."""
        self.screen()
        self._size = columns, lines
        acted = list(self.judge.acted)
        self.judge.resize(lines, columns)
        self.judge.acted[:] = acted
        fcntl.ioctl(self._end, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def sees(self, text: str) -> bool:
        """Whether it comes to stand on the screen."""
        stop = time.monotonic() + PATIENCE
        while not any(text in line for line in self.screen()):
            if time.monotonic() > stop:
                return False
            self._read(quiet=0.1, patience=0.2)
        return True

    def press(self, *keys: str) -> None:
        """Keys one after the other, each when what the former one drew has come."""
        for key in keys:
            os.write(self._end, KEYS.get(key, key.encode()))
            self._read(QUIET, patience=LATEST)

    def screen(self) -> list[str]:
        """What stands on it now, line by line."""
        data = self._half + b"".join(data for _, data in self._chunks[self._played :])
        self._played = len(self._chunks)
        half = HALF.search(data)
        self._half = data[half.start() :] if half else b""
        data = data[: half.start()] if half else data
        self._stream.feed(POINTER.sub(b"", FOREIGN.sub(b"", data)))
        return list(self.judge.display)
