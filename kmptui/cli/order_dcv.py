"""`kmptui orders dcv`: what a waiting order still needs published for its names, and what the CA saw."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from kmptui.cli import diagnostics, exit_codes, output
from kmptui.cli.domains import record_facts, record_lines
from kmptui.cli.options import as_json, dry_run, yes
from kmptui.cli.session import engine

if TYPE_CHECKING:
    from kmptui.services.workspace import Workspace


@click.command()
@click.argument("order", metavar="ID")
@click.option("--recheck", is_flag=True, help="Let the CA look again now.")
@yes
@dry_run
@as_json
@engine(vault=True)
async def dcv(workspace: Workspace, order: str, recheck: bool, yes: bool, dry_run: bool, json: bool) -> int:
    """Show what an order still needs published (DCV) and what the CA saw; --recheck lets it look again."""
    order_id = await workspace.lists.resolve_order(order)
    known = await workspace.lists.order(order_id)
    if recheck:
        diagnostics.note(f"{known.row.number} {known.common_name}: let the CA look again")
        if dry_run:
            return exit_codes.FINE
        if not diagnostics.confirmed("Look again?", yes=yes):
            return exit_codes.FAILURE
        found = await workspace.validating.recheck(order_id)
    else:
        found = await workspace.validating.of_order(order_id)
    if json:
        output.value(
            {
                "id": order_id,
                "instructions": [{"domain": one.domain, **record_facts(one.record)} for one in found.instructions],
                "log": [
                    {
                        "domain": line.domain,
                        "status": line.status,
                        "last_check": line.last_check,
                        "next_check": line.next_check,
                        "validated": line.validated,
                    }
                    for line in found.log
                ],
                "problem": found.problem or None,
            }
        )
    else:
        for one in found.instructions:
            output.fields([("publish for", one.domain), *record_lines(one.record)])
        log = [[line.domain, line.status, line.last_check, line.next_check] for line in found.log]
        output.table(["domain", "status", "last check", "next check"], log)
    if found.problem:
        diagnostics.warning(found.problem)
    if not found.instructions:
        diagnostics.note("Nothing is to be published for it")
        return exit_codes.FINE
    return exit_codes.ATTENTION
