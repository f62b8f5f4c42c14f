"""Part of `together`: an old program beside a newer one that has brought the store up to date. It says so, and writes
nothing any more; what it had sent is found again."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
from collections.abc import Awaitable
from contextlib import closing

from kmptui.config import Paths
from kmptui.domain.listing import Query, Topic
from kmptui.domain.order import Ledger
from kmptui.errors import FromTheFuture
from kmptui.sandbox.server import SandboxServer
from kmptui.services.workspace import Workspace
from kmptui.store.migrations import NEWEST
from tests.reliability.holders import PATIENCE, stands_still, suspended
from tests.reliability.tally import Tally
from tests.services.homes import until, workspace
from tests.services.rig import opened, request

SENT = "sent-by-the-old.example.com"


async def prove(tally: Tally, sandbox: SandboxServer, paths: Paths, *, long: bool) -> None:
    async with workspace(paths) as old:
        await old.account.test()
        sender = suspended(paths, SENT, "suspend after sent", "order")
        await until(lambda: stands_still(sender.pid))
        migrated(paths, NEWEST + 1)
        before, posts = content(paths), len(sandbox.control("requests"))
        for name, work in works(old).items():
            await refused(tally, name, work)
        for words in (["run-due"], ["orders", "check"], ["orders", "list"]) if long else (["run-due"],):
            await a_command(tally, paths, words)
        tally.require(len(sandbox.control("requests")) == posts, "the old program asked SCM")
        sender.send_signal(signal.SIGCONT)
        out, err = await asyncio.to_thread(sender.communicate, timeout=PATIENCE)
        tally.require(out == "Unconfirmed", f"the one whose order was sent says {out} {err}")
        tally.require(content(paths) == before, "the old program wrote into the newer store")
    tally.require(content(paths) == before, "the old program wrote when it ended")
    migrated(paths, NEWEST)
    async with opened(paths, sandbox) as rig:
        await rig.ordering.recover()
        found = [one for one in await rig.ordering.reconcile() if one.common_name == SENT]
        tally.require([one.ledger for one in found] == [Ledger.ACCEPTED], f"what the old one sent is {found}")
        tally.require(len(rig.created(SENT)) == 1, f"{len(rig.created(SENT))} orders of what the old one sent")


def works(old: Workspace) -> dict[str, Awaitable[object]]:
    """What the old program goes on to do."""
    return {
        "an order": old.ordering.place(request("newer.example.com")),
        "what is due": old.schedule.run_due(),
        "a list": old.lists.window(Query(Topic.ORDERS), 0, 10),
        "a look at unconfirmed orders": old.ordering.reconcile(),
        "a setting": old.change_settings(concurrency=4),
    }


async def refused(tally: Tally, name: str, work: Awaitable[object]) -> None:
    try:
        await work
    except FromTheFuture as error:
        tally.require("newer version" in str(error), f"{name} on a newer store: {error}")
        tally.count("works refused on a newer store")
    else:
        tally.require(False, f"{name} was done on a newer store")


async def a_command(tally: Tally, paths: Paths, words: list[str]) -> None:
    from tests.reliability.together import kmptui

    code, out, err = await kmptui(paths, *words)
    tally.require(code == 1 and "newer version" in err and "Traceback" not in err, f"{words}: {code} {out} {err}")
    tally.count("works refused on a newer store")


def migrated(paths: Paths, version: int) -> None:
    """As a newer program leaves the store, or as it was."""
    with closing(sqlite3.connect(paths.store, timeout=30)) as db:
        db.execute(f"PRAGMA user_version = {version}")


def content(paths: Paths) -> list[str]:
    with closing(sqlite3.connect(paths.store, timeout=30)) as db:
        tables = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE sql LIKE 'CREATE TABLE%'")]
        return [f"{table} {row}" for table in tables for row in db.execute(f"SELECT * FROM {table}")]
