"""The windowed list: it asks for what is seen, follows ids, and survives whatever rows hold."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from textual.app import App, ComposeResult

from kmptui.domain.listing import Query, Topic
from kmptui.errors import StoreFailed
from kmptui.tui.tabs.orders import COLUMNS
from kmptui.tui.widgets.columns import Column, fit
from kmptui.tui.widgets.windowed_list import MARGIN, WindowedList
from tests.tui.fakes import FakeLists, StillClock, order_row
from tests.tui.test_present import HOSTILE


class Alone(App[None]):
    """A list with nothing around it."""

    def __init__(self, lists: FakeLists) -> None:
        super().__init__()
        self.lists = lists
        self.bugs: list[BaseException] = []

    def compose(self) -> ComposeResult:
        yield WindowedList(self.lists, COLUMNS, StillClock(), Query(Topic.ORDERS))

    def on_mount(self) -> None:
        self.query_one(WindowedList).focus()

    @property
    def list(self) -> WindowedList:
        return self.query_one(WindowedList)


def text_of(list_: WindowedList) -> list[str]:
    return [list_.render_line(y).text for y in range(list_.size.height)]


async def settle(pilot: Any) -> None:
    await pilot.app.workers.wait_for_complete()
    await pilot.pause()


@pytest.mark.parametrize("rows", [100, 1_000_000])
async def test_only_the_window_is_asked_for(rows: int) -> None:
    lists = FakeLists(rows)
    app = Alone(lists)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("G")
        await settle(pilot)
        assert app.list.cursor == rows - 1
        assert app.list.row.id == rows
        assert "> " in text_of(app.list)[min(rows, 23)]
        await pilot.press("g", "pagedown", "pagedown", "pagedown", "pagedown", "pagedown")
        await settle(pilot)
    assert max(limit for _, _, limit in lists.asked) <= 24 + 2 * MARGIN
    assert len(lists.asked) <= 8


async def test_the_keys_move() -> None:
    app = Alone(FakeLists(300))
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("j", "j", "down", "k")
        assert app.list.cursor == 2
        await pilot.press("alt+j")
        assert app.list.cursor == 3, "esc and a letter in one packet count as the letter"
        await pilot.press("pagedown")
        await settle(pilot)
        assert app.list.cursor == 3 + app.list.page - 1
        await pilot.press("up", "home", "up")
        assert app.list.cursor == 0


async def test_a_refresh_keeps_the_row_its_height_and_the_marks() -> None:
    rows = [order_row(n) for n in range(1, 200)]
    lists = FakeLists(rows={Topic.ORDERS: rows})
    app = Alone(lists)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        app.list.go(100)
        await settle(pilot)
        app.list.mark()
        app.list.go(100)
        await settle(pilot)
        current, height = app.list.row.id, app.list.cursor - app.list.scroll_offset.y
        lists.rows[Topic.ORDERS] = [order_row(1000 + n) for n in range(37)] + rows
        app.list.read_again()
        await settle(pilot)
        assert app.list.row.id == current
        assert app.list.cursor == 137
        assert app.list.cursor - app.list.scroll_offset.y == height
        assert app.list.marks == {current}


async def test_sorting_follows_the_row() -> None:
    app = Alone(FakeLists(500))
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        app.list.go(7)
        await settle(pilot)
        app.list.ask(Query(Topic.ORDERS, sort="id", descending=True))
        await settle(pilot)
        assert app.list.row.id == 8
        assert app.list.cursor == 492


async def test_a_row_that_is_gone_leaves_the_cursor_near() -> None:
    rows = [order_row(n) for n in range(1, 50)]
    lists = FakeLists(rows={Topic.ORDERS: rows})
    app = Alone(lists)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("G")
        await settle(pilot)
        lists.rows[Topic.ORDERS] = rows[:10]
        app.list.read_again()
        await settle(pilot)
        assert app.list.cursor == 9
        lists.rows[Topic.ORDERS] = []
        app.list.read_again()
        await settle(pilot)
        assert app.list.row is None
        assert app.list.cursor == 0


async def test_hostile_rows_are_shown_as_text() -> None:
    rows = [
        order_row(n, common_name=text, organization=text, profile=text, status=text)
        for n, text in enumerate(HOSTILE, 1)
    ]
    app = Alone(FakeLists(rows={Topic.ORDERS: rows}))
    async with app.run_test(size=(200, 30)) as pilot:
        await settle(pilot)
        await pilot.press("down", "space", "G", "g")
        for y in range(app.list.size.height):
            strip = app.list.render_line(y)
            assert strip.cell_length == app.list.cells
            assert "\x1b" not in strip.text
            assert "\n" not in strip.text
        assert "a[/]b" in "\n".join(text_of(app.list))


async def test_a_failing_store_is_said_in_words_and_mends_itself() -> None:
    lists = FakeLists(20)
    lists.error = StoreFailed("The store cannot be read", why="disk error", cure="Look at the disk")
    app = Alone(lists)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert "The store cannot be read" in "\n".join(text_of(app.list))
        await pilot.press("down", "pagedown", "G")
        lists.error = None
        app.list.read_again()
        await settle(pilot)
        assert app.list.row is not None
        assert "The store cannot be read" not in "\n".join(text_of(app.list))


async def test_it_says_that_it_reads_while_it_does() -> None:
    lists = FakeLists(20)
    lists.gate = asyncio.Event()
    app = Alone(lists)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert "Reading" in "\n".join(text_of(app.list))
        lists.gate.set()
        await settle(pilot)
        assert app.list.total == 20


async def test_keys_faster_than_the_store_end_where_they_should() -> None:
    lists = FakeLists(10_000)
    app = Alone(lists)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        lists.gate = asyncio.Event()
        for _ in range(40):
            app.list.action_page(1)
        lists.gate.set()
        await settle(pilot)
        assert app.list.cursor == 40 * (app.list.page - 1)
        assert app.list.row is not None


async def test_the_one_row_that_a_filter_leaves_is_drawn_wherever_the_cursor_stood() -> None:
    app = Alone(FakeLists(300))
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        app.list.go(250)
        await settle(pilot)
        app.list.ask(Query(Topic.ORDERS, "host7.example.edu"))
        await settle(pilot)
        assert app.list.total == 1
        assert app.list.row.id == 7
        assert "host7.example.edu" in text_of(app.list)[1]


async def test_resizing_keeps_the_cursor_in_sight() -> None:
    app = Alone(FakeLists(300))
    async with app.run_test(size=(200, 50)) as pilot:
        await settle(pilot)
        app.list.go(45)
        await settle(pilot)
        await pilot.resize_terminal(80, 15)
        await settle(pilot)
        shown = text_of(app.list)
        assert any(line.startswith(">") for line in shown)
        await pilot.resize_terminal(61, 24)
        await settle(pilot)
        assert any(line.startswith(">") for line in text_of(app.list))


@pytest.mark.parametrize("room", range(10, 230, 7))
def test_columns_fill_the_room_and_never_more(room: int) -> None:
    chosen = fit(COLUMNS, room)
    total = sum(cells for _, cells in chosen) + len(chosen) - 1
    assert total <= max(room, sum(c.cells for c in COLUMNS if c.rank == 0) + 3)
    for column, cells in chosen:
        assert cells >= column.cells
        assert not column.most or cells <= max(column.most, column.cells)


def test_columns_leave_by_rank() -> None:
    def value(row: Any, now: Any) -> tuple[str, str]:
        return "", ""

    columns = (Column("a", 10, value, rank=2), Column("b", 10, value))
    assert [c.title for c, _ in fit(columns, 15)] == ["b"]


def test_what_is_essential_comes_first_then_ease_then_the_rest() -> None:
    assert [c.title for c, _ in fit(COLUMNS, 76)] == ["No.", "Common name", "State", "Expires", "Renewal"]
    for room in range(76, 230):
        widths = {column.title: cells for column, cells in fit(COLUMNS, room)}
        assert "Organization" not in widths or widths["Common name"] >= 30
