"""A home in one file: everything but what opens it, sealed under a key that comes from the vault's.

    kmptui backup 1 ⏎
    {"created", "host", "salt", "slots": […], "keys": […]} ⏎            in clear, but nothing in it opens anything
    4 bytes length, sealed piece; 4 bytes length, sealed piece; …        AES-256-GCM, at most 1 MiB each

The pieces are a ZIP of the store and the settings. The key is HKDF-SHA-256 of the vault key and the salt; the nonce
counts the pieces, and the associated data is the SHA-256 of the head and whether the piece is the last one. So a
changed head and pieces that were changed, swapped, doubled or cut off do not open. Any slot in the head opens it: those
of the vault, or a passphrase that was given for this file alone.
"""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from kmptui.errors import BadInput
from kmptui.store.columns import json_text
from kmptui.store.slots import DataKey, Rows, Slot

MAGIC = b"kmptui backup 1\n"
PIECE = 1024 * 1024
LONGEST_HEAD = 64 * 1024
STORE, SETTINGS = "kmptui.db", "settings.toml"


@dataclass(frozen=True, slots=True)
class Head:
    """What stands before the sealed pieces: `rows` the slots that open it and the data keys, `digest` of it all."""

    created: datetime
    host: str
    salt: bytes
    rows: Rows
    digest: bytes


def head_of(rows: Rows, salt: bytes, created: datetime, host: str) -> bytes:
    """The first bytes of a file, to be written and to be digested."""
    told = {
        "created": created.isoformat(),
        "host": host,
        "salt": salt.hex(),
        "slots": [[slot.kind, slot.parameters, slot.wrapped.hex(), slot.created.isoformat()] for slot in rows.slots],
        "keys": [[key.id.hex(), key.wrapped.hex(), key.created.isoformat()] for key in rows.keys],
    }
    return MAGIC + json_text(told).encode("ascii") + b"\n"


def read_head(file: IO[bytes]) -> Head:
    """Raises BadInput("file") for what is no backup."""
    first = file.read(len(MAGIC))
    line = file.readline(LONGEST_HEAD)
    try:
        if first != MAGIC or not line.endswith(b"\n"):
            raise ValueError
        told: dict[str, Any] = json.loads(line)
        slots = tuple(
            Slot(str(kind), str(parameters), bytes.fromhex(wrapped), datetime.fromisoformat(created))
            for kind, parameters, wrapped, created in told["slots"]
        )
        keys = tuple(
            DataKey(bytes.fromhex(key_id), bytes.fromhex(wrapped), datetime.fromisoformat(created))
            for key_id, wrapped, created in told["keys"]
        )
        created, host, salt = datetime.fromisoformat(told["created"]), str(told["host"]), bytes.fromhex(told["salt"])
    except (ValueError, KeyError, TypeError):
        raise BadInput("file", "This is no backup of kmptui, or its beginning is damaged") from None
    return Head(created, host, salt, Rows(slots, keys), hashlib.sha256(first + line).digest())


def pack(zipped: Path, members: Sequence[tuple[str, Path]]) -> None:
    """Put the members into a ZIP, which is made anew (0600, O_EXCL)."""
    handle = os.open(zipped, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "wb") as out, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, path in members:
            archive.write(path, name)


def unpack(zipped: Path, folder: Path) -> tuple[str, ...]:
    """The members, written into the folder (0600); their names. Raises BadInput("file") for other members."""
    try:
        with zipfile.ZipFile(zipped) as archive:
            names = tuple(archive.namelist())
            if STORE not in names or not set(names) <= {STORE, SETTINGS} or len(set(names)) != len(names):
                raise _damaged("it holds something else than a home")
            for name in names:
                handle = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
                with archive.open(name) as member, os.fdopen(handle, "wb") as out:
                    while part := member.read(PIECE):
                        out.write(part)
                    out.flush()
                    os.fsync(out.fileno())
    except (zipfile.BadZipFile, OSError) as error:
        raise _damaged(str(error)) from error
    return names


def sealed(key: bytes, digest: bytes, source: IO[bytes]) -> Iterator[bytes]:
    """The pieces of a file as they are written."""
    cipher = AESGCM(key)
    number, piece = 0, source.read(PIECE)
    while True:
        following = source.read(PIECE)
        body = cipher.encrypt(_nonce(number), piece, _bound(digest, last=not following))
        yield len(body).to_bytes(4, "big") + body
        if not following:
            return
        number, piece = number + 1, following


def opened(key: bytes, digest: bytes, file: IO[bytes]) -> Iterator[bytes]:
    """The pieces of the ZIP. Raises BadInput("file") where one is damaged or missing, or something follows."""
    cipher = AESGCM(key)
    number = 0
    while True:
        size = int.from_bytes(file.read(4), "big")
        body = file.read(size) if 16 <= size <= PIECE + 16 else b""
        if len(body) != size or not body:
            raise _damaged("it ends too early")
        try:
            piece, last = cipher.decrypt(_nonce(number), body, _bound(digest, last=False)), False
        except InvalidTag:
            try:
                piece, last = cipher.decrypt(_nonce(number), body, _bound(digest, last=True)), True
            except InvalidTag:
                raise _damaged(f"piece {number + 1:,} does not open") from None
        yield piece
        if last:
            if file.read(1):
                raise _damaged("something follows its end")
            return
        number += 1


def _nonce(number: int) -> bytes:
    return number.to_bytes(12, "big")


def _bound(digest: bytes, *, last: bool) -> bytes:
    return digest + (b"last" if last else b"more")


def _damaged(why: str) -> BadInput:
    return BadInput("file", "The backup is damaged", why=why, cure="Take another one")
