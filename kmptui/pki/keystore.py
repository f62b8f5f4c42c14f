"""What servers are given: PKCS#12, JKS, PEM, DER. Every function proves first that key and certificate belong together.

A store's password is also its key entry's password, as keytool and Tomcat expect.
"""

from __future__ import annotations

from collections.abc import Sequence

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import KeySerializationEncryption, PrivateFormat
from cryptography.hazmat.primitives.serialization import pkcs12 as p12

from kmptui.domain.entry import keystore_password
from kmptui.errors import BadInput
from kmptui.pki import keypair
from kmptui.pki.chain import facts
from kmptui.pki.encoding import armoured

ROUNDS = 100_000
"""PBKDF2 iterations of a modern PKCS#12; Java and Windows take up to some millions."""
COMPATIBLE_ROUNDS = 2_048
LONGEST_ALIAS = 128
PARTS = ("key", "leaf", "chain", "full", "all")


def pkcs12(
    private_der: bytes, leaf: bytes, issuers: Sequence[bytes], password: str, alias: str, compatible: bool = False
) -> bytes:
    """PKCS#12 (RFC 7292) with key, certificate and issuers: AES-256-CBC by PBES2, MAC with SHA-256.

    `compatible`: 3DES and SHA-1, for Java before 8u301, Windows before 2019 and old appliances; weak, by choice only.
    Raises BadInput: key (another key), alias, keystore_password.
    """
    _prove(private_der, leaf)
    return p12.serialize_key_and_certificates(
        _alias(alias).encode(),
        keypair.opened(private_der),
        x509.load_der_x509_certificate(leaf),
        [x509.load_der_x509_certificate(issuer) for issuer in issuers] or None,
        _encryption(keystore_password(password), compatible),
    )


def jks(private_der: bytes, leaf: bytes, issuers: Sequence[bytes], password: str, alias: str) -> bytes:
    """A Java keystore of the old kind: its encryption (SHA-1 only) is weak, PKCS#12 is read by every Java since 8.

    Java folds aliases to lower case. Raises BadInput: key (another key), alias, keystore_password.
    """
    import jks as javakeystore  # type: ignore[import-untyped]  # slow to import, seldom needed

    _prove(private_der, leaf)
    chain = [leaf, *issuers]
    entry = javakeystore.PrivateKeyEntry.new(_alias(alias).lower(), chain, private_der, "pkcs8")
    data: bytes = javakeystore.KeyStore.new("jks", [entry]).saves(keystore_password(password))
    return data


def pem(
    part: str,
    leaf: bytes,
    issuers: Sequence[bytes] = (),
    private_der: bytes | None = None,
    password: str | None = None,
) -> bytes:
    """PEM of a part: `key` (encrypted where a password is given), `leaf`, `chain` (the issuers), `full` (leaf and
    issuers), `all` (key, leaf, issuers). Raises BadInput: part, key (missing or another one)."""
    if part not in PARTS:
        raise BadInput("only", f"There is no part {part[:20]!r}", cure=f"Take one of {', '.join(PARTS)}")
    out = b""
    if part in {"key", "all"}:
        if private_der is None:
            raise BadInput("key", "The private key is not here", cure="Attach it, or export the certificate alone")
        _prove(private_der, leaf)
        out += keypair.pem(private_der, password)
    if part in {"leaf", "full", "all"}:
        out += armoured("CERTIFICATE", leaf)
    if part in {"chain", "full", "all"}:
        out += b"".join(armoured("CERTIFICATE", issuer) for issuer in issuers)
    if not out:
        raise BadInput("only", "There are no issuers to export", cure="Take the leaf alone")
    return out


def der(leaf: bytes) -> bytes:
    """The certificate alone, DER. Raises ScmGarbled where it is none."""
    facts(leaf)
    return leaf


def _encryption(password: str, compatible: bool) -> KeySerializationEncryption:
    builder = PrivateFormat.PKCS12.encryption_builder()
    if compatible:
        builder = builder.kdf_rounds(COMPATIBLE_ROUNDS).key_cert_algorithm(p12.PBES.PBESv1SHA1And3KeyTripleDESCBC)
        return builder.hmac_hash(hashes.SHA1()).build(password.encode())  # noqa: S303 - what old readers know
    builder = builder.kdf_rounds(ROUNDS).key_cert_algorithm(p12.PBES.PBESv2SHA256AndAES256CBC)
    return builder.hmac_hash(hashes.SHA256()).build(password.encode())


def _prove(private_der: bytes, leaf: bytes) -> None:
    if keypair.spki(private_der) != facts(leaf).spki:
        raise BadInput("key", "The private key does not belong to the certificate", cure="Attach the right key")


def _alias(alias: str) -> str:
    if not 1 <= len(alias) <= LONGEST_ALIAS or not alias.isprintable():
        raise BadInput("alias", f"An alias has 1 to {LONGEST_ALIAS} printable characters")
    return alias
