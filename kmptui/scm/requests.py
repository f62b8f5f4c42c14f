"""Requests that change something in SCM, built and checked apart from being sent.

`body()` gives the JSON object as SCM will get it and raises BadInput for what SCM's own limits forbid (SCM REST 25.5,
SSL certificates), so that a request is known to be sendable before its intent is committed as sent.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Protocol

import msgspec

from kmptui.domain import custom, entry
from kmptui.errors import BadInput

LARGEST_NUMBER = 2**31 - 1
_CSR = re.compile(r"[A-Za-z0-9+=/\s-]+", re.ASCII)

Json = dict[str, object]


class Body(Protocol):
    """What knows its JSON body."""

    def body(self) -> Json:
        """Raises BadInput(field)."""
        ...


def preview(request: Body) -> str:
    """The request's body as SCM will get it, as indented JSON. Raises BadInput(field)."""
    return msgspec.json.format(msgspec.json.encode(request.body()), indent=2).decode()


@dataclass(frozen=True, slots=True)
class Enrolment:
    """`POST /ssl/v1/enroll`: `names` in punycode, the common name first (the CSR holds it too); `term` in days; `csr`
    in PEM; `custom_fields` without empty values."""

    organization_id: int
    csr: str
    names: tuple[str, ...]
    profile_id: int
    term: int
    comments: str = ""
    requesters: tuple[str, ...] = ()
    custom_fields: tuple[tuple[str, str], ...] = ()

    def body(self) -> Json:
        """Raises BadInput(organization|profile|term|csr|names|comments|requesters|custom:NAME)."""
        if not self.names:
            raise BadInput("names", "There is no name")
        body: Json = {
            "orgId": _number("organization", self.organization_id),
            "certType": _number("profile", self.profile_id),
            "term": _number("term", self.term),
            "csr": _csr(self.csr),
            "subjAltNames": ",".join(map(_name, self.names)),
        }
        if self.comments:
            body["comments"] = entry.comments(self.comments)
        if self.requesters:
            body["externalRequester"] = ", ".join(entry.requesters(", ".join(self.requesters)))
        if self.custom_fields:
            body["customFields"] = _custom_fields(self.custom_fields)
        return body


@dataclass(frozen=True, slots=True)
class Renewal:
    """`POST /ssl/v1/renewById/{sslId}`: without a CSR the old key is used again."""

    csr: str | None = None

    def body(self) -> Json:
        """Always an object: SCM refuses a renewal without one. Raises BadInput(csr)."""
        return {} if self.csr is None else {"csr": _csr(self.csr)}


@dataclass(frozen=True, slots=True)
class Replacement:
    """`POST /ssl/v1/replace/{sslId}` (reissue): no common name or names: as before."""

    csr: str
    reason: str
    common_name: str = ""
    names: tuple[str, ...] = ()

    def body(self) -> Json:
        """Raises BadInput(csr|reason|names)."""
        body: Json = {"csr": _csr(self.csr), "reason": entry.reason(self.reason)}
        if self.common_name:
            body["commonName"] = _name(self.common_name)
        if self.names:
            body["subjectAlternativeNames"] = list(map(_name, self.names))
        return body


@dataclass(frozen=True, slots=True)
class Revocation:
    """`POST /ssl/v1/revoke/…`: `code` as RFC 5280, 5.3.1 (0, 1, 3, 4 or 5); `reason` 1–512 characters."""

    code: int
    reason: str

    def body(self) -> Json:
        """Raises BadInput(reason_code|reason)."""
        return {"reasonCode": entry.reason_code(self.code), "reason": entry.reason(self.reason)}


@dataclass(frozen=True, slots=True)
class Decision:
    """`POST /ssl/v1/decline|approve/{sslId}`: what the requester is told, 1–512 characters."""

    message: str

    def body(self) -> Json:
        """Raises BadInput(message)."""
        return {"message": entry.message(self.message)}


@dataclass(frozen=True, slots=True)
class Update:
    """`PUT /ssl/v1`: what is None stays as it is. Organization, profile, term, names and CSR can be changed only while
    the order is Requested, Declined, Rejected or Invalid."""

    ssl_id: int
    organization_id: int | None = None
    profile_id: int | None = None
    term: int | None = None
    common_name: str | None = None
    names: tuple[str, ...] | None = None
    csr: str | None = None
    comments: str | None = None
    requesters: tuple[str, ...] | None = None
    custom_fields: tuple[tuple[str, str], ...] | None = None

    def body(self) -> Json:
        """Raises BadInput(organization|profile|term|csr|names|comments|requesters|custom:NAME)."""
        body: Json = {"sslId": _number("order", self.ssl_id)}
        for name, field, value in (
            ("orgId", "organization", self.organization_id),
            ("certTypeId", "profile", self.profile_id),
            ("term", "term", self.term),
        ):
            if value is not None:
                body[name] = _number(field, value)
        if self.common_name is not None:
            body["commonName"] = _name(self.common_name)
        if self.names is not None:
            body["subjectAlternativeNames"] = list(map(_name, self.names))
        if self.csr is not None:
            body["csr"] = _csr(self.csr)
        if self.comments is not None:
            body["comments"] = entry.comments(self.comments)
        if self.requesters is not None:
            body["externalRequester"] = ", ".join(entry.requesters(", ".join(self.requesters)))
        if self.custom_fields is not None:
            body["customFields"] = _custom_fields(self.custom_fields)
        return body


def _number(field: str, value: int) -> int:
    if not 1 <= value <= LARGEST_NUMBER:
        raise BadInput(field, f"{value} is no number that SCM takes", cure=f"It takes 1 to {LARGEST_NUMBER:,}")
    return value


def _csr(pem: str) -> str:
    if not 1 <= len(pem) <= entry.LONGEST_CSR:
        raise BadInput("csr", f"The request has {len(pem):,} characters", why=f"SCM takes {entry.LONGEST_CSR:,}")
    if not _CSR.fullmatch(pem):
        raise BadInput("csr", "The request has characters that no PEM file has", cure="Make it with openssl req")
    return pem


def _name(name: str) -> str:
    """A name that cannot be taken for two: SCM gets the names of an enrolment in one text."""
    if not name or not name.isascii() or not name.isprintable() or any(char in name for char in ',; "'):
        raise BadInput("names", f"{name[:60]!r} is no name that SCM takes")
    return name


def _custom_fields(values: tuple[tuple[str, str], ...]) -> list[Json]:
    for name, value in values:
        if not 1 <= len(name) <= custom.LONGEST_VALUE or len(value) > custom.LONGEST_VALUE:
            raise BadInput(custom.field_name(name[:60]), f"is longer than {custom.LONGEST_VALUE} characters")
    return [{"name": name, "value": value} for name, value in values]
