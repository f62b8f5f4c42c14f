"""The names of an order while they are put together: pure, so that the field only draws it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

from kmptui.domain.names import MOST_NAMES, NameProblem, parse_names
from kmptui.errors import Finding

MOST_PROBLEMS = 100


@dataclass(frozen=True, slots=True)
class Names:
    """The names in their order (the first is the common name), pieces that are none, and what the last paste told."""

    names: tuple[str, ...] = ()
    problems: tuple[NameProblem, ...] = ()
    told: tuple[str, ...] = ()

    def take(self, text: str) -> Names:
        """With what was typed or pasted: normalised, doubles left out and counted."""
        read = parse_names(text)
        fresh = [name for name in read.ascii if name not in self.names]
        doubles = read.duplicates + len(read.names) - len(fresh)
        room = MOST_NAMES - len(self.names)
        problems = list({problem.text: problem for problem in (*read.problems, *self.problems)}.values())
        if len(fresh) > room:
            over = f"an order takes at most {MOST_NAMES} names; the first {MOST_NAMES} were kept"
            problems.insert(0, NameProblem(f"{len(self.names) + len(fresh):,} names", over))
        seen = len(read.names) + read.duplicates + len(read.problems)
        return Names(
            (*self.names, *fresh[: max(0, room)]),
            tuple(problems[:MOST_PROBLEMS]),
            _told(seen, doubles, len(read.cut)) if seen > 1 or doubles else (),
        )

    def without(self, text: str) -> Names:
        """Less one name or one piece."""
        return Names(
            tuple(name for name in self.names if name != text),
            tuple(problem for problem in self.problems if problem.text != text),
        )

    def first(self, name: str) -> Names:
        """With this name as the common name."""
        rest = tuple(other for other in self.names if other != name)
        return replace(self, names=(name, *rest), told=()) if name in self.names else self


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the field: the name or piece, its `mark` (x wrong, ! hint, blank fine), and what is said of it."""

    text: str
    mark: str
    words: str
    common: bool = False


def lines(names: Names, findings: Mapping[str, Finding], ends: Mapping[str, date]) -> tuple[Line, ...]:
    """The common name, then what is wrong, then hints, then the rest in their order. `ends`: when DCV of a name's
    domain ends."""
    found = [_line(name, findings.get(name), ends.get(name), common=not at) for at, name in enumerate(names.names)]
    wrong = [Line(problem.text, "x", problem.cause) for problem in names.problems]
    rest = sorted(found[1:], key=lambda line: "x! ".index(line.mark))
    return (*found[:1], *wrong, *rest)


def by_name(findings: tuple[Finding, ...]) -> dict[str, Finding]:
    """The findings that name names, the gravest for each."""
    found: dict[str, Finding] = {}
    for finding in findings:
        for name in finding.names:
            if name not in found or found[name].hint:
                found[name] = finding
    return found


def _line(name: str, finding: Finding | None, end: date | None, *, common: bool) -> Line:
    if finding is None:
        return Line(name, " ", f"ok, DCV to {end:%-d %b}" if end else "ok", common)
    return Line(name, "!" if finding.hint else "x", finding.cause.rpartition(": ")[2], common)


def _told(seen: int, doubles: int, cut: int) -> tuple[str, ...]:
    words = [f"pasted {seen:,}"]
    if doubles:
        words.append(f"{doubles:,} double")
    if cut:
        words.append(f"{cut:,} from URLs")
    return tuple(words)
