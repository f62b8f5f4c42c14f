"""PEM and DER: what is in a file or an answer, before anything is believed.

PEM is RFC 7468, read with tolerance for CRLF, blanks at line ends and words around the blocks.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.utils import CryptographyDeprecationWarning

MOST_BYTES = 1024 * 1024
MOST_BLOCKS = 64

UNREADABLE = (
    ValueError,
    TypeError,
    OverflowError,
    UnsupportedAlgorithm,
    InvalidSignature,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
    x509.ExtensionNotFound,
    CryptographyDeprecationWarning,
)
"""What `cryptography` raises for bytes that are not what they claim; the warning counts where warnings are errors."""

_BLOCK = re.compile(rb"-----BEGIN ([A-Z0-9 ]{1,40})-----(.*?)-----END \1-----", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Block:
    """One PEM block: its label, its text as it stood there, and the DER bytes (None where they do not decode, or are
    encrypted in the old way with headers)."""

    label: str
    text: bytes
    der: bytes | None

    def __repr__(self) -> str:
        return f"Block({self.label!r}, {len(self.text)} bytes)"


def blocks(data: bytes) -> tuple[Block, ...]:
    """The PEM blocks of `data`, at most 65 of them, so that the caller can tell too many."""
    found = []
    for match in _BLOCK.finditer(data):
        body = match[2]
        der = None if b":" in body else unarmoured(body)
        found.append(Block(match[1].decode("ascii"), match[0], der))
        if len(found) > MOST_BLOCKS:
            break
    return tuple(found)


def unarmoured(body: bytes) -> bytes | None:
    """Bytes from base64 text, None where it is none."""
    try:
        return base64.b64decode(b"".join(body.split()), validate=True) or None
    except (binascii.Error, ValueError):
        return None


def armoured(label: str, der: bytes) -> bytes:
    """One PEM block with lines of 64 characters, ending with a line break."""
    text = base64.b64encode(der)
    lines = [text[at : at + 64] for at in range(0, len(text), 64)]
    return b"\n".join([f"-----BEGIN {label}-----".encode(), *lines, f"-----END {label}-----".encode(), b""])
