"""Ways through the program, walked in processes of their own that are hurt at a chosen point.

The ways: an order from the form to the exported file; its renewal and its reissue; an import with the certificates'
bodies; a home's first opening with its vault; a rotation of the vault's data key; the migration of a store of the first
version; and all of them at once, again and again ("busy"). `python walk.py` reads lines from standard input, each a
JSON object (way, home, name, out, journal, at, how, after), walks each in a forked process, two at a time (or as many
as an argument says), and answers with a JSON line (name, status, words) when that has ended. `after`: seconds after
which another process kills it.

The points are not listed anywhere: every transaction of the store, every reading, every work of a thread, every request
and every step of a file counts one, before and after; in a migration every statement. A journal names those that were
reached, written so that a kill cannot take its lines back.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import resource
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from kmptui.config import Paths
from kmptui.domain.renewable import ReissueRequest, RenewalRequest
from kmptui.errors import KmptuiError
from kmptui.pki import chain, csr, encoding, keypair, keystore  # noqa: F401 - loaded once, before the forks
from kmptui.scm.client import ScmClient  # noqa: F401 - likewise
from kmptui.services.exporting import ExportRequest
from kmptui.services.importing import ImportOptions
from kmptui.services.workspace import Workspace
from kmptui.store import ledger, vault  # noqa: F401 - likewise
from kmptui.store.database import Store
from kmptui.store.db import Db
from tests.services.rig import Rig, opened, request

PASSWORD = "correct horse"
COMMITS = {"write": "the transaction", "write_part": "the transaction", "read": "reading"}
FILE_STEPS = ("open", "fsync", "link", "rename", "unlink")
AT_ONCE = 2


class Points:
    """Counts the points of the way, and hurts the process at one of them. `how`: kill, full (no file can grow from
    there on), stop (the program is told to end)."""

    def __init__(self, journal: Path, at: int, how: str) -> None:
        self._journal = os.open(journal, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._at = at
        self._how = how
        self._count = 0
        self._on = False
        self.stop: Callable[[], None] = lambda: None

    def begin(self) -> None:
        self._on = True

    def reach(self, words: str) -> None:
        if not self._on:
            return
        if self._how != "full" or self._count < self._at:
            os.write(self._journal, f"{words}\n".encode())
        if self._count == self._at:
            self._hurt()
        self._count += 1

    def _hurt(self) -> None:
        if self._how == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        elif self._how == "full":
            resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        else:
            self.stop()


def instrument(points: Points) -> None:
    """Put a point before and after every transaction, reading, work of a thread, request and step of a file."""
    thread, send = asyncio.to_thread, httpx.AsyncHTTPTransport.handle_async_request

    def committing(name: str) -> None:
        commit, what = getattr(Store, name), COMMITS[name]

        async def call(self: Store, fn: Any, *args: Any, **kwargs: Any) -> Any:
            points.reach(f"before {what} {fn.__name__}")
            value = await commit(self, fn, *args, **kwargs)
            points.reach(f"after {what} {fn.__name__}")
            return value

        setattr(Store, name, call)

    async def sending(self: httpx.AsyncHTTPTransport, asked: httpx.Request) -> httpx.Response:
        words = f"{asked.method} {asked.url.path}"
        points.reach(f"before {words}")
        answer = await send(self, asked)
        points.reach(f"after {words}")
        return answer

    def stepping(name: str) -> None:
        step = getattr(os, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            points.reach(f"before {name} of a file")
            value = step(*args, **kwargs)
            points.reach(f"after {name} of a file")
            return value

        setattr(os, name, call)

    async def threading(fn: Any, *args: Any, **kwargs: Any) -> Any:
        points.reach(f"before the thread's {getattr(fn, '__name__', 'work')}")
        value = await thread(fn, *args, **kwargs)
        points.reach(f"after the thread's {getattr(fn, '__name__', 'work')}")
        return value

    asyncio.to_thread = threading
    httpx.AsyncHTTPTransport.handle_async_request = sending  # type: ignore[method-assign]
    for name in COMMITS:
        committing(name)
    for name in FILE_STEPS:
        stepping(name)


async def order(rig: Rig, name: str, out: Path) -> str:
    order_id = (await rig.ordering.place(request(name))).order_id
    assert order_id is not None
    await rig.checking.check([order_id])
    certificate_id = (await rig.store.read(ledger.order, order_id)).row.certificate_id
    assert certificate_id is not None, "the sandbox did not issue at once"
    await rig.repository.export(ExportRequest(certificate_id, "pem", out=out.with_suffix(".pem"), clear=True))
    await rig.repository.export(ExportRequest(certificate_id, "pkcs12", out=out, password=PASSWORD))
    return "done"


async def issued(rig: Rig, name: str) -> int:
    """What is renewed or reissued: ordered before the way begins, and in the repository."""
    order_id = (await rig.ordering.place(request(name))).order_id
    assert order_id is not None
    await rig.checking.check([order_id])
    return order_id


async def renew(rig: Rig, name: str, _out: Path) -> str:
    order_id = await rig.store.read(ledger.find, name)
    renewal = (await rig.renewing.renew(RenewalRequest(order_id))).order_id
    assert renewal is not None
    await rig.checking.check([renewal])
    return "done"


async def reissue(rig: Rig, name: str, _out: Path) -> str:
    order_id = await rig.store.read(ledger.find, name)
    await rig.reissuing.reissue(ReissueRequest(order_id, "a key was lost"))
    await rig.checking.check([order_id])
    return "done"


async def take_in(rig: Rig, _name: str, _out: Path) -> str:
    await rig.importing.run(ImportOptions())
    await rig.importing.fetch()
    return "done"


async def rotate(rig: Rig, _name: str, _out: Path) -> str:
    assert await rig.vault.rotate() > 0
    return "done"


async def busy(rig: Rig, name: str, out: Path) -> str:
    """Everything at once, without an end."""
    for number in itertools.count():
        names = [f"{number}-{letter}-{name}" for letter in "abc"]
        lives = (life(rig, one, out.with_name(f"{one}.p12")) for one in names)
        await asyncio.gather(*lives, take_in(rig, name, out))
        await rotate(rig, name, out)
    raise AssertionError("there is no last number")


async def life(rig: Rig, name: str, out: Path) -> None:
    await order(rig, name, out)
    await renew(rig, name, out)
    await reissue(rig, name, out)


async def migrate(home: Path, points: Points) -> str:
    run = Db.run

    def running(self: Db, sql: str, parameters: tuple[Any, ...] = ()) -> Any:
        points.reach(f"before {' '.join(sql.split()[:3])}")
        return run(self, sql, parameters)

    Db.run = running  # type: ignore[method-assign]
    points.begin()
    async with await Workspace.open(Paths(home), face="cli"):
        return "done"


async def first(home: Path, points: Points) -> str:
    points.begin()
    async with await Workspace.open(Paths(home), face="cli") as workspace:
        await workspace.vault.init(None)
    return "done"


OPENINGS = {"first": first, "migrate": migrate}
"""Ways that begin before there is a home."""


async def hurt(given: dict[str, Any]) -> str:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # then a write beyond the limit is an error of its own
    points = Points(Path(given["journal"]), given["at"], given["how"])
    instrument(points)
    try:
        if given["way"] in OPENINGS:
            return await OPENINGS[given["way"]](Path(given["home"]), points)
        return await linked(given, points)
    except KmptuiError as error:
        return f"{type(error).__name__}: {error}"
    except asyncio.CancelledError:
        return "stopped"


async def linked(given: dict[str, Any], points: Points) -> str:
    ways = {
        "order": order, "import": take_in, "renew": renew, "reissue": reissue, "rotate": rotate, "busy": busy,
    }  # fmt: skip
    walk = ways[given["way"]]
    async with opened(Paths(Path(given["home"])), None) as rig:
        if given["way"] in {"renew", "reissue"}:
            await issued(rig, given["name"])
        walking = asyncio.create_task(walk(rig, given["name"], Path(given["out"])))
        loop = asyncio.get_running_loop()
        ending: list[asyncio.Task[None]] = []

        def stop() -> None:
            loop.call_soon_threadsafe(walking.cancel)
            loop.call_soon_threadsafe(lambda: ending.append(loop.create_task(rig.engine.aclose(0.2))))

        points.stop = stop
        points.begin()
        if given.get("after") is not None:
            kill_after(given["after"])
        try:
            return await walking
        finally:
            await asyncio.gather(*ending)


def kill_after(seconds: float) -> None:
    """Have another process kill this one, whatever this one does then."""
    victim = os.pidfd_open(os.getpid())
    if not os.fork():
        time.sleep(seconds)
        signal.pidfd_send_signal(victim, signal.SIGKILL)
        os._exit(0)


def in_a_process(given: dict[str, Any]) -> tuple[int, int]:
    """Its process and the pipe that it answers on."""
    reading, writing = os.pipe()
    child = os.fork()
    if child:
        os.close(writing)
        return child, reading
    os.close(reading)
    status = 0
    try:
        words = asyncio.run(hurt(given))
    except BaseException as error:  # noqa: BLE001 - whatever it is, the test is told
        words, status = f"{type(error).__name__}: {error}", 3
    os.write(writing, words.encode())
    os._exit(status)


def main() -> None:
    running: dict[int, tuple[str, int]] = {}
    at_once = int(sys.argv[1]) if sys.argv[1:] else AT_ONCE

    def one_ends() -> None:
        child, status = os.wait()
        name, pipe = running.pop(child)
        with os.fdopen(pipe, "rb") as told:
            words = told.read().decode("utf-8", "replace")
        answer = {"name": name, "status": os.waitstatus_to_exitcode(status), "words": words}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()

    for line in sys.stdin:
        given = json.loads(line)
        child, pipe = in_a_process(given)
        running[child] = given["name"], pipe
        if len(running) == at_once:
            one_ends()
    while running:
        one_ends()


if __name__ == "__main__":
    main()
