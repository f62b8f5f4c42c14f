"""The vault as a service: is it open, and how is it opened."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kmptui.domain.audit import Entry
from kmptui.domain.listing import Topic
from kmptui.errors import BadInput, StateForbids
from kmptui.store import slots

if TYPE_CHECKING:
    from kmptui.services.engine import Engine
    from kmptui.store.slots import Slot
    from kmptui.store.vault import Vault

SHORTEST, LONGEST = 8, 1024
"""Characters of a passphrase."""


@dataclass(frozen=True, slots=True)
class VaultStatus:
    """`state`: none, locked, open (or opens without a person as soon as it is needed). `slots` in words: "key file",
    "passphrase"."""

    state: str
    slots: tuple[str, ...]


class VaultService:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._opening = engine.vault

    async def status(self) -> VaultStatus:
        """From the store; loads no cryptography. A vault that opens without a person counts as open, unless it was
        locked by hand."""
        kinds = await self._engine.store.read(slots.status)
        state = "none" if not kinds else "open" if self._opening.by_itself(kinds) else "locked"
        return VaultStatus(state, kinds)

    async def init(self, passphrase: str | None) -> VaultStatus:
        """Make the vault with a passphrase slot, or with a key file. Raises StateForbids where there is one,
        BadInput("passphrase")."""
        check_passphrase(passphrase)
        await self._opening.create(lambda vault: self._make(vault, passphrase))
        return await self._told()

    async def unlock(self, passphrase: str | None = None) -> VaultStatus:
        """With the passphrase, or without one by a systemd credential, `KMPTUI_PASSPHRASE_FILE` or the key file.
        Raises WrongPassphrase, VaultLocked, BadInput (a file's owner or mode)."""
        await self._opening.unlock(passphrase)
        return await self._told()

    async def lock(self) -> VaultStatus:
        """Forget the keys and the connection that was made with them; work that runs keeps it to its end."""
        self._opening.lock()
        await self._engine.disconnect()
        return await self._told()

    async def change_passphrase(self, old: str, new: str) -> None:
        """Proves the old one first. Raises WrongPassphrase, VaultLocked (there is none), BadInput("passphrase")."""
        check_passphrase(new)
        await self._opening.unlock(old)
        slot = await self._slot(self._opening.vault(), slots.PASSPHRASE, new)
        entry = Entry("vault", subject="passphrase changed")
        await self._engine.store.write(slots.replace_slot, slot, entry, await self._engine.stamp())
        await self._told()

    async def add_slot(self, kind: str, passphrase: str | None = None) -> VaultStatus:
        """`kind`: "key file" or "passphrase". Raises StateForbids, VaultLocked, BadInput."""
        if kind not in {slots.KEY_FILE, slots.PASSPHRASE}:
            raise BadInput("kind", f"{kind!r} opens no vault", cure=f"{slots.KEY_FILE} or {slots.PASSPHRASE}")
        if kind == slots.PASSPHRASE:
            check_passphrase(passphrase or "")
        if kind in await self._engine.store.read(slots.status):
            raise StateForbids(f"The vault has a {kind} already", cure="Change it, or remove it first")
        slot = await self._slot(await self._opening.opened(), kind, passphrase)
        entry = Entry("vault", subject=f"{kind} added")
        await self._engine.store.write(slots.add_slot, slot, entry, await self._engine.stamp())
        return await self._told()

    async def remove_slot(self, kind: str) -> VaultStatus:
        """Never the last one, and only while the vault is open; before the passphrase goes, the key file is proved to
        open it. Raises StateForbids, NotFound, VaultLocked."""
        from kmptui.store.vault import Vault, remove_key_file

        paths = self._engine.paths
        await self._opening.opened()
        if kind == slots.PASSPHRASE and slots.KEY_FILE in await self._engine.store.read(slots.status):
            rows = await self._engine.store.read(slots.rows)
            await asyncio.to_thread(Vault().unlock_with_key_file, rows, paths.key_file)
        entry = Entry("vault", subject=f"{kind} removed")
        await self._engine.store.write(slots.remove_slot, kind, entry, await self._engine.stamp())
        if kind == slots.KEY_FILE:
            remove_key_file(paths.key_file)
        return await self._told()

    async def _make(self, vault: Vault, passphrase: str | None) -> None:
        engine = self._engine
        if await engine.store.read(slots.status):
            raise StateForbids("There is a vault already", cure="Add a slot to it, or change its passphrase")
        key = vault.create(engine.clock.now())
        kind = slots.KEY_FILE if passphrase is None else slots.PASSPHRASE
        slot = await self._slot(vault, kind, passphrase)
        await engine.store.write(
            slots.make, [slot], key, Entry("vault", subject=f"made, opened by {kind}"), await engine.stamp()
        )

    async def _slot(self, vault: Vault, kind: str, passphrase: str | None) -> Slot:
        now = self._engine.clock.now()
        if kind == slots.KEY_FILE:
            return await asyncio.to_thread(vault.slot_for_key_file, self._engine.paths.key_file, now)
        return await asyncio.to_thread(vault.slot_for_passphrase, passphrase or "", now)

    async def _told(self) -> VaultStatus:
        self._engine.changed(Topic.ACCOUNT)
        return await self.status()


def check_passphrase(passphrase: str | None) -> None:
    """Raise BadInput("passphrase") for one that is too short or too long; None stands for a key file."""
    if passphrase is not None and not SHORTEST <= len(passphrase) <= LONGEST:
        what = "The passphrase is too short" if len(passphrase) < SHORTEST else "The passphrase is too long"
        raise BadInput("passphrase", what, cure=f"Take {SHORTEST} to {LONGEST:,} characters")
