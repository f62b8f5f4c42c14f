"""An order held against what SCM allows: every rule, with its field, its cause and whether it may be stale."""

from __future__ import annotations

import dataclasses
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kmptui.domain import custom
from kmptui.domain.coverage import unproved
from kmptui.domain.domain import Delegation, Domain
from kmptui.domain.keys import KeySpec
from kmptui.domain.order import KeystorePassword, NewKey, OrderRequest, OwnCsr
from kmptui.domain.organization import Organization, Validation
from kmptui.domain.preflight import (
    DomainIndex,
    Facts,
    check,
    domain_for,
    forbids,
    form_findings,
    mirror_findings,
    name_findings,
    sentence,
    usable_profiles,
    validation_level,
)
from kmptui.domain.profile import CustomField, Profile
from kmptui.errors import BadInput, Finding

TODAY = date(2026, 11, 24)
ALL = ("DOMAIN", "SUBDOMAIN", "WILDCARD_1ST_LEVEL", "WILDCARD_2ND_LEVEL")
RSA, EC = KeySpec("RSA", "2048"), KeySpec("EC", "P-256")

ACME = Organization(
    1,
    "ACME",
    rest_enabled=True,
    cert_types=("SSL",),
    validations=(Validation("OV_SSL", "VALIDATED", date(2027, 6, 1)),),
)
WEB_OPS = Organization(11, "Web Ops", parent_id=1, parent_name="ACME")
DV = Profile(5, "DV Single", terms=(90, 199), keys=(RSA, EC), organizations=frozenset({1, 11}))
OV = Profile(6, "OV Multi-Domain", terms=(199, 365), keys=(RSA,), organizations=frozenset({1, 11}))
FIELDS = (
    CustomField(1, "Cost centre", mandatory=True),
    CustomField(2, "Stage", options=("test", "live")),
    CustomField(3, "Old", mandatory=True, active=False),
)


def domain(name: str = "example.edu", **changes: object) -> Domain:
    whole = Domain(
        id=1, name=name, state="ACTIVE", delegation_status="ACTIVE", validation_status="Validated",
        dcv_expires=date(2027, 2, 2),
        delegations=tuple(Delegation(number, ("SSL",), "ACTIVE", ALL) for number in (1, 11)),
    )  # fmt: skip
    return dataclasses.replace(whole, **changes)


def request(**changes: object) -> OrderRequest:
    whole = OrderRequest(
        names=("shop.example.edu", "www.example.edu"), organization_id=1, profile_id=5, term=199, key=NewKey(RSA),
        custom_fields=(("Cost centre", "0815"),),
    )  # fmt: skip
    return dataclasses.replace(whole, **changes)


def form(**changes: object) -> tuple[Finding, ...]:
    return form_findings(request(**changes), (DV, OV), FIELDS, TODAY)


def test_what_is_right_has_no_findings():
    facts = Facts(TODAY, (DV, OV), FIELDS, (ACME, WEB_OPS), DomainIndex([domain()]))
    assert check(request(), facts) == ()
    assert check(request(organization_id=11), facts) == ()
    assert not forbids(())


@pytest.mark.parametrize(
    ("changes", "field", "cause"),
    [
        ({"names": ()}, "names", "no name"),
        ({"names": ("a_b.example.edu",)}, "names", "underscore"),
        ({"names": ("Shop.example.edu",)}, "names", "not written as"),
        ({"names": ("bücher.example.edu",)}, "names", "not written as"),
        ({"names": ("a.example.edu", "a.example.edu")}, "names", "twice: a.example.edu"),
        ({"names": tuple(f"n{n}.example.edu" for n in range(251))}, "names", "251 names"),
        ({"names": ("a" * 60 + ".example.edu",)}, "common_name", "72 characters"),
        ({"organization_id": 0}, "organization", "not chosen"),
        ({"profile_id": 0}, "profile", "not chosen"),
        ({"profile_id": 99}, "profile", "not known"),
        ({"organization_id": 2}, "profile", "not for this organization"),
        ({"term": 365}, "term", "365 days"),
        ({"profile_id": 6, "key": NewKey(EC)}, "key", "EC P-256"),
        ({"key": OwnCsr("")}, "csr", "no PEM"),
        ({"key": OwnCsr("-----BEGIN CERTIFICATE REQUEST-----" + "A" * 32_733)}, "csr", "32,768"),
        ({"keystore": "bks"}, "keystore", "'bks'"),
        ({"keystore_password_when": KeystorePassword.NOW}, "keystore_password", "0 characters"),
        ({"comments": "x" * 1025}, "comments", "1,025"),
        ({"requesters": ("nobody",)}, "requesters", "no e-mail"),
        ({"requesters": tuple(f"u{n}@mail.example.edu" for n in range(30))}, "requesters", "512"),
        ({"custom_fields": ()}, "custom:Cost centre", "required"),
        ({"custom_fields": (("Cost centre", "  "),)}, "custom:Cost centre", "required"),
        ({"custom_fields": (("Cost centre", "1"), ("Stage", "prod"))}, "custom:Stage", "no choice"),
        ({"custom_fields": (("Cost centre", "1"), ("Colour", "red"))}, "custom:Colour", "no custom field"),
        ({"custom_fields": (("Cost centre", "1"), ("Cost centre", "2"))}, "custom:Cost centre", "twice"),
        ({"custom_fields": (("Cost centre", "x" * 257),)}, "custom:Cost centre", "257"),
        ({"note": "x" * 4097}, "note", "4,097"),
        ({"contact": "a\x07b"}, "contact", "hidden"),
    ],
)
def test_the_form_alone_refuses(changes, field, cause):
    [finding] = form(**changes)
    assert finding.field == field
    assert cause in finding.cause
    assert finding.cure or field == "names"
    assert not finding.stale_prone
    assert forbids([finding])


def test_limits_are_reached_without_a_finding():
    assert form(comments="x" * 1000) == ()
    assert form(names=("a" * 52 + ".example.edu",)) == ()
    assert form(names=tuple(f"n{n}.example.edu" for n in range(250))) == ()
    assert form(keystore_password_when=KeystorePassword.NOW, keystore_password="geheimnis") == ()
    assert form(custom_fields=(("Cost centre", "1"), ("Stage", "live"))) == ()


def test_hints_forbid_nothing():
    [long_term] = form(profile_id=6, term=365)
    assert (long_term.field, long_term.hint) == ("term", True)
    assert "199 days" in long_term.cause
    [no_room] = form(comments="x" * 1024)
    assert (no_room.field, no_room.hint) == ("comments", True)
    assert not forbids([long_term, no_room])


def test_the_hint_on_terms_follows_the_calendar():
    assert form_findings(request(), (DV,), FIELDS, date(2027, 3, 14)) == ()
    [hint] = form_findings(request(), (DV,), FIELDS, date(2027, 3, 15))
    assert "99 days" in hint.cause


def test_a_password_is_never_repeated():
    found = form(keystore_password_when=KeystorePassword.NOW, keystore_password="hunter2")
    assert found
    assert "hunter2" not in repr(found)


def test_an_own_csr_is_held_against_the_profile_s_keys():
    pem = "-----BEGIN CERTIFICATE REQUEST-----\n"
    found = form_findings(request(profile_id=6, key=OwnCsr(pem)), (OV,), FIELDS, TODAY, csr_key=EC)
    assert [finding.field for finding in found] == ["csr"]
    assert form_findings(request(profile_id=6, key=OwnCsr(pem)), (OV,), FIELDS, TODAY, csr_key=RSA) == ()


def test_a_gone_profile_is_refused_and_a_changed_one_taken():
    gone, changed = dataclasses.replace(DV, status="gone"), dataclasses.replace(DV, status="changed")
    [finding] = form_findings(request(), (gone,), FIELDS, TODAY)
    assert (finding.field, finding.cause) == ("profile", "DV Single is gone")
    assert form_findings(request(), (changed,), FIELDS, TODAY) == ()
    assert usable_profiles(1, (gone, changed, OV)) == (changed, OV)
    assert usable_profiles(2, (DV, OV)) == ()


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({"present": False}, "no longer in SCM"),
        ({"rest_enabled": False}, "REST API"),
        ({"cert_types": ("SMIME",)}, "not enabled for SSL"),
        ({"validations": (Validation("OV_SSL", "Not Validated"),)}, "not validated for OV"),
        ({"validations": (Validation("OV_SSL", "VALIDATED", TODAY - timedelta(1)),)}, "ended on 23 Nov 2026"),
        ({"validations": (Validation("OV_SSL", "EXPIRED", date(2026, 1, 5)),)}, "ended on 5 Jan 2026"),
        ({"validations": (Validation("OV_SMIME", "VALIDATED"),)}, "not validated for OV"),
    ],
)
def test_the_mirror_speaks_against_an_organization(changes, cause):
    found = mirror_findings(request(profile_id=6), (dataclasses.replace(ACME, **changes),), [domain()], TODAY, (DV, OV))
    [finding] = found
    assert cause in finding.cause
    assert (finding.field, finding.stale_prone, finding.hint) == ("organization", True, False)


def test_an_unknown_organization_is_said():
    [finding] = mirror_findings(request(), (), [domain()], TODAY)
    assert (finding.field, finding.stale_prone) == ("organization", True)


def test_delegations_are_not_judged_before_an_organization_is_chosen():
    open_request = request(organization_id=0)
    assert mirror_findings(open_request, (), [domain(delegations=())], TODAY) == ()
    [finding] = mirror_findings(open_request, (), [domain(delegations=(), dcv_expires=date(2026, 11, 1))], TODAY)
    assert (finding.field, finding.names) == ("names", open_request.names)
    assert "DCV of example.edu ended" in finding.cause


def test_how_much_must_be_proved_is_the_profile_s_matter():
    lapsed = dataclasses.replace(ACME, validations=(Validation("OV_SSL", "EXPIRED", date(2026, 1, 5)),))
    private = Profile(7, "Private CA Server")
    plain = Profile(8, "Intranet")
    assert [validation_level(p) for p in (DV, OV, private, plain, None)] == ["DV", "OV", "PRIVATE", "", ""]

    def findings(profile: Profile, domains: list[Domain]) -> tuple[Finding, ...]:
        return mirror_findings(request(profile_id=profile.id), (lapsed,), domains, TODAY, (DV, OV, private, plain))

    assert findings(DV, [domain()]) == ()
    assert [f.hint for f in findings(OV, [domain()])] == [False]
    assert [f.hint for f in findings(plain, [domain()])] == [True]
    assert [(f.field, f.hint) for f in findings(private, [])] == [("names", True)]


def test_a_department_stands_on_its_organization_s_validation():
    lapsed = dataclasses.replace(ACME, validations=(Validation("OV_SSL", "EXPIRED", date(2026, 1, 5)),))
    wanted = request(organization_id=11, profile_id=6)
    assert mirror_findings(wanted, (ACME, WEB_OPS), [domain()], TODAY, (OV,)) == ()
    [finding] = mirror_findings(wanted, (lapsed, WEB_OPS), [domain()], TODAY, (OV,))
    assert "ACME ended on 5 Jan 2026" in finding.cause


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({"present": False}, "no longer in SCM"),
        ({"state": "SUSPENDED"}, "suspended"),
        ({"delegation_status": "REQUESTED"}, "waits for approval"),
        ({"validation_status": "EXPIRED"}, "DCV of example.edu ended on 2 Feb 2027"),
        ({"dcv_expires": TODAY - timedelta(1)}, "DCV of example.edu ended on 23 Nov 2026"),
        ({"validation_status": "NOT_VALIDATED"}, "not validated"),
        ({"delegations": ()}, "not delegated to the organization"),
        ({"delegations": (Delegation(1, ("SSL",), "ACTIVE", ALL),)}, "not to this department"),
        ({"delegations": (Delegation(11, ("SSL",), "REQUESTED", ALL),)}, "waits for approval"),
        ({"delegations": (Delegation(11, ("SMIME",), "ACTIVE", ALL),)}, "not delegated for SSL"),
        ({"delegations": (Delegation(11, ("SSL",), "ACTIVE", ("DOMAIN",)),)}, "SUBDOMAIN"),
    ],
)
def test_the_mirror_speaks_against_a_domain(changes, cause):
    finding = name_findings("shop.example.edu", 11, [domain(**changes)], TODAY, parent_id=1)
    assert finding is not None
    assert cause in finding.cause
    assert finding.cure
    assert (finding.field, finding.stale_prone, finding.hint) == ("names", True, False)


def test_dcv_holds_through_its_last_day():
    assert name_findings("example.edu", 1, [domain(dcv_expires=TODAY)], TODAY) is None
    assert name_findings("example.edu", 1, [domain(dcv_expires=None)], TODAY) is None


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("example.edu", "DOMAIN"),
        ("a.example.edu", "SUBDOMAIN"),
        ("a.b.example.edu", "SUBDOMAIN"),
        ("*.example.edu", "WILDCARD_1ST_LEVEL"),
        ("*.a.example.edu", "WILDCARD_2ND_LEVEL"),
    ],
)
def test_each_kind_of_name_takes_its_own_privilege(name, wanted):
    others = tuple(privilege for privilege in ALL if privilege != wanted)
    allowed = domain(delegations=(Delegation(1, ("ssl",), "Active", (wanted.lower().replace("_", " "),)),))
    denied = domain(delegations=(Delegation(1, ("SSL",), "ACTIVE", others),))
    assert name_findings(name, 1, [allowed], TODAY) is None
    finding = name_findings(name, 1, [denied], TODAY)
    assert finding is not None
    assert wanted in finding.cause


def test_delegations_of_older_servers_tell_nothing_and_are_believed():
    assert name_findings("*.example.edu", 1, [domain(delegations=(Delegation(1),))], TODAY) is None


def test_the_most_specific_domain_decides_alone():
    narrow = domain("shop.example.edu", id=2, delegations=(Delegation(2, ("SSL",), "ACTIVE", ALL),))
    assert domain_for("a.shop.example.edu", [domain(), narrow]) == narrow
    finding = name_findings("a.shop.example.edu", 1, [domain(), narrow], TODAY)
    assert finding is not None
    assert "shop.example.edu is not delegated" in finding.cause
    assert name_findings("a.shop.example.edu", 2, [domain(), narrow], TODAY) is None
    gone = dataclasses.replace(narrow, present=False)
    assert name_findings("a.shop.example.edu", 1, [domain(), gone], TODAY) is None


def test_an_http_proof_covers_its_own_name_only():
    proved = domain(dcv_method="HTTP")
    assert name_findings("example.edu", 1, [proved], TODAY) is None
    finding = name_findings("www.example.edu", 1, [proved], TODAY)
    assert finding is not None
    assert "HTTP" in finding.cause


@pytest.mark.parametrize(
    ("changes", "name", "proves"),
    [
        ({}, "a.example.edu", False),
        ({"dcv_expires": TODAY - timedelta(1)}, "a.example.edu", True),
        ({"validation_status": "NOT_VALIDATED", "dcv_expires": None}, "a.example.edu", True),
        ({"dcv_method": "HTTP_CSR_HASH"}, "a.example.edu", True),
        ({"dcv_method": "HTTP_CSR_HASH"}, "example.edu", False),
        ({"state": "SUSPENDED", "dcv_expires": TODAY - timedelta(1)}, "a.example.edu", False),
        ({}, "a.example.org", False),
    ],
)
def test_which_domain_a_validation_would_help(changes, name, proves):
    known = domain(**changes)
    assert unproved(name, DomainIndex([known]), TODAY) == (known if proves else None)


def test_no_domain_no_order_and_addresses_are_not_judged():
    finding = name_findings("example.com", 1, [domain()], TODAY)
    assert finding is not None
    assert "no domain" in finding.cause
    assert name_findings("192.0.2.7", 1, [], TODAY) is None
    assert name_findings("2001:db8::1", 1, [], TODAY) is None
    assert domain_for("192.0.2.7", [domain("2.7")]) is None


def test_a_domain_written_as_wildcard_holds_what_is_below():
    star = domain("*.example.edu")
    assert domain_for("a.example.edu", [star]) == star
    assert domain_for("example.edu", [star]) is None
    assert name_findings("*.example.edu", 1, [star], TODAY) is None


def test_names_with_one_cause_share_a_finding():
    names = (*(f"n{number}.example.edu" for number in range(5)), "a.example.com")
    ended, unknown = mirror_findings(
        request(names=names), (ACME,), [domain(dcv_expires=TODAY - timedelta(1))], TODAY, (DV,)
    )
    assert ended.cause.startswith("n0.example.edu, n1.example.edu, n2.example.edu and 2 more: DCV of example.edu")
    assert unknown.cause.startswith("a.example.com: no domain")
    # outside of the form: what is wrong first, so that a short line tells it
    assert sentence(ended) == (
        "DCV of example.edu ended on 23 Nov 2026 (n0.example.edu, n1.example.edu, n2.example.edu and 2 more)"
    )
    assert sentence(unknown) == "no domain of this account covers it (a.example.com)"


def test_what_says_by_itself_what_it_is_about_has_no_field_before_it():
    assert sentence(Finding("organization", "ACME is no longer in SCM")) == "ACME is no longer in SCM"
    assert sentence(Finding("names", "there is no name")) == "there is no name"
    assert sentence(Finding("term", "30 days are not offered")) == "term: 30 days are not offered"


@given(st.lists(st.sampled_from(["a", "b", "c", "example", "edu"]), min_size=1, max_size=5), st.data())
def test_the_index_finds_what_a_search_finds(labels, data):
    bases = st.lists(st.sampled_from(["a", "b", "c", "example", "edu"]), min_size=1, max_size=4).map(".".join)
    found = data.draw(st.lists(st.tuples(bases, st.booleans()), max_size=12, unique=True))
    domains = [domain(("*." if star else "") + base, id=at) for at, (base, star) in enumerate(found)]
    name = ".".join(labels)
    from kmptui.domain.names import under

    above = list(DomainIndex(domains).above(name))
    assert {d.id for d in above} == {d.id for d in domains if under(d.name, name)}
    lengths = [len(d.name.removeprefix("*.")) for d in above]
    assert lengths == sorted(lengths, reverse=True)


def test_many_names_against_many_domains_look_up_few():
    looked = 0

    class Counting(dict[str, list[Domain]]):
        def get(self, key: str, default: object = None) -> object:
            nonlocal looked
            looked += 1
            return super().get(key, default)

    index = DomainIndex(domain(f"d{number}.example", id=number) for number in range(10_000))
    index._by_base = Counting(index._by_base)
    names = tuple(f"www.d{number}.example" for number in range(250))
    assert mirror_findings(request(names=names), (ACME,), index, TODAY, (DV,)) == ()
    assert len(index) == 10_000
    assert looked <= 250 * 3


def test_custom_fields_are_written_as_assignments():
    assert custom.parse_assignment("Cost centre = 0815=x ") == ("Cost centre", "0815=x")
    for text in ("Cost centre", "=0815", ""):
        with pytest.raises(BadInput):
            custom.parse_assignment(text)
