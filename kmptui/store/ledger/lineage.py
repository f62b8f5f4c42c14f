"""Lineages: an order, the orders that renewed it, and all their certificates, of which the newest one counts."""

from __future__ import annotations

from collections.abc import Iterable

from kmptui.domain.listing import Topic
from kmptui.store.columns import names_of
from kmptui.store.db import Db, touch
from kmptui.store.ledger import rows


def join(db: Db, order_id: int, next_id: int) -> None:
    """This order is the one that the other renewed: it, what renewed it in turn, and their certificates become of its
    lineage. `rank` it then."""
    rows.change(db, order_id, next_id=next_id)
    rows.change(db, next_id, previous_id=order_id)
    lineage = rows.known(db, order_id)["lineage"]
    following: int | None = next_id
    while following is not None:
        rows.change(db, following, lineage=lineage)
        db.run("UPDATE certificates SET lineage = ? WHERE order_id = ?", (lineage, following))
        following = rows.known(db, following)["next_id"]


def rank(db: Db, lineage: int) -> None:
    """The newest certificate lives on, and those whose place it takes are superseded: all others of its order, and such
    of other orders as have no name that it lacks. A revoked one is the newest only of revoked ones. An order is
    superseded when all that it has is, and when it was renewed by one that has a certificate that lives on."""
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
    renewed = _renewed_by(db, alive)
    for order_id, superseded, has_certificate in db.rows(
        "SELECT o.id, o.superseded, EXISTS (SELECT 1 FROM certificates c WHERE c.order_id = o.id AND c.deleted = 0)"
        " FROM orders o WHERE o.id = ?1 OR o.lineage = ?1 AND o.previous_id IS NOT NULL",
        (lineage,),
    ):
        wanted = order_id not in alive and (bool(has_certificate) or order_id in renewed)
        if bool(superseded) != wanted:
            rows.change(db, order_id, superseded=wanted)


def _renewed_by(db: Db, order_ids: Iterable[int | None]) -> frozenset[int]:
    """All that these orders renewed, directly or not."""
    found: set[int] = set()
    for order_id in order_ids:
        before = order_id
        while before is not None:
            before = db.value("SELECT previous_id FROM orders WHERE id = ?", (before,))
            if before is not None:
                found.add(before)
    return frozenset(found)
