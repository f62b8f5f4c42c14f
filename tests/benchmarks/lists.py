"""A long list against a short one, on the screen: opened, scrolled to its end and back, filtered."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from pathlib import Path

from tests.benchmarks import starting
from tests.benchmarks.figures import Figure, at_most
from tests.benchmarks.stage import measured, sandbox
from tests.benchmarks.terminal import Terminal

ALIKE = 1.5
FILTERS = {
    "a word of many": "www",
    "a word of few": "mail32",
    "status:": "status:issued",
    "status: of few": "status:requested",
    "expires<": "expires<30d",
    "covers:": "covers:www.example.com",
}


def measure(
    folder: Path,
    *,
    short: int = 1_000,
    long: int = 100_000,
    runs: int = 7,
    filters: Mapping[str, str] = FILTERS,
) -> list[Figure]:
    """Homes of both lengths; by turns, a fresh program for each run."""
    homes = {}
    for orders in (short, long):
        homes[orders] = folder / str(orders)
        with sandbox(orders) as told:
            measured("tests.benchmarks.home", str(homes[orders]), "settled", told=told)
    taken: dict[int, list[dict[str, float]]] = {short: [], long: []}
    for _ in range(runs):
        for orders, home in homes.items():
            taken[orders].append(_walk(home, filters))
    figures = []
    for step in taken[long][0]:
        few, many = (statistics.median(run[step] for run in taken[orders]) for orders in (short, long))
        words = f"{many * 1000:.0f} ms, {few * 1000:.0f} ms"
        figures.append(at_most(f"{step}: {long:,} orders / {short:,}", words, many / few, ALIKE))
    return figures


def _walk(home: Path, filters: Mapping[str, str]) -> dict[str, float]:
    """Seconds from each key to the last byte that it caused."""
    with Terminal("kmptui", home=home) as terminal:
        terminal.until(*starting.HOME)
        took = {"Orders list, opened": terminal.key("5").last}
        took["scrolled to its end"] = terminal.key("end").last
        took["a page up from there"] = terminal.key("pageup").last
        took["scrolled to its start"] = terminal.key("home").last
        for name, words in filters.items():
            terminal.key("/")
            terminal.key(words)
            took[f"filtered by {name}"] = terminal.key("enter").last
            terminal.key("escape")  # the cursor stays on its row, wherever that is in the whole list
            terminal.key("home")
    return took
