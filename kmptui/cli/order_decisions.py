"""`kmptui orders cancel|decline|approve`: waiting requests, one's own and others'."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from kmptui.cli import diagnostics, exit_codes, output
from kmptui.cli.options import as_json, dry_run, split, yes
from kmptui.cli.session import engine

if TYPE_CHECKING:
    from kmptui.services.deciding import Decided
    from kmptui.services.workspace import Workspace

_QUESTIONS = {
    "cancel": "Cancel {}? SCM counts them as declined; there is no way back",
    "decline": "Decline {}? Whoever asked is told so; there is no way back",
    "approve": "Approve {}? They go on to the CA, which may cost money",
}


def _deciding(function: Callable[..., Any]) -> click.Command:
    """The arguments that all three take."""
    for option in (
        as_json,
        dry_run,
        yes,
        click.option(
            "--message", required=True, metavar="TEXT", help="What SCM tells the requester, 1–512 characters."
        ),
        click.argument("order", nargs=-1, required=True, metavar="ID..."),
    ):
        function = option(function)
    return click.command()(function)


@_deciding
@engine(vault=True)
async def cancel(workspace: Workspace, **given: Any) -> int:
    """Take your own requests back, while they wait for approval (SCM: decline)."""
    return await _decide(workspace, "cancel", **given)


@_deciding
@engine(vault=True)
async def decline(workspace: Workspace, **given: Any) -> int:
    """Decline requests of others that wait for approval."""
    return await _decide(workspace, "decline", **given)


@_deciding
@engine(vault=True)
async def approve(workspace: Workspace, **given: Any) -> int:
    """Approve requests of others; an EV request needs another person than its requester."""
    return await _decide(workspace, "approve", **given)


async def _decide(
    workspace: Workspace, act: str, order: tuple[str, ...], message: str, yes: bool, dry_run: bool, json: bool
) -> int:
    from kmptui.domain import entry

    message = entry.message(message)
    ids = [await workspace.lists.resolve_order(text) for text in split(order)]
    blocked = 0
    for order_id in ids:
        found = await workspace.lists.order(order_id)
        why = workspace.deciding.why_not(found, act)
        blocked += bool(why)
        diagnostics.note(f"{found.row.number} {found.common_name}: {why or found.row.state}")
    if dry_run:
        return exit_codes.FAILURE if blocked == len(ids) else exit_codes.ATTENTION if blocked else exit_codes.FINE
    count = "1 request" if len(ids) == 1 else f"{len(ids):,} requests"
    if blocked < len(ids) and not diagnostics.confirmed(_QUESTIONS[act].format(count), yes=yes):
        return exit_codes.FAILURE
    done = await getattr(workspace.deciding, act)(ids, message)
    rows: list[dict[str, object]] = [
        {"id": one.order_id, "common_name": one.common_name, "ok": one.ok, "words": one.words} for one in done
    ]
    output.records(rows, ["id", "common_name", "ok", "words"], "json" if json else "table")
    return _exit_code(done)


def _exit_code(done: tuple[Decided, ...]) -> int:
    """Fine where all are as they were asked; attention where some are; else the kind of the first trouble."""
    if all(one.ok for one in done):
        return exit_codes.FINE
    errors = [one.error for one in done if one.error is not None]
    return exit_codes.of(errors[0]) if len(errors) == len(done) else exit_codes.ATTENTION
