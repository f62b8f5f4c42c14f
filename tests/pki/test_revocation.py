"""Lists of revoked certificates: read, proved to be the issuer's, judged by openssl."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from kmptui.errors import ScmGarbled
from kmptui.pki import revocation

needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not here to judge")
NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
SERIAL = 0x00F1A2B3C4D5E6F708
HEX = "F1A2B3C4D5E6F708"
KEY = ec.generate_private_key(ec.SECP256R1())
NAME = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Issuing CA")])


def ca(key: ec.EllipticCurvePrivateKey = KEY, name: x509.Name = NAME) -> bytes:
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(NOW - timedelta(days=9))
        .not_valid_after(NOW + timedelta(days=999))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(Encoding.DER)


def crl(
    *serials: tuple[int, x509.ReasonFlags | None],
    key: ec.EllipticCurvePrivateKey = KEY,
    name: x509.Name = NAME,
    extension: tuple[x509.ExtensionType, bool] | None = None,
) -> x509.CertificateRevocationList:
    builder = x509.CertificateRevocationListBuilder().issuer_name(name).last_update(NOW - timedelta(hours=1))
    builder = builder.next_update(NOW + timedelta(days=7))
    for serial, reason in serials:
        entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(NOW - timedelta(hours=2))
        if reason is not None:
            entry = entry.add_extension(x509.CRLReason(reason), critical=False)
        builder = builder.add_revoked_certificate(entry.build())
    if extension is not None:
        builder = builder.add_extension(extension[0], critical=extension[1])
    return builder.sign(key, hashes.SHA256())


def der(made: x509.CertificateRevocationList) -> bytes:
    return made.public_bytes(Encoding.DER)


@needs_openssl
@pytest.mark.parametrize(("encoding", "form"), [(Encoding.DER, "DER"), (Encoding.PEM, "PEM")])
def test_as_openssl_reads_it(tmp_path: Path, encoding: Encoding, form: str) -> None:
    """Serial, time, reason and both updates are what openssl says of the same list."""
    made = crl((SERIAL, x509.ReasonFlags.key_compromise), (3, None))
    (tmp_path / "x.crl").write_bytes(made.public_bytes(encoding))
    (tmp_path / "ca.pem").write_bytes(x509.load_der_x509_certificate(ca()).public_bytes(Encoding.PEM))
    judge = subprocess.run(
        ["openssl", "crl", "-in", tmp_path / "x.crl", "-inform", form, "-noout", "-text", "-CAfile",
         tmp_path / "ca.pem"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "verify OK" in judge.stderr
    found = revocation.look(made.public_bytes(encoding), ca(), HEX)
    assert found.entry is not None
    assert (found.entry.reason, found.entry.revoked) == (1, NOW - timedelta(hours=2))
    written = "%b %e %H:%M:%S %Y GMT"
    for words in (
        f"Serial Number: {HEX}",
        f"Revocation Date: {found.entry.revoked:{written}}",
        "Key Compromise",
        f"Last Update: {found.this_update:{written}}",
        f"Next Update: {found.next_update:{written}}",
    ):
        assert words in judge.stdout
    assert (unsaid := revocation.look(made.public_bytes(encoding), ca(), "03").entry) is not None
    assert unsaid.reason == 0
    assert revocation.look(made.public_bytes(encoding), ca(), "04").entry is None


def test_an_empty_list_and_one_that_takes_back() -> None:
    assert revocation.look(der(crl()), ca(), HEX).entry is None
    taken_back = crl((SERIAL, x509.ReasonFlags.remove_from_crl))
    assert revocation.look(der(taken_back), ca(), HEX).entry is None


OTHER = ec.generate_private_key(ec.SECP256R1())
STRANGER = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Another CA")])
LISTED = (SERIAL, None)


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda: der(crl(LISTED, key=OTHER)), "signature"),
        (lambda: der(crl(LISTED, key=OTHER, name=STRANGER)), "another CA"),
        (lambda: der(crl(LISTED))[:-40], "cannot be read"),
        (lambda: b"", "no list"),
        (lambda: b"<html>back soon</html>", "no list"),
        (lambda: b"\x30\x03\x02\x01\x01", "cannot be read"),
        (lambda: b"-----BEGIN X509 CRL-----\n!!\n-----END X509 CRL-----\n", "no list"),
        (lambda: b"\x30" + bytes(revocation.MOST_BYTES), "32 MiB"),
        (lambda: ca(), "cannot be read"),
        (lambda: der(crl(LISTED, extension=(_unknown(), True))), "not understood (1.2.3.4)"),
        (lambda: der(crl(LISTED, extension=(_point(indirect=True), True))), "other certificates"),
    ],
)
def test_what_proves_nothing(make: Callable[[], bytes], why: str) -> None:
    with pytest.raises(ScmGarbled) as refused:
        revocation.look(make(), ca(), HEX)
    assert why in refused.value.why


def test_what_is_understood_or_not_critical() -> None:
    for extension in ((_unknown(), False), (_point(indirect=False), True), (x509.CRLNumber(4), False)):
        assert revocation.look(der(crl(LISTED, extension=extension)), ca(), HEX).entry is not None


def test_where_the_list_is() -> None:
    """Addresses of a certificate, but for those that are no web addresses."""
    points = [
        x509.DistributionPoint([x509.UniformResourceIdentifier(url)], None, None, None)
        for url in ("ldap://ca.example/cn=x", "http://crl.example/a.crl", "HTTPS://crl.example/b.crl")
    ]
    made = (
        x509.CertificateBuilder()
        .subject_name(NAME)
        .issuer_name(NAME)
        .public_key(KEY.public_key())
        .serial_number(9)
        .not_valid_before(NOW)
        .not_valid_after(NOW + timedelta(days=9))
        .add_extension(x509.CRLDistributionPoints(points), critical=False)
        .sign(KEY, hashes.SHA256())
    )
    leaf = made.public_bytes(Encoding.DER)
    assert revocation.urls(leaf) == ("http://crl.example/a.crl", "HTTPS://crl.example/b.crl")
    assert revocation.urls(ca()) == ()
    with pytest.raises(ScmGarbled):
        revocation.urls(b"no certificate")


def _unknown() -> x509.UnrecognizedExtension:
    return x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")


def _point(*, indirect: bool) -> x509.IssuingDistributionPoint:
    return x509.IssuingDistributionPoint(
        [x509.UniformResourceIdentifier("http://crl.example/a.crl")], None, False, False, None, indirect, False
    )
