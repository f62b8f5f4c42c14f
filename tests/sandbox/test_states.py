"""The life of an order by the sandbox's clock, and what each state lets one do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from kmptui.sandbox.server import SandboxServer

Fields = Callable[..., dict[str, Any]]


def leaf(api: httpx.Client, ssl_id: int) -> x509.Certificate:
    answer = api.get(f"/ssl/v1/collect/{ssl_id}?format=x509CO")
    assert answer.status_code == 200, answer.text
    return x509.load_pem_x509_certificate(answer.content)


def code(answer: httpx.Response) -> int:
    return int(answer.json()["code"])


def status(api: httpx.Client, ssl_id: int) -> str:
    return str(api.get(f"/ssl/v1/{ssl_id}").json()["status"])


def by_name(sandbox: SandboxServer, name: str) -> int:
    return int(sandbox.control(f"orders?name={name}")[0]["id"])


@pytest.fixture
def slow(sandbox_factory: Callable[..., SandboxServer]) -> SandboxServer:
    """A sandbox whose clock stands still and whose CA takes 100 seconds."""
    return sandbox_factory(frozen=True, issue_after=100.0, password_days=None)


def test_from_approved_over_applied_to_issued(
    slow: SandboxServer, api_of: Callable[..., httpx.Client], order_fields: Fields
) -> None:
    api = api_of(slow)
    ssl_id = api.post("/ssl/v1/enroll", json=order_fields("life.example.com")).json()["sslId"]
    assert status(api, ssl_id) == "Approved"
    assert code(api.get(f"/ssl/v1/collect/{ssl_id}")) == -183
    assert "serialNumber" not in api.get(f"/ssl/v1/{ssl_id}").json()
    slow.control("clock", {"advance": 30})
    assert status(api, ssl_id) == "Applied"
    assert code(api.get(f"/ssl/v1/collect/{ssl_id}")) == -1400
    slow.control("clock", {"advance": 70})
    details = api.get(f"/ssl/v1/{ssl_id}?dateFormat=ISO_HMS").json()
    assert details["status"] == "Issued"
    certificate = leaf(api, ssl_id)
    assert f"{certificate.serial_number:X}" == details["serialNumber"].replace(":", "")
    assert (certificate.not_valid_after_utc - certificate.not_valid_before_utc).days == 199
    slow.control("clock", {"advance": 200 * 86_400})
    assert status(api, ssl_id) == "Expired"
    assert leaf(api, ssl_id) == certificate
    slow.control("clock", {"advance": -100 * 86_400})
    assert status(api, ssl_id) == "Issued"


def test_what_waits_for_approval_is_approved_by_another(
    slow: SandboxServer, api_of: Callable[..., httpx.Client], order_fields: Fields
) -> None:
    api = api_of(slow)
    fields = order_fields("scope.lab.example.edu", orgId=7121)
    ssl_id = api.post("/ssl/v1/enroll", json=fields).json()["sslId"]
    slow.control("clock", {"advance": 5 * 86_400})
    assert status(api, ssl_id) == "Requested"
    assert api.post(f"/ssl/v1/approve/{ssl_id}", json={"message": "fine"}).status_code == 204
    slow.control("clock", {"advance": 100})
    assert status(api, ssl_id) == "Issued"


def test_decline_is_the_only_cancel(api: httpx.Client, sandbox: SandboxServer) -> None:
    ssl_id = by_name(sandbox, "microscope.lab.example.edu")
    assert api.post(f"/ssl/v1/decline/{ssl_id}", json={"message": "not needed"}).status_code == 204
    assert status(api, ssl_id) == "Declined"
    assert code(api.get(f"/ssl/v1/collect/{ssl_id}")) == -169


def test_the_cas_manual_review_holds_an_order(api: httpx.Client, sandbox: SandboxServer) -> None:
    ssl_id = by_name(sandbox, "review.example.com")
    sandbox.control("clock", {"advance": 86_400})
    assert status(api, ssl_id) == "Applied"
    sandbox.control(f"orders/{ssl_id}/release", {})
    sandbox.control("clock", {"advance": 2})
    assert status(api, ssl_id) == "Issued"


def test_an_order_waits_for_the_dcv_of_its_domain(api: httpx.Client, sandbox: SandboxServer) -> None:
    ssl_id = by_name(sandbox, "app.dev.example.net")
    sandbox.control("clock", {"advance": 3600})
    answer = api.get(f"/ssl/v1/{ssl_id}/dcv").json()
    assert answer["instructions"][0]["domainName"] == "dev.example.net"
    assert answer["dcvLog"]["log"][0]["dcvStatus"] == "Awaiting Validation"
    assert api.post(f"/ssl/v1/{ssl_id}/dcv/recheck").status_code == 202
    assert status(api, ssl_id) == "Applied"
    sandbox.control("domains/dev.example.net", {"published": True})
    assert status(api, ssl_id) == "Issued"
    assert api.get(f"/ssl/v1/{ssl_id}/dcv").json()["instructions"] == []


def test_without_prevalidation_an_order_is_taken_and_waits(
    api: httpx.Client, sandbox: SandboxServer, order_fields: Fields
) -> None:
    sandbox.control("settings", {"prevalidation": False})
    ssl_id = api.post("/ssl/v1/enroll", json=order_fields("w.new.example.com", dcvMode="CNAME")).json()["sslId"]
    sandbox.control("clock", {"advance": 86_400})
    assert sandbox.control(f"orders/{ssl_id}")["waits_for"] == ["w.new.example.com"]
    assert status(api, ssl_id) == "Applied"
    sandbox.control("domains/new.example.com", {"validate": True})
    assert status(api, ssl_id) == "Issued"


def test_renewal_makes_a_new_order_and_marks_the_old(
    api: httpx.Client, sandbox: SandboxServer, csr: Callable[..., str], await_order: Callable[..., dict[str, Any]]
) -> None:
    old = by_name(sandbox, "soon3.example.com")
    new = api.post(f"/ssl/v1/renewById/{old}", json={"csr": csr("soon3.example.com")}).json()["sslId"]
    assert new != old
    before, after = api.get(f"/ssl/v1/{old}").json(), api.get(f"/ssl/v1/{new}").json()
    assert before["renewed"] is True
    assert before["status"] == "Issued"
    assert after["subjectAlternativeNames"] == before["subjectAlternativeNames"]
    await_order(sandbox, new)
    assert leaf(api, new).public_key() == x509.load_pem_x509_csr(csr("soon3.example.com").encode()).public_key()


def test_renewal_without_a_csr_keeps_the_key(
    api: httpx.Client, sandbox: SandboxServer, await_order: Callable[..., dict[str, Any]]
) -> None:
    old = by_name(sandbox, "soon9.example.com")
    new = api.post(f"/ssl/v1/renewById/{old}", json={}).json()["sslId"]
    await_order(sandbox, new)
    assert leaf(api, new).public_key() == leaf(api, old).public_key()
    assert leaf(api, new).serial_number != leaf(api, old).serial_number


def test_renewal_by_renew_id_tells_no_id(api: httpx.Client, sandbox: SandboxServer, order_fields: Fields) -> None:
    ordered = api.post("/ssl/v1/enroll", json=order_fields("r.example.com")).json()
    sandbox.control("clock", {"advance": 2})
    answer = api.post(f"/ssl/v1/renew/{ordered['renewId']}", json={})
    assert (answer.status_code, answer.content) == (204, b"")
    assert len(sandbox.control("orders?name=r.example.com")) == 2


def test_a_renewal_has_the_term_that_is_offered_now(api: httpx.Client, sandbox: SandboxServer) -> None:
    old = by_name(sandbox, "soon9.example.com")
    sandbox.control("profiles/2102", {"terms": [47, 99]})
    new = api.post(f"/ssl/v1/renewById/{old}", json={}).json()["sslId"]
    assert api.get(f"/ssl/v1/{new}").json()["term"] == 99


def test_marking_as_renewed_orders_nothing(api: httpx.Client, sandbox: SandboxServer) -> None:
    old, new = by_name(sandbox, "soon9.example.com"), by_name(sandbox, "soon30.example.com")
    total = api.head("/ssl/v1").headers["X-Total-Count"]
    assert api.post(f"/ssl/v1/renew/manual/{old}", json={"id": new}).status_code == 204
    assert api.get(f"/ssl/v1/{old}").json()["renewed"] is True
    assert api.head("/ssl/v1").headers["X-Total-Count"] == total


def test_reissue_keeps_the_id_and_changes_serial_and_key(
    slow: SandboxServer, api_of: Callable[..., httpx.Client], csr: Callable[..., str]
) -> None:
    api = api_of(slow)
    ssl_id = by_name(slow, "soon30.example.com")
    old = leaf(api, ssl_id)
    request = csr("soon30.example.com")
    names = ["soon30.example.com", "more.example.com"]
    body = {"csr": request, "reason": "lost key", "subjectAlternativeNames": names}
    answer = api.post(f"/ssl/v1/replace/{ssl_id}", json=body)
    assert (answer.status_code, answer.content) == (204, b"")
    assert status(api, ssl_id) == "Applied"
    assert code(api.get(f"/ssl/v1/collect/{ssl_id}")) == -1400
    slow.control("settings", {"keep_old": 50})
    assert leaf(api, ssl_id) == old
    slow.control("clock", {"advance": 100})
    assert status(api, ssl_id) == "Issued"
    assert leaf(api, ssl_id) == old, "the old one is handed out a while longer"
    slow.control("clock", {"advance": 51})
    new = leaf(api, ssl_id)
    assert new.serial_number != old.serial_number
    assert new.not_valid_after_utc == old.not_valid_after_utc
    spki = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    wanted = x509.load_pem_x509_csr(request.encode()).public_key()
    assert new.public_key().public_bytes(*spki) == wanted.public_bytes(*spki)
    assert len(slow.control(f"orders/{ssl_id}")["certificates"]) == 2


def test_revocation_of_an_order_and_of_one_of_its_certificates(api: httpx.Client, sandbox: SandboxServer) -> None:
    ssl_id = by_name(sandbox, "reissued.example.com")
    first, second = (c["serial"] for c in sandbox.control(f"orders/{ssl_id}")["certificates"])
    path = f"/ssl/v1/revoke/serial/{first}"
    assert api.post(path, json={"reason": "old", "reasonCode": "4"}).status_code == 204
    assert status(api, ssl_id) == "Issued"
    assert code(api.post(path, json={"reason": "again"})) == -159
    plain = second.replace(":", "").lower()
    assert api.post(f"/ssl/v1/revoke/serial/{plain}", json={"reason": "too", "reasonCode": 1}).status_code == 204
    details = api.get(f"/ssl/v1/{ssl_id}").json()
    assert (details["status"], details["reasonCode"]) == ("Revoked", "1")
    assert code(api.get(f"/ssl/v1/collect/{ssl_id}?format=x509")) == -110
    assert code(api.get(f"/ssl/v1/collect/{ssl_id}/x509")) == -192
    assert code(api.post(f"/ssl/v1/revoke/{ssl_id}", json={"reason": "again"})) == -159


def test_scm_renews_by_itself_when_its_days_have_come(api: httpx.Client, sandbox: SandboxServer) -> None:
    ssl_id = by_name(sandbox, "auto.example.net")
    assert api.get(f"/ssl/v1/{ssl_id}").json()["autoRenewDetails"] == {"state": "Scheduled", "daysBeforeExpiration": 30}
    found = api.get("/ssl/v1", params={"renewalStatus": "SCHEDULED"}).json()
    assert [row["sslId"] for row in found] == [ssl_id]
    sandbox.control("clock", {"advance": 12 * 86_400})
    assert api.get(f"/ssl/v1/{ssl_id}").json()["autoRenewDetails"]["state"] == "Started"
    sandbox.control("clock", {"advance": 2})
    details = api.get(f"/ssl/v1/{ssl_id}").json()
    assert (details["renewed"], details["autoRenewDetails"]["state"]) == (True, "Successful")
    assert len(sandbox.control("orders?name=auto.example.net")) == 2


def test_public_certificates_are_cut_to_what_the_rules_allow(
    sandbox_factory: Callable[..., SandboxServer], api_of: Callable[..., httpx.Client], order_fields: Fields
) -> None:
    sandbox = sandbox_factory(issue_after=0, password_days=None)
    api = api_of(sandbox)
    sandbox.control("settings", {"prevalidation": False})
    for day, days in (("2026-12-01", 199), ("2027-04-01", 99), ("2029-04-01", 46)):
        sandbox.control("clock", {"set": day})
        sandbox.control("organizations/7101", {"ov_expires": None})
        sandbox.control("domains/example.com", {"validate": True})
        ssl_id = api.post("/ssl/v1/enroll", json=order_fields("c.example.com", certType=2103, term=365)).json()["sslId"]
        certificate = leaf(api, ssl_id)
        assert (certificate.not_valid_after_utc - certificate.not_valid_before_utc).days == days


def test_a_change_by_hand_marks_without_the_ca(api: httpx.Client, sandbox: SandboxServer) -> None:
    ssl_id = by_name(sandbox, "soon3.example.com")
    serial = sandbox.control(f"orders/{ssl_id}")["certificates"][0]["serial"]
    assert api.post("/ssl/v1/revoke/manual", json={"certId": ssl_id, "reasonCode": 4}).status_code == 204
    assert status(api, ssl_id) == "Revoked"
    origin = sandbox.control_url.removesuffix("/control")
    crl = x509.load_der_x509_crl(httpx.get(f"{origin}/crl/issuing.crl", trust_env=False).content)
    assert crl.get_revoked_certificate_by_serial_number(int(serial.replace(":", ""), 16)) is None
