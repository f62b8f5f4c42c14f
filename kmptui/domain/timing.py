"""When what is done by schedule is due, from when it was last done and how that ended. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

_MINUTE, _HOUR = timedelta(minutes=1), timedelta(hours=1)
WEEKLY = timedelta(days=6, hours=12)
DAILY = timedelta(hours=20)
"""Short of a week and of a day, so that a timer which comes a little early does not skip one."""
MISSED = timedelta(hours=26)
"""Without a completed run for longer than this, somebody must be told."""
CLOCK_OFF = _HOUR
"""By how much this host's clock may differ from SCM's before nothing is done by it."""
FIRST_PAUSE, LONGEST_PAUSE = 5 * _MINUTE, 4 * _HOUR
LONGEST_SILENCE = 3 * _HOUR
"""An open order of ours is asked about at least so often: less than what lies between two runs of the timer."""


@dataclass(frozen=True, slots=True)
class Past:
    """What is known of a job: when it last began, when that ended (None: it was killed, or runs), when one last ended
    well."""

    begun: datetime | None = None
    ended: datetime | None = None
    done: datetime | None = None

    @property
    def failed(self) -> bool:
        return self.begun is not None and (self.done is None or self.done < self.begun)


def due(past: Past, every: timedelta, now: datetime) -> datetime:
    """When the job is due. What a clock that was ahead has noted for the future never was."""
    done = None if past.done is not None and past.done - now > CLOCK_OFF else past.done
    at = done + every if done is not None else now
    return max(at, resumed(past, now)) if past.failed else at


def resumed(past: Past, now: datetime) -> datetime:
    """When a job that failed is tried again: the pause is a quarter of the time for which it has not ended well."""
    last = past.ended or past.begun
    if last is None or last - now > CLOCK_OFF:
        return now
    since = past.done if past.done is not None and past.done < last else last
    return last + min(max((last - since) / 4, FIRST_PAUSE), LONGEST_PAUSE)


def rested(past: Past, now: datetime) -> datetime:
    """Before this nobody begins a run by himself: whatever stays due must not be worked at without a pause."""
    last = past.ended or past.begun
    return now if last is None or last - now > CLOCK_OFF else last + FIRST_PAUSE


def asked_again(placed: datetime, asked: datetime | None, now: datetime) -> datetime:
    """When SCM is asked again about an order of ours that is open: often while it is young, then more rarely."""
    if asked is None or asked - now > CLOCK_OFF:
        return now
    age = max(asked - placed, timedelta())
    return asked + min(max(age / 4, FIRST_PAUSE), LONGEST_SILENCE)


def clock_words(skew: timedelta) -> str:
    """What is wrong with this host's clock, where something is; `skew` is SCM's clock minus ours."""
    if abs(skew) <= CLOCK_OFF:
        return ""
    away = abs(skew)
    told = f"{away.days:,} days" if away.days > 1 else f"{int(away.total_seconds() // 3600):,} hours"
    return f"this host's clock is {told} {'behind' if skew > timedelta() else 'ahead of'} SCM's"
