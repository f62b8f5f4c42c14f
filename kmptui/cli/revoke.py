"""`kmptui orders revoke`, `certificates revoke` and `certificates proofs`: one certificate, for good, and its proof."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from kmptui.cli import diagnostics, exit_codes, output
from kmptui.cli.options import as_json, dry_run, yes
from kmptui.cli.session import Progressing, engine, unlocked
from kmptui.domain.revocation import BY_NAME, REASONS

if TYPE_CHECKING:
    from kmptui.services.proving import Proof
    from kmptui.services.revoking import Target
    from kmptui.services.workspace import Workspace

SHORTEST_SERIAL = 8
"""Hex digits from which on a text that names nothing here is taken for a serial."""
_CODES = "; ".join(f"{code} {words}" for code, words in REASONS.items())


def _revoking(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options of both ways to revoke."""
    for option in (
        as_json,
        dry_run,
        yes,
        click.option("--remove", is_flag=True, help="Take it out of the repository afterwards."),
        click.option("--confirm", metavar="NAME|SERIAL", help="What confirms it: see above; --yes does not."),
        click.option("--reason", required=True, metavar="TEXT", help="Why, 1–512 characters; SCM keeps it."),
        click.option("--reason-code", required=True, type=int, metavar="N", help=f"{_CODES}."),
    ):
        function = option(function)
    return function


@click.command("revoke")
@click.argument("order", metavar="ID")
@_revoking
@engine()
async def revoke_order(workspace: Workspace, order: str, **given: Any) -> int:
    """Have the CA revoke an order's certificate, for good.

    Refused where the order has several live certificates: revoke one by its serial. --confirm takes the common name,
    or, where several live certificates have it, the last four digits of the serial (or all of it).
    """
    order_id = await workspace.lists.resolve_order(order)
    return await _revoke(workspace, await workspace.revoking.target(order_id=order_id), **given)


@click.command("revoke")
@click.argument("certificate", metavar="ID|SERIAL")
@_revoking
@engine()
async def revoke_certificate(workspace: Workspace, certificate: str, **given: Any) -> int:
    """Have the CA revoke one certificate, for good.

    --confirm takes the common name, or, where several live certificates have it, the last four digits of the serial
    (or all of it).
    """
    return await _revoke(workspace, await _target(workspace, certificate), **given)


async def _target(workspace: Workspace, text: str) -> Target:
    """By number, serial or name of the repository; else by the serial that an order has."""
    from kmptui.errors import BadInput, NotFound

    if re.fullmatch(r"[oO]\d+", text):
        cure = f"Revoke the certificate of an order with: kmptui orders revoke {text}"
        raise BadInput("certificate", f"{text} is an order, no certificate", cure=cure)
    try:
        certificate_id = await workspace.lists.resolve_certificate(text)
    except NotFound:
        digits = text.replace(":", "").replace(" ", "")
        if len(digits) < SHORTEST_SERIAL or any(char not in "0123456789abcdefABCDEF" for char in digits):
            raise
        return await workspace.revoking.target(serial=digits)
    return await workspace.revoking.target(certificate_id=certificate_id)


async def _revoke(
    workspace: Workspace,
    target: Target,
    reason_code: int,
    reason: str,
    confirm: str | None,
    remove: bool,
    yes: bool,
    dry_run: bool,
    json: bool,
) -> int:
    from kmptui.domain import entry

    entry.reason_code(reason_code), entry.reason(reason)
    _tell(target)
    if dry_run:
        if json:
            output.value(_facts(target))
        return exit_codes.FINE
    typed = "" if target.already else _typed(target, confirm)
    if not target.already:
        await unlocked(workspace)
    done = await workspace.revoking.revoke(target, code=reason_code, reason=reason, typed=typed)
    removed = False
    if done.certificate_id is not None and (remove or (not yes and _wants_it_out(done.certificate_id))):
        removed = bool(await workspace.repository.delete_certificates([done.certificate_id]))
    if json:
        told = {"already": done.already, "confirmed": done.confirmed, "removed": removed, "words": done.words}
        output.value(_facts(target) | told)
    else:
        output.line(done.words)
    return exit_codes.FINE if done.confirmed else exit_codes.ATTENTION


def _tell(target: Target) -> None:
    """All that must be known before anything is asked."""
    diagnostics.note(f"{target.number} {target.common_name}")
    diagnostics.note(f"  serial {target.serial}")
    days = [f"issued {target.issued:%-d %b %Y}"] if target.issued else []
    days += [f"ends {target.ends:%-d %b %Y}"] if target.ends else []
    others = len(target.names) - 1
    names = [f"{others:,} more name{'s' if others > 1 else ''}"] if others > 0 else []
    if days or names:
        diagnostics.note(f"  {', '.join(days + names)}")
    if target.already:
        diagnostics.note(f"  {target.already}")
        return
    diagnostics.note(target.standing)
    diagnostics.note(target.words)
    if target.warning:
        diagnostics.warning(target.warning)


def _typed(target: Target, confirm: str | None) -> str:
    """What confirms it. Without a terminal and without --confirm: wrong usage, nothing is sent."""
    if confirm is not None:
        return confirm
    what = "the common name" if target.confirm == BY_NAME else "the last 4 digits of the serial"
    if not diagnostics.on_terminal():
        raise click.UsageError(f"Revoking is confirmed by --confirm with {what}; --yes does not do")
    return diagnostics.asked(f"To confirm, type {what}")


def _wants_it_out(certificate_id: int) -> bool:
    if not diagnostics.on_terminal():
        return False
    return diagnostics.confirmed(f"Take c{certificate_id} out of the repository, too? Its key stays", yes=False)


def _facts(target: Target) -> dict[str, object]:
    return {
        "number": target.number,
        "certificate_id": target.certificate_id,
        "order_id": target.order_id,
        "serial": target.serial,
        "common_name": target.common_name,
        "names": list(target.names),
        "issued": target.issued,
        "ends": target.ends,
        "newest": target.newest,
        "live": [{"number": one.number, "serial": one.serial, "ends": one.ends} for one in target.live],
        "confirm": target.confirm,
    }


@click.command()
@click.option("--look", is_flag=True, help="Look up now what is not proved yet.")
@as_json
@engine()
async def proofs(workspace: Workspace, look: bool, json: bool) -> int:
    """How far revocations are proved: SCM says so, and the CA's list of revoked certificates (CRL) has it."""
    if look:
        await _look(workspace)
    found = await workspace.revoking.proofs()
    rows: list[dict[str, object]] = [_proof_facts(one) for one in found]
    output.records(rows, ["serial", "common_name", "state", "asked", "listed", "words"], "json" if json else "table")
    waits = look and any(one.state in {"waiting", "unconfirmed"} for one in found)
    return exit_codes.ATTENTION if waits else exit_codes.FINE


async def _look(workspace: Workspace) -> None:
    from kmptui.errors import VaultLocked

    try:
        await unlocked(workspace)
    except VaultLocked as error:
        diagnostics.warning(f"only the CA's lists are looked up: {error}")
    progress = Progressing()
    looked = await workspace.revoking.prove(progress, due_only=False)
    progress.end()
    for one in looked:
        diagnostics.note(f"{one.common_name} {one.serial}: {one.words}")


def _proof_facts(one: Proof) -> dict[str, object]:
    return {
        "serial": one.serial,
        "common_name": one.common_name,
        "certificate_id": one.certificate_id,
        "order_id": one.order_id,
        "state": one.state,
        "asked": one.asked,
        "confirmed": one.confirmed,
        "listed": one.listed,
        "url": one.url or None,
        "again": one.again,
        "words": one.words,
    }
