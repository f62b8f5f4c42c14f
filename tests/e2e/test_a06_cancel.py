"""Pending for days: a request is cancelled while it waits, with a message; later the way out is named."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from kmptui.config import Paths
from kmptui.tui.app import KmptuiApp
from kmptui.tui.dialogs.decide import DecideDialog, NotPossibleDialog
from kmptui.tui.tabs.details_page import DetailsPage
from tests.cli.conftest import ORDER, Cli
from tests.e2e.keyboard import at_home, at_rest, flat, press, tab, type_over
from tests.sandbox_fixtures import SandboxFactory
from tests.services.homes import asked, linked
from tests.services.rig import Hands, request
from tests.tui.acting import is_open, sees, shown, until

DAY = 86_400


def test_cancel_by_commands(sandbox_factory: SandboxFactory, join: Callable[..., Cli]) -> None:
    sandbox = sandbox_factory(certificates=2, issue_after=86_400)
    cli = join(sandbox)
    waiting = cli.json(
        "orders", "create", "--common-name", "wait.lab.example.edu", "--organization", "Faculty of Science", *ORDER[2:],
        "--yes",
    )  # fmt: skip
    # just placed: its state is asked for before it is cancelled
    (done,) = cli.json("orders", "cancel", waiting["number"], "--message", "ordered twice", "--yes")
    assert done["ok"]
    there = sandbox.control(f"orders/{waiting['ssl_id']}")
    assert (there["status"], there["decision"]) == ("Declined", "ordered twice")
    told = cli.json("orders", "show", waiting["number"])
    assert (told["status"], told["waits"]) == ("declined", None)
    assert told["history"][1]["words"] == "cancellation of the request written down, to be sent (ordered twice)"

    applied = cli.json("orders", "create", "--common-name", "applied.example.com", *ORDER, "--yes")
    sandbox.control("clock", {"advance": 43_200})
    cli("orders", "check", applied["number"], code=3)
    told = cli.json("orders", "show", applied["number"])
    assert (told["status"], told["waits"]) == ("applied", "CA review")
    refused = cli("orders", "cancel", applied["number"], "--message", "too late", "--yes", code=1)
    for words in ("SCM offers no cancel any more", "the CA's support", shown_number(cli, applied["number"]), "revoke"):
        assert words in refused.err
    assert len([line for line in asked(sandbox) if "/decline/" in line]) == 1


async def test_on_the_keyboard(paths: Paths, sandbox_factory: SandboxFactory) -> None:
    """The row tells for how long, the details why and since when it was last asked about; Actions cancels what is only
    requested, with a message; of what the CA has it says what remains."""
    sandbox = sandbox_factory(certificates=2, issue_after=10 * DAY)
    clock = Hands()
    async with (
        linked(paths, sandbox, clock=clock, face="tui", mirrored=True) as workspace,
        KmptuiApp(workspace).run_test(size=(80, 24)) as pilot,
    ):
        await at_home(pilot)
        waiting = await workspace.ordering.place(request("wait.lab.example.edu", organization_id=7121))
        applied = await workspace.ordering.place(request("applied.example.com"))
        clock.ahead += timedelta(days=4)
        sandbox.control("clock", {"advance": 4 * DAY})
        await workspace.checking.check(None)
        orders = await tab(pilot, 5)
        assert shown(pilot.app.screen).count("waits 4 d") == 2

        await only(pilot, orders, waiting.order_id)
        await press(pilot, "enter")
        details = await is_open(pilot, DetailsPage)
        assert "WAITS for approval, for 4 d; checked " in flat(shown(details))
        await press(pilot, "escape", "a", *"cancel", "enter")
        dialog = await is_open(pilot, DecideDialog)
        assert "nothing is issued, and it cannot be taken back" in flat(shown(dialog))
        await press(pilot, "ctrl+y")
        await at_rest(pilot)
        assert pilot.app.screen is dialog, "no message yet"
        await type_over(pilot, "ordered twice")
        await press(pilot, "ctrl+y")
        await sees(pilot, "cancelled")
        there = sandbox.control(f"orders/{waiting.ssl_id}")
        assert (there["status"], there["decision"]) == ("Declined", "ordered twice")

        await only(pilot, orders, applied.order_id)
        await press(pilot, "enter")
        details = await is_open(pilot, DetailsPage)
        assert "WAITS for CA review, for 4 d; checked " in flat(shown(details))
        number = (await workspace.lists.order(applied.order_id)).order_number
        await press(pilot, "escape", "a", *"cancel", "enter")
        said = flat(shown(await is_open(pilot, NotPossibleDialog)))
        for words in ("SCM offers no cancel any more", "What remains: ask the CA's support", number, "revoke it"):
            assert words in said
    assert len([line for line in asked(sandbox) if "/decline/" in line]) == 1


async def only(pilot: Any, orders: Any, order_id: int | None) -> None:
    """Show this order alone."""
    await press(pilot, "escape", "slash", *f"id:o{order_id}", "enter")
    await until(pilot, lambda: orders.list.row is not None and orders.list.row.id == order_id)


def shown_number(cli: Cli, number: str) -> str:
    """The order number that the CA knows it by."""
    found: str = cli.json("orders", "show", number)["order_number"]
    assert found
    return found
