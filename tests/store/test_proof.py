"""The ledger against the record: what another hand than the program's changed is found, and named."""

from __future__ import annotations

import pytest

from kmptui.domain.audit import Entry
from kmptui.domain.order import Act
from kmptui.store import claims, ledger
from kmptui.store.claims import Holder
from kmptui.store.db import Db
from kmptui.store.ledger.proof import contradiction
from tests.store.making import NOW, STAMP, material, request


@pytest.fixture
def holder(paths):
    from kmptui.domain.audit import Actor

    paths.home.mkdir()
    opened = Holder.open(paths, Actor("cli"), NOW)
    yield opened
    opened.close()


def placed(db: Db, holder: Holder) -> None:
    """An order that SCM took, one that it refused, and one whose answer was lost."""
    for name, end in (("a.example.edu", "accepted"), ("b.example.edu", "refused"), ("c.example.edu", "unconfirmed")):
        claim = claims.claim(db, claims.name_topic(name), holder, NOW)
        made = material(spki=name.encode().hex())
        entry = Entry("order", "intent", "prepared", details=(("public key", made.spki),))
        intent = ledger.prepare(db, Act.ORDER, request(name), made, claim, entry, STAMP)
        ledger.mark_sent(db, intent.id, claim, None, STAMP)
        outcome = Entry("order", "outcome", end, details=(("ssl id", "4711"),) if end == "accepted" else ())
        if end == "accepted":
            ledger.accept(db, intent.id, 4711, claim, outcome, STAMP)
        elif end == "refused":
            ledger.refuse(db, intent.id, "no", -9, claim, outcome, STAMP)
        else:
            ledger.unconfirm(db, intent.id, "lost", claim, outcome, STAMP)
        claims.release(db, claim)


def test_what_the_program_wrote_agrees(db: Db, holder: Holder) -> None:
    assert contradiction(db) == ""
    placed(db, holder)
    assert contradiction(db) == ""


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("UPDATE intents SET state = 'refused' WHERE id = 1", "o1: its order is refused in the ledger, and accepted"),
        ("UPDATE intents SET ssl_id = 4712 WHERE id = 1", "o1: its order is scm:4712 in the ledger, and scm:4711"),
        ("UPDATE intents SET spki = 'ab' WHERE id = 2", "o2: its order has another public key"),
        ("DELETE FROM intents WHERE id = 3", "o3: the record tells of 1 order requests, the ledger of 0"),
        ("UPDATE intents SET order_id = 2 WHERE id = 3", "o2: the record tells of 1 order requests, the ledger of 2"),
        ("UPDATE orders SET ssl_id = 9 WHERE id = 1", "o1: it is scm:9, and its request brought scm:4711"),
    ],
)
def test_a_change_by_another_hand_is_named(db: Db, holder: Holder, sql: str, words: str) -> None:
    placed(db, holder)
    db.run(sql)
    assert contradiction(db).startswith(words)


def test_a_request_without_its_order_is_named(db: Db, holder: Holder) -> None:
    placed(db, holder)
    db.run("PRAGMA foreign_keys = off")
    db.run("DELETE FROM orders WHERE id = 2")
    assert contradiction(db) == "o2: its requests are in the ledger, and the order is not"
