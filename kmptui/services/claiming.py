"""Holding a certificate name while something is done to it, so that nobody else does."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from kmptui.domain.audit import Entry
from kmptui.errors import StoreFailed
from kmptui.store import audit, claims

if TYPE_CHECKING:
    from kmptui.domain.audit import Stamp
    from kmptui.services.engine import Engine
    from kmptui.store.claims import Claim, Holder
    from kmptui.store.database import Db

_log = logging.getLogger(__name__)


class Claiming:
    """Takes claims and gives them back. One that could not be given back (no room on the disk) is given back later: it
    dies with the process in any case."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._left: list[Claim] = []

    @asynccontextmanager
    async def hold(self, common_name: str) -> AsyncIterator[Claim]:
        """Hold the name for the length of the block. What was taken over from a process that died is in the audit.
        Raises HeldElsewhere, StoreFailed."""
        async with self._held(claims.name_topic(common_name), common_name) as claim:
            yield claim

    @asynccontextmanager
    async def lease(self) -> AsyncIterator[Claim]:
        """Be the one that runs what is due, for the length of the block. Raises HeldElsewhere, StoreFailed."""
        async with self._held(claims.RUNNER, "what is due by schedule") as claim:
            yield claim

    @asynccontextmanager
    async def _held(self, topic: str, subject: str) -> AsyncIterator[Claim]:
        engine = self._engine
        await self.give_back_left()
        stamp = await engine.stamp()
        taken: list[Claim] = []
        try:
            # Whoever is cancelled while this is written has the claim all the same: it is known by `taken` alone then.
            await engine.store.write(_take, topic, subject, engine.holder, stamp, taken)
            yield taken[0]
        finally:
            await self._give_back(taken)

    async def give_back_left(self) -> None:
        """Give back what could not be given back before; what still cannot be stays for the next time."""
        left, self._left = self._left, []
        if left:
            await self._give_back(left)

    async def _give_back(self, held: list[Claim]) -> None:
        """`held` is read when its turn comes, after the taking that it was given to."""
        try:
            await self._engine.store.write(_release, held)
        except StoreFailed as error:
            _log.warning("a claim is given back later: %s", error)
            self._left += held


def _take(db: Db, topic: str, subject: str, holder: Holder, stamp: Stamp, taken: list[Claim]) -> None:
    claim = claims.claim(db, topic, holder, stamp.at)
    if claim.taken_over:
        entry = Entry("take over", subject=subject, reason=f"{claim.taken_over}, ended while it worked on it")
        audit.append(db, entry, stamp)
    taken.append(claim)


def _release(db: Db, held: list[Claim]) -> None:
    for claim in held:
        claims.release(db, claim)
