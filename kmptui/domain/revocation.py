"""Reason codes of revocation that SCM takes (RFC 5280, 5.3.1)."""

from __future__ import annotations

REASONS: dict[int, str] = {
    1: "key was exposed",
    4: "replaced",
    5: "no longer used",
    3: "organization's details changed",
    0: "no reason given",
}
