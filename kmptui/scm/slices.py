"""Cutting a report into rows while it comes, so that memory is bounded and nobody waits for long.

A report is `{"statusCode": 0, "reports": [{…}, {…}, …]}` of any length. The rows that have come are cut off after the
last `}` that is followed by a comma and before which everything is a whole JSON list: the parser judges that (it skips
over JSON at some gigabytes a second), so no text or nested list in a row can mislead the cut. What is left around the
rows is one small object, read at the end; it tells whether the report is complete.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, AsyncIterator, Iterator

import msgspec

from kmptui.scm.reading import WrongShape

MOST_ROWS = 2_000
ENOUGH = 60_000
"""Bytes that are collected before a cut is tried: some dozen rows, for while more of them are decoded nothing is read,
and the server, whose buffers are full, waits."""
LARGEST_ROW = 4_000_000
CUTS_TRIED = 200

_OPENING = re.compile(rb'"reports"\s*:\s*\[')
_CUT = re.compile(rb"\}\s*,")
_RAWS = msgspec.json.Decoder(list[msgspec.Raw])


class Envelope(msgspec.Struct, rename="camel"):
    """What stands around the rows."""

    status_code: int | str | None = None
    message: str | None = None
    reports: list[msgspec.Raw] | None = None


async def slices(pieces: AsyncIterator[bytes]) -> AsyncGenerator[list[msgspec.Raw], None]:
    """The rows as they come, undecoded, in lists of at most MOST_ROWS.

    Raises WrongShape for no JSON, half of it, no report, or one that failed; this may show after rows were given.
    """
    head, rest = b"", b""
    fresh: list[bytes] = []
    size = 0
    async for piece in pieces:
        fresh.append(piece)
        size += len(piece)
        if size < max(ENOUGH, len(rest)):  # a row that goes on and on is not looked through at every piece
            continue
        rest += b"".join(fresh)
        fresh, size = [], 0
        if not head:
            head, rest = _head(rest)
        rows, rest = _cut(rest) if head else ([], rest)
        if not rows and len(rest) > LARGEST_ROW:
            raise WrongShape("one row of it is too long" if head else "it is no report")
        for part in _parts(rows):
            yield part
    for part in _parts(_last(head, rest + b"".join(fresh))):
        yield part


def _head(buffer: bytes) -> tuple[bytes, bytes]:
    """What stands before the first row, and the rest; the head is empty while it is not there."""
    for found in _OPENING.finditer(buffer):
        head = buffer[: found.end()]
        try:
            envelope = msgspec.json.decode(head + b"]}", type=Envelope)
        except (msgspec.DecodeError, RecursionError):
            continue  # inside a text, or a list further down
        _judge(envelope, complete=False)
        return head, buffer[found.end() :]
    return b"", buffer


def _cut(buffer: bytes) -> tuple[list[msgspec.Raw], bytes]:
    """The whole rows, all but the last, and the rest."""
    cuts = list(_CUT.finditer(buffer, max(0, len(buffer) - LARGEST_ROW)))
    for found in reversed(cuts[-CUTS_TRIED:]):
        try:
            rows = _RAWS.decode(b"[" + buffer[: found.start() + 1] + b"]")
        except (msgspec.DecodeError, RecursionError):
            continue
        return rows, buffer[found.end() :]
    return [], buffer


def _last(head: bytes, buffer: bytes) -> list[msgspec.Raw]:
    try:
        envelope = msgspec.json.decode(head + buffer, type=Envelope)
    except msgspec.ValidationError as error:
        raise WrongShape("it is no report") from error
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise WrongShape("it is no complete JSON" if buffer.strip() else "it is empty") from error
    _judge(envelope, complete=True)
    return envelope.reports or []


def _judge(envelope: Envelope, *, complete: bool) -> None:
    code = envelope.status_code
    if code is None and not complete:
        return
    if str(code) != "0":
        raise WrongShape(f'SCM says that the report failed ({code}): "{(envelope.message or "")[:200]}"')


def _parts(rows: list[msgspec.Raw]) -> Iterator[list[msgspec.Raw]]:
    for start in range(0, len(rows), MOST_ROWS):
        yield rows[start : start + MOST_ROWS]
