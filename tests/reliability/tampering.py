"""Hands that somebody with the store's file could lay on record and ledger, each with what must be told of it."""

from __future__ import annotations

import hashlib
import json
import random
import sqlite3
from collections.abc import Callable
from typing import Any

from kmptui.domain.order import Ledger
from kmptui.store.audit import COLUMNS, START

TEXTS = tuple(name for name in COLUMNS if name not in {"seq", "order_id", "certificate_id"})
_NAMES = ", ".join(COLUMNS)
OTHERS = ("status", "serial", "expires", "note", "organization", "comments", "requester", "issuer", "problem")
"""Columns of an order that follow SCM and the user, of which the record tells no state."""
OUTCOMES = {state: state for state in Ledger} | {Ledger.PREPARED: "", Ledger.SENT: ""}

Hand = Callable[["Attack"], "Expected"]


class Expected:
    """What must be told of an attack: the first bad row of the record, or an order; `head_only`: by a kept head alone;
    `never`: what it is, where nothing finds it unless the ledger contradicts it."""

    def __init__(self, row: int = 0, order: int = 0, *, head_only: bool = False, never: str = "") -> None:
        self.row, self.order, self.head_only, self.never = row, order, head_only, never


class Attack:
    """One hand on the file of a store: its connection, its dice, and what it did in words."""

    def __init__(self, db: sqlite3.Connection, draw: random.Random) -> None:
        self.db = db
        self.draw = draw
        self.words = ""
        self.rows = int(db.execute("SELECT count(*) FROM audit").fetchone()[0])
        for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            db.execute(f"DROP TRIGGER {name}")

    def seq(self, first: int = 1, last: int | None = None) -> int:
        return self.draw.randint(first, last or self.rows)

    def shift(self, after: int, by: int) -> None:
        """Move the rows behind one up or down."""
        self.db.execute("UPDATE audit SET seq = -seq WHERE seq > ?", (after,))
        self.db.execute("UPDATE audit SET seq = ? - seq WHERE seq < 0", (by,))

    def copy(self, row: int, to: int) -> None:
        rest = ", ".join(COLUMNS[1:])
        self.db.execute(
            f"INSERT INTO audit ({_NAMES}) SELECT ?, {rest} FROM audit WHERE seq = ?",
            (to, row),
        )

    def rehash(self, first: int, last: int | None = None) -> None:
        """Make the rows from one on follow each other again, by the documented serialisation."""
        for row in self.db.execute(
            f"SELECT {_NAMES} FROM audit WHERE seq >= ? AND seq <= ? ORDER BY seq",
            (first, last or 10**9),
        ).fetchall():
            before = self.db.execute("SELECT hash FROM audit WHERE seq = ?", (row[0] - 1,)).fetchone()
            previous = before[0] if before else START
            told = [*row[:11], json.loads(row[11]), previous]
            text = json.dumps(told, ensure_ascii=True, separators=(",", ":"))
            digest = hashlib.sha256(text.encode()).hexdigest()
            self.db.execute("UPDATE audit SET previous = ?, hash = ? WHERE seq = ?", (previous, digest, row[0]))

    def intent(self) -> tuple[int, int, str]:
        """One request of the ledger: id, order, state."""
        found: tuple[int, int, str] = self.draw.choice(
            self.db.execute("SELECT id, order_id, state FROM intents ORDER BY id").fetchall()
        )
        return found


# on the record


def change(attack: Attack) -> Expected:
    """One column of one row, in one of the ways in which a value can be another."""
    seq, column = attack.seq(), attack.draw.choice(COLUMNS[1:])
    (old,) = attack.db.execute(f"SELECT {column} FROM audit WHERE seq = ?", (seq,)).fetchone()
    values: tuple[Any, ...] = ("x", "", 77, 10**18, 0.5)
    if column in TEXTS:
        values += (str(old).swapcase(), f"{old}.", b"\xff\x00", str(old).encode(), "[" * 100_000, "[[" * 9)
        values += (str(old)[:-1], '[["a","b"]]', "{}", "null", "1e999", "NaN")
    new = attack.draw.choice([value for value in values if value != old and str(value) != str(old)])
    if column == "details":
        new = new if isinstance(new, str | bytes) else json.dumps(new)
    attack.words = f"{column} of row {seq} is {new!r:.60}"
    attack.db.execute(f"UPDATE audit SET {column} = ? WHERE seq = ?", (new, seq))
    return Expected(seq)


def unreadable(attack: Attack) -> Expected:
    """Bytes that are no text in a column of text."""
    seq, column = attack.seq(), attack.draw.choice(TEXTS)
    attack.words = f"{column} of row {seq} is no UTF-8"
    attack.db.execute(f"UPDATE audit SET {column} = CAST(x'61ff' AS TEXT) WHERE seq = ?", (seq,))
    return Expected(seq)


def change_and_hash(attack: Attack) -> Expected:
    seq = attack.seq(last=attack.rows - 1)
    attack.words = f"the reason of row {seq} with its hash"
    attack.db.execute("UPDATE audit SET reason = reason || 'x' WHERE seq = ?", (seq,))
    attack.rehash(seq, seq)
    return Expected(seq + 1)


def delete(attack: Attack) -> Expected:
    """Some rows, not the last; the gap left or closed."""
    seq = attack.seq(last=attack.rows - 1)
    last = attack.seq(seq, attack.rows - 1)
    close = attack.draw.random() < 0.5
    attack.words = f"rows {seq} to {last} deleted, the gap {'closed' if close else 'left'}"
    attack.db.execute("DELETE FROM audit WHERE seq BETWEEN ? AND ?", (seq, last))
    if close:
        attack.shift(last, seq - last - 1)
    return Expected(seq)


def swap(attack: Attack) -> Expected:
    first, second = sorted(attack.draw.sample(range(1, attack.rows + 1), 2))
    attack.words = f"rows {first} and {second} swapped"
    for old, new in ((first, 10**6), (second, first), (10**6, second)):
        attack.db.execute("UPDATE audit SET seq = ? WHERE seq = ?", (new, old))
    return Expected(first)


def replay(attack: Attack) -> Expected:
    """A row once more, somewhere."""
    row, place = attack.seq(), attack.seq(last=attack.rows + 1)
    attack.words = f"row {row} once more as row {place}"
    attack.copy(row, 10**6)
    attack.shift(place - 1, 1)
    attack.db.execute("UPDATE audit SET seq = ? WHERE seq = ?", (place, 10**6 + 1))
    return Expected(place + 1 if place == row else place)  # a row before itself is what stood there


def cut(attack: Attack) -> Expected:
    left = attack.seq(0, attack.rows - 1)
    attack.words = f"cut after row {left}"
    attack.db.execute("DELETE FROM audit WHERE seq > ?", (left,))
    return Expected(head_only=True)


def rewrite(attack: Attack) -> Expected:
    """From one row on, every hash anew: the whole as if it had been so."""
    seq = attack.seq()
    what = attack.draw.choice(("changed", "deleted"))
    if what == "deleted":
        attack.db.execute("DELETE FROM audit WHERE seq = ?", (seq,))
        attack.shift(seq, -1)
    else:
        attack.db.execute("UPDATE audit SET actor = 'cli mallory@elsewhere' WHERE seq = ?", (seq,))
    attack.words = f"row {seq} {what}, and every hash from there on anew"
    attack.rehash(seq)
    return Expected(head_only=True)


def forge(attack: Attack) -> Expected:
    """A row once more at the end, with a hash of its own: the head that was kept is still part of the chain."""
    row = attack.seq()
    attack.words = f"row {row} forged at the end"
    attack.copy(row, attack.rows + 1)
    attack.rehash(attack.rows + 1)
    return Expected(never="rows forged behind the kept head")


# on the ledger


def other_state(attack: Attack) -> Expected:
    intent, order, state = attack.intent()
    new = attack.draw.choice([one for one in Ledger if OUTCOMES[one] != OUTCOMES[Ledger(state)]])
    attack.words = f"request {intent} of o{order} from {state} to {new}"
    attack.db.execute("UPDATE intents SET state = ? WHERE id = ?", (new.value, intent))
    return Expected(order=order)


def other_key(attack: Attack) -> Expected:
    intent, order, _ = attack.intent()
    attack.words = f"another key for request {intent} of o{order}"
    attack.db.execute("UPDATE intents SET spki = ? WHERE id = ?", (attack.draw.randbytes(32).hex(), intent))
    return Expected(order=order)


def other_id(attack: Attack) -> Expected:
    """Another id at SCM, in the request or in the order."""
    ids = attack.db.execute("SELECT id, order_id FROM intents WHERE state = 'accepted' AND act <> 'reissue'").fetchall()
    intent, order = attack.draw.choice(ids)
    number = attack.draw.randrange(10**6, 10**9)
    if attack.draw.random() < 0.5:
        attack.words = f"request {intent} of o{order} brought scm:{number}"
        attack.db.execute("UPDATE intents SET ssl_id = ? WHERE id = ?", (number, intent))
    else:
        attack.words = f"o{order} is scm:{number}"
        attack.db.execute("UPDATE orders SET ssl_id = ? WHERE id = ?", (number, order))
    return Expected(order=order)


def no_request(attack: Attack) -> Expected:
    intent, order, _ = attack.intent()
    attack.words = f"request {intent} of o{order} deleted"
    attack.db.execute("DELETE FROM intents WHERE id = ?", (intent,))
    return Expected(order=order)


def no_order(attack: Attack) -> Expected:
    """The order's row, its requests left."""
    _, order, _ = attack.intent()
    attack.words = f"o{order} deleted"
    attack.db.execute("DELETE FROM orders WHERE id = ?", (order,))
    return Expected(order=order)


def request_again(attack: Attack) -> Expected:
    """A request once more, as if it had been sent twice."""
    intent, order, _ = attack.intent()
    columns = [row[1] for row in attack.db.execute("PRAGMA table_info(intents)") if row[1] != "id"]
    told = ", ".join(columns)
    attack.db.execute(f"INSERT INTO intents ({told}) SELECT {told} FROM intents WHERE id = ?", (intent,))
    attack.words = f"request {intent} of o{order} once more"
    return Expected(order=order)


def anothers_request(attack: Attack) -> Expected:
    """A request given to another order; the first of both that contradicts is named."""
    intent, order, _ = attack.intent()
    orders = [row[0] for row in attack.db.execute("SELECT id FROM orders WHERE id <> ?", (order,)).fetchall()]
    other = attack.draw.choice(orders)
    attack.words = f"request {intent} of o{order} given to o{other}"
    attack.db.execute("UPDATE intents SET order_id = ? WHERE id = ?", (other, intent))
    return Expected(order=min(order, other))


def beside(attack: Attack) -> Expected:
    """What follows SCM and the user: the next look at SCM mends the most of it."""
    column = attack.draw.choice(OTHERS)
    attack.words = f"another {column} of every order"
    attack.db.execute(f"UPDATE orders SET {column} = 'x'")
    return Expected(never="changes of what the record tells no state of")


HANDS: tuple[tuple[str, Hand], ...] = (
    ("change", change), ("delete", delete), ("swap", swap), ("replay", replay), ("change", change),
    ("unreadable", unreadable), ("change with hash", change_and_hash), ("cut", cut), ("rewrite", rewrite),
    ("forge", forge), ("state", other_state), ("key", other_key), ("id", other_id), ("no request", no_request),
    ("no order", no_order), ("request again", request_again), ("another's request", anothers_request),
    ("beside", beside),
)  # fmt: skip
