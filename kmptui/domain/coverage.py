"""Which domain of the account stands behind a name, and whether it lets an organization order it.

SCM's rule ("SCM REST 25.5, domain"): the domain is ACTIVE and validated, its proof of control (DCV) has not ended, and
it is delegated for SSL to the organization with the right privilege: DOMAIN for its own name, SUBDOMAIN for names
below, WILDCARD_1ST_LEVEL for `*.domain`, WILDCARD_2ND_LEVEL for wildcards further down.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date

from kmptui.domain.domain import Delegation, Domain, word
from kmptui.domain.names import under
from kmptui.domain.text import shell_word
from kmptui.errors import Finding


class DomainIndex:
    """Domains by name, so that finding one costs a few look-ups, however many there are."""

    def __init__(self, domains: Iterable[Domain] = ()) -> None:
        self._by_base: dict[str, list[Domain]] = {}
        for domain in domains:
            self._by_base.setdefault(domain.name.lower().removeprefix("*."), []).append(domain)

    def __len__(self) -> int:
        return sum(map(len, self._by_base.values()))

    def above(self, name: str) -> Iterator[Domain]:
        """The domains that the name (`Name.ascii`) belongs to, the most specific first; none for an address."""
        rest = name.removeprefix("*.")
        while rest:
            found = [domain for domain in self._by_base.get(rest, ()) if under(domain.name.lower(), name)]
            yield from sorted(found, key=lambda domain: (not domain.present, domain.name.startswith("*."), domain.id))
            rest = rest.partition(".")[2]


def domain_for(name: str, domains: DomainIndex | Iterable[Domain]) -> Domain | None:
    """The most specific domain that the name belongs to."""
    index = domains if isinstance(domains, DomainIndex) else DomainIndex(domains)
    return next(index.above(name), None)


def dcv_end(name: str, domains: DomainIndex) -> date | None:
    """The day on which the proof of control (DCV) of the name's domain ends; None where none is known."""
    deciding = _deciding(list(domains.above(name)))
    return deciding.dcv_expires if deciding is not None else None


def unproved(name: str, domains: DomainIndex, today: date) -> Domain | None:
    """The domain that decides over the name, where a validation of it would let the name be ordered; else None."""
    deciding = _deciding(list(domains.above(name)))
    if deciding is None:
        return None
    status = deciding.status(today)
    open_ = status in {"expired", "not validated"} or (status == "validated" and _leaves_out(deciding, name))
    return deciding if open_ else None


def _deciding(known: list[Domain]) -> Domain | None:
    """The most specific that SCM still lists, else the most specific there was."""
    return next((domain for domain in known if domain.present), known[0] if known else None)


def privilege(domain: str, name: str) -> str:
    """The privilege that ordering `name` under `domain` takes."""
    base = domain.removeprefix("*.")
    if name.startswith("*."):
        return "WILDCARD_1ST_LEVEL" if name[2:] == base else "WILDCARD_2ND_LEVEL"
    return "DOMAIN" if name == base else "SUBDOMAIN"


def name_findings(
    name: str,
    organization_id: int,
    domains: DomainIndex | Iterable[Domain],
    today: date,
    *,
    parent_id: int | None = None,
) -> Finding | None:
    """Why the mirror speaks against the name, without the name itself; None where nothing does.

    The most specific domain that SCM lists decides alone, as in SCM; one above it that would allow the name does not
    help. A department needs a delegation of its own; `parent_id`, its organization, only makes the reason clearer.
    Delegations are not judged while no organization is chosen (0), addresses never. Delegations that tell neither types
    nor privileges (older servers) count as allowed.
    """
    if ":" in name or name.replace(".", "").isdigit():
        return None
    index = domains if isinstance(domains, DomainIndex) else DomainIndex(domains)
    deciding = _deciding(list(index.above(name)))
    if deciding is None:
        return _finding("no domain of this account covers it", "Add and validate the domain in SCM, then sync")
    return _against(deciding, name, organization_id, parent_id, today)


def _against(domain: Domain, name: str, organization_id: int, parent_id: int | None, today: date) -> Finding | None:
    status = domain.status(today)
    if status == "gone":
        return _finding(f"{domain.name} is no longer in SCM", "Add the domain again, then sync domains")
    if status == "suspended":
        return _finding(f"{domain.name} is suspended", "Have it activated in SCM")
    if status == "requested":
        return _finding(f"{domain.name} waits for approval", "Have the request approved in SCM")
    if status == "expired":
        when = f" on {domain.dcv_expires:%-d %b %Y}" if domain.dcv_expires else ""
        return _finding(f"DCV of {domain.name} ended{when}", _validate(domain))
    if status != "validated":
        return _finding(f"{domain.name} is not validated", _validate(domain))
    if _leaves_out(domain, name):
        return _finding(f"{domain.name} is validated over HTTP, which covers its own name only", _validate(domain))
    if organization_id <= 0:
        return None
    return _undelegated(domain, name, organization_id, parent_id)


def _leaves_out(domain: Domain, name: str) -> bool:
    """An HTTP proof covers the exact name (CA/B Forum Baseline Requirements 3.2.2.4.18)."""
    return word(domain.dcv_method).startswith("http") and name != domain.name.lower()


def _undelegated(domain: Domain, name: str, organization_id: int, parent_id: int | None) -> Finding | None:
    mine = [d for d in domain.delegations if d.organization_id == organization_id]
    cure = "Have it delegated in SCM (Domains, Delegate), then sync domains"
    if not mine:
        if any(d.organization_id == parent_id for d in domain.delegations):
            return _finding(f"{domain.name} is delegated to the organization, but not to this department", cure)
        return _finding(f"{domain.name} is not delegated to the organization", cure)
    active = [d for d in mine if word(d.status) in {"", "active", "approved"}]
    if not active:
        return _finding(f"the delegation of {domain.name} waits for approval", "Have it approved in SCM")
    for_ssl = [d for d in active if not d.cert_types or "ssl" in {word(kind) for kind in d.cert_types}]
    if not for_ssl:
        return _finding(f"{domain.name} is not delegated for SSL certificates", cure)
    wanted = privilege(domain.name.lower(), name)
    if any(_grants(delegation, wanted) for delegation in for_ssl):
        return None
    what = {"DOMAIN": "its own name is", "SUBDOMAIN": "names below it are"}.get(wanted, "such wildcards are")
    return _finding(f"{domain.name} is delegated, but {what} not ({wanted})", cure)


def _grants(delegation: Delegation, wanted: str) -> bool:
    return not delegation.privileges or word(wanted) in {word(privilege) for privilege in delegation.privileges}


def _validate(domain: Domain) -> str:
    return f"Validate it: kmptui domains validate {shell_word(domain.name)} --method cname"


def _finding(cause: str, cure: str) -> Finding:
    return Finding("names", cause, cure, stale_prone=True)
