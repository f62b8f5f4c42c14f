"""Lineages: an order, the orders that renewed it, and all their certificates, of which the newest one counts."""

from __future__ import annotations

from kmptui.domain.listing import Topic
from kmptui.store.columns import names_of
from kmptui.store.db import Db, touch
from kmptui.store.ledger import rows


def rank(db: Db, lineage: int) -> None:
    """The newest certificate lives on, and those whose place it takes are superseded: all others of its order, and such
    of other orders as have no name that it lacks. A revoked one is the newest only of revoked ones. An order is
    superseded when all that it has is."""
    found = db.rows(
        "SELECT id, order_id, names FROM certificates WHERE lineage = ? AND deleted = 0"
        " ORDER BY revoked IS NOT NULL, not_before DESC, id DESC",
        (lineage,),
    )
    if not found:
        return
    newer: list[tuple[int | None, frozenset[str]]] = []
    alive: set[int | None] = set()
    for certificate_id, order_id, told in found:
        names = frozenset(names_of(told.lower()))
        superseded = any(other == order_id or names <= others for other, others in newer)
        if not superseded:
            alive.add(order_id)
        newer.append((order_id, names))
        db.run(
            "UPDATE certificates SET superseded = ?1, shelf = ?1 WHERE id = ?2",
            (superseded, certificate_id),
        )
    touch(db, Topic.CERTIFICATES)
    for order_id, superseded, has_certificate in db.rows(
        "SELECT id, superseded, certificate_id IS NOT NULL FROM orders WHERE id = ?1"
        " OR id IN (SELECT order_id FROM certificates WHERE lineage = ?1 AND order_id IS NOT NULL)",
        (lineage,),
    ):
        wanted = bool(has_certificate) and order_id not in alive
        if bool(superseded) != wanted:
            rows.change(db, order_id, superseded=wanted)
