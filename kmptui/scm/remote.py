"""Orders as SCM tells them, made into `RemoteOrder`: from the list, the details, the report.

What cannot be understood (a date of no known form, a serial that is no number) is left out and named in the row's
oddities; a row without a usable id gets the id 0.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from functools import lru_cache

from kmptui.domain.certificate import serial_hex
from kmptui.domain.keys import KeySpec
from kmptui.domain.order import RemoteOrder
from kmptui.errors import BadInput
from kmptui.scm.dates import to_date
from kmptui.scm.wire import CustomValue, Details, Identity, ReportRow

LARGEST_ID = 2**63 - 1
_SEPARATORS = re.compile(r"[;,]")


def from_identity(row: Identity, odd: Iterable[str] = ()) -> RemoteOrder:
    oddities = list(odd)
    return RemoteOrder(
        ssl_id=usable_id(row.ssl_id, oddities),
        common_name=row.common_name or "",
        names=_names(row.common_name or "", row.subject_alternative_names or ()),
        serial=_serial(row.serial_number, oddities),
        oddities=tuple(oddities),
    )


def from_details(row: Details, odd: Iterable[str] = ()) -> RemoteOrder:
    oddities = list(odd)
    common_name = row.common_name or ""
    profile = row.cert_type
    key = row.key_type or " ".join(str(part) for part in (row.key_algorithm, row.key_size) if part)
    return RemoteOrder(
        ssl_id=usable_id(row.ssl_id if row.ssl_id is not None else row.id, oddities),
        common_name=common_name,
        names=_names(common_name, row.subject_alternative_names or ()),
        status=row.status or "",
        organization_id=row.org_id,
        profile_id=profile.id if profile else None,
        profile=(profile.name or "") if profile else "",
        order_number=_number(row.order_number),
        backend_id=row.backend_cert_id or "",
        serial=_serial(row.serial_number, oddities),
        term=row.term,
        key=_key(key),
        requester=row.requester or "",
        external_requester=row.external_requester or "",
        comments=row.comments or "",
        custom_fields=_custom(row.custom_fields),
        requested=_date("requested", row.requested, oddities),
        approved=_date("approved", row.approved, oddities),
        issued=_date("issued", row.issued, oddities),
        declined=_date("declined", row.declined, oddities),
        expires=_date("expires", row.expires, oddities),
        replaced=_date("replaced", row.replaced, oddities),
        revoked=_date("revoked", row.revoked, oddities),
        renewed=row.renewed,
        auto_renew_state=(row.auto_renew_details.state or "") if row.auto_renew_details else "",
        requested_via=row.requested_via or "",
        issuer=(row.certificate_details.issuer or "") if row.certificate_details else "",
        oddities=tuple(oddities),
        requester_id=row.requester_id,
    )


def from_report(row: ReportRow, odd: Iterable[str] = ()) -> RemoteOrder:
    oddities = list(odd)
    common_name = row.common_name or ""
    return RemoteOrder(
        usable_id(row.id, oddities),
        common_name,
        _reported_names(common_name, row.subj_alt_names or ""),
        row.status or "",
        row.org_id,
        row.organization_name or "",
        row.type_id,
        row.type or "",
        _number(row.order_number),
        row.backend_cert_id or "",
        _serial(row.serial_number, oddities),
        row.term,
        _key(row.public_key_type or ""),
        row.requester or "",
        row.external_requester or "",
        row.comments or "",
        _custom(row.custom_fields),
        _date("requested", row.requested, oddities),
        _date("approved", row.approved, oddities),
        _date("issued", row.issued, oddities),
        _date("declined", row.declined, oddities),
        _date("expires", row.expires, oddities),
        _date("replaced", row.replaced, oddities),
        _date("revoked", row.revoked, oddities),
        requested_via=row.requested_via or "",
        issuer=row.issuer or "",
        from_report=True,
        oddities=tuple(oddities),
    )


def usable_id(number: int | None, odd: list[str]) -> int:
    """A positive id that a store can hold; 0 with an oddity where there is none."""
    if number is None or not 0 < number <= LARGEST_ID:
        odd.append("it has no usable id" if number is None else f"its id is {str(number)[:40]}")
        return 0
    return number


def _reported_names(common_name: str, others: str) -> tuple[str, ...]:
    if common_name and others in {"", common_name}:  # most certificates have one name
        return (common_name,)
    return _names(common_name, _SEPARATORS.split(others))


def _names(common_name: str, others: Iterable[str]) -> tuple[str, ...]:
    """The common name first, each once."""
    found = dict.fromkeys((common_name, *(name.strip() for name in others)))
    found.pop("", None)
    return tuple(found)


def _number(value: int | str | None) -> str:
    return "" if value is None else str(value)


def _custom(values: list[CustomValue] | None) -> tuple[tuple[str, str], ...]:
    return tuple((one.name, one.value or "") for one in values if one.name) if values else ()


def _serial(text: str | None, odd: list[str]) -> str:
    if not text:
        return ""
    try:
        return serial_hex(text)
    except ValueError:
        odd.append(f"its serial number is {text[:40]!r}")
        return ""


def _date(name: str, text: str | None, odd: list[str]) -> date | None:
    if not text:
        return None
    try:
        return to_date(text)
    except ValueError:
        odd.append(f"{name} is {text[:40]!r}, no date")
        return None


@lru_cache(maxsize=256)
def _key(text: str) -> str:
    """`RSA 2048` for `RSA - 2048`; what is no key type of ours stays as it is."""
    try:
        return str(KeySpec.parse(text)) if text else ""
    except BadInput:
        return text
