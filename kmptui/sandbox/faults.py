"""Faults on demand: the next so many matching requests meet a closed connection, a proxy's page, a broken body.

A fault either keeps the request from being acted on, or lets SCM act and spoils the answer; ``drop-after`` against
``drop-before`` is that difference, and ``act`` makes it for the other kinds.
"""

import asyncio
import json
import re
import zlib
from collections.abc import Callable
from functools import cache
from typing import Any

import msgspec
from starlette.types import Message, Receive, Send

KINDS = (
    "status", "delay", "drop-before", "drop-after", "truncate", "garbage-types", "html", "empty", "huge", "redirect",
    "slow-drip", "bomb",
)  # fmt: skip
_ACTING = frozenset({"delay", "drop-after", "truncate", "garbage-types", "slow-drip"})
HTML = b"<!DOCTYPE html><html><head><title>Maintenance</title></head><body><h1>We will be back soon</h1></body></html>"
_CHUNK = b"x" * 65_536


class Fault(msgspec.Struct, kw_only=True):
    """One fault, as ``POST /control/faults`` takes it.

    ``match`` is a prefix or a regular expression over ``METHOD /path?query`` without ``/api``; ``count`` how many
    requests (-1: until cleared), after ``skip`` that pass; ``act`` whether SCM acts first; ``delay`` in real seconds;
    ``size`` in bytes, for ``huge`` the answer's, for ``bomb`` what gzip unpacks it to, for ``truncate`` what is left.
    """

    kind: str
    match: str = ""
    count: int = 1
    skip: int = 0
    act: bool | None = None
    status: int | None = None
    delay: float = 1.0
    size: int | None = None
    headers: dict[str, str] = msgspec.field(default_factory=dict)
    body: Any = None

    @property
    def acts(self) -> bool:
        return self.act if self.act is not None else self.kind in _ACTING

    def matches(self, line: str) -> bool:
        return line.startswith(self.match) or re.match(self.match, line) is not None


class Faults:
    """The faults that are armed, in order; the first that matches a request is taken."""

    def __init__(self) -> None:
        self.armed: list[Fault] = []

    def arm(self, fault: Fault) -> None:
        """Add *fault*. ValueError for an unknown kind or a pattern that is no regular expression."""
        if fault.kind not in KINDS:
            raise ValueError(f"unknown kind of fault: {fault.kind}")
        try:
            re.compile(fault.match)
        except re.error as error:
            raise ValueError(f"not a pattern: {fault.match} ({error})") from None
        self.armed.append(fault)

    def take(self, line: str) -> Fault | None:
        """The fault that the request *line* is to meet, counted down."""
        for fault in self.armed:
            if fault.matches(line):
                if fault.skip:
                    fault.skip -= 1
                    continue
                if fault.count > 0:
                    fault.count -= 1
                    if not fault.count:
                        self.armed.remove(fault)
                return fault
        return None


class Answer:
    """An answer held back: what the application sent, before anything of it left."""

    def __init__(self) -> None:
        self.status = 500
        self.headers: list[tuple[bytes, bytes]] = []
        self.body = bytearray()

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = list(message.get("headers", ()))
        elif message["type"] == "http.response.body":
            self.body += message.get("body", b"")

    async def pass_on(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
        await send({"type": "http.response.body", "body": bytes(self.body)})


Act = Callable[[Send], Any]


async def meet(fault: Fault, receive: Receive, send: Send, act: Act, abort: Callable[[], None]) -> None:
    """Let a request meet *fault*: *act* runs the application, *abort* closes the connection under it."""
    if fault.kind == "delay":
        await asyncio.sleep(fault.delay)
        await act(send)
        return
    answer = Answer()
    if fault.acts:
        await act(answer.send)
    if fault.kind in {"drop-before", "drop-after"}:
        await _drop(receive, abort)
    elif fault.kind == "truncate":
        await _truncate(fault, answer, receive, send, abort)
    elif fault.kind == "slow-drip":
        await _drip(fault, answer, send)
    elif fault.kind == "huge":
        await _huge(fault, send)
    elif fault.kind == "bomb":
        await _bomb(fault, send)
    else:
        await _spoil(fault, answer).pass_on(send)


def _spoil(fault: Fault, answer: Answer) -> Answer:
    spoilt = Answer()
    kind = b"application/json;charset=UTF-8"
    if fault.kind == "status":
        spoilt.status = fault.status or 503
        body = fault.body if fault.body is not None else {"code": -1, "description": "Unknown error."}
        spoilt.body += _bytes(body)
    elif fault.kind == "html":
        spoilt.status, kind = fault.status or 200, b"text/html; charset=utf-8"
        spoilt.body += _bytes(fault.body) if fault.body is not None else HTML
    elif fault.kind == "empty":
        spoilt.status = fault.status or 200
    elif fault.kind == "redirect":
        spoilt.status = fault.status or 302
        spoilt.headers.append((b"location", b"http://127.0.0.1:9/elsewhere"))
    else:
        spoilt.status = answer.status
        spoilt.headers = [(n, v) for n, v in answer.headers if n not in {b"content-length", b"content-type"}]
        spoilt.body += wrong_types(bytes(answer.body))
    given = {name.lower().encode(): value.encode() for name, value in fault.headers.items()}
    spoilt.headers = [(n, v) for n, v in spoilt.headers if n not in given] + list(given.items())
    if b"content-type" not in given:
        spoilt.headers.append((b"content-type", kind))
    spoilt.headers.append((b"content-length", str(len(spoilt.body)).encode()))
    return spoilt


def wrong_types(body: bytes) -> bytes:
    """The JSON in *body* with the same members of other types: text for numbers, objects for lists, and so on."""
    try:
        value = json.loads(body)
    except ValueError:
        return b'{"code":"oops","description":[17]}'
    return msgspec.json.encode(_wrong(value))


def _wrong(value: object) -> object:
    if isinstance(value, dict):
        return {name: _wrong(member) for name, member in value.items()} or [1]
    if isinstance(value, list):
        return [_wrong(item) for item in value] or {"empty": True}
    if isinstance(value, bool) or value is None:
        return {"was": str(value)}
    if isinstance(value, int | float):
        return f"{value} pieces"
    return len(str(value))


async def _drop(receive: Receive, abort: Callable[[], None]) -> None:
    abort()
    while (await receive())["type"] != "http.disconnect":
        pass


async def _truncate(fault: Fault, answer: Answer, receive: Receive, send: Send, abort: Callable[[], None]) -> None:
    """The headers announce the whole body, half of it comes, then the connection is gone."""
    await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
    keep = fault.size if fault.size is not None else len(answer.body) // 2
    await send({"type": "http.response.body", "body": bytes(answer.body[:keep]), "more_body": True})
    await asyncio.sleep(0.02)  # what was written must leave before the connection is cut
    await _drop(receive, abort)


async def _drip(fault: Fault, answer: Answer, send: Send) -> None:
    await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
    for byte in answer.body:
        await send({"type": "http.response.body", "body": bytes((byte,)), "more_body": True})
        await asyncio.sleep(fault.delay)
    await send({"type": "http.response.body", "body": b""})


async def _huge(fault: Fault, send: Send) -> None:
    size = fault.size if fault.size is not None else 100 * 1024 * 1024
    headers = [(b"content-type", b"application/json"), (b"content-length", str(size).encode())]
    await send({"type": "http.response.start", "status": fault.status or 200, "headers": headers})
    head, tail = b'[{"filler":"', b'"}]'
    await send({"type": "http.response.body", "body": head, "more_body": True})
    left = size - len(head) - len(tail)
    while left > 0:
        await send({"type": "http.response.body", "body": _CHUNK[: min(left, len(_CHUNK))], "more_body": True})
        left -= len(_CHUNK)
    await send({"type": "http.response.body", "body": tail})


async def _bomb(fault: Fault, send: Send) -> None:
    """A small answer that unpacks to a large one."""
    body = _packed(fault.size if fault.size is not None else 1024 * 1024 * 1024)
    headers = [(b"content-type", b"application/json"), (b"content-encoding", b"gzip")]
    headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": fault.status or 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@cache
def _packed(size: int) -> bytes:
    """So many bytes as gzip packs them: some seconds' work, so it is done once."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    body = bytearray()
    for _ in range(size // len(_CHUNK)):
        body += packer.compress(_CHUNK)
    body += packer.flush()
    return bytes(body)


def _bytes(body: Any) -> bytes:
    if isinstance(body, bytes):
        return body
    return body.encode() if isinstance(body, str) else msgspec.json.encode(body)
