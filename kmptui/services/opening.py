"""The vault as the services use it: opened when first needed by what opens it unattended, or by a person.

What opens it without a person, the first that is there and that the vault has a slot for: a systemd credential
(`kmptui.key`, a key file; `kmptui.passphrase`), the file that `KMPTUI_PASSPHRASE_FILE` names, the key file of the home.
One that is there and wrong is told, not passed over. After it was locked by hand only a person opens it.
"""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from kmptui.errors import BadInput, KmptuiError, VaultLocked, WrongPassphrase
from kmptui.store import slots

if TYPE_CHECKING:
    from kmptui.config import Paths
    from kmptui.store.database import Store
    from kmptui.store.sealed import Sealed
    from kmptui.store.vault import Vault

T = TypeVar("T")
_Look = tuple[Path, tuple[int, ...]]

CREDENTIAL_KEY, CREDENTIAL_PASSPHRASE = "kmptui.key", "kmptui.passphrase"
LONGEST_PASSPHRASE = 4096


class Opening:
    """Holds the vault of this process; `cryptography` is loaded when it is first opened."""

    def __init__(self, store: Store, paths: Paths, randomness: Callable[[int], bytes]) -> None:
        self._store = store
        self._paths = paths
        self._randomness = randomness
        self._vault: Vault | None = None
        self._locked_by_hand = False
        self._refused: tuple[_Look, KmptuiError] | None = None
        """The file that did not open it, as it was then, and why."""
        self._turn = asyncio.Lock()

    @property
    def is_open(self) -> bool:
        return self._vault is not None and not self._vault.locked

    def vault(self) -> Vault:
        """The vault object, open or not."""
        if self._vault is None:
            from kmptui.store.vault import Vault

            self._vault = Vault(self._randomness)
        return self._vault

    async def opened(self) -> Vault:
        """The open vault. Raises VaultLocked where a person is needed."""
        if not self.is_open:
            async with self._turn:
                if not self.is_open:
                    if self._locked_by_hand:
                        raise VaultLocked("The vault was locked")
                    await self._unattended()
        return self.vault()

    async def unlock(self, passphrase: str | None) -> None:
        """By a person's passphrase, or (None) by what opens it unattended. Raises WrongPassphrase, VaultLocked."""
        async with self._turn:
            if passphrase is None:
                await self._unattended()
            else:
                rows = await self._store.read(slots.rows)
                await asyncio.to_thread(self.vault().unlock_with_passphrase, rows, passphrase)
            self._locked_by_hand = False

    def by_itself(self, kinds: Iterable[str]) -> bool:
        """Whether a vault with these slots is open, or opens without a person when it is needed, for all that is known:
        opens no file, but what a file did not open is not tried again by itself while it stays as it is."""
        if self.is_open:
            return True
        kinds = set(kinds)
        return not self._locked_by_hand and self._way(kinds) is not None and self.problem(kinds) is None

    def problem(self, kinds: Iterable[str]) -> KmptuiError | None:
        """What keeps it from opening without a person: its key file is not there, or did not open it."""
        if self.is_open or self._locked_by_hand:
            return None
        kinds = set(kinds)
        way = self._way(kinds)
        if way is None:
            return slots.no_key_file(self._paths.key_file, kinds) if slots.KEY_FILE in kinds else None
        if self._refused is not None and self._refused[0] == _look(way[1]):
            return self._refused[1]
        return None

    async def create(self, make: Callable[[Vault], Awaitable[T]]) -> T:
        """Make a vault: `make` fills and saves the new one, which is this process's from then on, and not before."""
        from kmptui.store.vault import Vault

        async with self._turn:
            made = Vault(self._randomness)
            result = await make(made)
            self._vault, self._locked_by_hand = made, False
            return result

    def lock(self) -> None:
        """Forget the keys until somebody unlocks it."""
        self._locked_by_hand = True
        self.forget()

    def forget(self) -> None:
        """Forget the keys."""
        if self._vault is not None:
            self._vault.lock()

    async def seal(self, plaintext: bytes, identity: str) -> Sealed:
        """Under the newest data key, also where another process has rotated it. Raises VaultLocked."""
        vault = await self.opened()
        if await self._store.read(slots.newest_key) != vault.key_id:
            vault.refresh(await self._store.read(slots.rows))
        return vault.seal(plaintext, identity)

    async def open(self, sealed: Sealed) -> bytes:
        """Raises VaultLocked, Damaged. A data key that another process made is taken in once."""
        vault = await self.opened()
        try:
            return vault.open(sealed)
        except VaultLocked:
            vault.refresh(await self._store.read(slots.rows))
            return vault.open(sealed)

    async def _unattended(self) -> None:
        rows = await self._store.read(slots.rows)
        way = self._way(slot.kind for slot in rows.slots)
        if way is None:
            if {slot.kind for slot in rows.slots} == {slots.KEY_FILE}:
                way = slots.KEY_FILE, self._paths.key_file  # it says that the file is not there
            else:
                raise VaultLocked("The vault is locked")
        kind, path = way
        before = _look(path)
        try:
            await self._by_file(rows, kind, path)
        except WrongPassphrase as error:  # nobody has typed it: a person is needed, who may type the right one
            locked = VaultLocked(error.what, why=error.why, cure=error.cure)
            self._refused = before, locked
            raise locked from None
        except (VaultLocked, BadInput) as error:
            self._refused = before, error
            raise
        self._refused = None

    async def _by_file(self, rows: slots.Rows, kind: str, path: Path) -> None:
        vault = self.vault()
        if kind == slots.KEY_FILE:
            await asyncio.to_thread(vault.unlock_with_key_file, rows, path)
            return
        passphrase = await asyncio.to_thread(passphrase_of, path)
        try:
            await asyncio.to_thread(vault.unlock_with_passphrase, rows, passphrase)
        except WrongPassphrase:
            raise WrongPassphrase(f"The passphrase in {path} is wrong", cure="Mend the file") from None

    def _way(self, kinds: Iterable[str]) -> tuple[str, Path] | None:
        """Which slot is opened without a person, and by which file."""
        here = (
            (slots.KEY_FILE, _credential(CREDENTIAL_KEY)),
            (slots.PASSPHRASE, _credential(CREDENTIAL_PASSPHRASE)),
            (slots.PASSPHRASE, _named_by("KMPTUI_PASSPHRASE_FILE")),
            (slots.KEY_FILE, self._paths.key_file if self._paths.key_file.exists() else None),
        )
        known = set(kinds)
        return next(((kind, path) for kind, path in here if path is not None and kind in known), None)


def _look(path: Path) -> _Look:
    """By what one sees whether a file is still the one that was tried."""
    try:
        facts = path.stat()
    except OSError:
        return path, ()
    return path, (facts.st_ino, facts.st_mtime_ns, facts.st_size, facts.st_mode, facts.st_uid)


def passphrase_of(path: Path) -> str:
    """The one line of a passphrase file: a regular one that nobody else may read, or a pipe. Raises WrongPassphrase
    (it cannot be read) and BadInput("passphrase")."""
    try:
        with path.open("rb") as file:
            facts = os.fstat(file.fileno())
            data = file.read(LONGEST_PASSPHRASE + 1)
    except OSError as error:
        raise WrongPassphrase(
            f"The passphrase file {path} cannot be read", why=error.strerror or "", cure="Mend KMPTUI_PASSPHRASE_FILE"
        ) from error
    # what systemd lays down belongs to root and is read by a rule whose mask shows as the group's bits
    others = 0o037 if facts.st_uid == 0 != os.geteuid() else 0o077
    if stat.S_ISREG(facts.st_mode) and facts.st_mode & others:
        mode = stat.S_IMODE(facts.st_mode)
        why = f"others may read it (mode {mode:04o})"
        raise BadInput("passphrase", f"The passphrase file {path} is refused", why=why, cure=f"chmod 600 {path}")
    try:
        text = data.decode("utf-8").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        text = ""
    if not text or "\n" in text or len(data) > LONGEST_PASSPHRASE:
        raise BadInput("passphrase", f"{path} does not hold one line of text")
    return text


def _credential(name: str) -> Path | None:
    """A credential that systemd laid down for this unit (systemd.exec(5), LoadCredential=)."""
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    path = Path(folder) / name if folder else None
    return path if path is not None and path.is_file() else None


def _named_by(variable: str) -> Path | None:
    name = os.environ.get(variable)
    return Path(name) if name else None
