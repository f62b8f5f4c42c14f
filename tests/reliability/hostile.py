"""Text from outside is shown as text, whatever it is and wherever it stands: on every screen, in every table, log,
export, notice and hook; nothing of it acts, breaks a line, becomes a formula, or ends the program."""

from __future__ import annotations

import asyncio
import csv
import io
import itertools
import json
import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

from kmptui.config import Paths
from kmptui.domain.audit import Entry
from kmptui.domain.renewable import ReissueRequest, RenewalRequest
from kmptui.errors import KmptuiError
from kmptui.sandbox.server import SandboxConfig, SandboxServer, running
from kmptui.services.hook import FAILURE, Hook, HookEvent
from kmptui.services.importing import ImportOptions
from kmptui.store import audit
from kmptui.store.columns import clean
from tests.benchmarks.terminal import Terminal
from tests.e2e.keyboard import at_home, at_rest, press, tab, the_app
from tests.e2e.test_hostile_text import MEMBERS, OWN
from tests.e2e.walking import everywhere, unclean
from tests.reliability.bites import SEQUENCES, dirt, texts
from tests.reliability.commands import Commands, Ended
from tests.reliability.tally import Tally
from tests.services.homes import linked
from tests.services.rig import opened, request

LONG = 25
"""From this number on the whole of the screen is walked, in a real terminal too."""
EACH_ROUND = 10
"""A number so large makes one round more."""
LISTS: tuple[tuple[str, ...], ...] = (
    ("organizations", "list"), ("domains", "list"), ("profiles", "list"), ("orders", "list", "--all"),
    ("certificates", "list", "--all"), ("audit", "list"), ("changes", "list"), ("auto-renewal", "plan"),
    ("auto-renewal", "audit"), ("auto-renewal", "show"), ("certificates", "proofs"), ("settings", "list"), ("status",),
    ("account", "show"), ("check-expiry",), ("systemd", "show"),
)  # fmt: skip
SHORT_LISTS = LISTS[3:9]
FILES = (("audit", "export", "--format", "csv"), ("auto-renewal", "audit", "--format", "csv", "--export", "-"))
TABLES: dict[str, tuple[str, ...]] = {
    "orders": ("common_name", "names", "status", "organization", "profile", "order_number", "backend_id", "serial",
               "requester", "external_requester", "comments", "requested_via", "issuer", "note", "contact", "problem"),
    "certificates": ("serial", "common_name", "issuer", "subject"),
    "organizations": ("name", "title", "parent_name", "address"),
    "domains": ("name", "state", "delegation_status", "validation_status", "dcv_method"),
    "profiles": ("name", "description"),
    "changes": ("subject",),
    "renewal_tries": ("cause", "cure"),
    "revocations": ("common_name", "serial", "reason", "crl_url", "issuer", "problem"),
    "runs": ("words",),
}  # fmt: skip
"""Columns that hold what SCM, a file or a paste said."""
HOOK = """#!/usr/bin/python3
import json, os, sys
json.dump([dict(os.environ), sys.stdin.read()], open({file!r}, "w"))
"""


async def prove(tally: Tally, number: int, folder: Path) -> None:
    every = texts(tally.seed)
    tally.count("texts that bite", len(every))
    turn = itertools.cycle(every)
    with running(SandboxConfig(certificates=24, issue_after=0)) as sandbox:
        for at in range(max(1, number // EACH_ROUND)):
            home = folder / f"home-{at}"
            one = Round(tally, sandbox, Paths(home), turn, f"round {at}")
            await one.prove(thorough=number >= LONG)
            shutil.rmtree(home)


class Round:
    """One home whose every field is filled with the next texts."""

    def __init__(self, tally: Tally, sandbox: SandboxServer, paths: Paths, turn: Iterator[str], name: str) -> None:
        self._tally = tally
        self._sandbox = sandbox
        self._paths = paths
        self._turn = turn
        self._name = name

    async def prove(self, *, thorough: bool) -> None:
        self._soil()
        await self._lived()
        self._spoilt()
        await self._hooked()
        await asyncio.to_thread(self._by_commands, thorough=thorough)
        await self._on_the_screen(thorough=thorough)
        if thorough:
            await asyncio.to_thread(self._on_a_terminal)
        if self._paths.log.exists():
            told = self._paths.log.read_text()
            self._clean("the log", told)
            self._require("Traceback" not in told, f"the log: {told[-1500:]}")

    def _require(self, true: object, words: str) -> None:
        self._tally.require(true, f"{self._name}, {words}")

    def _clean(self, where: str, text: str, allowed: str = "\n") -> None:
        found = dirt(text, allowed)
        self._require(not found, f"{where}: {found}")
        self._tally.count("places looked at")

    def _soil(self) -> None:
        """At SCM: names, and facts of orders that no SCM should tell."""
        sandbox = self._sandbox
        for number in (7102, 7111, 7121):
            sandbox.control(f"organizations/{number}", {"name": self._sendable()})
        sandbox.control("profiles/2101", {"name": self._sendable(), "description": self._sendable()})
        for _ in range(3):
            name = self._sendable()[:200].replace("/", "") or "x"
            try:
                sandbox.control(f"domains/{quote(name, safe='')}", {"create": True})
            except ValueError:  # the sandbox has one of that name
                continue
        orders = [row for row in sandbox.control("orders") if row["status"] == "Issued"]
        for number, member in enumerate(MEMBERS):
            order = orders[number % len(orders)]["id"]
            sandbox.control(f"orders/{order}/change", {"wrong_facts": {member: self._sendable()}})

    def _sendable(self, most: int = 20_000) -> str:
        """The next text, as one that is encoded on the way."""
        return next(self._turn)[:most].encode("utf-8", "replace").decode()

    async def _lived(self) -> None:
        """Everything that a person does, with reasons, notes and messages that bite."""
        async with linked(self._paths, self._sandbox, mirrored=True) as home:
            await home.importing.run(ImportOptions())
            for _ in range(9):
                await self._tried(home.change_settings(hook=next(self._turn)[:3_000]))
                await self._tried(home.change_settings(ca_file=next(self._turn)[:3_000]))
            await home.change_settings(hook="", ca_file="")
        name = f"bite-{self._name.split()[-1]}"
        async with opened(self._paths, self._sandbox) as rig:
            ids = []
            for at in range(4):
                placed = await rig.ordering.place(request(f"{name}-{at}.example.com"))
                ids.append(placed.order_id or 0)
            await rig.checking.check(ids)
            rig.advance(86_400)
            await self._tried(rig.renewing.renew(RenewalRequest(ids[0]), why=next(self._turn)[:3_000]))
            await self._tried(rig.reissuing.reissue(ReissueRequest(ids[1], next(self._turn)[:500])))
            target = await rig.revoking.target(order_id=ids[2])
            reason = next(self._turn)[:500]
            await self._tried(rig.revoking.revoke(target, code=4, reason=reason, typed=target.answer))
            body = {"code": -110, "description": self._sendable()[:3_000]}
            rig.fault("status", "POST /ssl/v1/renewById", status=400, body=body, count=1)
            await self._tried(rig.renewing.renew(RenewalRequest(ids[3])))
            waiting = (await rig.ordering.place(request(f"{name}.lab.example.edu", organization_id=7121))).order_id
            await rig.deciding.cancel([waiting or 0], next(self._turn)[:500])
            for _ in range(12):
                bite = [next(self._turn)[:20_000] for _ in range(4)]
                entry = Entry("renew", "intent", "blocked", bite[0], reason=bite[1], details=((bite[2], bite[3]),))
                await rig.store.write(audit.append, entry, await rig.engine.stamp())

    async def _tried(self, work: Any) -> None:
        """Done, or refused in words that are text."""
        try:
            await work
        except KmptuiError as error:
            self._require(str(error).strip(), f"{type(error).__name__} without a word")
            self._tally.count("refusals")

    def _spoilt(self) -> None:
        """Each row's texts, as if SCM had told them so."""
        with closing(sqlite3.connect(self._paths.store)) as db:
            db.execute(
                "INSERT OR IGNORE INTO renewal_tries (order_id, tries, kind, cause, cure, last, again)"
                " SELECT id, 1, 'blocked', '', '', requested, '' FROM orders LIMIT 9"
            )
            for table, columns in TABLES.items():
                primary = {"renewal_tries": "order_id", "runs": "job"}.get(table, "id")
                for (row,) in db.execute(f"SELECT {primary} FROM {table}").fetchall():
                    for column in columns:
                        text = clean(self._sendable(1_000_000 if column == "dcv_method" else 20_000))
                        db.execute(f"UPDATE {table} SET {column} = ? WHERE {primary} = ?", (text, row))
                        self._tally.count("fields filled")
            db.commit()

    async def _hooked(self) -> None:
        """The hook's environment and standard input."""
        told, program = self._paths.home / "told", self._paths.home / "hook"
        program.touch(0o700)
        program.write_text(HOOK.format(file=str(told)))
        program.chmod(0o700)
        async with opened(self._paths, self._sandbox) as rig:
            rig.settings(hook=str(program))
            for _ in range(3):
                facts = {name: next(self._turn) for name in ("common_name", "serial", "issuer", "names")}
                result = await Hook(rig.engine).fire(HookEvent(FAILURE, next(self._turn), 1, None, facts))
                if result is None:
                    continue
                if not result.ok:
                    in_words = result.words
                    self._require(not dirt(in_words), f"the hook: {in_words!r}")
                    self._require(False, f"the hook did not run: {in_words} {result.output[-300:]}")
                    continue
                environment, given = json.loads(told.read_text())
                for name, value in environment.items():
                    self._clean(f"the hook's {name}", value, "")
                self._require(re.fullmatch(r"[A-Z_]+", "".join(environment)), "names of the hook's environment")
                for value in json.loads(given).values():
                    self._clean("the hook's JSON", value, "")
                self._tally.count("hooks run")
        for file in (told, program):
            file.unlink(missing_ok=True)

    def _by_commands(self, *, thorough: bool) -> None:
        with Commands() as commands:

            def said(*words: str) -> Ended:
                done = commands.run(self._paths.home, *words)
                fine = done.code in {0, 1, 2, 3, 4} and "Traceback" not in done.err
                self._require(fine, f"{words}: {done.err:.1500}")
                self._clean(f"kmptui {' '.join(words)}", done.out + done.err)
                self._tally.count("commands")
                return done

            for words in LISTS if thorough else SHORT_LISTS:
                table = said(*words).out.splitlines()
                if words[0] in {"systemd", "check-expiry"}:
                    self._require(words[0] == "systemd" or len(table) == 1, f"{words}: {len(table)} lines")
                    continue
                as_json = said(*words, "--json")
                self._require(as_json.out.isascii(), f"{words} --json is not ASCII")
                parsed = json.loads(as_json.out) if as_json.out else None
                if isinstance(parsed, list) and words[1:2] == ("list",):
                    lines = f"{len(table)} lines, {len(parsed)} rows"
                    self._require(len(table) in {len(parsed) + 1, 1, 0}, f"{words}: {lines}")
            for words in FILES:
                self._harmless(words, commands.run(self._paths.home, *words).out)
            for words in LISTS[:5]:
                self._harmless(words, commands.run(self._paths.home, *words, "--format", "csv").out)
            rows = json.loads(commands.run(self._paths.home, "orders", "list", "--all", "--json").out)
            for row in rows if thorough else rows[:3]:
                said("orders", "show", f"o{row['id']}")
            if thorough:
                said("run-due")
                said("doctor")
                for _ in range(12):
                    bite = self._sendable(2_000).replace("\0", "")
                    said("find", f"/nowhere/{bite}")
                    said("orders", "show", f"x{bite}")
                    said("orders", "list", f"x{bite}")
                    said("settings", "set", "hook", bite or "x")
                    said("orders", "create", "--common-name", bite or "x", "--yes")
                said("settings", "list")
                commands.run(self._paths.home, "settings", "set", "hook", "")

    def _harmless(self, words: tuple[str, ...], text: str) -> None:
        """A spreadsheet may open it."""
        rows = list(csv.reader(io.StringIO(text, newline="")))
        self._require(len({len(row) for row in rows}) == 1, f"{words}: rows of several widths")
        for cell in (cell for row in rows for cell in row):
            self._require(not cell.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r")), f"{words}: {cell!r:.80}")
            self._require(not dirt(cell, ""), f"{words}: {cell!r:.200}")
            self._tally.count("cells of CSV")

    async def _on_the_screen(self, *, thorough: bool) -> None:
        async with the_app(self._paths) as (pilot, _):
            await at_home(pilot)
            if thorough:
                async for place in everywhere(pilot, further=True):
                    self._seen(place, unclean(pilot))
            for number in range(2, 8):
                shown = await tab(pilot, number)
                self._seen(f"tab {number}", unclean(pilot))
                for _ in range(0, min(shown.list.total, 60 if thorough else 1), 10):
                    await press(pilot, "pagedown", "enter")
                    await at_rest(pilot)
                    self._seen(f"tab {number}, a row", unclean(pilot))
                    await press(pilot, "escape")
                    await at_rest(pilot)

    def _seen(self, place: str, found: list[str]) -> None:
        self._require(not found, f"{place}: {found[:3]}")
        self._tally.count("screens")

    def _on_a_terminal(self) -> None:
        with Terminal("kmptui", home=self._paths.home, columns=80, lines=24) as terminal:
            terminal.until("Repository")
            for key in ("2", "enter", "escape", "3", "enter", "escape", "4", "enter", "escape", "5", "enter", "escape",
                        "pagedown", "y", "escape", "6", "enter", "escape", "7", "enter", "escape", "1"):  # fmt: skip
                terminal.key(key, quiet=0.1)
            written = terminal.output
        rest = OWN.sub(b"", written).decode("utf-8", "replace")
        self._clean("the terminal", rest, "\r\n")
        for sequence in SEQUENCES[:3]:
            self._require(sequence.encode() not in written, f"the terminal: {sequence!r}")
        self._tally.count("bytes that came to a terminal", len(written))
