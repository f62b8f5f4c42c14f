"""What an export holds: which parts, under which password, in which encoding, and what must be said about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from kmptui.domain.audit import Entry
from kmptui.errors import BadInput

if TYPE_CHECKING:
    from kmptui.domain.certificate import Certificate

SUFFIXES = {"pkcs12": "p12", "jks": "jks", "pem": "pem", "der": "der"}
PARTS = {
    "pkcs12": ("",),
    "jks": ("",),
    "pem": ("", "key", "leaf", "chain", "full"),
    "der": ("", "leaf"),
}
"""What of a certificate each format can hold alone; the empty one is the whole."""
JKS_IS_WEAK = "JKS protects the key weakly (SHA-1 only): PKCS#12 is read by every Java since 8"
COMPATIBLE_IS_WEAK = "This PKCS#12 is made for old readers and protects the key weakly (3DES, SHA-1)"
KEY_IN_CLEAR = "The private key is in the file without a password: whoever reads the file has the key"
NO_KEY = "The private key is not here, so the file holds certificates alone"


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """What to write. `format`: pkcs12, jks, pem, der; `only`: "" (whole), key, leaf, chain, full (leaf and chain).

    `out` None: the bytes are returned. `password` None: the order's sealed one, where there is one; `generate` makes
    one; `clear` writes a key without a password (asked for, and in the audit). `replace`: an existing file may be
    replaced. `compatible`: PKCS#12 for old readers (3DES, SHA-1).
    """

    certificate_id: int
    format: str = "pkcs12"
    only: str = ""
    out: Path | None = None
    password: str | None = field(default=None, repr=False)
    generate: bool = False
    clear: bool = False
    alias: str = ""
    replace: bool = False
    compatible: bool = False


@dataclass(frozen=True, slots=True)
class Exported:
    """`sha256` of the file in hex, `scp` a line ready to be pasted, `password` the one that was made (else "")."""

    path: Path | None
    sha256: str
    size: int
    scp: str
    warnings: tuple[str, ...] = ()
    data: bytes = field(default=b"", repr=False)
    password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Secrets:
    """What protects the key in a file: `private` PKCS#8 DER or None where no key goes in, `password` None: in clear."""

    private: bytes | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    made: bool = False


def check(request: ExportRequest) -> None:
    """Raise BadInput(format, only, password) for what no file can hold."""
    if request.format not in PARTS:
        raise BadInput("format", f"There is no format {request.format[:20]!r}", cure=f"Take one of {', '.join(PARTS)}")
    if request.only not in PARTS[request.format]:
        alone = ", ".join(part for part in PARTS[request.format] if part)
        what = f"{request.format} cannot hold the {request.only[:20]} alone"
        raise BadInput("only", what, cure=f"It can hold: {alone}" if alone else "Take pem for parts")
    if sum((request.password is not None, request.generate, request.clear)) > 1:
        raise BadInput("password", "Give a password, have one made, or leave it off: only one of them")
    if request.clear and request.format in {"pkcs12", "jks"}:
        raise BadInput("password", f"{request.format} always has a password", cure="Take pem for a key in clear")


def encoded(request: ExportRequest, certificate: Certificate, secrets: Secrets) -> bytes:
    """The file's bytes. Slow for keystores: call it in a thread. Raises BadInput."""
    from kmptui.pki import keystore

    leaf, chain = certificate.leaf, certificate.chain
    alias = request.alias or certificate.row.common_name[:100] or certificate.row.number
    if request.format == "der":
        return keystore.der(leaf)
    if request.format == "pem":
        part = request.only or ("full" if secrets.private is None else "all")
        return keystore.pem(part, leaf, chain, secrets.private, secrets.password)
    assert secrets.private is not None  # noqa: S101 - the repository refuses a keystore without a key
    assert secrets.password is not None  # noqa: S101 - `check` refuses one in clear
    if request.format == "jks":
        return keystore.jks(secrets.private, leaf, chain, secrets.password, alias)
    return keystore.pkcs12(secrets.private, leaf, chain, secrets.password, alias, request.compatible)


def warnings(request: ExportRequest, secrets: Secrets) -> tuple[str, ...]:
    """What a person should know before the file goes anywhere."""
    found = []
    if request.format == "jks":
        found.append(JKS_IS_WEAK)
    if request.format == "pkcs12" and request.compatible:
        found.append(COMPATIBLE_IS_WEAK)
    if secrets.private is not None and secrets.password is None:
        found.append(KEY_IN_CLEAR)
    if request.format == "pem" and request.only == "" and secrets.private is None:
        found.append(NO_KEY)
    return tuple(found)


def export_entry(
    request: ExportRequest, certificate: Certificate, secrets: Secrets, digest: str, phase: str = "done"
) -> Entry:
    """The audit's row: what was written where, and how the key is protected."""
    holds = "certificates alone"
    if secrets.private is not None:
        holds = "the key in clear" if secrets.password is None else "the key, with a password"
    details = (
        ("format", " ".join(filter(None, (request.format, request.only)))),
        ("holds", holds),
        ("to", str(request.out) if request.out is not None else "standard output or screen"),
        ("sha256", digest),
    )
    return Entry(
        "export",
        phase,
        "prepared" if phase == "intent" else "done",
        subject=subject(certificate),
        order_id=certificate.row.order_id,
        certificate_id=certificate.id,
        details=details,
    )


def subject(certificate: Certificate) -> str:
    """How the audit names a certificate."""
    return f"{certificate.row.number} {certificate.row.common_name} {certificate.row.serial}"
