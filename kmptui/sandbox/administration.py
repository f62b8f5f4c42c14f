"""Organizations and custom fields (SCM REST 25.5, Organizations, Custom Fields)."""

from starlette.responses import Response
from starlette.routing import BaseRoute

from kmptui.sandbox import rules
from kmptui.sandbox.api import Call, route
from kmptui.sandbox.state import CustomField, Organization, Validation
from kmptui.sandbox.wire import Refusal, json_response, stamp, without_absent
from kmptui.sandbox.world import World


def list_organizations(call: Call) -> Response:
    """``GET /organization/v1``: organizations with their departments, no paging; as far as the role reaches."""
    rows = []
    for organization in call.world.organizations.values():
        if organization.parent_id is not None:
            continue
        departments = [d for d in _departments(call.world, organization) if rules.sees(call.world, call.admin, d.id)]
        if departments or rules.sees(call.world, call.admin, organization.id):
            rows.append(_basic(organization) | {"departments": [_department(organization, d) for d in departments]})
    return json_response(rows)


def show_organization(call: Call) -> Response:
    """``GET /organization/v1/{id}``: address, switches and the deprecated validation status."""
    organization = _organization(call)
    world = call.world
    owner = world.organization_of(organization)
    ov = next((v for v in owner.validations if v.level == "OV_SSL"), None)
    return json_response(
        without_absent(
            (
                *_basic(organization).items(),
                ("parentId", owner.id if owner is not organization else None),
                ("parentName", owner.name if owner is not organization else None),
                ("address1", organization.address),
                ("city", organization.city),
                ("stateOrProvince", organization.state),
                ("postalCode", organization.postal_code),
                ("country", organization.country),
                ("validationStatus", _status(world, ov) if ov else "NOT_VALIDATED"),
                ("sslCertsApiEnabled", organization.rest_enabled),
                ("clientCertsApiEnabled", False),
                ("certTypes", ["SSL"]),
                ("departments", [_department(organization, d) for d in _departments(world, organization)]),
            )
        )
    )


def list_validations(call: Call) -> Response:
    """``GET /organization/v2/{id}/validations``; a department has its organization's."""
    organization = call.world.organization_of(_organization(call))
    return json_response([_validation(call.world, validation) for validation in organization.validations])


def _organization(call: Call) -> Organization:
    organization = call.world.organizations.get(call.path["org_id"])
    if organization is None:
        raise Refusal(-1023, call.path["org_id"], status=404)
    below = _departments(call.world, organization)
    if not any(rules.sees(call.world, call.admin, o.id) for o in (organization, *below)):
        raise Refusal(-37)
    return organization


def _departments(world: World, organization: Organization) -> list[Organization]:
    return [o for o in world.organizations.values() if o.parent_id == organization.id]


def _basic(organization: Organization) -> dict[str, object]:
    return {"id": organization.id, "name": organization.name}


def _department(organization: Organization, department: Organization) -> dict[str, object]:
    return {"id": department.id, "name": department.name, "parentName": organization.name}


def _validation(world: World, validation: Validation) -> dict[str, object]:
    return without_absent(
        (
            ("id", validation.id),
            ("validationLevel", validation.level),
            ("status", _status(world, validation)),
            ("backgroundStatus", "NOT_VALIDATED"),
            ("submitted", stamp(validation.submitted)),
            ("expires", stamp(validation.expires)),
            ("alternative", False),
            ("backendId", 1134),
            ("backendType", "SASP"),
        )
    )


def _status(world: World, validation: Validation) -> str:
    expired = validation.expires is not None and validation.expires <= world.now()
    return "EXPIRED" if expired and validation.status == "VALIDATED" else validation.status


def list_custom_fields(call: Call) -> Response:
    """``GET /customField/v2[?certType=SSL]``: also what is inactive; only SSL has fields here."""
    wanted = call.query.get("certType", "SSL").upper()
    return json_response([_custom_field(f) for f in call.world.fields] if wanted == "SSL" else [])


def show_custom_field(call: Call) -> Response:
    field = next((f for f in call.world.fields if f.id == call.path["field_id"]), None)
    if field is None:
        raise Refusal(-135, status=404)
    return json_response(_custom_field(field))


def _custom_field(field: CustomField) -> dict[str, object]:
    kind: dict[str, object] = {"type": "TEXT_SINGLE_LINE"}
    if field.options is not None:
        kind = {"type": "TEXT_OPTION", "options": field.options}
    return {
        "id": field.id,
        "name": field.name,
        "certType": "SSL",
        "state": field.state,
        "input": kind,
        "mandatories": field.mandatories,
    }


def routes() -> list[BaseRoute]:
    """The routes of /organization and /customField."""
    return [
        route("/organization/v1", list_organizations),
        route("/organization/v1/{org_id:int}", show_organization),
        route("/organization/v2/{org_id:int}/validations", list_validations),
        route("/customField/v2", list_custom_fields),
        route("/customField/v2/{field_id:int}", show_custom_field),
    ]
