"""Check Order Status: issued, fetched, in the repository; and nothing is lost when the certificate limit is reached."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from kmptui.config import Paths, Settings
from kmptui.domain.listing import Query, Topic
from kmptui.services.workspace import Workspace
from kmptui.tui.widgets.dialog import TextDialog
from tests.cli.conftest import ORDER, Cli
from tests.e2e.keyboard import at_home, at_rest, filled, flat, press, tab, the_app
from tests.sandbox_fixtures import SandboxFactory
from tests.services.rig import request
from tests.tui.acting import is_open, sees, shown

LIMIT = 25


async def order_of(workspace: Workspace, name: str) -> Any:
    window = await workspace.lists.window(Query(Topic.ORDERS, f"name:{name}", view="all"), 0, 1)
    return window.rows[0]


async def test_on_the_keyboard(paths: Paths, sandbox_factory: SandboxFactory) -> None:
    """`c` asks SCM: the order is issued, and the dialog says that it was not added and why; nothing is lost. With the
    limit raised the next check of all brings it into the repository, with its key."""
    sandbox = sandbox_factory(certificates=80, issue_after=3600)
    settings = Settings(certificate_limit=LIMIT)
    await filled(paths, sandbox, settings)
    async with the_app(paths, settings) as (pilot, workspace):
        await at_home(pilot)
        assert f"Repository {LIMIT} of limit {LIMIT}" in flat(shown(pilot.app.screen))
        await workspace.ordering.place(request("late.example.com", profile_id=2102, term=90))
        sandbox.control("clock", {"advance": 7200})
        await tab(pilot, 5)
        await press(pilot, "slash", *"late", "enter")
        await sees(pilot, "late.example.com")
        await press(pilot, "c")
        await sees(pilot, "issued, not added: limit 25 of 25")
        await at_rest(pilot)
        row = await order_of(workspace, "late.example.com")
        assert row.state == "issued, not added"
        assert "issued, not added" in shown(pilot.app.screen)
        await press(pilot, "enter")
        await sees(pilot, "limit")
    async with the_app(paths, replace(settings, certificate_limit=LIMIT + 1)) as (pilot, workspace):
        await at_home(pilot)
        await tab(pilot, 5)
        before = sandbox.control("state")["enroll_calls"]
        await press(pilot, "E")
        await at_rest(pilot)
        if isinstance(pilot.app.screen, TextDialog):
            assert "not added" in flat(shown(await is_open(pilot, TextDialog)))
            await press(pilot, "escape")
        row = await order_of(workspace, "late.example.com")
        assert row.state == "issued"
        certificate = await workspace.lists.certificate(row.certificate_id)
        assert certificate.row.has_key
        assert certificate.row.order_id == row.id
        assert sandbox.control("state")["enroll_calls"] == before
        await tab(pilot, 6)
        assert f"{LIMIT + 1}" in shown(pilot.app.screen)


def test_by_commands(sandbox_factory: SandboxFactory, join: Callable[..., Cli]) -> None:
    """The same by commands: exit code 3 and the words of the limit, then 0 and the certificate with its key."""
    sandbox = sandbox_factory(certificates=80, issue_after=3600)
    cli = join(sandbox)
    cli("settings", "set", "certificate_limit", LIMIT)
    done = cli.json("orders", "import", code=3)
    assert (done["complete"], done["fetched"]) == (True, LIMIT)
    placed = cli.json("orders", "create", "--common-name", "late.example.com", *ORDER, "--yes")
    (line,) = cli.json("orders", "check", placed["number"], code=3)
    assert line["outcome"] == "waiting"
    sandbox.control("clock", {"advance": 7200})
    (line,) = cli.json("orders", "check", placed["number"], code=3)
    assert (line["outcome"], line["words"]) == ("not added", "issued, not added: limit 25 of 25")
    assert placed["number"] in cli("orders", "list", 'status="issued, not added"').out
    cli("settings", "set", "certificate_limit", LIMIT + 1)
    checked = {one["common_name"]: one for one in cli.json("orders", "check", code=3)}
    assert checked["late.example.com"]["outcome"] == "collected"
    found = cli.json("certificates", "show", "late.example.com")
    assert found["has_key"]
    assert found["order_id"] == placed["id"]
    assert len(cli.json("certificates", "list", "--all")) == LIMIT + 1
