"""Reading: windows of lists, one row whole, names to ids. From the store only; never asks SCM."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kmptui.config import make_private_folder
from kmptui.domain.audit import AuditRow, RenewalLine
from kmptui.domain.certificate import Certificate, CertificateRow
from kmptui.domain.dcv import Dependents
from kmptui.domain.domain import Domain
from kmptui.domain.keys import KeySpec
from kmptui.domain.listing import RENEWALS, Query, Topic, Window
from kmptui.domain.order import Order, OrderRow
from kmptui.domain.organization import Organization
from kmptui.domain.profile import Profile
from kmptui.services import history, tables
from kmptui.services.outfile import write_out
from kmptui.store import audit, certificates, dependents, ledger, listing, mirror

if TYPE_CHECKING:
    from kmptui.services.engine import Engine
    from kmptui.store.database import Db


@dataclass(frozen=True, slots=True)
class DomainView:
    """A domain, the titles of the organizations that it is delegated to, the certificates of the repository with a name
    at or below it, and what is refused while it is not validated."""

    domain: Domain
    organizations: tuple[tuple[int, str], ...]
    certificates: tuple[CertificateRow, ...]
    certificates_total: int
    blocks: Dependents = field(default=Dependents())


@dataclass(frozen=True, slots=True)
class OrganizationView:
    """An organization with its departments and the profiles that it may use."""

    organization: Organization
    departments: tuple[Organization, ...]
    profiles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ProfileView:
    """A profile and the titles of the organizations that may use it."""

    profile: Profile
    organizations: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class History:
    """One line of an order's or certificate's history, newest first."""

    at: datetime
    actor: str
    words: str


class Lists:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def window(self, query: Query, offset: int, limit: int) -> Window[Any]:
        """Rows of the topic's type (OrderRow, CertificateRow, Organization, Domain, Profile, AuditRow; RenewalLine in
        the audit's view RENEWALS). Raises BadInput("filter") with what is wrong with the filter."""
        return await self._engine.store.read(listing.window, query, offset, limit, self._now())

    async def orders(self, query: Query, offset: int, limit: int) -> tuple[Order, ...]:
        """The same window as `window()`, each order whole (for scripts); one read of the store."""
        return await self._engine.store.read(_whole_orders, query, offset, limit, self._now())

    async def certificates(self, query: Query, offset: int, limit: int) -> tuple[Certificate, ...]:
        """The same window as `window()`, each certificate whole (for scripts); one read of the store."""
        return await self._engine.store.read(_whole_certificates, query, offset, limit, self._now())

    async def position(self, query: Query, row_id: int) -> int | None:
        """Where the row stands in the list now, None when it is not in it."""
        return await self._engine.store.read(listing.position, query, row_id, self._now())

    async def ids(self, query: Query, most: int = 10_000) -> tuple[int, ...]:
        """Ids of the rows that match, in order."""
        return await self._engine.store.read(listing.ids, query, self._now(), most)

    async def order(self, order_id: int) -> Order:
        """Raises NotFound."""
        return await self._engine.store.read(ledger.order, order_id)

    async def order_history(self, order_id: int, most: int = 20) -> tuple[History, ...]:
        """From the audit, newest first."""
        return _told(await self._engine.store.read(audit.of_order, order_id, most))

    async def order_certificates(self, order_id: int) -> tuple[CertificateRow, ...]:
        """All certificates that the order had, newest first."""
        return await self._engine.store.read(certificates.of_order, order_id)

    async def certificate(self, certificate_id: int) -> Certificate:
        """Raises NotFound."""
        return await self._engine.store.read(certificates.certificate, certificate_id)

    async def certificate_history(self, certificate_id: int, most: int = 20) -> tuple[History, ...]:
        """From the audit, newest first."""
        return _told(await self._engine.store.read(audit.of_certificate, certificate_id, most))

    async def organization(self, organization_id: int) -> OrganizationView:
        """Raises NotFound."""
        return await self._engine.store.read(_organization, organization_id)

    async def domain(self, domain_id: int) -> DomainView:
        """Raises NotFound."""
        days = self._engine.settings.renew_days_before
        return await self._engine.store.read(_domain, domain_id, self._now().date(), days)

    async def profile(self, profile_id: int) -> ProfileView:
        """Raises NotFound."""
        return await self._engine.store.read(_profile, profile_id)

    async def resolve_order(self, text: str) -> int:
        """`o118`, `118`, `scm:4711823`, a unique common name or serial. Raises NotFound, Ambiguous."""
        return await self._engine.store.read(ledger.find, text)

    async def resolve_certificate(self, text: str) -> int:
        """`c42`, `42`, a serial (separators allowed), a unique common name. Raises NotFound, Ambiguous."""
        return await self._engine.store.read(certificates.find, text)

    async def resolve_organization(self, text: str) -> int:
        """Id, title or unique name. Raises NotFound, Ambiguous."""
        return await self._engine.store.read(mirror.find_organization, text)

    async def resolve_profile(self, text: str) -> int:
        """Id or unique name. Raises NotFound, Ambiguous."""
        return await self._engine.store.read(mirror.find_profile, text)

    async def resolve_domain(self, text: str) -> int:
        """Id or name. Raises NotFound, Ambiguous."""
        return await self._engine.store.read(mirror.find_domain, text)

    async def write(self, query: Query, path: Path, format: str, *, replace: bool = False) -> int:  # noqa: A002
        """Write the list as csv or json (0600, atomic); the number of rows. CSV cells cannot become formulas. Raises
        BadInput."""
        tables.known(format)
        now = self._now()
        found = await self._engine.store.read(_everything, query, now)
        if path.parent == self._engine.paths.exports:
            make_private_folder(path.parent)
        await asyncio.to_thread(_written, path, format, query, found, now, replace=replace)
        return len(found)

    def _now(self) -> datetime:
        return self._engine.clock.now()


PAGE = 1000
ROWS: dict[Topic, type] = {
    Topic.ORDERS: OrderRow,
    Topic.CERTIFICATES: CertificateRow,
    Topic.ORGANIZATIONS: Organization,
    Topic.DOMAINS: Domain,
    Topic.PROFILES: Profile,
    Topic.AUDIT: AuditRow,
}
_WORD = {
    Topic.ORDERS: ("state",),
    Topic.CERTIFICATES: ("status",),
    Topic.ORGANIZATIONS: ("status",),
    Topic.DOMAINS: ("status",),
}
"""Columns that `facts_of` adds to a row's own."""


def columns_of(query: Query) -> tuple[str, ...]:
    """The columns of a list that is written, also of an empty one."""
    renewals = (query.topic, query.view) == (Topic.AUDIT, RENEWALS)
    own = tuple(member.name for member in dataclasses.fields(RenewalLine if renewals else ROWS[query.topic]))
    return own + tuple(name for name in _WORD.get(query.topic, ()) if name not in own)


def _everything(db: Db, query: Query, now: datetime) -> list[Any]:
    """All rows as they are at one moment."""
    rows: list[Any] = []
    while found := listing.window(db, query, len(rows), PAGE, now).rows:
        rows += found
    return rows


def _written(path: Path, kind: str, query: Query, rows: Sequence[Any], now: datetime, *, replace: bool) -> None:
    data = tables.encoded(kind, columns_of(query), [facts_of(row, now) for row in rows])
    write_out(path, data, replace=replace)


def facts_of(row: Any, now: datetime) -> dict[str, object]:
    """A list's row as members by name: its fields, and the words that lists show in their place."""
    facts: dict[str, object] = {member.name: getattr(row, member.name) for member in dataclasses.fields(row)}
    if isinstance(row, OrderRow):
        facts["state"] = row.state
    elif isinstance(row, CertificateRow):
        facts["status"] = row.status(now).value
    elif isinstance(row, Domain):
        facts["status"] = row.status(now.date())
    elif isinstance(row, Organization):
        facts["status"] = row.status
    return {name: _words(value) for name, value in facts.items()}


def _words(value: object) -> object:
    """Values within values in the words that they are known by."""
    if isinstance(value, tuple | list):
        return [_words(part) for part in value]
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, KeySpec):
        return value.option
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {member.name: _words(getattr(value, member.name)) for member in dataclasses.fields(value)}
    return value


def _whole_orders(db: Db, query: Query, offset: int, limit: int, now: datetime) -> tuple[Order, ...]:
    return ledger.orders(db, [row.id for row in listing.window(db, query, offset, limit, now).rows])


def _whole_certificates(db: Db, query: Query, offset: int, limit: int, now: datetime) -> tuple[Certificate, ...]:
    return tuple(certificates.certificate(db, row.id) for row in listing.window(db, query, offset, limit, now).rows)


def _organization(db: Db, organization_id: int) -> OrganizationView:
    found = mirror.organization(db, organization_id)
    departments = tuple(row for row in mirror.organizations(db) if row.parent_id == organization_id)
    profiles = tuple(row.name for row in mirror.profiles(db) if organization_id in row.organizations)
    return OrganizationView(found, departments, profiles)


def _domain(db: Db, domain_id: int, today: date, days: int) -> DomainView:
    found = mirror.domain(db, domain_id)
    titles = {row.id: row.title for row in mirror.organizations(db)}
    named = tuple(
        (one.organization_id, titles.get(one.organization_id, str(one.organization_id))) for one in found.delegations
    )
    rows, total = certificates.under(db, found.name)
    return DomainView(found, named, rows, total, dependents.of_domain(db, found.name, today, days))


def _profile(db: Db, profile_id: int) -> ProfileView:
    found = mirror.profile(db, profile_id)
    return ProfileView(found, tuple(row.title for row in mirror.organizations(db) if row.id in found.organizations))


def _told(rows: Sequence[AuditRow]) -> tuple[History, ...]:
    return tuple(History(row.at, row.actor, history.sentence(row)) for row in rows)


TAB_OF: dict[Topic, str] = {
    Topic.ACCOUNT: "Account",
    Topic.ORGANIZATIONS: "Organizations",
    Topic.DOMAINS: "Domains",
    Topic.PROFILES: "Profiles",
    Topic.ORDERS: "Orders",
    Topic.CERTIFICATES: "Certificates",
    Topic.AUDIT: "Auto-Renewal Audit",
}
