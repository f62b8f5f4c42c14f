"""Each kind of fault does what it says, to the requests that it is meant for and no others."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kmptui.sandbox.faults import wrong_types
from kmptui.sandbox.server import SandboxServer

Fields = Callable[..., dict[str, Any]]


def arm(sandbox: SandboxServer, kind: str, match: str = "", **rest: Any) -> None:
    sandbox.control("faults", {"kind": kind, "match": match} | rest)


@pytest.mark.parametrize(("kind", "orders"), [("drop-before", 0), ("drop-after", 1)])
def test_the_connection_is_closed_without_an_answer(
    api: httpx.Client, sandbox: SandboxServer, order_fields: Fields, kind: str, orders: int
) -> None:
    arm(sandbox, kind, "POST /ssl/v1/enroll")
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        api.post("/ssl/v1/enroll", json=order_fields("d.example.com"))
    state = sandbox.control("state")
    assert (state["enroll_calls"], state["orders_created"]) == (orders, orders)
    line = sandbox.control("requests")[-1]
    assert (line["fault"], line["path"]) == (kind, "/api/ssl/v1/enroll")
    assert api.post("/ssl/v1/enroll", json=order_fields("e.example.com")).status_code == 200


@pytest.mark.parametrize(("act", "orders"), [(True, 1), (False, 0), (None, 0)])
def test_a_status_with_or_without_the_act(
    api: httpx.Client, sandbox: SandboxServer, order_fields: Fields, act: bool | None, orders: int
) -> None:
    arm(sandbox, "status", "POST /ssl/v1/enroll", status=502, act=act, headers={"Retry-After": "7"}, body="Bad gateway")
    answer = api.post("/ssl/v1/enroll", json=order_fields("s.example.com"))
    assert (answer.status_code, answer.text, answer.headers["Retry-After"]) == (502, "Bad gateway", "7")
    assert answer.headers["X-Kmptui-Sandbox"] == "1"
    assert sandbox.control("state")["orders_created"] == orders


def test_half_a_body(api: httpx.Client, sandbox: SandboxServer) -> None:
    arm(sandbox, "truncate", "GET /ssl/v1/types")
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        api.get("/ssl/v1/types")
    assert api.get("/ssl/v1/types").status_code == 200


def test_other_bodies(api: httpx.Client, sandbox: SandboxServer) -> None:
    arm(sandbox, "html", status=503)
    arm(sandbox, "empty")
    arm(sandbox, "redirect", headers={"Location": "http://evil.example/api"})
    arm(sandbox, "huge", size=200_000)
    arm(sandbox, "garbage-types")
    html = api.get("/ssl/v1/types")
    assert (html.status_code, html.headers["content-type"]) == (503, "text/html; charset=utf-8")
    empty = api.get("/ssl/v1/types")
    assert (empty.status_code, empty.content) == (200, b"")
    moved = api.get("/ssl/v1/types")
    assert (moved.status_code, moved.headers["Location"]) == (302, "http://evil.example/api")
    assert len(api.get("/ssl/v1/types").content) == 200_000
    garbage = api.get("/ssl/v1/types").json()
    assert garbage[0]["id"] == "2101 pieces"
    assert api.get("/ssl/v1/types").json()[0]["id"] == 2101


def test_delay_and_slow_drip(api: httpx.Client, sandbox: SandboxServer) -> None:
    arm(sandbox, "delay", "GET /admin", delay=0.2)
    begin = time.monotonic()
    assert api.get("/admin/v1/password").status_code == 200
    assert time.monotonic() - begin >= 0.2
    arm(sandbox, "slow-drip", "GET /admin", delay=0.002)
    assert api.get("/admin/v1/password").json()["state"] == "ALIVE"
    arm(sandbox, "delay", "GET /admin", delay=30)
    with pytest.raises(httpx.ReadTimeout):
        api.get("/admin/v1/password", timeout=0.1)


def test_what_matches_how_often_and_after_how_many(api: httpx.Client, sandbox: SandboxServer) -> None:
    arm(sandbox, "status", r"GET /ssl/v1/\d+$", count=2, skip=1, status=500)
    ssl_id = api.get("/ssl/v1?size=1").json()[0]["sslId"]
    assert [api.get(f"/ssl/v1/{ssl_id}").status_code for _ in range(4)] == [200, 500, 500, 200]
    assert api.get("/ssl/v1/types").status_code == 200
    assert sandbox.control("faults") == []
    arm(sandbox, "status", "GET /ssl/v1?size=7", count=-1)
    assert [api.get("/ssl/v1?size=7").status_code for _ in range(5)] == [503] * 5
    assert api.get("/ssl/v1?size=8").status_code == 200
    sandbox.control("faults", method="DELETE")
    assert api.get("/ssl/v1?size=7").status_code == 200


def test_control_itself_meets_no_fault(sandbox: SandboxServer) -> None:
    arm(sandbox, "drop-before", "", count=-1)
    assert sandbox.control("clock")["frozen"] is False


@pytest.mark.parametrize(
    "fault", [{"kind": "earthquake"}, {"kind": "status", "match": "("}, {"kind": "html", "cuont": 2}, {}]
)
def test_a_fault_that_is_none_is_refused(sandbox: SandboxServer, fault: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        sandbox.control("faults", fault)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(value=_JSON)
def test_wrong_types_are_never_the_right_ones(value: Any) -> None:
    import json

    changed = json.loads(wrong_types(json.dumps(value).encode()))

    def compare(before: Any, after: Any) -> None:
        if isinstance(before, dict) and before:
            for name in before:
                compare(before[name], after[name])
        elif isinstance(before, list) and before:
            for one, other in zip(before, after, strict=True):
                compare(one, other)
        else:
            assert type(before) is not type(after)

    compare(value, changed)
