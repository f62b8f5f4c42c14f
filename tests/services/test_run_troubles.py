"""What goes wrong with one order, or with a list that only helps, ends no run; and what ends one is in its report."""

from __future__ import annotations

import pytest

from kmptui.config import Paths
from kmptui.domain.renewal import Verdict
from kmptui.sandbox.server import SandboxServer
from kmptui.services import scm_renews
from kmptui.services.rights import PRIVILEGES
from tests.sandbox_fixtures import SandboxFactory
from tests.services.rig import request
from tests.services.test_schedule import DAY, DUE, HOUR, site, told

NOT_ALLOWED = {"status": 403, "body": {"code": -37, "description": "not authorized"}}


@pytest.fixture
def small(sandbox_factory: SandboxFactory) -> SandboxServer:
    return sandbox_factory(certificates=48)


async def test_an_account_that_may_not_renew_says_so(paths: Paths, small: SandboxServer) -> None:
    small.control("admins/raossl-api", {"privileges": sorted(set(PRIVILEGES.values()) - {PRIVILEGES["renew"]})})
    async with site(paths, small, login="raossl-api") as here:
        await here.opened.renewal.add_rule("name", "*")
        here.advance(200 * HOUR)
        report = await here.opened.schedule.run_due()
        lines = [line for line in report.blocked if "sslRenew is missing" in line.words]
        assert lines
        assert {line.common_name for line in lines} <= {row.subject for row in await here.audit()}
        assert here.orders() == []


@pytest.mark.parametrize(
    "fault",
    [{"kind": "html"}, {"kind": "garbage-types"}, {"kind": "status"} | NOT_ALLOWED,
     {"kind": "status", "status": 400, "body": {"code": -7, "description": "no such filter"}}],
    ids=["html", "garbled", "not allowed", "refused"],
)  # fmt: skip
async def test_scm_does_not_list_what_it_renews(paths: Paths, small: SandboxServer, fault: dict[str, object]) -> None:
    """Told, and the renewals go on: each order is read before it is sent."""
    async with site(paths, small) as here:
        started = f"orders/{(await here.row(DUE[1])).ssl_id}/auto-renew"
        small.control(started, {"state": "Started"})
        await here.choose(*DUE)
        small.control("faults", fault | {"match": "GET /ssl/v1\\?.*renewalStatus", "count": -1})
        report = await here.opened.schedule.run_due()
        assert here.orders() == sorted({*DUE} - {DUE[1]})
        assert report.failed == ()
        assert any("could not be listed" in line.words for line in report.deferred)


async def test_a_filter_that_is_not_heeded_marks_nothing(
    paths: Paths, small: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every order in each of the lists: none of them is taken as one that SCM renews."""
    async with site(paths, small) as here:
        await here.choose(*DUE)
        client = await here.opened._engine.client()
        whole = client.list_orders

        async def unfiltered(position: int, size: int, **_: str) -> object:
            return await whole(position, size)

        monkeypatch.setattr(client, "list_orders", unfiltered)
        report = await here.opened.schedule.run_due()
        assert told(report)["done"] == sorted(DUE)
        assert any("does not heed the filter" in line.words for line in report.deferred)


async def test_pages_that_bring_nothing_new_end_the_list(
    paths: Paths, small: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that ignores the position and tells no count."""
    async with site(paths, small) as here:
        client = await here.opened._engine.client()
        whole = client.list_orders
        asked = []

        async def stuck(position: int, size: int, renewalStatus: str) -> object:
            asked.append(position)
            page = await whole(0, 5)
            return type(page)(page.rows if renewalStatus == "Started" else (), None)

        monkeypatch.setattr(client, "list_orders", stuck)
        assert set((await scm_renews.states(client)).values()) == {"Started"}
        assert len(asked) == 3


async def test_one_order_that_is_not_ours_to_see_keeps_no_other(paths: Paths, sandbox_factory: SandboxFactory) -> None:
    """Its own line says so; the others are collected, and the account goes on."""
    sandbox = sandbox_factory(certificates=48, issue_after=600)
    names = [f"n{number}.example.com" for number in range(3)]
    async with site(paths, sandbox) as here:
        for name in names:
            await here.opened.ordering.place(request(name))
        here.advance(HOUR)
        ssl_id = (await here.row(names[0])).ssl_id
        sandbox.control("faults", {"kind": "status", "match": f"GET /ssl/v1/{ssl_id}", "count": -1} | NOT_ALLOWED)
        report = await here.opened.schedule.run_due()
        collected = {line.common_name for line in report.done if line.certificate_id is not None}
        assert collected == set(names[1:])
        (line,) = [line for line in report.deferred if line.common_name == names[0]]
        assert "not authorized" in line.words
        sandbox.control("faults", method="DELETE")
        sandbox.control("faults", {"kind": "status", "match": f"GET /ssl/v1/collect/{ssl_id}"} | NOT_ALLOWED)
        (line,) = (await here.opened.checking.check([await here.id(names[0])])).lines
        assert (line.outcome, "not authorized" in line.words) == ("failed", True)


async def test_one_lost_order_that_is_not_ours_to_see_keeps_no_other(paths: Paths, small: SandboxServer) -> None:
    async with site(paths, small) as here:
        await here.choose(*DUE[:2])
        ids = [(await here.row(name)).ssl_id for name in DUE[:2]]
        small.control("faults", {"kind": "drop-after", "match": "POST /ssl/v1/renewById", "count": 2})
        assert told(await here.opened.schedule.run_due()) == {"waiting": sorted(DUE[:2])}
        small.control("faults", {"kind": "status", "match": f"GET /ssl/v1/{ids[0]}", "count": -1} | NOT_ALLOWED)
        here.advance(HOUR)
        report = await here.opened.schedule.run_due()
        assert any(line.common_name == DUE[1] for line in report.done)
        assert any("not authorized" in line.words for line in report.waiting if line.common_name == DUE[0])


async def test_one_renewed_elsewhere_that_cannot_be_read_keeps_no_other(paths: Paths, small: SandboxServer) -> None:
    async with site(paths, small, fetched=False) as here:
        await here.choose(*DUE[:2])
        olds = [await here.row(name) for name in DUE[:2]]
        here.advance(21 * HOUR)
        for old in olds:
            small.control(f"orders/{old.ssl_id}/renew", {})
        listed = f"GET /ssl/v1\\?.*commonName={DUE[0]}"
        small.control("faults", {"kind": "status", "match": listed, "count": -1} | NOT_ALLOWED)
        for _ in range(2):
            report = await here.opened.schedule.run_due()
            assert not any(line.job == "orders" for line in report.blocked)
            here.advance(DAY)
        assert (await here.row(DUE[1])).id != olds[1].id


async def test_a_maintenance_page_defers(paths: Paths, small: SandboxServer) -> None:
    """It comes with status 200, and passes by itself: no run fails for it, and each has a report."""
    async with site(paths, small) as here:
        await here.choose(*DUE)
        small.control("faults", {"kind": "html", "count": -1})
        report = await here.opened.schedule.run_due()
        assert (report.outcome, [line.job for line in report.deferred]) == ("deferred", ["schedule"])
        small.control("faults", method="DELETE")
        here.advance(HOUR)
        assert told(await here.opened.schedule.run_due()) == {"done": sorted(DUE)}


async def test_maintenance_amid_the_renewals_ends_the_run(paths: Paths, small: SandboxServer) -> None:
    """After three in a row the rest is left for later: it is not they."""
    async with site(paths, small) as here:
        await here.opened.renewal.add_rule("name", "*")
        plan = await here.opened.renewal.plan()
        assert sum(line.verdict is Verdict.DUE for line in plan) > 3
        small.control("faults", {"kind": "html", "match": "GET /ssl/v1/[0-9]", "count": -1})
        report = await here.opened.schedule.run_due()
        assert len([line for line in report.failed if line.job == "renewal"]) == 3
        assert [line.job for line in report.deferred] == ["schedule"]
        assert here.orders() == []
