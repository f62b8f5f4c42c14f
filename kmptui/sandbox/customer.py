"""Control over the customer: domains, organizations, administrators and profiles as somebody changes them in SCM."""

from __future__ import annotations

import msgspec

from kmptui.sandbox import lifecycle
from kmptui.sandbox.clock import DAY, moment
from kmptui.sandbox.knobs import Ask, Wrong, only
from kmptui.sandbox.state import PRIVILEGES, Admin, Delegation, Domain, Organization, Profile, Validation
from kmptui.sandbox.wire import stamp
from kmptui.sandbox.world import World

DCV_LIFETIME = 198 * DAY


def list_domains(ask: Ask) -> object:
    """``GET /control/domains``: all of them, with delegations and DCV."""
    return [_domain_row(domain) for domain in ask.world.domains.values()]


def change_domain(ask: Ask) -> object:
    """``POST /control/domains/{name}``: any of the following.

    ``expires`` (ISO, null: never validated), ``validate`` (true: now, by CNAME; or the mode: TXT, HTTP, HTTPS, EMAIL),
    ``active``, ``published`` (false: the CA does not find the record), ``delegations`` (``[{"org_id", "privileges",
    "status"}]``), ``delete``. A name that is unknown is added with ``"create": true``.
    """
    body, world = ask.body, ask.world
    only(body, "expires", "validate", "active", "published", "delegations", "delete", "create")
    domain = world.domain_named(ask.path["name"])
    if domain is None:
        if not body.get("create"):
            raise Wrong(f"no domain {ask.path['name']}")
        domain = _new_domain(world, ask.path["name"])
    if body.get("delete"):
        del world.domains[domain.id]
        return {"deleted": domain.name}
    if body.get("validate"):
        mode = body["validate"] if isinstance(body["validate"], str) else "CNAME"
        lifecycle.finish_dcv(world, domain, mode.upper(), world.now())
    if "expires" in body:
        _end_dcv(domain, None if body["expires"] is None else moment(body["expires"]))
    if "active" in body:
        domain.active = bool(body["active"])
    if "published" in body:
        domain.published = bool(body["published"])
    if "delegations" in body:
        domain.delegations = msgspec.convert(body["delegations"], list[Delegation])
    return _domain_row(domain)


def change_organization(ask: Ask) -> object:
    """``POST /control/organizations/{id}``: any of name, rest_enabled, approval, and for its validations

    ``ov_status``, ``ev_status`` (VALIDATED, PENDING …), ``ov_expires``, ``ev_expires`` (ISO or null).
    """
    body = ask.body
    only(body, "name", "rest_enabled", "approval", "ov_status", "ev_status", "ov_expires", "ev_expires")
    organization = ask.world.organizations.get(int(ask.path["id"]))
    if organization is None:
        raise Wrong(f"no organization {ask.path['id']}")
    for name in ("name", "rest_enabled", "approval"):
        if name in body:
            setattr(organization, name, body[name])
    for level in ("ov", "ev"):
        status, expires = f"{level}_status", f"{level}_expires"
        if status in body or expires in body:
            validation = _validation(ask.world, organization, f"{level.upper()}_SSL")
            validation.status = body.get(status, validation.status)
            if expires in body:
                validation.expires = None if body[expires] is None else moment(body[expires])
    return msgspec.to_builtins(organization)


def list_admins(ask: Ask) -> object:
    """``GET /control/admins``: all accounts with their passwords, so that a rehearsal can play each of them."""
    return [_admin_row(admin) for admin in ask.world.admins.values()]


def change_admin(ask: Ask) -> object:
    """``POST /control/admins/{login}``: any of password, password_expires (ISO, null: never), active, locked (false

    also forgets the wrong passwords), credentials ``[[role, organization id or null]]``, privileges, type.
    """
    body = ask.body
    only(body, "password", "password_expires", "active", "locked", "credentials", "privileges", "type")
    admin = ask.world.admins.get(ask.path["login"])
    if admin is None:
        raise Wrong(f"no administrator {ask.path['login']}")
    for name in ("password", "active", "locked", "type"):
        if name in body:
            setattr(admin, name, body[name])
    if "password_expires" in body:
        admin.password_expires = None if body["password_expires"] is None else moment(body["password_expires"])
    if "credentials" in body:
        admin.credentials = msgspec.convert(body["credentials"], list[tuple[str, int | None]])
    if "privileges" in body:
        admin.privileges = set(body["privileges"])
    if body.get("locked") is False:
        admin.wrong_passwords = 0
    return _admin_row(admin)


def list_profiles(ask: Ask) -> object:
    """``GET /control/profiles``: all of them, those that are gone included."""
    return [msgspec.to_builtins(profile) for profile in ask.world.profiles.values()]


def change_profile(ask: Ask) -> object:
    """``POST /control/profiles/{id}``: any member of a profile (name, terms, key_types, organizations, wildcard,

    max_names, approval, renewable, gone); an unknown id with at least name, kind, terms and key_types is added.
    """
    only(ask.body, *Profile.__struct_fields__)
    world, number = ask.world, int(ask.path["id"])
    present = world.profiles.get(number)
    merged = (msgspec.to_builtins(present) if present else {"description": ""}) | ask.body | {"id": number}
    world.profiles[number] = msgspec.convert(merged, Profile)
    return msgspec.to_builtins(world.profiles[number])


def _new_domain(world: World, name: str) -> Domain:
    delegation = Delegation(org_id=7101, privileges=list(PRIVILEGES))
    number = max(world.domains, default=499) + 1
    domain = Domain(id=number, name=name, requested=world.now(), delegations=[delegation])
    world.domains[number] = domain
    return domain


def _end_dcv(domain: Domain, expires: float | None) -> None:
    domain.expires = expires
    if expires is None:
        domain.validated = domain.method = None
    else:
        domain.validated = min(domain.validated or expires - DCV_LIFETIME, expires)
        domain.method = domain.method or "CNAME_CSR_HASH"


def _domain_row(domain: Domain) -> dict[str, object]:
    row: dict[str, object] = msgspec.to_builtins(domain)
    return row | {"validated": stamp(domain.validated), "expires": stamp(domain.expires)}


def _admin_row(admin: Admin) -> dict[str, object]:
    row: dict[str, object] = msgspec.to_builtins(admin)
    return row | {"password_expires": stamp(admin.password_expires), "created": stamp(admin.created)}


def _validation(world: World, organization: Organization, level: str) -> Validation:
    owner = world.organization_of(organization)
    found = next((v for v in owner.validations if v.level == level), None)
    if found is None:
        number = 900 + sum(len(o.validations) for o in world.organizations.values())
        found = Validation(id=number, level=level, status="VALIDATED", submitted=world.now(), expires=None)
        owner.validations.append(found)
    return found
