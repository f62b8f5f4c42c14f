"""`kmptui doctor`: what is wrong between here and SCM, with its cure."""

from __future__ import annotations

import asyncio

import click

from kmptui.cli import diagnostics, exit_codes, output
from kmptui.cli.options import as_json
from kmptui.errors import SettingsError


@click.command()
@as_json
def doctor(json: bool) -> None:
    """Examine settings, home, store, vault, address, proxy, TLS, credentials, role and clock."""
    from kmptui.config import Paths
    from kmptui.services.diagnosis import examine

    try:
        paths = Paths.from_environment()
    except SettingsError as error:
        raise SystemExit(diagnostics.trouble(error)) from error
    checks = asyncio.run(examine(paths))
    if json:
        output.value([{"name": c.name, "state": c.state, "what": c.what, "cure": c.cure or None} for c in checks])
    else:
        output.table(["Check", "State", "What", "Cure"], [(c.name, c.state, c.what, c.cure) for c in checks])
    raise SystemExit(exit_codes.FAILURE if any(c.state == "bad" for c in checks) else exit_codes.FINE)
