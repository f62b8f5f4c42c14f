"""`kmptui changes`: what somebody else did in SCM."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from kmptui.cli import diagnostics, exit_codes, output
from kmptui.cli.options import as_json
from kmptui.cli.session import engine

if TYPE_CHECKING:
    from kmptui.domain.changes import Change
    from kmptui.services.workspace import Workspace


@click.group()
def changes() -> None:
    """What was revoked, reissued, renewed, ordered or changed in SCM, and not from here."""


def _facts(change: Change) -> dict[str, object]:
    return {
        "id": change.id,
        "at": change.at,
        "kind": change.kind.value,
        "topic": change.topic.value,
        "subject": change.subject,
        "order_id": change.order_id,
        "row_id": change.row_id,
        "before": change.before or None,
        "after": change.after,
        "acknowledged": change.seen,
    }


@changes.command("list")
@click.option("--all", "seen", is_flag=True, help="Those that were acknowledged, too.")
@as_json
@engine()
async def list_changes(workspace: Workspace, seen: bool, json: bool) -> int:
    """What nobody has acknowledged yet, newest first; exit code 3 when there is something."""
    found = await workspace.changes.list(seen=seen)
    if json:
        output.value([_facts(change) for change in found])
    elif found:
        output.table(
            ["id", "seen", "kind", "what", "before", "after"],
            [
                (one.id, f"{one.at:%Y-%m-%d %H:%M}", one.kind, f"{one.number} {one.subject}", one.before, one.after)
                for one in found
            ],
        )
    else:
        diagnostics.note("Nobody else changed anything" + ("" if seen else " that was not acknowledged"))
    return exit_codes.ATTENTION if any(change.seen is None for change in found) else exit_codes.FINE


@changes.command()
@click.argument("ids", nargs=-1, type=click.IntRange(1), metavar="[ID]...")
@click.option("--all", "everything", is_flag=True, help="All of them.")
@engine()
async def acknowledge(workspace: Workspace, ids: tuple[int, ...], everything: bool) -> int:
    """Say that a person has seen these changes; written to the audit."""
    if bool(ids) == everything:
        raise click.UsageError("Say which changes, by their ids, or --all")
    done = await workspace.changes.acknowledge(None if everything else ids)
    diagnostics.note(f"{done:,} {'change' if done == 1 else 'changes'} acknowledged")
    return exit_codes.FINE
