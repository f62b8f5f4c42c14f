"""Reading a certificate signing request as SCM does: PEM or bare base64, with SCM's code for each thing wrong."""

import base64
import binascii
import re
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from kmptui.sandbox.wire import Refusal

MAX_CSR = 32_767
_LABEL = re.compile(r"-----(?:BEGIN|END) (?:NEW )?CERTIFICATE REQUEST-----")
_CURVES = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}


@dataclass(frozen=True)
class SigningRequest:
    """What SCM takes from a CSR: the names, the kind of key as ``("RSA", "2048")``, and the key itself (DER)."""

    common_name: str | None
    names: tuple[str, ...]
    algorithm: str
    parameter: str
    spki: bytes

    @property
    def key_type(self) -> str:
        return f"{self.algorithm} - {self.parameter}"


def read_csr(text: str) -> SigningRequest:
    """Read *text*. Refusals: -1601 length, -9 base64, -10 decoding, -138 signature, -11 algorithm, -141 RSA size."""
    if not 1 <= len(text) <= MAX_CSR:
        raise Refusal(-1601, "csr")
    try:
        der = base64.b64decode("".join(_LABEL.sub("", text).split()), validate=True)
    except (binascii.Error, ValueError):
        raise Refusal(-9) from None
    if not der:
        raise Refusal(-9)
    try:
        request = x509.load_der_x509_csr(der)
        key = request.public_key()
        common_names = [str(a.value) for a in request.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
        names = _alternative_names(request)
    except UnsupportedAlgorithm:
        raise Refusal(-11) from None
    except (ValueError, TypeError, x509.DuplicateExtension):
        raise Refusal(-10) from None
    if isinstance(key, rsa.RSAPublicKey):
        if key.key_size < 2048:
            raise Refusal(-141, 2048)
        algorithm, parameter = "RSA", str(key.key_size)
    elif isinstance(key, ec.EllipticCurvePublicKey):
        algorithm, parameter = "EC", _CURVES.get(key.curve.name, key.curve.name)
    else:
        raise Refusal(-11)
    try:
        valid = request.is_signature_valid
    except (UnsupportedAlgorithm, InvalidSignature, ValueError):
        valid = False
    if not valid:
        raise Refusal(-138)
    spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return SigningRequest(common_names[0] if common_names else None, names, algorithm, parameter, spki)


def _alternative_names(request: x509.CertificateSigningRequest) -> tuple[str, ...]:
    try:
        extension = request.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return ()
    dns = extension.value.get_values_for_type(x509.DNSName)
    addresses = extension.value.get_values_for_type(x509.IPAddress)
    return (*dns, *map(str, addresses))
