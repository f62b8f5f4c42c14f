"""A process of its own that places one order in a home, or renews or reissues it, and may be killed on the way.

`python child.py HOME NAME POINT [order|renew|renew with the old key|reissue]` prints one word.
POINT: none, before sent, after sent, after answer, hang after sent,
disk full; suspend before sent, suspend after sent (it stops itself there, and goes on when it is woken).
Without arguments it reads them as lists of JSON, line by line, forks for each, and answers with its status and word.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from kmptui.config import Paths
from kmptui.domain.renewable import ReissueRequest, RenewalRequest, SameKey
from kmptui.errors import KmptuiError
from kmptui.pki import chain, csr, keypair  # noqa: F401 - loaded once, before the forks
from kmptui.scm.changes import Changes
from kmptui.scm.client import ScmClient  # noqa: F401 - likewise
from kmptui.services.ordering import Placed
from kmptui.store import ledger
from kmptui.store.database import Store
from tests.services.rig import Rig, opened, request


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def arrange(point: str) -> None:
    """Let the process die at the point, at once and for real."""
    write, post = Store.write, Changes._post

    async def writing(self: Store, fn: Any, *args: Any, **kwargs: Any) -> Any:
        if fn is ledger.mark_sent and point == "before sent":
            die()
        if fn is ledger.mark_sent and point == "suspend before sent":
            os.kill(os.getpid(), signal.SIGSTOP)
        return await write(self, fn, *args, **kwargs)

    async def posting(self: Changes, *request: Any) -> Any:
        if point == "after sent":
            die()
        if point == "suspend after sent":
            os.kill(os.getpid(), signal.SIGSTOP)
        if point == "hang after sent":
            sys.stdout.write("sent\n")
            sys.stdout.flush()
            await asyncio.sleep(600)
        answer = await post(self, *request)
        if point == "after answer":
            die()
        return answer

    Store.write, Changes._post = writing, posting  # type: ignore[method-assign,assignment]


async def act(rig: Rig, name: str, what: str) -> Placed:
    if what == "order":
        return await rig.ordering.place(request(name))
    order_id = await rig.store.read(ledger.find, name)
    if what.startswith("renew"):
        key = SameKey() if what == "renew with the old key" else None
        return await rig.renewing.renew(RenewalRequest(order_id, key))
    return await rig.reissuing.reissue(ReissueRequest(order_id, "a key was lost"))


async def main(home: str, name: str, point: str, what: str = "order") -> None:
    arrange(point)
    async with opened(Paths(Path(home)), None) as rig:
        if point == "disk full":
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
        try:
            placed = await act(rig, name, what)
        except KmptuiError as error:
            sys.stdout.write(type(error).__name__)
        else:
            sys.stdout.write(placed.ledger)


def forked(words: list[str]) -> list[Any]:
    """Its status, and what it printed."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.dup2(writing, sys.stdout.fileno())
        status = 1
        with suppress(BaseException):
            asyncio.run(main(*words))
            sys.stdout.flush()
            status = 0
        os._exit(status)
    os.close(writing)
    with os.fdopen(reading, "rb") as told:
        word = told.read().decode()
    return [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), word]


if __name__ == "__main__":
    if sys.argv[1:]:
        asyncio.run(main(*sys.argv[1:]))
    else:
        for line in sys.stdin:
            sys.stdout.write(json.dumps(forked(json.loads(line))) + "\n")
            sys.stdout.flush()
