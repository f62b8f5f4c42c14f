"""No answer is larger or slower than agreed, however it is packed."""

from __future__ import annotations

import asyncio
import gzip
import tracemalloc
import zlib

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kmptui import errors
from kmptui.scm import body, connection
from kmptui.scm.body import Bounds, Unreadable, pieces
from tests.scm.scripted import client, http, scripted

MIB = 1024 * 1024
CHUNKED = b"HTTP/1.1 200 X\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n%s\r\n"


def answer(content: bytes, chunk: int, **headers: str) -> httpx.Response:
    class Stream(httpx.AsyncByteStream):
        async def __aiter__(self):  # type: ignore[no-untyped-def]
            for start in range(0, len(content), chunk):
                yield content[start : start + chunk]

    return httpx.Response(
        200, stream=Stream(), headers={name.replace("_", "-"): text for name, text in headers.items()}
    )


async def test_an_answer_that_announces_too_much_is_not_read() -> None:
    async with scripted(http(200, b"", content_length=str(100 * MIB))) as server, client(server.url) as scm:
        with pytest.raises(errors.ScmGarbled, match="larger than 64 MiB"):
            await scm.profiles()
        assert len(server.requests) == 1


async def test_an_answer_without_a_length_is_cut_off_early() -> None:
    sent = 0

    async def flood(writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(CHUNKED % b"")
        for _ in range(100):
            writer.write(b"%x\r\n%s\r\n" % (MIB, b"x" * MIB))
            await writer.drain()
            sent += 1

    async with scripted(flood) as server, client(server.url) as scm:
        with pytest.raises(errors.ScmGarbled, match="larger than 64 MiB"):
            await scm.profiles()
    assert sent < 80


async def test_a_gzip_bomb_is_stopped_where_it_unpacks() -> None:
    packer = zlib.compressobj(9, wbits=31)
    bomb = b"".join(packer.compress(b"[" * MIB) for _ in range(200)) + packer.flush()
    assert len(bomb) < MIB
    seen = 0

    async def read() -> None:
        nonlocal seen
        async for piece in pieces(answer(bomb, 65_536, Content_Encoding="gzip"), Bounds(64 * MIB, 10)):
            seen += len(piece)

    tracemalloc.start()
    try:
        with pytest.raises(Unreadable, match="larger"):
            await read()
        assert tracemalloc.get_traced_memory()[1] < 8 * MIB
    finally:
        tracemalloc.stop()
    assert 63 * MIB < seen <= 64 * MIB


async def test_a_packed_answer_is_unpacked() -> None:
    packed = gzip.compress(b'[{"id":1,"name":"DV"}]')
    async with scripted(http(200, packed, Content_Encoding="gzip")) as server, client(server.url) as scm:
        assert [profile.name for profile in await scm.profiles()] == ["DV"]


@given(st.binary(max_size=3_000), st.integers(1, 500))
async def test_unpacking_gives_back_what_was_packed(content: bytes, chunk: int) -> None:
    got = [piece async for piece in pieces(answer(gzip.compress(content), chunk, Content_Encoding="gzip"), body.ANSWER)]
    assert b"".join(got) == content


@given(st.binary(max_size=200), st.data())
async def test_what_ends_in_the_middle_is_told(content: bytes, data: st.DataObject) -> None:
    packed = gzip.compress(content)
    short = packed[: data.draw(st.integers(1, len(packed) - 1))]
    with pytest.raises(Unreadable):
        [piece async for piece in pieces(answer(short, 64, Content_Encoding="gzip"), body.ANSWER)]


async def test_a_server_that_only_drips_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each byte comes before the read timeout; the whole answer does not come before its bound."""
    gone = asyncio.Event()

    async def drip(writer: asyncio.StreamWriter) -> None:
        writer.write(CHUNKED % b"")
        try:
            while not gone.is_set():
                writer.write(b"1\r\n[\r\n")
                await writer.drain()
                await asyncio.sleep(0.005)
        except ConnectionError:
            return

    monkeypatch.setattr(connection, "ANSWER", Bounds(64 * MIB, 0.05))
    async with scripted(drip) as server, client(server.url) as scm:
        with pytest.raises(errors.TimedOut, match="in time"):
            await scm.profiles()
        gone.set()
        assert len(server.requests) == 4


async def test_a_report_has_bounds_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    reply = http(200, b'{"statusCode":0,"reports":[' + b'{"id":1},' * 1_000 + b'{"id":2}]}', content_length="")
    reply = reply.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n", 1)

    async def write(writer: asyncio.StreamWriter) -> None:
        writer.write(reply)
        await writer.drain()

    async with scripted(write) as server, client(server.url) as scm:
        assert sum([len(rows) async for rows in scm.report()]) == 1_001
        monkeypatch.setattr(connection, "REPORT", Bounds(4_000, 60))
        with pytest.raises(errors.ScmGarbled, match="larger"):
            [rows async for rows in scm.report()]


async def test_a_change_is_bounded_too() -> None:
    flood = http(200, b"", content_length=str(100 * MIB))
    async with scripted(http(200), flood) as server, client(server.url) as scm:
        with pytest.raises(errors.Unconfirmed, match="larger"):
            await scm.approve(7, "fine")
