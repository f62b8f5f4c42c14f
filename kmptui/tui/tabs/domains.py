"""Domains: state, the end of their control validation (DCV), who may order under them, what depends on them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from kmptui.domain.dcv import Dependents, method_words
from kmptui.domain.domain import Domain
from kmptui.domain.listing import Topic
from kmptui.tui import present
from kmptui.tui.commands.domain_commands import DOMAIN_COMMANDS
from kmptui.tui.tabs import tones
from kmptui.tui.tabs.details_page import DetailsPage
from kmptui.tui.tabs.list_tab import ListTab
from kmptui.tui.widgets.columns import Cell, Column
from kmptui.tui.widgets.details import Details, fact, facts


def _status(row: Domain, now: datetime) -> Cell:
    return tones.state(row.status(present.local(now).date()))


def _ends(row: Domain, now: datetime) -> Cell:
    return tones.ends(row.dcv_expires, now)


SOON_DAYS = 14
"""As the home screen's line DCV SOON."""

COLUMNS = (
    Column("Domain", 26, lambda r, _: (present.name(r.name, 90), ""), grow=3, sort="name", most=80),
    Column("Status", 14, _status, sort="status"),
    Column("DCV to", 20, _ends, sort="dcv_expires", rank=1),
    Column("Method", 8, lambda r, _: (method_words(r.dcv_method) or "-", ""), rank=4),
    Column("State", 9, lambda r, _: (r.state.lower() or "-", "muted"), rank=5),
    Column("Delegated", 9, lambda r, _: (f"{len(r.delegations):,}", ""), rank=3, right=True),
    Column("Id", 7, lambda r, _: (str(r.id), "muted"), rank=2, right=True, sort="id"),
)


class DomainDetails(DetailsPage):
    """One domain on a screen of its own."""

    OFFERS = DOMAIN_COMMANDS


class DomainsTab(ListTab):
    """The Domains tab."""

    TOPIC = Topic.DOMAINS
    FOLLOWS = frozenset({Topic.DOMAINS, Topic.ORGANIZATIONS, Topic.CERTIFICATES})
    COLUMNS = COLUMNS
    DETAILS: ClassVar[type[DetailsPage]] = DomainDetails
    OFFERS = DOMAIN_COMMANDS

    def empty_words(self) -> str:
        return "No domains are known here yet.\ns reads them from SCM; before that an account must be linked (1)."

    def show_line(self) -> str:
        return f"kmptui domains show {present.shell_word(self.row.name)}" if self.row is not None else ""

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
        ending = present.ending(domain.dcv_expires, now)
        return Details(
            title=present.name(domain.name),
            state=tones.styled(domain.status(today)),
            alerts=tuple(_alerts(domain, view.blocks, now)),
            facts=(
                fact("DCV", ", ".join(filter(None, (_scm(domain.validation_status), ending)))),
                fact("Method", method_words(domain.dcv_method) or "-"),
                fact("Blocks" if _stopped(domain, now) else "Would block", _blocked(view.blocks, now)),
                fact("State", f"{_scm(domain.state)}; delegation {_scm(domain.delegation_status)}"),
                facts("Delegated", delegations, none="to nobody: nothing can be ordered under it"),
                facts(
                    f"Needed by {present.count(view.certificates_total)}" if depending else "Needed by",
                    depending,
                    none="no certificate of the repository",
                ),
                fact("Id", domain.id),
            ),
        )


def _scm(word: str) -> str:
    """SCM's word for a state, without its capitals."""
    return word.replace("_", " ").lower() or "unknown"


def _stopped(domain: Domain, now: datetime) -> bool:
    return domain.status(present.local(now).date()) in {"expired", "not validated"}


def _blocked(found: Dependents, now: datetime) -> str:
    first = f"; the first ends {present.when(found.first, now)}" if found.first else ""
    return found.words + first if found.words else "nothing that is known here"


def _alerts(domain: Domain, blocks: Dependents, now: datetime) -> list[str]:
    """What is wrong with it, what that means, and the key that mends it."""
    status = domain.status(present.local(now).date())
    if status == "gone":
        return ["GONE  SCM no longer lists it"]
    if status == "suspended":
        return ["SUSPENDED  nothing can be ordered or validated under it: have it activated in SCM"]
    if status == "expired":
        when = f" {present.when(domain.dcv_expires, now)}" if domain.dcv_expires else ""
        meant = f"blocks {blocks.words}" if blocks.words else "new orders and renewals under it are refused"
        return [f"DCV ENDED{when}: {meant}. V validates it"]
    if status == "not validated":
        meant = f"blocks {blocks.words}" if blocks.words else "nothing can be ordered under it"
        return [f"NOT VALIDATED  {meant}. V validates it"]
    if domain.dcv_expires is not None and present.days_until(domain.dcv_expires, now) <= SOON_DAYS:
        return [f"DCV ENDS SOON  {present.when(domain.dcv_expires, now)}. V validates it anew before that"]
    return []


PRIVILEGES = {
    "DOMAIN": "the name itself",
    "SUBDOMAIN": "names below",
    "WILDCARD_1ST_LEVEL": "wildcard",
    "WILDCARD_2ND_LEVEL": "wildcards below",
}


def words(privileges: tuple[str, ...]) -> str:
    """What may be ordered, in words."""
    return ", ".join(PRIVILEGES.get(p, p.lower()) for p in privileges) or "no privileges named"
