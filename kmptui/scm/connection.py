"""One connection to SCM: sends a request, judges the answer, repeats what may be repeated.

`read` and `stream` are for calls that change nothing: they are repeated by themselves. `change` is for all others: it
sends once, and what is not a clear answer is `Unconfirmed`. Every answer is first asked which kind of server gave it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import httpx
import msgspec

from kmptui.domain.clock import Clock
from kmptui.domain.text import clip, printable
from kmptui.errors import KmptuiError, ScmGarbled, WrongKind
from kmptui.scm import codes, failures, transport
from kmptui.scm.body import ANSWER, REPORT, Bounds, Unreadable, pieces, whole
from kmptui.scm.dates import from_header
from kmptui.scm.failures import Call
from kmptui.scm.repeating import TRIES, Again, Pause, repeat
from kmptui.scm.transport import Credentials

PROVING_TRIES = 3
PASSING = frozenset({429, 502, 503, 504})
"""Statuses after which a read is repeated."""
REPORT_READ_SECONDS = 300.0
PROVE = Call("prove")

log = logging.getLogger("kmptui.scm")


@dataclass(frozen=True, slots=True)
class Answer:
    """A 2xx answer that is no web page."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def total(self) -> int | None:
        """X-Total-Count, where it is there and a number."""
        text = self.headers.get("x-total-count", "").strip()
        return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


class Connection:
    """To one account at one SCM."""

    def __init__(
        self,
        credentials: Credentials,
        *,
        clock: Clock,
        ca_file: str = "",
        proxy: str = "",
        concurrency: int = 8,
        sandbox: bool | None = None,
        network: httpx.AsyncBaseTransport | None = None,
        pause: Pause = asyncio.sleep,
    ) -> None:
        found_proxy = transport.proxy_for(credentials.base_url, proxy) if network is None else ""
        network = network or transport.build(credentials, ca_file=ca_file, proxy=found_proxy, concurrency=concurrency)
        self._client = transport.client(credentials, network)
        self._route = failures.Route(httpx.URL(credentials.base_url).host, transport.proxy_words(found_proxy))
        self._clock = clock
        self._bound = sandbox
        self._pause = pause
        self._places = asyncio.Semaphore(concurrency)
        self.login = credentials.login
        self.base_url = credentials.base_url
        self.concurrency = concurrency
        self.is_sandbox: bool | None = None
        self._ahead: timedelta | None = None

    @property
    def host(self) -> str:
        return self._route.host

    async def aclose(self) -> None:
        await self._client.aclose()

    def garbled(self, why: str) -> ScmGarbled:
        """The answer to a read that cannot be used, and why."""
        return ScmGarbled(f"The answer of {self.host} cannot be read", why=why)

    async def prove(self) -> None:
        """One cheap authenticated GET: address, credentials, kind of server, shape of its answers."""
        answer = await self.read(PROVE, "GET", "/ssl/v1", params={"size": 1, "position": 0}, tries=PROVING_TRIES)
        try:
            msgspec.json.decode(answer.body, type=list[dict[str, object]])
        except (msgspec.DecodeError, RecursionError) as error:
            raise self.garbled("it is not the list that SCM gives") from error

    async def read(
        self,
        call: Call,
        method: str,
        path: str,
        *,
        params: Mapping[str, str | int] | None = None,
        body: object = None,
        tries: int = TRIES,
    ) -> Answer:
        """A call that changes nothing, repeated where that may help.

        Raises AccountRefused, Unreachable, ScmRefused, ScmGarbled, WrongKind.
        """
        request = self._request(method, path, params, body, transport.READ_SECONDS)

        async def once() -> Answer:
            response = await self._send(request)
            try:
                return await self._judge(call, response)
            finally:
                await response.aclose()

        async with self._places:
            return await repeat(once, pause=self._pause, tries=tries)

    @asynccontextmanager
    async def stream(self, call: Call, path: str, body: object) -> AsyncIterator[AsyncIterator[bytes]]:
        """A report: a POST that changes nothing, its answer in pieces. Repeated only until the first piece; raises like
        `read`, also while the pieces come."""
        request = self._request("POST", path, None, body, REPORT_READ_SECONDS)

        async def once() -> httpx.Response:
            response = await self._send(request)
            if response.is_success and not _is_page(response.headers, b""):
                return response
            try:
                await self._judge(call, response)
                raise self.garbled("it is no report")
            finally:
                await response.aclose()

        async with self._places:
            response = await repeat(once, pause=self._pause)
            try:
                yield self._finally(response)
            finally:
                await response.aclose()

    async def change(self, call: Call, method: str, path: str, body: object) -> Answer:
        """A call that changes something, sent once.

        Raises Unreachable, WrongKind (nothing was sent), AccountRefused, ScmRefused (SCM said no), Unconfirmed
        (anything else). A connection that has not been proved yet is proved first. CancelledError passes through.
        """
        request = self._request(method, path, None, body, transport.READ_SECONDS)
        if self.is_sandbox is None:
            await self.prove()
        start = time.monotonic()
        try:
            response = await self._client.send(request, stream=True)
            try:
                self._recognise(response)
                content = await whole(response)
            finally:
                await response.aclose()
        except failures.NOTHING_SENT as error:
            raise failures.unreachable(error, self._route) from error
        except (Unreadable, WrongKind) as error:
            raise failures.unconfirmed(call, str(error)) from error
        except Exception as error:  # whatever happened, the request may have left: it counts as sent
            raise failures.unconfirmed(call, failures.broken_off(error)) from error
        _note(request, response.status_code, start)
        return self._judge_change(call, response, content)

    def _request(
        self, method: str, path: str, params: Mapping[str, str | int] | None, body: object, seconds: float
    ) -> httpx.Request:
        return self._client.build_request(
            method,
            path,
            params=params,
            content=None if body is None else msgspec.json.encode(body),
            headers=None if body is None else {"Content-Type": "application/json"},
            timeout=httpx.Timeout(seconds, connect=transport.CONNECT_SECONDS),
        )

    async def _send(self, request: httpx.Request) -> httpx.Response:
        """The answer's head. Raises Again or Unreachable, WrongKind."""
        start = time.monotonic()
        try:
            response = await self._client.send(request, stream=True)
        except (httpx.HTTPError, OSError) as error:
            raise self._trouble(error) from error
        except (
            httpx.InvalidURL,
            UnicodeError,
        ) as error:  # httpx reads a redirect's address, even if it does not follow
            raise self.garbled("it redirects to an address that cannot be read") from error
        _note(request, response.status_code, start)
        try:
            self._recognise(response)
        except WrongKind:
            await response.aclose()
            raise
        return response

    async def _judge(self, call: Call, response: httpx.Response) -> Answer:
        """A read's answer, or what is wrong with it."""
        status = response.status_code
        content = b"".join([piece async for piece in self._pieces(response, ANSWER)])
        page = _is_page(response.headers, content)
        if response.is_success and not page:
            return Answer(status, response.headers, content)
        if 300 <= status < 400:
            raise failures.redirected(self.host, response.headers.get("location", ""))
        code, text = (None, "") if page else _error_of(content)
        known = code is not None and codes.meaning(code, text, call.name).kind not in {codes.UNKNOWN, codes.TEMPORARY}
        if not known and (status in {408, 429} or status >= 500):
            after = failures.retry_after(response.headers.get("retry-after"), self._clock)
            error = failures.unavailable(self.host, status, text, after)
            raise Again(error, after) if status in PASSING else error
        if page:
            raise failures.web_page(self.host, status, content)
        raise failures.refusal(call, status, code, text)

    def _judge_change(self, call: Call, response: httpx.Response, content: bytes) -> Answer:
        status = response.status_code
        if _is_page(response.headers, content):
            raise failures.unconfirmed(call, f"{self.host} answered with a web page, status {status}")
        if response.is_success:
            return Answer(status, response.headers, content)
        code, text = _error_of(content)
        said = f'status {status}, SCM says {code}: "{clip(printable(text), 300)}"' if text else f"status {status}"
        if code is None or not 400 <= status < 500 or status in {408, 429}:
            raise failures.unconfirmed(call, said)
        # "being processed" is no No: it may be about the very thing that was sent
        if codes.meaning(code, text, call.name).kind in {codes.UNKNOWN, codes.TEMPORARY, codes.PENDING}:
            raise failures.unconfirmed(call, said)
        raise failures.refusal(call, status, code, text)

    async def _pieces(self, response: httpx.Response, bounds: Bounds) -> AsyncIterator[bytes]:
        try:
            async for piece in pieces(response, bounds):
                yield piece
        except Unreadable as error:
            raise self.garbled(str(error)) from error
        except (httpx.HTTPError, OSError) as error:  # TimeoutError is an OSError
            raise self._trouble(error) from error

    async def _finally(self, response: httpx.Response) -> AsyncIterator[bytes]:
        """The pieces of an answer that has begun: what breaks now is not repeated."""
        try:
            async for piece in self._pieces(response, REPORT):
                yield piece
        except Again as again:
            raise again.error from again.__cause__

    def _trouble(self, error: Exception) -> KmptuiError | Again:
        found = failures.unreachable(error, self._route)
        return found if failures.lasting(error) else Again(found)

    def _recognise(self, response: httpx.Response) -> None:
        """Note the server's kind and clock; WrongKind before anything else is done with the answer."""
        kind = "x-kmptui-sandbox" in response.headers
        expected = self.is_sandbox if self._bound is None else self._bound
        if expected is not None and kind is not expected:
            raise WrongKind(
                f"{self.host} is {_kind(kind)}, and what is kept here belongs to {_kind(expected)}",
                cure="Check the base URL; another kind of server needs another home (KMPTUI_HOME)",
            )
        self.is_sandbox = kind
        told = from_header(response.headers.get("date", ""))
        if told is not None:
            self._ahead = told - self._clock.now() + timedelta(seconds=0.5)  # the header is cut to whole seconds

    @property
    def clock_skew(self) -> timedelta | None:
        """The server's clock minus ours as of its last answer, in whole seconds."""
        return None if self._ahead is None else timedelta(seconds=round(self._ahead.total_seconds()))

    @property
    def server_now(self) -> datetime | None:
        """What the server's clock says now, to a second; None while it has not told."""
        return None if self._ahead is None else self._clock.now() + self._ahead


def _error_of(body: bytes) -> tuple[int | None, str]:
    """Code and description out of SCM's error body; (None, "") where it is none."""
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        return None, ""
    if not isinstance(value, dict):
        return None, ""
    code, text = value.get("code"), value.get("description")
    usable = isinstance(code, int) and not isinstance(code, bool)
    return (code if usable else None), (text if isinstance(text, str) else "")


def _is_page(headers: Mapping[str, str], body: bytes) -> bool:
    kind = headers.get("content-type", "").lower()
    return kind.startswith(("text/html", "application/xhtml")) or body[:200].lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<"


def _kind(sandbox: bool) -> str:
    return "a sandbox" if sandbox else "a real SCM"


def _note(request: httpx.Request, status: int, start: float) -> None:
    log.debug("%s %s: %d in %.0f ms", request.method, request.url.path, status, 1000 * (time.monotonic() - start))
