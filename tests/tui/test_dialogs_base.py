"""Dialogs and fields: Back is the default, a chord acts, errors stand beside their fields, pastes do nothing."""

from __future__ import annotations

from typing import Any

import pytest
from textual.app import App, ComposeResult
from textual.content import Content

from kmptui.domain import entry
from kmptui.errors import BadInput, Finding, PreflightFailed, StateForbids
from kmptui.tui import workers
from kmptui.tui.dialogs.choose import ChooseDialog
from kmptui.tui.widgets.dialog import Dialog, TextDialog
from kmptui.tui.widgets.fields import AreaField, CheckField, ChoiceField, Field, Option, RadioField, TextField
from tests.tui.driving import screen_text
from tests.tui.test_present import HOSTILE


class Form(Dialog[str]):
    """One of each field."""

    TITLE = "A form [/]"
    ACT = "Send"

    def __init__(self, error: Exception | None = None) -> None:
        super().__init__()
        self.error = error
        self.acted = 0

    def body(self) -> ComposeResult:
        yield TextField("login", "Login", check=entry.login, most=256)
        yield AreaField("comments", "Comments", check=entry.comments, most=1024)
        yield ChoiceField("profile", "Profile", [Option(n, f"Profile [/] {n}") for n in range(20)], 3)
        yield RadioField(
            "key", "Key", [Option("rsa", "RSA"), Option("ec", "EC"), Option("no", "none", off="no")], "rsa"
        )
        yield CheckField("renew", "Renewal", "automatic")

    async def act(self) -> None:
        self.acted += 1
        if self.error is not None:
            raise self.error
        self.dismiss(self.query_one("#field-login", TextField).value)


class Alone(App[None]):
    """Shows one dialog and keeps what it ended with."""

    def __init__(self, dialog: Dialog[Any]) -> None:
        super().__init__()
        self.dialog = dialog
        self.results: list[Any] = []
        self.problems: list[Exception] = []
        self.bugs: list[BaseException] = []

    def on_mount(self) -> None:
        self.push_screen(self.dialog, self.results.append)

    def show_problem(self, error: Exception) -> bool:
        self.problems.append(error)
        return True

    def show_bug(self, error: BaseException, where: str) -> None:
        self.bugs.append(error)

    async def unlock(self) -> bool:
        return False


def field(app: App[Any], name: str) -> Any:
    return next(f for f in app.screen.query(Field) if f.name == name)


async def test_the_chord_acts_and_the_value_comes_back() -> None:
    app = Alone(Form())
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.press(*"ops", "ctrl+y")
        await pilot.pause()
    assert app.results == ["ops"]


async def test_escape_leaves_the_field_first_then_the_dialog() -> None:
    app = Alone(Form())
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.press("o", "escape")
        assert app.screen is app.dialog
        assert app.focused is None
        await pilot.press("escape")
        await pilot.pause()
    assert app.results == [None]


async def test_an_unbracketed_paste_acts_on_nothing() -> None:
    app = Alone(Form())
    page = "Dear all,\rplease order *.example.edu\r\ryes y Y ok\r"
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        for char in page:
            await pilot.press({"\r": "enter", " ": "space"}.get(char, char))
        assert app.screen is app.dialog
        assert app.dialog.acted == 0
    assert app.results == []


async def test_an_error_that_names_a_field_stands_beside_it() -> None:
    app = Alone(Form(BadInput("comments", "Too long", why="at most 1,024 are taken", cure="Shorten it [/]")))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.press(*"ops", "ctrl+y")
        await pilot.pause()
        assert field(app, "comments").is_bad
        assert field(app, "comments") in app.focused.ancestors
        assert "Shorten it [/]" in screen_text(app)
        assert field(app, "login").value == "ops", "the input stays"
    assert app.problems == []


async def test_findings_mark_every_field_and_focus_the_first() -> None:
    findings = [Finding("key", "not taken"), Finding("login", "missing")]
    app = Alone(Form(PreflightFailed(findings)))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.press("ctrl+y")
        await pilot.pause()
        assert [f.name for f in app.screen.query(Field) if f.is_bad] == ["login", "key"]
        assert field(app, "key") in app.focused.ancestors


async def test_an_error_that_names_no_field_stays_in_the_dialog() -> None:
    app = Alone(Form(StateForbids("Not now", why="it is closed")))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.press("ctrl+y")
        await pilot.pause()
        assert "Not possible now: Not now: it is closed" in screen_text(app)


async def test_a_bug_in_a_dialog_is_told_to_the_app() -> None:
    app = Alone(Form(ZeroDivisionError("secret")))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.press("ctrl+y")
        await pilot.pause()
    assert [type(bug) for bug in app.bugs] == [ZeroDivisionError]


async def test_what_is_wrong_is_said_while_one_types_and_nothing_moves() -> None:
    app = Alone(Form())
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        places = [f.region for f in app.screen.query(Field)]
        await pilot.press("é")
        await pilot.pause()
        assert field(app, "login").is_bad
        await pilot.press("backspace", "o")
        await pilot.pause()
        assert not field(app, "login").is_bad
        assert "1 of 256" in screen_text(app)
        assert [f.region for f in app.screen.query(Field)] == places


async def test_every_field_can_be_worked_by_keyboard() -> None:
    app = Alone(Form())
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.press("enter", "n", "o", "t", "e", "tab")
        await pilot.press("enter")
        await pilot.pause()
        assert isinstance(app.screen, ChooseDialog)
        await pilot.press("1", "7", "enter")
        await pilot.pause()
        assert field(app, "profile").value == 17
        await pilot.press("tab", "right", "right", "tab", "space")
        assert field(app, "key").value == "rsa", "what cannot be chosen is passed over"
        assert field(app, "renew").value is True
        assert field(app, "comments").value == "note"


async def test_alt_and_a_letter_leave_the_field_and_count_as_the_letter() -> None:
    app = Alone(Form())
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.press("o", "alt+p")
        assert field(app, "login").value == "o"
        assert app.focused is None


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
async def test_hostile_options_are_shown_as_text(text: str) -> None:
    app = Alone(ChooseDialog(text, [Option(n, f"{text} {n}", off=text if n == 2 else "") for n in range(12)], 3))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.press("down")
        assert "\x1b" not in screen_text(app)


async def test_text_scrolls_and_swallows_what_is_typed() -> None:
    app = Alone(TextDialog("Long", Content("\n".join(f"line {n}" for n in range(100)))))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert "esc Back" in screen_text(app)
        await pilot.press("pagedown", "j")
        await pilot.pause()
        assert "line 0" not in screen_text(app).split()
        await pilot.press("x", "q", "n", "1")
        assert app.screen is app.dialog
        await pilot.press("enter")
        await pilot.pause()
    assert app.results == [None]


async def test_two_chords_act_once() -> None:
    """A key that a slow line repeats must not act twice."""
    import asyncio

    gate = asyncio.Event()

    class Slow(Form):
        async def act(self) -> None:
            self.acted += 1
            await gate.wait()
            self.dismiss("done")

    app = Alone(Slow())
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.press("ctrl+y", "ctrl+y", "ctrl+y")
        await pilot.pause()
        assert "working" in screen_text(app)
        gate.set()
        await pilot.pause()
    assert app.results == ["done"]
    assert app.dialog.acted == 1


def test_every_error_has_a_place() -> None:
    from kmptui import errors
    from kmptui.tui.problems import TABLE, problem_of

    kinds = [k for k in vars(errors).values() if isinstance(k, type) and issubclass(k, errors.KmptuiError)]
    for kind in kinds:
        error = kind.__new__(kind)
        assert problem_of(error) is TABLE[next(k for k in kind.__mro__ if k in TABLE)]
    assert workers.log is not None
