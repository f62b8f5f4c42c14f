"""Automatic renewal: whether a certificate is to be renewed now, why, and when it is looked at next.

`decide` is the only one that knows what "due" means. A certificate is due when what is left of it is at most
min(N days, a third of its lifetime): N is what the user set, the third keeps short certificates from being renewed all
the time. Whoever acts on a decision acts on `actionable` alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from kmptui.domain import preflight, renewable
from kmptui.domain.order import OPEN_STATUSES, Ledger, Order
from kmptui.domain.preflight import Facts
from kmptui.domain.renewable import SCM_RENEWS
from kmptui.domain.retrying import Attempt
from kmptui.errors import BadInput, Finding

MOST_DAYS = 365
OWN_WAY = "Switch it off in SCM, or let kmptui renew beside it: kmptui auto-renewal set --beside-scm"
ANEW = "Order like it instead"
STUCK = "See what it waits for: kmptui orders show; approve it, validate its domains, or order like it"
UNKNOWN_RENEWAL = "SCM says that it is renewed, and no certificate that came of it is known here"
MOST_PRESSING = timedelta(days=7)
"""How long before the end what is under way needs a person, at most; of a short life a tenth."""


class Verdict(StrEnum):
    """What is to be done about a certificate now."""

    NOT_CHOSEN = "not chosen"
    NOT_DUE = "not due"
    DUE = "due"
    BLOCKED = "blocked"
    UNDER_WAY = "under way"
    RENEWED = "renewed"


@dataclass(frozen=True, slots=True)
class Policy:
    """What the user set: `on` (automatic renewal at all), N days before the end, and whether what SCM renews by itself
    is renewed here too."""

    on: bool = False
    days_before: int = 30
    beside_scm: bool = False


@dataclass(frozen=True, slots=True)
class Subject:
    """One certificate and what surrounds it. `order` needs the members that `renewable` reads; `not_before` and
    `not_after` are the certificate's own where it is here, else the order's days. `why_chosen` says what chose it, or
    left it out; `scm_state` is that of SCM's own auto-renewal; `successor` names a valid one for the same names or
    more; `under_way` and `failed` say what became of its own renewal where that is open or came to nothing."""

    order: Order
    not_before: datetime | None = None
    not_after: datetime | None = None
    chosen: bool = False
    why_chosen: str = ""
    scm_state: str = ""
    successor: str = ""
    under_way: str = ""
    failed: str = ""
    attempt: Attempt | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """The verdict and its reason, in words. `due_at` is when the certificate becomes (or became) due; `next` when it is
    looked at next, None for never or at once; a blocked one has a cause and a cure. `actionable`: a renewal is to be
    tried now. It may be so for a blocked one, where the block rests on the mirror, which is read anew first.
    `given_up`: it ended unrenewed."""

    verdict: Verdict
    reason: str
    due_at: datetime | None = None
    next: datetime | None = None
    cause: str = ""
    cure: str = ""
    actionable: bool = False
    given_up: bool = False

    @property
    def pressing(self) -> bool:
        """It should be renewed by now, and a person is needed."""
        return self.verdict is Verdict.BLOCKED and self.due_at is not None


def due_at(not_before: datetime, not_after: datetime, days_before: int) -> datetime:
    """When it becomes due: notAfter − min(N days, lifetime / 3)."""
    return not_after - min(timedelta(days=days_before), max(not_after - not_before, timedelta()) / 3)


def days_findings(days: int, shortest_term: int | None, what: str = "") -> tuple[Finding, ...]:
    """What speaks against renewing so many days before the end: as long as the shortest term in use (or more) is
    refused, above a third of it is a hint; `what` names whose term it is. Raises nothing."""
    if not 1 <= days <= MOST_DAYS:
        return (Finding("days", f"{days:,} days are not possible", f"Take 1 to {MOST_DAYS:,}"),)
    if shortest_term is None:
        return ()
    whose = f"{what} is issued for {shortest_term:,} days" if what else f"the shortest term is {shortest_term:,} days"
    if days >= shortest_term:
        cure = f"Take 1 to {shortest_term - 1:,}"
        return (Finding("days", f"{days:,} days are no less than a whole certificate: {whose}", cure),)
    if days * 3 > shortest_term:
        third = max(shortest_term // 3, 1)
        cause = f"{days:,} days are more than a third of the lifetime: {whose}, so it is renewed {third:,} days before"
        return (Finding("days", cause, hint=True),)
    return ()


def days_of(text: str) -> int:
    """Days that a person typed. Raises BadInput("days")."""
    wanted = text.strip()
    if not (wanted.isascii() and wanted.isdigit() and len(wanted) < 6):
        raise BadInput("days", f"{text.strip()[:20]!r} is no number of days", cure=f"Take 1 to {MOST_DAYS:,}")
    return int(wanted)


def decide(subject: Subject, policy: Policy, facts: Facts, now: datetime) -> Decision:
    """What is to be done about a certificate at this moment, with its reason. Asks nothing and changes nothing."""
    if not subject.chosen:
        return Decision(Verdict.NOT_CHOSEN, subject.why_chosen or "nobody chose it, and no rule does")
    return _settled(subject, policy, now) or _by_time(subject, policy, facts, now)


def _settled(subject: Subject, policy: Policy, now: datetime) -> Decision | None:
    """Whatever the time: it is revoked, renewed, under way, or nothing that can be renewed."""
    order = subject.order
    row = order.row
    if row.status.lower() == "revoked" or order.revoked is not None:
        return _blocked("it is revoked: a revoked one is never ordered again by itself", ANEW)
    if subject.successor:
        return Decision(Verdict.RENEWED, f"{subject.successor} has taken its place")
    under_way = subject.under_way or order.reissuing
    if not under_way and row.ledger is Ledger.ACCEPTED and (not row.status or row.status.lower() in OPEN_STATUSES):
        return Decision(Verdict.NOT_DUE, f"it is not issued yet: {row.state}")
    if subject.not_after is not None and subject.not_after <= now:
        ended = f"given up: it ended on {_day(subject.not_after)}" + (f" while {under_way}" if under_way else "")
        return Decision(Verdict.BLOCKED, ended, cause=ended, cure=ANEW, given_up=True)
    due = _due(subject, policy.days_before)
    due_by_now = due if due is not None and due <= now else None
    if under_way:
        if not _presses(subject, now):
            return Decision(Verdict.UNDER_WAY, under_way)
        return _blocked(f"{under_way}, and nothing has come of it", STUCK, due_by_now)
    if subject.failed:
        return _blocked(subject.failed, ANEW, due_by_now)
    if order.renewed:  # which order did it is looked for; nobody may rely on one that is not found
        return _blocked(UNKNOWN_RENEWAL, ANEW, due_by_now)
    if why := renewable.forbidden(order, now.date()):
        cause, _, cure = why.partition(": ")
        return _blocked(cause, f"{cure[:1].upper()}{cure[1:]}", due_by_now)
    if subject.not_after is None:
        return _blocked("when it ends is not known", "Check the order, so that SCM tells")
    return None


def _presses(subject: Subject, now: datetime) -> bool:
    """Whether the end is so near that what is under way has to be seen to."""
    if subject.not_after is None:
        return False
    life = subject.not_after - subject.not_before if subject.not_before is not None else MOST_PRESSING * 10
    return subject.not_after - now <= min(MOST_PRESSING, life / 10)


def _by_time(subject: Subject, policy: Policy, facts: Facts, now: datetime) -> Decision:
    due = _due(subject, policy.days_before)
    scm_renews = subject.scm_state.lower() in SCM_RENEWS and not policy.beside_scm
    assert due is not None  # noqa: S101 - _settled has told those without an end
    if now < due:
        own = f"; SCM's own auto-renewal is {subject.scm_state.lower()} for it" if scm_renews else ""
        return Decision(Verdict.NOT_DUE, f"due on {_day(due)}{own}", due, due)
    if not policy.on:
        return _blocked("automatic renewal is switched off", "Switch it on: kmptui auto-renewal enable", due)
    if scm_renews:
        return _blocked(f"SCM's own auto-renewal is {subject.scm_state.lower()} for it", OWN_WAY, due)
    return _when_due(subject, facts, now, due)


def _when_due(subject: Subject, facts: Facts, now: datetime, due: datetime) -> Decision:
    assert subject.not_after is not None  # noqa: S101 - as above
    attempt = subject.attempt
    paused = attempt is not None and attempt.pauses(now)
    if attempt is not None and paused and not attempt.rests_on_mirror:
        return _blocked(attempt.cause, attempt.cure, due, attempt.again)
    found = [one for one in renewable.findings(subject.order, facts) if not one.hint]
    if not preflight.forbids(found):
        ended = f"it ends on {_day(subject.not_after)}"
        return Decision(Verdict.DUE, f"due since {_day(due)}: {ended}", due, actionable=True)
    cause = "; ".join(map(preflight.sentence, found))
    cure = next((one.cure for one in found if one.cure), "")
    again = attempt.again if attempt is not None and paused else None
    return _blocked(cause, cure, due, again, actionable=not paused and all(one.stale_prone for one in found))


def _due(subject: Subject, days_before: int) -> datetime | None:
    if subject.not_after is None:
        return None
    return due_at(subject.not_before or subject.not_after - timedelta(days=398), subject.not_after, days_before)


def _blocked(
    cause: str, cure: str, due: datetime | None = None, again: datetime | None = None, *, actionable: bool = False
) -> Decision:
    return Decision(Verdict.BLOCKED, cause, due, again, cause, cure, actionable)


def _day(moment: datetime) -> str:
    return f"{moment:%-d %b %Y}"


def beginning(day: date) -> datetime:
    """The first moment of a day, in UTC: SCM's days have no time, and the early end is the safe one."""
    return datetime.combine(day, time(), UTC)
