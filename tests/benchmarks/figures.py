"""What a benchmark finds: figures, each with the ratio it is judged by, and the table they are printed in."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One line: `measured` in words, `ratio` to what it is compared with, `goal` in words and whether it was reached.

    Without a `goal` the figure informs only.
    """

    name: str
    measured: str
    ratio: str = ""
    goal: str = ""
    reached: bool | None = None


def at_most(name: str, measured: str, ratio: float, goal: float) -> Figure:
    """A ratio that must not be above the goal."""
    return Figure(name, measured, f"{ratio:.2f}", f"at most {goal:g}", ratio <= goal)


def at_least(name: str, measured: str, ratio: float, goal: float) -> Figure:
    """A ratio that must not be below the goal."""
    return Figure(name, measured, f"{ratio:,.0f}", f"at least {goal:,g}", ratio >= goal)


def seconds(values: Iterable[float]) -> str:
    """The median in readable units, and how far the values spread."""
    ordered = sorted(values)
    unit, scale = ("s", 1.0) if ordered[len(ordered) // 2] >= 1 else ("ms", 1000.0)
    shown = [f"{value * scale:.3g}" for value in (statistics.median(ordered), ordered[0], ordered[-1])]
    return f"{shown[0]} {unit} ({shown[1]} to {shown[2]})"


def table(figures: Sequence[Figure]) -> str:
    """Markdown: figure, measured, ratio, goal."""
    lines = [("Figure", "Measured", "Ratio", "Goal", "")]
    for one in figures:
        verdict = {True: "reached", False: "MISSED", None: ""}[one.reached]
        lines.append((one.name, one.measured, one.ratio, one.goal, verdict))
    widths = [max(len(line[at]) for line in lines) for at in range(5)]
    rows = [
        "| " + " | ".join(cell.ljust(size) for cell, size in zip(line, widths, strict=True)) + " |" for line in lines
    ]
    return "\n".join([rows[0], "|" + "|".join("-" * (size + 2) for size in widths) + "|", *rows[1:]])
