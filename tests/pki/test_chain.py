"""Certificates in whatever order and wrapping: read, described, put together by key and signature."""

from __future__ import annotations

import base64
import contextlib

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from hypothesis import given, settings
from hypothesis import strategies as st

from kmptui.errors import ScmGarbled
from kmptui.pki import chain, keypair
from kmptui.pki.encoding import armoured


def _bundle(*certificates: bytes) -> bytes:
    return b"".join(armoured("CERTIFICATE", one) for one in certificates)


def _pkcs7(encoding: Encoding, *certificates: bytes) -> bytes:
    return pkcs7.serialize_certificates([x509.load_der_x509_certificate(one) for one in certificates], encoding)


def test_facts_are_what_openssl_says(family, openssl):
    key, leaf = family.leaf("rsa:2048")
    facts = chain.facts(leaf)
    words = openssl(
        "x509", "-inform", "DER", "-noout", "-serial", "-subject", "-issuer", "-fingerprint", "-sha256", given=leaf
    )
    assert f"serial={facts.serial}" in words
    assert facts.sha256 == words.split("Fingerprint=")[1].split()[0].replace(":", "").lower()
    assert facts.spki == keypair.spki(key)
    assert facts.common_name == "shop.example.edu"
    assert facts.names == ("shop.example.edu", "www.shop.example.edu")
    assert facts.issuer == "Issuing CA R36"
    assert facts.subject == "CN=shop.example.edu"
    assert facts.key == "RSA 2048"
    assert facts.crl_urls == ("http://crl.example/issuing.crl",)
    assert facts.not_before.utcoffset() is not None
    assert (facts.not_after - facts.not_before).days == 200


def test_facts_of_bytes_that_are_none_are_garbled():
    with pytest.raises(ScmGarbled):
        chain.facts(b"\x30\x00")


def test_every_wrapping_gives_the_same(family):
    wanted = (family.leaves["ec:P-256"], family.issuing, family.root)
    pem = _bundle(*wanted)
    noisy = b"subject=CN = x\r\n" + pem.replace(b"\n", b" \r\n") + b"\r\ntrailing words"
    bare = base64.encodebytes(_pkcs7(Encoding.DER, *wanted))
    for data in (pem, noisy, _pkcs7(Encoding.PEM, *wanted), _pkcs7(Encoding.DER, *wanted), bare, pem + pem):
        assert set(chain.parse(data)) == set(wanted)
    assert chain.parse(pem) == wanted
    assert chain.parse(wanted[0]) == wanted[:1]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<html>maintenance</html>",
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
        b"-----BEGIN CERTIFICATE-----\n****\n-----END CERTIFICATE-----",
        b"-----BEGIN CERTIFICATE-----\nAAAA",
        b"\x30\x82\x10\x00",
        b"\x30" * 2_000_000,
        b"-----BEGIN PKCS7-----\nMAA=\n-----END PKCS7-----",
        b"-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----",
    ],
)
def test_what_holds_no_certificate_is_garbled(data):
    with pytest.raises(ScmGarbled) as caught:
        chain.parse(data)
    assert str(caught.value)


def test_more_than_32_certificates_are_refused(family):
    subject = x509.load_der_x509_certificate(family.leaves["ec:P-256"])
    many = [family.issuer.sign(subject.subject, subject.public_key()) for _ in range(33)]
    with pytest.raises(ScmGarbled, match="more than 32"):
        chain.parse(_bundle(*many))
    with pytest.raises(ScmGarbled, match="more than 32"):
        chain.assemble(many, None)
    assert len(chain.parse(_bundle(*many[:32]))) == 32


@settings(max_examples=60)
@given(data=st.data())
def test_order_duplicates_and_strangers_do_not_matter(family, data):
    key, leaf = family.leaf()
    stranger = family.leaves["rsa:2048"]
    extra = data.draw(st.lists(st.sampled_from([leaf, family.issuing, family.old_root, stranger]), max_size=3))
    pool = data.draw(st.permutations([leaf, family.issuing, family.root, *extra]))
    assert chain.assemble(pool, keypair.spki(key)) == chain.Chain(leaf, (family.issuing, family.root))


@settings(max_examples=40)
@given(data=st.data())
def test_cross_signs_lead_to_the_old_root_whatever_the_order(family, data):
    key, leaf = family.leaf()
    pool = data.draw(st.permutations([leaf, family.issuing, family.root, family.crossed, family.old_root]))
    wanted = chain.Chain(leaf, (family.issuing, family.crossed, family.old_root))
    assert chain.assemble(pool, keypair.spki(key)) == wanted
    assert chain.assemble(pool, None) == wanted


def test_a_cross_sign_without_its_root_gives_way_to_the_root(family):
    key, leaf = family.leaf()
    pool = [family.crossed, leaf, family.root, family.issuing]
    assert chain.assemble(pool, keypair.spki(key)).issuers == (family.issuing, family.root)


def test_a_missing_root_or_issuer_is_no_fault(family):
    key, leaf = family.leaf()
    assert chain.assemble([family.issuing, leaf], keypair.spki(key)).issuers == (family.issuing,)
    assert chain.assemble([leaf, family.root], None) == chain.Chain(leaf, ())


def test_openssl_verifies_the_chain(family, openssl, tmp_path):
    key, leaf = family.leaf("rsa:2048")
    made = chain.assemble([family.root, family.crossed, leaf, family.old_root, family.issuing], keypair.spki(key))
    (tmp_path / "root").write_bytes(_bundle(made.issuers[-1]))
    (tmp_path / "between").write_bytes(_bundle(*made.issuers[:-1]))
    (tmp_path / "leaf").write_bytes(_bundle(made.leaf))
    openssl(
        "verify", "-attime", "1795600000", "-CAfile", tmp_path / "root", "-untrusted", tmp_path / "between",
        tmp_path / "leaf",
    )  # fmt: skip


def test_an_issuer_of_the_same_name_with_another_key_is_not_taken(family):
    from cryptography.hazmat.primitives.asymmetric import ec

    impostor = type(family.issuer)("Issuing CA R36", ec.generate_private_key(ec.SECP256R1()))
    key, leaf = family.leaf()
    false = impostor.certify(impostor)
    assert chain.assemble([false, leaf], keypair.spki(key)) == chain.Chain(leaf, ())


def test_a_certificate_for_another_key_is_said_so(family):
    _, leaf = family.leaf("ec:P-256")
    other = keypair.spki(family.keys["ec:P-384"])
    assert not chain.holds_key([leaf, family.issuing], other)
    assert chain.holds_key([family.issuing, leaf], keypair.spki(family.keys["ec:P-256"]))
    with pytest.raises(ScmGarbled, match="another key"):
        chain.assemble([leaf, family.issuing], other)


def test_without_a_key_the_leaf_must_be_plain(family):
    with pytest.raises(ScmGarbled, match="only issuers"):
        chain.assemble([family.root, family.issuing], None)
    with pytest.raises(ScmGarbled, match="which certificate"):
        chain.assemble([family.leaves["ec:P-256"], family.leaves["rsa:2048"]], None)
    with pytest.raises(ScmGarbled, match="no certificate"):
        chain.assemble([], None)


def test_issuers_that_sign_each_other_end(family):
    one, two = type(family.issuer)("One"), type(family.issuer)("Two")
    leaf_key, _ = family.leaf()
    subject = x509.load_der_x509_certificate(family.leaves["ec:P-256"]).subject
    leaf = one.sign(subject, keypair.opened(leaf_key).public_key())
    made = chain.assemble([leaf, one.certify(two), two.certify(one)], keypair.spki(leaf_key))
    assert made.leaf == leaf
    assert len(made.issuers) == 2


@settings(max_examples=60)
@given(st.integers(0, 400), st.binary(min_size=1, max_size=8))
def test_damaged_certificates_are_garbled_or_read(family, at, damage):
    leaf = family.leaves["ec:P-256"]
    hurt = leaf[:at] + damage + leaf[at + len(damage) :]
    with contextlib.suppress(ScmGarbled):
        for one in chain.parse(hurt):
            chain.facts(one)
            chain.assemble([one, family.issuing], None)


@given(st.binary(max_size=300))
def test_any_bytes_are_parsed_or_garbled(data):
    for candidate in (data, b"\x30" + data, armoured("CERTIFICATE", data), armoured("PKCS7", data)):
        with contextlib.suppress(ScmGarbled):
            chain.parse(candidate)


def test_odd_certificates_are_described_too(family):
    from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519

    nobody = x509.Name([])
    edward = family.issuer.sign(nobody, ed25519.Ed25519PrivateKey.generate().public_key())
    facts = chain.facts(edward)
    assert (facts.key, facts.common_name, facts.names, facts.crl_urls) == ("Ed25519", "", (), ())
    coin = family.issuer.sign(nobody, ec.generate_private_key(ec.SECP256K1()).public_key())
    assert chain.facts(coin).key == "EC secp256k1"
    old = family.issuer.sign(nobody, dsa.generate_private_key(2048).public_key())
    assert chain.facts(old).key == "DSA"
    long = family.issuer.sign(nobody, ec.generate_private_key(ec.SECP256R1()).public_key(), serial=2**159 - 1)
    assert chain.facts(long).serial == "7F" + "FF" * 19


def test_a_certificate_without_extensions_is_a_leaf():
    from datetime import UTC, datetime

    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Printer.example")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(datetime(2026, 1, 1, tzinfo=UTC))
    built = builder.not_valid_after(datetime(2027, 1, 1, tzinfo=UTC)).sign(key, hashes.SHA256())
    der = built.public_bytes(Encoding.DER)
    assert chain.facts(der).names == ("printer.example",)
    assert chain.facts(der).serial == "01"
    assert chain.assemble([der, der], None) == chain.Chain(der, ())
