"""Reading the ledger: orders and intents as domain values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from kmptui.domain.order import OPEN_STATUSES, Act, Intent, Ledger, Order
from kmptui.errors import Ambiguous, NotFound
from kmptui.store import claims, words
from kmptui.store.columns import SEPARATOR, clean, json_text, moment_text, names_of, serial_text
from kmptui.store.db import Db
from kmptui.store.ledger import rows
from kmptui.store.models import IntentRow, KeyRow, OrderRecord
from kmptui.store.sealed import Sealed

OPEN_INTENTS = (Ledger.PREPARED.value, Ledger.SENT.value, Ledger.UNCONFIRMED.value)
OPEN_STATES = ("accepted", "reissue under way", *sorted(OPEN_STATUSES))
"""State words of orders that SCM has, and with which it is not done; "accepted" has no status yet."""
LONG_EXPIRED = timedelta(days=30)
_OPEN = ", ".join(f"'{word}'" for word in OPEN_STATES)
_PENDING = ", ".join(f"'{word}'" for word in OPEN_INTENTS)


def order(db: Db, order_id: int) -> Order:
    """Also one that was deleted here. Raises NotFound."""
    return orders(db, (order_id,))[0]


def orders(db: Db, order_ids: Sequence[int]) -> tuple[Order, ...]:
    """Many at once, in the given order; also such that were deleted here. Raises NotFound."""
    found = {row["id"]: row for row in OrderRecord.select().where(OrderRecord.id.in_(order_ids)).dicts().execute(db)}
    if missing := [order_id for order_id in order_ids if order_id not in found]:
        raise NotFound(f"There is no order o{missing[0]}")
    lines = db.rows(
        f"SELECT {rows.COLUMNS} FROM orders o WHERE o.id IN (SELECT value FROM json_each(?))",  # noqa: S608 - constants
        (json_text(list(order_ids)),),
    )
    shown = {line.id: line for line in map(rows.row_of, lines)}
    topics = {order_id: claims.name_topic(row["common_name"]) for order_id, row in found.items()}
    holders = claims.held(db, frozenset(topics.values()))
    return tuple(
        Order(
            row=shown[order_id],
            has_keystore_password=keystore_password(db, order_id) is not None,
            holder=holders.get(topics[order_id], ""),
            **{name: found[order_id][name] for name in _TOLD},
        )
        for order_id in order_ids
    )


_TOLD = (
    "names", "organization_id", "profile_id", "order_number", "backend_id", "term", "key", "requester",
    "external_requester", "comments", "custom_fields", "approved", "issued", "declined", "revoked", "replaced",
    "renewed", "requested_via", "keystore", "note", "contact", "origin", "placed", "checked", "problem",
    "problem_code", "spki", "previous_id", "next_id", "expected",
)  # fmt: skip


def order_by_ssl_id(db: Db, ssl_id: int) -> Order | None:
    """Also a deleted one."""
    found = db.value("SELECT id FROM orders WHERE ssl_id = ?", (ssl_id,))
    return None if found is None else order(db, int(found))


def find(db: Db, text: str) -> int:
    """`o118`, `118`, `scm:4711823`, a unique common name (of the current ones where older ones share it), or a serial.
    Deleted orders are not found. Raises NotFound, Ambiguous."""
    wanted = text.strip().lower()
    column, digits = ("ssl_id", wanted[4:]) if wanted.startswith("scm:") else ("id", wanted.removeprefix("o"))
    if digits.isascii() and digits.isdigit() and len(digits) < 19:
        found = db.value(f"SELECT id FROM orders WHERE {column} = ? AND deleted = 0", (int(digits),))  # noqa: S608
        if found is not None:
            return int(found)
    rows_found = db.rows(
        "SELECT id, shelf FROM orders WHERE common_name = ? AND deleted = 0 ORDER BY id", (clean(wanted),)
    ) or _with_serial(db, serial_text(clean(wanted)))
    current = [row for row in rows_found if row[1] == rows.CURRENT]
    if len(current) == 1 or len(rows_found) == 1:
        return int((current or rows_found)[0][0])
    if rows_found:
        numbers = ", ".join(f"o{row[0]}" for row in (current or rows_found)[:8])
        raise Ambiguous(f"Several orders are {text!r}", why=numbers, cure="Give the number")
    raise NotFound(f"There is no order {text!r} here", cure="Import the orders, or look at the list")


def with_serial(db: Db, serial: str) -> tuple[int, ...]:
    """Orders whose newest certificate has this serial; deleted ones are not found."""
    return tuple(int(row[0]) for row in _with_serial(db, serial_text(clean(serial))))


def _with_serial(db: Db, serial: str) -> list[tuple[Any, ...]]:
    test, asked = words.condition(db, words.ORDERS, "o.id", words.fold(serial), "rest")
    sql = f"SELECT o.id, o.shelf FROM orders o WHERE {test} AND o.serial = ? AND o.deleted = 0 ORDER BY o.id"  # noqa: S608
    return db.rows(sql, (*asked, serial)) if serial else []


def by_spki(db: Db, spki: str) -> tuple[int, ...]:
    """Orders that were placed with this public key, newest first."""
    found = db.rows(
        "SELECT id FROM orders WHERE spki = ?1 AND spki <> ''"
        " UNION SELECT order_id FROM intents WHERE spki = ?1 AND spki <> '' ORDER BY 1 DESC",
        (spki,),
    )
    return tuple(int(row[0]) for row in found)


def similar(db: Db, names: Iterable[str], profile_id: int, since: datetime) -> tuple[int, ...]:
    """Orders with the same set of names and the same profile that are open, or were placed since; newest first."""
    wanted = {words.fold(name) for name in names}
    if not wanted:
        return ()
    test, asked = words.condition(db, words.ORDERS, "o.id", f"{SEPARATOR}{min(wanted)}{SEPARATOR}", "names")
    found = db.rows(
        f"SELECT o.id, o.names FROM orders o WHERE {test} AND o.profile_id = ? AND o.deleted = 0"  # noqa: S608
        f" AND (o.ledger IN ({_PENDING}) OR (o.ledger = 'accepted' AND (o.state IN ({_OPEN}) OR o.placed >= ?"
        " OR o.requested > ?))) ORDER BY o.id DESC",
        (*asked, profile_id, moment_text(since), since.date().isoformat()),
    )
    return tuple(int(row[0]) for row in found if {words.fold(name) for name in names_of(row[1])} == wanted)


def keystore_password(db: Db, order_id: int) -> Sealed | None:
    """Its own, or that of the order it renews. Raises NotFound."""
    here: int | None = order_id
    while here is not None:
        found = db.rows("SELECT password_identity, password, previous_id FROM orders WHERE id = ?", (here,))
        if not found:
            raise NotFound(f"There is no order o{here}")
        identity, blob, previous = found[0]
        if identity is not None:
            return Sealed(identity, bytes(blob))
        here = previous
    return None


def to_check(db: Db, *, most: int | None = None) -> tuple[int, ...]:
    """Orders that SCM is to be asked about: open ones, those with a status that is not known here, and issued ones that
    are not in the repository (but for those that the limit holds); longest not checked first."""
    found = db.rows(
        f"SELECT id FROM orders WHERE (state IN ({_OPEN}, 'issued, not added') OR (state >= '\"' AND state < '#'))"  # noqa: S608
        " AND ledger = 'accepted' AND deleted = 0 AND hold <> 'limit' ORDER BY checked, id LIMIT ?",
        (-1 if most is None else most,),
    )
    return tuple(int(row[0]) for row in found)


def highest_ssl_id(db: Db) -> int:
    """The highest sslId known, 0 when none is."""
    return int(db.value("SELECT max(ssl_id) FROM orders") or 0)


def known_ssl_ids(db: Db) -> frozenset[int]:
    """Of all orders that SCM has and that are known here, those deleted here among them."""
    return frozenset(row[0] for row in db.rows("SELECT ssl_id FROM orders WHERE ssl_id IS NOT NULL"))


def states(db: Db, now: datetime) -> dict[str, int]:
    """How many orders of the current view are in each state (`OrderRow.state`)."""
    found = db.rows(
        "SELECT state, count(*) FROM orders WHERE shelf = 0 AND expires >= ? GROUP BY state",
        ((now - LONG_EXPIRED).date().isoformat(),),
    )
    return {str(state): int(count) for state, count in found}


def lineage_of(db: Db, order_id: int) -> int:
    """The first order of its row of renewals. Raises NotFound."""
    found = db.value("SELECT lineage FROM orders WHERE id = ?", (order_id,))
    if found is None:
        raise NotFound(f"There is no order o{order_id}")
    return int(found)


def is_successor(db: Db, order_id: int) -> bool:
    """Whether a certificate of this order takes another's place: of a renewed order, or an older one of the same
    order."""
    return bool(
        db.value(
            "SELECT previous_id IS NOT NULL OR EXISTS (SELECT 1 FROM certificates c WHERE c.lineage = o.lineage"
            " AND c.deleted = 0) FROM orders o WHERE o.id = ?",
            (order_id,),
        )
    )


def open_intents(db: Db) -> tuple[Intent, ...]:
    """Prepared, sent and unconfirmed ones, oldest first; `holder` says who works on one right now."""
    found = IntentRow.select().where(IntentRow.state.in_(OPEN_INTENTS)).order_by(IntentRow.id).dicts().execute(db)
    return tuple(intent_from(db, row) for row in found)


def intent(db: Db, intent_id: int) -> Intent:
    """Raises NotFound."""
    return intent_from(db, intent_row(db, intent_id))


def intent_of(db: Db, order_id: int) -> Intent | None:
    """The order's newest intent; None for an order that was imported."""
    query = IntentRow.select().where(IntentRow.order_id == order_id).order_by(IntentRow.id.desc())
    row = query.dicts().first(db)
    return None if row is None else intent_from(db, row)


def sent_from_here(db: Db, order_id: int) -> bool:
    """Whether a request of ours was to make this order; what an import brought may have been reissued from here."""
    return bool(
        db.value("SELECT 1 FROM intents WHERE order_id = ? AND act <> ? LIMIT 1", (order_id, Act.REISSUE.value))
    )


def awaited_reissue(db: Db, order_id: int) -> Intent | None:
    """The order's reissue that SCM has taken, or may have taken, and whose certificate is not here yet."""
    found = intent_of(db, order_id)
    if found is None or found.act is not Act.REISSUE:
        return None
    if found.state.value in OPEN_INTENTS:
        return found
    awaited = db.value(
        "SELECT 1 FROM orders o WHERE o.id = ?1 AND o.spki = ?2"
        " AND NOT EXISTS (SELECT 1 FROM certificates c WHERE c.order_id = o.id AND c.spki = ?2)",
        (order_id, found.spki),
    )
    return found if found.state is Ledger.ACCEPTED and awaited else None


def intent_key(db: Db, intent_id: int) -> tuple[str, Sealed | None]:
    """The public key's hash that the intent asks for, and its sealed private key where it is here. Raises NotFound."""
    spki = intent_row(db, intent_id)["spki"]
    row = KeyRow.select(KeyRow.identity, KeyRow.sealed).where(KeyRow.spki == spki).tuples().first(db)
    return spki, None if row is None else Sealed(row[0], bytes(row[1]))


def intent_row(db: Db, intent_id: int) -> dict[str, Any]:
    """All columns of an intent. Raises NotFound."""
    row: dict[str, Any] | None = IntentRow.select().where(IntentRow.id == intent_id).dicts().first(db)
    if row is None:
        raise NotFound(f"There is no intent {intent_id}")
    return row


def intent_from(db: Db, row: dict[str, Any]) -> Intent:
    """The intent of a row, with who works on it right now."""
    members = {name: value for name, value in row.items() if name not in {"topic", "ssl_id", "act", "state"}}
    return Intent(act=Act(row["act"]), state=Ledger(row["state"]), holder=claims.held_by(db, row["topic"]), **members)
