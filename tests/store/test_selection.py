"""What is chosen for automatic renewal, and how the choice goes on to whatever follows."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from kmptui.domain.organization import Organization
from kmptui.domain.preflight import Facts
from kmptui.domain.profile import Profile
from kmptui.domain.renewal import Policy, Verdict, decide
from kmptui.domain.retrying import Trouble, next_attempt
from kmptui.domain.selection import pattern
from kmptui.errors import BadInput, NotFound, StateForbids
from kmptui.store import audit, certificates, ledger, mirror, renewals, selection
from kmptui.store.db import Db
from tests.store.making import ENTRY, NOW, STAMP, TODAY, certificate, remote


def chosen(db: Db) -> set[str]:
    return {row[0] for row in db.rows("SELECT common_name FROM orders WHERE auto_renew = 1")}


@pytest.fixture
def company(db: Db) -> Db:
    """Two organizations, one with a department, two profiles; a certificate of each."""
    mirror.replace_organizations(
        db, [Organization(7, "Web Ops"), Organization(8, "Lab", 7, "Web Ops"), Organization(9, "Other")], STAMP
    )
    mirror.replace_profiles(db, [Profile(3, "OV Multi"), Profile(4, "EV")], STAMP)
    ledger.merge(
        db,
        [
            remote(1, "a.example.edu"),
            remote(2, "lab.example.edu", organization_id=8),
            remote(3, "b.example.org", organization_id=9, profile_id=4),
            remote(4, "x[1].example.org", organization_id=9),
        ],
        STAMP,
    )
    return db


def test_rules_choose_and_exceptions_leave_out(company: Db) -> None:
    """By organization (its departments with it), profile and name; at once for what is here, and for what comes."""
    db = company
    assert chosen(db) == set()
    rule, matched = selection.add(db, "organization", "7", False, STAMP)
    assert (rule.words, matched.count, matched.of) == ("organization Web Ops", 2, 4)
    assert chosen(db) == {"a.example.edu", "lab.example.edu"}
    but, matched = selection.add(db, "name", pattern(" LAB.* "), True, STAMP)
    assert (but.words, matched.count) == ("except name lab.*", 1)
    assert chosen(db) == {"a.example.edu"}
    selection.add(db, "profile", "4", False, STAMP)
    ledger.merge(db, [remote(5, "new.example.edu"), remote(6, "lab.example.com"), remote(7, organization_id=9)], STAMP)
    assert chosen(db) == {"a.example.edu", "b.example.org", "new.example.edu"}
    ledger.merge(db, [remote(5, "new.example.edu", organization_id=9)], STAMP)
    assert "new.example.edu" not in chosen(db)
    selection.remove(db, but.id, STAMP)
    assert chosen(db) == {"a.example.edu", "b.example.org", "lab.example.edu", "lab.example.com"}
    selection.remove(db, rule.id, STAMP)
    assert chosen(db) == {"b.example.org"}
    assert [row.subject for row in audit.rows(db)][-1] == f"rule {rule.id} removed: organization Web Ops"
    with pytest.raises(NotFound):
        selection.remove(db, rule.id, STAMP)
    with pytest.raises(StateForbids):
        selection.add(db, "profile", "4", False, STAMP)


@pytest.mark.parametrize(
    ("text", "count"),
    [("*", 4), ("*.example.edu", 2), ("a*u", 1), ("A.EXAMPLE.EDU", 1), ("?.example.edu", 0), ("x[1].*", 1),
     ("[a].example.edu", 0), ("example.edu", 0), ("*.invalid", 0)],
)  # fmt: skip
def test_patterns(company: Db, text: str, count: int) -> None:
    """Only * stands for anything; a rule that matches nothing or everything says so."""
    _, matched = selection.add(company, "name", pattern(text), False, STAMP)
    assert matched.count == count
    told = {0: "matches none of the 4", 4: "every certificate here, all 4"}.get(count, f"{count} of the 4")
    assert told in matched.words
    for wrong in ("", "  ", "a b", "x\x1b", "a" * 300):
        with pytest.raises(BadInput):
            pattern(wrong)


def test_a_person_goes_before_the_rules(company: Db) -> None:
    db = company
    rule, _ = selection.add(db, "organization", "7", False, STAMP)
    assert selection.choose(db, [1, 3], on=True) == 1  # the first was chosen by the rule already
    assert selection.choose(db, [2], on=False) == 1
    assert chosen(db) == {"a.example.edu", "b.example.org"}
    reasons = {one.order.id: one.why_chosen for one in renewals.subjects(db, [1, 2, 3, 4], NOW)}
    assert reasons == {1: "chosen by hand", 2: "left out by hand", 3: "chosen by hand", 4: ""}
    selection.remove(db, rule.id, STAMP)
    assert chosen(db) == {"a.example.edu", "b.example.org"}
    selection.add(db, "name", "*", True, STAMP)
    assert chosen(db) == {"a.example.edu", "b.example.org"}


def test_a_renewal_in_scms_console_is_followed(db: Db) -> None:
    """The old order says that it is renewed, not by which: names, organization, profile and day tell; the choice goes
    on, and the new certificate takes the old one's place. Others with the same common name are left alone."""
    old = remote(100, "shop.example.edu", issued=date(2026, 5, 21))
    ledger.merge(db, [old], STAMP)
    certificates.add(db, certificate("old", 1), ENTRY, STAMP)
    selection.choose(db, [1], on=True)
    later = {"requested": TODAY}
    others = [
        remote(90, "shop.example.edu", **later), remote(101, "shop.example.edu", names=("shop.example.edu",), **later),
        remote(102, "shop.example.edu", organization_id=8, **later),
        remote(103, "shop.example.edu", profile_id=4, **later),
        remote(104, "shop.example.edu", status="Declined", **later),
        remote(105, "shop.example.edu", requested=date(2026, 5, 20)),
    ]  # fmt: skip
    ledger.merge(db, others, STAMP)
    ledger.update_from_details(db, old._replace(renewed=True), STAMP)
    came_to_nothing = ledger.order_by_ssl_id(db, 104)
    assert came_to_nothing is not None
    assert ledger.order(db, 1).next_id == came_to_nothing.id, "it tells what became of the renewal"
    (subject,) = renewals.subjects(db, [1], NOW)
    assert "declined" in decide(subject, Policy(on=True), Facts(TODAY), NOW).cause
    new = remote(106, "shop.example.edu", status="Requested", requested=TODAY, expires=None)
    ledger.merge(db, [new], STAMP)
    before, after = ledger.order(db, 1), ledger.order_by_ssl_id(db, 106)
    assert after is not None
    assert (before.next_id, after.previous_id, after.row.auto_renew) == (after.id, 1, True)
    (subject,) = renewals.subjects(db, [1], NOW)
    decision = decide(subject, Policy(on=True), Facts(TODAY), NOW)
    assert (decision.verdict, decision.reason) == (Verdict.UNDER_WAY, f"o{after.id} renews it, requested")
    ledger.merge(db, [new._replace(status="Issued", expires=TODAY + timedelta(days=199))], STAMP)
    certificates.add(
        db, certificate("new", after.id, not_before=NOW, not_after=NOW + timedelta(days=199)), ENTRY, STAMP
    )
    assert ledger.order(db, 1).row.superseded
    (subject,) = renewals.subjects(db, [1], NOW)
    assert decide(subject, Policy(on=True), Facts(TODAY), NOW).verdict is Verdict.RENEWED
    assert [one.order.id for one in renewals.chosen(db, NOW)] == [after.id]
    assert certificates.limit_used(db, NOW) == 1
    ledger.update_from_details(db, new._replace(status="Issued", renewed=True), STAMP)
    third = remote(107, "shop.example.edu", requested=TODAY, expires=TODAY + timedelta(days=300))
    ledger.merge(db, [third], STAMP)
    last = ledger.order_by_ssl_id(db, 107)
    assert last is not None
    assert (last.previous_id, last.row.auto_renew, ledger.lineage_of(db, last.id)) == (after.id, True, 1)


def test_what_was_ordered_anew_is_chosen_too(db: Db) -> None:
    """SCM does not call it a renewal: two lineages, one choice. Only a later end counts, and only to choose."""
    ledger.merge(db, [remote(1, "a.example.edu"), remote(2, "b.example.edu")], STAMP)
    selection.choose(db, [1], on=True)
    selection.choose(db, [2], on=False)
    later = {"requested": TODAY, "expires": TODAY + timedelta(days=199)}
    ledger.merge(
        db,
        [
            remote(3, "a.example.edu", **later), remote(4, "b.example.edu", **later),
            remote(5, "a.example.edu", requested=TODAY, expires=TODAY + timedelta(days=1)),
        ],
        STAMP,
    )  # fmt: skip
    picked = {int(row[0]) for row in db.rows("SELECT ssl_id FROM orders WHERE auto_renew = 1")}
    assert picked == {1, 3}
    assert ledger.order(db, 1).next_id is None
    (subject,) = renewals.subjects(db, [1], NOW)
    assert decide(subject, Policy(on=True), Facts(TODAY), NOW).verdict is Verdict.RENEWED


def test_tries_are_kept_and_forgotten(db: Db) -> None:
    ledger.merge(db, [remote(1, "a.example.edu", term=199, profile="OV", auto_renew_state="Started")], STAMP)
    assert renewals.shortest_term(db) == (199, "OV")
    tried = next_attempt(None, Trouble.DOMAIN, "DCV has ended", "Validate", NOW, NOW + timedelta(days=9), -107)
    renewals.note(db, 1, tried)
    again = next_attempt(tried, Trouble.DOMAIN, "DCV has ended", "Validate", tried.again, NOW + timedelta(days=9))
    renewals.note(db, 1, again)
    (subject,) = renewals.subjects(db, [1], NOW)
    assert (subject.attempt, subject.scm_state) == (again, "Started")
    renewals.clear(db, [1])
    renewals.set_scm_renewals(db, {4711: "Scheduled"})
    (subject,) = renewals.subjects(db, [1], NOW)
    assert (subject.attempt, subject.scm_state) == (None, "Not scheduled")
