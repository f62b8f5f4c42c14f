"""A process of its own that places one order in a home, and may be killed on the way.

`python child.py HOME NAME POINT` prints one word. POINT: none, before sent, after sent, after answer, hang after sent,
disk full.
"""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from kmptui.config import Paths
from kmptui.errors import KmptuiError
from kmptui.scm.changes import Changes
from kmptui.store import ledger
from kmptui.store.database import Store
from tests.services.rig import opened, request


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def arrange(point: str) -> None:
    """Let the process die at the point, at once and for real."""
    write, enroll = Store.write, Changes.enroll

    async def writing(self: Store, fn: Any, *args: Any, **kwargs: Any) -> Any:
        if fn is ledger.mark_sent and point == "before sent":
            die()
        return await write(self, fn, *args, **kwargs)

    async def enrolling(self: Changes, enrolment: Any) -> int:
        if point == "after sent":
            die()
        if point == "hang after sent":
            sys.stdout.write("sent\n")
            sys.stdout.flush()
            await asyncio.sleep(600)
        ssl_id = await enroll(self, enrolment)
        if point == "after answer":
            die()
        return ssl_id

    Store.write, Changes.enroll = writing, enrolling  # type: ignore[method-assign,assignment]


async def main(home: str, name: str, point: str) -> None:
    arrange(point)
    async with opened(Paths(Path(home)), None) as rig:
        if point == "disk full":
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
        try:
            placed = await rig.ordering.place(request(name))
        except KmptuiError as error:
            sys.stdout.write(type(error).__name__)
        else:
            sys.stdout.write(placed.ledger)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
