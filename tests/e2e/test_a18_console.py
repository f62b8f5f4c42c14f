"""Somebody worked in SCM's console between two syncs: all of it is shown, with before and after, and nothing follows by
itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from kmptui.config import Paths
from kmptui.sandbox.server import SandboxServer
from kmptui.tui.dialogs.changes import ChangesDialog
from kmptui.tui.tabs.details_page import DetailsPage
from kmptui.tui.tabs.home_panel import NeedsList
from tests.cli.conftest import Cli
from tests.e2e.keyboard import at_home, at_rest, filled, flat, press, tab, the_app
from tests.sandbox_fixtures import SandboxFactory
from tests.tui.acting import is_open, sees, shown, until

NEVER_AGAIN = "it is revoked: a revoked one is never ordered again by itself"
KINDS = ["changed", "new", "reissued", "renewed", "revoked"]


@pytest.fixture
def sandbox(sandbox_factory: SandboxFactory) -> SandboxServer:
    return sandbox_factory(certificates=40, issue_after=0)


def worked(sandbox: SandboxServer) -> dict[str, Any]:
    """One revoked, one reissued, one renewed, one new, one profile with other terms; the orders by what was done."""
    issued = sorted(sandbox.control("orders?status=Issued"), key=lambda one: (one["expires"], one["id"]))
    alone = [one for one in issued if sum(other["common_name"] == one["common_name"] for other in issued) == 1]
    done = dict(zip(("revoked", "reissued", "renewed"), alone[::-1], strict=False))
    for kind, act in (("revoked", "revoke"), ("reissued", "reissue"), ("renewed", "renew")):
        sandbox.control(f"orders/{done[kind]['id']}/{act}", {})
    done["new"] = sandbox.control("orders", {"commonName": "campaign.example.com"})
    sandbox.control("profiles/2103", {"terms": [90]})
    return done


def test_by_commands(sandbox: SandboxServer, join: Callable[..., Cli]) -> None:
    cli = join(sandbox)
    cli("orders", "import", code={0, 3})
    assert cli.json("changes", "list") == []
    done = worked(sandbox)
    cli("sync")
    found = {one["kind"]: one for one in cli.json("changes", "list", code=3)}
    assert sorted(found) == KINDS
    for kind, order in done.items():
        assert found[kind]["subject"] == order["common_name"]
        assert found[kind]["after"]
    for kind in ("revoked", "reissued", "renewed", "changed"):
        assert found[kind]["before"] != found[kind]["after"]
        assert found[kind]["before"]
    needs = {need["word"]: need for need in cli.json("status", code=3)["needs"]}
    assert needs["CHANGED"]["count"] == 5
    calls = sandbox.control("state")["enroll_calls"]
    assert cli("changes", "list", code=3).out.count("\n") == 6
    # a second look tells nothing new; nothing was ordered again
    cli("sync")
    cli("orders", "check", code={0, 3})
    assert len(cli.json("changes", "list", code=3)) == 5
    assert sandbox.control("state")["enroll_calls"] == calls
    assert "revoked" in cli("orders", "list", f"scm:{done['revoked']['id']}").out
    # the reissued and the renewed ones came into the repository with their new certificates
    order = cli.json("orders", "show", f"scm:{done['reissued']['id']}")
    serials = {one["serial"] for one in sandbox.control(f"orders/{done['reissued']['id']}")["certificates"]}
    assert order["serial"] in {serial.replace(":", "").upper() for serial in serials}
    cli("changes", "acknowledge", found["revoked"]["id"])
    assert len(cli.json("changes", "list", code=3)) == 4
    cli("changes", "acknowledge", code=2)
    cli("changes", "acknowledge", 99, code=1)
    cli("changes", "acknowledge", "--all")
    assert cli.json("changes", "list") == []
    assert len(cli.json("changes", "list", "--all")) == 5
    assert "CHANGED" not in {need["word"] for need in cli.json("status", code={0, 3})["needs"]}
    profiles = {one["id"]: one["status"] for one in cli.json("profiles", "list")}
    assert profiles[2103] == "usable"
    assert len(cli.json("audit", "list", "action:acknowledge")) == 5


def test_choice_and_schedule_follow(sandbox: SandboxServer, join: Callable[..., Cli], paths: Paths) -> None:
    """All that were worked on were chosen: the reissued and the renewed ones go on with their new certificates, by
    commands and on the screen; the revoked one is never ordered again by itself."""
    cli = join(sandbox)
    cli("orders", "import")
    cli("auto-renewal", "set", "--days-before", "30")
    cli("auto-renewal", "enable")
    names = {one["common_name"] for one in cli.json("orders", "list", "status:issued expires>0d")}
    cli("auto-renewal", "rule", "add", "--name", "*")
    done = worked(sandbox)
    cli("sync")
    cli("orders", "check", code={0, 3})
    # as each run asks about what looks renewed: SCM's report does not tell it
    cli("orders", "check", f"scm:{done['renewed']['id']}", code={0, 3})
    lines = cli.json("auto-renewal", "plan", code={0, 3})
    plan = {line["common_name"]: line for line in lines if line["verdict"] != "renewed"}
    assert {done[kind]["common_name"] for kind in ("revoked", "reissued", "renewed")} <= names
    assert done["revoked"]["common_name"] not in plan
    told = cli.json("orders", "show", f"scm:{done['revoked']['id']}")["renewal"]
    assert (told["verdict"], told["why"]) == ("blocked", NEVER_AGAIN)
    new = cli.json("orders", "list", f"name={done['renewed']['common_name']}", "--sort", "id")[-1]
    assert new["ssl_id"] != done["renewed"]["id"]
    renewed, reissued = plan[done["renewed"]["common_name"]], plan[done["reissued"]["common_name"]]
    assert (renewed["order_id"], renewed["verdict"], reissued["verdict"]) == (new["id"], "not due", "not due")
    for line in (renewed, reissued):
        serial = cli.json("orders", "show", f"o{line['order_id']}")["serial"]
        held = cli.json("certificates", "show", serial)
        assert line["expires"] == held["not_after"][:10], "planned by the certificate that is there now"
    asyncio.run(_plan_on_screen(paths, done, new))
    before = {kind: sandbox.control(f"orders?name={done[kind]['common_name']}") for kind in done}
    cli("run-due", code={1, 3})  # of the others some are due, and some of these are refused
    assert {kind: sandbox.control(f"orders?name={done[kind]['common_name']}") for kind in done} == before


async def _plan_on_screen(paths: Paths, done: dict[str, Any], new: dict[str, Any]) -> None:
    async with the_app(paths) as (pilot, _):
        await at_home(pilot)
        audit = await tab(pilot, 7)
        await press(pilot, "u")
        await at_rest(pilot)
        await press(pilot, "slash", *done["renewed"]["common_name"], "enter")
        await until(pilot, lambda: audit.list.row is not None and audit.list.row.order_id == new["id"])
        assert "not due" in shown(pilot.app.screen)
        orders = await tab(pilot, 5)
        await press(pilot, "slash", *f"scm:{done['revoked']['id']}", "enter")
        await until(pilot, lambda: orders.list.total == 1)
        assert " revoked " in shown(pilot.app.screen)
        await press(pilot, "enter")
        assert f"Renewal blocked: {NEVER_AGAIN}" in flat(shown(await is_open(pilot, DetailsPage)))


async def test_on_the_keyboard(paths: Paths, sandbox: SandboxServer) -> None:
    """The home line opens them; space and ctrl+y acknowledge one, ctrl+y all that are left."""
    await filled(paths, sandbox)
    done = worked(sandbox)
    async with the_app(paths) as (pilot, workspace):
        home = await at_home(pilot)
        await press(pilot, "s")
        await sees(pilot, "CHANGED")
        await at_rest(pilot)
        words = [need.word for need in (await workspace.home.view()).needs]
        assert "1 revoked, 1 profile, 1 reissued" in flat(shown(home))
        home.query_one(NeedsList).highlighted = words.index("CHANGED")
        await press(pilot, "enter")
        dialog = await is_open(pilot, ChangesDialog)
        assert sorted(change.kind for change in dialog.changes) == KINDS
        text = flat(shown(dialog))
        for kind in ("revoked", "reissued", "renewed"):
            assert done[kind]["common_name"] in text
        assert "was issued" in text
        assert "now revoked on" in text
        await press(pilot, "enter")
        assert pilot.app.screen is dialog, "enter acts on nothing"
        await press(pilot, "space", "ctrl+y")
        await sees(pilot, "1 change acknowledged")
        assert len(await workspace.changes.list()) == 4
        await press(pilot, "l")
        dialog = await is_open(pilot, ChangesDialog)
        await press(pilot, "ctrl+y")
        await sees(pilot, "4 changes acknowledged")
        await until(pilot, lambda: "CHANGED" not in shown(home), "the line's end")
        await press(pilot, "l")
        dialog = await is_open(pilot, ChangesDialog)
        assert "Nobody else changed anything" in flat(shown(dialog))
