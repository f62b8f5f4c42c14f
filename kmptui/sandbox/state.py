"""What the sandbox knows: its customer, administrators, organizations, domains, profiles and orders.

Plain records without behaviour of their own; times are seconds since 1970 in UTC.
"""

from typing import Literal

import msgspec

PENDING = frozenset({"Init", "Requested", "SAApproved", "Approved", "Applied"})
PROCESSED = frozenset({"Approved", "Applied"})
STATUSES = (
    "Init", "Requested", "SAApproved", "Approved", "Applied", "Issued", "Downloaded", "Declined", "Rejected", "Invalid",
    "Revoked", "Expired", "Replaced", "Unmanaged", "External",
)  # fmt: skip
AUTO_RENEWALS = ("Not scheduled", "Scheduled", "Started", "Successful", "Failed")
SOURCES = {
    0: "Enrollment Form", 1: "Client Admin", 2: "Web API", 3: "Discovery", 4: "Imported", 5: "SCEP", 6: "CD Agent",
    7: "MS Agent", 8: "MS CA", 9: "Bulk Request", 10: "ACME", 11: "EST", 12: "REST API",
}  # fmt: skip
"""Where a request came from, by the number that reports give it."""
EDITABLE = frozenset({"Requested", "Declined", "Rejected", "Invalid"})
Kind = Literal["DV", "OV", "EV", "PRIVATE"]
PRIVILEGES = ("DOMAIN", "SUBDOMAIN", "WILDCARD_1ST_LEVEL", "WILDCARD_2ND_LEVEL")


class Admin(msgspec.Struct, kw_only=True):
    """One administrator's account. ``credentials`` are (role, organization id) pairs, the id None for MRAO."""

    id: int
    login: str
    password: str
    email: str
    forename: str
    surname: str
    credentials: list[tuple[str, int | None]]
    privileges: set[str]
    type: str = "API"
    active: bool = True
    created: float = 0.0
    password_expires: float | None = None
    wrong_passwords: int = 0
    locked: bool = False

    @property
    def full_name(self) -> str:
        return f"{self.forename} {self.surname}"

    @property
    def is_master(self) -> bool:
        return any(role == "MRAO" for role, _ in self.credentials)


class Validation(msgspec.Struct, kw_only=True):
    """An organization's validation at one level: OV_SSL or EV_SSL."""

    id: int
    level: str
    status: str
    submitted: float
    expires: float | None


class Organization(msgspec.Struct, kw_only=True):
    """An organization, or, with a ``parent_id``, one of its departments."""

    id: int
    name: str
    parent_id: int | None = None
    address: str = ""
    city: str = ""
    state: str = ""
    postal_code: str = ""
    country: str = ""
    rest_enabled: bool = True
    approval: bool = False
    validations: list[Validation] = msgspec.field(default_factory=list)


class Delegation(msgspec.Struct, kw_only=True):
    """A domain given to an organization or department; ``privileges`` say which kinds of name it may request."""

    org_id: int
    privileges: list[str]
    status: str = "ACTIVE"
    cert_types: list[str] = msgspec.field(default_factory=lambda: ["SSL"])


class DcvOrder(msgspec.Struct, kw_only=True):
    """A validation of a domain that was started: which record is wanted, and whether it was submitted."""

    mode: str
    status: str
    host: str = ""
    point: str = ""
    url: str = ""
    first_line: str = ""
    email: str = ""
    submitted: float | None = None
    last_check: float | None = None
    next_check: float | None = None


class Domain(msgspec.Struct, kw_only=True):
    """A domain of the customer. It is validated while ``validated`` is set and ``expires`` lies ahead."""

    id: int
    name: str
    requested: float
    delegations: list[Delegation]
    active: bool = True
    validated: float | None = None
    expires: float | None = None
    method: str | None = None
    order: DcvOrder | None = None
    published: bool = True


class Profile(msgspec.Struct, kw_only=True):
    """A certificate profile; ``organizations`` None means all of them, terms are days."""

    id: int
    name: str
    description: str
    kind: Kind
    terms: list[int]
    key_types: dict[str, list[str]]
    organizations: set[int] | None = None
    wildcard: bool = False
    max_names: int = 250
    approval: bool = False
    renewable: bool = True
    gone: bool = False


class CustomField(msgspec.Struct, kw_only=True):
    """A custom field of SSL certificates; with ``options`` it is a choice."""

    id: int
    name: str
    mandatories: list[str]
    options: list[str] | None = None
    state: str = "ACTIVE"


class Certificate(msgspec.Struct, kw_only=True, gc=False):
    """One certificate that the CA issued or will sign when first asked; the DER is made from exactly these facts."""

    ssl_id: int
    generation: int
    serial: int
    kind: Kind
    org_id: int
    common_name: str
    names: tuple[str, ...]
    key_type: str
    spki: bytes | None
    not_before: float
    not_after: float
    revoked: float | None = None
    reason_code: int | None = None


class Order(msgspec.Struct, kw_only=True, gc=False):
    """One SSL order. ``generation`` counts its reissues; ``spki`` None means a key derived from the seed.

    ``processing_since`` is when the CA began to work on it; ``wrong_facts`` are members that answers carry instead of
    the true ones, for rows that are odd on purpose.
    """

    id: int
    org_id: int
    profile_id: int
    common_name: str
    names: tuple[str, ...]
    term: int
    key_type: str
    status: str
    requested: float
    requester: str
    requester_id: int
    via: str = "REST API"
    comments: str = ""
    external_requester: str = ""
    custom_fields: tuple[tuple[str, str], ...] = ()
    spki: bytes | None = None
    generation: int = 0
    approved: float | None = None
    approver_id: int | None = None
    issued: float | None = None
    expires: float | None = None
    declined: float | None = None
    revoked: float | None = None
    reason_code: int | None = None
    replaced: float | None = None
    renewed: float | None = None
    renewed_by: int | None = None
    downloaded: float | None = None
    auto_renew: str = "Not scheduled"
    auto_renew_days: int | None = None
    auto_install: str = "Not configured"
    marked_revoked: bool = False
    hold: bool = False
    processing_since: float | None = None
    decision: str = ""
    replace_reason: str = ""
    suspend_notifications: bool = False
    previous: tuple[Certificate, ...] = ()
    wrong_facts: dict[str, object] | None = None
    dcv_mode: str | None = None


class Activity(msgspec.Struct, kw_only=True):
    """One line of SCM's own log of what administrators did."""

    id: int
    date: float
    action: str
    login: str
    order_id: int | None
    description: str
    address: str = "127.0.0.1"
    access: str = "REST API"
