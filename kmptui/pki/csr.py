"""Certification requests (PKCS#10, RFC 2986)."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from kmptui.domain.keys import KeySpec
from kmptui.domain.names import MOST_NAMES, fits_common_name, parse_name
from kmptui.errors import BadInput
from kmptui.pki.encoding import MOST_BYTES, UNREADABLE, armoured, blocks
from kmptui.pki.keypair import opened, public_spec, public_spki, weakness

_LABELS = {"CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"}


@dataclass(frozen=True, slots=True)
class CsrFacts:
    """What a request asks for: `names` are punycode, the common name first; `spki` SHA-256 hex of its public key; `pem`
    the request alone, as it is sent."""

    common_name: str
    names: tuple[str, ...]
    spki: str
    key: KeySpec
    pem: str


def build(private_der: bytes, names: Sequence[str]) -> str:
    """PEM of a request signed with SHA-256: the first name as common name (left out above 64 characters), all of them
    as subject alternative names. `names` are as `Name.ascii`; at least one."""
    alternatives: list[x509.GeneralName] = []
    for text in names:
        name = parse_name(text)
        address = name.kind == "ip"
        alternatives.append(x509.IPAddress(ipaddress.ip_address(name.ascii)) if address else x509.DNSName(name.ascii))
    if not alternatives:
        raise BadInput("names", "A request needs a name")
    first = parse_name(names[0]).ascii
    subject = [x509.NameAttribute(NameOID.COMMON_NAME, first)] if fits_common_name(first) else []
    request = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name(subject))
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=not subject)
        .sign(opened(private_der), hashes.SHA256())
    )
    return request.public_bytes(Encoding.PEM).decode("ascii")


def read(data: bytes | str) -> CsrFacts:
    """The facts of one request, PEM or DER, its signature verified.

    Raises BadInput("csr"): not one request, a wrong signature, a weak key, or names that no certificate takes.
    """
    raw = data.encode("utf-8", "replace") if isinstance(data, str) else data
    der = _der(raw)
    try:
        request = x509.load_der_x509_csr(der)
        if not request.is_signature_valid:
            raise _bad("its signature is wrong: it was changed after it was made, or made for another key")
        key = request.public_key()
        common_name, names = _names(request)
        problem = weakness(key)
        spec = public_spec(key)
        spki = public_spki(key)
    except UNREADABLE as error:
        raise _bad("it cannot be decoded") from error
    if problem or spec is None:
        raise _bad(problem, "Make a new key and a new request")
    return CsrFacts(common_name, names, spki, spec, armoured("CERTIFICATE REQUEST", der).decode("ascii"))


def _der(raw: bytes) -> bytes:
    if len(raw) > MOST_BYTES:
        raise _bad("it is larger than 1 MiB")
    found = blocks(raw)
    if not found:
        if not raw.startswith(b"\x30"):
            raise _bad("it is neither PEM nor DER")
        return raw
    requests = [block for block in found if block.label in _LABELS]
    if not requests:
        raise _bad(f"it holds a {found[0].label.lower()[:40]}")
    if len(requests) > 1:
        raise _bad(f"it holds {len(requests)} of them", "Give a file with one")
    if requests[0].der is None:
        raise _bad("its base64 is damaged")
    return requests[0].der


def _names(request: x509.CertificateSigningRequest) -> tuple[str, tuple[str, ...]]:
    written = [str(attribute.value) for attribute in request.subject.get_attributes_for_oid(NameOID.COMMON_NAME)][:1]
    try:
        san = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        san = None
    for general in san or ():
        if isinstance(general, x509.DNSName | x509.IPAddress):
            written.append(str(general.value))
        else:
            raise _bad("it asks for names that are neither host names nor addresses")
    if len(written) > MOST_NAMES + 1:
        raise _bad(f"it asks for more than {MOST_NAMES} names")
    try:
        names = tuple(dict.fromkeys(parse_name(text).ascii for text in written))
    except BadInput as error:
        raise _bad(f"{error.what}: {error.why}") from None
    return names[0] if names else "", names


def _bad(why: str, cure: str = "Make one with: openssl req -new") -> BadInput:
    return BadInput("csr", "This is no certification request that can be sent", why=why, cure=cure)
