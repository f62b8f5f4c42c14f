"""`kmptui audit`: the record of what was done."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

import click

from kmptui.cli import diagnostics, exit_codes, output
from kmptui.cli.options import as_json
from kmptui.cli.session import engine
from kmptui.config import meant
from kmptui.domain.listing import Query, Topic

if TYPE_CHECKING:
    from kmptui.domain.audit import AuditRow
    from kmptui.services.workspace import Workspace

DAY = click.DateTime(["%Y-%m-%d"])


@click.group()
def audit() -> None:
    """Who did what, when, on what, with which outcome."""


def _facts(row: AuditRow) -> dict[str, object]:
    return {
        "seq": row.seq,
        "at": row.at,
        "actor": row.actor,
        "account": row.account or None,
        "action": row.action,
        "phase": row.phase,
        "outcome": row.outcome,
        "subject": row.subject,
        "order_id": row.order_id,
        "certificate_id": row.certificate_id,
        "reason": row.reason or None,
        "details": dict(row.details),
        "hash": row.hash,
    }


@audit.command("list")
@click.argument("filter", required=False, default="")
@click.option("--most", type=click.IntRange(1, 100_000), default=100, show_default=True)
@as_json
@engine()
async def list_rows(workspace: Workspace, filter: str, most: int, json: bool) -> int:  # noqa: A002 - the option's name
    """The newest rows first."""
    window = await workspace.lists.window(Query(Topic.AUDIT, filter=filter), 0, most)
    rows = [_facts(row) for row in window.rows]
    output.records(rows, ["seq", "at", "actor", "action", "outcome", "subject", "reason"], "json" if json else "table")
    return exit_codes.FINE


@audit.command()
@click.option("--format", "layout", type=click.Choice(["csv", "json"]), required=True)
@click.option("--from", "start", type=DAY, help="First day, UTC.")
@click.option("--to", "end", type=DAY, help="Last day, UTC.")
@click.option("--out", metavar="PATH|-", default="-", show_default=True)
@click.option("--replace", is_flag=True, help="Replace an existing file.")
@engine()
async def export(
    workspace: Workspace, layout: str, start: datetime | None, end: datetime | None, out: str, replace: bool
) -> int:
    """Write the record of a range of days."""
    first: date | None = start.date() if start else None
    last: date | None = end.date() if end else None
    path = None if out == "-" else meant(out)
    rows, data = await workspace.record.export(path, layout, start=first, end=last, replace=replace)
    if path is None:
        output.raw(data)
    diagnostics.note(f"{rows:,} rows")
    return exit_codes.FINE


@audit.command()
@click.option("--head", help="A hash that was kept elsewhere: it must be part of the chain.")
@as_json
@engine()
async def verify(workspace: Workspace, head: str | None, json: bool) -> int:
    """Check the whole chain of hashes."""
    verdict = await workspace.record.verify(head)
    if json:
        output.value(
            {
                "intact": verdict.intact,
                "rows": verdict.rows,
                "head": verdict.head,
                "first_bad": verdict.first_bad,
                "problem": verdict.problem or None,
            }
        )
    elif verdict.intact:
        output.line(f"ok: {verdict.rows:,} rows, head {verdict.head}")
    else:
        where = f" at row {verdict.first_bad}" if verdict.first_bad is not None else ""
        output.line(f"NOT INTACT{where}: {verdict.problem}")
    return exit_codes.FINE if verdict.intact else exit_codes.FAILURE
