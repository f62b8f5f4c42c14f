"""A server that says what a test wants it to say, byte by byte: what no well-behaved server can be made to do.

`async with scripted(http(200, b"[]"), CLOSE) as server:` answers the first request with the first reply and so
on; the last one is repeated.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import httpx

from kmptui.scm.client import Credentials, ScmClient

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
DATE = "Tue, 24 Nov 2026 12:00:00 GMT"
CLOSE = None
"""Close without a word."""
PASSWORD = "s3cret-of-the-test"

Reply = bytes | None | Callable[[asyncio.StreamWriter], Awaitable[None]]


class Frozen:
    """A clock that stands still."""

    def now(self) -> datetime:
        return NOW


@dataclass
class Server:
    port: int = 0
    connections: int = 0
    requests: list[bytes] = field(default_factory=list)
    sent: int = 0
    """Bytes that a streaming reply got rid of."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/api"

    @property
    def lines(self) -> list[str]:
        """The first line of each request."""
        return [request.split(b"\r\n", 1)[0].decode() for request in self.requests]


def http(status: int = 200, body: bytes = b"[]", **headers: str) -> bytes:
    """A whole answer. Header names are written with underscores."""
    head = {"content-type": "application/json", "content-length": str(len(body)), "date": DATE}
    head |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = "".join(f"{name}: {value}\r\n" for name, value in head.items() if value)
    return f"HTTP/1.1 {status} X\r\n{lines}\r\n".encode() + body


def refused(status: int, code: int, text: str = "Because.") -> bytes:
    """SCM's own refusal."""
    return http(status, f'{{"code":{code},"description":"{text}"}}'.encode())


@asynccontextmanager
async def scripted(*replies: Reply) -> AsyncIterator[Server]:
    """Listen on a free loopback port for the length of the block."""
    server = Server()
    waiting = list(replies)
    serving: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server.connections += 1
        if (task := asyncio.current_task()) is not None:
            serving.add(task)
        try:
            while True:
                server.requests.append(await _request(reader))
                reply = waiting.pop(0) if len(waiting) > 1 else waiting[0]
                if reply is CLOSE:
                    break
                if callable(reply):
                    await reply(writer)
                    break
                assert isinstance(reply, bytes)
                writer.write(reply)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass  # the client has gone, or the test is over
        finally:
            writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving)
        await listener.wait_closed()


async def _request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(
        (int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
    )
    return head + await reader.readexactly(length)


def found(body: bytes = b"[]") -> httpx.Response:
    """An answer of a transport that takes the network's place."""
    return httpx.Response(200, stream=httpx.ByteStream(body), headers={"content-type": "application/json"})


class Raising(httpx.AsyncBaseTransport):
    """A network that proves well (`good` answers) and then fails with one exception."""

    def __init__(self, error: BaseException, good: int = 0) -> None:
        self.error = error
        self.good = good
        self.calls = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.calls += 1
        if self.calls <= self.good:
            return found()
        raise self.error


class Pauses(list[float]):
    """Takes the place of sleeping: notes how long, and goes on at once."""

    async def __call__(self, seconds: float) -> None:
        self.append(seconds)


def client(
    url: str,
    *,
    transport: httpx.AsyncBaseTransport | None = None,
    pauses: Pauses | None = None,
    sandbox: bool | None = None,
    proxy: str = "",
    ca_file: str = "",
) -> ScmClient:
    """A client that never sleeps."""
    credentials = Credentials(url, "operator", PASSWORD, "ACME")
    return ScmClient(
        credentials,
        clock=Frozen(),
        transport=transport,
        pause=Pauses() if pauses is None else pauses,
        sandbox=sandbox,
        proxy=proxy,
        ca_file=ca_file,
    )
