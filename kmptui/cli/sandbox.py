"""`kmptui sandbox`: an SCM of one's own with a real CA, until a signal or, on a leash, the end of standard input."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import threading
from typing import TYPE_CHECKING

import click

from kmptui.cli import diagnostics, exit_codes, output

if TYPE_CHECKING:
    from kmptui.sandbox.server import SandboxConfig


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65_535), default=0, show_default=True, help="0: any free one.")
@click.option("--tls", is_flag=True, help="Serve HTTPS, with a certificate of the sandbox's own CA.")
@click.option(
    "--certificates", type=click.IntRange(0, 1_000_000), default=300, show_default=True, help="Orders to begin with."
)
@click.option(
    "--issue-after", type=click.FloatRange(0), default=2.0, show_default=True, help="Seconds until the CA issues."
)
@click.option("--latency", type=click.FloatRange(0), default=0.0, help="Milliseconds before every answer.")
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed gives the same company and keys.")
@click.option("--hostile", is_flag=True, help="Add orders that are odd on purpose: missing members, text that bites.")
@click.option("--leash", is_flag=True, hidden=True, help="End when standard input ends.")
def sandbox(
    host: str,
    port: int,
    tls: bool,
    certificates: int,
    issue_after: float,
    latency: float,
    seed: int,
    hostile: bool,
    leash: bool,
) -> None:
    """Run a sandbox SCM: the documented API over a real CA, for rehearsals and tests.

    Prints one line of JSON when it is ready: base_url, login, password, customer_uri, ca_file, control_url. Ends on
    Ctrl-C or SIGTERM. Its certificates are worth nothing outside.
    """
    from kmptui.sandbox.server import SandboxConfig

    config = SandboxConfig(
        host=host,
        port=port,
        tls=tls,
        certificates=certificates,
        issue_after=issue_after,
        latency_ms=latency,
        seed=seed,
        hostile=hostile,
    )
    try:
        asyncio.run(_serve(config, leash=leash))
    except OSError as error:
        diagnostics.note(f"The sandbox cannot listen on {host} port {port}: {error.strerror or error}.")
        raise SystemExit(exit_codes.FAILURE) from error


async def _serve(config: SandboxConfig, *, leash: bool) -> None:
    """Listen until a signal comes or the leash is let go."""
    from kmptui.sandbox.server import SandboxServer

    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, ended.set)
    if leash:
        # a thread, since an event loop cannot watch every kind of standard input
        threading.Thread(target=_hold, args=(loop, ended), daemon=True).start()
    async with SandboxServer(config) as server:
        output.raw(json.dumps(server.announcement()).encode() + b"\n")
        await ended.wait()


def _hold(loop: asyncio.AbstractEventLoop, ended: asyncio.Event) -> None:
    """Read standard input to its end, then let go."""
    while os.read(0, 4096):
        pass
    with contextlib.suppress(RuntimeError):  # the loop may have ended by itself
        loop.call_soon_threadsafe(ended.set)
