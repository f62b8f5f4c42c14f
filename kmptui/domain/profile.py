"""Certificate profiles (SCM: SSL types) and custom fields."""

from __future__ import annotations

from dataclasses import dataclass

from kmptui.domain.keys import KeySpec


@dataclass(frozen=True, slots=True)
class Profile:
    """A product that SCM offers: `terms` in days, `keys` it takes, `organizations` whose ids may use it.

    `status` is usable, changed (its terms or keys differ from the last acknowledged ones), gone, or
    "not for your organizations".
    """

    id: int
    name: str
    description: str = ""
    terms: tuple[int, ...] = ()
    keys: tuple[KeySpec, ...] = ()
    organizations: frozenset[int] = frozenset()
    status: str = "usable"

    @property
    def longest_term(self) -> int | None:
        return max(self.terms, default=None)


@dataclass(frozen=True, slots=True)
class CustomField:
    """A field that the account adds to orders; `mandatory` means: for orders by REST. `options` empty: free text."""

    id: int
    name: str
    mandatory: bool = False
    options: tuple[str, ...] = ()
    active: bool = True
