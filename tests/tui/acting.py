"""Driving the app in a test: wait for what must come, type as a terminal types, read what is on the screen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

from textual import events
from textual._xterm_parser import XTermParser
from textual.message import Message
from textual.pilot import Pilot
from textual.screen import Screen

from kmptui.tui.app import KmptuiApp
from kmptui.tui.widgets.fields import Field, TextField

PATIENCE = 30.0
"""Seconds until a test gives up; nothing is asserted about how long anything takes."""


async def until(pilot: Pilot[Any], met: Callable[[], object], what: str = "") -> None:
    """Let the app run until the condition is met; fail with the screen's text where it never is."""
    try:
        async with asyncio.timeout(PATIENCE):
            while not met():
                await pilot.pause(0.01)
    except TimeoutError:
        raise AssertionError(f"{what or 'it'} never came; the screen shows:\n{shown(pilot.app.screen)}") from None
    await pilot.pause()


def shown(screen: Screen[Any]) -> str:
    """What the screen shows, line by line, as the terminal would get it."""
    strips = screen._compositor.render_strips()
    return "\n".join(strip.text.rstrip() for strip in strips)


def prose(screen: Screen[Any]) -> str:
    """The same as running text, however the lines were broken."""
    return " ".join(shown(screen).replace("│", " ").split())


async def sees(pilot: Pilot[Any], words: str) -> None:
    """Wait until the words are on the screen."""
    await until(pilot, lambda: words in shown(pilot.app.screen), repr(words))


async def is_open(pilot: Pilot[Any], kind: type[Screen[Any]]) -> Any:
    """Wait until a screen of this kind is on top and give it."""
    await until(pilot, lambda: isinstance(pilot.app.screen, kind) and pilot.app.screen.is_mounted, kind.__name__)
    return pilot.app.screen


def field(screen: Any, name: str) -> Any:
    return next(found for found in screen.query(Field) if found.name == name)


async def fill(pilot: Pilot[Any], where: Any, **texts: str) -> None:
    """Put texts into fields, as typing would."""
    for name, text in texts.items():
        found = field(where, name)
        assert isinstance(found, TextField)
        found.value = text
    await pilot.pause()


async def type_text(pilot: Pilot[Any], text: str) -> None:
    """As a paste that the terminal does not bracket: every line break is an Enter."""
    await paste(pilot, text.replace("\n", "\r"))


async def paste(pilot: Pilot[Any], text: str) -> None:
    """Text as a terminal without bracketed paste sends it: all its bytes at once, before anything is drawn."""
    _send(pilot, XTermParser().feed(text))
    await taken(pilot)


async def paste_marked(pilot: Pilot[Any], text: str) -> None:
    """Text as a terminal with bracketed paste sends it: one event."""
    _send(pilot, [events.Paste(text)])
    await taken(pilot)


async def press(pilot: Pilot[Any], *keys: str) -> None:
    """Keys by their names, one on the heels of the other."""
    _send(pilot, (events.Key(key, key if len(key) == 1 else None) for key in keys))
    await taken(pilot)


def _send(pilot: Pilot[Any], messages: Iterable[Message]) -> None:
    driver = pilot.app._driver
    assert driver is not None
    for message in messages:
        message.set_sender(pilot.app)
        driver.send_message(message)


async def taken(pilot: Pilot[Any]) -> None:
    """Wait until every key has had its whole effect."""
    app = pilot.app
    assert isinstance(app, KmptuiApp)
    await asyncio.sleep(0.002)  # the driver hands over to the loop
    await when(pilot, lambda: not (app._waiting or app._in_flight or app._holding) or app._exit, "the end of the keys")


async def when(pilot: Pilot[Any], met: Callable[[], object], what: str) -> None:
    """As `until`, without asking the app to be idle: for what goes on between two keys."""
    try:
        async with asyncio.timeout(PATIENCE):
            while not met():  # noqa: ASYNC110 - what is waited for has no event
                await asyncio.sleep(0.002)
    except TimeoutError:
        raise AssertionError(f"{what} never came; the screen shows:\n{shown(pilot.app.screen)}") from None
