"""How a signal ends the program: in order and once, also while a person is asked.

The first SIGTERM or SIGHUP asks; those that follow are heard and change nothing, for a closing terminal sends SIGHUP
more than once, and the bookkeeping that the first one began is not to be cut short.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from typing import NoReturn

ENDING = (signal.SIGTERM, signal.SIGHUP)


class Ended(BaseException):
    """A signal came while a person was asked."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@contextlib.contextmanager
def heard(end: Callable[[signal.Signals], object]) -> Iterator[None]:
    """Call `end` on the running loop at the first of the signals, while the block lasts; it is to last until the
    workspace is closed. A signal that the user chose to ignore (nohup) stays ignored."""
    loop = asyncio.get_running_loop()
    came: list[int] = []
    handled: list[signal.Signals] = []

    def hear(number: signal.Signals) -> None:
        came.append(number)
        if len(came) == 1:
            end(number)

    for number in ENDING:
        if signal.getsignal(number) is not signal.SIG_IGN:
            with contextlib.suppress(ValueError, RuntimeError):  # not the main thread: then signals are not ours
                loop.add_signal_handler(number, hear, number)
                handled.append(number)
    try:
        yield
    finally:
        for number in handled:
            loop.remove_signal_handler(number)
            if came:  # it is ending: nothing that comes now is to change how
                signal.signal(number, signal.SIG_IGN)


@contextlib.contextmanager
def asking() -> Iterator[None]:
    """While a person is asked the event loop stands still, and with it whatever would hear a signal there: in the block
    a signal raises Ended where the answer is waited for, Ctrl-C at the first time too."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(number: int, _: object) -> NoReturn:
        raise Ended(number)

    loops = signal.set_wakeup_fd(-1)  # the loop is not to hear of it as well
    former = {number: signal.getsignal(number) for number in (*ENDING, signal.SIGINT)}
    try:
        for number, handler in former.items():
            if handler is not signal.SIG_IGN:
                signal.signal(number, end)
        yield
    except Ended:
        sys.stderr.write("\n")  # the question's line is not ended
        raise
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(loops)


def leave(code: int) -> NoReturn:
    """End here and now, once the workspace is closed: the interpreter would wait for its threads, and one of them may
    wait for a name server, for as long as that one is waited for."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):  # whoever read it has gone
            stream.flush()
    os._exit(code)
