"""What the check of the audit's chain found."""

from __future__ import annotations

from textual.content import Content

from kmptui.domain.audit import Verdict
from kmptui.tui import present
from kmptui.tui.widgets.dialog import TextDialog


class VerdictDialog(TextDialog):
    """Stays until it is read."""

    def __init__(self, verdict: Verdict) -> None:
        said = _intact(verdict) if verdict.intact else _broken(verdict)
        super().__init__("Audit", Content("\n\n").join(said))


def _intact(verdict: Verdict) -> list[Content]:
    proof = "A cut tail shows only against a head that was kept: kmptui audit verify --head HASH"
    found = [present.text(f"The audit is intact: {present.counted(verdict.rows, 'row')}.", present.GOOD)]
    if verdict.head:
        found.append(present.paragraph(f"Hash of its head, to be kept elsewhere:\n{verdict.head}"))
    return [*found, present.text(proof, present.MUTED)]


def _broken(verdict: Verdict) -> list[Content]:
    if verdict.first_bad is None:
        return [present.text(f"{verdict.problem[:1].upper()}{verdict.problem[1:]}", present.ERROR)]
    before = verdict.first_bad - 1
    kept = f"What stands before it ({present.counted(before, 'row')}) is as it was written. " if before else ""
    meant = f"{kept}From there on somebody may have changed the store's file."
    first = f"The audit is broken at row {verdict.first_bad}: {verdict.problem}"
    return [present.text(first, present.ERROR), present.text(meant)]
