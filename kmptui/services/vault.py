"""The vault as a service: is it open, and how is it opened."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from kmptui.domain.audit import Entry
from kmptui.domain.listing import Topic
from kmptui.errors import BadInput, StateForbids, VaultLocked, WrongPassphrase
from kmptui.services.reporting import Progress, Report, silent
from kmptui.store import audit, claims, facts, slots
from kmptui.store.sealed import reseal, sealed_under_others

if TYPE_CHECKING:
    from kmptui.domain.audit import Stamp
    from kmptui.services.engine import Engine
    from kmptui.store.database import Db
    from kmptui.store.facts import StoredFact
    from kmptui.store.slots import DataKey, Slot
    from kmptui.store.vault import Vault

SHORTEST, LONGEST = 8, 1024
"""Characters of a passphrase."""
FREE_TRIES = 3
"""Wrong passphrases in a row after which the next one has to wait."""
LONGEST_WAIT = timedelta(minutes=5)
_WRONG = "wrong passphrases"
_TOPIC = "vault"
_RESEALED_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class VaultStatus:
    """`state`: none, locked, open (or opens without a person as soon as it is needed). `slots` in words: "key file",
    "passphrase". `old_keys`: data keys that an interrupted rotation has left; the next one takes them away. `problem`:
    why it does not open unattended, though it has a file for that."""

    state: str
    slots: tuple[str, ...]
    old_keys: int = 0
    problem: str = ""


class VaultService:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._opening = engine.vault

    async def status(self) -> VaultStatus:
        """From the store; loads no cryptography. A vault that opens without a person counts as open, unless it was
        locked by hand, or its file is known not to open it."""
        kinds = await self._engine.store.read(slots.status)
        state = "none" if not kinds else "open" if self._opening.by_itself(kinds) else "locked"
        problem = self._opening.problem(kinds)
        told = str(problem) if problem is not None else ""
        return VaultStatus(state, kinds, await self._engine.store.read(slots.old_keys), told)

    async def proved(self) -> VaultStatus:
        """The status after what opens the vault unattended was tried: where that fails, it is the status's problem.
        Raises Damaged."""
        status = await self.status()
        if status.state == "open":
            with suppress(VaultLocked, BadInput):  # kept by the opening, and told below
                await self._opening.opened()
        return await self.status()

    async def init(self, passphrase: str | None) -> VaultStatus:
        """Make the vault with a passphrase slot, or with a key file. Raises StateForbids where there is one,
        BadInput("passphrase")."""
        check_passphrase(passphrase)
        await self._opening.create(lambda vault: self._make(vault, passphrase))
        return await self._told()

    async def unlock(self, passphrase: str | None = None) -> VaultStatus:
        """With the passphrase, or without one by a systemd credential, `KMPTUI_PASSPHRASE_FILE` or the key file.
        Raises WrongPassphrase (also where one has to wait after several wrong ones), VaultLocked (also where a file
        holds something wrong), BadInput (a file's owner or mode)."""
        if passphrase is None:
            await self._opening.unlock(None)
        else:
            await self._prove(passphrase)
        return await self._told()

    async def _prove(self, passphrase: str) -> None:
        """Open with what a person typed. Wrong ones are counted in the store, for all processes: after three the next
        try waits 2 s, 4 s … 5 min. Each is in the audit."""
        engine = self._engine
        wait = _wait(await engine.store.read(facts.get, _WRONG), engine.clock.now())
        if wait > timedelta():
            seconds = int(wait.total_seconds()) + 1
            raise WrongPassphrase("Several passphrases were wrong", cure=f"Try again in {seconds:,} s")
        try:
            await self._opening.unlock(passphrase)
        except WrongPassphrase:
            await engine.store.write(_count_wrong, await engine.stamp())
            raise
        if await engine.store.read(facts.get, _WRONG) is not None:
            await engine.store.write(facts.drop, _WRONG)

    async def lock(self) -> VaultStatus:
        """Forget the keys and the connection that was made with them; work that runs keeps it to its end."""
        self._opening.lock()
        await self._engine.disconnect()
        return await self._told()

    async def change_passphrase(self, old: str, new: str) -> None:
        """Proves the old one first. Raises WrongPassphrase, VaultLocked (there is none), BadInput("passphrase")."""
        check_passphrase(new)
        await self._prove(old)
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

    async def rotate(self, report: Report = silent) -> int:
        """Make a new data key and seal every secret under it; how many there were. May be killed anywhere: the secrets
        that are left open under the old key, and the next rotation takes them along. Raises VaultLocked, HeldElsewhere
        (another process rotates)."""
        return await self._engine.own(self._rotate(self._engine.telling(report)), "Rotating the vault's data key")

    async def _rotate(self, report: Report) -> int:
        engine, store = self._engine, self._engine.store
        vault = await self._opening.opened()
        claim = await store.write(claims.claim, _TOPIC, engine.holder, engine.clock.now())
        try:
            key = await self._new_key(vault)
            done = 0
            while True:
                done = await self._reseal(vault, key, done, report)
                entry = Entry("vault", "outcome", "rotated", details=(("secrets", str(done)),))
                try:
                    await store.write(slots.drop_old_keys, entry, await engine.stamp())
                    break
                except StateForbids:  # somebody has sealed one more under the old key
                    continue
        finally:
            await store.write(claims.release, claim)
        vault.refresh(await store.read(slots.rows))
        await self._told()
        return done

    async def _new_key(self, vault: Vault) -> DataKey:
        engine = self._engine
        vault.refresh(await engine.store.read(slots.rows))
        key = vault.rotate(engine.clock.now())
        try:
            await engine.store.write(
                slots.add_key,
                key,
                Entry("vault", "intent", "prepared", "rotation of the data key"),
                await engine.stamp(),
            )
        except BaseException:
            vault.refresh(await engine.store.read(slots.rows))  # what could not be written must not seal
            raise
        return key

    async def _reseal(self, vault: Vault, key: DataKey, done: int, report: Report) -> int:
        """Seal anew until nothing is left; `done`, and how many more were."""
        store = self._engine.store
        while places := await store.read(sealed_under_others, key.id, _RESEALED_AT_ONCE):
            again = [(place, vault.seal(vault.open(place.sealed), place.sealed.identity).blob) for place in places]
            done += await store.write(reseal, again)
            report(Progress("Sealing anew", done))
        return done

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


def _wait(wrong: StoredFact | None, now: datetime) -> timedelta:
    """How long the next try has to wait; a clock that was set back lets nobody wait for ever."""
    if wrong is None or wrong.at is None or int(wrong.value) < FREE_TRIES:
        return timedelta()
    pause = min(timedelta(seconds=2 ** min(int(wrong.value) - FREE_TRIES + 1, 20)), LONGEST_WAIT)
    return min(wrong.at + pause - now, pause)


def _count_wrong(db: Db, stamp: Stamp) -> None:
    known = facts.get(db, _WRONG)
    number = (int(known.value) if known is not None else 0) + 1
    facts.put(db, _WRONG, str(number), stamp.at)
    audit.append(db, Entry("vault", outcome="refused", subject="unlock", reason=f"wrong passphrase, {number}."), stamp)


def check_passphrase(passphrase: str | None) -> None:
    """Raise BadInput("passphrase") for one that is too short or too long; None stands for a key file."""
    if passphrase is not None and not SHORTEST <= len(passphrase) <= LONGEST:
        what = "The passphrase is too short" if len(passphrase) < SHORTEST else "The passphrase is too long"
        raise BadInput("passphrase", what, cure=f"Take {SHORTEST} to {LONGEST:,} characters")
