"""The whole home in one sealed file, and back into an empty home.

A backup is consistent while others read and write. It holds the store and the settings; what opens the vault stays
outside: keep the key file elsewhere, or give the backup a passphrase of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import IO, TYPE_CHECKING

from kmptui.config import make_private_folder, write_private
from kmptui.domain.audit import Entry, Stamp
from kmptui.errors import BadInput, Full, StateForbids, StoreFailed, VaultLocked
from kmptui.services.actor import this_process
from kmptui.services.outfile import write_out
from kmptui.services.vault import check_passphrase
from kmptui.store import audit, ledger, migrations, slots
from kmptui.store.db import Db
from kmptui.store.faults import FAULTS, fault
from kmptui.store.home import refuse_newer

if TYPE_CHECKING:
    from kmptui.config import Paths
    from kmptui.domain.clock import Clock
    from kmptui.services.engine import Engine
    from kmptui.store.archive import Head
    from kmptui.store.slots import Rows
    from kmptui.store.vault import Vault

SALT_BYTES = 32


@dataclass(frozen=True, slots=True)
class BackedUp:
    """`sha256` of the file in hex, `size` in bytes, `opened_by` what opens it: passphrase, key file."""

    path: Path
    sha256: str
    size: int
    opened_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Restored:
    """What came back: when and on which host the backup was made, its rows, what opens the vault now."""

    created: datetime
    host: str
    orders: int
    certificates: int
    audit_rows: int
    head: str
    opened_by: tuple[str, ...]


class Backup:
    """Needs the vault open: the file is sealed under a key that comes from the vault's."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def write(self, path: Path, *, passphrase: str | None = None, replace: bool = False) -> BackedUp:
        """Write the file (0600, in one step, never through a symbolic link). `passphrase`: what opens this file in the
        place of the vault's own. Raises VaultLocked, BadInput("out"|"passphrase"), Full, StoreFailed."""
        if passphrase is not None:
            check_passphrase(passphrase)
        return await self._engine.own(self._write(path, passphrase, replace=replace), "Writing a backup")

    async def _write(self, path: Path, passphrase: str | None, *, replace: bool) -> BackedUp:
        from kmptui.store import archive

        engine = self._engine
        vault = await engine.vault.opened()
        rows = await engine.store.read(slots.rows)
        if passphrase is not None:
            rows = await asyncio.to_thread(_with_passphrase, vault, rows, passphrase, engine.clock.now())
        salt = engine.randomness(SALT_BYTES)
        head = archive.head_of(rows, salt, engine.clock.now(), engine.actor.host)
        with _scratch(engine.paths) as scratch:
            copy, zipped = scratch / archive.STORE, scratch / "home.zip"
            await engine.store.backup(copy)
            members = [(archive.STORE, copy)]
            if engine.paths.settings.exists():
                members.append((archive.SETTINGS, engine.paths.settings))
            await asyncio.to_thread(_packed, zipped, members)
            copy.unlink()
            key = vault.archive_key(salt)
            digest, size = await asyncio.to_thread(_sealed, path, head, key, zipped, replace=replace)
        kinds = tuple(slot.kind for slot in rows.slots)
        entry = Entry("backup", subject=str(path), details=(("sha256", digest), ("opened by", ", ".join(kinds))))
        await engine.store.write(audit.append, entry, await engine.stamp())
        return BackedUp(path, digest, size, kinds)


async def restore(
    paths: Paths, file: Path, clock: Clock, *, passphrase: str | None = None, key_file: Path | None = None
) -> Restored:
    """Put a backup into a home that has no store. All of it is verified first: every piece, the database, the chain of
    the audit; whatever fails, the home has no store afterwards either.

    Opened with the passphrase, or with the key file (None: that of the home). Raises StateForbids where there is a
    store, BadInput("file"|"key_file"), WrongPassphrase, VaultLocked, FromTheFuture, Full, StoreFailed.
    """
    return await asyncio.to_thread(_restore, paths, file, clock, passphrase, key_file)


def opened_by(file: Path) -> tuple[str, ...]:
    """What opens a backup: passphrase, key file. Raises BadInput("file")."""
    from kmptui.store import archive

    with _reading(file) as source:
        return tuple(slot.kind for slot in archive.read_head(source).rows.slots)


def _restore(paths: Paths, file: Path, clock: Clock, passphrase: str | None, key_file: Path | None) -> Restored:
    from kmptui.store import archive
    from kmptui.store.vault import Vault

    _refuse_a_used_home(paths)
    used = key_file if passphrase is None and key_file is not None and key_file != paths.key_file else None
    if used is not None:
        _refuse_another_key(paths, used)
    make_private_folder(paths.home)
    with _scratch(paths) as scratch, _reading(file) as source:
        head = archive.read_head(source)
        vault = Vault()
        if passphrase is not None:
            vault.unlock_with_passphrase(head.rows, passphrase)
        else:
            vault.unlock_with_key_file(head.rows, key_file or paths.key_file)
        try:
            zipped = scratch / "home.zip"
            with zipped.open("xb") as out:
                for piece in archive.opened(vault.archive_key(head.salt), head.digest, source):
                    out.write(piece)
            names = archive.unpack(zipped, scratch)
            zipped.unlink()
        except OSError as error:
            raise Full(f"{paths.home} has no room for the backup", why=error.strerror or "") from error
        restored = _verified(scratch / archive.STORE, paths, head, vault, clock, by_passphrase=passphrase is not None)
        if used is not None:
            write_private(paths.key_file, used.read_bytes())
        if archive.SETTINGS in names:
            if paths.settings.exists():
                paths.settings.replace(paths.settings.with_name(f"{paths.settings.name}.before-restore"))
            (scratch / archive.SETTINGS).replace(paths.settings)
        (scratch / archive.STORE).replace(paths.store)
        _settle(paths.home)
    return restored


def _refuse_a_used_home(paths: Paths) -> None:
    """A store, or the log of one that was moved away: SQLite would play that into the restored one."""
    if paths.store.exists() and paths.store.stat().st_size:
        raise StateForbids(
            f"{paths.home} holds a store already",
            why="a backup goes into an empty home",
            cure=f"Set KMPTUI_HOME to another folder, or move {paths.store.name}* and {paths.key_file.name} away",
        )
    for end in ("-wal", "-journal"):
        beside = paths.store.with_name(paths.store.name + end)
        if beside.exists() and beside.stat().st_size:
            raise StateForbids(
                f"{beside} belongs to another store",
                why="it holds the last changes of that one",
                cure="Move it to where that store is",
            )
    paths.store.with_name(f"{paths.store.name}-shm").unlink(missing_ok=True)


def _refuse_another_key(paths: Paths, key_file: Path) -> None:
    """The key of a store that was moved away is not written over: nothing else would open that store's keys."""
    try:
        another = paths.key_file.exists() and paths.key_file.read_bytes() != key_file.read_bytes()
    except OSError as error:
        raise BadInput("key_file", f"{error.filename} cannot be read", why=error.strerror or "") from error
    if another:
        raise _another_key(paths)


def _another_key(paths: Paths) -> StateForbids:
    return StateForbids(
        f"{paths.key_file} is the key of another vault",
        why="a store that was moved away may need it",
        cure="Move it to where that store is, or set KMPTUI_HOME to another folder",
    )


def _verified(copy: Path, paths: Paths, head: Head, vault: Vault, clock: Clock, *, by_passphrase: bool) -> Restored:
    """Look at every page and the whole chain, make sure that something opens the vault here, and note the restoring."""
    db = Db(copy, paths.holders, writer=True, busy_seconds=1)
    try:
        db.connect()
        found = migrations.version(db)
        refuse_newer(found)
        wrong = [str(row[0]) for row in db.rows("PRAGMA integrity_check(5)") if row[0] != "ok"]
        if int(db.value("PRAGMA application_id")) != migrations.APPLICATION_ID or wrong:
            raise BadInput("file", "The store in the backup is damaged", why="; ".join(wrong[:3]))
        with db.unit("IMMEDIATE"):
            migrations.migrate(db, clock.now())
            record = audit.verify(db)
            if not record.intact:
                raise BadInput("file", "The audit in the backup is not whole", why=record.problem)
            stamp = Stamp(clock.now(), this_process("cli"))
            if by_passphrase:
                _open_here(db, paths, vault, stamp)
            ledger.perhaps_sent(db)
            told = (("made", head.created.isoformat()), ("on", head.host), ("head", record.head))
            audit.append(db, Entry("restore", subject="from a backup", details=told), stamp)
            orders, certificates, rows = (_count(db, name) for name in ("orders", "certificates", "audit"))
            restored = Restored(head.created, head.host, orders, certificates, rows, audit.head(db), slots.status(db))
        db.run("PRAGMA wal_checkpoint(TRUNCATE)")
        return restored
    except FAULTS as error:
        meant = fault(error, copy)
        if meant is None:
            raise
        raise BadInput("file", "The store in the backup cannot be used", why=meant.why) from error
    finally:
        db.close()


def _count(db: Db, table: str) -> int:
    return int(db.value(f"SELECT count(*) FROM {table}"))  # noqa: S608 - the callers' constants


def _open_here(db: Db, paths: Paths, vault: Vault, stamp: Stamp) -> None:
    """Where a passphrase of the backup's own opened it a new key file is made, unless the home's opens it: nothing else
    would open the vault here. Raises StateForbids where the home has the key file of another vault."""
    from kmptui.store.vault import Vault as Another

    if paths.key_file.exists() and slots.KEY_FILE in slots.status(db):
        try:
            Another().unlock_with_key_file(slots.rows(db), paths.key_file)
        except VaultLocked:
            raise _another_key(paths) from None
    elif slots.PASSPHRASE not in slots.status(db):
        slot = vault.slot_for_key_file(paths.key_file, stamp.at)
        slots.replace_slot(db, slot, Entry("vault", subject="new key file after a restore"), stamp)


def _with_passphrase(vault: Vault, rows: Rows, passphrase: str, now: datetime) -> Rows:
    others = tuple(slot for slot in rows.slots if slot.kind != slots.PASSPHRASE)
    return replace(rows, slots=(*others, vault.slot_for_passphrase(passphrase, now)))


def _packed(zipped: Path, members: list[tuple[str, Path]]) -> None:
    from kmptui.store import archive

    # the copy is in WAL mode, as the store is: without its own log it must stand alone
    copy = sqlite3.connect(members[0][1])
    try:
        copy.execute("PRAGMA journal_mode = delete")
    finally:
        copy.close()
    try:
        archive.pack(zipped, members)
    except OSError as error:
        raise Full("There is no room for the backup beside the store", why=error.strerror or "") from error


def _sealed(path: Path, head: bytes, key: bytes, zipped: Path, *, replace: bool) -> tuple[str, int]:
    from kmptui.store import archive

    digest, size = hashlib.sha256(), 0

    def pieces() -> Iterator[bytes]:
        nonlocal digest, size
        digest, size = hashlib.sha256(), 0
        with zipped.open("rb") as source:
            for piece in chain((head,), archive.sealed(key, hashlib.sha256(head).digest(), source)):
                digest.update(piece)
                size += len(piece)
                yield piece

    write_out(path, pieces, replace=replace)
    return digest.hexdigest(), size


@contextlib.contextmanager
def _scratch(paths: Paths) -> Iterator[Path]:
    """A folder in the home (0700), gone at the end."""
    try:
        folder = Path(tempfile.mkdtemp(dir=paths.home, prefix=".backup."))
    except OSError as error:
        raise StoreFailed(f"{paths.home} cannot be written", why=error.strerror or "") from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _reading(file: Path) -> Iterator[IO[bytes]]:
    try:
        source = file.open("rb")
    except OSError as error:
        raise BadInput("file", f"{file} cannot be read", why=error.strerror or "") from error
    with source:
        yield source


def _settle(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
