"""The CA is real: what it signs, in every form, holds before openssl and its CRL."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from cryptography.x509.oid import ExtendedKeyUsageOID

from kmptui.sandbox.server import SandboxServer

needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
KINDS = {"www.example.com": "public", "bank.example.com": "public", "db.corp.example.com": "private"}


def by_name(sandbox: SandboxServer, name: str) -> int:
    return int(sandbox.control(f"orders?name={name}")[0]["id"])


def collect(api: httpx.Client, ssl_id: int, wanted: str) -> bytes:
    answer = api.get(f"/ssl/v1/collect/{ssl_id}", params={"format": wanted})
    assert answer.status_code == 200, answer.text
    assert answer.content == api.get(f"/ssl/v1/collect/{ssl_id}/{wanted}").content
    return answer.content


def published(sandbox: SandboxServer, uri: str) -> bytes:
    assert uri.startswith(sandbox.control_url.removesuffix("/control"))
    return httpx.get(uri, trust_env=False).content


def crl_of(sandbox: SandboxServer, certificate: x509.Certificate) -> x509.CertificateRevocationList:
    points = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    assert points[0].full_name is not None
    return x509.load_der_x509_crl(published(sandbox, points[0].full_name[0].value))


def verify(folder: Path, chain: list[x509.Certificate], crls: list[x509.CertificateRevocationList], roots: Path) -> str:
    """What ``openssl verify`` says of *chain*, leaf first."""
    leaf, *rest = chain
    (folder / "leaf.pem").write_bytes(leaf.public_bytes(Encoding.PEM))
    (folder / "chain.pem").write_bytes(b"".join(c.public_bytes(Encoding.PEM) for c in rest))
    (folder / "crls.pem").write_bytes(b"".join(c.public_bytes(Encoding.PEM) for c in crls))
    words = ["openssl", "verify", "-x509_strict", "-crl_check_all", "-CAfile", str(roots)]
    words += ["-CRLfile", str(folder / "crls.pem"), "-untrusted", str(folder / "chain.pem"), str(folder / "leaf.pem")]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


@needs_openssl
@pytest.mark.parametrize("name", KINDS)
def test_openssl_verifies_a_chain_with_its_crls(
    api: httpx.Client, sandbox: SandboxServer, tmp_path: Path, name: str
) -> None:
    chain = x509.load_pem_x509_certificates(collect(api, by_name(sandbox, name), "pemia"))
    crls = [crl_of(sandbox, certificate) for certificate in chain[:-1]]
    assert "leaf.pem: OK" in verify(tmp_path, chain, crls, sandbox.ca_file)


@needs_openssl
def test_openssl_sees_a_revocation(api: httpx.Client, sandbox: SandboxServer, tmp_path: Path) -> None:
    ssl_id = by_name(sandbox, "soon30.example.com")
    chain = x509.load_pem_x509_certificates(collect(api, ssl_id, "pemia"))
    assert api.post(f"/ssl/v1/revoke/{ssl_id}", json={"reason": "test", "reasonCode": 1}).status_code == 204
    crls = [crl_of(sandbox, certificate) for certificate in chain[:-1]]
    assert "certificate revoked" in verify(tmp_path, chain, crls, sandbox.ca_file)
    entry = crls[0].get_revoked_certificate_by_serial_number(chain[0].serial_number)
    assert entry is not None
    assert entry.extensions.get_extension_for_class(x509.CRLReason).value.reason == x509.ReasonFlags.key_compromise


@needs_openssl
def test_openssl_reads_the_pkcs7_forms(api: httpx.Client, sandbox: SandboxServer) -> None:
    ssl_id = by_name(sandbox, "www.example.com")
    for wanted, form in (("base64", "PEM"), ("bin", "DER")):
        words = ["openssl", "pkcs7", "-inform", form, "-print_certs", "-noout"]
        done = subprocess.run(words, input=collect(api, ssl_id, wanted), capture_output=True, check=True)
        assert b"CN = www.example.com" in done.stdout


def test_the_forms_and_their_orders(api: httpx.Client, sandbox: SandboxServer) -> None:
    ssl_id = by_name(sandbox, "www.example.com")
    leaf = x509.load_pem_x509_certificate(collect(api, ssl_id, "x509CO"))
    issuing, root = x509.load_pem_x509_certificates(collect(api, ssl_id, "x509IOR"))
    leaf.verify_directly_issued_by(issuing)
    issuing.verify_directly_issued_by(root)
    root.verify_directly_issued_by(root)
    orders = {
        "x509": [root, issuing, leaf],
        "pem": [root, issuing, leaf],
        "pemco": [leaf],
        "x509IO": [root, issuing],
        "x509R": [leaf, issuing, root],
        "pemia": [leaf, issuing, root],
    }
    for wanted, expected in orders.items():
        assert x509.load_pem_x509_certificates(collect(api, ssl_id, wanted)) == expected, wanted
    for wanted, read in (("base64", pkcs7.load_pem_pkcs7_certificates), ("bin", pkcs7.load_der_pkcs7_certificates)):
        assert set(read(collect(api, ssl_id, wanted))) == {leaf, issuing, root}
    assert api.get(f"/ssl/v1/collect/{ssl_id}").content == collect(api, ssl_id, "base64")
    assert api.get(f"/ssl/v1/collect/{ssl_id}?format=jks").json()["code"] == -1450
    header = api.get(f"/ssl/v1/collect/{ssl_id}?format=x509").headers
    assert header["content-type"].startswith("application/octet-stream")
    assert header["content-disposition"] == 'attachment; filename="www.example.com.cer"'


def test_the_chain_can_be_odd(api: httpx.Client, sandbox: SandboxServer) -> None:
    ssl_id = by_name(sandbox, "www.example.com")
    sandbox.control("settings", {"chain": {"root": False, "cross": True, "crlf": True}})
    data = collect(api, ssl_id, "x509")
    assert data.count(b"\r\n") == data.count(b"\n")
    cross, issuing, leaf = x509.load_pem_x509_certificates(data)
    leaf.verify_directly_issued_by(issuing)
    leaf.verify_directly_issued_by(cross)
    assert cross.issuer != issuing.issuer


def test_what_a_leaf_says_of_itself(api: httpx.Client, sandbox: SandboxServer) -> None:
    leaf = x509.load_pem_x509_certificate(collect(api, by_name(sandbox, "www.example.com"), "x509CO"))
    issuing, _ = x509.load_pem_x509_certificates(collect(api, by_name(sandbox, "www.example.com"), "x509IOR"))
    extensions = leaf.extensions
    names = extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["www.example.com", "example.com", "static.example.com"]
    usage = extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.SERVER_AUTH]
    own = issuing.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    assert extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier == own
    assert extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    assert extensions.get_extension_for_class(x509.KeyUsage).value.digital_signature
    access = extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    assert x509.load_der_x509_certificate(published(sandbox, access[0].access_location.value)) == issuing


def test_every_certificate_of_the_company_is_signed_on_demand(api: httpx.Client, sandbox: SandboxServer) -> None:
    rows = api.get("/ssl/v1?status=Issued&size=60").json()
    for row in rows:
        leaf = x509.load_pem_x509_certificate(collect(api, row["sslId"], "x509CO"))
        assert f"{leaf.serial_number:X}" == row["serialNumber"].replace(":", "")
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert names.get_values_for_type(x509.DNSName) == row["subjectAlternativeNames"]


def test_what_was_issued_is_the_same_for_one_seed_clock_and_address(
    sandbox_factory: Callable[..., SandboxServer], api_of: Callable[..., httpx.Client]
) -> None:
    from datetime import UTC, datetime

    now = datetime(2026, 11, 24, 9, tzinfo=UTC)
    answers = []
    for seed in (7, 7, 8):
        with SandboxServer(sandbox_factory(seed=seed, now=now, frozen=True).config) as sandbox:
            api = api_of(sandbox)
            row = api.get("/ssl/v1", params={"commonName": "soon3.example.com"}).json()[0]
            der = x509.load_pem_x509_certificate(collect(api, row["sslId"], "x509CO"))
            report = api.post("/report/v1/ssl-certificates", json={}).json()["reports"]
            facts = [{k: v for k, v in line.items() if k not in {"sha1", "md5", "downloaded"}} for line in report]
            answers.append((row, der.public_key(), der.serial_number, sandbox.password, facts))
    assert answers[0] == answers[1]
    assert answers[0][3] != answers[2][3]
    assert answers[0][2] != answers[2][2]


def test_the_address_of_the_crl_is_plain_http_and_needs_no_credentials(sandbox: SandboxServer) -> None:
    origin = urlsplit(sandbox.control_url)
    for slug in ("root", "issuing", "private-root", "private-issuing"):
        answer = httpx.get(f"http://{origin.netloc}/crl/{slug}.crl", trust_env=False)
        assert answer.headers["content-type"] == "application/pkix-crl"
        crl = x509.load_der_x509_crl(answer.content)
        issuer = x509.load_der_x509_certificate(
            httpx.get(f"http://{origin.netloc}/aia/{slug}.cer", trust_env=False).content
        )
        assert crl.is_signature_valid(issuer.public_key())  # type: ignore[arg-type]
    assert httpx.get(f"http://{origin.netloc}/crl/nobody.crl", trust_env=False).status_code == 404
