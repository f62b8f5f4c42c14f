"""From SQLite's result codes to plain sentences (https://www.sqlite.org/rescode.html)."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import peewee

from kmptui.errors import Busy, Damaged, Full, StoreFailed

FAULTS = (sqlite3.Error, peewee.PeeweeException)

_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_FULL = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_NOMEM}
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_CLOSED = {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH}


def damaged(path: Path, why: str) -> Damaged:
    return Damaged(
        f"The store {path} is damaged",
        why=why,
        cure=f"Put a backup in its place, or the file {path.name}.before-… beside it",
    )


def undecodable(error: Exception) -> bool:
    """Whether it is Python's own complaint of text in the file that is no UTF-8; it has no code of SQLite's."""
    return isinstance(error, sqlite3.OperationalError) and "decode to UTF-8" in str(error)


def fault(error: Exception, path: Path) -> StoreFailed | None:
    """What an error of SQLite means for a person; None for one that is a mistake of ours."""
    cause: Exception = getattr(error, "orig", error)  # Peewee keeps the driver's error there
    code = getattr(cause, "sqlite_errorcode", None)
    if undecodable(cause):
        return damaged(path, str(cause).partition(" with text ")[0])
    if not isinstance(code, int):
        return None
    kind = code & 0xFF
    why = str(cause)
    if kind == sqlite3.SQLITE_CONSTRAINT and "data key" in why:  # see the triggers of the second migration
        return Busy("The vault's data key was rotated meanwhile", cure="Try again: nothing was sent or written")
    if kind in _BUSY:
        return Busy(
            "Another program holds the store's lock", why=why, cure="Try again; `lsof` on the store's file names it"
        )
    if kind in _FULL:
        return Full(f"The store {path} cannot be written", why=why, cure="Make room on its disk; nothing was changed")
    if kind in _DAMAGED:
        return damaged(path, why)
    if kind in _CLOSED:
        return StoreFailed(f"The store {path} cannot be opened for writing", why=why, cure="Mend its permissions")
    return None
