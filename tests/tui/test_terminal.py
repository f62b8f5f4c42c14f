"""The end of the terminal: signals, a closed line, a fault of its own. In a real pty."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kmptui.tui.terminal import too_small

ROOT = Path(__file__).parents[2]


class Terminal:
    """A process on a pty; what it wrote is kept."""

    def __init__(self, home: Path, **environment: str) -> None:
        self.master, slave = pty.openpty()
        os.set_blocking(self.master, False)
        import fcntl
        import struct
        import termios

        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.written = b""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.tui.stand_alone", str(home)],
            stdin=slave, stdout=slave, stderr=slave, cwd=ROOT, start_new_session=True,
            env={**os.environ, "TERM": "xterm-256color", **environment},
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )  # fmt: skip
        os.close(slave)

    def until(self, text: bytes, seconds: float = 30) -> None:
        """Read until `text` was written."""
        end = time.monotonic() + seconds
        while text not in self.written:
            assert time.monotonic() < end, self.written[-2000:]
            self._read()

    def _read(self) -> None:
        if select.select([self.master], [], [], 0.05)[0]:
            try:
                self.written += os.read(self.master, 65536)
            except OSError:  # the other side is closed
                time.sleep(0.01)

    def wait(self, seconds: float = 30) -> int:
        end = time.monotonic() + seconds
        while self.process.poll() is None:
            assert time.monotonic() < end, "it does not end"
            if self.master >= 0:
                self._read()
            else:
                time.sleep(0.02)
        if self.master >= 0:
            self._read()
        return self.process.returncode

    def hang_up(self) -> None:
        """Close the terminal, as a window does or a dropped line."""
        os.close(self.master)
        self.master = -1


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def terminals() -> Iterator[list[Terminal]]:
    made: list[Terminal] = []
    yield made
    for terminal in made:
        if terminal.process.poll() is None:
            terminal.process.kill()
            terminal.process.wait()
        if terminal.master >= 0:
            os.close(terminal.master)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_restores_the_terminal_and_closes_the_workspace(
    home: Path, terminals: list[Terminal], number: signal.Signals
) -> None:
    terminal = Terminal(home)
    terminals.append(terminal)
    terminal.until(b"Account")
    os.write(terminal.master, b"5")
    terminal.until(b"host1.example.edu")
    os.kill(terminal.process.pid, number)
    assert terminal.wait() == 128 + number
    assert (home / "closed").read_text() == str(128 + number)
    end = terminal.written
    assert b"\x1b[?1049l" in end, "the alternate screen is left"
    assert b"\x1b[?25h" in end, "the cursor is back"
    assert b"Traceback" not in end


def test_the_second_signal_of_a_closing_terminal_cuts_nothing_short(home: Path, terminals: list[Terminal]) -> None:
    """The first one ended the app, the second one comes while the workspace is closed."""
    terminal = Terminal(home, KMPTUI_TWICE="1")
    terminals.append(terminal)
    terminal.until(b"Account")
    os.kill(terminal.process.pid, signal.SIGHUP)
    assert terminal.wait() == 128 + signal.SIGHUP
    assert (home / "closed").exists(), "the bookkeeping was finished"


def test_a_closed_terminal_ends_it_in_order(home: Path, terminals: list[Terminal]) -> None:
    terminal = Terminal(home)
    terminals.append(terminal)
    terminal.until(b"Account")
    terminal.hang_up()
    assert terminal.wait() == 128 + signal.SIGHUP
    assert (home / "closed").exists(), "the bookkeeping was finished"


def test_a_fault_of_its_own_shows_no_values(home: Path, terminals: list[Terminal]) -> None:
    terminal = Terminal(home, KMPTUI_BREAK="1")
    terminals.append(terminal)
    assert terminal.wait() == 1
    assert b"ZeroDivisionError" in terminal.written
    assert b"hunter2" not in terminal.written
    assert b"Traceback" not in terminal.written
    assert b"\x1b[?1049l" in terminal.written
    assert (home / "closed").exists()


def test_idle_it_writes_nothing(home: Path, terminals: list[Terminal]) -> None:
    terminal = Terminal(home)
    terminals.append(terminal)
    terminal.until(b"Account")
    os.write(terminal.master, b"5")
    terminal.until(b"host12.example.edu")
    quiet = time.monotonic() + 0.5
    while time.monotonic() < quiet:
        before = len(terminal.written)
        terminal._read()
        if len(terminal.written) != before:
            quiet = time.monotonic() + 0.5
    written = len(terminal.written)
    end = time.monotonic() + 2.5
    while time.monotonic() < end:
        terminal._read()
    assert len(terminal.written) == written


@pytest.mark.parametrize("variables", [{"NO_COLOR": "1"}, {"TERM": "linux"}, {"TERM": "screen"}, {"TERM": "xterm"}])
def test_it_starts_on_every_terminal(home: Path, terminals: list[Terminal], variables: dict[str, str]) -> None:
    terminal = Terminal(home, **variables)
    terminals.append(terminal)
    terminal.until(b"Account")
    os.write(terminal.master, b"5")
    terminal.until(b"host1.example.edu")
    os.write(terminal.master, b"q")
    assert terminal.wait() == 0


def test_the_smallest_size() -> None:
    assert not too_small(60, 15)
    assert too_small(59, 15)
    assert too_small(60, 14)
