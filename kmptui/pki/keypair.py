"""Private keys. Inside kmptui a private key is always PKCS#8 DER, unencrypted, in memory only."""

from __future__ import annotations

import hashlib

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from kmptui.domain.keys import KeySpec
from kmptui.errors import BadInput
from kmptui.pki.encoding import UNREADABLE, armoured, blocks

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

SHORTEST_RSA = 2048
"""CA/Browser Forum Baseline Requirements 6.1.5."""
LONGEST_RSA = 16_384

_CURVES: dict[str, ec.EllipticCurve] = {
    "P-256": ec.SECP256R1(),
    "P-384": ec.SECP384R1(),
    "P-521": ec.SECP521R1(),
}
_CURVE_NAMES = {curve.name: name for name, curve in _CURVES.items()}
_LABELS = {"PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "ENCRYPTED PRIVATE KEY"}


def generate(spec: KeySpec) -> bytes:
    """A new private key as PKCS#8 DER. RSA takes 0.1 to some seconds without the GIL; call it in a thread."""
    key: PrivateKey
    if spec.algorithm == "RSA":
        key = rsa.generate_private_key(public_exponent=65_537, key_size=int(spec.parameter))
    else:
        key = ec.generate_private_key(_CURVES[spec.parameter])
    return _pkcs8(key)


def load(data: bytes, passphrase: bytes | None = None) -> bytes:
    """PKCS#8 DER of the one private key in `data`: PEM or DER, traditional (PKCS#1, SEC 1) or PKCS#8, encrypted or not;
    certificates beside it in a PEM file are passed over.

    Raises BadInput("key_file"): no key, several, of a kind or length that no certificate takes, or, with the field
    "passphrase", encrypted and without the right passphrase.
    """
    pem = _only_block(data)
    key: object
    try:
        if pem is not None:
            key = serialization.load_pem_private_key(pem, _given(pem, passphrase))
        else:
            key = _load_der(data, passphrase)
    except UNREADABLE as error:
        if is_encrypted(data):
            what = "The private key's passphrase is wrong" if passphrase else "The private key is encrypted"
            raise BadInput("passphrase", what, cure="Give its passphrase") from error
        raise _bad("it cannot be decoded", "Give a private key in PEM or DER") from None
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise _bad("it is neither RSA nor EC", "Certificates take RSA and EC keys")
    if problem := weakness(key.public_key()):
        raise _bad(problem, "Make a new key")
    return _pkcs8(key)


def is_encrypted(data: bytes) -> bool:
    """Whether `data` is (or holds, in PEM) an encrypted private key."""
    if pem := [block for block in blocks(data) if block.label.endswith("PRIVATE KEY")]:
        return any(b.label.startswith("ENCRYPTED") or b"ENCRYPTED" in b.text[:200] for b in pem)
    try:
        serialization.load_der_private_key(data, None)
    except TypeError:  # how the library says that a password is missing
        return True
    except UNREADABLE:
        return False
    return False


def opened(private_der: bytes) -> PrivateKey:
    """The library's key object of a PKCS#8 DER that came from here."""
    key = serialization.load_der_private_key(private_der, None)
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise TypeError("neither RSA nor EC")
    return key


def spki(private_der: bytes) -> str:
    """SHA-256 of the public key (SubjectPublicKeyInfo, RFC 5280 4.1), lower-case hex."""
    return public_spki(opened(private_der).public_key())


def public_spki(key: PublicKeyTypes) -> str:
    """The same of a public key."""
    return hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def spec_of(private_der: bytes) -> KeySpec:
    """Algorithm and size of a private key."""
    spec = public_spec(opened(private_der).public_key())
    if spec is None:
        raise TypeError("neither RSA nor a known curve")
    return spec


def public_spec(key: PublicKeyTypes) -> KeySpec | None:
    """Algorithm and size of a public key; None for kinds that are neither RSA nor one of the three curves."""
    if isinstance(key, rsa.RSAPublicKey):
        return KeySpec("RSA", str(key.key_size))
    if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in _CURVE_NAMES:
        return KeySpec("EC", _CURVE_NAMES[key.curve.name])
    return None


def weakness(key: PublicKeyTypes) -> str:
    """Why no public certificate may hold this key (Baseline Requirements 6.1.5, 6.1.6); empty where it may."""
    spec = public_spec(key)
    if isinstance(key, ec.EllipticCurvePublicKey) and spec is None:
        return f"its curve {key.curve.name} is none of P-256, P-384, P-521"
    if spec is None:
        return "it is neither RSA nor EC"
    if isinstance(key, rsa.RSAPublicKey):
        if key.key_size < SHORTEST_RSA:
            return f"RSA with {key.key_size} bits is too short, it takes {SHORTEST_RSA}"
        if key.key_size > LONGEST_RSA:
            return f"RSA with {key.key_size:,} bits is too long"
        if key.public_numbers().e % 2 == 0 or key.public_numbers().e < 3:
            return "its public exponent is not a safe one"
    return ""


def pem(private_der: bytes, password: str | None = None) -> bytes:
    """PKCS#8 PEM, encrypted (AES-256, PBKDF2) where a password is given."""
    if password is None:
        return armoured("PRIVATE KEY", private_der)
    encryption = serialization.BestAvailableEncryption(password.encode())
    return opened(private_der).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)


def _pkcs8(key: PrivateKey) -> bytes:
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def _only_block(data: bytes) -> bytes | None:
    """The one private key block of a PEM file; None where the data is no PEM."""
    found = blocks(data)
    keys = [block for block in found if block.label.endswith("PRIVATE KEY")]
    if len(keys) > 1:
        raise _bad(f"the file holds {len(keys)} of them", "Give a file with one private key")
    if not keys:
        if found:
            raise _bad(f"the file holds a {found[0].label.lower()[:40]}", "Give the file of the private key")
        return None
    if keys[0].label not in _LABELS:
        raise _bad(f"{keys[0].label.lower()} is a format of another kind", "Convert it with: openssl pkey")
    return keys[0].text + b"\n"


def _load_der(data: bytes, passphrase: bytes | None) -> object:
    try:
        return serialization.load_der_private_key(data, None)
    except TypeError:
        return serialization.load_der_private_key(data, passphrase)


def _given(pem_text: bytes, passphrase: bytes | None) -> bytes | None:
    """The passphrase, only where the block is encrypted: the library refuses a needless one."""
    return passphrase if b"ENCRYPTED" in pem_text[:200] else None


def _bad(why: str, cure: str) -> BadInput:
    return BadInput("key_file", "This is no private key for a certificate", why=why, cure=cure)
