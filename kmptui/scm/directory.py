"""The account and what it may order: organizations, profiles, custom fields, role, password (SCM REST 25.5)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from kmptui.domain.domain import word
from kmptui.domain.keys import KeySpec
from kmptui.domain.organization import Organization, Validation
from kmptui.domain.profile import CustomField, Profile
from kmptui.errors import BadInput, RoleMissing, ScmRefused
from kmptui.scm import reading, wire
from kmptui.scm.asking import Asking
from kmptui.scm.failures import Call

ORGANIZATIONS, ORGANIZATION, VALIDATIONS = map(Call, ("organizations", "organization", "validations"))
PROFILES, CUSTOM_FIELDS, ADMINS, PASSWORD = map(Call, ("profiles", "custom fields", "admins", "password"))
_MASTER = "MRAO"


@dataclass(frozen=True, slots=True)
class PasswordState:
    """The API password: `state` ALIVE, EXPIRED or NEVER_EXPIRE, as SCM writes it, and the day on which it ends."""

    state: str
    expires: date | None


@dataclass(frozen=True, slots=True)
class Myself:
    """The account as an administrator of SCM; `name` is forename and surname, as orders name who requested them."""

    id: int
    name: str


class Directory:
    """The calls that read it; all raise AccountRefused, Unreachable, ScmRefused, ScmGarbled, WrongKind."""

    def __init__(self, asking: Asking) -> None:
        self._ask = asking
        self._connection = asking.connection

    async def organizations(self) -> list[Organization]:
        """All organizations, each followed by its departments (rows with parent_id). Address, REST switch and
        validations come from `organization` and `validations`."""
        found = []
        for row in await self._ask.rows(ORGANIZATIONS, wire.OrganizationBasic, "/organization/v1", key=_id):
            own = self._ask.usable(ORGANIZATIONS, row.id, row.name)
            if not own:
                continue
            found.append(Organization(own, row.name or ""))
            for department in row.departments or ():
                if below := self._ask.usable(ORGANIZATIONS, department.id, department.name):
                    parent = department.parent_name or row.name or ""
                    found.append(Organization(below, department.name or "", own, parent))
        return found

    async def organization(self, organization_id: int) -> Organization:
        """One organization or department with address, REST switch and certificate types; without validations."""
        row = await self._ask.one(ORGANIZATION, wire.OrganizationFull, f"/organization/v1/{organization_id}")
        if row.id != organization_id:
            raise self._connection.garbled(f"it is not about the organization {organization_id}")
        return Organization(
            organization_id,
            row.name or "",
            row.parent_id,
            row.parent_name or "",
            rest_enabled=row.ssl_certs_api_enabled,
            address=", ".join(_address(row)),
            cert_types=tuple(row.cert_types or ()),
        )

    async def validations(self, organization_id: int) -> tuple[Validation, ...]:
        """The organization's validations; a department has its organization's."""
        path = f"/organization/v2/{organization_id}/validations"
        found = []
        for row in await self._ask.rows(VALIDATIONS, wire.ValidationRow, path, key=_level):
            found.append(Validation(_level(row), row.status or "", self._ask.day("a validation's end", row.expires)))
        return tuple(found)

    async def profiles(self, organization_id: int | None = None) -> list[Profile]:
        """All profiles; or those that the organization may use, which then name it in `organizations`. Key types that
        kmptui does not know are left out."""
        params = {"organizationId": organization_id} if organization_id is not None else None
        users = frozenset() if organization_id is None else frozenset({organization_id})
        found = []
        for row in await self._ask.rows(PROFILES, wire.CertType, "/ssl/v1/types", params, key=_id):
            if own := self._ask.usable(PROFILES, row.id, row.name):
                terms = tuple(sorted({term for term in row.terms or () if term > 0}))
                keys = tuple(dict.fromkeys(_keys(row.key_types or {})))
                found.append(Profile(own, row.name or "", row.description or "", terms, keys, users))
        return found

    async def custom_fields(self) -> list[CustomField]:
        """The custom fields of SSL orders, `mandatory` as it holds for the REST API. Servers without version 2 of the
        call tell no options."""
        try:
            params: dict[str, str | int] = {"certType": "SSL"}
            rows = await self._ask.rows(CUSTOM_FIELDS, wire.CustomFieldRow, "/customField/v2", params, key=_id)
        except (ScmRefused, RoleMissing):  # an older server, or a role that version 2 is closed to
            rows = await self._ask.rows(CUSTOM_FIELDS, wire.CustomFieldRow, "/ssl/v1/customFields", key=_id)
        found = []
        for row in rows:
            own = self._ask.usable(CUSTOM_FIELDS, row.id, row.name)
            if own and row.name and word(row.cert_type or "SSL") == "ssl":
                needed = bool(row.mandatory) or "restapi" in map(word, row.mandatories or ())
                options = tuple((row.input.options or ()) if row.input else ())
                active = word(row.state or "ACTIVE") == "active"
                found.append(CustomField(own, row.name, needed, options, active))
        return found

    async def is_mrao(self) -> bool | None:
        """Whether the account has the master role. SCM lists administrators by role, and the roles that one may hand
        out; None where it tells neither."""
        login = self._connection.login
        try:
            params: dict[str, str | int] = {"login": login, "role": _MASTER, "size": 200}
            admins = await self._ask.rows(ADMINS, wire.Admin, "/admin/v1", params, key=lambda row: row.login)
            if any((admin.login or "").lower() == login.lower() for admin in admins):
                return True
        except (ScmRefused, RoleMissing):
            pass  # only some administrators may list others: the roles tell
        try:
            answer = await self._connection.read(ADMINS, "GET", "/admin/v1/roles")
            roles = reading.parse(answer.body)
        except (ScmRefused, RoleMissing):
            return None
        except reading.WrongShape as error:
            raise self._connection.garbled(str(error)) from error
        if not isinstance(roles, list) or not all(isinstance(role, str) for role in roles):
            raise self._connection.garbled("it is no list of roles")
        return _MASTER in roles

    async def privileges(self) -> frozenset[str] | None:
        """What the account may do, in SCM's words (sslRequest, sslRevoke, allowDCV …); None where SCM does not tell.
        The master role has them all and need not name them (SCM REST 25.5, Admin: details)."""
        login = self._connection.login
        try:
            own = await self._own(login)
            if own is None:
                return None
            told = (await self._ask.one(ADMINS, wire.AdminDetails, f"/admin/v1/{own.id}")).privileges
        except (ScmRefused, RoleMissing):  # only some administrators may look at others, or at themselves
            return None
        return None if told is None else frozenset(told)

    async def myself(self) -> Myself | None:
        """Who the account is; None where SCM does not tell."""
        try:
            own = await self._own(self._connection.login)
        except (ScmRefused, RoleMissing):
            return None
        if own is None or own.id is None:
            return None
        return Myself(own.id, " ".join(part for part in (own.forename, own.surname) if part))

    async def _own(self, login: str) -> wire.Admin | None:
        """The account's row in the list of administrators, which filters by a part of the login."""
        params: dict[str, str | int] = {"login": login, "size": 200}
        admins = await self._ask.rows(ADMINS, wire.Admin, "/admin/v1", params, key=lambda row: row.login)
        return next((row for row in admins if row.id and (row.login or "").lower() == login.lower()), None)

    async def password_state(self) -> PasswordState | None:
        """None where SCM does not tell: it does so for standard and API administrators only."""
        try:
            row = await self._ask.one(PASSWORD, wire.Password, "/admin/v1/password")
        except (ScmRefused, RoleMissing):
            return None
        return PasswordState(row.state, self._ask.day("the password's end", row.expiration_date)) if row.state else None


def _id(row: wire.OrganizationBasic | wire.CertType | wire.CustomFieldRow) -> int | None:
    return row.id


def _address(row: wire.OrganizationFull) -> Iterator[str]:
    place = " ".join(part for part in (row.postal_code, row.city) if part)
    for part in (row.address1, row.address2, row.address3, place, row.state_or_province, row.country):
        if part:
            yield part


def _level(row: wire.ValidationRow) -> str:
    """OV_SSL, EV_SSL, OV_SMIME. The 25.9 document names the type and the certificate types apart."""
    if row.validation_level or not row.type:
        return row.validation_level or ""
    permitted = {word(kind) for kind in row.permitted_cert_types or ()}
    only_mail = permitted and all(kind.startswith("smime") for kind in permitted)
    return f"{row.type}_{'SMIME' if only_mail else 'SSL'}"


def _keys(types: dict[str, list[str]]) -> Iterator[KeySpec]:
    for algorithm, parameters in types.items():
        for parameter in parameters:
            try:
                yield KeySpec.parse(f"{algorithm}:{parameter}")
            except BadInput:
                continue  # a key that kmptui cannot make
