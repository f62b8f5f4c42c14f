"""Sealed secrets as the store keeps them, and the walk over all of them that a rotation makes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import uuid4

from kmptui.store.db import Db

_PLACES = {
    "account": ("password_identity", "password"),
    "keys": ("identity", "sealed"),
    "orders": ("password_identity", "password"),
}
"""Every column that holds a sealed secret, by table: its identity, its blob."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """A secret sealed by the vault under `identity`; it opens under no other identity."""

    identity: str
    blob: bytes = field(repr=False)


def new_identity() -> str:
    """A random identity for a secret that is about to be sealed."""
    return uuid4().hex


@dataclass(frozen=True, slots=True)
class Place:
    """Where a sealed secret stands: its table and the id of its row."""

    table: str
    row: int
    sealed: Sealed


def sealed_under_others(db: Db, key_id: bytes, most: int = 200) -> tuple[Place, ...]:
    """Secrets that are not sealed under the data key `key_id` (Vault.key_id); nothing when a rotation is done."""
    found: list[Place] = []
    for table, (identity, blob) in _PLACES.items():
        sql = (
            f"SELECT id, {identity}, {blob} FROM {table}"  # noqa: S608 - constants
            f" WHERE {blob} IS NOT NULL AND substr({blob}, 2, ?) <> ? ORDER BY id LIMIT ?"
        )
        for row, name, value in db.rows(sql, (len(key_id), key_id, most - len(found))):
            found.append(Place(table, row, Sealed(name, bytes(value))))
    return tuple(found)


def reseal(db: Db, places: Sequence[tuple[Place, bytes]]) -> int:
    """Put the new blob in each place that still holds the old one; the number that did."""
    done = 0
    for place, blob in places:
        _, column = _PLACES[place.table]
        done += db.run(
            f"UPDATE {place.table} SET {column} = ? WHERE id = ? AND {column} = ?",  # noqa: S608 - constants
            (blob, place.row, place.sealed.blob),
        ).rowcount
    return done
