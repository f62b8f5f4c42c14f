"""Export, import, attach, delete, note, settle: typed results, true words, nothing by a stray key."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from kmptui.domain.certificate import Certificate, CertificateRow, Source
from kmptui.domain.listing import Topic
from kmptui.domain.order import Ledger
from kmptui.errors import BadInput, Unreachable
from kmptui.services.ordering import Candidate
from kmptui.tui import workers
from kmptui.tui.app import KmptuiApp
from kmptui.tui.commands.ways import Ways
from kmptui.tui.dialogs.attach_key import AttachKeyDialog
from kmptui.tui.dialogs.delete import DeleteDialog
from kmptui.tui.dialogs.export import ExportDialog
from kmptui.tui.dialogs.exported import ExportedDialog
from kmptui.tui.dialogs.import_orders import ImportDialog
from kmptui.tui.dialogs.note import NoteDialog
from kmptui.tui.dialogs.settle import SettleDialog
from kmptui.tui.widgets.dialog import TextDialog
from tests.tui.acting import field, fill, is_open, sees, shown, type_text, until
from tests.tui.stage import NOW, Stage, an_order, stage

PAGE = "Dear all,\n\nplease find y and Y, e, d, D, delete, 0 1 2.\tRegards\n"
Open = Callable[[Ways], Awaitable[None]]


@asynccontextmanager
async def opened(
    home: Path, way: Open, kind: type[Any], *, has_key: bool = True, ledger: Ledger = Ledger.ACCEPTED
) -> AsyncIterator[tuple[Pilot[Any], Any, Stage]]:
    """The app with one dialog open, as a command opens it."""
    play = stage(home)
    play.ordering.orders[1] = an_order(1, "shop.example.edu", ledger=ledger)
    row = CertificateRow(
        42, "4A119C", "shop.example.edu", 2, NOW, NOW + timedelta(days=199), "Sectigo", has_key, 1, Source.ORDERED
    )
    play.lists.certificates[42] = Certificate(row, ("shop.example.edu",), b"", (), "ab", "cd", "RSA 2048")
    async with KmptuiApp(play).run_test(size=(80, 24)) as pilot:  # type: ignore[arg-type]
        await sees(pilot, "Needs you")
        workers.start(pilot.app, lambda: way(pilot.app.ways))  # type: ignore[attr-defined]
        yield pilot, await is_open(pilot, kind), play


EVERY: list[tuple[Open, type[Any], dict[str, Any]]] = [
    (lambda ways: ways.export(42), ExportDialog, {}),
    (lambda ways: ways.attach_key(42), AttachKeyDialog, {"has_key": False}),
    (lambda ways: ways.delete(Topic.ORDERS, (1,)), DeleteDialog, {}),
    (lambda ways: ways.delete(Topic.CERTIFICATES, (42,)), DeleteDialog, {}),
    (lambda ways: ways.destroy_key(42), DeleteDialog, {}),
    (lambda ways: ways.note(1), NoteDialog, {}),
    (lambda ways: ways.settle(1), SettleDialog, {"ledger": Ledger.UNCONFIRMED}),
    (lambda ways: ways.import_orders(), ImportDialog, {}),
]


@pytest.mark.parametrize(("way", "kind", "options"), EVERY)
async def test_a_page_pasted_key_by_key_does_nothing(
    tmp_path: Path, way: Open, kind: type[Any], options: dict[str, Any]
) -> None:
    async with opened(tmp_path, way, kind, **options) as (pilot, _, play):
        await type_text(pilot, PAGE)
        await pilot.pause()
        assert play.repository.deleted == []
        assert play.repository.exports == []
        assert play.repository.keys == []
        assert play.repository.notes == []
        assert play.ordering.settled == []
        assert play.ordering.placed == []
        assert play.importing.ran == []


@pytest.mark.parametrize(("way", "kind", "options"), EVERY)
async def test_escape_is_back_and_changes_nothing(
    tmp_path: Path, way: Open, kind: type[Any], options: dict[str, Any]
) -> None:
    async with opened(tmp_path, way, kind, **options) as (pilot, dialog, play):
        await pilot.press("escape")
        if pilot.app.screen is dialog:
            await pilot.press("escape")
        await until(pilot, lambda: pilot.app.screen is not dialog)
        assert (play.repository.deleted, play.repository.notes, play.ordering.settled) == ([], [], [])


def export(ways: Ways) -> Awaitable[None]:
    return ways.export(42)


async def test_export_with_a_typed_password(tmp_path: Path) -> None:
    async with opened(tmp_path, export, ExportDialog) as (pilot, dialog, play):
        await fill(pilot, dialog, typed="short", again="short")
        await pilot.press("ctrl+y")
        await until(pilot, lambda: field(dialog, "typed").is_bad)
        await fill(pilot, dialog, typed="long-enough", again="different")
        await pilot.press("ctrl+y")
        await until(pilot, lambda: field(dialog, "again").is_bad)
        await fill(pilot, dialog, again="long-enough")
        await pilot.press("ctrl+y")
        done = await is_open(pilot, ExportedDialog)
        request = play.repository.exports[0]
        assert (request.format, request.password, request.clear, request.replace) == (
            "pkcs12",
            "long-enough",
            False,
            False,
        )
        said = shown(done)
        assert "ab" * 32 in said
        assert "scp -p" in said
        assert "long-enough" not in said


async def test_a_made_password_is_shown_once(tmp_path: Path) -> None:
    async with opened(tmp_path, export, ExportDialog) as (pilot, dialog, play):
        field(dialog, "password").choose("made")
        await pilot.press("ctrl+y")
        done = await is_open(pilot, ExportedDialog)
        assert play.repository.exports[0].generate
        assert "k7tq2m-made-password" in shown(done)
        assert "k7tq2m" not in repr(done.done)
        await pilot.press("y")
        assert pilot.app.clipboard.endswith("shop.example.edu.p12")


async def test_a_key_in_clear_is_only_for_pem_and_is_warned_of(tmp_path: Path) -> None:
    async with opened(tmp_path, export, ExportDialog) as (pilot, dialog, play):
        assert "none" not in [option.value for option in field(dialog, "password").options]
        field(dialog, "format").choose("pem")
        await pilot.pause()
        field(dialog, "password").choose("none")
        await sees(pilot, "in clear")
        await pilot.press("ctrl+y")
        await is_open(pilot, ExportedDialog)
        assert play.repository.exports[0].clear
        assert str(play.repository.exports[0].out).endswith(".pem")


async def test_jks_says_that_it_is_weak(tmp_path: Path) -> None:
    async with opened(tmp_path, export, ExportDialog) as (pilot, dialog, _):
        field(dialog, "format").choose("jks")
        await sees(pilot, "JKS protects a key weakly")


async def test_without_a_key_only_certificates_are_offered(tmp_path: Path) -> None:
    async with opened(tmp_path, export, ExportDialog, has_key=False) as (pilot, dialog, play):
        assert [option.value for option in field(dialog, "format").options] == ["pem", "der"]
        assert "key" not in [option.value for option in field(dialog, "only").options]
        await pilot.press("ctrl+y")
        await is_open(pilot, ExportedDialog)
        assert play.repository.exports[0].password is None


async def test_an_existing_file_is_asked_about(tmp_path: Path) -> None:
    async with opened(tmp_path, export, ExportDialog) as (pilot, dialog, play):
        field(dialog, "password").choose("made")
        there = tmp_path / "there.p12"
        there.write_text("old")
        await fill(pilot, dialog, out=str(there))
        await pilot.press("ctrl+y")
        await until(pilot, lambda: field(dialog, "out").is_bad)
        assert play.repository.exports == []
        await pilot.press("ctrl+y")
        await is_open(pilot, ExportedDialog)
        assert play.repository.exports[0].replace


async def test_an_export_that_fails_keeps_the_dialog_and_its_input(tmp_path: Path) -> None:
    async with opened(tmp_path, export, ExportDialog) as (pilot, dialog, play):
        play.repository.fails = BadInput("out", "/nowhere cannot be used", why="no such folder")
        field(dialog, "password").choose("made")
        await pilot.press("ctrl+y")
        await until(pilot, lambda: field(dialog, "out").is_bad)
        assert "no such folder" in shown(dialog)


async def test_attaching_a_key_names_the_file_and_its_passphrase(tmp_path: Path) -> None:
    async with opened(tmp_path, lambda ways: ways.attach_key(42), AttachKeyDialog, has_key=False) as (
        pilot,
        dialog,
        play,
    ):
        await pilot.press("ctrl+y")
        await until(pilot, lambda: field(dialog, "key_file").is_bad)
        play.repository.fails = BadInput("key_file", "This key is not the certificate's", why="another key")
        await fill(pilot, dialog, key_file=" ~/my.key ", passphrase="pp")
        await pilot.press("ctrl+y")
        await sees(pilot, "another key")
        play.repository.fails = None
        await pilot.press("ctrl+y")
        await until(pilot, lambda: play.repository.keys)
        assert play.repository.keys == [(42, Path("~/my.key").expanduser(), "pp")]


async def test_deleting_an_order_says_that_scm_keeps_it(tmp_path: Path) -> None:
    async with opened(tmp_path, lambda ways: ways.delete(Topic.ORDERS, (1,)), DeleteDialog) as (pilot, dialog, play):
        assert "In SCM nothing happens" in shown(dialog)
        await pilot.press("ctrl+y")
        await until(pilot, lambda: play.repository.deleted)
        assert play.repository.deleted == [("orders", (1,))]


async def test_deleting_a_certificate_leaves_its_key(tmp_path: Path) -> None:
    way: Open = lambda ways: ways.delete(Topic.CERTIFICATES, (42,))  # noqa: E731
    async with opened(tmp_path, way, DeleteDialog) as (pilot, dialog, play):
        assert "separate act" in " ".join(shown(dialog).split())
        await pilot.press("ctrl+y")
        await until(pilot, lambda: play.repository.deleted)
        assert play.repository.deleted == [("certificates", (42,))]


async def test_destroying_a_key_is_an_act_of_its_own(tmp_path: Path) -> None:
    async with opened(tmp_path, lambda ways: ways.destroy_key(42), DeleteDialog) as (pilot, dialog, play):
        assert "destroyed for good" in shown(dialog)
        await pilot.press("ctrl+y")
        await until(pilot, lambda: play.repository.deleted)
        assert play.repository.deleted == [("key", (42,))]


async def test_note_and_contact_are_kept_by_the_chord_from_inside_the_text(tmp_path: Path) -> None:
    async with opened(tmp_path, lambda ways: ways.note(1), NoteDialog) as (pilot, _, play):
        await type_text(pilot, "web01\nask ops")
        await pilot.press("ctrl+y")
        await until(pilot, lambda: play.repository.notes)
        assert play.repository.notes == [(1, "web01\nask ops", None)]


async def test_settling_shows_what_speaks_for_each_and_takes_the_marked_one(tmp_path: Path) -> None:
    found = Candidate(
        4711823, "shop.example.edu", ("shop.example.edu",), "Requested", "23 Nov 2026", ("same names [/]",)
    )
    play_found = (found,)

    async def way(ways: Ways) -> None:
        ways._workspace.ordering.found = play_found  # type: ignore[attr-defined]
        await ways.settle(1)

    async with opened(tmp_path, way, SettleDialog, ledger=Ledger.UNCONFIRMED) as (pilot, dialog, play):
        assert "same names [/]" in shown(dialog)
        await pilot.press("ctrl+y")
        await pilot.pause()
        assert play.ordering.settled == []
        await pilot.press("enter")
        await pilot.press("ctrl+y")
        await until(pilot, lambda: play.ordering.settled)
        assert play.ordering.settled == [(1, 4711823)]


async def test_settling_as_none_of_them(tmp_path: Path) -> None:
    async with opened(tmp_path, lambda ways: ways.settle(1), SettleDialog, ledger=Ledger.UNCONFIRMED) as (
        pilot,
        _,
        play,
    ):
        await pilot.press("end", "enter")
        await pilot.press("ctrl+y")
        await until(pilot, lambda: play.ordering.settled)
        assert play.ordering.settled == [(1, None)]


async def test_import_forecasts_runs_counts_and_fetches_in_the_background(tmp_path: Path) -> None:
    async with opened(tmp_path, lambda ways: ways.import_orders(), ImportDialog) as (pilot, dialog, play):
        await sees(pilot, "the limit lets 3,000 certificates in")
        field(dialog, "status").choose("issued")
        await fill(pilot, dialog, expires_within="30", common_name="shop")
        await pilot.press("ctrl+y")
        await is_open(pilot, TextDialog)
        said = shown(pilot.app.screen)
        assert "5,000" in said
        assert "17: no serial" in said
        options = play.importing.ran[0]
        assert (options.status, options.expires_within, options.common_name) == ("issued", 30, "shop")
        await pilot.press("escape")
        await until(pilot, lambda: play.importing.fetched == 1)
        await sees(pilot, "3,000 certificates fetched")


async def test_an_import_of_no_number_of_days_is_refused(tmp_path: Path) -> None:
    async with opened(tmp_path, lambda ways: ways.import_orders(), ImportDialog) as (pilot, dialog, play):
        await fill(pilot, dialog, expires_within="soon")
        await pilot.press("ctrl+y")
        await until(pilot, lambda: field(dialog, "expires_within").is_bad)
        assert play.importing.ran == []


async def test_a_forecast_that_fails_says_why_and_the_dialog_stays(tmp_path: Path) -> None:
    async def way(ways: Ways) -> None:
        ways._workspace.importing.fails = Unreachable("SCM cannot be reached", why="no route")  # type: ignore[attr-defined]
        await ways.import_orders()

    async with opened(tmp_path, way, ImportDialog) as (pilot, dialog, _):
        await sees(pilot, "no route")
        assert pilot.app.screen is dialog
