"""The list tabs on keys: filter, sort, view, marks, copy, write, details, and pages pasted where they do not belong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from textual import events
from textual.widgets import Input

from kmptui.domain.listing import Topic
from kmptui.domain.order import Ledger
from kmptui.errors import Damaged
from kmptui.tui.app import KmptuiApp
from kmptui.tui.dialogs.choose import ChooseDialog
from kmptui.tui.dialogs.copy import CopyDialog
from kmptui.tui.dialogs.write_list import WriteListDialog
from kmptui.tui.tabs.details_page import DetailsPage
from kmptui.tui.tabs.list_tab import ListTab
from kmptui.tui.widgets.windowed_list import row_id
from tests.tui.driving import screen_text, settle
from tests.tui.fakes import FakeLists, FakeWorkspace, certificate_row, domain, order_row, organization, profile
from tests.tui.test_present import HOSTILE

TABS = "234567"


@pytest.fixture
def workspace(tmp_path: Path) -> FakeWorkspace:
    return FakeWorkspace(tmp_path / "home", lists=FakeLists(60))


def app_on(workspace: Any) -> KmptuiApp:
    return KmptuiApp(workspace)


def tab_of(app: KmptuiApp) -> ListTab:
    return next(tab for tab in app.screen.query(ListTab) if tab.display)


@pytest.mark.parametrize("tab", TABS)
async def test_filtering(workspace: FakeWorkspace, tab: str) -> None:
    app = app_on(workspace)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press(tab)
        await settle(pilot)
        await pilot.press("slash", *"12")
        await pilot.pause()
        assert tab_of(app).query_shown.filter == "", "the list waits for Enter"
        await pilot.press("enter")
        await settle(pilot)
        assert tab_of(app).query_shown.filter == "12"
        assert "/ 12" in screen_text(app).splitlines()[2]
        if tab != "6":  # the made-up certificates all hold a 12 somewhere
            assert " of 60" in screen_text(app).splitlines()[2]
        await pilot.press("slash", "x", "escape")
        await settle(pilot)
        assert tab_of(app).query_shown.filter == "12", "esc leaves it as it was"
        await pilot.press("escape")
        await settle(pilot)
        assert tab_of(app).query_shown.filter == ""


async def test_a_wrong_filter_is_said_in_words_and_not_taken(workspace: FakeWorkspace) -> None:
    app = app_on(workspace)
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.press("5")
        await settle(pilot)
        await pilot.press("slash", *"expires<soon", "enter")
        await settle(pilot)
        assert "'soon' is no date" in screen_text(app)
        assert tab_of(app).query_shown.filter == ""


async def test_sorting_and_views(workspace: FakeWorkspace) -> None:
    app = app_on(workspace)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("5")
        await settle(pilot)
        await pilot.press("o")
        await settle(pilot)
        assert isinstance(app.screen, ChooseDialog)
        await pilot.press(*"number", "down", "enter")
        await settle(pilot)
        assert (tab_of(app).query_shown.sort, tab_of(app).query_shown.descending) == ("id", True)
        assert "by number v" in screen_text(app)
        await pilot.press("u")
        await settle(pilot)
        assert tab_of(app).query_shown.view == "all"
        assert "view: all" in screen_text(app)


async def test_what_is_checked_is_what_is_marked(workspace: FakeWorkspace) -> None:
    app = app_on(workspace)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("5")
        await settle(pilot)
        await pilot.press("j", "c")
        await settle(pilot)
        await pilot.press("space", "space", "c")
        await settle(pilot)
        assert "2 marked" in screen_text(app)
        await pilot.press("E")
        await settle(pilot)
    assert workspace.checking.checked == [(2,), (2, 3), None]


async def test_marking_all_and_none(workspace: FakeWorkspace) -> None:
    app = app_on(workspace)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("5")
        await settle(pilot)
        await pilot.press("asterisk")
        await settle(pilot)
        await pilot.pause()
        assert "60 marked" in screen_text(app)
        await pilot.press("escape")
        await settle(pilot)
        assert "marked" not in screen_text(app)


@pytest.mark.parametrize("tab", TABS)
async def test_details_are_a_screen_when_narrow_and_a_pane_when_wide(workspace: FakeWorkspace, tab: str) -> None:
    app = app_on(workspace)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press(tab)
        await settle(pilot)
        await pilot.press("j", "enter")
        await settle(pilot)
        assert isinstance(app.screen, DetailsPage)
        assert row_id(app.screen.row) == 2
        narrow = screen_text(app).splitlines()[1].split()
        await pilot.press("escape")
        await pilot.resize_terminal(140, 40)
        await settle(pilot)
        assert not isinstance(app.screen, DetailsPage)
        assert screen_text(app).count(narrow[0]) > 1, "in the list, and beside it"


async def test_state_end_and_renewal_stay_beside_the_details(workspace: FakeWorkspace) -> None:
    app = app_on(workspace)
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.press("5")
        await settle(pilot)
        head = screen_text(app).splitlines()[3]
        assert all(title in head for title in ("Common name", "State", "Expires", "Renewal"))
        assert "Organization" in screen_text(app), "the details"


async def test_help_names_the_key_that_leads_there(workspace: FakeWorkspace) -> None:
    app = app_on(workspace)
    async with app.run_test(size=(80, 200)) as pilot:
        await pilot.press("5")
        await settle(pilot)
        await pilot.press("question_mark")
        await settle(pilot)
        lines = [line.replace("│", " ").split() for line in screen_text(app).splitlines()]
        assert [words[0] for words in lines if words[1:2] == ["Revoke:"]] == ["a"]
        assert [words[0] for words in lines if words[1:3] == ["Take", "marks"]] == ["esc"]


@pytest.mark.parametrize("tab", TABS)
async def test_copying_shows_it_raw(workspace: FakeWorkspace, tab: str) -> None:
    app = app_on(workspace)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press(tab)
        await settle(pilot)
        await pilot.press("y")
        await settle(pilot)
        assert isinstance(app.screen, CopyDialog)
        await pilot.press("enter")
        await settle(pilot)
        assert "sent to the terminal" in screen_text(app)
        assert app.clipboard in screen_text(app)


@pytest.mark.parametrize("tab", TABS)
async def test_writing_the_list(workspace: FakeWorkspace, tab: str, tmp_path: Path) -> None:
    app = app_on(workspace)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press(tab)
        await settle(pilot)
        await pilot.press("w")
        await settle(pilot)
        dialog = app.screen
        assert isinstance(dialog, WriteListDialog)
        dialog._path.value = str(tmp_path / "list.csv")
        await pilot.press("right")
        await pilot.pause()
        assert dialog._path.value.endswith("list.json")
        await pilot.press("ctrl+y")
        await settle(pilot)
        await pilot.pause()
        assert "60 rows written to" in screen_text(app)
    assert (tmp_path / "list.json").read_text() == "json 60\n"


async def test_a_failing_store_is_a_sentence_in_the_list(workspace: FakeWorkspace) -> None:
    workspace.lists.error = Damaged("The store is damaged", why="malformed page", cure="Restore a backup")
    app = app_on(workspace)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("5")
        await settle(pilot)
        text = screen_text(app)
        assert "The store is damaged" in text
        assert "Restore a backup" in text


async def test_empty_lists_say_why_and_which_key_helps(tmp_path: Path) -> None:
    app = app_on(FakeWorkspace(tmp_path, lists=FakeLists(0)))
    async with app.run_test(size=(80, 24)) as pilot:
        for tab, words in (("2", "s reads"), ("3", "s reads"), ("4", "s reads"), ("5", "I imports"), ("6", "n orders")):
            await pilot.press(tab)
            await settle(pilot)
            assert words in screen_text(app)


PAGE = "Order *.a.edu!\rOK\rABCDFHOPRSZ y\rdelete renew\r\x1b[A[B"


NAMES = {
    "\r": "enter",
    " ": "space",
    "\x1b": "escape",
    ".": "full_stop",
    "*": "asterisk",
    "!": "exclamation_mark",
    "[": "left_square_bracket",
}


@pytest.mark.parametrize("tab", "356")
async def test_a_page_pasted_into_a_list_changes_nothing(workspace: FakeWorkspace, tab: str) -> None:
    """Dialogs may open; none acts, since the chord is in no text."""
    app = app_on(workspace)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press(tab)
        await settle(pilot)
        for char in PAGE:
            await pilot.press(NAMES.get(char, char))
    assert not hasattr(workspace, "repository"), "nothing that deletes or exports was there to be called"


@pytest.mark.parametrize("tab", TABS)
async def test_hostile_rows_in_every_tab(tmp_path: Path, tab: str) -> None:
    import dataclasses

    rows: dict[Topic, list[Any]] = {topic: [] for topic in Topic}
    for n, text in enumerate(HOSTILE, 1):
        rows[Topic.ORDERS].append(
            order_row(n, common_name=text, organization=text, profile=text, status=text, serial=text)
        )
        rows[Topic.CERTIFICATES].append(certificate_row(n, common_name=text, issuer=text, serial=text))
        rows[Topic.ORGANIZATIONS].append(
            dataclasses.replace(organization(n), name=text, address=text, parent_name=text)
        )
        rows[Topic.DOMAINS].append(dataclasses.replace(domain(n), name=text, state=text, dcv_method=text))
        rows[Topic.PROFILES].append(dataclasses.replace(profile(n), name=text, description=text))
    del rows[Topic.AUDIT]
    app = app_on(FakeWorkspace(tmp_path, lists=FakeLists(20, rows=rows)))
    async with app.run_test(size=(160, 30)) as pilot:
        await pilot.press(tab)
        await settle(pilot)
        for _ in HOSTILE:
            text = screen_text(app)  # the details stand beside the list
            assert "\x1b" not in text
            assert len(text.splitlines()) == 30
            await pilot.press("j")
            await settle(pilot)
        for key in ("enter", "y", "w"):
            await pilot.press(key)
            await settle(pilot)
            assert "\x1b" not in screen_text(app)
            await pilot.press("escape")
        assert app.is_running


async def test_what_cannot_be_done_says_why(workspace: FakeWorkspace) -> None:
    workspace.lists.rows[Topic.ORDERS] = [order_row(7), order_row(11)]
    app = app_on(workspace)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("5")
        await settle(pilot)
        await pilot.press("e")
        await settle(pilot)
        assert "no certificate is in the repository yet" in screen_text(app).splitlines()[-2]
        await pilot.press("j", "a")
        await settle(pilot)
        for _ in range(3):
            await pilot.press("end")
        text = screen_text(app)
        assert "Settle: find out" in text or "not now" in text
        assert tab_of_row(app).ledger is Ledger.UNCONFIRMED


def tab_of_row(app: KmptuiApp) -> Any:
    return next(tab.row for tab in app.screen_stack[0].query(ListTab) if tab.display)


async def test_every_action_shows_its_command_line(workspace: FakeWorkspace) -> None:
    app = app_on(workspace)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("5")
        await settle(pilot)
        await pilot.press("c", "s")
        await settle(pilot)
        await pilot.press("L")
        await settle(pilot)
        text = screen_text(app)
        assert "kmptui orders check o1" in text
        assert "kmptui sync orders" in text


def one_packet(app: KmptuiApp, *keys: str) -> None:
    """Keys that arrive together, before the first one has had its effect."""
    for key in keys:
        app.post_message(events.Key(key, key if len(key) == 1 else None))


async def test_keys_typed_ahead_wait_for_the_dialog(workspace: FakeWorkspace) -> None:
    app = app_on(workspace)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("5")
        await settle(pilot)
        one_packet(app, "o", *"numb")
        await settle(pilot)
        await pilot.pause(0.05)
        assert isinstance(app.screen, ChooseDialog)
        assert app.screen.query_one(Input).value == "numb"
        one_packet(app, "escape", "slash", *"host1", "enter", "j")
        await settle(pilot)
        await pilot.pause(0.05)
        await settle(pilot)
        assert not isinstance(app.screen, ChooseDialog)
        assert tab_of(app).query_shown.filter == "host1"
        assert tab_of(app).list.cursor == 1


async def test_a_key_whose_widget_goes_away_does_not_stop_the_next(workspace: FakeWorkspace) -> None:
    app = app_on(workspace)
    async with app.run_test(size=(80, 24)) as pilot:
        for _ in range(5):
            one_packet(app, "5", "enter", "escape", "6", "j", "a", "escape", "7", "w", "escape", "escape")
            await settle(pilot)
            await pilot.pause(0.1)
        one_packet(app, "escape", "escape", "5", "g", "j")
        await settle(pilot)
        await pilot.pause(0.1)
        assert tab_of(app).topic is Topic.ORDERS
        assert tab_of(app).list.cursor == 1
