"""SCM's answers as they come: every member optional, names and shapes as in SCM REST 25.5.

Only members that kmptui uses are named; others are skipped. Dates stay text here.
"""

from __future__ import annotations

import msgspec

Text = str | None
Number = int | None
Flag = bool | None


class Wire(msgspec.Struct, rename="camel", gc=False):
    """What all answers share: camel case, members that may be missing or null."""


class CustomValue(Wire):
    name: Text = None
    value: Text = None


class CertType(Wire):
    id: Number = None
    name: Text = None
    description: Text = None
    terms: list[int] | None = None
    key_types: dict[str, list[str]] | None = None


class CertificateDetails(Wire):
    issuer: Text = None


class AutoRenew(Wire):
    state: Text = None


class Identity(Wire):
    """A row of `GET /ssl/v1`."""

    ssl_id: Number = None
    common_name: Text = None
    subject_alternative_names: list[str] | None = None
    serial_number: Text = None


class Details(Wire):
    """`GET /ssl/v1/{sslId}`; dates as `MM/dd/yyyy`. 25.9 names the id `id`, older ones `sslId`, most both."""

    ssl_id: Number = None
    id: Number = None
    common_name: Text = None
    org_id: Number = None
    status: Text = None
    order_number: int | str | None = None
    backend_cert_id: Text = None
    cert_type: CertType | None = None
    term: Number = None
    requester: Text = None
    requester_id: Number = None
    requested_via: Text = None
    external_requester: Text = None
    comments: Text = None
    requested: Text = None
    approved: Text = None
    issued: Text = None
    declined: Text = None
    expires: Text = None
    replaced: Text = None
    revoked: Text = None
    renewed: Flag = None
    serial_number: Text = None
    key_type: Text = None
    key_algorithm: Text = None
    key_size: Number = None
    subject_alternative_names: list[str] | None = None
    custom_fields: list[CustomValue] | None = None
    certificate_details: CertificateDetails | None = None
    auto_renew_details: AutoRenew | None = None


class ReportRow(Wire):
    """A row of `POST /report/v1/ssl-certificates`; dates as ISO with milliseconds and Z, names as `a; b; c`."""

    id: Number = None
    org_id: Number = None
    organization_name: Text = None
    common_name: Text = None
    subj_alt_names: Text = None
    status: Text = None
    order_number: int | str | None = None
    backend_cert_id: Text = None
    type_id: Number = None
    type: Text = None
    term: Number = None
    issuer: Text = None
    requester: Text = None
    external_requester: Text = None
    comments: Text = None
    requested: Text = None
    approved: Text = None
    issued: Text = None
    declined: Text = None
    expires: Text = None
    revoked: Text = None
    replaced: Text = None
    public_key_type: Text = None
    serial_number: Text = None
    requested_via: Text = None
    custom_fields: list[CustomValue] | None = None


class Department(Wire):
    id: Number = None
    name: Text = None
    parent_name: Text = None


class OrganizationBasic(Wire):
    """A row of `GET /organization/v1`."""

    id: Number = None
    name: Text = None
    departments: list[Department] | None = None


class OrganizationFull(Wire):
    """`GET /organization/v1/{id}`."""

    id: Number = None
    name: Text = None
    parent_id: Number = None
    parent_name: Text = None
    address1: Text = None
    address2: Text = None
    address3: Text = None
    city: Text = None
    state_or_province: Text = None
    postal_code: Text = None
    country: Text = None
    ssl_certs_api_enabled: Flag = None
    cert_types: list[str] | None = None


class ValidationRow(Wire):
    """A row of `GET /organization/v2/{id}/validations`: 25.5 has `validationLevel` (OV_SSL), 25.9 `type` (OV) with the
    certificate types that it permits."""

    validation_level: Text = None
    type: Text = None
    permitted_cert_types: list[str] | None = None
    status: Text = None
    expires: Text = None


class DomainRow(Wire):
    id: Number = None
    name: Text = None


class DelegationRow(Wire):
    org_id: Number = None
    cert_types: list[str] | None = None
    status: Text = None
    domain_certificate_request_privileges: list[str] | None = None


class DomainFull(Wire):
    """`GET /domain/v1/{id}`."""

    id: Number = None
    name: Text = None
    state: Text = None
    delegation_status: Text = None
    validation_status: Text = None
    validation_method: Text = None
    dcv_expiration: Text = None
    delegations: list[DelegationRow] | None = None


class FieldInput(Wire):
    type: Text = None
    options: list[str] | None = None


class CustomFieldRow(Wire):
    """A row of `GET /customField/v2` or `GET /ssl/v1/customFields`, which has `mandatory` instead of `mandatories`."""

    id: Number = None
    name: Text = None
    cert_type: Text = None
    state: Text = None
    input: FieldInput | None = None
    mandatories: list[str] | None = None
    mandatory: Flag = None


class Admin(Wire):
    id: Number = None
    login: Text = None
    forename: Text = None
    surname: Text = None


class AdminDetails(Wire):
    privileges: list[str] | None = None


class Password(Wire):
    state: Text = None
    expiration_date: Text = None


class NewOrder(Wire):
    ssl_id: Number = None


class DcvSearchRow(Wire):
    domain: Text = None
    dcv_status: Text = None
    dcv_method: Text = None
    dcv_order_status: Text = None
    dcv_order_method: Text = None
    expiration_date: Text = None


class DcvAnswer(Wire):
    """Every answer of `/dcv/…/validation/…`: each call gives some of these."""

    status: Text = None
    validation_date: Text = None
    expiration_date: Text = None
    order_status: Text = None
    order_mode: Text = None
    host: Text = None
    point: Text = None
    url: Text = None
    first_line: Text = None
    second_line: Text = None
    validation_email: Text = None
    submitted_date: Text = None
    last_check: Text = None
    next_check: Text = None
    message: Text = None
    emails: list[str] | None = None


class DcvInstructionRow(Wire):
    domain_name: Text = None
    dcv_mode: Text = None
    host: Text = None
    point: Text = None
    url: Text = None
    file: Text = None
    dcv_email: Text = None


class DcvLogRow(Wire):
    dcv_status: Text = None
    domain_name: Text = None
    last_check: Text = None
    next_check: Text = None
    dcv_date: Text = None


class DcvProblem(Wire):
    code: Number = None
    description: Text = None


class DcvLog(Wire):
    error: DcvProblem | None = None
    log: list[DcvLogRow] | None = None


class OrderDcvAnswer(Wire):
    """`GET /ssl/v1/{sslId}/dcv`."""

    dcv_log: DcvLog | None = None
    instructions: list[DcvInstructionRow] | None = None
