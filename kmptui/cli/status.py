"""`kmptui status`: the home screen's lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from kmptui.cli import exit_codes, output
from kmptui.cli.options import as_json
from kmptui.cli.session import engine

if TYPE_CHECKING:
    from kmptui.services.workspace import Workspace


@click.command()
@as_json
@engine()
async def status(workspace: Workspace, json: bool) -> int:
    """What needs you, from the store; exit code 3 when something does, or when the data is too old to tell."""
    account = await workspace.account.view()
    view = await workspace.home.view()
    facts = (*view.facts, *await _quiet(workspace))
    attention = exit_codes.ATTENTION if view.needs or view.stale else exit_codes.FINE
    if json:
        output.value(
            {
                "account": None if account is None else f"{account.login}@{account.customer_uri}",
                "kind": None if account is None else account.kind,
                "as_of": view.as_of,
                "stale": view.stale or None,
                "needs": [
                    {
                        "word": need.word,
                        "count": need.count,
                        "what": need.what,
                        "example": need.example,
                        "filter": None if need.query is None else need.query.filter,
                    }
                    for need in view.needs
                ],
                "facts": dict(facts),
            }
        )
        return attention
    if account is None:
        output.line("Not linked to an SCM account yet: kmptui account link, or look around with kmptui demo")
    if view.needs:
        output.line(f"Needs you: {view.total:,}")
        output.table(["", "", "", ""], [(need.word, f"{need.count:,}", need.what, need.example) for need in view.needs])
    else:
        output.line("Nothing needs you")
    if view.stale:
        output.line(view.stale)
    output.fields(facts)
    return attention


async def _quiet(workspace: Workspace) -> list[tuple[str, str]]:
    """Health and vault, each in one line."""
    report, vault = await workspace.health.last(), await workspace.vault.status()
    notes = sum(check.state in {"note", "bad"} for check in report.checks) if report else 0
    words = (
        "not looked at yet" if report is None else f"{notes} {'note' if notes == 1 else 'notes'}" if notes else "fine"
    )
    opened = " and ".join(vault.slots)
    return [("Health", words), ("Vault", f"{opened}, {vault.state}" if opened else "none yet")]
