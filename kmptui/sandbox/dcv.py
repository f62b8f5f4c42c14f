"""Domain control validation: searching, starting, submitting, looking again (SCM REST 25.5, Domain Control Validation).

A start hands out the record to publish, a submit lets the CA look for it; the CA finds it after the issue delay unless
control says that nobody published it. Version 2 writes statuses as the Admin Operations API 25.9 does where the two
differ.
"""

from collections.abc import Callable
from functools import partial

from starlette.responses import Response
from starlette.routing import BaseRoute

from kmptui.sandbox import rules
from kmptui.sandbox.api import Call, route
from kmptui.sandbox.clock import DAY
from kmptui.sandbox.lifecycle import METHODS, covered
from kmptui.sandbox.state import DcvOrder, Domain, Order
from kmptui.sandbox.wire import (
    Refusal,
    iso_date,
    json_response,
    listing,
    log_time,
    names_field,
    query_number,
    required_text,
    stamp,
    text_field,
    without_absent,
)
from kmptui.sandbox.world import World

MODES = {method: mode for mode, method in METHODS.items()}
_WORDS = {
    "VALIDATED": "Validated",
    "NOT_VALIDATED": "Not validated",
    "EXPIRED": "Expired",
    "NOT_INITIATED": "Not initiated",
    "AWAITING_SUBMISSION": "Awaiting submission",
    "SUBMITTED": "Submitted",
    "REJECTED": "Rejected",
}
_ADMIN_MAILBOXES = ("admin", "administrator", "hostmaster", "postmaster", "webmaster")


def status(world: World, domain: Domain) -> str:
    """VALIDATED, NOT_VALIDATED or EXPIRED, as the clock has it."""
    if domain.expires is None:
        return "NOT_VALIDATED"
    return "EXPIRED" if domain.expires <= world.now() else "VALIDATED"


def order_status(domain: Domain) -> str:
    return domain.order.status if domain.order is not None else "NOT_INITIATED"


def report_status(world: World, domain: Domain) -> str:
    """The same in the words of the domain report."""
    if domain.order is not None and status(world, domain) != "VALIDATED":
        return "Action Required"
    return {"VALIDATED": "Validated", "EXPIRED": "Expired", "NOT_VALIDATED": "Not Initiated"}[status(world, domain)]


def record(world: World, name: str, mode: str) -> DcvOrder:
    """What the CA wants to see for *name*: a DNS record, a file or a mail."""
    host, point = (world.authority.digest("dcv", kind, name).hex() for kind in ("host", "point"))
    order = DcvOrder(mode=mode, status="AWAITING_SUBMISSION")
    if mode == "CNAME":
        order.host = f"_{host[:32]}.{name}."
        order.point = f"{point[:32]}.{point[32:]}.ca.example.net."
    elif mode == "TXT":
        order.host, order.point = f"_pki-validation.{name}.", point
    elif mode in {"HTTP", "HTTPS"}:
        order.url = f"{mode.lower()}://{name}/.well-known/pki-validation/{host[:32].upper()}.txt"
        order.first_line = point
    return order


def instructions(world: World, order: Order) -> list[dict[str, object]]:
    """What is to be published for the names of *order* that are not validated."""
    wanted: dict[str, dict[str, object]] = {}
    for name in order.names if world.kind(order) != "PRIVATE" else ():
        domain = world.domain_for(name)
        if domain is not None and not covered(domain, name, world.now()):
            open_order = domain.order or record(world, domain.name, order.dcv_mode or "CNAME")
            wanted[domain.name] = without_absent(
                (
                    ("domainName", domain.name),
                    ("dcvMode", open_order.mode),
                    ("host", open_order.host or None),
                    ("point", open_order.point or None),
                    ("url", open_order.url or None),
                )
            )
    return list(wanted.values())


def log_entries(world: World, order: Order) -> list[dict[str, object]]:
    """The DCV log of *order*, a line for each of its domains."""
    lines: dict[str, dict[str, object]] = {}
    for name in order.names if world.kind(order) != "PRIVATE" else ():
        domain = world.domain_for(name)
        if domain is None:
            continue
        valid = covered(domain, name, world.now())
        last = domain.order.last_check if domain.order else None
        lines[domain.name] = {
            "dcvStatus": "Validated" if valid else "Awaiting Validation",
            "domainName": domain.name,
            "lastCheck": log_time(last if last is not None else world.now() - 900),
            "nextCheck": None if valid else log_time(world.now() + 2700),
            "dcvDate": log_time(domain.validated) if valid else None,
            "dcvEmailRefNumber": 1,
        }
    return list(lines.values())


def search(call: Call, *, version: int) -> Response:
    """``GET /validation``: the domains' validations that match domain, expiresIn, org, department, statuses."""
    world, query = call.world, call.query
    found = [d for d in world.domains.values() if visible(call, d)]
    if name := query.get("domain"):
        found = [d for d in found if name.lower() in d.name]
    for parameter in ("org", "department"):
        if (org_id := query_number(query, parameter)) is not None:
            found = [d for d in found if any(g.org_id == org_id for g in d.delegations)]
    if (days := query_number(query, "expiresIn")) is not None:
        limit = world.now() + days * DAY
        found = [d for d in found if d.expires is not None and d.expires <= limit]
    if wanted := query.get("dcvStatus"):
        found = [d for d in found if status(world, d) == _key(wanted)]
    if wanted := query.get("orderStatus"):
        found = [d for d in found if order_status(d) == _key(wanted)]
    return listing(found, query, lambda d: _search_row(world, d, version))


def show(call: Call, *, version: int) -> Response:
    """``POST /validation/status``: one domain; version 1 says less."""
    return json_response(_status_answer(call.world, _domain(call), version))


def sync(call: Call, *, version: int) -> Response:
    """``POST /validation/sync``: the CA looks again, at once."""
    domain = _domain(call)
    order = domain.order
    if order is not None and order.status == "SUBMITTED":
        order.last_check, order.next_check = call.world.now(), call.world.now() + 3600
    if version == 2:
        return json_response({"status": _WORDS[status(call.world, domain)]})
    return json_response(_status_answer(call.world, domain, 2))


def start(call: Call, *, mode: str) -> Response:
    """``POST /validation/start/domain/{method}``: what to publish, or which mailboxes may be asked."""
    domain = _changeable(call)
    if mode == "EMAIL":
        mailboxes = [f"{box}@{domain.name}" for box in _ADMIN_MAILBOXES]
        emails = {"domainName": domain.name, "whoisEmails": [], "adminEmails": mailboxes, "dnsTxtEmails": []}
        return json_response({"emails": mailboxes, "dcvEmails": [emails]})
    if domain.order is None or domain.order.mode != mode:
        domain.order = record(call.world, domain.name, mode)
    order = domain.order
    if mode == "TXT":
        return json_response({"message": "Please submit the validation to obtain the record."})
    if mode == "CNAME":
        return json_response({"host": order.host, "point": order.point})
    return json_response({"url": order.url, "firstLine": order.first_line, "secondLine": "ca.example.net"})


def submit(call: Call, *, mode: str, version: int) -> Response:
    """``POST /validation/submit/domain/{method}``. Refusal -724 where it was not started; TXT and e-mail start here."""
    domain = _changeable(call)
    email = None
    if mode == "EMAIL":
        email = required_text(call.object(), "email")
        if email not in [f"{box}@{domain.name}" for box in _ADMIN_MAILBOXES]:
            raise Refusal(-1601, "email")
    if domain.order is None or domain.order.mode != mode:
        if mode not in {"TXT", "EMAIL"}:
            raise Refusal(-724, domain.name, order_status(domain))
        domain.order = record(call.world, domain.name, mode)
    order = domain.order
    order.status, order.submitted, order.email = "SUBMITTED", call.world.now(), email or ""
    call.world.log(call.admin.login, "DCV: submit", None, f"DCV submitted: {domain.name} ({mode})")
    answer: dict[str, object] = {
        "status": word(status(call.world, domain), version),
        "orderStatus": word(order.status, version),
        "message": "Submitted successfully",
        "orderBackendId": _backend_id(call.world, domain),
    }
    if mode == "TXT":
        answer |= {"host": order.host, "point": order.point}
    if mode == "EMAIL":
        answer["emailValidationReferenceNumber"] = _backend_id(call.world, domain)
    return json_response(answer)


def clear(call: Call, *, version: int) -> Response:
    """``POST /validation/clear`` and ``/delete``: back to the beginning."""
    domain = _changeable(call)
    domain.order = domain.validated = domain.expires = domain.method = None
    call.world.log(call.admin.login, "DCV: clear", None, f"DCV cleared: {domain.name}")
    words = word("NOT_VALIDATED", version), word("NOT_INITIATED", version)
    message = f"DCV status: {words[0]}; DCV order status: {words[1]}"
    return json_response({"status": words[0], "orderStatus": words[1], "message": message})


def delete(call: Call) -> Response:
    clear(call, version=1)
    return Response()


def visible(call: Call, domain: Domain) -> bool:
    """Whether the caller's role reaches *domain* through one of its delegations."""
    return call.admin.is_master or any(rules.sees(call.world, call.admin, d.org_id) for d in domain.delegations)


def _domain(call: Call) -> Domain:
    """The domain that the body names. Refusals: -7, -727 unknown, -37 another's."""
    body = call.object()
    names = names_field(body, "domains") or []
    name = text_field(body, "domain", maximum=255) or (names[0] if names else None)
    if not name:
        raise Refusal(-7, "domain")
    name = name.strip().lower().removeprefix("*.")
    domain = call.world.domain_named(name)
    if domain is None:
        parent = call.world.domain_for(name)
        raise Refusal(-723, name) if parent is not None else Refusal(-727, name)
    if not visible(call, domain):
        raise Refusal(-37)
    return domain


def _changeable(call: Call) -> Domain:
    rules.need(call.admin, "allowDCV", "DCV")
    domain = _domain(call)
    if not domain.active:
        raise Refusal(-715, domain.name)
    return domain


def _search_row(world: World, domain: Domain, version: int) -> dict[str, object]:
    mode = domain.order.mode if domain.order else MODES.get(domain.method or "")
    return without_absent(
        (
            ("domain", domain.name),
            ("dcvStatus", word(status(world, domain), version)),
            ("dcvMethod", domain.method),
            ("dcvOrderStatus", word(order_status(domain), version)),
            ("dcvOrderMethod", mode),
            ("expirationDate", iso_date(domain.expires)),
        )
    )


def _status_answer(world: World, domain: Domain, version: int) -> dict[str, object]:
    members: list[tuple[str, object]] = [
        ("status", status(world, domain)),
        ("validationDate", iso_date(domain.validated)),
        ("expirationDate", iso_date(domain.expires)),
        ("orderStatus", order_status(domain)),
    ]
    order = domain.order
    if version == 2 and order is not None:
        members += [
            ("orderMode", order.mode),
            ("host", order.host or None),
            ("point", order.point or None),
            ("url", order.url or None),
            ("firstLine", order.first_line or None),
            ("secondLine", "ca.example.net" if order.url else None),
            ("validationEmail", order.email or None),
            ("orderBackendId", _backend_id(world, domain)),
            ("submittedDate", iso_date(order.submitted)),
            ("lastCheck", stamp(order.last_check)),
            ("nextCheck", stamp(order.next_check)),
        ]
    return without_absent(members)


def _backend_id(world: World, domain: Domain) -> str:
    return str(int.from_bytes(world.authority.digest("dcv id", domain.name, size=4)))


def _key(text: str) -> str:
    return text.strip().upper().replace(" ", "_")


def word(value: str, version: int) -> str:
    """A status as version 1 (``NOT_VALIDATED``) or version 2 (``Not validated``) writes it."""
    return value if version == 1 else _WORDS[value]


def routes(version: int) -> list[BaseRoute]:
    """The routes of /dcv/v1 or /dcv/v2."""
    base = f"/dcv/v{version}/validation"
    modes = ("cname", "txt", "http", "https", "email")
    posts: dict[str, Callable[[Call], Response]] = {
        "status": partial(show, version=version),
        "sync": partial(sync, version=version),
        "clear": partial(clear, version=version),
        "delete": delete,
    }
    posts |= {f"start/domain/{mode}": partial(start, mode=mode.upper()) for mode in modes}
    posts |= {f"submit/domain/{mode}": partial(submit, mode=mode.upper(), version=version) for mode in modes}
    return [
        route(base, partial(search, version=version)),
        *(route(f"{base}/{path}", handler, "POST") for path, handler in posts.items()),
    ]
