"""A company as one meets it: its organizations, domains, profiles, orders and certificates, on a day that stands still.

All names are reserved ones (RFC 2606).
"""

from __future__ import annotations

from datetime import date, timedelta

from kmptui.domain.audit import AuditRow
from kmptui.domain.certificate import CertificateRow, Source
from kmptui.domain.domain import Delegation, Domain
from kmptui.domain.keys import KeySpec
from kmptui.domain.order import Hold, Ledger, OrderRow
from kmptui.domain.organization import Organization, Validation
from kmptui.domain.profile import CustomField, Profile
from tests.tui.stage import NOW

TODAY = NOW.date()
CORPORATION, WEB, PAYMENTS, PLATFORM = 7101, 7111, 7112, 7113
LOGISTICS, WAREHOUSE = 7102, 7121
UNIVERSITY, LIBRARY, SCIENCE = 7103, 7131, 7132
FOUNDATION = 7104
DV, OV, MULTI, WILDCARD, EV, PRIVATE, LEGACY = range(2101, 2108)
RSA_KEYS = (KeySpec("RSA", "2048"), KeySpec("RSA", "3072"))
EC_KEYS = (KeySpec("EC", "P-256"), KeySpec("EC", "P-384"))
USUAL = (RSA_KEYS[0], EC_KEYS[0])
ISSUER = "Sectigo OV CA R36"
SHOP_NAMES = (
    "shop.example.com", "www.shop.example.com", "img.shop.example.com", "m.shop.example.com",
    "checkout.shop.example.com", "search.shop.example.com", "static.shop.example.com", "xn--bcher-kva.example.com",
)  # fmt: skip


def ahead(days: int) -> date:
    """So many days from the day of the pictures."""
    return TODAY + timedelta(days=days)


def _validations(ov: int, ev: int | None = None) -> tuple[Validation, ...]:
    found = [("OV_SSL", ov)] + ([("EV_SSL", ev)] if ev is not None else [])
    return tuple(Validation(name, "VALIDATED" if days >= 0 else "EXPIRED", ahead(days)) for name, days in found)


def organizations() -> list[Organization]:
    berlin, uppsala, geneva = "Beispielstraße 1, 10115 Berlin, DE", "Exempelgatan 2, Uppsala, SE", "Genève, CH"
    every, ssl = ("SSL", "SMIME"), ("SSL",)

    def department(number: int, name: str, parent: Organization, *, rest: bool | None = True) -> Organization:
        return Organization(number, name, parent.id, parent.name, rest, parent.address, ssl, parent.validations)

    corporation = Organization(
        CORPORATION, "Example Corporation", None, "", True, berlin, every, _validations(311, 210)
    )
    logistics = Organization(LOGISTICS, "Example Logistics", None, "", True, berlin, ssl, _validations(24))
    university = Organization(UNIVERSITY, "Example University", None, "", True, uppsala, every, _validations(160, -20))
    foundation = Organization(
        FOUNDATION, "Example Foundation", None, "", False, geneva, ssl, (Validation("OV_SSL", "PENDING"),)
    )
    return [
        corporation,
        department(PLATFORM, "Data Platform", corporation),
        department(PAYMENTS, "Payments", corporation),
        department(WEB, "Web Operations", corporation),
        foundation,
        logistics,
        department(WAREHOUSE, "Warehouse IT", logistics, rest=False),
        university,
        department(SCIENCE, "Science", university),
        department(LIBRARY, "Library", university),
    ]


def domains() -> list[Domain]:
    corporation, university = (CORPORATION, WEB, PAYMENTS, PLATFORM), (UNIVERSITY, SCIENCE, LIBRARY)
    every = ("DOMAIN", "SUBDOMAIN", "WILDCARD_1ST_LEVEL")
    plain = ("DOMAIN", "SUBDOMAIN")
    rows: list[tuple[str, tuple[int, ...], tuple[str, ...], int | None, str]] = [
        ("api.example.com", (CORPORATION, WEB), plain, 60, "CNAME"),
        ("data.example.com", (PLATFORM,), every, 33, "CNAME"),
        ("example.com", corporation, every, 150, "CNAME"),
        ("example.edu", university, every, 170, "CNAME"),
        ("example.net", (CORPORATION, LOGISTICS), every, 5, "TXT"),
        ("example.org", (FOUNDATION, CORPORATION), every, 9, "TXT"),
        ("intranet.example.com", (CORPORATION,), plain, 75, "HTTP"),
        ("lab.example.edu", (SCIENCE,), every, 88, "CNAME"),
        ("legacy.example.com", (CORPORATION, WEB), plain, -12, "EMAIL"),
        ("library.example.edu", (LIBRARY,), plain, 101, "TXT"),
        ("mail.example.net", (LOGISTICS,), plain, 120, "CNAME"),
        ("media.example.com", (WEB,), every, 190, "TXT"),
        ("new.example.com", (CORPORATION,), plain, None, ""),
        ("pay.example.com", (PAYMENTS,), plain, 142, "CNAME"),
        ("shop.example.com", (CORPORATION, WEB), every, 40, "CNAME"),
        ("status.example.com", (WEB,), plain, 12, "CNAME"),
        ("track.example.net", (LOGISTICS, WAREHOUSE), plain, 64, "HTTP"),
        ("vpn.example.net", (CORPORATION,), plain, 130, "CNAME"),
        ("xn--bcher-kva.example.com", (CORPORATION, WEB), every, 131, "CNAME"),
    ]
    found = []
    for at, (name, owners, privileges, days, method) in enumerate(rows):
        validation = "NOT_VALIDATED" if days is None else "VALIDATED" if days >= 0 else "EXPIRED"
        delegations = tuple(Delegation(owner, ("SSL",), "APPROVED", privileges) for owner in owners)
        ends = None if days is None else ahead(days)
        found.append(Domain(4400 + 7 * at, name, "ACTIVE", "APPROVED", validation, method, ends, delegations))
    return found


def profiles() -> list[Profile]:
    everybody = frozenset(o.id for o in organizations())
    corporate = frozenset({CORPORATION, WEB, PAYMENTS, PLATFORM, LOGISTICS})
    return [
        Profile(DV, "DV SSL", "Domain validated, one name", (90, 199), RSA_KEYS[:1], everybody),
        Profile(EV, "EV SSL", "Extended validation", (90, 199), USUAL, frozenset({CORPORATION, PAYMENTS})),
        Profile(LEGACY, "Legacy SSL", "To be phased out", (365,), RSA_KEYS[:1], corporate, "gone"),
        Profile(MULTI, "OV Multi-Domain", "OV SSL, up to 250 names", (90, 199, 365), USUAL, everybody),
        Profile(OV, "OV SSL", "Organization validated", (90, 199), USUAL, everybody),
        Profile(WILDCARD, "OV Wildcard", "OV SSL for *.domain", (90, 199), RSA_KEYS[:2], corporate, "changed"),
        Profile(PRIVATE, "Private CA Server", "Internal names, private CA", (30, 90, 730), EC_KEYS, corporate),
    ]


def custom_fields() -> tuple[CustomField, ...]:
    return (
        CustomField(301, "Cost Centre", mandatory=True),
        CustomField(302, "Environment", options=("Production", "Staging", "Test")),
    )


_ORDERS: tuple[tuple[str, int, str, int | None, str, str, bool], ...] = (
    # name, names, state, days to its end, organization, profile, renews by itself
    ("pay.example.com", 1, "unconfirmed", None, "Payments", "EV SSL", False),
    ("wiki.example.com", 2, "Applied", None, "Web Operations", "OV SSL", False),
    ("lab7.example.edu", 1, "Requested", None, "Science", "DV SSL", False),
    ("checkout.example.com", 3, "Approved", None, "Payments", "OV Multi-Domain", True),
    ("vpn.example.net", 1, "Issued", 2, "Example Corporation", "OV SSL", False),
    ("api.example.com", 3, "Issued", 3, "Web Operations", "OV Multi-Domain", False),
    ("mail.example.net", 4, "Issued", 6, "Example Logistics", "OV Multi-Domain", True),
    ("shop.example.com", 8, "Issued", 9, "Web Operations", "OV Multi-Domain", True),
    ("www.example.com", 4, "Issued", 11, "Web Operations", "OV Multi-Domain", True),
    ("git.example.com", 2, "Issued", 14, "Data Platform", "OV SSL", True),
    ("legacy.example.com", 1, "Issued", 18, "Web Operations", "DV SSL", False),
    ("track.example.net", 5, "Issued", 22, "Warehouse IT", "OV Multi-Domain", True),
    ("catalog.library.example.edu", 1, "limit", 25, "Library", "OV SSL", False),
    ("status.example.com", 1, "Issued", 29, "Web Operations", "DV SSL", True),
    ("*.cdn.example.com", 1, "Issued", 38, "Web Operations", "OV Wildcard", True),
    ("xn--bcher-kva.example.com", 2, "Issued", 44, "Web Operations", "OV Multi-Domain", True),
    ("login.example.edu", 6, "Issued", 52, "Example University", "OV Multi-Domain", True),
    ("db1.data.example.com", 1, "Issued", 60, "Data Platform", "Private CA Server", False),
    ("db2.data.example.com", 1, "Issued", 60, "Data Platform", "Private CA Server", False),
    ("grafana.data.example.com", 2, "Issued", 71, "Data Platform", "OV SSL", True),
    ("media.example.com", 12, "Issued", 83, "Web Operations", "OV Multi-Domain", True),
    ("portal.example.edu", 2, "Issued", 96, "Example University", "OV SSL", True),
    ("www.example.org", 2, "Issued", 104, "Example Corporation", "OV SSL", True),
    ("invoice.example.com", 1, "Issued", 120, "Payments", "EV SSL", True),
    ("s3.data.example.com", 2, "Issued", 133, "Data Platform", "OV Multi-Domain", True),
    ("chat.example.com", 1, "Issued", 141, "Web Operations", "OV SSL", True),
    ("moodle.example.edu", 3, "Issued", 155, "Example University", "OV Multi-Domain", True),
    ("erp.example.net", 2, "Issued", 166, "Example Logistics", "OV SSL", True),
    ("bank.example.com", 1, "Issued", 180, "Payments", "EV SSL", True),
    ("docs.example.com", 2, "Issued", 191, "Data Platform", "OV SSL", True),
)


_FURTHER = ("app", "web", "cache", "node", "edge", "mq", "build", "sensor")
_PLACES = (
    ("data.example.com", "Data Platform", "Private CA Server"), ("example.edu", "Example University", "OV SSL"),
    ("example.com", "Web Operations", "OV SSL"), ("lab.example.edu", "Science", "DV SSL"),
    ("track.example.net", "Warehouse IT", "OV Multi-Domain"),
)  # fmt: skip
_ALL = 412


def orders() -> list[OrderRow]:
    """In the list's own order: those without an end first, then by their ends."""
    rows = list(_ORDERS)
    for at in range(_ALL - len(rows)):
        domain, organization, profile = _PLACES[at % len(_PLACES)]
        name = f"{_FURTHER[at % len(_FURTHER)]}{at // 7 + 1:02}.{domain}"
        rows.append((name, 1 + at % 3, "Issued", 40 + at * 7 % 159, organization, profile, at % 4 != 0))
    rows.sort(key=lambda row: (row[3] is not None, row[3] or 0))
    return [_order(at, *row) for at, row in enumerate(rows, 1)]


def _order(
    at: int, name: str, names: int, state: str, days: int | None, organization: str, profile: str, renews: bool
) -> OrderRow:
    lost = state == "unconfirmed"
    number = 1 + at * 173 % 433 if days is not None else 440 - at
    requested = ahead(-(at % 5)) if days is None else ahead(days - 199)
    issued = state in {"Issued", "limit"}
    return OrderRow(
        number, None if lost else 4_711_000 + number, name, names,
        Ledger.UNCONFIRMED if lost else Ledger.ACCEPTED,
        "" if lost else "Issued" if issued else state,
        Hold.LIMIT if state == "limit" else Hold.NONE, organization, profile, requested,
        None if days is None else ahead(days), _serial(number) if issued else "",
        number if state == "Issued" else None, renews,
    )  # fmt: skip


def certificates() -> list[CertificateRow]:
    """Those of the orders that were fetched, soonest to expire first."""
    found = []
    for at, order in enumerate(orders()):
        if order.certificate_id is None or order.expires is None:
            continue
        ends = NOW.replace(hour=23, minute=59) + timedelta(days=(order.expires - TODAY).days)
        private = order.profile.startswith("Private")
        found.append(
            CertificateRow(
                order.certificate_id, order.serial, order.common_name, order.names_count, ends - timedelta(days=199),
                ends, "Example Private CA" if private else ISSUER, at % 4 != 1, order.id,
                Source.IMPORTED if at % 3 == 1 else Source.ORDERED,
                exported=NOW - timedelta(days=180 - at) if at % 3 == 0 else None,
            )
        )  # fmt: skip
    return found


def _serial(number: int) -> str:
    return f"{0x4A119C0E5D7B2F83 * number % (1 << 64):016X}{number * 0x9E3779B1 % (1 << 32):08X}"


_AUDIT: tuple[tuple[int, str, str, str, str, str, str], ...] = (
    # minutes ago, who, what, phase, outcome, subject, reason
    (9, "tui ops@web01", "order", "outcome", "unconfirmed", "pay.example.com", "the connection ended before an answer"),
    (9, "tui ops@web01", "order", "intent", "prepared", "pay.example.com", ""),
    (121, "tui ops@web01", "sync", "done", "done", "orders", ""),
    (300, "cli ci@build3", "export", "done", "done", "c259 www.example.com", ""),
    (301, "cli ci@build3", "export", "intent", "prepared", "c259 www.example.com", ""),
    (302, "cli ci@build3", "collect", "done", "done", "o259 www.example.com", ""),
    (318, "cli ci@build3", "order", "outcome", "accepted", "www.example.com", ""),
    (318, "cli ci@build3", "order", "intent", "prepared", "www.example.com", ""),
    (905, "tui maren@web02", "annotate", "done", "done", "o86 shop.example.com", ""),
    (1_122, "tui maren@web02", "order", "outcome", "refused", "old.example.com", "the domain is not validated"),
    (1_122, "tui maren@web02", "order", "intent", "prepared", "old.example.com", ""),
    (1_440, "tui jude@web01", "attach key", "done", "done", "c172 legacy.example.com", ""),
    (1_455, "tui jude@web01", "destroy key", "done", "done", "c12 test.example.com", ""),
    (1_460, "tui jude@web01", "delete", "done", "done", "o3 test.example.com", "forgotten here; SCM keeps the order"),
    (2_880, "cli root@web01", "settings", "done", "done", "certificate_limit = 500", ""),
    (4_322, "tui ops@web01", "password", "done", "done", "ops-api@ACME", "proved, then replaced"),
    (4_340, "tui ops@web01", "collect", "done", "done", "o86 shop.example.com", ""),
    (8_610, "tui ops@web01", "import", "done", "done", "", "Import complete: 412 new, 0 changed, 0 the same"),
    (8_640, "tui ops@web01", "sync", "done", "done", "organizations, domains, profiles", ""),
    (8_641, "tui ops@web01", "link", "done", "done", "ops-api@ACME", ""),
    (8_641, "tui ops@web01", "vault", "done", "done", "made, opened by key file", ""),
)


def audit() -> list[AuditRow]:
    """Newest first."""
    count = len(_AUDIT)
    return [
        AuditRow(
            count - at, NOW - timedelta(minutes=ago), who, "ops-api@ACME", what, phase, outcome, subject, None, None,
            reason, (("base url", "https://cert-manager.com/api"),) if what == "link" else (),
            f"{(count - at) * 0x9E3779B97F4A7C15 % (1 << 64):016x}" * 4,
            f"{(count - at + 1) * 0x9E3779B97F4A7C15 % (1 << 64):016x}" * 4,
        )
        for at, (ago, who, what, phase, outcome, subject, reason) in enumerate(_AUDIT)
    ]  # fmt: skip
