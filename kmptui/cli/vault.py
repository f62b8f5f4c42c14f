"""`kmptui vault`: what opens the keys and passwords."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from kmptui.cli import diagnostics, exit_codes, output, secrets
from kmptui.cli.options import as_json, yes
from kmptui.cli.session import Progressing, engine

if TYPE_CHECKING:
    from kmptui.services.vault import VaultStatus
    from kmptui.services.workspace import Workspace

SLOTS = click.Choice(["passphrase", "key-file"])


@click.group()
def vault() -> None:
    """The vault: private keys and passwords, sealed under a passphrase or a key file."""


def _print(status: VaultStatus, *, json: bool) -> None:
    if json:
        output.value(
            {
                "state": status.state,
                "slots": list(status.slots),
                "old_keys": status.old_keys,
                "problem": status.problem or None,
            }
        )
        return
    fields = [("Vault", status.state), ("Opened by", ", ".join(status.slots))]
    output.fields([*fields, ("Problem", status.problem)] if status.problem else fields)
    if status.old_keys:
        output.line("A rotation of the data key did not come to its end: kmptui vault rotate does it again")


@vault.command()
@click.option("--passphrase-file", metavar="FILE|-", help="File with the passphrase.")
@click.option("--key-file", is_flag=True, help="A key file in the home opens it, without a passphrase.")
@as_json
@engine()
async def init(workspace: Workspace, passphrase_file: str | None, key_file: bool, json: bool) -> int:
    """Make the vault."""
    passphrase = None if key_file else secrets.password(passphrase_file, "passphrase", "New passphrase", twice=True)
    _print(await workspace.vault.init(passphrase), json=json)
    return exit_codes.FINE


@vault.command()
@as_json
@engine()
async def status(workspace: Workspace, json: bool) -> int:
    """Whether there is a vault, and what opens it; its files are tried. Exit code 3 where one does not open it."""
    found = await workspace.vault.proved()
    _print(found, json=json)
    return exit_codes.ATTENTION if found.problem else exit_codes.FINE


@vault.command()
@as_json
@engine()
async def lock(workspace: Workspace, json: bool) -> int:
    """Lock it. A command opens the vault for itself only, so this tells what the next one will need."""
    status = await workspace.vault.lock()
    if "key file" in status.slots:
        diagnostics.note("A key file opens this vault: the next command opens it by itself")
    _print(status, json=json)
    return exit_codes.FINE


@vault.command("change-passphrase")
@click.option("--old-file", metavar="FILE|-", help="File with the passphrase so far.")
@click.option("--new-file", metavar="FILE|-", help="File with the new passphrase.")
@engine()
async def change_passphrase(workspace: Workspace, old_file: str | None, new_file: str | None) -> int:
    """Change the passphrase."""
    old = secrets.password(old_file, "passphrase", "Passphrase so far")
    new = secrets.password(new_file, "passphrase", "New passphrase", twice=True)
    await workspace.vault.change_passphrase(old, new)
    diagnostics.note("The passphrase was changed")
    return exit_codes.FINE


@vault.command("add-slot")
@click.argument("kind", type=SLOTS)
@click.option("--passphrase-file", metavar="FILE|-", help="File with the new passphrase.")
@as_json
@engine(vault=True)
async def add_slot(workspace: Workspace, kind: str, passphrase_file: str | None, json: bool) -> int:
    """Add another way to open the vault."""
    passphrase = None
    if kind == "passphrase":
        passphrase = secrets.password(passphrase_file, "passphrase", "New passphrase", twice=True)
    _print(await workspace.vault.add_slot(kind.replace("-", " "), passphrase), json=json)
    return exit_codes.FINE


@vault.command("remove-slot")
@click.argument("kind", type=SLOTS)
@yes
@as_json
@engine(vault=True)
async def remove_slot(workspace: Workspace, kind: str, yes: bool, json: bool) -> int:
    """Remove a way to open the vault; never the last one."""
    if not diagnostics.confirmed(f"The {kind} will no longer open the vault. Go on?", yes=yes):
        return exit_codes.FAILURE
    _print(await workspace.vault.remove_slot(kind.replace("-", " ")), json=json)
    return exit_codes.FINE


@vault.command()
@yes
@as_json
@engine(vault=True)
async def rotate(workspace: Workspace, yes: bool, json: bool) -> int:
    """Make a new data key and seal every secret under it. Passphrase and key file stay as they are."""
    if not diagnostics.confirmed("Seal every secret under a new key?", yes=yes):
        return exit_codes.FAILURE
    progress = Progressing()
    count = await workspace.vault.rotate(progress)
    progress.end()
    if json:
        output.value({"sealed": count})
    else:
        output.line(f"{count:,} {'secret' if count == 1 else 'secrets'} sealed under a new key; the old one is gone")
    return exit_codes.FINE
