"""The demo inside tmux: an order by keys, seen as tmux shows it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NAMES = "tmux-one.example.com tmux-two.example.com"

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed: nothing to run in")


class Tmux:
    """A server of its own, with one window of 80x24."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket

    def __call__(self, *words: str) -> str:
        command = ["tmux", "-u", "-S", str(self._socket), "-f", os.devnull, *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.stdout

    def shown(self) -> str:
        return self("capture-pane", "-p")

    def until(self, met: Callable[[str], bool], what: str, seconds: float = 120) -> str:
        end = time.monotonic() + seconds
        while not met(screen := self.shown()):
            assert time.monotonic() < end, f"{what} never came; tmux shows:\n{screen}"
            time.sleep(0.05)
        return screen

    def sees(self, words: str) -> str:
        return self.until(lambda screen: words in screen, repr(words))

    def keys(self, *keys: str) -> None:
        self("send-keys", *keys)

    def types(self, text: str) -> None:
        """Key by key, as it is written."""
        self("send-keys", "-l", text)


@pytest.fixture
def tmux(tmp_path: Path) -> Iterator[Tmux]:
    found = Tmux(tmp_path / "socket")
    yield found
    found("kill-server")


def test_an_order_by_keys_inside_tmux(tmux: Tmux, tmp_path: Path) -> None:
    """TERM, keys and the alternate screen are tmux's own; it ends as it began, and leaves nothing behind."""
    place = ("-x", "80", "-y", "24", "-c", str(ROOT), "-e", f"TMPDIR={tmp_path}")
    tmux("new-session", "-d", *place, f"exec {sys.executable} -m kmptui demo --certificates 30")
    first = tmux.sees("n New")
    assert " DEMO " in first.splitlines()[0]
    tmux.keys("n")
    tmux.sees("Order a certificate")
    tmux.types(NAMES + " ")
    tmux.sees("common name, ok, DCV to")
    for field, choice in (("Organization", "Example Corporation"), ("Profile", "OV Multi")):
        tmux.keys("C-g", "Enter")
        tmux.sees(f"─ {field} ─")
        tmux.types(choice)
        tmux.keys("Enter")
        tmux.until(lambda screen, name=field: f"─ {name} ─" not in screen, f"the choice of {field}")
        tmux.until(lambda screen, name=field: _line(screen, name).endswith(" v"), f"{field} without a finding")
    tmux.keys("C-g")
    tmux.types("0815")
    tmux.sees("Nothing to mend")
    tmux.keys("C-o")
    tmux.sees("ctrl+y Create")
    tmux.keys("C-y")
    last = tmux.sees("in the repository as c")
    assert "Order o" in last
    assert "tmux-one.example.com" in last
    assert last.count("[x]") == 4
    tmux.keys("Escape")
    tmux.sees("n New")
    tmux.keys("q")
    tmux.until(lambda screen: not screen.strip(), "the end")
    assert list(tmp_path.glob("kmptui-demo-*")) == []


def _line(screen: str, start: str) -> str:
    return next((line.strip() for line in screen.splitlines() if line.strip().startswith(start)), "")
