"""What is known against a renewal, a reissue or a change of an order, as dialogs tell it."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from kmptui.domain.preflight import sentence
from kmptui.errors import Finding
from kmptui.tui import present
from kmptui.tui.widgets.details import wrapped

MOST = 4
INDENT = "  "


def against(forbidden: str, findings: Sequence[Finding]) -> str:
    """Why the chord is off, in a word; empty where it may be sent: what rests on the mirror is looked up again."""
    hard = [finding for finding in findings if not finding.hint and not finding.stale_prone]
    return "not possible" if forbidden else f"{len(hard):,} to mend" if hard else ""


def despite(findings: Sequence[Finding]) -> bool:
    """Whether a person sends although the mirror speaks against it."""
    return any(finding.stale_prone and not finding.hint for finding in findings)


def told(forbidden: str, findings: Sequence[Finding], cells: int, *, off: str = "") -> Content:
    """The findings with cause and cure, gravest first; what is fine is said too. `off`: why it cannot be sent now."""
    if forbidden:
        return Content("\n").join(_piece("x", forbidden, present.ERROR, cells))
    ordered = sorted(findings, key=lambda f: (f.hint, f.stale_prone))
    lines: list[Content] = []
    for finding in ordered[:MOST]:
        mark, style = ("!", present.WARNING) if finding.hint or finding.stale_prone else ("x", present.ERROR)
        words = sentence(finding) + (f". {finding.cure}" if finding.cure else "")
        lines += _piece(mark, words, style, cells)
    if len(ordered) > MOST:
        lines.append(present.text(f"{INDENT}and {len(ordered) - MOST:,} more", present.MUTED))
    if despite(findings) and not (off or against(forbidden, findings)):
        lines += _piece(" ", "SCM is asked about it once more; ctrl+y sends all the same", present.MUTED, cells)
    return Content("\n").join(lines or [present.text(f"{INDENT}Nothing is known against it", present.GOOD)])


def _piece(mark: str, words: str, style: str, cells: int) -> list[Content]:
    pieces = wrapped(present.line(words), max(20, cells - len(INDENT)))
    return [present.text(f"{mark if not at else ' '} {piece}", style) for at, piece in enumerate(pieces)]
