"""The changing calls over real HTTP, against the sandbox: an order's whole life, and the steps of a validation."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from kmptui import errors
from kmptui.domain.clock import SystemClock
from kmptui.sandbox.server import SandboxServer
from kmptui.scm.client import Credentials, Enrolment, Renewal, ScmClient, Update, preview

CORPORATION, OV, EV = 7101, 2102, 2105
COST = (("Cost Centre", "CC-1"),)
Await = Callable[..., dict[str, Any]]


def signing_request(name: str) -> tuple[ec.EllipticCurvePrivateKey, str]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    request = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    return key, request.public_bytes(Encoding.PEM).decode()


def order(csr: str, *names: str, **changes: Any) -> Enrolment:
    members = {"organization_id": CORPORATION, "profile_id": OV, "term": 199, "custom_fields": COST} | changes
    return Enrolment(csr=csr, names=names, **members)


@pytest.fixture
async def scm(sandbox: SandboxServer) -> AsyncIterator[ScmClient]:
    login = Credentials(sandbox.base_url, sandbox.login, sandbox.password, sandbox.customer_uri)
    async with ScmClient(login, clock=SystemClock(), sandbox=True) as client:
        yield client


def public_key(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


async def keys_in(scm: ScmClient, ssl_id: int) -> set[bytes]:
    chain = x509.load_pem_x509_certificates(await scm.collect(ssl_id))
    return {one.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) for one in chain}


async def test_an_orders_whole_life(scm: ScmClient, sandbox: SandboxServer, await_order: Await) -> None:
    key, csr = signing_request("life.example.com")
    names = ("life.example.com", "two.example.com", "xn--bcher-kva.example.com")
    request = order(csr, *names, comments="kmptui:ABCDEFGH\nline two", requesters=("a@example.com", "b@example.com"))
    ssl_id = await scm.enroll(request)
    placed = await scm.details(ssl_id)
    assert (placed.ssl_id, placed.names, placed.organization_id, placed.profile_id) == (ssl_id, names, CORPORATION, OV)
    assert (placed.term, placed.key, placed.custom_fields) == (199, "EC P-256", COST)
    assert placed.comments == "kmptui:ABCDEFGH\nline two"
    assert placed.external_requester == "a@example.com, b@example.com"
    assert placed.requested_via == "REST API"
    with pytest.raises(errors.ScmRefused) as caught:
        await scm.collect(ssl_id)
    assert caught.value.kind == "pending"
    await_order(sandbox, ssl_id)
    assert public_key(key) in await keys_in(scm, ssl_id)
    first = (await scm.details(ssl_id)).serial

    new_key, new_csr = signing_request("life.example.com")
    await scm.replace(
        ssl_id, new_csr, "key on a lost laptop", "life.example.com", ["life.example.com", "three.example.com"]
    )
    await_order(sandbox, ssl_id)
    assert public_key(new_key) in await keys_in(scm, ssl_id)
    reissued = await scm.details(ssl_id)
    assert reissued.serial != first
    assert set(reissued.names) == {"life.example.com", "three.example.com"}

    successor = await scm.renew(ssl_id, signing_request("life.example.com")[1])
    assert successor != ssl_id
    assert (await scm.details(ssl_id)).renewed is True
    await_order(sandbox, successor)
    same_key = await scm.renew(successor)
    await_order(sandbox, same_key)
    assert await keys_in(scm, same_key) == await keys_in(scm, successor)

    await scm.revoke_serial(first, 1, "lost laptop")
    await scm.revoke(successor, 4, "superseded")
    assert (await scm.details(successor)).status == "Revoked"
    with pytest.raises(errors.ScmRefused) as caught:
        await scm.revoke(successor, 4, "superseded")
    assert caught.value.kind == "done"
    with pytest.raises(errors.ScmRefused) as caught:
        await scm.collect(successor)
    assert caught.value.kind == "revoked"
    assert sandbox.control("state")["enroll_calls"] == 1


async def test_a_waiting_order_is_edited_declined_or_approved(scm: ScmClient, sandbox: SandboxServer) -> None:
    sandbox.control(f"organizations/{CORPORATION}", {"approval": True})
    ids = [sandbox.control("orders", {"commonName": f"wait{n}.example.com"})["id"] for n in range(2)]
    changed = await scm.update(Update(ids[0], comments="edited", requesters=("c@example.com",), custom_fields=COST))
    assert (changed.ssl_id, changed.comments) == (ids[0], "edited")
    await scm.decline(ids[0], "not wanted")
    assert (await scm.details(ids[0])).status == "Declined"
    with pytest.raises(errors.ScmRefused) as caught:
        await scm.decline(ids[0], "not wanted")
    assert caught.value.kind == "state"
    await scm.approve(ids[1], "fine")
    assert (await scm.details(ids[1])).status in {"Approved", "Applied", "Issued"}


@pytest.mark.parametrize(
    ("changes", "names", "kind", "field"),
    [
        ({"term": 77}, ("a.example.com",), "profile", "term"),
        ({"profile_id": 99}, ("a.example.com",), "profile", "profile"),
        ({"organization_id": 99}, ("a.example.com",), "organization", "organization"),
        ({"organization_id": 7103}, ("a.example.org",), "organization", "organization"),
        ({"custom_fields": ()}, ("a.example.com",), "request", "custom"),
        ({}, ("a.nowhere.example",), "domain", "names"),
        ({}, ("a.legacy.example.com",), "domain", "names"),
        ({}, ("*.example.com",), "request", "names"),
    ],
)
async def test_scms_refusals_are_told_apart(
    scm: ScmClient, sandbox: SandboxServer, changes: dict[str, Any], names: tuple[str, ...], kind: str, field: str
) -> None:
    _, csr = signing_request(names[0])
    with pytest.raises(errors.ScmRefused) as caught:
        await scm.enroll(order(csr, *names, **changes))
    assert caught.value.kind == kind
    assert caught.value.field in {field, ""}
    assert caught.value.code is not None
    assert caught.value.cure
    assert sandbox.control("state")["orders_created"] == 0


async def test_a_broken_csr_is_refused_by_scm(scm: ScmClient) -> None:
    broken = "-----BEGIN CERTIFICATE REQUEST-----\nTUlJ\n-----END CERTIFICATE REQUEST-----\n"
    with pytest.raises(errors.ScmRefused) as caught:
        await scm.enroll(order(broken, "a.example.com"))
    assert (caught.value.kind, caught.value.field) == ("request", "csr")


@pytest.mark.parametrize(("kind", "acted"), [("drop-after", 1), ("drop-before", 0), ("truncate", 1), ("html", 0)])
async def test_an_order_whose_answer_is_lost_is_unconfirmed_and_sent_once(
    scm: ScmClient, sandbox: SandboxServer, kind: str, acted: int
) -> None:
    await scm.prove()
    sandbox.control("faults", {"kind": kind, "match": "POST /ssl/v1/enroll"})
    with pytest.raises(errors.Unconfirmed):
        await scm.enroll(order(signing_request("lost.example.com")[1], "lost.example.com"))
    assert sandbox.control("state")["orders_created"] == acted
    posts = [line for line in sandbox.control("requests") if line["method"] == "POST"]
    assert len(posts) == 1


@pytest.mark.parametrize("method", ["cname", "txt", "http"])
async def test_a_domain_is_validated_step_by_step(scm: ScmClient, sandbox: SandboxServer, method: str) -> None:
    name = "new.example.com"
    record = await scm.dcv_start(name, method)
    assert record.publishable is (method != "txt"), "the txt record comes with the submit"
    state = await scm.dcv_submit(name, method)
    assert state.order_status.upper() == "SUBMITTED"
    if method == "txt":
        assert state.record is not None
        assert state.record.publishable
    await scm.dcv_sync(name)
    sandbox.control("clock", {"advance": 60})
    assert (await scm.dcv_status(name)).status == "VALIDATED"


async def test_a_domain_is_validated_by_mail(scm: ScmClient) -> None:
    record = await scm.dcv_start("new.example.com", "email")
    assert "hostmaster@new.example.com" in record.emails
    state = await scm.dcv_submit("new.example.com", "email", record.emails[0])
    assert state.order_status.upper() == "SUBMITTED"


async def test_a_waiting_orders_validation(scm: ScmClient, sandbox: SandboxServer) -> None:
    sandbox.control("settings", {"prevalidation": False})
    waiting = await scm.enroll(order(signing_request("x.new.example.com")[1], "x.new.example.com"))
    found = await scm.order_dcv(waiting)
    assert [one.domain for one in found.instructions] == ["new.example.com"]
    assert found.instructions[0].record.publishable
    assert found.log[0].next_check is not None
    again = await scm.order_dcv_recheck(waiting)
    assert [line.domain for line in again.log] == ["new.example.com"]
    assert scm.take_oddities() == ()


def test_the_preview_is_what_is_sent() -> None:
    text = preview(order("-----BEGIN X-----", "a.example.com", "b.example.com", comments='say "hi"'))
    assert '"subjAltNames": "a.example.com,b.example.com"' in text
    assert text.startswith("{\n")
    assert preview(Renewal()) == "{}"
