"""Whose certificates live through the year: names, organizations, terms, and who chose them for automatic renewal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from kmptui.domain.keys import KeySpec
from kmptui.domain.order import NewKey, OrderRequest
from kmptui.sandbox.server import SandboxServer

START = datetime(2026, 10, 1, 2, tzinfo=UTC)
"""All of 199 days were issued since 15 March 2026, from when on public certificates live no longer; from 15 March 2027
on they live for 99 days, and a validation of a domain holds for 98 (CA/Browser Forum, ballot SC-081v3)."""
FOUNDED = START - timedelta(days=196)
"""Where the sandbox's clock begins: the first certificates are issued then."""
DAY = timedelta(days=1)
CORPORATION, WEB, NETWORK, UNIVERSITY, LIBRARY = 7101, 7111, 7112, 7102, 7122
PARENTS = {CORPORATION: CORPORATION, WEB: CORPORATION, NETWORK: CORPORATION, UNIVERSITY: UNIVERSITY,
           LIBRARY: UNIVERSITY}  # fmt: skip
"""The organization whose validation counts for each."""
DOMAINS: tuple[tuple[str, int], ...] = (
    ("example.com", CORPORATION), ("example.edu", UNIVERSITY), ("shop.example.com", WEB),
    ("example.net", CORPORATION), ("library.example.edu", LIBRARY), ("mail.example.net", NETWORK),
)  # fmt: skip
DV, OV, MULTI = 2101, 2102, 2103
TERMS = (199, 99)
COST_CENTRE = (("Cost Centre", "CC-1"),)
LEFT_OUT = "test-*"
"""The exception to the rules."""
BY_RULE = ("organization", str(UNIVERSITY)), ("name", "*.shop.example.com")


@dataclass(frozen=True, slots=True)
class Service:
    """One name set. `chosen`: hand, rule, or "" where automatic renewal leaves it alone."""

    names: tuple[str, ...]
    organization: int
    profile: int
    term: int
    domain: str
    chosen: str

    @property
    def name(self) -> str:
        return self.names[0]

    def request(self) -> OrderRequest:
        """An order for it, where it has to be ordered anew."""
        return OrderRequest(
            names=self.names, organization_id=self.organization, profile_id=self.profile, term=self.term,
            key=NewKey(KeySpec("EC", "P-256")), custom_fields=COST_CENTRE,
        )  # fmt: skip


NEWCOMER = Service(("new.media.example.com",), WEB, DV, 199, "media.example.com", "hand")
"""Ordered in the year, where nothing else goes wrong."""


def services(count: int) -> tuple[Service, ...]:
    """Half of each term, spread over domains and profiles; one in twenty is left out of what a rule chooses."""
    found = []
    for number in range(count):
        domain, organization = DOMAINS[number // 2 % len(DOMAINS)]
        ruled = organization in {UNIVERSITY, LIBRARY, WEB}
        left_out = ruled and number % 20 == 3
        name = f"{'test-' if left_out else 'host'}{number:03}.{domain}"
        profile = (OV, MULTI, DV)[number // 2 % 7 % 3]
        names = (name, f"www.{name}") if profile == MULTI else (name,)
        chosen = "" if left_out else "rule" if ruled else "hand"
        found.append(Service(names, organization, profile, TERMS[number % 2], domain, chosen))
    return tuple(found)


def settle_in(sandbox: SandboxServer, company: Sequence[Service]) -> None:
    """Order and issue everything in SCM's console on the days before the year, so that the ends are spread; leaves the
    clock at the year's start."""
    for profile in (DV, OV, MULTI):
        sandbox.control(f"profiles/{profile}", {"terms": [47, 99, 199]})
    for domain in (*(name for name, _ in DOMAINS), NEWCOMER.domain):
        sandbox.control(f"domains/{domain}", {"expires": (START + 400 * DAY).isoformat()})
    for organization in (CORPORATION, UNIVERSITY):
        sandbox.control(f"organizations/{organization}", {"ov_status": "VALIDATED", "ov_expires": None})
    sandbox.control("settings", {"issue_after": 0})
    # from the day after the founding, or so that 99 days are not over yet, until the day before the year
    spans = {199: (START - FOUNDED - 2 * DAY) / len(company), 99: 95 * DAY / len(company)}
    days = [(START - DAY - spans[one.term] * number, one) for number, one in enumerate(company)]
    for day, one in sorted(days, key=lambda pair: (pair[0], pair[1].names)):
        sandbox.control("clock", {"set": day.isoformat()})
        asked = {
            "commonName": one.name, "subjAltNames": ",".join(one.names), "orgId": one.organization,
            "certType": one.profile, "term": one.term,
            "customFields": [{"name": name, "value": value} for name, value in COST_CENTRE],
        }  # fmt: skip
        sandbox.control("orders", asked)
    sandbox.control("clock", {"set": START.isoformat()})
    sandbox.control("settings", {"issue_after": 900})
