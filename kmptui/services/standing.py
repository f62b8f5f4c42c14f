"""Where an order stands: what decides whether it can be renewed or reissued, read from the store at one moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from kmptui.domain import renewable
from kmptui.domain.certificate import Certificate
from kmptui.domain.order import Ledger, Order, OrderRow
from kmptui.domain.preflight import Facts
from kmptui.domain.profile import Profile
from kmptui.services import anew
from kmptui.store import certificates, keys, ledger

if TYPE_CHECKING:
    from kmptui.store.database import Db

_NEVER_LIVED = frozenset({Ledger.DRAFT, Ledger.REFUSED, Ledger.NOT_PLACED})
_CAME_TO_NOTHING = frozenset({"declined", "rejected", "invalid"})


@dataclass(frozen=True, slots=True)
class Standing:
    """An order, what the mirror knows, its current certificate where that is here, the public key's hash that it has as
    far as it is known, whether that key is kept here, the order that renewed it, unless that came to nothing, and who
    works on that one right now."""

    order: Order
    facts: Facts
    certificate: Certificate | None
    spki: str
    has_key: bool
    successor: OrderRow | None
    holder: str

    @property
    def profile(self) -> Profile | None:
        return next((one for one in self.facts.profiles if one.id == self.order.profile_id), None)

    @property
    def unrenewable(self) -> str:
        """Why it cannot be renewed now; "" where it can."""
        if self.successor is None:
            return renewable.forbidden(self.order, self.facts.today)
        row = self.successor
        if row.ledger is Ledger.ACCEPTED:
            return f"it is renewed already, by {row.number} ({row.state})"
        return f"its renewal {row.number} is {row.state}" + (f", by {self.holder}" if self.holder else "")


def of_orders(db: Db, order_ids: Sequence[int], today: date) -> tuple[Standing, ...]:
    """In the given order. Raises NotFound."""
    known = anew.facts(db, today)
    return tuple(_standing(db, order, known) for order in ledger.orders(db, order_ids))


def _standing(db: Db, order: Order, known: Facts) -> Standing:
    here = order.row.certificate_id
    certificate = certificates.certificate(db, here) if here is not None else None
    spki = certificate.spki if certificate is not None else order.spki
    has_key = bool(spki) and keys.key(db, spki) is not None
    successor = _successor(db, order)
    holder = successor.holder if successor is not None else ""
    return Standing(order, known, certificate, spki, has_key, successor.row if successor is not None else None, holder)


def _successor(db: Db, order: Order) -> Order | None:
    found = ledger.order(db, order.next_id) if order.next_id is not None else None
    if found is None or found.row.ledger in _NEVER_LIVED or found.row.state in _CAME_TO_NOTHING:
        return None
    return found
