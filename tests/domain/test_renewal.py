"""Automatic renewal: due or not, for any certificate and any time; and when a failed one is tried again."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kmptui.domain.domain import Delegation, Domain
from kmptui.domain.keys import KeySpec
from kmptui.domain.order import Hold, Ledger, Order, OrderRow
from kmptui.domain.organization import Organization
from kmptui.domain.preflight import DomainIndex, Facts
from kmptui.domain.profile import Profile
from kmptui.domain.renewal import Policy, Subject, Verdict, days_findings, days_of, decide, due_at
from kmptui.domain.retrying import NEVER, PACES, SHORTEST, Attempt, Trouble, next_attempt, pause, trouble_of
from kmptui.errors import (
    BadInput,
    ConnectFailed,
    Finding,
    HeldElsewhere,
    LimitReached,
    PreflightFailed,
    ScmRefused,
    StateForbids,
    WrongLogin,
)

NOW = datetime(2026, 11, 23, 3, 12, tzinfo=UTC)
ON = Policy(on=True, days_before=30)
DAY = timedelta(days=1)
VERDICTS = (Verdict.NOT_DUE, Verdict.DUE, Verdict.BLOCKED)

calm = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
moments = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds
lives = st.integers(1, 3 * 398 * 24).map(lambda hours: timedelta(hours=hours))
days = st.integers(1, 365)


def order(**members: Any) -> Order:
    row: dict[str, Any] = {
        "id": 1, "ssl_id": 4711, "common_name": "shop.example.edu", "names_count": 1, "ledger": Ledger.ACCEPTED,
        "status": "Issued", "hold": Hold.NONE, "organization": "Web Ops", "profile": "DV", "requested": None,
        "expires": None, "serial": "", "certificate_id": None,
    }  # fmt: skip
    told = {name: members.pop(name) for name in tuple(members) if name in row}
    return Order(
        row=OrderRow(**(row | told)), names=("shop.example.edu",), organization_id=7, profile_id=3, term=199,
        key="RSA 2048", **members,
    )  # fmt: skip


def facts(at: datetime = NOW, **members: Any) -> Facts:
    told: dict[str, Any] = {
        "profiles": (Profile(3, "DV", terms=(199,), keys=(KeySpec("RSA", "2048"),), organizations=frozenset({7})),),
        "organizations": (Organization(7, "Web Ops"),),
        "domains": DomainIndex([validated()]),
    }
    return Facts(today=at.date(), **(told | members))


def validated(**members: Any) -> Domain:
    told: dict[str, Any] = {
        "state": "ACTIVE", "delegation_status": "ACTIVE", "validation_status": "VALIDATED",
        "delegations": (Delegation(7, ("SSL",), "ACTIVE", ()),),
    }  # fmt: skip
    return Domain(1, "example.edu", **(told | members))


def subject(end: datetime = NOW + 10 * DAY, life: timedelta = 199 * DAY, **members: Any) -> Subject:
    return Subject(**({"order": order(), "not_before": end - life, "not_after": end, "chosen": True} | members))


@calm
@given(moments, lives, days, moments)
def test_due_by_the_rule_and_by_nothing_else(end: datetime, life: timedelta, n: int, now: datetime) -> None:
    """min(N days, a third of the lifetime), for any certificate and any time; the same facts always say the same."""
    policy = Policy(on=True, days_before=n)
    decision = decide(subject(end, life), policy, facts(now), now)
    due = end - now <= min(n * DAY, life / 3)
    assert decision.actionable == (due and now < end)
    assert decision.verdict == (Verdict.BLOCKED if now >= end else Verdict.DUE if due else Verdict.NOT_DUE)
    if decision.verdict is Verdict.NOT_DUE:
        assert decision.next == due_at(end - life, end, n) > now
        assert decide(subject(end, life), policy, facts(now), decision.next).actionable


@calm
@given(moments, lives, days, st.lists(moments, min_size=2, max_size=6))
def test_monotone_in_time(end: datetime, life: timedelta, n: int, times: list[datetime]) -> None:
    """Not due, due, given up: as time goes on it never goes back, however far the clock jumps."""
    stages = [
        VERDICTS.index(decide(subject(end, life), Policy(True, n), facts(now), now).verdict) for now in sorted(times)
    ]
    assert stages == sorted(stages)


@calm
@given(lives, days, st.integers(1, 20))
def test_weeks_of_time_renew_each_certificate_once(life: timedelta, n: int, generations: int) -> None:
    """A timer that comes every four hours for the lives of many certificates renews each once, and none too late."""
    now = NOW
    end, begun, renewed = now + life, now, 0
    while renewed < generations:
        due = due_at(begun, end, n)
        assert begun < due < end
        assert not decide(subject(end, life), Policy(True, n), facts(due), due - timedelta(microseconds=1)).actionable
        now = min(due + timedelta(hours=4), end - timedelta(microseconds=1))
        assert decide(subject(end, life), Policy(True, n), facts(now), now).actionable
        under_way = subject(end, life, under_way="being renewed by o2")
        assert not decide(under_way, Policy(True, n), facts(now), now).actionable
        assert decide(subject(end, life, successor="o2"), Policy(True, n), facts(now), now).verdict is Verdict.RENEWED
        begun, end, renewed = now, now + life, renewed + 1


SETTLED = {
    "not chosen": ({"chosen": False, "why_chosen": "left out by rule 3"}, Verdict.NOT_CHOSEN, "rule 3"),
    "revoked": ({"order": order(status="Revoked")}, Verdict.BLOCKED, "never ordered again by itself"),
    "renewed": ({"successor": "o120"}, Verdict.RENEWED, "o120"),
    "renewed elsewhere": ({"order": order(renewed=True)}, Verdict.BLOCKED, "no certificate that came of it"),
    "under way": ({"under_way": "being renewed by o120, requested"}, Verdict.UNDER_WAY, "o120"),
    "declined": (
        {"failed": "its renewal o120 was declined", "order": order(renewed=True)},
        Verdict.BLOCKED,
        "declined",
    ),
    "waiting": ({"order": order(status="Requested")}, Verdict.NOT_DUE, "not issued yet: requested"),
    "rejected": ({"order": order(status="Rejected")}, Verdict.BLOCKED, "rejected"),
    "draft": ({"order": order(ledger=Ledger.DRAFT, ssl_id=None)}, Verdict.BLOCKED, "draft"),
    "without an end": ({"not_after": None}, Verdict.BLOCKED, "not known"),
    "ended": ({"not_after": NOW - DAY}, Verdict.BLOCKED, "given up"),
    "SCM does it": ({"scm_state": "Scheduled"}, Verdict.BLOCKED, "SCM's own auto-renewal"),
}


@pytest.mark.parametrize("name", SETTLED)
def test_what_is_not_renewed_by_itself(name: str) -> None:
    members, verdict, words = SETTLED[name]
    decision = decide(subject(**members), ON, facts(), NOW)
    assert (decision.verdict, decision.actionable) == (verdict, False)
    assert words in decision.reason
    if verdict is Verdict.BLOCKED:
        assert decision.cause
        assert decision.cure
    assert decision.pressing == (name in {"declined", "SCM does it", "renewed elsewhere", "rejected", "draft"})
    assert decision.given_up == (name == "ended")


@pytest.mark.parametrize(
    "members", [{"under_way": "o2 renews it, requested"}, {"order": order(hold=Hold.ELSEWHERE, status="Applied")}]
)
def test_what_is_under_way_needs_a_person_as_the_end_comes_near(members: dict[str, Any]) -> None:
    """A week before, of a short life a tenth; after the end it is given up, and never sent a second time."""
    last = None
    for left, verdict, pressing, given_up in (
        (8 * DAY, Verdict.UNDER_WAY, False, False),
        (7 * DAY, Verdict.BLOCKED, True, False),
        (-DAY, Verdict.BLOCKED, False, True),
    ):
        last = decide(subject(NOW + left, **members), ON, facts(), NOW)
        assert (last.verdict, last.pressing, last.given_up) == (verdict, pressing, given_up)
        assert not last.actionable
    assert last is not None
    assert "while " in last.cause
    assert not decide(subject(NOW + 2 * DAY, 6 * DAY, **members), ON, facts(), NOW).pressing


def test_a_certificate_lives_on_when_its_reissue_came_to_nothing() -> None:
    kept = decide(subject(order=order(hold=Hold.KEPT, status="Rejected")), ON, facts(), NOW)
    assert (kept.verdict, kept.pressing) == (Verdict.BLOCKED, True)
    assert "came to nothing" in kept.cause


def test_what_the_user_set() -> None:
    """Off: what is due is told, and not done. Beside SCM's own auto-renewal only where that was asked for."""
    off = decide(subject(), Policy(on=False), facts(), NOW)
    assert (off.verdict, off.actionable, off.cure) == (
        Verdict.BLOCKED, False, "Switch it on: kmptui auto-renewal enable",
    )  # fmt: skip
    assert decide(subject(scm_state="Scheduled"), replace(ON, beside_scm=True), facts(), NOW).actionable
    early = decide(subject(NOW + 90 * DAY, scm_state="Started"), ON, facts(), NOW)
    assert (early.verdict, early.next) == (Verdict.NOT_DUE, NOW + 60 * DAY)
    assert "SCM's own auto-renewal is started" in early.reason
    assert decide(subject(scm_state="Not scheduled"), ON, facts(), NOW).actionable


def test_blocked_by_what_the_mirror_says() -> None:
    """It is tried all the same, because the mirror is read anew then; after that it pauses, and no longer than the
    mirror speaks against it."""
    ended = facts(domains=DomainIndex([validated(dcv_expires=(NOW - DAY).date())]))
    decision = decide(subject(), ON, ended, NOW)
    assert (decision.verdict, decision.actionable, decision.pressing) == (Verdict.BLOCKED, True, True)
    assert "DCV of example.edu ended" in decision.cause
    assert decision.cure
    tried = next_attempt(None, Trouble.MIRROR, decision.cause, decision.cure, NOW, NOW + 10 * DAY)
    paused = decide(subject(attempt=tried), ON, ended, NOW + timedelta(hours=1))
    assert (paused.verdict, paused.actionable, paused.next) == (Verdict.BLOCKED, False, tried.again)
    assert decide(subject(attempt=tried), ON, facts(), NOW + timedelta(hours=1)).verdict is Verdict.DUE
    refused = next_attempt(None, Trouble.DOMAIN, "SCM says no", "Ask", NOW, NOW + 10 * DAY)
    still = decide(subject(attempt=refused), ON, facts(), NOW + timedelta(hours=1))
    assert (still.verdict, still.cause, still.cure, still.next) == (
        Verdict.BLOCKED, "SCM says no", "Ask", refused.again,
    )  # fmt: skip
    assert decide(subject(attempt=refused), ON, facts(), refused.again).actionable


kinds = st.sampled_from([kind for kind in Trouble if kind is not Trouble.GIVEN_UP])


@calm
@given(kinds, st.integers(1, 60), st.timedeltas(timedelta(), timedelta(days=400)))
def test_pauses_grow_and_shrink_with_what_is_left(kind: Trouble, tries: int, left: timedelta) -> None:
    first, longest = PACES[kind]
    waits = pause(kind, tries, left)
    assert SHORTEST <= waits <= max(longest, SHORTEST)
    assert waits <= max(left / 10, SHORTEST)
    assert pause(kind, tries + 1, left) >= waits
    assert pause(kind, tries, left / 2) <= waits
    assert waits >= min(first, max(left / 10, SHORTEST))


@calm
@given(kinds, st.timedeltas(timedelta(minutes=1), timedelta(days=60)))
def test_tried_again_and_again_until_the_end_then_given_up_in_words(kind: Trouble, left: timedelta) -> None:
    """Never silent, never for ever, and the last try comes in the last tenth of the time."""
    end, now, attempt, tries = NOW + left, NOW, None, 0
    while now < end:
        attempt = next_attempt(attempt, kind, "the cause", "the cure", now, end)
        last, now, tries = now, attempt.again, tries + 1
        assert attempt.tries == tries
        assert now > last
    assert end - last <= max(left / 10, SHORTEST)
    given_up = next_attempt(attempt, kind, "the cause", "the cure", now, end)
    assert (given_up.trouble, given_up.again, given_up.cause) == (Trouble.GIVEN_UP, NEVER, "given up: the cause")
    assert next_attempt(given_up, kind, given_up.cause, "", now, end).cause == "given up: the cause"


def test_a_clock_that_was_wrong_keeps_nothing_for_ever() -> None:
    """Tries that were noted a year ahead, or given up there, no longer count when the clock is right again."""
    ahead = NOW + 365 * DAY
    late = next_attempt(None, Trouble.REFUSED, "no", "", ahead, ahead + 30 * DAY)
    given_up = next_attempt(None, Trouble.REFUSED, "no", "", ahead, NOW + 10 * DAY)
    for attempt in (late, given_up, replace(given_up, last=NOW - DAY)):
        assert decide(subject(attempt=attempt), ON, facts(), NOW).actionable


ERRORS = {
    Trouble.UNREACHABLE: ConnectFailed("no"),
    Trouble.TEMPORARY: ScmRefused("no", code=-105, text="", kind="temporary"),
    Trouble.DOMAIN: ScmRefused("no", code=-107, text="", kind="domain"),
    Trouble.PROFILE: ScmRefused("no", code=-180, text="", kind="profile"),
    Trouble.ORGANIZATION: ScmRefused("no", code=-843, text="", kind="organization"),
    Trouble.MIRROR: PreflightFailed([Finding("names", "DCV", stale_prone=True), Finding("term", "x", hint=True)]),
    Trouble.REFUSED: PreflightFailed([Finding("key", "is not taken"), Finding("names", "DCV", stale_prone=True)]),
    Trouble.ACCOUNT: WrongLogin("no"),
    Trouble.HELD: HeldElsewhere("no"),
    Trouble.LIMIT: LimitReached("no"),
}


def test_kinds_of_trouble() -> None:
    assert {kind: trouble_of(error) for kind, error in ERRORS.items()} == {kind: kind for kind in ERRORS}
    assert trouble_of(StateForbids("no")) is Trouble.REFUSED
    first = next_attempt(None, Trouble.HELD, "held", "", NOW, NOW + 30 * DAY)
    other = next_attempt(first, Trouble.REFUSED, "no", "", NOW, NOW + 30 * DAY, -7)
    assert (other.tries, other.code) == (1, -7)
    assert isinstance(other, Attempt)


def test_days() -> None:
    for text in ("0", "366", "90"):
        (finding,) = days_findings(days_of(text), 90)
        assert not finding.hint
    (warned,) = days_findings(31, 90, "OV SSL")
    assert warned.hint
    assert "a third of the lifetime: OV SSL is issued for 90 days" in warned.cause
    assert days_findings(30, 90) == days_findings(90, None) == ()
    for text in ("ten", "-3", "1.5", "", "٣", "999999999"):
        with pytest.raises(BadInput):
            days_of(text)
