"""The customer that every sandbox starts with: administrators, organizations, domains, profiles, custom fields.

All names are reserved ones (RFC 2606). Times are days from the start of the sandbox's first day.
"""

import hashlib

from kmptui.sandbox.clock import DAY
from kmptui.sandbox.lifecycle import METHODS
from kmptui.sandbox.state import (
    PRIVILEGES,
    Admin,
    CustomField,
    DcvOrder,
    Delegation,
    Domain,
    Organization,
    Profile,
    Validation,
)
from kmptui.sandbox.world import World

CORPORATION, WEB, NETWORK = 7101, 7111, 7112
UNIVERSITY, SCIENCE, LIBRARY = 7102, 7121, 7122
FOUNDATION, OUTREACH = 7103, 7131
DV, OV, MULTI, WILDCARD, EV, PRIVATE, SHORT, LEGACY = range(2101, 2109)

MASTER = "ops-api"

_RSA = ["2048", "3072", "4096"]
_EC = ["P-256", "P-384"]
_NAMES = list(PRIVILEGES)
_PLAIN = ["DOMAIN", "SUBDOMAIN"]
_WORDS = ("amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "heath", "islet", "jetty", "knoll", "larch")


_BERLIN = ("Beispielstraße 1", "Berlin", "Berlin", "10115", "DE")
_UPPSALA = ("Exempelgatan 2", "Uppsala", "Uppsala län", "75105", "SE")
_GENEVA = ("Rue de l'Exemple 3", "Genève", "Genève", "1201", "CH")


def password_of(seed: int, login: str) -> str:
    """A readable password that follows from the seed, e.g. ``Cedar-Knoll-4821``."""
    digest = hashlib.sha256(f"{seed}:{login}".encode()).digest()
    first, second = (_WORDS[b % len(_WORDS)].capitalize() for b in digest[:2])
    return f"{first}-{second}-{int.from_bytes(digest[2:4]) % 9000 + 1000}"


def found(world: World, today: float, passwords: dict[str, str]) -> None:
    """Fill *world* with the company as it is on the day that starts at *today*."""
    _administrators(world, today, passwords)
    _organizations(world, today)
    _domains(world, today)
    _profiles(world)
    world.fields = [
        CustomField(id=301, name="Cost Centre", mandatories=["ADMIN_UI", "REST_API"]),
        CustomField(id=302, name="Environment", mandatories=["WEB_FORM"], options=["Production", "Staging", "Test"]),
        CustomField(id=303, name="Ticket", mandatories=[]),
        CustomField(id=304, name="Legacy Owner", mandatories=["REST_API"], state="INACTIVE"),
    ]


def _administrators(world: World, today: float, passwords: dict[str, str]) -> None:
    rows: list[tuple[int, str, str, str, str, list[tuple[str, int | None]], set[str], float | None]] = [
        (9001, MASTER, "API", "Operations", "API", [("MRAO", None)], set(), today + 80 * DAY),
        (
            9002, "raossl-api", "API", "University", "API", [("RAO_SSL", UNIVERSITY)],
            {"sslRequest", "sslRenew", "sslReplace", "sslManage"}, None,
        ),
        (9003, "readonly-api", "API", "Monitoring", "API", [("DRAO_SSL", SCIENCE)], set(), today + 20 * DAY),
        (9004, "expired-api", "API", "Forgotten", "API", [("MRAO", None)], set(), today - 3 * DAY),
        (9010, "m.keller", "STANDARD", "Maren", "Keller", [("MRAO", None)], set(), today + 40 * DAY),
        (
            9011, "j.okafor", "STANDARD", "Jude", "Okafor", [("RAO_SSL", CORPORATION)],
            {"sslRequest", "sslRenew", "sslReplace", "sslRevoke", "sslApprove", "sslManage", "allowDCV"},
            today + 55 * DAY,
        ),
        (9012, "sso.lindqvist", "IDP", "Åsa", "Lindqvist", [("DRAO_SSL", SCIENCE)], {"sslRequest"}, None),
    ]  # fmt: skip
    for id_, login, kind, forename, surname, credentials, privileges, expires in rows:
        world.admins[login] = Admin(
            id=id_, login=login, password=passwords.get(login) or password_of(world.seed, login), type=kind,
            email=f"{login}@example.com", forename=forename, surname=surname, credentials=credentials,
            privileges=privileges, created=today - 700 * DAY, password_expires=expires,
        )  # fmt: skip


def _organizations(world: World, today: float) -> None:
    def validation(id_: int, level: str, status: str, days: float | None) -> Validation:
        expires = None if days is None else today + days * DAY
        return Validation(id=id_, level=level, status=status, submitted=today - 360 * DAY, expires=expires)

    rows = [
        _seat(
            Organization(
                id=CORPORATION,
                name="Example Corporation",
                validations=[validation(231, "OV_SSL", "VALIDATED", 45), validation(232, "EV_SSL", "VALIDATED", 210)],
            ),
            _BERLIN,
        ),
        _seat(Organization(id=WEB, name="Web Platform", parent_id=CORPORATION), _BERLIN),
        _seat(Organization(id=NETWORK, name="Network Operations", parent_id=CORPORATION), _BERLIN),
        _seat(
            Organization(
                id=UNIVERSITY,
                name="Example University",
                validations=[validation(233, "OV_SSL", "VALIDATED", 300), validation(234, "EV_SSL", "VALIDATED", -20)],
            ),
            _UPPSALA,
        ),
        _seat(Organization(id=SCIENCE, name="Faculty of Science", parent_id=UNIVERSITY, approval=True), _UPPSALA),
        _seat(Organization(id=LIBRARY, name="University Library", parent_id=UNIVERSITY), _UPPSALA),
        _seat(
            Organization(
                id=FOUNDATION,
                name="Example Foundation",
                rest_enabled=False,
                validations=[validation(235, "OV_SSL", "PENDING", None)],
            ),
            _GENEVA,
        ),
        _seat(Organization(id=OUTREACH, name="Outreach", parent_id=FOUNDATION), _GENEVA),
    ]
    world.organizations = {organization.id: organization for organization in rows}


def _seat(organization: Organization, seat: tuple[str, str, str, str, str]) -> Organization:
    organization.address, organization.city, organization.state, organization.postal_code, organization.country = seat
    return organization


def _domains(world: World, today: float) -> None:
    corporation, university = (CORPORATION, WEB, NETWORK), (UNIVERSITY, SCIENCE, LIBRARY)
    # name, organizations, privileges, days until DCV ends (None: never validated), method
    rows: list[tuple[str, tuple[int, ...], list[str], float | None, str]] = [
        ("example.com", corporation, _NAMES, 150, "CNAME"),
        ("example.net", corporation, _NAMES, 120, "CNAME"),
        ("example.org", (FOUNDATION, OUTREACH, CORPORATION), _NAMES, 9, "TXT"),
        ("example.edu", university, _NAMES, 170, "CNAME"),
        ("shop.example.com", (CORPORATION, WEB), _NAMES, 40, "CNAME"),
        ("api.example.com", (CORPORATION, WEB), _PLAIN, 60, "CNAME"),
        ("media.example.com", (WEB,), _NAMES, 190, "TXT"),
        ("intranet.example.com", (CORPORATION,), _PLAIN, 75, "HTTP"),
        ("xn--bcher-kva.example.com", (CORPORATION, WEB), _NAMES, 130, "CNAME"),
        ("legacy.example.com", (CORPORATION,), _NAMES, -12, "EMAIL"),
        ("new.example.com", (CORPORATION,), _NAMES, None, ""),
        ("old.example.net", (CORPORATION,), _NAMES, 33, "CNAME"),
        ("vpn.example.net", (NETWORK,), _PLAIN, 101, "CNAME"),
        ("mail.example.net", (CORPORATION, NETWORK), _NAMES, 88, "TXT"),
        ("dev.example.net", (CORPORATION,), _NAMES, None, ""),
        ("cdn.example.net", (CORPORATION, WEB), _NAMES, None, ""),
        ("root.example.net", (CORPORATION,), ["DOMAIN"], 66, "CNAME"),
        ("partner.example.org", (CORPORATION,), _NAMES, 55, "CNAME"),
        ("donate.example.org", (FOUNDATION, OUTREACH), _NAMES, 30, "CNAME"),
        ("events.example.org", (FOUNDATION, OUTREACH), _NAMES, None, ""),
        ("alumni.example.edu", (UNIVERSITY,), _NAMES, 3, "EMAIL"),
        ("hospital.example.edu", (UNIVERSITY,), _NAMES, -1, "CNAME"),
        ("lab.example.edu", (SCIENCE,), _NAMES, 140, "CNAME"),
        ("library.example.edu", (LIBRARY, UNIVERSITY), _NAMES, 99, "CNAME"),
        ("xn--rksmrgs-5wao1o.example.edu", (UNIVERSITY,), _NAMES, 110, "CNAME"),
    ]
    for number, (name, organizations, privileges, days, mode) in enumerate(rows):
        world.domains[500 + number] = Domain(
            id=500 + number, name=name, requested=today - (600 - number) * DAY,
            delegations=[Delegation(org_id=o, privileges=list(privileges)) for o in organizations],
            validated=None if days is None else today + (days - 198) * DAY,
            expires=None if days is None else today + days * DAY,
            method=METHODS.get(mode),
        )  # fmt: skip
    by_name = {domain.name: domain for domain in world.domains.values()}
    by_name["old.example.net"].active = False
    by_name["partner.example.org"].delegations[0].status = "REQUESTED"
    by_name["cdn.example.net"].order = _open_order("CNAME", "cdn.example.net", "AWAITING_SUBMISSION", None)
    submitted = by_name["dev.example.net"]
    submitted.order = _open_order("CNAME", submitted.name, "SUBMITTED", today - 2 * DAY)
    submitted.published = False


def _open_order(mode: str, name: str, status: str, submitted: float | None) -> DcvOrder:
    token = hashlib.sha256(name.encode()).hexdigest()
    return DcvOrder(
        mode=mode, status=status, host=f"_{token[:32]}.{name}.", point=f"{token[32:]}.ca.example.net.",
        submitted=submitted,
    )  # fmt: skip


def _profiles(world: World) -> None:
    both = {"RSA": list(_RSA), "EC": list(_EC)}
    rows = [
        Profile(
            id=DV, name="DV SSL", description="Domain validated, up to ten names", kind="DV", terms=[30, 90, 199],
            key_types=dict(both), max_names=10,
        ),
        Profile(
            id=OV, name="OV SSL", description="Organization validated", kind="OV", terms=[90, 199], key_types=dict(both)
        ),
        Profile(
            id=MULTI, name="OV Multi-Domain SSL", description="Organization validated, up to 250 names, wildcards",
            kind="OV", terms=[90, 199, 365], key_types=dict(both), wildcard=True,
        ),
        Profile(
            id=WILDCARD, name="OV Wildcard SSL", description="Organization validated, one wildcard", kind="OV",
            terms=[199], key_types={"RSA": list(_RSA)}, wildcard=True, max_names=2,
        ),
        Profile(
            id=EV, name="EV Multi-Domain SSL", description="Extended validation, approved by a second person",
            kind="EV", terms=[199], key_types={"RSA": ["3072", "4096"], "EC": list(_EC)}, approval=True,
            organizations={CORPORATION, UNIVERSITY},
        ),
        Profile(
            id=PRIVATE, name="Private Server (ECC)", description="Private CA, for internal names", kind="PRIVATE",
            terms=[365, 730], key_types={"EC": list(_EC)}, wildcard=True, organizations={CORPORATION},
        ),
        Profile(
            id=SHORT, name="OV Short-Lived", description="Organization validated, for automation", kind="OV",
            terms=[10, 47], key_types={"EC": ["P-256"], "RSA": ["2048"]}, wildcard=True,
        ),
        Profile(
            id=LEGACY, name="OV Legacy (no renewal)", description="Kept for old servers", kind="OV", terms=[199],
            key_types={"RSA": ["2048"]}, renewable=False,
        ),
    ]  # fmt: skip
    world.profiles = {profile.id: profile for profile in rows}
