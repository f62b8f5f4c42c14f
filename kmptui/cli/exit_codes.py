"""Exit codes, decided here and nowhere else."""

from __future__ import annotations

from collections.abc import Sequence

from kmptui.errors import (
    AlreadyOrdered,
    BadInput,
    HeldElsewhere,
    KmptuiError,
    PreflightFailed,
    StateForbids,
    Unconfirmed,
)

FINE = 0
FAILURE = 1
USAGE = 2
ATTENTION = 3
"""Done what was possible; something waits or needs a person."""
DEFERRED = 4
"""Deferred, or held by another runner."""
ENDED_BY = 128
"""Plus the number of the signal that ended it in order: 130 Ctrl-C, 143 SIGTERM, 129 SIGHUP (the terminal closed)."""


def of(error: KmptuiError) -> int:
    """The exit code that tells a script what kind of trouble it is."""
    if isinstance(error, HeldElsewhere):
        return DEFERRED
    if isinstance(error, Unconfirmed | AlreadyOrdered):
        return ATTENTION
    if isinstance(error, BadInput | PreflightFailed):
        return USAGE
    return FAILURE


def of_many(errors: Sequence[Exception | None]) -> int:
    """The same for several of a kind, None for each that went well. What went wrong with all of them for one reason has
    that one's code, and so has the only one; else something was done, or waits for a person."""
    wrong = [error for error in errors if error is not None]
    if not wrong:
        return FINE
    if len(errors) > 1 and any(isinstance(error, StateForbids | PreflightFailed) for error in wrong):
        return ATTENTION
    codes = {of(error) if isinstance(error, KmptuiError) else FAILURE for error in wrong}
    return codes.pop() if len(wrong) == len(errors) and len(codes) == 1 else ATTENTION
