"""The ledger's steps one by one: what is written down, what is refused, what becomes one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pytest

from kmptui.domain.audit import Entry
from kmptui.domain.order import Act, Hold, Ledger
from kmptui.errors import Ambiguous, HeldElsewhere, NotFound, StateForbids
from kmptui.store import audit, certificates, claims, keys, ledger, schedule
from kmptui.store.claims import Claim, Holder
from kmptui.store.db import Db
from tests.store.making import ENTRY, NOW, STAMP, certificate, material, remote, request, sealed, stamp

OUTCOME = Entry("order", "outcome")


@dataclass
class Desk:
    """Does the steps of one name, with its claim."""

    db: Db
    holder: Holder
    name: str = "shop.example.edu"

    def __post_init__(self) -> None:
        self.claim = claims.claim(self.db, claims.name_topic(self.name), self.holder, NOW)

    def prepare(self, mark: str = "1", act: Act = Act.ORDER, order_id: int | None = None, **members: Any) -> int:
        asked = request(self.name, f"www.{self.name}", **members)
        told = {"organization": "Web Ops", "profile": "OV Multi"}
        return ledger.prepare(
            self.db, act, asked, material(mark), self.claim, ENTRY, STAMP, order_id=order_id, **told
        ).id

    def sent(self, mark: str = "1", act: Act = Act.ORDER, order_id: int | None = None) -> int:
        intent = self.prepare(mark, act, order_id)
        ledger.mark_sent(self.db, intent, self.claim, None, stamp(1))
        return intent

    def accepted(self, ssl_id: int, mark: str = "1", act: Act = Act.ORDER, order_id: int | None = None) -> int:
        return ledger.accept(self.db, self.sent(mark, act, order_id), ssl_id, self.claim, OUTCOME, stamp(2)).id


@pytest.fixture
def desk(db: Db, holder: Holder) -> Desk:
    return Desk(db, holder)


def test_everything_is_written_down_before_it_is_sent(db: Db, desk: Desk) -> None:
    password = sealed("keystore")
    asked = request(
        comments="Ticket 4711", requesters=("a@example.edu", "b@example.edu"), custom_fields=(("Cost centre", "0815"),),
        auto_renew=True, note="web01", contact="webops", keystore="jks",
    )  # fmt: skip
    made = material(password=password)
    intent = ledger.prepare(
        db, Act.ORDER, asked, made, desk.claim, ENTRY, STAMP, organization="Web Ops", profile="OV Multi"
    )
    assert (intent.state, intent.token, intent.csr, intent.spki) == (Ledger.PREPARED, made.token, made.csr, made.spki)
    assert intent.request == made.body
    assert intent.names == asked.names
    assert intent.holder.startswith("cli on web01")
    order = ledger.order(db, intent.order_id)
    assert (order.row.ledger, order.row.state, order.origin, order.row.number) == (
        Ledger.PREPARED,
        "draft",
        "ordered",
        "o1",
    )
    assert (order.comments, order.external_requester) == ("Ticket 4711", "a@example.edu, b@example.edu")
    assert (order.note, order.contact, order.keystore, order.term) == ("web01", "webops", "jks", 199)
    assert order.custom_fields == (("Cost centre", "0815"),)
    assert order.row.auto_renew
    assert order.has_keystore_password
    assert ledger.keystore_password(db, order.id) == password
    assert ledger.intent_key(db, intent.id) == (made.spki, made.key)
    stored = keys.key(db, made.spki)
    assert stored is not None
    assert (stored.words, stored.source, stored.sealed) == ("RSA 2048", "made", made.key)
    (row,) = audit.rows(db)
    assert (row.order_id, row.subject) == (1, "shop.example.edu")
    assert ledger.open_intents(db) == (intent,)


def test_an_order_goes_its_way(db: Db, desk: Desk) -> None:
    intent = desk.sent()
    order = ledger.order(db, 1)
    assert (order.row.state, order.placed, order.row.requested) == ("sent", NOW + timedelta(minutes=1), NOW.date())
    order = ledger.accept(db, intent, 4711, desk.claim, OUTCOME, stamp(2))
    assert (order.row.state, order.ssl_id, order.spki) == ("accepted", 4711, material().spki)
    assert ledger.open_intents(db) == ()
    order = ledger.update_from_details(db, remote(4711, "shop.example.edu", status="Applied", serial="", expires=None),
                                       stamp(3))  # fmt: skip
    assert (order.row.state, order.row.hold, order.checked) == ("applied", Hold.NONE, NOW + timedelta(minutes=3))
    order = ledger.update_from_details(db, remote(4711, "shop.example.edu"), stamp(4))
    assert (order.row.state, order.row.hold) == ("issued, not added", Hold.WAITING)
    assert ledger.to_check(db) == (1,)
    added = certificates.add(db, certificate("a", 1, spki=material().spki), Entry("collect"), stamp(5))
    order = ledger.order(db, 1)
    assert (order.row.state, order.row.certificate_id) == ("issued", added)
    assert ledger.to_check(db) == ()
    assert certificates.certificate(db, added).row.has_key
    assert [row.action for row in audit.of_order(db, 1)] == ["collect", "order", "order"]


@pytest.mark.parametrize(
    ("step", "state"),
    [
        (lambda d, i: ledger.refuse(d.db, i, "Domain is not validated", -107, d.claim, OUTCOME, STAMP), "refused"),
        (lambda d, i: ledger.back_to_draft(d.db, i, "SCM was not reached", d.claim, OUTCOME, STAMP), "draft"),
    ],
)
def test_it_can_be_tried_again(db: Db, desk: Desk, step: Callable[[Desk, int], Any], state: str) -> None:
    step(desk, desk.sent("1"))
    order = ledger.order(db, 1)
    assert order.row.state == state
    assert order.problem
    again = desk.prepare("2", order_id=1)
    order = ledger.order(db, 1)
    assert (order.row.ledger, order.spki, order.problem) == (Ledger.PREPARED, material("2").spki, "")
    assert keys.key(db, material("1").spki) is not None
    with pytest.raises(StateForbids):
        desk.prepare("3", order_id=1)
    assert ledger.intent_of(db, 1) == ledger.intent(db, again)


STEPS: dict[str, Callable[[Desk, int], Any]] = {
    "sent": lambda d, i: ledger.mark_sent(d.db, i, d.claim, None, STAMP),
    "accepted": lambda d, i: ledger.accept(d.db, i, 4711, d.claim, OUTCOME, STAMP),
    "refused": lambda d, i: ledger.refuse(d.db, i, "no", -7, d.claim, OUTCOME, STAMP),
    "unconfirmed": lambda d, i: ledger.unconfirm(d.db, i, "?", d.claim, OUTCOME, STAMP),
    "not placed": lambda d, i: ledger.not_placed(d.db, i, "none", d.claim, OUTCOME, STAMP),
    "draft": lambda d, i: ledger.back_to_draft(d.db, i, "not reached", d.claim, OUTCOME, STAMP),
    "undone": lambda d, i: ledger.undo_accept(d.db, i, "wrong key", d.claim, OUTCOME, STAMP),
    "searched": lambda d, i: ledger.record_search(d.db, i, NOW, d.claim),
}
WAYS: dict[str, tuple[tuple[str, ...], set[str]]] = {
    "prepared": ((), {"sent", "draft"}),
    "sent": (("sent",), {"accepted", "refused", "unconfirmed", "draft"}),
    "accepted": (("sent", "accepted"), {"undone"}),
    "refused": (("sent", "refused"), set()),
    "unconfirmed": (("sent", "unconfirmed"), {"accepted", "not placed", "searched"}),
    "not placed": (("sent", "unconfirmed", "not placed"), set()),
    "draft": (("draft",), set()),
}
"""By state: how it is reached, and the steps that lead on from it."""


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("state", WAYS)
def test_only_what_the_diagram_has_happens(db: Db, desk: Desk, state: str, step: str) -> None:
    way, onwards = WAYS[state]
    intent = desk.prepare()
    for former in way:
        STEPS[former](desk, intent)
    assert ledger.intent(db, intent).state.value == state
    before, rows = ledger.order(db, 1), audit.verify(db).rows
    if step in onwards:
        STEPS[step](desk, intent)
        return
    with pytest.raises(StateForbids):
        STEPS[step](desk, intent)
    assert ledger.order(db, 1) == before
    assert audit.verify(db).rows == rows


def test_an_unconfirmed_order_is_found_again_or_was_not_placed(db: Db, desk: Desk) -> None:
    intent = desk.sent()
    ledger.unconfirm(db, intent, "The connection closed", desk.claim, OUTCOME, STAMP)
    assert ledger.order(db, 1).row.state == "unconfirmed"
    assert ledger.record_search(db, intent, NOW + timedelta(minutes=5), desk.claim).searches == 1
    found = ledger.record_search(db, intent, NOW + timedelta(minutes=16), desk.claim)
    assert (found.searches, found.searched) == (2, NOW + timedelta(minutes=16))
    with pytest.raises(StateForbids):
        desk.prepare("2", order_id=1)
    with pytest.raises(StateForbids, match="settle"):
        ledger.delete_here(db, [1], Entry("delete"), STAMP)
    ledger.not_placed(db, intent, "Two searches found nothing", desk.claim, OUTCOME, STAMP)
    assert ledger.order(db, 1).row.state == "not placed"
    with pytest.raises(StateForbids):
        ledger.accept(db, intent, 5, desk.claim, OUTCOME, STAMP)
    desk.prepare("2", order_id=1)


def test_an_import_in_between_becomes_one_with_the_order(db: Db, desk: Desk) -> None:
    intent = desk.sent()
    ledger.unconfirm(db, intent, "?", desk.claim, OUTCOME, STAMP)
    report = ledger.merge(db, [remote(4711, "shop.example.edu", requester="ops")], STAMP)
    assert report.new == 1
    imported = ledger.order_by_ssl_id(db, 4711)
    assert imported is not None
    ledger.annotate(db, imported.id, note="from the import", contact="")
    body = certificates.add(db, certificate("a", imported.id, spki=material().spki), Entry("collect"), STAMP)
    order = ledger.accept(db, intent, 4711, desk.claim, OUTCOME, STAMP)
    assert (order.id, order.ssl_id, order.row.state, order.requester) == (1, 4711, "issued", "ops")
    assert (order.row.certificate_id, order.note) == (body, "from the import")
    assert certificates.certificate(db, body).row.order_id == 1
    assert ledger.order(db, imported.id).row.deleted
    assert ledger.find(db, "scm:4711") == 1
    assert ledger.merge(db, [remote(4711, "shop.example.edu", requester="ops")], STAMP).new == 0


def test_an_id_of_another_order_is_not_taken(db: Db, desk: Desk, holder: Holder) -> None:
    desk.accepted(4711)
    other = Desk(db, holder, "pay.example.edu")
    intent = other.sent("2")
    with pytest.raises(StateForbids, match="o1 already"), db.part():
        ledger.accept(db, intent, 4711, other.claim, OUTCOME, STAMP)
    assert ledger.intent(db, intent).state is Ledger.SENT


def test_a_wrong_match_is_undone(db: Db, desk: Desk) -> None:
    desk.accepted(4711)
    ledger.update_from_details(db, remote(4711, "shop.example.edu"), STAMP)
    found = ledger.undo_accept(db, 1, "The certificate has another key", desk.claim, OUTCOME, STAMP)
    assert (found.state, found.searches) == (Ledger.UNCONFIRMED, 0)
    order = ledger.order(db, 1)
    assert (order.ssl_id, order.row.state, order.row.serial, order.row.expires) == (None, "unconfirmed", "", None)
    assert ledger.merge(db, [remote(4711, "shop.example.edu")], STAMP).new == 1


def test_a_proved_match_is_not_undone(db: Db, desk: Desk) -> None:
    order = desk.accepted(4711)
    certificates.add(db, certificate("a", order, spki=material().spki), Entry("collect"), STAMP)
    with pytest.raises(StateForbids, match="certainly"):
        ledger.undo_accept(db, 1, "", desk.claim, OUTCOME, STAMP)


def test_a_renewal_knows_its_predecessor(db: Db, desk: Desk) -> None:
    asked = request("shop.example.edu")
    made = material("0", password=sealed("kept"))
    first = ledger.prepare(db, Act.ORDER, asked, made, desk.claim, ENTRY, STAMP)
    ledger.mark_sent(db, first.id, desk.claim, None, STAMP)
    ledger.accept(db, first.id, 100, desk.claim, OUTCOME, STAMP)
    intent = ledger.intent(db, desk.sent("2", Act.RENEW, 1))
    assert (intent.act, intent.target_ssl_id, intent.order_id) == (Act.RENEW, 100, 2)
    with pytest.raises(StateForbids, match="renewed already"):
        desk.prepare("3", Act.RENEW, 1)
    new = ledger.accept(db, intent.id, 101, desk.claim, OUTCOME, STAMP)
    assert (new.origin, new.previous_id, new.has_keystore_password) == ("renewed", 1, True)
    assert ledger.keystore_password(db, 2) == made.password
    assert ledger.order(db, 1).next_id == 2
    certificates.add(db, certificate("old", 1), Entry("collect"), STAMP)
    assert not ledger.order(db, 1).row.superseded
    certificates.add(db, certificate("new", 2, not_before=NOW), Entry("collect"), STAMP)
    assert ledger.order(db, 1).row.superseded
    assert not ledger.order(db, 2).row.superseded


def test_an_import_of_a_renewal_takes_the_predecessors_place(db: Db, desk: Desk) -> None:
    desk.accepted(100)
    old = certificates.add(db, certificate("old", 1), Entry("collect"), STAMP)
    intent = desk.sent("2", Act.RENEW, 1)
    ledger.unconfirm(db, intent, "?", desk.claim, OUTCOME, STAMP)
    ledger.merge(db, [remote(101, "shop.example.edu")], STAMP)
    new = certificates.add(db, certificate("new", 3, not_before=NOW), Entry("collect"), STAMP)
    assert not certificates.certificate(db, old).row.superseded
    order = ledger.accept(db, intent, 101, desk.claim, OUTCOME, STAMP)
    assert (order.id, order.row.certificate_id, order.row.superseded) == (2, new, False)
    assert certificates.certificate(db, old).row.superseded
    assert ledger.order(db, 1).row.superseded
    assert certificates.limit_used(db, NOW) == 1


def test_a_refused_renewal_is_tried_again_on_its_row(db: Db, desk: Desk) -> None:
    desk.accepted(100)
    ledger.refuse(db, desk.sent("2", Act.RENEW, 1), "-107", -107, desk.claim, OUTCOME, STAMP)
    assert (ledger.order(db, 1).problem, ledger.order(db, 1).problem_code) == ("-107", -107)
    again = desk.sent("3", Act.RENEW, 1)
    assert ledger.intent(db, again).order_id == 2
    ledger.accept(db, again, 101, desk.claim, OUTCOME, STAMP)
    assert (ledger.order(db, 1).problem, ledger.order(db, 1).problem_code) == ("", None)


def test_a_declined_renewal_makes_room_for_another(db: Db, desk: Desk) -> None:
    desk.accepted(100)
    ledger.set_auto_renew(db, [1], True)
    desk.accepted(101, "2", Act.RENEW, 1)
    ledger.merge(db, [remote(101, "shop.example.edu", status="Declined")], STAMP)
    intent = desk.prepare("3", Act.RENEW, 1, auto_renew=True)
    assert (ledger.intent(db, intent).order_id, ledger.order(db, 1).next_id) == (3, 3)
    assert ledger.order(db, 3).row.auto_renew


def test_a_reissue_shows_until_its_certificate_is_here(db: Db, desk: Desk) -> None:
    desk.accepted(100)
    ledger.update_from_details(db, remote(100, "shop.example.edu", serial="A1"), STAMP)
    certificates.add(db, certificate("old", 1, serial="A1", spki=material().spki), Entry("collect"), STAMP)
    intent = desk.sent("2", Act.REISSUE, 1)
    ledger.unconfirm(db, intent, "?", desk.claim, OUTCOME, STAMP)
    assert (ledger.order(db, 1).row.state, ledger.order(db, 1).reissuing) == ("unconfirmed", "reissue unconfirmed")
    ledger.merge(db, [remote(100, "shop.example.edu", status="Applied")], STAMP)
    assert ledger.order(db, 1).row.state == "unconfirmed"
    ledger.accept(db, intent, 100, desk.claim, OUTCOME, STAMP)
    assert ledger.order(db, 1).row.state == "reissue under way"
    assert ledger.to_check(db) == (1,)
    certificates.add(db, certificate("older", 1, spki=material().spki), Entry("collect"), STAMP)
    schedule.body_failed(db, 1, "time-out", None, NOW)
    ledger.merge(db, [remote(100, "shop.example.edu", serial="A2")], STAMP)
    assert ledger.order(db, 1).row.hold is Hold.REISSUE
    awaited = ledger.awaited_reissue(db, 1)
    assert awaited is not None
    assert awaited.id == intent
    certificates.add(db, certificate("new", 1, spki=material("2").spki, not_before=NOW), Entry("collect"), STAMP)
    assert (ledger.order(db, 1).row.state, ledger.awaited_reissue(db, 1)) == ("issued", None)


def test_a_revoked_order_awaits_no_reissue(db: Db, desk: Desk) -> None:
    desk.accepted(100)
    ledger.update_from_details(db, remote(100, "shop.example.edu"), STAMP)
    ledger.accept(db, desk.sent("2", Act.REISSUE, 1), 100, desk.claim, OUTCOME, STAMP)
    ledger.merge(db, [remote(100, "shop.example.edu", status="Revoked")], STAMP)
    assert (ledger.order(db, 1).row.state, ledger.order(db, 1).reissuing) == ("revoked", "")


def test_a_reissue_keeps_the_order_as_it_is(db: Db, desk: Desk) -> None:
    desk.accepted(100)
    ledger.update_from_details(db, remote(100, "shop.example.edu"), STAMP)
    certificates.add(db, certificate("old", 1, spki=material().spki), Entry("collect"), STAMP)
    intent = desk.sent("2", Act.REISSUE, 1)
    assert ledger.order(db, 1).row.state == "issued"
    with pytest.raises(StateForbids, match="under way"):
        desk.prepare("3", Act.REISSUE, 1)
    ledger.unconfirm(db, intent, "?", desk.claim, OUTCOME, STAMP)
    assert ledger.order(db, 1).row.ledger is Ledger.ACCEPTED
    with pytest.raises(StateForbids):
        ledger.accept(db, intent, 101, desk.claim, OUTCOME, STAMP)
    order = ledger.accept(db, intent, 100, desk.claim, OUTCOME, STAMP)
    assert order.spki == material("2").spki
    new = certificates.add(db, certificate("new", 1, not_before=NOW), Entry("collect"), STAMP)
    old, current = sorted(certificates.of_order(db, 1), key=lambda row: row.id)
    assert (old.superseded, current.superseded, current.id) == (True, False, new)
    assert ledger.order(db, 1).row.certificate_id == new


def test_what_scm_does_not_have_cannot_be_renewed(db: Db, desk: Desk) -> None:
    desk.prepare()
    for act in (Act.RENEW, Act.REISSUE):
        with pytest.raises(StateForbids):
            desk.prepare("2", act, 1)
        with pytest.raises(StateForbids):
            desk.prepare("2", act)
        with pytest.raises(NotFound):
            desk.prepare("2", act, 99)


def test_steps_need_the_claim_on_the_name(db: Db, desk: Desk, holder: Holder) -> None:
    intent = desk.prepare()
    other = claims.claim(db, claims.name_topic("pay.example.edu"), holder, NOW)
    with pytest.raises(StateForbids, match="claim"):
        ledger.mark_sent(db, intent, other, None, STAMP)
    with pytest.raises(StateForbids, match="claim"):
        ledger.prepare(db, Act.ORDER, request("a.example.edu"), material("2"), other, ENTRY, STAMP)
    old = desk.claim
    claims.release(db, old)
    with pytest.raises(HeldElsewhere):
        ledger.mark_sent(db, intent, old, None, STAMP)
    forged = Claim(old.topic, old.holder, old.fence + 1)
    with pytest.raises(HeldElsewhere):
        ledger.mark_sent(db, intent, forged, None, STAMP)
    assert ledger.intent(db, intent).state is Ledger.PREPARED
    assert ledger.intent(db, intent).holder == ""


def test_orders_are_found_by_what_people_say(db: Db) -> None:
    ledger.merge(
        db,
        [
            remote(4711),
            remote(4712),
            remote(4713, "twice.example.edu"),
            remote(4714, "twice.example.edu"),
            remote(4715, "old.example.edu", status="Declined"),
            remote(4716, "old.example.edu"),
        ],
        STAMP,
    )
    for text in (
        "o1",
        "O1",
        "1",
        " scm:4711 ",
        "host4711.example.edu",
        "HOST4711.EXAMPLE.EDU",
        remote(4711).serial.lower(),
        f"00:{remote(4711).serial}",
    ):
        assert ledger.find(db, text) == 1
    with pytest.raises(Ambiguous, match="o3, o4"):
        ledger.find(db, "twice.example.edu")
    assert ledger.find(db, "old.example.edu") == 6
    for text in ("o99", "scm:1", "", "nothing", "99999999999999999999999", "'; DROP TABLE orders; --", "٣"):
        with pytest.raises(NotFound):
            ledger.find(db, text)
    ledger.delete_here(db, [1], Entry("delete"), STAMP)
    with pytest.raises(NotFound):
        ledger.find(db, "o1")
    with pytest.raises(NotFound):
        ledger.order(db, 99)


def test_similar_orders_are_seen(db: Db, desk: Desk) -> None:
    day_ago = NOW - timedelta(days=1)
    names = ("www.shop.example.edu", "SHOP.example.edu")
    assert ledger.similar(db, names, 3, day_ago) == ()
    order = desk.accepted(100)
    assert ledger.similar(db, names, 3, day_ago) == (order,)
    assert ledger.similar(db, names, 4, day_ago) == ()
    assert ledger.similar(db, names[:1], 3, day_ago) == ()
    assert ledger.similar(db, (*names, "more.example.edu"), 3, day_ago) == ()
    assert ledger.similar(db, (), 3, day_ago) == ()
    ledger.update_from_details(db, remote(100, "shop.example.edu", requested=date(2026, 11, 22)), STAMP)
    assert ledger.similar(db, names, 3, day_ago) == (order,)
    assert ledger.similar(db, names, 3, NOW + timedelta(hours=25)) == ()
    ledger.merge(db, [remote(200, "shop.example.edu", status="Requested")], STAMP)
    assert ledger.similar(db, names, 3, NOW + timedelta(hours=25)) == (2,)
    ledger.merge(db, [remote(300, "shop.example.edu", requested=NOW.date())], STAMP)
    assert ledger.similar(db, names, 3, day_ago) == (3, 2, order)
    ledger.delete_here(db, [2, 3], Entry("delete"), STAMP)
    assert ledger.similar(db, names, 3, NOW + timedelta(hours=25)) == ()


def test_small_changes(db: Db, desk: Desk) -> None:
    order = desk.accepted(100)
    ledger.set_problem(db, order, "SCM is busy", -14)
    ledger.annotate(db, order, note="n", contact="c")
    assert ledger.set_auto_renew(db, [order, 99], True) == 1
    assert ledger.set_auto_renew(db, [order], True) == 0
    ledger.set_checked(db, [order], NOW)
    found = ledger.order(db, order)
    assert (found.problem, found.problem_code, found.note, found.contact) == ("SCM is busy", -14, "n", "c")
    assert (found.row.auto_renew, found.checked) == (True, NOW)
    assert found.holder.startswith("cli on web01")
    assert ledger.by_spki(db, material().spki) == (order,)
    assert ledger.by_spki(db, "") == ()
    for change in (
        lambda: ledger.set_hold(db, 99, Hold.LIMIT), lambda: ledger.set_problem(db, 99, ""),
        lambda: ledger.annotate(db, 99, note="", contact=""), lambda: ledger.lineage_of(db, 99),
        lambda: ledger.keystore_password(db, 99), lambda: ledger.intent(db, 99),
    ):  # fmt: skip
        with pytest.raises(NotFound):
            change()


def test_deleting_is_local_and_recorded(db: Db) -> None:
    ledger.merge(db, [remote(1), remote(2)], STAMP)
    before = audit.head(db)
    assert ledger.delete_here(db, [1, 2], Entry("delete"), STAMP) == 2
    assert ledger.delete_here(db, [1, 2], Entry("delete"), STAMP) == 0
    assert [row.subject for row in audit.rows(db)] == ["host1.example.edu", "host2.example.edu"]
    assert audit.head(db) != before
    assert ledger.order(db, 1).row.deleted


def test_a_needed_key_is_not_destroyed(db: Db, desk: Desk) -> None:
    order = desk.accepted(100)
    spki = material().spki
    with pytest.raises(StateForbids, match="o1"):
        keys.destroy(db, spki, Entry("delete key"), STAMP)
    ledger.update_from_details(db, remote(100, "shop.example.edu"), STAMP)
    with pytest.raises(StateForbids):
        keys.destroy(db, spki, Entry("delete key"), STAMP)
    certificates.add(db, certificate("a", order, spki=spki), Entry("collect"), STAMP)
    keys.destroy(db, spki, Entry("delete key"), STAMP)
    assert keys.key(db, spki) is None
    with pytest.raises(NotFound):
        keys.destroy(db, spki, Entry("delete key"), STAMP)
    assert keys.attach(db, spki, sealed(), "RSA 2048", Entry("attach key"), STAMP)
    assert not keys.attach(db, spki, sealed(), "RSA 2048", Entry("attach key"), STAMP)
