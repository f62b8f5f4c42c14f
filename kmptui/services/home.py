"""The home screen: what needs a person, exact to the count, from the store before any network call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from kmptui.domain.listing import Query, Topic
from kmptui.store import account as accounts
from kmptui.store import certificates, listing, mirror, schedule

if TYPE_CHECKING:
    from kmptui.domain.domain import Domain
    from kmptui.domain.order import OrderRow
    from kmptui.services.engine import Engine
    from kmptui.store.database import Db


@dataclass(frozen=True, slots=True)
class Need:
    """One line of what needs somebody, worst first. `word` is the capital word of the line (UNCONF'D, DCV, EXPIRES,
    WAITING, NOT ADDED, KEYS …), `what` the rest, which follows the count, `example` the worst of them; Enter opens
    `query`, which lists exactly `count` rows (None: it is about the account)."""

    word: str
    count: int
    what: str
    example: str
    query: Query | None


@dataclass(frozen=True, slots=True)
class HomeView:
    """`facts` are the quiet lines below: (label, words). `as_of` is the age of the order data, None before any import;
    `stale` a sentence when it is too old to be shown as fresh (orders 26 h, the rest 8 days)."""

    needs: tuple[Need, ...]
    facts: tuple[tuple[str, str], ...]
    as_of: datetime | None
    stale: str

    @property
    def total(self) -> int:
        return sum(need.count for need in self.needs)


_MIRRORED = (Topic.ORGANIZATIONS, Topic.DOMAINS, Topic.PROFILES)
ORDERS_STALE = timedelta(hours=26)
MIRROR_STALE = timedelta(days=8)
CLOCK_BACK = timedelta(hours=1)
DCV_SOON = 14
EXPIRES_SOON = (7, 30)


@dataclass(frozen=True, slots=True)
class _Line:
    """One kind of need: the rows of one list that it counts, and how it is told; `one` and `many` follow the count,
    `example` names the list's first row."""

    word: str
    query: Query
    one: str
    many: str
    example: Callable[[Any, date], str]


def _orders(filter: str, *, sort: str = "expires") -> Query:  # noqa: A002 - the query's own name
    return Query(Topic.ORDERS, filter=filter, sort=sort)


def _domains(filter: str) -> Query:  # noqa: A002 - the query's own name
    return Query(Topic.DOMAINS, filter=filter, sort="dcv_expires")


def _named(row: OrderRow, _: date) -> str:
    return row.common_name


def _ending(row: OrderRow, today: date) -> str:
    return f"{row.common_name}{_in(row.expires, today)}"


def _waiting(row: OrderRow, today: date) -> str:
    days = (today - row.requested).days if row.requested is not None else 0
    return f"{row.common_name}, for {days:,} d" if days > 0 else row.common_name


def _dcv(row: Domain, today: date) -> str:
    return f"{row.name}{_in(row.dcv_expires, today)}"


def _in(day: date | None, today: date) -> str:
    if day is None:
        return ""
    days = (day - today).days
    return f", ended {-days:,} d ago" if days < 0 else f", ends in {days} d" if days else ", ends today"


_WEEK, _MONTH = EXPIRES_SOON
LINES = (
    _Line(
        "UNCONF'D", _orders("status=unconfirmed", sort="id"),
        "order without a reply: settle it", "orders without a reply: settle them", _named,
    ),
    _Line(
        "DCV", _domains("status=expired"),
        "domain's validation has ended", "domains' validations have ended", _dcv,
    ),
    _Line(
        "EXPIRES", _orders(f"status=issued successor:no expires>=0d expires<={_WEEK}d"),
        f"certificate ends within {_WEEK} d", f"certificates end within {_WEEK} d", _ending,
    ),
    _Line(
        "REFUSED", _orders("status=refused", sort="id"),
        "order was refused by SCM", "orders were refused by SCM", _named,
    ),
    _Line(
        "UNPLACED", _orders('status="not placed"', sort="id"),
        "order did not reach SCM", "orders did not reach SCM", _named,
    ),
    _Line(
        "KEYS", _orders('status=issued hold="key mismatch"'),
        "certificate came with another key", "certificates came with other keys", _named,
    ),
    _Line(
        "NOT ADDED", _orders("status=issued hold=limit expires>=0d"),
        "issued, not added: limit", "issued, not added: limit", _named,
    ),
    _Line(
        "FETCH", _orders("status=issued hold=failed expires>=0d"),
        "certificate could not be fetched", "certificates could not be fetched", _named,
    ),
    _Line(
        "APPROVE", _orders("status=requested", sort="requested"),
        "request waits for approval", "requests wait for approval", _waiting,
    ),
    _Line(
        "WAITING", _orders("open:yes -status=requested", sort="requested"),
        "order waits at the CA", "orders wait at the CA", _waiting,
    ),
    _Line(
        "DCV SOON", _domains(f"status=validated dcv>=0d dcv<={DCV_SOON}d"),
        f"validation ends within {DCV_SOON} d", f"validations end within {DCV_SOON} d", _dcv,
    ),
    _Line(
        "LATER", _orders(f"status=issued successor:no expires>{_WEEK}d expires<={_MONTH}d"),
        f"more ends within {_MONTH} d", f"more end within {_MONTH} d", _ending,
    ),
)  # fmt: skip
"""What may need somebody, worst first; a line is shown when its list is not empty. A certificate with a valid successor
for its names does not count as ending, and one that is only queued to be fetched needs nobody."""


class Home:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def view(self) -> HomeView:
        """From the store alone, in one read."""
        return await self._engine.store.read(_view, self._engine.clock.now(), self._engine.settings.certificate_limit)


def _view(db: Db, now: datetime, most: int) -> HomeView:
    needs = [need for line in LINES if (need := _need(db, line, now)) is not None]
    linked = accounts.account(db)
    if linked is not None and linked.attention:
        needs.insert(0, Need("ACCOUNT", 1, "account is refused by SCM", linked.attention, None))
    ages = {topic: mirror.mirrored_at(db, topic) for topic in (Topic.ORDERS, *_MIRRORED)}
    return HomeView(tuple(needs), _quiet(db, now, most), ages[Topic.ORDERS], _stale(ages, now))


def _need(db: Db, line: _Line, now: datetime) -> Need | None:
    found = listing.window(db, line.query, 0, 1, now)
    if not found.total:
        return None
    what = line.one if found.total == 1 else line.many
    return Need(line.word, found.total, what, line.example(found.rows[0], now.date()), line.query)


def _quiet(db: Db, now: datetime, most: int) -> tuple[tuple[str, str], ...]:
    used, left = certificates.limit_used(db, now), schedule.bodies_left(db, now)
    held = f"{used:,} of limit {most:,}" if most else f"{used:,} {'certificate' if used == 1 else 'certificates'}"
    fetching = f", {left:,} more to be fetched" if left else ""
    orders = listing.count(db, Query(Topic.ORDERS), now)
    return ("Repository", held + fetching), ("Orders", f"{orders:,} current")


def _stale(ages: Mapping[Topic, datetime | None], now: datetime) -> str:
    """Orders older than 26 h and the rest older than 8 days are never shown as fresh, nor is anything by a clock that
    stands before the time of the data."""
    orders, others = ages[Topic.ORDERS], min((age for topic in _MIRRORED if (age := ages[topic])), default=None)
    if any(age is not None and age - now > CLOCK_BACK for age in ages.values()):
        return "This host's clock stands before the time of the data: set it, then sync"
    old = []
    if orders is not None and now - orders > ORDERS_STALE:
        old.append(f"orders are as of {_ago(now - orders)} ago")
    if others is not None and now - others > MIRROR_STALE:
        old.append(f"organizations, domains and profiles are as of {_ago(now - others)} ago")
    words = ", ".join(old)
    return f"{words[0].upper()}{words[1:]}: sync to refresh" if words else ""


def _ago(span: timedelta) -> str:
    hours = int(span.total_seconds() // 3600)
    return f"{hours // 24:,} d" if hours >= 48 else f"{hours} h"
