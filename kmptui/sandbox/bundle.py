"""The forms in which a certificate can be collected (SCM REST 25.5, Collect SSL certificate).

Orders of the chain: ``x509`` and ``pem`` run root, issuing CA, leaf, as the reference's example does; ``x509R`` and
``pemia`` run the other way. What an instance may do besides (no root, a cross-signed
CA, CRLF) is a :class:`ChainStyle`.
"""

from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

from kmptui.sandbox.authority import Authority
from kmptui.sandbox.state import Kind
from kmptui.sandbox.wire import Refusal

FORMATS = ("x509", "x509CO", "x509IO", "x509IOR", "pem", "pemco", "pemia", "x509R", "base64", "bin")


@dataclass(frozen=True)
class ChainStyle:
    """With or without the root, with a cross-signed issuing CA, with CRLF line ends."""

    root: bool = True
    cross: bool = False
    crlf: bool = False


def bundle(authority: Authority, kind: Kind, leaf_der: bytes, wanted: str, style: ChainStyle) -> bytes:
    """The bytes of a download in the format *wanted*. Refusal -1450 for a format that SCM does not know."""
    if wanted not in FORMATS:
        raise Refusal(-1450, wanted)
    leaf = x509.load_der_x509_certificate(leaf_der)
    issuing, root = authority.chain(kind)
    upwards = [issuing]
    if style.cross and kind != "PRIVATE":
        upwards.append(authority.cross_signed)
    if style.root:
        upwards.append(root)
    if wanted in ("base64", "bin"):
        encoding = Encoding.PEM if wanted == "base64" else Encoding.DER
        data = pkcs7.serialize_certificates([leaf, *upwards], encoding)
    else:
        data = b"".join(c.public_bytes(Encoding.PEM) for c in _ordered(wanted, leaf, upwards))
    return data.replace(b"\n", b"\r\n") if style.crlf and wanted != "bin" else data


def _ordered(wanted: str, leaf: x509.Certificate, upwards: list[x509.Certificate]) -> list[x509.Certificate]:
    downwards = upwards[::-1]
    orders = {
        "x509": [*downwards, leaf],
        "pem": [*downwards, leaf],
        "x509CO": [leaf],
        "pemco": [leaf],
        "x509IO": downwards,
        "x509IOR": upwards,
        "x509R": [leaf, *upwards],
        "pemia": [leaf, *upwards],
    }
    return orders[wanted]
