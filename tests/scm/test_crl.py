"""A list of revoked certificates over plain HTTP: bounded, without credentials, not led astray."""

from __future__ import annotations

import pytest

from kmptui.errors import ConnectFailed, ScmGarbled
from kmptui.scm import crl
from kmptui.scm.body import Bounds
from tests.scm.scripted import CLOSE, http, scripted

DER = b"\x30\x03\x02\x01\x01"


async def test_as_it_is_and_without_a_login() -> None:
    async with scripted(http(200, DER, content_type="application/pkix-crl")) as server:
        assert await crl.fetch(f"http://127.0.0.1:{server.port}/a%20b.crl?x=1") == DER
    head = server.requests[0].decode().lower()
    assert server.lines == ["GET /a%20b.crl?x=1 HTTP/1.1"]
    for word in ("login", "password", "customeruri", "authorization", "cookie"):
        assert word not in head


async def test_a_redirect_within_its_scheme_is_followed() -> None:
    async with scripted(http(302, b"", location="/new.crl"), http(200, DER)) as server:
        assert await crl.fetch(f"{server.url}/old.crl") == DER
    assert server.lines == ["GET /api/old.crl HTTP/1.1", "GET /new.crl HTTP/1.1"]


@pytest.mark.parametrize(
    ("location", "why"),
    [
        ("file:///etc/passwd", "another kind"),
        ("https://127.0.0.1/x.crl", "another kind"),
        ("http://me:secret@127.0.0.1/x.crl", "another kind"),
        ("/again.crl", "again and again"),
    ],
)
async def test_other_redirects_are_not(location: str, why: str) -> None:
    async with scripted(http(302, b"", location=location)) as server:
        with pytest.raises(ScmGarbled) as refused:
            await crl.fetch(server.url)
    assert why in refused.value.why
    assert len(server.requests) <= crl.MOST_REDIRECTS + 1


async def test_too_large_too_slow_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crl, "CRL", Bounds(size=1024 * 1024, seconds=30))
    async with scripted(http(200, bytes(1024 * 1024 + 1))) as server:
        with pytest.raises(ScmGarbled) as large:
            await crl.fetch(server.url)
    assert "larger than 1 MiB" in large.value.why
    async with scripted(http(404, b"no"), CLOSE) as server:
        with pytest.raises(ScmGarbled) as gone:
            await crl.fetch(server.url)
        assert "status 404" in gone.value.why
        with pytest.raises(ConnectFailed):
            await crl.fetch(server.url)


@pytest.mark.parametrize(
    "url", ["ldap://ca.example/x", "file:///etc/passwd", "http://", "http://u:p@h/x", "x", "http://[::bad/x"]
)
async def test_addresses_that_are_none(url: str) -> None:
    with pytest.raises(ScmGarbled):
        await crl.fetch(url)
