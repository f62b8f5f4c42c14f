"""Certificates as they come: read, described, and put in order.

Positions in an answer are never trusted. The leaf is the certificate with the key that was ordered; each issuer is the
one whose name matches (RFC 5280, 4.1.2.4) and whose key verifies the signature.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from cryptography.x509.oid import NameOID

from kmptui.domain.certificate import serial_hex
from kmptui.errors import ScmGarbled
from kmptui.pki.encoding import MOST_BYTES, UNREADABLE, blocks, unarmoured
from kmptui.pki.keypair import public_spec, public_spki

MOST_CERTIFICATES = 32
_LABELS = {"CERTIFICATE", "X509 CERTIFICATE"}


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """What a certificate says. `serial` upper-case hex (kmptui.domain.certificate.serial_hex), `names` with the common
    name first where it is one of them, moments aware UTC, `issuer` the issuer's common name (else its whole name),
    `subject` the whole name (RFC 4514), `sha256` and `spki` lower-case hex, `key` in words ("RSA 2048")."""

    serial: str
    common_name: str
    names: tuple[str, ...]
    not_before: datetime
    not_after: datetime
    issuer: str
    subject: str
    sha256: str
    spki: str
    key: str
    crl_urls: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Chain:
    """DER: the leaf, and its issuers from its own upwards, to the root where it was given."""

    leaf: bytes
    issuers: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class _Parsed:
    der: bytes
    certificate: x509.Certificate
    spki: str
    is_ca: bool
    self_signed: bool

    @property
    def identity(self) -> tuple[bytes, str]:
        """Cross-signed certificates of one issuer share it."""
        return self.certificate.subject.public_bytes(), self.spki

    @property
    def order(self) -> tuple[float, bytes]:
        """Later ones first; the bytes make it the same however the answer was shuffled."""
        return -self.certificate.not_valid_after_utc.timestamp(), self.der


def facts(der: bytes) -> CertificateFacts:
    """What one certificate (DER) says. Raises ScmGarbled where it cannot be read."""
    try:
        certificate = x509.load_der_x509_certificate(der)
        key = certificate.public_key()
        names = _names(certificate)
        return CertificateFacts(
            serial=serial_hex(certificate.serial_number),
            common_name=_common_name(certificate.subject) or (names[0] if names else ""),
            names=names,
            not_before=certificate.not_valid_before_utc,
            not_after=certificate.not_valid_after_utc,
            issuer=_common_name(certificate.issuer) or certificate.issuer.rfc4514_string(),
            subject=certificate.subject.rfc4514_string(),
            sha256=hashlib.sha256(der).hexdigest(),
            spki=public_spki(key),
            key=_key_words(key),
            crl_urls=_crl_urls(certificate),
        )
    except UNREADABLE as error:
        raise _garbled("A certificate cannot be read", _first_line(error)) from error


def parse(data: bytes) -> tuple[bytes, ...]:
    """The certificates (DER, each once, in their order) of a PEM bundle, PKCS#7 in PEM or DER, bare base64, or one DER.

    Words around the blocks and CRLF are passed over. Raises ScmGarbled: nothing in it, more than 32 or 1 MiB, or a
    block that is not what its label says.
    """
    if len(data) > MOST_BYTES:
        raise _garbled("The certificates are larger than 1 MiB")
    found: dict[bytes, None] = {}
    pem = [b for b in blocks(data) if b.label in _LABELS or b.label in {"PKCS7", "CMS"}]
    for block in pem:
        if block.der is None:
            raise _garbled("A certificate is damaged", "its base64 cannot be decoded")
        found.update(dict.fromkeys([_certificate(block.der)] if block.label in _LABELS else _pkcs7(block.der)))
    if not pem:
        der = data if data.startswith(b"\x30") else unarmoured(data)
        if der is None or not der.startswith(b"\x30"):
            raise _garbled("There is no certificate in it")
        found = dict.fromkeys(_certificate_or_pkcs7(der))
    if len(found) > MOST_CERTIFICATES:
        raise _garbled(f"There are more than {MOST_CERTIFICATES} certificates in it")
    return tuple(found)


def holds_key(certificates: Iterable[bytes], spki: str) -> bool:
    """Whether any of the certificates has this public key (SHA-256 hex): the proof that what came is what was ordered.
    Raises ScmGarbled where one cannot be read."""
    return any(parsed.spki == spki for parsed in map(_load, certificates))


def assemble(certificates: Sequence[bytes], spki: str | None) -> Chain:
    """The chain that is in `certificates`, in whatever order; duplicates and strangers are left out.

    With `spki` (SHA-256 hex) the leaf is the certificate with that key; without, the one end certificate that issued
    none of the others. Of cross-signed issuers the chain takes the one that leads on to a root in the set, so it holds
    everything that helps old clients. A missing root is no fault. Raises ScmGarbled where there is no such leaf.
    """
    pool = [_load(der) for der in dict.fromkeys(certificates)]
    if not pool:
        raise _garbled("There is no certificate in it")
    if len(pool) > MOST_CERTIFICATES:
        raise _garbled(f"There are more than {MOST_CERTIFICATES} certificates in it")
    issuers = {one.der: _issuers_of(one, pool) for one in pool}
    leaf = _leaf_by_key(pool, spki) if spki is not None else _leaf_by_place(pool, issuers)
    rooted = _rooted(pool, issuers)
    path: list[bytes] = []
    seen = {leaf.identity}
    here = leaf
    while not here.self_signed:
        ways = [one for one in issuers[here.der] if one.identity not in seen]
        if not ways:
            break
        here = min(ways, key=partial(_preference, rooted))
        seen.add(here.identity)
        path.append(here.der)
    return Chain(leaf.der, tuple(path))


def _preference(rooted: frozenset[bytes], one: _Parsed) -> tuple[bool, bool, tuple[float, bytes]]:
    return one.der not in rooted, one.self_signed, one.order


def _load(der: bytes) -> _Parsed:
    try:
        certificate = x509.load_der_x509_certificate(der)
        return _Parsed(
            der,
            certificate,
            public_spki(certificate.public_key()),
            _is_ca(certificate),
            certificate.issuer == certificate.subject and _issued(certificate, certificate),
        )
    except UNREADABLE as error:
        raise _garbled("A certificate cannot be read", _first_line(error)) from error


def _leaf_by_key(pool: list[_Parsed], spki: str) -> _Parsed:
    ours = [one for one in pool if one.spki == spki]
    if not ours:
        raise _garbled(
            "The certificate is for another key", "none of those that came has the public key that was ordered",
            "Check the order again later; SCM may still hand out an older certificate",
        )  # fmt: skip
    return min(ours, key=lambda one: (one.is_ca, one.order))


def _leaf_by_place(pool: list[_Parsed], issuers: dict[bytes, list[_Parsed]]) -> _Parsed:
    parents = {parent.der for one in pool for parent in issuers[one.der] if parent.der != one.der}
    ends = [one for one in pool if one.der not in parents and not one.is_ca]
    if not ends:
        raise _garbled("There are only issuers in it", "no certificate of a server is among them")
    if len(ends) > 1:
        raise _garbled("It cannot be told which certificate is meant", f"{len(ends)} of them issue no other")
    return ends[0]


def _issuers_of(one: _Parsed, pool: list[_Parsed]) -> list[_Parsed]:
    return [other for other in pool if other.der != one.der and _issued(one.certificate, other.certificate)]


def _rooted(pool: list[_Parsed], issuers: dict[bytes, list[_Parsed]]) -> frozenset[bytes]:
    """Those from which a self-signed root of the pool can be reached."""
    reached = {one.der for one in pool if one.self_signed}
    grown = True
    while grown:
        more = {one.der for one in pool if one.der not in reached and any(p.der in reached for p in issuers[one.der])}
        reached |= more
        grown = bool(more)
    return frozenset(reached)


def _issued(child: x509.Certificate, parent: x509.Certificate) -> bool:
    if child.issuer != parent.subject:
        return False
    try:
        child.verify_directly_issued_by(parent)
    except UNREADABLE:
        return False
    return True


def _is_ca(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def _certificate(der: bytes) -> bytes:
    try:
        return x509.load_der_x509_certificate(der).public_bytes(Encoding.DER)
    except UNREADABLE as error:
        raise _garbled("A certificate cannot be read", _first_line(error)) from error


def _pkcs7(der: bytes) -> list[bytes]:
    try:
        return [one.public_bytes(Encoding.DER) for one in pkcs7.load_der_pkcs7_certificates(der)]
    except (*UNREADABLE, UserWarning) as error:
        raise _garbled("A PKCS#7 bundle cannot be read", _first_line(error)) from error


def _certificate_or_pkcs7(der: bytes) -> list[bytes]:
    try:
        return [_certificate(der)]
    except ScmGarbled as no_certificate:
        try:
            return _pkcs7(der)
        except ScmGarbled:
            raise no_certificate from None


def _names(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        san = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        san = None
    written = [str(name.value) for name in san or () if isinstance(name, x509.DNSName | x509.IPAddress)]
    names = list(dict.fromkeys(name.lower() for name in written))
    common = _common_name(certificate.subject).lower()
    if common in names or (common and not names):
        names = [common, *(name for name in names if name != common)]
    return tuple(names)


def _common_name(name: x509.Name) -> str:
    found = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found[0].value) if found else ""


def _crl_urls(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        points = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    except x509.ExtensionNotFound:
        return ()
    names = [name for point in points for name in point.full_name or ()]
    return tuple(name.value for name in names if isinstance(name, x509.UniformResourceIdentifier))


def _key_words(key: PublicKeyTypes) -> str:
    if (spec := public_spec(key)) is not None:
        return str(spec)
    if isinstance(key, ec.EllipticCurvePublicKey):
        return f"EC {key.curve.name}"
    if isinstance(key, rsa.RSAPublicKey):
        return f"RSA {key.key_size}"
    return type(key).__name__.strip("_").removesuffix("PublicKey")


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [""])[0][:120] or type(error).__name__


def _garbled(what: str, why: str = "", cure: str = "") -> ScmGarbled:
    return ScmGarbled(what, why=why, cure=cure or "Is it the certificate's file, and whole?")
