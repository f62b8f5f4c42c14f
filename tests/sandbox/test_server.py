"""Starting, stopping, sockets, HTTPS, the command; and a company of a hundred thousand orders."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from kmptui.sandbox.server import Exchange, SandboxConfig, SandboxServer, running


async def test_in_the_callers_own_loop() -> None:
    async with SandboxServer(SandboxConfig(certificates=5)) as sandbox:
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.get(f"{sandbox.base_url}/ssl/v1", headers=sandbox.headers())
        assert answer.headers["X-Total-Count"] == "5"
        folder = sandbox.ca_file.parent
        assert folder.stat().st_mode & 0o777 == 0o700
    assert not folder.exists()


def test_it_stops_at_once_whatever_is_under_way() -> None:
    with running(SandboxConfig(certificates=5)) as sandbox:
        sandbox.control("faults", {"kind": "delay", "delay": 60, "match": "GET /ssl/v1/types"})
        idle = httpx.Client(base_url=sandbox.base_url, headers=sandbox.headers(), trust_env=False)
        idle.get("/ssl/v1?size=1")
        failures: list[str] = []

        def wait() -> None:
            try:
                httpx.get(f"{sandbox.base_url}/ssl/v1/types", headers=sandbox.headers(), trust_env=False, timeout=90)
            except httpx.HTTPError as error:
                failures.append(type(error).__name__)

        waiting = threading.Thread(target=wait)
        waiting.start()
        deadline = time.monotonic() + 10
        while not any("types" in line["path"] for line in sandbox.control("requests")):
            assert time.monotonic() < deadline
        begin = time.monotonic()
    assert time.monotonic() - begin < 1
    waiting.join(10)
    assert len(failures) == 1
    idle.close()


def test_a_port_that_is_taken_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        config = SandboxConfig(port=taken.getsockname()[1], certificates=1)
        with pytest.raises(OSError, match="in use"), running(config):
            pass


def test_https_by_its_own_ca_and_crls_by_http(sandbox_factory: Callable[..., SandboxServer]) -> None:
    import ssl

    sandbox = sandbox_factory(tls=True, certificates=5, observer=None)
    assert sandbox.base_url.startswith("https://")
    assert sandbox.control_url.startswith("http://")
    context = ssl.create_default_context(cafile=str(sandbox.ca_file))
    answer = httpx.get(f"{sandbox.base_url}/ssl/v1/types", headers=sandbox.headers(), verify=context, trust_env=False)
    assert answer.status_code == 200
    with pytest.raises(httpx.ConnectError, match="certificate verify failed"):
        httpx.get(f"{sandbox.base_url}/ssl/v1/types", headers=sandbox.headers(), trust_env=False)
    sandbox.control("faults", {"kind": "drop-after", "match": "GET"})
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        httpx.get(f"{sandbox.base_url}/ssl/v1/types", headers=sandbox.headers(), verify=context, trust_env=False)
    plain = sandbox.control_url.removesuffix("/control")
    assert httpx.get(f"{plain}/crl/issuing.crl", trust_env=False).status_code == 200
    assert httpx.get(f"{plain}/api/ssl/v1/types", headers=sandbox.headers(), trust_env=False).status_code == 404


def test_an_observer_sees_every_exchange_with_the_api() -> None:
    seen: list[Exchange] = []
    with running(SandboxConfig(certificates=5, observer=seen.append)) as sandbox:
        httpx.get(f"{sandbox.base_url}/ssl/v1?size=1", headers=sandbox.headers(), trust_env=False)
        sandbox.control("state")
    [exchange] = seen
    assert (exchange.method, exchange.path, exchange.query, exchange.status) == ("GET", "/api/ssl/v1", "size=1", 200)
    assert json.loads(exchange.response_body)
    assert exchange.response_headers["x-total-count"] == "5"


def test_a_hundred_thousand_orders(
    sandbox_factory: Callable[..., SandboxServer], api_of: Callable[..., httpx.Client]
) -> None:
    sandbox = sandbox_factory(certificates=100_000, observer=None)
    api = api_of(sandbox)
    assert api.head("/ssl/v1").headers["X-Total-Count"] == "100000"
    assert len(api.get("/ssl/v1?size=200&position=99900").json()) == 100
    rows = 0
    with api.stream("POST", "/report/v1/ssl-certificates", json={}) as answer:
        for chunk in answer.iter_bytes():
            rows += chunk.count(b'"backendCertId"')
    assert rows >= 99_000  # a member's name may be cut by a border between chunks


def test_the_same_seed_makes_the_same_company(sandbox_factory: Callable[..., SandboxServer]) -> None:
    now = {"now": None, "frozen": True}
    first, second, other = (sandbox_factory(seed=s, **now).control("orders") for s in (3, 3, 4))
    stable = ("id", "common_name", "names", "status", "organization", "spki_sha256")
    facts = [
        [tuple(map(str, (order[name] for name in stable))) for order in orders] for orders in (first, second, other)
    ]
    assert facts[0] == facts[1] != facts[2]


def test_the_company_holds_everything_on_purpose(sandbox: SandboxServer) -> None:
    statuses = {order["status"] for order in sandbox.control("orders")}
    assert statuses >= {
        "Init", "Requested", "SAApproved", "Approved", "Applied", "Issued", "Declined", "Rejected", "Invalid",
        "Revoked", "Expired", "Replaced", "External", "Unmanaged",
    }  # fmt: skip
    assert all(
        order["common_name"].endswith((".example.com", ".example.net", ".example.org", ".example.edu"))
        for order in sandbox.control("orders")
    )


@pytest.fixture
def command(tmp_path: Path) -> list[str]:
    return [sys.executable, "-m", "kmptui", "sandbox", "--certificates", "5"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_command_says_one_line_and_ends_on_a_signal(command: list[str], number: int) -> None:
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        told = json.loads(child.stdout.readline())
        assert set(told) == {"base_url", "login", "password", "customer_uri", "ca_file", "control_url"}
        headers = {"login": told["login"], "password": told["password"], "customerUri": told["customer_uri"]}
        assert httpx.get(f"{told['base_url']}/ssl/v1/types", headers=headers, trust_env=False).status_code == 200
        assert Path(told["ca_file"]).read_text().count("BEGIN CERTIFICATE") == 2
        child.send_signal(number)
        rest, errors = child.communicate(timeout=20)
    assert (child.returncode, rest, errors) == (0, "", "")
    assert not Path(told["ca_file"]).exists()


def test_the_command_on_a_leash_ends_with_its_owner(command: list[str]) -> None:
    with subprocess.Popen([*command, "--leash"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert json.loads(child.stdout.readline())
        child.communicate(timeout=20)
    assert child.returncode == 0


def test_the_command_says_that_a_port_is_taken(command: list[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        words = [*command, "--port", str(taken.getsockname()[1])]
        done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert "in use" in done.stderr
    assert done.stdout == ""


def test_importing_it_does_nothing() -> None:
    script = "import kmptui.sandbox.server, threading, sys; sys.exit(threading.active_count() - 1)"
    assert subprocess.run([sys.executable, "-c", script], check=False, timeout=60, env=dict(os.environ)).returncode == 0


async def test_two_in_one_loop_do_not_meet() -> None:
    one, two = SandboxServer(SandboxConfig(certificates=1)), SandboxServer(SandboxConfig(certificates=2))
    async with one, two:
        assert one.base_url != two.base_url
        async with httpx.AsyncClient(trust_env=False) as client:
            answers = await asyncio.gather(
                *(client.get(f"{s.base_url}/ssl/v1", headers=s.headers()) for s in (one, two))
            )
    assert [len(answer.json()) for answer in answers] == [1, 2]
