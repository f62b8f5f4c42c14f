"""The repository: each certificate once, successors in their place, the limit, what leaves."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kmptui.domain.audit import Entry
from kmptui.domain.certificate import CertificateStatus, Source
from kmptui.domain.order import Hold
from kmptui.errors import Ambiguous, LimitReached, NotFound
from kmptui.store import audit, certificates, keys, ledger, schedule
from kmptui.store.db import Db
from tests.store.making import NOW, STAMP, certificate, remote, sealed

COLLECT = Entry("collect")


def imported(db: Db, count: int) -> None:
    ledger.merge(db, [remote(n) for n in range(1, count + 1)], STAMP)


def test_it_comes_back_as_it_went_in(db: Db) -> None:
    imported(db, 1)
    new = certificate("a", 1, source=Source.IMPORTED)
    number = certificates.add(db, new, COLLECT, STAMP)
    found = certificates.certificate(db, number)
    assert (found.leaf, found.chain, found.names) == (new.leaf, new.chain, new.names)
    assert (found.sha256, found.spki, found.key, found.subject) == (new.sha256, new.spki, new.key, new.subject)
    row = found.row
    assert (row.not_before, row.not_after, row.serial, row.issuer) == (
        new.not_before,
        new.not_after,
        new.serial,
        new.issuer,
    )
    assert (row.order_id, row.source, row.has_key, row.exported, found.added) == (1, Source.IMPORTED, False, None, NOW)
    assert row.status(NOW) is CertificateStatus.VALID
    keys.keep(db, new.spki, sealed(), "RSA 2048", "attached", NOW)
    assert certificates.certificate(db, number).row.has_key
    (recorded,) = audit.of_certificate(db, number)
    assert (recorded.order_id, recorded.action) == (1, "collect")


def test_the_same_one_comes_in_once(db: Db) -> None:
    imported(db, 1)
    number = certificates.add(db, certificate("a", 1), COLLECT, STAMP)
    assert certificates.add(db, certificate("a", 1), COLLECT, STAMP) == number
    assert audit.verify(db).rows == 1
    alone = certificates.add(db, certificate("b"), COLLECT, STAMP)
    assert db.value("SELECT count(*) FROM issuers") == 2, "chains are kept once"
    imported(db, 2)
    assert certificates.add(db, certificate("b", 2), COLLECT, STAMP) == alone
    assert certificates.certificate(db, alone).row.order_id == 2
    assert (ledger.order(db, 2).row.certificate_id, ledger.order(db, 2).row.hold) == (alone, Hold.NONE)
    imported(db, 3)
    assert certificates.add(db, certificate("b", 3), COLLECT, STAMP) == alone
    assert certificates.certificate(db, alone).row.order_id == 2
    assert ledger.order(db, 3).row.hold is Hold.NONE, "it does not wait for what is here"


def test_a_newer_one_takes_the_place(db: Db) -> None:
    imported(db, 1)
    old = certificates.add(db, certificate("a", 1), COLLECT, STAMP)
    new = certificates.add(db, certificate("b", 1, not_before=NOW), COLLECT, STAMP)
    assert [row.id for row in certificates.of_order(db, 1)] == [new, old]
    assert certificates.certificate(db, old).row.status(NOW) is CertificateStatus.SUPERSEDED
    older = certificates.add(db, certificate("c", 1, not_before=NOW - timedelta(days=300)), COLLECT, STAMP)
    assert certificates.certificate(db, older).row.superseded
    assert ledger.order(db, 1).row.certificate_id == new
    assert ledger.order(db, 1).row.serial == certificates.certificate(db, new).row.serial
    certificates.mark_revoked(db, new, NOW)
    assert certificates.certificate(db, new).row.status(NOW) is CertificateStatus.REVOKED
    assert not certificates.certificate(db, old).row.superseded


def test_a_renewal_for_fewer_names_takes_no_place(db: Db) -> None:
    imported(db, 2)
    db.run("UPDATE orders SET lineage = 1, previous_id = 1 WHERE id = 2")
    old = certificates.add(db, certificate("a", 1), COLLECT, STAMP)
    new = certificates.add(db, certificate("b", 2, not_before=NOW, names=("shop.example.edu",)), COLLECT, STAMP)
    assert not certificates.certificate(db, old).row.superseded
    assert not ledger.order(db, 1).row.superseded
    # reissued on purpose without the name, it is superseded by its own order's
    own = certificate("c", 1, not_before=NOW - timedelta(days=1), names=("shop.example.edu",))
    between = certificates.add(db, own, COLLECT, STAMP)
    told = [certificates.certificate(db, one).row.superseded for one in (old, between, new)]
    assert told == [True, True, False]
    assert ledger.order(db, 1).row.superseded


def test_the_limit_counts_lineages_that_live(db: Db) -> None:
    imported(db, 5)
    certificates.add(db, certificate("a", 1), COLLECT, STAMP, most=2)
    certificates.add(db, certificate("b", 1, not_before=NOW), COLLECT, STAMP, most=2)
    certificates.add(db, certificate("dead", 2, not_after=NOW - timedelta(days=1)), COLLECT, STAMP, most=2)
    assert certificates.limit_used(db, NOW) == 1
    certificates.add(db, certificate("c", 3), COLLECT, STAMP, most=2)
    with pytest.raises(LimitReached, match="limit 2 of 2"):
        certificates.add(db, certificate("d", 4), COLLECT, STAMP, most=2)
    with pytest.raises(LimitReached):
        certificates.add(db, certificate("e"), COLLECT, STAMP, most=2)
    certificates.add(db, certificate("a2", 1, not_before=NOW + timedelta(hours=1)), COLLECT, STAMP, most=2)
    certificates.add(db, certificate("dead2", 5, not_after=NOW), COLLECT, STAMP, most=2)
    third = certificates.by_sha256(db, certificate("c").sha256)
    assert third is not None
    certificates.mark_revoked(db, third.id, NOW)
    assert certificates.limit_used(db, NOW) == 1
    certificates.add(db, certificate("d", 4), COLLECT, STAMP, most=2)
    assert certificates.limit_used(db, NOW) == 2
    assert certificates.limit_used(db, NOW + timedelta(days=1000)) == 0
    certificates.add(db, certificate("f"), COLLECT, STAMP)


def test_it_is_found_by_what_people_say(db: Db) -> None:
    number = certificates.add(db, certificate("a", serial="00:4a:11:9c"), COLLECT, STAMP)
    other = certificates.add(db, certificate("b", common_name="pay.example.edu", serial="0A"), COLLECT, STAMP)
    for text in ("c1", "C1", "1", "4A119C", "4a:11:9c", "SHOP.example.edu"):
        assert certificates.find(db, text) == number
    assert certificates.find(db, "a") == other
    certificates.add(db, certificate("c", common_name="pay.example.edu"), COLLECT, STAMP)
    with pytest.raises(Ambiguous, match="c2, c3"):
        certificates.find(db, "pay.example.edu")
    for text in ("c99", "", "nothing", "9" * 40, "' OR 1=1 --"):
        with pytest.raises(NotFound):
            certificates.find(db, text)
    assert [row.id for row in certificates.by_serial(db, "4A:11:9C")] == [number]
    assert [row.id for row in certificates.by_spki(db, certificate("a").spki)] == [number]
    assert certificates.by_sha256(db, "00") is None


def test_what_leaves_can_come_back(db: Db) -> None:
    imported(db, 1)
    old = certificates.add(db, certificate("a", 1), COLLECT, STAMP)
    new = certificates.add(db, certificate("b", 1, not_before=NOW), COLLECT, STAMP)
    assert certificates.delete_here(db, [new, 99], Entry("delete"), STAMP) == 1
    assert certificates.delete_here(db, [new], Entry("delete"), STAMP) == 0
    with pytest.raises(NotFound):
        certificates.certificate(db, new)
    with pytest.raises(NotFound):
        certificates.mark_exported(db, new, Entry("export"), STAMP)
    assert ledger.order(db, 1).row.certificate_id == old
    assert not certificates.certificate(db, old).row.superseded
    assert db.value("SELECT count(*) FROM bodies") == 1
    assert certificates.add(db, certificate("b", 1, not_before=NOW), COLLECT, STAMP) == new
    assert certificates.certificate(db, old).row.superseded
    certificates.delete_here(db, [old, new], Entry("delete"), STAMP)
    assert ledger.order(db, 1).row.certificate_id is None
    assert ledger.order(db, 1).row.hold is Hold.NONE
    assert audit.of_certificate(db, new)[0].subject == "shop.example.edu"


def test_exports_are_remembered(db: Db) -> None:
    number = certificates.add(db, certificate("a"), COLLECT, STAMP)
    certificates.mark_exported(db, number, Entry("export"), STAMP)
    assert certificates.certificate(db, number).row.exported == NOW


def test_what_depends_on_a_domain(db: Db) -> None:
    told = {
        "apex": ("example.edu",),
        "below": ("a.b.example.edu",),
        "wild": ("*.example.edu",),
        "san": ("x.org", "y.example.edu"),
        "other": ("notexample.edu",),
        "longer": ("example.edu.org",),
    }
    ids = {
        mark: certificates.add(
            db, certificate(mark, names=names, common_name=names[0], not_after=NOW + timedelta(days=n)), COLLECT, STAMP
        )
        for n, (mark, names) in enumerate(told.items(), 1)
    }
    rows, total = certificates.under(db, "example.edu")
    assert ([row.id for row in rows], total) == ([ids[mark] for mark in ("apex", "below", "wild", "san")], 4)
    assert certificates.under(db, "*.example.edu")[1] == 3
    assert certificates.under(db, "b.example.edu")[1] == 1
    rows, total = certificates.under(db, "example.edu", 1)
    assert (len(rows), total) == (1, 4)


def test_the_queue_of_bodies(db: Db) -> None:
    ledger.merge(db, [remote(n, expires=(NOW + timedelta(days=100 - n)).date()) for n in range(1, 5)], STAMP)
    first = schedule.bodies(db, NOW, 2)
    assert [body.order_id for body in first] == [4, 3]
    assert (first[0].ssl_id, first[0].tries, first[0].successor) == (4, 0, False)
    schedule.body_failed(db, 4, "The answer could not be read", None, NOW + timedelta(hours=1))
    assert [body.order_id for body in schedule.bodies(db, NOW)] == [3, 2, 1]
    assert schedule.bodies_left(db, NOW) == 4
    later = schedule.bodies(db, NOW + timedelta(hours=1))
    assert (later[0].order_id, later[0].tries) == (4, 1)
    assert ledger.order(db, 4).problem
    schedule.hold_by_limit(db, [1, 2])
    assert (schedule.bodies_left(db, NOW), ledger.order(db, 1).row.state) == (2, "issued, not added")
    assert ledger.to_check(db) == (3, 4)
    assert schedule.release_limit(db) == 2
    assert schedule.bodies_left(db, NOW) == 4
    certificates.add(db, certificate("a", 3), COLLECT, STAMP)
    ledger.delete_here(db, [2], Entry("delete"), STAMP)
    assert [body.order_id for body in schedule.bodies(db, NOW)] == [1]
    assert schedule.bodies(db, NOW + timedelta(days=1000)) == ()
    ledger.merge(db, [remote(3, serial="0B0B")], STAMP)
    assert [body.successor for body in schedule.bodies(db, NOW) if body.order_id == 3] == [True]


def test_runs_are_remembered(db: Db) -> None:
    assert schedule.last(db, "mirror") is None
    schedule.begin(db, "mirror", NOW)
    run = schedule.last(db, "mirror")
    assert run is not None
    assert (run.started, run.ended, run.done) == (NOW, None, None)
    schedule.finish(db, "mirror", NOW + timedelta(minutes=1), "done", "3 organizations")
    schedule.begin(db, "mirror", NOW + timedelta(hours=1))
    schedule.finish(db, "mirror", NOW + timedelta(hours=2), "failed", "SCM was not reached")
    (run,) = schedule.runs(db)
    assert (run.done, run.ended, run.outcome) == (NOW + timedelta(minutes=1), NOW + timedelta(hours=2), "failed")
