"""The Account tab: link form, home screen, health, password, vault, unlink."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from textual import events
from textual.pilot import Pilot

from kmptui.domain.listing import Topic
from kmptui.errors import (
    BadInput,
    FromScm,
    KmptuiError,
    PasswordExpired,
    ProxyFailed,
    ScmGarbled,
    TlsUntrusted,
    WrongLogin,
)
from kmptui.services.home import HomeView
from kmptui.services.vault import VaultStatus
from kmptui.tui.app import KmptuiApp
from kmptui.tui.dialogs.actions import ActionsDialog
from kmptui.tui.dialogs.health import HealthDialog
from kmptui.tui.dialogs.import_orders import ImportDialog
from kmptui.tui.dialogs.password import PasswordDialog
from kmptui.tui.dialogs.problem import ProblemDialog
from kmptui.tui.dialogs.unlink import UnlinkDialog
from kmptui.tui.tabs.home_panel import NeedsList
from kmptui.tui.tabs.home_screen import HomeScreen
from kmptui.tui.tabs.link_form import LinkForm
from tests.tui.acting import field, fill, is_open, sees, shown, type_text, until
from tests.tui.stage import NOW, Stage, stage

GOOD = {"login": "ops", "password": "s3cret pass", "customer_uri": "ACME"}


@asynccontextmanager
async def the_app(
    home: Path, *, linked: bool = True, play: Stage | None = None
) -> AsyncIterator[tuple[Pilot[Any], Stage]]:
    play = play or stage(home, linked=linked)
    async with KmptuiApp(play).run_test(size=(80, 24)) as pilot:  # type: ignore[arg-type]
        await sees(pilot, "Needs you" if linked and play.home.now.needs else "n" if linked else "Link your account")
        yield pilot, play


def form_of(pilot: Pilot[Any]) -> LinkForm:
    found: LinkForm = pilot.app.screen.query_one(LinkForm)
    return found


async def test_the_form_says_what_is_needed_and_hides_the_password(tmp_path: Path) -> None:
    async with the_app(tmp_path, linked=False) as (pilot, _):
        said = " ".join(shown(pilot.app.screen).split())
        assert "https://cert-manager.com/api" in said
        assert "MRAO role, validated domains and organizations, and port 443" in said
        assert "Demo first" in said
        await fill(pilot, form_of(pilot), **GOOD)
        assert "s3cret" not in shown(pilot.app.screen)


@pytest.mark.parametrize("name", ["base_url", "customer_uri"])
async def test_a_pasted_login_address_fills_both_fields(tmp_path: Path, name: str) -> None:
    async with the_app(tmp_path, linked=False) as (pilot, _):
        entry = field(form_of(pilot), name)
        entry.value = ""
        entry.focus_control()
        await pilot.pause()
        entry.input.post_message(events.Paste("https://cert-manager.com/customer/EDU_1\n"))
        await until(pilot, lambda: field(form_of(pilot), "customer_uri").value == "EDU_1")
        assert field(form_of(pilot), "base_url").value == "https://cert-manager.com/api"


async def test_linking_makes_a_key_file_vault_syncs_and_offers_the_import(tmp_path: Path) -> None:
    async with the_app(tmp_path, linked=False) as (pilot, play):
        await fill(pilot, form_of(pilot), **GOOD)
        await pilot.press("ctrl+y")
        await is_open(pilot, ImportDialog)
        request, passphrase = play.account.requests[0]
        assert (request.login, request.password, request.customer_uri) == ("ops", "s3cret pass", "ACME")
        assert passphrase is None
        assert play.mirror.syncs >= 1
        assert "s3cret" not in repr(request)
        await pilot.press("escape")
        home = await is_open(pilot, HomeScreen)
        assert field(home.query_one(LinkForm), "password").value == ""


async def test_a_passphrase_is_typed_twice(tmp_path: Path) -> None:
    async with the_app(tmp_path, linked=False) as (pilot, play):
        form = form_of(pilot)
        field(form, "vault").choose("passphrase")
        await fill(pilot, form, **GOOD, passphrase="one two three", again="one two")
        await pilot.press("ctrl+y")
        await until(pilot, lambda: field(form, "again").is_bad)
        assert play.account.requests == []
        await fill(pilot, form, again="one two three")
        await pilot.press("ctrl+y")
        await is_open(pilot, ImportDialog)
        assert play.account.requests[0][1] == "one two three"


@pytest.mark.parametrize(
    ("changes", "bad"),
    [
        ({"base_url": "http://scm.example"}, "base_url"),
        ({"login": ""}, "login"),
        ({"password": ""}, "password"),
        ({"customer_uri": "a b"}, "customer_uri"),
        ({"proxy": "nonsense"}, "proxy"),
    ],
)
async def test_what_breaks_a_rule_is_marked_and_nothing_is_sent(
    tmp_path: Path, changes: dict[str, str], bad: str
) -> None:
    async with the_app(tmp_path, linked=False) as (pilot, play):
        await fill(pilot, form_of(pilot), **{**GOOD, **changes})
        await pilot.press("ctrl+y")
        await until(pilot, lambda: field(form_of(pilot), bad).is_bad)
        assert play.account.requests == []
        assert field(form_of(pilot), "login").value == {**GOOD, **changes}["login"]


@pytest.mark.parametrize(
    "error",
    [
        WrongLogin("SCM refused the login", code=-16, text="Unknown user [/]", status=401),
        PasswordExpired("The API password has expired", code=-17, text="expired", status=401),
        TlsUntrusted("The server's certificate is not trusted", why="unknown issuer", cure="Give its CA file"),
        ProxyFailed("The proxy refused", why="407"),
        ScmGarbled("SCM's answer cannot be read", why="it is HTML"),
    ],
)
async def test_a_failed_link_is_said_once_with_cause_and_cure_and_sent_once(tmp_path: Path, error: KmptuiError) -> None:
    async with the_app(tmp_path, linked=False) as (pilot, play):
        play.account.fails = error
        await fill(pilot, form_of(pilot), **GOOD)
        await pilot.press("ctrl+y")
        await is_open(pilot, ProblemDialog)
        said = " ".join(shown(pilot.app.screen).split())
        assert error.what in said
        if isinstance(error, FromScm):
            assert str(error.code) in said
        assert len(play.account.requests) == 1
        await pilot.press("escape")
        await is_open(pilot, HomeScreen)
        assert form_of(pilot).display
        assert field(form_of(pilot), "password").value == GOOD["password"]


async def test_the_servers_objection_to_a_field_stands_beside_it(tmp_path: Path) -> None:
    async with the_app(tmp_path, linked=False) as (pilot, play):
        play.account.fails = BadInput("ca_file", "The CA file cannot be read", why="no such file")
        await fill(pilot, form_of(pilot), **GOOD, ca_file="/nowhere.pem")
        await pilot.press("ctrl+y")
        await until(pilot, lambda: field(form_of(pilot), "ca_file").is_bad)
        assert "no such file" in shown(pilot.app.screen)


async def test_a_page_pasted_key_by_key_links_nothing(tmp_path: Path) -> None:
    async with the_app(tmp_path, linked=False) as (pilot, play):
        await fill(pilot, form_of(pilot), **GOOD)
        await type_text(pilot, "some words, and more\nyes y Y\n\n")
        await pilot.pause()
        assert play.account.requests == []


async def test_a_password_reaches_no_clipboard(tmp_path: Path) -> None:
    async with the_app(tmp_path, linked=False) as (pilot, _):
        await fill(pilot, form_of(pilot), **GOOD)
        field(form_of(pilot), "password").focus_control()
        await pilot.press("ctrl+shift+a", "ctrl+c", "ctrl+x")
        await pilot.pause()
        assert pilot.app.clipboard == ""


async def test_the_demo_is_one_chord_away(tmp_path: Path) -> None:
    async with the_app(tmp_path, linked=False) as (pilot, _):
        await pilot.press("ctrl+t")
        await until(pilot, lambda: pilot.app.return_value == "demo")


async def test_the_home_screen_shows_the_stored_figures_and_opens_their_lists(tmp_path: Path) -> None:
    async with the_app(tmp_path) as (pilot, _):
        await sees(pilot, "Needs you: 6")
        said = shown(pilot.app.screen)
        assert "DCV       1 domain ended            example.edu: blocks 12 [/]" in said
        assert "stored, today" in said
        assert "enter Open" in said.splitlines()[-1]
        assert [line[:10] for line in said.splitlines() if line.startswith(">")] == ["> UNCONF'D"]
        await pilot.press("down")
        assert [line[:5] for line in shown(pilot.app.screen).splitlines() if line.startswith(">")] == ["> DCV"]
        await pilot.press("enter")
        await until(pilot, lambda: pilot.app.screen.current is Topic.DOMAINS)


async def test_nothing_needs_you_says_so_with_the_time(tmp_path: Path) -> None:
    play = stage(tmp_path)
    play.home.now = HomeView((), (), NOW, "")
    async with the_app(tmp_path, play=play) as (pilot, _):
        await sees(pilot, "Nothing needs you")
        await sees(pilot, "stored, today 03:12")


async def test_old_figures_are_never_shown_as_fresh(tmp_path: Path) -> None:
    play = stage(tmp_path)
    play.home.now = replace(play.home.now, stale="The orders are 3 days old: s asks SCM")
    async with the_app(tmp_path, play=play) as (pilot, _):
        await sees(pilot, "! The orders are 3 days old")


async def test_the_bar_stays_on_its_line_when_the_figures_change(tmp_path: Path) -> None:
    async with the_app(tmp_path) as (pilot, play):
        await sees(pilot, "Needs you: 6")
        await pilot.press("down", "down")
        play.home.now = replace(play.home.now, needs=play.home.now.needs[1:])
        tab = pilot.app.screen.tab(Topic.ACCOUNT)
        await tab.refresh_data()
        needs = tab.query_one(NeedsList)
        assert needs.highlighted == 1
        await sees(pilot, "Needs you: 5")


async def test_health_shows_the_worst_first_with_its_cure(tmp_path: Path) -> None:
    async with the_app(tmp_path) as (pilot, _):
        await pilot.press("h")
        await is_open(pilot, HealthDialog)
        await sees(pilot, "Have it set by NTP")
        said = shown(pilot.app.screen)
        assert said.index("bad ") < said.index("note ") < said.index("ok ")


async def test_the_password_is_proved_before_it_is_kept(tmp_path: Path) -> None:
    async with the_app(tmp_path) as (pilot, play):
        await pilot.press("p")
        dialog = await is_open(pilot, PasswordDialog)
        play.account.fails = WrongLogin("SCM refused the login", code=-16, text="no", status=401)
        await fill(pilot, dialog, password="n3w-secret", again="n3w-secret")
        await pilot.press("ctrl+y")
        await sees(pilot, "SCM refused the login")
        assert play.account.passwords == []
        play.account.fails = None
        await pilot.press("ctrl+y")
        await is_open(pilot, HomeScreen)
        assert play.account.passwords == ["n3w-secret"]


async def test_the_vault_is_locked_and_opened_from_here(tmp_path: Path) -> None:
    play = stage(tmp_path)
    play.vault.now = VaultStatus("open", ("passphrase",))
    async with the_app(tmp_path, play=play) as (pilot, _):
        await sees(pilot, "passphrase, open (v)")
        await pilot.press("v")
        await sees(pilot, "passphrase, locked (v)")


async def test_a_vault_that_does_not_open_is_told(tmp_path: Path) -> None:
    play = stage(tmp_path)
    play.vault.now = VaultStatus("locked", ("key file",), problem="The vault's key file is not there")
    async with the_app(tmp_path, play=play) as (pilot, _):
        await sees(pilot, "key file, locked (v)")
        await sees(pilot, "Attention")
        await sees(pilot, "The vault's key file is not there")


async def test_unlinking_asks_for_the_login_and_tells_what_stays(tmp_path: Path) -> None:
    async with the_app(tmp_path) as (pilot, play):
        await pilot.press("a")
        await is_open(pilot, ActionsDialog)
        await type_text(pilot, "unlink")
        await pilot.press("enter")
        dialog = await is_open(pilot, UnlinkDialog)
        assert "certificates, keys, notes and the audit stay here" in " ".join(shown(dialog).split()).replace(
            "│ │ ", ""
        )
        await pilot.press("ctrl+y")
        await until(pilot, lambda: field(dialog, "login").is_bad)
        assert play.account.state is not None
        await fill(pilot, dialog, login="ops-api")
        await pilot.press("ctrl+y")
        await until(pilot, lambda: play.account.state is None)
        await sees(pilot, "Link your account")
