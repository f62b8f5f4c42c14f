"""When a renewal that did not come about is tried again.

The pause grows from try to try, up to a limit that goes by the kind of trouble; it never exceeds a tenth of the time
that is left, so that the tries come closer together as the end comes nearer. After the end it is given up, in words.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from kmptui.domain.preflight import forbids, sentence
from kmptui.errors import (
    AccountRefused,
    Finding,
    FromScm,
    HeldElsewhere,
    KmptuiError,
    LimitReached,
    PreflightFailed,
    ScmGarbled,
    ScmRefused,
    Unreachable,
    VaultLocked,
)


class Trouble(StrEnum):
    """What kept a renewal from coming about."""

    UNREACHABLE = "unreachable"
    """No usable answer; nothing was sent."""
    TEMPORARY = "temporary"
    """SCM or the CA says that it is in trouble itself."""
    MIRROR = "mirror"
    """What is known of domains, organization or profile speaks against it; nothing was sent."""
    DOMAIN = "dcv"
    """SCM refused it for a domain's validation or delegation."""
    ORGANIZATION = "organization"
    PROFILE = "profile"
    REFUSED = "refused"
    """SCM refused it for another reason, or kmptui did."""
    LIMIT = "limit"
    ACCOUNT = "account"
    HELD = "held"
    GIVEN_UP = "given up"


_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
PACES: dict[Trouble, tuple[timedelta, timedelta]] = {
    Trouble.UNREACHABLE: (15 * _MINUTE, 4 * _HOUR),
    Trouble.TEMPORARY: (_HOUR, 12 * _HOUR),
    Trouble.MIRROR: (4 * _HOUR, _DAY),
    Trouble.DOMAIN: (4 * _HOUR, _DAY),
    Trouble.ORGANIZATION: (12 * _HOUR, 3 * _DAY),
    Trouble.PROFILE: (12 * _HOUR, 3 * _DAY),
    Trouble.REFUSED: (_DAY, 7 * _DAY),
    Trouble.LIMIT: (_DAY, 3 * _DAY),
    Trouble.ACCOUNT: (_HOUR, _DAY),
    Trouble.HELD: (5 * _MINUTE, _HOUR),
}
"""For each kind the first pause and the longest; each try doubles it."""
SHORTEST = 5 * _MINUTE
"""However near the end is."""
CLOCK_BACK = _HOUR
"""How far a clock may go back without that being noticed."""
NEVER = datetime.max.replace(tzinfo=UTC)
NEEDS_A_PERSON = frozenset(
    {
        Trouble.MIRROR, Trouble.DOMAIN, Trouble.ORGANIZATION, Trouble.PROFILE, Trouble.REFUSED, Trouble.LIMIT,
        Trouble.ACCOUNT, Trouble.GIVEN_UP,
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Attempt:
    """Tries so far and why the last one failed; the next is made from `again` on (NEVER: it was given up)."""

    tries: int
    trouble: Trouble
    cause: str
    cure: str
    last: datetime
    again: datetime
    code: int | None = None

    def pauses(self, now: datetime) -> bool:
        """Whether it keeps a certificate that has not ended from being tried. A try of the future was made by a clock
        that has been set right since, and what was given up before has a later end now: both count no more."""
        return self.trouble is not Trouble.GIVEN_UP and self.last - now <= CLOCK_BACK and now < self.again

    @property
    def rests_on_mirror(self) -> bool:
        """The mirror may have changed since: it is held against it anew."""
        return self.trouble is Trouble.MIRROR


def pause(trouble: Trouble, tries: int, left: timedelta) -> timedelta:
    """How long to wait after the try of that number (from 1), with so much time left."""
    first, longest = PACES[trouble]
    doubled: int = 2 ** min(max(tries, 1) - 1, 16)
    grown = min(first * doubled, longest)
    return max(min(grown, left / 10), SHORTEST)


def next_attempt(
    before: Attempt | None, trouble: Trouble, cause: str, cure: str, now: datetime, not_after: datetime,
    code: int | None = None,
) -> Attempt:  # fmt: skip
    """What is noted after a try that failed at `now`. Another kind of trouble begins to count anew. When the
    certificate has ended before the next try it is still made once; after the end it is given up."""
    if now >= not_after:
        words = cause if cause.startswith("given up") else f"given up: {cause}" if cause else "given up: it has ended"
        return Attempt(before.tries if before else 0, Trouble.GIVEN_UP, words, cure, now, NEVER, code)
    tries = before.tries + 1 if before is not None and before.trouble is trouble else 1
    again = now + pause(trouble, tries, not_after - now)
    return Attempt(tries, trouble, cause, cure, now, again, code)


def told(error: KmptuiError) -> tuple[str, str]:
    """Cause and cure in words; of findings, what forbids."""
    if isinstance(error, PreflightFailed):
        found = [one for one in error.findings if not one.hint]
        return "; ".join(map(sentence, found)), next((f.cure for f in found if f.cure), "")
    cause = error.what + (f": {error.why}" if error.why else "")
    if isinstance(error, FromScm) and error.text:
        cause += f' (SCM says {error.code if error.code is not None else error.status}: "{error.text}")'
    return cause, error.cure


_KINDS = {
    "domain": Trouble.DOMAIN, "organization": Trouble.ORGANIZATION, "profile": Trouble.PROFILE,
    "temporary": Trouble.TEMPORARY, "pending": Trouble.TEMPORARY,
}  # fmt: skip


def trouble_of(error: KmptuiError) -> Trouble:
    """The kind that an error is. An error that leaves the outcome unknown is none: that is never tried again."""
    if isinstance(error, PreflightFailed):
        return Trouble.MIRROR if _stale_prone(error.findings) else Trouble.REFUSED
    if isinstance(error, AccountRefused | VaultLocked):
        return Trouble.ACCOUNT
    if isinstance(error, ScmRefused):
        return _KINDS.get(error.kind, Trouble.REFUSED)
    if isinstance(error, Unreachable | ScmGarbled):
        return Trouble.UNREACHABLE
    if isinstance(error, HeldElsewhere):
        return Trouble.HELD
    return Trouble.LIMIT if isinstance(error, LimitReached) else Trouble.REFUSED


def _stale_prone(findings: tuple[Finding, ...]) -> bool:
    return not forbids(one for one in findings if not one.stale_prone)
