"""The timer's own command line and the screen on one home: what is renewed at night, what the morning shows, and two at
once."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from kmptui.config import Paths
from kmptui.domain.listing import Query, Topic
from kmptui.domain.order import Ledger
from kmptui.sandbox.server import SandboxServer
from kmptui.services.workspace import Workspace
from kmptui.store import schedule
from kmptui.tui.dialogs.order.follow import FollowPage
from kmptui.tui.dialogs.renew import RenewDialog
from kmptui.tui.tabs.details_page import DetailsPage
from tests.cli.conftest import Cli
from tests.e2e.keyboard import at_home, at_rest, flat, press, tab, the_app
from tests.e2e.test_a09_unattended import DUE, as_systemd, created, names
from tests.sandbox_fixtures import SandboxFactory
from tests.services.homes import asked
from tests.tui.acting import is_open, sees, shown, until

RENEW = "POST /ssl/v1/renewById"
READ = r"GET /ssl/v1/\d+$"
"""The look at the old order, right before a renewal is sent."""
SHORTER = re.compile(r"it is valid for 3[01] days, the old one for \d{3}")
LATER = 45.0
"""Seconds until the CA issues: a clock that is further off than a minute would be the run's news."""
SLEPT = timedelta(hours=27)


@dataclass
class Host:
    """A jump host: its home by commands, the sandbox, and where its unit is."""

    cli: Cli
    sandbox: SandboxServer
    units: Path

    @property
    def paths(self) -> Paths:
        return Paths(self.cli.home)

    async def night(self) -> tuple[int, dict[str, Any]]:
        """A run of the unit, beside whatever else is going on."""
        return await asyncio.to_thread(as_systemd, self.units)

    async def sleep_through(self) -> None:
        """As if the last run were 27 hours old: the unit's process has no clock but the host's."""
        async with await Workspace.open(self.paths, face="cli") as workspace:
            await workspace._engine.store.write(_put_back, workspace.clock.now() - SLEPT)


def _put_back(db: Any, then: Any) -> None:
    schedule.begin(db, "run", then)
    schedule.finish(db, "run", then, "done", "Nothing is due")


@pytest.fixture
def host(sandbox_factory: SandboxFactory, join: Callable[..., Cli], tmp_path: Path) -> Host:
    """Linked and filled; its unit is installed, automatic renewal on, nothing chosen."""
    sandbox = sandbox_factory(certificates=48, issue_after=LATER)
    cli = join(sandbox)
    cli("orders", "import")
    cli("systemd", "install", "--folder", tmp_path / "units", code={0, 3})
    cli("auto-renewal", "set", "--days-before", "20")
    cli("auto-renewal", "enable")
    return Host(cli, sandbox, tmp_path / "units")


def test_three_are_renewed_and_collected_later(host: Host) -> None:
    """New keys, one order each, collected by a later run; record and screen name timer, unit and host."""
    cli, sandbox = host.cli, host.sandbox
    old = {name: sandbox.control(f"orders/{cli.json('orders', 'show', name)['ssl_id']}") for name in DUE}
    cli("auto-renewal", "select", *DUE)
    code, report = as_systemd(host.units)
    assert (code, names(report["done"])) == (3, set(DUE)), "renewed, and waiting for the CA"
    facts = cli.json("status", code={0, 3})["facts"]
    assert facts["Tonight"].startswith("3 waiting, "), "taken by SCM, and not there yet"
    assert facts["Auto-renewal"] == "on, 3 chosen", "each certificate counts once"
    sandbox.control("clock", {"advance": LATER})
    _, report = as_systemd(host.units)
    assert {line["common_name"] for line in report["done"] if line["words"].startswith("collected")} == set(DUE), report
    assert created(sandbox) == sorted(DUE)
    for name in DUE:
        (new,) = [one for one in sandbox.control(f"orders?name={name}") if one["id"] != old[name]["id"]]
        assert new["spki_sha256"] != old[name]["spki_sha256"]
        held = cli.json("certificates", "show", cli.json("orders", "show", f"scm:{new['id']}")["serial"])
        assert held["has_key"]
    actors = {row["actor"] for row in cli.json("audit", "list") if row["action"] == "renew"}
    assert len(actors) == 1
    (actor,) = actors
    assert actor.startswith("timer ")
    assert "@" in actor
    asyncio.run(_renewals_on_screen(host, actor))


async def _renewals_on_screen(host: Host, actor: str) -> None:
    async with the_app(host.paths) as (pilot, _):
        home = await at_home(pilot)
        seen = flat(shown(home))
        assert "Auto-renewal on, 3 chosen" in seen, "the choice went over to the new ones"
        renewals = await tab(pilot, 7)
        assert renewals.list.total == 3
        assert shown(pilot.app.screen).count(" renewed ") == 3
        await press(pilot, "enter")
        details = await is_open(pilot, DetailsPage)
        assert f"Who {actor}" in flat(shown(details))
        assert "Why by schedule, due since" in flat(shown(details))


def test_scm_away_is_deferred_and_shown(host: Host) -> None:
    """503 for the whole night: nobody is called; the screen says that it is tried again, and `r` does it now."""
    host.cli("auto-renewal", "select", DUE[0])
    host.sandbox.control("faults", {"kind": "status", "status": 503, "count": -1, "match": READ})
    code, report = as_systemd(host.units)
    assert (code, report["outcome"], names(report["deferred"])) == (4, "deferred", {DUE[0]})
    assert created(host.sandbox) == []
    asyncio.run(_deferred_on_screen(host))
    assert "FAILED" not in {need["word"] for need in host.cli.json("status", code={0, 3})["needs"]}


async def _deferred_on_screen(host: Host) -> None:
    async with the_app(host.paths) as (pilot, _):
        home = await at_home(pilot)
        assert "FAILED" not in shown(home)
        assert "1 deferred" in flat(shown(home))
        orders = await tab(pilot, 5)
        await press(pilot, "slash", *"renewal:deferred", "enter")
        await until(pilot, lambda: orders.list.total == 1)
        assert "tried again" in shown(pilot.app.screen)
        host.sandbox.control("faults", method="DELETE")
        await press(pilot, "r")
        await is_open(pilot, RenewDialog)
        await press(pilot, "ctrl+y")
        await is_open(pilot, FollowPage)
        await until(pilot, lambda: created(host.sandbox) == [DUE[0]])


def test_the_screen_and_the_unit_at_once(host: Host) -> None:
    """Whoever comes second sends nothing and says who holds it, on either side: one order for each certificate."""
    asyncio.run(_at_once(host))
    assert created(host.sandbox) == sorted(DUE[:2])


async def _at_once(host: Host) -> None:
    mine, the_timers = DUE[0], DUE[1]
    async with the_app(host.paths) as (pilot, workspace):
        await at_home(pilot)
        orders = await tab(pilot, 5)

        async def only(name: str) -> None:
            number = await workspace.lists.resolve_order(name)
            await press(pilot, "escape", "slash", *f"id:o{number}", "enter")
            await until(pilot, lambda: orders.list.row is not None and orders.list.row.id == number)

        async def held(name: str) -> bool:
            window = await workspace.lists.window(Query(Topic.ORDERS, f"name={name}", view="all"), 0, 9)
            return any([row.ledger is Ledger.SENT and await _holder(workspace, row.id) for row in window.rows])

        # the person's request is under way when the unit looks
        await workspace.renewal.select([await workspace.lists.resolve_order(mine)])
        host.sandbox.control("faults", {"kind": "delay", "match": RENEW, "delay": 4.0})
        await only(mine)
        await press(pilot, "r")
        await is_open(pilot, RenewDialog)
        await sees(pilot, "Nothing is known against it")
        await press(pilot, "ctrl+y")
        await is_open(pilot, FollowPage)
        while not await held(mine):  # noqa: ASYNC110 - another process's claim has no event
            await asyncio.sleep(0.02)
        _, report = await host.night()
        assert names(report["done"]) == set()
        told = [line["words"] for line in (*report["held"], *report["waiting"]) if line["common_name"] == mine]
        assert all("tui" in words or "process" in words or "renew" in words for words in told)
        await sees(pilot, "[x] placed")
        await press(pilot, "escape")

        # the unit's request is under way when the person asks
        await only(the_timers)
        await workspace.renewal.select([await workspace.lists.resolve_order(the_timers)])
        host.sandbox.control("faults", {"kind": "delay", "match": RENEW, "delay": 6.0})
        night = asyncio.create_task(host.night())
        while not await held(the_timers):
            assert not night.done(), night.result()
            await asyncio.sleep(0.02)
        await press(pilot, "r")
        dialog = await is_open(pilot, RenewDialog)
        await sees(pilot, "Nothing would be sent.")
        said = flat(shown(dialog))
        assert re.search(r"its renewal o\d+ is sent, by timer on \S+, process \d+, since ", said), said
        await press(pilot, "ctrl+y")
        assert pilot.app.screen is dialog
        _, report = await night
        assert names(report["done"]) == {the_timers}


async def _holder(workspace: Workspace, order_id: int) -> str:
    return (await workspace.lists.order(order_id)).holder


def test_what_scm_renews_itself_is_left_alone(host: Host) -> None:
    """Looked up right before anything is sent: the home did not know of it."""
    order = host.cli.json("orders", "show", DUE[0])
    host.sandbox.control(f"orders/{order['ssl_id']}/auto-renew", {"state": "Started"})
    host.cli("auto-renewal", "select", DUE[0])
    host.sandbox.control("reset", {"what": "counters"})
    code, report = as_systemd(host.units)
    assert (code, names(report["blocked"])) == (3, {DUE[0]})
    assert report["blocked"][0]["words"] == "SCM's own auto-renewal is started for it"
    assert [line for line in asked(host.sandbox) if line.startswith("POST") and "renewById" in line] == []
    asyncio.run(_scms_own_on_screen(host))


async def _scms_own_on_screen(host: Host) -> None:
    async with the_app(host.paths) as (pilot, _):
        await at_home(pilot)
        await tab(pilot, 7)
        await press(pilot, "u")
        await at_rest(pilot)
        await sees(pilot, "SCM's own auto-r")
        await press(pilot, "enter")
        details = await is_open(pilot, DetailsPage)
        assert "RENEWAL BLOCKED SCM's own auto-renewal is started for it" in flat(shown(details))


def test_a_slot_slept_through_is_shown_and_caught_up_once(host: Host) -> None:
    """No run for 27 hours: the first screen says so, and what to do; the next run does what is due, the one after it
    nothing."""
    assert as_systemd(host.units)[0] == 0
    host.cli("auto-renewal", "select", DUE[0])
    asyncio.run(host.sleep_through())
    need = next(need for need in host.cli.json("status", code=3)["needs"] if need["word"] == "SCHEDULE")
    assert need["what"] == "run is missing, last 27 h ago"
    assert host.cli.json("auto-renewal", "show", code=3)["schedule"]["missed"]
    asyncio.run(_missed_on_screen(host))
    code, report = as_systemd(host.units)
    assert (code, names(report["done"])) == (3, {DUE[0]})
    assert names(as_systemd(host.units)[1]["done"]) == set()
    assert created(host.sandbox) == [DUE[0]]
    assert not host.cli.json("auto-renewal", "show")["schedule"]["missed"]


async def _missed_on_screen(host: Host) -> None:
    async with the_app(host.paths) as (pilot, _):
        home = await at_home(pilot)
        assert "SCHEDULE 1 run is missing, last 27 h ago" in flat(shown(home))
        assert "Look at the timer" in flat(shown(home))


def test_a_shorter_certificate_is_noted_and_planned_by(host: Host) -> None:
    """The profile offers less by now: what comes is taken, noted, and its own end decides when it is renewed next."""
    cli, sandbox = host.cli, host.sandbox
    order = cli.json("orders", "show", DUE[0])
    profile = sandbox.control(f"orders/{order['ssl_id']}")["profile"]
    sandbox.control(f"profiles/{profile}", {"terms": [30]})
    cli("auto-renewal", "select", DUE[0])
    assert names(as_systemd(host.units)[1]["done"]) == {DUE[0]}
    sandbox.control("clock", {"advance": LATER})
    as_systemd(host.units)
    (new,) = [one for one in sandbox.control(f"orders?name={DUE[0]}") if one["id"] != order["ssl_id"]]
    found = cli.json("orders", "show", f"scm:{new['id']}")
    told = " ".join(line["words"] for line in found["history"])
    assert SHORTER.search(told), told
    (line,) = [line for line in cli.json("auto-renewal", "plan") if line["verdict"] == "not due"]
    assert line["order_id"] == found["id"]
    assert (line["common_name"], line["due"] < line["expires"]) == (DUE[0], True)
    asyncio.run(_shorter_on_screen(host, found))


async def _shorter_on_screen(host: Host, found: dict[str, Any]) -> None:
    async with the_app(host.paths) as (pilot, _):
        await at_home(pilot)
        orders = await tab(pilot, 5)
        await press(pilot, "slash", *f"id:{found['number']}", "enter")
        await until(pilot, lambda: orders.list.total == 1)
        assert "due in " in shown(pilot.app.screen)
        await press(pilot, "enter")
        details = await is_open(pilot, DetailsPage)
        await press(pilot, "pagedown")
        await at_rest(pilot)
        assert SHORTER.search(flat(shown(details)))
