"""A page of text that arrives as if it were typed, in any place: nothing is ordered, revoked, deleted, sent or written.

Terminals without bracketed paste send a paste as keys, with every line break an Enter. What it may do is what looking
around does: open dialogs, mark rows, read from SCM.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kmptui.config import Paths
from kmptui.domain.listing import Query, Topic
from kmptui.sandbox.server import SandboxConfig, SandboxServer, running
from kmptui.services.workspace import Workspace
from tests.e2e.keyboard import at_home, at_rest, filled, paste, press, tab, the_app
from tests.e2e.walking import closed
from tests.tui.acting import until

READS = ("POST /api/report/v1/ssl-certificates", "POST /api/dcv/v2/validation/status")
"""POSTs that change nothing at SCM."""
LOCAL = frozenset({"sync", "collect", "import", "auto-renewal"})
"""Acts of looking around: `t` chooses an order for automatic renewal, which the same key undoes."""
PAGE = (
    "Dear all,\rplease renew *.shop.example.com & www.example.com; the key was lost!\r\r"
    "\tyes: revoke it, delete no. 4711823 (cc@example.com)\r1) EXPORT 2) ORDER 3) NEW\r"
    "\x1b[A\x1b[B\x1b[C\x1b[D OK y/n? {x} [y] <z> #7 $8 9 0 ABCDFHIJKLMNOPQRSTUVWXYZ bdfghjmqux\r"
)
"""Every letter, and arrows as some lines send them."""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxServer]:
    with running(SandboxConfig(certificates=30)) as started:
        yield started


@pytest.fixture(scope="module")
def template(sandbox: SandboxServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home that is linked and filled; each test has a copy of its own."""
    paths = Paths(tmp_path_factory.mktemp("template") / "home")
    asyncio.run(filled(paths, sandbox))
    return paths.home


async def state(workspace: Workspace, sandbox: SandboxServer) -> dict[str, Any]:
    """All that a paste must leave as it is."""
    lists = workspace.lists
    orders = await lists.window(Query(Topic.ORDERS, view="all"), 0, 1000)
    certificates = await lists.window(Query(Topic.CERTIFICATES, view="all"), 0, 1000)
    audit = await lists.window(Query(Topic.AUDIT), 0, 1000)
    account = await workspace.account.view()
    vault = await workspace.vault.status()
    asked = [f"{line['method']} {line['path']}" for line in sandbox.control("requests")]
    return {
        "writes": [line for line in asked if line.split()[0] not in {"GET", "HEAD"} and line not in READS],
        "at SCM": [(row["id"], row["status"], row["comments"]) for row in sandbox.control("orders")],
        "orders": [(row.id, row.ssl_id, row.ledger) for row in orders.rows],
        "notes": [(order.note, order.contact) for order in [await lists.order(row.id) for row in orders.rows[:3]]],
        "certificates": [(row.id, row.has_key, row.exported) for row in certificates.rows],
        "acts": [row.action for row in audit.rows if row.action not in LOCAL],
        "account": None if account is None else (account.login, account.base_url),
        "slots": vault.slots,
    }  # fmt: skip


def files(paths: Paths) -> set[str]:
    """Files beside the store's own."""
    around = paths.home.parent
    return {
        str(f.relative_to(around)) for f in around.rglob("*") if f.is_file() and f.name.partition(".")[0] != "store"
    }


FIRST = ("slash", *"status:issued", "enter")
"""The list's first row is an order that can be renewed, reissued and revoked."""
WAITING = ("5", "slash", *"status:requested", "enter")
PLACES: dict[str, tuple[str, ...]] = {
    **{f"tab {number}": (str(number),) for number in range(1, 8)},
    "order form": ("n",),
    "import": ("I",),
    "password": ("p",),
    "health": ("h",),
    "palette": ("ctrl+p",),
    "actions": ("5", "a"),
    "order's details": ("5", "enter"),
    "note": ("5", "m"),
    "delete": ("5", "d"),
    "export": ("6", "e"),
    "delete a certificate": ("6", "d"),
    "write the list": ("5", "w"),
    "copy": ("5", "y"),
    "like this": ("5", "N"),
    "renew": ("5", *FIRST, "r"),
    "renew many": ("5", *FIRST, "space", "space", "space", "r"),
    "reissue": ("5", *FIRST, "i"),
    "reissue a certificate": ("6", "i"),
    "auto-renewal": ("7", "p"),
    "plan": ("7", "u"),
    "everything": ("7", "u", "u"),
    **{f"{word} from Actions": ("5", *FIRST, "a", *word, "enter") for word in ("revoke", "edit")},
    **{f"{word} from Actions": (*WAITING, "a", *word, "enter") for word in ("cancel", "approve", "decline")},
    "validate": ("3", "V"),
}


@pytest.mark.parametrize("keys", PLACES.values(), ids=PLACES)
async def test_a_page_pasted(paths: Paths, sandbox: SandboxServer, template: Path, keys: tuple[str, ...]) -> None:
    """The page goes into one place; afterwards SCM, the store, the vault and the disk are as they were."""
    shutil.copytree(template, paths.home)
    async with the_app(paths) as (pilot, workspace):
        home = await at_home(pilot)
        for key in keys:
            await (tab(pilot, int(key)) if key.isdigit() else press(pilot, key))
            await at_rest(pilot)
        before, there = await state(workspace, sandbox), files(paths)
        await paste(pilot, PAGE)
        await at_rest(pilot)
        await until(pilot, lambda: not pilot.app._waiting)
        assert pilot.app.is_running
        assert await state(workspace, sandbox) == before
        assert files(paths) == there
        await closed(pilot, home)


async def test_a_page_pasted_into_the_link_form(paths: Paths, sandbox: SandboxServer) -> None:
    """Before any account is linked: nothing is sent anywhere, and no vault is made."""
    asked = sandbox.control("state")["requests"]
    async with the_app(paths) as (pilot, workspace):
        await until(pilot, lambda: pilot.app.focused is not None)
        await paste(pilot, PAGE)
        await at_rest(pilot)
        assert await workspace.account.view() is None
        assert (await workspace.vault.status()).state == "none"
    assert sandbox.control("state")["requests"] == asked
