"""`kmptui hook`: the program that is run on failures and new certificates."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from kmptui.cli import diagnostics, exit_codes, output
from kmptui.cli.options import as_json
from kmptui.cli.session import engine

if TYPE_CHECKING:
    from kmptui.services.workspace import Workspace


@click.group()
def hook() -> None:
    """The hook: a program of yours that is run when a renewal fails (once a cause and day), and for each new
    certificate. Set it with kmptui settings set hook /path/of/it; it gets KMPTUI_EVENT, KMPTUI_COMMON_NAME and more in
    its environment, and the same as JSON on standard input."""


@hook.command()
@as_json
@engine()
async def test(workspace: Workspace, json: bool) -> int:
    """Run it with made-up facts, KMPTUI_EVENT=test; exit code 1 unless its own is 0."""
    result = await workspace.hook.test()
    if json:
        output.value({"exit_code": result.exit_code, "timed_out": result.timed_out, "output": result.output})
    elif result.output:
        for line in result.output.splitlines():
            output.line(line)
    diagnostics.note(f"The hook: {result.words}")
    return exit_codes.FINE if result.ok else exit_codes.FAILURE
