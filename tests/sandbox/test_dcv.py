"""Domain control validation from start to validated, and domains that are delegated and switched."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from kmptui.sandbox.server import SandboxServer

CNAME = "/validation/start/domain/cname", "/validation/submit/domain/cname"


def ask(api: httpx.Client, domain: str, version: int = 2) -> dict[str, Any]:
    answer = api.post(f"/dcv/v{version}/validation/status", json={"domain": domain})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


@pytest.mark.parametrize("version", [1, 2])
def test_by_cname_from_start_to_validated(
    api: httpx.Client, sandbox: SandboxServer, version: int, order_fields: Callable[..., dict[str, Any]]
) -> None:
    domain = {"domain": "new.example.com"}
    start, submit = (f"/dcv/v{version}{path}" for path in CNAME)
    assert ask(api, "new.example.com")["orderStatus"] == "NOT_INITIATED"
    assert api.post(submit, json=domain).json()["code"] == -724
    record = api.post(start, json=domain).json()
    assert record["host"].endswith(".new.example.com.")
    assert api.post(start, json=domain).json() == record, "the record stays the same while it is open"
    assert ask(api, "new.example.com") | record == ask(api, "new.example.com")
    answer = api.post(submit, json=domain).json()
    assert answer["orderStatus"].upper() == "SUBMITTED"
    assert "lastCheck" in api.post("/dcv/v1/validation/sync?force=true", json=domain).json()
    sandbox.control("clock", {"advance": 3})
    status = ask(api, "new.example.com")
    assert status["status"] == "VALIDATED"
    assert status["orderStatus"] == "NOT_INITIATED"
    assert api.post("/ssl/v1/enroll", json=order_fields("w.new.example.com")).status_code == 200


def test_a_record_that_nobody_published(api: httpx.Client, sandbox: SandboxServer) -> None:
    domain = {"domain": "new.example.com"}
    sandbox.control("domains/new.example.com", {"published": False})
    for path in CNAME:
        api.post(f"/dcv/v1{path}", json=domain)
    sandbox.control("clock", {"advance": 86_400})
    assert ask(api, "new.example.com", 1)["status"] == "NOT_VALIDATED"
    sandbox.control("domains/new.example.com", {"published": True})
    assert ask(api, "new.example.com", 1)["status"] == "VALIDATED"


def test_txt_mail_and_file(api: httpx.Client, sandbox: SandboxServer) -> None:
    domain = {"domain": "legacy.example.com"}
    txt = api.post("/dcv/v1/validation/submit/domain/txt", json=domain).json()
    assert txt["host"] == "_pki-validation.legacy.example.com."
    assert txt["point"]
    mailboxes = api.post("/dcv/v2/validation/start/domain/email", json=domain).json()["emails"]
    assert "hostmaster@legacy.example.com" in mailboxes
    wrong = api.post("/dcv/v2/validation/submit/domain/email", json=domain | {"email": "me@example.org"})
    assert wrong.json()["code"] == -1601
    right = api.post("/dcv/v2/validation/submit/domain/email", json=domain | {"email": mailboxes[0]}).json()
    assert right["emailValidationReferenceNumber"]
    for mode in ("http", "https"):
        file = api.post(f"/dcv/v2/validation/start/domain/{mode}", json=domain).json()
        assert file["url"].startswith(f"{mode}://legacy.example.com/.well-known/pki-validation/")
        assert ask(api, "legacy.example.com")["firstLine"] == file["firstLine"]
        assert api.post(f"/dcv/v2/validation/submit/domain/{mode}", json=domain).status_code == 200
    sandbox.control("clock", {"advance": 3})
    assert ask(api, "legacy.example.com")["status"] == "VALIDATED"


def test_a_file_proves_the_exact_name_only(api: httpx.Client, order_fields: Callable[..., dict[str, Any]]) -> None:
    assert api.post("/ssl/v1/enroll", json=order_fields("intranet.example.com")).status_code == 200
    assert api.post("/ssl/v1/enroll", json=order_fields("a.intranet.example.com")).json()["code"] == -107


def test_a_validation_ends_by_the_clock(api: httpx.Client, sandbox: SandboxServer) -> None:
    assert ask(api, "alumni.example.edu")["status"] == "VALIDATED"
    found = api.get("/dcv/v1/validation", params={"expiresIn": 4, "dcvStatus": "VALIDATED"}).json()
    assert [row["domain"] for row in found] == ["alumni.example.edu"]
    sandbox.control("clock", {"advance": 4 * 86_400})
    assert ask(api, "alumni.example.edu")["status"] == "EXPIRED"


def test_the_two_versions_write_statuses_differently(api: httpx.Client) -> None:
    old = api.get("/dcv/v1/validation", params={"domain": "new.example.com"}).json()[0]
    new = api.get("/dcv/v2/validation", params={"domain": "new.example.com"}).json()[0]
    assert (old["dcvStatus"], old["dcvOrderStatus"]) == ("NOT_VALIDATED", "NOT_INITIATED")
    assert (new["dcvStatus"], new["dcvOrderStatus"]) == ("Not validated", "Not initiated")


def test_searching(api: httpx.Client) -> None:
    def names(**filters: object) -> set[str]:
        return {row["domain"] for row in api.get("/dcv/v1/validation", params=filters).json()}

    assert names(dcvStatus="EXPIRED") == {"legacy.example.com", "hospital.example.edu"}
    assert names(orderStatus="AWAITING_SUBMISSION") == {"cdn.example.net"}
    assert names(department=7112) == {"example.com", "example.net", "vpn.example.net", "mail.example.net"}
    assert names(org=7103) == {"example.org", "donate.example.org", "events.example.org"}
    answer = api.get("/dcv/v1/validation?size=10&position=20&org=&department=&expiresIn=&dcvStatus=&orderStatus=")
    assert (len(answer.json()), answer.headers["X-Total-Count"]) == (5, "25")


@pytest.mark.parametrize(
    ("body", "code"),
    [({}, -7), ({"domain": "unknown.example"}, -727), ({"domain": "www.example.com"}, -723)],
)
def test_domains_that_cannot_be_asked_for(api: httpx.Client, body: dict[str, str], code: int) -> None:
    assert api.post("/dcv/v1/validation/status", json=body).json()["code"] == code


def test_clearing_begins_anew(api: httpx.Client) -> None:
    answer = api.post("/dcv/v2/validation/clear", json={"domain": "example.com"}).json()
    assert (answer["status"], answer["orderStatus"]) == ("Not validated", "Not initiated")
    assert ask(api, "example.com")["status"] == "NOT_VALIDATED"
    assert api.post("/dcv/v1/validation/delete", json={"domain": "example.net"}).status_code == 200


def test_a_suspended_domain_takes_no_validation(api: httpx.Client) -> None:
    answer = api.post("/dcv/v1/validation/start/domain/cname", json={"domain": "old.example.net"})
    assert answer.json()["code"] == -715


def test_domains_come_and_go_and_are_delegated(api: httpx.Client) -> None:
    wanted = {"name": "brand.example.com", "delegations": [{"orgId": 7101, "certTypes": ["SSL"]}]}
    created = api.post("/domain/v1", json=wanted)
    assert created.status_code == 201
    path = "/domain/v1/" + created.headers["Location"].rpartition("/")[2]
    assert api.post("/domain/v1", json=wanted).json()["code"] == -700
    assert api.post("/domain/v1", json=wanted | {"name": "x"}).json()["code"] == -732
    assert api.post("/domain/v1", json={"name": "b2.example.com", "delegations": []}).json()["code"] == -709
    assert api.put(f"{path}/suspend").status_code == 200
    assert api.get(path).json()["state"] == "SUSPENDED"
    assert api.put(f"{path}/activate").status_code == 200
    more = {"orgId": 7102, "certTypes": ["SSL"], "domainCertificateRequestPrivileges": ["DOMAIN"]}
    assert api.post(f"{path}/delegation", json=more).status_code == 200
    assert [d["orgId"] for d in api.get(path).json()["delegations"]] == [7101, 7102]
    gone = api.request("DELETE", f"{path}/delegation", json={"orgId": 7102, "certTypes": ["SSL"]})
    assert gone.status_code == 200
    assert api.post(f"{path}/delegation/approve", json={"orgId": 7101}).json()["code"] == -705
    assert api.delete(path).status_code == 204
    used = api.get("/domain/v1", params={"name": "shop.example.com"}).json()[0]["id"]
    assert api.delete(f"/domain/v1/{used}").json()["code"] == -740


def test_a_requested_delegation_is_approved_or_rejected(api: httpx.Client) -> None:
    number = api.get("/domain/v1", params={"status": "requested"}).json()[0]["id"]
    assert api.post(f"/domain/v1/{number}/delegation/approve", json={"orgId": 7101}).status_code == 200
    assert api.get(f"/domain/v1/{number}").json()["delegationStatus"] == "ACTIVE"
    assert api.post(f"/domain/v1/{number}/delegation/reject", json={"orgId": 7101}).json()["code"] == -705
