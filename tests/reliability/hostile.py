"""Text from outside is shown as text, whatever it is and wherever it stands: on every screen, in every table, log,
export, notice and hook; nothing of it acts, breaks a line, becomes a formula, or ends the program."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import math
import re
import shutil
from pathlib import Path

from kmptui.config import Paths
from kmptui.sandbox.server import SandboxConfig, running
from kmptui.services.hook import FAILURE, Hook, HookEvent
from tests.reliability import hostile_home, hostile_screen
from tests.reliability.bites import dirt, texts
from tests.reliability.commands import Commands, Ended
from tests.reliability.hostile_scene import Scene, Turn
from tests.reliability.tally import Tally
from tests.services.rig import opened

LONG = 25
"""From this number on the rounds are thorough: together they put every text through every column of every list, and
walk the whole of the screen, in a real terminal too."""
EACH_ROUND = 50
"""A number so large makes one round more."""
EACH = 4
"""One of so many orders is shown by itself."""
LISTS: tuple[tuple[str, ...], ...] = (
    ("organizations", "list"), ("domains", "list"), ("profiles", "list"), ("orders", "list", "--all"),
    ("certificates", "list", "--all"), ("audit", "list"), ("changes", "list"), ("auto-renewal", "plan"),
    ("auto-renewal", "audit"), ("auto-renewal", "show"), ("certificates", "proofs"), ("settings", "list"), ("status",),
    ("account", "show"), ("check-expiry",), ("systemd", "show"),
)  # fmt: skip
SHORT_LISTS = LISTS[3:9]
FILES = (("audit", "export", "--format", "csv"), ("auto-renewal", "audit", "--format", "csv", "--export", "-"))
ARGUMENTS = (("find",), ("orders", "show"), ("orders", "list"), ("settings", "set", "hook"),
             ("orders", "create", "--yes", "--common-name"))  # fmt: skip
HOOK = """#!/usr/bin/python3
import json, os, sys
json.dump([dict(os.environ), sys.stdin.read()], open({file!r}, "w"))
"""


async def prove(tally: Tally, number: int, folder: Path) -> None:
    every = texts(tally.seed)
    tally.count("texts that bite", len(every))
    turn = Turn(every)
    rounds = max(1, number // EACH_ROUND)
    rows = math.ceil(len(every) / rounds) if number >= LONG else 0
    with running(SandboxConfig(certificates=24, issue_after=0)) as sandbox:
        for at in range(rounds):
            scene = Scene(tally, sandbox, Paths(folder / f"home-{at}"), turn, f"round {at}", rows)
            await one(scene)
            shutil.rmtree(scene.paths.home)
    tally.count("places that every text went through", turn.whole())


async def one(scene: Scene) -> None:
    """One home: filled, and shown by everything that shows something."""
    await hostile_home.filled(scene)
    await hooked(scene)
    await asyncio.to_thread(by_commands, scene)
    await hostile_screen.walked(scene)
    if scene.thorough:
        await asyncio.to_thread(hostile_screen.on_a_terminal, scene)
    if scene.paths.log.exists():
        told = scene.paths.log.read_text()
        scene.clean("the log", told)
        scene.require("Traceback" not in told, f"the log: {told[-1500:]}")


async def hooked(scene: Scene) -> None:
    """The hook's environment and standard input."""
    told, program = scene.paths.home / "told", scene.paths.home / "hook"
    program.touch(0o700)
    program.write_text(HOOK.format(file=str(told)))
    program.chmod(0o700)
    async with opened(scene.paths, scene.sandbox) as rig:
        rig.settings(hook=str(program))
        for _ in range(max(3, scene.rows // 4)):
            names = ("common_name", "serial", "issuer", "names")
            facts = {name: scene.turn.next(f"hook: {name}", 20_000) for name in names}
            result = await Hook(rig.engine).fire(HookEvent(FAILURE, scene.turn.next("hook", 20_000), 1, None, facts))
            if result is None:
                continue
            if not result.ok:
                scene.require(not dirt(result.words), f"the hook: {result.words!r}")
                scene.require(False, f"the hook did not run: {result.words} {result.output[-300:]}")
                continue
            environment, given = json.loads(told.read_text())
            for name, value in environment.items():
                scene.clean(f"the hook's {name}", value, "")
            scene.require(re.fullmatch(r"[A-Z_]+", "".join(environment)), "names of the hook's environment")
            for value in json.loads(given).values():
                scene.clean("the hook's JSON", value, "")
            scene.tally.count("hooks run")
    for file in (told, program):
        file.unlink(missing_ok=True)


def by_commands(scene: Scene) -> None:
    """Lists as tables, as JSON and as CSV; each row by itself; and arguments that bite."""
    with Commands() as commands:

        def said(*words: str) -> Ended:
            done = commands.run(scene.paths.home, *words)
            fine = done.code in {0, 1, 2, 3, 4} and "Traceback" not in done.err
            scene.require(fine, f"{words!r:.200}: exit {done.code}, {done.err:.1500}")
            scene.clean(f"kmptui {' '.join(words)!r:.200}", done.out + done.err)
            scene.tally.count("commands")
            return done

        for words in LISTS if scene.thorough else SHORT_LISTS:
            table = said(*words).out.splitlines()
            if words[0] in {"systemd", "check-expiry"}:
                scene.require(words[0] == "systemd" or len(table) == 1, f"{words}: {len(table)} lines")
                continue
            as_json = said(*words, "--json")
            scene.require(as_json.out.isascii(), f"{words} --json is not ASCII")
            parsed = json.loads(as_json.out) if as_json.out else None
            if isinstance(parsed, list) and words[1:2] == ("list",):
                lines = f"{len(table)} lines, {len(parsed)} rows"
                scene.require(len(table) in {len(parsed) + 1, 1, 0}, f"{words}: {lines}")
        for words in FILES:
            harmless(scene, words, commands.run(scene.paths.home, *words).out)
        for words in LISTS[:5]:
            harmless(scene, words, commands.run(scene.paths.home, *words, "--format", "csv").out)
        rows = json.loads(commands.run(scene.paths.home, "orders", "list", "--all", "--json").out)
        for row in rows[::EACH] if scene.thorough else rows[:3]:
            said("orders", "show", f"o{row['id']}")
        if not scene.thorough:
            return
        said("run-due")
        said("doctor")
        for at in range(scene.rows):
            # as the system hands arguments over: no NUL, and bytes that are no text as halves of characters
            given = scene.turn.next("argument", 2_000).replace("\0", "").encode("utf-8", "surrogatepass")
            bite = given.decode("utf-8", "surrogateescape")
            said(*ARGUMENTS[at % len(ARGUMENTS)], f"x{bite}")
        said("settings", "set", "hook", "")
        said("settings", "list")


def harmless(scene: Scene, words: tuple[str, ...], text: str) -> None:
    """A spreadsheet may open it."""
    csv.field_size_limit(8 * 1024 * 1024)
    rows = list(csv.reader(io.StringIO(text, newline="")))
    scene.require(len({len(row) for row in rows}) == 1, f"{words}: rows of several widths")
    for cell in (cell for row in rows for cell in row):
        scene.require(not cell.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r")), f"{words}: {cell!r:.80}")
        scene.require(not dirt(cell, ""), f"{words}: {cell!r:.200}")
        scene.tally.count("cells of CSV")
