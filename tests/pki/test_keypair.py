"""Private keys: made, read in every form that openssl writes, and refused in words."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st

from kmptui.domain.keys import KeySpec
from kmptui.errors import BadInput
from kmptui.pki import keypair

KINDS = ("rsa:2048", "rsa:3072", "ec:P-256", "ec:P-384", "ec:P-521")


@pytest.mark.parametrize("kind", KINDS)
def test_a_made_key_is_what_was_asked_for(family, kind):
    assert keypair.spec_of(family.keys[kind]) == KeySpec.parse(kind)


@pytest.mark.parametrize("kind", KINDS)
def test_openssl_agrees_on_the_public_key(family, openssl, kind, tmp_path):
    (tmp_path / "key.der").write_bytes(family.keys[kind])
    openssl("pkey", "-in", tmp_path / "key.der", "-inform", "DER", "-pubout", "-outform", "DER", "-out", tmp_path / "p")
    assert keypair.spki(family.keys[kind]) in openssl("dgst", "-sha256", tmp_path / "p")


FORMS = {
    "PKCS#8 PEM": (["pkey"], b""),
    "PKCS#8 DER": (["pkey", "-outform", "DER"], b""),
    "traditional PEM": (["pkey", "-traditional"], b""),
    "traditional DER": (["pkey", "-traditional", "-outform", "DER"], b""),
    "PKCS#8 encrypted PEM": (["pkey", "-aes256", "-passout", "pass:geheimnis"], b"geheimnis"),
    "PKCS#8 encrypted DER": (["pkcs8", "-topk8", "-outform", "DER", "-passout", "pass:geheimnis"], b"geheimnis"),
    "traditional encrypted PEM": (
        ["pkey", "-traditional", "-aes128", "-passout", "pass:geheimnis"],
        b"geheimnis",
    ),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", ["rsa:2048", "ec:P-384"])
def test_every_form_that_openssl_writes_is_read(family, openssl, tmp_path, kind, form):
    arguments, passphrase = FORMS[form]
    source, target = tmp_path / "in.der", tmp_path / "out"
    source.write_bytes(family.keys[kind])
    openssl(*arguments, "-in", source, "-inform", "DER", "-out", target)
    data = target.read_bytes()
    assert keypair.spki(keypair.load(data, passphrase or None)) == keypair.spki(family.keys[kind])
    assert keypair.load(data, passphrase or b"needless")
    if passphrase:
        assert keypair.is_encrypted(data)
        for wrong in (None, b"wrong word"):
            with pytest.raises(BadInput) as caught:
                keypair.load(data, wrong)
            assert caught.value.field == "passphrase"
    else:
        assert not keypair.is_encrypted(data)


def test_a_key_is_found_beside_its_certificate_and_parameters(family, openssl, tmp_path):
    (tmp_path / "k").write_bytes(family.keys["ec:P-256"])
    pem = keypair.pem(family.keys["ec:P-256"])
    parameters = b"-----BEGIN EC PARAMETERS-----\r\nBggqhkjOPQMBBw==\r\n-----END EC PARAMETERS-----\r\n"
    certificate = openssl("x509", "-inform", "DER", given=family.leaves["ec:P-256"]).encode()
    data = b"Bag Attributes\r\n" + parameters + pem.replace(b"\n", b"\r\n") + certificate
    assert keypair.load(data) == family.keys["ec:P-256"]


def test_pem_is_encrypted_where_a_password_is_given(family, openssl, tmp_path):
    for kind in ("rsa:2048", "ec:P-256"):
        path = tmp_path / kind.replace(":", "")
        path.write_bytes(keypair.pem(family.keys[kind], "geheimes Wort"))
        assert b"ENCRYPTED" in path.read_bytes()
        assert "valid" in openssl("pkey", "-in", path, "-passin", "pass:geheimes Wort", "-noout", "-check")
        assert keypair.load(path.read_bytes(), b"geheimes Wort") == family.keys[kind]


def _pem(key) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "decoded"),
        (b"\x00" * 4096, "decoded"),
        (b"\x30\x82\xff\xff", "decoded"),
        ("schlüssel".encode(), "decoded"),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "decoded"),
        (b"-----BEGIN PRIVATE KEY-----\n%%%%\n-----END PRIVATE KEY-----\n", "decoded"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "holds a certificate"),
        (b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n", "another kind"),
    ],
)
def test_what_is_no_key_is_refused_with_the_reason(data, reason):
    with pytest.raises(BadInput, match=reason) as caught:
        keypair.load(data)
    assert caught.value.field == "key_file"


def test_kinds_and_lengths_that_no_certificate_takes_are_refused(family):
    short = rsa.generate_private_key(public_exponent=65_537, key_size=1024)
    for key, reason in (
        (short, "1024 bits is too short"),
        (ed25519.Ed25519PrivateKey.generate(), "neither RSA nor EC"),
        (ec.generate_private_key(ec.SECP256K1()), "secp256k1"),
    ):
        with pytest.raises(BadInput, match=reason):
            keypair.load(_pem(key))
    with pytest.raises(BadInput, match="holds 2 of them"):
        keypair.load(keypair.pem(family.keys["ec:P-256"]) * 2)


def test_no_refusal_repeats_what_was_read(family):
    pem = keypair.pem(family.keys["ec:P-256"]).decode()
    body = pem.splitlines()[1]
    with pytest.raises(BadInput) as caught:
        keypair.load(pem.replace(body, body[:-4]).encode(), b"a passphrase of mine")
    assert body[:20] not in f"{caught.value!r} {caught.value}"
    assert "a passphrase of mine" not in f"{caught.value!r} {caught.value}"


@given(st.binary(max_size=400))
def test_any_bytes_give_a_key_or_a_refusal(data):
    for candidate in (data, b"-----BEGIN PRIVATE KEY-----\n" + data + b"\n-----END PRIVATE KEY-----"):
        with contextlib.suppress(BadInput):
            keypair.load(candidate)


def test_the_file_name_is_no_matter(family, tmp_path: Path):
    path = tmp_path / "certificate.crt"
    path.write_bytes(family.keys["rsa:2048"])
    assert keypair.load(path.read_bytes()) == family.keys["rsa:2048"]
