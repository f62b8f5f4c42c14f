"""Check order status: what SCM says now, and what is issued comes in, with its key proved."""

from __future__ import annotations

import pytest

from kmptui.config import Paths
from kmptui.domain.certificate import CertificateStatus, Source
from kmptui.domain.order import Hold, Ledger
from kmptui.errors import Full, ScmGarbled, Unconfirmed, Unreachable, WrongLogin
from kmptui.sandbox.server import SandboxServer
from kmptui.services.collecting import OtherKey, read_certificate
from kmptui.services.importing import ImportOptions
from kmptui.store import certificates, ledger
from kmptui.store.schedule import Body
from tests.sandbox_fixtures import SandboxFactory
from tests.services.rig import Rig, opened, request


async def placed(rig: Rig, name: str = "a1.example.com", **members: object) -> int:
    order_id = (await rig.ordering.place(request(name, **members))).order_id
    assert order_id is not None
    return order_id


async def test_waiting_issued_collected(paths: Paths, sandbox: SandboxServer) -> None:
    async with opened(paths, sandbox) as rig:
        sandbox.control("organizations/7101", {"approval": True})
        order_id = await placed(rig)
        (line,) = (await rig.checking.check()).lines
        assert (line.outcome, line.after) == ("waiting", "requested")
        assert "requested since" in line.words
        ssl_id = (await rig.store.read(ledger.order, order_id)).ssl_id
        sandbox.control(f"orders/{ssl_id}/approve", {})
        rig.advance(3_600)
        (line,) = (await rig.checking.check()).lines
        assert (line.outcome, line.before, line.after) == ("collected", "requested", "issued")
        order = await rig.store.read(ledger.order, order_id)
        assert order.checked is not None
        row = (await rig.store.read(certificates.certificate, order.row.certificate_id or 0)).row
        assert (row.source, row.has_key) == (Source.ORDERED, True)
        assert (await rig.checking.check()).lines == ()
        (again,) = (await rig.checking.check([order_id])).lines
        assert (again.outcome, again.before, again.after) == ("unchanged", "issued", "issued")


async def test_declined_is_closed(paths: Paths, sandbox: SandboxServer) -> None:
    async with opened(paths, sandbox) as rig:
        sandbox.control("organizations/7101", {"approval": True})
        order_id = await placed(rig)
        ssl_id = (await rig.store.read(ledger.order, order_id)).ssl_id
        sandbox.control(f"orders/{ssl_id}/decline", {})
        (line,) = (await rig.checking.check()).lines
        assert (line.outcome, line.after) == ("closed", "declined")
        assert (await rig.checking.check()).lines == ()


async def test_one_that_fails_does_not_stop_the_others(paths: Paths, sandbox: SandboxServer) -> None:
    async with opened(paths, sandbox) as rig:
        ids = [await placed(rig, f"n{number}.example.com") for number in range(4)]
        rig.advance(3_600)
        first = await rig.store.read(ledger.order, ids[0])
        sandbox.control(f"orders/{ids and first.ssl_id}/delete", {})
        second = await rig.store.read(ledger.order, ids[1])
        rig.fault("garbage-types", f"GET /ssl/v1/collect/{second.ssl_id}", count=-1)
        report = await rig.checking.check([*ids, 9_999])
        outcomes = {line.order_id: line.outcome for line in report.lines}
        assert outcomes == {
            ids[0]: "failed",
            ids[1]: "failed",
            ids[2]: "collected",
            ids[3]: "collected",
            9_999: "failed",
        }
        assert report.count("failed") == 3
        assert (await rig.store.read(ledger.order, ids[0])).problem_code == -124
        assert (await rig.store.read(ledger.order, ids[1])).row.hold is Hold.FAILED
        rig.sandbox.control("faults", method="DELETE")
        (line,) = (await rig.checking.check([ids[1]])).lines
        assert line.outcome == "collected"
        assert (await rig.store.read(ledger.order, ids[1])).problem == ""


async def test_pending_at_collect_waits(paths: Paths, sandbox: SandboxServer) -> None:
    async with opened(paths, sandbox) as rig:
        order_id = await placed(rig)
        rig.advance(3_600)
        body = {"code": -183, "description": "not collectable"}
        rig.fault("status", "GET /ssl/v1/collect/", status=400, body=body)
        (line,) = (await rig.checking.check([order_id])).lines
        assert line.outcome == "waiting"
        (line,) = (await rig.checking.check([order_id])).lines
        assert line.outcome == "collected"


async def test_the_limit_holds_an_order_and_lets_it_in_later(paths: Paths, sandbox: SandboxServer) -> None:
    async with opened(paths, sandbox, certificate_limit=1) as rig:
        first, second = await placed(rig, "a1.example.com"), await placed(rig, "b1.example.com")
        rig.advance(3_600)
        await rig.checking.check([first])
        (line,) = (await rig.checking.check([second])).lines
        assert (line.outcome, line.words) == ("not added", "issued, not added: limit 1 of 1")
        order = await rig.store.read(ledger.order, second)
        assert (order.row.state, order.row.hold) == ("issued, not added", Hold.LIMIT)
        assert (await rig.ordering.follow(second, lambda _: None)).row.hold is Hold.LIMIT
        assert (await rig.checking.check()).count("collected") == 0
        (row,) = [row for row in await rig.audit("collect") if row.order_id == second]
        assert (row.outcome, row.reason) == ("not added", line.words)
        third = await placed(rig, "c1.example.com")
        rig.advance(3_600)
        assert (await rig.checking.check()).count("not added") == 1  # by the queue, without fetching it
        (row,) = [row for row in await rig.audit("collect") if row.order_id == third]
        assert (row.outcome, row.reason) == ("not added", line.words)
        rig.settings(certificate_limit=3)
        report = await rig.checking.check()
        assert {(line.order_id, line.outcome) for line in report.lines} == {(second, "collected"), (third, "collected")}
        assert (await rig.store.read(ledger.order, second)).row.state == "issued"


async def test_no_room_on_the_disk_loses_nothing(
    paths: Paths, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> int:
        raise Full("The disk is full")

    async with opened(paths, sandbox) as rig:
        order_id = await placed(rig)
        rig.advance(3_600)
        monkeypatch.setattr(certificates, "add", full)
        with pytest.raises(Full):
            await rig.checking.check([order_id])
        assert (await rig.store.read(ledger.order, order_id)).row.state == "issued, not added"
        monkeypatch.undo()
        assert (await rig.checking.check()).count("collected") == 1


async def test_unconfirmed_ones_are_looked_for_first(paths: Paths, sandbox: SandboxServer) -> None:
    async with opened(paths, sandbox) as rig:
        rig.fault("drop-after", "POST /ssl/v1/enroll")
        with pytest.raises(Unconfirmed):
            await placed(rig)
        rig.advance(3_600)
        report = await rig.checking.check()
        assert report.lines[0].before == "unconfirmed"
        assert (await rig.ordering.unconfirmed()) == ()
        order = await rig.store.read(ledger.order, report.lines[0].order_id)
        assert order.row.ledger is Ledger.ACCEPTED
        assert order.row.certificate_id is not None


async def test_reissued_elsewhere_comes_in_without_a_key(paths: Paths, sandbox: SandboxServer) -> None:
    async with opened(paths, sandbox) as rig:
        order_id = await placed(rig)
        rig.advance(3_600)
        await rig.checking.check([order_id])
        ssl_id = (await rig.store.read(ledger.order, order_id)).ssl_id
        sandbox.control(f"orders/{ssl_id}/reissue", {})
        rig.advance(3_600)
        (line,) = (await rig.checking.check([order_id])).lines
        assert line.outcome == "collected"
        newest, former = await rig.store.read(certificates.of_order, order_id)
        assert (newest.has_key, newest.source) == (False, Source.IMPORTED)
        assert former.has_key
        assert former.status(rig.clock.now()) is CertificateStatus.SUPERSEDED


async def test_revoked_elsewhere_marks_the_certificate(paths: Paths, sandbox: SandboxServer) -> None:
    async with opened(paths, sandbox) as rig:
        order_id = await placed(rig)
        rig.advance(3_600)
        await rig.checking.check([order_id])
        ssl_id = (await rig.store.read(ledger.order, order_id)).ssl_id
        sandbox.control(f"orders/{ssl_id}/revoke", {})
        (line,) = (await rig.checking.check([order_id])).lines
        assert (line.outcome, line.after) == ("closed", "revoked")
        (row,) = await rig.store.read(certificates.of_order, order_id)
        assert row.revoked


async def test_refused_credentials_stop_all(paths: Paths, sandbox: SandboxServer) -> None:
    async with opened(paths, sandbox, concurrency=1) as rig:
        ids = [await placed(rig, f"n{number}.example.com") for number in range(3)]
        sandbox.control(f"admins/{sandbox.login}", {"password": "Another-Password-1"})
        before = len(rig.requests())
        with pytest.raises(WrongLogin):
            await rig.checking.check(ids)
        assert len(rig.requests()) == before + 1


async def test_nothing_could_be_asked(paths: Paths, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch) -> None:
    from kmptui.scm.orders import Orders

    async def unreachable(self: Orders, ssl_id: int) -> object:
        raise Unreachable("SCM cannot be reached")

    monkeypatch.setattr(Orders, "details", unreachable)
    async with opened(paths, sandbox) as rig:
        order_id = await placed(rig)
        with pytest.raises(Unreachable):
            await rig.checking.check([order_id])
        assert (await rig.store.read(ledger.order, order_id)).row.ledger is Ledger.ACCEPTED


@pytest.mark.parametrize("chain", [{"root": False}, {"cross": True}, {"crlf": True}, {"root": True, "cross": True}])
async def test_chains_come_in_every_shape(
    paths: Paths, sandbox_factory: SandboxFactory, chain: dict[str, bool]
) -> None:
    sandbox = sandbox_factory(certificates=0)
    sandbox.control("settings", {"chain": chain})
    async with opened(paths, sandbox) as rig:
        order_id = await placed(rig)
        rig.advance(3_600)
        (line,) = (await rig.checking.check([order_id])).lines
        assert line.outcome == "collected"
        order = await rig.store.read(ledger.order, order_id)
        held = await rig.store.read(certificates.certificate, order.row.certificate_id or 0)
        assert held.spki == order.spki
        assert held.chain


async def test_imported_ones_are_checked_too(paths: Paths, sandbox: SandboxServer) -> None:
    async with opened(paths, sandbox) as rig:
        await rig.importing.run(ImportOptions())
        report = await rig.checking.check()
        assert report.count("failed") == 0
        assert report.count("collected") > 100
        assert report.count("waiting") > 0
        again = await rig.checking.check()
        assert again.count("collected") == 0
        assert again.count("waiting") == report.count("waiting")


async def test_a_certificate_is_told_by_its_key(paths: Paths, sandbox: SandboxServer) -> None:
    async with opened(paths, sandbox) as rig:
        order_id = await placed(rig)
        rig.advance(3_600)
        order = await rig.store.read(ledger.order, order_id)
        client = await rig.engine.client()
        data = await client.collect(order.ssl_id or 0)
        body = Body(order_id, order.ssl_id or 0, order.common_name, "", order.spki, 0, False)
        assert read_certificate(data, body).spki == order.spki
        with pytest.raises(OtherKey):
            read_certificate(data, Body(order_id, 1, "x", "", "00" * 32, 0, False))
        with pytest.raises(ScmGarbled):
            read_certificate(b"<html>", body)
