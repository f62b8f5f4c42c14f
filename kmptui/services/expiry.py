"""What ends soon, for a monitoring system: from the store alone, without the vault."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import IntEnum
from typing import TYPE_CHECKING

from kmptui.domain.filters import parse_filter
from kmptui.domain.listing import Query, Topic
from kmptui.services.home import ORDERS_STALE, clock_is_back
from kmptui.store import listing, mirror

if TYPE_CHECKING:
    from kmptui.services.engine import Engine
    from kmptui.store.database import Db

MOST_DAYS = 3_650
_ALIVE = "live:yes"
_ENDED = "status=expired"
"""Lists hold an expired one for 30 days; so long it is told."""


class Level(IntEnum):
    """As a monitoring plug-in's exit code."""

    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3


@dataclass(frozen=True, slots=True)
class Ending:
    """One that ends first."""

    common_name: str
    expires: date
    days: int


@dataclass(frozen=True, slots=True)
class ExpiryState:
    """`critical` and `warning` certificates end within so many days (a critical one is no warning), or ended within the
    last 30; `watched` are all that live. What has a valid successor for its names counts in none. `age` is that of the
    orders, None before any import; `stale` says in words why nothing can be told for sure."""

    warn_days: int
    critical_days: int
    watched: int
    critical: int
    warning: int
    first: Ending | None
    age: timedelta | None
    stale: str = ""

    @property
    def level(self) -> Level:
        """What is known to be bad stays bad; else old data tells nothing."""
        if self.critical:
            return Level.CRITICAL
        if self.stale:
            return Level.UNKNOWN
        return Level.WARNING if self.warning else Level.OK


class Expiry:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def look(self, warn_days: int, critical_days: int, filter: str = "") -> ExpiryState:  # noqa: A002
        """What ends within these days, of what matches the filter; where nothing does, what was meant is not watched.
        Raises BadInput("filter")."""
        parse_filter(filter)  # alone, so that what is wrong with it is told by its own place
        now = self._engine.clock.now()
        state = await self._engine.store.read(_look, warn_days, critical_days, filter, now)
        if filter.strip() and not (state.watched or state.critical or state.warning or state.stale):
            return replace(state, stale="no certificate that lives matches the filter")
        return state


def _look(db: Db, warn_days: int, critical_days: int, filter: str, now: datetime) -> ExpiryState:  # noqa: A002
    def query(*terms: str) -> Query:
        return Query(Topic.ORDERS, " ".join((*terms, filter)).strip(), sort="expires")

    def ending(days: int) -> int:
        within = (query(_ALIVE, "successor:no", f"expires<={days}d"), query(_ENDED, "successor:no"))
        return sum(listing.count(db, one, now) for one in within)

    critical, both = ending(critical_days), ending(warn_days)
    firsts = [
        row
        for status in (_ALIVE, _ENDED)
        for row in listing.window(db, query(status, "successor:no"), 0, 1, now).rows
        if row.expires is not None
    ]
    first = min(firsts, key=lambda row: (row.expires, row.id), default=None)
    at = mirror.mirrored_at(db, Topic.ORDERS)
    return ExpiryState(
        warn_days,
        critical_days,
        listing.count(db, query(_ALIVE, "expires>=0d"), now),
        critical,
        max(0, both - critical),
        None if first is None else Ending(first.common_name, first.expires, (first.expires - now.date()).days),
        None if at is None else now - at,
        _stale(at, now),
    )


def _stale(at: datetime | None, now: datetime) -> str:
    if at is None:
        return "orders were never imported whole: kmptui orders import"
    if clock_is_back(at, now):
        return "this host's clock stands before the time of the data"
    if now - at > ORDERS_STALE:
        return f"orders are as of {int((now - at).total_seconds() // 3600):,} h ago: kmptui sync orders"
    return ""
