"""What really keeps a renewal from coming about, by the simulation's own knowledge of SCM and the host."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from kmptui.sandbox.server import SandboxServer
from tests.year.company import DV, PARENTS, Service


@dataclass
class Truth:
    """`everything` holds what concerns all (SCM away, password, clock, sleep), by words; `organizations` those whose
    validation has lapsed; `own` the names that SCM renews itself; `lost` those whose last reply did not come."""

    sandbox: SandboxServer
    everything: set[str] = field(default_factory=set)
    organizations: set[int] = field(default_factory=set)
    own: set[str] = field(default_factory=set)
    lost: set[str] = field(default_factory=set)
    _domains: dict[str, datetime] = field(default_factory=dict)

    def look(self) -> None:
        """Read the ends of validations from the sandbox."""
        rows = self.sandbox.control("domains")
        self._domains = {row["name"]: _moment(row["expires"]) for row in rows if row["expires"]}

    def obstacles(self, service: Service, now: datetime) -> tuple[str, ...]:
        """Why a renewal of it cannot come about at this moment; nothing where it can."""
        found = sorted(self.everything)
        if self._domains[service.domain] <= now:
            found.append("DCV")
        if service.profile != DV and PARENTS[service.organization] in self.organizations:
            found.append("organization")
        if service.name in self.own:
            found.append("SCM renews it")
        if service.name in self.lost:
            found.append("reply lost")
        return tuple(found)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))
