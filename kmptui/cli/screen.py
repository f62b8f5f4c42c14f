"""Start the full-screen program, and the demo where it leads there."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys

from kmptui.cli import diagnostics, ending, exit_codes
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
        wish, code = asyncio.run(_shown(Paths.from_environment(), read_only=read_only))
    except KmptuiError as error:
        return diagnostics.trouble(error)
    if wish == "demo":
        from kmptui.cli.demo import on_screen

        return on_screen()
    return code


async def _shown(paths: object, *, read_only: bool) -> tuple[str | None, int]:
    wish, code = await show(paths, read_only=read_only)
    if code > exit_codes.ENDED_BY:
        ending.leave(code)
    return wish, code


async def show(paths: object, *, read_only: bool = False) -> tuple[str | None, int]:
    """Open the workspace, run the app, let the bookkeeping finish. What the user wants next ("demo": to look around in
    one), and the exit code: 1 after a bug, which the app has told, 128 and its number after a signal."""
    import dataclasses

    from kmptui.config import Paths, load_settings
    from kmptui.services.workspace import Workspace
    from kmptui.tui.app import KmptuiApp

    assert isinstance(paths, Paths)  # noqa: S101 - the callers are in this package
    settings = load_settings(paths.settings)
    if read_only:
        settings = dataclasses.replace(settings, read_only=True)
    with contextlib.ExitStack() as signals:
        async with await Workspace.open(paths, face="tui", settings=settings) as workspace:
            app = KmptuiApp(workspace)
            signals.enter_context(ending.heard(app.signalled))  # until the workspace is closed
            result = await app.run_async(mouse=settings.mouse)
    return result, app.return_code or exit_codes.FINE
