"""The seven tabs: number, title, and how each is built out of a workspace when it is first shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kmptui.domain.listing import Topic
from kmptui.services.lists import TAB_OF

if TYPE_CHECKING:
    from kmptui.services.workspace import Workspace
    from kmptui.tui.commands.ways import Ways
    from kmptui.tui.tabs.tab import Tab


@dataclass(frozen=True, slots=True)
class TabEntry:
    """`short` is the title where there is less room."""

    topic: Topic
    short: str
    build: Callable[[Workspace, Ways], Tab]

    @property
    def title(self) -> str:
        return TAB_OF[self.topic]


def _account(workspace: Workspace, ways: Ways) -> Tab:  # noqa: ARG001 - one shape for all
    from kmptui.tui.tabs.account import AccountTab

    return AccountTab(workspace)


def _organizations(workspace: Workspace, ways: Ways) -> Tab:
    from kmptui.tui.tabs.organizations import OrganizationsTab

    return OrganizationsTab(workspace.lists, workspace.mirror, workspace.clock, ways)


def _domains(workspace: Workspace, ways: Ways) -> Tab:
    from kmptui.tui.tabs.domains import DomainsTab

    return DomainsTab(workspace.lists, workspace.mirror, workspace.clock, ways)


def _profiles(workspace: Workspace, ways: Ways) -> Tab:
    from kmptui.tui.tabs.profiles import ProfilesTab

    return ProfilesTab(workspace.lists, workspace.mirror, workspace.clock, ways)


def _orders(workspace: Workspace, ways: Ways) -> Tab:
    from kmptui.tui.tabs.orders import OrdersTab

    return OrdersTab(workspace.lists, workspace.mirror, workspace.clock, ways, workspace.life)


def _certificates(workspace: Workspace, ways: Ways) -> Tab:
    from kmptui.tui.tabs.certificates import CertificatesTab

    return CertificatesTab(workspace.lists, workspace.mirror, workspace.clock, ways)


def _audit(workspace: Workspace, ways: Ways) -> Tab:
    from kmptui.tui.tabs.audit import AuditTab

    return AuditTab(workspace.lists, workspace.mirror, workspace.clock, ways, workspace.life)


TABS: tuple[TabEntry, ...] = (
    TabEntry(Topic.ACCOUNT, "Account", _account),
    TabEntry(Topic.ORGANIZATIONS, "Organizations", _organizations),
    TabEntry(Topic.DOMAINS, "Domains", _domains),
    TabEntry(Topic.PROFILES, "Profiles", _profiles),
    TabEntry(Topic.ORDERS, "Orders", _orders),
    TabEntry(Topic.CERTIFICATES, "Certificates", _certificates),
    TabEntry(Topic.AUDIT, "Audit", _audit),
)
