"""What a simulated year came to: a row a month, what expired and why, and what was wrong with it."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from kmptui.domain.audit import RenewalLine

CAUSES = {
    "the validation of ": "organization",
    "DCV": "DCV", "organization": "organization", "auto-renewal": "SCM renews it", "credentials": "account",
    "password": "account", "was revoked": "revoked",
}  # fmt: skip
"""Words that a cause is known by, and what the table calls it."""
# deferred are runs, blocked are certificates, recovered are requests without a reply that were settled
COLUMNS = ("renewed", "blocked", "refused", "deferred", "recovered", "followed", "expired", "requests")


@dataclass(frozen=True, slots=True)
class Expiry:
    """A name set without a valid certificate; `kept` says what SCM refused it for, and until when."""

    name: str
    at: datetime
    kept: str


@dataclass
class Year:
    """`months` by "2026-10": counts by column, blocked ones as "blocked CAUSE"; `names` the state of each name set at
    the end; `broken` what must not have been."""

    months: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    expired: list[Expiry] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)
    facts: Counter[str] = field(default_factory=Counter)
    took: timedelta = timedelta()

    def count(self, at: datetime, column: str, number: int = 1) -> None:
        self.months[f"{at:%Y-%m}"][column] += number

    def take(self, lines: Iterable[RenewalLine]) -> None:
        """Count the attempts of the record. A certificate that is blocked for one cause counts once a month."""
        blocked: set[tuple[str, int | None, str]] = set()
        for line in lines:
            if line.outcome in {"renewed", "pending"}:
                self.count(line.at, "renewed")
            elif line.outcome == "blocked":
                blocked.add((f"{line.at:%Y-%m}", line.old_order_id, _cause(line.cause)))
            elif line.outcome == "refused":
                self.count(line.at, "refused")
            elif line.outcome in {"deferred", "failed", "not placed"}:
                self.facts[f"tries {line.outcome}"] += 1
            else:
                self.broken.append(f"{line.common_name} is {line.outcome}: {line.cause}")
        for month, _, cause in blocked:
            self.months[month][f"blocked {cause}"] += 1

    @property
    def digest(self) -> str:
        """The same for two runs of one seed: counts by month, and each name set at the end."""
        told = [sorted(counts.items()) for _, counts in sorted(self.months.items())]
        return hashlib.sha256(repr((told, sorted(self.names.items()))).encode()).hexdigest()[:16]

    def table(self) -> str:
        """Markdown."""
        lines = ["| month | " + " | ".join(COLUMNS) + " |", "|---|" + "---|" * len(COLUMNS)]
        total: Counter[str] = Counter()
        for month, counts in sorted(self.months.items()):
            if not counts.total():
                continue
            total.update(counts)
            lines.append(_row(month, counts))
        return "\n".join([*lines, _row("all", total)])

    def report(self) -> str:
        """The table, what expired with its proof, what else was counted, and what was broken."""
        parts = ["# A simulated year\n", self.table(), ""]
        parts += [f"- {number:,} {words}" for words, number in self.facts.items()]
        parts += [f"- digest {self.digest}, {self.took.total_seconds():,.0f} s", ""]
        parts += [f"Expired: {one.name}, {one.at:%Y-%m-%d %H:%M}: {one.kept}" for one in self.expired]
        parts += [f"BROKEN: {words}" for words in self.broken] or ["Nothing was broken."]
        return "\n".join(parts) + "\n"


def _row(name: str, counts: Counter[str]) -> str:
    cells = [_cell(counts, column) for column in COLUMNS]
    return f"| {name} | " + " | ".join(cells) + " |"


def _cell(counts: Counter[str], column: str) -> str:
    if column != "blocked":
        return f"{counts[column]:,}"
    parts = {name.removeprefix("blocked "): n for name, n in sorted(counts.items()) if name.startswith("blocked ")}
    told = ", ".join(f"{n:,} {cause}" for cause, n in parts.items())
    return told or "0"


def _cause(text: str) -> str:
    return next((name for word, name in CAUSES.items() if word in text), f"other ({text[:60]})")
