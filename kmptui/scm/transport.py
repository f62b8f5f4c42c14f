"""The way to SCM: who asks, whom we trust, through which proxy, and the HTTP client that results.

Trust is the system's store plus one file; TLS 1.2 or newer. Loopback never goes through a proxy. Login, password and
customer URI are headers (SCM REST 25.5, Authentication); they are set by an `httpx.Auth`, so that another way to log
in can take its place, and only on requests to the linked host.
"""

from __future__ import annotations

import ssl
from collections.abc import Generator
from dataclasses import dataclass, field
from urllib.request import getproxies, proxy_bypass

import httpx

from kmptui import __version__
from kmptui.domain import entry
from kmptui.errors import BadInput

CONNECT_SECONDS = 10.0
READ_SECONDS = 60.0
KEEP_ALIVE_SECONDS = 4.0
"""Shorter than common servers' 5 s: a request on a connection that the server is just closing gets no answer."""
SPARE_CONNECTIONS = 2
"""Beyond those for reads, so that a change never waits for the reads of a background job."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """Where SCM is and who asks. Raises BadInput(base_url|login|password|customer_uri) for what no address or header
    may hold; the base URL is kept without a trailing slash."""

    base_url: str
    login: str
    password: str = field(repr=False)
    customer_uri: str

    def __post_init__(self) -> None:
        for name in ("base_url", "login", "password", "customer_uri"):
            object.__setattr__(self, name, getattr(entry, name)(getattr(self, name)))


class HeaderLogin(httpx.Auth):
    """Login, password and customer URI in the headers of every request to one host."""

    def __init__(self, credentials: Credentials) -> None:
        self._origin = _origin(httpx.URL(credentials.base_url))
        self._headers = {
            "login": credentials.login,
            "password": credentials.password,
            "customerUri": credentials.customer_uri,
        }

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        if _origin(request.url) == self._origin:
            request.headers.update(self._headers)
        yield request


def trust(ca_file: str = "") -> ssl.SSLContext:
    """The system's trust store, and the certificates of `ca_file` (PEM). Raises BadInput("ca_file")."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca_file:
        try:
            context.load_verify_locations(cafile=ca_file)
        except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
            unread = isinstance(error, OSError) and not isinstance(error, ssl.SSLError)
            why = str(getattr(error, "strerror", "")).lower() if unread else "it holds no PEM certificate"
            raise BadInput("ca_file", f"{ca_file} cannot be used", why=why, cure="Give a PEM file") from error
    return context


def proxy_for(base_url: str, setting: str = "") -> str:
    """The proxy's URL: the setting, else the environment (HTTPS_PROXY, ALL_PROXY, NO_PROXY); empty for none, and always
    for loopback. Raises BadInput("proxy")."""
    url = httpx.URL(base_url)
    if entry.is_loopback(url.host):
        return ""
    if setting:
        return entry.proxy_url(setting)
    known = getproxies()
    found = known.get(url.scheme) or known.get("all") or ""
    if not found or proxy_bypass(url.host):
        return ""
    return entry.proxy_url(found if "://" in found else f"http://{found}", with_login=True)


def build(credentials: Credentials, *, ca_file: str, proxy: str, concurrency: int) -> httpx.AsyncHTTPTransport:
    """The network. `retries=0`: connecting again is decided where it is known whether the request may be repeated."""
    secure = credentials.base_url.startswith("https:") or proxy.startswith("https:")
    context = trust(ca_file) if secure or ca_file else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    most = concurrency + SPARE_CONNECTIONS
    return httpx.AsyncHTTPTransport(
        verify=context,
        proxy=httpx.Proxy(proxy, ssl_context=context if proxy.startswith("https:") else None) if proxy else None,
        trust_env=False,
        http2=False,
        retries=0,
        limits=httpx.Limits(max_connections=most, max_keepalive_connections=most, keepalive_expiry=KEEP_ALIVE_SECONDS),
    )


def client(credentials: Credentials, transport: httpx.AsyncBaseTransport) -> httpx.AsyncClient:
    """No redirects, nothing from the environment, gzip at most (answers are unpacked under a bound)."""
    return httpx.AsyncClient(
        base_url=credentials.base_url,
        auth=HeaderLogin(credentials),
        transport=transport,
        trust_env=False,
        follow_redirects=False,
        headers={
            "Accept": "application/json, */*;q=0.5",
            "Accept-Encoding": "gzip",
            "User-Agent": f"kmptui/{__version__}",
        },
        timeout=httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS),
    )


def proxy_words(proxy: str) -> str:
    """Host and port of a proxy, without its user and password."""
    if not proxy:
        return ""
    url = httpx.URL(proxy)
    return f"{url.host}:{url.port}" if url.port else url.host


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port
