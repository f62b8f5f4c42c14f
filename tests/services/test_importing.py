"""Existing orders come in by one report, counted against the server; their certificates follow, each once."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from kmptui.config import Paths
from kmptui.domain.listing import Query, Topic
from kmptui.domain.order import Hold, Ledger
from kmptui.errors import ScmGarbled, Unreachable, WrongLogin
from kmptui.sandbox.server import SandboxServer
from kmptui.services.importing import ImportOptions
from kmptui.services.reporting import Progress
from kmptui.store import certificates, ledger, listing, mirror, schedule
from tests.sandbox_fixtures import SandboxFactory
from tests.services.rig import Rig, opened

REPORT = "POST /api/report/v1/ssl-certificates"


async def rows(rig: Rig, text: str = "") -> list[Any]:
    query = Query(Topic.ORDERS, filter=text, view="all")
    return list((await rig.store.read(listing.window, query, 0, 10_000, rig.clock.now())).rows)


async def test_the_whole_inventory_by_one_report(paths: Paths, sandbox: SandboxServer) -> None:
    async with opened(paths, sandbox) as rig:
        before = len(rig.requests())
        forecast = await rig.importing.forecast(ImportOptions())
        heard: list[Progress] = []
        report = await rig.importing.run(ImportOptions(), heard.append)
        asked = rig.requests()[before:]
        assert asked.count(REPORT) == 1
        assert len(asked) <= 10
        assert forecast.orders == report.seen == report.server_count == report.new == len(await rows(rig))
        assert report.complete
        assert report.words.startswith("Import complete")
        assert heard[-1].done == heard[-1].total == report.seen
        assert report.to_fetch == await rig.importing.queued() > 0
        assert await rig.store.read(mirror.mirrored_at, Topic.ORDERS) is not None
        (entry,) = await rig.audit("import")
        assert entry.outcome == "done"
        again = await rig.importing.run(ImportOptions())
        assert (again.new, again.changed, again.same) == (0, 0, report.seen)


async def test_a_changed_order_is_updated(paths: Paths, sandbox: SandboxServer) -> None:
    async with opened(paths, sandbox) as rig:
        await rig.importing.run(ImportOptions())
        issued = next(row for row in await rows(rig) if row.status == "Issued")
        sandbox.control(f"orders/{issued.ssl_id}/revoke", {})
        again = await rig.importing.run(ImportOptions())
        assert (again.new, again.changed) == (0, 1)
        assert (await rig.store.read(ledger.order, issued.id)).row.state == "revoked"


@pytest.mark.parametrize("status", ["requested", "issued", "revoked", "expired"])
async def test_one_status_is_filtered_at_the_server(paths: Paths, sandbox: SandboxServer, status: str) -> None:
    async with opened(paths, sandbox) as rig:
        report = await rig.importing.run(ImportOptions(status=status))
        assert report.complete
        found = await rows(rig)
        assert {row.status.lower() for row in found} == {status}
        assert len(found) == report.seen == len(sandbox.control(f"orders?status={status.capitalize()}"))
        assert await rig.importing.last_options() == ImportOptions(status=status)


async def test_one_organization_with_its_departments(paths: Paths, sandbox: SandboxServer) -> None:
    async with opened(paths, sandbox) as rig:
        report = await rig.importing.run(ImportOptions(organization_id=7102))
        assert report.complete
        assert report.requests <= 10
        orders = [await rig.store.read(ledger.order, row.id) for row in await rows(rig)]
        assert {order.organization_id for order in orders} == {7102, 7121, 7122}


async def test_expiry_and_name_are_filtered_here(paths: Paths, sandbox: SandboxServer) -> None:
    async with opened(paths, sandbox) as rig:
        soon = await rig.importing.run(ImportOptions(expires_within=30))
        today = rig.clock.now().date()
        found = await rows(rig)
        assert soon.complete
        assert 0 < len(found) < soon.seen
        assert all(row.expires is not None and 0 <= (row.expires - today).days <= 30 for row in found)
        assert await rig.store.read(mirror.mirrored_at, Topic.ORDERS) is None
        named = await rig.importing.run(ImportOptions(common_name="SHOP"))
        assert named.new > 0
        assert all("shop" in row.common_name for row in await rows(rig) if row.id > len(found))


async def test_a_count_that_differs_is_asked_once_more(
    paths: Paths, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kmptui.scm.orders import Orders

    count, answers = Orders.count, [-1]

    async def differing(self: Orders, **filters: Any) -> int:
        return await count(self, **filters) + (answers.pop() if answers else 0)

    monkeypatch.setattr(Orders, "count", differing)
    async with opened(paths, sandbox) as rig:
        report = await rig.importing.run(ImportOptions())
        assert report.complete
        assert report.requests == 3
        answers += [5, 5]
        report = await rig.importing.run(ImportOptions())
        assert not report.complete
        assert report.words.startswith("Import incomplete")
        assert report.server_count == report.seen + 5
        assert [row.outcome for row in await rig.audit("import")] == ["done", "incomplete"]


@pytest.mark.parametrize("kind", ["truncate", "html", "garbage-types", "empty"])
async def test_half_an_answer_leaves_the_store_as_it_was(paths: Paths, sandbox: SandboxServer, kind: str) -> None:
    async with opened(paths, sandbox) as rig:
        rig.fault(kind, "POST /report/v1/ssl", count=-1)
        with pytest.raises((ScmGarbled, Unreachable)):
            await rig.importing.run(ImportOptions())
        assert await rows(rig) == []
        rig.sandbox.control("faults", method="DELETE")
        assert (await rig.importing.run(ImportOptions())).complete


async def test_odd_rows_come_in_with_their_reason(paths: Paths, sandbox: SandboxServer) -> None:
    async with opened(paths, sandbox) as rig:
        await rig.importing.run(ImportOptions())
        added = sandbox.control("orders/hostile", {})["added"]
        report = await rig.importing.run(ImportOptions())
        assert report.complete
        assert report.new == len(added)
        assert report.odd
        assert {ssl_id for ssl_id, _ in report.odd} <= set(added)
        assert all(words for _, words in report.odd)


async def test_deleted_here_stays_deleted_unless_asked(paths: Paths, sandbox: SandboxServer) -> None:
    async with opened(paths, sandbox) as rig:
        await rig.importing.run(ImportOptions())
        gone = (await rows(rig))[0]
        await rig.repository.delete_orders([gone.id])
        again = await rig.importing.run(ImportOptions())
        assert (again.new, again.kept_deleted) == (0, 1)
        assert gone.ssl_id not in {row.ssl_id for row in await rows(rig)}
        back = await rig.importing.run(ImportOptions(include_deleted=True))
        assert back.new == 1
        assert gone.ssl_id in {row.ssl_id for row in await rows(rig)}
        assert not (await rig.importing.last_options()).include_deleted


async def test_bodies_come_in_soonest_to_expire_first(paths: Paths, sandbox_factory: SandboxFactory) -> None:
    sandbox = sandbox_factory(certificates=60)
    async with opened(paths, sandbox) as rig:
        report = await rig.importing.run(ImportOptions())
        heard: list[Progress] = []
        fetched = await rig.importing.fetch(heard.append)
        assert fetched.fetched == report.to_fetch
        assert (fetched.left, fetched.held, fetched.failed) == (0, 0, ())
        assert heard[-1].done == heard[-1].total == report.to_fetch
        collected = len(rig.requests("/collect/"))
        assert collected == report.to_fetch
        assert (await rig.importing.fetch()).fetched == 0
        assert len(rig.requests("/collect/")) == collected
        for row in await rows(rig):
            issued = row.status == "Issued"
            assert (row.certificate_id is not None) == issued
            assert row.hold is Hold.NONE
        held = await rig.store.read(
            listing.window, Query(Topic.CERTIFICATES, sort="id", view="all"), 0, 1000, rig.clock.now()
        )
        first, last = held.rows[0], held.rows[-1]
        assert first.not_after <= last.not_after


async def test_the_limit_keeps_the_rest_out_and_lets_it_in_later(paths: Paths, sandbox_factory: SandboxFactory) -> None:
    async with opened(paths, sandbox_factory(certificates=60), certificate_limit=10) as rig:
        forecast = await rig.importing.forecast(ImportOptions())
        assert forecast.room == 10
        assert "room for 10 certificates" in forecast.words
        report = await rig.importing.run(ImportOptions())
        assert report.to_fetch == 10
        issued = sum(row.status == "Issued" for row in await rows(rig))
        assert report.held == issued - 10
        told: list[Progress] = []
        fetched = await rig.importing.fetch(told.append)
        assert (fetched.fetched, fetched.held, fetched.left) == (10, issued - 10, 0)
        assert [(one.done, one.total) for one in told] == [(10, 10)], "what the limit will hold back is not counted"
        assert len(rig.requests("/collect/")) == 10
        held = [row for row in await rows(rig) if row.hold is Hold.LIMIT]
        assert len(held) == issued - 10
        assert {row.state for row in held} == {"issued, not added"}
        assert (await rig.importing.fetch()).fetched == 0
        rig.settings(certificate_limit=15)
        told.clear()
        more = await rig.importing.fetch(told.append)
        assert (more.fetched, more.held) == (5, issued - 15)
        assert [(one.done, one.total) for one in told] == [(5, 5)]
        rig.settings(certificate_limit=0)
        assert (await rig.importing.fetch()).fetched == issued - 15
        assert await rig.store.read(certificates.limit_used, rig.clock.now()) == issued


async def test_a_stopped_fetch_goes_on_where_it_was(paths: Paths, sandbox_factory: SandboxFactory) -> None:
    sandbox = sandbox_factory(certificates=100)
    async with opened(paths, sandbox) as rig:
        report = await rig.importing.run(ImportOptions())
        assert report.to_fetch > 20
        sandbox.control("settings", {"latency_ms": 20})
        started = asyncio.Event()
        work = asyncio.create_task(rig.importing.fetch(lambda _: started.set()))
        await asyncio.wait_for(started.wait(), 60)
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work
        sandbox.control("settings", {"latency_ms": 0})
    async with opened(paths, sandbox) as rig:
        left = await rig.importing.queued()
        assert 0 < left < report.to_fetch or left == 0
        assert (await rig.importing.fetch()).fetched == left
        assert await rig.store.read(certificates.limit_used, rig.clock.now()) == report.to_fetch


async def test_one_that_fails_does_not_stop_the_others(paths: Paths, sandbox_factory: SandboxFactory) -> None:
    async with opened(paths, sandbox_factory(certificates=40)) as rig:
        report = await rig.importing.run(ImportOptions())
        (body, *_) = await rig.store.read(schedule.bodies, rig.clock.now())
        rig.fault("garbage-types", f"GET /ssl/v1/collect/{body.ssl_id}", count=-1)
        fetched = await rig.importing.fetch()
        assert fetched.fetched == report.to_fetch - 1
        ((order_id, words),) = fetched.failed
        assert order_id == body.order_id
        assert words
        assert fetched.left == 1
        order = await rig.store.read(ledger.order, order_id)
        assert order.row.hold is Hold.FAILED
        assert (await rig.importing.fetch()).fetched == 0  # not before its pause is over
        rig.sandbox.control("faults", method="DELETE")
        rig.advance(301)
        assert (await rig.importing.fetch()).fetched == 1


async def test_an_outage_ends_the_run_and_keeps_the_queue(
    paths: Paths, sandbox_factory: SandboxFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kmptui.scm.orders import Orders

    async def unreachable(self: Orders, ssl_id: int, format: str = "x509") -> bytes:  # noqa: A002
        raise Unreachable("SCM cannot be reached")

    monkeypatch.setattr(Orders, "collect", unreachable)
    async with opened(paths, sandbox_factory(certificates=40)) as rig:
        report = await rig.importing.run(ImportOptions())
        with pytest.raises(Unreachable):
            await rig.importing.fetch()
        assert await rig.importing.queued() == report.to_fetch
        monkeypatch.undo()
        await rig.engine.disconnect()
        rig.advance(301)
        assert (await rig.importing.fetch()).fetched == report.to_fetch


async def test_refused_credentials_stop_the_fetch_at_once(paths: Paths, sandbox_factory: SandboxFactory) -> None:
    sandbox = sandbox_factory(certificates=60)
    async with opened(paths, sandbox, concurrency=2) as rig:
        report = await rig.importing.run(ImportOptions())
        sandbox.control(f"admins/{sandbox.login}", {"password": "Another-Password-1"})
        with pytest.raises(WrongLogin):
            await rig.importing.fetch()
        assert len(rig.requests("/collect/")) <= 2
        with pytest.raises(WrongLogin):
            await rig.importing.fetch()
        assert len(rig.requests("/collect/")) <= 2
        assert await rig.importing.queued() == report.to_fetch
        assert all(row.ledger is Ledger.ACCEPTED for row in await rows(rig))
