"""Private keys: sealed, found by the SHA-256 of their public key (SubjectPublicKeyInfo, hex)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from kmptui.domain.audit import Entry, Stamp
from kmptui.domain.listing import Topic
from kmptui.domain.order import OPEN_STATUSES
from kmptui.errors import NotFound, StateForbids
from kmptui.store import audit
from kmptui.store.db import Db, touch
from kmptui.store.models import KeyRow
from kmptui.store.sealed import Sealed

_PENDING = "'prepared', 'sent', 'unconfirmed'"
_OPEN = ", ".join(f"'{word}'" for word in ("accepted", *sorted(OPEN_STATUSES)))


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A private key that is here. `words` is like "RSA 2048"; `source` is made or attached."""

    spki: str
    words: str
    source: str
    created: datetime
    sealed: Sealed


def keep(db: Db, spki: str, sealed: Sealed, words: str, source: str, at: datetime) -> None:
    """Keep a key; one that is here already stays as it is."""
    KeyRow.insert(
        spki=spki, words=words, source=source, created=at, identity=sealed.identity, sealed=sealed.blob
    ).on_conflict_ignore().execute(db)
    touch(db, Topic.CERTIFICATES)


def key(db: Db, spki: str) -> StoredKey | None:
    row = KeyRow.select().where(KeyRow.spki == spki).dicts().first(db)
    if row is None:
        return None
    sealed = Sealed(row["identity"], bytes(row["sealed"]))
    return StoredKey(row["spki"], row["words"], row["source"], row["created"], sealed)


def attach(db: Db, spki: str, sealed: Sealed, words: str, entry: Entry, stamp: Stamp) -> bool:
    """Keep a key that a person brought (proved by the caller), with its audit row; False when it was here already."""
    if key(db, spki) is not None:
        return False
    keep(db, spki, sealed, words, "attached", stamp.at)
    audit.append(db, entry, stamp)
    return True


def destroy(db: Db, spki: str, entry: Entry, stamp: Stamp) -> None:
    """Delete a key for good, with its audit row. Raises NotFound; StateForbids while an open order or intent needs
    it."""
    if key(db, spki) is None:
        raise NotFound("There is no private key here for that certificate")
    waiting = db.value(
        f"SELECT id FROM orders WHERE spki = ? AND deleted = 0 AND (ledger IN ({_PENDING}) OR state IN ({_OPEN})"  # noqa: S608
        " OR hold <> '') LIMIT 1",
        (spki,),
    ) or db.value(f"SELECT order_id FROM intents WHERE spki = ? AND state IN ({_PENDING}) LIMIT 1", (spki,))  # noqa: S608
    if waiting is not None:
        raise StateForbids(
            "The private key is not deleted",
            why=f"order o{waiting} still needs it",
            cure="Wait until it is fetched or closed",
        )
    KeyRow.delete().where(KeyRow.spki == spki).execute(db)
    audit.append(db, entry, stamp)
    touch(db, Topic.CERTIFICATES)
