"""Bringing existing orders in: one report for all, proved by the server's count; the limit; a kill; odd rows.

The proportions are those of 5,000 orders under a limit of 3,000; the numbers are a tenth, so that it stays quick.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from kmptui.config import Paths, Settings
from kmptui.domain.listing import Query, Topic
from kmptui.sandbox.server import SandboxServer
from kmptui.services.workspace import Workspace
from kmptui.tui.dialogs.import_orders import ImportDialog
from kmptui.tui.tabs.home_screen import HomeScreen
from kmptui.tui.tabs.orders import OrdersTab
from kmptui.tui.widgets.dialog import TextDialog
from tests.cli.conftest import Cli
from tests.e2e.keyboard import at_home, at_rest, connect, flat, press, tab, the_app
from tests.sandbox_fixtures import SandboxFactory
from tests.tui.acting import is_open, sees, shown, until

ORDERS, LIMIT = 500, 300
REPORT = "POST /api/report/v1/ssl-certificates"


def asked(sandbox: SandboxServer) -> list[str]:
    return [f"{line['method']} {line['path']}" for line in sandbox.control("requests")]


def collected(sandbox: SandboxServer) -> Counter[str]:
    """How often each certificate was asked for."""
    return Counter(line for line in asked(sandbox) if "/collect/" in line)


async def test_on_the_keyboard(paths: Paths, sandbox_factory: SandboxFactory) -> None:
    """The dialog says beforehand how many there are and how many the limit lets in; after at most ten requests, one of
    them the report, the list is whole and usable while the certificates come in beside it; then the limit is full, each
    certificate was asked for once, and those that end soonest are the ones that came."""
    sandbox = sandbox_factory(certificates=ORDERS)
    async with the_app(paths, Settings(certificate_limit=LIMIT)) as (pilot, workspace):
        await sees(pilot, "Link your account")
        await connect(workspace, sandbox)
        await at_home(pilot)
        sandbox.control("reset", {"what": "counters"})
        await press(pilot, "I")
        dialog = await is_open(pilot, ImportDialog)
        await until(pilot, lambda: "room for 300" in flat(shown(dialog)), "the forecast")
        assert f"SCM counts {ORDERS:,} orders" in flat(shown(dialog))
        await press(pilot, "ctrl+y")
        report = await is_open(pilot, TextDialog)
        assert "Import: complete" in report.title_text()
        assert len([line for line in asked(sandbox) if "/collect/" not in line]) <= 10
        assert asked(sandbox).count(REPORT) == 1
        said = flat(shown(report))
        assert f"Orders at SCM by its own count {ORDERS:,}" in said
        assert f"{LIMIT} certificates will be fetched now" in said
        sandbox.control("settings", {"latency_ms": 200})
        await press(pilot, "escape")
        await is_open(pilot, HomeScreen)
        await press(pilot, "5")
        await until(pilot, lambda: pilot.app.screen.query(OrdersTab), "the tab")
        await press(pilot, "u")
        orders: Any = pilot.app.screen.query_one(OrdersTab)
        await until(pilot, lambda: orders.list.total == ORDERS, "all orders")
        await sees(pilot, "Fetching certificates: ")
        await until(pilot, lambda: orders.list.row is not None, "a row")
        first = orders.list.row
        await press(pilot, "j", "j", "j")
        await until(pilot, lambda: orders.list.row.id != first.id, "the cursor")
        kept = orders.list.row
        assert len(collected(sandbox)) < LIMIT
        sandbox.control("settings", {"latency_ms": 0})
        await at_rest(pilot)
        assert orders.list.row.id == kept.id
        await sees(pilot, f"{LIMIT} certificates fetched into the repository")
        assert len(collected(sandbox)) == LIMIT
        assert set(collected(sandbox).values()) == {1}
        await _soonest_came(workspace)


async def _soonest_came(workspace: Workspace) -> None:
    rows = (await workspace.lists.window(Query(Topic.ORDERS, view="all"), 0, ORDERS)).rows
    came = [row for row in rows if row.state == "issued"]
    held = [row for row in rows if row.state == "issued, not added"]
    assert len(came) == LIMIT
    assert held
    assert max(row.expires for row in came) <= min(row.expires for row in held)
    assert min(row.expires for row in came) >= datetime.now(UTC).date()


def test_by_commands(sandbox_factory: SandboxFactory, join: Callable[..., Cli]) -> None:
    """The forecast, the import with its counts, then again: nothing new, what changed in SCM is updated, what was
    deleted here stays so; the options take in a part."""
    sandbox = sandbox_factory(certificates=ORDERS)
    cli = join(sandbox)
    cli("settings", "set", "certificate_limit", LIMIT)
    forecast = cli("orders", "import", "--dry-run")
    assert re.search(rf"SCM counts {ORDERS:,} orders.* room for {LIMIT} certificates", forecast.err)
    assert cli.json("orders", "list", "--all") == []
    soon = cli.json("orders", "import", "--expires-within", "30", "--no-fetch", code={0, 3})
    assert 0 < soon["new"] < ORDERS
    part = cli.json("orders", "import", "--organization", "Example University", "--no-fetch", code={0, 3})
    assert 0 < part["new"] < ORDERS
    sandbox.control("reset", {"what": "counters"})
    whole = cli.json("orders", "import", code=3)
    assert whole["complete"]
    assert whole["seen"] == whole["server_count"] == ORDERS
    assert whole["fetched"] == LIMIT
    assert whole["not_added"] == len(cli.json("orders", "list", 'status="issued, not added"', "--all")) > 0
    assert asked(sandbox).count(REPORT) == 1
    assert len(asked(sandbox)) - LIMIT <= 10
    rows = cli.json("orders", "list", "--all")
    assert len(rows) == ORDERS
    assert len({row["ssl_id"] for row in rows}) == ORDERS
    revoked, deleted, *_ = [row for row in rows if row["status"] == "issued"]
    sandbox.control(f"orders/{revoked['ssl_id']}/revoke", {})
    cli("orders", "delete", deleted["number"], "--yes")
    again = cli.json("orders", "import", code={0, 3})
    assert (again["new"], again["changed"], again["kept_deleted"]) == (0, 1, 1)
    assert cli.json("orders", "show", revoked["number"])["status"] == "revoked"
    cli("orders", "show", deleted["number"], code=1)


def test_a_kill_while_certificates_come_in(sandbox_factory: SandboxFactory, join: Callable[..., Cli]) -> None:
    """Killed with SIGKILL in the midst of it, the import goes on where it was: every certificate is there once, and at
    most one batch is asked for a second time."""
    sandbox = sandbox_factory(certificates=ORDERS)
    cli = join(sandbox)
    sandbox.control("settings", {"latency_ms": 20})
    sandbox.control("reset", {"what": "counters"})
    child = subprocess.Popen(
        [sys.executable, "-m", "kmptui", "orders", "import"],
        env={**os.environ, "KMPTUI_HOME": str(cli.home)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while sum(collected(sandbox).values()) < 150:
            assert child.poll() is None, "the import ended before it could be killed"
    finally:
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
    sandbox.control("settings", {"latency_ms": 0})
    assert cli.json("audit", "verify")["intact"]
    before = len(cli.json("certificates", "list", "--all"))
    assert before > 0
    done = cli.json("orders", "import", code=0)
    assert (done["new"], done["same"], done["failed"], done["left"]) == (0, ORDERS, [], 0)
    certificates = cli.json("certificates", "list", "--all")
    issued = [row for row in cli.json("orders", "list", "--all") if row["status"] == "issued"]
    assert len(certificates) == before + done["fetched"] == len({row["serial"] for row in certificates})
    assert all(row["certificate_id"] for row in issued)
    times = collected(sandbox)
    assert set(times.values()) <= {1, 2}
    assert sum(count == 2 for count in times.values()) <= 64 + 8


def test_odd_rows_by_a_command(sandbox_factory: SandboxFactory, join: Callable[..., Cli]) -> None:
    """Rows without serial, expiry or names, with a hundred names, an unknown status or odd dates come in or are named
    with the reason; none ends the run."""
    sandbox = sandbox_factory(certificates=60, hostile=True)
    cli = join(sandbox)
    done = cli("orders", "import", "--json", code={0, 3})
    assert done.json["complete"]
    assert done.json["new"] == done.json["seen"] == sandbox.control("state")["orders_total"]
    assert "odd-dates" not in done.out
    named = {line.split(": ", 2)[1] for line in done.err.splitlines() if line.startswith("warning: scm:")}
    rows = {row["common_name"]: row for row in cli.json("orders", "list", "--all")}
    assert f"scm:{rows['odd-dates.example.com']['ssl_id']}" in named
    assert len(rows["hundred.example.com"]["names"]) == 101
    assert rows["no-expiry.example.com"]["common_name"]
    assert "Quantum Pending" in rows["unknown-status.example.com"]["scm_status"]


async def test_odd_rows_on_the_keyboard(paths: Paths, sandbox_factory: SandboxFactory) -> None:
    """The report of the import names the rows that could not be understood whole; each of them opens."""
    sandbox = sandbox_factory(certificates=60, hostile=True)
    async with the_app(paths) as (pilot, workspace):
        await sees(pilot, "Link your account")
        await connect(workspace, sandbox)
        await at_home(pilot)
        await press(pilot, "I")
        await is_open(pilot, ImportDialog)
        await press(pilot, "ctrl+y")
        report = await is_open(pilot, TextDialog)
        assert "Import: complete" in report.title_text()
        text = flat(shown(report))
        for _ in range(8):
            await press(pilot, "pagedown")
            text += flat(shown(report))
        assert "could not be understood whole" in text
        await press(pilot, "escape")
        await at_rest(pilot)
        orders = await tab(pilot, 5)
        await press(pilot, "slash", *"odd-dates", "enter")
        await until(pilot, lambda: orders.list.total == 1)
        await press(pilot, "enter")
        await sees(pilot, "Can do")
        assert "odd-dates.example.com" in shown(pilot.app.screen)
