"""The frame: tabs, status, banner, footer, resize, quitting, problems and bugs."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from kmptui.config import Settings
from kmptui.domain.listing import Query, Topic
from kmptui.errors import ConnectFailed, NotLinked, ScmRefused, VaultLocked
from kmptui.services.reporting import Progress
from kmptui.tui import workers
from kmptui.tui.app import KmptuiApp
from kmptui.tui.dialogs.problem import BugDialog, ProblemDialog
from kmptui.tui.dialogs.quit import QuitDialog
from kmptui.tui.messages import ShowList, StartDemo
from kmptui.tui.tabs.catalog import TABS
from kmptui.tui.widgets.dialog import TextDialog
from kmptui.tui.widgets.tab_bar import labels
from tests.tui.driving import screen_text, settle
from tests.tui.fakes import FakeLists, FakeWorkspace


@pytest.fixture
def workspace(tmp_path: Path) -> FakeWorkspace:
    return FakeWorkspace(tmp_path / "home", lists=FakeLists(3041))


def app_on(workspace: Any) -> KmptuiApp:
    return KmptuiApp(workspace)


@pytest.mark.parametrize("size", [(80, 24), (120, 36), (200, 50), (60, 15)])
async def test_every_tab_is_one_key_away_and_fills_the_screen(workspace: FakeWorkspace, size: tuple[int, int]) -> None:
    app = app_on(workspace)
    async with app.run_test(size=size) as pilot:
        for number, entry in enumerate(TABS, 1):
            await pilot.press("escape", str(number))
            await settle(pilot)
            lines = screen_text(app).splitlines()
            assert len(lines) == size[1]
            assert lines[0].startswith(" kmptui  ACME (ops-api)")
            assert str(number) in lines[1]
            assert entry.short in lines[1] or entry.title in lines[1]
            assert "? Help" in lines[-1]


def test_the_tab_bar_never_cuts_a_word() -> None:
    titles = [(entry.title, entry.short) for entry in TABS]
    words = {word for pair in titles for word in pair}
    for cells in range(10, 130):
        for active in range(len(titles)):
            shown = labels(titles, active, cells)
            assert all(label.isdigit() or label.split(" ", 1)[1] in words for label in shown)
            assert len(" ".join(shown)) <= max(cells, 13)
    assert labels(titles, 0, 78)[6] == "7 Audit"
    assert labels(titles, 0, 118)[6] == "7 Auto-Renewal Audit"


async def test_demo_and_read_only_stand_in_the_first_line(tmp_path: Path) -> None:
    workspace = FakeWorkspace(tmp_path, kind="sandbox", settings=Settings(read_only=True))
    app = app_on(workspace)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("5")
        await settle(pilot)
        assert " DEMO " in screen_text(app).splitlines()[0]
        assert " READ-ONLY " in screen_text(app).splitlines()[0]
        await pilot.press("enter")
        await settle(pilot)
        assert " DEMO " in screen_text(app).splitlines()[0], "on a screen of its own too"
        await pilot.press("escape", "n")
        await settle(pilot)
        assert "read-only" in screen_text(app).splitlines()[-2]


async def test_running_work_and_problems_share_the_status_line(workspace: FakeWorkspace) -> None:
    app = app_on(workspace)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        workspace.run(Progress("Importing orders", 1200, 5000))
        await settle(pilot)
        assert "Importing orders: 1,200 of 5,000" in screen_text(app).splitlines()[-2]
        workspace.run()
        app.show_problem(ConnectFailed("SCM does not answer", why="connection refused"))
        await settle(pilot)
        assert "! SCM cannot be reached: SCM does not answer" in screen_text(app).splitlines()[-2]
        await pilot.press("exclamation_mark")
        await settle(pilot)
        assert isinstance(app.screen, ProblemDialog)
        assert "connection refused" in screen_text(app)


async def test_an_order_without_reply_is_a_banner_that_stays(workspace: FakeWorkspace) -> None:
    app = app_on(workspace)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert "without a reply" not in screen_text(app)
        workspace.ordering.open = (object(), object())
        workspace.change(Topic.ORDERS)
        await settle(pilot)
        assert "! 2 orders without a reply: press ! to settle them" in screen_text(app).splitlines()[-3]


async def test_changes_of_other_processes_show_in_place(workspace: FakeWorkspace) -> None:
    lists = workspace.lists
    app = app_on(workspace)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("5")
        await settle(pilot)
        await pilot.press("j", "j", "j")
        lists.counts[Topic.ORDERS] = 77
        for _ in range(10):
            workspace.change(Topic.ORDERS)
        asked = len(lists.asked)
        await settle(pilot)
        assert screen_text(app).splitlines()[2].rstrip().endswith("77 by expiry ^")
        assert app.screen.query_one("OrdersTab").row.id == 4
        assert len(lists.asked) - asked < 10, "ten changes are one repaint or two"


async def test_a_terminal_that_is_too_small_says_so_and_comes_back(workspace: FakeWorkspace) -> None:
    app = app_on(workspace)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("5")
        await settle(pilot)
        await pilot.resize_terminal(40, 10)
        await settle(pilot)
        assert "40 x 10 is too small" in screen_text(app)
        await pilot.resize_terminal(120, 36)
        await settle(pilot)
        assert "o1 host1.example.edu" in screen_text(app), "the details stand beside the list now"


async def test_quit_asks_only_while_work_is_running(workspace: FakeWorkspace) -> None:
    app = app_on(workspace)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        workspace.run(Progress("Ordering"))
        await pilot.press("q")
        await settle(pilot)
        assert isinstance(app.screen, QuitDialog)
        await pilot.press("enter", "q", "y", "space")
        await settle(pilot)
        assert isinstance(app.screen, QuitDialog), "no printable key and no Enter quits"
        await pilot.press("escape")
        await settle(pilot)
        assert app.is_running
        workspace.run()
        await pilot.press("q")
        await settle(pilot)
    assert app.return_code == 0


async def test_the_demo_is_a_typed_result(workspace: FakeWorkspace) -> None:
    app = app_on(workspace)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        app.post_message(StartDemo())
        await settle(pilot)
    assert app.return_value == "demo"


async def test_a_query_leads_to_its_tab(workspace: FakeWorkspace) -> None:
    app = app_on(workspace)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        app.screen.post_message(ShowList(Query(Topic.CERTIFICATES, "host7.example", view="all")))
        await settle(pilot)
        await settle(pilot)
        text = screen_text(app)
        assert "/ host7.example" in text.splitlines()[2]
        assert "c7" in text
        assert "c8 " not in text


async def test_a_typed_error_stays_until_it_is_read(workspace: FakeWorkspace) -> None:
    workspace.mirror.error = ScmRefused("SCM refused [/]", code=-7, text="no \x1b[2J", why="not yours", cure="Ask")
    app = app_on(workspace)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("3")
        await settle(pilot)
        await pilot.press("s")
        await settle(pilot)
        assert isinstance(app.screen, ProblemDialog)
        for words in ("SCM refused [/]", "not yours", "Ask", "SCM says -7"):
            assert words in screen_text(app)
        assert "\x1b" not in screen_text(app)
        await pilot.press("enter")
        await settle(pilot)
        assert not isinstance(app.screen, TextDialog)


async def test_a_bug_in_a_command_is_told_and_logged_without_values(
    workspace: FakeWorkspace, caplog: pytest.LogCaptureFixture
) -> None:
    workspace.mirror.error = ValueError("hunter2-secret")
    app = app_on(workspace)
    with caplog.at_level(logging.ERROR):
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.press("3")
            await settle(pilot)
            await pilot.press("s")
            await settle(pilot)
            assert isinstance(app.screen, BugDialog)
            assert "ValueError" in screen_text(app)
            assert "hunter2" not in screen_text(app)
            await pilot.press("escape", "5")
            await settle(pilot)
            assert "o1" in screen_text(app), "the app lives on"
    assert "ValueError" in caplog.text
    assert "hunter2" not in caplog.text


async def test_a_locked_vault_is_unlocked_once_and_the_work_done_again(
    workspace: FakeWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = app_on(workspace)
    tries = []

    async def unlock() -> bool:
        tries.append("unlock")
        return True

    async def work() -> None:
        tries.append("work")
        if len(tries) == 1:
            raise VaultLocked("The vault is locked")

    monkeypatch.setattr(app.ways, "unlock", unlock)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        workers.start(app, work, name="refresh")
        await settle(pilot)
    assert tries == ["work", "unlock", "work"]


async def test_without_an_account_the_tabs_say_what_they_wait_for(tmp_path: Path) -> None:
    workspace = FakeWorkspace(tmp_path, lists=FakeLists(0), linked=False)
    app = app_on(workspace)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        for number in "23456":
            await pilot.press("escape", number)
            await settle(pilot)
            assert "Waiting for an account" in screen_text(app)
        app.show_problem(NotLinked())
        await settle(pilot)
        assert isinstance(app.screen, ProblemDialog)


async def test_own_keys_come_from_the_settings_and_bad_ones_are_told(tmp_path: Path) -> None:
    keys = {"sync": "X", "filter": "ctrl+q", "nothing": "z"}
    workspace = FakeWorkspace(tmp_path, settings=Settings(keys=keys))
    app = app_on(workspace)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("2")
        await settle(pilot)
        status = screen_text(app).splitlines()[-2]
        assert "filter cannot have ctrl+q" in status
        assert "X Sync" in screen_text(app).splitlines()[-1]
        await pilot.press("s")
        await settle(pilot)
        assert (Topic.ORGANIZATIONS,) not in workspace.mirror.synced
        await pilot.press("X")
        await settle(pilot)
        assert (Topic.ORGANIZATIONS,) in workspace.mirror.synced
