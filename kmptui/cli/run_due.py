"""`kmptui run-due`: do what is due now, once; what a timer calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from kmptui.cli import diagnostics, exit_codes, output, session
from kmptui.cli.options import as_json

if TYPE_CHECKING:
    from kmptui.services.runs import RunLine, RunReport
    from kmptui.services.workspace import Workspace

TITLES = {
    "failed": "failed", "blocked": "BLOCKED", "deferred": "deferred", "held": "held", "waiting": "waits",
    "done": "done",
}  # fmt: skip


@click.command("run-due")
@click.option("--deadline", type=click.IntRange(0, 86_400), metavar="SECONDS", help="Begin nothing more after this.")
@as_json
def run_due(deadline: int | None, json: bool) -> None:
    """Renew, check, collect and sync what is due now, once (for a timer).

    Exit code 0: fine; 1: something failed; 3: something needs a person, or is still pending; 4: put off until later,
    or done by another process.
    """
    raise SystemExit(session.run(_run, {"deadline": deadline, "json": json}, face="timer"))


async def _run(workspace: Workspace, deadline: int | None, json: bool) -> int:
    progress = session.Progressing()
    report = await workspace.schedule.run_due(progress, deadline=deadline, unit=workspace.actor.unit)
    progress.end()
    if json:
        output.value(facts(report))
    else:
        _print(report)
    if report.head:
        diagnostics.note(f"record's head: {report.head}")
    return exit_code(report)


def exit_code(report: RunReport) -> int:
    """What a script is told: the worst of what happened."""
    if report.failed:
        return exit_codes.FAILURE
    if report.blocked:
        return exit_codes.ATTENTION
    if report.deferred or report.held:
        return exit_codes.DEFERRED
    return exit_codes.ATTENTION if report.waiting else exit_codes.FINE


def facts(report: RunReport) -> dict[str, object]:
    """The report for scripts."""
    return {
        "outcome": report.outcome,
        "words": report.words,
        "began": report.began,
        "ended": report.ended,
        "next": report.next,
        "head": report.head or None,
        **{name: [_line(line) for line in getattr(report, name)] for name in TITLES},
    }


def _line(line: RunLine) -> dict[str, object]:
    gone = line.again is not None and line.again.year == 9999
    return {
        "job": line.job,
        "order_id": line.order_id,
        "common_name": line.common_name or None,
        "certificate_id": line.certificate_id,
        "words": line.words,
        "cure": line.cure or None,
        "again": None if gone else line.again,
    }


def _print(report: RunReport) -> None:
    following = f"; next {report.next:%-d %b %H:%M} UTC" if report.next is not None else ""
    output.line(report.words + following)
    for name, title in TITLES.items():
        for line in getattr(report, name):
            output.line(f"  {title}: {line}")
            if line.cure:
                diagnostics.note(f"    {line.cure}")
