"""Renew, reissue and revoke by keys alone, on the real engine against a sandbox SCM: what the server has in the end."""

from __future__ import annotations

from typing import Any

from kmptui.config import Paths
from kmptui.domain.listing import Query, Topic
from kmptui.domain.order import Order
from kmptui.sandbox.server import SandboxServer
from kmptui.services.workspace import Workspace
from kmptui.tui.app import KmptuiApp
from kmptui.tui.dialogs.choose import ChooseDialog
from kmptui.tui.dialogs.delete import DeleteDialog
from kmptui.tui.dialogs.order.follow import FollowPage
from kmptui.tui.dialogs.reissue import ReissueDialog
from kmptui.tui.dialogs.renew import RenewDialog
from kmptui.tui.dialogs.revoke import RevokeDialog
from kmptui.tui.tabs.home_screen import HomeScreen
from kmptui.tui.widgets.dialog import TextDialog
from tests.sandbox_fixtures import SandboxFactory
from tests.services.rig import request
from tests.tui.acting import is_open, prose, sees, type_text, until
from tests.tui.driving import settle
from tests.tui.test_on_sandbox import linked, tab_of

NAME = "life.shop.example.com"


async def issued(workspace: Workspace) -> Order:
    """An order of ours whose certificate is here."""
    placed = await workspace.ordering.place(request(NAME))
    assert placed.order_id is not None
    order = await workspace.ordering.follow(placed.order_id, lambda _: None, seconds=60)
    assert order.row.certificate_id is not None
    return order


def at_server(server: SandboxServer, ssl_id: int | None) -> dict[str, Any]:
    return next(row for row in server.control("orders") if row["id"] == ssl_id)


async def named(workspace: Workspace) -> list[Order]:
    """All orders of the name, oldest first."""
    window = await workspace.lists.window(Query(Topic.ORDERS, f"name:{NAME}", sort="id", view="all"), 0, 10)
    return [await workspace.lists.order(row.id) for row in window.rows]


async def test_renew_reissue_and_revoke_by_keys(paths: Paths, sandbox_factory: SandboxFactory) -> None:
    server = sandbox_factory(certificates=12, issue_after=0)
    async with await linked(paths, server) as workspace:
        first = await issued(workspace)
        app = KmptuiApp(workspace)
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.press("5", "slash", *f"name:{NAME}", "enter")
            await until(pilot, lambda: tab_of(app).row is not None and tab_of(app).row.id == first.id)

            await pilot.press("t")
            await sees(pilot, "Chosen (t undoes it), but auto-renewal is off as a whole")
            await pilot.press("r")
            await is_open(pilot, RenewDialog)
            await pilot.press("ctrl+y")
            await is_open(pilot, FollowPage)
            await until(pilot, lambda: "[x] fetched" in prose(app.screen))
            old, new = await named(workspace)
            assert (old.next_id, new.previous_id) == (new.id, old.id)
            assert new.row.auto_renew, "the choice follows to the new one"
            assert at_server(server, old.ssl_id)["status"] == "Issued", "the old one stays valid to its end"
            assert [one["common_name"] for one in server.control("state")["created"]].count(NAME) == 2

            await pilot.press("escape")
            await is_open(pilot, HomeScreen)
            await until(pilot, lambda: tab_of(app).row is not None and tab_of(app).row.id == new.id)
            await pilot.press("i")
            dialog = await is_open(pilot, ReissueDialog)
            await type_text(pilot, f"more.{NAME} ")
            await sees(pilot, "+ 1 added")
            dialog.query_one("#field-reason Input").focus()
            await type_text(pilot, "a name more")
            await pilot.press("ctrl+y")
            await is_open(pilot, FollowPage)
            await until(pilot, lambda: "[x] fetched" in prose(app.screen))
            reissued = await workspace.lists.order(new.id)
            assert set(reissued.names) == {NAME, f"more.{NAME}"}
            assert reissued.row.certificate_id != new.row.certificate_id
            both = await workspace.lists.order_certificates(new.id)
            assert len(both) == 2

            await pilot.press("escape")
            await is_open(pilot, HomeScreen)
            await settle(pilot)
            await pilot.press("enter")
            await sees(pilot, "Versions")
            told = prose(app.screen).replace(" ", "")
            assert f"{old.row.number}issued<-{new.row.number}CURRENT" in told
            assert all(":".join(row.serial[at : at + 2] for at in range(0, 8, 2)) in told for row in both)

            await pilot.press("a", *"revoke", "enter")
            choice = await is_open(pilot, ChooseDialog)
            await until(pilot, lambda: "Which one" in prose(choice))
            await pilot.press("enter")
            dialog = await is_open(pilot, RevokeDialog)
            assert "live certificates have this name" in prose(dialog)
            serial = dialog._target.serial
            await pilot.press("tab")
            await type_text(pilot, "lost laptop")
            await pilot.press("ctrl+y", "tab")
            assert not any(row.revoked for row in await workspace.lists.order_certificates(new.id))
            await type_text(pilot, serial[-4:])
            await pilot.press("ctrl+y")
            await is_open(pilot, TextDialog)
            await pilot.press("enter")
            await is_open(pilot, DeleteDialog)
            await pilot.press("escape")
            await until(pilot, lambda: not isinstance(app.screen, DeleteDialog))
            revoked = [row for row in await workspace.lists.order_certificates(new.id) if row.revoked]
            assert [row.serial for row in revoked] == [serial]
