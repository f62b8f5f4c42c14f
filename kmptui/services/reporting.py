"""How long work tells of itself: jobs that the status line shows, and changes that lists follow."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field, replace

from kmptui.domain.listing import Topic

_log = logging.getLogger(__name__)

MOST_OFTEN = 0.1
"""Seconds between two calls to who watches the running work."""


@dataclass(frozen=True, slots=True)
class Progress:
    """What is being done, and how far it is: `total` is None while it is unknown; `stoppable`: a person may stop it."""

    words: str
    done: int = 0
    total: int | None = None
    stoppable: bool = False


Report = Callable[[Progress], None]
_current: ContextVar[int | None] = ContextVar("kmptui_job", default=None)


def silent(_: Progress) -> None:
    """For who does not want to know."""


@dataclass(frozen=True, slots=True)
class Changed:
    """Rows of a topic changed in the store; empty `ids` means: any of them."""

    topic: Topic
    ids: frozenset[int] = field(default=frozenset())


class Listeners:
    """Who wants to hear of changes; called on the event loop, in the order of their coming."""

    def __init__(self) -> None:
        self._callbacks: dict[int, Callable[[Changed], None]] = {}
        self._next = 0

    def add(self, callback: Callable[[Changed], None]) -> Callable[[], None]:
        """Returns what ends it."""
        self._next += 1
        number = self._next
        self._callbacks[number] = callback
        return lambda: self._callbacks.pop(number, None) and None

    def tell(self, change: Changed) -> None:
        """What was written is written: a listener that fails must not break the work that tells of it."""
        for callback in tuple(self._callbacks.values()):
            try:
                callback(change)
            except Exception:  # noqa: BLE001 - a defect of the listener's, told in the log
                _log.exception("a listener failed")


class Running:
    """The jobs that run now, oldest first, and who watches them."""

    def __init__(self) -> None:
        self._jobs: dict[int, Progress] = {}
        self._stops: dict[int, Callable[[Progress], None]] = {}
        self._watchers: dict[int, Callable[[], None]] = {}
        self._next = 0
        self._due: asyncio.TimerHandle | None = None

    @property
    def jobs(self) -> tuple[Progress, ...]:
        return tuple(self._jobs.values())

    @contextlib.contextmanager
    def shown(self, words: str, stop: Callable[[Progress], None] | None = None) -> Iterator[None]:
        """A job for the length of the block; what the block reports is shown as its progress. `stop` ends it early,
        where it may be ended, and is told how far it had come."""
        self._next += 1
        number = self._next
        self._jobs[number] = Progress(words, stoppable=stop is not None)
        if stop is not None:
            self._stops[number] = stop
        token = _current.set(number)
        self._tell()
        try:
            yield
        finally:
            _current.reset(token)
            del self._jobs[number]
            self._stops.pop(number, None)
            self._tell()

    def stop(self) -> bool:
        """Stop the youngest job, which is the one that is shown; whether it can be stopped."""
        number = next(reversed(self._jobs), None)
        stop = self._stops.pop(number, None) if number is not None else None
        if number is None or stop is None:
            return False
        stop(self._jobs[number])
        return True

    def telling(self, also: Report = silent) -> Report:
        """A report for the job that runs here: it moves the status line, and `also` hears it."""

        def report(progress: Progress) -> None:
            number = _current.get()
            if number is not None and number in self._jobs:
                self._jobs[number] = replace(progress, stoppable=number in self._stops)
                self._tell()
            also(progress)

        return report

    def watch(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call back soon after the jobs changed, not more often than every 100 ms; returns what ends it."""
        self._next += 1
        number = self._next
        self._watchers[number] = callback
        return lambda: self._watchers.pop(number, None) and None

    def _tell(self) -> None:
        if self._watchers and self._due is None:
            self._due = asyncio.get_running_loop().call_later(MOST_OFTEN, self._call)

    def _call(self) -> None:
        self._due = None
        for callback in tuple(self._watchers.values()):
            callback()
