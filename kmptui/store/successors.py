"""Which orders have a successor: a valid certificate for the same names or more that ends later.

It need not be a renewal that kmptui knows of: somebody may have ordered anew in SCM's console.
"""

from __future__ import annotations

from datetime import date, timedelta

from kmptui.domain.listing import Topic
from kmptui.store.columns import NEVER, json_text, names_of
from kmptui.store.db import Db, kept, revisions

_VALID = (
    "SELECT id, expires, state <> 'expired' AND expires >= ?, common_name, names_count, names FROM orders"
    " WHERE shelf = 0 AND state IN ('issued', 'issued, not added', 'reissue under way', 'expired') AND expires >= ?"
    " AND expires < ?"
)
_EXPIRED = timedelta(days=30)
"""How long an expired one is asked after: as long as lists show it."""


def having(db: Db, today: date) -> str:
    """Ids (a JSON array) of the current orders, issued or expired, that have a successor; kept until an order
    changes."""
    key = (revisions(db, Topic.ORDERS), today)
    return kept(db, "successors", key, lambda: json_text(_having(db, today)))


def _having(db: Db, today: date) -> list[int]:
    found = db.rows(_VALID, (today.isoformat(), (today - _EXPIRED).isoformat(), NEVER))
    orders = [(number, expires, names, valid) for number, expires, valid, *told in found if (names := _names(*told))]
    valid = [(expires, names) for _, expires, names, lives in orders if lives]
    last: dict[str, str] = {}
    for expires, names in valid:
        for name in names:
            if last.get(name, "") < expires:
                last[name] = expires
    # each name has to live on somewhere; of the few for which that is so, one certificate must hold them all
    perhaps = [order for order in orders if all(last.get(name, "") > order[1] for name in order[2])]
    wanted = {min(names) for _, _, names, _ in perhaps}
    holding: dict[str, list[tuple[str, frozenset[str]]]] = {name: [] for name in wanted}
    for expires, names in valid:
        for name in names & wanted:
            holding[name].append((expires, names))
    return [
        number
        for number, expires, names, _ in perhaps
        if any(later > expires and names <= others for later, others in holding[min(names)])
    ]


def _names(common_name: str, count: int, names: str) -> frozenset[str]:
    """Of an order that SCM told without names there is nothing to compare."""
    return frozenset(names_of(names.lower())) if count > 1 else frozenset(filter(None, (common_name.lower(),)))
