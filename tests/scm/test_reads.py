"""Reads: each trouble as its own error, repeated where that helps, never where it hurts."""

from __future__ import annotations

import asyncio
import ssl
from datetime import timedelta

import httpx
import pytest

from kmptui import errors
from kmptui.errors import KmptuiError
from tests.scm.scripted import CLOSE, PASSWORD, Pauses, Raising, client, found, http, refused, scripted

HTML = b"<!DOCTYPE html><html><body>%s</body></html>"


def untrusted() -> httpx.ConnectError:
    cause = ssl.SSLCertVerificationError(1, "certificate verify failed")
    cause.verify_message = "self-signed certificate"
    error = httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED]")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("raised", "expected", "tries"),
    [
        (httpx.ConnectError("x"), errors.ConnectFailed, 4),
        (httpx.ConnectTimeout("x"), errors.ConnectFailed, 4),
        (httpx.PoolTimeout("x"), errors.TimedOut, 4),
        (httpx.ReadTimeout("x"), errors.TimedOut, 4),
        (httpx.WriteTimeout("x"), errors.TimedOut, 4),
        (httpx.ReadError("x"), errors.ConnectFailed, 4),
        (httpx.WriteError("x"), errors.ConnectFailed, 4),
        (httpx.RemoteProtocolError("x"), errors.ConnectFailed, 4),
        (httpx.ProxyError("407 Proxy Authentication Required"), errors.ProxyFailed, 1),
        (httpx.UnsupportedProtocol("x"), errors.ConnectFailed, 1),
        (untrusted(), errors.TlsUntrusted, 1),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
async def test_each_trouble_of_the_way_is_unreachable(
    raised: Exception, expected: type[KmptuiError], tries: int
) -> None:
    network, pauses = Raising(raised), Pauses()
    async with client("https://scm.example/api", transport=network, pauses=pauses) as scm:
        with pytest.raises(expected) as caught:
            await scm.details(7)
    assert isinstance(caught.value, errors.Unreachable)
    assert "scm.example" in str(caught.value) or isinstance(raised, httpx.PoolTimeout | httpx.ProxyError)
    assert network.calls == tries
    assert len(pauses) == tries - 1


async def test_pauses_grow_and_stay_small() -> None:
    pauses = Pauses()
    async with client("https://scm.example/api", transport=Raising(httpx.ReadError("x")), pauses=pauses) as scm:
        with pytest.raises(errors.ConnectFailed):
            await scm.count()
    assert [low <= pause <= 2 * low for pause, low in zip(pauses, (0.25, 0.5, 1.0), strict=True)] == [True] * 3


@pytest.mark.parametrize("status", [429, 502, 503, 504])
async def test_a_passing_status_is_repeated_until_it_works(status: int) -> None:
    async with scripted(http(status), http(status), http(200, b"[]")) as server, client(server.url) as scm:
        assert await scm.profiles() == []
        assert len(server.requests) == 3


@pytest.mark.parametrize(("status", "requests"), [(429, 4), (503, 4), (408, 1), (500, 1), (501, 1), (520, 1)])
async def test_a_status_that_stays_is_unavailable(status: int, requests: int) -> None:
    async with scripted(http(status, b'{"code":-1,"description":"down"}')) as server, client(server.url) as scm:
        with pytest.raises(errors.Unavailable) as caught:
            await scm.profiles()
        assert len(server.requests) == requests
    assert f"status {status}" in str(caught.value)
    assert '"down"' in str(caught.value)


@pytest.mark.parametrize(
    ("value", "pauses", "told"),
    [
        ("7", [7.0] * 3, 7.0),
        ("29", [29.0, 29.0], 29.0),
        ("61", [], 61.0),
        ("Tue, 24 Nov 2026 12:00:20 GMT", [20.0] * 2, 20.0),
    ],
)
async def test_retry_after_is_honoured_within_a_minute(value: str, pauses: list[float], told: float) -> None:
    waited = Pauses()
    async with scripted(http(503, b"", Retry_After=value)) as server, client(server.url, pauses=waited) as scm:
        with pytest.raises(errors.Unavailable) as caught:
            await scm.profiles()
    assert [round(pause) for pause in waited] == pauses
    assert caught.value.retry_after == told


@pytest.mark.parametrize("value", ["soon", "", "-1", "1e9", "Tue, 24 Nov 2026 12:00:20", "9" * 400])
async def test_an_odd_retry_after_harms_nothing(value: str) -> None:
    async with scripted(http(503, b"", Retry_After=value)) as server, client(server.url) as scm:
        with pytest.raises(errors.Unavailable):
            await scm.profiles()


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (refused(401, -16, "Unknown user"), errors.WrongLogin),
        (refused(401, -970, "Incorrect login credentials."), errors.WrongLogin),
        (refused(401, -970, "Incorrect login credentials. The password has expired."), errors.PasswordExpired),
        (refused(401, -970, "Your password is expired"), errors.PasswordExpired),
        (refused(403, -37, "Access denied."), errors.RoleMissing),
        (refused(400, -3, "You are not authorized to perform x."), errors.RoleMissing),
        (refused(503, -16, "Unknown user"), errors.WrongLogin),
        (http(401, b""), errors.WrongLogin),
        (http(403, b"{}"), errors.RoleMissing),
    ],
)
async def test_refused_credentials_are_sent_once(reply: bytes, expected: type[KmptuiError]) -> None:
    async with scripted(reply) as server, client(server.url) as scm:
        with pytest.raises(expected) as caught:
            await scm.prove()
        assert len(server.requests) == 1
    assert PASSWORD not in f"{caught.value} {caught.value!r}"
    assert caught.value.cure  # type: ignore[attr-defined]


async def test_the_servers_code_and_text_stay_on_the_error() -> None:
    async with scripted(refused(400, -103, "Not \\u001b[31mcollected.")) as server, client(server.url) as scm:
        with pytest.raises(errors.ScmRefused) as caught:
            await scm.collect(7)
    assert (caught.value.kind, caught.value.code, caught.value.status) == ("pending", -103, 400)
    assert caught.value.text == "Not ␛[31mcollected."
    assert "-103" in str(caught.value)


async def test_an_unknown_code_is_a_refusal_of_unknown_kind() -> None:
    async with scripted(refused(400, -4711)) as server, client(server.url) as scm:
        with pytest.raises(errors.ScmRefused) as caught:
            await scm.details(7)
    assert caught.value.kind == "unknown"


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (http(200, HTML % b"Maintenance", content_type="text/html"), "web page.*maintenance"),
        (http(200, HTML % b'<input type="password">', content_type="text/html; charset=utf-8"), "login page"),
        (http(403, HTML % b"blocked by proxy", content_type="text/html"), "proxy"),
        (http(200, b"  <html>", content_type="application/json"), "web page"),
        (http(200, b""), "empty"),
        (http(200, b'{"a":'), "no complete JSON"),
        (http(200, b'{"a":1}'), "where a list should be"),
        (http(200, b"[" * 50_000), "deeply"),
        (http(204, b"", content_length=""), "empty"),
        (http(200, b"[]", content_encoding="br"), "packed in a way"),
        (http(200, b"[]", content_encoding="gzip"), "compression is broken"),
    ],
)
async def test_what_is_no_answer_of_scm_is_garbled(reply: bytes, words: str) -> None:
    async with scripted(reply) as server, client(server.url) as scm:
        with pytest.raises(errors.ScmGarbled, match=words) as caught:
            await scm.organizations()
        assert len(server.requests) == 1
    assert "127.0.0.1" in str(caught.value)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(status: int) -> None:
    async with (
        scripted(http(200)) as other,
        scripted(http(status, b"", Location=f"http://localhost:{other.port}/api?token=1")) as server,
        client(server.url) as scm,
    ):
        with pytest.raises(errors.ScmGarbled, match="redirects to localhost") as caught:
            await scm.prove()
        assert (other.connections, len(server.requests)) == (0, 1)
    assert "token" not in str(caught.value)


@pytest.mark.parametrize("location", ["", "http://xn--a/", "http://[::1", "/login", "\x01", "x" * 5_000])
async def test_any_redirect_is_told_in_words(location: str) -> None:
    async with scripted(http(302, b"", Location=location)) as server, client(server.url) as scm:
        with pytest.raises((errors.ScmGarbled, errors.ConnectFailed)) as caught:
            await scm.prove()
    assert len(str(caught.value)) < 600


async def test_a_dropped_connection_is_tried_again() -> None:
    async with scripted(CLOSE, http(200, b"[]")) as server, client(server.url) as scm:
        assert await scm.profiles() == []
        assert server.connections == 2


async def test_half_an_answer_is_tried_again_then_reported() -> None:
    half = http(200, b"[]", content_length="99")

    async def cut(writer: object) -> None:
        writer.write(half)  # type: ignore[attr-defined]
        await writer.drain()  # type: ignore[attr-defined]

    async with scripted(cut) as server, client(server.url) as scm:
        with pytest.raises(errors.ConnectFailed, match="broke off"):
            await scm.profiles()
        assert len(server.requests) == 4


async def test_proving_takes_three_requests_at_most() -> None:
    async with scripted(http(503)) as server, client(server.url) as scm:
        with pytest.raises(errors.Unavailable):
            await scm.prove()
        assert len(server.requests) == 3


@pytest.mark.parametrize("body", [b"{}", b"[1]", b"17"])
async def test_proving_asks_for_the_right_shape(body: bytes) -> None:
    async with scripted(http(200, body)) as server, client(server.url) as scm:
        with pytest.raises(errors.ScmGarbled):
            await scm.prove()


async def test_the_servers_clock_is_compared() -> None:
    ahead = http(200, b"[]", date="Tue, 24 Nov 2026 12:05:00 GMT")
    async with scripted(ahead, http(200, b"[]", date="yesterday")) as server, client(server.url) as scm:
        assert scm.clock_skew is None
        await scm.prove()
        assert scm.clock_skew is not None
        assert abs(scm.clock_skew - timedelta(minutes=5)) <= timedelta(seconds=1)
        before = scm.clock_skew
        await scm.prove()
        assert scm.clock_skew == before, "a date that is none changes nothing"


async def test_a_count_without_a_count_is_garbled() -> None:
    async with scripted(http(200, b"", X_Total_Count="many")) as server, client(server.url) as scm:
        with pytest.raises(errors.ScmGarbled, match="how many"):
            await scm.count()


async def test_reads_go_out_a_few_at_a_time() -> None:
    running = most = 0

    class Counting(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            nonlocal running, most
            running += 1
            most = max(most, running)
            for _ in range(5):
                await asyncio.sleep(0)
            running -= 1
            return found()

    async with client("https://scm.example/api", transport=Counting()) as scm:
        await asyncio.gather(*(scm.profiles() for _ in range(40)))
    assert most == 8
