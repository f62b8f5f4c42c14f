"""Every tab, and every dialog that a key opens there: for what must hold on all of them."""

from __future__ import annotations

import unicodedata
from collections.abc import AsyncIterator
from typing import Any

from rich.cells import cell_len
from textual.pilot import Pilot

from tests.e2e.keyboard import at_rest, press, tab
from tests.tui.acting import until

LISTS = {2: "Organizations", 3: "Domains", 4: "Profiles", 5: "Orders", 6: "Certificates", 7: "Auto-Renewal Audit"}
ON_HOME = {"h": "health", "p": "password", "I": "import", "n": "order form", "question_mark": "help", "L": "log"}
ON_ROWS = {
    2: ("enter", "y", "w", "a", "o", "question_mark"),
    3: ("enter", "y", "w"),
    4: ("enter", "y", "w"),
    5: ("enter", "y", "w", "a", "d", "m", "e", "N", "question_mark"),
    6: ("enter", "y", "a", "d", "e", "m"),
    7: ("enter", "y", "w", "v"),
}
"""Keys that open something over a row of a list, by the tab's number."""


async def opened(pilot: Pilot[Any], key: str) -> bool:
    """Press a key; whether it opened a screen, drawn whole."""
    before = pilot.app.screen
    await press(pilot, key)
    await at_rest(pilot)
    return pilot.app.screen is not before


async def closed(pilot: Pilot[Any], below: Any) -> None:
    """Back, with as many esc as it takes."""
    for _ in range(4):
        if pilot.app.screen is below:
            break
        await press(pilot, "escape")
    await until(pilot, lambda: pilot.app.screen is below, "the screen below")


async def everywhere(pilot: Pilot[Any], *, further: bool = False) -> AsyncIterator[str]:
    """Come to each tab and each dialog, `further` also below the fold of long ones; the name of the place."""
    home = pilot.app.screen
    await tab(pilot, 1)
    yield "tab 1"
    for key, name in ON_HOME.items():
        assert await opened(pilot, key), f"{name} did not open"
        yield name
        await closed(pilot, home)
    for number in LISTS:
        await tab(pilot, number)
        yield f"tab {number}"
        for key in ON_ROWS[number]:
            if await opened(pilot, key):
                yield f"tab {number}, {key}"
                if further:
                    await press(pilot, "pagedown")
                    await at_rest(pilot)
                    yield f"tab {number}, {key}, further down"
                await closed(pilot, home)


FORMAT = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}


def unclean(pilot: Pilot[Any]) -> list[str]:
    """What should not be on the screen: control and format characters, links, actions, lines of another width."""
    found = []
    width = pilot.app.size.width
    for number, strip in enumerate(pilot.app.screen._compositor.render_strips()):
        for segment in strip:
            found += [f"line {number}: {char!r}" for char in segment.text if unicodedata.category(char) in FORMAT]
            style = segment.style
            if style is not None and style.link:
                found.append(f"line {number}: a link to {style.link}")
            if style is not None and any("app." in str(value) for value in style.meta.values()):
                found.append(f"line {number}: an action {style.meta}")
        if strip.cell_length != width or cell_len(strip.text) != width:
            found.append(f"line {number} is {cell_len(strip.text)} wide: {strip.text!r}")
    return found
