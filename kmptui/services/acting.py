"""A change in SCM that is no order (revoke, cancel, approve, decline, edit): under a claim, one intent row and one
outcome row in the record, sent once.

Whatever is not clearly a yes, a no or a not-sent is *unconfirmed*: it is looked at afterwards and never sent again by
itself. An intent that a dead process left without an outcome is told as unconfirmed when the home is opened.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Generic, TypeVar

from kmptui.domain.audit import Entry
from kmptui.errors import (
    AccountRefused,
    BadInput,
    HeldElsewhere,
    KmptuiError,
    ScmRefused,
    StoreFailed,
    Unconfirmed,
    Unreachable,
    WrongKind,
)
from kmptui.services.sending import DEFECT, STOPPED
from kmptui.store import acts

if TYPE_CHECKING:
    from kmptui.domain.audit import Stamp
    from kmptui.services.claiming import Claiming
    from kmptui.services.engine import Engine
    from kmptui.store.claims import Claim
    from kmptui.store.database import Db

T = TypeVar("T")

ACCEPTED, ALREADY, REFUSED, UNCONFIRMED, NOT_SENT = "accepted", "done", "refused", "unconfirmed", "not sent"
ASK = "ask SCM: kmptui orders check"

_log = logging.getLogger(__name__)


def _nothing(*_: object) -> None:
    """Where nothing else is to be written."""


@dataclass(frozen=True, slots=True)
class Deed(Generic[T]):
    """One change. `entry` holds action, subject and ids of its audit rows; `call` sends it, built and checked
    beforehand. `begun` runs in the intent's transaction and raises what forbids it; `ended` in the outcome's, with the
    outcome and what `call` gave (None where it gave nothing)."""

    common_name: str
    entry: Entry
    call: Callable[[], Awaitable[T]]
    begun: Callable[[Db, Stamp], object] = _nothing
    ended: Callable[[Db, str, T | None, Stamp], object] = _nothing


@dataclass(frozen=True, slots=True)
class Ended(Generic[T]):
    """`outcome` accepted, or done: it was so already."""

    outcome: str
    result: T | None


class Acting:
    """Carries deeds out under a claim; run it in a task that the workspace owns."""

    def __init__(self, engine: Engine, claiming: Claiming) -> None:
        self._engine = engine
        self._claiming = claiming

    async def carry_out(self, deed: Deed[T], claim: Claim) -> Ended[T]:
        """Raises before anything was sent what `begun` raises, HeldElsewhere, StoreFailed, Unreachable, BadInput;
        afterwards ScmRefused, AccountRefused (SCM said no) or Unconfirmed."""
        stamp = await self._engine.stamp()
        act_id = await self._engine.store.write(_begin, deed, claim, stamp)
        try:
            result = await deed.call()
        except (Unreachable, WrongKind, BadInput) as error:
            await self._note(deed, act_id, claim, stamp, NOT_SENT, str(error))
            raise
        except ScmRefused as error:
            if error.kind == "done":
                await self._end(deed, act_id, claim, stamp, ALREADY, str(error), None)
                return Ended(ALREADY, None)
            await self._note(deed, act_id, claim, stamp, REFUSED, str(error))
            raise
        except AccountRefused as error:
            await self._note(deed, act_id, claim, stamp, REFUSED, str(error))
            raise
        except BaseException as error:
            # a cancelled task and a defect of ours are no answer either
            await self._note(deed, act_id, claim, stamp, UNCONFIRMED, f"{_words(error)}; {ASK}")
            raise
        await self._end(deed, act_id, claim, stamp, ACCEPTED, "", result)
        return Ended(ACCEPTED, result)

    async def recover(self) -> int:
        """Tell of every act that a dead process left without an outcome; how many. From the store alone."""
        done = 0
        for act in await self._engine.store.read(acts.left):
            try:
                async with self._claiming.hold(act.common_name) as claim:
                    entry = replace(act.entry, outcome=UNCONFIRMED, reason=f"{STOPPED}; {ASK}")
                    done += await self._engine.store.write(acts.end, act.id, entry, claim, await self._engine.stamp())
            except HeldElsewhere:
                continue  # it is under way there
        return done

    async def _end(
        self, deed: Deed[T], act_id: int, claim: Claim, stamp: Stamp, outcome: str, reason: str, result: T | None
    ) -> None:
        entry = replace(deed.entry, outcome=outcome, reason=reason or deed.entry.reason)
        at = replace(stamp, at=self._engine.clock.now())
        try:
            await self._engine.store.write(_end, deed, act_id, entry, claim, at, result)
        except (StoreFailed, HeldElsewhere) as error:
            raise Unconfirmed(
                "SCM took it, but that could not be written down", why=str(error), cure="Check it: kmptui orders check"
            ) from error

    async def _note(self, deed: Deed[T], act_id: int, claim: Claim, stamp: Stamp, outcome: str, reason: str) -> None:
        """Write an outcome that is no yes. Where that fails, it is told as unconfirmed at the next opening: the error
        that led here is the one to be told."""
        try:
            await self._end(deed, act_id, claim, stamp, outcome, reason, None)
        except Unconfirmed as error:
            _log.warning("the outcome of %s could not be written: %s", deed.common_name, error)


def _begin(db: Db, deed: Deed[T], claim: Claim, stamp: Stamp) -> int:
    deed.begun(db, stamp)
    return acts.begin(db, deed.common_name, deed.entry, claim, stamp)


def _end(db: Db, deed: Deed[T], act_id: int, entry: Entry, claim: Claim, stamp: Stamp, result: T | None) -> None:
    if acts.end(db, act_id, entry, claim, stamp):
        deed.ended(db, entry.outcome, result, stamp)


def _words(error: BaseException) -> str:
    if isinstance(error, KmptuiError):
        return str(error)
    return STOPPED if isinstance(error, asyncio.CancelledError) else f"{DEFECT} ({type(error).__name__})"
