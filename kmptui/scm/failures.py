"""The border: what httpx raises and what SCM answers, as errors of kmptui.

Two readings of the same trouble. On a read nothing has changed, whatever happened. On a change only what proves that
nothing was sent is `Unreachable`, only a known refusal is a refusal, and everything else is `Unconfirmed`.
"""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

import httpx

from kmptui import errors
from kmptui.domain.clock import Clock
from kmptui.domain.text import clip, printable
from kmptui.scm import codes
from kmptui.scm.dates import from_header

NOTHING_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)
"""Raised before the request's first byte leaves: the connection, the tunnel or a free place for it was not had."""
LONGEST_TEXT = 1_000
_TOO_OLD = ("protocol version", "unsupported protocol", "dh key too small", "no ciphers", "handshake failure")
"""What OpenSSL calls it when both sides find no version or cipher that each of them takes."""

E = TypeVar("E", bound=BaseException)


@dataclass(frozen=True, slots=True)
class Call:
    """One of SCM's calls: its name in `codes`, and the thing it is about in the user's words ("the order")."""

    name: str
    words: str = ""
    cure: str = ""


@dataclass(frozen=True, slots=True)
class Route:
    """The way to SCM as it is named to the user: host, and the proxy's host and port where there is one."""

    host: str
    proxy: str = ""


def unreachable(error: Exception, route: Route) -> errors.Unreachable:
    """What kept a request from an answer. Raises nothing; an unknown exception reads as a broken connection."""
    causes = list(_causes(error))
    if isinstance(error, httpx.ProxyError):
        return _proxy_failed(route, str(error))
    if isinstance(error, httpx.PoolTimeout):
        return errors.TimedOut("kmptui is too busy", why=f"no free connection to {route.host}", cure="Try again")
    if isinstance(error, httpx.ConnectTimeout):
        return errors.ConnectFailed(f"No connection to {route.host}", why="nobody answers there", cure=_way(route))
    if isinstance(error, httpx.TimeoutException | TimeoutError):
        return errors.TimedOut(f"{route.host} did not answer in time", cure="Try again later")
    if (untrusted := _first(causes, ssl.SSLCertVerificationError)) is not None:
        return errors.TlsUntrusted(
            f"The certificate of {route.host} is not trusted",
            why=printable(untrusted.verify_message or "it cannot be verified"),
            cure="Where TLS is inspected or the CA is your own, give its certificate with --ca-file",
        )
    if isinstance(error, httpx.ConnectError):
        return _not_connected(causes, route)
    return errors.ConnectFailed(f"The connection to {route.host} broke off", why=_reason(error), cure="Try again later")


def lasting(error: Exception) -> bool:
    """Whether trying again in a moment is no use: a certificate, a name, a wrong address or proxy does not heal."""
    causes = list(_causes(error))
    unknown = _first(causes, socket.gaierror)
    return (
        isinstance(error, httpx.UnsupportedProtocol | httpx.ProxyError)
        or _first(causes, ssl.SSLCertVerificationError) is not None
        or (unknown is not None and unknown.errno != socket.EAI_AGAIN)
    )


def unconfirmed(call: Call, why: str) -> errors.Unconfirmed:
    """A change without a clear answer."""
    return errors.Unconfirmed(f"Whether SCM took {call.words} is not known", why=why, cure=call.cure)


def broken_off(error: BaseException) -> str:
    """Why a change has no answer, in words."""
    if isinstance(error, httpx.TimeoutException | TimeoutError):
        return "it was sent, and no answer came in time"
    return "it was sent, and the connection broke off"


def refusal(call: Call, status: int, code: int | None, text: str) -> errors.AccountRefused | errors.ScmRefused:
    """SCM's No with its code; `text` is SCM's own and is kept."""
    shown = clip(printable(text), LONGEST_TEXT)
    found = codes.meaning(code, text, call.name) if code is not None else codes.Meaning(codes.UNKNOWN, "")
    unsaid = found.kind in {codes.UNKNOWN, codes.TEMPORARY}  # then the status speaks
    if found.kind == codes.CREDENTIALS or (unsaid and status == 401):
        folded = text.lower()
        if "password" in folded and "expire" in folded:
            return errors.PasswordExpired("The API password has expired", code=code, text=shown, status=status)
        what = "SCM refuses the login" if unsaid else found.what
        cure = "Have the account unlocked in SCM first" if "locked" in folded else ""
        return errors.WrongLogin(what, code=code, text=shown, status=status, cure=cure)
    if found.kind == codes.RIGHTS or (unsaid and status == 403):
        what = "The account may not do this" if unsaid else found.what
        return errors.RoleMissing(what, code=code, text=shown, status=status)
    return errors.ScmRefused(
        found.what or f"SCM refused the request with status {status}",
        code=code,
        text=shown,
        status=status,
        kind=found.kind,
        field=found.field,
        cure=found.cure,
    )


def web_page(host: str, status: int, body: bytes) -> errors.ScmGarbled:
    """HTML where SCM's answer should be: a login page, a proxy, maintenance, or a wrong address."""
    head = body[:20_000].lower()
    if b"maintenance" in head or b"be back" in head:
        why, cure = "it speaks of maintenance", "Try again later"
    elif b"proxy" in head or b"blocked" in head or b"zscaler" in head:
        why, cure = "it looks like a proxy's page", "Check the proxy setting, or ask who runs the proxy"
    elif b'type="password"' in head or b"log in" in head or b"login" in head or b"sign in" in head:
        why, cure = "it looks like a login page", "Check the base URL: it ends with /api"
    else:
        why, cure = f"status {status}", ""
    return errors.ScmGarbled(f"{host} answered with a web page", why=why, cure=cure)


def redirected(host: str, location: str) -> errors.ScmGarbled:
    """A redirect is never followed: login and password would go to another place."""
    try:
        target = httpx.URL(location).host or host
    except (httpx.InvalidURL, UnicodeError):  # a host may be broken punycode
        target = "an address that cannot be read"
    return errors.ScmGarbled(
        f"{host} redirects to {clip(printable(target), 253)}",
        why="login and password are not sent there",
        cure="Check the base URL, or whether a proxy wants a login first",
    )


def unavailable(host: str, status: int, text: str, retry_after: float | None) -> errors.Unavailable:
    """408, 429 and 5xx on a read."""
    words = {408: "waited too long for the request", 429: "asks for fewer requests", 503: "cannot serve now"}
    why = f"status {status}" + (f', "{clip(printable(text), 200)}"' if text else "")
    cure = f"Try again in {retry_after:,.0f} s" if retry_after else "Try again later"
    what = f"{host} {words.get(status, 'has trouble of its own')}"
    return errors.Unavailable(what, retry_after=retry_after, why=why, cure=cure)


def retry_after(value: str | None, clock: Clock) -> float | None:
    """Seconds that a Retry-After header asks for (RFC 9110 10.2.3: seconds or a date); None without a usable one."""
    if not value:
        return None
    if value.strip().isascii() and value.strip().isdigit():
        return float(value.strip()[:9])
    moment = from_header(value)
    return max(0.0, (moment - clock.now()).total_seconds()) if moment is not None else None


def _not_connected(causes: list[BaseException], route: Route) -> errors.Unreachable:
    if route.proxy:
        return _proxy_failed(route, "no connection to it")
    if _first(causes, socket.gaierror) is not None:
        return errors.HostUnknown(
            f"The host name {route.host} is not known", cure="Check the base URL and this machine's DNS"
        )
    if (trouble := _first(causes, ssl.SSLError)) is not None:
        why = printable(trouble.reason or "no secure connection").replace("_", " ").lower()
        if any(word in why for word in _TOO_OLD):
            return errors.TlsUntrusted(
                f"{route.host} speaks no TLS that is safe",
                why=why,
                cure="Have TLS 1.2 or newer switched on there, or on what inspects TLS on the way",
            )
        return errors.ConnectFailed(f"No TLS connection to {route.host}", why=why, cure="Check host and port")
    return errors.ConnectFailed(f"No connection to {route.host}", why=_reason(causes[-1]), cure=_way(route))


def _proxy_failed(route: Route, why: str) -> errors.ProxyFailed:
    cure = "Check the proxy setting, its login, and HTTPS_PROXY in the environment"
    return errors.ProxyFailed(f"The proxy {route.proxy} does not lead on", why=clip(printable(why), 200), cure=cure)


def _way(route: Route) -> str:
    return "" if route.proxy else "Check the base URL, the network, and whether a proxy is needed"


def _reason(error: BaseException) -> str:
    """The kernel's words for it, where there are some; never the request's content."""
    numbers = (cause.errno for cause in _causes(error) if isinstance(cause, OSError) and cause.errno)
    number = next(numbers, 0)
    return os.strerror(number).lower() if number > 0 else ""


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        one = waiting.pop(0)
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        waiting += [one.__cause__, one.__context__]
        if isinstance(one, BaseExceptionGroup):
            waiting += one.exceptions


def _first(causes: list[BaseException], kind: type[E]) -> E | None:
    return next((cause for cause in causes if isinstance(cause, kind)), None)
