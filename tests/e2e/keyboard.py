"""A person at the keyboard: the app on a home of its own, at 80x24, and keys as a terminal sends them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from textual.pilot import Pilot

from kmptui.config import Paths, Settings, load_settings
from kmptui.sandbox.server import SandboxServer
from kmptui.services.account import LinkRequest
from kmptui.services.importing import ImportOptions
from kmptui.services.workspace import Workspace
from kmptui.tui.app import KmptuiApp
from kmptui.tui.dialogs.import_orders import ImportDialog
from kmptui.tui.tabs.home_screen import HomeScreen
from kmptui.tui.tabs.link_form import LinkForm
from tests.tui.acting import field, is_open, paste, press, sees, shown, taken, until, when

__all__ = [
    "at_home",
    "at_rest",
    "declined",
    "first_line",
    "flat",
    "link_by_keys",
    "paste",
    "tab",
    "the_app",
    "type_over",
]

SIZE = (80, 24)
READING = frozenset({"window", "age", "details", "refresh", "frame", "forecast", "look", "check"})
"""Groups of workers that read for what is on the screen; they all end."""


@asynccontextmanager
async def the_app(
    paths: Paths, settings: Settings | None = None, size: tuple[int, int] = SIZE
) -> AsyncIterator[tuple[Pilot[Any], Workspace]]:
    """The app on a home, as the bare command starts it."""
    settings = settings or load_settings(paths.settings)
    async with (
        await Workspace.open(paths, face="tui", settings=settings) as workspace,
        KmptuiApp(workspace).run_test(size=size) as pilot,
    ):
        yield pilot, workspace


async def connect(workspace: Workspace, sandbox: SandboxServer) -> None:
    """Link the home and mirror."""
    who = sandbox.login
    await workspace.account.link(LinkRequest(sandbox.base_url, who, sandbox.password, sandbox.customer_uri))
    await workspace.mirror.sync()


async def filled(paths: Paths, sandbox: SandboxServer, settings: Settings | None = None) -> None:
    """Make the home a linked one, with all orders and their certificates."""
    async with await Workspace.open(paths, face="cli", settings=settings or Settings()) as workspace:
        await connect(workspace, sandbox)
        await workspace.importing.run(ImportOptions())
        await workspace.importing.fetch()


async def at_home(pilot: Pilot[Any]) -> HomeScreen:
    """Wait for the linked home screen."""
    await sees(pilot, "Repository")
    screen: HomeScreen = await is_open(pilot, HomeScreen)
    await at_rest(pilot)
    return screen


async def at_rest(pilot: Pilot[Any]) -> None:
    """Wait until nothing is asked of SCM or of the store any more, but for what an open dialog waits for."""
    app = pilot.app
    assert isinstance(app, KmptuiApp)

    def still() -> bool:
        working = {w.group for w in app.workers if not w.is_finished} - {"poll"}
        if not isinstance(app.screen, HomeScreen):
            working &= READING
        return not (app.workspace.running or app.frame.running or working)

    await taken(pilot)
    await when(pilot, still, "the end of all work")
    await pilot.pause()


async def tab(pilot: Pilot[Any], number: int) -> Any:
    """Show a tab by its number, and wait until its rows are there; the tab."""
    await press(pilot, str(number))
    await at_rest(pilot)
    screen = pilot.app.screen
    assert isinstance(screen, HomeScreen), shown(screen)
    return screen.tab(screen.current)


async def type_over(pilot: Pilot[Any], text: str) -> None:
    """Empty the field in focus and type; as fast as keys can come."""
    await press(pilot, "end", "ctrl+u")
    await paste(pilot, text)


async def link_by_keys(pilot: Pilot[Any], sandbox: SandboxServer, **other: str) -> None:
    """Fill in the link form and press the chord; members of `other` take the place of the sandbox's."""
    form = pilot.app.screen.query_one(LinkForm)
    await until(pilot, lambda: form.display and pilot.app.focused is not None, "the form")
    told = {
        "base_url": sandbox.base_url, "login": sandbox.login, "password": sandbox.password,
        "customer_uri": sandbox.customer_uri, "ca_file": "", "proxy": "", **other,
    }  # fmt: skip
    field(form, "base_url").focus_control()
    for text in told.values():
        await type_over(pilot, text)
        await press(pilot, "down")
    assert field(form, "password").value == told["password"]
    await press(pilot, "ctrl+y")


async def declined(pilot: Pilot[Any]) -> HomeScreen:
    """Decline the import that is offered after linking."""
    await is_open(pilot, ImportDialog)
    await press(pilot, "escape", "escape")
    return await at_home(pilot)


def first_line(pilot: Pilot[Any]) -> str:
    return shown(pilot.app.screen).split("\n", 1)[0]


def flat(text: str) -> str:
    """All words of a screen or a message on one line, lines of boxes left out."""
    return " ".join(text.replace("│", " ").split())
