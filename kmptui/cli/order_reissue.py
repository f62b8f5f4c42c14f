"""`kmptui orders reissue`: the same order, a new certificate, for a new key and perhaps other names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from kmptui.cli import diagnostics, exit_codes, output
from kmptui.cli.options import as_json, dry_run, small_file, split, yes
from kmptui.cli.session import engine

if TYPE_CHECKING:
    from kmptui.domain.order import NewKey, Order, OwnCsr
    from kmptui.services.reissuing import ReissuePreview
    from kmptui.services.workspace import Workspace


@click.command()
@click.argument("order", metavar="ID")
@click.option("--reason", required=True, metavar="TEXT", help="Why, for SCM and the audit: 1 to 512 characters.")
@click.option("--key", metavar="TYPE", help="A new key of another kind: rsa:2048, rsa:3072, ec:P-256 …")
@click.option("--csr", metavar="FILE", help="Your own certification request, for a new key.")
@click.option("--add-san", multiple=True, metavar="NAME", help="Another name; repeats, and takes commas.")
@click.option("--remove-san", multiple=True, metavar="NAME", help="A name that is left out; repeats, and takes commas.")
@click.option("--wait", type=float, metavar="SECONDS", help="Follow it for so long.")
@click.option("--despite-mirror", is_flag=True, help="Although SCM's domains or organizations seem to forbid it.")
@yes
@dry_run
@as_json
@engine(vault=True)
async def reissue(
    workspace: Workspace,
    order: str,
    reason: str,
    key: str | None,
    csr: str | None,
    add_san: tuple[str, ...],
    remove_san: tuple[str, ...],
    wait: float | None,
    despite_mirror: bool,
    yes: bool,
    dry_run: bool,
    json: bool,
) -> int:
    """Reissue a certificate under its order (SCM: replace). The present one stays valid, and is not revoked by it."""
    from kmptui.cli.orders import facts, follow
    from kmptui.domain.renewable import ReissueRequest

    current = await workspace.lists.order(await workspace.lists.resolve_order(order))
    request = ReissueRequest(current.id, reason, _key(key, csr), _names(current, add_san, remove_san))
    preview = await workspace.reissuing.preview(request)
    if dry_run:
        _tell(preview)
        output.value(_facts(preview)) if json else output.line(preview.body)
        return exit_codes.ATTENTION if preview.blocked else exit_codes.FINE
    diagnostics.note(f"{current.row.number} {current.common_name} {current.row.serial or '(no serial)'}")
    _tell(preview)
    if not diagnostics.confirmed(f"Reissue {current.common_name}?", yes=yes):
        return exit_codes.FAILURE
    done = await workspace.reissuing.reissue(request, despite_mirror=despite_mirror)
    diagnostics.note(done.words)
    if wait is not None:
        return await follow(workspace, current.id, wait, json=json)
    after = await workspace.lists.order(current.id)
    if json:
        output.value(facts(after))
    else:
        output.line(f"{after.row.number} {after.common_name}: {after.row.state}")
    return exit_codes.FINE


def _key(key: str | None, csr: str | None) -> NewKey | OwnCsr | None:
    from kmptui.domain.keys import KeySpec
    from kmptui.domain.order import NewKey, OwnCsr

    if key and csr:
        raise click.UsageError("--csr and --key exclude each other: the request has its key")
    if csr:
        return OwnCsr(small_file(csr, "csr").decode("utf-8", "replace"))
    return NewKey(KeySpec.parse(key)) if key else None


def _names(order: Order, add: tuple[str, ...], remove: tuple[str, ...]) -> tuple[str, ...]:
    """The whole new list, the common name first; empty where nothing changes. Raises PreflightFailed, BadInput."""
    from kmptui.domain.names import parse_names
    from kmptui.errors import BadInput, Finding, PreflightFailed

    if not add and not remove:
        return ()
    added, removed = parse_names("\n".join(split(add))), parse_names("\n".join(split(remove)))
    if problems := (*added.problems, *removed.problems):
        raise PreflightFailed([Finding("names", f"{problem.text}: {problem.cause}") for problem in problems])
    present = dict.fromkeys((order.common_name, *order.names))
    out = {name.ascii for name in removed.names}
    if strange := sorted(out - present.keys()):
        raise BadInput("names", f"{strange[0]} is not a name of {order.row.number}", cure="Look at it: orders show")
    names = tuple(dict.fromkeys([*(n for n in present if n not in out), *(name.ascii for name in added.names)]))
    if not names:
        raise BadInput("names", "No name would be left")
    return names


def _tell(preview: ReissuePreview) -> None:
    diagnostics.note(preview.effect)
    if preview.forbidden:
        diagnostics.note(f"problem: {preview.forbidden}")
    for finding in preview.findings:
        diagnostics.note(f"{'hint' if finding.hint else 'problem'}: {finding}")


def _facts(preview: ReissuePreview) -> dict[str, object]:
    row = preview.order.row
    return {
        "id": row.id,
        "common_name": row.common_name,
        "serial": row.serial or None,
        "key": preview.key,
        "added": list(preview.added),
        "removed": list(preview.removed),
        "blocked": preview.forbidden or "; ".join(str(one) for one in preview.findings if not one.hint) or None,
        "effect": preview.effect,
        "command": preview.command,
        "body": preview.body,
    }
