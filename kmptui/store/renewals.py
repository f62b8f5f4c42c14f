"""What automatic renewal decides upon, read for many certificates at once, and the tries that failed."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date, datetime, timedelta
from typing import Any

from kmptui.domain.listing import Topic
from kmptui.domain.order import OPEN_STATUSES, Ledger, Order
from kmptui.domain.renewal import Subject, beginning
from kmptui.domain.retrying import Attempt, Trouble
from kmptui.store import selection, successors
from kmptui.store.columns import NEVER, day_of, json_text, moment_of, moment_text, names_of
from kmptui.store.db import Db, touch
from kmptui.store.ledger import rows
from kmptui.store.life_models import RenewalTry

ENDED_SHOWN = timedelta(days=30)
"""How long what ended unrenewed is told."""
_ORDER = (
    "o.names", "o.organization_id", "o.profile_id", "o.term", "o.key", "o.issued", "o.revoked", "o.renewed",
    "o.problem_code", "o.auto_renew_state", "o.choice",
)  # fmt: skip
_REST = (
    "c.not_before", "c.not_after", "n.id", "n.ledger", "n.status", "n.state", "n.names",
    "t.tries", "t.kind", "t.cause", "t.cure", "t.code", "t.last", "t.again",
    "(SELECT i.act || ' is ' || i.state FROM intents i WHERE i.order_id = o.id"
    " AND i.state IN ('prepared', 'sent', 'unconfirmed') LIMIT 1)",
    f"CASE WHEN o.choice = '' THEN {selection.RULE} END",
    f"CASE WHEN o.choice = '' THEN {selection.EXCEPTION} END",
)  # fmt: skip
_SELECT = (
    f"SELECT {', '.join((rows.COLUMNS, *_ORDER, *_REST))} FROM orders o"  # noqa: S608 - constants
    " LEFT JOIN certificates c ON c.id = o.certificate_id LEFT JOIN orders n ON n.id = o.next_id"
    " LEFT JOIN renewal_tries t ON t.order_id = o.id"
)
_AT = len(rows.COLUMNS.split(","))
_UNDER_WAY = frozenset({Ledger.PREPARED.value, Ledger.SENT.value})
_CAME_TO_NOTHING = frozenset({"declined", "rejected", "invalid", "revoked"})


def chosen(db: Db, now: datetime, within: timedelta | None = None) -> tuple[Subject, ...]:
    """Everything that is chosen, current and issued (and ends within so long), soonest to end first. What ended longer
    ago than ENDED_SHOWN is left out, unless a person chose it and was not told longer ago; and so is what was never
    issued or is revoked: nothing is to be done about it."""
    since = now - ENDED_SHOWN
    until = (now + within).date().isoformat() if within is not None else NEVER
    found = db.rows(
        f"{_SELECT} WHERE o.auto_renew = 1 AND o.shelf = 0 AND o.ledger = 'accepted'"
        # the first of the two is judged before anything is joined
        " AND (o.expires >= ?1 OR o.choice = 'on') AND (o.expires >= ?1 OR ifnull(t.last, ?4) >= ?3)"
        " AND o.expires <= ?2"
        " AND o.state IN ('issued', 'issued, not added', 'reissue under way', 'expired')"
        " ORDER BY o.expires, o.id",
        (since.date().isoformat(), until, moment_text(since), NEVER),
    )
    return _subjects(db, found, now.date())


def subjects(db: Db, order_ids: Collection[int], now: datetime) -> tuple[Subject, ...]:
    """Those orders, whether they are chosen or not; what is not here is left out."""
    asked = (json_text(list(order_ids)),)
    found = db.rows(f"{_SELECT} WHERE o.id IN (SELECT value FROM json_each(?)) ORDER BY o.expires, o.id", asked)  # noqa: S608
    return _subjects(db, found, now.date())


def names(db: Db, order_ids: Collection[int]) -> dict[int, str]:
    """The common names of those of these orders that are here."""
    asked = (json_text(list(order_ids)),)
    return dict(db.rows("SELECT id, common_name FROM orders WHERE id IN (SELECT value FROM json_each(?))", asked))


def note(db: Db, order_id: int, attempt: Attempt) -> None:
    """What became of the last try, in the place of what stood there."""
    row = RenewalTry.insert(
        order_id=order_id, tries=attempt.tries, kind=attempt.trouble.value, cause=attempt.cause, cure=attempt.cure,
        code=attempt.code, last=attempt.last, again=attempt.again,
    )  # fmt: skip
    row.on_conflict_replace().execute(db)
    touch(db, Topic.ORDERS)


def clear(db: Db, order_ids: Iterable[int]) -> None:
    """Nothing failed with them any more."""
    before = db.raw().total_changes
    db.many("DELETE FROM renewal_tries WHERE order_id = ?", [(order_id,) for order_id in order_ids])
    if db.raw().total_changes != before:
        touch(db, Topic.ORDERS)


def set_scm_renewals(db: Db, states: dict[int, str]) -> None:
    """SCM's own auto-renewal, as its list told it whole: the state by sslId; all others have none at work."""
    known = dict(
        db.rows("SELECT ssl_id, auto_renew_state FROM orders WHERE auto_renew_state IN ('Scheduled', 'Started')")
    )
    wanted = dict.fromkeys(known, "Not scheduled") | states
    changed = [(state, ssl_id, state) for ssl_id, state in wanted.items() if known.get(ssl_id) != state]
    if changed:
        db.many("UPDATE orders SET auto_renew_state = ? WHERE ssl_id = ? AND auto_renew_state <> ?", changed)
        touch(db, Topic.ORDERS)


def shortest_term(db: Db) -> tuple[int, str] | None:
    """The shortest term, in days, of what is chosen, and whose it is; of all current certificates where nothing is."""
    for test in ("auto_renew = 1", "1"):
        found = db.rows(
            "SELECT term, profile FROM orders WHERE shelf = 0 AND ledger = 'accepted' AND term > 0"  # noqa: S608
            f" AND state IN ('issued', 'issued, not added') AND {test} ORDER BY term LIMIT 1"
        )
        if found:
            return int(found[0][0]), str(found[0][1])
    return None


def _subjects(db: Db, found: list[tuple[Any, ...]], today: date) -> tuple[Subject, ...]:
    later = successors.replaced(db, today) if found else frozenset()
    return tuple(_subject(row, later) for row in found)


def _subject(row: tuple[Any, ...], later: frozenset[int]) -> Subject:
    line = rows.row_of(row)
    told, rest = row[_AT : _AT + len(_ORDER)], row[_AT + len(_ORDER) :]
    names, organization, profile, term, key, issued, revoked, renewed, code, scm_state, choice = told
    begins, ends, next_id, next_ledger, next_status, next_state, next_names, *tries, intent, rule, exception = rest
    order = Order(
        line, names_of(names), organization_id=organization, profile_id=profile, term=term, key=key,
        issued=day_of(issued), revoked=day_of(revoked), renewed=None if renewed is None else bool(renewed),
        problem_code=code, next_id=next_id,
    )  # fmt: skip
    successor, under_way, failed = _next(next_id, next_ledger, next_status, next_state)
    if successor and (lacking := _lacking(order, next_names)):
        successor, failed = "", f"its renewal {successor} came without {lacking}"
    if not successor and line.id in later:
        successor, under_way, failed = "a later certificate for the same names, ordered anew,", "", ""
    start = order.issued or line.requested
    return Subject(
        order,
        moment_of(begins) or (beginning(start) if start is not None else None),
        moment_of(ends) or (beginning(line.expires) if line.expires is not None else None),
        chosen=line.auto_renew,
        why_chosen=_why(choice, rule, exception),
        scm_state=scm_state,
        successor=successor,
        under_way=under_way or (f"its {intent}" if intent else ""),
        failed=failed,
        attempt=_attempt(tries),
    )


def _next(number: int | None, ledger: str, status: str, state: str) -> tuple[str, str, str]:
    """What became of its renewal: the successor, or that it is under way, or why it came to nothing; in words."""
    if number is None or ledger in {Ledger.DRAFT.value, Ledger.REFUSED.value, Ledger.NOT_PLACED.value}:
        return "", "", ""
    if ledger in _UNDER_WAY:
        return "", f"o{number} renews it", ""
    if ledger == Ledger.UNCONFIRMED.value:
        return "", f"o{number} renews it, unconfirmed: it is looked for", ""
    folded = status.lower()
    if folded in _CAME_TO_NOTHING:
        return "", "", f"its renewal o{number} was {folded}"
    if not folded or folded in OPEN_STATUSES or state.startswith('"'):
        return "", f"o{number} renews it, {state}", ""
    return f"o{number}", "", ""


def _lacking(order: Order, names: str) -> str:
    """The names that the renewal came without; "" where it has all, or SCM did not tell."""
    own = {name.lower() for name in (order.common_name, *order.names) if name}
    there = {name.lower() for name in names_of(names)}
    left = sorted(own - there) if there else []
    more = f" and {len(left) - 1:,} more" if len(left) > 1 else ""
    return f"{left[0]}{more}" if left else ""


def _why(choice: str, rule: int | None, exception: int | None) -> str:
    if choice:
        return "chosen by hand" if choice == selection.ON else "left out by hand"
    if exception is not None:
        return f"left out by rule {exception}"
    return f"chosen by rule {rule}" if rule is not None else ""


def _attempt(told: list[Any]) -> Attempt | None:
    tries, kind, cause, cure, code, last, again = told
    if tries is None:
        return None
    begun, then = moment_of(last), moment_of(again)
    if begun is None or then is None:  # another hand was in the store: then nothing is known of a try
        return None
    return Attempt(tries, Trouble(kind), cause, cure, begun, then, code)
