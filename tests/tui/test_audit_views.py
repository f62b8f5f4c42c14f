"""The seventh tab: three views by one key, each with its own rows, details and deeds."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

from kmptui.domain.listing import RENEWALS
from kmptui.domain.renewal import Verdict
from kmptui.services.renewal import PlanLine
from kmptui.tui.app import KmptuiApp
from kmptui.tui.dialogs.write_list import WriteListDialog
from kmptui.tui.tabs.audit_columns import week
from kmptui.tui.tabs.planned import PLAN
from tests.tui.driving import screen_text, settle
from tests.tui.fakes import NOW, FakeWorkspace
from tests.tui.test_on_sandbox import tab_of


def planned(number: int) -> PlanLine:
    blocked = number == 2
    cause = "names: the validation of example.edu ended [/]" if blocked else ""
    verdict = Verdict.BLOCKED if blocked else Verdict.DUE
    return PlanLine(
        number, f"host{number}.example.edu", NOW.date() + timedelta(days=9), verdict,
        cause or "due since 3 Nov 2026", NOW, None, cause, "Have it validated" if blocked else "", date(2026, 11, 23),
    )  # fmt: skip


async def test_u_turns_through_the_views_and_each_has_its_own_details(tmp_path: Path) -> None:
    workspace: Any = FakeWorkspace(tmp_path)
    workspace.renewal.lines = tuple(planned(number) for number in range(1, 4))
    app = KmptuiApp(workspace)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("7")
        await settle(pilot)
        assert tab_of(app).query_shown.view == RENEWALS
        assert "view: renewals (u turns)" in screen_text(app)
        await pilot.press("enter")
        await settle(pilot)
        assert "Old serial" in screen_text(app)
        await pilot.press("escape", "u")
        await settle(pilot)
        assert tab_of(app).query_shown.view == PLAN
        assert tab_of(app).list.total == 3
        assert "BLOCKED" in screen_text(app)
        await pilot.press("slash", *"host2", "enter")
        await settle(pilot)
        assert tab_of(app).list.total == 1
        assert " 1 of 3 " in screen_text(app)
        await pilot.press("enter")
        await settle(pilot)
        assert "o2 host2.example.edu" in screen_text(app)
        await pilot.press("escape", "escape", "o")
        await settle(pilot)
        assert "Sort: the plan goes by the day" in screen_text(app)
        await pilot.press("asterisk")
        await settle(pilot)
        assert tab_of(app).marked == (1, 2, 3)
        await pilot.press("u")
        await settle(pilot)
        assert tab_of(app).marked == ()
        assert "view: everything" in screen_text(app)
        await pilot.press("u", "u")
        await settle(pilot)
        assert tab_of(app).marked == (1, 2, 3), "a view keeps its marks"


async def test_the_plan_is_written_as_it_is_filtered(tmp_path: Path) -> None:
    workspace: Any = FakeWorkspace(tmp_path)
    workspace.renewal.lines = tuple(planned(number) for number in range(1, 4))
    app = KmptuiApp(workspace)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("7", "u")
        await settle(pilot)
        assert "since 23 Nov" in screen_text(app), "the day, where the verdict stands beside it"
        await pilot.press("slash", *"blocked", "enter")
        await settle(pilot)
        await pilot.press("w")
        await settle(pilot)
        dialog = app.screen
        assert isinstance(dialog, WriteListDialog)
        assert "plan, filter: blocked" in screen_text(app)
        assert dialog._path.value.endswith("plan.csv")
        dialog._path.value = str(tmp_path / "plan.csv")
        await pilot.press("ctrl+y")
        await settle(pilot)
        await pilot.pause()
        assert "1 row written to" in screen_text(app)
    assert (tmp_path / "plan.csv").read_text() == "csv o2\n"


def test_weeks_by_their_monday() -> None:
    assert week(date(2026, 11, 23), NOW) == "this week"
    assert week(date(2026, 11, 30), NOW) == "next week"
    assert week(date(2026, 12, 7), NOW) == "from 7 Dec"
    assert week(date(2028, 1, 3), NOW) == "from 3 Jan 2028"
    assert week(None, NOW) == "-"
