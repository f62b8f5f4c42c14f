"""What the order form offers: only what goes together."""

from __future__ import annotations

from dataclasses import replace

from kmptui.domain.keys import KeySpec
from kmptui.domain.organization import Organization
from kmptui.domain.preflight import usable_profiles
from kmptui.domain.profile import CustomField, Profile
from kmptui.services.ordering import FormFacts
from kmptui.tui.dialogs.order.values import OrderValues

USUAL_KEYS = (
    KeySpec("RSA", "2048"),
    KeySpec("RSA", "3072"),
    KeySpec("RSA", "4096"),
    KeySpec("EC", "P-256"),
    KeySpec("EC", "P-384"),
)
"""Offered where a profile does not name its key types."""


def organizations(facts: FormFacts) -> tuple[Organization, ...]:
    """Those still in SCM, each before its departments."""
    return tuple(o for o in facts.organizations if o.present)


def profiles(facts: FormFacts, organization_id: int | None) -> tuple[Profile, ...]:
    """The profiles that the organization may order; all usable ones while none is chosen."""
    if organization_id is not None:
        return usable_profiles(organization_id, facts.profiles)
    return tuple(p for p in facts.profiles if p.status in {"usable", "changed"})


def profile(facts: FormFacts, profile_id: int | None) -> Profile | None:
    return next((p for p in facts.profiles if p.id == profile_id), None)


def terms(chosen: Profile | None) -> tuple[int, ...]:
    """The profile's terms in days, shortest first."""
    return tuple(sorted(chosen.terms)) if chosen else ()


def keys(chosen: Profile | None) -> tuple[KeySpec, ...]:
    """The key types that the profile takes, smallest RSA first, then the curves."""
    offered = chosen.keys if chosen and chosen.keys else USUAL_KEYS
    return tuple(sorted(offered, key=lambda k: (k.algorithm != "RSA", int("".join(filter(str.isdigit, k.parameter))))))


def custom_fields(facts: FormFacts) -> tuple[CustomField, ...]:
    """The active ones, those that must be filled in first."""
    return tuple(sorted((f for f in facts.custom_fields if f.active), key=lambda f: (not f.mandatory, f.name)))


def settle(values: OrderValues, facts: FormFacts, usual_term: int) -> OrderValues:
    """The values with each choice moved to one that is offered: a profile that the organization has, a term and a key
    that the profile has. What was chosen stays wherever it is still offered; a sole choice is taken. Where no term was
    chosen it is the longest up to `usual_term` days."""
    offered = {o.id for o in organizations(facts)}
    if values.organization_id not in offered:
        values = replace(values, organization_id=_sole(tuple(offered)))
    mine = tuple(p.id for p in profiles(facts, values.organization_id))
    if values.profile_id not in mine:
        values = replace(values, profile_id=_sole(mine))
    chosen = profile(facts, values.profile_id)
    if values.term not in terms(chosen):
        values = replace(values, term=_nearest(values.term or usual_term, terms(chosen)))
    if values.key not in keys(chosen):
        values = replace(values, key=keys(chosen)[0])
    return values


def first(facts: FormFacts, usual_term: int) -> OrderValues:
    """An empty form with the last choices."""
    remembered = OrderValues(
        organization_id=facts.last_organization_id, profile_id=facts.last_profile_id, term=facts.last_term
    )
    return settle(remembered, facts, usual_term)


def _sole(offered: tuple[int, ...]) -> int | None:
    return offered[0] if len(offered) == 1 else None


def _nearest(wanted: int, offered: tuple[int, ...]) -> int | None:
    """The longest term not above the wanted one, else the shortest there is."""
    if not offered:
        return None
    return max((term for term in offered if term <= wanted), default=offered[0])
