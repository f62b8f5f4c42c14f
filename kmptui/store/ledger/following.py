"""What somebody renewed in SCM's console: the new order becomes the old one's successor, and is chosen as it was.

SCM tells of the old order that it is renewed, and not by which; the new one is found by its names, organization,
profile and day. Where SCM does not say so but somebody ordered the same anew, the lineages stay two, and only the
choice for automatic renewal goes on to the later certificate: else it would end with the older one, unseen.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

from kmptui.domain.listing import Topic
from kmptui.store import selection
from kmptui.store.columns import json_text, names_of
from kmptui.store.db import Db, touch
from kmptui.store.ledger import lineage, rows

_OLD = (
    "SELECT o.id, o.common_name, o.names, o.organization_id, o.profile_id, o.requested, o.issued, o.ssl_id, o.expires,"
    " o.renewed, o.choice, o.lineage FROM orders o LEFT JOIN orders x ON x.id = o.next_id"
    " WHERE o.common_name IN (SELECT common_name FROM orders WHERE id IN (SELECT value FROM json_each(?)))"
    " AND (o.renewed = 1 OR o.choice <> '') AND o.ledger = 'accepted'"
    " AND (x.id IS NULL OR x.ledger IN ('draft', 'refused', 'not placed')"
    " OR lower(x.status) IN ('declined', 'rejected', 'invalid')) ORDER BY o.ssl_id"
)
_NEW = (
    "SELECT n.id, n.names, n.lineage, n.choice, n.expires, n.state FROM orders n"
    " WHERE n.common_name = ?1 AND n.id <> ?2"
    " AND n.ledger = 'accepted' AND n.deleted = 0 AND n.origin = 'imported' AND n.previous_id IS NULL"
    " AND n.organization_id = ?3 AND n.profile_id = ?4 AND n.ssl_id > ?5 AND n.requested >= ?6 AND n.requested <> ''"
    " ORDER BY n.state IN ('declined', 'rejected', 'invalid'), n.ssl_id"
)
"""Those that came to nothing last: they tell at least what became of the renewal."""


_NOTHING_CAME = frozenset({"declined", "rejected", "invalid"})


class _Old(NamedTuple):
    """An order that may have been renewed elsewhere, as _OLD reads it."""

    id: int
    common_name: str
    names: str
    organization_id: int | None
    profile_id: int | None
    requested: str
    issued: str
    ssl_id: int
    expires: str
    renewed: int | None
    choice: str
    lineage: int


def follow(db: Db, order_ids: Collection[int]) -> frozenset[int]:
    """Look whether these orders renewed others, or were renewed, elsewhere; those that changed by it."""
    touched: set[int] = set()
    for old in map(_Old._make, db.rows(_OLD, (json_text(list(order_ids)),))):
        found = _like(db, old)
        if old.renewed:
            new = next((row for row in found if _set(row[1]) == _set(old.names)), None)
            if new is not None:
                _join(db, old, new)
                touched |= {old.id, int(new[0])}
        elif old.choice == selection.ON:
            for new_id, _, _, chosen, ends, state in found:
                if chosen == "" and ends > old.expires and state not in _NOTHING_CAME:
                    db.run("UPDATE orders SET choice = ? WHERE id = ?", (old.choice, new_id))
                    touched.add(int(new_id))
    if touched:
        selection.settle(db, touched)
        touch(db, Topic.ORDERS)
    return frozenset(touched)


def _like(db: Db, old: _Old) -> Iterator[tuple[Any, ...]]:
    """Orders from SCM's console for the same names or more, the first first."""
    wanted = _set(old.names)
    since = max(old.requested, old.issued)
    asked = (old.common_name, old.id, old.organization_id, old.profile_id, old.ssl_id, since)
    return (row for row in db.rows(_NEW, asked) if wanted <= _set(row[1]))


def _set(names: str) -> frozenset[str]:
    return frozenset(name.casefold() for name in names_of(names))


def _join(db: Db, old: _Old, new: tuple[Any, ...]) -> None:
    new_id, _, its_own, chosen, *_ = new
    rows.change(db, old.id, next_id=new_id)
    rows.change(db, new_id, previous_id=old.id, choice=chosen or old.choice)
    db.run("UPDATE orders SET lineage = ? WHERE lineage = ?", (old.lineage, its_own))
    db.run("UPDATE certificates SET lineage = ? WHERE lineage = ?", (old.lineage, its_own))
    lineage.rank(db, old.lineage)
