"""Keystores, judged by those who will read them: openssl and keytool."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.serialization import pkcs12

from kmptui.errors import BadInput, ScmGarbled
from kmptui.pki import chain, keypair, keystore

PASSWORD = 'Geheim!"$\\ wort'
KINDS = ("rsa:2048", "ec:P-256", "ec:P-384")


def _issuers(family):
    return (family.issuing, family.root)


@pytest.mark.parametrize("compatible", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_openssl_reads_pkcs12(family, openssl, tmp_path, kind, compatible):
    key, leaf = family.leaf(kind)
    path, word = tmp_path / "shop.p12", tmp_path / "password"
    word.write_text(PASSWORD + "\n")
    path.write_bytes(keystore.pkcs12(key, leaf, _issuers(family), PASSWORD, "shop.example.edu", compatible))
    old = ["-legacy"] if compatible else []
    facts = openssl("pkcs12", "-in", path, "-passin", f"file:{word}", "-info", "-noout", *old)
    assert ("pbeWithSHA1And3-KeyTripleDES-CBC" if compatible else "AES-256-CBC") in facts
    assert ("MAC: sha1" if compatible else "MAC: sha256") in facts
    pem = openssl("pkcs12", "-in", path, "-passin", f"file:{word}", "-nodes", *old).encode()
    assert keypair.load(pem) == key
    assert chain.assemble(chain.parse(pem), keypair.spki(key)) == chain.Chain(leaf, _issuers(family))
    assert b"friendlyName: shop.example.edu" in pem


@pytest.mark.parametrize("compatible", [False, True])
def test_keytool_reads_pkcs12(family, keytool, tmp_path, compatible):
    key, leaf = family.leaf("rsa:2048")
    path = tmp_path / "shop.p12"
    path.write_bytes(keystore.pkcs12(key, leaf, _issuers(family), "geheimnis", "Shop", compatible))
    words = keytool("-list", "-v", "-keystore", path, "-storetype", "PKCS12", "-storepass", "geheimnis")
    assert "PrivateKeyEntry" in words
    assert "Certificate chain length: 3" in words


@pytest.mark.parametrize("kind", KINDS)
def test_keytool_reads_jks_and_its_key(family, keytool, tmp_path, kind):
    key, leaf = family.leaf(kind)
    path, copy = tmp_path / "shop.jks", tmp_path / "copy.p12"
    path.write_bytes(keystore.jks(key, leaf, _issuers(family), "geheimnis", "Shop"))
    words = keytool("-list", "-v", "-keystore", path, "-storetype", "JKS", "-storepass", "geheimnis")
    assert "Alias name: shop" in words
    assert "PrivateKeyEntry" in words
    assert "Certificate chain length: 3" in words
    keytool(
        "-importkeystore", "-srckeystore", path, "-srcstoretype", "JKS", "-srcstorepass", "geheimnis",
        "-destkeystore", copy, "-deststoretype", "PKCS12", "-deststorepass", "anderes!", "-noprompt",
    )  # fmt: skip
    read = pkcs12.load_pkcs12(copy.read_bytes(), b"anderes!")
    assert keypair.public_spki(read.key.public_key()) == keypair.spki(key)


def test_pem_parts(family):
    key, leaf = family.leaf()
    issuers = _issuers(family)
    assert keypair.load(keystore.pem("key", leaf, issuers, key)) == key
    assert chain.parse(keystore.pem("leaf", leaf, issuers)) == (leaf,)
    assert chain.parse(keystore.pem("chain", leaf, issuers)) == issuers
    assert chain.parse(keystore.pem("full", leaf, issuers)) == (leaf, *issuers)
    whole = keystore.pem("all", leaf, issuers, key, "geheimnis")
    assert chain.parse(whole) == (leaf, *issuers)
    assert keypair.load(whole, b"geheimnis") == key
    assert keystore.der(leaf) == leaf


def test_what_is_missing_is_said(family):
    _, leaf = family.leaf()
    for part, field in (("key", "key"), ("all", "key"), ("chain", "only"), ("everything", "only")):
        with pytest.raises(BadInput) as caught:
            keystore.pem(part, leaf)
        assert caught.value.field == field
    with pytest.raises(ScmGarbled):
        keystore.der(b"no certificate")


def test_a_key_of_another_certificate_is_refused_everywhere(family):
    _, leaf = family.leaf("ec:P-256")
    other = family.keys["ec:P-384"]
    for make in (keystore.pkcs12, keystore.jks):
        with pytest.raises(BadInput, match="does not belong"):
            make(other, leaf, (), "geheimnis", "a")
    with pytest.raises(BadInput, match="does not belong"):
        keystore.pem("key", leaf, (), other)


@pytest.mark.parametrize("password", ["", "kurz", "x" * 65, "geheimnis\n", "geheimniß"])
def test_passwords_that_readers_stumble_over_are_refused_and_not_repeated(family, password):
    key, leaf = family.leaf()
    for make in (keystore.pkcs12, keystore.jks):
        with pytest.raises(BadInput) as caught:
            make(key, leaf, (), password, "a")
        assert caught.value.field == "keystore_password"
        assert not password or password not in str(caught.value)


@pytest.mark.parametrize("alias", ["", "a\nb", "x" * 129])
def test_odd_aliases_are_refused(family, alias):
    key, leaf = family.leaf()
    for make in (keystore.pkcs12, keystore.jks):
        with pytest.raises(BadInput) as caught:
            make(key, leaf, (), "geheimnis", alias)
        assert caught.value.field == "alias"
