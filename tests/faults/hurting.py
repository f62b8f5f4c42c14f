"""Walk a way (see `walk`) in processes of their own, hurt at each of its points, and have judged what they left."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kmptui.config import Paths
from kmptui.errors import KmptuiError

WALK = Path(__file__).with_name("walk.py")
NEVER = 1_000_000
PATIENCE = 600
"""Seconds for one process that walks; for a thousand cases as well."""


@dataclass(frozen=True, slots=True)
class Case:
    """One walk: its folder holds the home, the exports and the journal of the points that were reached. `after`:
    seconds from its beginning to the kill, where that is to come at no point."""

    folder: Path
    way: str
    how: str
    at: int
    after: float | None = None

    @property
    def name(self) -> str:
        return f"{self.how}-{self.at}.example.com"

    @property
    def paths(self) -> Paths:
        return Paths(self.folder / "home")

    @property
    def out(self) -> Path:
        return self.folder / "out" / "file.p12"

    @property
    def reached(self) -> list[str]:
        return (self.folder / "journal").read_text().splitlines()

    @property
    def place(self) -> str:
        """Where it was hurt, in words."""
        reached = self.reached
        return f"{self.way}: {self.how} at point {self.at}, {reached[-1] if reached else 'the beginning'}"

    def order(self) -> dict[str, Any]:
        members = {"home": self.paths.home, "out": self.out, "journal": self.folder / "journal"}
        order: dict[str, Any] = {name: str(path) for name, path in members.items()}
        return order | {"way": self.way, "name": self.name, "at": self.at, "how": self.how, "after": self.after}


def prepared(template: Path, way: str, how: str, at: int) -> Case:
    case = Case(template.with_name(f"{how}-{at}"), way, how, at)
    case.out.parent.mkdir(parents=True)
    if template.exists():
        shutil.copytree(template, case.paths.home)
    return case


def walked(cases: Sequence[Case]) -> dict[str, dict[str, Any]]:
    """How each walk ended, by its name."""
    done = subprocess.run(
        [sys.executable, str(WALK)],
        input="".join(json.dumps(case.order()) + "\n" for case in cases),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return {answer["name"]: answer for answer in map(json.loads, done.stdout.splitlines())}


async def points(template: Path, way: str, how: str) -> list[str]:
    """Walk the way to its end; the names of its points."""
    whole = prepared(template, way, how, NEVER)
    told = (await asyncio.to_thread(walked, [whole]))[whole.name]
    assert (told["status"], told["words"]) == (0, "done"), told
    return whole.reached


async def hurt(
    template: Path, way: str, how: str, at: Sequence[int], judge: Callable[[Case], Awaitable[None]]
) -> tuple[list[Case], list[str]]:
    """Walk the way again and again, hurt at each of these points; the walks, and what did not hold afterwards."""
    cases = [prepared(template, way, how, point) for point in at]
    ends = await asyncio.to_thread(walked, cases)
    failures = []
    for case in cases:
        end = ends[case.name]
        try:
            assert end["status"] == (-signal.SIGKILL if how == "kill" else 0), f"it ended with {end['status']}"
            await judge(case)
        except (AssertionError, KmptuiError) as error:
            failures.append(f"{case.place} ({end['words']}): {error!r}")
    return cases, failures
