"""What is chosen for automatic renewal: by hand, order by order, or by rules.

A person's choice ("on", "off") goes before every rule; without one an order is chosen when a rule matches it and no
exception does. `orders.auto_renew` holds what comes of both, so that lists and schedules need not ask the rules.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from kmptui.domain.audit import Entry, Stamp
from kmptui.domain.listing import Topic
from kmptui.domain.selection import Matched, Rule
from kmptui.errors import NotFound, StateForbids
from kmptui.store import audit
from kmptui.store.columns import clean, json_text, moment_of, moment_text
from kmptui.store.db import Db, touch

ON, OFF = "on", "off"
_MATCH = (
    "(r.kind = 'organization' AND (o.organization_id = CAST(r.value AS INTEGER) OR o.organization_id IN"
    " (SELECT p.id FROM organizations p WHERE p.parent_id = CAST(r.value AS INTEGER)))"
    " OR r.kind = 'profile' AND o.profile_id = CAST(r.value AS INTEGER)"
    " OR r.kind = 'name' AND lower(o.common_name) GLOB replace(replace(lower(r.value), '[', '[[]'), '?', '[?]'))"
)
RULE = f"(SELECT min(r.id) FROM renewal_rules r WHERE r.exclude = 0 AND {_MATCH})"  # noqa: S608 - constants
"""The rule that chooses `orders o`, NULL for none."""
EXCEPTION = f"(SELECT min(r.id) FROM renewal_rules r WHERE r.exclude = 1 AND {_MATCH})"  # noqa: S608 - constants
"""The exception that leaves it out, NULL for none."""
_EFFECTIVE = f"CASE o.choice WHEN 'on' THEN 1 WHEN 'off' THEN 0 ELSE {RULE} IS NOT NULL AND {EXCEPTION} IS NULL END"
_CURRENT = "FROM orders o WHERE o.shelf = 0 AND o.ledger = 'accepted' AND o.state IN ('issued', 'issued, not added')"


def settle(db: Db, order_ids: Collection[int] | None = None) -> int:
    """Find anew what comes of choices and rules, for all orders or these; how many differ now."""
    some = "" if order_ids is None else " AND o.id IN (SELECT value FROM json_each(?))"
    asked = () if order_ids is None else (json_text(list(order_ids)),)
    sql = f"UPDATE orders AS o SET auto_renew = {_EFFECTIVE} WHERE o.auto_renew <> ({_EFFECTIVE}){some}"  # noqa: S608
    done = db.run(sql, asked).rowcount
    if done:
        touch(db, Topic.ORDERS)
    return done


def has_rules(db: Db) -> bool:
    return bool(db.value("SELECT EXISTS (SELECT 1 FROM renewal_rules)"))


def choose(db: Db, order_ids: Iterable[int], on: bool) -> int:
    """A person's choice, which goes before every rule; for how many it changed what comes of it."""
    choice, ids = ON if on else OFF, list(order_ids)
    before = db.raw().total_changes
    db.many(
        "UPDATE orders SET choice = ?1, auto_renew = ?2 WHERE id = ?3 AND auto_renew <> ?2",
        [(choice, int(on), order_id) for order_id in ids],
    )
    done = db.raw().total_changes - before
    # where a rule says the same already, the choice is kept all the same: it stays when the rule goes
    db.many("UPDATE orders SET choice = ?1 WHERE id = ?2 AND choice <> ?1", [(choice, order_id) for order_id in ids])
    touch(db, Topic.ORDERS)
    return done


def rules(db: Db) -> tuple[Rule, ...]:
    """All of them, oldest first, with the titles of what they name."""
    found = db.rows(
        "SELECT r.id, r.kind, r.value, r.exclude, r.created, CASE r.kind"
        " WHEN 'organization' THEN (SELECT title FROM organizations WHERE id = CAST(r.value AS INTEGER))"
        " WHEN 'profile' THEN (SELECT name FROM profiles WHERE id = CAST(r.value AS INTEGER)) END"
        " FROM renewal_rules r ORDER BY r.id"
    )
    return tuple(
        Rule(number, kind, value, bool(exclude), moment_of(created), title or "")
        for number, kind, value, exclude, created, title in found
    )


def add(db: Db, kind: str, value: str, exclude: bool, stamp: Stamp) -> tuple[Rule, Matched]:
    """A new rule, and how many of the current certificates it matches. Raises StateForbids where there is one like
    it."""
    known = db.value(
        "SELECT id FROM renewal_rules WHERE kind = ? AND value = ? AND exclude = ?", (kind, clean(value), int(exclude))
    )
    if known is not None:
        raise StateForbids(f"Rule {known} says that already", cure="Look at them: kmptui auto-renewal rule list")
    number = db.run(
        "INSERT INTO renewal_rules (kind, value, exclude, created) VALUES (?, ?, ?, ?)",
        (kind, clean(value), int(exclude), moment_text(stamp.at)),
    ).lastrowid
    rule = next(one for one in rules(db) if one.id == number)
    every = int(db.value(f"SELECT count(*) {_CURRENT}"))
    own = f"EXISTS (SELECT 1 FROM renewal_rules r WHERE r.id = ? AND {_MATCH})"  # noqa: S608 - constants
    matched = Matched(int(db.value(f"SELECT count(*) {_CURRENT} AND {own}", (number,))), every)
    settle(db)
    _record(db, f"rule {rule.id} added: {rule.words}", matched.words, stamp)
    return rule, matched


def remove(db: Db, rule_id: int, stamp: Stamp) -> Rule:
    """Raises NotFound."""
    rule = next((one for one in rules(db) if one.id == rule_id), None)
    if rule is None:
        raise NotFound(f"There is no rule {rule_id}", cure="Look at them: kmptui auto-renewal rule list")
    db.run("DELETE FROM renewal_rules WHERE id = ?", (rule_id,))
    left = settle(db)
    _record(db, f"rule {rule.id} removed: {rule.words}", f"{left:,} certificates are chosen otherwise now", stamp)
    return rule


def _record(db: Db, subject: str, reason: str, stamp: Stamp) -> None:
    audit.append(db, Entry("auto-renewal", subject=subject, reason=reason), stamp)
    touch(db, Topic.ORDERS, Topic.ACCOUNT)
