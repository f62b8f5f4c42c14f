"""Fetching a CA's list of revoked certificates: plain HTTP to an address that a certificate names, without credentials.

Another host than SCM's, so another client: no login, no cookies, nothing of the account goes there.
"""

from __future__ import annotations

import asyncio
import ssl

import httpx

from kmptui import __version__
from kmptui.errors import ScmGarbled
from kmptui.scm import failures, transport
from kmptui.scm.body import Bounds, Unreadable, whole

CRL = Bounds(size=32 * 1024 * 1024, seconds=30.0)
MOST_REDIRECTS = 3


async def fetch(
    url: str, *, ca_file: str = "", proxy: str = "", network: httpx.AsyncBaseTransport | None = None
) -> bytes:
    """The file at an http or https address: at most 32 MiB, within 30 s. Redirects are followed within their scheme.
    `network` takes the network's place. Raises Unreachable, ScmGarbled; BadInput("ca_file"|"proxy")."""
    address = _address(url)
    found_proxy = transport.proxy_for(str(address), proxy) if network is None else ""
    route = failures.Route(address.host, transport.proxy_words(found_proxy))
    client = httpx.AsyncClient(
        transport=network or _network(address, ca_file, found_proxy),
        trust_env=False,
        follow_redirects=False,
        headers={"Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": f"kmptui/{__version__}"},
        timeout=httpx.Timeout(CRL.seconds, connect=transport.CONNECT_SECONDS),
    )
    try:
        async with client, asyncio.timeout(CRL.seconds):
            return await _followed(client, address)
    except (httpx.HTTPError, OSError) as error:  # TimeoutError is an OSError
        trouble = failures.unreachable(error, route)
        trouble.cure = "It is looked up again"
        raise trouble from error
    except (httpx.InvalidURL, UnicodeError) as error:
        raise _unusable(address.host, "its address cannot be read") from error
    except Unreadable as error:
        raise _unusable(address.host, str(error)) from error


async def _followed(client: httpx.AsyncClient, address: httpx.URL) -> bytes:
    for _ in range(MOST_REDIRECTS + 1):
        async with client.stream("GET", address) as response:
            if not response.is_redirect:
                if response.status_code != httpx.codes.OK:
                    raise _unusable(address.host, f"status {response.status_code}")
                return await whole(response, CRL)
            address = _onward(address, response.headers.get("location", ""))
    raise _unusable(address.host, "it redirects again and again")


def _onward(address: httpx.URL, location: str) -> httpx.URL:
    try:
        target = address.join(location)
    except (httpx.InvalidURL, UnicodeError, ValueError):
        raise _unusable(address.host, "it redirects to an address that cannot be read") from None
    if target.scheme != address.scheme or target.userinfo:
        raise _unusable(address.host, "it redirects to an address of another kind")
    return target


def _address(url: str) -> httpx.URL:
    try:
        address = httpx.URL(url)
    except (httpx.InvalidURL, UnicodeError):
        raise _unusable("the CA", "its address cannot be read") from None
    if address.scheme not in {"http", "https"} or not address.host or address.userinfo:
        raise _unusable(address.host or "the CA", "its address is no plain http or https address")
    return address


def _network(address: httpx.URL, ca_file: str, proxy: str) -> httpx.AsyncBaseTransport:
    secure = address.scheme == "https" or proxy.startswith("https:")
    context = transport.trust(ca_file) if secure else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    through = httpx.Proxy(proxy, ssl_context=context if proxy.startswith("https:") else None) if proxy else None
    return httpx.AsyncHTTPTransport(verify=context, proxy=through, trust_env=False, retries=0)


def _unusable(host: str, why: str) -> ScmGarbled:
    return ScmGarbled(
        f"The list of revoked certificates of {host} cannot be had", why=why, cure="It is looked up again"
    )
