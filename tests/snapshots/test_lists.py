"""Pictures of the list tabs and their dialogs: empty, loading, full, failing; each with a word that must be in it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from kmptui.config import Settings
from kmptui.domain.listing import Topic
from kmptui.errors import Damaged, ScmRefused
from kmptui.services.reporting import Progress
from kmptui.tui.app import KmptuiApp
from tests.tui.driving import screen_text, settle
from tests.tui.fakes import FakeLists, FakeWorkspace, order_row
from tests.tui.test_present import HOSTILE

HOME = Path("/home/ops/.local/share/kmptui")
SMALL, WIDE, LARGE = (80, 24), (120, 36), (200, 50)
Compare = Callable[..., bool]


def workspace(lists: FakeLists | None = None, **options: Any) -> Any:
    return FakeWorkspace(HOME, lists=lists or FakeLists(3041), **options)


def before(
    *keys: str, words: str = "", then: Callable[[Any], None] | None = None
) -> Callable[[Pilot[Any]], Awaitable[None]]:
    """Press the keys, each to its end, and look for the words before the picture is taken."""

    async def run(pilot: Pilot[Any]) -> None:
        await settle(pilot)
        for key in keys:
            await pilot.press(key)
            await settle(pilot)
        if then is not None:
            then(pilot.app)
            await settle(pilot)
        assert words in screen_text(pilot.app)

    return run


@pytest.mark.parametrize("size", [SMALL, WIDE, LARGE], ids=["80x24", "120x36", "200x50"])
@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("2", "Organization 7"),
        ("3", "d7.example"),
        ("4", "OV Profile 7"),
        ("5", "o7 "),
        ("6", "c7 "),
        ("7", "renewed"),
    ],
    ids=["organizations", "domains", "profiles", "orders", "certificates", "audit"],
)
def test_full(snap_compare: Compare, key: str, words: str, size: tuple[int, int]) -> None:
    app = KmptuiApp(workspace())
    assert snap_compare(app, terminal_size=size, run_before=before(key, "j", "j", words=words))


@pytest.mark.parametrize("key", list("234567"))
def test_empty(snap_compare: Compare, key: str) -> None:
    words = "The repository is empty" if key == "6" else "yet"
    app = KmptuiApp(workspace(FakeLists(0)))
    assert snap_compare(app, terminal_size=SMALL, run_before=before(key, words=words))


@pytest.mark.parametrize("key", list("25"))
def test_waiting_for_an_account(snap_compare: Compare, key: str) -> None:
    app = KmptuiApp(workspace(FakeLists(0), linked=False))
    assert snap_compare(app, terminal_size=SMALL, run_before=before("escape", key, words="Waiting for an account"))


def test_loading(snap_compare: Compare) -> None:
    lists = FakeLists(40)
    lists.gate = asyncio.Event()

    async def run(pilot: Pilot[Any]) -> None:
        await pilot.press("5")
        await pilot.pause()
        await pilot.pause()
        assert "Reading" in screen_text(pilot.app)

    assert snap_compare(KmptuiApp(workspace(lists)), terminal_size=SMALL, run_before=run)


def test_failing(snap_compare: Compare) -> None:
    lists = FakeLists(40)
    lists.error = Damaged(
        "The store is damaged", why="a page cannot be read", cure="Restore a backup: kmptui restore FILE"
    )
    app = KmptuiApp(workspace(lists))
    assert snap_compare(app, terminal_size=SMALL, run_before=before("5", words="The store is damaged"))


@pytest.mark.parametrize("key", list("234567"))
def test_details(snap_compare: Compare, key: str) -> None:
    app = KmptuiApp(workspace())
    assert snap_compare(app, terminal_size=SMALL, run_before=before(key, "j", "enter", words="esc Back"))


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        (("o",), "Sort by"),
        (("y", "down"), "Copy"),
        (("w",), "ctrl+y Write"),
        (("a",), "Actions"),
        (("question_mark",), "Keys that count here"),
        (("ctrl+p",), "Commands"),
        (("slash", *"org:Web", "enter"), "/ org:Web"),
        (("slash", *"expires<soon"), "is no date"),
        (("space", "space", "c"), "2 marked"),
        (("c", "L"), "kmptui orders check o1"),
        (("u",), "view: all"),
    ],
    ids=["sort", "copy", "write", "actions", "help", "palette", "filtered", "bad-filter", "marked", "log", "all"],
)
def test_orders_on_keys(snap_compare: Compare, keys: tuple[str, ...], words: str) -> None:
    lists = FakeLists(rows={Topic.ORDERS: [order_row(n) for n in range(1, 60)]})
    app = KmptuiApp(workspace(lists))
    assert snap_compare(app, terminal_size=SMALL, run_before=before("5", *keys, words=words))


def test_hostile_text(snap_compare: Compare) -> None:
    rows = [order_row(n, common_name=text, status=text) for n, text in enumerate(HOSTILE, 1) if "👩" not in text]
    app = KmptuiApp(workspace(FakeLists(rows={Topic.ORDERS: rows})))
    assert snap_compare(app, terminal_size=SMALL, run_before=before("5", words="a[/]b"))


def test_demo_read_only_running_and_unconfirmed(snap_compare: Compare) -> None:
    made = workspace(kind="sandbox", settings=Settings(read_only=True))
    made.ordering.open = (object(),)

    def work(_: Any) -> None:
        made.run(Progress("Fetching certificates", 1200, 5000))

    app = KmptuiApp(made)
    assert snap_compare(app, terminal_size=SMALL, run_before=before("5", words="without a reply", then=work))


def test_quitting_while_work_runs(snap_compare: Compare) -> None:
    made = workspace()

    async def run(pilot: Pilot[Any]) -> None:
        await settle(pilot)
        made.run(Progress("Ordering shop.example.edu"))
        await pilot.press("5", "q")
        await settle(pilot)
        assert "Work is still running" in screen_text(pilot.app)

    assert snap_compare(KmptuiApp(made), terminal_size=SMALL, run_before=run)


def test_a_problem(snap_compare: Compare) -> None:
    made = workspace()
    made.mirror.error = ScmRefused(
        "SCM refused to list the domains", code=-25, text="Not allowed [/]", why="the role does not allow it",
        cure="Ask your SCM master administrator (MRAO) for the role",
    )  # fmt: skip
    app = KmptuiApp(made)
    assert snap_compare(app, terminal_size=SMALL, run_before=before("3", "s", words="SCM says -25"))


def test_a_fault_of_its_own(snap_compare: Compare) -> None:
    made = workspace()
    made.mirror.error = ValueError("not to be shown")
    assert snap_compare(KmptuiApp(made), terminal_size=SMALL, run_before=before("3", "s", words="ValueError"))


def test_too_small(snap_compare: Compare) -> None:
    assert snap_compare(KmptuiApp(workspace()), terminal_size=(40, 10), run_before=before(words="too small"))


@pytest.mark.parametrize("key", ["5", "3"])
def test_light(snap_compare: Compare, key: str) -> None:
    app = KmptuiApp(workspace(settings=Settings(theme="light")))
    assert snap_compare(app, terminal_size=WIDE, run_before=before(key, "j", words="Help"))


@pytest.mark.parametrize("keys", [("5", "j"), ("5", "a")], ids=["orders", "actions"])
def test_without_colour(snap_compare: Compare, monkeypatch: pytest.MonkeyPatch, keys: tuple[str, ...]) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = KmptuiApp(workspace())
    assert snap_compare(app, terminal_size=SMALL, run_before=before(*keys, words="Help"))
