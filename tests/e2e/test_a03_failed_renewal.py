"""The morning after a renewal failed: from the home screen's line to the cause, what was tried and when, the next try,
and the key that mends it; the same by commands. The cure is taken to its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from kmptui.config import Paths
from kmptui.sandbox.server import SandboxServer
from kmptui.tui import present
from kmptui.tui.dialogs.renew import RenewDialog
from kmptui.tui.dialogs.validation import ValidationDialog
from kmptui.tui.tabs.details_page import DetailsPage
from tests.cli.conftest import Cli
from tests.e2e.keyboard import at_home, at_rest, flat, press, the_app
from tests.sandbox_fixtures import SandboxFactory
from tests.tui.acting import is_open, sees, shown, until

NAME, DOMAIN = "crm.legacy.example.com", "legacy.example.com"


@pytest.fixture
def sandbox(sandbox_factory: SandboxFactory) -> SandboxServer:
    return sandbox_factory(certificates=48, issue_after=0)


@pytest.fixture
def night(join: Callable[..., Cli], sandbox: SandboxServer) -> tuple[Cli, dict[str, Any]]:
    """The timer's run could not renew one: its domain's validation has ended. The run's line about it."""
    cli = join(sandbox)
    cli("orders", "import")
    cli("auto-renewal", "set", "--days-before", "20")
    cli("auto-renewal", "enable")
    cli("auto-renewal", "select", NAME)
    (line,) = cli.json("run-due", code=3)["blocked"]
    assert line["common_name"] == NAME
    return cli, line


def test_on_the_screen(night: tuple[Cli, dict[str, Any]], sandbox: SandboxServer, paths: Paths) -> None:
    asyncio.run(walked(night[1], sandbox, paths))


async def walked(line: dict[str, Any], sandbox: SandboxServer, paths: Paths) -> None:
    async with the_app(paths) as (pilot, workspace):
        home = await at_home(pilot)
        first = next(line for line in shown(home).splitlines() if line.startswith(">"))
        assert first.startswith("> FAILED    1 renewal failed"), "worst first, and the bar stands on it"
        assert f"{NAME}: DCV of" in first, "which one and why, on the first screen"
        await press(pilot, "enter")
        await at_rest(pilot)
        orders = home.tab(home.current)
        await until(pilot, lambda: orders.list.total == 1, "the one that failed")
        assert orders.list.row.common_name == NAME
        assert "BLOCKED" in shown(home)
        await press(pilot, "enter")
        details = await is_open(pilot, DetailsPage)
        await at_rest(pilot)
        seen, now = flat(shown(details)), workspace.clock.now()
        stalled = await workspace.home.stalled(orders.list.row.id)
        assert stalled is not None
        assert f"RENEWAL BLOCKED {stalled.cause}." in seen
        assert stalled.cause.startswith(f"DCV of {DOMAIN} ended on ")
        assert f"Tried {present.clock(stalled.last, now)}, next {present.clock(stalled.again, now)}." in seen
        assert "V validates the domain, then r renews" in seen
        assert line["words"] == stalled.cause, "as the timer's run told it"

        await press(pilot, "V")
        dialog = await is_open(pilot, ValidationDialog)
        assert dialog.view.domain.name == DOMAIN
        await at_rest(pilot)
        await press(pilot, "ctrl+y")
        await sees(pilot, "Publish this")
        await until(pilot, lambda: not dialog.acting and not dialog.can_act())
        await press(pilot, "ctrl+y")
        await sees(pilot, "is validated; 1 renewal is due under it")
        await press(pilot, "escape")
        await is_open(pilot, DetailsPage)
        await at_rest(pilot)
        await press(pilot, "r")
        await is_open(pilot, RenewDialog)
        await sees(pilot, "Nothing is known against it")
        await press(pilot, "ctrl+y")
        await sees(pilot, "[x] fetched")
        await press(pilot, "escape")
        await is_open(pilot, DetailsPage)
        await press(pilot, "escape", "1")
        await at_rest(pilot)
        await until(pilot, lambda: "FAILED" not in shown(home), "the line's end")
    assert [one["common_name"] for one in sandbox.control("state")["created"]] == [NAME]


def test_by_commands(night: tuple[Cli, dict[str, Any]], sandbox: SandboxServer) -> None:
    cli, line = night
    need = next(need for need in cli.json("status", code=3)["needs"] if need["word"] == "FAILED")
    (order,) = cli.json("orders", "list", need["filter"])
    assert (need["count"], order["common_name"]) == (1, NAME)
    told = cli.json("orders", "show", order["number"])["renewal"]
    assert told["verdict"] == "blocked"
    assert told["why"].startswith(f"DCV of {DOMAIN} ended on ")
    assert told["tries"] == 1
    assert datetime.fromisoformat(told["tried"]) < datetime.fromisoformat(told["again"])
    assert told["cure"] == line["cure"] == f"Validate it: kmptui domains validate {DOMAIN} --method cname"
    text = cli("orders", "show", order["number"]).out
    assert all(words in text for words in ("last try", "next try", told["cure"]))

    words = told["cure"].split("kmptui ")[1].split()
    cli(*words, "--yes", code=3)
    cli(*words, "--submit", "--yes", code={0, 3})
    sandbox.control("clock", {"advance": 60})
    assert cli.json("domains", "check", DOMAIN)["step"] == "done"
    cli("orders", "renew", "--blocked", "--yes", "--wait", "30")
    assert [one["common_name"] for one in sandbox.control("state")["created"]] == [NAME]
    assert "FAILED" not in {need["word"] for need in cli.json("status", code={0, 3})["needs"]}
    assert cli.json("orders", "show", order["number"])["renewal"]["verdict"] == "renewed"


def test_one_that_was_refused_by_hand(join: Callable[..., Cli], sandbox: SandboxServer, paths: Paths) -> None:
    """Nobody chose it: it failed all the same, and says why."""
    cli = join(sandbox)
    cli("orders", "import")
    sandbox.control(
        "faults",
        {"kind": "status", "match": "POST /ssl/v1/renewById", "status": 400,
         "body": '{"code": -110, "description": "The CSR is not valid"}'},
    )  # fmt: skip
    cli("orders", "renew", "soon9.example.com", "--yes", code={1, 3})
    order = next(one for one in cli.json("orders", "list", "renewal:failed"))
    told = cli.json("orders", "show", order["number"])["renewal"]
    assert (told["verdict"], told["code"]) == ("failed", -110)

    async def seen() -> None:
        async with the_app(paths) as (pilot, _):
            await at_home(pilot)
            await press(pilot, "enter")
            await at_rest(pilot)
            await press(pilot, "enter")
            details = await is_open(pilot, DetailsPage)
            await at_rest(pilot)
            assert "RENEWAL FAILED" in flat(shown(details))
            assert "(SCM code -110)" in flat(shown(details))
            assert "r tries it again" in flat(shown(details))

    asyncio.run(seen())
