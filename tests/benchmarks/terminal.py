"""A program on a pseudo-terminal: what it writes and when, to the start, to each key and to no key at all.

While time is taken, bytes are only read and stamped; an emulator plays them afterwards, so that it never takes the
processor from the program that is measured. A program asks what its terminal can do; the answers are a modern xterm's.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time
import warnings
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyte

from tests.benchmarks.stage import ROOT, environment, peak_mib

KEYS = {
    "down": b"\x1b[B", "pagedown": b"\x1b[6~", "pageup": b"\x1b[5~", "home": b"\x1b[H", "end": b"\x1b[F",
    "enter": b"\r", "escape": b"\x1b",
}  # fmt: skip
ANSWERS = {b"\x1b[?2026$p": b"\x1b[?2026;2$y", b"\x1b[?2048$p": b"\x1b[?2048;0$y", b"\x1b[c": b"\x1b[?62;22c"}
FOREIGN = re.compile(rb"\x1b\[[<=>?][\d;]*[a-ln-z$]p?|\x1b\[[<=>][\d;]*m|\x1bP.*?\x1b\\\\", re.DOTALL)
"""Sequences that the emulator would show as text."""
STEP = 0.002


@dataclass(frozen=True, slots=True)
class Answer:
    """What came after a key: bytes, seconds to the first and to the last of them."""

    size: int
    first: float
    last: float


class Terminal:
    """Runs `python -m module …` at 120 × 36 until the block ends."""

    def __init__(
        self, module: str, *arguments: str, home: Path | None = None, columns: int = 120, lines: int = 36
    ) -> None:
        self._command = [sys.executable, "-m", module, *arguments]
        self._environment = environment(home) | {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8"}
        self._size = columns, lines
        self._chunks: list[tuple[float, bytes]] = []
        self._begin = 0.0
        self._pid = self._end = -1

    def __enter__(self) -> Self:
        columns, lines = self._size
        self._begin = time.perf_counter()
        with warnings.catch_warnings():  # a fork beside threads: the child does nothing but become the program
            warnings.simplefilter("ignore", DeprecationWarning)
            self._pid, self._end = pty.fork()
        if not self._pid:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
            os.chdir(ROOT)
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # a shell's background jobs ignore it
            os.execve(self._command[0], self._command, self._environment)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pid > 0:
            os.kill(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)
        if self._end >= 0:
            os.close(self._end)

    def until(self, *texts: str, limit: float = 30) -> float:
        """Read until all `texts` stand on the screen and nothing more comes; seconds from the start until they did."""
        stop = time.perf_counter() + limit
        while time.perf_counter() < stop:
            if self._read(quiet=0.4) and (at := self.shown(*texts)) is not None:
                return at
        raise RuntimeError(f"{texts} did not come to stand on the screen:\n" + "\n".join(self._screen()))

    def key(self, name: str, quiet: float = 0.15) -> Answer:
        """Press a key (a name, or text as it is typed) and read what comes, until nothing more does."""
        pressed = time.perf_counter()
        os.write(self._end, KEYS.get(name, name.encode()))
        got = self._read(quiet)
        if not got:
            return Answer(0, 0.0, 0.0)
        first, last = (self._begin + got[at][0] - pressed for at in (0, -1))
        return Answer(sum(len(data) for _, data in got), first, last)

    def end(self, number: signal.Signals, limit: float = 30, *, twice: bool = False) -> int:
        """Send a signal that asks the program to end, and read what it still writes; its wait status. `twice`: once
        more when it begins to write of its end, as a terminal that closes does."""
        os.kill(self._pid, number)
        stop = time.perf_counter() + limit
        ended, status, known = 0, 0, len(self._chunks)
        while time.perf_counter() < stop:
            if twice and not ended and len(self._chunks) > known:
                os.kill(self._pid, number)
                twice = False
            if not ended:
                ended, status = os.waitpid(self._pid, os.WNOHANG)
            if select.select([self._end], [], [], STEP)[0]:
                with suppress(OSError):  # the other side is closed
                    self._chunks.append((time.perf_counter() - self._begin, os.read(self._end, 1 << 16)))
                    continue
            if ended:
                self._pid = -1
                return status
        raise RuntimeError(f"{number.name} does not end the program")

    def hang_up(self, limit: float = 60) -> int:
        """Close the terminal, as a window does or a dropped line; the program's wait status."""
        os.close(self._end)
        self._end = -1
        stop = time.perf_counter() + limit
        while time.perf_counter() < stop:
            ended, status = os.waitpid(self._pid, os.WNOHANG)
            if ended:
                self._pid = -1
                return status
            time.sleep(0.02)
        raise RuntimeError("the program outlives its terminal")

    @property
    def modes(self) -> list[Any]:
        """How the terminal is set now (see termios)."""
        return termios.tcgetattr(self._end)

    def idle(self, duration: float) -> int:
        """Bytes that come while no key is pressed."""
        return sum(len(data) for _, data in self._read(duration, patience=duration))

    @property
    def peak_mib(self) -> float:
        return peak_mib(self._pid)

    @property
    def written(self) -> int:
        """Bytes so far."""
        return sum(len(data) for _, data in self._chunks)

    @property
    def output(self) -> bytes:
        """All bytes so far."""
        return b"".join(data for _, data in self._chunks)

    def shown(self, *texts: str) -> float | None:
        """Seconds from the start until all `texts` first stood on the screen together; None while they never did."""
        screen = pyte.Screen(*self._size)
        stream = pyte.ByteStream(screen)
        for at, data in self._chunks:
            stream.feed(FOREIGN.sub(b"", data))
            if all(any(text in line for line in screen.display) for text in texts):
                return at
        return None

    def _screen(self) -> list[str]:
        screen = pyte.Screen(*self._size)
        stream = pyte.ByteStream(screen)
        for _, data in self._chunks:
            stream.feed(FOREIGN.sub(b"", data))
        return list(screen.display)

    def _read(self, quiet: float, patience: float = 5) -> list[tuple[float, bytes]]:
        """What comes until `quiet` seconds pass after the last of it; nothing after `patience` seconds without any."""
        got: list[tuple[float, bytes]] = []
        last = time.perf_counter()
        while time.perf_counter() - last < (quiet if got else patience):
            if not select.select([self._end], [], [], STEP)[0]:
                continue
            try:
                data = os.read(self._end, 1 << 16)
            except OSError as error:
                self._chunks += got
                raise RuntimeError("the program ended:\n" + "\n".join(self._screen())) from error
            last = time.perf_counter()
            got.append((last - self._begin, data))
            for asked, answer in ANSWERS.items():
                for _ in range(data.count(asked)):
                    os.write(self._end, answer)
        self._chunks += got
        return got
