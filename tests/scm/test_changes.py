"""The line between "nothing was sent", "SCM said no" and "unconfirmed": the most important one of the program."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from kmptui import errors
from kmptui.errors import KmptuiError
from kmptui.scm.client import Enrolment, ScmClient, Update
from tests.scm.scripted import CLOSE, PASSWORD, Pauses, Raising, client, http, refused, scripted

CSR = "-----BEGIN CERTIFICATE REQUEST-----\nTUlJ\n-----END CERTIFICATE REQUEST-----\n"
ORDER = Enrolment(7101, CSR, ("www.example.com",), 2101, 199)
PROOF = http(200, b"[]")

CHANGES = {
    "enroll": lambda scm: scm.enroll(ORDER),
    "renew": lambda scm: scm.renew(7),
    "replace": lambda scm: scm.replace(7, CSR, "lost key"),
    "revoke": lambda scm: scm.revoke(7, 1, "lost key"),
    "revoke_serial": lambda scm: scm.revoke_serial("00:A1", 1, "lost key"),
    "decline": lambda scm: scm.decline(7, "not wanted"),
    "approve": lambda scm: scm.approve(7, "fine"),
    "update": lambda scm: scm.update(Update(7, comments="new")),
}


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (httpx.ConnectError("x"), errors.ConnectFailed),
        (httpx.ConnectTimeout("x"), errors.ConnectFailed),
        (httpx.PoolTimeout("x"), errors.TimedOut),
        (httpx.ProxyError("x"), errors.ProxyFailed),
        (httpx.UnsupportedProtocol("x"), errors.ConnectFailed),
        (httpx.ReadTimeout("x"), errors.Unconfirmed),
        (httpx.WriteTimeout("x"), errors.Unconfirmed),
        (httpx.ReadError("x"), errors.Unconfirmed),
        (httpx.WriteError("x"), errors.Unconfirmed),
        (httpx.CloseError("x"), errors.Unconfirmed),
        (httpx.RemoteProtocolError("x"), errors.Unconfirmed),
        (httpx.LocalProtocolError("x"), errors.Unconfirmed),
        (httpx.DecodingError("x"), errors.Unconfirmed),
        (httpx.TooManyRedirects("x"), errors.Unconfirmed),
        (httpx.InvalidURL("x"), errors.Unconfirmed),
        (OSError("x"), errors.Unconfirmed),
        (RuntimeError("x"), errors.Unconfirmed),
        (MemoryError("x"), errors.Unconfirmed),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
async def test_only_what_proves_that_nothing_was_sent_is_unreachable(
    raised: Exception, expected: type[KmptuiError]
) -> None:
    network, pauses = Raising(raised, good=1), Pauses()
    async with client("https://scm.example/api", transport=network, pauses=pauses) as scm:
        with pytest.raises(expected) as caught:
            await scm.enroll(ORDER)
    assert type(caught.value) is expected
    assert network.calls == 2, "one proof, and the change once"
    assert pauses == []
    assert PASSWORD not in str(caught.value)


async def test_cancelling_passes_through() -> None:
    network = Raising(asyncio.CancelledError(), good=1)
    async with client("https://scm.example/api", transport=network) as scm:
        await scm.prove()
        with pytest.raises(asyncio.CancelledError):
            await scm.enroll(ORDER)


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(CLOSE, id="dropped"),
        pytest.param(http(200, b"<html>", content_type="text/html"), id="web page"),
        pytest.param(http(200, b'{"sslId":'), id="half JSON"),
        pytest.param(http(302, b"", Location="https://elsewhere.example/"), id="302"),
        pytest.param(http(400, b""), id="400 without a code"),
        pytest.param(http(401, b"{}"), id="401 without a code"),
        pytest.param(http(403, b"<html>", content_type="text/html"), id="403 web page"),
        pytest.param(refused(400, -4711), id="unknown code"),
        pytest.param(refused(400, -195), id="temporary code"),
        pytest.param(refused(400, -1400), id="being processed"),
        pytest.param(http(400, b'{"code":"-16"}'), id="a code that is text"),
        pytest.param(refused(408, -16), id="408"),
        pytest.param(refused(429, -16), id="429"),
        pytest.param(refused(500, -16), id="500"),
        pytest.param(http(502, b""), id="502"),
        pytest.param(http(503, b"", Retry_After="1"), id="503"),
        pytest.param(http(200, b"[]", content_encoding="gzip"), id="broken gzip"),
        pytest.param(http(200, b"{}", X_Kmptui_Sandbox="1"), id="another kind of server"),
    ],
)
async def test_everything_without_a_clear_answer_is_unconfirmed(name: str, reply: bytes | None) -> None:
    pauses = Pauses()
    async with scripted(PROOF, reply) as server, client(server.url, pauses=pauses) as scm:
        with pytest.raises(errors.Unconfirmed) as caught:
            await CHANGES[name](scm)
        assert len(server.requests) == 2, "one proof, and the change once"
    assert pauses == []
    assert caught.value.why
    assert caught.value.cure


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"[]", b"null", b'{"sslId":null}', b'{"sslId":"12"}', b'{"sslId":0}', b'{"sslId":-3}', b'{"id":5}'],
)
@pytest.mark.parametrize("name", ["enroll", "renew"])
async def test_an_order_without_an_id_is_unconfirmed(name: str, body: bytes) -> None:
    async with scripted(PROOF, http(200, body)) as server, client(server.url) as scm:
        with pytest.raises(errors.Unconfirmed):
            await CHANGES[name](scm)


async def test_a_renewal_that_names_the_old_order_is_unconfirmed() -> None:
    async with scripted(PROOF, http(200, b'{"sslId":7}')) as server, client(server.url) as scm:
        with pytest.raises(errors.Unconfirmed):
            await scm.renew(7)


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (refused(401, -16), errors.WrongLogin),
        (refused(401, -970, "The password has expired."), errors.PasswordExpired),
        (refused(403, -37), errors.RoleMissing),
        (refused(400, -1601, "Field 'comments' has invalid value."), errors.ScmRefused),
        (refused(404, -124), errors.ScmRefused),
    ],
)
async def test_a_known_code_is_a_refusal(name: str, reply: bytes, expected: type[KmptuiError]) -> None:
    async with scripted(PROOF, reply) as server, client(server.url) as scm:
        with pytest.raises(expected):
            await CHANGES[name](scm)
        assert len(server.requests) == 2


async def test_revoked_already_is_told_from_other_refusals() -> None:
    async with scripted(PROOF, refused(400, -159)) as server, client(server.url) as scm:
        with pytest.raises(errors.ScmRefused) as caught:
            await scm.revoke(7, 0, "old")
    assert caught.value.kind == "done"


async def test_the_field_to_mend_is_named() -> None:
    async with scripted(PROOF, refused(400, -36)) as server, client(server.url) as scm:
        with pytest.raises(errors.ScmRefused) as caught:
            await scm.enroll(ORDER)
    assert (caught.value.kind, caught.value.field) == ("profile", "term")


@pytest.mark.parametrize(
    "reply", [http(204, b"", content_length=""), http(200, b""), http(200, b"{}"), http(202, b"[]")]
)
async def test_a_change_that_scm_took(reply: bytes) -> None:
    async with scripted(PROOF, reply) as server, client(server.url) as scm:
        await scm.revoke(7, 0, "old")


async def test_a_proved_client_sends_nothing_before_the_change() -> None:
    async with scripted(PROOF, http(200, b'{"sslId":4711,"renewId":"x"}')) as server, client(server.url) as scm:
        await scm.prove()
        before = len(server.requests)
        assert await scm.enroll(ORDER) == 4711
        assert [line.split()[0] for line in server.lines[before:]] == ["POST"]


async def test_a_stale_connection_is_unconfirmed_and_nothing_is_sent_twice() -> None:
    """The server keeps the connection open, takes the POST over it, and goes away."""
    async with scripted(PROOF, CLOSE) as server, client(server.url) as scm:
        await scm.prove()
        with pytest.raises(errors.Unconfirmed):
            await scm.enroll(ORDER)
        assert (server.connections, len(server.requests)) == (1, 2)


async def test_trouble_in_the_proof_means_that_nothing_was_sent() -> None:
    async with scripted(refused(401, -16)) as server, client(server.url) as scm:
        with pytest.raises(errors.WrongLogin):
            await scm.enroll(ORDER)
        assert [line.split()[0] for line in server.lines] == ["GET"]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        (lambda scm: scm.enroll(Enrolment(0, CSR, ("a.example",), 1, 1)), "organization"),
        (lambda scm: scm.enroll(Enrolment(1, "x" * 40_000, ("a.example",), 1, 1)), "csr"),
        (lambda scm: scm.enroll(Enrolment(1, "ü", ("a.example",), 1, 1)), "csr"),
        (lambda scm: scm.enroll(Enrolment(1, CSR, (), 1, 1)), "names"),
        (lambda scm: scm.enroll(Enrolment(1, CSR, ("a.example,b.example",), 1, 1)), "names"),
        (lambda scm: scm.enroll(Enrolment(1, CSR, ("a.example",), 1, 2**31)), "term"),
        (lambda scm: scm.enroll(Enrolment(1, CSR, ("a.example",), 1, 1, "x" * 1_025)), "comments"),
        (lambda scm: scm.enroll(Enrolment(1, CSR, ("a.example",), 1, 1, requesters=("nobody",))), "requesters"),
        (lambda scm: scm.enroll(Enrolment(1, CSR, ("a.example",), 1, 1, custom_fields=(("", "x"),))), "custom:"),
        (lambda scm: scm.revoke(7, 2, "x"), "reason_code"),
        (lambda scm: scm.revoke(7, 1, ""), "reason"),
        (lambda scm: scm.revoke_serial("soon", 1, "x"), "serial"),
        (lambda scm: scm.decline(7, "x" * 513), "message"),
        (lambda scm: scm.replace(7, CSR, ""), "reason"),
        (lambda scm: scm.renew(7, ""), "csr"),
        (lambda scm: scm.dcv_start("example.com", "dns"), "method"),
        (lambda scm: scm.dcv_start("", "txt"), "domain"),
        (lambda scm: scm.dcv_submit("example.com", "email"), "email"),
    ],
)
async def test_bad_input_is_refused_before_anything_is_sent(wrong: object, field: str) -> None:
    async with scripted(PROOF) as server, client(server.url) as scm:
        with pytest.raises(errors.BadInput) as caught:
            await wrong(scm)  # type: ignore[operator]
        assert server.connections == 0
    assert caught.value.field == field


def test_every_change_of_the_client_is_tried_here() -> None:
    async def nothing() -> None: ...

    steps = {"dcv_start", "dcv_submit", "dcv_sync", "order_dcv_recheck"}
    reads = {
        "prove", "is_mrao", "privileges", "password_state", "organizations", "organization", "validations", "profiles",
        "custom_fields", "domains", "domain", "count", "list_orders", "details", "report", "collect", "dcv_status",
        "dcv_list", "order_dcv", "take_oddities", "myself", "domains_above",
    }  # fmt: skip
    scm: ScmClient = client("https://scm.example/api", transport=Raising(RuntimeError()))
    assert {name for name in vars(scm) if not name.startswith("_")} == set(CHANGES) | steps | reads
