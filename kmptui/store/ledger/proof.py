"""Whether the ledger says what the record says: each intent has its row, and stands as its last outcome left it.

The record's own chain is proved by `kmptui.store.audit.verify`; here it is held against the rows that it tells of, so
that a change of the ledger by another hand than the program's is found as well.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from kmptui.domain.order import Act, Ledger
from kmptui.store.db import Db

_ACTS = ", ".join(f"'{act.value}'" for act in Act)
_OUTCOME: Mapping[str, str] = {
    Ledger.PREPARED.value: "",
    Ledger.SENT.value: "",
    Ledger.ACCEPTED.value: "accepted",
    Ledger.REFUSED.value: "refused",
    Ledger.UNCONFIRMED.value: "unconfirmed",
    Ledger.NOT_PLACED.value: "not placed",
    Ledger.DRAFT.value: "not sent",
}
"""The outcome that the record's last row must have, by the state of the intent."""

_Told = list[tuple[str, str, Mapping[str, str]]]


def contradiction(db: Db) -> str:
    """The first order whose rows contradict the record, and how; "" where none does."""
    record = _record(db)
    intents: dict[tuple[int, str], list[tuple[Any, ...]]] = defaultdict(list)
    for order_id, act, state, spki, ssl_id in db.run(
        "SELECT order_id, act, state, spki, ssl_id FROM intents ORDER BY id"
    ):
        intents[order_id, act].append((state, spki, ssl_id))
    for order_id, act in sorted({*record, *intents}):
        parts, known = _parts(record.get((order_id, act), [])), intents.get((order_id, act), [])
        if len(parts) != len(known):
            return f"o{order_id}: the record tells of {len(parts)} {act} requests, the ledger of {len(known)}"
        for (told, outcome, details), (state, spki, ssl_id) in zip(parts, known, strict=True):
            if _OUTCOME.get(state) != outcome:
                return (
                    f"o{order_id}: its {act} is {state} in the ledger, and {outcome or 'without outcome'} in the record"
                )
            if told.get("public key", spki) != spki:
                return f"o{order_id}: its {act} has another public key than the record tells"
            if outcome == "accepted" and details.get("ssl id", str(ssl_id)) != str(ssl_id):
                return (
                    f"o{order_id}: its {act} is scm:{ssl_id} in the ledger, and scm:{details['ssl id']} in the record"
                )
    return _stray_order(db)


def _stray_order(db: Db) -> str:
    """A request without its order; an order whose id at SCM is not the one that its accepted request brought."""
    lost = db.value("SELECT min(order_id) FROM intents WHERE order_id NOT IN (SELECT id FROM orders)")
    if lost is not None:
        return f"o{lost}: its requests are in the ledger, and the order is not"
    found = db.rows(
        "SELECT o.id, o.ssl_id, i.ssl_id FROM orders o JOIN intents i ON i.order_id = o.id"
        " WHERE i.state = 'accepted' AND i.act <> 'reissue' AND o.deleted = 0 AND o.ssl_id IS NOT i.ssl_id"
        " ORDER BY o.id LIMIT 1"
    )
    return f"o{found[0][0]}: it is scm:{found[0][1]}, and its request brought scm:{found[0][2]}" if found else ""


def _record(db: Db) -> dict[tuple[int, str], _Told]:
    told: dict[tuple[int, str], _Told] = defaultdict(list)
    for order_id, action, phase, outcome, details in db.run(
        f"SELECT order_id, action, phase, outcome, details FROM audit WHERE action IN ({_ACTS})"  # noqa: S608 - constants
        " AND order_id IS NOT NULL AND phase IN ('intent', 'outcome') ORDER BY seq"
    ):
        told[order_id, action].append((phase, outcome, dict(json.loads(details))))
    return told


def _parts(rows: _Told) -> list[tuple[Mapping[str, str], str, Mapping[str, str]]]:
    """For each request: what its intent told, its last outcome, and what that told. An outcome that comes before any
    intent (a renewal that was not even tried) belongs to none."""
    parts: list[tuple[Mapping[str, str], str, Mapping[str, str]]] = []
    for phase, outcome, details in rows:
        if phase == "intent":
            parts.append((details, "", {}))
        elif parts and outcome in _OUTCOME.values():
            parts[-1] = (parts[-1][0], outcome, details)
    return parts
