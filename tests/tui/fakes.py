"""A workspace in memory: the same shapes as the services, rows made up on demand, and a clock that stands still."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from kmptui.config import Paths, Settings
from kmptui.domain.audit import AuditRow, RenewalLine, Verdict
from kmptui.domain.certificate import Certificate, CertificateRow, Source
from kmptui.domain.domain import Delegation, Domain
from kmptui.domain.filters import parse_filter
from kmptui.domain.keys import KeySpec
from kmptui.domain.listing import RENEWALS, Query, Topic, Window
from kmptui.domain.order import Hold, Ledger, Order, OrderRow
from kmptui.domain.organization import Organization, Validation
from kmptui.domain.profile import Profile
from kmptui.services.account import AccountView
from kmptui.services.checking import CheckLine, CheckReport
from kmptui.services.home import HomeView
from kmptui.services.lists import DomainView, History, OrganizationView, ProfileView
from kmptui.services.mirror import SyncReport, TopicCount
from kmptui.services.reporting import Changed, Progress
from tests.tui.life_stage import the_life
from tests.tui.stage import StageDrafts, StageHealth, StageVault

NOW = datetime(2026, 11, 23, 3, 12, tzinfo=UTC)


class StillClock:
    """A clock that stands still."""

    def now(self) -> datetime:
        return NOW


def order_row(number: int, **members: Any) -> OrderRow:
    """One order; every seventh waits, every eleventh is unconfirmed."""
    unconfirmed = number % 11 == 0
    waits = number % 7 == 0
    row = OrderRow(
        id=number,
        ssl_id=None if unconfirmed else 4_700_000 + number,
        common_name=f"host{number}.example.edu",
        names_count=1 + number % 12,
        ledger=Ledger.UNCONFIRMED if unconfirmed else Ledger.ACCEPTED,
        status="Applied" if waits else "Issued",
        hold=Hold.NONE,
        organization="Web Ops",
        profile="OV Multi-Domain",
        requested=date(2026, 5, 21),
        expires=None if waits or unconfirmed else NOW.date() + timedelta(days=number % 200 - 5),
        serial="" if waits else f"{number:08X}",
        certificate_id=None if waits or unconfirmed else number,
        auto_renew=number % 3 == 0,
    )
    return dataclasses.replace(row, **members)


def certificate_row(number: int, **members: Any) -> CertificateRow:
    row = CertificateRow(
        id=number,
        serial=f"4A119C{number:010X}",
        common_name=f"host{number}.example.edu",
        names_count=1 + number % 12,
        not_before=NOW - timedelta(days=190),
        not_after=NOW + timedelta(days=number % 200 - 5),
        issuer="Sandbox Issuing CA R3",
        has_key=number % 2 == 0,
        order_id=number,
        source=Source.IMPORTED if number % 2 else Source.ORDERED,
    )
    return dataclasses.replace(row, **members)


def organization(number: int) -> Organization:
    return Organization(
        number, f"Organization {number}", rest_enabled=number % 3 != 0, address="1 Main Street, Springfield",
        cert_types=("SSL", "SMIME"), validations=(Validation("OV_SSL", "VALIDATED", date(2027, 2, 1)),),
    )  # fmt: skip


def domain(number: int) -> Domain:
    return Domain(
        number, f"d{number}.example.org", "ACTIVE", "APPROVED", "VALIDATED" if number % 4 else "EXPIRED", "CNAME",
        NOW.date() + timedelta(days=number * 9 - 20), (Delegation(1, ("SSL",), "APPROVED", ("DOMAIN", "SUBDOMAIN")),),
    )  # fmt: skip


def profile(number: int) -> Profile:
    return Profile(
        number, f"OV Profile {number}", "for web servers", (90, 199), (KeySpec("RSA", "2048"), KeySpec("EC", "P-256")),
        frozenset({1, 2}), "usable" if number % 5 else "changed",
    )  # fmt: skip


def audit_row(number: int) -> AuditRow:
    return AuditRow(
        number, NOW - timedelta(minutes=number), "tui ops@web01", "ops-api@ACME", "order", "outcome",
        "accepted" if number % 5 else "refused", f"host{number}.example.edu", number, None, "",
    )  # fmt: skip


def renewal_line(number: int) -> RenewalLine:
    good = number % 4 != 0
    return RenewalLine(
        number, NOW - timedelta(minutes=number), "renew", f"host{number}.example.edu", (f"host{number}.example.edu",),
        "timer kmptui@web01", "ops-api@ACME", "due since 3 Nov 2026", "renewed" if good else "blocked",
        "" if good else "names: the validation of example.edu ended on 20 Nov 2026", None, number, 4_700_000 + number,
        f"4A119C{number:010X}", date(2026, 11, 30), number + 1000 if good else None, 4_710_000 if good else None,
        f"5B22{number:012X}" if good else "", date(2027, 6, 1) if good else None, number + 1000 if good else None,
    )  # fmt: skip


MAKERS: dict[Topic, Callable[[int], Any]] = {
    Topic.ORDERS: order_row,
    Topic.CERTIFICATES: certificate_row,
    Topic.ORGANIZATIONS: organization,
    Topic.DOMAINS: domain,
    Topic.PROFILES: profile,
    Topic.AUDIT: audit_row,
}


class FakeLists:
    """`counts` rows of each topic, or the given `rows`. A filter keeps rows whose text holds its words. Every request
    is noted in `asked`."""

    def __init__(self, counts: int | dict[Topic, int] = 40, rows: dict[Topic, list[Any]] | None = None) -> None:
        self.counts = counts if isinstance(counts, dict) else dict.fromkeys(MAKERS, counts)
        self.rows = rows or {}
        self.renewals: list[RenewalLine] = []
        self.asked: list[tuple[Query, int, int]] = []
        self.error: Exception | None = None
        self.gate: asyncio.Event | None = None

    def _all(self, query: Query) -> Sequence[Any]:
        if query.topic in self.rows:
            found: Sequence[Any] = self.renewals if query.view == RENEWALS else self.rows[query.topic]
        else:
            maker = renewal_line if query.view == RENEWALS else MAKERS[query.topic]
            numbers = range(1, self.counts.get(query.topic, 0) + 1)
            if query.filter:
                found = [maker(n) for n in numbers]
            else:
                return _Made(maker, numbers[::-1] if query.descending else numbers)
        words = query.filter.split()
        found = [row for row in found if all(word in str(row) for word in words)]
        return found[::-1] if query.descending else found

    async def window(self, query: Query, offset: int, limit: int) -> Window[Any]:
        self.asked.append((query, offset, limit))
        if self.gate is not None:
            await self.gate.wait()
        if self.error is not None:
            raise self.error
        parse_filter(query.filter)
        rows = self._all(query)
        return Window(tuple(rows[offset : offset + limit]), offset, len(rows))

    async def position(self, query: Query, row_id: int) -> int | None:
        if self.error is not None:
            raise self.error
        rows = self._all(query)
        if isinstance(rows, _Made):
            return rows.place(row_id)
        return next(
            (at for at, row in enumerate(rows) if getattr(row, "seq", getattr(row, "id", None)) == row_id), None
        )

    async def ids(self, query: Query, most: int = 10_000) -> tuple[int, ...]:
        return tuple(getattr(row, "seq", getattr(row, "id", None)) for row in self._all(query)[:most])

    def _one(self, topic: Topic, row_id: int) -> Any:
        return next((r for r in self.rows.get(topic, ()) if r.id == row_id), None) or MAKERS[topic](row_id)

    async def order(self, order_id: int) -> Order:
        row = self._one(Topic.ORDERS, order_id)
        return Order(
            row, tuple(f"n{n}.{row.common_name}" for n in range(row.names_count)), term=199, key="RSA 2048",
            order_number="88213", requester="ops-api", comments="Ticket 4711", note="web01, web02", contact="webops",
            checked=NOW - timedelta(hours=2), spki="ab" * 32, requested_via="REST",
        )  # fmt: skip

    async def order_history(self, order_id: int, most: int = 20) -> tuple[History, ...]:
        return (History(NOW - timedelta(hours=2), "tui ops@web01", "order: accepted"),)

    async def order_certificates(self, order_id: int) -> tuple[CertificateRow, ...]:
        return (certificate_row(order_id),)

    async def certificate(self, certificate_id: int) -> Certificate:
        row = self._one(Topic.CERTIFICATES, certificate_id)
        return Certificate(row, (row.common_name,), b"", (b"", b""), "ab" * 32, "cd" * 32, "RSA 2048", "CN=x", NOW)

    async def certificate_history(self, certificate_id: int, most: int = 20) -> tuple[History, ...]:
        return ()

    async def organization(self, organization_id: int) -> OrganizationView:
        return OrganizationView(
            self._one(Topic.ORGANIZATIONS, organization_id), (organization(99),), ("OV Multi-Domain",)
        )

    async def domain(self, domain_id: int) -> DomainView:
        return DomainView(self._one(Topic.DOMAINS, domain_id), ((1, "Web Ops"),), (certificate_row(3),), 1)

    async def profile(self, profile_id: int) -> ProfileView:
        return ProfileView(self._one(Topic.PROFILES, profile_id), ("Web Ops", "Library"))

    async def write(self, query: Query, path: Path, format: str, *, replace: bool = False) -> int:  # noqa: A002
        rows = self._all(query)
        await asyncio.to_thread(path.write_text, f"{format} {len(rows)}\n")
        return len(rows)


class _Made(Sequence[Any]):
    """Rows made when they are looked at: a million of them cost nothing."""

    def __init__(self, maker: Callable[[int], Any], numbers: range) -> None:
        self._maker, self._numbers = maker, numbers

    def __len__(self) -> int:
        return len(self._numbers)

    def __getitem__(self, at: Any) -> Any:
        if isinstance(at, slice):
            return [self._maker(n) for n in self._numbers[at]]
        return self._maker(self._numbers[at])

    def place(self, row_id: int) -> int | None:
        return self._numbers.index(row_id) if row_id in self._numbers else None


class FakeMirror:
    def __init__(self) -> None:
        self.synced: list[tuple[Topic, ...]] = []
        self.error: Exception | None = None

    async def sync(self, topics: Any = (), report: Any = None) -> SyncReport:
        self.synced.append(tuple(topics))
        if self.error is not None:
            raise self.error
        return SyncReport(tuple(TopicCount(topic, 40, 0, 0, 0) for topic in topics), (), NOW)

    async def age(self, topic: Topic) -> datetime | None:
        return NOW - timedelta(hours=2)


class FakeChecking:
    def __init__(self) -> None:
        self.checked: list[Any] = []
        self.error: Exception | None = None

    async def check(self, order_ids: Any = None, report: Any = None) -> CheckReport:
        self.checked.append(order_ids)
        if self.error is not None:
            raise self.error
        return CheckReport(
            tuple(
                CheckLine(n, f"host{n}", "applied", "applied", "waiting", f"o{n} still waits") for n in order_ids or ()
            )
        )


class FakeAccount:
    def __init__(self, linked: bool = True, kind: str = "real", read_only: str = "") -> None:
        self.account = (
            AccountView("https://cert-manager.com/api", "ops-api", "ACME", kind, NOW, True, "ok", None, "", read_only)
            if linked
            else None
        )

    async def view(self) -> AccountView | None:
        return self.account


class FakeOrdering:
    def __init__(self) -> None:
        self.open: tuple[Any, ...] = ()

    async def unconfirmed(self) -> tuple[Any, ...]:
        return self.open


class FakeHome:
    async def view(self) -> HomeView:
        return HomeView((), (), NOW, "")


class FakeRecord:
    async def verify(self, head: str | None = None) -> Verdict:
        return Verdict(True, 40, "ab" * 32)


class FakeWorkspace:
    """Has what the app and the list tabs use of a Workspace."""

    def __init__(
        self, home: Path, *, lists: FakeLists | None = None, settings: Settings | None = None, **account: Any
    ) -> None:
        self.paths = Paths(home)
        self.settings = settings or Settings()
        self.clock = StillClock()
        self.lists = lists or FakeLists()
        self.mirror = FakeMirror()
        self.checking = FakeChecking()
        self.account = FakeAccount(**account)
        self.ordering = FakeOrdering()
        self.home = FakeHome()
        self.record = FakeRecord()
        self.vault = StageVault()
        self.health = StageHealth()
        self.drafts = StageDrafts()
        the_life(self, (), NOW)
        self.running: tuple[Progress, ...] = ()
        self.callbacks: list[Callable[[Changed], None]] = []
        self.watchers: list[Callable[[], None]] = []
        self.stops = 0

    def subscribe(self, callback: Callable[[Changed], None]) -> Callable[[], None]:
        self.callbacks.append(callback)
        return lambda: self.callbacks.remove(callback)

    def watch_running(self, callback: Callable[[], None]) -> Callable[[], None]:
        self.watchers.append(callback)
        return lambda: self.watchers.remove(callback)

    async def poll_changes(self) -> None:
        """Nobody else writes."""

    def stop(self) -> bool:
        self.stops += 1
        self.run()
        return True

    def change(self, topic: Topic) -> None:
        for callback in self.callbacks:
            callback(Changed(topic))

    def run(self, *progress: Progress) -> None:
        self.running = progress
        for watcher in self.watchers:
            watcher()
