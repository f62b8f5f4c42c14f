"""Part of `together`: a process that holds a name and dies, or is suspended and wakes up late, also between "sent" and
the request, while the others' clocks jump. Nobody acts in its place while it lives."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from pathlib import Path

from kmptui.config import Paths
from kmptui.domain.order import Ledger, Order
from kmptui.domain.renewable import ReissueRequest, RenewalRequest
from kmptui.errors import AlreadyOrdered, HeldElsewhere, KmptuiError, StateForbids
from kmptui.sandbox.server import SandboxServer
from kmptui.services.ordering import Placed
from kmptui.store import keys
from tests.benchmarks.stage import ROOT
from tests.reliability.tally import Tally
from tests.services.homes import until
from tests.services.rig import Hands, Rig, opened, request
from tests.services.steps import issued

CHILD = ROOT / "tests" / "services" / "child.py"
PATIENCE = 600
"""Seconds for another process; nothing is judged by how long it takes."""
ACTS = ("order", "renew", "reissue")
POINTS = ("suspend before sent", "suspend after sent")
JUMPS = (timedelta(), timedelta(hours=1), timedelta(hours=-1), timedelta(hours=25))


async def prove(tally: Tally, sandbox: SandboxServer, paths: Paths, *, long: bool) -> None:
    cases = [(act, point, end) for act in ACTS for point in POINTS for end in ("wakes up late", "is killed")]
    for act, point, end in cases if long else cases[2:3]:
        where = f"a process in a {act}, {point.replace('suspend', 'suspended')}, {end}"
        name = where.translate(str.maketrans(" ,", "--")).replace("--", "-")[-50:].strip("-") + ".example.com"
        try:
            jumps = JUMPS if long else JUMPS[1:2]
            held = Held(tally, sandbox, paths, act, name, where)
            await held.run(point, jumps, killed=end == "is killed")
        except (KmptuiError, AssertionError, ValueError) as error:
            tally.require(False, f"{where}: {type(error).__name__}: {error}")
        tally.count("holders that died or slept")


class Held:
    """One act whose process stops in the middle of it."""

    def __init__(self, tally: Tally, sandbox: SandboxServer, paths: Paths, act: str, name: str, where: str) -> None:
        self._tally = tally
        self._sandbox = sandbox
        self._paths = paths
        self._act = act
        self._name = name
        self._where = where
        self._old: Order | None = None

    def _require(self, true: object, words: str) -> None:
        self._tally.require(true, f"{self._where}: {words}")

    async def run(self, point: str, jumps: Sequence[timedelta], *, killed: bool) -> None:
        if self._act != "order":
            async with opened(self._paths, self._sandbox) as rig:
                self._old = await issued(rig, self._name)
        before = self._issued()
        process = suspended(self._paths, self._name, point, self._act)
        try:
            await until(lambda: stands_still(process.pid))
            await self._left_alone(before, jumps)
            process.send_signal(signal.SIGKILL if killed else signal.SIGCONT)
            out, err = await asyncio.to_thread(process.communicate, timeout=PATIENCE)
        finally:
            process.kill()
        if not killed:
            self._require(out == "accepted", f"it says {out} {err}")
        async with opened(self._paths, self._sandbox) as rig:
            if killed:
                self._require(self._issued() == before, "the dead one's request came to SCM")
                await self._taken_over(rig, sent=point == "suspend after sent")
            await rig.checking.check()
            self._require(self._issued() == before + 1, f"{self._issued() - before} issued")
            newest = max(rig.created(self._name), key=lambda one: int(one["id"]))
            self._require(await rig.store.read(keys.key, newest["spki_sha256"]), "its key is lost")

    async def _left_alone(self, before: int, jumps: Sequence[timedelta]) -> None:
        """Whatever their clocks say, others do not act in its place."""
        for jump in jumps:
            clock = Hands()
            clock.ahead = jump
            async with opened(self._paths, self._sandbox, clock=clock) as rig:
                self._require(await rig.ordering.recover() == 0, f"it was judged by a clock that is {jump} ahead")
                told = [one.words for one in await rig.ordering.reconcile() if one.common_name == self._name]
                self._require(len(told) == 1 and "being sent by" in told[0], f"of it is said {told}")
                try:
                    await self._ask(rig)
                except (HeldElsewhere, StateForbids, AlreadyOrdered):
                    self._tally.count("refusals, in words, of what another holds")
                else:
                    self._require(False, f"it was done again by a clock that is {jump} ahead")
        self._require(self._issued() == before, "somebody acted in its place")

    async def _taken_over(self, rig: Rig, *, sent: bool) -> None:
        self._require(await rig.ordering.recover() == 1, "what the dead one left was not judged")
        over = [row for row in await rig.audit("take over") if row.subject == self._name]
        self._require(len(over) == 1, f"{len(over)} rows say that it was taken over")
        if sent:
            await rig.ordering.reconcile()
            rig.advance(601)
            (judged,) = await rig.ordering.reconcile()
            self._require(judged.ledger is Ledger.NOT_PLACED, f"it is {judged.words}")
        self._require((await self._ask(rig)).ledger is Ledger.ACCEPTED, "it cannot be done again")

    def _ask(self, rig: Rig) -> Awaitable[Placed]:
        ask: dict[str, Callable[[], Awaitable[Placed]]] = {
            "order": lambda: rig.ordering.place(request(self._name)),
            "renew": lambda: rig.renewing.renew(RenewalRequest(self._old.id if self._old else 0)),
            "reissue": lambda: rig.reissuing.reissue(
                ReissueRequest(self._old.id if self._old else 0, "a key was lost")
            ),
        }
        return ask[self._act]()

    def _issued(self) -> int:
        created = self._sandbox.control("state")["created"]
        return sum(len(one["certificates"]) for one in created if one["common_name"] == self._name)


def suspended(paths: Paths, name: str, point: str, act: str) -> subprocess.Popen[str]:
    """A process that stops itself at the point."""
    words = [sys.executable, str(CHILD), str(paths.home), name, point, act]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def stands_still(pid: int) -> bool:
    """Whether the process is stopped by a signal (or has ended)."""
    stat = Path(f"/proc/{pid}/stat").read_text()
    return stat.rpartition(")")[2].split()[0] in {"T", "Z"}
