"""The ledger against a model: whatever is done in whatever order, here and in SCM, by whom and however it ends, only
what the diagram has happens; an sslId belongs to one order, no key is lost, lineages hold, and the record stays whole.

KMPTUI_LONG=1 looks for longer, with another seed each time; a number above 1 is the seed, to look at one again.
"""

from __future__ import annotations

import os
import random
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from kmptui.config import Paths
from kmptui.domain.audit import Entry, Stamp
from kmptui.domain.listing import RENEWALS, Query, Topic
from kmptui.domain.order import Act, Ledger
from kmptui.errors import HeldElsewhere, LimitReached, StateForbids
from kmptui.store import audit, certificates, claims, keys, ledger, listing, renewal_audit
from kmptui.store.certificates import NewCertificate
from kmptui.store.claims import Claim, Holder
from tests.store.making import ACTOR, NOW, TODAY, certificate, connected, material, remote, request

LONG = os.environ.get("KMPTUI_LONG", "")
NAMES = ("a.example.edu", "b.example.edu")
P, S, A, R, U, N, D = (
    Ledger.PREPARED, Ledger.SENT, Ledger.ACCEPTED, Ledger.REFUSED, Ledger.UNCONFIRMED, Ledger.NOT_PLACED, Ledger.DRAFT,
)  # fmt: skip
DIAGRAM = {P: {S, D}, S: {A, R, U, D}, U: {A, N}, A: set(), R: set(), N: set(), D: set()}
OPEN, AGAIN = {P, S, U}, {D, R, N}
SSL_IDS = st.integers(1, 9)
ENDS = st.sampled_from(
    [(), (S,), (D,), (S, D), (S, R), (S, U), (S, U), (S, U, N), (S, A), (S, A), (S, A), (S, U, A)]
)  # fmt: skip
"""How far a request comes at once."""
STATUSES = st.sampled_from(["Issued", "Issued", "Applied", "Declined", "Revoked"])


@dataclass
class MIntent:
    order: int
    name: str
    act: Act
    state: Ledger
    spki: str
    prepared: datetime
    target: int | None = None


@dataclass
class MOrder:
    state: Ledger
    lineage: int
    name: str
    ssl_id: int | None = None
    status: str = ""
    previous: int | None = None
    next: int | None = None
    deleted: bool = False
    chosen: bool = False


@dataclass
class MCertificate:
    new: NewCertificate
    lineage: int
    order: int | None
    revoked: bool = False
    deleted: bool = False

    def rank(self, number: int) -> tuple[bool, datetime, int]:
        """The highest one is the newest."""
        return not self.revoked, self.new.not_before, number


@dataclass
class Model:
    intents: dict[int, MIntent] = field(default_factory=dict)
    orders: dict[int, MOrder] = field(default_factory=dict)
    certificates: dict[int, MCertificate] = field(default_factory=dict)
    rows: int = 0
    outcomes: Counter[int] = field(default_factory=Counter)

    def owner(self, ssl_id: int) -> int | None:
        return next((number for number, order in self.orders.items() if order.ssl_id == ssl_id), None)

    def of_order(self, order: int) -> list[int]:
        return [number for number, intent in self.intents.items() if intent.order == order]

    def is_open(self, order: int) -> bool:
        return any(self.intents[number].state in OPEN for number in self.of_order(order))

    def here(self, lineage: int) -> list[int]:
        """Certificates of the lineage in the repository, the newest first."""
        found = [n for n, one in self.certificates.items() if one.lineage == lineage and not one.deleted]
        return sorted(found, key=lambda n: self.certificates[n].rank(n), reverse=True)

    def used(self) -> int:
        return len({one.lineage for one in self.certificates.values() if not (one.deleted or one.revoked)})


class LedgerMachine(RuleBasedStateMachine):
    """Two processes work on one store; every step is a minute after the one before it."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="kmptui-ledger-"))
        self.stack = ExitStack()
        self.db = self.stack.enter_context(connected(self.folder))
        self.paths = Paths(self.folder)
        self.minutes = 0
        self.mark = 0
        self.model = Model()
        self.processes = [Holder.open(self.paths, ACTOR, NOW) for _ in range(2)]
        self.held: dict[str, tuple[int, Claim]] = {}
        for name in NAMES:
            self.take(name, 0)

    def teardown(self) -> None:
        try:
            self.the_record_is_whole()
            self.what_was_renewed_is_told()
        finally:
            self.close()

    def close(self) -> None:
        self.stack.close()
        for process in self.processes:
            process.close()
        shutil.rmtree(self.folder)

    @initialize(names=st.lists(st.sampled_from(NAMES), min_size=1, max_size=3), collected=st.booleans())
    def begin(self, names: list[str], collected: bool) -> None:
        """What an import brought in before anything was done here."""
        for ssl_id, name in enumerate(names, 1):
            self.sync({ssl_id}, "Issued", "", None, False, name)
            if collected:
                number = self.model.owner(ssl_id)
                assert number is not None
                self.collected(number, self.newer(number, ""), 0)

    # -- the hands of the rules

    def stamp(self) -> Stamp:
        self.minutes += 1
        return Stamp(NOW + timedelta(minutes=self.minutes), ACTOR, "ops-api@ACME")

    def marked(self) -> str:
        self.mark += 1
        return str(self.mark)

    def take(self, name: str, process: int) -> Claim:
        claim = claims.claim(self.db, claims.name_topic(name), self.processes[process], NOW)
        self.held[name] = process, claim
        return claim

    def claim(self, name: str) -> Claim:
        return self.held[name][1]

    def attempt(self, step: Callable[[], Any]) -> Any:
        """What came of it; None where the ledger forbids it, and then nothing of it is left."""
        try:
            with self.db.part():
                return step()
        except StateForbids:
            return None

    def choose(self, data: st.DataObject, among: Iterable[int]) -> int:
        return data.draw(st.sampled_from(sorted(among)))

    # -- requests

    def prepare(self, act: Act, name: str, order: int | None) -> int | None:
        """As the services ask for it: a renewal is chosen as what it renews."""
        asked = request(name, auto_renew=order is not None and self.model.orders[order].chosen)
        made, stamp = material(self.marked()), self.stamp()
        entry = Entry(act.value, "intent", "prepared", details=(("why", "due"),))
        intent = self.attempt(
            lambda: ledger.prepare(
                self.db, act, asked, made, self.claim(name), entry, stamp, order_id=order
            )
        )  # fmt: skip
        if intent is None:
            assert keys.key(self.db, made.spki) is None, "a key without its intent"
            return None
        self.model.rows += 1
        target = None if act is Act.ORDER or order is None else self.model.orders[order].ssl_id
        self.model.intents[intent.id] = MIntent(intent.order_id, name, act, P, made.spki, stamp.at, target)
        return int(intent.order_id)

    @rule(name=st.sampled_from(NAMES), end=ENDS, ssl_id=SSL_IDS)
    def order_anew(self, name: str, end: Sequence[Ledger], ssl_id: int) -> None:
        number = self.prepare(Act.ORDER, name, None)
        assert number is not None
        assert number not in self.model.orders
        self.model.orders[number] = MOrder(P, number, name)
        self.bring_to(number, end, ssl_id)

    def bring_to(self, order: int, end: Sequence[Ledger], ssl_id: int) -> None:
        (number,) = [n for n in self.model.of_order(order) if self.model.intents[n].state is P]
        for to in end:
            if to is A:
                self.accepted(number, ssl_id)
            else:
                assert self.step(number, to)

    @precondition(lambda self: self.model.orders)
    @rule(data=st.data(), end=ENDS, ssl_id=SSL_IDS)
    def order_again(self, data: st.DataObject, end: Sequence[Ledger], ssl_id: int) -> None:
        number = self.choose(data, self.model.orders)
        order = self.model.orders[number]
        made = self.prepare(Act.ORDER, order.name, number)
        assert (made == number) == (order.state in AGAIN and not order.deleted)
        if made is not None:
            order.state = P
            self.bring_to(number, end, ssl_id)

    def changeable(self, number: int) -> bool:
        order = self.model.orders[number]
        has_it = order.state is A and order.ssl_id is not None
        return has_it and not order.deleted and not self.model.is_open(number)

    @precondition(lambda self: self.model.orders)
    @rule(data=st.data(), end=ENDS, ssl_id=SSL_IDS)
    def renew(self, data: st.DataObject, end: Sequence[Ledger], ssl_id: int) -> None:
        """One renewal of an order: its row is used again while it came to nothing, and one that is on the way, or was
        taken, forbids another."""
        number = self.choose(data, self.model.orders)
        order, possible, again = self.model.orders[number], self.changeable(number), False
        if order.next is not None:
            successor = self.model.orders[order.next]
            declined = successor.state is A and successor.status == "Declined"
            possible = possible and (successor.state in AGAIN or declined)
            again = successor.state in AGAIN and not successor.deleted
        made = self.prepare(Act.RENEW, order.name, number)
        assert (made is not None) == possible
        if made is None:
            return
        if again:
            assert made == order.next
            self.model.orders[made].state, self.model.orders[made].chosen = P, order.chosen
        else:
            assert made not in self.model.orders
            self.model.orders[made] = MOrder(P, order.lineage, order.name, previous=number, chosen=order.chosen)
            order.next = made
        self.bring_to(made, end, ssl_id)

    @precondition(lambda self: self.model.orders)
    @rule(data=st.data(), end=ENDS)
    def reissue(self, data: st.DataObject, end: Sequence[Ledger]) -> None:
        number = self.choose(data, self.model.orders)
        order, possible = self.model.orders[number], self.changeable(number)
        assert (self.prepare(Act.REISSUE, order.name, number) == number) == possible
        if possible:
            self.bring_to(number, end, order.ssl_id or 0)

    def step(self, number: int, to: Ledger, ssl_id: int = 0) -> bool:
        intent = self.model.intents[number]
        claim, entry, stamp = self.claim(intent.name), Entry(intent.act.value, "outcome", str(to)), self.stamp()
        acts: dict[Ledger, Callable[[], object]] = {
            S: lambda: ledger.mark_sent(self.db, number, claim, None, stamp),
            A: lambda: ledger.accept(self.db, number, ssl_id, claim, entry, stamp),
            R: lambda: ledger.refuse(self.db, number, "no", -7, claim, entry, stamp),
            U: lambda: ledger.unconfirm(self.db, number, "?", claim, entry, stamp),
            N: lambda: ledger.not_placed(self.db, number, "none", claim, entry, stamp),
            D: lambda: ledger.back_to_draft(self.db, number, "not reached", claim, entry, stamp),
        }
        if self.attempt(acts[to]) is None:
            return False
        assert to in DIAGRAM[intent.state], f"{intent.state} became {to}"
        self.ended(number, to, row=to is not S)
        return True

    def ended(self, number: int, to: Ledger, *, row: bool = True) -> None:
        intent = self.model.intents[number]
        intent.state = to
        self.model.rows += row
        self.model.outcomes[intent.order] += row
        if intent.act is not Act.REISSUE:
            self.model.orders[intent.order].state = to

    @precondition(lambda self: self.model.intents)
    @rule(data=st.data(), to=st.sampled_from([S, R, U, N, D]))
    def try_any_step(self, data: st.DataObject, to: Ledger) -> None:
        number = self.choose(data, self.model.intents)
        possible = to in DIAGRAM[self.model.intents[number].state]
        assert self.step(number, to) == possible

    def waiting(self, *states: Ledger) -> list[int]:
        return [number for number, intent in self.model.intents.items() if intent.state in states]

    @precondition(lambda self: self.waiting(P, S, U))
    @rule(data=st.data())
    def go_on(self, data: st.DataObject) -> None:
        number = self.choose(data, self.waiting(P, S, U))
        assert self.step(number, data.draw(st.sampled_from(sorted(DIAGRAM[self.model.intents[number].state] - {A}))))

    @precondition(lambda self: self.waiting(P, S, U))
    @rule(data=st.data())
    def all_the_way(self, data: st.DataObject) -> None:
        """SCM takes it under an id that it had for no other, and its certificate comes."""
        number = self.choose(data, self.waiting(P, S, U))
        intent = self.model.intents[number]
        if intent.state is P:
            assert self.step(number, S)
        own = intent.target if intent.act is Act.REISSUE else 100 + number
        assert own is not None
        assert self.step(number, A, own)
        order = self.model.orders[intent.order]
        order.ssl_id = own
        if not order.deleted:
            self.collected(intent.order, self.newer(intent.order, intent.spki), 0)

    @precondition(lambda self: self.waiting(S, U))
    @rule(data=st.data(), ssl_id=SSL_IDS, right=st.booleans())
    def try_accept(self, data: st.DataObject, ssl_id: int, right: bool) -> None:
        """SCM has it under an id: one of its own, or one that an import brought in before."""
        number = self.choose(data, self.waiting(S, U))
        target = self.model.intents[number].target
        self.accepted(number, target if right and target is not None else ssl_id)

    def accepted(self, number: int, ssl_id: int) -> None:
        intent = self.model.intents[number]
        if intent.act is Act.REISSUE:
            assert self.step(number, A, ssl_id) == (ssl_id == intent.target)
            return
        owner = self.model.owner(ssl_id)
        possible = owner is None or self.is_free(owner, intent.order)
        assert self.step(number, A, ssl_id) == possible
        if possible:
            if owner not in {None, intent.order}:
                self.absorb(intent.order, owner)  # type: ignore[arg-type]  # not None
            self.model.orders[intent.order].ssl_id = ssl_id

    def is_free(self, owner: int, number: int) -> bool:
        """An import's row of the same name that nothing but a reissue was asked for, which is over, and that this order
        does not renew."""
        orders, intents = self.model.orders, self.model.intents
        ours, theirs = orders[number], orders[owner]
        asked = [intents[one] for one in self.model.of_order(owner)]
        untouched = all(one.act is Act.REISSUE and one.state not in OPEN for one in asked)
        return owner == number or (untouched and theirs.lineage != ours.lineage and theirs.name == ours.name)

    def absorb(self, number: int, other: int) -> None:
        """The import's row becomes one with the order: what it had is the order's."""
        own, empty = self.model.orders[number], self.model.orders[other]
        for one in self.model.certificates.values():
            if one.order == other:
                one.order, one.lineage = number, own.lineage
        own.status = empty.status or own.status
        own.chosen = own.chosen or empty.chosen
        if empty.next is not None:
            self.model.orders[empty.next].previous = own_next = number
            own.next = empty.next
            assert own_next == number
            self.move(empty.next, own.lineage)
        empty.ssl_id, empty.deleted, empty.next = None, True, None

    def move(self, number: int, lineage: int) -> None:
        """The order and all that renewed it join a lineage."""
        former = self.model.orders[number].lineage
        following: int | None = number
        moved = set()
        while following is not None:
            moved.add(following)
            following = self.model.orders[following].next
        for order in moved:
            self.model.orders[order].lineage = lineage
        for one in self.model.certificates.values():
            if one.lineage == former and one.order in moved:
                one.lineage = lineage

    @precondition(lambda self: self.waiting(A))
    @rule(data=st.data())
    def undo(self, data: st.DataObject) -> None:
        """The order that was taken over was not the one: open again, unless something proves or builds upon it."""
        number = self.choose(data, self.waiting(A))
        intent = self.model.intents[number]
        order = self.model.orders[intent.order]
        newest = max(self.model.of_order(intent.order)) == number
        entry = Entry(intent.act.value, "outcome", "unconfirmed")
        proved = any(
            one.order == intent.order and one.new.spki == intent.spki for one in self.model.certificates.values()
        )
        done = self.attempt(
            lambda: ledger.undo_accept(self.db, number, "wrong key", self.claim(intent.name), entry, self.stamp())
        )
        possible = intent.act is not Act.REISSUE and newest and order.next is None and not proved
        assert (done is not None) == possible
        if possible:
            self.ended(number, U)
            order.ssl_id, order.status = None, ""

    # -- SCM, and what is done there by others

    @rule(
        ssl_ids=st.sets(SSL_IDS, max_size=4), status=STATUSES, serial=st.sampled_from(["", "0A", "0B"]),
        renewed=st.sampled_from([None, True, False]), back=st.booleans(), name=st.sampled_from(NAMES),
    )  # fmt: skip
    def sync(
        self, ssl_ids: set[int], status: str, serial: str, renewed: bool | None, back: bool, name: str
    ) -> None:  # fmt: skip
        """What SCM lists now; what it lists no more stays as it was known. Of two orders the one with the higher id was
        requested earlier, so that none passes for a renewal of another in SCM's console."""
        told = []
        for ssl_id in sorted(ssl_ids):
            owner = self.model.owner(ssl_id)
            known = name if owner is None else self.model.orders[owner].name
            told.append(
                remote(ssl_id, known, names=(known,), status=status, serial=serial or f"AA{ssl_id:02X}",
                       renewed=renewed, requested=TODAY - timedelta(days=100 + ssl_id),
                       expires=TODAY + timedelta(days=90))
            )  # fmt: skip
        before = {number: (state, certificate) for number, state, certificate in self.db.rows(
            "SELECT ssl_id, state, certificate_id FROM orders")}  # fmt: skip
        ledger.merge(self.db, told, self.stamp(), bring_back=back)
        for ssl_id in ssl_ids:
            owner = self.model.owner(ssl_id)
            if owner is None:
                found = ledger.order_by_ssl_id(self.db, ssl_id)
                assert found is not None
                self.model.orders[found.id] = MOrder(A, found.id, name, ssl_id, status)
                continue
            order = self.model.orders[owner]
            if not order.deleted or back:
                order.status, order.deleted = status, False
                state, certificate = before[ssl_id]
                if status == "Revoked" and state != "revoked" and certificate is not None:
                    self.model.certificates[certificate].revoked = True

    # -- certificates

    def add(self, new: NewCertificate, most: int) -> int | None:
        try:
            with self.db.part():
                return certificates.add(self.db, new, Entry("collect"), self.stamp(), most=most)
        except LimitReached:
            return None

    def made(self, order: int | None, age: timedelta, spki: str = "") -> NewCertificate:
        mark = self.marked()
        name = NAMES[0] if order is None else self.model.orders[order].name
        own = {"spki": spki} if spki else {}
        return certificate(mark, order, common_name=name, names=(name,), not_before=NOW - age, **own)

    def newer(self, order: int, spki: str) -> NewCertificate:
        """Than all that there are."""
        return self.made(order, -timedelta(hours=self.mark), spki)

    def collected(self, number: int, new: NewCertificate, most: int) -> None:
        """The limit holds back what takes nobody's place."""
        order = self.model.orders[number]
        successor = order.previous is not None or bool(self.model.here(order.lineage))
        room = not most or successor or self.model.used() < most
        added = self.add(new, most)
        assert (added is not None) == room
        if added is not None:
            self.model.certificates[added] = MCertificate(new, order.lineage, number)
            self.model.rows += 1

    @precondition(lambda self: any(order.ssl_id and not order.deleted for order in self.model.orders.values()))
    @rule(data=st.data(), most=st.integers(0, 2), ours=st.booleans(), newest=st.booleans())
    def collect(self, data: st.DataObject, most: int, ours: bool, newest: bool) -> None:
        """The certificate of an order that SCM has, of our key or of another; an older one may come late."""
        there = [n for n, order in self.model.orders.items() if order.ssl_id is not None and not order.deleted]
        number = self.choose(data, there)
        asked = self.model.of_order(number)
        spki = self.model.intents[asked[-1]].spki if ours and asked else ""
        new = self.newer(number, spki) if newest else self.made(number, timedelta(days=30, hours=self.mark), spki)
        self.collected(number, new, most)

    @rule(most=st.integers(0, 2))
    def bring_in(self, most: int) -> None:
        """A certificate without an order is a lineage of its own."""
        new = self.made(None, timedelta(days=30))
        room = not most or self.model.used() < most
        added = self.add(new, most)
        assert (added is not None) == room
        if added is not None:
            self.model.certificates[added] = MCertificate(new, -added, None)
            self.model.rows += 1

    @precondition(lambda self: self.model.certificates)
    @rule(data=st.data())
    def add_once_more(self, data: st.DataObject) -> None:
        """The same one changes nothing, and comes back where it was deleted here."""
        number = self.choose(data, self.model.certificates)
        one = self.model.certificates[number]
        if one.order is not None and one.order != one.new.order_id:
            return  # its order became one with another
        assert self.add(one.new, 0) == number
        self.model.rows += one.deleted
        one.deleted = False

    @precondition(lambda self: self.model.certificates)
    @rule(data=st.data())
    def revoke(self, data: st.DataObject) -> None:
        number = self.choose(data, self.model.certificates)
        if not self.model.certificates[number].deleted:
            certificates.mark_revoked(self.db, number, NOW)
            self.model.certificates[number].revoked = True

    @precondition(lambda self: self.model.certificates)
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        number = self.choose(data, self.model.certificates)
        done = certificates.delete_here(self.db, [number], Entry("delete"), self.stamp())
        assert done == (not self.model.certificates[number].deleted)
        self.model.rows += done
        self.model.certificates[number].deleted = True

    # -- people and processes

    @precondition(lambda self: self.model.orders)
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        number = self.choose(data, self.model.orders)
        order = self.model.orders[number]
        done = self.attempt(lambda: ledger.delete_here(self.db, [number], Entry("delete"), self.stamp()))
        if done is None:
            assert self.model.is_open(number)
            assert not order.deleted
            return
        assert done == (not order.deleted)
        assert not (done and self.model.is_open(number))
        self.model.rows += done
        order.deleted = True

    @precondition(lambda self: self.model.orders)
    @rule(data=st.data(), on=st.booleans())
    def choose_renewal(self, data: st.DataObject, on: bool) -> None:
        number = self.choose(data, self.model.orders)
        ledger.set_auto_renew(self.db, [number], on)
        self.model.orders[number].chosen = on

    @rule(name=st.sampled_from(NAMES))
    def hand_over(self, name: str) -> None:
        """While one process works on a name the other is told so; the claim that was given back writes nothing."""
        process, claim = self.held[name]
        try:
            self.take(name, 1 - process)
        except HeldElsewhere:
            claims.release(self.db, claim)
        else:
            raise AssertionError("two processes hold a name")
        self.take(name, 1 - process)
        self.refused(claim)

    @rule(process=st.integers(0, 1))
    def crash(self, process: int) -> None:
        """A process dies; the other one judges what it left: prepared was not sent, sent is unconfirmed."""
        self.processes[process].close()
        self.processes[process] = Holder.open(self.paths, ACTOR, NOW)
        for name in [name for name, (holder, _) in self.held.items() if holder == process]:
            old = self.claim(name)
            assert self.take(name, 1 - process).taken_over
            self.refused(old)
            for number, intent in self.model.intents.items():
                if intent.name == name and intent.state in {P, S}:
                    assert self.step(number, D if intent.state is P else U)

    def refused(self, old: Claim) -> None:
        try:
            claims.check(self.db, old)
        except HeldElsewhere:
            return
        raise AssertionError("an old claim still holds")

    # -- what always holds

    @invariant()
    def requests_are_as_they_should(self) -> None:
        known = self.model.intents
        stored = {number: told for number, *told in self.db.rows("SELECT id, order_id, act, state, spki FROM intents")}
        assert stored == {n: [one.order, one.act, one.state, one.spki] for n, one in known.items()}
        kept = {spki for (spki,) in self.db.rows("SELECT spki FROM keys")}
        assert kept >= {one.spki for one in known.values()}, "a key is lost"
        orders = [told[0] for told in stored.values() if told[2] in OPEN]
        assert len(orders) == len(set(orders)), "two requests are open for an order"

    @invariant()
    def orders_are_as_they_should(self) -> None:
        stored = {
            number: told
            for number, *told in self.db.rows(
                "SELECT id, ledger, deleted, ssl_id, previous_id, next_id, lineage, auto_renew FROM orders"
            )
        }
        known = self.model.orders
        assert stored == {
            n: [o.state, o.deleted, o.ssl_id, o.previous, o.next, o.lineage, o.chosen] for n, o in known.items()
        }
        for number, (state, deleted, ssl_id, previous, following, *_) in stored.items():
            assert deleted or (state == A) == (ssl_id is not None)
            assert following is None or stored[following][3] == number
            if previous is not None and stored[previous][4] != number:
                declined = state == A and known[number].status == "Declined"
                assert deleted or declined, f"o{number} renewed o{previous}, which knows of another"
        ids = [told[2] for told in stored.values() if told[2] is not None]
        assert len(ids) == len(set(ids)), "two orders have an sslId"

    @invariant()
    def lineages_hold(self) -> None:
        """One certificate of each is current: the newest, of those that are not revoked first; an order whose place it
        takes is of the past."""
        stored = {
            number: told
            for number, *told in self.db.rows(
                "SELECT id, superseded, lineage, order_id FROM certificates WHERE deleted = 0"
            )
        }
        here = {lineage: self.model.here(lineage) for lineage in {o.lineage for o in self.model.certificates.values()}}
        assert stored == {
            number: [place > 0, lineage, self.model.certificates[number].order]
            for lineage, numbers in here.items()
            for place, number in enumerate(numbers)
        }
        for number, superseded, certificate_id in self.db.rows("SELECT id, superseded, certificate_id FROM orders"):
            numbers = here.get(self.model.orders[number].lineage)
            if numbers:
                assert bool(superseded) == self.is_past(number, numbers), f"o{number}"
            own = [n for n in numbers or () if self.model.certificates[n].order == number]
            assert certificate_id is None if not own else certificate_id in own
        assert certificates.limit_used(self.db, NOW) == self.model.used()

    def is_past(self, number: int, here: list[int]) -> bool:
        current = self.model.certificates[here[0]].order
        if number == current:
            return False
        own = any(self.model.certificates[one].order == number for one in here)
        before = current
        while before is not None:
            before = self.model.orders[before].previous
            if before == number:
                return True
        return own

    @invariant()
    def now_and_then(self) -> None:
        if self.minutes % 7 == 0:
            self.the_record_is_whole()
            self.what_was_renewed_is_told()
            found = [intent.id for intent in ledger.open_intents(self.db)]
            assert found == sorted(self.waiting(P, S, U))

    def the_record_is_whole(self) -> None:
        verdict = audit.verify(self.db)
        assert (verdict.intact, verdict.rows) == (True, self.model.rows)
        intents = self.db.value("SELECT count(*) FROM audit WHERE phase = 'intent'")
        assert intents == len(self.model.intents)
        outcomes = self.db.rows("SELECT order_id, count(*) FROM audit WHERE phase = 'outcome' GROUP BY 1")
        assert dict(outcomes) == +self.model.outcomes, "each end of a request has one row"
        assert self.db.rows("PRAGMA foreign_key_check") == []

    def what_was_renewed_is_told(self) -> None:
        """One line for each request to renew or reissue, counted as the ledger does."""
        asked = [intent for intent in self.model.intents.values() if intent.act is not Act.ORDER]
        lines = listing.window(self.db, Query(Topic.AUDIT, view=RENEWALS), 0, 1000, NOW).rows
        assert Counter((line.order_id, line.action) for line in lines) == Counter((i.order, i.act) for i in asked)
        counted = renewal_audit.sums(self.db, None, None)
        assert counted.states == Counter(str(intent.state) for intent in asked)
        assert counted.outcomes == Counter(line.outcome for line in lines)


LedgerMachine.TestCase.settings = settings(
    max_examples=1_500 if LONG else 12,
    stateful_step_count=60 if LONG else 40,
    deadline=None,
    report_multiple_bugs=False,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)
TestLedger = LedgerMachine.TestCase
if LONG:
    TestLedger = seed(int(LONG) if LONG not in {"", "1"} else random.SystemRandom().getrandbits(32))(TestLedger)
