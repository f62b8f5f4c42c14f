"""What a file is, told by its content and never by its name; and reading files that a person names."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from kmptui.errors import BadInput, KmptuiError
from kmptui.pki import chain, csr, keypair
from kmptui.pki.encoding import MOST_BYTES, blocks

_JKS = b"\xfe\xed\xfe\xed"
_JCEKS = b"\xce\xce\xce\xce"


@dataclass(frozen=True, slots=True)
class Found:
    """What data is: `kind` certificate, csr, key, encrypted key, pkcs12, jks, pkcs7 or unknown; with it what finds its
    order: `spki` and `sha256` lower-case hex, `serial` as in CertificateFacts; None where it cannot be told without a
    password. `problem` says why something that claims to be of the kind cannot be read."""

    kind: str
    spki: str | None = None
    serial: str | None = None
    sha256: str | None = None
    problem: str = ""


def identify(data: bytes) -> Found:
    """What `data` is. Of a bundle the end certificate counts; of a PEM file with key and certificate, the certificate.
    Never raises; data that claims a kind and cannot be read has that kind and a problem."""
    try:
        return _pem(data) if blocks(data) else _binary(data)
    except KmptuiError as error:
        return Found("unknown", problem=str(error))


def read_file(path: str | Path, *, field: str = "file") -> bytes:
    """The bytes of a regular file of 1 byte to 1 MiB; pipes, devices and folders are refused without being waited for.

    Raises BadInput(field) with the reason.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except ValueError:
        raise BadInput(field, "The file's path has a character that no path has") from None
    except OSError as error:
        raise BadInput(field, f"{path} cannot be read", why=error.strerror or str(error)) from error
    try:
        mode = os.fstat(handle).st_mode
        if not stat.S_ISREG(mode):
            word = "a folder" if stat.S_ISDIR(mode) else "a pipe, socket or device"
            raise BadInput(field, f"{path} is {word}", cure="Give a regular file")
        with open(handle, "rb", closefd=False) as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise BadInput(field, f"{path} cannot be read", why=error.strerror or str(error)) from error
    finally:
        os.close(handle)
    if not data:
        raise BadInput(field, f"{path} is empty")
    if len(data) > MOST_BYTES:
        raise BadInput(field, f"{path} is larger than 1 MiB", why="no certificate, key or request is")
    return data


def _pem(data: bytes) -> Found:
    labels = [block.label for block in blocks(data)]
    if any(label in {"CERTIFICATE", "X509 CERTIFICATE"} for label in labels):
        return _certificates("certificate", data)
    if any(label in {"PKCS7", "CMS"} for label in labels):
        return _certificates("pkcs7", data)
    if any(label.endswith("CERTIFICATE REQUEST") for label in labels):
        return _csr(data)
    if any(label.endswith("PRIVATE KEY") for label in labels):
        return _key(data)
    return Found("unknown")


def _binary(data: bytes) -> Found:
    if data.startswith((_JKS, _JCEKS)):
        return _jks(data)
    if not data.startswith(b"\x30"):
        return Found("unknown")
    if _version(data) == 3:
        return Found("pkcs12")
    for kind in ("certificate", "pkcs7"):
        found = _certificates(kind, data)
        if not found.problem:
            is_one = chain.parse(data)[0] == data
            return found if is_one == (kind == "certificate") else _certificates("pkcs7", data)
    for found in (_csr(data), _key(data)):
        if not found.problem:
            return found
    return Found("unknown")


def _certificates(kind: str, data: bytes) -> Found:
    try:
        certificates = chain.parse(data)
        try:
            leaf = chain.assemble(certificates, None).leaf
        except KmptuiError:  # issuers alone, or several ends: the first one stands for the file
            leaf = certificates[0]
        facts = chain.facts(leaf)
    except KmptuiError as error:
        return Found(kind, problem=str(error))
    return Found(kind, facts.spki, facts.serial, facts.sha256)


def _csr(data: bytes) -> Found:
    try:
        return Found("csr", csr.read(data).spki)
    except BadInput as error:
        return Found("csr", problem=str(error))


def _key(data: bytes) -> Found:
    if keypair.is_encrypted(data):
        return Found("encrypted key")
    try:
        return Found("key", keypair.spki(keypair.load(data)))
    except BadInput as error:
        return Found("key", problem=str(error))


def _jks(data: bytes) -> Found:
    """Java keystores hold their certificates in clear; of several entries none can be said to be meant."""
    import jks as javakeystore  # type: ignore[import-untyped]  # slow to import, seldom needed

    try:
        entries = list(javakeystore.KeyStore.loads(data, None, try_decrypt_keys=False).private_keys.values())
        leaves = [entry.cert_chain[0][1] for entry in entries if entry.cert_chain]
    except Exception as error:  # noqa: BLE001 - hostile bytes make the parser raise struct, index, Unicode and own errors
        return Found("jks", problem=f"The keystore cannot be read: {type(error).__name__}")
    if len(leaves) != 1:
        return Found("jks")
    try:
        facts = chain.facts(leaves[0])
    except KmptuiError as error:
        return Found("jks", problem=str(error))
    return Found("jks", facts.spki, facts.serial, facts.sha256)


def _version(der: bytes) -> int | None:
    """The INTEGER that a DER SEQUENCE starts with: 3 for PKCS#12 (RFC 7292, 4), 0 or 1 for keys; None for any other."""
    if len(der) < 8:
        return None
    length_bytes = der[1] & 0x7F if der[1] & 0x80 else 0
    inner = der[2 + length_bytes : 5 + length_bytes]
    return inner[2] if inner[:2] == b"\x02\x01" and len(inner) == 3 else None
