"""What may need somebody, line by line: what each counts, and how it is told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from kmptui.domain.changes import ChangeKind
from kmptui.domain.listing import Query, Topic
from kmptui.domain.order import OPEN_STATUSES, Ledger
from kmptui.domain.renewal import Verdict
from kmptui.services import renewal
from kmptui.store import changes, handovers, ledger, listing, renewals, stalled, waiting

if TYPE_CHECKING:
    from kmptui.config import Settings
    from kmptui.domain.order import Order
    from kmptui.store.database import Db


_BY_ITSELF = frozenset({Verdict.NOT_DUE, Verdict.DUE, Verdict.UNDER_WAY})


@dataclass(frozen=True, slots=True)
class Need:
    """One line of what needs somebody, worst first. `word` is the capital word of the line (UNCONF'D, DCV, EXPIRES,
    WAITING, NOT ADDED, KEYS …), `what` the rest, which follows the count, `example` the worst of them. Enter opens
    `query`, which lists exactly `count` rows, or what `opens` names (changes); a line that has neither is about the
    account or the schedule, and `cure` says what to do."""

    word: str
    count: int
    what: str
    example: str
    query: Query | None
    opens: str = ""
    cure: str = ""


@dataclass(frozen=True, slots=True)
class Look:
    """What lines are drawn from: one moment of the store."""

    db: Db
    now: datetime
    settings: Settings

    @property
    def today(self) -> date:
        return self.now.date()


@dataclass(frozen=True, slots=True)
class Line:
    """One kind of need: the rows of one list that it counts, and how it is told; `one` and `many` follow the count,
    `example` is told of the list's first row."""

    word: str
    query: Query
    one: str
    many: str
    example: Callable[[Look, Line, Any], str]

    def need(self, look: Look) -> Need | None:
        """None where its list is empty."""
        found = listing.window(look.db, self.query, 0, 1, look.now)
        if not found.total:
            return None
        what = self.one if found.total == 1 else self.many
        return Need(self.word, found.total, what, self.example(look, self, found.rows[0]), self.query)


def _orders(filter: str, *, sort: str = "expires") -> Query:  # noqa: A002 - the query's own name
    return Query(Topic.ORDERS, filter=filter, sort=sort)


def _domains(filter: str) -> Query:  # noqa: A002 - the query's own name
    return Query(Topic.DOMAINS, filter=filter, sort="dcv_expires")


def _named(_: Look, __: Line, row: Any) -> str:
    return str(row.common_name)


def _ending(look: Look, _: Line, row: Any) -> str:
    return f"{row.common_name}{in_days(row.expires, look.today)}"


def _stalled(look: Look, line: Line, row: Any) -> str:
    """`shop.example.edu +1: DCV ended Friday`."""
    others = listing.count(look.db, line.query, look.now) - 1
    more = f" +{others:,}" if others else ""
    tried = stalled.last(look.db, row.id)
    return f"{row.common_name}{more}: {tried.cause}" if tried is not None else f"{row.common_name}{more}"


def _soon(look: Look, line: Line, row: Any) -> str:
    """`3 renew by themselves; api.example.edu does not`."""
    filter = f"{line.query.filter} renew:yes -renewal:failed"  # noqa: A001 - the query's own name
    renewing = Query(Topic.ORDERS, filter=filter, sort="expires")
    by_themselves = _renewed_here(look, listing.ids(look.db, renewing, look.now))
    if not by_themselves:
        return _ending(look, line, row)
    found = listing.window(look.db, line.query, 0, len(by_themselves) + 1, look.now)
    number = len(by_themselves)
    if number == found.total:
        return "renews by itself" if number == 1 else "all renew by themselves"
    first = next(one for one in found.rows if one.id not in by_themselves)
    others = found.total - number - 1
    rest = f"{first.common_name} +{others:,} do not" if others else f"{first.common_name} does not"
    return f"{number:,} {'renews by itself' if number == 1 else 'renew by themselves'}; {rest}"


def _renewed_here(look: Look, order_ids: Sequence[int]) -> frozenset[int]:
    """Those of them that the schedule will renew, or is renewing, with nothing in the way as far as one knows."""
    policy = renewal.policy_of(look.settings)
    if not policy.on or not order_ids:
        return frozenset()
    decided = renewal.decide_each(look.db, renewals.subjects(look.db, order_ids, look.now), policy, look.now)
    return frozenset(subject.order.id for subject, decision in decided if decision.verdict in _BY_ITSELF)


def _oldest(look: Look, _: Line, row: Any) -> str:
    days = _days(look, row)
    return f"oldest {days:,} d: {row.common_name}" if days > 0 else str(row.common_name)


WAITS_FOR = {
    "init": "SCM is still taking it in",
    "requested": "approval",
    "saapproved": "a second approval",
    "approved": "not at the CA yet",
    "applied": "CA review",
    "accepted": "SCM has not said more yet",
}
"""What an order in this state waits for."""


def waits(order: Order, today: date) -> str:
    """`CA review, for 4 d`: what an order that SCM has waits for, and how long; "" where it waits for nothing."""
    row = order.row
    if row.ledger is not Ledger.ACCEPTED or (row.status and row.status.lower() not in OPEN_STATUSES):
        return ""
    days = (today - row.requested).days if row.requested is not None else 0
    return WAITS_FOR.get(row.state, row.state) + (f", for {days:,} d" if days > 0 else "")


def _waiting(look: Look, _: Line, row: Any) -> str:
    """`wiki.example.edu, for 4 d: CA review`."""
    days = _days(look, row)
    why = ledger.order(look.db, row.id).problem or WAITS_FOR.get(row.state, row.state)
    return f"{row.common_name}, for {days:,} d: {why}" if days > 0 else f"{row.common_name}: {why}"


def _days(look: Look, row: Any) -> int:
    return (look.today - row.requested).days if row.requested is not None else 0


def _dcv_ended(look: Look, line: Line, row: Any) -> str:
    """`example.edu: blocks 12, first ends in 6 d`."""
    found = waiting.blocked(look.db, row.name, look.today)
    if found is None:
        return f"{row.name}: blocks more than can be counted at once"
    blocked, first = found
    if not blocked:
        return _dcv(look, line, row)
    ends = f", first{in_days(first, look.today).removeprefix(',')}" if first is not None else ""
    return f"{row.name}: blocks {blocked:,}{ends}"


def _dcv(look: Look, _: Line, row: Any) -> str:
    return f"{row.name}{in_days(row.dcv_expires, look.today)}"


def _handover(look: Look, line: Line, row: Any) -> str:
    """`their old ones end from 4 Dec on`."""
    ends = handovers.first_end(look.db, look.today)
    if ends is None:
        return _named(look, line, row)
    return f"old ones {'end from' if ends >= look.today else 'ended from'} {ends.day} {ends:%b} on: {row.common_name}"


def in_days(day: date | None, today: date) -> str:
    """`, ends in 9 d`, `, ends today`, `, ended 3 d ago`; "" for none."""
    if day is None:
        return ""
    days = (day - today).days
    return f", ended {-days:,} d ago" if days < 0 else f", ends in {days:,} d" if days else ", ends today"


DCV_SOON = 14
EXPIRES_SOON = (7, 30)
_WEEK, _MONTH = EXPIRES_SOON
FAILED = Line(
    "FAILED",
    _orders("renewal:failed successor:no"),
    "renewal failed",
    "renewals failed",
    _stalled,
)
UNCONFIRMED = Line(
    "UNCONF'D", _orders("status:unconfirmed", sort="id"),
    "order without a reply", "orders without a reply", _named,
)  # fmt: skip
DCV = Line("DCV", _domains("status=expired"), "domain's DCV has ended", "domains' DCV has ended", _dcv_ended)
EXPIRES = Line(
    "EXPIRES", _orders(f"live:yes successor:no expires>=0d expires<={_WEEK}d"),
    f"ends within {_WEEK} d", f"end within {_WEEK} d", _soon,
)  # fmt: skip
WORST = (FAILED, UNCONFIRMED, DCV, EXPIRES)
"""Above what concerns the schedule and the changes elsewhere."""
BEFORE_CHANGES = (
    Line(
        "REFUSED", _orders("status:refused -source=renewed", sort="id"),
        "refused by SCM", "refused by SCM", _named,
    ),
    Line(
        "UNPLACED", _orders('status:"not placed" -source=renewed', sort="id"),
        "did not reach SCM", "did not reach SCM", _named,
    ),
    Line(
        "APPROVE", _orders("status:requested approve:yes", sort="requested"),
        "request of others", "requests of others", _oldest,
    ),
    Line(
        "HANDOVER", Query(Topic.CERTIFICATES, "handover:yes", sort="not_after"),
        "new, not exported", "new, not exported", _handover,
    ),
)  # fmt: skip
AFTER_CHANGES = (
    Line(
        "WAITING", _orders("open:yes approve:no", sort="requested"),
        "waits at the CA", "wait at the CA", _waiting,
    ),
    Line(
        "NOT ADDED", _orders("status=issued hold=limit expires>=0d"),
        "issued, not added: limit", "issued, not added: limit", _named,
    ),
    Line(
        "FETCH", _orders("status=issued hold=failed expires>=0d"),
        "could not be fetched", "could not be fetched", _named,
    ),
    Line(
        "KEYS", _orders('status=issued hold="key mismatch"'),
        "came with another key", "came with other keys", _named,
    ),
    Line(
        "LATER", _orders(f"live:yes successor:no expires>{_WEEK}d expires<={_MONTH}d"),
        f"ends within {_MONTH} d", f"end within {_MONTH} d", _soon,
    ),
    Line(
        "DCV SOON", _domains(f"status=validated dcv>=0d dcv<={DCV_SOON}d"),
        f"validation ends within {DCV_SOON} d", f"validations end within {DCV_SOON} d", _dcv,
    ),
    Line(
        "SCM RENEWS", _orders("renew:yes scmrenews:yes expires>=0d"),
        "chosen, SCM renews it too", "chosen, SCM renews them too", _named,
    ),
)  # fmt: skip
LINES = (*WORST, *BEFORE_CHANGES, *AFTER_CHANGES)
"""Worst first; a line is shown when its list is not empty. A certificate with a valid successor for its names does not
count as ending, and one that is only queued to be fetched needs nobody."""


def changed_elsewhere(look: Look) -> Need | None:
    """What somebody did in SCM's console that nobody has acknowledged."""
    counts = changes.open_counts(look.db)
    if not counts:
        return None
    total = sum(counts.values())
    told = [
        f"{number:,} {_KINDS.get((topic, kind), str(kind))}"
        for (topic, kind), number in sorted(counts.items(), key=lambda one: _ORDER.index(one[0][1]))
    ]
    return Need("CHANGED", total, "made elsewhere", ", ".join(told), None, opens="changes", cure="kmptui changes list")


_ORDER = (
    ChangeKind.REVOKED, ChangeKind.CHANGED, ChangeKind.VANISHED, ChangeKind.REISSUED, ChangeKind.RENEWED,
    ChangeKind.NEW,
)  # fmt: skip
_KINDS = {
    (Topic.PROFILES, ChangeKind.CHANGED): "profile",
    (Topic.PROFILES, ChangeKind.VANISHED): "profile gone",
    (Topic.ORDERS, ChangeKind.VANISHED): "gone",
}
