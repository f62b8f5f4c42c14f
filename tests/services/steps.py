"""Steps that tests of orders, renewals and reissues share."""

from __future__ import annotations

from typing import Any

from kmptui.domain.keys import KeySpec
from kmptui.domain.order import Order, OwnCsr
from kmptui.pki import csr as requests
from kmptui.pki import keypair
from kmptui.store import ledger
from tests.services.rig import Rig, request

NAME = "a1.example.com"


async def issued(rig: Rig, name: str = NAME, *more: str, **members: Any) -> Order:
    """An order from here whose certificate is in the repository."""
    placed = await rig.ordering.place(request(name, *more, **members))
    return await fetched(rig, placed.order_id)


async def fetched(rig: Rig, order_id: int | None) -> Order:
    assert order_id is not None
    rig.advance(60)
    await rig.checking.check([order_id])
    order = await order_of(rig, order_id)
    assert order.row.certificate_id is not None
    return order


async def order_of(rig: Rig, order_id: int | None) -> Order:
    assert order_id is not None
    return await rig.store.read(ledger.order, order_id)


def csr(*names: str, spec: str = "ec:P-256") -> OwnCsr:
    """Somebody's own request, whose key is not here."""
    return OwnCsr(requests.build(keypair.generate(KeySpec.parse(spec)), names))
