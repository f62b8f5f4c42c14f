"""Domains: state, the end of their control validation (DCV), who may order under them, what depends on them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from kmptui.domain.domain import Domain
from kmptui.domain.listing import Topic
from kmptui.tui import present
from kmptui.tui.tabs import tones
from kmptui.tui.tabs.list_tab import ListTab
from kmptui.tui.widgets.columns import Cell, Column
from kmptui.tui.widgets.details import Details, fact, facts


def _status(row: Domain, now: datetime) -> Cell:
    return tones.state(row.status(present.local(now).date()))


def _ends(row: Domain, now: datetime) -> Cell:
    return tones.ends(row.dcv_expires, now)


COLUMNS = (
    Column("Domain", 26, lambda r, _: (present.name(r.name, 90), ""), grow=3, sort="name", most=80),
    Column("Status", 14, _status, sort="status"),
    Column("DCV to", 20, _ends, sort="dcv_expires", rank=1),
    Column("Method", 8, lambda r, _: (r.dcv_method.lower() or "-", ""), rank=4),
    Column("State", 9, lambda r, _: (r.state.lower() or "-", "muted"), rank=5),
    Column("Delegated", 9, lambda r, _: (f"{len(r.delegations):,}", ""), rank=3, right=True),
    Column("Id", 7, lambda r, _: (str(r.id), "muted"), rank=2, right=True, sort="id"),
)


class DomainsTab(ListTab):
    """The Domains tab."""

    TOPIC = Topic.DOMAINS
    FOLLOWS = frozenset({Topic.DOMAINS, Topic.ORGANIZATIONS, Topic.CERTIFICATES})
    COLUMNS = COLUMNS

    def empty_words(self) -> str:
        return "No domains are known here yet.\ns reads them from SCM; before that an account must be linked (1)."

    def show_line(self) -> str:
        return f"kmptui domains show {present.line(self.row.name)}" if self.row is not None else ""

    async def details(self, row: Any) -> Details:
        view = await self.lists.domain(row.id)
        domain = view.domain
        now = self.now()
        today = present.local(now).date()
        titles = dict(view.organizations)
        delegations = [
            f"{titles.get(d.organization_id, d.organization_id)}: {d.status.lower() or 'status unknown'}, "
            f"{', '.join(d.cert_types) or 'no kind named'}; {words(d.privileges)}"
            for d in domain.delegations
        ]
        depending = [
            f"{c.number} {present.name(c.common_name)}, ends {present.when(c.not_after, now)}"
            for c in view.certificates
        ]
        alerts = []
        if domain.status(today) == "expired":
            alerts.append(
                f"DCV ENDED  {present.when(domain.dcv_expires, now)}: new orders and renewals under it are refused"
            )
        if domain.status(today) == "gone":
            alerts.append("GONE  SCM no longer lists it")
        return Details(
            title=present.name(domain.name),
            state=tones.styled(domain.status(today)),
            alerts=tuple(alerts),
            facts=(
                fact("DCV", f"{domain.validation_status or 'unknown'}, to {present.when(domain.dcv_expires, now)}"),
                fact("Method", domain.dcv_method or "-"),
                fact("State", f"{domain.state or 'unknown'}; delegation {domain.delegation_status or 'unknown'}"),
                facts("Delegated", delegations, none="to nobody: nothing can be ordered under it"),
                facts(
                    f"Needed by {present.count(view.certificates_total)}",
                    depending,
                    none="no certificate of the repository",
                ),
                fact("Id", domain.id),
            ),
        )


PRIVILEGES = {
    "DOMAIN": "the name itself",
    "SUBDOMAIN": "names below",
    "WILDCARD_1ST_LEVEL": "wildcard",
    "WILDCARD_2ND_LEVEL": "wildcards below",
}


def words(privileges: tuple[str, ...]) -> str:
    """What may be ordered, in words."""
    return ", ".join(PRIVILEGES.get(p, p.lower()) for p in privileges) or "no privileges named"
