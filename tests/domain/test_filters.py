"""The filter language: read, refused with a place and a suggestion, and written again."""

from __future__ import annotations

import contextlib
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kmptui.domain.filters import ALIASES, FIELDS, Days, Filter, Kind, Term, parse_filter
from kmptui.errors import BadInput


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("", ()),
        ("  \n", ()),
        ('""', ()),
        ("web01", (Term("", ":", "web01"),)),
        ('web01 -test', (Term("", ":", "web01"), Term("", ":", "test", True))),
        ('"api gateway"', (Term("", ":", "api gateway"),)),
        ('org:"Web Ops"', (Term("org", ":", "Web Ops"),)),
        ('Organization="Web \\"Ops\\" \\\\"', (Term("org", "=", 'Web "Ops" \\'),)),
        ("-status:issued", (Term("status", ":", "issued", True),)),
        ("expires<30d", (Term("expires", "<", Days(30)),)),
        ("expires<=2w", (Term("expires", "<=", Days(14)),)),
        ("requested>-7d", (Term("requested", ">", Days(-7)),)),
        ("expires>=2026-12-01", (Term("expires", ">=", date(2026, 12, 1)),)),
        ("expires:today", (Term("expires", "=", Days(0)),)),
        ("covers:Bücher.example.", (Term("covers", "=", "xn--bcher-kva.example"),)),
        ("key:yes renew:NO", (Term("key", "=", True), Term("renew", "=", False))),
        ("id:o118 id:C42 scm:4711823", (Term("id", "=", "o118"), Term("id", "=", "c42"), Term("scm", "=", "4711823"))),
        ("serial:4a:11:9c", (Term("serial", ":", "4A119C"),)),
        ("4a:11:9c -AB:CD", (Term("serial", ":", "4A119C"), Term("serial", ":", "ABCD", True))),
        ("2001:db8::1 fe80::1", (Term("", ":", "2001:db8::1"), Term("", ":", "fe80::1"))),
        ('"-a" - "a:b"', (Term("", ":", "-a"), Term("", ":", "-"), Term("", ":", "a:b"))),
        ("*.example.org [x]", (Term("", ":", "*.example.org"), Term("", ":", "[x]"))),
    ],
)  # fmt: skip
def test_filters_are_read(text, terms):
    found = parse_filter(text)
    assert found == Filter(terms)
    assert parse_filter(str(found)) == found
    assert bool(found) is bool(terms)


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("web exppires<30d", 5, "Did you mean expires"),
        ("a:b", 1, "no field"),
        ("zzzz:x", 1, "Known are"),
        ("org:", 5, "no value"),
        ('note:"" x', 6, "no value"),
        ('x "open', 3, "closing quote"),
        ('"a"b', 4, "blank"),
        ("expires<soon", 9, "no date"),
        ("expires<2026-02-30", 9, "no day"),
        ("expires<99999y", 9, "hundred years"),
        ("status<issued", 1, "cannot be compared"),
        ("key:maybe", 5, "yes or no"),
        ("serial:xyz", 8, "no serial"),
        ("id:seven", 4, "no id"),
        ("covers:a_b.example", 8, "underscore"),
        ("x " * 51, 101, "50 terms"),
    ],
)
def test_what_cannot_be_read_is_said_with_its_place(text, place, words):
    with pytest.raises(BadInput, match=f"character {place}:.*{words}") as caught:
        parse_filter(text)
    assert caught.value.field == "filter"


def test_a_pasted_page_is_refused():
    with pytest.raises(BadInput, match="2,001"):
        parse_filter("x" * 2_001)


def test_days_count_from_today():
    assert Days(30).on(date(2026, 11, 24)) == date(2026, 12, 24)
    assert parse_filter("expires<-1y").terms[0].day(date(2026, 11, 24)) == date(2025, 11, 24)
    assert parse_filter("expires<2026-12-01").terms[0].day(date(2026, 11, 24)) == date(2026, 12, 1)
    with pytest.raises(TypeError):
        parse_filter("org:x").terms[0].day(date(2026, 11, 24))


def test_every_field_has_a_way_to_be_asked_for():
    examples = {
        Kind.TEXT: "x",
        Kind.DATE: "30d",
        Kind.ID: "7",
        Kind.SERIAL: "0A",
        Kind.HOST: "a.example",
        Kind.FLAG: "yes",
    }
    for written in [*filter(None, FIELDS), *ALIASES]:
        name = ALIASES.get(written, written)
        assert parse_filter(f"{written}:{examples[FIELDS[name]]}").terms[0].field == name


@given(st.text(max_size=120))
def test_any_text_is_a_filter_or_a_refusal(text):
    with contextlib.suppress(BadInput):
        found = parse_filter(text)
        assert parse_filter(str(found)) == found


WORDS = st.text(min_size=1, max_size=12)
TERMS = st.one_of(
    st.builds(Term, st.sampled_from(["", "org", "note", "status"]), st.just(":"), WORDS, st.booleans()),
    st.builds(Term, st.sampled_from(["org", "profile"]), st.just("="), WORDS, st.booleans()),
    st.builds(
        Term,
        st.sampled_from(["expires", "requested", "dcv"]),
        st.sampled_from(["<", "<=", ">", ">=", "="]),
        st.one_of(st.dates(), st.integers(-36_500, 36_500).map(Days)),
        st.booleans(),
    ),
    st.builds(Term, st.sampled_from(["key", "renew"]), st.just("="), st.booleans(), st.booleans()),
)


@given(st.lists(TERMS, max_size=8).map(lambda terms: Filter(tuple(terms))))
def test_a_written_filter_reads_as_itself(wanted):
    assert parse_filter(str(wanted)) == wanted


@given(st.text('abc:<>=-"\\ .0159', max_size=40))
def test_the_language_s_own_signs_in_any_order(text):
    with contextlib.suppress(BadInput):
        assert parse_filter(str(parse_filter(text))) == parse_filter(text)
