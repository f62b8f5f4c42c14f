"""What is made before a request is written down: a new key, sealed, and its CSR; or the facts of a CSR that was
brought."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kmptui.domain.order import NewKey, OwnCsr
from kmptui.store.sealed import new_identity

if TYPE_CHECKING:
    from kmptui.domain.keys import KeySpec
    from kmptui.pki.csr import CsrFacts
    from kmptui.services.engine import Engine
    from kmptui.store.sealed import Sealed


@dataclass(frozen=True, slots=True)
class Made:
    """A CSR in PEM, the SHA-256 of its public key, the sealed private key (None: it stays elsewhere), and the kind of
    key in words ("RSA 2048")."""

    csr: str
    spki: str
    key: Sealed | None
    words: str


async def make(engine: Engine, key: NewKey | OwnCsr, names: tuple[str, ...]) -> Made:
    """Raises BadInput("csr"), VaultLocked: what may fail fails here, before anything is written."""
    if isinstance(key, NewKey):
        private, csr, spki = await asyncio.to_thread(_new_key, key.spec, names)
        return Made(csr, spki, await engine.seal(private, new_identity()), str(key.spec))
    read = await read_csr(key)
    return Made(read.pem, read.spki, None, str(read.key))


async def read_csr(own: OwnCsr) -> CsrFacts:
    """The facts of a CSR that a user brings, its signature verified. Raises BadInput("csr")."""
    return await asyncio.to_thread(_read, own.pem)


def _new_key(spec: KeySpec, names: tuple[str, ...]) -> tuple[bytes, str, str]:
    from kmptui.pki import csr, keypair

    private = keypair.generate(spec)
    return private, csr.build(private, names), keypair.spki(private)


def _read(pem: str) -> CsrFacts:
    from kmptui.pki import csr

    return csr.read(pem)
