"""`kmptui sync`: read from SCM what it knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from kmptui.cli import diagnostics, exit_codes, output
from kmptui.cli.options import as_json
from kmptui.cli.session import Progressing, engine

if TYPE_CHECKING:
    from kmptui.services.workspace import Workspace

TOPICS = ["organizations", "domains", "profiles", "orders"]


@click.command()
@click.argument("topic", required=False, type=click.Choice(TOPICS))
@as_json
@engine(vault=True)
async def sync(workspace: Workspace, topic: str | None, json: bool) -> int:
    """Read organizations, domains, profiles and orders from SCM; changes nothing there."""
    from kmptui.domain.listing import Topic

    progress = Progressing()
    report = await workspace.mirror.sync([Topic(topic)] if topic else [Topic(name) for name in TOPICS], progress)
    progress.end()
    for words in report.warnings:
        diagnostics.warning(words)
    rows = [
        {"topic": str(c.topic), "total": c.total, "new": c.new, "changed": c.changed, "gone": c.gone}
        for c in report.counts
    ]
    output.records(rows, ["topic", "total", "new", "changed", "gone"], "json" if json else "table")
    return exit_codes.FINE
