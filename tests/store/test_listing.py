"""Lists against a naive model: the same rows in the same order, whatever is asked for."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kmptui.domain.audit import Entry
from kmptui.domain.filters import Days, Filter, Term
from kmptui.domain.listing import SORTS, Query, Topic
from kmptui.domain.names import covers
from kmptui.domain.order import Order
from kmptui.errors import BadInput
from kmptui.store import account, audit, certificates, conditions, keys, ledger, listing, words
from kmptui.store.db import Db
from tests.store.making import NOW, STAMP, TODAY, certificate, connected, remote, sealed, stamp

PARTS = (
    "a",
    "shop",
    "SHOP",
    "www",
    "straße",
    "Ünï",
    "x_y",
    "100%",
    "o'b",
    '"q"',
    "AND",
    "NEAR(",
    "*",
    "--",
    "e.edu",
    "ab",
)
texts = st.lists(st.sampled_from(PARTS), min_size=1, max_size=2).map(" ".join)
hosts = st.lists(st.sampled_from(["a", "shop", "www", "pay"]), min_size=1, max_size=2).map(
    lambda p: ".".join((*p, "e.edu"))
)
days = st.integers(-60, 60).map(lambda n: TODAY + timedelta(days=n))

orders = st.builds(
    dict,
    names=st.lists(hosts | hosts.map(lambda h: f"*.{h}"), min_size=1, max_size=3, unique=True).map(tuple),
    status=st.sampled_from(["Issued", "Requested", "Declined", "Revoked", "Odd", ""]),
    organization=texts,
    profile=texts,
    serial=st.sampled_from(["", "0A1B", "A1B2C3", "FF"]),
    order_number=st.sampled_from(["", "88213"]),
    requester=texts,
    comments=texts,
    issuer=texts,
    requested=st.none() | days,
    issued=st.none() | days,
    expires=st.none() | days,
)

TEXT_FIELDS = (
    "",
    "name",
    "org",
    "profile",
    "status",
    "issuer",
    "requester",
    "comments",
    "note",
    "contact",
    "source",
    "action",
)
terms = st.one_of(
    st.builds(
        Term,
        st.sampled_from(TEXT_FIELDS),
        st.sampled_from([":", "="]),
        texts | st.sampled_from(PARTS) | hosts | st.sampled_from(["issued", "issued, not added", "imported"]),
        st.booleans(),
    ).map(lambda t: Term("", ":", t.value, t.negated) if not t.field else t),
    st.builds(
        Term,
        st.sampled_from(["expires", "requested", "issued", "dcv"]),
        st.sampled_from(["=", "<", "<=", ">", ">="]),
        st.builds(Days, st.integers(-40, 40)) | days,
        st.booleans(),
    ),
    st.builds(Term, st.just("covers"), st.just("="), hosts | hosts.map(lambda h: f"*.{h}"), st.booleans()),
    st.builds(
        Term,
        st.just("serial"),
        st.sampled_from([":", "="]),
        st.sampled_from(["A1B", "0A1B", "00A1B", "FF"]),
        st.booleans(),
    ),
    st.builds(
        Term, st.sampled_from(["id", "scm"]), st.just("="), st.sampled_from(["1", "o2", "c1", "c2", "3"]), st.booleans()
    ),
    st.builds(Term, st.sampled_from(["key", "renew", "exported"]), st.just("="), st.booleans(), st.booleans()),
)


@dataclass
class Shown:
    """An order and what the model needs to know besides."""

    order: Order
    told: dict[str, Any]
    exported: bool
    has_key: bool


def fold(text: str) -> str:
    return text.casefold()


def holds(term: Term, shown: Shown) -> bool:
    order, row = shown.order, shown.order.row
    rest = (row.organization, row.profile, row.serial, order.order_number, str(row.ssl_id), order.note, order.contact)
    fields: dict[str, tuple[str, ...]] = {
        "org": (row.organization,), "profile": (row.profile,), "status": (row.state, row.status),
        "issuer": (shown.told["issuer"],), "requester": (order.requester, order.external_requester),
        "comments": (order.comments,), "note": (order.note,), "contact": (order.contact,), "source": (order.origin,),
        "name": order.names, "": (*order.names, *rest),
    }  # fmt: skip
    if term.field in fields:
        value = fold(str(term.value))
        test: Callable[[str], bool] = (
            (lambda text: fold(text) == value) if term.op == "=" else (lambda text: value in fold(text))
        )
        return any(map(test, fields[term.field]))
    if term.field in {"expires", "requested", "issued"}:
        day: date | None = {"expires": row.expires, "requested": row.requested, "issued": order.issued}[term.field]
        compare = {"=": operator.eq, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}[term.op]
        return day is not None and compare(day, term.day(TODAY))
    if term.field == "covers":
        return any(covers(name, str(term.value)) for name in order.names)
    if term.field == "serial":
        value = str(term.value).lstrip("0")
        return row.serial.lstrip("0") == value if term.op == "=" else value in row.serial
    if term.field == "id":
        letter, number = (
            ("o", str(term.value)) if str(term.value).isdigit() else (str(term.value)[0], str(term.value)[1:])
        )
        return (row.id if letter == "o" else row.certificate_id) == int(number)
    if term.field == "scm":
        return str(term.value).isdigit() and row.ssl_id == int(str(term.value))
    flags = {"key": shown.has_key, "renew": row.auto_renew, "exported": shown.exported}
    return flags.get(term.field) == term.value


def key(sort: str, order: Order) -> tuple[Any, int]:
    row = order.row
    value = {
        "id": row.id,
        "common_name": row.common_name.lower(),
        "status": row.state,
        "expires": row.expires or date(9999, 12, 31),
        "requested": str(row.requested or ""),
        "organization": ascii_lower(row.organization),
        "profile": ascii_lower(row.profile),
    }[sort or "expires"]
    return value, row.id


def ascii_lower(text: str) -> bytes:
    return text.encode().lower()


def expected(shown: Sequence[Shown], query: Query, asked: Filter) -> list[int]:
    def current(order: Order) -> bool:
        row = order.row
        long_gone = row.expires is not None and row.expires < TODAY - timedelta(days=30)
        return not (row.superseded or row.state == "declined" or long_gone)

    rows = [
        one.order for one in shown
        if not one.order.row.deleted and (query.view == "all" or current(one.order))
        and all(holds(term, one) != term.negated for term in asked.terms)
    ]  # fmt: skip
    return [order.id for order in sorted(rows, key=lambda order: key(query.sort, order), reverse=query.descending)]


def fill(db: Db, told: list[dict[str, Any]], catch_up: bool) -> list[Shown]:
    ledger.merge(db, [remote(n, one["names"][0], **one) for n, one in enumerate(told, 1)], STAMP)
    if catch_up:
        while words.catch_up(db, 2):
            pass
    for n in range(1, len(told) + 1):
        if n % 3 == 0:
            ledger.annotate(db, n, note="a note for SHOP", contact="Ünï")
        if n % 4 == 0:
            ledger.set_auto_renew(db, [n], True)
        if n % 5 == 0:
            ledger.delete_here(db, [n], Entry("delete"), STAMP)
        elif n % 2 == 0:
            made = certificate(str(n), n, serial=told[n - 1]["serial"] or "FF")
            added = certificates.add(db, made, Entry("collect"), STAMP)
            if n % 3 == 0:
                certificates.mark_exported(db, added, Entry("export"), STAMP)
            if n % 4 == 0:
                keys.keep(db, made.spki, sealed(), "RSA 2048", "made", NOW)
    return [
        Shown(ledger.order(db, n), one, exported=n % 6 == 0 and n % 5 != 0, has_key=n % 4 == 0 and n % 5 != 0)
        for n, one in enumerate(told, 1)
    ]


@settings(max_examples=60, deadline=None)
@given(
    told=st.lists(orders, min_size=1, max_size=14),
    asked=st.lists(st.lists(terms, max_size=3).map(lambda found: Filter(tuple(found))), min_size=1, max_size=8),
    sort=st.sampled_from(["", *SORTS[Topic.ORDERS]]),
    descending=st.booleans(),
    view=st.sampled_from(["current", "all"]),
    catch_up=st.booleans(),
    narrow=st.sampled_from([0, 2, 2000]),
)
def test_orders_are_listed_as_the_model_says(
    tmp_path_factory: pytest.TempPathFactory,
    told: list[dict[str, Any]],
    asked: list[Filter],
    sort: str,
    descending: bool,
    view: str,
    catch_up: bool,
    narrow: int,
) -> None:
    with connected(tmp_path_factory.mktemp("listing")) as db, pytest.MonkeyPatch.context() as patch:
        patch.setattr(words, "NARROW", narrow)
        shown = fill(db, told, catch_up)
        for wanted in (Filter(), *asked):
            query = Query(Topic.ORDERS, str(wanted), sort, descending, view)
            ids = expected(shown, query, wanted)
            assert list(listing.ids(db, query, NOW)) == ids, query.filter
            assert listing.count(db, query, NOW) == len(ids)
            for offset in (0, 1, len(ids) // 2, len(ids) // 2 + 1, max(len(ids) - 2, 0), len(ids), len(ids) + 5):
                window = listing.window(db, query, offset, 3, NOW)
                assert [row.id for row in window.rows] == ids[offset : offset + 3]
                assert (window.total, window.offset) == (len(ids), min(offset, len(ids)))
            for number in range(1, len(told) + 2):
                place = listing.position(db, query, number, NOW)
                assert place == (ids.index(number) if number in ids else None)


@settings(max_examples=150, deadline=None)
@given(text=st.text(max_size=40) | st.text(alphabet="\"'%_\\-:<>=*()ANDORNTxo \x00\x1f\ud800é;", max_size=30))
@example('"; DROP TABLE orders; --')
@example('name:"a" OR "b"')
@example("*")
@example("a* NEAR b")
@example("%%%")
@example("___")
@example('"\x1f"')
def test_no_filter_does_more_than_filter(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    with connected(tmp_path_factory.mktemp("hostile")) as db:
        ledger.merge(db, [remote(n) for n in range(1, 4)], STAMP)
        for topic in Topic:
            if topic is Topic.ACCOUNT:
                continue
            try:
                window = listing.window(db, Query(topic, text, view="all"), 0, 10, NOW)
            except BadInput:
                continue  # the parser says what is wrong with it: its own tests
            assert window.total >= len(window.rows)
        assert listing.count(db, Query(Topic.ORDERS), NOW) == 3


CERTIFICATES = {
    "valid": {},
    "soon": {"not_after": NOW + timedelta(days=5), "common_name": "pay.example.edu", "names": ("pay.example.edu",)},
    "expired": {"not_after": NOW - timedelta(days=5)},
    "long": {"not_after": NOW - timedelta(days=31)},
    "wild": {"names": ("*.example.edu",), "common_name": "*.example.edu", "issuer": "Another CA"},
}


@pytest.fixture
def repository(db: Db) -> dict[str, int]:
    """Certificates by their marks; `old` is superseded by `valid`, of order 1."""
    ledger.merge(db, [remote(1, organization="Web Ops", profile="OV Multi")], STAMP)
    ids = {"old": certificates.add(db, certificate("old", 1), Entry("collect"), STAMP)}
    for mark, told in CERTIFICATES.items():
        made = certificate(mark, 1 if mark == "valid" else None, **({"not_before": NOW} | told))
        ids[mark] = certificates.add(db, made, Entry("collect"), STAMP)
    keys.keep(db, certificate("soon").spki, sealed(), "RSA 2048", "attached", NOW)
    certificates.mark_exported(db, ids["wild"], Entry("export"), STAMP)
    certificates.mark_revoked(db, ids["wild"], NOW)
    return ids


@pytest.mark.parametrize(
    ("text", "view", "marks"),
    [
        ("", "current", "valid soon expired wild"),
        ("", "all", "old valid soon expired long wild"),
        ("expires<7d", "current", "soon expired"),
        ("expires<7d -expires<0d", "current", "soon"),
        ("expires=2026-11-28", "current", "soon"),
        ("expires<=2026-11-28 expires>=2026-11-28", "current", "soon"),
        ("expires>2026-11-28", "current", "valid wild"),
        ("expires<2026-11-28", "current", "expired"),
        ("key:yes", "all", "soon"),
        ("exported:yes", "all", "wild"),
        ("covers:pay.example.edu", "all", "soon wild"),
        ("covers:x.pay.example.edu", "all", ""),
        ("status:valid", "all", "valid soon"),
        ("status:revoked", "all", "wild"),
        ("status:superseded", "all", "old"),
        ("status:expired", "current", "expired"),
        ("issuer:another", "all", "wild"),
        ("org:ops", "all", "old valid"),
        ("id:o1", "all", "old valid"),
        ("scm:1", "all", "old valid"),
        ("source:ordered -pay", "current", "valid expired wild"),
        ("web", "current", "valid"),
        ("dcv<1d", "all", ""),
    ],
)
def test_certificates(db: Db, repository: dict[str, int], text: str, view: str, marks: str) -> None:
    wanted = [repository[mark] for mark in marks.split()]
    query = Query(Topic.CERTIFICATES, text, sort="id", view=view)
    assert list(listing.ids(db, query, NOW)) == wanted
    assert [row.id for row in listing.window(db, query, 0, 20, NOW).rows] == wanted


@pytest.mark.parametrize("topic", [topic for topic in Topic if topic is not Topic.ACCOUNT])
def test_every_sort_of_every_list(db: Db, repository: dict[str, int], topic: Topic) -> None:
    for sort in ("", *SORTS[topic]):
        upwards, downwards = (listing.ids(db, Query(topic, sort=sort, descending=way), NOW) for way in (False, True))
        assert upwards == downwards[::-1]
        for place, number in enumerate(upwards):
            assert listing.position(db, Query(topic, sort=sort), number, NOW) == place


def test_the_record_is_listed_newest_first(db: Db) -> None:
    for n in range(1, 8):
        entry = Entry(
            "order" if n % 2 else "export", "outcome", "refused" if n == 3 else "done", f"HOST{n} Ünï", n, 70 + n
        )
        audit.append(db, entry, stamp(n * 60 * 24))
    ids = lambda text, **more: listing.ids(db, Query(Topic.AUDIT, text, **more), NOW)  # noqa: E731
    assert ids("") == (7, 6, 5, 4, 3, 2, 1)
    assert ids("", sort="seq") == (1, 2, 3, 4, 5, 6, 7)
    assert ids("action:export") == (6, 4, 2)
    assert ids("id:o3") == ids("id:c73") == ids("id:73") == ids("outcome:refused") == ids("host3") == (3,)
    assert ids("ünï host4") == (4,)
    assert ids("at:2026-11-25") == (2,)
    assert ids("actor:alice -action:order") == (6, 4, 2)
    assert ids("expires<3d") == ()
    assert listing.window(db, Query(Topic.AUDIT), 2, 2, NOW).rows == audit.rows(db)[3:5][::-1]


def test_what_is_asked_wrongly_is_said(db: Db) -> None:
    for query, field in (
        (Query(Topic.ORDERS, sort="password"), "sort"), (Query(Topic.ORDERS, view="deleted"), "view"),
        (Query(Topic.ORDERS, "nothing:x"), "filter"), (Query(Topic.ACCOUNT), "topic"),
    ):  # fmt: skip
        with pytest.raises(BadInput) as caught:
            listing.window(db, query, 0, 10, NOW)
        assert caught.value.field == field


def test_wildcards_of_the_database_are_plain_characters(db: Db) -> None:
    told = ("a_b", "axb", "a%b", "a\\b")
    ledger.merge(db, [remote(n, organization=text) for n, text in enumerate(told, 1)], STAMP)
    for text in told:
        query = Query(Topic.ORDERS, str(Filter((Term("org", ":", text),))))
        assert listing.ids(db, query, NOW) == (told.index(text) + 1,)


def test_counts_are_kept_until_something_changes(db: Db) -> None:
    ledger.merge(db, [remote(1)], STAMP)
    query = Query(Topic.ORDERS)
    assert listing.count(db, query, NOW) == 1
    assert len(db.counts) == 1
    assert listing.count(db, query, NOW) == 1
    ledger.merge(db, [remote(2)], STAMP)
    assert listing.count(db, query, NOW) == 2
    account.save_health(db, "{}", NOW)
    for day in range(100):
        listing.count(db, query, NOW + timedelta(days=day))
    assert len(db.counts) <= 64


def plan(db: Db, monkeypatch: pytest.MonkeyPatch, query: Query, moment: datetime = NOW) -> str:
    """How SQLite goes about the inner select of a window."""
    seen: list[str] = []
    ask = Db.rows

    def spy(self: Db, sql: str, parameters: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        if "JOIN" in sql and "OFFSET" in sql:
            seen.extend(str(row[3]) for row in ask(self, f"EXPLAIN QUERY PLAN {sql}", parameters))
        return ask(self, sql, parameters)

    with monkeypatch.context() as patch:
        patch.setattr(Db, "rows", spy)
        listing.window(db, query, 0, 10, moment)
    return "\n".join(seen)


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("sort", [name for name in SORTS[Topic.ORDERS] if name != "id"])
def test_orders_are_sorted_by_an_index_that_holds_the_view(
    db: Db, monkeypatch: pytest.MonkeyPatch, sort: str, descending: bool
) -> None:
    ledger.merge(db, [remote(n) for n in range(1, 50)], STAMP)
    told = plan(db, monkeypatch, Query(Topic.ORDERS, sort=sort, descending=descending))
    assert "USING COVERING INDEX orders_" in told
    assert told.count("TEMP B-TREE") <= 1, "only the rows of the window are sorted again"


def test_a_status_is_scms_word_or_ours(db: Db) -> None:
    told = ["Issued", "Downloaded", "Requested", "Applied", "Odd one", "Revoked"]
    ledger.merge(db, [remote(n, status=status) for n, status in enumerate(told, 1)], STAMP)

    def found(text: str) -> set[str]:
        return {told[n - 1] for n in listing.ids(db, Query(Topic.ORDERS, filter=text, view="all"), NOW)}

    assert found("status:issued") == {"Issued", "Downloaded"}
    assert found("status:downloaded") == {"Downloaded"}
    assert found("status=requested") == {"Requested"}
    assert found("status:re") == {"Requested", "Revoked"}
    assert found('status:"odd ONE"') == {"Odd one"}
    assert found("-status:issued") == {"Requested", "Applied", "Odd one", "Revoked"}
    assert found("status:none") == set()


def test_an_organization_of_many_is_found_by_any_part_of_it(db: Db, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["Web Ops", "web OPS", "Library", "Übersee", ""]
    ledger.merge(db, [remote(n, organization=name) for n, name in enumerate(names, 1)], STAMP)
    asked = ["org:ops", "org:WEB", "org=library", "org:lib", "org:über", "org:nobody", "-org:ops"]

    def found() -> list[tuple[int, ...]]:
        return [listing.ids(db, Query(Topic.ORDERS, filter=text, sort="id"), NOW) for text in asked]

    by_value = found()
    assert by_value == [(1, 2), (1, 2), (3,), (3,), (4,), (), (3, 4, 5)]
    monkeypatch.setattr(conditions, "MOST_VALUES", 2)
    assert found() == by_value
