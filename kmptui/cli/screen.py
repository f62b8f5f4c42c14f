"""Start the full-screen program, and the demo where it leads there."""

from __future__ import annotations

import asyncio
import os
import sys

from kmptui.cli import diagnostics, exit_codes
from kmptui.cli.hardening import keep_memory_private
from kmptui.errors import KmptuiError


def start(*, read_only: bool = False) -> int:
    """Run the TUI on the home of the environment; the exit code."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        diagnostics.note("kmptui: the full-screen program needs a terminal; kmptui --help lists the commands")
        return exit_codes.USAGE
    if os.environ.get("TERM", "") in {"", "dumb"}:
        diagnostics.note("kmptui: this terminal (TERM=dumb) cannot show the full-screen program; use the commands")
        return exit_codes.USAGE
    from kmptui.config import Paths

    keep_memory_private()
    try:
        wish = asyncio.run(show(Paths.from_environment(), read_only=read_only))
    except KmptuiError as error:
        return diagnostics.trouble(error)
    if wish == "demo":
        from kmptui.cli.demo import on_screen

        return on_screen()
    return exit_codes.FINE if wish is None else exit_codes.FAILURE


async def show(paths: object, *, read_only: bool = False) -> str | None:
    """Open the workspace, run the app, let the bookkeeping finish. "demo": the user asked for one; "failed": the app
    ended by a bug, which it has told."""
    import dataclasses

    from kmptui.config import Paths, load_settings
    from kmptui.services.workspace import Workspace
    from kmptui.tui.app import KmptuiApp

    assert isinstance(paths, Paths)  # noqa: S101 - the callers are in this package
    settings = load_settings(paths.settings)
    if read_only:
        settings = dataclasses.replace(settings, read_only=True)
    async with await Workspace.open(paths, face="tui", settings=settings) as workspace:
        app = KmptuiApp(workspace)
        result = await app.run_async(mouse=settings.mouse)
        return "failed" if app.return_code else result
