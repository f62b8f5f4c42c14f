"""What is known against a renewal or a reissue beforehand."""

from __future__ import annotations

import dataclasses
from datetime import date
from typing import Any

import pytest

from kmptui.domain import renewable
from kmptui.domain.domain import Delegation, Domain
from kmptui.domain.keys import KeySpec
from kmptui.domain.order import Hold, Ledger, NewKey, Order, OrderRow, RemoteOrder
from kmptui.domain.organization import Organization
from kmptui.domain.preflight import DomainIndex, Facts
from kmptui.domain.profile import Profile
from kmptui.domain.renewable import ReissueRequest, SameKey

TODAY = date(2026, 11, 24)
RSA, EC = KeySpec("RSA", "2048"), KeySpec("EC", "P-256")
OV = Profile(3, "OV SSL", terms=(90, 199), keys=(RSA, EC), organizations=frozenset({1}))
FACTS = Facts(
    today=TODAY,
    profiles=(OV,),
    organizations=(Organization(1, "ACME", rest_enabled=True, cert_types=("SSL",)),),
    domains=DomainIndex(
        [
            Domain(
                5, "example.com", "ACTIVE", "ACTIVE", "VALIDATED", "CNAME", date(2027, 2, 1), (Delegation(1, ("SSL",)),)
            )
        ]
    ),
)


def order(*, term: int | None = 199, profile_id: int | None = 3, **row: Any) -> Order:
    told: dict[str, Any] = {
        "id": 7,
        "ssl_id": 100,
        "common_name": "a.example.com",
        "names_count": 2,
        "ledger": Ledger.ACCEPTED,
        "status": "Issued",
        "hold": Hold.NONE,
        "organization": "ACME",
        "profile": "OV SSL",
        "requested": None,
        "expires": date(2026, 12, 2),
        "serial": "AB",
        "certificate_id": 9,
    }
    names = ("a.example.com", "b.example.com")
    return Order(
        OrderRow(**(told | row)), names, organization_id=1, profile_id=profile_id, term=term, key="RSA - 2048"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("row", "renewal", "reissue"),
    [
        ({}, "", ""),
        ({"expires": TODAY}, "", ""),
        ({"status": "Revoked"}, "it is revoked", "it is revoked"),
        ({"status": "Declined"}, "it is declined", "it is declined"),
        ({"status": "External"}, "it is external", "it is external"),
        ({"status": "Applied"}, "it is applied", "it is applied"),
        ({"expires": date(2026, 11, 23)}, "has expired", "has expired"),
        ({"deleted": True}, "deleted here", "deleted here"),
        ({"ledger": Ledger.UNCONFIRMED, "ssl_id": None}, "unconfirmed", "unconfirmed"),
        ({"hold": Hold.REISSUE}, "under way: wait", "under way: wait"),
        ({"hold": Hold.UNSETTLED}, "settle that", "settle that"),
        ({"hold": Hold.LIMIT}, "", ""),
    ],
)
def test_states_that_allow_it(row: dict[str, Any], renewal: str, reissue: str) -> None:
    asked = order(**row)
    for words, found in (
        (renewal, renewable.forbidden(asked, TODAY)),
        (reissue, renewable.not_reissuable(asked, TODAY)),
    ):
        assert words in found
        assert bool(words) == bool(found)


def test_what_is_renewed_is_reissued_all_the_same() -> None:
    renewed = dataclasses.replace(order(), renewed=True)
    assert "renewed already" in renewable.forbidden(renewed, TODAY)
    assert renewable.not_reissuable(renewed, TODAY) == ""


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"status": "Issued", "renewed": False}, ""),
        ({"status": "Downloaded"}, ""),
        ({"status": "Issued", "renewed": True}, "renewed already"),
        ({"status": "Issued", "auto_renew_state": "Scheduled"}, "by itself"),
        ({"status": "Issued", "auto_renew_state": "STARTED"}, "by itself"),
        ({"status": "Issued", "auto_renew_state": "Failed"}, ""),
        ({"status": "Revoked"}, '"Revoked"'),
        ({"status": ""}, "does not say"),
    ],
)
def test_the_word_of_scm(told: dict[str, Any], words: str) -> None:
    found = renewable.told_otherwise(RemoteOrder(100, **told), beside_scm=False)
    assert words in found
    assert bool(words) == bool(found)
    beside = renewable.told_otherwise(RemoteOrder(100, **told), beside_scm=True)
    assert beside == ("" if "itself" in words else found)


def test_findings_against_a_renewal() -> None:
    assert renewable.findings(order(), FACTS) == ()
    assert renewable.findings(order(), FACTS, SameKey()) == ()
    (term,) = renewable.findings(order(term=365), FACTS)
    assert (term.field, term.hint) == ("term", True)
    (key,) = renewable.findings(order(), FACTS, NewKey(KeySpec("EC", "P-521")))
    assert (key.field, key.stale_prone) == ("key", False)
    gone = dataclasses.replace(FACTS, profiles=(dataclasses.replace(OV, status="gone"),))
    (profile,) = renewable.findings(order(), gone)
    assert (profile.field, profile.stale_prone) == ("profile", True)
    (refused,) = renewable.findings(dataclasses.replace(order(), problem_code=-180), FACTS)
    assert "does not allow renewals" in refused.cause
    assert refused.stale_prone  # nothing tells when that changes: a person may try again


def test_names_of_an_own_csr() -> None:
    named = ("a.example.com", "b.example.com")
    assert renewable.csr_findings(order(), RSA, named, OV) == ()
    assert renewable.csr_findings(order(), RSA, (), OV) == ()
    (fewer,) = renewable.csr_findings(order(), RSA, named[:1], OV)
    assert fewer.hint
    (more,) = renewable.csr_findings(order(), RSA, (*named, "c.example.com"), OV)
    assert (more.hint, more.names) == (False, ("c.example.com",))
    (key,) = renewable.csr_findings(order(), KeySpec("EC", "P-521"), named, OV)
    assert key.field == "csr"


def test_findings_against_a_reissue() -> None:
    assert renewable.reissue_findings(order(term=365), ReissueRequest(7, "lost"), FACTS) == ()
    for asked, field in (
        (ReissueRequest(7, ""), "reason"),
        (ReissueRequest(7, "x" * 513), "reason"),
        (ReissueRequest(7, "lost", names=("a.example.com", "a.example.org")), "names"),
        (ReissueRequest(7, "lost", names=("A.example.com",)), "names"),
        (ReissueRequest(7, "lost", NewKey(KeySpec("EC", "P-521"))), "key"),
    ):
        assert field in {finding.field for finding in renewable.reissue_findings(order(), asked, FACTS)}
