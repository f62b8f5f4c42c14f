"""Exit codes, decided here and nowhere else."""

from __future__ import annotations

from kmptui.errors import (
    AlreadyOrdered,
    BadInput,
    HeldElsewhere,
    KmptuiError,
    PreflightFailed,
    Unconfirmed,
)

FINE = 0
FAILURE = 1
USAGE = 2
ATTENTION = 3
"""Done what was possible; something waits or needs a person."""
DEFERRED = 4
"""Deferred, or held by another runner."""


def of(error: KmptuiError) -> int:
    """The exit code that tells a script what kind of trouble it is."""
    if isinstance(error, HeldElsewhere):
        return DEFERRED
    if isinstance(error, Unconfirmed | AlreadyOrdered):
        return ATTENTION
    if isinstance(error, BadInput | PreflightFailed):
        return USAGE
    return FAILURE
