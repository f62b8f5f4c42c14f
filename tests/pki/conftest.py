"""A small CA of our own for the certificates that the tests are about; keys are made once."""

from __future__ import annotations

import itertools
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from kmptui.domain.keys import KeySpec
from kmptui.pki import keypair

NOW = datetime(2026, 11, 24, tzinfo=UTC)
_serials = itertools.count(0xA1_00)


@dataclass(frozen=True)
class Issuer:
    """One who signs: a name, a key, and the certificate that says so."""

    name: str
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    @property
    def subject(self) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self.name)])

    def sign(
        self,
        subject: x509.Name,
        public_key: object,
        *,
        ca: bool = False,
        names: Sequence[x509.GeneralName] = (),
        days: int = 199,
        crl: str = "",
        serial: int | None = None,
    ) -> bytes:
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.subject)
            .public_key(public_key)
            .serial_number(serial if serial is not None else next(_serials))
            .not_valid_before(NOW - timedelta(days=1))
            .not_valid_after(NOW + timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        )
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        if crl:
            point = x509.DistributionPoint([x509.UniformResourceIdentifier(crl)], None, None, None)
            builder = builder.add_extension(x509.CRLDistributionPoints([point]), critical=False)
        return builder.sign(self.key, hashes.SHA256()).public_bytes(Encoding.DER)

    def certify(self, other: Issuer, days: int = 3650) -> bytes:
        """A CA certificate for another issuer, or for itself."""
        return self.sign(other.subject, other.key.public_key(), ca=True, days=days)


@dataclass(frozen=True)
class Family:
    """A leaf for each kind of key, its issuers, and a cross-sign of the root by an older one."""

    old_root: bytes
    root: bytes
    crossed: bytes
    issuing: bytes
    leaves: dict[str, bytes]
    keys: dict[str, bytes]
    issuer: Issuer

    def leaf(self, kind: str = "ec:P-256") -> tuple[bytes, bytes]:
        """Private key and certificate, both DER."""
        return self.keys[kind], self.leaves[kind]


KINDS = ("rsa:2048", "rsa:3072", "ec:P-256", "ec:P-384", "ec:P-521")


@pytest.fixture(scope="session")
def family() -> Family:
    old, root, issuing = Issuer("Old Root"), Issuer("Root R46"), Issuer("Issuing CA R36")
    keys = {kind: keypair.generate(KeySpec.parse(kind)) for kind in KINDS}
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "shop.example.edu")])
    names = [x509.DNSName("www.shop.example.edu"), x509.DNSName("shop.example.edu")]
    leaves = {
        kind: issuing.sign(subject, keypair.opened(der).public_key(), names=names, crl="http://crl.example/issuing.crl")
        for kind, der in keys.items()
    }
    return Family(old.certify(old), root.certify(root), old.certify(root), root.certify(issuing), leaves, keys, issuing)


Run = Callable[..., str]


def _judge(program: str) -> Run:
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed: it is the judge of this test")

    def run(*arguments: str | Path, given: bytes = b"") -> str:
        done = subprocess.run(
            [program, *map(str, arguments)], input=given, capture_output=True, check=False, timeout=60
        )
        words = (done.stdout + done.stderr).decode("utf-8", "replace")
        assert done.returncode == 0, words
        return words

    return run


@pytest.fixture
def openssl() -> Run:
    return _judge("openssl")


@pytest.fixture
def keytool() -> Run:
    return _judge("keytool")
