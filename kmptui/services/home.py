"""The home screen: what needs a person, exact to the count, from the store before any network call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from kmptui.domain.listing import Query, Topic
from kmptui.services import home_lines, last_run
from kmptui.services.home_lines import Need as Need
from kmptui.store import account as accounts
from kmptui.store import certificates, listing, mirror, schedule, stalled

if TYPE_CHECKING:
    from kmptui.config import Settings
    from kmptui.services.engine import Engine
    from kmptui.services.last_run import LastRun
    from kmptui.store.account import StoredAccount
    from kmptui.store.database import Db
    from kmptui.store.stalled import Stalled


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


class Home:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def view(self) -> HomeView:
        """From the store alone, in one read."""
        logout = last_run.stops_at_logout()
        return await self._engine.store.read(_view, self._engine.clock.now(), self._engine.settings, logout)

    async def stalled(self, order_id: int) -> Stalled | None:
        """Why the renewal of an order did not come about: cause, cure, when it was tried and is tried again; None where
        nothing failed."""
        return await self._engine.store.read(stalled.last, order_id)


def _view(db: Db, now: datetime, settings: Settings, stops_at_logout: bool) -> HomeView:
    look = home_lines.Look(db, now, settings)
    run = last_run.state(db, now, settings)
    linked = accounts.account(db)
    found = [
        _account(linked),
        *(line.need(look) for line in home_lines.WORST),
        _schedule(run, stops_at_logout) if linked is not None else None,
        *(line.need(look) for line in home_lines.BEFORE_CHANGES),
        home_lines.changed_elsewhere(look),
        *(line.need(look) for line in home_lines.AFTER_CHANGES),
    ]
    ages = {topic: mirror.mirrored_at(db, topic) for topic in (Topic.ORDERS, *_MIRRORED)}
    needs = tuple(need for need in found if need is not None)
    return HomeView(needs, _quiet(db, now, settings, run), ages[Topic.ORDERS], _stale(ages, now))


def _account(linked: StoredAccount | None) -> Need | None:
    if linked is None or not linked.attention:
        return None
    return Need("ACCOUNT", 1, "account is refused by SCM", linked.attention, None, cure="kmptui account password")


def _schedule(run: LastRun, stops_at_logout: bool) -> Need | None:
    if run.missing:
        return Need("SCHEDULE", 1, run.missing, run.cure, None, cure=run.cure)
    if not stops_at_logout:
        return None
    cure = "loginctl enable-linger, or kmptui systemd install --system"
    return Need("SCHEDULE", 1, "timer stops when you log out", cure, None, cure=cure)


def _quiet(db: Db, now: datetime, settings: Settings, run: LastRun) -> tuple[tuple[str, str], ...]:
    most = settings.certificate_limit
    used, left = certificates.limit_used(db, now), schedule.bodies_left(db, now)
    held = f"{used:,} of limit {most:,}" if most else f"{used:,} {'certificate' if used == 1 else 'certificates'}"
    fetching = f", {left:,} more to be fetched" if left else ""
    orders = listing.count(db, Query(Topic.ORDERS), now)
    chosen = listing.count(db, Query(Topic.ORDERS, "renew:yes expires>=0d"), now)  # not again what renews them
    return (
        (run.label, run.words),
        ("Auto-renewal", f"{'on' if settings.auto_renewal else 'off'}, {chosen:,} chosen"),
        ("Repository", f"{held}{fetching}; {orders:,} {'order' if orders == 1 else 'orders'} current"),
    )


def _stale(ages: Mapping[Topic, datetime | None], now: datetime) -> str:
    """Orders older than 26 h and the rest older than 8 days are never shown as fresh, nor is anything by a clock that
    stands before the time of the data."""
    orders, others = ages[Topic.ORDERS], min((age for topic in _MIRRORED if (age := ages[topic])), default=None)
    if any(age is not None and clock_is_back(age, now) for age in ages.values()):
        return "This host's clock stands before the time of the data: set it, then sync"
    old = []
    if orders is not None and now - orders > ORDERS_STALE:
        old.append(f"orders are as of {_ago(now - orders)} ago")
    if others is not None and now - others > MIRROR_STALE:
        old.append(f"organizations, domains and profiles are as of {_ago(now - others)} ago")
    words = ", ".join(old)
    return f"{words[0].upper()}{words[1:]}: sync to refresh" if words else ""


def clock_is_back(age: datetime, now: datetime) -> bool:
    """Whether data of that time is of the future: the clock was set back, and nothing is known of how old it is."""
    return age - now > CLOCK_BACK


def _ago(span: timedelta) -> str:
    hours = int(span.total_seconds() // 3600)
    return f"{hours // 24:,} d" if hours >= 48 else f"{hours} h"
