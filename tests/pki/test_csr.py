"""Requests: openssl judges those that are built; those that are read are verified."""

from __future__ import annotations

import contextlib

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from kmptui.domain.keys import KeySpec
from kmptui.errors import BadInput
from kmptui.pki import csr, keypair

NAMES = ("shop.example.edu", "*.cdn.example.org", "xn--bcher-kva.example", "192.0.2.7", "2001:db8::1")
KINDS = ("rsa:2048", "rsa:3072", "ec:P-256", "ec:P-384", "ec:P-521")


@pytest.mark.parametrize("kind", KINDS)
def test_openssl_verifies_what_is_built(family, openssl, kind):
    words = openssl("req", "-verify", "-noout", "-text", given=csr.build(family.keys[kind], NAMES).encode())
    assert "self-signature verify OK" in words
    assert "CN = shop.example.edu" in words or "CN=shop.example.edu" in words
    for name in ("DNS:shop.example.edu", "DNS:*.cdn.example.org", "DNS:xn--bcher-kva.example", "IP Address:192.0.2.7"):
        assert name in words
    assert "2001:DB8:0:0:0:0:0:1" in words
    assert "sha256" in words.lower()


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_built_is_read_back(family, kind):
    pem = csr.build(family.keys[kind], NAMES)
    facts = csr.read(pem)
    assert facts == csr.CsrFacts(NAMES[0], NAMES, keypair.spki(family.keys[kind]), KeySpec.parse(kind), pem)


def test_a_long_first_name_stands_among_the_alternatives_alone(family, openssl):
    long = "a" * 60 + ".example.edu"
    pem = csr.build(family.keys["ec:P-256"], [long])
    assert csr.read(pem).names == (long,)
    words = openssl("req", "-verify", "-noout", "-text", given=pem.encode())
    assert "CN" not in words.split("Subject Public Key")[0]
    assert "critical" in words


def test_the_form_of_the_file_does_not_matter(family, openssl, tmp_path):
    pem = csr.build(family.keys["rsa:2048"], NAMES[:1])
    path = tmp_path / "x.der"
    openssl("req", "-outform", "DER", "-out", path, given=pem.encode())
    windows = pem.replace("CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST").replace("\n", "\r\n")
    for form in (path.read_bytes(), windows, "  what openssl said:\n" + pem + "\n\n"):
        assert csr.read(form).pem == pem


def test_names_are_read_as_certificates_hold_them(family):
    facts = csr.read(csr.build(family.keys["ec:P-256"], ["BÜCHER.example.", "bücher.example", "b.example"]))
    assert facts.names == ("xn--bcher-kva.example", "b.example")


def _signed(key, subject: str = "a.example", san: x509.GeneralName | None = None, algorithm=hashes.SHA256) -> bytes:
    builder = x509.CertificateSigningRequestBuilder().subject_name(
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
    )
    if san is not None:
        builder = builder.add_extension(x509.SubjectAlternativeName([san]), critical=False)
    return builder.sign(key, algorithm() if algorithm else None).public_bytes(Encoding.PEM)


def test_weak_keys_are_refused():
    with pytest.raises(BadInput, match="1024 bits is too short"):
        csr.read(_signed(rsa.generate_private_key(public_exponent=65_537, key_size=1024)))
    with pytest.raises(BadInput, match="neither RSA nor EC"):
        csr.read(_signed(ed25519.Ed25519PrivateKey.generate(), algorithm=None))


def test_names_that_no_certificate_takes_are_refused(family):
    key = keypair.opened(family.keys["ec:P-256"])
    with pytest.raises(BadInput, match="underscore") as caught:
        csr.read(_signed(key, "a_b.example"))
    assert caught.value.field == "csr"
    with pytest.raises(BadInput, match="neither host names nor addresses"):
        csr.read(_signed(key, san=x509.RFC822Name("a@b.example")))


def test_a_changed_request_is_refused(family, openssl, tmp_path):
    path = tmp_path / "x.der"
    openssl("req", "-outform", "DER", "-out", path, given=csr.build(family.keys["ec:P-256"], NAMES).encode())
    changed = path.read_bytes().replace(b"shop.example.edu", b"evil.example.edu")
    with pytest.raises(BadInput, match="signature is wrong"):
        csr.read(changed)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "neither PEM nor DER"),
        (b"\x30\x03\x02\x01\x01", "decoded"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", "holds a certificate"),
        (b"-----BEGIN CERTIFICATE REQUEST-----\nA\n-----END CERTIFICATE REQUEST-----", "base64"),
        (b"\x30" * 1_100_000, "1 MiB"),
    ],
)
def test_what_is_no_request_is_refused(data, reason):
    with pytest.raises(BadInput, match=reason):
        csr.read(data)


def test_two_requests_in_a_file_are_refused(family):
    with pytest.raises(BadInput, match="holds 2"):
        csr.read(csr.build(family.keys["ec:P-256"], NAMES) * 2)


def test_a_request_needs_a_name(family):
    with pytest.raises(BadInput):
        csr.build(family.keys["ec:P-256"], [])


@given(st.binary(max_size=300), st.integers(0, 250))
def test_any_bytes_give_facts_or_a_refusal(family, data, at):
    good = csr.build(family.keys["ec:P-256"], ["a.example"]).encode()
    for candidate in (data, b"\x30" + data, good[:at] + data + good[at + len(data) :]):
        with contextlib.suppress(BadInput):
            csr.read(candidate)
