"""Revocation lists (RFC 5280, 5): where a certificate says its list is, and whether a list has a serial.

A list counts only when the certificate's own issuer signed it, and when it has no critical extension that is not
understood here (RFC 5280, 5.2).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.x509.oid import ExtensionOID

from kmptui.errors import ScmGarbled
from kmptui.pki import chain
from kmptui.pki.encoding import UNREADABLE, blocks

MOST_BYTES = 32 * 1024 * 1024
_REMOVED = x509.ReasonFlags.remove_from_crl
_CODES = {
    x509.ReasonFlags.unspecified: 0,
    x509.ReasonFlags.key_compromise: 1,
    x509.ReasonFlags.ca_compromise: 2,
    x509.ReasonFlags.affiliation_changed: 3,
    x509.ReasonFlags.superseded: 4,
    x509.ReasonFlags.cessation_of_operation: 5,
    x509.ReasonFlags.certificate_hold: 6,
    x509.ReasonFlags.remove_from_crl: 8,
    x509.ReasonFlags.privilege_withdrawn: 9,
    x509.ReasonFlags.aa_compromise: 10,
}
_UNDERSTOOD = {
    ExtensionOID.AUTHORITY_KEY_IDENTIFIER, ExtensionOID.CRL_NUMBER, ExtensionOID.ISSUING_DISTRIBUTION_POINT,
    ExtensionOID.FRESHEST_CRL, ExtensionOID.DELTA_CRL_INDICATOR, ExtensionOID.ISSUER_ALTERNATIVE_NAME,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Entry:
    """A serial's line in a list: when it was revoked, and the reason code (0 where none is given)."""

    revoked: datetime
    reason: int


@dataclass(frozen=True, slots=True)
class Listing:
    """What a list says of one serial: `entry` None where it does not have it. `next_update` is when a newer list is due
    at the latest, None where it does not say."""

    entry: Entry | None
    this_update: datetime
    next_update: datetime | None


def urls(leaf: bytes) -> tuple[str, ...]:
    """The http and https addresses of its list that a certificate (DER) names, in its order. Raises ScmGarbled."""
    return tuple(url for url in chain.facts(leaf).crl_urls if urlsplit(url).scheme.lower() in {"http", "https"})


def look(data: bytes, issuer: bytes, serial: str) -> Listing:
    """What a list (DER or PEM) says of a serial (hex), once `issuer` (a certificate, DER) is proved to have signed it.

    Raises ScmGarbled: it cannot be read, is larger than 32 MiB, another's, falsified, or of a kind that cannot be used.
    """
    if len(data) > MOST_BYTES:
        raise _unusable(f"it is larger than {MOST_BYTES // (1024 * 1024)} MiB")
    try:
        crl = x509.load_der_x509_crl(_der(data))
        by = x509.load_der_x509_certificate(issuer)
        if crl.issuer != by.subject:
            raise _unusable("it is another CA's")
        if not crl.is_signature_valid(by.public_key()):  # type: ignore[arg-type]  # a CA's key signs
            raise _unusable("its signature is wrong")
        _refuse_unusable(crl)
        return Listing(_entry(crl, serial), crl.last_update_utc, crl.next_update_utc)
    except UNREADABLE as error:
        raise _unusable("it cannot be read") from error


def _entry(crl: x509.CertificateRevocationList, serial: str) -> Entry | None:
    found = crl.get_revoked_certificate_by_serial_number(int(serial, 16))
    if found is None:
        return None
    try:
        reason = found.extensions.get_extension_for_class(x509.CRLReason).value.reason
    except x509.ExtensionNotFound:
        reason = x509.ReasonFlags.unspecified
    return None if reason is _REMOVED else Entry(found.revocation_date_utc, _CODES[reason])


def _refuse_unusable(crl: x509.CertificateRevocationList) -> None:
    for extension in crl.extensions:
        value = extension.value
        if extension.critical and extension.oid not in _UNDERSTOOD:
            raise _unusable(f"it has an extension that is not understood ({extension.oid.dotted_string})")
        if isinstance(value, x509.IssuingDistributionPoint) and (value.indirect_crl or value.only_contains_ca_certs):
            raise _unusable("it is a list of other certificates")


def _der(data: bytes) -> bytes:
    if data.startswith(b"\x30"):
        return data
    found = [block for block in blocks(data) if block.label == "X509 CRL"]
    if len(found) != 1 or found[0].der is None:
        raise _unusable("it is no list of revoked certificates")
    return found[0].der


def _unusable(why: str) -> ScmGarbled:
    return ScmGarbled(
        "The list of revoked certificates cannot be used",
        why=why,
        cure="It is looked up again; a proxy may have answered",
    )
