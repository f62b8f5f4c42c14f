"""What depends on a domain's validation: certificates, open orders, and renewals that are due.

A name belongs to the most specific domain that SCM lists, and that one alone decides (see kmptui.domain.coverage).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from kmptui.domain.coverage import DomainIndex
from kmptui.domain.dcv import Dependents
from kmptui.store import successors, words
from kmptui.store.columns import SEPARATOR, day_of, names_of
from kmptui.store.db import Db
from kmptui.store.ledger.reading import OPEN_STATES
from kmptui.store.mirror import domains

_OPEN = ", ".join(f"'{state}'" for state in OPEN_STATES)


def of_domain(db: Db, name: str, today: date, days: int) -> Dependents:
    """Counted over current rows; renewals are due that end within `days` and have no successor."""
    index = DomainIndex(domains(db))
    open_orders = sum(1 for _ in _orders(db, index, name, f"o.state IN ({_OPEN})"))
    living = (
        "o.state IN ('issued', 'issued, not added') AND o.expires >= ? AND o.id NOT IN (SELECT value FROM json_each(?))"
    )
    asked = (today.isoformat(), successors.having(db, today))
    ends = sorted(end for end in _orders(db, index, name, living, asked) if end is not None)
    due = sum(end <= today + timedelta(days) for end in ends)
    return Dependents(len(ends), open_orders, due, ends[0] if ends else None, days)


def _orders(db: Db, index: DomainIndex, name: str, where: str, asked: tuple[str, ...] = ()) -> Iterator[date | None]:
    """The ends of the orders that the domain decides on."""
    base = words.fold(name.removeprefix("*.").rstrip("."))
    tests: list[str] = []
    parameters: list[str] = []
    for start in (".",) if name.startswith("*.") else (SEPARATOR, "."):
        test, held = words.condition(db, words.ORDERS, "o.id", f"{start}{base}{SEPARATOR}", "names")
        tests.append(test)
        parameters += held
    found = db.run(
        f"SELECT o.common_name, o.names, o.expires FROM orders o WHERE ({' OR '.join(tests)})"  # noqa: S608 - constants
        f" AND o.shelf = 0 AND {where}",
        (*parameters, *asked),
    )
    for common_name, names, expires in found:
        told = names_of(names) or (common_name,)
        if any(next((d.name for d in index.above(one.lower())), "") == name for one in told):
            yield day_of(expires)
