"""The scheduled runs as the home screen tells of them: the last one, and whether one is missing."""

from __future__ import annotations

import os
import pwd
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from kmptui.domain.listing import Query, Topic
from kmptui.store import listing, schedule, stalled

if TYPE_CHECKING:
    from kmptui.config import Settings
    from kmptui.store.database import Db

JOB = "run"
"""The job's name among the runs of the store."""
MISSED = timedelta(hours=26)
INSTALL = "kmptui systemd install"
UNIT = "kmptui*.timer"


@dataclass(frozen=True, slots=True)
class LastRun:
    """`words` are the quiet line, `label` its label. `missing` says what is wrong with the schedule and `cure` what to
    do; both empty where a run came about within 26 hours, or where nothing depends on one."""

    label: str
    words: str
    missing: str = ""
    cure: str = ""


def state(db: Db, now: datetime, settings: Settings) -> LastRun:
    """From the store alone."""
    last = schedule.last(db, JOB)
    needed = settings.auto_renewal or listing.count(db, Query(Topic.ORDERS, "renew:yes"), now) > 0
    if last is None:
        missing = "schedule never ran" if needed else ""
        return LastRun("Schedule", f"none set up: {INSTALL}", missing, f"Set it up: {INSTALL}" if needed else "")
    label = "Tonight" if now - last.started < timedelta(hours=24) else "Last run"
    words = _told(db, last, now)
    seen = last.ended or last.done or last.started  # one that was killed has not come about
    if now - seen <= MISSED or not needed:
        return LastRun(label, words)
    hours = int((now - seen).total_seconds() // 3600)
    ago = f"{hours // 24:,} d" if hours >= 48 else f"{hours} h"
    cure = "Look at the timer (systemctl list-timers), or run it now: kmptui run-due"
    return LastRun(label, words, f"run is missing, last {ago} ago", cure)


def _told(db: Db, run: schedule.Run, now: datetime) -> str:
    """`5 renewed, 1 waiting, 2 failed, 01:10 to 01:14`; where nothing was renewed, the run's own words."""
    since = run.started
    numbers = zip(stalled.tonight(db, since, run.ended or now), ("renewed", "waiting", "failed"), strict=True)
    counted = ", ".join(f"{number:,} {word}" for number, word in numbers if number)
    begin, end = since.astimezone(), run.ended.astimezone() if run.ended is not None else None
    when = f"{begin:%H:%M} to {end:%H:%M}" if end is not None else f"since {begin:%H:%M}, not ended"
    if (now - since) >= timedelta(hours=24):
        when = f"{begin.day} {begin:%b} {when}"
    return f"{counted or run.words or run.outcome or 'running'}, {when}"


def stops_at_logout(units: Path | None = None, lingering: Path = Path("/var/lib/systemd/linger")) -> bool:
    """Whether the timer is one of this user's own, which systemd ends when the user logs out (loginctl(1), linger)."""
    folder = units or Path(os.environ.get("XDG_CONFIG_HOME") or "~/.config").expanduser() / "systemd" / "user"
    try:
        if not any(folder.glob(UNIT)):
            return False
        return not (lingering / pwd.getpwuid(os.geteuid()).pw_name).exists()
    except (OSError, KeyError):
        return False  # a folder or user that cannot be looked at tells nothing
