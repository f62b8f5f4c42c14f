"""The certification authority: two hierarchies with real keys, which sign leaves, their own chain and CRLs.

Keys and serial numbers follow from the seed alone, and signatures are deterministic, so that two sandboxes with one
seed, clock and address issue the same bytes. A leaf is signed when somebody first asks for it.
"""

import hashlib
import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property, lru_cache
from math import gcd, prod

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_public_key,
)
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

from kmptui.sandbox.state import Certificate, Kind, Organization

CURVES: dict[str, ec.EllipticCurve] = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1()}
SIGNATURE_ALGORITHM = "SHA256withECDSA"
CRL_LIFETIME = timedelta(days=7)
# CA/Browser Forum reserved policy identifiers (Baseline Requirements 7.1.6.1).
_POLICIES = {"DV": "2.23.140.1.2.1", "OV": "2.23.140.1.2.2", "EV": "2.23.140.1.1"}
_SMALL_PRIMES = prod(n for n in range(3, 1000, 2) if all(n % d for d in range(3, int(n**0.5) + 1, 2)))


@dataclass(frozen=True)
class Issuer:
    """A CA certificate with its key; ``slug`` names its files under /aia and /crl."""

    slug: str
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @cached_property
    def name(self) -> str:
        """The subject, as reports and details name an issuer."""
        return self.certificate.subject.rfc4514_string()


@dataclass(frozen=True)
class Hierarchy:
    """A root and the issuing CA under it."""

    root: Issuer
    issuing: Issuer


class Authority:
    """The sandbox's CAs. *address* is where their certificates and CRLs are served, as ``http://host:port``."""

    def __init__(self, seed: int, address: str) -> None:
        self._seed = seed
        self._address = address
        public = self._hierarchy("Sandbox Public TLS", "root", "issuing")
        private = self._hierarchy("Sandbox Private", "private-root", "private-issuing")
        self.hierarchies = {"DV": public, "OV": public, "EV": public, "PRIVATE": private}
        self.issuers = {i.slug: i for h in (public, private) for i in (h.root, h.issuing)}
        # The same public issuing key under the private root: a second path, as cross-signed CAs have.
        self.cross_signed = self._issue_ca(
            public.issuing.certificate.subject, public.issuing.key, private.root, "cross", path_length=0
        )
        self._ders: dict[tuple[int, int], bytes] = {}

    # -- keys and numbers that follow from the seed

    def digest(self, *label: object, size: int = 32) -> bytes:
        return hashlib.shake_256(":".join(map(str, (self._seed, *label))).encode()).digest(size)

    def serial(self, ssl_id: int, generation: int) -> int:
        """A positive 127-bit serial number that is never short."""
        return int.from_bytes(self.digest("serial", ssl_id, generation, size=16)) >> 1 | 1 << 126

    def subject_key(self, ssl_id: int, key_type: str) -> bytes:
        """The SubjectPublicKeyInfo (DER) of an order that came with no CSR; nobody has its RSA private keys."""
        algorithm, _, parameter = key_type.partition(" - ")
        if algorithm == "EC":
            return _spki(self.elliptic_key(f"subject {ssl_id}", CURVES[parameter]).public_key())
        bits = int(parameter)
        modulus = int.from_bytes(self.digest("modulus", ssl_id, size=bits // 8)) | 3 << bits - 2 | 1
        while gcd(modulus, _SMALL_PRIMES) != 1:
            modulus += 2
        return _spki(rsa.RSAPublicNumbers(65537, modulus).public_key())

    def elliptic_key(self, label: str, curve: ec.EllipticCurve) -> ec.EllipticCurvePrivateKey:
        """A private key derived from the seed and *label*."""
        secret = int.from_bytes(self.digest("key", label, size=48)) % (1 << curve.key_size - 1)
        return ec.derive_private_key(secret + 1, curve)

    # -- what is issued

    def leaf(self, certificate: Certificate, organization: Organization) -> bytes:
        """The DER of *certificate*, signed at the first call."""
        key = (certificate.ssl_id, certificate.generation)
        if key not in self._ders:
            self._ders[key] = self._sign_leaf(certificate, organization)
        return self._ders[key]

    def signed(self, certificate: Certificate) -> bytes | None:
        """The DER of *certificate* if it was signed already."""
        return self._ders.get((certificate.ssl_id, certificate.generation))

    def chain(self, kind: Kind) -> tuple[x509.Certificate, x509.Certificate]:
        """The issuing CA and its root for certificates of *kind*."""
        hierarchy = self.hierarchies[kind]
        return hierarchy.issuing.certificate, hierarchy.root.certificate

    def roots_pem(self) -> bytes:
        """The trust anchors of everything that the sandbox signs, its HTTPS certificate included."""
        slugs = ("root", "private-root")
        return b"".join(self.issuers[slug].certificate.public_bytes(Encoding.PEM) for slug in slugs)

    def crl(self, slug: str, revoked: Iterable[tuple[int, float, int | None]], now: float) -> bytes:
        """A CRL (DER) of one issuer; *revoked* gives serial, time of revocation and reason code."""
        issuer = self.issuers[slug]
        this_update = datetime.fromtimestamp(int(now), UTC) - timedelta(hours=1)
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(issuer.certificate.subject)
            .last_update(this_update)
            .next_update(this_update + CRL_LIFETIME)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key()), critical=False)
            .add_extension(x509.CRLNumber(int(now)), critical=False)
        )
        for serial, when, reason in revoked:
            entry = x509.RevokedCertificateBuilder().serial_number(serial)
            entry = entry.revocation_date(datetime.fromtimestamp(int(when), UTC))
            flag = _REASONS.get(reason or 0)
            if flag is not None:
                entry = entry.add_extension(x509.CRLReason(flag), critical=False)
            builder = builder.add_revoked_certificate(entry.build())
        return builder.sign(issuer.key, hashes.SHA256(), ecdsa_deterministic=True).public_bytes(Encoding.DER)

    def server_files(self, host: str) -> tuple[bytes, bytes]:
        """PEM of a certificate chain and of its key for the sandbox's own HTTPS; valid by the real clock."""
        issuing = self.issuers["issuing"]
        key = self.elliptic_key(f"https {host}", CURVES["P-256"])
        now = datetime.now(UTC)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
        serial = int.from_bytes(self.digest("https", host, size=16)) >> 1
        day = timedelta(days=1)
        builder = self._leaf_builder(subject, issuing, key.public_key(), serial, now - day, now + 90 * day)
        names = x509.SubjectAlternativeName([_general_name(name) for name in (host, "localhost")])
        builder = builder.add_extension(names, critical=False)
        certificate = builder.sign(issuing.key, hashes.SHA256(), ecdsa_deterministic=True)
        chain = certificate.public_bytes(Encoding.PEM) + issuing.certificate.public_bytes(Encoding.PEM)
        return chain, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    # -- inside

    def _hierarchy(self, name: str, root_slug: str, issuing_slug: str) -> Hierarchy:
        root_key = self.elliptic_key(root_slug, CURVES["P-384"])
        root_name = _ca_name(f"{name} Root R1")
        root = Issuer(root_slug, root_key, self._issue_ca(root_name, root_key, None, root_slug, path_length=None))
        issuing_key = self.elliptic_key(issuing_slug, CURVES["P-256"])
        certificate = self._issue_ca(_ca_name(f"{name} Issuing CA E1"), issuing_key, root, issuing_slug, path_length=0)
        return Hierarchy(root, Issuer(issuing_slug, issuing_key, certificate))

    def _issue_ca(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        issuer: Issuer | None,
        label: str,
        *,
        path_length: int | None,
    ) -> x509.Certificate:
        signer, issuer_name = (issuer.key, issuer.certificate.subject) if issuer else (key, subject)
        year = 2016 if issuer is None else 2021
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer_name)
            .public_key(key.public_key())
            .serial_number(int.from_bytes(self.digest("ca", label, size=16)) >> 1)
            .not_valid_before(datetime(year, 3, 1, tzinfo=UTC))
            .not_valid_after(datetime(year + 30, 3, 1, tzinfo=UTC))
            .add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
            .add_extension(_key_usage(ca=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        )
        if issuer is not None:
            builder = self._points_to(builder, issuer)
        return builder.sign(signer, hashes.SHA384(), ecdsa_deterministic=True)

    def _sign_leaf(self, certificate: Certificate, organization: Organization) -> bytes:
        issuing = self.hierarchies[certificate.kind].issuing
        spki = certificate.spki or self.subject_key(certificate.ssl_id, certificate.key_type)
        public_key = load_der_public_key(spki)
        if not isinstance(public_key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
            raise TypeError(f"no key that a profile offers: {type(public_key).__name__}")
        start, end = (datetime.fromtimestamp(t, UTC) for t in (certificate.not_before, certificate.not_after))
        subject = _subject(certificate, organization)
        builder = self._leaf_builder(subject, issuing, public_key, certificate.serial, start, end)
        names = x509.SubjectAlternativeName([_general_name(name) for name in certificate.names])
        builder = builder.add_extension(names, critical=False)
        policy = _POLICIES.get(certificate.kind)
        if policy is not None:
            information = x509.PolicyInformation(x509.ObjectIdentifier(policy), None)
            builder = builder.add_extension(x509.CertificatePolicies([information]), critical=False)
        signed = builder.sign(issuing.key, hashes.SHA256(), ecdsa_deterministic=True)
        return signed.public_bytes(Encoding.DER)

    def _leaf_builder(
        self,
        subject: x509.Name,
        issuer: Issuer,
        public_key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey,
        serial: int,
        not_before: datetime,
        not_after: datetime,
    ) -> x509.CertificateBuilder:
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer.certificate.subject)
            .public_key(public_key)
            .serial_number(serial)
            .not_valid_before(not_before)
            .not_valid_after(not_after)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key()), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
            .add_extension(_key_usage(ca=False, encipher=isinstance(public_key, rsa.RSAPublicKey)), critical=True)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        )
        return self._points_to(builder, issuer)

    def _points_to(self, builder: x509.CertificateBuilder, issuer: Issuer) -> x509.CertificateBuilder:
        aia, crl = (f"{self._address}/{kind}/{issuer.slug}.{end}" for kind, end in (("aia", "cer"), ("crl", "crl")))
        access = x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, x509.UniformResourceIdentifier(aia))
        point = x509.DistributionPoint([x509.UniformResourceIdentifier(crl)], None, None, None)
        return builder.add_extension(x509.AuthorityInformationAccess([access]), critical=False).add_extension(
            x509.CRLDistributionPoints([point]), critical=False
        )


_REASONS = {
    1: x509.ReasonFlags.key_compromise,
    3: x509.ReasonFlags.affiliation_changed,
    4: x509.ReasonFlags.superseded,
    5: x509.ReasonFlags.cessation_of_operation,
}


def _spki(key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _ca_name(common_name: str) -> x509.Name:
    pairs = ((NameOID.COUNTRY_NAME, "GB"), (NameOID.ORGANIZATION_NAME, "Sandbox CA Limited"))
    return x509.Name([x509.NameAttribute(o, v) for o, v in (*pairs, (NameOID.COMMON_NAME, common_name))])


def _subject(certificate: Certificate, organization: Organization) -> x509.Name:
    """DV names only the host; OV adds the organization; EV its registration as well (BR 7.1.2.7)."""
    pairs: list[tuple[x509.ObjectIdentifier, str]] = []
    if certificate.kind == "EV":
        pairs += [
            (NameOID.JURISDICTION_COUNTRY_NAME, organization.country),
            (NameOID.BUSINESS_CATEGORY, "Private Organization"),
            (NameOID.SERIAL_NUMBER, f"HRB {organization.id}"),
        ]
    if certificate.kind != "DV":
        pairs += [
            (NameOID.COUNTRY_NAME, organization.country),
            (NameOID.STATE_OR_PROVINCE_NAME, organization.state),
            (NameOID.ORGANIZATION_NAME, organization.name),
        ]
    pairs.append((NameOID.COMMON_NAME, certificate.common_name))
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in pairs if value])


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


@lru_cache(maxsize=4)
def _key_usage(*, ca: bool, encipher: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not ca, content_commitment=False, key_encipherment=encipher, data_encipherment=False,
        key_agreement=False, key_cert_sign=ca, crl_sign=ca, encipher_only=False, decipher_only=False,
    )  # fmt: skip
