"""Who renewed what: the record's rows and the ledger as one line for each attempt."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from kmptui.domain.audit import Actor, Entry, RenewalLine, Stamp
from kmptui.domain.listing import RENEWALS, Query, Topic
from kmptui.domain.order import Act, Intent
from kmptui.store import audit, certificates, claims, ledger, listing, renewal_audit
from kmptui.store.claims import Claim, Holder
from kmptui.store.db import Db
from tests.store.making import NOW, certificate, connected, material, remote, request

TIMER = Actor("timer", user="kmptui", host="jump1", unit="kmptui-run.service")
ALICE = Actor("cli", user="root", sudo_user="alice", ssh_source="192.0.2.7", host="jump1")
NAME = "shop.example.edu"


class Ledger:
    """Attempts by name, each a minute after the one before it."""

    def __init__(self, db: Db, holder: Holder) -> None:
        self.db = db
        self.holder = holder
        self.minutes = 0

    def stamp(self, actor: Actor) -> Stamp:
        self.minutes += 1
        return Stamp(NOW + timedelta(minutes=self.minutes), actor, "ops-api@ACME")

    def claim(self, name: str) -> Claim:
        return claims.claim(self.db, claims.name_topic(name), self.holder, NOW)

    def began(self, act: Act, order_id: int, mark: str, why: str = "due", actor: Actor = TIMER) -> tuple[Intent, Claim]:
        order = ledger.order(self.db, order_id)
        claim = self.claim(order.common_name)
        intent = ledger.prepare(
            self.db, act, request(*order.names), material(mark), claim,
            Entry(act.value, "intent", "prepared", details=(("why", why),)), self.stamp(actor), order_id=order_id,
        )  # fmt: skip
        ledger.mark_sent(self.db, intent.id, claim, None, self.stamp(actor))
        return intent, claim

    def taken(self, act: Act, order_id: int, ssl_id: int, mark: str, **more: Actor) -> Intent:
        intent, claim = self.began(act, order_id, mark, **more)  # type: ignore[arg-type]  # the actor alone
        entry = Entry(act.value, "outcome", "accepted", details=(("ssl id", str(ssl_id)),))
        ledger.accept(self.db, intent.id, ssl_id, claim, entry, self.stamp(TIMER))
        claims.release(self.db, claim)
        return intent

    def came(self, intent: Intent, mark: str, ends: int) -> int:
        new = certificate(
            mark, intent.order_id, spki=intent.spki, not_before=NOW, not_after=NOW + timedelta(days=ends),
            common_name=intent.common_name, names=intent.names,
        )  # fmt: skip
        return certificates.add(self.db, new, Entry("collect"), self.stamp(TIMER))

    def noted(self, order_id: int, cause: str, again: str, kind: str = "dcv", outcome: str = "not renewed") -> None:
        """As the schedule does."""
        details = (("why", "ends in 12 days"), ("kind", kind), ("tries", "1"), ("again", again))
        name = ledger.order(self.db, order_id).common_name
        entry = Entry("renew", "outcome", outcome, name, order_id, reason=cause, details=details)
        audit.append(self.db, entry, self.stamp(TIMER))


@pytest.fixture
def book(db: Db, holder: Holder) -> Ledger:
    """Orders 1 to 4 of SCM; the first one's certificate is here."""
    ledger.merge(db, [remote(n, NAME if n == 1 else "") for n in range(1, 5)], Stamp(NOW, ALICE))
    certificates.add(db, certificate("old", 1), Entry("collect"), Stamp(NOW, ALICE))
    return Ledger(db, holder)


def lines(db: Db, text: str = "") -> list[RenewalLine]:
    return list(listing.window(db, Query(Topic.AUDIT, text, view=RENEWALS), 0, 100, NOW).rows)


def test_a_renewal_from_its_reason_to_its_certificate(db: Db, book: Ledger) -> None:
    intent = book.taken(Act.RENEW, 1, 9, "new")
    (line,) = lines(db)
    assert (line.outcome, line.serial, line.cause, line.next_try) == ("pending", "", "", None)
    number = book.came(intent, "new", 190)
    (line,) = lines(db)
    old = certificate("old", 1)
    assert line == RenewalLine(
        seq=line.seq, at=NOW + timedelta(minutes=1), action="renew", common_name=NAME, names=(NAME, f"www.{NAME}"),
        actor="timer kmptui-run.service@jump1", account="ops-api@ACME", why="due", outcome="renewed", cause="",
        next_try=None, old_order_id=1, old_ssl_id=1, old_serial=old.serial, old_expires=old.not_after.date(),
        order_id=5, ssl_id=9, serial=certificate("new").serial, expires=(NOW + timedelta(days=190)).date(),
        certificate_id=number,
    )  # fmt: skip
    ledger.merge(db, [remote(9, NAME, serial="FF", expires=date(2030, 1, 1))], Stamp(NOW, ALICE))
    certificates.delete_here(db, [number], Entry("delete"), Stamp(NOW, ALICE))
    assert lines(db) == [line], "what came of it stays said"


def test_what_did_not_come_about(db: Db, book: Ledger) -> None:
    """Blocked, then refused by SCM, unconfirmed and not placed; each with its cause, its next try by the newest
    alone."""
    book.noted(2, "example.edu is not validated", "2026-11-24 03:12 UTC")
    book.noted(2, "SCM does not answer", "2026-11-25 00:00 UTC", "unreachable")
    book.noted(2, "given up: it has ended", "never", "given up", "given up")
    intent, claim = book.began(Act.RENEW, 3, "3", actor=ALICE)
    entry = Entry("renew", "outcome", "refused", reason="SCM says no (-180)")
    ledger.refuse(db, intent.id, "SCM says no (-180)", -180, claim, entry, book.stamp(ALICE))
    intent, claim = book.began(Act.RENEW, 4, "4")
    entry = Entry("renew", "outcome", "unconfirmed", reason="no answer")
    ledger.unconfirm(db, intent.id, "no answer", claim, entry, book.stamp(TIMER))
    told = [(line.outcome, line.cause, line.old_ssl_id, line.ssl_id, line.next_try) for line in lines(db)]
    assert told == [
        ("unconfirmed", "no answer", 4, None, None),
        ("refused", "SCM says no (-180)", 3, None, None),
        ("failed", "given up: it has ended", 2, None, None),
        ("deferred", "SCM does not answer", 2, None, datetime(2026, 11, 25, tzinfo=UTC)),
        ("blocked", "example.edu is not validated", 2, None, datetime(2026, 11, 24, 3, 12, tzinfo=UTC)),
    ]
    entry = Entry("renew", "outcome", "not placed", reason="two searches")
    ledger.not_placed(db, intent.id, "two searches", claim, entry, book.stamp(TIMER))
    claims.release(db, claim)
    db.run(
        "INSERT INTO renewal_tries (order_id, tries, kind, cause, cure, last, again) VALUES"
        " (4, 1, 'refused', '', '', '2026-11-23', '2026-11-26T00:00:00.000000Z')"
    )
    again = datetime(2026, 11, 26, tzinfo=UTC)
    assert (lines(db)[0].outcome, lines(db)[0].cause, lines(db)[0].next_try) == ("not placed", "two searches", again)
    book.taken(Act.RENEW, 4, 40, "5")
    assert [(line.outcome, line.cause, line.next_try) for line in lines(db, "lineage:o4")] == [
        ("pending", "", None),
        ("not placed", "two searches", None),
    ], "the second request works on the row of the first, and each keeps its end"


def test_what_the_schedule_notes_of_a_refused_request_is_told_with_it(db: Db, book: Ledger) -> None:
    """Right after it: one attempt; long after it, by another, or without a request: one of its own."""
    intent, claim = book.began(Act.RENEW, 3, "3")
    entry = Entry("renew", "outcome", "refused", reason="SCM says no (-180)")
    ledger.refuse(db, intent.id, "SCM says no (-180)", -180, claim, entry, book.stamp(TIMER))
    db.run(
        "INSERT INTO renewal_tries (order_id, tries, kind, cause, cure, last, again) VALUES"
        " (3, 1, 'refused', '', '', '2026-11-23', '2026-11-26T00:00:00.000000Z')"
    )
    book.minutes -= 1
    book.noted(3, "SCM says no (-180)", "2026-11-26 00:00 UTC", "refused")
    (line,) = lines(db)
    assert (line.outcome, line.next_try) == ("refused", datetime(2026, 11, 26, tzinfo=UTC))
    assert renewal_audit.sums(db, None, None).attempts == 1
    book.minutes += 10
    book.noted(3, "another one works on it", "2026-11-27 00:00 UTC", "mirror")
    assert [line.outcome for line in lines(db)] == ["blocked", "refused"]
    assert [line.next_try for line in lines(db)] == [datetime(2026, 11, 26, tzinfo=UTC), None]
    assert renewal_audit.sums(db, None, None).outcomes == {"blocked": 1, "refused": 1}


def test_a_reissue_keeps_its_order(db: Db, book: Ledger) -> None:
    intent = book.taken(Act.REISSUE, 1, 1, "again", actor=ALICE)
    (line,) = lines(db)
    old = certificate("old", 1)
    assert (line.outcome, line.old_serial, line.serial, line.expires) == ("pending", old.serial, "", None)
    assert line.actor == "cli alice (as root)@jump1 from 192.0.2.7"
    book.came(intent, "again", 90)
    (line,) = lines(db)
    assert (line.outcome, line.order_id, line.old_order_id, line.ssl_id, line.old_ssl_id) == ("reissued", 1, 1, 1, 1)
    assert (line.old_serial, line.serial) == (old.serial, certificate("again").serial)


def test_what_scm_took_and_declined(db: Db, book: Ledger) -> None:
    book.taken(Act.RENEW, 2, 20, "2")
    ledger.merge(db, [remote(20, "host2.example.edu", status="Declined")], Stamp(NOW, ALICE))
    assert lines(db)[0].outcome == "failed"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "o6 o2 o1"),
        ("outcome=renewed", "o1"),
        ("outcome:blocked", "o2"),
        ("-outcome=renewed", "o6 o2"),
        ("actor:alice", "o6"),
        ("lineage:o5", "o6 o1"),
        ("lineage:o1", "o6 o1"),
        ("lineage:c1", "o6 o1"),
        ("lineage:scm:9", "o6 o1"),
        ("lineage:o3", ""),
        ("name=shop.example.edu", "o6 o1"),
        ("name=op.example.edu", ""),
        ("name:OP.example", "o6 o1"),
        ("covers:www.shop.example.edu", "o6 o1"),
        ("scm:9", "o6 o1"),
        ("id:o5", "o6 o1"),
        ("validated", "o2"),
        ("at:2026-11-23", "o6 o2 o1"),
        ("at>2026-11-23", ""),
        ("expires<3d", ""),
    ],
)
def test_filters(db: Db, book: Ledger, text: str, found: str) -> None:
    """A renewal of o1 as o5, one of o5 as o6 that is under way, and a blocked one of o2."""
    book.came(book.taken(Act.RENEW, 1, 9, "new"), "new", 30)
    book.noted(2, "is not validated", "")
    book.began(Act.RENEW, 5, "newer", actor=ALICE)
    name = {"renewed": "o1", "blocked": "o2", "under way": "o6"}
    assert " ".join(name[line.outcome] for line in lines(db, text)) == found
    query = Query(Topic.AUDIT, text, view=RENEWALS)
    ids = listing.ids(db, query, NOW)
    assert list(ids) == [line.seq for line in lines(db, text)]
    assert [listing.position(db, query, seq, NOW) for seq in ids] == list(range(len(ids)))


def test_sums_come_from_the_ledger(db: Db, book: Ledger) -> None:
    book.came(book.taken(Act.RENEW, 1, 9, "new"), "new", 30)
    book.taken(Act.RENEW, 3, 30, "3")
    book.noted(2, "is not validated", "")
    counted = renewal_audit.sums(db, NOW, NOW + timedelta(days=1))
    assert (counted.attempts, counted.states) == (3, {"accepted": 2})
    assert list(counted.outcomes.items()) == [("renewed", 1), ("pending", 1), ("blocked", 1)]
    assert renewal_audit.sums(db, NOW + timedelta(days=1), None).attempts == 0
    assert renewal_audit.sums(db, None, NOW).attempts == 0


def test_it_is_read_along_its_index(tmp_path) -> None:
    """However long the record is, only attempts are looked at, and a window looks at those that it shows."""
    with connected(tmp_path) as db:
        query = Query(Topic.AUDIT, view=RENEWALS)
        asked = f"SELECT seq FROM {renewal_audit.ATTEMPTS} a ORDER BY a.seq DESC LIMIT 20"
        plan = [row[3] for row in db.rows(f"EXPLAIN QUERY PLAN {asked}")]
        assert "audit_attempts" in plan[0], plan
        assert not any("TEMP B-TREE" in step for step in plan), plan
        assert listing.window(db, query, 0, 20, NOW).total == 0


def test_a_serial_with_blanks_is_a_serial() -> None:
    found = renewal_audit._certificate("7 4A 11 9C 2026-11-24")
    assert found == (7, "4A 11 9C", date(2026, 11, 24))
