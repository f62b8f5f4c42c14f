"""Starting the TUI on a linked home, against a bare Textual application; then the bytes that keys and waiting cost."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from pathlib import Path

from tests.benchmarks import bare_app, stage
from tests.benchmarks.figures import Figure, at_most, seconds
from tests.benchmarks.terminal import Answer, Terminal

MOST_TIMES_BARE = 1.3
HOME = ("Auto-renewal", "Repository", "Account  ", "Health   ", "Vault   ")
"""The lines of the home screen: it is full when all stand there."""
IDLE_SECONDS = 10.0


@dataclass(slots=True)
class Run:
    """One program, started often."""

    starts: list[float] = field(default_factory=list)
    written: int = 0
    peak: float = 0.0
    keys: dict[str, list[Answer]] = field(default_factory=dict)
    idle: int = 0


def measure(folder: Path, *, orders: int = 10_000, runs: int = 7, presses: int = 20) -> list[Figure]:
    """By turns, each in a fresh process."""
    home = folder / "home"
    with stage.sandbox(orders) as told:
        stage.measured("tests.benchmarks.home", str(home), told=told)
    ours, bare = Run(), Run()
    for last in range(runs - 1, -1, -1):
        _start(bare, Terminal("tests.benchmarks.bare_app"), (bare_app.READY,), 0 if last else presses)
        _start(ours, Terminal("kmptui", home=home), HOME, 0 if last else presses)
    ratio = statistics.median(mine / least for mine, least in zip(ours.starts, bare.starts, strict=True))
    figures = [
        Figure("Start of a bare Textual application, 7 tables of 200 rows", f"{seconds(bare.starts)}, {runs} runs"),
        at_most(
            f"Start of kmptui to the full home screen, {orders:,} orders / bare",
            f"{seconds(ours.starts)}, {runs} runs by turns",
            ratio,
            MOST_TIMES_BARE,
        ),
    ]
    for name, mine, least in (
        ("Peak memory, MiB", ours.peak, bare.peak),
        ("Bytes to the first screen", ours.written, bare.written),
        *((f"Bytes for {key}", _size(ours.keys[key]), _size(bare.keys[key])) for key in ours.keys),
        *((f"Last byte after {key}, ms", _last(ours.keys[key]), _last(bare.keys[key])) for key in ours.keys),
        (f"Bytes in {IDLE_SECONDS:g} idle seconds", ours.idle, bare.idle),
    ):
        shown = f"{mine / least:.2f}" if least else ""
        figures.append(Figure(f"{name}: kmptui, bare", f"{mine:,.0f}, {least:,.0f}", shown))
    return figures


def _start(run: Run, terminal: Terminal, ready: tuple[str, ...], presses: int) -> None:
    with terminal:
        run.starts.append(terminal.until(*ready))
        run.written = terminal.written
        if presses:
            # the first sight of a tab mounts it; after that it is only shown
            terminal.key("6")
            terminal.key("5")
            run.keys = {
                "a tab": [terminal.key("65"[at % 2]) for at in range(presses // 2 * 2)],
                "down": [terminal.key("down") for _ in range(presses)],
                "pagedown": [terminal.key("pagedown") for _ in range(min(presses, 5))],
            }
            run.idle = terminal.idle(IDLE_SECONDS if presses > 2 else 0.2)
        run.peak = max(run.peak, terminal.peak_mib)


def _size(answers: list[Answer]) -> float:
    return statistics.median(one.size for one in answers)


def _last(answers: list[Answer]) -> float:
    return statistics.median(one.last for one in answers) * 1000
