"""The benchmarks run, on small sizes; what they find is not judged here."""

from __future__ import annotations

from pathlib import Path

from tests.benchmarks import commands, importing, lists, starting
from tests.benchmarks.figures import Figure, at_least, at_most, seconds, table
from tests.benchmarks.machine import machine


def test_importing_is_measured(tmp_path: Path) -> None:
    figures = importing.measure(tmp_path, orders=50, latency_ms=1, reads=3, runs=1)
    assert [bool(one.goal) for one in figures] == [False, True, True, True]


def test_starting_is_measured(tmp_path: Path) -> None:
    figures = starting.measure(tmp_path, orders=50, runs=1, presses=2)
    assert any("idle" in one.name for one in figures)


def test_lists_are_measured(tmp_path: Path) -> None:
    assert len(lists.measure(tmp_path, short=60, long=90, runs=1, filters={"a word": "www"})) == 5


def test_commands_are_measured(tmp_path: Path) -> None:
    figures = commands.measure(tmp_path, orders=50, runs=1)
    assert [one.reached for one in figures if one.goal] == [True, True, True]


def test_a_figure_says_whether_its_goal_was_reached() -> None:
    shown = table([at_most("a", "1 s", 2.004, 2), at_least("b", "1 s", 1500.2, 1000), Figure("c", "2 ms")])
    assert [line.split("|")[3:6] for line in shown.splitlines()[2:]] == [
        [" 2.00  ", " at most 2      ", " MISSED  "],
        [" 1,500 ", " at least 1,000 ", " reached "],
        ["       ", "                ", "         "],
    ]
    assert seconds([0.003, 0.001, 0.002]) == "2 ms (1 to 3)"
    assert "cores" in machine()
