"""SSL certificates, the calls that change: enrol, renew, replace, revoke, approve, decline, update, delete."""

from collections.abc import Callable
from typing import Any

from starlette.responses import Response
from starlette.routing import BaseRoute

from kmptui.sandbox import lifecycle, rules
from kmptui.sandbox.api import Call, route
from kmptui.sandbox.clock import moment as parse_moment
from kmptui.sandbox.csr import SigningRequest, read_csr
from kmptui.sandbox.ssl import order_details
from kmptui.sandbox.state import AUTO_RENEWALS, EDITABLE, Order, Profile
from kmptui.sandbox.wire import (
    Refusal,
    date_writer,
    json_response,
    names_field,
    no_content,
    number_field,
    read_object,
    required_number,
    required_text,
    text_field,
)
from kmptui.sandbox.world import World

_DELETABLE = frozenset({"Discovery", "Imported"})


def enroll(call: Call) -> Response:
    """``POST /enroll`` → ``{sslId, renewId}``. There is no idempotency key: two calls make two orders."""
    call.world.counters.enroll_calls += 1
    body = call.object()
    rules.need(call.admin, "sslRequest", "SSL certificate request")
    return json_response(_identifiers(call.world, new_order(call, body, via="REST API")))


def new_order(call: Call, body: dict[str, Any], *, via: str) -> Order:
    """Judge the fields of an enrolment and place the order; the members are those of the enroll call."""
    world = call.world
    organization = rules.orderable_organization(world, call.admin, required_number(body, "orgId"))
    profile = rules.usable_profile(world, organization, required_number(body, "certType", minimum=-(2**31)))
    term = rules.offered_term(profile, number_field(body, "term", minimum=-(2**31)))
    comments = text_field(body, "comments", maximum=rules.MAX_COMMENTS)
    requesters = rules.external_requesters(text_field(body, "externalRequester", maximum=rules.MAX_REQUESTERS))
    request = _signing_request(body, profile)
    given = names_field(body, "subjAltNames")
    names = rules.clean_names(request.common_name, request.names if given is None else given, profile)
    fields = rules.custom_fields(world, body.get("customFields"))
    rules.validated_organization(world, organization, profile)
    rules.allowed_names(world, organization, profile, names)
    rules.validated_names(world, profile, names)
    order = Order(
        id=0,
        org_id=organization.id,
        profile_id=profile.id,
        common_name=names[0],
        names=tuple(names),
        term=term,
        key_type=request.key_type,
        spki=request.spki,
        status="Requested",
        requested=world.now(),
        requester=call.admin.full_name,
        requester_id=call.admin.id,
        via=via,
        comments=comments or "",
        external_requester=requesters,
        custom_fields=fields,
        dcv_mode=text_field(body, "dcvMode"),
    )
    return lifecycle.place(world, order, needs_approval=lifecycle.needs_approval(world, order, call.admin))


def no_key_agent(_call: Call) -> Response:
    """Key generation and keystores need a Private Key Agent, which this customer has none of."""
    raise Refusal(-1601, "keyGenerationMethod", text="No Private Key Agent is configured for this customer.")


def renew_by_id(call: Call) -> Response:
    """``POST /renewById/{sslId}`` → ``{sslId}`` of a new order; without a CSR the old key is used again."""
    order = rules.visible_order(call.world, call.admin, call.path["ssl_id"])
    return json_response({"sslId": renew(call, order).id})


def renew_by_renew_id(call: Call) -> Response:
    """``POST /renew/{renewId}`` → 204 and no id of what it ordered."""
    wanted = call.path["renew_id"]
    found = [order for order in call.world.orders.values() if call.world.renew_id(order) == wanted]
    if not found:
        raise Refusal(-124, wanted)
    renew(call, rules.visible_order(call.world, call.admin, found[0].id))
    return no_content()


def renew(call: Call, old: Order, via: str = "REST API") -> Order:
    """Judge a renewal and place it.

    Refusals: -1002 without a JSON body, -130 where the old one is not Issued, -111 and -180 for its profile, -1021,
    -843 and -1137 for its organization and domains, and those of the CSR.
    """
    world = call.world
    world.counters.renew_calls += 1
    rules.need(call.admin, "sslRenew", "SSL certificate renewal")
    body = {} if call.body.strip() == b'""' else read_object(call.body)
    if world.status(old) != "Issued":
        raise Refusal(-130, world.status(old))
    organization = rules.orderable_organization(world, call.admin, old.org_id)
    profile = rules.usable_profile(world, organization, old.profile_id)
    if not profile.renewable:
        raise Refusal(-180)
    request = _signing_request(body, profile) if body.get("csr") is not None else None
    rules.validated_organization(world, organization, profile)
    rules.allowed_names(world, organization, profile, old.names)
    rules.validated_names(world, profile, old.names, code=-1137)
    new = lifecycle.successor(
        world,
        old,
        call.admin,
        key_type=request.key_type if request else old.key_type,
        spki=request.spki if request else lifecycle.subject_key(world, old),
        via=via,
    )
    lifecycle.place(world, new, needs_approval=lifecycle.needs_approval(world, new, call.admin))
    lifecycle.mark_renewed(world, old, new)
    return new


def mark_renewed(call: Call) -> Response:
    """``POST /renew/manual/{sslId}``: marks as renewed, orders nothing."""
    rules.need(call.admin, "sslRenew", "SSL certificate renewal")
    order = rules.visible_order(call.world, call.admin, call.path["ssl_id"])
    body = call.object()
    new_id, number = number_field(body, "id"), text_field(body, "orderNumber")
    new = None
    if new_id is not None:
        new = rules.visible_order(call.world, call.admin, new_id)
    elif number is not None:
        new = next((o for o in call.world.orders.values() if str(call.world.order_number(o)) == number), None)
        if new is None:
            raise Refusal(-1104, number)
    lifecycle.mark_renewed(call.world, order, new)
    return no_content()


def replace(call: Call) -> Response:
    """``POST /replace/{sslId}`` → 204; the same id is Applied again, then Issued with a new serial number."""
    world = call.world
    world.counters.replace_calls += 1
    rules.need(call.admin, "sslReplace", "SSL certificate replacement")
    order = rules.visible_order(world, call.admin, call.path["ssl_id"])
    body = call.object()
    reason = required_text(body, "reason", maximum=rules.MAX_REASON)
    if world.status(order) != "Issued":
        raise Refusal(-130, world.status(order))
    organization = rules.orderable_organization(world, call.admin, order.org_id)
    profile = rules.usable_profile(world, organization, order.profile_id)
    request = _signing_request(body, profile)
    alternatives = names_field(body, "subjectAlternativeNames")
    common_name = text_field(body, "commonName") or request.common_name or order.common_name
    names = rules.clean_names(common_name, order.names if alternatives is None else alternatives, profile)
    rules.validated_organization(world, organization, profile)
    rules.allowed_names(world, organization, profile, names)
    rules.validated_names(world, profile, names)
    lifecycle.replace(
        world, order, call.admin, names=names, key_type=request.key_type, spki=request.spki, reason=reason
    )
    return no_content()


def revoke(call: Call) -> Response:
    """``POST /revoke/{sslId}``: the order and every live certificate of it."""
    order = rules.visible_order(call.world, call.admin, call.path["ssl_id"])
    code, reason = _revocation(call)
    lifecycle.revoke(call.world, order, call.admin, reason_code=code, reason=reason)
    return no_content()


def revoke_serial(call: Call) -> Response:
    """``POST /revoke/serial/{serial}``: this one certificate. Refusal -5101 for a serial that SCM does not know."""
    text = call.path["serial"]
    order = call.world.by_serial(text)
    if order is None:
        raise Refusal(-5101, text)
    rules.visible_order(call.world, call.admin, order.id)
    code, reason = _revocation(call)
    serial = int(text.replace(":", ""), 16)
    lifecycle.revoke_certificate(call.world, order, serial, call.admin, reason_code=code, reason=reason)
    return no_content()


def mark_revoked(call: Call) -> Response:
    """``POST /revoke/manual``: marks in SCM alone; the CA and its CRL learn nothing of it."""
    rules.need(call.admin, "sslRevoke", "SSL certificate revocation")
    body = call.object()
    ssl_id, serial = number_field(body, "certId"), text_field(body, "serialNumber")
    code = rules.reason_code(body)
    if ssl_id is not None:
        order = rules.visible_order(call.world, call.admin, ssl_id)
    else:
        found = call.world.by_serial(serial or "")
        if found is None:
            raise Refusal(-5101, serial or "")
        order = rules.visible_order(call.world, call.admin, found.id)
    if order.status == "Revoked":
        raise Refusal(-159)
    date = text_field(body, "revokeDate")
    try:
        when = parse_moment(date) if date else call.world.now()
    except ValueError:
        raise Refusal(-1601, "revokeDate") from None
    order.status, order.revoked, order.reason_code, order.marked_revoked = "Revoked", when, code, True
    return no_content()


def approve(call: Call) -> Response:
    """``POST /approve/{sslId}``, body ``{message}``."""
    rules.need(call.admin, "sslApprove", "SSL certificate approval")
    order = rules.visible_order(call.world, call.admin, call.path["ssl_id"])
    lifecycle.approve(call.world, order, call.admin, _message(call))
    return no_content()


def decline(call: Call) -> Response:
    """``POST /decline/{sslId}``, body ``{message}``: the only way to cancel, and only while it waits for approval."""
    order = rules.visible_order(call.world, call.admin, call.path["ssl_id"])
    if order.requester_id != call.admin.id:
        rules.need(call.admin, "sslApprove", "SSL certificate decline")
    lifecycle.decline(call.world, order, call.admin, _message(call))
    return no_content()


def update(call: Call) -> Response:
    """``PUT /ssl/v1``: comments, requesters and the like at any time; what is requested only while it waits.

    Refusal -1113 for organization, profile, term, names or CSR outside Requested, Declined, Rejected and Invalid.
    """
    rules.need(call.admin, "sslManage", "SSL certificate update")
    world, body = call.world, call.object()
    order = rules.visible_order(world, call.admin, required_number(body, "sslId"))
    if any(body.get(name) is not None for name in _REQUESTED):
        if order.status not in EDITABLE:
            raise Refusal(-1113, order.common_name, world.status(order))
        _change_request(call, order, body)
    comments = text_field(body, "comments", maximum=rules.MAX_COMMENTS)
    requesters = text_field(body, "externalRequester", maximum=rules.MAX_REQUESTERS)
    if comments is not None:
        order.comments = comments
    if requesters is not None:
        order.external_requester = rules.external_requesters(requesters)
    if body.get("customFields") is not None:
        order.custom_fields = rules.custom_fields(world, body["customFields"])
    if isinstance(body.get("suspendNotifications"), bool):
        order.suspend_notifications = body["suspendNotifications"]
    renewal = body.get("autoRenewDetails")
    if isinstance(renewal, dict):
        schedule_self_renewal(
            world, order, str(renewal.get("state", "Not scheduled")), number_field(renewal, "daysBeforeExpiration")
        )
    world.log(call.admin.login, "SSL: edit", order, f"SSL certificate edited: {order.common_name}")
    return json_response(order_details(world, order, date_writer(call.query.get("dateFormat"))))


def schedule_self_renewal(world: World, order: Order, state: str, days: int | None) -> None:
    """Set SCM's own auto-renewal of *order*; ``Scheduled`` acts when so many days are left (30 without a number)."""
    if state not in AUTO_RENEWALS:
        raise Refusal(-1601, "autoRenewDetails.state")
    order.auto_renew = state
    order.auto_renew_days = (
        days if days is not None else (order.auto_renew_days or 30) if state == "Scheduled" else None
    )
    if state in {"Scheduled", "Started"}:
        world.self_renewing.add(order.id)
    else:
        world.self_renewing.discard(order.id)


def delete(call: Call) -> Response:
    """``DELETE /ssl/v1/{sslId}``: only what was imported or discovered. Refusal -3 (400) for anything else."""
    rules.need(call.admin, "sslManage", "SSL certificate deletion")
    order = rules.visible_order(call.world, call.admin, call.path["ssl_id"], missing=404)
    if order.via not in _DELETABLE:
        raise Refusal(-3, f"deletion of managed certificate {order.id}")
    del call.world.orders[order.id]
    return no_content()


_REQUESTED = ("orgId", "certTypeId", "term", "commonName", "subjectAlternativeNames", "csr")


def _change_request(call: Call, order: Order, body: dict[str, Any]) -> None:
    """Judge the request anew as it would be after the change, then change it."""
    world = call.world
    org_id = number_field(body, "orgId") or order.org_id
    organization = rules.orderable_organization(world, call.admin, org_id)
    profile = rules.usable_profile(world, organization, number_field(body, "certTypeId") or order.profile_id)
    term = rules.offered_term(profile, number_field(body, "term") or order.term)
    request = _signing_request(body, profile) if body.get("csr") is not None else None
    common_name = text_field(body, "commonName") or (request and request.common_name) or order.common_name
    alternatives = names_field(body, "subjectAlternativeNames")
    names = rules.clean_names(common_name, order.names if alternatives is None else alternatives, profile)
    rules.validated_organization(world, organization, profile)
    rules.allowed_names(world, organization, profile, names)
    rules.validated_names(world, profile, names)
    order.org_id, order.profile_id, order.term = organization.id, profile.id, term
    order.common_name, order.names = names[0], tuple(names)
    if request is not None:
        order.key_type, order.spki = request.key_type, request.spki


def _signing_request(body: dict[str, Any], profile: Profile) -> SigningRequest:
    """The CSR in *body*, judged by itself and by the profile. Refusal -7 without one."""
    request = read_csr(required_text(body, "csr"))
    rules.fitting_key(profile, request)
    return request


def _revocation(call: Call) -> tuple[int | None, str]:
    rules.need(call.admin, "sslRevoke", "SSL certificate revocation")
    body = call.object()
    reason = required_text(body, "reason", maximum=rules.MAX_REASON)
    return rules.reason_code(body), reason


def _message(call: Call) -> str:
    return required_text(call.object(), "message", maximum=rules.MAX_REASON)


def _identifiers(world: World, order: Order) -> dict[str, object]:
    return {"sslId": order.id, "renewId": world.renew_id(order)}


def routes(version: str) -> list[BaseRoute]:
    """The changing routes of /ssl/v1 or /ssl/v2."""
    base = f"/ssl/{version}"
    posts: dict[str, Callable[[Call], Response]] = {
        "enroll": enroll,
        "enroll-keygen": no_key_agent,
        "renewById/{ssl_id:int}": renew_by_id,
        "renew/{renew_id}": renew_by_renew_id,
        "renew/manual/{ssl_id:int}": mark_renewed,
        "replace/{ssl_id:int}": replace,
        "revoke/manual": mark_revoked,
        "revoke/serial/{serial}": revoke_serial,
        "revoke/{ssl_id:int}": revoke,
        "approve/{ssl_id:int}": approve,
        "decline/{ssl_id:int}": decline,
    }
    return [
        *(route(f"{base}/{path}", handler, "POST") for path, handler in posts.items()),
        route(f"{base}/keystore/{{ssl_id:int}}/{{format}}", no_key_agent, "GET", "POST"),
        route(base, update, "PUT"),
        route(f"{base}/{{ssl_id:int}}", delete, "DELETE"),
    ]
