"""Which tone a state has. The word always says it; the tone only helps to find it."""

from __future__ import annotations

from datetime import date, datetime

from kmptui.tui import present

SOON_DAYS = 7
NEAR_DAYS = 30
TONES = {
    "unconfirmed": "error",
    "refused": "error",
    "issued, not added": "warning",
    "reissue under way": "warning",
    "init": "warning",
    "requested": "warning",
    "saapproved": "warning",
    "approved": "warning",
    "applied": "warning",
    "downloading": "warning",
    "sent": "warning",
    "draft": "muted",
    "not placed": "muted",
    "declined": "muted",
    "rejected": "muted",
    "invalid": "muted",
    "revoked": "muted",
    "expired": "error",
    "replaced": "muted",
    "superseded": "muted",
    "gone": "error",
    "changed": "warning",
    "not for your organizations": "muted",
    "not validated": "error",
    "suspended": "error",
    "REST off": "warning",
    "failed": "error",
    "unknown": "muted",
}
STYLES = {"error": present.ERROR, "warning": present.WARNING, "good": present.GOOD, "muted": present.MUTED, "": ""}


def state(word: str) -> tuple[str, str]:
    """A state's word and tone; SCM's unknown ones stand in quotes and are looked at twice."""
    return word, TONES.get(word, "warning" if word.startswith('"') else "")


def styled(word: str) -> tuple[str, str]:
    """The same for details: word and style."""
    return word, STYLES[state(word)[1]]


def ends(value: date | datetime | None, now: datetime, *, living: bool = True) -> tuple[str, str]:
    """The end of something in a column: nearer is louder, what has ended or does not count is quiet."""
    if value is None:
        return "-", "muted"
    days = present.days_until(value, now)
    tone = (
        "muted" if days < 0 or not living else "error" if days <= SOON_DAYS else "warning" if days <= NEAR_DAYS else ""
    )
    return present.expiry(value, now), tone
