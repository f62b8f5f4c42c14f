"""`kmptui orders edit`: what stays here (note, contact), and what SCM has of an order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from kmptui.cli import diagnostics, exit_codes, output
from kmptui.cli.options import as_json, dry_run, split, yes
from kmptui.cli.session import engine, unlocked

if TYPE_CHECKING:
    from kmptui.domain.order import Order
    from kmptui.services.editing import EditRequest
    from kmptui.services.workspace import Workspace


@click.command()
@click.argument("order", metavar="ID")
@click.option("--note", help="A private note; stays here.")
@click.option("--contact", help="Whom to ask; stays here.")
@click.option("--common-name", metavar="NAME", help="Another first name.")
@click.option("--add-san", multiple=True, metavar="NAME", help="One more name; repeats, and takes commas.")
@click.option("--remove-san", multiple=True, metavar="NAME", help="A name less; repeats, and takes commas.")
@click.option("--profile", metavar="ID|NAME", help="Another certificate profile.")
@click.option("--term", type=int, metavar="DAYS", help="Another of the profile's terms.")
@click.option("--comments", help="Other comments, up to 1,024 characters; the order's mark stays.")
@click.option("--external-requester", multiple=True, metavar="MAIL", help="All of them anew; repeats; '' for none.")
@click.option("--despite-mirror", is_flag=True, help="Although SCM's domains or organizations seem to forbid it.")
@yes
@dry_run
@as_json
@engine()
async def edit(
    workspace: Workspace,
    order: str,
    note: str | None,
    contact: str | None,
    despite_mirror: bool,
    yes: bool,
    dry_run: bool,
    json: bool,
    **given: Any,
) -> int:
    """Change an order: note and contact stay here, all else is sent to SCM.

    Names, profile and term only while it is requested, declined, rejected or invalid; comments and external requesters
    at any time.
    """
    from kmptui.cli.orders import facts

    order_id = await workspace.lists.resolve_order(order)
    current = await workspace.lists.order(order_id)
    changes = await _changes(workspace, current, given)
    local = note is not None or contact is not None
    if not local and changes is None:
        raise click.UsageError("Say what to change: --note, --contact, --comments, --add-san … (see --help)")
    if changes is not None:
        code = await _in_scm(workspace, current, changes, despite_mirror, yes=yes, dry_run=dry_run)
        if code is not None:
            return code
    if local and not dry_run:
        await workspace.repository.annotate(order_id, note=note, contact=contact)
    if json:
        output.value(facts(await workspace.lists.order(order_id)))
    return exit_codes.FINE


async def _in_scm(
    workspace: Workspace, order: Order, changes: EditRequest, despite_mirror: bool, *, yes: bool, dry_run: bool
) -> int | None:
    """Tell, ask, send; an exit code where it ends here."""
    shown = await workspace.editing.preview(order.id, changes)
    diagnostics.note(f"{order.row.number} {order.common_name}, {order.row.state}")
    for field, before, after in shown.changes:
        diagnostics.note(f"  {field}: {before or '-'} -> {after or '-'}")
    for finding in shown.findings:
        diagnostics.note(f"{'hint' if finding.hint else 'problem'}: {finding}")
    if dry_run:
        if shown.forbidden:
            diagnostics.note(f"problem: {shown.forbidden}")
        output.line(shown.body)
        return exit_codes.USAGE if shown.blocked else exit_codes.FINE
    if not shown.blocked and not diagnostics.confirmed("Change it in SCM so?", yes=yes):
        return exit_codes.FAILURE
    await unlocked(workspace)
    changed = await workspace.editing.edit(order.id, changes, despite_mirror=despite_mirror, seen=order)
    diagnostics.note(f"{changed.row.number} {changed.common_name}: changed in SCM")
    return None


async def _changes(workspace: Workspace, order: Order, given: dict[str, Any]) -> EditRequest | None:
    """What SCM is to be told; None where no option asks for that. Raises BadInput, PreflightFailed, NotFound."""
    from kmptui.domain.editing import EditRequest

    if all(value is None or value == () for value in given.values()):
        return None
    mails = given["external_requester"]
    return EditRequest(
        names=_names(order, given),
        profile_id=await workspace.lists.resolve_profile(given["profile"]) if given["profile"] else None,
        term=given["term"],
        comments=given["comments"],
        requesters=tuple(split(mails)) if mails else None,
    )


def _names(order: Order, given: dict[str, Any]) -> tuple[str, ...] | None:
    from kmptui.domain.editing import all_names

    first = _parsed([given["common_name"]] if given["common_name"] else [])
    more, fewer = _parsed(split(given["add_san"])), set(_parsed(split(given["remove_san"])))
    if not (first or more or fewer):
        return None
    before = all_names(order)
    if unknown := sorted(fewer - set(before)):
        raise click.UsageError(f"{order.row.number} does not have the name {unknown[0]}")
    names = tuple(name for name in dict.fromkeys((*first, *before, *more)) if name not in fewer)
    if not names:
        raise click.UsageError("An order needs a name")
    return names


def _parsed(texts: list[str]) -> tuple[str, ...]:
    from kmptui.domain.names import parse_names
    from kmptui.errors import Finding, PreflightFailed

    found = parse_names("\n".join(texts))
    if found.problems:
        raise PreflightFailed([Finding("names", f"{problem.text}: {problem.cause}") for problem in found.problems])
    return found.ascii
