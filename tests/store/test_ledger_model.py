"""The ledger against a model: whatever is done in whatever order, only what the diagram has happens, an sslId belongs
to one order, no key is lost, and the record stays whole."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from kmptui.config import Paths
from kmptui.domain.audit import Entry
from kmptui.domain.order import Act, Ledger
from kmptui.errors import HeldElsewhere, StateForbids
from kmptui.store import audit, certificates, claims, keys, ledger
from kmptui.store.claims import Claim, Holder
from tests.store.making import ACTOR, ENTRY, NOW, STAMP, certificate, connected, material, remote, request

NAMES = ("a.example.edu", "b.example.edu")
P, S, A, R, U, N, D = (
    Ledger.PREPARED, Ledger.SENT, Ledger.ACCEPTED, Ledger.REFUSED, Ledger.UNCONFIRMED, Ledger.NOT_PLACED, Ledger.DRAFT,
)  # fmt: skip
DIAGRAM = {P: {S, D}, S: {A, R, U, D}, U: {A, N, U}, A: {U}, R: set(), N: set(), D: set()}


@dataclass
class Known:
    """The model of one intent."""

    order: int
    name: str
    act: Act
    state: Ledger
    spki: str
    target: int | None = None


class LedgerMachine(RuleBasedStateMachine):
    intents = Bundle("intents")

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="kmptui-ledger-"))
        self.stack = ExitStack()
        self.db = self.stack.enter_context(connected(self.folder))
        self.paths = Paths(self.folder)
        self.holder = Holder.open(self.paths, ACTOR, NOW)
        self.claims: dict[str, Claim] = {}
        self.known: dict[int, Known] = {}
        self.orders: dict[int, Ledger] = {}
        self.ssl_ids: dict[int, int] = {}
        self.imported: set[int] = set()
        self.deleted: set[int] = set()
        self.mark = 0
        self.rows = 0
        self.take()

    def teardown(self) -> None:
        self.stack.close()
        self.holder.close()
        shutil.rmtree(self.folder)

    def take(self) -> None:
        for name in NAMES:
            self.claims[name] = claims.claim(self.db, claims.name_topic(name), self.holder, NOW)

    def open_of(self, order: int) -> bool:
        return any(known.order == order and known.state in {P, S, U} for known in self.known.values())

    def prepare(self, act: Act, name: str, order: int | None) -> int | None:
        self.mark += 1
        made = material(str(self.mark))
        try:
            with self.db.part():
                intent = ledger.prepare(
                    self.db, act, request(name), made, self.claims[name], ENTRY, STAMP, order_id=order
                )
        except StateForbids:
            assert keys.key(self.db, made.spki) is None
            return None
        self.rows += 1
        target = None if act is Act.ORDER else self.ssl_of(order)
        self.known[intent.id] = Known(intent.order_id, name, act, P, made.spki, target)
        if act is not Act.REISSUE:
            self.orders[intent.order_id] = P
        return intent.id

    def ssl_of(self, order: int | None) -> int | None:
        return next((ssl_id for ssl_id, owner in self.ssl_ids.items() if owner == order), None)

    @rule(target=intents, name=st.sampled_from(NAMES))
    def order_anew(self, name: str) -> int:
        intent = self.prepare(Act.ORDER, name, None)
        assert intent is not None
        return intent

    @rule(target=intents, intent=intents, act=st.sampled_from(list(Act)))
    def go_on_from(self, intent: int, act: Act) -> int:
        known = self.known[intent]
        before = self.orders[known.order]
        blocked = self.open_of(known.order)
        made = self.prepare(act, known.name, known.order)
        if act is Act.ORDER:
            assert (made is not None) == (before in {D, R, N} and known.order not in self.deleted)
        elif before is not A or blocked:
            assert made is None
        elif act is Act.REISSUE:
            assert made is not None
        return intent if made is None else made

    def step(self, intent: int, to: Ledger, ssl_id: int = 0) -> bool:
        known = self.known[intent]
        claim, entry = self.claims[known.name], Entry("order", "outcome", str(to))
        acts = {
            S: lambda: ledger.mark_sent(self.db, intent, claim, entry, STAMP),
            A: lambda: ledger.accept(self.db, intent, ssl_id, claim, entry, STAMP),
            R: lambda: ledger.refuse(self.db, intent, "no", -7, claim, entry, STAMP),
            U: lambda: ledger.unconfirm(self.db, intent, "?", claim, entry, STAMP),
            N: lambda: ledger.not_placed(self.db, intent, "none", claim, entry, STAMP),
            D: lambda: ledger.back_to_draft(self.db, intent, "not reached", claim, entry, STAMP),
        }
        try:
            with self.db.part():
                acts[to]()
        except StateForbids:
            return False
        assert to in DIAGRAM[known.state], f"{known.state} became {to}"
        known.state = to
        self.rows += 1
        if known.act is not Act.REISSUE:
            self.orders[known.order] = to
        return True

    @rule(intent=intents, to=st.sampled_from([S, R, U, N, D]))
    def try_step(self, intent: int, to: Ledger) -> None:
        state = self.known[intent].state
        allowed = to in DIAGRAM[state] and not (to is U and state in {U, A})
        assert self.step(intent, to) == allowed

    @rule(intent=intents, ssl_id=st.integers(1, 5))
    def try_accept(self, intent: int, ssl_id: int) -> None:
        known = self.known[intent]
        owner = self.ssl_ids.get(ssl_id)
        free = owner in {None, known.order} or owner in self.imported
        possible = known.state in {S, U} and (ssl_id == known.target if known.act is Act.REISSUE else free)
        assert self.step(intent, A, ssl_id) == possible
        if possible and known.act is not Act.REISSUE:
            if owner is not None:
                self.imported.discard(owner)
                self.deleted.add(owner)
            self.ssl_ids[ssl_id] = known.order

    @rule(intent=intents)
    def undo(self, intent: int) -> None:
        known = self.known[intent]
        entry = Entry("order", "outcome", "unconfirmed")
        newest = ledger.intent_of(self.db, known.order)
        assert newest is not None
        built_upon = newest.id != intent or ledger.order(self.db, known.order).next_id is not None
        try:
            with self.db.part():
                ledger.undo_accept(self.db, intent, "wrong key", self.claims[known.name], entry, STAMP)
        except StateForbids:
            assert known.state is not A or known.act is Act.REISSUE or built_upon
            return
        assert known.state is A
        assert not built_upon
        known.state = self.orders[known.order] = U
        del self.ssl_ids[self.ssl_of(known.order)]  # type: ignore[arg-type]
        self.rows += 1

    @rule(
        ssl_ids=st.sets(st.integers(1, 5)),
        status=st.sampled_from(["Issued", "Applied", "Declined"]),
        back=st.booleans(),
    )
    def sync(self, ssl_ids: set[int], status: str, back: bool) -> None:
        told = [remote(ssl_id, NAMES[0], status=status) for ssl_id in sorted(ssl_ids)]
        ledger.merge(self.db, told, STAMP, bring_back=back)
        for ssl_id in ssl_ids:
            order = ledger.order_by_ssl_id(self.db, ssl_id)
            assert order is not None
            if ssl_id not in self.ssl_ids:
                self.ssl_ids[ssl_id] = order.id
                self.imported.add(order.id)
                self.orders[order.id] = A
            elif back:
                self.deleted.discard(order.id)

    @rule(data=st.data())
    def collect(self, data: st.DataObject) -> None:
        here = sorted(order for order in self.ssl_ids.values() if order not in self.deleted)
        if here:
            self.mark += 1
            new = certificate(
                str(self.mark), data.draw(st.sampled_from(here)), not_before=NOW + timedelta(hours=self.mark)
            )
            certificates.add(self.db, new, Entry("collect"), STAMP)
            self.rows += 1

    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        if not self.orders:
            return
        order = data.draw(st.sampled_from(sorted(self.orders)))
        try:
            with self.db.part():
                done = ledger.delete_here(self.db, [order], Entry("delete"), STAMP)
        except StateForbids:
            assert self.open_of(order)
            return
        assert done == (order not in self.deleted)
        self.rows += done
        self.deleted.add(order)

    @rule()
    def restart(self) -> None:
        """The process died: another one takes its claims over, and the old ones are refused."""
        old = dict(self.claims)
        self.holder.close()
        self.holder = Holder.open(self.paths, ACTOR, NOW)
        self.take()
        for name, claim in old.items():
            assert self.claims[name].taken_over
            try:
                claims.check(self.db, claim)
            except HeldElsewhere:
                continue
            raise AssertionError("an old claim still holds")

    @rule(intent=consumes(intents))
    def forget(self, intent: int) -> None:
        """Leave an intent alone from now on."""

    @invariant()
    def the_store_says_the_same(self) -> None:
        for number, known in self.known.items():
            intent = ledger.intent(self.db, number)
            assert (intent.state, intent.order_id, intent.act) == (known.state, known.order, known.act)
            assert keys.key(self.db, known.spki) is not None
        for number, state in self.orders.items():
            order = ledger.order(self.db, number)
            assert (order.row.ledger, order.row.deleted) == (state, number in self.deleted)
        stored = dict(self.db.rows("SELECT ssl_id, id FROM orders WHERE ssl_id IS NOT NULL"))
        assert stored == self.ssl_ids
        assert [i.id for i in ledger.open_intents(self.db)] == sorted(
            n for n, k in self.known.items() if k.state in {P, S, U}
        )
        verdict = audit.verify(self.db)
        assert (verdict.intact, verdict.rows) == (True, self.rows)
        assert self.db.rows("PRAGMA foreign_key_check") == []
        alive = "SELECT count(*) FROM certificates WHERE deleted = 0 AND superseded = 0 GROUP BY lineage"
        assert all(count == 1 for (count,) in self.db.rows(alive))


LedgerMachine.TestCase.settings = settings(max_examples=15, stateful_step_count=30, deadline=None)
TestLedger = LedgerMachine.TestCase
