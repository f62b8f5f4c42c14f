"""The orders that a sandbox starts with: one of every kind on purpose, then services as a company has them.

Everything follows from the seed and the day on which the sandbox starts; no certificate is signed here.
"""

from collections.abc import Iterator
from random import Random

from kmptui.sandbox import company
from kmptui.sandbox.authority import Authority
from kmptui.sandbox.clock import DAY, midnight
from kmptui.sandbox.state import PENDING, Certificate, Order
from kmptui.sandbox.world import World

FIRST_ID = 4_700_000
_HOSTS = (
    "www", "api", "mail", "git", "wiki", "portal", "login", "cloud", "files", "chat", "status", "docs", "ci", "db",
    "ldap", "print", "news", "events", "maps", "pay",
)  # fmt: skip
_ORG_DOMAINS = (
    (company.CORPORATION, "example.com"),
    (company.WEB, "example.com"),
    (company.CORPORATION, "example.net"),
    (company.NETWORK, "example.net"),
    (company.WEB, "shop.example.com"),
    (company.UNIVERSITY, "example.edu"),
    (company.SCIENCE, "lab.example.edu"),
    (company.LIBRARY, "library.example.edu"),
    (company.FOUNDATION, "example.org"),
)
_KEYS = ("RSA - 2048", "RSA - 2048", "RSA - 2048", "EC - P-256", "EC - P-256", "RSA - 4096", "EC - P-384", "RSA - 3072")
_REQUESTERS = (("Operations API", 9001), ("Maren Keller", 9010), ("Jude Okafor", 9011))


def populate(world: World, count: int, *, hostile: bool = False) -> None:
    """Give *world* about *count* orders: first the landmarks, as many as fit, then services; sorted by request time."""
    today = midnight(world.now())
    random = Random(world.seed)  # noqa: S311 -- repeatable on purpose
    drafts = list(_landmarks(today))[:count]
    services = _services(random, today)
    while len(drafts) < count:
        drafts.extend(next(services))
    del drafts[count:]
    if hostile:
        drafts.extend(hostile_orders(today))
    drafts.sort(key=lambda order: order.requested)
    step = max(1, min(40, 90_000 // max(1, len(drafts))))
    number = FIRST_ID
    for order in drafts:
        number += random.randint(1, step) if step > 1 else 1
        order.id = number
        world.orders[number] = order
    world.next_order_id = number + 1
    _connect(world)


def _connect(world: World) -> None:
    """What could only be said once the ids were known: successors, replaced certificates, who is under way."""
    placed = {(order.common_name, order.requested): order.id for order in world.orders.values()}
    for order in world.orders.values():
        if order.status in PENDING:
            world.in_progress.add(order.id)
        if order.auto_renew == "Scheduled":
            world.self_renewing.add(order.id)
        if order.renewed is not None:
            order.renewed_by = placed.get((order.common_name, order.renewed))
        if order.generation:
            order.previous = (_first_certificate(world.authority, order),)


def _first_certificate(authority: Authority, order: Order) -> Certificate:
    return Certificate(
        ssl_id=order.id, generation=0, serial=authority.serial(order.id, 0), kind="OV", org_id=order.org_id,
        common_name=order.common_name, names=order.names[:1], key_type=order.key_type, spki=None,
        not_before=midnight(order.issued or 0.0), not_after=order.expires or 0.0,
    )  # fmt: skip


def _order(name: str, org_id: int, profile_id: int, status: str, requested: float, **changes: object) -> Order:
    order = Order(
        id=0, org_id=org_id, profile_id=profile_id, common_name=name, names=(name,), term=199, key_type="RSA - 2048",
        status=status, requested=requested, requester="Maren Keller", requester_id=9010, via="Client Admin",
        custom_fields=(("Cost Centre", "CC-1042"),),
    )  # fmt: skip
    for field, value in changes.items():
        setattr(order, field, value)
    return order


def _issued(name: str, org_id: int, profile_id: int, expires: float, term: int = 199, **changes: object) -> Order:
    """An order whose certificate ends at *expires*, issued a term before."""
    issued = expires + 1 - (term + 1) * DAY + 9 * 3600
    facts: dict[str, object] = {
        "term": term, "issued": issued, "expires": expires, "approved": issued - 600, "approver_id": 9010,
    }  # fmt: skip
    facts |= {"status": "Issued"} | changes
    return _order(name, org_id, profile_id, str(facts.pop("status")), issued - 1200, **facts)


def _end(today: float, days: int) -> float:
    """The last second of the day that lies *days* ahead."""
    return today + (days + 1) * DAY - 1


def _landmarks(today: float) -> Iterator[Order]:
    """One of every kind, under names that tests and rehearsals can rely on."""
    corporation, web, university = company.CORPORATION, company.WEB, company.UNIVERSITY
    for name, days in (("soon3", 3), ("soon9", 9), ("soon30", 30)):
        yield _issued(f"{name}.example.com", corporation, company.OV, _end(today, days))
    for name, days in (("grades", 5), ("exam", 6), ("campus", 14)):
        yield _issued(f"{name}.example.edu", university, company.OV, _end(today, days), key_type="EC - P-256")
    yield _issued(
        "www.example.com", corporation, company.MULTI, _end(today, 92),
        names=("www.example.com", "example.com", "static.example.com"), external_requester="web@example.com",
        comments="Main site",
    )  # fmt: skip
    yield _issued("*.shop.example.com", web, company.WILDCARD, _end(today, 120), names=("*.shop.example.com",))
    yield _issued(
        "bank.example.com", corporation, company.EV, _end(today, 150), key_type="RSA - 4096", approver_id=9011
    )
    yield _issued("db.corp.example.com", corporation, company.PRIVATE, _end(today, 280), 365, key_type="EC - P-384")
    yield _issued("cron.example.net", corporation, company.SHORT, _end(today, 20), 47, key_type="EC - P-256")
    yield _issued("fax.example.net", corporation, company.LEGACY, _end(today, 12))
    yield _issued("crm.legacy.example.com", corporation, company.OV, _end(today, 8))
    yield _issued(
        "auto.example.net", corporation, company.OV, _end(today, 40), auto_renew="Scheduled", auto_renew_days=30
    )
    yield _issued("node.example.net", corporation, company.OV, _end(today, 60), auto_install="Completed")
    yield _issued("give.example.org", company.FOUNDATION, company.OV, _end(today, 25))
    yield _issued("xn--bcher-kva.example.com", corporation, company.OV, _end(today, 77))
    renewed_at = today - 2 * DAY + 9 * 3600
    yield _issued("renewed.example.com", corporation, company.OV, _end(today, 10), renewed=renewed_at)
    yield _order(
        "renewed.example.com", corporation, company.OV, "Issued", renewed_at, issued=renewed_at + 900,
        approved=renewed_at, approver_id=9010, expires=_end(renewed_at - renewed_at % DAY, 199),
    )  # fmt: skip
    yield _issued(
        "reissued.example.com", corporation, company.MULTI, _end(today, 100), generation=1,
        names=("reissued.example.com", "added.reissued.example.com"), replaced=today - 30 * DAY + 7200,
        replace_reason="one more name",
    )  # fmt: skip
    for code, name in ((1, "leaked"), (4, "superseded"), (5, "closed")):
        revoked = today - code * DAY
        yield _issued(
            f"{name}.example.com", corporation, company.OV, _end(today, 60 + code), status="Revoked", revoked=revoked,
            reason_code=code,
        )  # fmt: skip
    yield _issued("past.example.com", corporation, company.OV, _end(today, -15))
    yield _issued("lapsed.example.edu", university, company.OV, _end(today, -1))
    yield _issued(
        "swapped.example.net", corporation, company.OV, _end(today, 44), status="Replaced", replaced=today - DAY
    )
    yield _issued(
        "cdn-partner.example.net", corporation, 0, _end(today, 70), status="External", via="Discovery", term=90
    )
    yield _issued("imported.example.net", corporation, 0, _end(today, 35), via="Imported")
    yield _issued("unmanaged.example.net", corporation, 0, _end(today, 50), status="Unmanaged", via="Discovery")
    yield from _open_orders(today)


def _open_orders(today: float) -> Iterator[Order]:
    corporation, science = company.CORPORATION, company.SCIENCE
    yield _order("pay.example.com", corporation, company.EV, "Requested", today - 4 * DAY, requester_id=9001)
    yield _order("microscope.lab.example.edu", science, company.OV, "Requested", today - 2 * DAY)
    yield _order("telescope.lab.example.edu", science, company.OV, "Requested", today - 5 * 3600)
    yield _order("draft.example.com", corporation, company.OV, "Init", today - 7 * DAY)
    yield _order("second.example.com", corporation, company.EV, "SAApproved", today - 1 * DAY)
    approved: dict[str, object] = {
        "approved": today - 3 * DAY,
        "approver_id": 9010,
        "processing_since": today - 3 * DAY,
    }
    yield _order("review.example.com", corporation, company.OV, "Applied", today - 4 * DAY, hold=True, **approved)
    yield _order("queue.example.com", corporation, company.OV, "Applied", today - 3 * DAY, hold=True, **approved)
    yield _order("app.dev.example.net", corporation, company.OV, "Applied", today - 3 * DAY, **approved)
    yield _order("handed.example.com", corporation, company.OV, "Approved", today - 3600, approved=today - 1800)
    for status in ("Declined", "Rejected", "Invalid"):
        declined = today - 6 * DAY if status == "Declined" else None
        name = f"{status.lower()}.example.com"
        yield _order(name, corporation, company.OV, status, today - 8 * DAY, declined=declined, decision="not needed")


def _services(random: Random, today: float) -> Iterator[list[Order]]:
    """Endless services, each with its present certificate and, often, the one before."""
    number = 0
    while True:
        host = f"{_HOSTS[number % len(_HOSTS)]}{number // len(_HOSTS) + 1:02d}"
        org_id, domain = _ORG_DOMAINS[random.randrange(len(_ORG_DOMAINS))]
        number += 1
        name = f"{host}.{domain}"
        profile = random.choice((company.OV, company.OV, company.OV, company.DV, company.MULTI))
        names = (name, f"www.{name}", f"{host}-old.{domain}") if profile == company.MULTI else (name,)
        left = _days_left(random)
        term = 90 if random.random() < 0.2 and left < 90 else 199
        requester, requester_id = _REQUESTERS[random.randrange(len(_REQUESTERS))]
        facts: dict[str, object] = {
            "names": names, "key_type": _KEYS[random.randrange(len(_KEYS))], "requester": requester,
            "requester_id": requester_id, "via": "REST API" if requester_id == 9001 else "Client Admin",
            "custom_fields": (("Cost Centre", f"CC-{1000 + number % 90}"),),
        }  # fmt: skip
        present = _issued(name, org_id, profile, _end(today, left), term, **facts)
        if random.random() < 0.04:
            present.status, present.revoked, present.reason_code = "Revoked", today - random.randrange(1, 20) * DAY, 4
        orders = [present]
        if random.random() < 0.2 and present.issued is not None:
            overlap = random.randrange(2, 25)
            facts["renewed"] = present.requested
            orders.append(_issued(name, org_id, profile, _end(midnight(present.issued), overlap), 199, **facts))
        yield orders


def _days_left(random: Random) -> int:
    """Mostly well ahead, some within a month, a few just over."""
    draw = random.random()
    if draw < 0.05:
        return random.randrange(-60, 0)
    if draw < 0.12:
        return random.randrange(0, 30)
    return random.randrange(30, 199)


def hostile_orders(today: float) -> Iterator[Order]:
    """Rows that are odd on purpose: missing members, unknown words, dates of other shapes, text that bites."""
    corporation = company.CORPORATION
    hundred = tuple(f"n{i:03d}.example.com" for i in range(100))
    yield _issued(
        "hundred.example.com", corporation, company.MULTI, _end(today, 80), names=("hundred.example.com", *hundred)
    )
    odd: list[tuple[str, dict[str, object]]] = [
        ("no-serial.example.com", {"serialNumber": None}),
        ("no-expiry.example.com", {"expires": None}),
        ("no-names.example.com", {"subjectAlternativeNames": None}),
        ("unknown-status.example.com", {"status": "Quantum Pending"}),
        ("odd-dates.example.com", {"expires": "31.02.2027", "requested": "yesterday", "issued": "2026-13-45T99:99Z"}),
        ("year-10000.example.com", {"expires": "9999-12-31T23:59:59.999Z"}),
        ("markup.example.com", {"comments": "[bold red]a[/] b[/] [link=https://example.com]x[/link]"}),
        ("control.example.com", {"comments": "a\x1b[2J\x07b\x9b31m\r\nline\ttab\x00end"}),
        ("bidi.example.com", {"requester": "\u202eelpmaxe\u202c \u2066x\u2069 \u200bzero"}),
        ("long.example.com", {"comments": "x" * 10_000}),
        ("emoji.example.com", {"externalRequester": "👩‍💻🔑 <ops@example.com>", "type": "OV 🏢"}),
        ("formula.example.com", {"comments": "=HYPERLINK(\"http://example.com\")", "requester": "@SUM(1)"}),
    ]  # fmt: skip
    for number, (name, wrong) in enumerate(odd):
        yield _issued(name, corporation, company.OV, _end(today, 60 + number), wrong_facts=wrong)
    yield _issued("[red]x[/].example.com", corporation, company.OV, _end(today, 61), names=("x.example.com",))
