"""`kmptui certificates delete-key`: destroy a private key, by a yes of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from kmptui.cli import diagnostics, exit_codes
from kmptui.cli.options import dry_run
from kmptui.cli.session import engine

if TYPE_CHECKING:
    from kmptui.services.workspace import Workspace


@click.command("delete-key")
@click.argument("certificate", metavar="ID")
@click.option("--confirm", metavar="NAME", help="The common name: nothing else confirms it.")
@dry_run
@engine()
async def delete_key(workspace: Workspace, certificate: str, confirm: str | None, dry_run: bool) -> int:
    """Destroy a certificate's private key, for good; also once the certificate was deleted here.

    The certificate itself stays as it is, here and in SCM. An order's number (o118) names the key that was made for an
    order that never came to a certificate. Refused while an open order needs the key.
    """
    from kmptui.errors import BadInput, NotFound

    owner = await workspace.repository.key_owner(certificate)
    if not owner.has_key:
        raise NotFound(f"There is no private key here for {owner.number} {owner.common_name}")
    name = owner.common_name or owner.serial
    diagnostics.note(owner.subject)
    diagnostics.note("Its private key is destroyed for good: no backup is made, and no export holds it any more")
    if owner.others:
        diagnostics.warning(f"{', '.join(owner.others)} have the same key")
    if dry_run:
        return exit_codes.FINE
    if confirm is None:
        if not diagnostics.on_terminal():
            raise click.UsageError(f"Destroying a key is confirmed by --confirm {name}")
        confirm = diagnostics.asked(f"To confirm, type {name}")
    if confirm.strip().lower() != name.lower():
        raise BadInput("confirm", "The key is not destroyed", why=f"what was typed is not {name}")
    await workspace.repository.delete_key(owner.number)
    diagnostics.note("The private key is destroyed")
    return exit_codes.FINE
