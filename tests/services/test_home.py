"""The home screen: what needs somebody, exact to the row, from the store alone."""

from __future__ import annotations

import os
import pwd
from collections import Counter
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from kmptui.config import Paths
from kmptui.domain.audit import Entry
from kmptui.domain.certificate import Source
from kmptui.domain.listing import Topic
from kmptui.domain.renewal import Verdict
from kmptui.errors import ScmRefused, Unconfirmed, WrongLogin
from kmptui.sandbox.server import SandboxServer
from kmptui.services import last_run
from kmptui.services.home import HomeView, Need
from kmptui.services.importing import ImportOptions
from kmptui.services.repository import ExportRequest
from kmptui.services.workspace import Workspace
from kmptui.store import certificates, ledger, schedule
from kmptui.store.certificates import NewCertificate
from kmptui.store.db import Db, touch
from kmptui.store.life_models import RenewalTry
from tests.sandbox_fixtures import SandboxFactory
from tests.services.homes import asked, linked, rows, workspace
from tests.services.rig import Hands, request


def counts(view: HomeView) -> Counter[str]:
    found: Counter[str] = Counter()
    for need in view.needs:
        found[need.word] += need.count
    return found


async def names_of(opened: Workspace, need: Need) -> set[str]:
    """The names that Enter on the line lists; as many as it counts."""
    assert need.query is not None
    window = await opened.lists.window(need.query, 0, 100_000)
    assert window.total == len(window.rows) == need.count > 0
    return {row.common_name if hasattr(row, "common_name") else row.name for row in window.rows}


async def told(opened: Workspace, *words: str) -> set[str]:
    """All names behind the lines of these words."""
    view = await opened.home.view()
    return {name for need in view.needs if need.word in words for name in await names_of(opened, need)}


async def imported(opened: Workspace) -> None:
    await opened.importing.run(ImportOptions())


async def test_before_anything_is_known(paths: Paths) -> None:
    async with workspace(paths) as opened:
        view = await opened.home.view()
        assert (view.needs, view.as_of, view.stale, view.total) == ((), None, "", 0)
        assert view.facts


async def test_each_line_lists_what_it_counts(paths: Paths, sandbox: SandboxServer) -> None:
    async with linked(paths, sandbox, mirrored=True) as opened:
        await imported(opened)
        before = len(asked(sandbox))
        view = await opened.home.view()
        assert view.as_of is not None
        assert view.stale == ""
        assert view.total == sum(need.count for need in view.needs) > 0
        for need in view.needs:
            assert need.word == need.word.upper()
            assert need.what
            assert not need.what.startswith(f"{need.count}"), "the count stands before it"
            await names_of(opened, need)
        assert len(asked(sandbox)) == before


async def test_what_expires_is_counted_as_the_server_has_it(paths: Paths, sandbox_factory: SandboxFactory) -> None:
    """The same rule, worked out from the sandbox's own view of its orders."""
    sandbox = sandbox_factory(certificates=1200)
    async with linked(paths, sandbox, mirrored=True) as opened:
        await imported(opened)
        today = opened.clock.now().date()
        issued = list(sandbox.control("orders?status=Issued"))
        for one in issued:
            one["day"], one["set"] = date.fromisoformat(one["expires"][:10]), set(one["names"])

        def alone(one: dict[str, Any]) -> bool:
            return not any(other["day"] > one["day"] and one["set"] <= other["set"] for other in issued)

        wanted = {
            days: [one for one in issued if today <= one["day"] <= today + timedelta(days=days) and alone(one)]
            for days in (7, 30)
        }
        found = counts(await opened.home.view())
        assert found["EXPIRES"] == len(wanted[7]) > 0
        assert found["EXPIRES"] + found["LATER"] == len(wanted[30])
        assert await told(opened, "EXPIRES") == {one["common_name"] for one in wanted[7]}


async def test_a_successor_ends_the_worry(paths: Paths, sandbox: SandboxServer) -> None:
    async with linked(paths, sandbox, mirrored=True) as opened:
        await imported(opened)
        assert {"soon3.example.com", "soon9.example.com"} <= await told(opened, "EXPIRES", "LATER")
        # one certificate for both names and more, under another common name
        names = ["wide.example.com", "soon3.example.com", "soon9.example.com"]
        made = sandbox.control("orders", {"commonName": names[0], "subjAltNames": ",".join(names), "certType": 2103})
        sandbox.control(f"orders/{made['id']}/issue", {})
        await opened.importing.run(ImportOptions())
        assert not {"soon3.example.com", "soon9.example.com"} & await told(opened, "EXPIRES", "LATER")
        sandbox.control(f"orders/{made['id']}/revoke", {})
        await opened.importing.run(ImportOptions())
        assert {"soon3.example.com", "soon9.example.com"} <= await told(opened, "EXPIRES", "LATER")


async def test_an_order_without_a_reply_comes_first(paths: Paths, sandbox: SandboxServer) -> None:
    async with linked(paths, sandbox, mirrored=True) as opened:
        await imported(opened)
        sandbox.control("faults", {"kind": "drop-after", "match": "POST /ssl/v1/enroll"})
        with pytest.raises(Unconfirmed):
            await opened.ordering.place(request("lost.example.com"))
        first = (await opened.home.view()).needs[0]
        assert (first.word, first.count) == ("UNCONF'D", 1)
        assert "lost.example.com" in first.example
        assert await names_of(opened, first) == {"lost.example.com"}


async def test_a_refused_order_is_told(paths: Paths, sandbox: SandboxServer) -> None:
    async with linked(paths, sandbox, mirrored=True) as opened:
        sandbox.control("profiles/2103", {"gone": True})
        with pytest.raises(ScmRefused):
            await opened.ordering.place(request("refused.example.com"))
        assert await told(opened, "REFUSED") == {"refused.example.com"}


async def test_waiting_and_approvals(paths: Paths, sandbox: SandboxServer) -> None:
    clock = Hands()
    async with linked(paths, sandbox, clock=clock, mirrored=True) as opened:
        waiting = sandbox.control("orders", {"commonName": "review.example.com"})
        sandbox.control(f"orders/{waiting['id']}/hold", {})
        await imported(opened)
        states: dict[str, set[str]] = {}
        for row in await rows(opened, Topic.ORDERS, view="current"):
            states.setdefault(row.state, set()).add(row.common_name)
        assert await told(opened, "APPROVE") == states["requested"]
        assert "review.example.com" in await told(opened, "WAITING")
        assert states["applied"] <= await told(opened, "WAITING")
        clock.ahead += timedelta(days=4)
        need = next(need for need in (await opened.home.view()).needs if need.word == "WAITING")
        assert " d" in need.what + need.example


async def test_requests_of_others_are_not_ours_that_wait(paths: Paths, sandbox: SandboxServer) -> None:
    async with linked(paths, sandbox, mirrored=True) as opened:
        await imported(opened)
        others = await told(opened, "APPROVE")
        sandbox.control("organizations/7101", {"approval": True})
        sandbox.control(f"admins/{sandbox.login}", {"privileges": ["createSslCertificates"]})
        placed = await opened.ordering.place(request("mine.example.com"))
        await opened.checking.check([placed.order_id])
        assert (await opened.lists.order(placed.order_id)).row.state == "requested"
        assert await told(opened, "APPROVE") == others
        assert "mine.example.com" in await told(opened, "WAITING")


def tried(db: Db, order_id: int, kind: str, now: datetime) -> None:
    RenewalTry.insert(
        order_id=order_id, tries=1, kind=kind, cause=f"{kind} is in the way", cure="mend it", code=None, last=now,
        again=now + timedelta(hours=4),
    ).execute(db)  # fmt: skip
    touch(db, Topic.ORDERS)


async def test_renewals_that_did_not_come_about(paths: Paths, sandbox: SandboxServer) -> None:
    """Failed and blocked ones are one line; what is tried again by itself needs nobody; and each can be listed."""
    async with linked(paths, sandbox, mirrored=True) as opened:
        await imported(opened)
        assert "FAILED" not in counts(await opened.home.view())
        ids = [
            row.id for row in await rows(opened, Topic.ORDERS, "status=issued successor:no expires>40d", view="current")
        ]
        await opened.renewal.select(ids[1:])
        for order_id, kind in zip(ids, ("mirror", "dcv", "refused", "unreachable", "given up", "mirror"), strict=False):
            await opened._engine.store.write(tried, order_id, kind, opened.clock.now())
        assert counts(await opened.home.view())["FAILED"] == 4
        need = (await opened.home.view()).needs[0]
        assert need.word == "FAILED"
        assert need.example.endswith("is in the way")
        found = {
            words: {row.id for row in await rows(opened, Topic.ORDERS, f"renewal:{words}", view="current")}
            for words in ("failed", "blocked", "deferred", "dcv")
        }
        _, dcv, refused, unreachable, given_up, mirrored = ids[:6]  # nobody wants the first to be renewed
        assert found["failed"] == {dcv, refused, given_up, mirrored}
        assert found["blocked"] == {dcv, mirrored}
        assert found["deferred"] == {unreachable}
        assert found["dcv"] == {dcv}
        stalled = await opened.home.stalled(dcv)
        assert stalled is not None
        assert (stalled.cause, stalled.cure) == ("dcv is in the way", "mend it")
        assert await opened.home.stalled(ids[6]) is None


async def test_what_renews_by_itself(paths: Paths, sandbox: SandboxServer) -> None:
    async with linked(paths, sandbox, mirrored=True) as opened:
        await imported(opened)

        async def example() -> str:
            return next(need.example for need in (await opened.home.view()).needs if need.word == "EXPIRES")

        soon = "status=issued successor:no expires>=0d expires<=7d"
        first, *others = await rows(opened, Topic.ORDERS, soon, view="current")
        assert " by itself" not in await example()
        await opened._engine.store.write(ledger.set_auto_renew, [row.id for row in others], True)
        assert "renew" not in await example(), "chosen, and automatic renewal is off"
        await opened.change_settings(auto_renewal=True)
        assert await example() == f"{len(others)} renew by themselves; {first.common_name} does not"
        await opened._engine.store.write(ledger.set_auto_renew, [first.id], True)
        blocked = (await opened.renewal.decision(first.id)).verdict is Verdict.BLOCKED
        assert blocked, "its validation has ended"
        assert await example() == f"{len(others)} renew by themselves; {first.common_name} does not"
        assert ("Auto-renewal", f"on, {len(others) + 1} chosen") in (await opened.home.view()).facts


async def test_certificates_to_hand_over(paths: Paths, sandbox: SandboxServer, tmp_path: Path) -> None:
    """A new certificate that took another's place counts until it is exported; a first one does not."""
    async with linked(paths, sandbox, mirrored=True) as opened:
        await imported(opened)
        placed = await opened.ordering.place(request("fresh.example.com"))
        sandbox.control("clock", {"advance": 60})
        await opened.checking.check([placed.order_id])
        assert "HANDOVER" not in counts(await opened.home.view())
        own = (await opened.lists.order(placed.order_id)).row.certificate_id
        assert own is not None
        certificate = await opened.lists.certificate(own)
        # what a reissue leaves behind: an older certificate of the same order
        older = NewCertificate(
            placed.order_id, "0A0B", "fresh.example.com", ("fresh.example.com",),
            certificate.row.not_before - timedelta(days=90), opened.clock.now() + timedelta(days=4), "an issuer",
            "CN=fresh.example.com", "RSA 2048", b"leaf", (), "ab" * 32, "cd" * 32, Source.ORDERED,
        )  # fmt: skip
        await opened._engine.store.write(certificates.add, older, Entry("collect"), await opened._engine.stamp())
        need = next(need for need in (await opened.home.view()).needs if need.word == "HANDOVER")
        assert await names_of(opened, need) == {"fresh.example.com"}
        assert need.example.startswith("old ones end from")
        out = tmp_path / "new.pem"
        await opened.repository.export(ExportRequest(own, "pem", "chain", out))
        assert "HANDOVER" not in counts(await opened.home.view())


async def test_a_schedule_that_is_missing(paths: Paths, sandbox: SandboxServer, tmp_path: Path) -> None:
    clock = Hands()
    async with linked(paths, sandbox, clock=clock, mirrored=True) as opened:
        write = opened._engine.store.write
        assert "SCHEDULE" not in counts(await opened.home.view()), "nothing depends on one"
        await opened.change_settings(auto_renewal=True)
        need = next(need for need in (await opened.home.view()).needs if need.word == "SCHEDULE")
        assert "kmptui systemd install" in need.cure
        now = clock.now()
        await write(schedule.begin, "run", now)
        await write(schedule.finish, "run", now + timedelta(minutes=1), "done", "nothing was due")
        view = await opened.home.view()
        assert "SCHEDULE" not in counts(view)
        assert dict(view.facts)["Tonight"].startswith("nothing was due, ")
        clock.ahead += timedelta(hours=25)
        assert "SCHEDULE" not in counts(await opened.home.view())
        clock.ahead += timedelta(hours=2, minutes=5)
        need = next(need for need in (await opened.home.view()).needs if need.word == "SCHEDULE")
        assert "27 h ago" in need.what
        assert "kmptui run-due" in need.cure
    units, lingering = tmp_path / "units", tmp_path / "linger"
    assert not last_run.stops_at_logout(units, lingering)
    units.mkdir()
    (units / "kmptui.timer").touch()
    assert last_run.stops_at_logout(units, lingering)
    lingering.mkdir()
    (lingering / pwd.getpwuid(os.geteuid()).pw_name).touch()
    assert not last_run.stops_at_logout(units, lingering)


async def test_what_an_ended_validation_blocks(paths: Paths, sandbox: SandboxServer) -> None:
    async with linked(paths, sandbox, mirrored=True) as opened:
        await imported(opened)
        need = next(need for need in (await opened.home.view()).needs if need.word == "DCV")
        assert need.query is not None
        worst = (await opened.lists.window(need.query, 0, 1)).rows[0].name
        wanted = [
            row
            for row in await rows(opened, Topic.ORDERS, "status=issued successor:no expires>=0d", view="current")
            if row.common_name == worst or row.common_name.endswith(f".{worst}")
        ]
        assert need.example.startswith(f"{worst}: blocks {len(wanted)}, first ends in ")


async def test_domains_whose_proof_has_ended(paths: Paths, sandbox: SandboxServer) -> None:
    async with linked(paths, sandbox, mirrored=True) as opened:
        assert {"legacy.example.com", "hospital.example.edu"} == await told(opened, "DCV")
        sandbox.control("domains/legacy.example.com", {"validate": True})
        await opened.mirror.sync([Topic.DOMAINS])
        assert await told(opened, "DCV") == {"hospital.example.edu"}


async def test_the_limit_holds_certificates_back(paths: Paths, sandbox: SandboxServer) -> None:
    async with linked(paths, sandbox, mirrored=True) as opened:
        await opened.change_settings(certificate_limit=3)
        await imported(opened)
        assert "NOT ADDED" not in counts(await opened.home.view()), "what only waits to be fetched needs nobody"
        await opened.importing.fetch()
        view = await opened.home.view()
        held = [need for need in view.needs if need.word == "NOT ADDED"]
        assert sum(need.count for need in held) > 0
        for need in held:
            assert need.query is not None
            assert {row.state for row in await rows(opened, Topic.ORDERS, need.query.filter)} == {"issued, not added"}
        assert any("3 of limit 3" in words for _, words in view.facts)


async def test_credentials_that_are_refused(paths: Paths, sandbox: SandboxServer) -> None:
    async with linked(paths, sandbox) as opened:
        sandbox.control(f"admins/{sandbox.login}", {"password": "changed-elsewhere"})
        for _ in range(2):
            with pytest.raises(WrongLogin):
                await opened.mirror.sync()
        assert "ACCOUNT" in counts(await opened.home.view())


async def test_old_data_is_never_shown_as_fresh(paths: Paths, sandbox: SandboxServer) -> None:
    clock = Hands()
    async with linked(paths, sandbox, clock=clock, mirrored=True) as opened:
        await imported(opened)
        assert (await opened.home.view()).stale == ""
        clock.ahead = timedelta(hours=25)
        assert (await opened.home.view()).stale == ""
        clock.ahead = timedelta(hours=27)
        stale = (await opened.home.view()).stale
        assert stale.lower().startswith("orders")
        assert "domains" not in stale
        clock.ahead = timedelta(days=9)
        assert "domains" in (await opened.home.view()).stale


async def test_a_quiet_home(paths: Paths, sandbox_factory: SandboxFactory) -> None:
    sandbox = sandbox_factory(certificates=0)
    for domain in sandbox.control("domains"):
        sandbox.control(f"domains/{domain['name']}", {"validate": True})
    async with linked(paths, sandbox, mirrored=True) as opened:
        await imported(opened)
        view = await opened.home.view()
        assert view.needs == ()
        assert view.as_of is not None
        assert "Repository" in dict(view.facts)


async def test_a_run_that_is_killed_each_time_is_missing(paths: Paths, sandbox: SandboxServer) -> None:
    """It began an hour ago, and none has ended for three days."""
    async with linked(paths, sandbox) as opened:
        await opened.change_settings(auto_renewal=True)
        now = opened.clock.now()
        write = opened._engine.store.write
        await write(schedule.begin, last_run.JOB, now - timedelta(hours=73))
        await write(schedule.finish, last_run.JOB, now - timedelta(hours=72), "done", "Nothing is due")
        assert "is missing" in next(need.what for need in (await opened.home.view()).needs if need.word == "SCHEDULE")
        await write(schedule.begin, last_run.JOB, now - timedelta(hours=1))
        assert "is missing" in next(need.what for need in (await opened.home.view()).needs if need.word == "SCHEDULE")
