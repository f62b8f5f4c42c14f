"""Domains, their delegations, and their domain control validation (DCV)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Delegation:
    """Who may order what under the domain. `privileges`: DOMAIN, SUBDOMAIN, WILDCARD_1ST_LEVEL, WILDCARD_2ND_LEVEL."""

    organization_id: int
    cert_types: tuple[str, ...] = ()
    status: str = ""
    privileges: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Domain:
    """A domain as SCM knows it; words are kept as SCM wrote them, compare them with `word()`.

    `name` is punycode, lower case, may start with `*.`; `dcv_expires` is the day on which the proof of control
    ends.
    """

    id: int
    name: str
    state: str = ""
    delegation_status: str = ""
    validation_status: str = ""
    dcv_method: str = ""
    dcv_expires: date | None = None
    delegations: tuple[Delegation, ...] = ()
    present: bool = True

    def status(self, today: date) -> str:
        """One word for the list: validated, expired, not validated, suspended, requested, gone."""
        if not self.present:
            return "gone"
        if word(self.state) == "suspended":
            return "suspended"
        if word(self.delegation_status) == "requested":
            return "requested"
        if word(self.validation_status) == "expired" or (self.dcv_expires is not None and self.dcv_expires < today):
            return "expired"
        return "validated" if word(self.validation_status) == "validated" else "not validated"


def word(text: str) -> str:
    """SCM writes one status as VALIDATED, Validated and not_validated: fold case and separators away."""
    return "".join(c for c in text.lower() if c.isalnum())
