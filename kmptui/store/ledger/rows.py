"""Order rows: the one place where a row is changed, so that what follows from its columns follows at once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from kmptui.domain.listing import Topic
from kmptui.domain.order import Hold, Ledger, OrderRow, state_word
from kmptui.errors import NotFound
from kmptui.store import words
from kmptui.store.columns import clean, day_of, names_text
from kmptui.store.db import Db, touch
from kmptui.store.models import OrderRecord

Columns = dict[str, Any]

CURRENT, PAST, DELETED = 0, 1, 2
_PAST_STATES = frozenset({"declined", "replaced"})
_WORDS = ("names", "organization", "profile", "serial", "order_number", "ssl_id", "note", "contact")

COLUMNS = (
    "o.id, o.ssl_id, o.common_name, o.names_count, o.ledger, o.status, o.hold, o.organization, o.profile, o.requested,"
    " o.expires, o.serial, o.certificate_id, o.auto_renew, o.deleted, o.superseded, o.issued, o.next_id,"
    " (SELECT n.state FROM orders n WHERE n.id = o.next_id),"
    " (SELECT t.kind FROM renewal_tries t WHERE t.order_id = o.id)"
)
"""What `row_of` reads, from `orders o`."""

_LEDGER = {str(ledger): ledger for ledger in Ledger}
_HOLD = {str(hold): hold for hold in Hold}


def row_of(row: tuple[Any, ...]) -> OrderRow:
    """A line of the list from its COLUMNS."""
    return OrderRow(
        row[0], row[1], row[2], row[3], _LEDGER[row[4]], row[5], _HOLD[row[6]], row[7], row[8], day_of(row[9]),
        day_of(row[10]), row[11], row[12], bool(row[13]), bool(row[14]), bool(row[15]),
        day_of(row[16]), row[17], row[18] or "", row[19] or "",
    )  # fmt: skip


def shelf_of(state: str, *, superseded: bool, deleted: bool) -> int:
    """Where an order stands: among the current ones, among those of the past, or deleted here."""
    if deleted:
        return DELETED
    return PAST if superseded or state in _PAST_STATES else CURRENT


def known(db: Db, order_id: int) -> Columns:
    """All columns of an order. Raises NotFound."""
    row: Columns | None = OrderRecord.select().where(OrderRecord.id == order_id).dicts().first(db)
    if row is None:
        raise NotFound(f"There is no order o{order_id}")
    return row


def insert(db: Db, **columns: Any) -> int:
    """A new row; its id. `lineage` 0 begins a lineage of its own. The rest has the table's defaults."""
    state, shelf = _derived(columns)
    order_id: int = OrderRecord.insert(**columns, state=state, shelf=shelf).execute(db)
    if not columns["lineage"]:
        OrderRecord.update(lineage=order_id).where(OrderRecord.id == order_id).execute(db)
    words.put(db, words.ORDERS, [_words(order_id, known(db, order_id))])
    touch(db, Topic.ORDERS)
    return order_id


def change(db: Db, order_id: int, **columns: Any) -> None:
    """Change columns of one order. Raises NotFound."""
    before = known(db, order_id)
    after = before | columns
    state, shelf = _derived(after)
    OrderRecord.update(**columns, state=state, shelf=shelf).where(OrderRecord.id == order_id).execute(db)
    if any(before[name] != after[name] for name in _WORDS):
        words.replace(db, words.ORDERS, [_words(order_id, after)])
    touch(db, Topic.ORDERS)


def hold_many(db: Db, order_ids: Iterable[int], hold: Hold) -> int:
    """Set why these orders' certificates are not in the repository; how many orders there were."""
    found = [
        (hold.value, state_word(_LEDGER[ledger], status, hold), order_id)
        for wanted in order_ids
        for order_id, ledger, status in db.rows("SELECT id, ledger, status FROM orders WHERE id = ?", (wanted,))
    ]
    # A hold moves no order between the shelves: "issued" and "issued, not added" are both current.
    db.many("UPDATE orders SET hold = ?, state = ?, body_tries = 0, body_again = '' WHERE id = ?", found)
    if found:
        touch(db, Topic.ORDERS)
    return len(found)


def words_of(
    names: str,
    organization: str,
    profile: str,
    serial: str,
    order_number: str,
    ssl_id: int | None,
    note: str,
    contact: str,
) -> tuple[str, str]:
    """The text that an order is found by: names (joined as they stand in the row), and the rest."""
    number = str(ssl_id) if ssl_id else ""
    return (
        words.names_words(names),
        words.rest_words((organization, profile, serial, order_number, number, note, contact)),
    )


def _words(order_id: int, row: Columns) -> words.Row:
    values = [row[name] for name in _WORDS]
    values[0] = names_text(row["names"])
    cleaned: list[Any] = [clean(value) if isinstance(value, str) else value for value in values]
    return (order_id, *words_of(*cleaned))


def _derived(row: Columns) -> tuple[str, int]:
    state = state_word(Ledger(row["ledger"]), row.get("status", ""), Hold(row.get("hold", "")))
    shelf = shelf_of(state, superseded=row.get("superseded", False), deleted=row.get("deleted", False))
    return state, shelf
