"""Who is let in, and how far: credentials, roles, privileges."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from kmptui.sandbox.server import SandboxServer

ApiFactory = Callable[..., httpx.Client]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"password": "wrong"}, -16),
        ({"login": "nobody"}, -16),
        ({"customerUri": "elsewhere"}, -970),
        ({"password": ""}, -970),
        ({"login": ""}, -970),
    ],
)
def test_wrong_credentials(sandbox: SandboxServer, changes: dict[str, str], code: int) -> None:
    headers = sandbox.headers() | changes
    answer = httpx.get(f"{sandbox.base_url}/ssl/v1/types", headers=headers, trust_env=False)
    assert answer.status_code == 401
    assert answer.json()["code"] == code
    assert answer.headers["X-Kmptui-Sandbox"] == "1"
    wrong = sandbox.control("state")["wrong_passwords"]
    assert wrong == (1 if changes.get("password") == "wrong" else 0)


def test_five_wrong_passwords_lock_the_account(sandbox: SandboxServer, api: httpx.Client) -> None:
    for _ in range(5):
        assert api.get("/ssl/v1/types", headers={"password": "guess"}).json()["code"] == -16
    assert api.get("/ssl/v1/types").status_code == 401
    assert sandbox.control("state")["locked"] == ["ops-api"]
    sandbox.control("admins/ops-api", {"locked": False})
    assert api.get("/ssl/v1/types").status_code == 200


def test_a_right_password_forgets_the_wrong_ones(sandbox: SandboxServer, api: httpx.Client) -> None:
    for _ in range(12):
        api.get("/ssl/v1/types", headers={"password": "guess"})
        assert api.get("/ssl/v1/types").status_code == 200
    assert sandbox.control("state")["wrong_passwords"] == 12


def test_an_expired_password_opens_only_what_tells_so(sandbox: SandboxServer, api_of: ApiFactory) -> None:
    api = api_of(sandbox, "expired-api")
    answer = api.get("/ssl/v1/types")
    assert (answer.status_code, answer.json()["code"]) == (401, -970)
    assert "expired" in answer.json()["description"]
    assert api.get("/admin/v1/password").json()["state"] == "EXPIRED"


def test_a_password_ends_by_the_clock_and_is_changed(sandbox: SandboxServer, api: httpx.Client) -> None:
    assert api.get("/admin/v1/password").json()["state"] == "ALIVE"
    sandbox.control("clock", {"advance": 81 * 86_400})
    assert api.get("/ssl/v1/types").status_code == 401
    sandbox.control("admins/ops-api", {"password": "New-Secret-1", "password_expires": None})
    assert api.get("/ssl/v1/types").status_code == 401
    api.headers["password"] = "New-Secret-1"
    assert api.get("/admin/v1/password").json() == {"state": "NEVER_EXPIRE"}


def test_the_master_sees_himself_as_master(sandbox: SandboxServer, api: httpx.Client, api_of: ApiFactory) -> None:
    question = {"login": "ops-api", "role": "MRAO"}
    assert [row["login"] for row in api.get("/admin/v1", params=question).json()] == ["ops-api"]
    assert "MRAO" in api.get("/admin/v1/roles").json()
    rao = api_of(sandbox, "raossl-api")
    assert rao.get("/admin/v1", params={"login": "raossl-api", "role": "MRAO"}).json() == []
    assert rao.get("/admin/v1/roles").json() == ["RAO_SSL", "DRAO_SSL"]
    assert rao.get("/admin/v1/9001").json()["code"] == -37


def test_every_answer_is_filtered_by_the_role(sandbox: SandboxServer, api: httpx.Client, api_of: ApiFactory) -> None:
    rao = api_of(sandbox, "raossl-api")
    mine = {7102, 7121, 7122}
    assert [o["id"] for o in rao.get("/organization/v1").json()] == [7102]
    report = rao.post("/report/v1/ssl-certificates", json={}).json()["reports"]
    assert {row["orgId"] for row in report} == mine
    assert int(rao.head("/ssl/v1").headers["X-Total-Count"]) == len(report)
    assert 0 < len(report) < int(api.head("/ssl/v1").headers["X-Total-Count"])
    domains = rao.get("/domain/v1").json()
    assert {d["name"].removeprefix("example.edu").rpartition(".example.")[2] for d in domains} <= {"edu", ""}
    foreign = sandbox.control("orders?name=soon9.example.com")[0]["id"]
    for path in (f"/ssl/v1/{foreign}", f"/ssl/v1/collect/{foreign}"):
        assert rao.get(path).json()["code"] == -37
    assert 2106 not in [p["id"] for p in rao.get("/ssl/v1/types").json()]
    assert rao.get("/organization/v1/7101").json()["code"] == -37


def test_a_department_admin_sees_his_department_under_its_organization(
    sandbox: SandboxServer, api_of: ApiFactory
) -> None:
    drao = api_of(sandbox, "readonly-api")
    [organization] = drao.get("/organization/v1").json()
    assert [d["name"] for d in organization["departments"]] == ["Faculty of Science"]


def test_rights_that_are_missing(sandbox: SandboxServer, api_of: ApiFactory) -> None:
    drao = api_of(sandbox, "readonly-api")
    waiting = sandbox.control("orders?name=telescope.lab.example.edu")[0]["id"]
    message = {"message": "x", "reason": "x"}
    calls = [
        drao.post("/ssl/v1/enroll", json={"orgId": 7121}),
        drao.post(f"/ssl/v1/approve/{waiting}", json=message),
        drao.post(f"/ssl/v1/decline/{waiting}", json=message),
        drao.post(f"/ssl/v1/revoke/{waiting}", json=message),
        drao.post(f"/ssl/v1/replace/{waiting}", json=message),
        drao.post(f"/ssl/v1/renewById/{waiting}", json={}),
        drao.put("/ssl/v1", json={"sslId": waiting, "comments": "x"}),
        drao.post("/dcv/v1/validation/start/domain/cname", json={"domain": "lab.example.edu"}),
        drao.post("/domain/v1", json={"name": "more.example.edu"}),
    ]
    assert [(answer.status_code, answer.json()["code"]) for answer in calls] == [(400, -3)] * len(calls)


def test_only_some_kinds_of_account_have_a_password(sandbox: SandboxServer, api_of: ApiFactory) -> None:
    assert api_of(sandbox, "sso.lindqvist").get("/admin/v1/password").json()["code"] == -3


def test_whatever_else_is_asked_for_is_404_with_a_code(sandbox: SandboxServer, api: httpx.Client) -> None:
    for path in ("/nothing", "/ssl/v3/types", "/smime/v1", "/acme/v1/account"):
        answer = api.get(path)
        assert (answer.status_code, answer.json()["code"]) == (404, -1)
        assert answer.headers["X-Kmptui-Sandbox"] == "1"
    private = sandbox.base_url.replace("/api", "/private/api")
    assert httpx.get(f"{private}/ssl/v1/types", headers=sandbox.headers(), trust_env=False).status_code == 404
    assert api.delete("/ssl/v1/types").status_code == 405


def test_a_trailing_slash_changes_nothing(api: httpx.Client) -> None:
    assert api.get("/customField/v2/?certType=SSL").json() == api.get("/customField/v2?certType=SSL").json()


def test_administrators_are_made_changed_and_removed(sandbox: SandboxServer, api: httpx.Client) -> None:
    fields = {
        "login": "new-api", "email": "new@example.com", "forename": "New", "surname": "Api", "type": "API",
        "password": "Longer-Secret-9", "privileges": ["sslRequest"],
        "credentials": [{"role": "RAO_SSL", "orgId": 7101}],
    }  # fmt: skip
    created = api.post("/admin/v1", json=fields)
    assert created.status_code == 201
    number = created.headers["Location"].rpartition("/")[2]
    headers = sandbox.headers() | {"login": "new-api", "password": "Longer-Secret-9"}
    assert httpx.get(f"{sandbox.base_url}/ssl/v1/types", headers=headers, trust_env=False).status_code == 200
    assert api.put(f"/admin/v1/{number}", json={"forename": "Newer"}).status_code == 200
    assert api.get(f"/admin/v1/{number}").json()["forename"] == "Newer"
    assert api.post("/admin/v1", json=fields).json()["code"] == -1601
    assert api.delete(f"/admin/v1/{number}").status_code == 204
    assert api.get(f"/admin/v1/{number}").status_code == 404
    assert api.delete("/admin/v1/9001").json()["code"] == -219
