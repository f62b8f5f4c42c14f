"""The sandbox's own clock: it can be set, advanced and stopped, and nothing else tells the time."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

DAY = 86_400.0


class Clock:
    """Seconds since 1970 in UTC, running beside the real clock until somebody moves or stops it."""

    def __init__(self, start: datetime | None = None, ticker: Callable[[], float] = time.monotonic) -> None:
        self._ticker = ticker
        self._base = start.timestamp() if start is not None else time.time()
        self._since = ticker()
        self._frozen = False

    def now(self) -> float:
        """The present moment, in seconds since 1970."""
        return self._base if self._frozen else self._base + self._ticker() - self._since

    def set(self, moment: float) -> None:
        """Jump to *moment*, forwards or backwards."""
        self._base = moment
        self._since = self._ticker()

    def advance(self, seconds: float) -> None:
        """Jump by *seconds*, which may be negative."""
        self.set(self.now() + seconds)

    def freeze(self, frozen: bool) -> None:
        """Stop the clock where it is, or let it run on from there."""
        self.set(self.now())
        self._frozen = frozen

    @property
    def frozen(self) -> bool:
        """Whether the clock stands still."""
        return self._frozen


def moment(text: str) -> float:
    """Seconds since 1970 of an ISO date or date-time; UTC where it names no zone. ValueError if it is neither."""
    parsed = datetime.fromisoformat(text)
    return (parsed if parsed.tzinfo is not None else parsed.replace(tzinfo=UTC)).timestamp()


def midnight(seconds: float) -> float:
    """The start of the UTC day that *seconds* falls in."""
    return seconds - seconds % DAY
