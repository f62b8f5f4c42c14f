"""What a command costs before and beside its work, and which libraries it loads."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

from tests.benchmarks.figures import Figure, seconds
from tests.benchmarks.stage import ROOT, environment, measured, sandbox

CLICK = "import click; click.command(lambda: None).main(standalone_mode=False, args=[])"
WATCHED = ("textual", "rich", "httpx", "peewee", "cryptography")
LOADED = """
import atexit, sys
atexit.register(lambda: print(*[name for name in {watched!r} if name in sys.modules], file=sys.stderr))
from kmptui.cli.main import main
sys.argv = ["kmptui", *{arguments!r}]
main()
"""


def measure(folder: Path, *, orders: int = 10_000, runs: int = 7) -> list[Figure]:
    """By turns; the list goes to a pipe."""
    home = folder / "home"
    with sandbox(orders) as told:
        measured("tests.benchmarks.home", str(home), told=told)
    lines = {
        "python -c pass": ["-c", "pass"],
        "a bare click command": ["-c", CLICK],
        "kmptui --help": ["-m", "kmptui", "--help"],
        "kmptui status": ["-m", "kmptui", "status"],
        f"kmptui orders list, {orders:,} orders": ["-m", "kmptui", "orders", "list", "--all"],
    }
    taken: dict[str, list[float]] = {name: [] for name in lines}
    for _ in range(runs):
        for name, arguments in lines.items():
            begin = time.perf_counter()
            _run(arguments, home)
            taken[name].append(time.perf_counter() - begin)
    bare = statistics.median(taken["python -c pass"])
    figures = [
        Figure(f"{name} / python -c pass", seconds(took), f"{statistics.median(took) / bare:.1f}")
        for name, took in taken.items()
    ]
    for arguments, never in (
        (["--help"], set(WATCHED)),
        (["status"], {"textual", "rich", "httpx", "cryptography"}),
        (["orders", "list"], {"textual", "rich", "httpx", "cryptography"}),
    ):
        loaded = _run(["-c", LOADED.format(watched=WATCHED, arguments=arguments)], home).split()
        words = f"loads {', '.join(loaded) or 'none'} of {', '.join(WATCHED)}"
        goal = "none of them" if never == set(WATCHED) else f"none of {', '.join(sorted(never))}"
        figures.append(Figure(f"kmptui {' '.join(arguments)}", words, "", goal, not never & set(loaded)))
    return figures


def _run(arguments: list[str], home: Path) -> str:
    """What it wrote to standard error."""
    done = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=environment(home), capture_output=True, text=True, check=False
    )
    if done.returncode not in {0, 3}:  # 3: something waits for a person
        raise RuntimeError(done.stderr)
    return done.stderr
