"""One command's way through the engine: open the home, run, tell, close, exit."""

from __future__ import annotations

import asyncio
import functools
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from kmptui.cli import diagnostics, ending, exit_codes
from kmptui.cli.hardening import keep_memory_private
from kmptui.errors import KmptuiError, VaultLocked

if TYPE_CHECKING:
    from kmptui.services.workspace import Workspace

Body = Callable[..., Awaitable[int | None]]


class Progressing:
    """Progress on standard error, one line that is written over; silent where that is no terminal."""

    def __init__(self) -> None:
        self._shown = 0
        self._live = sys.stderr.isatty()

    def __call__(self, progress: Any) -> None:
        if not self._live:
            return
        count = f" {progress.done:,}" + (f" of {progress.total:,}" if progress.total else "") if progress.done else ""
        text = f"{progress.words}{count}"[:78]
        sys.stderr.write("\r" + text.ljust(self._shown))
        sys.stderr.flush()
        self._shown = len(text)

    def end(self) -> None:
        if self._shown:
            sys.stderr.write("\r" + " " * self._shown + "\r")
            self._shown = 0


def engine(*, vault: bool = False) -> Callable[[Body], Callable[..., None]]:
    """Make a click callback of an async body `(workspace, **arguments)`; `vault`: it is opened first, asking for the
    passphrase where there is a terminal. The body's result is the exit code."""

    def decorate(body: Body) -> Callable[..., None]:
        @functools.wraps(body)
        def callback(**arguments: Any) -> None:
            raise SystemExit(run(body, arguments, vault=vault))

        return callback

    return decorate


def run(
    body: Body,
    arguments: dict[str, Any],
    *,
    vault: bool = False,
    face: str = "cli",
    trouble: Callable[[KmptuiError], int] = diagnostics.trouble,
) -> int:
    """Run a body in its own event loop; typed errors become sentences and exit codes, by `trouble`."""
    keep_memory_private()
    under_way: list[str] = []
    try:
        return asyncio.run(_session(body, arguments, vault, face, under_way)) or exit_codes.FINE
    except KmptuiError as error:
        return trouble(error)
    except (KeyboardInterrupt, asyncio.CancelledError):
        return diagnostics.stopped(signal.SIGINT, under_way)
    except ending.Ended as error:
        return diagnostics.stopped(error.number, under_way)
    except BrokenPipeError:
        # whoever read our output has gone: nobody is left to be told
        sys.stderr.close()
        return exit_codes.FAILURE


async def _session(body: Body, arguments: dict[str, Any], vault: bool, face: str, under_way: list[str]) -> int | None:
    """`under_way` is told what the end came in the middle of."""
    from kmptui.config import Paths
    from kmptui.services.workspace import Workspace

    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - a coroutine under asyncio.run is always a task
    came: list[int] = []

    def end(number: int) -> None:
        came.append(number)
        task.cancel()

    try:
        with ending.heard(end):
            async with await Workspace.open(Paths.from_environment(), face=face) as workspace:
                try:
                    if vault:
                        await unlocked(workspace)
                    return await body(workspace, **arguments)
                except asyncio.CancelledError:
                    under_way += [job.words for job in workspace.running if not job.stoppable]
                    raise
    except asyncio.CancelledError:
        if came:
            ending.leave(diagnostics.stopped(came[0], under_way))
        raise


async def unlocked(workspace: Workspace) -> None:
    """Open the vault: by what unlocks it unattended, else by asking. Raises VaultLocked, WrongPassphrase."""
    status = await workspace.vault.status()
    if status.state == "none":
        return
    try:
        await workspace.vault.unlock()
    except VaultLocked:
        if "passphrase" not in status.slots or not diagnostics.on_terminal():
            raise
        await workspace.vault.unlock(diagnostics.asked("Passphrase of the vault", hidden=True))
