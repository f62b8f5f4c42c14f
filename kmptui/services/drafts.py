"""Drafts of the ordering form: all of it but the passwords."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from kmptui.store import drafts

if TYPE_CHECKING:
    from kmptui.services.engine import Engine


@dataclass(frozen=True, slots=True)
class Draft:
    """`members` are the form's fields as typed, by field name; never a password."""

    members: tuple[tuple[str, str], ...]
    saved: datetime


class Drafts:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def load(self) -> Draft | None:
        """The saved draft of the ordering form."""
        found = await self._engine.store.read(drafts.load)
        return None if found is None else Draft(found.members, found.saved)

    async def save(self, members: dict[str, str]) -> Draft:
        """Save the form's fields. A password is never among what is saved, whoever calls."""
        kept = {name: value for name, value in members.items() if "password" not in name.lower()}
        saved = await self._engine.store.write(drafts.save, kept, self._engine.clock.now())
        return Draft(saved.members, saved.saved)

    async def discard(self) -> None:
        """Forget the draft."""
        await self._engine.store.write(drafts.discard)
