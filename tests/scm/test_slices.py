"""A report is cut into rows wherever its pieces end, and only a whole one ends well."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from unittest.mock import patch

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kmptui.scm import slices
from kmptui.scm.reading import WrongShape

NASTY = st.sampled_from(['},{"id":1', '"reports":[', "\\", '"', "}]}", "a},b", "ü\n", "]"]) | st.text(max_size=8)
ROW = st.dictionaries(
    st.sampled_from(["id", "a", "reports", "customFields"]),
    st.recursive(
        st.integers(0, 9) | NASTY,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NASTY, inner, max_size=2),
        max_leaves=5,
    ),
    max_size=4,
)


async def parts_of(pieces: Sequence[bytes]) -> list[list[object]]:
    async def come() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    return [[msgspec.json.decode(raw) for raw in part] async for part in slices.slices(come())]


def cut(body: bytes, size: int) -> list[bytes]:
    return [body[start : start + size] for start in range(0, len(body), size)]


@given(st.lists(ROW, max_size=12), st.integers(1, 60), st.integers(1, 80), st.booleans(), st.booleans())
async def test_rows_come_out_as_they_went_in(
    rows: list[object], piece: int, enough: int, code_last: bool, spaced: bool
) -> None:
    report: dict[str, object] = {"note": 'a "reports":[ in a text', "inner": {"reports": [1]}}
    report |= {"reports": rows, "statusCode": 0} if code_last else {"statusCode": 0, "reports": rows}
    body = msgspec.json.encode(report)
    body = msgspec.json.format(body, indent=1) if spaced else body
    with patch.object(slices, "ENOUGH", enough):
        parts = await parts_of(cut(body, piece))
    assert [row for part in parts for row in part] == rows


@given(st.lists(ROW, min_size=1, max_size=6), st.integers(1, 40), st.data())
async def test_half_a_report_never_ends_well(rows: list[object], enough: int, data: st.DataObject) -> None:
    body = msgspec.json.encode({"statusCode": 0, "reports": rows})
    end = data.draw(st.integers(0, len(body) - 1))
    with patch.object(slices, "ENOUGH", enough), pytest.raises(WrongShape):
        await parts_of(cut(body[:end], 16))


async def test_no_slice_is_longer_than_agreed() -> None:
    body = msgspec.json.encode({"statusCode": 0, "reports": [{"id": n} for n in range(5_000)]})
    assert [len(part) for part in await parts_of([body])] == [2_000, 2_000, 1_000]


@pytest.mark.parametrize(
    "body", [b'{"statusCode":0,"reports":[]}', b'{"statusCode":0}', b'{"statusCode":0,"reports":null}']
)
async def test_an_empty_report_is_one(body: bytes) -> None:
    assert await parts_of([body]) == []


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b'{"statusCode":-1,"message":"too many","reports":[]}', "report failed.*too many"),
        (b'{"reports":[{"id":1}],"statusCode":7}', "report failed"),
        (b'{"reports":[{"id":1}]}', "report failed"),
        (b'{"statusCode":0,"reports":{"id":1}}', "no report"),
        (b'[{"id":1}]', "no report"),
        (b"", "empty"),
        (b"oops", "no complete JSON"),
    ],
)
async def test_what_is_no_good_report_is_refused(body: bytes, why: str) -> None:
    with pytest.raises(WrongShape, match=why):
        await parts_of([body])


async def test_a_failed_report_is_known_before_its_rows() -> None:
    body = b'{"statusCode":5,"message":"no","reports":[' + b'{"id":1},' * 200
    with patch.object(slices, "ENOUGH", 100), pytest.raises(WrongShape, match="failed"):
        await parts_of(cut(body, 50))


@pytest.mark.parametrize("head", [b'{"statusCode":0,"reports":[{"a":"', b'{"message":"'])
async def test_an_endless_text_is_stopped(head: bytes) -> None:
    with patch.object(slices, "LARGEST_ROW", 10_000), patch.object(slices, "ENOUGH", 1_000), pytest.raises(WrongShape):
        await parts_of([head, *[b"x" * 500] * 100_000])
