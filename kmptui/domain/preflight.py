"""Holds an order against what SCM is known to allow, before anything is sent.

Form findings (syntax, lengths, required fields, terms and keys that the profile does not offer) forbid sending. What
rests on the mirror of domains and organizations is marked `stale_prone`: it is read anew first, and then a person may
send all the same. A `hint` forbids nothing. Fields: names, common_name, organization, profile, term, key, csr,
keystore, keystore_password, comments, requesters, custom:NAME, note, contact.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from kmptui.domain import custom, entry
from kmptui.domain.coverage import DomainIndex as DomainIndex
from kmptui.domain.coverage import domain_for as domain_for
from kmptui.domain.coverage import name_findings as name_findings
from kmptui.domain.domain import Domain, word
from kmptui.domain.keys import KeySpec
from kmptui.domain.names import LONGEST_COMMON_NAME, MOST_NAMES, display, fits_common_name, parse_name
from kmptui.domain.order import KeystorePassword, NewKey, OrderRequest, OwnCsr
from kmptui.domain.organization import Organization
from kmptui.domain.profile import CustomField, Profile
from kmptui.domain.validity import longest_issued
from kmptui.errors import BadInput, Finding

KEYSTORES = ("pkcs12", "jks", "pem")
ROOMY_COMMENTS = 1_000
"""Comments up to here leave room for the mark by which a lost order is found again."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What an order is held against. `domains` may be given as an index, so that many names are quick; `csr_key` is the
    key of an own CSR, where it was read."""

    today: date
    profiles: Sequence[Profile] = ()
    custom_fields: Sequence[CustomField] = ()
    organizations: Sequence[Organization] = ()
    domains: DomainIndex = field(default_factory=DomainIndex)
    csr_key: KeySpec | None = None


def check(request: OrderRequest, facts: Facts) -> tuple[Finding, ...]:
    """Every finding: the form's first, then the mirror's. Nothing but hints means that it may be sent."""
    form = form_findings(request, facts.profiles, facts.custom_fields, facts.today, csr_key=facts.csr_key)
    mirror = mirror_findings(request, facts.organizations, facts.domains, facts.today, facts.profiles)
    return form + mirror


def forbids(findings: Iterable[Finding]) -> bool:
    """Whether any finding is more than a hint."""
    return any(not finding.hint for finding in findings)


def usable_profiles(organization_id: int, profiles: Iterable[Profile]) -> tuple[Profile, ...]:
    """The profiles that an organization or department may order now, in the order given."""
    return tuple(p for p in profiles if p.status in {"usable", "changed"} and organization_id in p.organizations)


def validation_level(profile: Profile | None) -> str:
    """PRIVATE, EV, OV or DV where the profile's name or description says so (SCM's API has no member for it), else
    empty. Private CAs ask for no proof of domains or organizations."""
    return level_in(f"{profile.name} {profile.description}") if profile else ""


def level_in(text: str) -> str:
    """The same out of a profile's name alone."""
    words = re.findall(r"[A-Za-z]+", text.upper())
    return next((level for level in ("PRIVATE", "EV", "OV", "DV") if level in words), "")


def form_findings(
    request: OrderRequest,
    profiles: Sequence[Profile],
    custom_fields: Sequence[CustomField],
    today: date,
    *,
    csr_key: KeySpec | None = None,
) -> tuple[Finding, ...]:
    """What the form alone shows to be wrong, in the order of the fields; never stale_prone."""
    found = [*_names(request.names)]
    if request.organization_id <= 0:
        found.append(Finding("organization", "is not chosen", "Choose an organization or department"))
    found += _profile(request, profiles, today, csr_key)
    found += _csr(request.key)
    if request.keystore not in KEYSTORES:
        found.append(Finding("keystore", f"{request.keystore[:20]!r} is no type", f"Take {', '.join(KEYSTORES)}"))
    if request.keystore_password_when is KeystorePassword.NOW:
        found += _entered("keystore_password", entry.keystore_password, request.keystore_password)
    found += _entered("comments", entry.comments, request.comments)
    if ROOMY_COMMENTS < len(request.comments) <= entry.LONGEST_COMMENTS:
        cause = f"above {ROOMY_COMMENTS:,} characters there is no room for the mark that finds a lost order again"
        found.append(Finding("comments", cause, "It would be looked for by its names", hint=True))
    found += _entered("requesters", entry.requesters, ", ".join(request.requesters))
    found += custom.findings(request.custom_fields, custom_fields)
    found += _entered("note", entry.note, request.note)
    found += _entered("contact", entry.contact, request.contact)
    return tuple(found)


def mirror_findings(
    request: OrderRequest,
    organizations: Sequence[Organization],
    domains: DomainIndex | Sequence[Domain],
    today: date,
    profiles: Sequence[Profile] = (),
) -> tuple[Finding, ...]:
    """What the mirror of organizations and domains speaks against; all stale_prone. Names with the same cause share one
    finding. `profiles` tell how much must be proved: nothing for a private CA (all are hints then), no organization for
    a DV profile."""
    index = domains if isinstance(domains, DomainIndex) else DomainIndex(domains)
    organization = next((o for o in organizations if o.id == request.organization_id), None)
    profile = next((p for p in profiles if p.id == request.profile_id), None)
    level = validation_level(profile)
    found = _organization(request.organization_id, organization, organizations, level, today)
    parent = organization.parent_id if organization else None
    by_cause: dict[Finding, list[str]] = {}
    for name in request.names:
        finding = name_findings(name, request.organization_id, index, today, parent_id=parent)
        if finding is not None:
            by_cause.setdefault(finding, []).append(name)
    for finding, names in by_cause.items():
        cause = f"{_some(names)}: {finding.cause}"
        found.append(Finding("names", cause, finding.cure, True, level == "PRIVATE", tuple(names)))
    return tuple(found)


def _names(names: tuple[str, ...]) -> list[Finding]:
    if not names:
        return [Finding("names", "there is no name", "Give at least the common name")]
    found = []
    if len(names) > MOST_NAMES:
        found.append(Finding("names", f"{len(names):,} names are too many", f"An order takes {MOST_NAMES}"))
    for name in names[: 2 * MOST_NAMES]:
        try:
            if parse_name(name).ascii != name:
                cause = f"{display(name)} is not written as certificates hold it"
                found.append(Finding("names", cause, names=(name,)))
        except BadInput as error:
            found.append(Finding("names", f"{name[:60]!r}: {error.why}", error.cure, names=(name,)))
    if len(set(names)) < len(names):
        twice = sorted({name for name in names if names.count(name) > 1}) if len(names) <= 2 * MOST_NAMES else []
        found.append(Finding("names", f"given twice: {_some(twice)}" if twice else "some are given twice"))
    if not fits_common_name(names[0]):
        cause = f"{len(names[0])} characters are too long for the common name"
        found.append(Finding("common_name", cause, f"Put a name of at most {LONGEST_COMMON_NAME} characters first"))
    return found


def _profile(request: OrderRequest, profiles: Sequence[Profile], today: date, csr_key: KeySpec | None) -> list[Finding]:
    profile = next((p for p in profiles if p.id == request.profile_id), None)
    if profile is None:
        return [Finding("profile", "is not chosen" if request.profile_id <= 0 else "is not known", "Choose a profile")]
    found = []
    if profile.status not in {"usable", "changed"}:
        found.append(Finding("profile", f"{profile.name} is {profile.status}", "Choose another profile"))
    elif request.organization_id > 0 and request.organization_id not in profile.organizations:
        found.append(Finding("profile", f"{profile.name} is not for this organization", "Choose another profile"))
    if request.term not in profile.terms:
        offered = ", ".join(f"{term:,}" for term in sorted(profile.terms)) or "none"
        found.append(Finding("term", f"{request.term} days are not offered", f"{profile.name} has: {offered}"))
    elif request.term > longest_issued(today):
        cause = f"public certificates are issued for at most {longest_issued(today)} days now"
        found.append(Finding("term", cause, "It may end earlier than asked for", hint=True))
    key = request.key.spec if isinstance(request.key, NewKey) else csr_key
    if key is not None and profile.keys and key not in profile.keys:
        taken = ", ".join(str(spec) for spec in sorted(profile.keys))
        name = "key" if isinstance(request.key, NewKey) else "csr"
        found.append(Finding(name, f"{key} is not taken by {profile.name}", f"It takes: {taken}"))
    return found


def _csr(key: NewKey | OwnCsr) -> list[Finding]:
    if isinstance(key, NewKey):
        return []
    if "-----BEGIN" not in key.pem:
        return [Finding("csr", "is no PEM certification request", "Choose a file that openssl req made")]
    if len(key.pem) > entry.LONGEST_CSR:
        return [Finding("csr", f"has {len(key.pem):,} characters", f"SCM takes {entry.LONGEST_CSR:,}")]
    return []


def _entered(name: str, rule: Callable[[str], object], value: str) -> list[Finding]:
    try:
        rule(value)
    except BadInput as error:
        return [Finding(name, f"{error.what}: {error.why}" if error.why else error.what, error.cure)]
    return []


def _organization(
    wanted: int, organization: Organization | None, organizations: Sequence[Organization], level: str, today: date
) -> list[Finding]:
    if wanted <= 0:
        return []
    if organization is None:
        return [Finding("organization", f"{wanted} is not known here", "Sync organizations", stale_prone=True)]
    parent = next((o for o in organizations if o.id == organization.parent_id), None)
    if not organization.present:
        cause = f"{organization.title} is no longer in SCM"
        return [Finding("organization", cause, "Choose another one", stale_prone=True)]
    found = []
    if organization.rest_enabled is False:
        cause = f"{organization.title} does not allow orders by REST API"
        cure = "Have 'SSL certificates: Web API' switched on in SCM"
        found.append(Finding("organization", cause, cure, stale_prone=True))
    if organization.cert_types and "ssl" not in {word(kind) for kind in organization.cert_types}:
        cause = f"{organization.title} is not enabled for SSL certificates"
        found.append(Finding("organization", cause, "Have SSL enabled for it in SCM", stale_prone=True))
    if level not in {"DV", "PRIVATE"} and (cause := _unvalidated(organization, parent, level, today)):
        cure = "Have it validated in SCM (Organizations, Validations)"
        found.append(Finding("organization", cause, cure, stale_prone=True, hint=level == ""))
    return found


def _unvalidated(organization: Organization, parent: Organization | None, level: str, today: date) -> str:
    """Why the organization does not count as validated; empty where it does or nothing is known. A department stands on
    its parent's validation where it has none. An EV validation serves OV orders too."""
    holder = organization if organization.validations or parent is None else parent
    levels = {"EV": ("EVSSL",), "OV": ("OVSSL", "EVSSL")}.get(level, ("OVSSL", "EVSSL"))
    known = [v for v in holder.validations if word(v.level).upper() in levels]
    if not holder.validations:
        return ""
    good = [v for v in known if word(v.status) in {"validated", "completed", "valid"}]
    if any(v.expires is None or v.expires >= today for v in good):
        return ""
    words: Mapping[str, str] = {"EV": "for EV certificates", "OV": "for OV certificates"}
    ended = max((v.expires for v in known if v.expires is not None), default=None)
    if ended is not None and ended < today:
        return f"the validation of {holder.title} ended on {ended:%-d %b %Y}"
    return f"{holder.title} is not validated {words.get(level, 'for OV or EV certificates')}"


SAYS_ITSELF = frozenset({"names", "organization", "profile"})
"""Fields whose findings say by themselves what they are about."""


def sentence(finding: Finding) -> str:
    """The cause alone, outside of any form: what is wrong first, then the names that it concerns."""
    if finding.field not in SAYS_ITSELF:
        return f"{finding.field}: {finding.cause}"
    about = _some(finding.names)
    wrong = finding.cause.removeprefix(f"{about}: ")
    return finding.cause if wrong == finding.cause else f"{wrong} ({about})"


def _some(names: Sequence[str]) -> str:
    """The first names, and how many more."""
    shown = ", ".join(display(name[:253]) for name in names[:3])
    return f"{shown} and {len(names) - 3:,} more" if len(names) > 3 else shown
