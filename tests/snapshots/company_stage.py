"""The company's workspace in memory: its rows stand in the lists, and questions are answered as the services do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from kmptui.domain import preflight
from kmptui.domain.certificate import Certificate, CertificateRow
from kmptui.domain.changes import Change, ChangeKind
from kmptui.domain.coverage import DomainIndex
from kmptui.domain.dcv import Dependents
from kmptui.domain.listing import Query, Topic
from kmptui.domain.order import Act, Hold, Intent, Ledger, NewKey, Order, OrderRequest, OrderRow
from kmptui.domain.organization import Organization
from kmptui.services import health, placing, spelling
from kmptui.services.health import Check, HealthReport
from kmptui.services.home import HomeView, Need
from kmptui.services.importing import Forecast, ImportOptions, ImportReport
from kmptui.services.lists import DomainView, History, OrganizationView, ProfileView
from kmptui.services.ordering import FormFacts, Placed, Preview
from kmptui.services.repository import Exported, ExportRequest
from tests.snapshots import company, company_life
from tests.snapshots.company import MULTI, SHOP_NAMES, TODAY, WEB
from tests.tui.fakes import FakeChecking, FakeLists, FakeRecord
from tests.tui.life_stage import the_life
from tests.tui.stage import NOW, Stage, StageImporting, StageOrdering, StageRepository, stage

HOME = Path("/home/ops/.local/share/kmptui")
SHOP = "shop.example.com"
DIGEST = "5f0c1b7e9a3d42c88e61f4b0d7a95c13e28b6f7049adc5317be2086f9d14a3c7"


class CompanyLists(FakeLists):
    """The company's rows; details are made of them."""

    def __init__(self, rows: dict[Topic, list[Any]] | None = None) -> None:
        super().__init__(
            0,
            rows
            or {
                Topic.ORGANIZATIONS: company.organizations(),
                Topic.DOMAINS: company.domains(),
                Topic.PROFILES: company.profiles(),
                Topic.ORDERS: company.orders(),
                Topic.CERTIFICATES: company.certificates(),
                Topic.AUDIT: company.audit(),
            },
        )

    def named(self, topic: Topic, name: str) -> Any:
        """The order or certificate of that common name."""
        return next(row for row in self.rows[topic] if row.common_name == name)

    async def order(self, order_id: int) -> Order:
        return order_of(self._one(Topic.ORDERS, order_id))

    async def order_history(self, order_id: int, most: int = 20) -> tuple[History, ...]:
        row = self._one(Topic.ORDERS, order_id)
        ordered = NOW - timedelta(days=(TODAY - (row.requested or TODAY)).days, minutes=31)
        if row.ledger is Ledger.UNCONFIRMED:
            return (History(ordered, "tui ops@web01", "order sent, without a clear answer: the connection ended"),)
        taken = History(ordered, "tui ops@web01", f"order taken by SCM as scm:{row.ssl_id}")
        if row.certificate_id is None:
            return (taken,)
        exported = History(ordered + timedelta(hours=2), "cli ci@build3", "exported as pkcs12 to /etc/ssl/shop.p12")
        fetched = History(ordered + timedelta(minutes=12), "tui ops@web01", "fetched into the repository")
        return (exported, fetched, taken)

    async def order_certificates(self, order_id: int) -> tuple[CertificateRow, ...]:
        return tuple(row for row in self.rows[Topic.CERTIFICATES] if row.order_id == order_id)

    async def certificate(self, certificate_id: int) -> Certificate:
        row = self._one(Topic.CERTIFICATES, certificate_id)
        names = names_of(row.common_name, row.names_count)
        return Certificate(
            row, names, b"", (b"", b""), DIGEST, DIGEST[::-1], "RSA 2048", f"CN={row.common_name}",
            row.not_before + timedelta(minutes=12),
        )  # fmt: skip

    async def certificate_history(self, certificate_id: int, most: int = 20) -> tuple[History, ...]:
        row = self._one(Topic.CERTIFICATES, certificate_id)
        return (History(row.not_before + timedelta(minutes=12), "tui ops@web01", "fetched into the repository"),)

    async def organization(self, organization_id: int) -> OrganizationView:
        found = self._one(Topic.ORGANIZATIONS, organization_id)
        departments = [o for o in self.rows[Topic.ORGANIZATIONS] if o.parent_id == organization_id]
        may = [p.name for p in self.rows[Topic.PROFILES] if organization_id in p.organizations and p.status != "gone"]
        return OrganizationView(found, tuple(departments), tuple(may))

    async def domain(self, domain_id: int) -> DomainView:
        found = self._one(Topic.DOMAINS, domain_id)
        titles = tuple((o.id, o.title) for o in self.rows[Topic.ORGANIZATIONS])
        covered = [c for c in self.rows[Topic.CERTIFICATES] if f".{c.common_name}".endswith(f".{found.name}")]
        ends = sorted(c.not_after.date() for c in covered)
        due = sum(end <= TODAY + timedelta(days=30) for end in ends)
        blocks = Dependents(len(ends), 0, due, ends[0] if ends else None, 30)
        return DomainView(found, titles, tuple(covered[:8]), len(covered), blocks)

    async def profile(self, profile_id: int) -> ProfileView:
        found = self._one(Topic.PROFILES, profile_id)
        users = [o.title for o in self.rows[Topic.ORGANIZATIONS] if o.id in found.organizations]
        return ProfileView(found, tuple(users))


def names_of(common_name: str, count: int) -> tuple[str, ...]:
    """The names of a certificate: the shop's own ones, else hosts beside it."""
    if common_name == SHOP:
        return SHOP_NAMES[:count]
    base = common_name.removeprefix("*.").removeprefix("www.")
    hosts = (base, "www", "static", "img", "m", "cdn", "beta", "eu", "us", "asia", "mail", "old")
    rest = tuple(f"{host}.{base}" for host in hosts[1:]) if not common_name.startswith("www.") else (base,)
    return (common_name, *(name for name in rest if name != common_name))[:count]


def order_of(row: OrderRow) -> Order:
    """All of an order."""
    profile = next(p for p in company.profiles() if p.name == row.profile)
    owner = next(o for o in company.organizations() if o.name == row.organization)
    shop = row.common_name == SHOP
    return Order(
        row, names_of(row.common_name, row.names_count), owner.id, profile.id, "" if row.ssl_id is None else "88213",
        term=199, key="RSA 2048", requester="ops-api", comments="Ticket 4711" if shop else "",
        custom_fields=(("Cost Centre", "0815"),), issued=row.requested if row.serial else None, spki="ab" * 32,
        note="on web01 and web02, behind the balancer" if shop else "", contact="webops@example.com" if shop else "",
        has_keystore_password=shop, origin="ordered", checked=NOW - timedelta(hours=2), requested_via="REST",
    )  # fmt: skip


class CompanyOrdering(StageOrdering):
    """Offers and checks what the company has; spells orders out as the service does."""

    def __init__(self, lists: CompanyLists) -> None:
        super().__init__()
        self._lists = lists
        self.request: OrderRequest | None = None

    async def facts(self) -> FormFacts:
        rows: dict[Topic, list[Any]] = self._lists.rows
        return FormFacts(
            tuple(rows[Topic.ORGANIZATIONS]), tuple(rows[Topic.PROFILES]), company.custom_fields(), WEB, MULTI, 199, NOW
        )

    async def check(self, request: OrderRequest) -> tuple[Any, ...]:
        facts = await self.facts()
        known = DomainIndex(tuple(self._lists.rows[Topic.DOMAINS]))
        return preflight.check(
            request, preflight.Facts(TODAY, facts.profiles, facts.custom_fields, facts.organizations, known)
        )

    async def preview(self, request: OrderRequest) -> Preview:
        facts = await self.facts()
        organization = next(o.title for o in facts.organizations if o.id == request.organization_id)
        profile = next(p.name for p in facts.profiles if p.id == request.profile_id)
        effect = spelling.effect(request, organization, profile, TODAY)
        body, command = placing.preview_body(request), spelling.command_line(request)
        return Preview(body, command, effect, self.alike, await self.check(request))

    async def place(self, request: OrderRequest, *, again: bool = False, despite_mirror: bool = False) -> Placed:
        placed = await super().place(request, again=again, despite_mirror=despite_mirror)
        return replace(placed, order_id=self.steps[0].id) if self.steps else placed

    async def like(self, order_id: int) -> OrderRequest:
        return self.request or the_order()

    async def unconfirmed(self) -> tuple[Intent, ...]:
        lost = [row for row in self._lists.rows[Topic.ORDERS] if row.ledger is Ledger.UNCONFIRMED]
        return tuple(
            Intent(
                row.id, row.id, Act.ORDER, Ledger.UNCONFIRMED, "", row.common_name, (row.common_name,), None, None, 199,
                "", "", NOW, sent=NOW - timedelta(minutes=9),
            )
            for row in lost
        )  # fmt: skip


def the_order(**changes: Any) -> OrderRequest:
    """What somebody of the company orders."""
    request = OrderRequest(
        SHOP_NAMES, WEB, MULTI, 199, NewKey(company.RSA_KEYS[0]), comments="Ticket 4711",
        requesters=("web@example.com", "ops@example.com"),
        custom_fields=(("Cost Centre", "0815"), ("Environment", "Production")), auto_renew=True,
        note="on web01 and web02, behind the balancer", contact="webops@example.com",
    )  # fmt: skip
    return replace(request, **changes)


class CompanyImporting(StageImporting):
    """Words as the service's; `short`: SCM sends less than it counts."""

    short = False

    async def forecast(self, options: ImportOptions) -> Forecast:
        if self.fails is not None:
            raise self.fails
        words = "SCM counts 1,248 orders; the certificate limit has room for 500 certificates, the rest stay issued, "
        return Forecast(1_248, 500, words + "not added")

    async def run(self, options: ImportOptions, report: Any = None) -> ImportReport:
        odd = ((4_711_017, "it has no serial"),)
        if self.short:
            return ImportReport(1_241, 1_248, False, 1_229, 7, 5, 0, odd, 500, 614, 16)
        return ImportReport(1_248, 1_248, True, 1_236, 7, 5, 2, odd, 500, 614, 16)


class CompanyRepository(StageRepository):
    """Writes nothing, and says where it would be."""

    def suggested_path(self, common_name: str, format: str, only: str = "") -> Path:  # noqa: A002 - its own name
        return HOME / "exports" / spelling.file_name(common_name, {"pkcs12": "p12"}.get(format, format), only)

    async def export(self, request: ExportRequest) -> Exported:
        done = await super().export(request)
        made = "k7tq2m-9xw4hc-p3nzrd-8vyfe5" if request.generate else ""
        return Exported(done.path, DIGEST, 4_187, f"scp web01:{done.path} .", (), password=made)


CHANGES = (
    Change(9, NOW - timedelta(hours=2), Topic.ORDERS, ChangeKind.REVOKED, "api.example.com", 86, None,
           "issued, ends 2 Mar 2027", "revoked on 22 Nov 2026"),
    Change(8, NOW - timedelta(hours=2), Topic.PROFILES, ChangeKind.CHANGED, "OV Multi-Domain SSL", None, 2103,
           "terms 90, 199, 365 d; keys RSA 2048, RSA 3072, RSA 4096, EC P-256, EC P-384",
           "terms 90, 199 d; keys RSA 2048, RSA 3072, RSA 4096, EC P-256, EC P-384"),
    Change(7, NOW - timedelta(days=1), Topic.ORDERS, ChangeKind.NEW, "campaign.example.com", 440, None, "",
           "o440 (scm:4711902), applied, requested by Maren Keller"),
)  # fmt: skip
_OPENS = {"CHANGED": "changes"}


class CompanyChanges:
    """What somebody did in the console."""

    async def list(self, seen: bool = False) -> tuple[Change, ...]:
        return CHANGES

    async def acknowledge(self, change_ids: Sequence[int] | None = None) -> int:
        return len(change_ids or CHANGES)


def needs(lists: CompanyLists) -> tuple[Need, ...]:
    """What the home screen counts, in its words."""
    orders: list[OrderRow] = lists.rows[Topic.ORDERS]
    domains = lists.rows[Topic.DOMAINS]
    issued = [o for o in orders if o.serial and o.expires and o.hold is Hold.NONE]

    def within(rows: Sequence[Any], member: str, least: int, most: int) -> list[Any]:
        return [r for r in rows if (day := getattr(r, member)) and least <= (day - TODAY).days <= most]

    kinds: list[tuple[str, list[Any], str, Callable[[Any], str], Topic]] = [
        ("FAILED", issued[4:6], "renewals failed",
         lambda o: f"{o.common_name} +1: DCV of its domain ended", Topic.ORDERS),
        ("UNCONF'D", [o for o in orders if o.ledger is Ledger.UNCONFIRMED], "order without a reply",
         lambda o: o.common_name, Topic.ORDERS),
        ("DCV", within(domains, "dcv_expires", -99, -1), "domain's DCV has ended",
         lambda d: f"{d.name}: blocks 12, first ends in 6 d", Topic.DOMAINS),
        ("EXPIRES", within(issued, "expires", 0, 7), "end within 7 d",
         lambda o: f"3 renew by themselves; {o.common_name} does not", Topic.ORDERS),
        ("APPROVE", [o for o in orders if o.status == "Requested"], "request of others",
         lambda o: f"oldest 3 d: {o.common_name}", Topic.ORDERS),
        ("HANDOVER", issued[:7], "new, not exported",
         lambda o: f"old ones end from 4 Dec on: {o.common_name}", Topic.CERTIFICATES),
        ("CHANGED", list(CHANGES), "made elsewhere", lambda _: "1 revoked, 1 profile, 1 new", Topic.ORDERS),
        ("WAITING", [o for o in orders if o.status in {"Applied", "Approved"}], "wait at the CA",
         lambda o: f"{o.common_name}, for 2 d: CA review", Topic.ORDERS),
        ("NOT ADDED", [o for o in orders if o.hold is Hold.LIMIT], "issued, not added: limit",
         lambda o: o.common_name, Topic.ORDERS),
        ("DCV SOON", sorted(within(domains, "dcv_expires", 0, 14), key=lambda d: d.dcv_expires),
         "validations end within 14 d", lambda d: f"{d.name}, ends in {(d.dcv_expires - TODAY).days} d", Topic.DOMAINS),
        ("LATER", within(issued, "expires", 8, 30), "end within 30 d",
         lambda o: f"{o.common_name}, ends in {(o.expires - TODAY).days} d", Topic.ORDERS),
    ]  # fmt: skip
    return tuple(
        Need(
            word,
            len(rows),
            what,
            example(rows[0]),
            Query(topic) if word != "CHANGED" else None,
            opens=_OPENS.get(word, ""),
        )
        for word, rows, what, example, topic in kinds
    )


def the_health(organizations: Sequence[Organization]) -> HealthReport:
    """The service's own judgement of the company."""
    return HealthReport(
        (
            Check("Role", "ok", "MRAO"),
            Check("Password", "ok", "It ends 27 Dec, in 34 d"),
            Check("Clock", "ok", "It agrees with SCM's"),
            health.rest(organizations),
            health.validations(organizations, TODAY),
            health.dcv(company.domains(), TODAY),
        ),
        NOW - timedelta(hours=2),
    )


async def _never(_: Topic) -> None:
    return None


def office(*, linked: bool = True) -> Stage:
    """The workspace of somebody who works there; not linked: of somebody who has just installed it."""
    made = stage(HOME, linked=linked)
    lists = CompanyLists() if linked else CompanyLists({topic: [] for topic in CompanyLists().rows})
    made.lists = lists  # type: ignore[assignment]  # the same calls
    made.ordering = CompanyOrdering(lists)
    made.importing = CompanyImporting()
    made.repository = CompanyRepository(HOME)
    made.checking = FakeChecking()
    made.record = FakeRecord()
    facts = (("Repository", f"{len(lists.rows[Topic.CERTIFICATES]):,} of limit 500"),)
    facts += (("Orders", f"{len(lists.rows[Topic.ORDERS]):,} current"),)
    the_life(made, company.domains() if linked else (), NOW)
    lists.renewals = company_life.renewals(lists)
    company_life.furnish(made, lists)
    if not linked:
        made.mirror.age = _never  # type: ignore[method-assign]  # nothing was read yet
    if linked:
        made.changes = CompanyChanges()
        made.home.now = HomeView(needs(lists), facts, NOW - timedelta(hours=2), "")
        made.health.report = the_health(company.organizations())
    return made
