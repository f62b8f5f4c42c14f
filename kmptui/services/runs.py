"""What a run of the schedule did: one report, which faces render. It neither prints nor exits."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime

LISTS = ("failed", "blocked", "waiting", "deferred", "held", "done")
"""The lists of a report, worst first."""


@dataclass(frozen=True, slots=True)
class RunLine:
    """One thing and what became of it. `job` is renewal, orders, mirror, check, unconfirmed, certificates, revocations,
    clock, account, schedule; `again` when it is tried next, where that is known."""

    job: str
    words: str
    cure: str = ""
    order_id: int | None = None
    common_name: str = ""
    again: datetime | None = None
    certificate_id: int | None = None

    def __str__(self) -> str:
        who = f"o{self.order_id} {self.common_name}: " if self.order_id is not None else ""
        again = f"; again {self.again:%-d %b %H:%M} UTC" if self.again is not None and self.again.year < 9999 else ""
        return f"{who}{self.words}{again}"


@dataclass(frozen=True, slots=True)
class RunReport:
    """One run. `blocked` needs a person; `waiting` is under way (orders at SCM, replies that did not come); `deferred`
    could not be done now and is tried again by itself; `held` is worked on by another process. `head` is the hash of
    the record's last row, to be kept where whoever changes the store does not reach."""

    began: datetime
    ended: datetime
    done: tuple[RunLine, ...] = ()
    waiting: tuple[RunLine, ...] = ()
    blocked: tuple[RunLine, ...] = ()
    failed: tuple[RunLine, ...] = ()
    deferred: tuple[RunLine, ...] = ()
    held: tuple[RunLine, ...] = ()
    next: datetime | None = None
    head: str = ""

    @property
    def words(self) -> str:
        """One line: `2 done, 1 blocked`; that nothing was due is said."""
        counts = [f"{len(lines):,} {name}" for name in reversed(LISTS) if (lines := getattr(self, name))]
        return ", ".join(counts) if counts else "Nothing is due"

    @property
    def outcome(self) -> str:
        """done, attention, failed, deferred or held: how it is kept."""
        if self.failed:
            return "failed"
        if self.blocked:
            return "attention"
        if self.deferred:
            return "deferred"
        return "held" if self.held else "done"


@dataclass(slots=True)
class Running:
    """The report as it grows."""

    began: datetime
    last: datetime | None = None
    """When the run before ended, None where there was none."""
    until: float | None = None
    """The loop's time after which nothing is begun."""
    lines: dict[str, list[RunLine]] = field(default_factory=lambda: {name: [] for name in LISTS})

    @property
    def over(self) -> bool:
        """Whether nothing more is to be begun."""
        return self.until is not None and asyncio.get_running_loop().time() >= self.until

    def note(self, name: str, job: str, words: str, **members: object) -> RunLine:
        line = RunLine(job, words, **members)  # type: ignore[arg-type]  # members are RunLine's own
        self.lines[name].append(line)
        return line

    def report(self, ended: datetime, following: datetime | None) -> RunReport:
        told = {name: tuple(lines) for name, lines in self.lines.items()}
        return RunReport(self.began, ended, next=following, head="", **told)
