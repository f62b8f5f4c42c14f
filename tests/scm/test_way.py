"""The way to SCM: trust, proxies, host names, credentials in headers, and the kind of server at its end."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from pathlib import Path

import httpx
import pytest

from kmptui import errors
from kmptui.scm.client import Credentials, ScmClient
from kmptui.scm.failures import Route, unreachable
from kmptui.scm.transport import HeaderLogin, proxy_for, trust
from tests.sandbox_fixtures import SandboxFactory
from tests.scm.scripted import PASSWORD, Frozen, Pauses, client, http, scripted


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def test_a_closed_port_is_no_connection() -> None:
    pauses = Pauses()
    async with client(f"http://127.0.0.1:{closed_port()}/api", pauses=pauses) as scm:
        with pytest.raises(errors.ConnectFailed, match="refused"):
            await scm.prove()
    assert len(pauses) == 2


async def test_an_unknown_host_is_named() -> None:
    async with client("https://no-such-host.invalid/api") as scm:
        with pytest.raises(errors.HostUnknown, match=r"no-such-host\.invalid"):
            await scm.prove()


async def test_tls_wants_a_trusted_issuer(sandbox_factory: SandboxFactory) -> None:
    sandbox = sandbox_factory(tls=True, certificates=5)
    login = Credentials(sandbox.base_url, sandbox.login, sandbox.password, sandbox.customer_uri)
    async with ScmClient(login, clock=Frozen()) as scm:
        with pytest.raises(errors.TlsUntrusted, match="--ca-file"):
            await scm.prove()
    assert sandbox.control("requests") == [], "nothing was said to a server that is not trusted"
    async with ScmClient(login, clock=Frozen(), ca_file=str(sandbox.ca_file)) as scm:
        await scm.prove()
        assert scm.is_sandbox is True


async def test_a_certificate_for_another_name_is_not_trusted(sandbox_factory: SandboxFactory) -> None:
    sandbox = sandbox_factory(tls=True, certificates=5)
    port = sandbox.base_url.split(":")[2].split("/")[0]
    login = Credentials(f"https://127.0.0.2:{port}/api", "a", "b", "c")
    async with ScmClient(login, clock=Frozen(), ca_file=str(sandbox.ca_file), pause=Pauses()) as scm:
        with pytest.raises(errors.Unreachable) as caught:
            await scm.prove()
    assert isinstance(caught.value, errors.TlsUntrusted | errors.ConnectFailed)


async def test_plain_http_at_the_other_end_is_no_tls(sandbox_factory: SandboxFactory) -> None:
    plain = sandbox_factory(certificates=5)
    async with client(plain.base_url.replace("http:", "https:")) as scm:
        with pytest.raises(errors.ConnectFailed, match="No TLS connection"):
            await scm.prove()


@pytest.mark.parametrize("content", [None, "", "no certificate in here"])
def test_a_ca_file_must_hold_certificates(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)
    with pytest.raises(errors.BadInput) as caught:
        trust(str(file))
    assert caught.value.field == "ca_file"


def test_trust_is_at_least_tls_1_2() -> None:
    import ssl

    context = trust()
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


# -- proxies


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"])
async def test_loopback_never_goes_through_a_proxy(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with scripted(http(200)) as server, scripted(http(200)) as proxy:
        monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        for setting in ("", f"http://127.0.0.1:{proxy.port}"):
            async with client(server.url, proxy=setting) as scm:
                await scm.prove()
        assert (proxy.connections, server.connections) == (0, 2)


@pytest.mark.parametrize(
    ("environment", "setting", "found"),
    [
        ({}, "", ""),
        ({"HTTPS_PROXY": "http://proxy.example:3128"}, "", "http://proxy.example:3128"),
        ({"https_proxy": "proxy.example:3128"}, "", "http://proxy.example:3128"),
        ({"ALL_PROXY": "http://all.example:1"}, "", "http://all.example:1"),
        ({"HTTP_PROXY": "http://plain.example:1"}, "", ""),
        ({"HTTPS_PROXY": "http://a.example:1"}, "http://b.example:2", "http://b.example:2"),
        ({"HTTPS_PROXY": "http://a.example:1", "NO_PROXY": ".example"}, "", ""),
        ({"HTTPS_PROXY": "http://a.example:1", "NO_PROXY": "*"}, "", ""),
        ({"NO_PROXY": "*"}, "http://b.example:2", "http://b.example:2"),
    ],
)
def test_the_proxy_comes_from_the_setting_or_the_environment(
    environment: dict[str, str], setting: str, found: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert proxy_for("https://scm.example/api", setting) == found


@pytest.mark.parametrize("address", ["http://127.0.0.1/api", "http://localhost:8080/api", "https://[::1]/api"])
def test_no_spelling_of_loopback_is_proxied(address: str) -> None:
    assert proxy_for(address, "http://proxy.example:3128") == ""


@pytest.mark.parametrize("setting", ["socks5://proxy.example:1080", "proxy", "ftp://x"])
def test_a_proxy_of_another_kind_is_refused(setting: str) -> None:
    with pytest.raises(errors.BadInput) as caught:
        proxy_for("https://scm.example/api", setting)
    assert caught.value.field == "proxy"


@pytest.mark.parametrize("reply", [http(407, b""), http(403, b"no")])
async def test_a_proxy_that_refuses_is_named_without_its_password(
    reply: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with scripted(reply) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://user:hidden@127.0.0.1:{proxy.port}")
        async with client("https://scm.example/api") as scm:
            with pytest.raises(errors.ProxyFailed) as caught:
                await scm.prove()
        assert proxy.lines == ["CONNECT scm.example:443 HTTP/1.1"]
        assert PASSWORD.encode() not in proxy.requests[0]
    assert f"127.0.0.1:{proxy.port}" in str(caught.value)
    assert "hidden" not in str(caught.value)


async def test_a_proxy_that_is_not_there_is_named() -> None:
    async with client("https://scm.example/api", proxy=f"http://127.0.0.1:{closed_port()}") as scm:
        with pytest.raises(errors.ProxyFailed, match="proxy"):
            await scm.prove()


# -- credentials


async def test_credentials_are_in_the_headers_of_every_request() -> None:
    async with scripted(http(200)) as server, client(server.url) as scm:
        await scm.prove()
    head = server.requests[0].lower()
    for line in (b"login: operator", b"password: " + PASSWORD.encode(), b"customeruri: acme", b"accept-encoding: gzip"):
        assert b"\r\n" + line + b"\r\n" in head


def test_credentials_go_to_no_other_host() -> None:
    login = HeaderLogin(Credentials("https://scm.example/api", "a", PASSWORD, "c"))
    for url, told in (
        ("https://scm.example/api/x", True),
        ("https://scm.example:8443/api", False),
        ("http://scm.example/api", False),
        ("https://evil.example/api", False),
        ("https://scm.example.evil.example/", False),
    ):
        request = next(login.auth_flow(httpx.Request("GET", url)))
        assert ("password" in request.headers) is told


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"base_url": "http://scm.example/api"}, "base_url"),
        ({"base_url": "https://user:pass@scm.example/api"}, "base_url"),
        ({"base_url": "nonsense"}, "base_url"),
        ({"login": "a\r\nX: y"}, "login"),
        ({"login": ""}, "login"),
        ({"password": "a\nb"}, "password"),
        ({"password": "pä"}, "password"),
        ({"customer_uri": "a b"}, "customer_uri"),
    ],
)
def test_what_no_header_or_address_may_hold_is_refused(changed: dict[str, str], field: str) -> None:
    values = {"base_url": "https://scm.example/api", "login": "a", "password": "b", "customer_uri": "c"} | changed
    with pytest.raises(errors.BadInput) as caught:
        Credentials(**values)
    assert caught.value.field == field
    if field == "password":
        assert changed["password"] not in str(caught.value)


async def test_no_secret_is_in_reprs_logs_or_errors(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    login = Credentials("http://127.0.0.1:1/api", "operator", PASSWORD, "ACME")
    assert PASSWORD not in repr(login)
    async with scripted(http(200)) as server, client(server.url) as scm:
        await scm.prove()
        assert PASSWORD not in repr(scm)
        assert PASSWORD not in repr(vars(scm))
    assert "/api/ssl/v1" in caplog.text
    assert PASSWORD not in caplog.text
    ours = [record.getMessage() for record in caplog.records if record.name == "kmptui.scm"]
    assert [line.split(" in ")[0] for line in ours] == ["GET /api/ssl/v1: 200"]


# -- the kind of server


@pytest.mark.parametrize(("bound", "header"), [(True, ""), (False, "1")])
async def test_the_other_kind_of_server_is_refused_at_its_first_answer(bound: bool, header: str) -> None:
    reply = http(401, b'{"code":-16,"description":"x"}', X_Kmptui_Sandbox=header)
    async with scripted(reply) as server, client(server.url, sandbox=bound) as scm:
        with pytest.raises(errors.WrongKind) as caught:
            await scm.prove()
        assert len(server.requests) == 1
        assert scm.is_sandbox is None
    assert "sandbox" in str(caught.value)


@pytest.mark.parametrize(("bound", "header", "found"), [(True, "1", True), (False, "", False), (None, "1", True)])
async def test_the_kind_is_known_after_the_first_answer(bound: bool | None, header: str, found: bool) -> None:
    async with scripted(http(200, X_Kmptui_Sandbox=header)) as server, client(server.url, sandbox=bound) as scm:
        assert scm.is_sandbox is None
        await scm.prove()
        assert scm.is_sandbox is found


async def test_the_kind_does_not_change_under_way() -> None:
    async with scripted(http(200), http(200, X_Kmptui_Sandbox="1")) as server, client(server.url) as scm:
        await scm.prove()
        with pytest.raises(errors.WrongKind):
            await scm.profiles()


async def test_closing_ends_what_is_under_way() -> None:
    hanging = asyncio.Event()

    async def hang(_: asyncio.StreamWriter) -> None:
        hanging.set()
        await asyncio.Event().wait()

    async with scripted(hang) as server:
        scm = client(server.url)
        task = asyncio.create_task(scm.prove())
        await hanging.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await scm.aclose()


@pytest.mark.parametrize(
    ("reason", "kind", "words"),
    [
        ("TLSV1_ALERT_PROTOCOL_VERSION", errors.TlsUntrusted, "TLS 1.2 or newer"),
        ("UNSUPPORTED_PROTOCOL", errors.TlsUntrusted, "TLS 1.2 or newer"),
        ("WRONG_VERSION_NUMBER", errors.ConnectFailed, "Check host and port"),
    ],
)
def test_old_tls_is_told_from_a_wrong_port(reason: str, kind: type[errors.KmptuiError], words: str) -> None:
    trouble = ssl.SSLError(1, f"[SSL: {reason}]")
    trouble.reason = reason
    error = httpx.ConnectError("no")
    error.__cause__ = trouble
    told = unreachable(error, Route("scm.example.com"))
    assert type(told) is kind
    assert words in str(told)
