"""Cancel, decline, approve: once, while the request waits; looked at before and after; told with the way out."""

from __future__ import annotations

from typing import Any

import pytest

from kmptui.config import Paths
from kmptui.domain.keys import KeySpec
from kmptui.domain.order import NewKey, Order
from kmptui.errors import BadInput, HeldElsewhere, ReadOnly, StateForbids, Unconfirmed
from kmptui.sandbox.server import SandboxServer
from kmptui.services.importing import ImportOptions
from kmptui.store import ledger
from tests.sandbox_fixtures import SandboxFactory
from tests.services.homes import linked
from tests.services.rig import Rig, opened, request

FACULTY = 7121
"""Its orders wait for approval."""
EV: dict[str, Any] = {"profile_id": 2105, "term": 199, "key": NewKey(KeySpec("EC", "P-256"))}


@pytest.fixture
def sandbox(sandbox_factory: SandboxFactory) -> SandboxServer:
    return sandbox_factory(certificates=2, issue_after=3600)


async def waiting(rig: Rig, name: str = "q1.lab.example.edu", **members: Any) -> Order:
    """An order of ours that waits for approval."""
    base: dict[str, Any] = {"organization_id": FACULTY}
    placed = await rig.ordering.place(request(name, **(base | members)))
    await rig.checking.check([placed.order_id or 0])
    return await order(rig, placed.order_id)


async def others(rig: Rig, *names: str, **members: Any) -> list[Order]:
    """Requests of a colleague's, taken in."""
    made = [rig.sandbox.control("orders", {"commonName": name, "orgId": FACULTY} | members)["id"] for name in names]
    await rig.importing.run(ImportOptions())
    found = [await rig.store.read(ledger.order_by_ssl_id, ssl_id) for ssl_id in made]
    return [one for one in found if one is not None]


async def order(rig: Rig, order_id: int | None) -> Order:
    return await rig.store.read(ledger.order, order_id or 0)


async def test_cancel_while_it_waits(paths: Paths, sandbox: SandboxServer) -> None:
    async with opened(paths, sandbox) as rig:
        own = await waiting(rig)
        assert rig.deciding.why_not(own, "cancel") == ""
        for message in ("", "x" * 513):
            with pytest.raises(BadInput):
                await rig.deciding.cancel([own.id], message)
        (done,) = await rig.deciding.cancel([own.id], "ordered twice")
        assert (done.ok, done.words) == (True, "cancelled; it is declined now")
        there = sandbox.control(f"orders/{own.ssl_id}")
        assert (there["status"], there["decision"]) == ("Declined", "ordered twice")
        assert (await order(rig, own.id)).row.state == "declined"
        rows = await rig.audit("cancel")
        assert [(row.phase, row.outcome) for row in rows] == [("intent", "prepared"), ("outcome", "accepted")]
        assert dict(rows[0].details)["message"] == "ordered twice"
        (again,) = await rig.deciding.cancel([own.id], "once more")
        assert (again.ok, type(again.error)) == (False, StateForbids)
        assert "declined already" in again.words
        assert len(rig.requests("/decline/")) == 1


async def test_no_cancel_later_and_the_way_out(paths: Paths, sandbox: SandboxServer) -> None:
    """With the CA: its support, with the order number; issued: revoke. Also where it moved on unseen."""
    async with opened(paths, sandbox) as rig:
        placed = await rig.ordering.place(request("applied.example.com"))
        rig.advance(1800)
        (line,) = await rig.deciding.cancel([placed.order_id or 0], "too late")
        here = await order(rig, placed.order_id)
        assert here.order_number != ""
        assert here.order_number in line.words
        assert "no cancel any more" in line.words
        assert line.words == f"o{here.id} is not cancelled: {rig.deciding.why_not(here, 'cancel')}"
        rig.advance(3600)
        await rig.checking.check([here.id])
        assert f"kmptui orders revoke o{here.id}" in rig.deciding.why_not(await order(rig, here.id), "cancel")
        (unseen,) = await others(rig, "unseen.lab.example.edu")
        sandbox.control(f"orders/{unseen.ssl_id}/approve", {"as": "ops-api"})
        (line,) = await rig.deciding.decline([unseen.id], "no")
        assert isinstance(line.error, StateForbids)
        assert rig.requests("/decline/") == []


async def test_several_of_others(paths: Paths, sandbox: SandboxServer) -> None:
    """Each has its own outcome; one that another process works on does not keep the others."""
    async with opened(paths, sandbox) as rig:
        one, two, three = await others(rig, *(f"r{number}.lab.example.edu" for number in (1, 2, 3)))
        async with rig.claiming.hold(two.common_name):
            told = await rig.deciding.approve([one.id, two.id, three.id, one.id, 999], "fine")
        assert [line.ok for line in told] == [True, False, True, False]
        assert isinstance(told[1].error, HeldElsewhere)
        assert sandbox.control(f"orders/{one.ssl_id}")["decision"] == "fine"
        assert (await order(rig, one.id)).row.state == "approved"
        (line,) = await rig.deciding.decline([two.id], "not ours")
        assert line.ok
        assert {row.action for row in await rig.audit() if row.order_id == two.id} == {"decline"}
        assert "only a request that waits" in rig.deciding.why_not(await order(rig, one.id), "approve")
        with pytest.raises(BadInput):
            await rig.deciding.approve(range(501), "fine")


async def test_four_eyes(paths: Paths, sandbox: SandboxServer) -> None:
    """One's own EV order is not even sent to be approved; a colleague's is approved."""
    async with opened(paths, sandbox) as rig:
        own = await waiting(rig, "ev.example.com", organization_id=7101, **EV)
        assert "another person" in rig.deciding.why_not(own, "approve")
        assert rig.deciding.why_not(own, "cancel") == ""
        ours = {"commonName": "ev2.example.com", "orgId": 7101, "certType": 2105}
        (console,) = await others(rig, "ev2.example.com", **(ours | {"as": "ops-api"}))
        assert rig.deciding.why_not(console, "approve") == ""  # it was not ordered from here
        (line,) = await rig.deciding.approve([console.id], "fine")
        assert isinstance(line.error, StateForbids)
        assert "another person" in line.words
        assert rig.requests("/approve/") == []
        (theirs,) = await others(rig, "ev3.example.com", **(ours | {"commonName": "ev3.example.com"}))
        (line,) = await rig.deciding.approve([theirs.id], "fine")
        assert line.ok


@pytest.mark.parametrize("acts_first", [True, False])
async def test_a_lost_answer(paths: Paths, sandbox: SandboxServer, acts_first: bool) -> None:
    async with opened(paths, sandbox) as rig:
        own = await waiting(rig)
        rig.fault("status", "POST /ssl/v1/decline/", status=502, act=acts_first)
        (line,) = await rig.deciding.cancel([own.id], "ordered twice")
        assert line.ok is acts_first
        assert len(rig.requests("/decline/")) == 1
        assert (await rig.audit("cancel"))[-1].outcome == "unconfirmed"
        if not acts_first:
            assert isinstance(line.error, Unconfirmed)
            assert "kmptui orders check" in line.words
            (line,) = await rig.deciding.cancel([own.id], "a person tries again")
            assert line.ok


async def test_trouble_that_concerns_them_all_ends_the_run(paths: Paths, sandbox: SandboxServer) -> None:
    async with opened(paths, sandbox) as rig:
        mine = [await waiting(rig, f"q{number}.lab.example.edu") for number in (1, 2)]
        sandbox.control("admins/ops-api", {"active": False})
        told = await rig.deciding.cancel([one.id for one in mine], "ordered twice")
        assert [line.ok for line in told] == [False, False]
        assert told[1].words.startswith("not tried: ")
        assert rig.requests("/decline/") == []


async def test_read_only_and_rights(paths: Paths, sandbox: SandboxServer) -> None:
    async with linked(paths, sandbox, login="raossl-api", mirrored=True) as home:
        placed = await home.ordering.place(request("q9.lab.example.edu", organization_id=FACULTY))
        assert placed.order_id is not None
        with pytest.raises(ReadOnly, match="sslApprove"):
            await home.deciding.approve([placed.order_id], "fine")
        (line,) = await home.deciding.cancel([placed.order_id], "one's own can be taken back without that right")
        assert line.ok
        await home.change_settings(read_only=True)
        with pytest.raises(ReadOnly):
            await home.deciding.cancel([placed.order_id], "x")
