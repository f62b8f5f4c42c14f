"""Validating a domain on the screen: by the keyboard alone, step by step, and nothing without the chord."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from kmptui.config import Paths
from kmptui.errors import ConnectFailed, Unconfirmed
from kmptui.services.workspace import Workspace
from kmptui.tui import workers
from kmptui.tui.app import KmptuiApp
from kmptui.tui.dialogs.copy import CopyDialog
from kmptui.tui.dialogs.order_dcv import OrderDcvDialog
from kmptui.tui.dialogs.validation import ValidationDialog
from tests.sandbox_fixtures import SandboxFactory
from tests.services.homes import credentials
from tests.tui.acting import is_open, prose, sees, shown, type_text, until
from tests.tui.driving import settle
from tests.tui.stage import an_order, stage
from tests.tui.validating import ENDED, MAILBOXES, StageValidating, record

PAGE = "Dear all,\n\nplease submit y and Y, c, V, start, k, j, 0 1 2.\tRegards\n"


@asynccontextmanager
async def opened(
    home: Path, *, attempt: tuple[str, str] | None = None, read_only: bool = False, order: bool = False
) -> AsyncIterator[tuple[Pilot[Any], Any, StageValidating]]:
    """The app with the dialog open, and what SCM was asked."""
    play = stage(home)
    play.ordering.orders[1] = an_order(1, "shop.example.edu")
    validating = StageValidating()
    if attempt is not None:
        validating.attempt(*attempt)
    play.validating = validating
    async with KmptuiApp(play).run_test(size=(80, 24)) as pilot:  # type: ignore[arg-type]
        await sees(pilot, "Needs you")
        app: Any = pilot.app
        app.tell(read_only=read_only)
        way = (lambda: app.ways.order_dcv(1)) if order else (lambda: app.ways.validate(ENDED.id))
        workers.start(app, way)
        yield pilot, await is_open(pilot, OrderDcvDialog if order else ValidationDialog), validating


async def test_start_publish_submit_and_look_again(tmp_path: Path) -> None:
    async with opened(tmp_path) as (pilot, dialog, validating):
        await sees(pilot, "none runs")
        assert "12 certificates, 3 of them due" in prose(dialog)
        await pilot.press("ctrl+y")
        await sees(pilot, "ctrl+y Submit")
        assert record("cname").host in shown(dialog)
        await pilot.press("y")
        copying = await is_open(pilot, CopyDialog)
        assert f"{record('cname').host} IN CNAME" in prose(copying)
        await pilot.press("escape")
        await is_open(pilot, ValidationDialog)
        await pilot.press("ctrl+y")
        await sees(pilot, "ctrl+y Look again")
        assert ", next " in shown(dialog)
        await pilot.press("ctrl+y")
        await until(pilot, lambda: len(validating.steps) == 3)
        validating.validated()
        await pilot.press("c")
        await until(pilot, lambda: "kmptui orders renew --blocked" in prose(dialog))
        assert validating.steps == [("start", "cname"), ("submit", "cname", ""), ("look",)]


async def test_it_is_left_and_opened_again_with_the_same_record(tmp_path: Path) -> None:
    async with opened(tmp_path, attempt=("AWAITING_SUBMISSION", "txt")) as (pilot, dialog, validating):
        await sees(pilot, "ctrl+y Submit")
        assert record("txt").point in shown(dialog)
        await pilot.press("left")
        await sees(pilot, "ctrl+y Start")
        await until(pilot, lambda: record("txt").point not in shown(dialog), "another method's record to go")
        await pilot.press("escape")
        await until(pilot, lambda: pilot.app.screen is not dialog)
        assert validating.steps == []


async def test_by_mail_a_mailbox_is_chosen(tmp_path: Path) -> None:
    async with opened(tmp_path) as (pilot, dialog, validating):
        await sees(pilot, "none runs")
        await pilot.press("left", "ctrl+y")
        await sees(pilot, "Mailbox")
        await pilot.press("tab", "enter", "down", "enter")
        await until(pilot, lambda: pilot.app.screen is dialog and MAILBOXES[1] in shown(dialog).split("Mailboxes")[0])
        await pilot.press("ctrl+y")
        await until(pilot, lambda: len(validating.steps) == 2)
        assert validating.steps == [("start", "email"), ("submit", "email", MAILBOXES[1])]


@pytest.mark.parametrize("order", [False, True])
async def test_a_page_pasted_key_by_key_sends_nothing(tmp_path: Path, *, order: bool) -> None:
    async with opened(tmp_path, attempt=("SUBMITTED", "cname"), order=order) as (pilot, _, validating):
        await until(pilot, lambda: validating.asked)
        await type_text(pilot, PAGE)
        await pilot.pause()
        assert validating.steps == []


@pytest.mark.parametrize("order", [False, True])
async def test_read_only_looks_and_sends_nothing(tmp_path: Path, *, order: bool) -> None:
    async with opened(tmp_path, attempt=("SUBMITTED", "cname"), read_only=True, order=order) as (pilot, _, validating):
        await sees(pilot, "nothing is changed in SCM")
        await until(pilot, lambda: validating.asked)
        await pilot.press("ctrl+y")
        await pilot.pause()
        assert validating.steps == []


async def test_no_clear_answer_is_told_and_repeated_by_hand_alone(tmp_path: Path) -> None:
    async with opened(tmp_path) as (pilot, dialog, validating):
        await sees(pilot, "none runs")
        validating.fails = Unconfirmed("Whether SCM took the start of the validation is not known", why="cut off")
        await pilot.press("ctrl+y")
        await until(pilot, lambda: "is not known: cut off" in prose(dialog))
        assert validating.steps == [("start", "cname")]
        await pilot.press("ctrl+y")
        await sees(pilot, "ctrl+y Submit")
        assert validating.steps == [("start", "cname")] * 2


async def test_without_scm_nothing_is_started(tmp_path: Path) -> None:
    async with opened(tmp_path) as (pilot, dialog, validating):
        await sees(pilot, "none runs")
        validating.unreachable = ConnectFailed("SCM cannot be reached", why="no route to host")
        await pilot.press("c")
        await until(pilot, lambda: "no route to host" in prose(dialog))
        await pilot.press("ctrl+y")
        await pilot.pause()
        assert validating.steps == []
        validating.unreachable = None
        await pilot.press("c")
        await until(pilot, lambda: "no route to host" not in prose(dialog) and "asks SCM again" not in prose(dialog))


async def test_an_order_s_validation_is_looked_at_and_rechecked(tmp_path: Path) -> None:
    async with opened(tmp_path, order=True) as (pilot, dialog, validating):
        await sees(pilot, "Awaiting Validation")
        assert record("cname").host in shown(dialog)
        await pilot.press("ctrl+y")
        await until(pilot, lambda: validating.steps == [("recheck", "1")])
        await pilot.press("y")
        assert f"{record('cname').host} IN CNAME" in prose(await is_open(pilot, CopyDialog))


async def test_from_the_list_to_validated_on_a_sandbox(paths: Paths, sandbox_factory: SandboxFactory) -> None:
    server = sandbox_factory(certificates=30)
    async with await Workspace.open(paths, face="tui") as workspace:
        await workspace.account.link(credentials(server))
        await workspace.mirror.sync()
        app = KmptuiApp(workspace)
        async with app.run_test(size=(80, 24)) as pilot:
            await settle(pilot)
            await pilot.press("3", "slash", *"legacy", "enter")
            await settle(pilot)
            await pilot.press("c")
            await until(pilot, lambda: "legacy.example.com is not validated" in prose(app.screen))
            await pilot.press("V")
            dialog = await is_open(pilot, ValidationDialog)
            await sees(pilot, "none runs")
            await pilot.press("ctrl+y")
            await sees(pilot, "ctrl+y Submit")
            await pilot.press("ctrl+y")
            await sees(pilot, "ctrl+y Look again")
            server.control("clock", {"advance": 60})
            await pilot.press("c")
            await until(pilot, lambda: "It is validated" in prose(dialog))
            await pilot.press("escape")
            await settle(pilot)
            domain = await workspace.lists.domain(await workspace.lists.resolve_domain("legacy.example.com"))
            assert domain.domain.status(workspace.clock.now().date()) == "validated"
            await until(pilot, lambda: "validated" in shown(app.screen))
