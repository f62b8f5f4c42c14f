"""Which orders have a successor: a valid certificate for the same names or more that ends later.

It need not be a renewal that kmptui knows of: somebody may have ordered anew in SCM's console.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import NamedTuple

from kmptui.domain.listing import Topic
from kmptui.store.columns import NEVER, day_of, json_text, names_of
from kmptui.store.db import Db, kept, revisions

_TOLD = (
    "SELECT id, expires, state <> 'expired' AND expires >= ?, common_name, names_count, names, organization_id,"
    " profile_id, key, ifnull(nullif(issued, ''), requested), requested FROM orders"
    " WHERE shelf = 0 AND state IN ('issued', 'issued, not added', 'reissue under way', 'expired') AND expires >= ?"
    " AND expires < ?"
)
_EXPIRED = timedelta(days=30)
"""How long an expired one is asked after: as long as lists show it."""


class _Certificate(NamedTuple):
    id: int
    expires: str
    lives: bool
    names: frozenset[str]
    kind: tuple[int | None, int | None]
    """Organization and profile."""
    key: str
    begins: str
    requested: str


class _Found(NamedTuple):
    having: str
    replaced: frozenset[int]


def having(db: Db, today: date) -> str:
    """Ids (a JSON array) of the current orders, issued or expired, that have a successor; kept until an order
    changes."""
    return _found(db, today).having


def replaced(db: Db, today: date) -> frozenset[int]:
    """Those whose place another order was meant to take, as far as one can tell: of the same organization and profile,
    for a key of the same kind, and ordered in the second half of the old one's life. Several that serve one name side
    by side (a pair of RSA and ECDSA, one for each host, a public and a private one) do not settle each other."""
    return _found(db, today).replaced


def _found(db: Db, today: date) -> _Found:
    key = (revisions(db, Topic.ORDERS), today)
    return kept(db, "successors", key, lambda: _search(_read(db, today)))


def _read(db: Db, today: date) -> list[_Certificate]:
    found = []
    for row in db.rows(_TOLD, (today.isoformat(), (today - _EXPIRED).isoformat(), NEVER)):
        number, expires, lives, common_name, count, names, organization, profile, *rest = row
        if told := _names(common_name, count, names):
            found.append(_Certificate(number, expires, bool(lives), told, (organization, profile), *rest))
    return found


def _search(orders: list[_Certificate]) -> _Found:
    valid = [one for one in orders if one.lives]
    last: dict[str, str] = {}
    for one in valid:
        for name in one.names:
            if last.get(name, "") < one.expires:
                last[name] = one.expires
    # each name has to live on somewhere; of the few for which that is so, one certificate must hold them all
    perhaps = [one for one in orders if all(last.get(name, "") > one.expires for name in one.names)]
    wanted = {min(one.names) for one in perhaps}
    holding: dict[str, list[_Certificate]] = {name: [] for name in wanted}
    for one in valid:
        for name in one.names & wanted:
            holding[name].append(one)
    have, replaced_ = [], set()
    for old in perhaps:
        later = [new for new in holding[min(old.names)] if new.expires > old.expires and old.names <= new.names]
        if later:
            have.append(old.id)
            if any(_follows(old, new) for new in later):
                replaced_.add(old.id)
    return _Found(json_text(have), frozenset(replaced_))


def _follows(old: _Certificate, new: _Certificate) -> bool:
    if old.kind != new.kind:
        return False
    begins, ends, requested = day_of(old.begins), day_of(old.expires), day_of(new.requested)
    if begins is None or ends is None or requested is None or requested < begins + (ends - begins) / 2:
        return False
    kinds = {key.split()[0].upper() for key in (old.key, new.key) if key}
    return len(kinds) < 2


def _names(common_name: str, count: int, names: str) -> frozenset[str]:
    """Of an order that SCM told without names there is nothing to compare."""
    return frozenset(names_of(names.lower())) if count > 1 else frozenset(filter(None, (common_name.lower(),)))
