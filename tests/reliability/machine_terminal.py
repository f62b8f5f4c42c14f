"""The terminal: none, a dumb one, one that becomes tiny and large again, one that is closed under every dialog."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType

from kmptui.config import Paths
from tests.benchmarks.stage import ROOT
from tests.reliability.emulator import Watched
from tests.reliability.machine_stage import Stage
from tests.reliability.tally import Tally

LONG = 25
TINY = (20, 5)
DIALOGS: tuple[tuple[str, ...], ...] = (
    ("n",), ("I",), ("?",), ("h",), ("L",), ("p",), ("5", "enter"), ("5", "y"), ("5", "w"), ("5", "a"), ("5", "d"),
    ("5", "m"), ("5", "e"), ("5", "N"), ("5", "r"), ("5", "R"), ("5", "x"), ("5", "t"), ("6", "enter"), ("6", "e"),
    ("6", "v"), ("6", "d"), ("6", "m"), ("2", "enter"), ("2", "a"), ("3", "enter"), ("3", "a"), ("4", "enter"),
    ("7", "enter"), ("7", "v"), ("7", "w"), ("5", "/"), (":",), ("q",),
)  # fmt: skip
"""Keys that open what there is to open, or do nothing where there is nothing."""
PATIENCE = 120


class Shaken(Watched):
    """A terminal that can be closed, and that knows how its program ended."""

    code: int | None = None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.code is None:
            super().__exit__(kind, error, trace)
        elif self._end >= 0:
            os.close(self._end)

    def hang_up(self) -> None:
        os.close(self._end)
        self._end = -1

    def ended(self) -> int | None:
        """The exit code, negative for a signal; None while it lives on for too long."""
        stop = time.monotonic() + PATIENCE
        while time.monotonic() < stop:
            pid, status = os.waitpid(self._pid, os.WNOHANG)
            if self._end >= 0:
                self.drain()
            if pid:
                self.code = os.waitstatus_to_exitcode(status)
                return self.code
            time.sleep(0.01)
        return None

    def drain(self) -> None:
        try:
            self._read(0.01, patience=0.02)
        except RuntimeError:  # the program has closed its side
            time.sleep(0.02)


def prove(tally: Tally, number: int, stage: Stage) -> None:
    home = stage.copy()
    dumb(tally, home)
    if number >= LONG:
        shrunk(tally, home)
    dialogs = DIALOGS if number >= LONG else stage.draw.sample(DIALOGS, 1)
    for keys in dialogs:
        closed(tally, home, keys)


def dumb(tally: Tally, home: Path) -> None:
    """No screen: one sentence, and nothing that only a screen understands."""
    with Shaken(home, TERM="dumb") as terminal:
        code = terminal.ended()
        tally.require(code == 2, f"TERM=dumb: exit {code}")
        tally.require(b"TERM=dumb" in terminal.output and b"\x1b" not in terminal.output, f"{terminal.output!r}")
    command = [sys.executable, "-m", "kmptui"]
    environment = {"PATH": os.environ["PATH"], "KMPTUI_HOME": str(home), "TERM": "xterm-256color"}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    plain = done.returncode == 2 and b"Traceback" not in done.stderr and b"\x1b" not in done.stdout + done.stderr
    tally.require(plain and 0 < len(done.stderr.splitlines()) <= 4, f"without a terminal: {done}")
    tally.count("terminals that are none", 2)


def shrunk(tally: Tally, home: Path) -> None:
    """Twenty columns and five lines, and back; with a dialog open."""
    with Shaken(home) as terminal:
        tally.require(terminal.sees("Repository"), f"a terminal: it does not begin, {terminal.screen()}")
        terminal.press("?")
        tally.require(terminal.sees("Keys that count here"), "the help does not open")
        terminal.resize(*TINY)
        tally.require(terminal.sees("is too small"), "a tiny window does not say that it is")
        terminal.resize(80, 24)
        tally.require(terminal.sees("Keys"), "the dialog does not come back")
        terminal.press("escape")
        tally.require(terminal.sees("Repository"), "the screen does not come back")
    tally.count("windows that became tiny and large again")


def closed(tally: Tally, home: Path, keys: tuple[str, ...]) -> None:
    """The terminal is closed over an open dialog: the program ends by itself, in order, and the home is free."""
    case = f"closed after {' '.join(keys)}"
    log = Paths(home).log
    before = log.read_text() if log.exists() else ""
    with Shaken(home) as terminal:
        tally.require(terminal.sees("Repository"), f"{case}: it does not begin, {terminal.screen()}")
        terminal.press(*keys)
        terminal.hang_up()
        code = terminal.ended()
        tally.require(code is not None and code >= 0, f"{case}: {'it lives on' if code is None else code}")
    said = log.read_text()[len(before) :] if log.exists() else ""
    tally.require("Traceback" not in said and "ERROR" not in said, f"{case}: {said[-1500:]}")
    tally.count("terminals closed over a dialog")
