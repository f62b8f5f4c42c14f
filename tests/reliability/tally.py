"""What one promise came to: counts, and the cases in which it was broken, each with what repeats it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

SHOWN = 30
"""Broken cases that are told one by one."""


@dataclass
class Tally:
    """`counts` by words, in the order of their coming; `broken` cases as text."""

    promise: str
    seed: int
    counts: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)

    def count(self, words: str, number: int = 1) -> None:
        self.counts[words] += number

    def require(self, true: object, case: str) -> None:
        """The promise is broken unless it is true."""
        if not true:
            self.broken.append(f"{case} (seed {self.seed})")


def table(tallies: Sequence[Tally]) -> str:
    """A Markdown table, and below it what was broken."""
    lines = ["| promise | shown by | broken |", "|---|---|---|"]
    for tally in tallies:
        told = ", ".join(f"{number:,} {words}" for words, number in tally.counts.items())
        lines.append(f"| {tally.promise} | {told} | {len(tally.broken):,} |")
    for tally in tallies:
        lines += [f"\n{tally.promise}: {case}" for case in tally.broken[:SHOWN]]
        if len(tally.broken) > SHOWN:
            lines.append(f"\n{tally.promise}: and {len(tally.broken) - SHOWN:,} more")
    return "\n".join(lines)
