"""A stage for the screens: the services as the faces know them, in memory, with a clock that stands still."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from kmptui.config import Paths, Settings
from kmptui.domain import preflight
from kmptui.domain.coverage import DomainIndex, dcv_end
from kmptui.domain.domain import Delegation, Domain
from kmptui.domain.keys import KeySpec
from kmptui.domain.listing import Query, Topic, Window
from kmptui.domain.order import Hold, Intent, Ledger, Order, OrderRequest, OrderRow
from kmptui.domain.organization import Organization, Validation
from kmptui.domain.profile import CustomField, Profile
from kmptui.errors import KmptuiError, NotFound
from kmptui.services.account import AccountView, LinkRequest, LinkResult
from kmptui.services.drafts import Draft
from kmptui.services.health import Check, HealthReport
from kmptui.services.home import HomeView, Need
from kmptui.services.importing import FetchReport, Forecast, ImportOptions, ImportReport
from kmptui.services.mirror import SyncReport
from kmptui.services.ordering import Candidate, FormFacts, Placed, Preview
from kmptui.services.repository import Exported, ExportRequest
from kmptui.services.vault import VaultStatus
from tests.tui.life_stage import the_life

NOW = datetime(2026, 11, 23, 3, 12, tzinfo=UTC)
RSA = KeySpec("RSA", "2048")
EC = KeySpec("EC", "P-256")
WEB, LAB = 11, 12
OV, DV = 101, 102


class Still:
    """A clock that stands still."""

    def now(self) -> datetime:
        return NOW


def organizations() -> tuple[Organization, ...]:
    good = (Validation("OV_SSL", "VALIDATED", date(2027, 5, 1)),)
    return (
        Organization(WEB, "Web Ops", rest_enabled=True, validations=good),
        Organization(LAB, "Lab", rest_enabled=True, validations=good),
    )


def profiles() -> tuple[Profile, ...]:
    return (
        Profile(OV, "OV Multi-Domain", "OV SSL", (90, 199, 365), (RSA, KeySpec("RSA", "3072"), EC), frozenset({WEB})),
        Profile(DV, "DV Single", "DV SSL", (90,), (RSA,), frozenset({WEB, LAB})),
    )


def domains() -> tuple[Domain, ...]:
    def domain(number: int, name: str, *privileges: str, ended: bool = False) -> Domain:
        until = date(2026, 11, 20) if ended else date(2027, 2, 2)
        return Domain(
            number, name, "ACTIVE", "APPROVED", "VALIDATED", "CNAME", until,
            (Delegation(WEB, ("SSL",), "ACTIVE", privileges),),
        )  # fmt: skip

    return (
        domain(1, "example.edu", "DOMAIN", "SUBDOMAIN", "WILDCARD_1ST_LEVEL"),
        domain(2, "example.org", "DOMAIN", "SUBDOMAIN"),
        domain(3, "lapsed.example", "DOMAIN", "SUBDOMAIN", ended=True),
        domain(4, "xn--bcher-kva.example", "DOMAIN", "SUBDOMAIN"),
    )


class StageAccount:
    """Linked or not; `fails` is raised by the next link."""

    def __init__(self, *, linked: bool = True) -> None:
        self.state = _account() if linked else None
        self.fails: KmptuiError | None = None
        self.requests: list[tuple[LinkRequest, str | None]] = []
        self.passwords: list[str] = []

    async def view(self) -> AccountView | None:
        return self.state

    async def link(self, request: LinkRequest, *, passphrase: str | None = None) -> LinkResult:
        self.requests.append((request, passphrase))
        if self.fails is not None:
            raise self.fails
        self.state = _account()
        return LinkResult(self.state, (), "passphrase" if passphrase else "key file")

    async def test(self) -> AccountView:
        if self.fails is not None:
            raise self.fails
        assert self.state is not None
        return self.state

    async def change_password(self, password: str) -> AccountView:
        if self.fails is not None:
            raise self.fails
        self.passwords.append(password)
        assert self.state is not None
        return self.state

    async def unlink(self) -> None:
        self.state = None


def _account() -> AccountView:
    return AccountView(
        "https://cert-manager.com/api", "ops-api", "ACME", "real", NOW, True, "ACTIVE", date(2026, 12, 27), "", ""
    )


class StageVault:
    def __init__(self) -> None:
        self.now = VaultStatus("open", ("key file",))
        self.passphrase = "correct horse"

    async def status(self) -> VaultStatus:
        return self.now

    async def proved(self) -> VaultStatus:
        return self.now

    async def unlock(self, passphrase: str | None = None) -> VaultStatus:
        from kmptui.errors import WrongPassphrase

        if passphrase != self.passphrase:
            raise WrongPassphrase("The passphrase does not open the vault")
        self.now = replace(self.now, state="open")
        return self.now

    async def lock(self) -> VaultStatus:
        self.now = replace(self.now, state="locked")
        return self.now


class StageMirror:
    def __init__(self) -> None:
        self.syncs = 0

    async def sync(self, topics: object = (), report: object = None) -> SyncReport:
        self.syncs += 1
        return SyncReport((), (), NOW)

    async def age(self, topic: Topic) -> datetime | None:
        return NOW - timedelta(hours=2)


class StageOrdering:
    """Checks as the real one does; `outcome` is what `place` ends with."""

    def __init__(self) -> None:
        self.placed: list[tuple[OrderRequest, bool, bool]] = []
        self.outcome: KmptuiError | None = None
        self.orders: dict[int, Order] = {}
        self.alike: tuple[OrderRow, ...] = ()
        self.steps: list[Order] = []
        self.settled: list[tuple[int, int | None]] = []
        self.found: tuple[Candidate, ...] = ()
        self.gate = asyncio.Event()
        self.gate.set()

    async def facts(self) -> FormFacts:
        fields = (
            CustomField(1, "Cost centre", mandatory=True),
            CustomField(2, "Environment", options=("production", "test [/]")),
        )
        return FormFacts(organizations(), profiles(), fields, WEB, OV, 199, NOW)

    async def check(self, request: OrderRequest) -> tuple[Any, ...]:
        facts = await self.facts()
        return preflight.check(
            request,
            preflight.Facts(
                NOW.date(), facts.profiles, facts.custom_fields, facts.organizations, DomainIndex(domains())
            ),
        )

    async def dcv_ends(self, names: Any) -> dict[str, date]:
        index = DomainIndex(domains())
        return {name: end for name in names if (end := dcv_end(name, index)) is not None}

    async def similar(self, request: OrderRequest) -> tuple[OrderRow, ...]:
        return self.alike

    async def preview(self, request: OrderRequest) -> Preview:
        body = '{\n  "orgId": 11,\n  "subjAltNames": "' + ",".join(request.names) + '"\n}'
        command = f"kmptui orders create --common-name {request.common_name}"
        effect = f"Orders one certificate for {request.common_name}. SCM may charge for it."
        return Preview(body, command, effect, self.alike, await self.check(request))

    async def place(self, request: OrderRequest, *, again: bool = False, despite_mirror: bool = False) -> Placed:
        self.placed.append((request, again, despite_mirror))
        await self.gate.wait()
        if self.outcome is not None:
            raise self.outcome
        order = an_order(1, request.common_name)
        self.orders[1] = order
        return Placed(1, 4711, request.common_name, Ledger.ACCEPTED, "SCM took the order as 4711")

    async def place_each(self, request: OrderRequest, *, on_placed: Any, **flags: bool) -> tuple[Placed, ...]:
        done = []
        for name in request.names:
            self.placed.append((replace(request, names=(name,)), False, False))
            await self.gate.wait()
            done.append(Placed(len(self.placed), 4711, name, Ledger.ACCEPTED, "SCM took it"))
            on_placed(done[-1])
        return tuple(done)

    async def like(self, order_id: int) -> OrderRequest:
        from kmptui.domain.order import NewKey

        return OrderRequest(("like.example.edu",), WEB, OV, 199, NewKey(RSA))

    async def follow(self, order_id: int, on_change: Callable[[Order], None], *, seconds: float | None = None) -> Order:
        for order in self.steps:
            await asyncio.sleep(0)
            on_change(order)
        return self.steps[-1] if self.steps else self.orders[order_id]

    async def unconfirmed(self) -> tuple[Intent, ...]:
        from kmptui.domain.order import Act

        return tuple(
            Intent(
                o.id, o.id, Act.ORDER, Ledger.UNCONFIRMED, "kmptui:AAAABBBBCCCCDDDD", o.common_name, o.names, WEB, OV,
                199,
                "", "", NOW, sent=NOW,
            )
            for o in self.orders.values()
            if o.row.ledger is Ledger.UNCONFIRMED
        )  # fmt: skip

    async def candidates(self, order_id: int) -> tuple[Candidate, ...]:
        return self.found

    async def reconcile(self) -> tuple[Placed, ...]:
        return ()

    async def settle(self, order_id: int, ssl_id: int | None) -> Order:
        self.settled.append((order_id, ssl_id))
        ledger = Ledger.ACCEPTED if ssl_id else Ledger.NOT_PLACED
        self.orders[order_id] = an_order(order_id, self.orders[order_id].common_name, ledger=ledger)
        return self.orders[order_id]


def an_order(
    number: int,
    name: str,
    *,
    ledger: Ledger = Ledger.ACCEPTED,
    status: str = "Requested",
    certificate: int | None = None,
) -> Order:
    row = OrderRow(
        number, 4711 if ledger is Ledger.ACCEPTED else None, name, 1, ledger, status, Hold.NONE, "Web Ops",
        "OV Multi-Domain", NOW.date(), None, "", certificate,
    )  # fmt: skip
    return Order(row, (name,), WEB, OV, order_number="88213")


class StageDrafts:
    def __init__(self) -> None:
        self.kept: Draft | None = None

    async def load(self) -> Draft | None:
        return self.kept

    async def save(self, members: dict[str, str]) -> Draft:
        self.kept = Draft(tuple(members.items()), NOW)
        return self.kept

    async def discard(self) -> None:
        self.kept = None


class StageHome:
    def __init__(self) -> None:
        self.now = HomeView(
            (
                Need(
                    "UNCONF'D", 1, "order without reply", "pay.example.edu", Query(Topic.ORDERS, "status:unconfirmed")
                ),
                Need("DCV", 1, "domain ended", "example.edu: blocks 12 [/]", Query(Topic.DOMAINS, "status:expired")),
                Need("EXPIRES", 4, "within 7 d", "api.example.edu first", Query(Topic.CERTIFICATES, "expires<7d")),
            ),
            (("Repository", "412 certificates, 25 of 500"), ("Imports", "all fetched")),
            NOW - timedelta(hours=2),
            "",
        )

    async def view(self) -> HomeView:
        return self.now


class StageHealth:
    def __init__(self) -> None:
        self.report: HealthReport | None = HealthReport(
            (
                Check("role", "ok", "MRAO"),
                Check(
                    "REST", "note", "1 organization has REST switched off: Lab", "Switch on 'SSL certificates: Web API'"
                ),
                Check("clock", "bad", "the host's clock is 4 min slow", "Have it set by NTP"),
            ),
            NOW,
        )

    async def check(self) -> HealthReport:
        assert self.report is not None
        return self.report

    async def last(self) -> HealthReport | None:
        return self.report


class StageImporting:
    def __init__(self) -> None:
        self.ran: list[ImportOptions] = []
        self.fetched = 0
        self.fails: KmptuiError | None = None

    async def forecast(self, options: ImportOptions) -> Forecast:
        if self.fails is not None:
            raise self.fails
        return Forecast(5_000, 3_000, "5,000 orders at SCM; the limit lets 3,000 certificates in")

    async def run(self, options: ImportOptions, report: Any = None) -> ImportReport:
        if self.fails is not None:
            raise self.fails
        self.ran.append(options)
        return StageReport(5_000, 5_000, True, 4_900, 60, 40, 2, ((17, "no serial"),), 3_000, 1_900, 3)

    async def fetch(self, report: Any = None) -> FetchReport:
        self.fetched += 1
        return FetchReport(3_000, 1_900, (), 0)

    async def queued(self) -> int:
        return 0


class StageReport(ImportReport):
    @property
    def words(self) -> str:
        return f"{self.seen:,} of {self.server_count:,} orders came in: {self.new:,} new, {self.changed:,} changed"


class StageRepository:
    def __init__(self, home: Path) -> None:
        self.home = home
        self.exports: list[ExportRequest] = []
        self.fails: KmptuiError | None = None
        self.deleted: list[tuple[str, tuple[int, ...]]] = []
        self.notes: list[tuple[int, str, str]] = []
        self.keys: list[tuple[int, Path, str | None]] = []

    def suggested_path(self, common_name: str, format: str, only: str = "") -> Path:  # noqa: A002 - its own name
        return self.home / f"{common_name}.{ {'pkcs12': 'p12', 'der': 'crt'}.get(format, format) }"

    async def export(self, request: ExportRequest) -> Exported:
        self.exports.append(request)
        if self.fails is not None:
            error, self.fails = self.fails, None
            raise error
        made = "k7tq2m-made-password" if request.generate else ""
        return Exported(request.out, "ab" * 32, 2_048, f"scp -p {request.out} host:", (), password=made)

    async def attach_key(self, certificate_id: int, path: Path, passphrase: str | None = None) -> None:
        if self.fails is not None:
            raise self.fails
        self.keys.append((certificate_id, path, passphrase))

    async def delete_orders(self, order_ids: Any) -> int:
        self.deleted.append(("orders", tuple(order_ids)))
        return len(order_ids)

    async def delete_certificates(self, certificate_ids: Any) -> int:
        self.deleted.append(("certificates", tuple(certificate_ids)))
        return len(certificate_ids)

    async def delete_key(self, text: str) -> None:
        self.deleted.append(("key", (int(text.removeprefix("c")),)))

    async def annotate(self, order_id: int, *, note: Any, contact: Any, seen: Any) -> None:
        self.notes.append((order_id, note, contact))


class StageLists:
    def __init__(self, ordering: StageOrdering) -> None:
        self._ordering = ordering
        self.certificates: dict[int, Any] = {}

    async def order(self, order_id: int) -> Order:
        if order_id not in self._ordering.orders:
            raise NotFound(f"There is no order o{order_id}")
        return self._ordering.orders[order_id]

    async def certificate(self, certificate_id: int) -> Any:
        return self.certificates[certificate_id]

    async def order_certificates(self, order_id: int) -> tuple[Any, ...]:
        return tuple(one.row for one in self.certificates.values() if one.row.order_id == order_id)

    async def window(self, query: Query, offset: int, limit: int) -> Window[Any]:
        return Window((), offset, 0)


@dataclass
class Stage:
    """What the app and the tabs use of a Workspace."""

    paths: Paths
    settings: Settings
    clock: Still
    account: StageAccount
    vault: StageVault
    mirror: StageMirror
    ordering: StageOrdering
    drafts: StageDrafts
    home: StageHome
    health: StageHealth
    importing: StageImporting
    repository: StageRepository
    lists: StageLists
    checking: Any = None
    record: Any = None
    changes: Any = None
    validating: Any = None
    renewing: Any = None
    reissuing: Any = None
    revoking: Any = None
    deciding: Any = None
    editing: Any = None
    renewal: Any = None
    life: Any = None
    running: tuple[Any, ...] = ()

    def subscribe(self, callback: Any) -> Callable[[], None]:
        return lambda: None

    def watch_running(self, callback: Any) -> Callable[[], None]:
        return lambda: None

    async def poll_changes(self) -> None:
        return None

    async def own(self, work: Any) -> Any:
        return await work


def stage(home: Path, *, linked: bool = True) -> Stage:
    ordering = StageOrdering()
    vault = StageVault()
    if not linked:
        vault.now = VaultStatus("none", ())
    made = Stage(
        Paths(home), Settings(), Still(), StageAccount(linked=linked), vault, StageMirror(), ordering, StageDrafts(),
        StageHome(), StageHealth(), StageImporting(), StageRepository(home), StageLists(ordering),
    )  # fmt: skip
    the_life(made, domains(), NOW)
    return made
