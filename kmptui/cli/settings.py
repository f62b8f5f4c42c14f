"""`kmptui settings`: list, get, set."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import click

from kmptui.cli import diagnostics, exit_codes, output
from kmptui.cli.options import as_json
from kmptui.cli.session import engine
from kmptui.config import Settings, parse_setting

if TYPE_CHECKING:
    from kmptui.services.workspace import Workspace


@click.group()
def settings() -> None:
    """Settings, kept in settings.toml of the home."""


@settings.command("list")
@as_json
@engine()
async def list_settings(workspace: Workspace, json: bool) -> int:
    """All settings with their values and what they mean."""
    values = dataclasses.asdict(workspace.settings)
    if json:
        output.value(values)
        return exit_codes.FINE
    rows = [(f.name, values[f.name], f.metadata["doc"]) for f in dataclasses.fields(Settings)]
    output.table(["Setting", "Value", "Meaning"], rows)
    return exit_codes.FINE


@settings.command("get")
@click.argument("name")
@as_json
@engine()
async def get_setting(workspace: Workspace, name: str, json: bool) -> int:
    """One setting's value."""
    values = dataclasses.asdict(workspace.settings)
    if name not in values:
        raise click.UsageError(f"There is no setting named {name!r}. Known are: {', '.join(values)}")
    output.value(values[name]) if json else output.line(str(values[name]))
    return exit_codes.FINE


@settings.command("set")
@click.argument("name")
@click.argument("value")
@engine()
async def set_setting(workspace: Workspace, name: str, value: str) -> int:
    """Change one setting; written to the audit."""
    parsed = parse_setting(name, value)
    if name == "renew_days_before" and isinstance(parsed, int):
        for hint in await workspace.renewal.set_days(parsed):  # it knows the terms that are in use
            diagnostics.warning(hint.cause)
        changed = workspace.settings
    else:
        changed = await workspace.change_settings(**{name: parsed})
    diagnostics.note(f"{name} is {getattr(changed, name)} now")
    return exit_codes.FINE
