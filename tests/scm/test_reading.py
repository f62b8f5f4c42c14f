"""Answers are read member by member: a wrong one costs itself alone, and is named."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kmptui.scm import reading, remote, wire

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
DETAILS = [field.encode_name for field in msgspec.structs.fields(wire.Details)]
REPORT = [field.encode_name for field in msgspec.structs.fields(wire.ReportRow)]


@given(st.dictionaries(st.sampled_from(DETAILS), JSON))
def test_details_of_any_types_are_read_or_named(members: dict[str, object]) -> None:
    odd: list[str] = []
    order = remote.from_details(reading.one(wire.Details, msgspec.json.encode(members), odd), odd)
    assert all(isinstance(text, str) for text in (order.common_name, order.status, order.comments, order.serial))
    assert order.term is None or isinstance(order.term, int)
    assert order.ssl_id >= 0


@given(st.lists(st.dictionaries(st.sampled_from(REPORT), JSON) | JSON, max_size=6))
def test_report_rows_of_any_types_are_all_counted(rows: list[object]) -> None:
    found, odd = reading.many(wire.ReportRow, msgspec.json.encode(rows))
    orders = [remote.from_report(row, odd.get(number, ())) for number, row in enumerate(found)]
    assert len(orders) == len(rows)
    for order, row in zip(orders, rows, strict=True):
        assert order.oddities or isinstance(row, dict)


def test_a_wrong_member_costs_itself_alone() -> None:
    row = b'{"id":7,"commonName":17,"orgId":"33","term":{"days":199},"status":"Issued","customFields":[{"name":"a"},5]}'
    (found,), odd = reading.many(wire.ReportRow, b"[" + row + b"]")
    order = remote.from_report(found, odd[0])
    assert (order.ssl_id, order.common_name, order.organization_id, order.term) == (7, "17", 33, None)
    assert order.status == "Issued"
    assert order.custom_fields == (("a", ""),)
    assert order.oddities == (
        "orgId is the text '33'",
        "commonName is the number 17",
        "term is an object",
        "customFields[1] is the number 5",
    )


def test_a_row_without_an_id_is_listed_with_the_id_0() -> None:
    rows, odd = reading.many(wire.ReportRow, b'[{"commonName":"a.example"},null,{"id":-4},{"id":99999999999999999999}]')
    orders = [remote.from_report(row, odd.get(number, ())) for number, row in enumerate(rows)]
    assert [order.ssl_id for order in orders] == [0, 0, 0, 0]
    assert all(order.oddities for order in orders)
    assert orders[0].common_name == "a.example"


def test_odd_dates_and_serials_are_named() -> None:
    rows, _ = reading.many(wire.ReportRow, b'[{"id":1,"expires":"next week","serialNumber":"soon","requested":""}]')
    order = remote.from_report(rows[0])
    assert order.expires is None
    assert order.serial == ""
    assert order.oddities == ("its serial number is 'soon'", "expires is 'next week', no date")


def test_names_have_the_common_name_first_and_each_once() -> None:
    rows, _ = reading.many(wire.ReportRow, b'[{"id":1,"commonName":"b.x","subjAltNames":"a.x; b.x;a.x , c.x"}]')
    assert remote.from_report(rows[0]).names == ("b.x", "a.x", "c.x")


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "empty"),
        (b"  ", "empty"),
        (b'[{"id":1},', "no complete JSON"),
        (b'{"id":1}', "an object where a list should be"),
        (b'"text"', "where a list should be"),
        (b"<html>", "no JSON"),
        (b"[\xff\xfe]", "no JSON"),
        pytest.param(b"[" * 100_000, "nested too deeply", id="deep"),
    ],
)
def test_another_shape_is_refused_in_words(body: bytes, why: str) -> None:
    with pytest.raises(reading.WrongShape, match=why):
        reading.many(wire.ReportRow, body)


def test_a_flood_of_oddities_is_cut() -> None:
    row = msgspec.json.encode({name: {"wrong": 1} for name in DETAILS})
    odd: list[str] = []
    reading.one(wire.Details, row, odd)
    assert len(odd) == reading.MOST_ODDITIES + 1
    assert odd[-1] == "and more"
