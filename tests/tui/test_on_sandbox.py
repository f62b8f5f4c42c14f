"""The list tabs on the real engine: a linked store, the sandbox SCM over HTTP, keys alone."""

from __future__ import annotations

from kmptui.config import Paths
from kmptui.domain.listing import Query, Topic
from kmptui.sandbox.server import SandboxServer
from kmptui.services.account import LinkRequest
from kmptui.services.importing import ImportOptions
from kmptui.services.workspace import Workspace
from kmptui.tui.app import KmptuiApp
from kmptui.tui.tabs.list_tab import ListTab
from tests.sandbox_fixtures import SandboxFactory
from tests.tui.acting import sees
from tests.tui.driving import screen_text, settle


async def linked(paths: Paths, server: SandboxServer) -> Workspace:
    """A workspace linked to the sandbox, mirrored, with its orders."""
    workspace = await Workspace.open(paths, face="tui")
    request = LinkRequest(server.base_url, server.login, server.password, server.customer_uri)
    await workspace.account.link(request)
    await workspace.mirror.sync()
    await workspace.importing.run(ImportOptions())
    return workspace


def tab_of(app: KmptuiApp) -> ListTab:
    return next(tab for tab in app.screen.query(ListTab) if tab.display)


async def test_every_tab_shows_what_scm_has(paths: Paths, sandbox_factory: SandboxFactory) -> None:
    server = sandbox_factory(certificates=300)
    async with await linked(paths, server) as workspace:
        app = KmptuiApp(workspace)
        async with app.run_test(size=(80, 24)) as pilot:
            await settle(pilot)
            for key, topic, least in (
                ("2", Topic.ORGANIZATIONS, 3),
                ("3", Topic.DOMAINS, 20),
                ("4", Topic.PROFILES, 6),
                ("5", Topic.ORDERS, 100),
                ("7", Topic.AUDIT, 3),
            ):
                await pilot.press(key)
                if topic is Topic.AUDIT:
                    await pilot.press("u", "u")  # renewals, the plan, everything
                await settle(pilot)
                tab = tab_of(app)
                assert tab.topic is topic
                assert (tab.list.total or 0) >= least
                assert " DEMO " in screen_text(app).splitlines()[0]
                await pilot.press("G")
                await settle(pilot)
                assert tab.list.cursor == (tab.list.total or 0) - 1
                await pilot.press("enter")
                await settle(pilot)
                await pilot.press("escape")
                await settle(pilot)
            await pilot.press("5", "slash", *"status:issued", "enter")
            await settle(pilot)
            states = {row.state for row in tab_of(app).list._rows}
            assert states <= {"issued", "issued, not added"}
            current = tab_of(app).row
            await pilot.press("o", *"common", "enter")
            await settle(pilot)
            assert tab_of(app).row.id == current.id, "the cursor follows its row"


async def test_sync_and_check_on_keys(paths: Paths, sandbox_factory: SandboxFactory) -> None:
    server = sandbox_factory(certificates=60)
    async with await linked(paths, server) as workspace:
        app = KmptuiApp(workspace)
        async with app.run_test(size=(100, 30)) as pilot:
            await pilot.press("3")
            await settle(pilot)
            await pilot.press("s")
            for worker in list(app.workers):
                if worker.name == "sync":
                    await worker.wait()
            await settle(pilot)
            assert "Synced:" in screen_text(app)
            await pilot.press("5", "c")
            await settle(pilot)
            for worker in list(app.workers):
                if worker.name == "check":
                    await worker.wait()
            await settle(pilot)
            assert workspace.running == ()
            await pilot.press("6")
            await settle(pilot)
            assert (tab_of(app).list.total or 0) <= 1


async def test_esc_stops_the_fetching_and_a_check_goes_on_with_it(
    paths: Paths, sandbox_factory: SandboxFactory
) -> None:
    server = sandbox_factory(certificates=60)
    async with await linked(paths, server) as workspace:
        waiting = await workspace.importing.queued()
        server.control("settings", {"latency_ms": 100})
        app = KmptuiApp(workspace)
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.press("5")
            await settle(pilot)
            await pilot.press("E")
            await sees(pilot, "esc stops it")
            await pilot.press("escape")
            await sees(pilot, "Stopped")
            assert "is kept" in screen_text(app).splitlines()[-2]
            assert workspace.running == ()
            left = await workspace.importing.queued()
            assert left > 0
            server.control("settings", {"latency_ms": 0})
            await pilot.press("E")
            await sees(pilot, "Checked ")
            assert await workspace.importing.queued() == 0
            assert (await workspace.lists.window(Query(Topic.CERTIFICATES, view="all"), 0, 1)).total == waiting
