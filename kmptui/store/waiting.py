"""What a domain whose validation has ended keeps from being renewed."""

from __future__ import annotations

from datetime import date

from kmptui.domain.coverage import DomainIndex, domain_for
from kmptui.domain.listing import Topic
from kmptui.store import mirror, successors, words
from kmptui.store.columns import NEVER, SEPARATOR, json_text, names_of
from kmptui.store.db import Db, kept, revisions


def blocked(db: Db, domain: str, today: date) -> tuple[int, date | None] | None:
    """How many current issued orders without a successor have a name for which this domain stands, and when the first
    of them ends; kept until an order or a domain changes. None where more orders have such names than are looked at."""
    key = (domain, today, *revisions(db, Topic.ORDERS, Topic.DOMAINS))
    return kept(db, "blocked", key, lambda: _blocked(db, domain, today))


def _blocked(db: Db, domain: str, today: date) -> tuple[int, date | None] | None:
    base = words.fold(domain).removeprefix("*.")
    ids: set[int] = set()
    for start in (SEPARATOR, "."):
        some = words.containing(db, words.ORDERS, f"{start}{base}{SEPARATOR}", "names")
        if some is None:
            return None
        ids.update(some)
    found = db.rows(
        "SELECT o.expires, o.names FROM orders o WHERE o.id IN (SELECT value FROM json_each(?)) AND o.shelf = 0"
        " AND o.state IN ('issued', 'issued, not added') AND o.expires >= ?"
        " AND o.id NOT IN (SELECT value FROM json_each(?)) ORDER BY o.expires",
        (json_text(sorted(ids)), today.isoformat(), successors.having(db, today)),
    )
    index = DomainIndex(mirror.domains(db))
    ends = [expires for expires, names in found if _stands_for(domain, names_of(names), base, index)]
    return len(ends), date.fromisoformat(ends[0]) if ends and ends[0] != NEVER else None


def _stands_for(domain: str, names: tuple[str, ...], base: str, index: DomainIndex) -> bool:
    for name in names:
        if name == base or name.endswith(f".{base}"):
            deciding = domain_for(name, index)
            if deciding is not None and deciding.name == domain:
                return True
    return False
