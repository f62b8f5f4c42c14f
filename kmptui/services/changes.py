"""What somebody else changed in SCM: looked at here, and acknowledged."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from kmptui.domain.audit import Entry
from kmptui.domain.changes import Change, ChangeKind
from kmptui.domain.listing import Topic
from kmptui.store import audit, mirror
from kmptui.store import changes as stored

if TYPE_CHECKING:
    from kmptui.domain.audit import Stamp
    from kmptui.services.engine import Engine
    from kmptui.store.database import Db


class Changes:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def list(self, seen: bool = False) -> tuple[Change, ...]:
        """Newest first, from the store; with `seen` those that were acknowledged too."""
        return await self._engine.store.read(stored.rows, seen=seen)

    async def acknowledge(self, change_ids: Collection[int] | None = None) -> int:
        """A person has seen these changes (all of them for None): they need nobody any more, and a changed profile is
        usable as it is now. One audit row each; how many were not acknowledged before. Raises NotFound."""
        done = await self._engine.store.write(_acknowledge, change_ids, await self._engine.stamp())
        for topic in dict.fromkeys(change.topic for change in done):
            self._engine.changed(topic)
        return len(done)


def _acknowledge(db: Db, change_ids: Collection[int] | None, stamp: Stamp) -> tuple[Change, ...]:
    done = stored.acknowledge(db, change_ids, stamp.at)
    for change in done:
        if change.topic is Topic.PROFILES and change.kind is ChangeKind.CHANGED and change.row_id is not None:
            mirror.acknowledge_profile(db, change.row_id)
        details = (("kind", str(change.kind)), ("before", change.before), ("after", change.after))
        entry = Entry("acknowledge", subject=change.subject, order_id=change.order_id, details=details)
        audit.append(db, entry, stamp)
    return done
