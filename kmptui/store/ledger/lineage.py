"""Lineages: an order, the orders that renewed it, and all their certificates, of which the newest one counts."""

from __future__ import annotations

from kmptui.domain.listing import Topic
from kmptui.store.db import Db, touch
from kmptui.store.ledger import rows


def rank(db: Db, lineage: int) -> None:
    """The newest certificate lives on, all others are superseded; a revoked one is the newest only of revoked ones. An
    order is superseded when it has a certificate and the newest one is another's."""
    newest = db.rows(
        "SELECT id, order_id FROM certificates WHERE lineage = ? AND deleted = 0"
        " ORDER BY revoked IS NOT NULL, not_before DESC, id DESC LIMIT 1",
        (lineage,),
    )
    if not newest:
        return
    certificate_id, newest_order = newest[0]
    db.run(
        "UPDATE certificates SET superseded = (id <> ?1), shelf = (id <> ?1) WHERE lineage = ?2 AND deleted = 0",
        (certificate_id, lineage),
    )
    touch(db, Topic.CERTIFICATES)
    for order_id, superseded, has_certificate in db.rows(
        "SELECT id, superseded, certificate_id IS NOT NULL FROM orders WHERE id = ?1"
        " OR id IN (SELECT order_id FROM certificates WHERE lineage = ?1 AND order_id IS NOT NULL)",
        (lineage,),
    ):
        wanted = bool(has_certificate) and order_id != newest_order
        if bool(superseded) != wanted:
            rows.change(db, order_id, superseded=wanted)
