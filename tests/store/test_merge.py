"""Taking in what SCM tells: nothing twice, nothing lost, nothing brought back unasked."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kmptui.domain.audit import Entry
from kmptui.domain.listing import Query, Topic
from kmptui.domain.order import Hold, RemoteOrder
from kmptui.store import certificates, ledger, listing
from kmptui.store.db import Db, revisions
from tests.store.making import NOW, STAMP, TODAY, certificate, connected, remote


def counts(report: ledger.MergeReport) -> tuple[int, int, int, int]:
    return report.new, report.changed, report.same, report.kept_deleted


def test_an_import_again_brings_nothing_new(db: Db) -> None:
    told = [remote(n) for n in range(1, 101)]
    first = ledger.merge(db, told, STAMP)
    assert (counts(first), len(first.changed_ids)) == ((100, 0, 0, 0), 100)
    before = revisions(db, Topic.ORDERS)
    assert counts(ledger.merge(db, told, STAMP)) == (0, 0, 100, 0)
    assert revisions(db, Topic.ORDERS) == before
    told[4] = remote(5, status="Revoked", revoked=date(2026, 11, 1))
    report = ledger.merge(db, told, STAMP)
    assert (counts(report), report.changed_ids) == ((0, 1, 99, 0), {5})
    assert ledger.order(db, 5).revoked == date(2026, 11, 1)
    assert ledger.order(db, 5).row.state == "revoked"


def test_everything_told_is_kept(db: Db) -> None:
    told = remote(
        9,
        order_number="88213",
        backend_id="b1",
        term=199,
        key="RSA - 2048",
        requester="ops",
        external_requester="a@x.org",
        comments="Ticket",
        custom_fields=(("Cost centre", "0815"),),
        approved=date(2026, 5, 21),
        issued=date(2026, 5, 22),
        declined=None,
        replaced=date(2026, 6, 1),
        renewed=False,
        requested_via="REST",
        oddities=("odd date",),
    )
    ledger.merge(db, [told], STAMP)
    order = ledger.order(db, 1)
    for name in (
        "names",
        "order_number",
        "backend_id",
        "term",
        "key",
        "requester",
        "external_requester",
        "comments",
        "custom_fields",
        "approved",
        "issued",
        "declined",
        "replaced",
        "renewed",
        "requested_via",
    ):
        assert getattr(order, name) == getattr(told, name), name
    assert (order.organization_id, order.profile_id, order.origin) == (7, 3, "imported")
    assert (order.row.organization, order.row.profile, order.row.names_count) == ("Web Ops", "OV Multi", 2)
    assert (order.row.requested, order.row.expires, order.row.serial) == (told.requested, told.expires, told.serial)


def test_what_scm_does_not_say_stays_known(db: Db) -> None:
    ledger.merge(db, [remote(9, renewed=True, comments="kept", term=199)], STAMP)
    report = ledger.merge(db, [RemoteOrder(ssl_id=9, status="Issued", from_report=True)], STAMP)
    assert counts(report) == (0, 0, 1, 0)
    order = ledger.order(db, 1)
    assert (order.renewed, order.comments, order.term, order.common_name) == (True, "kept", 199, "host9.example.edu")
    assert counts(ledger.merge(db, [RemoteOrder(ssl_id=9, renewed=False)], STAMP)) == (0, 1, 0, 0)
    assert ledger.order(db, 1).renewed is False


def test_the_barest_row_comes_in(db: Db) -> None:
    ledger.merge(
        db, [RemoteOrder(ssl_id=1), RemoteOrder(ssl_id=2, status="Wibble\u202e[/]", common_name="x" * 10_000)], STAMP
    )
    bare, odd = ledger.order(db, 1), ledger.order(db, 2)
    assert (bare.row.state, bare.names, bare.row.expires, bare.row.names_count) == ("accepted", (), None, 0)
    assert odd.row.state == '"Wibble\u202e[/]"'
    assert odd.names == ("x" * 10_000,)
    assert ledger.to_check(db) == (1, 2)


def test_text_that_no_column_holds_is_made_to_fit(db: Db) -> None:
    hostile = remote(1, "a\ud800b", names=("a\ud800b", "c\x00d", "e\x1ff"), comments="\udfff", organization="\x00")
    for expected in ((2, 0, 0, 0), (0, 0, 2, 0)):
        assert counts(ledger.merge(db, [hostile, remote(2)], STAMP)) == expected
    assert ledger.order(db, 1).row.names_count == 3
    assert len(ledger.order(db, 1).names) == 3
    assert ledger.order(db, 2).common_name == "host2.example.edu"


def test_the_same_id_twice_in_one_batch_comes_in_once(db: Db) -> None:
    assert counts(ledger.merge(db, [remote(1, status="Applied"), remote(1, status="Issued")], STAMP)) == (1, 0, 0, 0)
    assert ledger.order(db, 1).row.status == "Issued"
    assert counts(ledger.merge(db, [], STAMP)) == (0, 0, 0, 0)


def test_deleted_ones_stay_deleted_unless_asked_for(db: Db) -> None:
    ledger.merge(db, [remote(1), remote(2)], STAMP)
    ledger.delete_here(db, [1], Entry("delete"), STAMP)
    assert counts(ledger.merge(db, [remote(1, status="Revoked"), remote(2)], STAMP)) == (0, 0, 1, 1)
    assert ledger.order(db, 1).row.deleted
    assert listing.count(db, Query(Topic.ORDERS, "host1.", view="all"), NOW) == 0
    report = ledger.merge(db, [remote(1), remote(2)], STAMP, bring_back=True)
    assert (counts(report), report.changed_ids) == ((1, 0, 1, 0), {1})
    assert not ledger.order(db, 1).row.deleted
    assert listing.count(db, Query(Topic.ORDERS, "host1.", view="all"), NOW) == 1


def test_bodies_wait_once(db: Db) -> None:
    ledger.merge(db, [remote(1), remote(2, expires=TODAY - timedelta(days=1)), remote(3, status="Applied")], STAMP)
    assert [ledger.order(db, n).row.hold for n in (1, 2, 3)] == [Hold.WAITING, Hold.NONE, Hold.NONE]
    added = certificates.add(db, certificate("a", 1, serial=remote(1).serial), Entry("collect"), STAMP)
    assert ledger.order(db, 1).row.hold is Hold.NONE
    ledger.merge(db, [remote(1)], STAMP)
    assert ledger.order(db, 1).row.hold is Hold.NONE
    ledger.merge(db, [remote(1, serial="0A0B")], STAMP)
    assert ledger.order(db, 1).row.hold is Hold.WAITING, "somebody else reissued it"
    certificates.delete_here(db, [added], Entry("delete"), STAMP)
    ledger.set_hold(db, 1, Hold.NONE)
    ledger.merge(db, [remote(1, serial="0A0B", comments="new")], STAMP)
    assert ledger.order(db, 1).row.hold is Hold.NONE, "what was deleted here is not fetched again"
    ledger.merge(db, [remote(3, status="Issued")], STAMP)
    assert ledger.order(db, 3).row.hold is Hold.WAITING
    ledger.merge(db, [remote(3, status="Revoked")], STAMP)
    assert ledger.order(db, 3).row.hold is Hold.NONE


def test_declined_and_replaced_ones_are_of_the_past(db: Db) -> None:
    ledger.merge(db, [remote(1, status="Declined"), remote(2, status="REPLACED"), remote(3)], STAMP)
    assert listing.ids(db, Query(Topic.ORDERS), NOW) == (3,)
    assert set(listing.ids(db, Query(Topic.ORDERS, view="all"), NOW)) == {1, 2, 3}
    assert ledger.states(db, NOW) == {"issued, not added": 1}


def test_serials_are_written_one_way(db: Db) -> None:
    ledger.merge(db, [remote(1, serial="00:4a:11:9c"), remote(2, serial="4a119c"), remote(3, serial="A")], STAMP)
    assert [ledger.order(db, n).row.serial for n in (1, 2, 3)] == ["4A119C", "4A119C", "0A"]


remotes = st.builds(
    RemoteOrder,
    ssl_id=st.integers(1, 6),
    common_name=st.text(max_size=6),
    names=st.lists(st.text(max_size=4), max_size=3).map(tuple),
    status=st.sampled_from(["", "Issued", "Applied", "Declined", "odd", "REPLACED"]),
    organization_id=st.none() | st.integers(1, 9),
    organization=st.text(max_size=4),
    profile_id=st.none() | st.integers(1, 9),
    serial=st.sampled_from(["", "0A", "A1B2"]),
    term=st.none() | st.integers(1, 400),
    renewed=st.none() | st.booleans(),
    expires=st.none() | st.dates(date(2026, 1, 1), date(2028, 1, 1)),
    oddities=st.lists(st.text(max_size=3), max_size=2).map(tuple),
)


@settings(max_examples=60, deadline=None)
@given(batches=st.lists(st.lists(remotes, max_size=5), max_size=5))
def test_merging_again_is_idle_and_search_follows(
    tmp_path_factory: pytest.TempPathFactory, batches: list[list[RemoteOrder]]
) -> None:
    with connected(tmp_path_factory.mktemp("merge")) as db:
        seen: set[int] = set()
        for batch in batches:
            last = {told.ssl_id: told for told in batch}
            report = ledger.merge(db, batch, STAMP)
            assert report.new == len(last.keys() - seen)
            assert report.new + report.changed + report.same == len(last)
            seen |= last.keys()
            again = ledger.merge(db, batch, STAMP)
            assert (again.new, again.changed) == (0, 0)
            for ssl_id, told in last.items():
                order = ledger.order_by_ssl_id(db, ssl_id)
                assert order is not None
                if told.status:
                    assert order.row.status == told.status
        assert db.value("SELECT count(*) FROM orders") == len(seen)
        assert db.value("SELECT count(*) FROM order_words") == len(seen)
        assert db.rows("PRAGMA foreign_key_check") == []
