"""Repeating what changes nothing: when, how often, and for how long.

Exponential pauses with jitter, or what the server asks for (Retry-After), at most four tries and 60 seconds in all. The
pause comes in from outside, so that a test need not wait.
"""

from __future__ import annotations

import random
import time
from collections.abc import Awaitable, Callable
from itertools import count
from typing import TypeVar

from kmptui.errors import KmptuiError

T = TypeVar("T")
TRIES = 4
SECONDS = 60.0
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 8.0
Pause = Callable[[float], Awaitable[object]]


class Again(Exception):
    """A read that may be repeated: the error that it ends with otherwise, and the seconds that the server asks for."""

    def __init__(self, error: KmptuiError, after: float | None = None) -> None:
        super().__init__(str(error))
        self.error = error
        self.after = after


async def repeat(once: Callable[[], Awaitable[T]], *, pause: Pause, tries: int = TRIES) -> T:
    """`once` until it does not raise Again; the last one's error when tries or time are used up."""
    spent = 0.0
    for attempt in count(1):
        start = time.monotonic()
        try:
            return await once()
        except Again as again:
            longest = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (attempt - 1))
            wait = max(again.after or 0.0, random.uniform(longest / 2, longest))  # noqa: S311 -- no secret
            spent += time.monotonic() - start + wait
            if attempt >= tries or spent > SECONDS:
                raise again.error from again.__cause__
        await pause(wait)
    raise AssertionError  # count() does not end
