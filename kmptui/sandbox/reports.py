"""Reports: the whole inventory in one answer (SCM REST 25.5, Reports). Rows are encoded in slices as they are sent."""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import msgspec
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute

from kmptui.sandbox.api import Call, route
from kmptui.sandbox.authority import SIGNATURE_ALGORITHM
from kmptui.sandbox.clock import moment
from kmptui.sandbox.dcv import report_status, visible
from kmptui.sandbox.filters import fingerprint
from kmptui.sandbox.rules import sees
from kmptui.sandbox.state import SOURCES, Order
from kmptui.sandbox.wire import (
    JSON,
    Refusal,
    json_response,
    read_object,
    serial_text,
    stamp,
    text_field,
    without_absent,
)
from kmptui.sandbox.world import World

C = TypeVar("C")
SLICE = 500
_STATUSES: dict[int, frozenset[str] | None] = {
    0: None,
    1: frozenset({"Requested"}),
    2: frozenset({"Issued"}),
    3: frozenset({"Revoked"}),
    4: frozenset({"Expired"}),
}
_DATES: dict[int, Callable[[Order], float | None]] = {
    2: lambda order: order.revoked,
    3: lambda order: order.expires,
    4: lambda order: order.requested,
    5: lambda order: order.issued,
}


class ReportRow(msgspec.Struct, omit_defaults=True):
    """One line of the SSL certificates report; what has no value is left out."""

    id: int
    orgId: int
    organizationName: str
    commonName: str | None
    subjAltNames: str
    status: str
    orderNumber: int
    backendCertId: str
    term: int
    requester: str
    requestedVia: str
    publicKeyType: str
    publicKeyAlg: str
    publicKeySize: str
    requested: str | None
    city: str
    state: str
    country: str
    serialNumber: str | None = None
    typeId: int | None = None
    type: str | None = None
    issuer: str | None = None
    signatureAlg: str | None = None
    approver: str | None = None
    externalRequester: str | None = None
    comments: str | None = None
    approved: str | None = None
    declined: str | None = None
    issued: str | None = None
    downloaded: str | None = None
    expires: str | None = None
    revoked: str | None = None
    replaced: str | None = None
    sha1: str | None = None
    md5: str | None = None
    customFields: list[dict[str, str]] | None = None


def ssl_certificates(call: Call) -> Response:
    """``POST /report/v1/ssl-certificates``: choices as numbers, as clients send them, or as text, as 25.9 has them."""
    body = read_object(call.body) if call.body.strip() else {}
    orders = _select(call, body)
    padded = text_field(body, "serialNumberFormat") == "HEXWithLeadingZeros"
    return StreamingResponse(_stream(call.world, orders, padded), media_type=JSON)


async def _stream(world: World, orders: Sequence[Order], padded: bool) -> AsyncIterator[bytes]:
    yield b'{"statusCode":0,"reports":['
    encoder = msgspec.json.Encoder()
    for start in range(0, len(orders), SLICE):
        rows = encoder.encode(list(_rows(world, orders[start : start + SLICE], padded)))
        yield (b"," if start else b"") + rows[1:-1]
    yield b"]}"


def _rows(world: World, orders: Sequence[Order], padded: bool) -> Iterator[object]:
    approvers = {admin.id: admin.full_name for admin in world.admins.values()}
    for order in orders:
        row = _row(world, order, padded, approvers)
        if order.wrong_facts:
            yield _odd(row, order.wrong_facts)
        else:
            yield row


def _row(world: World, order: Order, padded: bool, approvers: dict[int, str]) -> ReportRow:
    organization = world.organizations[order.org_id]
    profile = world.profiles.get(order.profile_id)
    certificate = world.current(order)
    number = world.order_number(order)
    algorithm, _, parameter = order.key_type.partition(" - ")
    der = world.authority.signed(certificate) if certificate is not None else None
    return ReportRow(
        id=order.id,
        orgId=order.org_id,
        organizationName=organization.name,
        commonName=order.common_name,
        subjAltNames="; ".join(order.names),
        status=world.status(order),
        orderNumber=number,
        backendCertId=str(number),
        typeId=profile.id if profile else None,
        type=profile.name if profile else None,
        term=order.term,
        issuer=world.authority.hierarchies[certificate.kind].issuing.name if certificate else None,
        signatureAlg=SIGNATURE_ALGORITHM if certificate else None,
        requester=order.requester,
        requestedVia=order.via,
        approver=approvers.get(order.approver_id) if order.approver_id is not None else None,
        externalRequester=order.external_requester or None,
        comments=order.comments or None,
        publicKeyType=order.key_type,
        publicKeyAlg=algorithm,
        publicKeySize=parameter,
        requested=stamp(order.requested),
        approved=stamp(order.approved),
        declined=stamp(order.declined),
        issued=stamp(order.issued),
        downloaded=stamp(order.downloaded),
        expires=stamp(order.expires),
        revoked=stamp(order.revoked),
        replaced=stamp(order.replaced),
        serialNumber=_serial(certificate.serial, padded) if certificate else "",
        city=organization.city,
        state=organization.state,
        country=organization.country,
        sha1=fingerprint(der, "sha1Hash") if der else None,
        md5=fingerprint(der, "md5Hash") if der else None,
        customFields=[{"name": n, "value": v} for n, v in order.custom_fields] or None,
    )


def _serial(serial: int, padded: bool) -> str:
    return f"{serial:032X}" if padded else serial_text(serial)


def _odd(row: ReportRow, wrong: dict[str, object]) -> dict[str, object]:
    names = {"subjectAlternativeNames": "subjAltNames"}
    members: dict[str, object] = {k: v for k, v in msgspec.to_builtins(row).items() if v is not None}
    for name, value in wrong.items():
        text = "; ".join(map(str, value)) if isinstance(value, list) else value
        members[names.get(name, name)] = text
    return {name: value for name, value in members.items() if value is not None}


def _select(call: Call, body: dict[str, Any]) -> list[Order]:
    world = call.world
    orders = list(world.orders.values())
    if not call.admin.is_master:
        orders = [o for o in orders if sees(world, call.admin, o.org_id)]
    wanted = body.get("organizationIds")
    if wanted:
        if not isinstance(wanted, list):
            raise Refusal(-1601, "organizationIds")
        ids = {int(i) for i in wanted if str(i).isdecimal()}
        orders = [o for o in orders if o.org_id in ids or world.organizations[o.org_id].parent_id in ids]
    statuses = _choice(body, "certificateStatus", _STATUSES, default=None)
    if statuses is not None:
        orders = [o for o in orders if world.status(o) in statuses]
    source = _choice(body, "certificateRequestSource", SOURCES, default=None)
    if source is not None:
        orders = [o for o in orders if o.via == source]
    if name := text_field(body, "commonName", maximum=256):
        orders = [o for o in orders if name.lower() in o.common_name.lower()]
    if requester := text_field(body, "externalRequester", maximum=512):
        orders = [o for o in orders if requester in o.external_requester]
    start, end = _date(body, "from"), _date(body, "to", end_of_day=True)
    attribute = _choice(body, "certificateDateAttribute", _DATES, default=None) or _DATES[4]
    if start is not None or end is not None:
        orders = [o for o in orders if _within(attribute(o), start, end)]
    return orders


def _within(value: float | None, start: float | None, end: float | None) -> bool:
    return value is not None and (start is None or value >= start) and (end is None or value <= end)


def _choice(body: dict[str, Any], name: str, choices: Mapping[int, C], *, default: C | None) -> C | None:
    value = body.get(name)
    if value is None or value == "":
        return default
    if isinstance(value, bool) or not str(value).isdecimal() or int(value) not in choices:
        raise Refusal(-1601, name)
    return choices[int(value)]


def _date(body: dict[str, Any], name: str, *, end_of_day: bool = False) -> float | None:
    text = text_field(body, name)
    if not text:
        return None
    try:
        return moment(text) + (86_399.999 if end_of_day and len(text) == 10 else 0)
    except ValueError:
        raise Refusal(-1601, name) from None


def domains(call: Call) -> Response:
    """``POST /report/v1/domains``: all domains in one answer."""
    rows = [
        without_absent(
            (
                ("id", domain.id),
                ("name", domain.name),
                ("status", "Active" if domain.active else "Suspended"),
                ("requested", stamp(domain.requested)),
                ("dcvStatus", report_status(call.world, domain)),
                ("stickyUntil", stamp(domain.expires)),
            )
        )
        for domain in call.world.domains.values()
        if visible(call, domain)
    ]
    return json_response({"statusCode": 0, "reports": rows})


def activity(call: Call) -> Response:
    """``POST /report/v1/activity``: what administrators and SCM itself did between ``from`` and ``to``."""
    world = call.world
    body = read_object(call.body) if call.body.strip() else {}
    start, end = _date(body, "from"), _date(body, "to", end_of_day=True)
    logins = {admin.login: admin for admin in world.admins.values()}
    rows: list[dict[str, object]] = []
    for line in world.activity:
        order = world.orders.get(line.order_id) if line.order_id is not None else None
        hidden = not call.admin.is_master and (order is None or not sees(world, call.admin, order.org_id))
        if hidden or not _within(line.date, start, end):
            continue
        row: dict[str, object] = {
            "id": line.id,
            "guid": world.authority.digest("activity", line.id, size=16).hex(),
            "date": stamp(line.date),
            "action": {"id": 0, "actionName": line.action},
            "address": line.address,
            "accessMethod": line.access,
            "description": line.description,
        }
        admin = logins.get(line.login)
        row["admin"] = {"login": line.login} | (
            {"fullName": admin.full_name, "email": admin.email} if admin is not None else {}
        )
        if order is not None:
            number = world.order_number(order)
            row["ssl"] = {"commonName": order.common_name, "orderNumber": number, "backendCertId": str(number)}
        rows.append(row)
    return json_response({"statusCode": 0, "reports": rows})


def none_of_these(_call: Call) -> Response:
    """Reports of client and device certificates, of which this customer has none."""
    return json_response({"statusCode": 0, "reports": []})


def routes() -> list[BaseRoute]:
    """The routes of /report/v1."""
    base = "/report/v1"
    return [
        route(f"{base}/ssl-certificates", ssl_certificates, "POST"),
        route(f"{base}/domains", domains, "POST"),
        route(f"{base}/activity", activity, "POST"),
        route(f"{base}/client-certificates", none_of_these, "POST"),
        route(f"{base}/device-certificates", none_of_these, "POST"),
    ]
