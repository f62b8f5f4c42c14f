"""Every refusal: what SCM would not take, and the code with which it says so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from kmptui.sandbox.server import SandboxServer

Fields = Callable[..., dict[str, Any]]


def refusal(answer: httpx.Response) -> int:
    assert answer.status_code == 400, answer.text
    body = answer.json()
    assert body["description"]
    return int(body["code"])


def test_an_order_that_is_right_is_taken(api: httpx.Client, order_fields: Fields, sandbox: SandboxServer) -> None:
    answer = api.post("/ssl/v1/enroll", json=order_fields("a.example.com", comments="x" * 1024))
    assert answer.status_code == 200
    assert set(answer.json()) == {"sslId", "renewId"}
    created = sandbox.control("state")["created"]
    assert [(o["id"], o["common_name"]) for o in created] == [(answer.json()["sslId"], "a.example.com")]


def test_what_old_clients_send_besides_is_ignored(api: httpx.Client, order_fields: Fields) -> None:
    old = order_fields("b.example.com", numberServers=1, serverType=-1, dcvMode="CNAME", externalRequester=None)
    assert api.post("/ssl/v1/enroll", json=old).status_code == 200


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"orgId": ...}, -7),
        ({"orgId": "7101"}, -1601),
        ({"orgId": 4242}, -1023),
        ({"orgId": 7103}, -1021),
        ({"certType": ...}, -7),
        ({"certType": -5}, -39),
        ({"certType": 9999}, -111),
        ({"orgId": 7131, "certType": 2105, "subjAltNames": ""}, -111),
        ({"term": ...}, -7),
        ({"term": 198}, -36),
        ({"term": 0}, -36),
        ({"csr": ...}, -7),
        ({"csr": ""}, -7),
        ({"csr": "no base64 at all!"}, -9),
        ({"csr": "AAAA"}, -10),
        ({"csr": "A" * 32_768}, -1601),
        ({"comments": "x" * 1025}, -1601),
        ({"externalRequester": "nobody"}, -1601),
        ({"externalRequester": "a@example.com, " * 40}, -1601),
        ({"customFields": []}, -62),
        ({"customFields": ...}, -62),
        ({"customFields": [{"name": "Cost Centre", "value": ""}]}, -62),
        ({"customFields": [{"name": "Nonsense", "value": "x"}]}, -64),
        ({"customFields": [{"name": "Legacy Owner", "value": "x"}]}, -64),
        (
            {"customFields": [{"name": "Cost Centre", "value": "1"}, {"name": "Environment", "value": "Moon"}]},
            -1601,
        ),
        ({"customFields": [{"name": "Cost Centre", "value": "x" * 257}]}, -1601),
        ({"subjAltNames": "under_score.example.com"}, -1601),
        ({"subjAltNames": "-bad.example.com"}, -1601),
        ({"subjAltNames": "*.fresh.example.com"}, -1601),
        ({"subjAltNames": 17}, -1601),
        ({"subjAltNames": "www.elsewhere.example"}, -727),
        ({"subjAltNames": "192.0.2.7"}, -1010),
        ({"subjAltNames": "a.old.example.net"}, -715),
        ({"subjAltNames": "www.example.edu"}, -1010),
        ({"subjAltNames": "a.root.example.net"}, -1010),
        ({"subjAltNames": "a.partner.example.org"}, -1010),
        ({"certType": 2103, "subjAltNames": "*.api.example.com"}, -1010),
        ({"subjAltNames": "a.legacy.example.com"}, -107),
        ({"subjAltNames": "a.new.example.com"}, -107),
        ({"subjAltNames": "a.dev.example.net"}, -107),
        ({"subjAltNames": "a.intranet.example.com"}, -107),
        ({"certType": 2101, "subjAltNames": ",".join(f"n{i}.example.com" for i in range(11))}, -1601),
    ],
)
def test_what_is_wrong_with_an_order(
    api: httpx.Client, order_fields: Fields, changes: dict[str, Any], code: int, sandbox: SandboxServer
) -> None:
    assert refusal(api.post("/ssl/v1/enroll", json=order_fields(**changes))) == code
    assert sandbox.control("state")["orders_created"] == 0


@pytest.mark.parametrize(
    ("key", "profile", "code"),
    [
        ("RSA - 1024", 2102, -141),
        ("EC - P-521", 2102, -194),
        ("Ed25519", 2102, -11),
        ("EC - P-256", 2104, -170),
        ("RSA - 2048", 2106, -11),
        ("EC - P-384", 2107, -194),
        ("RSA - 2048", 2105, -194),
    ],
)
def test_keys_that_a_profile_does_not_take(
    api: httpx.Client, order_fields: Fields, csr: Callable[..., str], key: str, profile: int, code: int
) -> None:
    terms = {2106: 365, 2107: 47}
    fields = order_fields("k.example.com", certType=profile, term=terms.get(profile, 199))
    assert refusal(api.post("/ssl/v1/enroll", json=fields | {"csr": csr("k.example.com", key=key)})) == code


def test_a_csr_whose_signature_is_not_its_own(api: httpx.Client, order_fields: Fields, csr: Callable[..., str]) -> None:
    import base64

    pem = csr("s.example.com")
    der = bytearray(base64.b64decode("".join(pem.splitlines()[1:-1])))
    der[-1] ^= 1
    bare = base64.b64encode(der).decode()
    assert refusal(api.post("/ssl/v1/enroll", json=order_fields("s.example.com", csr=bare))) == -138


def test_a_csr_is_taken_as_bare_base64_too(api: httpx.Client, order_fields: Fields, csr: Callable[..., str]) -> None:
    bare = "".join(csr("bare.example.com").splitlines()[1:-1])
    assert api.post("/ssl/v1/enroll", json=order_fields("bare.example.com", csr=bare)).status_code == 200


def test_names_come_from_the_csr_where_the_order_gives_none(
    api: httpx.Client, order_fields: Fields, csr: Callable[..., str], sandbox: SandboxServer
) -> None:
    fields = order_fields("n.example.com", csr=csr("N.Example.com", "m.example.com"), subjAltNames=...)
    assert api.post("/ssl/v1/enroll", json=fields).status_code == 200
    assert sandbox.control("state")["created"][0]["names"] == ["n.example.com", "m.example.com"]


def test_a_common_name_above_64_characters(api: httpx.Client, order_fields: Fields, csr: Callable[..., str]) -> None:
    name = f"{'a' * 60}.example.com"
    fields = order_fields("x.example.com", csr=csr(None, name), subjAltNames=...)
    assert refusal(api.post("/ssl/v1/enroll", json=fields)) == -1601


def test_no_name_at_all(api: httpx.Client, order_fields: Fields, csr: Callable[..., str]) -> None:
    fields = order_fields("x.example.com", csr=csr(None), subjAltNames="")
    assert refusal(api.post("/ssl/v1/enroll", json=fields)) == -7


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"{half", b"[" * 100_000])
def test_a_body_that_is_no_json_object(api: httpx.Client, body: bytes) -> None:
    answer = api.post("/ssl/v1/enroll", content=body, headers={"content-type": "application/json"})
    assert refusal(answer) == -1002


def test_an_organization_that_is_not_validated(api: httpx.Client, order_fields: Fields, sandbox: SandboxServer) -> None:
    outreach = order_fields("o.example.org", orgId=7131)
    assert refusal(api.post("/ssl/v1/enroll", json=outreach)) == -843
    assert api.post("/ssl/v1/enroll", json=outreach | {"certType": 2101}).status_code == 200
    university = order_fields("ev.example.edu", orgId=7102, certType=2105)
    assert refusal(api.post("/ssl/v1/enroll", json=university)) == -843
    sandbox.control("organizations/7101", {"ov_expires": "2020-01-01"})
    assert refusal(api.post("/ssl/v1/enroll", json=order_fields())) == -843


def test_a_private_ca_asks_for_no_domain(api: httpx.Client, order_fields: Fields, csr: Callable[..., str]) -> None:
    fields = order_fields("db.elsewhere.test", certType=2106, term=365, subjAltNames="db.elsewhere.test,192.0.2.7")
    assert api.post("/ssl/v1/enroll", json=fields).status_code == 200


def test_no_private_key_agent(api: httpx.Client, sandbox: SandboxServer) -> None:
    fields = {"orgId": 7101, "commonName": "x.example.com", "algorithm": "RSA", "passPhrase": "12345678"}
    assert refusal(api.post("/ssl/v1/enroll-keygen", json=fields)) == -1601
    ssl_id = api.get("/ssl/v1?size=1").json()[0]["sslId"]
    assert refusal(api.get(f"/ssl/v1/keystore/{ssl_id}/p12")) == -1601


def by_name(sandbox: SandboxServer, name: str) -> int:
    return int(sandbox.control(f"orders?name={name}")[0]["id"])


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("past.example.com", -130),
        ("leaked.example.com", -130),
        ("declined.example.com", -130),
        ("cdn-partner.example.net", -130),
        ("review.example.com", -130),
        ("fax.example.net", -180),
        ("crm.legacy.example.com", -1137),
        ("give.example.org", -1021),
    ],
)
def test_what_cannot_be_renewed(api: httpx.Client, sandbox: SandboxServer, name: str, code: int) -> None:
    answer = api.post(f"/ssl/v1/renewById/{by_name(sandbox, name)}", json={})
    assert refusal(answer) == code
    assert sandbox.control("state")["orders_created"] == 0


def test_a_renewal_wants_a_json_body(api: httpx.Client, sandbox: SandboxServer) -> None:
    path = f"/ssl/v1/renewById/{by_name(sandbox, 'soon9.example.com')}"
    assert refusal(api.post(path)) == -1002
    assert refusal(api.post(path, content=b"[]")) == -1002
    first = api.post(path, json={}).json()["sslId"]
    second = api.post(path, json="").json()["sslId"]
    assert second != first, "two calls are two orders"


def test_a_profile_that_is_gone(api: httpx.Client, sandbox: SandboxServer) -> None:
    ssl_id = by_name(sandbox, "soon9.example.com")
    sandbox.control("profiles/2102", {"gone": True})
    assert refusal(api.post(f"/ssl/v1/renewById/{ssl_id}", json={})) == -111
    assert 2102 not in [p["id"] for p in api.get("/ssl/v1/types").json()]


@pytest.mark.parametrize(
    ("name", "changes", "code"),
    [
        ("soon9.example.com", {"reason": ""}, -7),
        ("soon9.example.com", {"reason": "x" * 513}, -1601),
        ("soon9.example.com", {"csr": None}, -7),
        ("soon9.example.com", {"subjectAlternativeNames": ["www.elsewhere.example"]}, -727),
        ("past.example.com", {}, -130),
        ("leaked.example.com", {}, -130),
        ("node.example.net", {}, -1148),
    ],
)
def test_what_cannot_be_reissued(
    api: httpx.Client, sandbox: SandboxServer, csr: Callable[..., str], name: str, changes: dict[str, Any], code: int
) -> None:
    body = {"csr": csr(name), "reason": "new key", "commonName": name} | changes
    assert refusal(api.post(f"/ssl/v1/replace/{by_name(sandbox, name)}", json=body)) == code


@pytest.mark.parametrize(
    ("name", "body", "code"),
    [
        ("soon9.example.com", {}, -7),
        ("soon9.example.com", {"reason": "x", "reasonCode": 2}, -1601),
        ("soon9.example.com", {"reason": "x", "reasonCode": "nine"}, -1601),
        ("soon9.example.com", {"reason": "x" * 513}, -1601),
        ("past.example.com", {"reason": "x"}, -102),
        ("review.example.com", {"reason": "x"}, -102),
        ("leaked.example.com", {"reason": "x"}, -159),
    ],
)
def test_what_cannot_be_revoked(
    api: httpx.Client, sandbox: SandboxServer, name: str, body: dict[str, Any], code: int
) -> None:
    assert refusal(api.post(f"/ssl/v1/revoke/{by_name(sandbox, name)}", json=body)) == code


def test_serials_and_ids_that_nobody_knows(api: httpx.Client) -> None:
    assert refusal(api.post("/ssl/v1/revoke/serial/AB:CD", json={"reason": "x"})) == -5101
    assert refusal(api.post("/ssl/v1/revoke/serial/zz", json={"reason": "x"})) == -5101
    assert refusal(api.post("/ssl/v1/revoke/1", json={"reason": "x"})) == -124
    assert refusal(api.post("/ssl/v1/renewById/1", json={})) == -124
    assert refusal(api.post("/ssl/v1/renew/unknown", json={})) == -124
    for path in ("/ssl/v1/1", "/ssl/v1/collect/1", "/ssl/v1/1/dcv", "/domain/v1/1", "/organization/v1/1"):
        answer = api.get(path)
        assert answer.status_code == 404
        assert answer.json()["code"] < 0


def test_approval_and_decline_only_while_requested(api: httpx.Client, sandbox: SandboxServer) -> None:
    waiting = by_name(sandbox, "telescope.lab.example.edu")
    applied = by_name(sandbox, "review.example.com")
    assert refusal(api.post(f"/ssl/v1/approve/{waiting}", json={"message": ""})) == -7
    assert refusal(api.post(f"/ssl/v1/approve/{applied}", json={"message": "ok"})) == -1112
    assert refusal(api.post(f"/ssl/v1/decline/{applied}", json={"message": "no"})) == -1113
    assert refusal(api.post(f"/ssl/v1/decline/{waiting}", json={"message": "x" * 513})) == -1601
    assert api.post(f"/ssl/v1/approve/{waiting}", json={"message": "ok"}).status_code == 204
    assert refusal(api.post(f"/ssl/v1/approve/{waiting}", json={"message": "ok"})) == -1112


def test_nobody_approves_his_own_ev_request(api: httpx.Client, sandbox: SandboxServer) -> None:
    own = by_name(sandbox, "pay.example.com")
    assert refusal(api.post(f"/ssl/v1/approve/{own}", json={"message": "ok"})) == -1140
    assert sandbox.control(f"orders/{own}/approve", {})["status"] == "Approved"


def test_only_a_waiting_request_can_be_changed(
    api: httpx.Client, sandbox: SandboxServer, csr: Callable[..., str]
) -> None:
    issued, waiting = by_name(sandbox, "soon9.example.com"), by_name(sandbox, "pay.example.com")
    assert refusal(api.put("/ssl/v1", json={"sslId": issued, "term": 90})) == -1113
    assert api.put("/ssl/v1", json={"sslId": issued, "comments": "noted"}).json()["comments"] == "noted"
    assert refusal(api.put("/ssl/v1", json={"sslId": waiting, "term": 90})) == -36
    names = ["pay.example.com", "pay2.example.com"]
    changed = api.put("/ssl/v1", json={"sslId": waiting, "subjectAlternativeNames": names}).json()
    assert changed["subjectAlternativeNames"] == names
    assert changed["status"] == "Requested"


def test_only_what_was_imported_or_discovered_can_be_deleted(api: httpx.Client, sandbox: SandboxServer) -> None:
    managed, imported = by_name(sandbox, "soon9.example.com"), by_name(sandbox, "imported.example.net")
    assert refusal(api.delete(f"/ssl/v1/{managed}")) == -3
    assert api.delete(f"/ssl/v1/{imported}").status_code == 204
    assert api.get(f"/ssl/v1/{imported}").status_code == 404
