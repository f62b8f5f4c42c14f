"""Sync of the orders: what is known is renewed whatever was imported last; what is new comes in as it did then."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from kmptui.config import Paths
from kmptui.domain.listing import Topic
from kmptui.domain.order import RemoteOrder
from kmptui.sandbox.server import SandboxServer
from kmptui.services.choosing import by_options, for_refresh
from kmptui.services.importing import ImportOptions
from tests.services.homes import actions, asked, linked, rows
from tests.services.rig import request

TODAY = date(2026, 11, 23)
REMOTES = (
    RemoteOrder(1, "www.example.edu", status="Issued", organization_id=7, expires=TODAY + timedelta(days=5)),
    RemoteOrder(2, "WWW.example.org", status="Requested", organization_id=8),
    RemoteOrder(3, "mail.example.org", status="Revoked", organization_id=9, expires=TODAY - timedelta(days=1)),
    RemoteOrder(4, "pay.example.org", status="Downloaded", organization_id=9, expires=TODAY + timedelta(days=50)),
    RemoteOrder(0, "www.nowhere.example", status="Issued", organization_id=7),
)


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        (ImportOptions(), {1, 2, 3, 4}),
        (ImportOptions(common_name="WWW"), {1, 2}),
        (ImportOptions(expires_within=5), {1}),
        (ImportOptions(expires_within=4), set()),
    ],
)
def test_what_an_import_takes_in(options: ImportOptions, wanted: set[int]) -> None:
    assert {one.ssl_id for one in by_options(options, TODAY)(REMOTES)} == wanted


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        (None, set()),
        (ImportOptions(), {1, 2, 3, 4}),
        (ImportOptions(status="issued"), {1, 4}),
        (ImportOptions(status="requested"), {2}),
        (ImportOptions(status="revoked"), {3}),
        (ImportOptions(organization_id=8), {2, 3, 4}),
        (ImportOptions(organization_id=8, status="issued", expires_within=60), {4}),
    ],
)
def test_what_a_refresh_takes_in(options: ImportOptions | None, wanted: set[int]) -> None:
    """9 is a department of 8."""
    choose = for_refresh((), options, {8, 9}, TODAY)
    assert {one.ssl_id for one in choose(REMOTES)} == wanted
    known = for_refresh({2, 3}, options, {8, 9}, TODAY)
    assert {one.ssl_id for one in known(REMOTES)} == wanted | {2, 3}


async def test_before_any_import_only_what_is_known(paths: Paths, sandbox: SandboxServer) -> None:
    async with linked(paths, sandbox, mirrored=True) as opened:
        order = await opened.ordering.place(request("mine.example.com"))
        sandbox.control(f"orders/{order.ssl_id}/issue", {})
        report = await opened.mirror.sync([Topic.ORDERS])
        (row,) = await rows(opened, Topic.ORDERS)
        assert row.common_name == "mine.example.com"
        assert row.status == "Issued"
        assert report.counts[0].new == 0
        assert any("orders import" in words for words in report.warnings)
        assert "import" not in await actions(opened)
        assert await opened.importing.last_options() == ImportOptions()


async def test_after_a_narrow_import(paths: Paths, sandbox: SandboxServer) -> None:
    """What was issued then and is revoked now is still renewed; what is new comes in where it is asked for."""
    async with linked(paths, sandbox, mirrored=True) as opened:
        await opened.importing.run(ImportOptions(status="issued"))
        before = {row.ssl_id: row for row in await rows(opened, Topic.ORDERS)}
        assert {row.status for row in before.values()} == {"Issued"}
        gone = next(iter(before))
        sandbox.control(f"orders/{gone}/revoke", {})
        issued = sandbox.control("orders", {"commonName": "fresh.example.com"})
        sandbox.control(f"orders/{issued['id']}/issue", {})
        sandbox.control("orders", {"commonName": "not-yet.example.com"})
        sent = len(asked(sandbox))
        report = await opened.mirror.sync([Topic.ORDERS])
        assert len(asked(sandbox)) - sent <= 3
        after = {row.ssl_id: row for row in await rows(opened, Topic.ORDERS)}
        assert after.keys() - before.keys() == {issued["id"]}
        assert after[gone].status == "Revoked"
        assert report.counts[0].new == 1
        assert await opened.importing.last_options() == ImportOptions(status="issued")
        again = await opened.mirror.sync([Topic.ORDERS])
        assert (again.counts[0].new, again.counts[0].changed) == (0, 0)


async def test_what_was_deleted_here_stays_so(paths: Paths, sandbox: SandboxServer) -> None:
    async with linked(paths, sandbox, mirrored=True) as opened:
        await opened.importing.run(ImportOptions())
        first = (await rows(opened, Topic.ORDERS))[0]
        await opened.repository.delete_orders([first.id])
        await opened.mirror.sync([Topic.ORDERS])
        assert first.id not in {row.id for row in await rows(opened, Topic.ORDERS)}
        assert await opened.mirror.age(Topic.ORDERS) is not None
