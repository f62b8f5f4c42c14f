"""A home full of texts that bite, on the screen: every list to its end, every dialog, with such texts pasted into every
field of it; judged by what an emulated terminal makes of it, and on a real pseudo-terminal."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

from textual.pilot import Pilot
from textual.widgets import Input, TextArea

from kmptui.store.columns import clean
from kmptui.tui.tabs.home_screen import HomeScreen
from tests.e2e.keyboard import at_home, at_rest, press, tab, the_app
from tests.e2e.test_hostile_text import OWN
from tests.e2e.walking import closed, everywhere, opened, unclean
from tests.reliability.bites import HUGE, SEQUENCES
from tests.reliability.emulator import Watched, misdrawn
from tests.reliability.hostile_scene import Scene, sendable
from tests.tui.acting import paste_marked

FORMS: tuple[tuple[int, tuple[str, ...]], ...] = (
    (1, ("n", "p", "I", "ctrl+p")),
    (3, ("slash", "V")),
    (5, ("slash", "E", "N", "e", "x", "i", "r", "c", "V", "w", "m", "o")),
    (6, ("slash", "N", "e", "x", "K", "w")),
    (7, ("slash", "w", "v")),
)
"""Keys that open something with fields in it, by the tab's number; where a row lets none be opened, others do."""
TRIES = 6
"""Rows on which a key is tried."""
PAGE = 16
"""Rows that stand on the screen together."""
OPENED = 4
"""One of so many pages has its first row opened."""
PASTES = 1
"""Texts that are pasted into one field, but for one of a megabyte into the first."""
DCV_TEXTS = ("status", "orderStatus", "orderMode", "host", "point", "url", "firstLine", "secondLine", "message")
TOUR = ("2", "enter", "escape", "3", "enter", "escape", "4", "enter", "escape", "5", "enter", "escape", "pagedown", "y",
        "escape", "e", "escape", "N", "escape", "6", "enter", "escape", "pagedown", "7", "enter", "escape", "u", "L",
        "escape", "1", "h", "escape", "?", "escape")  # fmt: skip


async def walked(scene: Scene) -> None:
    """All that can be looked at; then every form is pasted into."""
    async with the_app(scene.paths) as (pilot, _):
        await at_home(pilot)
        if scene.thorough and scene.first:
            async for place in everywhere(pilot, further=True):
                seen(scene, place, pilot)
        await listed(scene, pilot)
        if scene.thorough and scene.first:
            await pasted(scene, pilot)


async def listed(scene: Scene, pilot: Pilot[Any]) -> None:
    """Every page of every list, and the details of some rows."""
    for number in range(2, 8):
        shown = await tab(pilot, number)
        if scene.thorough and number in {5, 7}:  # past what is chosen at first, to everything
            await press(pilot, *("u" * (2 if number == 7 else 1)))
            await at_rest(pilot)
        seen(scene, f"tab {number}", pilot)
        await press(pilot, "g")
        await at_rest(pilot)
        for at in range(0, shown.list.total if scene.thorough else 1, PAGE):
            seen(scene, f"tab {number}, row {at} and those below it", pilot)
            if at // PAGE % OPENED == 0:
                await press(pilot, "enter")
                await at_rest(pilot)
                seen(scene, f"tab {number}, the details of row {at}", pilot)
                await press(pilot, "escape")
                await at_rest(pilot)
            await press(pilot, *["down"] * PAGE)
            await at_rest(pilot)


def seen(scene: Scene, place: str, pilot: Pilot[Any]) -> None:
    found = [*unclean(pilot), *misdrawn(pilot)]
    scene.require(not found, f"{place}: {found[:3]}")
    scene.tally.count("screens judged by an emulated terminal")


async def pasted(scene: Scene, pilot: Pilot[Any]) -> None:
    home = pilot.app.screen
    with_dcv(scene)
    for number, keys in FORMS:
        await tab(pilot, number)
        for key in keys:
            await press(pilot, "g")
            await at_rest(pilot)
            for _ in range(TRIES if number > 1 else 1):
                if await opened(pilot, key) or isinstance(pilot.app.focused, Input):
                    await into_each_field(scene, pilot, f"tab {number}, {key}")
                    await closed(pilot, home)
                    await at_rest(pilot)
                    break
                await press(pilot, "down")
                await at_rest(pilot)
            else:
                scene.tally.count(f"forms that no row opened: {key} on tab {number}")
    scene.sandbox.control("faults", method="DELETE")


async def into_each_field(scene: Scene, pilot: Pilot[Any], place: str) -> None:
    """Paste, look, take it out again; as in a real terminal, one field after the other."""
    screen = pilot.app.screen
    seen(scene, place, pilot)
    fields = [field for field in screen.query("Input, TextArea") if field.display and field.can_focus]
    if isinstance(screen, HomeScreen):  # a line in a list: the other lists have theirs, out of sight
        fields = [field for field in fields if field is pilot.app.focused]
    scene.tally.count("forms")
    for at, field in enumerate(fields):
        if not field.is_attached:
            continue
        field.focus()
        await pilot.pause()
        texts = [scene.turn.next(f"paste: {place}, {at}") for _ in range(PASTES)]
        for text in [*texts, HUGE] if at == 0 else texts:
            await paste_marked(pilot, text)
            await at_rest(pilot)
            seen(scene, f"{place}, {text!r:.60} in field {at}", pilot)
            scene.tally.count("pastes")
            if pilot.app.screen is not screen:
                return
            if isinstance(field, Input | TextArea) and field.is_attached:
                field.clear()
                await pilot.pause()


def with_dcv(scene: Scene) -> None:
    """SCM's instructions for a validation bite, too; the first domains have names that may be asked about."""
    bite = {name: sendable(scene.turn.next(f"SCM: dcv {name}", 5_000)) for name in DCV_TEXTS}
    step = bite | {"emails": [sendable(scene.turn.next("SCM: dcv email", 500)) for _ in range(3)]}
    row = {name: sendable(scene.turn.next(f"SCM: order dcv {name}", 5_000))
           for name in ("domainName", "dcvMode", "host", "point", "url", "file", "dcvEmail")}  # fmt: skip
    seen_by_ca = {"dcvStatus": bite["status"], "domainName": row["domainName"], "lastCheck": "x", "nextCheck": "y"}
    order = {"dcvLog": {"error": {"code": -1, "description": bite["message"]}, "log": [seen_by_ca]},
             "instructions": [row]}  # fmt: skip
    for match, body in (("POST /dcv", step), (r"(GET|POST) /ssl/v1/\d+/dcv", order)):
        fault = {"kind": "status", "status": 200, "match": match, "body": body, "count": -1}
        scene.sandbox.control("faults", fault)
    with closing(sqlite3.connect(scene.paths.store)) as db:
        db.execute("UPDATE domains SET name = 'd' || id || '.example.com' WHERE id IN (SELECT id FROM domains LIMIT 9)")
        db.execute("UPDATE orders SET status = 'Requested', state = 'Requested' WHERE id IN (SELECT id FROM orders"
                   " WHERE ssl_id IS NOT NULL ORDER BY id LIMIT 9)")  # fmt: skip
        db.commit()


def on_a_terminal(scene: Scene) -> None:
    """A tour in a process of its own: what it writes are its own sequences and text, and all parts of the screen that
    were drawn one by one stand as they do when it is drawn anew."""
    with closing(sqlite3.connect(scene.paths.store)) as db:
        db.execute("UPDATE account SET attention = ?", (clean(sendable(scene.turn.next("account.attention"))),))
        db.commit()
    with Watched(scene.paths.home) as terminal:
        scene.require(terminal.sees("Repository"), f"the terminal: it does not begin, {terminal.screen()}")
        for key in TOUR:
            terminal.press(key)
            lines = terminal.screen()
            scene.require(lines[0].startswith(" kmptui "), f"the terminal after {key}: {lines[0]!r}")
            scene.clean(f"the terminal after {key}", "\n".join(lines))
            scene.tally.count("screens of a real terminal")
        terminal.press("5")
        drawn_in_parts = terminal.screen()
        terminal.resize(81, 24)
        terminal.press("")
        terminal.resize(80, 24)
        terminal.press("")
        at_once = terminal.screen()
        differ = [(one, other) for one, other in zip(drawn_in_parts, at_once, strict=True) if one != other]
        scene.require(not differ, f"the terminal: drawn anew it is another screen, {differ[:3]}")
        scene.require(not terminal.judge.acted, f"the terminal: {terminal.judge.acted}")
        written = terminal.output
    rest = OWN.sub(b"", written).decode("utf-8", "replace")
    scene.clean("the terminal's bytes", rest, "\r\n")
    for sequence in SEQUENCES[:1] + SEQUENCES[16:]:
        if sequence.startswith(("\x1b]", "\x1bP", "\x1b_", "\x1b^", "\x1bX")) and len(sequence) > 2:
            scene.require(sequence.encode() not in written, f"the terminal: {sequence!r}")
    scene.tally.count("bytes that came to a terminal", len(written))
