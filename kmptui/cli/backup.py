"""`kmptui backup` and `kmptui restore`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kmptui.cli import diagnostics, exit_codes, output, secrets
from kmptui.cli.options import as_json, yes
from kmptui.cli.session import engine
from kmptui.errors import KmptuiError

if TYPE_CHECKING:
    from kmptui.services.workspace import Workspace

KEEP = "The key file is not in it: keep a copy of {} elsewhere, or the backup opens for nobody"


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--passphrase-file", metavar="FILE|-", help="A passphrase for this backup alone.")
@click.option("--replace", is_flag=True, help="Replace the file where it exists.")
@as_json
@engine(vault=True)
async def backup(
    workspace: Workspace, file: Path, passphrase_file: str | None, replace: bool, json: bool
) -> int:  # fmt: skip
    """Write store and settings into FILE, sealed, while others go on working. It opens with what opens the vault."""
    passphrase = secrets.from_file(passphrase_file, "passphrase") if passphrase_file else None
    done = await workspace.backup.write(file, passphrase=passphrase, replace=replace)
    if json:
        output.value(
            {"path": str(done.path), "sha256": done.sha256, "size": done.size, "opened_by": list(done.opened_by)}
        )
    else:
        output.fields(
            [
                ("Backup", done.path), ("SHA-256", done.sha256), ("Size", f"{done.size:,} bytes"),
                ("Opened by", ", ".join(done.opened_by)),
            ]
        )  # fmt: skip
    if "passphrase" not in done.opened_by:
        diagnostics.warning(KEEP.format(workspace.paths.key_file))
    return exit_codes.FINE


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--passphrase-file", metavar="FILE|-", help="File with the passphrase that opens it.")
@click.option("--key-file", metavar="FILE", type=click.Path(path_type=Path), help="Key file that opens it.")
@yes
@as_json
def restore(file: Path, passphrase_file: str | None, key_file: Path | None, yes: bool, json: bool) -> None:
    """Put a backup into a home that has no store. It is verified whole before anything is put in place."""
    try:
        raise SystemExit(_restore(file, passphrase_file, key_file, yes=yes, json=json))
    except KmptuiError as error:
        raise SystemExit(diagnostics.trouble(error)) from None


def _restore(file: Path, passphrase_file: str | None, key_file: Path | None, *, yes: bool, json: bool) -> int:
    from kmptui.config import Paths
    from kmptui.domain.clock import SystemClock
    from kmptui.services import backup as backups

    paths = Paths.from_environment()
    ways = backups.opened_by(file)
    passphrase = None
    if passphrase_file:
        passphrase = secrets.from_file(passphrase_file, "passphrase")
    elif key_file is None and not paths.key_file.exists() and "passphrase" in ways:
        passphrase = secrets.password(None, "passphrase", "Passphrase of the backup")
    if not diagnostics.confirmed(f"Restore {file} into {paths.home}?", yes=yes):
        return exit_codes.FAILURE
    done = asyncio.run(backups.restore(paths, file, SystemClock(), passphrase=passphrase, key_file=key_file))
    if json:
        output.value(
            {
                "created": done.created,
                "host": done.host,
                "orders": done.orders,
                "certificates": done.certificates,
                "audit_rows": done.audit_rows,
                "head": done.head,
                "opened_by": list(done.opened_by),
            }
        )
    else:
        output.line(
            f"Restored: {done.orders:,} orders, {done.certificates:,} certificates, {done.audit_rows:,} rows of the"
            f" audit, as of {done.created:%Y-%m-%d %H:%M} UTC on {done.host}"
        )
    diagnostics.note("What SCM did since then is not known here: kmptui sync, then kmptui orders check")
    return exit_codes.FINE
