"""The one wrapper of everything that runs for a key press or in the background of a screen.

A typed error is shown as `problems` says: the node that started the work is asked first (a form puts it beside the
field), then the screens above it, then the app. Anything else is a bug: it is logged without its values, shown as such,
and the app lives on. What writes to SCM belongs to the Workspace and outlives the worker that asked for it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Protocol, runtime_checkable

from textual.app import App
from textual.dom import DOMNode
from textual.worker import Worker

from kmptui.errors import KmptuiError
from kmptui.tui.problems import Place, problem_of

Work = Callable[[], Awaitable[None]]


@runtime_checkable
class TakesProblems(Protocol):
    """A widget, screen or app that shows errors of its own work."""

    def show_problem(self, error: KmptuiError) -> bool:
        """Show it; False when somebody above must."""
        ...


@runtime_checkable
class Host(Protocol):
    """What the wrapper needs of an app."""

    def show_bug(self, error: BaseException, where: str) -> None: ...

    async def unlock(self) -> bool:
        """Ask for the vault's passphrase; whether it is open now."""
        ...


def start(node: DOMNode, work: Work, *, name: str = "", group: str = "", exclusive: bool = False) -> Worker[None]:
    """Run `work` beside the screen; it ends with its node. `exclusive` (reads only) ends its group's former one."""
    group = group or name or "default"
    return node.run_worker(
        partial(guarded, node, work), name=name, group=group, exclusive=exclusive, exit_on_error=False
    )


async def guarded(node: DOMNode, work: Work) -> None:
    """Await `work` and show what goes wrong. A locked vault is unlocked once, and the work begins anew."""
    app = node.app
    try:
        await _unlocking(app, work)
    except asyncio.CancelledError:
        raise
    except KmptuiError as error:
        show(node, error)
    except Exception as error:  # noqa: BLE001 - a bug must not end the app: it is logged and shown as one
        show_bug(app, error, type(node).__name__)


async def _unlocking(app: App[Any], work: Work) -> None:
    try:
        await work()
    except KmptuiError as error:
        if problem_of(error).place is not Place.UNLOCK or not isinstance(app, Host) or not await app.unlock():
            raise
        await work()


def show(node: DOMNode, error: KmptuiError) -> None:
    """Show a typed error where it belongs, from the node upwards."""
    chain = [*node.ancestors_with_self] if node.is_attached else []
    for holder in [*chain, node.app]:
        if isinstance(holder, TakesProblems) and holder.show_problem(error):
            return
    log(error, type(node).__name__)


def show_bug(app: App[Any], error: BaseException, where: str) -> None:
    """Log a bug without its values, and tell of it."""
    log(error, where)
    if isinstance(app, Host):
        app.show_bug(error, where)
    else:
        raise error


def log(error: BaseException, where: str) -> None:
    """Type and place of an error, never its text or locals: they may hold what nobody should read."""
    places = []
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        places.append(f"{code.co_filename.rpartition('kmptui/')[2]}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    logging.getLogger("kmptui.tui").error("%s in %s: %s", type(error).__name__, where, " < ".join(reversed(places)))
