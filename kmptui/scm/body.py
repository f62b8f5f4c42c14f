"""The body of an answer, under bounds of size and time, however it is packed.

A compressed answer is unpacked a piece at a time and counted as it unpacks, so that a small one that unpacks to
gigabytes is stopped at the bound. The seconds count only while the server is waited for.
"""

from __future__ import annotations

import asyncio
import time
import zlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import httpx

PIECE = 262_144
_GZIP = 16 + zlib.MAX_WBITS


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one answer may cost: `size` bytes in all, `seconds` of waiting for the server in all."""

    size: int
    seconds: float


ANSWER = Bounds(size=64 * 1024 * 1024, seconds=120.0)
REPORT = Bounds(size=512 * 1024 * 1024, seconds=900.0)


class Unreadable(Exception):
    """The body is too large, or packed in a way that was not asked for; the reason is in words."""


async def pieces(response: httpx.Response, bounds: Bounds) -> AsyncIterator[bytes]:
    """The unpacked body, in pieces of at most PIECE bytes or as they came. Raises Unreadable, TimeoutError, and what
    httpx raises."""
    told = response.headers.get("content-length", "")
    if told.isascii() and told.isdigit() and int(told[:18]) > bounds.size:
        raise Unreadable(_too_large(bounds))
    unpack = _unpacker(response.headers.get("content-encoding", ""))
    size, left = 0, bounds.seconds
    raw = response.aiter_raw()
    while True:
        start = time.monotonic()
        async with asyncio.timeout(left):
            packed = await anext(raw, None)
        left -= time.monotonic() - start
        for piece in unpack(packed or b"", packed is None):
            size += len(piece)
            if size > bounds.size:
                raise Unreadable(_too_large(bounds))
            yield piece
        if packed is None:
            return


async def whole(response: httpx.Response, bounds: Bounds = ANSWER) -> bytes:
    """All of the body. Raises like `pieces`."""
    return b"".join([piece async for piece in pieces(response, bounds)])


def _too_large(bounds: Bounds) -> str:
    return f"it is larger than {bounds.size // (1024 * 1024)} MiB"


class _Plain:
    def __call__(self, packed: bytes, last: bool) -> Iterator[bytes]:  # noqa: ARG002 -- one shape with _Gzip
        if packed:
            yield packed


class _Gzip:
    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(_GZIP)
        self._begun = False

    def __call__(self, packed: bytes, last: bool) -> Iterator[bytes]:
        self._begun = self._begun or bool(packed)
        try:
            while packed:
                if piece := self._zlib.decompress(packed, PIECE):
                    yield piece
                packed = self._zlib.unconsumed_tail
            if last and (rest := self._zlib.flush()):  # all input is taken: what is left is a few bytes
                yield rest
        except zlib.error as error:
            raise Unreadable("its compression is broken") from error
        if last and self._begun and not self._zlib.eof:
            raise Unreadable("its compression ends in the middle")


def _unpacker(encoding: str) -> _Plain | _Gzip:
    name = encoding.strip().lower()
    if name in {"", "identity"}:
        return _Plain()
    if name in {"gzip", "x-gzip"}:
        return _Gzip()
    raise Unreadable("it is packed in a way that was not asked for")
