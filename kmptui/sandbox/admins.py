"""Administrators, their roles and passwords (SCM REST 25.5, Admin Management)."""

from typing import Any

from starlette.responses import Response
from starlette.routing import BaseRoute

from kmptui.sandbox.api import Call, route
from kmptui.sandbox.clock import DAY
from kmptui.sandbox.state import Admin
from kmptui.sandbox.wire import (
    Refusal,
    iso_date,
    json_response,
    listing,
    number_field,
    required_text,
    text_field,
    without_absent,
)

ROLES = (
    "MRAO", "RAO_SSL", "RAO_SMIME", "RAO_CS", "RAO_DEVICE", "DRAO_SSL", "DRAO_SMIME", "DRAO_CS", "DRAO_DEVICE",
)  # fmt: skip
PRIVILEGE_TEXTS = {
    "allowCreate": "Add peer administrator",
    "allowDCV": "Allow DCV",
    "allowDelete": "Delete peer administrator",
    "allowEdit": "Edit peer administrator",
    "allowManageDomains": "Manage domains",
    "approveDomainDelegation": "Approve domain delegation",
    "autoApproveCertificates": "Automatically approve certificate requests",
    "sslApprove": "Approve SSL certificate requests",
    "sslManage": "Manage SSL certificates",
    "sslRenew": "Renew SSL certificates",
    "sslReplace": "Replace SSL certificates",
    "sslRequest": "Request SSL certificates",
    "sslRevoke": "Revoke SSL certificates",
}
PASSWORD_LIFETIME = 90 * DAY


def list_admins(call: Call) -> Response:
    """``GET /admin/v1``: filters login, email, type, role, activeState, orgId; below MRAO only oneself."""
    query = call.query
    found = [a for a in call.world.admins.values() if call.admin.is_master or a is call.admin]
    if login := query.get("login"):
        found = [a for a in found if login.lower() in a.login.lower()]
    if email := query.get("email"):
        found = [a for a in found if email.lower() in a.email.lower()]
    if kind := query.get("type"):
        found = [a for a in found if a.type == kind.upper()]
    if role := query.get("role"):
        found = [a for a in found if any(own == role for own, _ in a.credentials)]
    if state := query.get("activeState"):
        found = [a for a in found if a.active == (state.upper() == "ACTIVE")]
    if org_id := query.get("orgId"):
        found = [a for a in found if any(str(own) == org_id for _, own in a.credentials)]
    return listing(found, query, _identity)


def show_admin(call: Call) -> Response:
    """``GET /admin/v1/{id}``."""
    admin = _admin(call)
    expires = admin.password_expires
    expired = expires is not None and expires <= call.world.now()
    return json_response(
        _identity(admin)
        | without_absent(
            (
                ("status", "Active" if admin.active else "Suspended"),
                ("activeStatus", "ACTIVE" if admin.active else "SUSPENDED"),
                ("created", iso_date(admin.created)),
                ("credentials", [without_absent((("role", r), ("orgId", o))) for r, o in admin.credentials]),
                ("privileges", sorted(admin.privileges)),
                ("passwordState", "NEVER_EXPIRE" if expires is None else "EXPIRED" if expired else "ALIVE"),
                ("passwordExpiryDate", iso_date(expires)),
                ("failedAttempts", admin.wrong_passwords),
            )
        )
    )


def show_password(call: Call) -> Response:
    """``GET /admin/v1/password``: only standard and API administrators have one (-3 for others)."""
    if call.admin.type not in {"STANDARD", "API"}:
        raise Refusal(-3, "password state")
    expires = call.admin.password_expires
    if expires is None:
        return json_response({"state": "NEVER_EXPIRE"})
    state = "EXPIRED" if expires <= call.world.now() else "ALIVE"
    return json_response({"expirationDate": iso_date(expires), "state": state})


def list_roles(call: Call) -> Response:
    """``GET /admin/v1/roles``: the roles that the caller may hand out."""
    if call.admin.is_master:
        return json_response(list(ROLES))
    own = {role for role, _ in call.admin.credentials}
    return json_response([role for role in ("RAO_SSL", "DRAO_SSL") if role in own or "RAO_SSL" in own])


def list_privileges(call: Call) -> Response:
    """``GET /admin/v1/privileges?role=…``."""
    roles = call.query.getlist("role")
    if not roles or not set(roles) <= set(ROLES):
        raise Refusal(-1601, "role")
    return json_response([{"name": name, "description": text} for name, text in PRIVILEGE_TEXTS.items()])


def list_identity_providers(_call: Call) -> Response:
    return json_response([])


def create_admin(call: Call) -> Response:
    """``POST /admin/v1`` → 201 with ``Location``. Refusals: -233 without the right, -7 and -1601 for fields."""
    _may_manage(call, "allowCreate", -233)
    world, body = call.world, call.object()
    login = required_text(body, "login", maximum=128)
    if login in world.admins:
        raise Refusal(-1601, "login")
    admin = Admin(
        id=max(a.id for a in world.admins.values()) + 1,
        login=login,
        password=required_text(body, "password", maximum=64),
        email=required_text(body, "email", maximum=128),
        forename=required_text(body, "forename", maximum=64),
        surname=required_text(body, "surname", maximum=64),
        credentials=_credentials(call, body),
        privileges=_privileges(body),
        type=str(body.get("type", "STANDARD")),
        created=world.now(),
        password_expires=world.now() + PASSWORD_LIFETIME,
    )
    world.admins[login] = admin
    return Response(status_code=201, headers={"Location": f"/api/admin/v1/{admin.id}"})


def update_admin(call: Call) -> Response:
    """``PUT /admin/v1/{id}``: what the body names is changed."""
    _may_manage(call, "allowEdit", -253)
    admin, body = _admin(call), call.object()
    for name in ("email", "forename", "surname"):
        value = text_field(body, name, maximum=128)
        if value is not None:
            setattr(admin, name, value)
    password = text_field(body, "password", minimum=8, maximum=64)
    if password is not None:
        admin.password, admin.password_expires = password, call.world.now() + PASSWORD_LIFETIME
    if "credentials" in body:
        admin.credentials = _credentials(call, body)
    if "privileges" in body:
        admin.privileges = _privileges(body)
    if "activeStatus" in body:
        admin.active = str(body["activeStatus"]).upper() == "ACTIVE"
    return Response()


def delete_admin(call: Call) -> Response:
    """``DELETE /admin/v1/{id}``; the last master and oneself stay (-219)."""
    _may_manage(call, "allowDelete", -234)
    admin = _admin(call)
    if admin is call.admin:
        raise Refusal(-219, "MRAO")
    del call.world.admins[admin.login]
    return Response(status_code=204)


def _may_manage(call: Call, privilege: str, code: int) -> None:
    if not call.admin.is_master and privilege not in call.admin.privileges:
        raise Refusal(code)


def _admin(call: Call) -> Admin:
    admin = call.world.admin_by_id(call.path["admin_id"])
    if admin is None:
        raise Refusal(-249, status=404)
    if not call.admin.is_master and admin is not call.admin:
        raise Refusal(-37)
    return admin


def _identity(admin: Admin) -> dict[str, object]:
    return {
        "id": admin.id,
        "type": admin.type,
        "login": admin.login,
        "forename": admin.forename,
        "surname": admin.surname,
        "email": admin.email,
    }


def _credentials(call: Call, body: dict[str, Any]) -> list[tuple[str, int | None]]:
    given = body.get("credentials")
    if not isinstance(given, list) or not all(isinstance(item, dict) for item in given):
        raise Refusal(-1601, "credentials")
    pairs = []
    for item in given:
        role, org_id = item.get("role"), number_field(item, "orgId")
        if role not in ROLES or (role != "MRAO" and org_id not in call.world.organizations):
            raise Refusal(-1601, "credentials")
        pairs.append((str(role), org_id))
    return pairs


def _privileges(body: dict[str, Any]) -> set[str]:
    given = body.get("privileges") or []
    if not isinstance(given, list) or not all(isinstance(name, str) for name in given):
        raise Refusal(-1601, "privileges")
    return set(given)


def routes() -> list[BaseRoute]:
    """The routes of /admin."""
    admin, one = "/admin/v1", "/admin/v1/{admin_id:int}"
    return [
        route(admin, list_admins),
        route(admin, create_admin, "POST"),
        route(f"{admin}/password", show_password),
        route(f"{admin}/roles", list_roles),
        route(f"{admin}/privileges", list_privileges),
        route(f"{admin}/idp", list_identity_providers),
        route(one, show_admin),
        route(one, update_admin, "PUT"),
        route(one, delete_admin, "DELETE"),
    ]
