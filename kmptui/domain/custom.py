"""The account's own fields on orders: what is required, and which choices a field offers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kmptui.domain.profile import CustomField
from kmptui.errors import BadInput, Finding

LONGEST_VALUE = 256


def parse_assignment(text: str) -> tuple[str, str]:
    """`NAME=VALUE` as the command line takes it; the name ends at the first `=`. Raises BadInput("custom")."""
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise BadInput("custom", "A custom field is written NAME=VALUE", cure="Put the name before an equals sign")
    return name.strip(), value.strip()


def field_name(name: str) -> str:
    """How findings name a custom field: `custom:Cost centre`."""
    return f"custom:{name}"


def findings(values: Iterable[tuple[str, str]], fields: Sequence[CustomField]) -> tuple[Finding, ...]:
    """What is wrong with an order's custom fields: required ones left empty, values that are no choice, fields that
    the account does not have. Names are compared as they are; inactive fields are not required."""
    known = {field.name: field for field in fields if field.active}
    given: dict[str, str] = {}
    found = []
    for name, value in values:
        if name in given:
            found.append(Finding(field_name(name), "is given twice", "Give it once"))
        given[name] = value
        if name not in known:
            have = ", ".join(known) or "none"
            found.append(Finding(field_name(name), "is no custom field of this account", f"It has: {have}"))
        elif len(value) > LONGEST_VALUE:
            found.append(Finding(field_name(name), f"has {len(value):,} characters", f"At most {LONGEST_VALUE}"))
        elif value and known[name].options and value not in known[name].options:
            choices = ", ".join(known[name].options)
            found.append(Finding(field_name(name), f"{value[:60]!r} is no choice", f"Choose one of: {choices}"))
    found += [
        Finding(field_name(field.name), "is required", "Fill it in")
        for field in known.values()
        if field.mandatory and not given.get(field.name, "").strip()
    ]
    return tuple(found)
