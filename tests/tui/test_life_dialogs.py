"""Renew, reissue, revoke, decide, edit, automatic renewal: what is told, what it takes to send."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from kmptui.domain.order import Order
from kmptui.domain.renewable import SameKey
from kmptui.domain.renewal import Verdict
from kmptui.domain.selection import Rule
from kmptui.errors import HeldElsewhere, ScmRefused, Unreachable
from kmptui.services.renewal import PlanLine
from kmptui.tui import workers
from kmptui.tui.app import KmptuiApp
from kmptui.tui.commands.ways import Ways
from kmptui.tui.dialogs.add_rule import AddRuleDialog
from kmptui.tui.dialogs.auto_renewal import AutoRenewalDialog
from kmptui.tui.dialogs.decide import DecideDialog, NotPossibleDialog
from kmptui.tui.dialogs.delete import DeleteDialog
from kmptui.tui.dialogs.edit import EditDialog
from kmptui.tui.dialogs.order.follow import FollowPage
from kmptui.tui.dialogs.problem import ProblemDialog
from kmptui.tui.dialogs.reissue import ReissueDialog
from kmptui.tui.dialogs.renew import RenewDialog
from kmptui.tui.dialogs.renew_many import OutcomesDialog, RenewManyDialog
from kmptui.tui.dialogs.revoke import RevokeDialog
from kmptui.tui.widgets.dialog import TextDialog
from tests.tui.acting import field, fill, is_open, prose, sees, type_text, until
from tests.tui.life_stage import SERIAL
from tests.tui.stage import DV, NOW, OV, WEB, Stage, an_order, stage

PAGE = "Dear all,\n\nplease renew y and Y, t, i, a: revoke shop.example.edu 9C41!\t0 1 2.\tRegards\n"
Open = Callable[[Ways], Awaitable[None]]


def issued(number: int, name: str, *more: str, profile: int = OV) -> Order:
    """An order that can be renewed."""
    order = an_order(number, name, status="Issued", certificate=number)
    title = {OV: "OV Multi-Domain", DV: "DV Single"}.get(profile, "Gone")
    row = replace(
        order.row, expires=NOW.date() + timedelta(days=9), serial=SERIAL, names_count=1 + len(more), profile=title
    )
    return replace(
        order, row=row, names=(name, *more), organization_id=WEB, profile_id=profile, term=199, key="RSA 2048",
        spki="ab" * 32, issued=NOW.date() - timedelta(days=190), renewed=False,
    )  # fmt: skip


@asynccontextmanager
async def opened(
    home: Path, way: Open, kind: type[Any], alter: Callable[[Stage], None] = lambda _: None
) -> AsyncIterator[tuple[Pilot[Any], Any, Stage]]:
    """The app with one dialog open, as a command opens it: o1 and o2 are issued, o3 waits, o4 is at the CA, the domain
    of o5 has lapsed, the profile of o6 is gone."""
    play = stage(home)
    orders = play.ordering.orders
    orders[1], orders[2] = issued(1, "shop.example.edu", "img.example.edu"), issued(2, "api.example.edu")
    orders[3] = an_order(3, "new.example.edu")
    orders[4] = an_order(4, "slow.example.edu", status="Applied")
    orders[5] = issued(5, "www.lapsed.example")
    orders[6] = issued(6, "old.example.edu", profile=999)
    alter(play)
    async with KmptuiApp(play).run_test(size=(80, 24)) as pilot:  # type: ignore[arg-type]
        await sees(pilot, "Needs you")
        workers.start(pilot.app, lambda: way(pilot.app.ways))  # type: ignore[attr-defined]
        yield pilot, await is_open(pilot, kind), play


def asked(play: Stage) -> list[Any]:
    """All that was sent or changed."""
    return [
        *play.renewing.renewed, *play.reissuing.reissued, *play.revoking.revoked, *play.deciding.decided,
        *play.editing.edited, *play.renewal.done, *play.repository.deleted,
    ]  # fmt: skip


EVERY: list[tuple[Open, type[Any]]] = [
    (lambda ways: ways.renew((1,)), RenewDialog),
    (lambda ways: ways.renew((1, 2, 6)), RenewManyDialog),
    (lambda ways: ways.reissue(1), ReissueDialog),
    (lambda ways: ways.revoke(order_id=1), RevokeDialog),
    (lambda ways: ways.decide("cancel", (3,)), DecideDialog),
    (lambda ways: ways.decide("approve", (3,)), DecideDialog),
    (lambda ways: ways.decide("decline", (3,)), DecideDialog),
    (lambda ways: ways.edit(3), EditDialog),
    (lambda ways: ways.renewal_settings(), AutoRenewalDialog),
]


@pytest.mark.parametrize(("way", "kind"), EVERY)
async def test_a_page_as_keys_sends_nothing_and_escape_leads_out(tmp_path: Path, way: Open, kind: type[Any]) -> None:
    async with opened(tmp_path, way, kind) as (pilot, dialog, play):
        await type_text(pilot, PAGE)
        await pilot.pause()
        assert asked(play) == []
        for _ in range(6):
            if dialog not in pilot.app.screen_stack:
                break
            await pilot.press("escape")
            await pilot.pause()
        assert dialog not in pilot.app.screen_stack
        assert asked(play) == []


async def test_renew_with_the_same_key_is_followed(tmp_path: Path) -> None:
    async with opened(tmp_path, lambda ways: ways.renew((1,)), RenewDialog) as (pilot, dialog, play):
        await sees(pilot, "kmptui orders renew o1")
        assert "SCM promises neither" in prose(dialog)
        assert "ends 2 Dec 2026, in 9 d" in prose(dialog)
        field(dialog, "key").choose("same")
        await sees(pilot, "--same-key")
        await pilot.press("ctrl+y")
        await is_open(pilot, FollowPage)
        ((request, despite),) = play.renewing.renewed
        assert (request.order_id, request.key, despite) == (1, SameKey(), False)
        await sees(pilot, "SCM has taken the renewal of o1")


async def test_renew_blocked_by_the_mirror_is_sent_by_a_person_alone(tmp_path: Path) -> None:
    async with opened(tmp_path, lambda ways: ways.renew((5,)), RenewDialog) as (pilot, dialog, play):
        await sees(pilot, "ctrl+y sends all the same")
        assert "ended" in prose(dialog)
        await pilot.press("ctrl+y")
        await is_open(pilot, FollowPage)
        assert [despite for _, despite in play.renewing.renewed] == [True]


async def test_renew_forbidden_by_the_profile_is_off(tmp_path: Path) -> None:
    async with opened(tmp_path, lambda ways: ways.renew((3,)), RenewDialog) as (pilot, dialog, play):
        await sees(pilot, "only an issued one is renewed")
        assert "ctrl+y Renew (not possible)" in prose(dialog)
        await pilot.press("ctrl+y")
        await pilot.pause()
        assert play.renewing.renewed == []


async def test_renew_says_what_a_failure_means(tmp_path: Path) -> None:
    def held(play: Stage) -> None:
        play.renewing.fails[0] = HeldElsewhere("shop.example.edu is held", holder="timer on web01")

    async with opened(tmp_path, lambda ways: ways.renew((1,)), RenewDialog, held) as (pilot, _, _):
        await pilot.press("ctrl+y")
        problem = await is_open(pilot, ProblemDialog)
        await sees(pilot, "timer on web01")
        assert "No order was sent" in prose(problem)


async def test_renew_needs_a_csr_that_can_be_read(tmp_path: Path) -> None:
    async with opened(tmp_path, lambda ways: ways.renew((1,)), RenewDialog) as (pilot, dialog, play):
        field(dialog, "key").choose("csr")
        await sees(pilot, "no CSR yet")
        await fill(pilot, dialog, csr=str(tmp_path / "missing.pem"))
        await until(pilot, lambda: field(dialog, "csr").is_bad)
        assert "Your own CSR is sent; its key stays with you." in prose(dialog), "of no new key"
        assert "kmptui orders renew o1 --csr FILE" in prose(dialog)
        await pilot.press("ctrl+y")
        await pilot.pause()
        assert play.renewing.renewed == []


async def test_renew_many_leaves_the_blocked_out_and_tells_each_outcome(tmp_path: Path) -> None:
    def refused(play: Stage) -> None:
        play.renewing.fails[2] = ScmRefused("SCM refused it", code=-7, text="no", kind="request")

    way: Open = lambda ways: ways.renew((1, 2, 5, 6, 3))  # noqa: E731 - a way is a function
    async with opened(tmp_path, way, RenewManyDialog, refused) as (pilot, dialog, play):
        await sees(pilot, "2 to renew, 2 to be looked up again first, 1 blocked and left out")
        told = prose(dialog)
        assert "x o3 new.example.edu: it is requested" in told
        assert "! o6 old.example.edu: Gone is gone" in told
        await fill(pilot, dialog, stop_after="no")
        await pilot.press("ctrl+y")
        await until(pilot, lambda: field(dialog, "stop_after").is_bad)
        assert play.renewing.renewed == []
        await fill(pilot, dialog, stop_after="2")
        await pilot.press("ctrl+y")
        done = await is_open(pilot, OutcomesDialog)
        assert 3 not in {request.order_id for request, _ in play.renewing.renewed}
        assert "x - api.example.edu: SCM refused it" in prose(done)


async def test_reissue_tells_the_names_that_come_and_go(tmp_path: Path) -> None:
    async with opened(tmp_path, lambda ways: ways.reissue(1), ReissueDialog) as (pilot, dialog, play):
        await sees(pilot, "The same names as before")
        await type_text(pilot, "cdn.example.edu ")
        await sees(pilot, "+ 1 added: cdn.example.edu")
        await sees(pilot, "--add-san cdn.example.edu")
        assert "(no reason yet)" in prose(dialog)
        await fill(pilot, dialog, reason="x" * 513)
        await pilot.press("ctrl+y")
        await until(pilot, lambda: field(dialog, "reason").is_bad)
        assert play.reissuing.reissued == []
        await fill(pilot, dialog, reason="a name more")
        await pilot.press("ctrl+y")
        await is_open(pilot, FollowPage)
        ((request, _),) = play.reissuing.reissued
        assert request.names == ("shop.example.edu", "img.example.edu", "cdn.example.edu")
        assert (request.reason, request.key) == ("a name more", None)


async def test_revoke_is_off_until_the_name_is_typed(tmp_path: Path) -> None:
    async with opened(tmp_path, lambda ways: ways.revoke(order_id=1), RevokeDialog) as (pilot, dialog, play):
        assert "It is the only live certificate" in prose(dialog)
        assert "put the new one on the servers first" in prose(dialog)
        for reason, typed in (
            ("", "shop.example.edu"),
            ("lost laptop", "shop.example.ed"),
            ("lost laptop", SERIAL[-4:]),
        ):
            await fill(pilot, dialog, reason=reason, confirm=typed)
            await until(pilot, lambda: "ctrl+y Revoke (off" in prose(dialog))
            await pilot.press("ctrl+y")
            await pilot.pause()
        assert "the name is not typed yet" in prose(dialog)
        assert play.revoking.revoked == []
        field(dialog, "reason_code").choose(4)
        await fill(pilot, dialog, confirm="Shop.Example.edu")
        await until(pilot, lambda: "ctrl+y Revoke (off" not in prose(dialog))
        assert "revoke c42 --reason-code 4 --reason 'lost laptop' --confirm NAME" in prose(dialog)
        await pilot.press("ctrl+y")
        await is_open(pilot, TextDialog)
        ((_, code, reason, typed),) = play.revoking.revoked
        assert (code, reason, typed) == (4, "lost laptop", "Shop.Example.edu")
        await pilot.press("enter")
        offer = await is_open(pilot, DeleteDialog)
        assert "Remove it from the repository?" in prose(offer)
        await pilot.press("enter", "space", "y", "escape")
        await until(pilot, lambda: pilot.app.screen is not offer)
        assert play.repository.deleted == []


async def test_revoke_asks_for_the_serial_where_several_live(tmp_path: Path) -> None:
    def several(play: Stage) -> None:
        play.revoking.several = True

    async with opened(tmp_path, lambda ways: ways.revoke(order_id=1), RevokeDialog, several) as (pilot, dialog, play):
        assert "this is an older one. These stay: c204" in prose(dialog)
        await fill(pilot, dialog, reason="superseded", confirm="shop.example.edu")
        await until(pilot, lambda: "ctrl+y Revoke (off: the serial's end is not typed yet)" in prose(dialog))
        await fill(pilot, dialog, confirm="9c41")
        await pilot.press("ctrl+y")
        await is_open(pilot, TextDialog)
        await pilot.press("enter")
        await is_open(pilot, DeleteDialog)
        await pilot.press("ctrl+y")
        await until(pilot, lambda: play.repository.deleted == [("certificates", (42,))])


async def test_revoked_already_is_said(tmp_path: Path) -> None:
    def already(play: Stage) -> None:
        play.revoking.already = "it is revoked already, since 20 Nov 2026"

    async with opened(tmp_path, lambda ways: ways.revoke(order_id=1), TextDialog, already) as (_, said, play):
        assert "Already revoked" in prose(said)
        assert "since 20 Nov 2026" in prose(said)
        assert play.revoking.revoked == []


async def test_cancel_takes_a_message(tmp_path: Path) -> None:
    way: Open = lambda ways: ways.decide("cancel", (3, 4))  # noqa: E731 - a way is a function
    async with opened(tmp_path, way, DecideDialog) as (pilot, dialog, play):
        assert "Cancel 1 request" in prose(dialog)
        assert "x o4 slow.example.edu: it is applied" in prose(dialog)
        await pilot.press("ctrl+y")
        await until(pilot, lambda: field(dialog, "message").is_bad)
        assert "kmptui orders cancel o3 --message TEXT" in prose(dialog)
        await fill(pilot, dialog, message="ordered twice")
        await sees(pilot, "kmptui orders cancel o3 --message 'ordered twice'")
        await pilot.press("ctrl+y")
        await sees(pilot, "o3 new.example.edu: cancelled")
        assert play.deciding.decided == [("cancel", (3,), "ordered twice")]


async def test_what_cannot_be_cancelled_any_more_names_the_way_out(tmp_path: Path) -> None:
    way: Open = lambda ways: ways.decide("cancel", (4,))  # noqa: E731 - a way is a function
    async with opened(tmp_path, way, NotPossibleDialog) as (pilot, dialog, play):
        assert "SCM offers no cancel any more" in prose(dialog)
        assert "88213" in prose(dialog)
        await pilot.press("y")
        await sees(pilot, "sent to the terminal")
        assert pilot.app.clipboard == "88213"
        assert play.deciding.decided == []


async def test_several_decisions_are_told_one_by_one(tmp_path: Path) -> None:
    def bad(play: Stage) -> None:
        play.ordering.orders[7] = an_order(7, "ev.example.edu")
        play.deciding.bad[7] = "an EV request is approved by another person"

    way: Open = lambda ways: ways.decide("approve", (3, 7))  # noqa: E731 - a way is a function
    async with opened(tmp_path, way, DecideDialog, bad) as (pilot, dialog, _):
        await fill(pilot, dialog, message="fine")
        await pilot.press("ctrl+y")
        await sees(pilot, "1 of 2 approved")
        assert "x o7 ev.example.edu: an EV request" in prose(pilot.app.screen)


async def test_edit_sends_what_differs_and_stays_open_where_it_fails(tmp_path: Path) -> None:
    def unreachable(play: Stage) -> None:
        play.editing.fails = Unreachable("SCM cannot be reached")

    async with opened(tmp_path, lambda ways: ways.edit(3), EditDialog, unreachable) as (pilot, dialog, play):
        assert "(nothing is changed)" in prose(dialog)
        await fill(pilot, dialog, comments="Ticket 4711")
        await sees(pilot, "comments")
        await until(pilot, lambda: "(nothing is changed)" not in prose(dialog))
        await pilot.press("ctrl+y")
        await sees(pilot, "SCM cannot be reached")
        assert pilot.app.screen is dialog
        play.editing.fails = None
        await pilot.press("ctrl+y")
        await sees(pilot, "changed in SCM")
        assert [changes.comments for changes, _ in play.editing.edited] == ["Ticket 4711", "Ticket 4711"]


async def test_auto_renewal_is_saved_as_a_whole(tmp_path: Path) -> None:
    def ruled(play: Stage) -> None:
        play.renewal.kept = [Rule(1, "organization", "11", title="Web Ops"), Rule(2, "name", "*.test", exclude=True)]

    way: Open = lambda ways: ways.renewal_settings()  # noqa: E731 - a way is a function
    async with opened(tmp_path, way, AutoRenewalDialog, ruled) as (pilot, dialog, play):
        await sees(pilot, "except name *.test")
        await fill(pilot, dialog, days="90")
        await sees(pilot, "no less than a whole certificate")
        await pilot.press("ctrl+y")
        await pilot.pause()
        assert play.renewal.done == []
        await fill(pilot, dialog, days="25")
        rules = dialog.query_one("RulesList")
        rules.focus()
        rules.highlighted = 0
        await pilot.press("delete")
        await sees(pilot, "- organization Web Ops")
        await pilot.press("enter")
        rule = await is_open(pilot, AddRuleDialog)
        field(rule, "kind").choose("name")
        await fill(pilot, rule, name="*.Example.edu")
        await pilot.press("ctrl+y")
        await sees(pilot, "+ name *.example.edu")
        for line in ("set --days-before 25", "rule remove 1", "rule add --name '*.example.edu'"):
            assert f"kmptui auto-renewal {line}" in prose(dialog)
        assert play.renewal.done == []
        await pilot.press("ctrl+y")
        await sees(pilot, "It matches 3 of the 40 certificates here")
        assert play.renewal.done == [("days", 25), ("remove", 1), ("add", ("name", "*.example.edu", False))]


async def test_t_says_what_it_did_and_undoes_it(tmp_path: Path) -> None:
    async with opened(tmp_path, lambda ways: ways.renew((1,)), RenewDialog) as (pilot, _, play):
        ways: Any = pilot.app.ways  # type: ignore[attr-defined]
        assert await ways.toggle_renewal((1, 2)) == "Auto-renewal on (t undoes it): 2 orders"
        assert await ways.toggle_renewal((1,)) == "Auto-renewal off (t undoes it): o1 shop.example.edu"
        play.renewal.dead = (PlanLine(1, "shop.example.edu", None, Verdict.BLOCKED, "", cause="it is revoked"),)
        told = "Chosen (t undoes it), but it cannot be renewed, it is revoked: o1 shop.example.edu"
        assert await ways.toggle_renewal((1,)) == told
        play.renewal.dead = ()
        await ways.toggle_renewal((1,))
        play.renewal.now = replace(play.renewal.now, on=False)
        assert "off as a whole (7, p)" in await ways.toggle_renewal((1,))
