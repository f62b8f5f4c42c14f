"""Domains and their delegation to organizations (SCM REST 25.5, Domains)."""

import re
from typing import Any

from starlette.responses import Response
from starlette.routing import BaseRoute

from kmptui.sandbox import dcv, rules
from kmptui.sandbox.api import Call, route
from kmptui.sandbox.state import PRIVILEGES, Delegation, Domain
from kmptui.sandbox.wire import (
    Refusal,
    iso_date,
    json_response,
    listing,
    query_number,
    required_number,
    required_text,
    without_absent,
)

_NAME = re.compile(r"(?=.{4,255}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


def list_domains(call: Call) -> Response:
    """``GET /domain/v1``: filters name (part of it), state active|inactive, status requested|approved, orgId."""
    return listing(_select(call), call.query, lambda domain: {"id": domain.id, "name": domain.name})


def count_domains(call: Call) -> Response:
    return json_response({"count": len(_select(call))})


def show(call: Call) -> Response:
    """``GET /domain/v1/{id}``."""
    domain = _domain(call, missing=404)
    world = call.world
    return json_response(
        without_absent(
            (
                ("id", domain.id),
                ("name", domain.name),
                ("state", "ACTIVE" if domain.active else "SUSPENDED"),
                ("delegationStatus", _delegation_status(domain)),
                ("validationStatus", dcv.word(dcv.status(world, domain), 2)),
                ("validationMethod", domain.method),
                ("dcvValidation", iso_date(domain.validated)),
                ("dcvExpiration", iso_date(domain.expires)),
                ("delegations", [_delegation_row(d) for d in domain.delegations]),
                ("ctLogMonitoring", {"enabled": False, "includeSubdomains": False}),
            )
        )
    )


def create(call: Call) -> Response:
    """``POST /domain/v1`` → 201 with the new domain's address in ``Location``. Refusals: -732, -700, -709."""
    rules.need(call.admin, "allowManageDomains", "domain creation")
    world, body = call.world, call.object()
    name = required_text(body, "name").strip().lower()
    if not _NAME.fullmatch(name):
        raise Refusal(-732)
    if world.domain_named(name) is not None:
        raise Refusal(-700)
    wanted = body.get("delegations")
    if not isinstance(wanted, list) or not wanted:
        raise Refusal(-709)
    delegations = [_delegation(call, item) for item in wanted]
    domain = Domain(
        id=max(world.domains, default=0) + 1,
        name=name,
        requested=world.now(),
        delegations=delegations,
        active=str(body.get("active", "true")).lower() != "false",
    )
    world.domains[domain.id] = domain
    world.log(call.admin.login, "Domain: create", None, f"Domain created: {name}")
    return Response(status_code=201, headers={"Location": f"/api/domain/v1/{domain.id}"})


def delete(call: Call) -> Response:
    """``DELETE /domain/v1/{id}``. Refusal -740 while orders use it."""
    rules.need(call.admin, "allowManageDomains", "domain deletion")
    domain = _domain(call, missing=404)
    used = any(call.world.domain_for(name) is domain for order in call.world.orders.values() for name in order.names)
    if used:
        raise Refusal(-740)
    del call.world.domains[domain.id]
    return Response(status_code=204)


def activate(call: Call) -> Response:
    return _switch(call, True)


def suspend(call: Call) -> Response:
    return _switch(call, False)


def delegate(call: Call) -> Response:
    """``POST /domain/v1/{id}/delegation``: one organization, with certificate types and request privileges."""
    rules.need(call.admin, "allowManageDomains", "domain delegation")
    domain = _domain(call, missing=404)
    delegation = _delegation(call, call.object())
    domain.delegations = [d for d in domain.delegations if d.org_id != delegation.org_id] + [delegation]
    return Response()


def remove_delegation(call: Call) -> Response:
    """``DELETE /domain/v1/{id}/delegation``."""
    rules.need(call.admin, "allowManageDomains", "domain delegation")
    domain = _domain(call, missing=404)
    org_id = required_number(call.object(), "orgId")
    domain.delegations = [d for d in domain.delegations if d.org_id != org_id]
    return Response()


def approve_delegation(call: Call) -> Response:
    _requested_delegation(call).status = "ACTIVE"
    return Response()


def reject_delegation(call: Call) -> Response:
    delegation = _requested_delegation(call)
    domain = _domain(call, missing=404)
    domain.delegations = [d for d in domain.delegations if d is not delegation]
    return Response()


def _select(call: Call) -> list[Domain]:
    query = call.query
    found = [domain for domain in call.world.domains.values() if dcv.visible(call, domain)]
    if name := query.get("name"):
        found = [d for d in found if name.lower() in d.name]
    if state := query.get("state"):
        if state.lower() not in {"active", "inactive"}:
            raise Refusal(-1601, "state")
        found = [d for d in found if d.active == (state.lower() == "active")]
    if status := query.get("status"):
        if status.lower() not in {"requested", "approved"}:
            raise Refusal(-1601, "status")
        wanted = "REQUESTED" if status.lower() == "requested" else "ACTIVE"
        found = [d for d in found if _delegation_status(d) == wanted]
    if (org_id := query_number(query, "orgId")) is not None:
        found = [d for d in found if any(g.org_id == org_id for g in d.delegations)]
    return found


def _domain(call: Call, *, missing: int) -> Domain:
    domain = call.world.domains.get(call.path["domain_id"])
    if domain is None:
        raise Refusal(-727, call.path["domain_id"], status=missing)
    if not dcv.visible(call, domain):
        raise Refusal(-37)
    return domain


def _delegation_status(domain: Domain) -> str:
    active = any(d.status == "ACTIVE" for d in domain.delegations) or not domain.delegations
    return "ACTIVE" if active else "REQUESTED"


def _delegation_row(delegation: Delegation) -> dict[str, object]:
    return {
        "orgId": delegation.org_id,
        "certTypes": delegation.cert_types,
        "status": delegation.status,
        "domainCertificateRequestPrivileges": delegation.privileges,
    }


def _delegation(call: Call, item: Any) -> Delegation:
    if not isinstance(item, dict):
        raise Refusal(-1601, "delegations")
    org_id = required_number(item, "orgId")
    if org_id not in call.world.organizations:
        raise Refusal(-1023, org_id)
    types = item.get("certTypes")
    if not isinstance(types, list) or not types or not set(types) <= {"SSL", "SMIME", "CodeSign", "Device"}:
        raise Refusal(-1601, "certTypes")
    privileges = item.get("domainCertificateRequestPrivileges") or list(PRIVILEGES)
    if not isinstance(privileges, list) or not set(privileges) <= set(PRIVILEGES):
        raise Refusal(-1601, "domainCertificateRequestPrivileges")
    return Delegation(org_id=org_id, privileges=privileges, cert_types=types)


def _requested_delegation(call: Call) -> Delegation:
    rules.need(call.admin, "approveDomainDelegation", "domain delegation approval")
    domain = _domain(call, missing=404)
    org_id = required_number(call.object(), "orgId")
    found = next((d for d in domain.delegations if d.org_id == org_id), None)
    if found is None or found.status != "REQUESTED":
        raise Refusal(-705)
    return found


def _switch(call: Call, active: bool) -> Response:
    rules.need(call.admin, "allowManageDomains", "domain state change")
    _domain(call, missing=404).active = active
    return Response()


def routes() -> list[BaseRoute]:
    """The routes of /domain/v1."""
    base, one = "/domain/v1", "/domain/v1/{domain_id:int}"
    return [
        route(base, list_domains),
        route(base, create, "POST"),
        route(f"{base}/count", count_domains),
        route(one, show),
        route(one, delete, "DELETE"),
        route(f"{one}/activate", activate, "PUT"),
        route(f"{one}/suspend", suspend, "PUT"),
        route(f"{one}/delegation", delegate, "POST"),
        route(f"{one}/delegation", remove_delegation, "DELETE"),
        route(f"{one}/delegation/approve", approve_delegation, "POST"),
        route(f"{one}/delegation/reject", reject_delegation, "POST"),
    ]
