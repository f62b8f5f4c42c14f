"""Revoking: one certificate, confirmed by what is typed, sent once, proved by SCM's word and the CA's list."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kmptui.config import Paths
from kmptui.domain.order import Order
from kmptui.errors import BadInput, ReadOnly, StateForbids, Unconfirmed
from kmptui.sandbox.server import SandboxServer
from kmptui.services.collecting import NOT_ADDED
from kmptui.services.revoking import Revoked, Target
from kmptui.store import acts, certificates, ledger, revocations
from tests.sandbox_fixtures import SandboxFactory
from tests.services.rig import Rig, opened, request

REASON = "private key was on a lost laptop"


@pytest.fixture
def sandbox(sandbox_factory: SandboxFactory) -> SandboxServer:
    return sandbox_factory(certificates=2)


async def issued(rig: Rig, name: str = "lost.example.com") -> Order:
    placed = await rig.ordering.place(request(name))
    return await rig.ordering.follow(placed.order_id or 0, lambda _: None)


async def reissued_elsewhere(rig: Rig, order: Order) -> Order:
    """Somebody reissued it in SCM's console; the new certificate is fetched."""
    rig.sandbox.control(f"orders/{order.ssl_id}/reissue", {})
    rig.advance(86_400)
    return await rig.ordering.follow(order.id, lambda _: None)


async def revoke(rig: Rig, target: Target, **members: object) -> Revoked:
    told: dict[str, object] = {"code": 1, "reason": REASON, "typed": target.answer}
    return await rig.revoking.revoke(target, **(told | members))  # type: ignore[arg-type]


async def chain_of(rig: Rig, action: str = "revoke") -> list[tuple[str, str]]:
    return [(row.phase, row.outcome) for row in await rig.audit(action)]


def sent(rig: Rig) -> list[str]:
    return rig.requests("/revoke")


async def test_the_only_one_by_its_name(paths: Paths, sandbox: SandboxServer) -> None:
    """Its name is typed; it goes through the order; SCM says Revoked, then the CA's list has it: each is noted."""
    async with opened(paths, sandbox) as rig:
        order = await issued(rig)
        target = await rig.revoking.target(order_id=order.id)
        assert (target.confirm, target.answer, target.newest) == ("name", "lost.example.com", True)
        assert target.serial == order.row.serial
        assert "only live certificate" in target.warning
        assert "cannot be undone" in target.words
        for wrong in ("", "other.example.com", target.serial[-4:], "yes"):
            with pytest.raises(BadInput) as refused:
                await revoke(rig, target, typed=wrong)
            assert refused.value.field == "confirm"
        for members in ({"code": 2}, {"reason": " "}, {"reason": "x" * 513}):
            with pytest.raises(BadInput):
                await revoke(rig, target, **members)
        assert sent(rig) == [] == await rig.audit("revoke")

        done = await revoke(rig, target, typed=" Lost.Example.COM ")
        assert (done.already, done.confirmed, done.certificate_id) == (False, True, order.row.certificate_id)
        assert sent(rig) == [f"POST /api/ssl/v1/revoke/{order.ssl_id}"]
        assert await chain_of(rig) == [("intent", "prepared"), ("outcome", "accepted")]
        details = dict((await rig.audit("revoke"))[0].details)
        assert (details["reason code"], details["reason"]) == ("1 (key was exposed)", REASON)
        assert (await rig.store.read(ledger.order, order.id)).row.state == "revoked"
        assert (await rig.store.read(certificates.certificate, target.certificate_id or 0)).row.revoked
        assert await rig.store.read(acts.left) == ()

        assert await rig.revoking.prove() == ()  # it is not due yet
        assert await rig.revoking.due() is not None
        rig.advance(900)
        (proof,) = await rig.revoking.prove()
        assert (proof.state, proof.certificate_id) == ("listed", target.certificate_id)
        (crl,) = await rig.audit("crl")
        assert dict(crl.details)["list"] == proof.url
        assert await rig.revoking.due() is None
        assert [one.listed for one in await rig.revoking.proofs()] == [proof.listed]


async def test_a_second_time(paths: Paths, sandbox: SandboxServer) -> None:
    """Known here: nothing is sent. Not known here, but to SCM: found by the look before. In between: code -159."""
    async with opened(paths, sandbox) as rig:
        first, second, third = [await issued(rig, f"{name}.example.com") for name in ("one", "two", "three")]
        await revoke(rig, await rig.revoking.target(order_id=first.id))
        again = await rig.revoking.target(order_id=first.id)
        assert again.already
        assert (await revoke(rig, again)).already
        target = await rig.revoking.target(order_id=second.id)
        sandbox.control(f"orders/{second.ssl_id}/revoke", {})
        assert (await revoke(rig, target)).already
        assert len(sent(rig)) == 1
        assert (await rig.store.read(certificates.certificate, target.certificate_id or 0)).row.revoked
        target = await rig.revoking.target(order_id=third.id)
        rig.fault("status", f"POST /ssl/v1/revoke/{third.ssl_id}", status=400, act=True,
                  body={"code": -159, "description": "already revoked"})  # fmt: skip
        done = await revoke(rig, target)
        assert (done.already, "already revoked" in done.words) == (True, True)
        assert (await chain_of(rig))[-2:] == [("intent", "prepared"), ("outcome", "done")]


async def test_the_older_of_two_leaves_the_order_valid(paths: Paths, sandbox: SandboxServer) -> None:
    """The order is refused, with its serials; the older one goes by its serial, confirmed by its end."""
    async with opened(paths, sandbox) as rig:
        order = await issued(rig)
        older = order.row.certificate_id or 0
        order = await reissued_elsewhere(rig, order)
        newer = order.row.certificate_id or 0
        assert newer != older
        rows = {row.id: row for row in await rig.store.read(certificates.of_order, order.id)}
        with pytest.raises(StateForbids) as refused:
            await rig.revoking.target(order_id=order.id)
        assert rows[older].serial in str(refused.value)
        assert rows[newer].serial in str(refused.value)
        target = await rig.revoking.target(serial=rows[older].serial.lower())
        assert (target.certificate_id, target.newest, target.warning) == (older, False, "")
        assert (target.confirm, target.answer) == ("serial", rows[older].serial[-4:])
        assert f"c{newer}" in target.standing
        assert [one.number for one in target.live] == [f"c{newer}", f"c{older}"]
        with pytest.raises(BadInput):
            await revoke(rig, target, typed="lost.example.com")
        done = await revoke(rig, target)
        assert done.confirmed
        assert sent(rig) == [f"POST /api/ssl/v1/revoke/serial/{rows[older].serial}"]
        assert sandbox.control(f"orders/{order.ssl_id}")["status"] == "Issued"
        assert (await rig.store.read(ledger.order, order.id)).row.state == "issued"
        assert (await rig.store.read(certificates.certificate, older)).row.revoked
        assert not (await rig.store.read(certificates.certificate, newer)).row.revoked
        rig.advance(900)
        (proof,) = await rig.revoking.prove()
        assert proof.state == "listed"
        left = await rig.revoking.target(order_id=order.id)
        assert (left.certificate_id, left.confirm) == (newer, "name")
        await revoke(rig, left)
        assert sent(rig)[-1].endswith(f"/revoke/serial/{left.serial}")  # it had two: its id does not name one
        assert (await rig.store.read(ledger.order, order.id)).row.state == "revoked"


async def test_reissued_elsewhere_and_not_known_here(paths: Paths, sandbox: SandboxServer) -> None:
    """What was confirmed is what is revoked, although the order has another certificate by now."""
    async with opened(paths, sandbox) as rig:
        order = await issued(rig)
        target = await rig.revoking.target(order_id=order.id)
        sandbox.control(f"orders/{order.ssl_id}/reissue", {})
        rig.advance(86_400)
        await revoke(rig, target)
        assert sent(rig) == [f"POST /api/ssl/v1/revoke/serial/{target.serial}"]
        assert sandbox.control(f"orders/{order.ssl_id}")["status"] == "Issued"


async def test_without_its_certificate_here(paths: Paths, sandbox: SandboxServer) -> None:
    """Only the order is here (the limit keeps its certificate out): by its serial, and proved all the same."""
    async with opened(paths, sandbox, certificate_limit=1) as rig:
        await issued(rig, "in.example.com")
        placed = await rig.ordering.place(request("out.example.com"))
        rig.advance(60)
        (line,) = (await rig.checking.check([placed.order_id or 0])).lines
        assert line.outcome == NOT_ADDED
        order = await rig.store.read(ledger.order, placed.order_id or 0)
        target = await rig.revoking.target(serial=order.row.serial)
        assert (target.certificate_id, target.order_id, target.number) == (None, order.id, order.row.number)
        assert (await revoke(rig, target)).confirmed
        rig.advance(900)
        (proof,) = await rig.revoking.prove()
        assert proof.state == "listed"


@pytest.mark.parametrize("acts_first", [True, False])
async def test_a_lost_answer(paths: Paths, sandbox: SandboxServer, acts_first: bool) -> None:
    """It is looked at at once: revoked, or unconfirmed; it is never repeated, and found out by the schedule."""
    async with opened(paths, sandbox) as rig:
        order = await issued(rig)
        target = await rig.revoking.target(order_id=order.id)
        rig.fault("drop-after" if acts_first else "status", "POST /ssl/v1/revoke/", status=502, act=acts_first)
        if acts_first:
            done = await revoke(rig, target)
            assert (done.already, done.confirmed) == (False, True)
        else:
            with pytest.raises(Unconfirmed, match="orders check"):
                await revoke(rig, target)
            (proof,) = await rig.revoking.proofs()
            assert proof.state == "unconfirmed"
        assert len(sent(rig)) == 1
        outcome = (await rig.audit("revoke"))[-1]
        assert outcome.outcome == "unconfirmed"
        assert "ask SCM: kmptui orders check" in outcome.reason
        rig.advance(900)
        (proof,) = await rig.revoking.prove()
        assert proof.state == ("listed" if acts_first else "not revoked")
        assert len(sent(rig)) == 1
        if not acts_first:
            assert (await chain_of(rig))[-1] == ("outcome", "not done")
            assert (await revoke(rig, await rig.revoking.target(order_id=order.id))).confirmed


async def test_lost_and_then_found_by_a_check(paths: Paths, sandbox: SandboxServer) -> None:
    """The check of all asks about it, although its order is not open."""
    async with opened(paths, sandbox) as rig:
        order = await issued(rig)
        rig.fault("drop-after", "POST /ssl/v1/revoke/")
        rig.fault("status", f"GET /ssl/v1/{order.ssl_id}", status=404, skip=1, body={"code": -124, "description": "no"})
        with pytest.raises(Unconfirmed):
            await revoke(rig, await rig.revoking.target(order_id=order.id))
        (line,) = (await rig.checking.check()).lines
        assert (line.order_id, line.after) == (order.id, "revoked")
        (proof,) = await rig.revoking.proofs()
        assert proof.state == "waiting"
        assert (await rig.store.read(certificates.certificate, order.row.certificate_id or 0)).row.revoked
        assert (await rig.checking.check()).lines == ()


async def test_wrong_credentials_are_sent_once(paths: Paths, sandbox: SandboxServer) -> None:
    """Several are unconfirmed, and SCM refuses the login: one question, then only the CA's lists are looked up."""
    async with opened(paths, sandbox) as rig:
        for name in ("a.example.com", "b.example.com"):
            order = await issued(rig, name)
            rig.fault("drop-after", "POST /ssl/v1/revoke/")
            rig.fault(
                "status", f"GET /ssl/v1/{order.ssl_id}", status=404, skip=1, body={"code": -124, "description": ""}
            )
            with pytest.raises(Unconfirmed):
                await revoke(rig, await rig.revoking.target(order_id=order.id))
        sandbox.control("admins/ops-api", {"password": "another"})
        before = len(rig.requests("/api/"))
        proofs = await rig.revoking.prove(due_only=False)
        assert len(rig.requests("/api/")) == before + 1
        assert [one.state for one in proofs] == ["listed", "listed"]  # the list is proof enough
        assert (await rig.engine.linked()).attention


async def test_the_list_is_late(paths: Paths, sandbox: SandboxServer) -> None:
    """Looked up again after pauses that grow, one fetch for all that share a list."""
    sandbox.control("settings", {"crl_after": 3600 * 3})
    async with opened(paths, sandbox) as rig:
        for name in ("a.example.com", "b.example.com"):
            await revoke(rig, await rig.revoking.target(order_id=(await issued(rig, name)).id))
        waits: list[timedelta] = []
        for _ in range(10):
            due = await rig.revoking.due()
            assert due is not None
            waits.append(due - rig.clock.now())
            rig.advance((due - rig.clock.now()).total_seconds() + 100)
            before = len(rig.requests("/crl/"))
            proofs = await rig.revoking.prove()
            assert len(rig.requests("/crl/")) == before + 1
            if all(one.state == "listed" for one in proofs):
                break
            assert {one.state for one in proofs} == {"waiting"}
            assert all("does not have it yet" in one.words for one in proofs)
        assert [round(one.total_seconds() / 900) for one in waits] == [1, 2, 4, 8]
        assert len(await rig.audit("crl")) == 2


async def test_what_is_no_proof(paths: Paths, sandbox: SandboxServer) -> None:
    """A page in the list's place, or no answer at all: told, and looked up again."""
    async with opened(paths, sandbox) as rig:
        await revoke(rig, await rig.revoking.target(order_id=(await issued(rig)).id))
        for kind, words in (("html", "cannot be used"), ("status", "status 500"), ("drop-before", "broke off")):
            rig.fault(kind, "GET /crl/", **({"status": 500} if kind == "status" else {}))
            (proof,) = await rig.revoking.prove(due_only=False)
            assert proof.state == "waiting"
            assert words in proof.words
        (proof,) = await rig.revoking.prove(due_only=False)
        assert proof.state == "listed"


async def test_a_process_that_died_between(paths: Paths, sandbox: SandboxServer) -> None:
    """An intent without an outcome is told as unconfirmed by the next opening, once."""
    async with opened(paths, sandbox) as rig:
        order = await issued(rig)
        target = await rig.revoking.target(order_id=order.id)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(acts, "end", lambda *_: False)  # what a kill leaves behind: no outcome row
            await revoke(rig, target)
        assert await chain_of(rig) == [("intent", "prepared")]
        assert len(await rig.store.read(acts.left)) == 1
    async with opened(paths, sandbox, face="tui") as rig:
        assert await rig.acting.recover() == 1
        assert await rig.acting.recover() == 0
        assert await chain_of(rig) == [("intent", "prepared"), ("outcome", "unconfirmed")]


async def test_what_cannot_be_revoked(paths: Paths, sandbox: SandboxServer) -> None:
    async with opened(paths, sandbox) as rig:
        placed = await rig.ordering.place(request("early.example.com"))
        with pytest.raises(StateForbids, match="not known yet"):
            await rig.revoking.target(order_id=placed.order_id)
        await rig.checking.check([placed.order_id or 0])
        with pytest.raises(StateForbids, match="no certificate yet"):
            await rig.revoking.target(order_id=placed.order_id)
        order = await issued(rig, "reads.example.com")
        target = await rig.revoking.target(order_id=order.id)
        rig.settings(read_only=True)
        with pytest.raises(ReadOnly):
            await revoke(rig, target)
        rig.settings(read_only=False)
        rig.advance(300 * 86_400)
        with pytest.raises(StateForbids, match="expired"):
            await rig.revoking.target(order_id=order.id)
        assert sent(rig) == []
        assert await rig.store.read(revocations.rows) == ()
