"""What somebody else did in SCM is noted once, with before and after; what we did ourselves is not."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from kmptui.domain.audit import Entry
from kmptui.domain.changes import ChangeKind
from kmptui.domain.keys import KeySpec
from kmptui.domain.listing import Topic
from kmptui.domain.order import Act, Intent, RemoteOrder
from kmptui.domain.profile import Profile
from kmptui.errors import NotFound
from kmptui.store import certificates, changes, claims, ledger, mirror
from kmptui.store.claims import Claim, Holder
from kmptui.store.db import Db
from kmptui.store.models import RevocationRow
from tests.store.making import ENTRY, NOW, STAMP, TODAY, certificate, material, remote, request, stamp


def look(db: Db, *remotes: RemoteOrder, whole: bool = True, minutes: int = 60) -> None:
    """One look at SCM, as an import makes it."""
    at = stamp(minutes)
    ledger.merge(db, remotes, at)
    changes.looked(db, [one.ssl_id for one in remotes], whole, at.at - timedelta(minutes=1), at.at)


def told(db: Db, *, seen: bool = False) -> list[tuple[str, str, str, str]]:
    """Kind, number, before and after of each change, oldest first."""
    return [(one.kind, one.number, one.before, one.after) for one in changes.rows(db, seen=seen)[::-1]]


def test_the_first_import_tells_of_nothing(db: Db) -> None:
    look(db, *(remote(n) for n in range(1, 50)))
    look(db, *(remote(n) for n in range(1, 50)))
    assert told(db) == []


def test_each_thing_that_somebody_did(db: Db) -> None:
    look(db, remote(1), remote(2), remote(3), remote(4, renewed=False), remote(5))
    look(
        db,
        remote(1, status="Revoked", revoked=date(2026, 11, 22)),
        remote(2, serial="0A0B", expires=date(2027, 6, 1)),
        remote(4, renewed=True),
        remote(5),
        remote(6, "host5.example.edu", expires=date(2027, 6, 1), requested=TODAY),
        remote(7, status="Requested", expires=None, serial="", requested=TODAY, requester="M. Keller"),
    )
    assert told(db) == [
        ("revoked", "o1", "issued, ends 2 Dec 2026", "revoked on 22 Nov 2026"),
        ("reissued", "o2", "serial AB00…000002, ends 2 Dec 2026", "serial 0A0B, ends 1 Jun 2027"),
        ("renewed", "o4", "issued, ends 2 Dec 2026", "SCM says that it is renewed"),
        ("renewed", "o5", "o5, issued, not added, ends 2 Dec 2026", "o6 (scm:6), issued, ends 1 Jun 2027"),
        ("new", "o7", "", "o7 (scm:7), requested, requested by M. Keller"),
        ("vanished", "o3", "issued, not added, ends 2 Dec 2026", "SCM lists it no more"),
    ]  # fmt: skip
    before = told(db)
    look(db, remote(1, status="Revoked"), remote(2, serial="0A0B"), remote(4), remote(5), remote(6), remote(7))
    assert told(db) == before


def test_a_change_that_goes_on_stays_one(db: Db) -> None:
    """A reissue is seen while it is under way and when it is done; an order that comes back has not vanished."""
    look(db, remote(1), remote(2))
    look(db, remote(1, status="Applied"))
    assert {(kind, number) for kind, number, *_ in told(db)} == {("reissued", "o1"), ("vanished", "o2")}
    look(db, remote(1, status="Issued", serial="0C0D"), remote(2))
    ((kind, number, before, after),) = told(db)
    assert (kind, number) == ("reissued", "o1")
    assert before.startswith("serial ")
    assert "0C0D" not in before
    assert after.startswith("serial 0C0D")


def test_a_part_of_the_orders_tells_of_none_that_vanished(db: Db) -> None:
    look(db, remote(1), remote(2))
    look(db, remote(1), whole=False)
    assert told(db) == []


def test_older_orders_that_an_import_brings_in_are_not_new(db: Db) -> None:
    look(db, remote(5), whole=False)
    look(db, remote(4), remote(5), remote(9))
    assert told(db) == [], "asked for in May: it was there, and only not imported"
    look(db, remote(4), remote(5), remote(9), remote(10, requested=TODAY))
    assert [(kind, number) for kind, number, *_ in told(db)] == [("new", "o4")]


def prepared(
    db: Db, holder: Holder, act: Act, order_id: int | None = None, name: str = "host1.example.edu"
) -> tuple[Claim, Intent]:
    own = claims.claim(db, claims.name_topic(name), holder, STAMP.at)
    intent = ledger.prepare(
        db, act, request(name, f"www.{name}"), material(str(act)), own, ENTRY, STAMP, order_id=order_id
    )
    ledger.mark_sent(db, intent.id, own, None, STAMP)
    return own, intent


def test_what_we_did_is_no_change(db: Db, holder: Holder) -> None:
    """Our reissue, our renewal, our revocation, an order of ours that an import meets before its answer."""
    look(db, remote(1, renewed=False), remote(2), remote(3))
    certificates.add(db, certificate("old", 1, serial=remote(1).serial), Entry("collect"), STAMP)
    own, intent = prepared(db, holder, Act.REISSUE, 1)
    look(db, remote(1, status="Applied"), remote(2), remote(3))
    ledger.accept(db, intent.id, 1, own, ENTRY, STAMP)
    claims.release(db, own)
    look(db, remote(1, serial="0A0B"), remote(2), remote(3))
    own, renewal = prepared(db, holder, Act.RENEW, 1)
    look(
        db,
        remote(1, serial="0A0B", renewed=True),
        remote(2),
        remote(3),
        remote(8, "host1.example.edu", requested=TODAY),
    )
    RevocationRow.insert(
        order_id=2, serial=remote(2).serial, common_name="host2.example.edu", reason_code=1, reason="lost", asked=NOW,
        crl_url="", tries=0, again="",
    ).execute(db)  # fmt: skip
    look(db, remote(1, serial="0A0B"), remote(2, status="Revoked"), remote(3), remote(8, "host1.example.edu"))
    assert told(db) == []
    ledger.accept(db, renewal.id, 8, own, ENTRY, STAMP)
    look(db, remote(1, serial="0A0B"), remote(2, status="Revoked"), remote(3), remote(8, "host1.example.edu"))
    assert told(db) == []
    # what comes after our reissue is there is somebody else's
    certificates.add(db, certificate("new", 1, serial="0A0B", spki=material(str(Act.REISSUE)).spki), ENTRY, STAMP)
    look(db, remote(1, serial="0E0F"), remote(2, status="Revoked"), remote(3), remote(8, "host1.example.edu"))
    assert [(kind, number) for kind, number, *_ in told(db)] == [("reissued", "o1")]


def test_an_order_that_turns_out_to_be_ours(db: Db, holder: Holder) -> None:
    look(db, remote(1))
    look(db, remote(1), remote(2, "other.example.edu", requested=TODAY))
    own, intent = prepared(db, holder, Act.ORDER, name="other.example.edu")
    assert [kind for kind, *_ in told(db)] == ["new"]
    ledger.accept(db, intent.id, 2, own, ENTRY, STAMP)
    assert told(db) == []


def test_a_revoked_certificate_counts_no_more(db: Db) -> None:
    look(db, remote(1))
    added = certificates.add(db, certificate("a", 1, serial=remote(1).serial), ENTRY, STAMP)
    assert certificates.limit_used(db, NOW) == 1
    look(db, remote(1, status="Revoked"))
    assert certificates.certificate(db, added).row.revoked
    assert certificates.limit_used(db, NOW) == 0


def profile(number: int, *terms: int) -> Profile:
    return Profile(number, f"OV {number}", "", terms, (KeySpec("RSA", "2048"),), frozenset({7}))


def test_profiles(db: Db) -> None:
    mirror.replace_profiles(db, [profile(1, 90, 365), profile(2, 90)], STAMP)
    assert told(db) == []
    mirror.replace_profiles(db, [profile(1, 90)], stamp(1))
    assert told(db) == [
        ("changed", "profile 1", "terms 90, 365 d; keys RSA 2048", "terms 90 d; keys RSA 2048"),
        ("vanished", "profile 2", "terms 90 d; keys RSA 2048", "SCM offers it no more"),
    ]
    mirror.replace_profiles(db, [profile(1, 90, 199), profile(2, 90)], stamp(2))
    assert told(db) == [("changed", "profile 1", "terms 90, 365 d; keys RSA 2048", "terms 90, 199 d; keys RSA 2048")]
    mirror.replace_profiles(db, [profile(1, 90, 365), profile(2, 90)], stamp(3))
    assert told(db) == [], "it is as it was"


def test_acknowledged_ones_are_kept_apart(db: Db) -> None:
    look(db, remote(1), remote(2))
    look(db, remote(1, status="Revoked"), remote(2, status="Revoked"))
    first, second = changes.rows(db)
    assert changes.open_counts(db) == {(Topic.ORDERS, ChangeKind.REVOKED): 2}
    with pytest.raises(NotFound):
        changes.acknowledge(db, [first.id, 99], NOW)
    assert [one.id for one in changes.acknowledge(db, [first.id], NOW)] == [first.id]
    assert changes.rows(db) == (second,)
    assert changes.acknowledge(db, [first.id], NOW) == ()
    assert [one.id for one in changes.acknowledge(db, None, NOW)] == [second.id]
    assert changes.rows(db) == ()
    assert [one.seen for one in changes.rows(db, seen=True)] == [NOW, NOW]
