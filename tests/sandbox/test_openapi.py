"""The OpenAPI judge itself: it sees what is wrong, and lets pass what it should."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from kmptui.sandbox.server import Exchange, SandboxServer
from tests import openapi_judge


@pytest.fixture
def judge() -> openapi_judge.Judge:
    judge = openapi_judge.from_environment()
    if judge is None:
        pytest.skip(f"{openapi_judge.VARIABLE} names no copy of the vendor's OpenAPI document")
    return judge


def exchange(call: str, status: int, answer: object, request: object = None, **headers: str) -> Exchange:
    method, _, target = call.partition(" ")
    path, _, query = target.partition("?")
    return Exchange(
        method=method,
        path=path,
        query=query,
        request_headers={},
        request_body=b"" if request is None else json.dumps(request).encode(),
        status=status,
        response_headers={"content-type": "application/json"} | {k.replace("_", "-"): v for k, v in headers.items()},
        response_body=b"" if answer is None else json.dumps(answer).encode(),
        faulty=False,
    )


ENROL = {"orgId": 7101, "csr": "abc", "term": 199, "certType": 2102}


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        (exchange("GET /api/ssl/v1/types", 200, [{"id": "2101"}]), "is not of type 'integer'"),
        (exchange("GET /api/ssl/v1", 200, []), "without the header X-Total-Count"),
        (exchange("GET /api/ssl/v1?size=5&colour=red", 200, [], x_total_count="0"), "'colour' is not documented"),
        (exchange("GET /api/ssl/v1?position=-3", 200, [], x_total_count="0"), "position"),
        (exchange("POST /api/ssl/v1/enroll", 200, {"sslId": 1}, ENROL | {"comments": "x" * 1025}), "comments"),
        (exchange("POST /api/ssl/v1/enroll", 201, {"sslId": 1}, ENROL), "answered 201"),
        (exchange("POST /api/ssl/v1/enroll", 400, {"message": "no"}, ENROL), "description"),
        (exchange("POST /api/ssl/v1/revoke/7", 204, {"x": 1}, {"reason": "x"}), "with a body"),
        (exchange("POST /api/ssl/v1/revoke/7", 204, None, {"reason": ""}), "reason"),
        (exchange("GET /api/unheard/v1", 200, {}), "not documented"),
    ],
)
def test_it_sees_what_is_wrong(judge: openapi_judge.Judge, seen: Exchange, words: str) -> None:
    judge.observe(seen)
    assert words in "\n".join(judge.violations)


@pytest.mark.parametrize(
    "seen",
    [
        exchange("POST /api/ssl/v1/enroll", 200, {"sslId": 1, "renewId": "x"}, ENROL | {"subjAltNames": None}),
        exchange("POST /api/ssl/v1/enroll", 400, {"code": -7, "description": "x"}, {"orgId": "wrong"}),
        exchange(
            "POST /api/report/v1/ssl-certificates", 200, {"statusCode": 0, "reports": []}, {"certificateStatus": 2}
        ),
        exchange("POST /api/ssl/v1/renewById/7", 200, {"sslId": 8}, ""),
        exchange("HEAD /api/ssl/v1", 200, None),
        exchange("GET /api/unheard/v1", 404, {"code": -1, "description": "x"}),
    ],
)
def test_it_lets_pass_what_is_right_or_excepted(judge: openapi_judge.Judge, seen: Exchange) -> None:
    judge.observe(seen)
    assert judge.violations == []


def test_every_exception_gives_its_reason() -> None:
    tables: list[list[Any]] = [
        openapi_judge.UNDOCUMENTED,
        openapi_judge.REQUEST_EXCEPTIONS,
        openapi_judge.RESPONSE_EXCEPTIONS,
        openapi_judge.EXTRA_STATUSES,
        openapi_judge.PARAMETER_VALUES,
    ]
    assert all(len(row[1]) > 10 for table in tables for row in table)


def test_every_reading_call_is_valid(judge: openapi_judge.Judge, sandbox: SandboxServer, api: httpx.Client) -> None:
    """Judged by the fixture: each documented GET of the sandbox, over every state that an order can be in."""
    paths = ["/ssl/v2?size=5", "/ssl/v2/types", "/ssl/v2/customFields", "/customField/v2", "/admin/v1/password"]
    paths += ["/organization/v1/7101", "/organization/v1/7111", "/organization/v2/7101/validations"]
    paths += ["/admin/v1/privileges?role=MRAO", "/dcv/v2/validation?size=200", "/admin/v1?size=2", "/admin/v1/roles"]
    paths += [f"/domain/v1/{row['id']}" for row in api.get("/domain/v1").json()]
    seen: set[str] = set()
    for order in sandbox.control("orders"):
        if order["status"] not in seen:
            seen.add(order["status"])
            paths += [f"/ssl/v1/{order['id']}", f"/ssl/v1/{order['id']}/dcv", f"/ssl/v2/{order['id']}/dcv"]
    for path in paths:
        assert api.get(path).status_code == 200, path
