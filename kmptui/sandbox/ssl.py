"""SSL certificates, the reading calls: profiles, custom fields, list, count, details, collect, DCV of an order."""

from collections.abc import Callable

from cryptography import x509
from starlette.responses import Response
from starlette.routing import BaseRoute

from kmptui.sandbox.api import Call, route
from kmptui.sandbox.authority import SIGNATURE_ALGORITHM
from kmptui.sandbox.bundle import FORMATS, bundle
from kmptui.sandbox.dcv import instructions, log_entries
from kmptui.sandbox.filters import VENDORS, fingerprint, key_usages, select
from kmptui.sandbox.rules import need, offered, sees, visible_order
from kmptui.sandbox.state import PENDING, Certificate, Order, Profile
from kmptui.sandbox.wire import (
    Refusal,
    date_writer,
    json_response,
    listing,
    query_number,
    serial_text,
    without_absent,
)
from kmptui.sandbox.world import World

VALIDATION_TYPES = {
    "DV": "Domain Validation (DV)",
    "OV": "Organization Validation (OV)",
    "EV": "Extended Validation (EV)",
    "PRIVATE": "Private",
}


def profile_row(profile: Profile) -> dict[str, object]:
    return {
        "id": profile.id,
        "name": profile.name,
        "description": profile.description,
        "terms": profile.terms,
        "keyTypes": profile.key_types,
        "useSecondaryOrgName": False,
    }


def types(call: Call) -> Response:
    """``GET /types``: the profiles, all of the customer's or those that one organization may use."""
    wanted = query_number(call.query, "organizationId")
    profiles = [p for p in call.world.profiles.values() if not p.gone]
    if wanted is not None:
        organization = call.world.organizations.get(wanted)
        if organization is None or not sees(call.world, call.admin, wanted):
            raise Refusal(-1023, wanted)
        profiles = [p for p in profiles if offered(call.world, p, organization)]
    elif not call.admin.is_master:
        mine = [o for o in call.world.organizations.values() if sees(call.world, call.admin, o.id)]
        profiles = [p for p in profiles if any(offered(call.world, p, o) for o in mine)]
    return json_response([profile_row(p) for p in profiles])


def custom_fields(call: Call) -> Response:
    """``GET /customFields``: the active fields, ``mandatory`` where the REST API must give them."""
    active = [field for field in call.world.fields if field.state == "ACTIVE"]
    return json_response([{"id": f.id, "name": f.name, "mandatory": "REST_API" in f.mandatories} for f in active])


def list_orders(call: Call) -> Response:
    """``GET`` and ``HEAD /ssl/v1``: what the filters leave, one page of it, and the whole count in a header."""
    orders = select(call)
    return listing(orders, call.query, lambda order: _identity(call.world, order))


def details(call: Call) -> Response:
    """``GET /ssl/v1/{sslId}``."""
    order = visible_order(call.world, call.admin, call.path["ssl_id"], missing=404)
    return json_response(order_details(call.world, order, date_writer(call.query.get("dateFormat"))))


def order_details(world: World, order: Order, date: Callable[[float | None], str | None]) -> dict[str, object]:
    """All that SCM tells of one order; members without a value are left out."""
    profile = world.profiles.get(order.profile_id)
    certificate = world.current(order)
    algorithm, _, parameter = order.key_type.partition(" - ")
    approver = world.admin_by_id(order.approver_id) if order.approver_id is not None else None
    kind = world.kind(order)
    members = without_absent(
        (
            ("commonName", order.common_name),
            ("sslId", order.id),
            ("id", order.id),
            ("orgId", order.org_id),
            ("status", world.status(order)),
            ("orderNumber", world.order_number(order)),
            ("backendCertId", str(world.order_number(order))),
            ("vendor", VENDORS[kind]),
            ("certType", profile_row(profile) if profile else None),
            ("subType", ""),
            ("validationType", VALIDATION_TYPES[kind]),
            ("term", order.term),
            ("owner", approver.full_name if approver else None),
            ("ownerId", order.approver_id),
            ("requester", order.requester),
            ("requesterId", order.requester_id or None),
            ("requestedVia", order.via),
            ("externalRequester", order.external_requester),
            ("comments", order.comments),
            ("requested", date(order.requested)),
            ("approved", date(order.approved)),
            ("issued", date(order.issued)),
            ("declined", date(order.declined)),
            ("expires", date(order.expires)),
            ("replaced", date(order.replaced)),
            ("revoked", date(order.revoked)),
            ("reasonCode", None if order.reason_code is None else str(order.reason_code)),
            ("renewed", order.renewed is not None),
            ("renewedDate", date(order.renewed)),
            ("serialNumber", serial_text(certificate.serial) if certificate else None),
            ("signatureAlg", SIGNATURE_ALGORITHM if certificate else None),
            ("keyAlgorithm", algorithm),
            ("keySize", int(parameter) if parameter.isdecimal() else None),
            ("keyType", order.key_type),
            ("keyUsages", key_usages(algorithm) if certificate else None),
            ("extendedKeyUsages", ["serverAuth"] if certificate else None),
            ("subjectAlternativeNames", list(order.names)),
            ("customFields", [{"name": name, "value": value} for name, value in order.custom_fields]),
            ("certificateDetails", _certificate_details(world, certificate) if certificate else None),
            ("autoInstallDetails", {"state": order.auto_install}),
            (
                "autoRenewDetails",
                without_absent((("state", order.auto_renew), ("daysBeforeExpiration", order.auto_renew_days))),
            ),
            ("suspendNotifications", order.suspend_notifications),
        )
    )
    return without_absent((members | (order.wrong_facts or {})).items())


def collect(call: Call) -> Response:
    """``GET /collect/{sslId}``, with the format in the query or, as older clients send it, at the end of the path.

    Refusals: -1450 format; -183 before the CA has it, -1400 while the CA works on it; -169 for what will never come;
    revoked: -192 on the older path, -110 on the newer.
    """
    world = call.world
    order = visible_order(world, call.admin, call.path["ssl_id"], missing=404)
    wanted = call.path.get("format") or call.query.get("format") or "base64"
    if wanted not in FORMATS:
        raise Refusal(-1450, wanted)
    certificate = _collectable(world, order, old_path="format" in call.path)
    order.downloaded = order.downloaded or world.now()
    data = bundle(world.authority, certificate.kind, world.der(certificate), wanted, world.settings.chain)
    name = order.common_name.replace("*", "star").replace('"', "").encode("ascii", "replace").decode()
    ending = "p7b" if wanted in ("base64", "bin") else "cer"
    safe = "".join(c for c in name if c.isprintable()) or str(order.id)
    headers = {"Content-Disposition": f'attachment; filename="{safe}.{ending}"'}
    return Response(data, media_type="application/octet-stream;charset=UTF-8", headers=headers)


def order_dcv(call: Call) -> Response:
    """``GET /{sslId}/dcv``: an object in 25.5 (v1), a list of one in 25.9 (v2)."""
    order = visible_order(call.world, call.admin, call.path["ssl_id"], missing=404)
    answer = {
        "dcvLog": {"error": {"code": 0, "description": None}, "log": log_entries(call.world, order)},
        "instructions": instructions(call.world, order),
    }
    return json_response(answer)


def order_dcv_list(call: Call) -> Response:
    order = visible_order(call.world, call.admin, call.path["ssl_id"], missing=404)
    entries = [without_absent(e.items()) for e in log_entries(call.world, order)]
    return json_response([{"dcvLog": {"log": entries}, "instructions": instructions(call.world, order)}])


def recheck_dcv(call: Call) -> Response:
    """``POST /{sslId}/dcv/recheck``: the CA looks again; the answer is the log so far."""
    need(call.admin, "allowDCV", "DCV recheck")
    order = visible_order(call.world, call.admin, call.path["ssl_id"])
    for name in order.names:
        domain = call.world.domain_for(name)
        if domain is not None and domain.order is not None:
            domain.order.last_check = call.world.now()
    log = [without_absent(e.items()) for e in log_entries(call.world, order)]
    return json_response({"dcvLog": {"log": log}}, status=202)


def _collectable(world: World, order: Order, *, old_path: bool) -> Certificate:
    status = order.status
    keep_old = world.settings.keep_old
    if order.previous and keep_old is not None and order.replaced is not None:
        reissuing = status in PENDING or (status == "Issued" and world.now() < order.replaced + keep_old)
        if reissuing:
            return order.previous[-1]
    if status == "Applied":
        raise Refusal(-1400)
    if status in PENDING:
        raise Refusal(-183)
    if status == "Revoked":
        raise Refusal(-192 if old_path else -110)
    certificate = world.current(order)
    if status not in ("Issued", "Replaced") or certificate is None:
        raise Refusal(-169)
    return certificate


def _identity(world: World, order: Order) -> dict[str, object]:
    """A row of the list; a certificate that is still to come has no serial number."""
    certificate = world.current(order)
    row: dict[str, object] = {"sslId": order.id, "commonName": order.common_name}
    if order.names:
        row["subjectAlternativeNames"] = list(order.names)
    if certificate is not None:
        row["serialNumber"] = serial_text(certificate.serial)
    if order.wrong_facts:
        row |= {name: value for name, value in order.wrong_facts.items() if name in _IDENTITY}
    return {name: value for name, value in row.items() if value is not None}


_IDENTITY = frozenset({"commonName", "subjectAlternativeNames", "serialNumber"})


def _certificate_details(world: World, certificate: Certificate) -> dict[str, object]:
    der = world.der(certificate)
    return {
        "issuer": world.authority.hierarchies[certificate.kind].issuing.name,
        "subject": x509.load_der_x509_certificate(der).subject.rfc4514_string(),
        "subjectAltNames": ", ".join(f"dNSName={name}" for name in certificate.names),
        "md5Hash": fingerprint(der, "md5Hash"),
        "sha1Hash": fingerprint(der, "sha1Hash"),
        "sha256Hash": fingerprint(der, "sha256Hash"),
    }


def routes(version: str) -> list[BaseRoute]:
    """The reading routes of /ssl/v1 or /ssl/v2."""
    base = f"/ssl/{version}"
    return [
        route(base, list_orders, "GET"),
        route(f"{base}/types", types),
        route(f"{base}/customFields", custom_fields),
        route(f"{base}/{{ssl_id:int}}", details),
        route(f"{base}/collect/{{ssl_id:int}}", collect),
        route(f"{base}/collect/{{ssl_id:int}}/{{format}}", collect),
        route(f"{base}/{{ssl_id:int}}/dcv", order_dcv if version == "v1" else order_dcv_list),
        route(f"{base}/{{ssl_id:int}}/dcv/recheck", recheck_dcv, "POST"),
    ]
