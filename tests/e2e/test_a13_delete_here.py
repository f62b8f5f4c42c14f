"""Deleting an order is local: the dialog says that it stays in SCM, nothing is sent, and no import brings it back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kmptui.config import Paths
from kmptui.domain.listing import Query, Topic
from kmptui.sandbox.server import SandboxServer
from kmptui.tui.dialogs.delete import DeleteDialog
from kmptui.tui.dialogs.import_orders import ImportDialog
from kmptui.tui.widgets.dialog import TextDialog
from tests.cli.conftest import Cli
from tests.e2e.keyboard import at_home, at_rest, filled, flat, press, tab, the_app
from tests.sandbox_fixtures import SandboxFactory
from tests.tui.acting import field, is_open, sees, shown, until

NAME = "soon9.example.com"


async def test_on_the_keyboard(paths: Paths, sandbox_factory: SandboxFactory) -> None:
    """`d`, its true words, esc changes nothing, the chord forgets it without a request; its certificate stays; an
    import leaves it out, and brings it back only where that is ticked."""
    sandbox = sandbox_factory(certificates=20)
    await filled(paths, sandbox)
    async with the_app(paths) as (pilot, workspace):
        await at_home(pilot)
        orders = await tab(pilot, 5)
        await press(pilot, "slash", *NAME, "enter")
        await until(pilot, lambda: orders.list.total == 1)
        order = orders.list.row
        sandbox.control("reset", {"what": "counters"})
        await press(pilot, "d")
        dialog = await is_open(pilot, DeleteDialog)
        said = flat(shown(dialog))
        for words in (NAME, "In SCM nothing happens: the order stays", "nothing is cancelled or revoked"):
            assert words in said
        await press(pilot, "escape")
        await at_rest(pilot)
        assert orders.list.total == 1
        await press(pilot, "d")
        await is_open(pilot, DeleteDialog)
        await press(pilot, "ctrl+y")
        await until(pilot, lambda: orders.list.total == 0)
        assert sandbox.control("requests") == []
        assert sandbox.control(f"orders/{order.ssl_id}")["status"] == "Issued"
        assert (await workspace.lists.certificate(order.certificate_id)).row.common_name == NAME

        await import_again(pilot, ticked=False)
        assert "Deleted here, left so 1" in flat(shown(pilot.app.screen))
        await press(pilot, "escape")
        await at_rest(pilot)
        assert (await workspace.lists.window(Query(Topic.ORDERS, NAME, view="all"), 0, 1)).total == 0
        await import_again(pilot, ticked=True)
        await press(pilot, "escape")
        await at_rest(pilot)
        assert (await workspace.lists.window(Query(Topic.ORDERS, NAME, view="all"), 0, 1)).total == 1


async def import_again(pilot: Any, *, ticked: bool) -> None:
    await press(pilot, "I")
    dialog = await is_open(pilot, ImportDialog)
    if ticked:
        field(dialog, "include_deleted").focus_control()
        await press(pilot, "space")
    await press(pilot, "ctrl+y")
    await is_open(pilot, TextDialog)
    await sees(pilot, "Import: complete")


def test_by_commands(join: Callable[..., Cli], sandbox_factory: SandboxFactory) -> None:
    """Asked first, and unasked only with --yes; the words say what stays; no request is sent; an import leaves it out
    unless asked to bring it back."""
    sandbox: SandboxServer = sandbox_factory(certificates=20)
    cli = join(sandbox)
    cli("orders", "import")
    order = cli.json("orders", "show", NAME)
    sandbox.control("reset", {"what": "counters"})
    asked = cli("orders", "delete", NAME, code=2)
    assert "--yes" in asked.err
    dry = cli("orders", "delete", NAME, "--dry-run")
    assert order["serial"] in dry.err
    assert cli.json("orders", "show", NAME) == order
    done = cli("orders", "delete", NAME, "--yes")
    assert "SCM keeps them" in done.err
    assert sandbox.control("requests") == []
    assert sandbox.control(f"orders/{order['ssl_id']}")["status"] == "Issued"
    cli("orders", "show", order["number"], code=1)
    assert cli.json("certificates", "show", NAME)["serial"] == order["serial"]
    assert cli.json("orders", "import", "--no-fetch")["kept_deleted"] == 1
    cli("orders", "show", NAME, code=1)
    assert cli.json("orders", "import", "--no-fetch", "--include-deleted")["kept_deleted"] == 0
    assert cli.json("orders", "show", NAME)["ssl_id"] == order["ssl_id"]
    deletions = [row for row in cli.json("audit", "list") if row["action"] == "delete"]
    assert [row["order_id"] for row in deletions] == [order["id"]]
