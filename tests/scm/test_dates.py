"""All of SCM's date formats, and what is none."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kmptui.scm.dates import from_header, to_date, to_moment

DAYS = st.dates(date(1970, 1, 2), date(9999, 12, 30))
MOMENTS = st.datetimes(datetime(1970, 1, 3), datetime(9999, 12, 29)).map(lambda m: m.replace(microsecond=0, tzinfo=UTC))  # noqa: DTZ001


@given(DAYS, st.sampled_from(["%m/%d/%Y", "%Y-%m-%d", "%d.%m.%Y", "%Y/%m/%d"]))
def test_a_day_of_any_form_is_that_day(day: date, form: str) -> None:
    assert to_date(f"{day:{form}}".zfill(10)) == day


@given(
    MOMENTS, st.sampled_from(["%Y-%m-%dT%H:%M:%S.000Z", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M:%S", "%m/%d/%Y %H:%M:%S"])
)
def test_a_moment_of_any_form_is_that_moment(moment: datetime, form: str) -> None:
    text = f"{moment:{form}}"
    assert to_moment(text) == moment
    assert to_date(text) == moment.date()


@given(MOMENTS, st.integers(-14 * 60, 14 * 60), st.booleans())
def test_an_offset_is_brought_to_utc(moment: datetime, minutes: int, colon: bool) -> None:
    local = moment.astimezone(timezone(timedelta(minutes=minutes)))
    sign = "-" if minutes < 0 else "+"
    offset = f"{sign}{abs(minutes) // 60:02}{':' if colon else ''}{abs(minutes) % 60:02}"
    assert to_moment(f"{local:%Y-%m-%dT%H:%M:%S}{offset}") == moment


@given(st.text())
def test_any_text_is_a_date_or_a_value_error(text: str) -> None:
    try:
        found = to_date(text)
    except ValueError:
        return
    assert 1969 <= found.year <= 9999


@pytest.mark.parametrize(
    "text",
    ["", "never", "13/45/2026", "2026-02-30", "05-21-2026", "0000-01-01", "0001-01-01", "2026-05-21T25:00:00.000Z",
     "2026-05-21T10:00:00.000Z trailing", "١٢/٠٥/٢٠٢٦", "1779363264000", "9999-12-31T23:59:59-14:00"],
)  # fmt: skip
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 -- the message is free
        to_date(text)


def test_the_day_of_a_moment_is_the_one_in_utc() -> None:
    assert to_date("2026-05-21T23:30:00-02:00") == date(2026, 5, 22)
    assert to_date("05/06/2026") == date(2026, 5, 6), "SCM writes the month first"


@given(
    st.text() | st.from_regex(r"[A-Z][a-z]{2}, \d{1,12} [A-Z][a-z]{2} \d{1,12} \d{1,12}:\d\d:\d\d [A-Z+-]{1,4}\d{0,9}")
)
def test_any_header_is_an_aware_moment_or_none(text: str) -> None:
    found = from_header(text)
    assert found is None or found.tzinfo is not None


def test_a_header_of_http_is_read() -> None:
    assert from_header("Tue, 24 Nov 2026 12:00:20 GMT") == datetime(2026, 11, 24, 12, 0, 20, tzinfo=UTC)
    assert from_header("Tue, 24 Nov 2026 12:00:20") is None, "without a zone it is no moment"
