"""One thread with one connection and a queue: what is put in is done in order, the answers are futures."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import Any, TypeVar

from kmptui.errors import StoreFailed
from kmptui.store.db import Db

T = TypeVar("T")
QUIET = 0.25
"""Seconds without a job before the idle work begins: it must not come between the batches of one import."""
Job = tuple["Future[Any]", Callable[[Db], Any]]


class Lane:
    """`idle(db)` is called while nothing waits and a job has been done since; it returns whether there is more to
    do."""

    def __init__(self, name: str, db: Db, idle: Callable[[Db], bool] | None = None) -> None:
        self._db = db
        self._idle = idle
        self._queue: SimpleQueue[Job | None] = SimpleQueue()
        self._lock = Lock()
        self._closed = False
        # A daemon: a process that ends without `aclose` must not hang on its queue; what was not committed is not done.
        self._thread = Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def put(self, job: Callable[[Db], T]) -> Future[T]:
        """Raises StoreFailed once the lane is closed."""
        future: Future[T] = Future()
        future.set_running_or_notify_cancel()  # a cancelled caller must not take a write back
        with self._lock:
            if self._closed:
                raise StoreFailed("The store is closed")
            self._queue.put((future, job))
        return future

    def close(self) -> None:
        """Take nothing more in; what is queued is still done, then the connection is closed. Does not wait: `join`
        does."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._queue.put(None)

    def join(self) -> None:
        self._thread.join()

    def _run(self) -> None:
        wait: float | None = None
        while True:
            try:
                job = self._queue.get(timeout=wait)
            except Empty:
                wait = 0 if self._rest() else None
                continue
            if job is None:
                break
            future, work = job
            try:
                value = work(self._db)
            except BaseException as error:  # noqa: BLE001 - raised where the future is awaited
                future.set_exception(error)
            else:
                future.set_result(value)
                wait = QUIET if self._idle is not None else None
            del future, work, job
        if not self._db.is_closed():
            self._db.close()

    def _rest(self) -> bool:
        try:
            return self._idle is not None and self._idle(self._db)
        except Exception:
            logging.getLogger(__name__).exception("work between jobs failed")
            return False
