"""Renewals that did not come about, and why."""

from __future__ import annotations

from dataclasses import dataclass

from kmptui.store.db import Db


@dataclass(frozen=True, slots=True)
class Blocked:
    """An order whose renewal did not come about: the cause and the cure, in words."""

    order_id: int
    common_name: str
    cause: str
    cure: str


def renewals(db: Db) -> tuple[Blocked, ...]:
    """Those that a try noted, and those whose renewal was refused, not placed or not sent; soonest to expire first. An
    order is told once, with what was noted last."""
    found = db.rows(
        "SELECT o.id, o.common_name, t.cause, t.cure, o.expires, t.last AS at FROM renewal_tries t"
        " JOIN orders o ON o.id = t.order_id WHERE o.deleted = 0"
        " UNION ALL SELECT o.id, o.common_name, n.problem, '', o.expires, ifnull(i.ended, '') FROM orders o"
        " JOIN orders n ON n.id = o.next_id LEFT JOIN intents i ON i.id ="
        " (SELECT max(id) FROM intents WHERE order_id = n.id)"
        " WHERE o.deleted = 0 AND n.deleted = 0 AND n.ledger IN ('refused', 'not placed', 'draft')"
        " ORDER BY 5, 1, 6 DESC"
    )
    told: dict[int, Blocked] = {}
    for order_id, common_name, cause, cure, *_ in found:
        told.setdefault(order_id, Blocked(order_id, common_name, cause, cure))
    return tuple(told.values())
