"""The certificate limit: how many living certificates the repository takes ("licence count")."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limit:
    """`most` certificates, 0 for no limit; `used` counts lineages with a certificate neither expired nor revoked."""

    most: int
    used: int

    @property
    def room(self) -> int | None:
        """How many more fit in; None without a limit."""
        return None if self.most == 0 else max(0, self.most - self.used)

    def admits(self, *, successor: bool) -> bool:
        """Whether one more comes in. A successor takes its predecessor's place and is never held back."""
        return successor or self.room is None or self.room > 0

    def __str__(self) -> str:
        return f"{self.used:,} of {self.most:,}" if self.most else f"{self.used:,}, no limit"
