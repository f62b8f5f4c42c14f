"""A year of one home: the timer, what happens around it, and after each run a look at what is valid."""

from __future__ import annotations

import heapq
import itertools
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from kmptui.config import Paths
from kmptui.domain.renewal import due_at
from kmptui.errors import KmptuiError
from kmptui.sandbox.server import SandboxServer
from kmptui.services.importing import ImportOptions
from kmptui.services.runs import RunReport
from kmptui.services.workspace import Workspace
from kmptui.store.columns import moment_of, moment_text, names_of
from kmptui.store.db import Db
from tests.services.homes import credentials
from tests.year import company, events, proofs
from tests.year.company import DAY, START, Service
from tests.year.truth import Truth
from tests.year.year import Expiry, Year

HOUR = timedelta(hours=1)
STEP = 12 * HOUR
"""Between two runs of the timer."""
DAYS_BEFORE = 30
LONGEST_PAUSE = timedelta(days=3)
"""Between two tries of what SCM refuses for its domains or organization (domain.retrying)."""
FOLLOWED_AFTER = timedelta(days=2)

Names = frozenset[str]


class Clock:
    """The host's clock: the simulated moment, and by how much it is wrong."""

    def __init__(self, moment: datetime) -> None:
        self.moment = moment
        self.off = timedelta()

    def now(self) -> datetime:
        return self.moment + self.off


@dataclass(frozen=True, slots=True)
class Held:
    """The certificate of a name set that is valid for longest; `renewed`: another order takes its place."""

    not_before: datetime
    not_after: datetime
    ssl_id: int
    order_id: int
    renewed: bool
    source: str


@dataclass
class Waiting:
    """Since when (`clear`) nothing keeps a certificate that is due from being renewed; until when something did, and
    what; when it ends."""

    clear: datetime | None = None
    kept: str = ""
    ends: datetime | None = None


class Life:
    """`company` are the name sets, `alive` those that have to be valid, `truth` what keeps them from being renewed."""

    def __init__(self, sandbox: SandboxServer, home: Path, count: int, days: int, seed: int) -> None:
        self.sandbox = sandbox
        self.days = days
        self.paths = Paths(home)
        self.clock = Clock(START)
        self.random = Random(seed)
        self.year = Year()
        self.truth = Truth(sandbox)
        self.company = company.services(count)
        self.alive = [one for one in self.company if one.chosen]
        self.newcomer = company.NEWCOMER
        self.revoked: list[tuple[Service, int]] = []
        self.opened: Workspace
        self.told: set[tuple[str, int, str, str]] = set()
        self.reports = 0
        self._calendar: list[tuple[datetime, int, Callable[[], Awaitable[None]]]] = []
        self._number = itertools.count()
        self._waiting: dict[Names, Waiting] = {}
        self._gone: set[Names] = set()
        self._by_scm: dict[Names, int] = {}
        self._by_hand: list[tuple[datetime, int, int, str]] = []
        self._requests = 0

    def now(self) -> datetime:
        """By SCM's clock."""
        return self.clock.moment

    def at(self, when: datetime, act: Callable[[], Awaitable[None]]) -> None:
        heapq.heappush(self._calendar, (when, next(self._number), act))

    def run_at(self, when: datetime) -> None:
        """The timer comes once more."""
        self.at(when, self._timer)

    def require(self, true: object, words: str) -> None:
        if not true:
            self.year.broken.append(f"{self.now():%Y-%m-%d %H:%M} {words}")

    def begin(self, service: Service) -> None:
        """From now on it has to be valid."""
        self.alive.append(service)
        self._gone.add(frozenset(service.names))
        self._waiting[frozenset(service.names)] = Waiting(kept="ordered anew")

    async def live(self) -> Year:
        """The whole of it."""
        began = time.monotonic()
        company.settle_in(self.sandbox, self.company)
        async with await self._open("cli") as self.opened:
            await self._move_in()
        self._count_requests()
        self.year.months.clear()
        events.plan(self)
        for number in range(1, self.days * int(DAY / STEP) + 1):
            self.run_at(START + number * STEP)
        end = START + self.days * DAY
        await self._until(end)
        self.opened = await self._open("cli")
        async with self.opened:
            await proofs.settle(self)
        self.year.took = timedelta(seconds=time.monotonic() - began)
        return self.year

    async def _until(self, end: datetime) -> None:
        """One process of the timer a day; what people do meets it open."""
        self.opened = await self._open("timer")
        day = START.date()
        try:
            while self._calendar and self._calendar[0][0] <= end:
                when, _, act = heapq.heappop(self._calendar)
                self.clock.moment = when
                self.sandbox.control("clock", {"set": when.isoformat()})
                if when.date() != day:
                    day = when.date()
                    await self.opened.aclose()
                    self.opened = await self._open("timer")
                await act()
        finally:
            await self.opened.aclose()

    async def _open(self, face: str) -> Workspace:
        return await Workspace.open(self.paths, face=face, clock=self.clock)

    async def _move_in(self) -> None:
        """Link, import, and choose: half by hand, half by rules with exceptions."""
        opened = self.opened
        await opened.account.link(credentials(self.sandbox))
        await opened.mirror.sync()
        await opened.importing.run(ImportOptions())
        await opened.importing.fetch()
        held = await self.valid()
        self.require(len(held) == len(self.company), f"{len(held)} of {len(self.company)} certificates came in")
        by_hand = [held[frozenset(one.names)].order_id for one in self.company if one.chosen == "hand"]
        await opened.renewal.select(by_hand)
        for kind, value in company.BY_RULE:
            await opened.renewal.add_rule(kind, value)
        await opened.renewal.add_rule("name", company.LEFT_OUT, exclude=True)
        await opened.renewal.enable()
        chosen = {line.common_name for line in await opened.renewal.plan()}
        self.require(chosen == {one.name for one in self.alive}, "what is chosen is not what was to be chosen")

    # the timer

    async def _timer(self) -> None:
        if "asleep" not in self.truth.everything:
            report = await self.opened.schedule.run_due(unit="kmptui.timer")
            self._heard(report)
        await self._look()

    def _heard(self, report: RunReport) -> None:
        self.reports += 1
        if report.outcome == "deferred":
            self.year.count(self.now(), "deferred")
        problems = (*report.failed, *report.blocked)
        self.told |= {(one.job, one.order_id, one.common_name, one.words) for one in problems if one.order_id}
        lost = (line for line in report.waiting if line.job in {"renewal", "unconfirmed"})
        self.truth.lost = {line.common_name for line in lost}
        for line in problems:
            self.require(line.words, f"{line.job} {line.common_name} without a cause")
        self.require(not [line for line in report.failed if "fault of kmptui" in line.words], f"{report.failed}")

    async def _look(self) -> None:
        """What is valid now; who is kept waiting though nothing speaks against it."""
        now, valid = self.now(), await self.valid()
        self._know(valid)
        for service in self.alive:
            names = frozenset(service.names)
            obstacles = self.truth.obstacles(service, now)
            held = valid.get(names)
            if held is not None:
                self._gone.discard(names)
                self._weigh(service, held, obstacles)
            elif names not in self._gone:
                await self._expired(service)
            elif not obstacles and self._waiting.setdefault(names, Waiting()).kept != "ordered anew":
                await self._order_anew(service)
        self._count_requests()
        await self._followed()

    def _count_requests(self) -> None:
        lines = self.sandbox.control(f"requests?since={self._requests}")
        self._requests = lines[-1]["number"] if lines else self._requests
        self.year.count(self.now(), "requests", len(lines))

    def _know(self, valid: dict[Names, Held]) -> None:
        self.truth.look()
        self.truth.own = set()
        for names, ssl_id in self._by_scm.items():
            held = valid.get(names)
            state = self.sandbox.control(f"orders/{ssl_id}")["auto_renew"]
            if held is not None and held.ssl_id == ssl_id and state in {"Scheduled", "Started"}:
                self.truth.own.add(min(names))

    def _weigh(self, service: Service, held: Held, obstacles: tuple[str, ...]) -> None:
        now, names = self.now(), frozenset(service.names)
        if now < due_at(held.not_before, held.not_after, DAYS_BEFORE):
            self._waiting.pop(names, None)
            return
        waiting = self._waiting.setdefault(names, Waiting())
        waiting.ends = held.not_after
        if obstacles:
            waiting.clear, waiting.kept = None, f"{', '.join(obstacles)} until {now:%Y-%m-%d %H:%M}"
            return
        waiting.clear = waiting.clear or now
        left = held.not_after - waiting.clear
        patience = min(left / 10, LONGEST_PAUSE) + 3 * STEP
        if now - waiting.clear > patience and "late" not in waiting.kept:
            self.require(False, f"{service.name} could be renewed since {waiting.clear:%Y-%m-%d %H:%M}, and is not")
            waiting.kept += " late"

    async def _expired(self, service: Service) -> None:
        names = frozenset(service.names)
        waiting = self._waiting.pop(names, Waiting())
        self._gone.add(names)
        self.year.count(self.now(), "expired")
        kept = waiting.kept or "nothing spoke against renewing it"
        self.year.expired.append(Expiry(service.name, waiting.ends or self.now(), kept))
        self.require(waiting.kept, f"{service.name} expired, though it could be renewed")

    async def _order_anew(self, service: Service) -> None:
        """A person orders what has expired, once that is possible again."""
        try:
            placed = await self.opened.ordering.place(service.request(), despite_mirror=True)
        except KmptuiError as error:
            self.require(False, f"{service.name} cannot be ordered anew: {error}")
            return
        self._waiting[frozenset(service.names)] = Waiting(kept="ordered anew")
        assert placed.order_id is not None
        self.year.facts["expired ones ordered anew by a person"] += 1
        if service.chosen == "hand":
            await self.opened.renewal.select([placed.order_id])

    # what others do in SCM's console

    async def renew_in_the_console(self) -> None:
        valid = await self.valid()
        able = [
            (one, held)
            for one in self.alive
            if (held := valid.get(frozenset(one.names))) is not None
            and not held.renewed
            and frozenset(one.names) not in self._by_scm
            and held.not_after - self.now() < timedelta(days=60)
            and one.name not in self.truth.lost
        ]
        if able:
            one, held = self.random.choice(able)
            new = self.sandbox.control(f"orders/{held.ssl_id}/renew", {})
            self._by_hand.append((self.now(), held.ssl_id, int(new["id"]), one.name))

    async def let_scm_renew_two(self) -> None:
        for one, held in (await self._quiet())[:2]:
            self.sandbox.control(f"orders/{held.ssl_id}/auto-renew", {"state": "Scheduled", "days": 20})
            self._by_scm[frozenset(one.names)] = held.ssl_id

    async def revoke_one(self) -> None:
        one, held = (await self._quiet())[-1]
        self.sandbox.control(f"orders/{held.ssl_id}/revoke", {"reason_code": 4})
        self.alive.remove(one)
        self.revoked.append((one, int(max(self._created(), default=0))))

    async def _quiet(self) -> list[tuple[Service, Held]]:
        """Chosen ones that nothing happens to just now, soonest to end first."""
        valid = await self.valid()
        found = [(one, held) for one in self.alive if (held := valid.get(frozenset(one.names))) is not None]
        quiet = [
            (one, held) for one, held in found
            if not held.renewed and held.not_after - self.now() > timedelta(days=40)
            and frozenset(one.names) not in self._by_scm
        ]  # fmt: skip
        return sorted(quiet, key=lambda pair: (pair[1].not_after, pair[0].name))

    async def _followed(self) -> None:
        """Each renewal of the console's is known here, and goes on with the choice of the old one."""
        left = []
        for entry in self._by_hand:
            when, old, new, name = entry
            known = await self.opened._engine.store.read(_joined, old, new)
            if known:
                self.year.count(self.now(), "followed")
            elif self.truth.everything:
                left.append((self.now(), old, new, name))
            elif self.now() - when > FOLLOWED_AFTER:
                self.require(False, f"{name}: nobody followed its renewal in the console, scm:{new}")
            else:
                left.append(entry)
        self._by_hand = left

    # looking

    async def valid(self) -> dict[Names, Held]:
        """By name set, what is valid in the repository by SCM's clock."""
        return await self.opened._engine.store.read(_valid, self.now())

    def _created(self) -> list[int]:
        return [int(one["id"]) for one in self.created()]

    def created(self) -> list[dict[str, Any]]:
        """Orders that came to be at the server."""
        created: list[dict[str, Any]] = self.sandbox.control("state")["created"]
        return created


def _valid(db: Db, now: datetime) -> dict[Names, Held]:
    at = moment_text(now)
    found: dict[Names, Held] = {}
    for names, begins, ends, source, ssl_id, order_id, next_id, renewed in db.rows(
        "SELECT c.names, c.not_before, c.not_after, c.source, o.ssl_id, o.id, o.next_id, o.renewed FROM certificates c"
        " JOIN orders o ON o.id = c.order_id WHERE c.deleted = 0 AND c.revoked IS NULL"
        " AND c.not_before <= ? AND c.not_after > ? ORDER BY c.not_after, c.id",
        (at, at),
    ):
        begun, end = moment_of(begins), moment_of(ends)
        assert begun is not None and end is not None  # noqa: PT018 - the columns are NOT NULL
        found[frozenset(names_of(names))] = Held(
            begun, end, ssl_id, order_id, next_id is not None or bool(renewed), source
        )
    return found


def _joined(db: Db, old: int, new: int) -> bool:
    return bool(
        db.value(
            "SELECT EXISTS (SELECT 1 FROM orders o JOIN orders n ON n.id = o.next_id"
            " WHERE o.ssl_id = ? AND n.ssl_id = ? AND n.auto_renew = o.auto_renew AND n.auto_renew = 1)",
            (old, new),
        )
    )


def configuration(seed: int) -> dict[str, Any]:
    """The sandbox that a year takes place in: empty, with a clock that stands still until it is moved."""
    return {"certificates": 0, "seed": seed, "now": company.FOUNDED, "frozen": True, "password_days": None}
