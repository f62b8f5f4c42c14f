"""What somebody did in SCM's console between two syncs, found by the real ways: reports, checks, the mirror."""

from __future__ import annotations

import pytest

from kmptui.config import Paths
from kmptui.domain.listing import Topic
from kmptui.errors import NotFound
from kmptui.sandbox.server import SandboxServer
from kmptui.services.importing import ImportOptions
from kmptui.services.workspace import Workspace
from tests.sandbox_fixtures import SandboxFactory
from tests.services.homes import actions, linked, rows
from tests.services.rig import request


def order(sandbox: SandboxServer, at: int = 0) -> dict:
    """One that is issued and ends last, or nearly so."""
    issued = sorted(sandbox.control("orders?status=Issued"), key=lambda one: (one["expires"], one["id"]))
    return issued[-1 - at]


async def kinds(opened: Workspace, *, seen: bool = False) -> list[str]:
    return sorted(change.kind for change in await opened.changes.list(seen=seen))


@pytest.fixture
def small(sandbox_factory: SandboxFactory) -> SandboxServer:
    return sandbox_factory(certificates=30, issue_after=0)


async def test_all_ways_lead_to_it(paths: Paths, small: SandboxServer) -> None:
    """A sync of orders, a check of one, a sync of profiles; and each is told once, however often one looks."""
    async with linked(paths, small, mirrored=True) as opened:
        await opened.importing.run(ImportOptions())
        await opened.mirror.sync([Topic.ORDERS, Topic.PROFILES])
        assert await kinds(opened) == []
        revoked, reissued, renewed = order(small), order(small, 1), order(small, 2)
        small.control(f"orders/{revoked['id']}/revoke", {})
        (known,) = [row for row in await rows(opened, Topic.ORDERS) if row.ssl_id == revoked["id"]]
        await opened.checking.check([known.id])
        assert await kinds(opened) == ["revoked"]
        small.control(f"orders/{reissued['id']}/reissue", {})
        small.control(f"orders/{renewed['id']}/renew", {})
        small.control("orders", {"commonName": "brand.example.com"})
        small.control("profiles/2103", {"terms": [90]})
        for _ in range(2):
            await opened.mirror.sync([Topic.ORDERS, Topic.PROFILES])
            assert await kinds(opened) == ["changed", "new", "reissued", "renewed", "revoked"]
        by_kind = {change.kind: change for change in await opened.changes.list()}
        assert by_kind["revoked"].before.startswith("issued")
        assert by_kind["revoked"].after.startswith("revoked on")
        assert by_kind["reissued"].before != by_kind["reissued"].after
        assert by_kind["renewed"].subject == renewed["common_name"]
        assert by_kind["new"].subject == "brand.example.com"
        assert "90" in by_kind["changed"].after


async def test_acknowledged_by_one_and_by_all(paths: Paths, small: SandboxServer) -> None:
    async with linked(paths, small, mirrored=True) as opened:
        await opened.importing.run(ImportOptions())
        small.control(f"orders/{order(small)['id']}/revoke", {})
        small.control("profiles/2103", {"terms": [90]})
        await opened.mirror.sync([Topic.ORDERS, Topic.PROFILES])
        (profile,) = [change for change in await opened.changes.list() if change.topic is Topic.PROFILES]
        status = {row.id: row.status for row in await rows(opened, Topic.PROFILES)}
        assert status[2103] == "changed"
        assert await opened.changes.acknowledge([profile.id]) == 1
        status = {row.id: row.status for row in await rows(opened, Topic.PROFILES)}
        assert status[2103] == "usable"
        assert await kinds(opened) == ["revoked"]
        assert await opened.changes.acknowledge() == 1
        assert await opened.changes.acknowledge() == 0
        assert await kinds(opened) == []
        assert await kinds(opened, seen=True) == ["changed", "revoked"]
        assert (await actions(opened)).count("acknowledge") == 2
        with pytest.raises(NotFound):
            await opened.changes.acknowledge([99])


async def test_our_own_orders_are_none(paths: Paths, small: SandboxServer) -> None:
    async with linked(paths, small, mirrored=True) as opened:
        await opened.importing.run(ImportOptions())
        placed = await opened.ordering.place(request("mine.example.com"))
        await opened.checking.check([placed.order_id])
        await opened.mirror.sync([Topic.ORDERS])
        assert await kinds(opened) == []


async def test_one_that_vanished(paths: Paths, small: SandboxServer) -> None:
    async with linked(paths, small, mirrored=True) as opened:
        await opened.importing.run(ImportOptions())
        gone = order(small)
        small.control(f"orders/{gone['id']}/delete", {})
        await opened.mirror.sync([Topic.ORDERS])
        (change,) = await opened.changes.list()
        assert (change.kind, change.subject) == ("vanished", gone["common_name"])
