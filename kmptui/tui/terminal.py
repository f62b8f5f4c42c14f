"""The terminal and its end: signals on the loop, so that the screen is restored and the bookkeeping finished.

SIGHUP (a closed terminal, a dropped line) and SIGTERM would kill the program as it stands. Here they ask the app to
end; whoever started it then closes the workspace. A signal that the user chose to ignore (nohup) stays ignored.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Iterator

ENDING = (signal.SIGHUP, signal.SIGTERM)
SMALLEST = (60, 15)
"""Columns and lines below which nothing is shown but that it is too small."""


@contextlib.contextmanager
def ending_signals(end: Callable[[signal.Signals], None]) -> Iterator[None]:
    """Call `end` on the running loop at SIGHUP or SIGTERM, while the block lasts."""
    loop = asyncio.get_running_loop()
    handled = []
    for number in ENDING:
        if signal.getsignal(number) is not signal.SIG_IGN:
            with contextlib.suppress(ValueError, RuntimeError):  # not the main thread: then signals are not ours
                loop.add_signal_handler(number, end, number)
                handled.append(number)
    try:
        yield
    finally:
        for number in handled:
            loop.remove_signal_handler(number)


def too_small(columns: int, lines: int) -> bool:
    return columns < SMALLEST[0] or lines < SMALLEST[1]
