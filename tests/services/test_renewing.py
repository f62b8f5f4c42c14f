"""Renewals: one order each, by SCM's own word, whatever is done twice, at once, or wrongly."""

from __future__ import annotations

from kmptui.config import Paths
from kmptui.domain.order import Ledger, Order
from kmptui.domain.renewable import RenewalRequest
from kmptui.sandbox.server import SandboxServer
from kmptui.store import keys, ledger
from tests.services.rig import Rig, opened, request

NAME = "shop.example.com"


async def issued(rig: Rig, name: str = NAME, *more: str, **members: object) -> Order:
    """An order from here whose certificate is in the repository."""
    placed = await rig.ordering.place(request(name, *more, **members))
    assert placed.order_id is not None
    rig.advance(60)
    await rig.checking.check([placed.order_id])
    order = await rig.store.read(ledger.order, placed.order_id)
    assert order.row.certificate_id is not None
    return order


async def order_of(rig: Rig, order_id: int | None) -> Order:
    assert order_id is not None
    return await rig.store.read(ledger.order, order_id)


async def test_with_a_new_key(paths: Paths, sandbox: SandboxServer) -> None:
    async with opened(paths, sandbox) as rig:
        old = await issued(rig, NAME, "www.shop.example.com", note="web01", contact="webops", auto_renew=True)
        (preview,) = await rig.renewing.preview([old.id])
        assert not preview.blocked
        assert preview.key == "a new EC P-256 key"
        assert preview.term == 199
        placed = await rig.renewing.renew(RenewalRequest(old.id), why="due, ends in 29 d")
        new = await order_of(rig, placed.order_id)
        assert (placed.ledger, new.previous_id, new.expected) == (Ledger.ACCEPTED, old.id, preview.expected)
        assert (new.note, new.contact, new.row.auto_renew, new.origin) == ("web01", "webops", True, "renewed")
        assert new.spki != old.spki
        assert await rig.store.read(keys.key, new.spki) is not None
        rig.advance(60)
        await rig.checking.check([new.id])
        new, old = await order_of(rig, new.id), await order_of(rig, old.id)
        assert new.row.certificate_id is not None
        assert (new.problem, old.row.superseded, old.next_id) == ("", True, new.id)
        first, second = await rig.audit("renew")
        assert (first.phase, first.reason, second.outcome) == ("intent", "due, ends in 29 d", "accepted")
        assert dict(first.details)["old serial"] == old.row.serial
