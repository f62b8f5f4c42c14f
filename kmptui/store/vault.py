"""The vault: seals and opens secrets. The only module of the store that loads cryptography; import it when needed.

Three layers, all AES-256-GCM with random 96-bit nonces: a slot (key file, or passphrase through Argon2id) wraps the
*vault key*; the vault key wraps *data keys*; the newest data key seals secrets, with the secret's identity as
associated data. So a rotation needs one open slot, not all of them, and may be killed at any point.
A sealed blob is: version (1 byte, 1), data key id (8), nonce (12), ciphertext with its tag.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from kmptui.errors import BadInput, Damaged, StoreFailed, VaultLocked, WrongPassphrase
from kmptui.store.columns import json_text
from kmptui.store.sealed import Sealed
from kmptui.store.slots import KEY_FILE, PASSPHRASE, DataKey, Rows, Slot, no_key_file, wrong_key_file

_VERSION = b"\x01"
_KEY_BYTES = 32
_NONCE_BYTES = 12
_ID_BYTES = 8
_HEAD = len(_VERSION) + _ID_BYTES
MEMORY_KIB = 64 * 1024
ITERATIONS = 4
LANES = 4
"""About 0.2 s on a server's core; stored with each slot, so that they can grow (RFC 9106, 4)."""
_MOST_MEMORY_KIB = 4 * 1024 * 1024
"""A slot that asks for more is damaged: it would end the process."""


@dataclass(slots=True)
class _Ring:
    """The open keys."""

    vault_key: bytes = field(repr=False)
    data_keys: dict[bytes, AESGCM] = field(repr=False)
    newest: bytes = field(repr=False)


class Vault:
    """The vault of one process: locked, or open with its keys in memory. Knows no database: rows come in and go out.

    vault = Vault()
    vault.unlock_with_key_file(await store.read(slots.rows), paths.key_file)
    sealed = vault.seal(b"…", new_identity())
    vault.open(sealed)
    """

    def __init__(self, randomness: Callable[[int], bytes] | None = None) -> None:
        self._random = randomness or os.urandom
        self._ring: _Ring | None = None

    def __repr__(self) -> str:
        return f"Vault({'locked' if self.locked else 'open'})"

    @property
    def locked(self) -> bool:
        return self._ring is None

    @property
    def key_id(self) -> bytes:
        """Id of the data key that seals. Raises VaultLocked."""
        return self._open_ring().newest

    def create(self, now: datetime) -> DataKey:
        """Make a new vault key and data key and be open; save it with `slots.make` and a slot of `slot_for_…`."""
        self._ring = _Ring(self._random(_KEY_BYTES), {}, b"")
        return self.rotate(now)

    def slot_for_passphrase(self, passphrase: str, now: datetime) -> Slot:
        """Wrap the vault key under the passphrase (Argon2id, 64 MiB; about 0.2 s: call it in a thread). Raises
        VaultLocked, BadInput("passphrase") for an empty one."""
        ring = self._open_ring()
        if not passphrase:
            raise BadInput("passphrase", "The passphrase is empty", cure="Give at least a few words")
        parameters = json_text(
            {"memory": MEMORY_KIB, "iterations": ITERATIONS, "lanes": LANES, "salt": self._random(16).hex()}
        )
        wrapped = self._wrap(_derive(passphrase, parameters), ring.vault_key, _slot_data(PASSPHRASE, parameters))
        return Slot(PASSPHRASE, parameters, wrapped, now)

    def slot_for_key_file(self, path: Path, now: datetime) -> Slot:
        """Wrap the vault key under a key file: made (32 random bytes, 0600, O_EXCL, fsynced), or the one that is there
        when its owner and mode are right. Raises VaultLocked, BadInput("key_file"), StoreFailed."""
        ring = self._open_ring()
        try:
            key = _read_key_file(path)
        except FileNotFoundError:
            key = self._random(_KEY_BYTES)
            _make_key_file(path, key)
        return Slot(KEY_FILE, "{}", self._wrap(key, ring.vault_key, _slot_data(KEY_FILE, "{}")), now)

    def unlock_with_passphrase(self, rows: Rows, passphrase: str) -> None:
        """About 0.2 s: call it in a thread. Raises WrongPassphrase, VaultLocked where there is no such slot."""
        slot = _slot(rows, PASSPHRASE)
        self._unlock(rows, slot, _derive(passphrase, slot.parameters), WrongPassphrase("The passphrase is wrong"))

    def unlock_with_key_file(self, rows: Rows, path: Path) -> None:
        """Raises VaultLocked (no such slot, no file), WrongPassphrase (not this vault's key), BadInput("key_file")
        (owner, mode, size). A credential of systemd may be owned by root."""
        slot = _slot(rows, KEY_FILE)
        kinds = [slot.kind for slot in rows.slots]
        try:
            key = _read_key_file(path)
        except FileNotFoundError:
            raise no_key_file(path, kinds) from None
        self._unlock(rows, slot, key, wrong_key_file(path, kinds))

    def lock(self) -> None:
        """Forget the keys. Python cannot wipe them."""
        self._ring = None

    def refresh(self, rows: Rows) -> None:
        """Take in data keys that another process made; no slot is needed. Raises VaultLocked."""
        self._ring = _ring(self._open_ring().vault_key, rows)

    def seal(self, plaintext: bytes, identity: str) -> Sealed:
        """Raises VaultLocked."""
        ring = self._open_ring()
        nonce = self._random(_NONCE_BYTES)
        body = ring.data_keys[ring.newest].encrypt(nonce, plaintext, _secret_data(ring.newest, identity))
        return Sealed(identity, _VERSION + ring.newest + nonce + body)

    def open(self, sealed: Sealed) -> bytes:
        """Raises VaultLocked, also when the data key is not known here yet: `refresh` once, and try again. Raises
        Damaged where the blob is not what was sealed under this identity."""
        ring = self._open_ring()
        blob = sealed.blob
        if blob[:1] != _VERSION or len(blob) < _HEAD + _NONCE_BYTES:
            raise _spoilt()
        key_id, nonce = blob[1:_HEAD], blob[_HEAD : _HEAD + _NONCE_BYTES]
        key = ring.data_keys.get(key_id)
        if key is None:
            raise VaultLocked("The secret is sealed under a key that is not open here", cure="Unlock the vault again")
        try:
            return key.decrypt(nonce, blob[_HEAD + _NONCE_BYTES :], _secret_data(key_id, sealed.identity))
        except InvalidTag:
            raise _spoilt() from None

    def rotate(self, now: datetime) -> DataKey:
        """A new data key, which seals from now on: save it with `slots.add_key`, then reseal what
        `sealed.sealed_under_others` gives until it gives nothing, then `slots.drop_old_keys`. Raises VaultLocked."""
        ring = self._open_ring()
        key_id, key = self._random(_ID_BYTES), self._random(_KEY_BYTES)
        wrapped = self._wrap(ring.vault_key, key, _key_data(key_id))
        ring.data_keys[key_id] = AESGCM(key)
        ring.newest = key_id
        return DataKey(key_id, wrapped, now)

    def archive_key(self, salt: bytes) -> bytes:
        """The key of a backup (`kmptui.store.archive`), one for each salt of 32 random bytes. Raises VaultLocked."""
        ring = self._open_ring()
        return HKDF(SHA256(), length=_KEY_BYTES, salt=salt, info=b"kmptui backup").derive(ring.vault_key)

    def _open_ring(self) -> _Ring:
        if self._ring is None:
            raise VaultLocked("The vault is locked")
        return self._ring

    def _wrap(self, key: bytes, secret: bytes, data: bytes) -> bytes:
        nonce = self._random(_NONCE_BYTES)
        return nonce + AESGCM(key).encrypt(nonce, secret, data)

    def _unlock(self, rows: Rows, slot: Slot, key: bytes, wrong: WrongPassphrase) -> None:
        try:
            vault_key = _unwrap(key, slot.wrapped, _slot_data(slot.kind, slot.parameters))
        except InvalidTag:
            raise wrong from None
        self._ring = _ring(vault_key, rows)


def remove_key_file(path: Path) -> None:
    """After its slot was removed: the file goes too."""
    path.unlink(missing_ok=True)


def _ring(vault_key: bytes, rows: Rows) -> _Ring:
    try:
        opened = {key.id: AESGCM(_unwrap(vault_key, key.wrapped, _key_data(key.id))) for key in rows.keys}
    except (InvalidTag, ValueError):
        raise _spoilt() from None
    if not opened:
        raise _spoilt()
    return _Ring(vault_key, opened, rows.keys[-1].id)


def _unwrap(key: bytes, wrapped: bytes, data: bytes) -> bytes:
    return AESGCM(key).decrypt(wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:], data)


def _slot_data(kind: str, parameters: str) -> bytes:
    return f"kmptui slot {kind} {parameters}".encode()


def _key_data(key_id: bytes) -> bytes:
    return b"kmptui data key " + key_id


def _secret_data(key_id: bytes, identity: str) -> bytes:
    return b"kmptui secret " + key_id + identity.encode()


def _slot(rows: Rows, kind: str) -> Slot:
    for slot in rows.slots:
        if slot.kind == kind:
            return slot
    others = " or ".join(slot.kind for slot in rows.slots)
    raise VaultLocked(f"The vault has no {kind}", cure=f"Open it with its {others}")


def _derive(passphrase: str, parameters: str) -> bytes:
    try:
        told: dict[str, Any] = json.loads(parameters)
        memory, iterations, lanes, salt = told["memory"], told["iterations"], told["lanes"], bytes.fromhex(told["salt"])
        if not 8 * lanes <= memory <= _MOST_MEMORY_KIB:
            _refuse_parameters()
        derivation = Argon2id(salt=salt, length=_KEY_BYTES, iterations=iterations, lanes=lanes, memory_cost=memory)
    except (ValueError, KeyError, TypeError):
        _refuse_parameters()
    return derivation.derive(passphrase.encode("utf-8", "surrogatepass"))


def _refuse_parameters() -> NoReturn:
    raise Damaged("The vault's passphrase slot is damaged", cure="Open it with its key file, or restore a backup")


def _spoilt() -> Damaged:
    return Damaged("A sealed secret is damaged, or stands in the place of another", cure="Restore a backup")


def _make_key_file(path: Path, key: bytes) -> None:
    """Whole or not at all: half a key file would keep every later vault out of the home."""
    beside = path.with_name(f".{path.name}.{os.urandom(8).hex()}")
    try:
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            os.fchmod(handle, 0o600)
            os.write(handle, key)
            os.fsync(handle)
            path.hardlink_to(beside)  # unlike a rename it takes nobody's place
        finally:
            os.close(handle)
            beside.unlink()
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise StoreFailed(f"The key file {path} cannot be written", why=error.strerror or str(error)) from error


def _read_key_file(path: Path) -> bytes:
    """Raises FileNotFoundError, BadInput."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise BadInput("key_file", f"The key file {path} cannot be read", why=error.strerror or str(error)) from error
    try:
        facts = os.fstat(handle)
        why = ""
        if not stat.S_ISREG(facts.st_mode):
            why = "it is no regular file"
        elif facts.st_uid not in {os.geteuid(), 0}:
            why = "it belongs to another user"
        elif stat.S_IMODE(facts.st_mode) & (0o077 if facts.st_uid == os.geteuid() else 0o037):
            # a credential of systemd is root's; its reader's rule shows as the group's bits
            why = f"others may read it (mode {stat.S_IMODE(facts.st_mode):04o}); wanted is 0600"
        elif facts.st_size != _KEY_BYTES:
            why = f"it has {facts.st_size:,} bytes, not {_KEY_BYTES}"
        if why:
            cure = (
                f"Make it yours alone: chmod 600 {path}" if facts.st_size == _KEY_BYTES else "Put the right file back"
            )
            raise BadInput("key_file", f"The key file {path} is refused", why=why, cure=cure)
        return os.read(handle, _KEY_BYTES)
    finally:
        os.close(handle)
