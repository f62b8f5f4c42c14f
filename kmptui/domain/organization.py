"""Organizations and their departments, as SCM knows them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date


@dataclass(frozen=True, slots=True)
class Validation:
    """One validation of an organization: level as SCM names it (OV_SSL, EV_SSL, OV_SMIME), its status and end."""

    level: str
    status: str
    expires: date | None = None


@dataclass(frozen=True, slots=True)
class Organization:
    """An organization, or a department where `parent_id` is set; both are valid `orgId`s.

    `rest_enabled` is None where SCM does not tell. `present` is False once SCM no longer lists it.
    """

    id: int
    name: str
    parent_id: int | None = None
    parent_name: str = ""
    rest_enabled: bool | None = None
    address: str = ""
    cert_types: tuple[str, ...] = ()
    validations: tuple[Validation, ...] = field(default=())
    present: bool = True

    @property
    def title(self) -> str:
        """`Parent / Department`, or the name."""
        return f"{self.parent_name} / {self.name}" if self.parent_id is not None else self.name

    @property
    def status(self) -> str:
        """One word for the list: validated, not validated, expired, REST off, gone, or unknown."""
        if not self.present:
            return "gone"
        if self.rest_enabled is False:
            return "REST off"
        ssl = [v for v in self.validations if v.level.upper().endswith("SSL")]
        if not ssl:
            return "unknown"
        words = {v.status.upper().replace(" ", "_") for v in ssl}
        if words & {"VALIDATED", "COMPLETED"}:
            return "validated"
        return "expired" if "EXPIRED" in words else "not validated"
