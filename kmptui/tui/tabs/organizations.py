"""Organizations and their departments, as SCM has them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from kmptui.domain.listing import Topic
from kmptui.domain.organization import Organization
from kmptui.tui import present
from kmptui.tui.tabs import tones
from kmptui.tui.tabs.list_tab import ListTab
from kmptui.tui.widgets.columns import Cell, Column
from kmptui.tui.widgets.details import Details, fact, facts


def rest_words(organization: Organization) -> str:
    """The REST switch in a word."""
    return {True: "on", False: "OFF", None: "unknown"}[organization.rest_enabled]


def _rest(row: Organization, _: datetime) -> Cell:
    return rest_words(row), {True: "", False: "error", None: "muted"}[row.rest_enabled]


def _validated(row: Organization, now: datetime) -> Cell:
    ends = [v.expires for v in row.validations if v.expires is not None]
    return tones.ends(max(ends), now) if ends else ("-", "muted")


COLUMNS = (
    Column("Organization / department", 29, lambda r, _: (r.title, ""), grow=3, sort="name", most=80),
    Column("Status", 14, lambda r, _: tones.state(r.status), sort="status"),
    Column("REST", 7, _rest, rank=1),
    Column("Validated to", 15, _validated, rank=3, grow=1, most=20),
    Column("Certificates", 16, lambda r, _: (", ".join(r.cert_types) or "-", "muted"), grow=1, rank=4, most=30),
    Column("Id", 7, lambda r, _: (str(r.id), "muted"), rank=2, right=True, sort="id"),
)


class OrganizationsTab(ListTab):
    """The Organizations tab."""

    TOPIC = Topic.ORGANIZATIONS
    FOLLOWS = frozenset({Topic.ORGANIZATIONS, Topic.PROFILES})
    COLUMNS = COLUMNS

    def empty_words(self) -> str:
        return "No organizations are known here yet.\ns reads them from SCM; before that an account must be linked (1)."

    def show_line(self) -> str:
        return "kmptui organizations list"

    async def details(self, row: Any) -> Details:
        view = await self.lists.organization(row.id)
        organization = view.organization
        now = self.now()
        validations = [
            f"{v.level}: {v.status.lower().replace('_', ' ')}"
            + (f", to {present.when(v.expires, now)}" if v.expires else "")
            for v in organization.validations
        ]
        alerts = []
        if organization.rest_enabled is False:
            alerts.append("REST OFF  no orders from here; have 'SSL certificates: Web API' switched on for it in SCM")
        if not organization.present:
            alerts.append("GONE  SCM no longer lists it")
        return Details(
            title=organization.title,
            state=tones.styled(organization.status),
            alerts=tuple(alerts),
            facts=(
                fact("Id", organization.id),
                fact("Part of", organization.parent_name or "-"),
                fact("Address", organization.address or "-"),
                fact("REST", rest_words(organization)),
                fact("Certificates", ", ".join(organization.cert_types) or "unknown"),
                facts("Validations", validations, none="SCM tells none"),
                facts("Departments", [f"{d.name} ({d.id})" for d in view.departments], none="none"),
                facts("Profiles", list(view.profiles), none="none: nothing can be ordered for it"),
            ),
        )
