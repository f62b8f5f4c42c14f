"""What the sandbox's own tests speak with: plain HTTP with its credentials, and CSRs of every kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from kmptui.sandbox.server import SandboxServer

ApiFactory = Callable[..., httpx.Client]
Csr = Callable[..., str]


@pytest.fixture
def api_of() -> Iterator[ApiFactory]:
    """``api_of(sandbox, login=None)``: an HTTP client with an administrator's credentials, closed after the test."""
    with ExitStack() as stack:

        def connect(sandbox: SandboxServer, login: str | None = None) -> httpx.Client:
            headers = sandbox.headers(login)
            return stack.enter_context(
                httpx.Client(base_url=sandbox.base_url, headers=headers, trust_env=False, timeout=30)
            )

        yield connect


@pytest.fixture
def api(sandbox: SandboxServer, api_of: ApiFactory) -> httpx.Client:
    """A client of ``sandbox`` as ops-api."""
    return api_of(sandbox)


@pytest.fixture(scope="session")
def keys() -> dict[str, Any]:
    """One private key of each kind, by its key type; the weak and the odd ones too."""
    return {
        "RSA - 1024": rsa.generate_private_key(65537, 1024),
        "RSA - 2048": rsa.generate_private_key(65537, 2048),
        "RSA - 3072": rsa.generate_private_key(65537, 3072),
        "EC - P-256": ec.generate_private_key(ec.SECP256R1()),
        "EC - P-384": ec.generate_private_key(ec.SECP384R1()),
        "EC - P-521": ec.generate_private_key(ec.SECP521R1()),
        "Ed25519": ed25519.Ed25519PrivateKey.generate(),
    }


@pytest.fixture
def csr(keys: dict[str, Any]) -> Csr:
    """``csr("www.example.com", *sans, key="EC - P-256")`` → PEM."""

    def make(common_name: str | None, *names: str, key: str = "EC - P-256") -> str:
        pairs = [] if common_name is None else [x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name)]
        builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(pairs))
        if names:
            alternatives = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
            builder = builder.add_extension(alternatives, critical=False)
        algorithm = None if key == "Ed25519" else hashes.SHA256()
        return builder.sign(keys[key], algorithm).public_bytes(Encoding.PEM).decode()

    return make


@pytest.fixture
def order_fields(csr: Csr) -> Callable[..., dict[str, Any]]:
    """``order_fields("www.example.com", term=90)``: an enrolment that the sandbox takes, with changes."""

    def make(name: str = "fresh.example.com", **changes: Any) -> dict[str, Any]:
        fields = {
            "orgId": 7101,
            "certType": 2102,
            "term": 199,
            "csr": csr(name),
            "subjAltNames": name,
            "customFields": [{"name": "Cost Centre", "value": "CC-1"}],
        }
        return {key: value for key, value in (fields | changes).items() if value is not ...}

    return make
