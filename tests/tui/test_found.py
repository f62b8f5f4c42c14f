"""What was found by using the program: each of these went wrong once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from textual.content import Content

from kmptui.domain.order import Ledger, OrderRequest
from kmptui.errors import ScmRefused, Unreachable
from kmptui.services.ordering import Placed
from kmptui.tui.app import KmptuiApp
from kmptui.tui.dialogs.choose import Choices, ChooseDialog
from kmptui.tui.dialogs.help import HelpDialog
from kmptui.tui.dialogs.order.form import OrderForm
from kmptui.tui.dialogs.order.preview import PreviewDialog
from kmptui.tui.dialogs.problem import ProblemDialog
from kmptui.tui.dialogs.too_small import TooSmall
from kmptui.tui.tabs.home_screen import HomeScreen
from kmptui.tui.widgets.dialog import TextDialog
from kmptui.tui.widgets.fields import Option
from tests.tui.acting import field, fill, is_open, prose, sees, shown, type_text, until
from tests.tui.stage import stage


def an_app(home: Path) -> Any:
    return KmptuiApp(stage(home))  # type: ignore[arg-type]


async def test_what_lies_behind_a_dialog_stays_where_it_was(tmp_path: Path) -> None:
    async with an_app(tmp_path).run_test(size=(80, 24)) as pilot:
        await sees(pilot, "Needs you")
        before = shown(pilot.app.screen).splitlines()
        await pilot.app.push_screen(TextDialog("Short", Content("one line")))
        await sees(pilot, "Short")
        after = shown(pilot.app.screen).splitlines()
        assert after[:3] == before[:3]
        assert after[-1] == before[-1]


async def test_the_first_line_is_seen_above_the_tallest_dialog(tmp_path: Path) -> None:
    async with an_app(tmp_path).run_test(size=(80, 24)) as pilot:
        await sees(pilot, "Needs you")
        first = shown(pilot.app.screen).splitlines()[0]
        await pilot.press("question_mark")
        await is_open(pilot, HelpDialog)
        lines = shown(pilot.app.screen).splitlines()
        assert lines[0] == first
        assert lines[-1].strip().startswith("└")
        assert "esc Back" in lines[-2]


async def test_arrows_and_enter_move_on_from_every_field_of_one_line(tmp_path: Path) -> None:
    async with an_app(tmp_path).run_test(size=(80, 24)) as pilot:
        await sees(pilot, "Needs you")
        await pilot.press("n")
        form = await is_open(pilot, OrderForm)
        field(form, "each").focus_control()
        for key, name in (
            ("down", "organization"), ("down", "profile"), ("up", "organization"), ("up", "each"),
            ("enter", "organization"),
        ):  # fmt: skip
            await pilot.press(key)
            await until(pilot, lambda name=name: form.focused in field(form, name).walk_children(), name)
        field(form, "auto_renew").focus_control()
        await pilot.press("enter")
        await until(pilot, lambda: form.focused in field(form, "note").walk_children(), "note")


async def test_the_line_of_a_small_window_goes_although_something_opened_over_it(tmp_path: Path) -> None:
    async with an_app(tmp_path).run_test(size=(80, 24)) as pilot:
        await sees(pilot, "Needs you")
        await pilot.resize_terminal(20, 5)
        await is_open(pilot, TooSmall)
        await pilot.app.push_screen(TextDialog("Later", Content("one line")))
        await pilot.resize_terminal(80, 24)
        await sees(pilot, "Later")
        await pilot.press("escape")
        await is_open(pilot, HomeScreen)
        await sees(pilot, "Needs you")


async def test_a_window_that_was_small_leaves_no_wrapped_lines(tmp_path: Path) -> None:
    async with an_app(tmp_path).run_test(size=(80, 24)) as pilot:
        await sees(pilot, "Needs you")
        await pilot.pause()
        before = shown(pilot.app.screen)
        await pilot.resize_terminal(20, 5)
        await is_open(pilot, TooSmall)
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: shown(pilot.app.screen) == before, "the same picture")


async def test_filtering_a_choice_leaves_the_dialog_as_large_as_it_was(tmp_path: Path) -> None:
    async with an_app(tmp_path).run_test(size=(80, 24)) as pilot:
        await sees(pilot, "Needs you")
        options = [Option(number, f"number {number}") for number in range(9)]
        await pilot.app.push_screen(ChooseDialog("Which", options))
        dialog = await is_open(pilot, ChooseDialog)
        await sees(pilot, "number 8")
        box = dialog.query_one(".dialog-box").region
        await pilot.press("7")
        await until(pilot, lambda: dialog.query_one(Choices).option_count == 1)
        assert dialog.query_one(".dialog-box").region == box


async def test_ctrl_c_says_how_to_quit(tmp_path: Path) -> None:
    async with an_app(tmp_path).run_test(size=(80, 24)) as pilot:
        await sees(pilot, "Needs you")
        await pilot.press("ctrl+c")
        await sees(pilot, "q quits")


async def test_the_server_s_words_stand_apart(tmp_path: Path) -> None:
    async with an_app(tmp_path).run_test(size=(80, 24)) as pilot:
        await sees(pilot, "Needs you")
        await pilot.app.push_screen(ProblemDialog(ScmRefused("It was refused", code=-16, text="Unknown user")))
        await is_open(pilot, ProblemDialog)
        await sees(pilot, "SCM says")
        lines = [line.strip("│ ") for line in shown(pilot.app.screen).splitlines()]
        said = next(at for at, line in enumerate(lines) if line.startswith("SCM says -16"))
        assert lines[said - 1] == ""
        assert "Unknown user" in prose(pilot.app.screen)


async def test_what_could_not_be_reached_is_told_until_it_is_tried_anew(tmp_path: Path) -> None:
    async with an_app(tmp_path).run_test(size=(80, 24)) as pilot:
        await sees(pilot, "Needs you")
        pilot.app.show_problem(Unreachable("No connection to SCM"))
        await sees(pilot, "! SCM cannot be reached")
        await pilot.press("5", "1")
        await sees(pilot, "! SCM cannot be reached")
        await pilot.press("s")
        await until(pilot, lambda: "cannot be reached" not in shown(pilot.app.screen))


async def test_the_footer_names_no_key_that_one_types(tmp_path: Path) -> None:
    async with an_app(tmp_path).run_test(size=(80, 24)) as pilot:
        await sees(pilot, "Needs you")
        await pilot.press("5")
        await sees(pilot, "/ Filter")
        await pilot.press("slash")
        await until(pilot, lambda: "/ Filter" not in shown(pilot.app.screen))


async def test_an_order_that_was_not_sent_says_so(tmp_path: Path) -> None:
    play = stage(tmp_path)
    play.ordering.outcome = Unreachable("No connection to SCM")
    async with KmptuiApp(play).run_test(size=(80, 24)) as pilot:  # type: ignore[arg-type]
        await sees(pilot, "Needs you")
        await pilot.press("n")
        form = await is_open(pilot, OrderForm)
        await type_text(pilot, "shop.example.edu,")
        await fill(pilot, form, **{"custom:Cost centre": "0815"})
        await until(pilot, lambda: not [f for f in form.findings if not f.hint and not f.stale_prone], "a clean form")
        await pilot.press("ctrl+o")
        await is_open(pilot, PreviewDialog)
        await pilot.press("ctrl+y")
        await is_open(pilot, ProblemDialog)
        await sees(pilot, "No order was sent")


async def test_names_that_were_not_ordered_one_by_one_stay_in_the_draft(tmp_path: Path) -> None:
    play = stage(tmp_path)

    async def place_each(request: OrderRequest, **_: bool) -> tuple[Placed, ...]:
        kinds = (Ledger.ACCEPTED, Ledger.UNCONFIRMED, Ledger.DRAFT)
        return tuple(
            Placed(None, None, name, kind, "so it went") for name, kind in zip(request.names, kinds, strict=False)
        )

    play.ordering.place_each = place_each  # type: ignore[method-assign]
    async with KmptuiApp(play).run_test(size=(80, 24)) as pilot:  # type: ignore[arg-type]
        await sees(pilot, "Needs you")
        await pilot.press("n")
        form = await is_open(pilot, OrderForm)
        await type_text(pilot, "".join(f"host{number}.example.edu," for number in range(4)))
        await fill(pilot, form, **{"custom:Cost centre": "0815"})
        field(form, "each").choose(True)
        await until(pilot, lambda: form.values.each and not [f for f in form.findings if not f.hint], "a clean form")
        await pilot.press("ctrl+o")
        await is_open(pilot, PreviewDialog)
        await pilot.press("ctrl+y")
        await sees(pilot, "2 names without an order wait in the form")
        assert play.drafts.kept is not None
        assert dict(play.drafts.kept.members)["names"].split() == ["host2.example.edu", "host3.example.edu"]
