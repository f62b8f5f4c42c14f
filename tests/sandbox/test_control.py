"""Control: the clock, the settings, the log, and what other administrators do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from kmptui.sandbox.server import SandboxServer


def by_name(sandbox: SandboxServer, name: str) -> int:
    return int(sandbox.control(f"orders?name={name}")[0]["id"])


def test_the_clock_is_set_moved_stopped(sandbox: SandboxServer, api: httpx.Client) -> None:
    sandbox.control("clock", {"set": "2027-03-01T12:00:00Z", "freeze": True})
    assert sandbox.control("clock") == {"now": "2027-03-01T12:00:00.000Z", "seconds": 1803902400.0, "frozen": True}
    assert sandbox.control("clock", {"advance": 86_400})["now"] == "2027-03-02T12:00:00.000Z"
    assert sandbox.control("clock", {"advance": -7200})["now"] == "2027-03-02T10:00:00.000Z"
    assert api.get("/ssl/v1/types").headers["date"] == "Tue, 02 Mar 2027 10:00:00 GMT"
    assert sandbox.control("clock", {"freeze": False})["frozen"] is False


def test_the_log_tells_requests_without_secrets(sandbox: SandboxServer, api: httpx.Client) -> None:
    api.get("/ssl/v1?size=3")
    api.get("/ssl/v1/1")
    lines = sandbox.control("requests")
    assert [(line["method"], line["path"], line["query"], line["status"]) for line in lines] == [
        ("GET", "/api/ssl/v1", "size=3", 200),
        ("GET", "/api/ssl/v1/1", "", 404),
    ]
    assert sandbox.password not in str(lines)
    assert sandbox.control("requests?since=1") == lines[1:]
    state = sandbox.control("state")
    assert state["requests"] == 2
    assert state["by_endpoint"] == {"GET /ssl/v1": 1, "GET /ssl/v1/{id}": 1}


def test_reset(sandbox: SandboxServer, api: httpx.Client) -> None:
    before = sandbox.control("orders?status=Issued")
    ssl_id = before[0]["id"]
    api.post(f"/ssl/v1/revoke/{ssl_id}", json={"reason": "x"})
    sandbox.control("reset", {"what": "counters"})
    assert sandbox.control("state")["requests"] == 0
    assert sandbox.control(f"orders/{ssl_id}")["status"] == "Revoked"
    sandbox.control("settings", {"issue_after": 9})
    sandbox.control("reset", {})
    assert sandbox.control("orders?status=Issued") == before
    assert sandbox.control("settings")["issue_after"] == 2.0


def test_settings_hold_and_reject(sandbox: SandboxServer) -> None:
    changed = sandbox.control("settings", {"issue_after": 5, "latency_ms": 1, "chain": {"crlf": True}})
    assert changed["chain"] == {"root": True, "cross": False, "crlf": True}
    for wrong in ({"isue_after": 1}, {"issue_after": "soon"}, {"chain": {"rot": True}}):
        with pytest.raises(ValueError, match=r"\w"):
            sandbox.control("settings", wrong)
    assert sandbox.control("settings") == changed


def test_another_administrator_at_work(sandbox: SandboxServer, api: httpx.Client) -> None:
    ordered = sandbox.control("orders", {"commonName": "console.example.com"})
    assert load_pem_private_key(ordered["private_key"].encode(), None)
    assert (ordered["requested_via"], ordered["requester"]) == ("Client Admin", "Maren Keller")
    sandbox.control("clock", {"advance": 2})
    number = ordered["id"]
    assert api.get(f"/ssl/v1/{number}").json()["status"] == "Issued"
    renewed = sandbox.control(f"orders/{number}/renew", {"as": "j.okafor"})
    assert (renewed["requester"], renewed["common_name"]) == ("Jude Okafor", "console.example.com")
    assert api.get(f"/ssl/v1/{number}").json()["renewed"] is True
    names = ["console.example.com", "two.example.com"]
    assert sandbox.control(f"orders/{number}/reissue", {"names": names})["status"] == "Applied"
    sandbox.control("clock", {"advance": 2})
    assert api.get(f"/ssl/v1/{number}").json()["subjectAlternativeNames"] == names
    assert sandbox.control(f"orders/{number}/revoke", {"reason_code": 1})["status"] == "Revoked"
    assert sandbox.control(f"orders/{renewed['id']}/delete", {}) == {"id": renewed["id"], "deleted": True}
    assert api.get(f"/ssl/v1/{renewed['id']}").status_code == 404


@pytest.mark.parametrize(
    ("name", "action", "body", "status"),
    [
        ("pay.example.com", "approve", {}, "Approved"),
        ("telescope.lab.example.edu", "decline", {"message": "no"}, "Declined"),
        ("review.example.com", "issue", {}, "Issued"),
        ("review.example.com", "reject", {}, "Rejected"),
        ("review.example.com", "invalidate", {}, "Invalid"),
        ("soon9.example.com", "expire", {}, "Expired"),
        ("soon9.example.com", "auto-renew", {"state": "Scheduled", "days": 5}, "Issued"),
        ("soon9.example.com", "auto-install", {}, "Issued"),
        ("soon9.example.com", "change", {"comments": "odd", "wrong_facts": {"status": "Odd"}}, "Issued"),
    ],
)
def test_decisions(sandbox: SandboxServer, name: str, action: str, body: dict[str, Any], status: str) -> None:
    assert sandbox.control(f"orders/{by_name(sandbox, name)}/{action}", body)["status"] == status


def test_an_order_is_held_and_released(
    sandbox: SandboxServer, api: httpx.Client, order_fields: Callable[..., dict[str, Any]]
) -> None:
    number = api.post("/ssl/v1/enroll", json=order_fields("held.example.com")).json()["sslId"]
    sandbox.control(f"orders/{number}/hold", {})
    sandbox.control("clock", {"advance": 86_400})
    assert sandbox.control(f"orders/{number}")["status"] == "Applied"
    sandbox.control(f"orders/{number}/release", {})
    sandbox.control("clock", {"advance": 2})
    assert sandbox.control(f"orders/{number}")["status"] == "Issued"


def test_domains_organizations_profiles_change(sandbox: SandboxServer, api: httpx.Client) -> None:
    sandbox.control("domains/example.com", {"expires": "2026-01-01"})
    assert api.post("/dcv/v1/validation/status", json={"domain": "example.com"}).json()["status"] == "EXPIRED"
    sandbox.control("domains/brand.example.com", {"create": True, "validate": "TXT"})
    assert api.post("/dcv/v1/validation/status", json={"domain": "brand.example.com"}).json()["status"] == "VALIDATED"
    sandbox.control("organizations/7101", {"rest_enabled": False, "ev_status": "PENDING", "ov_expires": None})
    assert api.get("/organization/v1/7101").json()["sslCertsApiEnabled"] is False
    sandbox.control("profiles/2102", {"terms": [10]})
    sandbox.control("profiles/2200", {"name": "New", "kind": "DV", "terms": [5], "key_types": {"EC": ["P-256"]}})
    terms = {p["id"]: p["terms"] for p in api.get("/ssl/v1/types").json()}
    assert (terms[2102], terms[2200]) == ([10], [5])
    assert {admin["login"] for admin in sandbox.control("admins")} >= {"ops-api", "raossl-api", "readonly-api"}
    assert len(sandbox.control("domains")) == 26
    assert len(sandbox.control("profiles")) == 9


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("clock", {"set": "soon"}),
        ("clock", {"ahead": 1}),
        ("orders/1/approve", {}),
        ("orders/x/approve", {}),
        ("domains/nowhere.example", {"active": False}),
        ("organizations/1", {}),
        ("admins/nobody", {}),
        ("profiles/2300", {"name": "half"}),
        ("reset", {"what": "everything"}),
    ],
)
def test_what_cannot_be_done_is_said(sandbox: SandboxServer, path: str, body: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        sandbox.control(path, body)


def test_an_action_that_is_none(sandbox: SandboxServer) -> None:
    with pytest.raises(ValueError, match="there are approve"):
        sandbox.control(f"orders/{by_name(sandbox, 'soon9.example.com')}/explode", {})


def test_a_refusal_behind_the_scenes_keeps_its_text(sandbox: SandboxServer) -> None:
    with pytest.raises(ValueError, match="not 'ISSUED'"):
        sandbox.control(f"orders/{by_name(sandbox, 'past.example.com')}/renew", {})
