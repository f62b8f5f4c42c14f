"""The morning look: the first screen has exactly the right counts, worst first, before SCM is asked anything; each line
opens the list that it counts; and where nothing is wrong, it says so."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kmptui.config import Paths, Settings
from kmptui.domain.listing import Topic
from kmptui.sandbox import company, seed
from kmptui.sandbox.clock import DAY, midnight
from kmptui.sandbox.server import SandboxServer
from kmptui.sandbox.world import World
from kmptui.services.engine import Engine
from kmptui.services.importing import ImportOptions
from kmptui.services.workspace import Workspace
from kmptui.store import mirror, schedule
from kmptui.store.db import Db
from kmptui.store.life_models import RenewalTry
from kmptui.store.models import OrderRecord
from kmptui.tui.tabs.home_panel import HomePanel, NeedsList
from kmptui.tui.tabs.orders import OrdersTab
from tests.cli.conftest import Cli
from tests.e2e.keyboard import at_home, at_rest, connect, flat, press, tab, the_app, type_over
from tests.sandbox_fixtures import SandboxFactory
from tests.tui.acting import sees, shown, until

CERTIFICATES = 1_200
SETTINGS = Settings(auto_renewal=True)
SOON = {"shop": 2, "api": 3, "www": 5, "git": 7}
LATER = {f"later{at}": 8 + 3 * at for at in range(7)}
FAILED = ("shop", "later0")
CHOSEN = ("shop", "www", "git", "later0")
REPLACED = {f"old{at}": 2 + at for at in range(5)}
"""These end soon, too, and have a valid successor."""


def scenario(world: World, count: int, *, hostile: bool = False) -> None:
    """The company's orders on that morning."""
    today = midnight(world.now())
    made = [_issued(name, today, days) for name, days in (SOON | LATER | REPLACED).items()]
    made += [_issued(name, today, 180) for name in REPLACED]
    made += [_issued(f"host{at}", today, 40 + at % 150) for at in range(count - len(made))]
    made.sort(key=lambda order: order.requested)
    for name, days in (("wiki", 4), ("chat", 1), ("docs", 0)):
        asked = today - days * DAY
        facts = {"hold": True, "approved": asked}
        made.append(seed._order(f"{name}.example.com", company.CORPORATION, company.OV, "Applied", asked, **facts))
    for number, order in enumerate(made, seed.FIRST_ID):
        order.id = number
        world.orders[number] = order
    world.next_order_id = seed.FIRST_ID + len(made)
    seed._connect(world)


def _issued(name: str, today: float, days: int) -> Any:
    return seed._issued(f"{name}.example.com", company.CORPORATION, company.OV, seed._end(today, days))


def validated(sandbox: SandboxServer) -> None:
    """No domain needs anybody, but for example.org."""
    for domain in sandbox.control("domains"):
        sandbox.control(f"domains/{domain['name']}", {"validate": True})


def night(db: Db, now: datetime) -> None:
    """What the run two hours ago left behind, and data as old."""
    began = now - timedelta(hours=2)
    schedule.begin(db, "run", began)
    schedule.finish(db, "run", began + timedelta(minutes=4), "done", "2 failed")
    chosen = [f"{name}.example.com" for name in CHOSEN]
    OrderRecord.update(choice="on", auto_renew=True).where(OrderRecord.common_name.in_(chosen)).execute(db)
    for at, name in enumerate(FAILED):
        order_id = db.value("SELECT id FROM orders WHERE common_name = ?", (f"{name}.example.com",))
        RenewalTry.insert(
            order_id=order_id, tries=1, kind="dcv", cause="DCV of example.com ended", cure="Validate it", code=-9040,
            last=began + timedelta(minutes=at), again=now + timedelta(hours=2),
        ).execute(db)  # fmt: skip
    mirror.set_mirrored_at(db, Topic.ORDERS, began)


async def prepared(paths: Paths, sandbox: SandboxServer) -> datetime:
    """The home on that morning; when its data was read."""
    async with await Workspace.open(paths, face="cli", settings=SETTINGS) as workspace:
        await connect(workspace, sandbox)
        await workspace.importing.run(ImportOptions())
        now = workspace.clock.now()
        await workspace._engine.store.write(night, now)
    return now - timedelta(hours=2)


def lines(screen: Any) -> list[tuple[str, int]]:
    """Word and count of each line, from the top."""
    found = re.findall(r"^ ?>? *([A-Z][A-Z' ]+?) +([\d,]+) \S", shown(screen), re.MULTILINE)
    return [(word, int(number.replace(",", ""))) for word, number in found]


WANTED = [("FAILED", 2), ("EXPIRES", 4), ("WAITING", 3), ("LATER", 7), ("DCV SOON", 1)]


async def test_the_first_screen(paths: Paths, sandbox_factory: SandboxFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seed, "populate", scenario)
    sandbox = sandbox_factory(certificates=CERTIFICATES)
    validated(sandbox)
    ends = datetime.now(UTC) + timedelta(days=9)
    sandbox.control("domains/example.org", {"expires": ends.isoformat()})
    read = await prepared(paths, sandbox)
    gate = asyncio.Event()
    client = Engine.client

    async def gated(engine: Engine) -> Any:
        await gate.wait()
        return await client(engine)

    monkeypatch.setattr(Engine, "client", gated)
    asked = len(sandbox.control("requests"))
    async with the_app(paths, SETTINGS) as (pilot, workspace):
        await sees(pilot, "FAILED")
        screen = pilot.app.screen
        assert lines(screen) == WANTED
        text = flat(shown(screen))
        assert "Needs you: 17" in text
        assert f"{read.astimezone():%H:%M}" in text
        assert re.search(r"shop\.example\.com \+1: DCV of exa", text)
        assert "2 renew by themselves; shop" in text
        assert re.search(r"wiki\.example\.com, for 4 d: CA", text)
        assert "example.org, ends in 9 d" in text
        assert f"2 failed, {read.astimezone():%H:%M} to" in text
        assert "Auto-renewal on, 4 chosen" in text
        assert len(sandbox.control("requests")) == asked, "nothing was asked of SCM yet"
        gate.set()
        await at_home(pilot)
        panel = screen.query_one(HomePanel)
        await until(pilot, lambda: panel._view.as_of > read + timedelta(hours=1), "the refresh")
        assert lines(screen) == WANTED
        assert len(sandbox.control("requests")) > asked
        for at, (word, number) in enumerate(WANTED):
            await press(pilot, "1")
            screen.query_one(NeedsList).highlighted = at
            await press(pilot, "enter")
            await at_rest(pilot)
            shown_tab = screen.tab(screen.current)
            await until(pilot, lambda n=number, t=shown_tab: t.list.total == n, f"the rows of {word}")
        await tab(pilot, 5)
        orders = screen.query_one(OrdersTab)
        serial = (await workspace.lists.order(1)).row.serial
        for words, number in (("git.example.com", 1), (serial, 1), ('org:"Example Corporation" git', 1)):
            await press(pilot, "slash")
            await type_over(pilot, words)
            await press(pilot, "enter")
            await at_rest(pilot)
            assert orders.list.total == number, words


async def test_nothing_is_wrong(paths: Paths, sandbox_factory: SandboxFactory) -> None:
    """It says so with the time of the data; and data older than 26 hours is never shown as fresh."""
    sandbox = sandbox_factory(certificates=0)
    validated(sandbox)
    async with await Workspace.open(paths, face="cli") as workspace:
        await connect(workspace, sandbox)
        await workspace.importing.run(ImportOptions())
    async with the_app(paths) as (pilot, workspace):
        await sees(pilot, "Nothing needs you")
        assert f"{datetime.now(UTC).astimezone():%H}" in shown(pilot.app.screen)
        await at_home(pilot)


def test_status_has_the_same_lines(
    paths: Paths, sandbox_factory: SandboxFactory, monkeypatch: pytest.MonkeyPatch, cli: Cli
) -> None:
    monkeypatch.setattr(seed, "populate", scenario)
    sandbox = sandbox_factory(certificates=60)
    validated(sandbox)
    asyncio.run(prepared(paths, sandbox))
    cli("settings", "set", "auto_renewal", "true")
    told = cli.json("status", code=3)
    found = [(need["word"], need["count"]) for need in told["needs"]]
    assert found == [(word, number) for word, number in WANTED if word != "DCV SOON"]
    for need in told["needs"]:
        assert len(cli.json("orders", "list", need["filter"])) == need["count"]
    assert told["facts"]["Auto-renewal"] == "on, 4 chosen"
    assert "FAILED" in cli("status", code=3).out
