"""What is done by schedule: what is due and nothing else, each in its own try, by one runner, and by a right clock."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from kmptui.config import Paths
from kmptui.domain.listing import Topic
from kmptui.domain.renewal import Verdict
from kmptui.errors import NotFound, NotLinked
from kmptui.sandbox.server import SandboxServer
from kmptui.services import elsewhere
from kmptui.services import renewal as renewals
from kmptui.services.importing import ImportOptions
from kmptui.services.runs import RunReport
from kmptui.services.workspace import Workspace
from tests.sandbox_fixtures import SandboxFactory
from tests.services.homes import asked, linked, rows, until, workspace
from tests.services.rig import Hands, request

DUE = ("soon3.example.com", "soon9.example.com", "grades.example.edu")
EVERYTHING = ImportOptions()
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class Site:
    """A filled home, the sandbox and the clock of both."""

    def __init__(self, opened: Workspace, sandbox: SandboxServer, clock: Hands) -> None:
        self.opened = opened
        self.sandbox = sandbox
        self.clock = clock

    def advance(self, span: timedelta) -> None:
        self.clock.ahead += span
        self.sandbox.control("clock", {"advance": span.total_seconds()})

    async def id(self, name: str) -> int:
        return (await self.row(name)).id

    async def row(self, name: str) -> Any:
        found = await rows(self.opened, Topic.ORDERS, f"name={name}")
        return max(found, key=lambda row: row.id)

    async def choose(self, *names: str) -> None:
        await self.opened.renewal.select([await self.id(name) for name in names])

    def asked(self) -> list[str]:
        lines = asked(self.sandbox)
        self.sandbox.control("reset", {"what": "counters"})
        return lines

    def orders(self) -> list[str]:
        """Names that were ordered at the server."""
        return sorted(one["common_name"] for one in self.sandbox.control("state")["created"])

    async def audit(self, action: str = "renew") -> list[Any]:
        return [row for row in await rows(self.opened, Topic.AUDIT) if row.action == action]


@asynccontextmanager
async def site(
    paths: Paths,
    sandbox: SandboxServer,
    options: ImportOptions = EVERYTHING,
    *,
    fetched: bool = True,
    login: str | None = None,
) -> AsyncIterator[Site]:
    """Mirrored and imported a moment ago."""
    clock = Hands()
    async with linked(paths, sandbox, login=login, clock=clock, mirrored=True) as opened:
        await opened.importing.run(options)
        if fetched:
            await opened.importing.fetch()
        await opened.renewal.enable()
        made = Site(opened, sandbox, clock)
        made.asked()
        yield made


@pytest.fixture
def small(sandbox_factory: SandboxFactory) -> SandboxServer:
    return sandbox_factory(certificates=48)


def told(report: RunReport) -> dict[str, list[str]]:
    """Names of the renewals in each list of the report."""
    lists = ("done", "waiting", "blocked", "failed", "deferred", "held")
    return {
        name: sorted(line.common_name for line in getattr(report, name) if line.job == "renewal")
        for name in lists
        if any(line.job == "renewal" for line in getattr(report, name))
    }


async def test_nothing_due_asks_nothing(paths: Paths, small: SandboxServer) -> None:
    async with site(paths, small) as here:
        report = await here.opened.schedule.run_due()
        assert (report.words, report.outcome, here.asked()) == ("Nothing is due", "done", [])
        assert report.next is not None
        assert timedelta(hours=19) < report.next - here.clock.now() < DAY
        state = await here.opened.schedule.state()
        assert (state.missed, state.none, state.next) == (False, False, report.next)
        assert "Nothing is due" in state.words


async def test_three_due_and_one_blocked(paths: Paths, small: SandboxServer) -> None:
    """Each gets a new key and an order; what DCV blocks, what SCM renews itself and what is not due is left alone and
    told; the next run collects."""
    async with site(paths, small) as here:
        small.control("settings", {"issue_after": 1800})
        small.control(f"orders/{(await here.row('exam.example.edu')).ssl_id}/auto-renew", {"state": "Started"})
        await here.choose(*DUE, "crm.legacy.example.com", "exam.example.edu", "fax.example.net", "bank.example.com")
        report = await here.opened.schedule.run_due(unit="kmptui.timer")
        assert told(report) == {
            "done": sorted(DUE), "blocked": ["crm.legacy.example.com", "exam.example.edu", "fax.example.net"],
        }  # fmt: skip
        assert here.orders() == sorted(DUE)
        assert report.outcome == "attention"
        crm = next(line for line in report.blocked if line.common_name == "crm.legacy.example.com")
        assert "DCV" in crm.words
        assert crm.cure
        assert crm.again is not None
        row = next(row for row in await here.audit() if row.subject == "crm.legacy.example.com")
        assert (row.outcome, "DCV" in row.reason) == ("not renewed", True)
        assert dict(row.details)["again"].endswith("UTC")
        assert {line.common_name for line in report.waiting} == set(DUE)
        here.asked()
        again = await here.opened.schedule.run_due()
        assert "done" not in told(again)
        assert here.orders() == []  # counters were reset, and nothing came
        here.advance(HOUR)
        later = await here.opened.schedule.run_due()
        assert {line.common_name for line in later.done if line.certificate_id is not None} == set(DUE)
        assert later.waiting == ()
        for name in DUE:
            row = await here.row(name)
            certificate = await here.opened.lists.certificate(row.certificate_id)
            assert (certificate.row.has_key, certificate.row.source, row.auto_renew) == (True, "renewed", True)
            old = (await here.opened.lists.order(row.id)).previous_id
            assert (await here.opened.renewal.decision(old)).verdict is Verdict.RENEWED
            decision = await here.opened.renewal.decision(row.id)
            assert decision.verdict is Verdict.NOT_DUE
            assert decision.due_at == certificate.row.not_after - 30 * DAY
        intent = next(row for row in await here.audit() if row.phase == "intent" and row.subject == DUE[0])
        assert intent.reason.startswith("by schedule, due since")


async def test_a_renewal_that_fails_does_not_stop_the_others(paths: Paths, small: SandboxServer) -> None:
    """One refused, one without a reply: the third comes through, the lost one is found again and never sent twice."""
    async with site(paths, small) as here:
        await here.choose(*DUE)
        ids = {name: (await here.row(name)).ssl_id for name in DUE}
        refusal = {"kind": "status", "match": f"POST /ssl/v1/renewById/{ids[DUE[0]]}", "status": 400}
        small.control("faults", refusal | {"body": {"code": -7, "description": "a field is missing"}})
        small.control("faults", {"kind": "drop-after", "match": f"POST /ssl/v1/renewById/{ids[DUE[1]]}"})
        report = await here.opened.schedule.run_due()
        assert told(report) == {"failed": [DUE[0]], "waiting": [DUE[1]], "done": [DUE[2]]}
        assert "a field is missing" in report.failed[0].words
        assert here.orders() == sorted(DUE[1:])
        found = await here.opened.schedule.run_due()
        assert not any(line.job == "renewal" for line in (*found.done, *found.failed))
        assert here.orders() == sorted(DUE[1:])
        here.advance(25 * HOUR)
        done = await here.opened.schedule.run_due()
        assert told(done) == {"done": [DUE[0]]}
        assert here.orders() == sorted(DUE)


async def test_scm_away_for_hours(paths: Paths, small: SandboxServer) -> None:
    """Deferred, with pauses that grow; then it succeeds. One request a run while it lasts."""
    async with site(paths, small) as here:
        await here.opened.schedule.run_due()
        await here.choose(*DUE)
        here.advance(HOUR)
        small.control("faults", {"kind": "status", "status": 503, "count": -1, "headers": {"Retry-After": "3600"}})
        pauses = []
        for _ in range(4):
            report = await here.opened.schedule.run_due()
            assert (report.outcome, report.failed, report.blocked) == ("deferred", (), ())
            assert report.next is not None
            pauses.append(report.next - here.clock.now())
            assert await here.opened.schedule.next_due() == report.next
            here.advance(1.5 * HOUR)
        assert pauses == sorted(pauses)
        assert pauses[-1] > pauses[0] >= 4 * timedelta(minutes=1)
        small.control("faults", method="DELETE")
        report = await here.opened.schedule.run_due()
        assert told(report) == {"done": sorted(DUE)}


async def test_an_account_that_is_refused_stops_the_run(paths: Paths, small: SandboxServer) -> None:
    """A wrong password goes out once; the next runs send nothing and say that a person is needed."""
    async with site(paths, small) as here:
        await here.choose(*DUE)
        small.control(f"admins/{small.login}", {"password": "another-one-1"})
        report = await here.opened.schedule.run_due()
        assert (report.outcome, [line.job for line in report.blocked]) == ("attention", ["account"])
        assert len(here.asked()) == 1
        report = await here.opened.schedule.run_due()
        assert (report.outcome, here.asked()) == ("attention", [])
        assert "account password" in report.blocked[0].cure
        assert await here.opened.schedule.next_due() is None


@pytest.mark.parametrize("away", [365 * DAY, -365 * DAY], ids=["a year ahead", "a year back"])
async def test_by_a_wrong_clock_nothing_is_done(paths: Paths, small: SandboxServer, away: timedelta) -> None:
    """Neither everything at once nor never again: said, and done when the clock is right again."""
    async with site(paths, small) as here:
        await here.choose(*DUE)
        await here.opened.schedule.run_due(deadline=0)
        here.asked()
        here.clock.ahead += away
        report = await here.opened.schedule.run_due()
        assert (report.outcome, [line.job for line in report.blocked]) == ("attention", ["clock"])
        assert "days" in report.blocked[0].words
        assert here.orders() == []
        assert len(here.asked()) == 1
        here.clock.ahead -= away
        report = await here.opened.schedule.run_due()
        assert told(report) == {"done": sorted(DUE)}


async def test_what_runs_are_seen(paths: Paths, small: SandboxServer) -> None:
    """None was ever seen; one was missed; a machine that slept catches up once."""
    async with site(paths, small) as here:
        schedule = here.opened.schedule
        assert (await schedule.state()).none
        await here.choose(*DUE)
        await schedule.run_due(deadline=0)
        state = await schedule.state()
        assert (state.none, state.missed) == (False, False)
        assert "deferred" in state.words
        here.advance(27 * HOUR)
        state = await schedule.state()
        assert (state.missed, state.words.split(":")[0]) == (True, "missed")
        report = await schedule.run_due()
        assert told(report)["done"] == sorted(DUE)
        assert [line.job for line in report.done][:1] == ["orders"]
        assert not (await schedule.state()).missed
        assert "done" not in told(await schedule.run_due())
        assert here.orders() == sorted(DUE)


async def test_two_at_once(paths: Paths, small: SandboxServer) -> None:
    """The timer and the screen: one does it, the other says who does; a name that a person works on is passed over."""
    async with site(paths, small) as here, workspace(paths, face="timer", clock=here.clock) as other:
        await here.choose(*DUE)
        small.control("settings", {"latency_ms": 40})
        import asyncio

        reports = await asyncio.gather(here.opened.schedule.run_due(), other.schedule.run_due())
        assert here.orders() == sorted(DUE)
        held = [report for report in reports if report.outcome == "held"]
        assert len(held) == 1
        assert "on " in held[0].held[0].words
        await here.opened.importing.fetch()


async def test_a_renewal_that_was_not_placed_needs_nobody(paths: Paths, small: SandboxServer) -> None:
    """Two searches say so, and the run that made the second sends it again; it calls for no person."""
    async with site(paths, small) as here:
        await here.choose(DUE[0])
        small.control("faults", {"kind": "drop-before", "match": "POST /ssl/v1/renewById"})
        assert told(await here.opened.schedule.run_due()) == {"waiting": [DUE[0]]}
        here.advance(HOUR)
        await here.opened.schedule.run_due()
        assert here.orders() == []
        here.advance(HOUR)
        report = await here.opened.schedule.run_due()
        assert told(report) == {"done": [DUE[0]]}
        assert [line.job for line in report.done][:2] == ["check", "renewal"]
        assert (report.outcome, here.orders()) == ("done", [DUE[0]])


async def test_what_scm_renews_itself(paths: Paths, small: SandboxServer) -> None:
    """Left to SCM, with a row of the record for the cause, once; where SCM comes to nothing it is renewed here."""
    async with site(paths, small) as here:
        order = f"orders/{(await here.row(DUE[1])).ssl_id}/auto-renew"
        small.control(order, {"state": "Started"})
        await here.choose(*DUE[:2])
        assert told(await here.opened.schedule.run_due()) == {"done": [DUE[0]], "blocked": [DUE[1]]}
        here.advance(HOUR)
        await here.opened.schedule.run_due()
        (row,) = [row for row in await here.audit() if row.subject == DUE[1]]
        assert (row.outcome, row.reason) == ("not renewed", "SCM's own auto-renewal is started for it")
        assert dict(row.details)["again"] == "once nothing keeps it"
        small.control(order, {"state": "Failed"})
        here.advance(DAY)
        assert told(await here.opened.schedule.run_due()) == {"done": [DUE[1]]}


async def test_what_was_switched_off_elsewhere_is_off_here(paths: Paths, small: SandboxServer) -> None:
    async with site(paths, small) as here, workspace(paths, clock=here.clock) as other:
        await here.choose(*DUE)
        assert (await here.opened.schedule.next_due()) is not None
        await other.renewal.disable()
        report = await here.opened.schedule.run_due()
        assert (report.words, here.orders()) == ("Nothing is due", [])
        (line, *_) = await here.opened.renewal.plan()
        assert (line.verdict, line.cure) == (Verdict.BLOCKED, "Switch it on: kmptui auto-renewal enable")


async def test_read_only_reads_only(paths: Paths, small: SandboxServer) -> None:
    async with site(paths, small) as here:
        await here.choose(*DUE)
        await here.opened.change_settings(read_only=True)
        here.advance(21 * HOUR)
        for jobs in (["orders"], []):
            report = await here.opened.schedule.run_due()
            assert [line.job for line in report.done] == jobs
            assert (told(report), report.outcome) == ({"blocked": sorted(DUE)}, "attention")
            assert {line.words for line in report.blocked} == {"Read-only mode is on"}
            assert all("read_only false" in line.cure for line in report.blocked)
            assert {row.reason for row in await here.audit()} == {"Read-only mode is on"}
            assert len(await here.audit()) == len(DUE)
        assert here.orders() == []
        await here.opened.change_settings(read_only=False)
        assert told(await here.opened.schedule.run_due()) == {"done": sorted(DUE)}


async def test_what_ends_in_read_only_mode_is_given_up_once(paths: Paths, small: SandboxServer) -> None:
    async with site(paths, small) as here:
        await here.choose(DUE[0])
        await here.opened.change_settings(read_only=True)
        await here.opened.schedule.run_due()
        here.advance(10 * DAY)
        report = await here.opened.schedule.run_due()
        (line,) = [line for line in report.failed if line.job == "renewal"]
        assert line.words.startswith("given up: it ended on")
        assert line.words.endswith("Read-only mode is on")
        assert told(await here.opened.schedule.run_due()) == {}


@pytest.mark.parametrize("options", [EVERYTHING, ImportOptions(expires_within=14)], ids=["all", "some"])
async def test_renewed_in_the_console(
    paths: Paths, small: SandboxServer, options: ImportOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The daily look finds the new certificate, also where the import left it out, and goes on with the new one; what
    was revoked is never ordered again by itself. Its name has more orders than one page of SCM's list."""
    monkeypatch.setattr(elsewhere, "PAGE", 1)
    async with site(paths, small, options, fetched=False) as here:
        await here.choose("soon9.example.com", "soon3.example.com")
        old = await here.row("soon9.example.com")
        revoked = await here.row("soon3.example.com")
        here.advance(21 * HOUR)
        small.control(f"orders/{old.ssl_id}/renew", {})
        small.control(f"orders/{revoked.ssl_id}/revoke", {})
        here.advance(HOUR)
        report = await here.opened.schedule.run_due()
        if told(report):  # SCM's word right before it would have been sent
            assert told(report) == {"done": ["soon9.example.com"]}
            assert "nothing was sent" in next(line.words for line in report.done if line.job == "renewal")
            here.advance(DAY)
            await here.opened.schedule.run_due()
        new = await here.row("soon9.example.com")
        assert new.id != old.id
        assert (new.auto_renew, (await here.opened.lists.order(new.id)).previous_id) == (True, old.id)
        assert (await here.opened.renewal.decision(old.id)).verdict is Verdict.RENEWED
        gone = await here.opened.renewal.decision(revoked.id)
        assert (gone.verdict, gone.actionable) == (Verdict.BLOCKED, False)
        assert "never ordered again by itself" in gone.reason
        (line,) = [line for line in await here.opened.renewal.plan() if line.order_id == new.id]
        assert line.verdict is Verdict.NOT_DUE


async def test_what_ended_is_given_up_once(paths: Paths, small: SandboxServer) -> None:
    async with site(paths, small) as here:
        await here.choose("crm.legacy.example.com")
        await here.opened.schedule.run_due()
        here.advance(10 * DAY)
        report = await here.opened.schedule.run_due()
        (line,) = [line for line in report.failed if line.job == "renewal"]
        assert line.words.startswith("given up: it ended on")
        assert "DCV" in line.words
        assert not any(line.job == "renewal" for line in (await here.opened.schedule.run_due()).failed)
        assert (await here.audit())[0].outcome == "given up"


@pytest.mark.parametrize("by_hand", [True, False])
async def test_what_is_chosen_after_its_end_is_told_of_once(paths: Paths, small: SandboxServer, by_hand: bool) -> None:
    """A person is needed, nothing has failed; leaving it out takes it off the list of what failed."""
    name = "past.example.com"
    async with site(paths, small) as here:
        if by_hand:
            here.advance(60 * DAY)  # it ended 75 days ago
            await here.choose(name)
            (line,) = await here.opened.renewal.hopeless([await here.id(name), await here.id("www.example.com")])
            assert "it ended on" in line.cause
        else:
            await here.opened.renewal.add_rule("name", name)
        report = await here.opened.schedule.run_due()
        assert not any(line.job == "renewal" for line in report.failed)
        (line,) = [line for line in report.blocked if line.job == "renewal"]
        assert "before automatic renewal saw it" in line.words
        assert line.cure
        assert await rows(here.opened, Topic.ORDERS, "renewal:failed")
        (planned,) = [line for line in await here.opened.renewal.plan() if line.common_name == name]
        assert planned.verdict is Verdict.BLOCKED
        here.advance(HOUR)
        assert told(await here.opened.schedule.run_due()).get("blocked") is None
        await here.opened.renewal.deselect([await here.id(name)])
        assert await rows(here.opened, Topic.ORDERS, "renewal:failed") == []


async def test_open_orders_are_asked_about_often_at_first(paths: Paths, sandbox_factory: SandboxFactory) -> None:
    sandbox = sandbox_factory(certificates=48, issue_after=7200)
    async with site(paths, sandbox) as here:
        await here.opened.ordering.place(request("fresh.example.com"))
        here.asked()
        report = await here.opened.schedule.run_due()
        assert [line.common_name for line in report.waiting] == ["fresh.example.com"]
        first = report.next
        assert first is not None
        assert first - here.clock.now() < timedelta(minutes=6)
        here.advance(HOUR)
        report = await here.opened.schedule.run_due()
        assert len(here.asked()) <= 4
        assert report.next is not None
        assert timedelta(minutes=10) < report.next - here.clock.now() < timedelta(minutes=20)


async def test_without_an_account(paths: Paths) -> None:
    async with workspace(paths) as opened:
        assert await opened.schedule.next_due() is None
        with pytest.raises(NotLinked):
            await opened.schedule.run_due()
        assert (await opened.schedule.state()).words == "automatic renewal is off"
        await until(lambda: not opened.running)


async def test_a_certificate_is_told_of_until_somebody_heard(
    paths: Paths, small: SandboxServer, tmp_path: Path
) -> None:
    """A hook that fails is run again at the next run, for a day; where a run's time is over, the next one goes on."""
    heard = tmp_path / "heard"
    hook = tmp_path / "hook"
    hook.write_text(f'#!/bin/sh\ntest -e "{tmp_path}/down" && exit 1\necho "$KMPTUI_COMMON_NAME" >> "{heard}"\n')
    hook.chmod(0o700)
    async with site(paths, small) as here:
        await here.opened.change_settings(hook=str(hook))
        await here.opened.schedule.run_due()  # from now on what comes is news
        names = ["a1.example.com", "b1.example.com", "c1.example.com"]
        for name in names:
            await here.opened.ordering.place(request(name))
        here.advance(HOUR)
        (tmp_path / "down").touch()
        await here.opened.schedule.run_due()
        assert not heard.exists()
        (tmp_path / "down").unlink()
        here.advance(HOUR)
        await here.opened.schedule.run_due(deadline=0)
        assert len(heard.read_text().split()) == 1, "one at least, however late it is"
        here.advance(HOUR)
        await here.opened.schedule.run_due()
        assert sorted(heard.read_text().split()) == names
        here.advance(HOUR)
        await here.opened.schedule.run_due()
        assert sorted(heard.read_text().split()) == names, "each once"


async def test_many_are_chosen_in_batches(paths: Paths, small: SandboxServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(renewals, "BATCH", 2)
    async with site(paths, small) as here:
        ids = [await here.id(name) for name in (*DUE, "www.example.com", "past.example.com")]
        assert await here.opened.renewal.select(ids) == 5
        assert len(await rows(here.opened, Topic.ORDERS, "renew:yes")) == 5
        (told_of,) = await here.audit("auto-renewal")
        assert "and 2 more" in told_of.subject
        with pytest.raises(NotFound):
            await here.opened.renewal.deselect([*ids, 99_999])
        assert len(await rows(here.opened, Topic.ORDERS, "renew:yes")) == 5, "all or none"
