"""`kmptui auto-renewal audit`: who renewed what, when and why."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import click

from kmptui.cli import diagnostics, exit_codes, output
from kmptui.cli.options import as_json
from kmptui.cli.session import engine
from kmptui.config import meant
from kmptui.domain.audit import OUTCOMES

if TYPE_CHECKING:
    from kmptui.services.workspace import Workspace

DAY = click.DateTime(["%Y-%m-%d"])
SHOWN = [
    "at",
    "common_name",
    "outcome",
    "actor",
    "why",
    "old_ssl_id",
    "ssl_id",
    "serial",
    "expires",
    "cause",
    "next_try",
]


@click.command()
@click.option("--certificate", default="", metavar="ID|NAME", help="c42, o118, scm:4711823, a serial or a name.")
@click.option("--outcome", type=click.Choice(OUTCOMES), default=None)
@click.option("--actor", default="", help="Part of who did it: a login name, a host, timer.")
@click.option("--from", "start", type=DAY, help="First day, UTC.")
@click.option("--to", "end", type=DAY, help="Last day, UTC.")
@click.option("--most", type=click.IntRange(1, 100_000), default=100, show_default=True, help="Lines that are printed.")
@click.option("--export", "out", metavar="FILE|-", help="Write all that match to a file.")
@click.option("--format", "layout", type=click.Choice(["csv", "json"]), help="Of the exported file.")
@click.option("--replace", is_flag=True, help="Replace an existing file.")
@as_json
@engine()
async def audit(
    workspace: Workspace, certificate: str, outcome: str | None, actor: str, start: datetime | None,
    end: datetime | None, most: int, out: str | None, layout: str | None, replace: bool, json: bool,
) -> int:  # fmt: skip
    """Each attempt to renew or reissue: by whom, when, why, what for, and what became of it; newest first."""
    from kmptui.services.renewal_audit import Wanted, facts

    wanted = Wanted(
        certificate, outcome or "", actor, start.date() if start else None, end.date() if end else None
    )  # fmt: skip
    if out is None:
        window = await workspace.renewal_audit.window(wanted, 0, most)
        output.records([facts(line) for line in window.rows], SHOWN, "json" if json else "table")
        if window.total > len(window.rows):
            diagnostics.note(f"{len(window.rows):,} of {window.total:,}; --most shows more")
        return exit_codes.FINE
    if layout is None:
        raise click.UsageError("--export needs --format csv or json")
    path = None if out == "-" else meant(out)
    lines, data = await workspace.renewal_audit.export(path, layout, wanted, replace=replace)
    if path is None:
        output.raw(data)
    counted = await workspace.renewal_audit.sums(wanted.start, wanted.end)
    words = ", ".join(f"{count:,} {outcome}" for outcome, count in counted.outcomes.items())
    diagnostics.note(f"{lines:,} attempts written; in the ledger of these days: {words or 'none'}")
    return exit_codes.FINE
