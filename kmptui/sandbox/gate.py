"""What every request passes before SCM sees it: log, observer, latency, faults, and the headers of the answer."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kmptui.sandbox.faults import Answer, Faults, meet
from kmptui.sandbox.wire import stamp
from kmptui.sandbox.world import World

MAX_BODY = 64 * 1024 * 1024
LOG_LENGTH = 50_000
_UNTOUCHED = ("/control",)
_COUNTED = ("/api",)


@dataclass(frozen=True)
class Exchange:
    """One request with its answer, as an observer gets it; ``status`` None where the connection was closed instead."""

    method: str
    path: str
    query: str
    request_headers: dict[str, str]
    request_body: bytes
    status: int | None
    response_headers: dict[str, str]
    response_body: bytes
    faulty: bool


Observer = Callable[[Exchange], None]


@dataclass
class Traffic:
    """The log of requests: method, path, query, login, status, time; never a password or a body."""

    lines: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=LOG_LENGTH))
    number: int = 0

    def begin(self, world: World, method: str, path: str, query: str, login: str) -> dict[str, Any]:
        self.number += 1
        line = {
            "number": self.number, "at": stamp(world.now()), "method": method, "path": path, "query": query,
            "login": login, "status": None,
        }  # fmt: skip
        self.lines.append(line)
        return line


class Gate:
    """The outermost application. *abort* closes the connection of a client address at once."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        world: Callable[[], World],
        faults: Faults,
        traffic: Traffic,
        abort: Callable[[Any], None],
        observer: Observer | None,
    ) -> None:
        self._app = app
        self._world = world
        self._faults = faults
        self._traffic = traffic
        self._abort = abort
        self._observer = observer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        if scope["path"].startswith(_UNTOUCHED):
            await self._app(scope, receive, self._signed(send))
            return
        try:
            await self._pass(scope, receive, send)
        except asyncio.CancelledError:
            return  # the server stops: the connection is gone, and nobody waits for this answer

    async def _pass(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await _read(receive)
        if body is None:
            return
        path = scope["path"].rstrip("/") or "/"
        scope = {**scope, "path": path, "raw_path": path.encode()}
        query = scope["query_string"].decode("latin-1")
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        world = self._world()
        line = self._traffic.begin(world, scope["method"], path, query, headers.get("login", ""))
        short = path.removeprefix("/api")
        if path.startswith(_COUNTED):
            _count(world, scope["method"], short)
        if world.settings.latency_ms:
            await asyncio.sleep(world.settings.latency_ms / 1000)
        fault = self._faults.take(f"{scope['method']} {short}" + (f"?{query}" if query else ""))
        seen = _Recorder(self._signed(send), line, keep=self._observer is not None and fault is None)

        async def act(answer: Send) -> None:
            await self._app(scope, _replay(body, receive), answer)

        if fault is None:
            await act(seen.send)
        else:
            line["fault"] = fault.kind
            await meet(fault, receive, seen.send, act, lambda: self._abort(scope["client"]))
        if self._observer is not None:
            self._observer(
                Exchange(
                    method=scope["method"],
                    path=path,
                    query=query,
                    request_headers=headers,
                    request_body=body,
                    status=line["status"],
                    response_headers=seen.headers,
                    response_body=bytes(seen.answer.body),
                    faulty=fault is not None,
                )
            )

    def _signed(self, send: Send) -> Send:
        """Every answer says that it comes from a sandbox, and what time it is there."""

        async def signed(message: Message) -> None:
            if message["type"] == "http.response.start":
                now = datetime.fromtimestamp(self._world().now(), UTC)
                extra = [
                    (b"x-kmptui-sandbox", b"1"),
                    (b"date", format_datetime(now.replace(microsecond=0), usegmt=True).encode()),
                ]
                message = {**message, "headers": [*message.get("headers", ()), *extra]}
            await send(message)

        return signed


class _Recorder:
    """Passes an answer on, notes its status, and keeps its body where somebody observes."""

    def __init__(self, send: Send, line: dict[str, Any], *, keep: bool) -> None:
        self._send = send
        self._line = line
        self._keep = keep
        self.answer = Answer()

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._line["status"] = message["status"]
        if self._keep:
            await self.answer.send(message)
        await self._send(message)

    @property
    def headers(self) -> dict[str, str]:
        return {name.decode("latin-1"): value.decode("latin-1") for name, value in self.answer.headers}


async def _read(receive: Receive) -> bytes | None:
    """The whole body; None if the client left, or sent more than any call takes."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        if len(body) > MAX_BODY:
            return None
        if not message.get("more_body", False):
            return bytes(body)


def _replay(body: bytes, receive: Receive) -> Receive:
    """A receive that gives the body once more, then what really comes."""
    given = False

    async def replayed() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replayed


def _count(world: World, method: str, path: str) -> None:
    generic = "/".join("{id}" if part.isdecimal() else part for part in path.split("/"))
    world.counters.requests += 1
    endpoints = world.counters.by_endpoint
    key = f"{method} {generic}"
    endpoints[key] = endpoints.get(key, 0) + 1
