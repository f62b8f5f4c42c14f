"""SCM's judgement of a request: rights, organization, profile, term, key, names, domains, custom fields.

Each function returns what is right and raises the :class:`Refusal` that SCM answers with where something is not.
Codes and texts are those of SCM REST 25.5, Error codes.
"""

import ipaddress
import re
from collections.abc import Iterable, Sequence
from typing import Any

from kmptui.sandbox.csr import SigningRequest
from kmptui.sandbox.lifecycle import covered
from kmptui.sandbox.state import Admin, Domain, Order, Organization, Profile
from kmptui.sandbox.wire import Refusal
from kmptui.sandbox.world import World

MAX_COMMENTS = 1024
MAX_REQUESTERS = 512
MAX_REASON = 512
REASON_CODES = frozenset({0, 1, 3, 4, 5})
_NAME = re.compile(r"(?=.{1,253}$)(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_MAIL = re.compile(r"[^@\s,]+@[^@\s,]+\.[^@\s,]+")


def sees(world: World, admin: Admin, org_id: int) -> bool:
    """Whether an organization or department lies within *admin*'s roles for SSL."""
    parent = world.organizations[org_id].parent_id if org_id in world.organizations else None
    for role, own in admin.credentials:
        if role == "MRAO" or (role == "RAO_SSL" and own in {org_id, parent}) or (role == "DRAO_SSL" and own == org_id):
            return True
    return False


def need(admin: Admin, privilege: str, what: str) -> None:
    """Refusal -3 where *admin* lacks the privilege; the master role has them all."""
    if not admin.is_master and privilege not in admin.privileges:
        raise Refusal(-3, what)


def visible_order(world: World, admin: Admin, ssl_id: int, *, missing: int = 400) -> Order:
    """The order of that id. Refusals: -124 where there is none, -37 where it is another organization's."""
    order = world.order(ssl_id, status=missing)
    if not sees(world, admin, order.org_id):
        raise Refusal(-37)
    return order


def orderable_organization(world: World, admin: Admin, org_id: int) -> Organization:
    """Refusals: -1023 unknown, -37 not the admin's, -1021 where its REST switch is off."""
    organization = world.organizations.get(org_id)
    if organization is None:
        raise Refusal(-1023, org_id)
    if not sees(world, admin, org_id):
        raise Refusal(-37)
    if not organization.rest_enabled:
        raise Refusal(-1021, organization.name)
    return organization


def usable_profile(world: World, organization: Organization, profile_id: int) -> Profile:
    """Refusals: -39 for an impossible id, -111 where the organization has no such profile."""
    if profile_id < 1:
        raise Refusal(-39)
    profile = world.profiles.get(profile_id)
    if profile is None or not offered(world, profile, organization):
        raise Refusal(-111, profile_id)
    return profile


def offered(world: World, profile: Profile, organization: Organization) -> bool:
    """Whether *organization*, or the one it is a department of, may use *profile*."""
    return not profile.gone and (
        profile.organizations is None or world.organization_of(organization).id in profile.organizations
    )


def fitting_key(profile: Profile, request: SigningRequest) -> None:
    """Refusals: -170 for EC where only RSA is offered, -11 for the reverse, -194 for a size or curve not offered."""
    offered_parameters = profile.key_types.get(request.algorithm)
    if offered_parameters is None:
        raise Refusal(-170 if request.algorithm == "EC" else -11)
    if request.parameter not in offered_parameters:
        raise Refusal(-194)


def clean_names(common_name: str | None, alternatives: Iterable[str], profile: Profile) -> list[str]:
    """Common name first, then the others, lower-case and once each.

    Refusals: -7 without any name, -1601 for what is no DNS name or address, for a common name above 64 characters, for
    wildcards that the profile does not allow, and for too many names.
    """
    ordered = [n.strip().lower() for n in ((common_name or ""), *alternatives) if n.strip()]
    names = list(dict.fromkeys(ordered))
    if not names:
        raise Refusal(-7, "commonName")
    if len(names[0]) > 64:
        raise Refusal(-1601, "commonName")
    for name in names:
        if not _is_address(name) and not _NAME.fullmatch(name):
            raise Refusal(-1601, "commonName" if name == names[0] else "subjAltNames")
        if name.startswith("*.") and not profile.wildcard:
            raise Refusal(-1601, "subjAltNames", text=f"Wildcard name {name} is not allowed by certificate profile.")
    if len(names) > profile.max_names:
        raise Refusal(-1601, "subjAltNames")
    return names


def validated_organization(world: World, organization: Organization, profile: Profile) -> None:
    """Refusal -843 where an OV or EV profile meets an organization that is not validated at that level now."""
    if profile.kind not in ("OV", "EV"):
        return
    level = f"{profile.kind}_SSL"
    owner = world.organization_of(organization)
    validation = next((v for v in owner.validations if v.level == level), None)
    status = validation.status if validation is not None else "NOT_VALIDATED"
    if validation is not None and validation.expires is not None and validation.expires <= world.now():
        status = "EXPIRED"
    if status != "VALIDATED":
        raise Refusal(-843, status)


def allowed_names(world: World, organization: Organization, profile: Profile, names: Sequence[str]) -> None:
    """Refusals: -727 unknown, -715 inactive domain, -1010 for a name that the organization was not given."""
    if profile.kind == "PRIVATE":
        return
    for name in names:
        domain = world.domain_for(name)
        if domain is None:
            raise Refusal(-1010, name) if _is_address(name) else Refusal(-727, name)
        if not domain.active:
            raise Refusal(-715, domain.name)
        delegation = next((d for d in domain.delegations if d.org_id == organization.id), None)
        given = delegation is not None and delegation.status == "ACTIVE" and "SSL" in delegation.cert_types
        if delegation is None or not given or needed_privilege(domain, name) not in delegation.privileges:
            raise Refusal(-1010, name)


def needed_privilege(domain: Domain, name: str) -> str:
    """Which of a delegation's request privileges *name* takes."""
    if name == domain.name:
        return "DOMAIN"
    if name == f"*.{domain.name}":
        return "WILDCARD_1ST_LEVEL"
    return "WILDCARD_2ND_LEVEL" if name.startswith("*.") else "SUBDOMAIN"


def validated_names(world: World, profile: Profile, names: Sequence[str], *, code: int = -107) -> None:
    """Refusal *code* where pre-validation is on and a name's domain has no valid DCV: -107 to enrol, -1137 to renew."""
    if profile.kind == "PRIVATE" or not world.settings.prevalidation:
        return
    missing = [name for name in names if not covered(world.domain_for(name), name, world.now())]
    if missing:
        raise Refusal(code, ", ".join(missing))


def custom_fields(world: World, value: object) -> tuple[tuple[str, str], ...]:
    """Refusals: -62 mandatory for REST missing, -64 unknown name, -1601 for wrong shape, length or option."""
    if value is None:
        value = []
    if not isinstance(value, list):
        raise Refusal(-1601, "customFields")
    active = {field.name: field for field in world.fields if field.state == "ACTIVE"}
    given: dict[str, str] = {}
    for item in value:
        if not isinstance(item, dict) or not isinstance(item.get("name"), str):
            raise Refusal(-1601, "customFields")
        name, text = item["name"], item.get("value")
        if name not in active:
            raise Refusal(-64)
        if text is None:
            continue
        if not isinstance(text, str) or len(text) > 256:
            raise Refusal(-1601, name)
        options = active[name].options
        if options is not None and text and text not in options:
            raise Refusal(-1601, name)
        given[name] = text
    for field in active.values():
        if "REST_API" in field.mandatories and not given.get(field.name):
            raise Refusal(-62)
    return tuple(given.items())


def external_requesters(text: str | None) -> str:
    """Mail addresses with commas between them. Refusal -1601 for anything else."""
    if not text or not text.strip():
        return ""
    if not all(_MAIL.fullmatch(address.strip()) for address in text.split(",")):
        raise Refusal(-1601, "externalRequester")
    return text


def reason_code(body: dict[str, Any]) -> int | None:
    """A reason code as number or as text; clients in the field send none. Refusal -1601 outside 0, 1, 3, 4, 5."""
    value = body.get("reasonCode")
    if value is None:
        return None
    if isinstance(value, str) and value.isdecimal():
        value = int(value)
    if isinstance(value, bool) or value not in REASON_CODES:
        raise Refusal(-1601, "reasonCode")
    return int(value)


def offered_term(profile: Profile, term: int | None) -> int:
    """Refusals: -7 without a term, -36 for one that the profile does not offer."""
    if term is None:
        raise Refusal(-7, "term")
    if term not in profile.terms:
        raise Refusal(-36)
    return term


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
