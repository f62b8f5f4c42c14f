"""The order form on the keyboard: pastes, checks beside the fields, drafts, preview, the chord."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual import events
from textual.pilot import Pilot
from textual.screen import Screen

from kmptui.domain.order import KeystorePassword, Ledger, OwnCsr
from kmptui.errors import (
    AlreadyOrdered,
    Finding,
    KmptuiError,
    PreflightFailed,
    ScmRefused,
    Unconfirmed,
    Unreachable,
    VaultLocked,
)
from kmptui.services.vault import VaultStatus
from kmptui.tui.app import KmptuiApp
from kmptui.tui.dialogs.order import fieldset
from kmptui.tui.dialogs.order.each_page import EachPage
from kmptui.tui.dialogs.order.follow import FollowPage
from kmptui.tui.dialogs.order.form import OrderForm
from kmptui.tui.dialogs.order.names_field import NamesField, NamesList
from kmptui.tui.dialogs.order.preview import PreviewDialog
from kmptui.tui.dialogs.passphrase import PassphraseDialog
from kmptui.tui.dialogs.problem import ProblemDialog
from kmptui.tui.tabs.home_screen import HomeScreen
from kmptui.tui.widgets.dialog import TextDialog
from tests.tui.acting import field, fill, is_open, prose, sees, shown, type_text, until
from tests.tui.stage import Stage, an_order, stage

FORTY = (
    ", ".join(f"host{n}.example.edu" for n in range(37)) + "\n*.example.edu; HOST0.example.edu.\nz\u00fcrich.example"
)


@asynccontextmanager
async def the_form(home: Path, **changes: Any) -> AsyncIterator[tuple[Pilot[Any], OrderForm, Stage]]:
    """The app with the form open."""
    play = stage(home)
    for name, value in changes.items():
        setattr(play.ordering, name, value)
    async with KmptuiApp(play).run_test(size=(80, 24)) as pilot:  # type: ignore[arg-type]
        await sees(pilot, "Needs you")
        await pilot.press("n")
        yield pilot, await is_open(pilot, OrderForm), play


async def ready(pilot: Pilot[Any], form: OrderForm, names: str = "shop.example.edu") -> None:
    """Fill in what is needed."""
    await type_text(pilot, names + ",")
    await fill(pilot, form, **{"custom:Cost centre": "0815"})
    await until(pilot, lambda: not [f for f in form.findings if not f.hint and not f.stale_prone], "a clean form")


async def previewed(pilot: Pilot[Any], form: OrderForm) -> PreviewDialog:
    await ready(pilot, form)
    await pilot.press("ctrl+o")
    found: PreviewDialog = await is_open(pilot, PreviewDialog)
    return found


async def test_one_paste_of_forty_names_is_normalised_counted_and_checked(tmp_path: Path) -> None:
    async with the_form(tmp_path) as (pilot, form, _):
        form.focused.post_message(events.Paste(FORTY))  # type: ignore[union-attr]
        await until(pilot, lambda: len(form.values.names) == 39)
        screen = shown(form)
        assert "Names     39" in screen
        assert "pasted 40" in screen
        assert "1 double" in screen
        await until(pilot, lambda: any("xn--zrich-kva" in str(f.cause) for f in form.findings))
        assert "x z\u00fcrich.example (xn--zrich-kva.example)" in shown(form), shown(form)


async def test_the_same_paste_key_by_key_comes_to_the_same(tmp_path: Path) -> None:
    async with the_form(tmp_path) as (pilot, form, _):
        await type_text(pilot, "a.example.edu b.example.edu\nc.example.edu\td.example.edu;a.example.edu\n")
        await until(pilot, lambda: len(form.values.names) == 4)
        assert form.values.names == ("a.example.edu", "b.example.edu", "c.example.edu", "d.example.edu")
        assert isinstance(pilot.app.screen, OrderForm)


async def test_what_is_wrong_floats_up_with_its_reason_and_the_cursor_goes_there(tmp_path: Path) -> None:
    async with the_form(tmp_path) as (pilot, form, _):
        await type_text(pilot, "shop.example.edu,www.example.edu,*.cdn.example.org,a.lapsed.example,")
        await until(pilot, lambda: len([f for f in form.findings if f.field == "names"]) == 2)
        screen = shown(form).splitlines()
        assert "common name, ok, DCV to 2 Feb" in screen[3]
        assert screen[4].strip().startswith("x *.cdn.example.org")
        assert screen[5].strip().startswith("x a.lapsed.example")
        await pilot.press("ctrl+g")
        await until(pilot, lambda: isinstance(form.focused, NamesList))
        await until(pilot, lambda: "such wildcards are not" in prose(form))


async def test_a_key_puts_another_name_first_another_removes_one_enter_edits(tmp_path: Path) -> None:
    async with the_form(tmp_path) as (pilot, form, _):
        await type_text(pilot, "a.example.edu,b.example.edu,c.example.edu,")
        await pilot.press("tab", "down", "f")
        await until(pilot, lambda: form.values.names[:1] == ("b.example.edu",))
        await pilot.press("delete")
        await until(pilot, lambda: len(form.values.names) == 2)
        await pilot.press("enter")
        await until(pilot, lambda: form.query_one(NamesField).entry.value != "")
        assert len(form.values.names) == 1


async def test_nothing_moves_while_checks_come_in(tmp_path: Path) -> None:
    async with the_form(tmp_path) as (pilot, form, _):
        before = {found.name: found.region for found in form.fields()}
        await type_text(pilot, "foo_bar,*.cdn.example.org,")
        await until(pilot, lambda: form.findings)
        await pilot.press("ctrl+g")
        await pilot.pause()
        assert {found.name: found.region for found in form.fields()} == before


async def test_a_profile_offers_only_its_terms_and_keys(tmp_path: Path) -> None:
    async with the_form(tmp_path) as (_, form, __):
        assert [option.value for option in field(form, "term").options] == [90, 199, 365]
        assert [str(option.value) for option in field(form, "key").options] == ["RSA 2048", "RSA 3072", "EC P-256"]


async def test_a_term_above_199_days_gets_a_hint_and_may_be_ordered(tmp_path: Path) -> None:
    async with the_form(tmp_path) as (pilot, form, _):
        await ready(pilot, form)
        term = field(form, "term")
        term.value = 365
        term.post_message(term.Edited(term))
        await until(pilot, lambda: any(f.field == "term" and f.hint for f in form.findings))
        await pilot.press("ctrl+o")
        await is_open(pilot, PreviewDialog)


async def test_1024_characters_of_comments_pass_and_one_more_is_refused_here(tmp_path: Path) -> None:
    async with the_form(tmp_path) as (pilot, form, play):
        await ready(pilot, form)
        await fill(pilot, form, comments="x" * 1024)
        await until(pilot, lambda: "1,024 of 1,024" in shown(form) or field(form, "comments").hint.startswith("1,024"))
        await until(pilot, lambda: not [f for f in form.findings if not f.hint])
        await fill(pilot, form, comments="x" * 1025)
        await until(pilot, lambda: any(f.field == "comments" and not f.hint for f in form.findings))
        await pilot.press("ctrl+o")
        await pilot.pause()
        assert isinstance(pilot.app.screen, OrderForm)
        assert play.ordering.placed == []


async def test_a_long_text_typed_key_by_key_reads_no_other_field_and_is_checked_before_the_preview(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with the_form(tmp_path) as (pilot, form, play):
        await ready(pilot, form)
        await fill(pilot, form, comments="x" * 975)
        await until(pilot, lambda: form.values.comments)
        comments = field(form, "comments")
        comments.area.move_cursor((0, 975))
        comments.focus_control()
        await pilot.pause(0.3)
        layouts = []
        lay_out = Screen._refresh_layout

        def counted(screen: Screen[Any], *arguments: Any, **options: Any) -> None:
            layouts.append(screen)
            lay_out(screen, *arguments, **options)

        monkeypatch.setattr(fieldset, "read", lambda *_: pytest.fail("every field was read for a key in a text"))
        monkeypatch.setattr(Screen, "_refresh_layout", counted)
        for _ in range(50):
            pilot.app.post_message(events.Key("x", "x"))
        await until(pilot, lambda: len(form.values.comments) == 1025)
        await until(pilot, lambda: field(form, "comments").is_bad, "the check")
        assert "1,025" in field(form, "comments").said
        assert len(layouts) < 10, "only where the text takes one more line"
        monkeypatch.undo()
        await pilot.press("backspace")
        pilot.app.post_message(events.Key("y", "y"))
        pilot.app.post_message(events.Key("ctrl+o", None))
        await until(pilot, lambda: form.values.comments.endswith("y"))
        await pilot.pause(0.3)
        assert isinstance(pilot.app.screen, OrderForm), "what was found for one character less does not count"
        assert play.ordering.placed == []


async def test_a_required_custom_field_left_empty_keeps_the_preview_shut(tmp_path: Path) -> None:
    async with the_form(tmp_path) as (pilot, form, play):
        await type_text(pilot, "shop.example.edu,")
        await until(pilot, lambda: form.values.names)
        await pilot.press("ctrl+o")
        await until(pilot, lambda: field(form, "custom:Cost centre").is_bad)
        assert form.focused in field(form, "custom:Cost centre").query("*")
        assert play.ordering.placed == []


async def test_passwords_typed_twice_must_agree_and_stay_out_of_the_draft(tmp_path: Path) -> None:
    async with the_form(tmp_path) as (pilot, form, play):
        await ready(pilot, form)
        field(form, "password_when").choose(KeystorePassword.NOW)
        await fill(pilot, form, keystore_password="s3cret-pass", password_again="another")
        await until(pilot, lambda: any("do not agree" in f.cause for f in form.findings))
        assert "s3cret-pass" not in shown(form)
        await fill(pilot, form, password_again="s3cret-pass")
        await until(pilot, lambda: not [f for f in form.findings if not f.hint])
        await until(pilot, lambda: play.drafts.kept is not None)
        assert "s3cret" not in repr(play.drafts.kept)


async def test_an_own_csr_comes_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "request.pem"
    file.write_text("-----BEGIN CERTIFICATE REQUEST-----\nMIIB\n-----END CERTIFICATE REQUEST-----\n")
    async with the_form(tmp_path) as (pilot, form, _):
        await ready(pilot, form)
        field(form, "own_csr").choose(True)
        await fill(pilot, form, csr=str(tmp_path / "missing.pem"))
        await until(pilot, lambda: any(f.field == "csr" for f in form.findings))
        assert not field(form, "key").display
        await fill(pilot, form, csr=str(file))
        await until(pilot, lambda: form.values.csr)
        await until(pilot, lambda: not [f for f in form.findings if not f.hint])
        assert isinstance(form.values.request().key, OwnCsr)


async def test_a_draft_is_kept_and_offered_at_the_next_start(tmp_path: Path) -> None:
    async with the_form(tmp_path) as (pilot, form, play):
        await ready(pilot, form)
        await fill(pilot, form, comments="Ticket 4711")
        await pilot.press("escape", "escape")
        await is_open(pilot, HomeScreen)
        await pilot.press("n")
        again = await is_open(pilot, OrderForm)
        assert again.values.names == ("shop.example.edu",)
        assert again.values.comments == "Ticket 4711"
        assert "your draft of" in shown(again)
        await pilot.press("ctrl+n")
        await until(pilot, lambda: again.values.names == ())
        assert play.drafts.kept is None
        assert "shop.example.edu" not in shown(again)


async def test_escape_leaves_the_field_then_letters_work_then_the_form(tmp_path: Path) -> None:
    async with the_form(tmp_path) as (pilot, form, _):
        await ready(pilot, form)
        field(form, "note").focus_control()
        await pilot.press("escape")
        await until(pilot, lambda: form.focused is None)
        await pilot.press("o")
        await is_open(pilot, PreviewDialog)
        await pilot.press("escape")
        await is_open(pilot, OrderForm)


async def test_sync_now_reads_the_mirror_again(tmp_path: Path) -> None:
    async with the_form(tmp_path) as (pilot, _, play):
        before = play.mirror.syncs
        await pilot.press("ctrl+r")
        await until(pilot, lambda: play.mirror.syncs == before + 1)


async def test_the_preview_shows_all_and_only_the_chord_creates(tmp_path: Path) -> None:
    async with the_form(tmp_path) as (pilot, form, play):
        await previewed(pilot, form)
        said = shown(pilot.app.screen)
        assert "kmptui orders create --common-name shop.example.edu" in said
        assert '"subjAltNames": "shop.example.edu"' in said
        await type_text(pilot, "a page of text\nwith lines, y and Y and e\n\nand more q\n")
        await pilot.pause()
        assert play.ordering.placed == []
        assert isinstance(pilot.app.screen, PreviewDialog)
        await pilot.press("ctrl+y")
        await is_open(pilot, FollowPage)
        await until(pilot, lambda: len(play.ordering.placed) == 1)
        request, again, despite = play.ordering.placed[0]
        assert request.names == ("shop.example.edu",)
        assert (again, despite) == (False, False)
        await until(pilot, lambda: play.drafts.kept is None)


async def test_back_in_the_preview_goes_back_to_the_form(tmp_path: Path) -> None:
    async with the_form(tmp_path) as (pilot, form, play):
        await previewed(pilot, form)
        await pilot.press("escape")
        await is_open(pilot, OrderForm)
        assert form.values.names == ("shop.example.edu",)
        assert play.ordering.placed == []


async def test_similar_orders_are_warned_of_and_then_ordered_knowingly(tmp_path: Path) -> None:
    alike = (an_order(121, "shop.example.edu").row,)
    async with the_form(tmp_path, alike=alike) as (pilot, form, play):
        await previewed(pilot, form)
        assert "o121 shop.example.edu has these names" in shown(pilot.app.screen)
        await pilot.press("ctrl+y")
        await until(pilot, lambda: play.ordering.placed)
        assert play.ordering.placed[0][1] is True


async def test_what_the_mirror_says_may_be_overruled_by_a_person(tmp_path: Path) -> None:
    async with the_form(tmp_path) as (pilot, form, play):
        await ready(pilot, form, "a.lapsed.example")
        await pilot.press("ctrl+o")
        await is_open(pilot, PreviewDialog)
        assert "sends all the same" in prose(pilot.app.screen)
        await pilot.press("ctrl+y")
        await until(pilot, lambda: play.ordering.placed)
        assert play.ordering.placed[0][2] is True


async def test_one_for_each_name_places_them_all_and_tells_each(tmp_path: Path) -> None:
    async with the_form(tmp_path) as (pilot, form, play):
        await ready(pilot, form, "a.example.edu,b.example.edu")
        field(form, "each").choose(True)
        await pilot.press("ctrl+o")
        await is_open(pilot, PreviewDialog)
        assert "Places 2 orders" in shown(pilot.app.screen)
        play.ordering.gate.clear()
        await pilot.press("ctrl+y")
        await is_open(pilot, EachPage)
        await sees(pilot, "0 of 2 done")
        assert "[.]         a.example.edu  is being sent to SCM" in shown(pilot.app.screen)
        assert "[ ]         b.example.edu" in shown(pilot.app.screen)
        play.ordering.gate.set()
        await sees(pilot, "2 of 2 done")
        assert [request.names for request, *_ in play.ordering.placed] == [("a.example.edu",), ("b.example.edu",)]
        assert "[x] o2      b.example.edu  SCM took it" in shown(pilot.app.screen)
        assert "Orders shows them" in shown(pilot.app.screen)


async def test_one_for_each_name_goes_on_when_its_page_is_left_and_is_told_at_the_end(tmp_path: Path) -> None:
    async with the_form(tmp_path) as (pilot, form, play):
        await ready(pilot, form, "a.example.edu,b.example.edu")
        field(form, "each").choose(True)
        play.ordering.gate.clear()
        await pilot.press("ctrl+o")
        await is_open(pilot, PreviewDialog)
        await pilot.press("ctrl+y")
        await is_open(pilot, EachPage)
        await pilot.press("escape")
        await is_open(pilot, HomeScreen)
        play.ordering.gate.set()
        await is_open(pilot, TextDialog)
        assert "b.example.edu: SCM took it" in shown(pilot.app.screen)


async def test_the_follow_screen_goes_from_placed_to_fetched(tmp_path: Path) -> None:
    steps = [
        an_order(1, "shop.example.edu", status="Applied"),
        an_order(1, "shop.example.edu", status="Issued"),
        an_order(1, "shop.example.edu", status="Issued", certificate=42),
    ]
    async with the_form(tmp_path, steps=steps) as (pilot, form, _):
        await previewed(pilot, form)
        await pilot.press("ctrl+y")
        await is_open(pilot, FollowPage)
        await sees(pilot, "in the repository as c42")
        assert shown(pilot.app.screen).count("[x]") == 4
        assert "Export" in shown(pilot.app.screen)


async def test_leaving_while_it_is_being_sent_loses_nothing(tmp_path: Path) -> None:
    async with the_form(tmp_path) as (pilot, form, play):
        play.ordering.gate.clear()
        await previewed(pilot, form)
        await pilot.press("ctrl+y")
        await is_open(pilot, FollowPage)
        await sees(pilot, "is being sent")
        await pilot.press("escape")
        await is_open(pilot, HomeScreen)
        assert play.drafts.kept is not None
        play.ordering.gate.set()
        await until(pilot, lambda: play.drafts.kept is None)
        assert len(play.ordering.placed) == 1


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (Unreachable("SCM cannot be reached", why="no route to host"), "no route to host"),
        (ScmRefused("SCM refused the order", code=-1, text="bad [/] request", cure="Mend it"), 'SCM says -1: "bad [/]'),
        (AlreadyOrdered("o118 has the same names", orders=(118,)), "o118 has the same names"),
    ],
)
async def test_a_failure_is_told_and_the_form_comes_back_as_it_was(
    tmp_path: Path, error: KmptuiError, said: str
) -> None:
    async with the_form(tmp_path, outcome=error) as (pilot, form, play):
        await previewed(pilot, form)
        await pilot.press("ctrl+y")
        await is_open(pilot, ProblemDialog)
        assert said in shown(pilot.app.screen)
        await pilot.press("escape")
        back = await is_open(pilot, OrderForm)
        assert back.values.names == ("shop.example.edu",)
        assert dict(back.values.custom) == {"Cost centre": "0815"}
        assert play.drafts.kept is not None
        assert len(play.ordering.placed) == 1


async def test_findings_of_the_engine_are_marked_in_the_form(tmp_path: Path) -> None:
    error = PreflightFailed([Finding("comments", "SCM's rule changed", "Shorten it")])
    async with the_form(tmp_path, outcome=error) as (pilot, form, _):
        await previewed(pilot, form)
        await pilot.press("ctrl+y")
        await is_open(pilot, ProblemDialog)
        await pilot.press("escape")
        back = await is_open(pilot, OrderForm)
        await until(pilot, lambda: field(back, "comments").is_bad)


async def test_no_clear_answer_is_explained_and_never_sent_again(tmp_path: Path) -> None:
    lost = Unconfirmed("No clear answer came", why="the connection ended")
    async with the_form(tmp_path, outcome=lost) as (pilot, form, play):
        play.ordering.orders[1] = an_order(1, "shop.example.edu", ledger=Ledger.UNCONFIRMED)
        await previewed(pilot, form)
        await pilot.press("ctrl+y")
        await is_open(pilot, FollowPage)
        await sees(pilot, "never sent a second time")
        assert len(play.ordering.placed) == 1
        assert play.drafts.kept is None


async def test_a_locked_vault_is_opened_and_the_order_goes_on(tmp_path: Path) -> None:
    async with the_form(tmp_path, outcome=VaultLocked("The vault is locked")) as (pilot, form, play):
        play.vault.now = VaultStatus("locked", ("passphrase",))
        await previewed(pilot, form)
        await pilot.press("ctrl+y")
        dialog = await is_open(pilot, PassphraseDialog)
        await fill(pilot, dialog, passphrase="wrong")
        await pilot.press("ctrl+y")
        await until(pilot, lambda: field(dialog, "passphrase").is_bad)
        play.ordering.outcome = None
        await fill(pilot, dialog, passphrase="correct horse")
        await pilot.press("ctrl+y")
        await until(pilot, lambda: len(play.ordering.placed) == 2)
        await sees(pilot, "SCM has it as 4711")


@pytest.mark.parametrize("size", [(80, 24), (120, 36), (200, 50)])
async def test_the_form_fits_at_every_size(tmp_path: Path, size: tuple[int, int]) -> None:
    async with the_form(tmp_path) as (pilot, form, _):
        await pilot.resize_terminal(*size)
        await pilot.pause()
        assert all(len(line) <= size[0] for line in shown(form).splitlines())
        assert "ctrl+o Preview" in shown(form)
