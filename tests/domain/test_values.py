"""The small values: keys, orders' states, validity's dates, limits, statuses, serials."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kmptui.domain.audit import Actor
from kmptui.domain.certificate import CertificateRow, CertificateStatus, Source, serial_hex
from kmptui.domain.clock import SystemClock
from kmptui.domain.domain import Domain
from kmptui.domain.keys import KeySpec
from kmptui.domain.limit import Limit
from kmptui.domain.order import Hold, Ledger, NewKey, OrderRequest, state_word
from kmptui.domain.organization import Organization, Validation
from kmptui.domain.validity import longest_issued, period
from kmptui.errors import BadInput

TODAY = date(2026, 11, 24)


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("rsa:2048", KeySpec("RSA", "2048")),
        ("RSA - 4096", KeySpec("RSA", "4096")),
        ("rsa", KeySpec("RSA", "2048")),
        ("ec", KeySpec("EC", "P-256")),
        ("EC - P-384", KeySpec("EC", "P-384")),
        ("ecdsa:p256", KeySpec("EC", "P-256")),
    ],
)
def test_keys_are_read_as_profiles_and_people_write_them(text, spec):
    assert KeySpec.parse(text) == spec
    assert KeySpec.parse(spec.option) == spec
    assert KeySpec.parse(str(spec)) == spec


@pytest.mark.parametrize(
    "text", ["", "rsa:1024", "rsa:abc", "ec:P-224", "dsa", "rsa:2048:x", "rsa:" + "9" * 5000, "ec:" + "²"]
)
def test_other_keys_are_refused(text):
    with pytest.raises(BadInput) as caught:
        KeySpec.parse(text)
    assert caught.value.field == "key"


@given(st.text(max_size=30))
def test_any_text_is_a_key_or_a_refusal(text):
    try:
        spec = KeySpec.parse(text)
    except BadInput:
        return
    assert KeySpec.parse(spec.option) == spec


@pytest.mark.parametrize(
    ("ledger", "status", "hold", "word"),
    [
        (Ledger.PREPARED, "", Hold.NONE, "draft"),
        (Ledger.UNCONFIRMED, "", Hold.NONE, "unconfirmed"),
        (Ledger.ACCEPTED, "", Hold.NONE, "accepted"),
        (Ledger.ACCEPTED, "Requested", Hold.NONE, "requested"),
        (Ledger.ACCEPTED, "Issued", Hold.NONE, "issued"),
        (Ledger.ACCEPTED, "Issued", Hold.LIMIT, "issued, not added"),
        (Ledger.ACCEPTED, "Revoked", Hold.NONE, "revoked"),
        (Ledger.ACCEPTED, "Paused by CA", Hold.NONE, '"Paused by CA"'),
    ],
)
def test_one_word_for_an_order_s_state(ledger, status, hold, word):
    assert state_word(ledger, status, hold) == word


def test_a_request_never_shows_its_password():
    request = OrderRequest(
        ("a.example",), 1, 1, 199, NewKey(KeySpec("RSA", "2048")), keystore_password="hunter2hunter2"
    )
    assert "hunter2" not in f"{request!r} {request}"
    assert request.common_name == "a.example"


@pytest.mark.parametrize(
    ("day", "days"),
    [
        (date(2019, 1, 1), 397),
        (date(2026, 3, 14), 397),
        (date(2026, 3, 15), 199),
        (date(2027, 3, 14), 199),
        (date(2027, 3, 15), 99),
        (date(2029, 3, 15), 46),
    ],
)
def test_certificates_live_shorter_year_by_year(day, days):
    assert longest_issued(day) == days
    assert period(day).dcv_days <= period(day).certificate_days


def test_the_limit_holds_back_newcomers_and_no_successors():
    assert Limit(0, 5000).admits(successor=False)
    assert Limit(25, 24).admits(successor=False)
    assert not Limit(25, 25).admits(successor=False)
    assert Limit(25, 30).admits(successor=True)
    assert Limit(25, 30).room == 0
    assert str(Limit(1000, 25)) == "25 of 1,000"


@pytest.mark.parametrize(
    ("validations", "rest", "word"),
    [
        ((), True, "unknown"),
        ((Validation("OV_SSL", "Validated"),), None, "validated"),
        ((Validation("OV_SSL", "EXPIRED"),), True, "expired"),
        ((Validation("EV_SSL", "NOT_VALIDATED"),), True, "not validated"),
        ((Validation("OV_SSL", "VALIDATED"),), False, "REST off"),
    ],
)
def test_one_word_for_an_organization(validations, rest, word):
    assert Organization(1, "ACME", rest_enabled=rest, validations=validations).status == word


def test_a_gone_organization_and_a_department_s_title():
    assert Organization(1, "ACME", present=False).status == "gone"
    assert Organization(2, "Web Ops", parent_id=1, parent_name="ACME").title == "ACME / Web Ops"


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({}, "not validated"),
        ({"validation_status": "VALIDATED"}, "validated"),
        ({"validation_status": "Validated", "dcv_expires": TODAY - timedelta(1)}, "expired"),
        ({"validation_status": "Expired"}, "expired"),
        ({"state": "Suspended", "validation_status": "VALIDATED"}, "suspended"),
        ({"delegation_status": "REQUESTED"}, "requested"),
        ({"present": False}, "gone"),
    ],
)
def test_one_word_for_a_domain(changes, word):
    assert Domain(1, "example.edu", **changes).status(TODAY) == word


def test_one_word_for_a_certificate():
    now = datetime(2026, 11, 24, tzinfo=UTC)

    def status(days: int, **changes: bool) -> CertificateStatus:
        row = CertificateRow(
            42,
            "A1",
            "a.example",
            1,
            now - timedelta(9),
            now + timedelta(days),
            "CA",
            True,
            None,
            Source.ORDERED,
            **changes,
        )
        assert row.number == "c42"
        return row.status(now)

    assert status(1) == "valid"
    assert status(0) == "expired"
    assert status(1, superseded=True) == "superseded"
    assert status(-1, revoked=True) == "revoked"


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("00:a1:0b", "A10B"),
        ("A10B", "A10B"),
        ("a1 0b", "A10B"),
        ("0f", "0F"),
        ("f", "0F"),
        ("0", "00"),
        (0xA10B, "A10B"),
    ],
)
def test_a_serial_is_kept_in_one_form(written, kept):
    assert serial_hex(written) == kept
    assert serial_hex(kept) == kept


@pytest.mark.parametrize("written", ["", "xyz", "-1", -1])
def test_what_is_no_serial_is_refused(written):
    with pytest.raises(ValueError, match=r"invalid literal|not negative"):
        serial_hex(written)


def test_actors_and_the_clock():
    assert str(Actor("timer", "kmptui", host="web01", unit="kmptui.timer")) == "timer kmptui.timer@web01"
    assert str(Actor("tui", "root", "anna", "192.0.2.7", "web01")) == "tui anna (as root)@web01 from 192.0.2.7"
    assert SystemClock().now().utcoffset() == timedelta(0)
