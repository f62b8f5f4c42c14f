"""The mirror, the account, the drafts: what SCM said and what was typed, kept as it was."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from kmptui.domain.audit import Entry
from kmptui.domain.domain import Delegation, Domain
from kmptui.domain.keys import KeySpec
from kmptui.domain.listing import Query, Topic
from kmptui.domain.organization import Organization, Validation
from kmptui.domain.profile import CustomField, Profile
from kmptui.errors import Ambiguous, NotFound, NotLinked, StateForbids, WrongKind
from kmptui.store import account, audit, drafts, listing, mirror
from kmptui.store.db import Db
from kmptui.store.drafts import LastChoice
from tests.store.making import NOW, STAMP, sealed, stamp

ORGANIZATIONS = (
    Organization(1, "ACME", address="Street 1", cert_types=("SSL",), rest_enabled=True,
                 validations=(Validation("OV_SSL", "VALIDATED", date(2027, 1, 1)), Validation("EV_SSL", "x"))),
    Organization(2, "Web Ops", 1, "ACME", rest_enabled=False),
    Organization(3, "Web Ops", 4, "Lab"),
    Organization(4, "Lab"),
)  # fmt: skip
DOMAINS = (
    Domain(1, "example.edu", "ACTIVE", "ACTIVE", "VALIDATED", "CNAME", date(2027, 2, 2),
           (Delegation(1, ("SSL",), "ACTIVE", ("DOMAIN", "SUBDOMAIN")), Delegation(2))),
    Domain(2, "*.example.edu"),
)  # fmt: skip
RSA, EC = KeySpec("RSA", "2048"), KeySpec("EC", "P-256")
PROFILES = (
    Profile(1, "OV Multi", "many names", (199, 90), (RSA, EC), frozenset({1, 2})),
    Profile(2, "EV", terms=(199,), keys=(RSA,), organizations=frozenset()),
)
FIELDS = (CustomField(5, "Cost centre", True, ("a", "b")), CustomField(4, "Ticket"))


def test_what_scm_lists_is_kept(db: Db) -> None:
    assert mirror.mirrored_at(db, Topic.DOMAINS) is None
    assert mirror.replace_organizations(db, ORGANIZATIONS, STAMP) == mirror.Mirrored(4, 4, 0, 0)
    assert mirror.replace_domains(db, DOMAINS, STAMP) == mirror.Mirrored(2, 2, 0, 0)
    mirror.replace_profiles(db, PROFILES, STAMP)
    mirror.replace_custom_fields(db, FIELDS, STAMP)
    assert set(mirror.organizations(db)) == set(ORGANIZATIONS)
    assert [row.id for row in mirror.organizations(db)] == [1, 2, 4, 3], "by title"
    assert set(mirror.domains(db)) == set(DOMAINS)
    assert mirror.profiles(db) == (
        replace(PROFILES[1], status=mirror.NOT_YOURS), replace(PROFILES[0], terms=(90, 199)),
    )  # fmt: skip
    assert mirror.custom_fields(db) == FIELDS
    assert mirror.mirrored_at(db, Topic.DOMAINS) == NOW
    assert mirror.domain(db, 1) == DOMAINS[0]
    assert mirror.organization(db, 2).title == "ACME / Web Ops"


def test_the_same_again_changes_nothing(db: Db) -> None:
    for _ in range(2):
        mirror.replace_organizations(db, ORGANIZATIONS, STAMP)
        mirror.replace_domains(db, DOMAINS, STAMP)
        mirror.replace_profiles(db, PROFILES, STAMP)
        mirror.replace_custom_fields(db, FIELDS, STAMP)
    assert mirror.replace_organizations(db, ORGANIZATIONS, STAMP) == mirror.Mirrored(4, 0, 0, 0)
    assert mirror.replace_domains(db, DOMAINS, STAMP) == mirror.Mirrored(2, 0, 0, 0)
    assert mirror.replace_profiles(db, PROFILES, stamp(5)) == mirror.Mirrored(2, 0, 0, 0)
    assert mirror.replace_custom_fields(db, FIELDS, STAMP) == mirror.Mirrored(2, 0, 0, 0)
    assert mirror.mirrored_at(db, Topic.PROFILES) == NOW + timedelta(minutes=5)
    hostile = (Organization(1, "a\ud800\x00b", address="\udfff"),)
    mirror.replace_organizations(db, hostile, STAMP)
    assert mirror.replace_organizations(db, hostile, STAMP).changed == 0


def test_what_vanishes_is_gone_but_known(db: Db) -> None:
    mirror.replace_domains(db, DOMAINS, STAMP)
    assert mirror.replace_domains(db, DOMAINS[:1], STAMP) == mirror.Mirrored(1, 0, 0, 1)
    assert mirror.replace_domains(db, DOMAINS[:1], STAMP).gone == 0
    assert mirror.domain(db, 2).status(NOW.date()) == "gone"
    assert [row.id for row in mirror.domains(db)] == [1]
    assert mirror.replace_domains(db, DOMAINS, STAMP) == mirror.Mirrored(2, 0, 1, 0)
    mirror.replace_organizations(db, ORGANIZATIONS, STAMP)
    mirror.replace_organizations(db, (), STAMP)
    assert mirror.organization(db, 1).status == "gone"
    mirror.replace_custom_fields(db, FIELDS, STAMP)
    mirror.replace_custom_fields(db, FIELDS[1:], STAMP)
    assert [field.id for field in mirror.custom_fields(db)] == [4]


def test_a_changed_profile_stays_so_until_it_was_seen(db: Db) -> None:
    mirror.replace_profiles(db, PROFILES, STAMP)
    changed = (replace(PROFILES[0], terms=(90,)), PROFILES[1])
    for _ in range(2):
        mirror.replace_profiles(db, changed, STAMP)
        assert mirror.profile(db, 1).status == mirror.CHANGED
    mirror.acknowledge_profile(db, 1)
    mirror.replace_profiles(db, changed, STAMP)
    assert mirror.profile(db, 1).status == mirror.USABLE
    mirror.replace_profiles(db, (replace(changed[0], keys=(RSA,)),), STAMP)
    assert (mirror.profile(db, 1).status, mirror.profile(db, 2).status) == (mirror.CHANGED, mirror.GONE)
    assert mirror.profile(db, 2).terms == (199,)
    with pytest.raises(NotFound):
        mirror.acknowledge_profile(db, 99)


def test_one_is_read_anew(db: Db) -> None:
    mirror.replace_domains(db, DOMAINS, STAMP)
    assert not mirror.update_domain(db, DOMAINS[0])
    assert mirror.update_domain(db, replace(DOMAINS[0], validation_status="EXPIRED"))
    assert mirror.domain(db, 1).status(NOW.date()) == "expired"
    assert mirror.update_organization(db, ORGANIZATIONS[0])
    assert mirror.organization(db, 1) == ORGANIZATIONS[0]


def test_they_are_found_by_what_people_say(db: Db) -> None:
    mirror.replace_organizations(db, ORGANIZATIONS, STAMP)
    mirror.replace_domains(db, DOMAINS, STAMP)
    mirror.replace_profiles(db, PROFILES, STAMP)
    assert mirror.find_organization(db, "2") == mirror.find_organization(db, " acme / web ops ") == 2
    assert mirror.find_organization(db, "ACME") == 1
    assert mirror.find_profile(db, "ov multi") == 1
    assert mirror.find_domain(db, "EXAMPLE.edu") == 1
    with pytest.raises(Ambiguous, match=r"2 \(ACME / Web Ops\)"):
        mirror.find_organization(db, "Web Ops")
    for find in (mirror.find_organization, mirror.find_profile, mirror.find_domain):
        with pytest.raises(NotFound):
            find(db, "nothing")
    with pytest.raises(NotFound):
        mirror.profile(db, 99)


@pytest.mark.parametrize(
    "domain",
    [
        DOMAINS[0],
        DOMAINS[1],
        replace(DOMAINS[0], dcv_expires=date(2026, 1, 1)),
        replace(DOMAINS[0], dcv_expires=date(2026, 1, 1), state="SUSPENDED"),
        replace(DOMAINS[0], dcv_expires=date(2026, 1, 1), delegation_status="Requested"),
        replace(DOMAINS[0], validation_status="Expired", dcv_expires=None),
        replace(DOMAINS[0], validation_status="NOT_VALIDATED"),
    ],
)
def test_the_list_says_what_the_domain_says(db: Db, domain: Domain) -> None:
    mirror.replace_domains(db, (domain,), STAMP)
    for word in ("validated", "expired", "not validated", "suspended", "requested"):
        found = listing.count(db, Query(Topic.DOMAINS, f'status="{word}"'), NOW)
        assert found == (domain.status(NOW.date()) == word), word


def test_gone_ones_are_listed_where_all_are_asked_for(db: Db) -> None:
    mirror.replace_organizations(db, ORGANIZATIONS, STAMP)
    mirror.replace_organizations(db, ORGANIZATIONS[:1], STAMP)
    mirror.replace_profiles(db, PROFILES, STAMP)
    mirror.replace_profiles(db, PROFILES[:1], STAMP)
    window = listing.window(db, Query(Topic.ORGANIZATIONS), 0, 10, NOW)
    assert (window.rows, window.total) == ((ORGANIZATIONS[0],), 1)
    assert listing.count(db, Query(Topic.ORGANIZATIONS, view="all"), NOW) == 4
    assert [row.status for row in listing.window(db, Query(Topic.PROFILES), 0, 9, NOW).rows] == ["gone", "usable"]
    assert listing.ids(db, Query(Topic.PROFILES, "org:acme"), NOW) == (1,)


LINKED = account.StoredAccount("https://x/api", "ops-api", "ACME", "sandbox", NOW, sealed(), True, ("MRAO",), "ALIVE",
                               date(2027, 1, 1), "", "/ca.pem", "http://proxy")  # fmt: skip


def test_one_account_of_one_kind(db: Db) -> None:
    assert (account.account(db), account.kind(db)) == (None, "")
    account.link(db, LINKED, Entry("link"), STAMP)
    assert (account.account(db), account.kind(db)) == (LINKED, "sandbox")
    assert "a secret" not in repr(LINKED)
    with pytest.raises(WrongKind, match="sandbox"):
        account.link(db, replace(LINKED, kind="real"), Entry("link"), STAMP)
    for other in (replace(LINKED, customer_uri="Other"), replace(LINKED, login="x")):
        with pytest.raises(StateForbids, match="Unlink"):
            account.link(db, other, Entry("link"), STAMP)
    account.link(db, replace(LINKED, proxy=""), Entry("link"), STAMP)
    account.unlink(db, Entry("unlink"), STAMP)
    assert (account.account(db), account.kind(db)) == (None, "sandbox")
    assert db.value("SELECT count(*) FROM account") == 0
    with pytest.raises(NotLinked):
        account.unlink(db, Entry("unlink"), STAMP)
    with pytest.raises(WrongKind):
        account.link(db, replace(LINKED, kind="real"), Entry("link"), STAMP)
    account.link(db, replace(LINKED, login="x"), Entry("link"), STAMP)
    assert audit.verify(db).rows == 4


def test_the_account_changes(db: Db) -> None:
    new = sealed("new")
    with pytest.raises(NotLinked):
        account.set_password(db, new, Entry("password"), STAMP)
    account.set_attention(db, "nobody is linked")
    account.link(db, LINKED, Entry("link"), STAMP)
    account.set_attention(db, "SCM refuses the password")
    account.set_facts(db, mrao=None, roles=(), password_state="EXPIRED", password_expires=None)
    found = account.account(db)
    assert found is not None
    assert (found.mrao, found.roles, found.password_state, found.password_expires) == (None, (), "EXPIRED", None)
    assert found.attention == "SCM refuses the password"
    account.set_password(db, new, Entry("password"), STAMP)
    found = account.account(db)
    assert found is not None
    assert (found.password, found.attention) == (new, "")
    assert account.health(db) is None
    account.save_health(db, '{"checks":[]}', NOW)
    assert account.health(db) == ('{"checks":[]}', NOW)


def test_drafts_and_choices(db: Db) -> None:
    assert drafts.load(db) is None
    members = {"names": "a.example.edu\nb", "comments": "\ud800"}
    saved = drafts.save(db, members, NOW)
    assert drafts.load(db) == saved
    assert saved.members[0] == ("names", "a.example.edu\nb")
    drafts.save(db, {"names": "c"}, NOW)
    drafts.save(db, {"x": "y"}, NOW, "another form")
    found = drafts.load(db)
    assert found is not None
    assert found.members == (("names", "c"),)
    drafts.discard(db)
    assert drafts.load(db) is None
    assert drafts.load(db, "another form") is not None
    assert drafts.last_choice(db) == LastChoice()
    drafts.remember(db, LastChoice(7, 3, 199))
    assert drafts.last_choice(db) == LastChoice(7, 3, 199)
