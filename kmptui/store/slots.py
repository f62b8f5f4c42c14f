"""The vault's rows: wrapped keys, never an open one. Loads no cryptography."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from kmptui.domain.audit import Entry, Stamp
from kmptui.domain.listing import Topic
from kmptui.errors import NotFound, StateForbids, VaultLocked, WrongPassphrase
from kmptui.store import audit
from kmptui.store.db import Db, touch
from kmptui.store.models import DataKeyRow, SlotRow
from kmptui.store.sealed import sealed_under_others

KEY_FILE = "key file"
PASSPHRASE = "passphrase"  # noqa: S105 - the kind of a slot, not a secret


@dataclass(frozen=True, slots=True)
class Slot:
    """One way to open the vault: `kind` is "key file" or "passphrase" (one of each at most), `parameters` what the
    derivation needs (JSON: salt, memory, iterations, lanes), `wrapped` the vault key sealed under the slot's own."""

    kind: str
    parameters: str
    wrapped: bytes = field(repr=False)
    created: datetime


@dataclass(frozen=True, slots=True)
class DataKey:
    """A data key sealed under the vault key; the newest one seals, older ones only open. `id` is 8 random bytes."""

    id: bytes
    wrapped: bytes = field(repr=False)
    created: datetime


@dataclass(frozen=True, slots=True)
class Rows:
    """All that the vault keeps in the store."""

    slots: tuple[Slot, ...]
    keys: tuple[DataKey, ...]


def status(db: Db) -> tuple[str, ...]:
    """The kinds of slots there are; empty while no vault was made."""
    return tuple(str(row[0]) for row in db.rows("SELECT kind FROM slots ORDER BY kind"))


def rows(db: Db) -> Rows:
    """What `Vault.unlock_with_…` needs. Raises VaultLocked where no vault was made."""
    slots = tuple(Slot(**row) for row in SlotRow.select().order_by(SlotRow.kind).dicts().execute(db))
    if not slots:
        raise VaultLocked("There is no vault yet", cure="Make one with: kmptui vault init")
    keys = DataKeyRow.select(DataKeyRow.id, DataKeyRow.wrapped, DataKeyRow.created).order_by(DataKeyRow.number)
    return Rows(slots, tuple(DataKey(**row) for row in keys.dicts().execute(db)))


STILL_WORKS = "lists, details, the audit and certificates without their keys need none; SCM and private keys do"


def no_key_file(path: Path, kinds: Iterable[str]) -> VaultLocked:
    """The key file is lost: what still works, and the way back."""
    return VaultLocked(f"The vault's key file {path} is not there", why=STILL_WORKS, cure=_way_back("it", kinds))


def wrong_key_file(path: Path, kinds: Iterable[str]) -> WrongPassphrase:
    """A key file of another vault, or a spoilt one."""
    return WrongPassphrase(f"{path} is not the key of this vault", why=STILL_WORKS, cure=_way_back("its own", kinds))


def _way_back(what: str, kinds: Iterable[str]) -> str:
    others = ", unlock with the passphrase" if PASSPHRASE in kinds else ""
    return f"Put {what} back{others}, or restore a backup that has a passphrase: kmptui restore"


def newest_key(db: Db) -> bytes:
    """Id of the data key that seals now; empty while there is no vault."""
    return bytes(db.value("SELECT id FROM data_keys ORDER BY number DESC LIMIT 1") or b"")


def old_keys(db: Db) -> int:
    """Data keys that a rotation which did not come to its end has left."""
    return max(0, int(db.value("SELECT count(*) FROM data_keys")) - 1)


def make(db: Db, slots: Sequence[Slot], key: DataKey, entry: Entry, stamp: Stamp) -> None:
    """Write a new vault's rows. Raises StateForbids where there is one."""
    if status(db):
        raise StateForbids("There is a vault already", cure="Add a slot to it, or change its passphrase")
    for slot in slots:
        _insert(db, slot)
    _insert_key(db, key)
    audit.append(db, entry, stamp)
    touch(db, Topic.ACCOUNT)


def add_slot(db: Db, slot: Slot, entry: Entry, stamp: Stamp) -> None:
    """Raises StateForbids where there is a slot of that kind, or no vault."""
    kinds = status(db)
    if not kinds:
        raise StateForbids("There is no vault yet", cure="Make one with: kmptui vault init")
    if slot.kind in kinds:
        raise StateForbids(f"The vault has a {slot.kind} already", cure="Change it, or remove it first")
    _insert(db, slot)
    audit.append(db, entry, stamp)
    touch(db, Topic.ACCOUNT)


def replace_slot(db: Db, slot: Slot, entry: Entry, stamp: Stamp) -> None:
    """Put a slot in the place of the one of its kind (a changed passphrase). Raises NotFound."""
    _delete(db, slot.kind)
    _insert(db, slot)
    audit.append(db, entry, stamp)
    touch(db, Topic.ACCOUNT)


def remove_slot(db: Db, kind: str, entry: Entry, stamp: Stamp) -> None:
    """Never the last one: StateForbids. Raises NotFound."""
    if status(db) == (kind,):
        raise StateForbids(
            f"The {kind} is the vault's only slot", why="without one nothing opens it", cure="Add another one first"
        )
    _delete(db, kind)
    audit.append(db, entry, stamp)
    touch(db, Topic.ACCOUNT)


def add_key(db: Db, key: DataKey, entry: Entry, stamp: Stamp) -> None:
    """A rotation begins: from now on this key seals."""
    _insert_key(db, key)
    audit.append(db, entry, stamp)
    touch(db, Topic.ACCOUNT)


def drop_old_keys(db: Db, entry: Entry, stamp: Stamp) -> int:
    """A rotation ends: forget all data keys but the newest; StateForbids while a secret is sealed under one of them."""
    newest = db.rows("SELECT number, id FROM data_keys ORDER BY number DESC LIMIT 1")
    if not newest:
        return 0
    number, key_id = newest[0]
    if sealed_under_others(db, bytes(key_id), 1):
        raise StateForbids("The old data keys are still needed", why="some secrets are sealed under them")
    dropped = db.run("DELETE FROM data_keys WHERE number < ?", (number,)).rowcount
    audit.append(db, entry, stamp)
    return dropped


def _insert(db: Db, slot: Slot) -> None:
    SlotRow.insert(kind=slot.kind, parameters=slot.parameters, wrapped=slot.wrapped, created=slot.created).execute(db)


def _delete(db: Db, kind: str) -> None:
    if not SlotRow.delete().where(SlotRow.kind == kind).execute(db):
        raise NotFound(f"The vault has no {kind}")


def _insert_key(db: Db, key: DataKey) -> None:
    DataKeyRow.insert(id=key.id, wrapped=key.wrapped, created=key.created).execute(db)
