"""What is done by schedule: one engine for the timer, the screen's clock and `kmptui run-due`.

Due are the mirror (weekly), all orders (daily), orders of ours that are open, certificates that wait to be fetched,
orders without a reply, renewals, and proofs of revocations. Each is worked in its own try; SCM that does not answer
defers the rest, an account that it refuses ends the run. Who works holds the lease; the others are told by whom.

Nothing is done by a clock that differs from SCM's by more than an hour: everything would be renewed at once, or nothing
any more.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from kmptui.domain import timing
from kmptui.domain.listing import Topic
from kmptui.errors import HeldElsewhere, KmptuiError
from kmptui.services import outlook
from kmptui.services.outlook import RUN
from kmptui.services.reporting import Report, silent
from kmptui.services.runs import RunLine, Running, RunReport
from kmptui.store import account as accounts
from kmptui.store import schedule
from kmptui.store.news import told, untold

if TYPE_CHECKING:
    from kmptui.services.claiming import Claiming
    from kmptui.services.engine import Engine
    from kmptui.services.outlook import Outlook
    from kmptui.services.renewal import Renewal
    from kmptui.services.steps import Steps

_log = logging.getLogger(__name__)

Telling = Callable[[str, RunLine], Awaitable[bool]]
"""Hears of each thing that failed, needs a person, or came to a new certificate: ("failure" | "success", line); whether
it was heard, or nobody wants to."""


@dataclass(frozen=True, slots=True)
class ScheduleState:
    """`last` is when a run ended last, `ended` how, in words, `next` when something is due; `missed`: a schedule is
    expected and no run has ended for 26 hours; `none`: none was ever seen, though renewals are to be done by it;
    `words` say it in one line."""

    last: datetime | None = None
    ended: str = ""
    next: datetime | None = None
    missed: bool = False
    none: bool = False
    words: str = ""


class Schedule:
    """`head` gives the record's last hash, for the report; `tell` hears of what went wrong or came to a new
    certificate, where somebody wants to."""

    def __init__(
        self,
        engine: Engine,
        claiming: Claiming,
        renewal: Renewal,
        outlook_: Outlook,
        steps: Steps,
        head: Callable[[], Awaitable[str]],
        tell: Telling | None = None,
    ) -> None:
        self._engine = engine
        self._claiming = claiming
        self._renewal = renewal
        self._outlook = outlook_
        self._steps = steps
        self._head = head
        self._tell = tell

    async def next_due(self) -> datetime | None:
        """When there is something to do, from the store alone; None while no account is linked, or it needs attention.
        After a run that was put off, not before its pause is over."""
        engine = self._engine
        self._renewal.refreshed()
        account = await engine.store.read(accounts.account)
        if account is None or account.attention:
            return None
        work = await self._outlook.work()
        last = await engine.store.read(schedule.last, RUN)
        if work.next is None or last is None:
            return work.next
        now = engine.clock.now()
        if last.outcome == "deferred":
            return max(work.next, timing.resumed(outlook.past_of(last), now))
        return max(work.next, timing.rested(outlook.past_of(last), now))

    async def state(self) -> ScheduleState:
        """When it ran last and runs next, from the store alone."""
        engine = self._engine
        last = await engine.store.read(schedule.last, RUN)
        now = engine.clock.now()
        ever = last is not None
        expected = ever or self._renewal.policy().on
        ended = last.ended or last.done if last is not None else None  # one that runs, or was killed, has not ended
        seen = ended or (last.started if last is not None else None)
        state = ScheduleState(
            last=ended,
            ended=last.words if last is not None else "",
            next=await self.next_due(),
            missed=ever and seen is not None and now - seen > timing.MISSED,
            none=expected and not ever,
        )
        return replace(state, words=_words(state) if expected else "automatic renewal is off")

    async def run_due(self, report: Report = silent, *, deadline: float | None = None, unit: str = "") -> RunReport:
        """Do what is due now, once. `deadline`: seconds after which nothing more is begun; `unit`: who asked, for the
        record. Held by another runner: a report that says by whom. Raises NotLinked, VaultLocked, StoreFailed,
        SettingsError; everything else is in the report."""
        work = self._run(self._engine.telling(report), deadline, unit)
        return await self._engine.own(work, "Doing what is due", stoppable=True)

    async def _run(self, report: Report, deadline: float | None, unit: str) -> RunReport:
        engine = self._engine
        self._renewal.refreshed()
        await engine.linked()
        before = await engine.store.read(schedule.last, RUN)
        running = Running(engine.clock.now(), before.ended or before.started if before is not None else None)
        if deadline is not None:
            running.until = asyncio.get_running_loop().time() + deadline
        try:
            async with self._claiming.lease():
                await engine.store.write(schedule.begin, RUN, engine.clock.now())
                try:
                    await self._steps.run(running, report)
                except KmptuiError as error:
                    await engine.store.write(schedule.finish, RUN, engine.clock.now(), "failed", str(error))
                    running.note("failed", "schedule", str(error), cure=error.cure)
                    await self._tell_all(running, running.report(engine.clock.now(), None))
                    raise
                except BaseException:
                    await engine.store.write(schedule.finish, RUN, engine.clock.now(), "failed", "it was stopped")
                    raise
                return await self._concluded(running, unit)
        except HeldElsewhere as error:
            running.note("held", "schedule", f"another one does what is due: {error.holder}")
            return running.report(engine.clock.now(), None)

    async def _concluded(self, running: Running, unit: str) -> RunReport:
        engine = self._engine
        waiting = {line.order_id for line in running.lines["waiting"]}
        left = await engine.store.read(outlook.left_open, engine.clock.now())
        running.lines["waiting"] += [line for line in left if line.order_id not in waiting]
        outcome = running.report(engine.clock.now(), None)
        kept = "done" if outcome.outcome in {"done", "attention"} else outcome.outcome
        words = f"{outcome.words}, by {unit}" if unit else outcome.words
        await engine.store.write(schedule.finish, RUN, outcome.ended, kept, words)
        engine.changed(Topic.ACCOUNT)
        await self._tell_all(running, outcome)
        return replace(running.report(outcome.ended, await self.next_due()), head=await self._head())

    async def _tell_all(self, running: Running, outcome: RunReport) -> None:
        """Who wants to know is told; that this fails never fails the run. A certificate counts as told once it was
        heard of; where the time for the run is over, the rest is told by the next one."""
        if self._tell is None:
            return
        engine = self._engine
        news = [("failure", line) for line in (*outcome.failed, *outcome.blocked)]
        for row in await engine.store.write(untold, outcome.began, engine.clock.now()):
            line = RunLine("certificates", "in the repository", "", row.order_id, row.common_name, None, row.id)
            news.append(("success", line))
        for number, (kind, line) in enumerate(news):
            if number and running.over:
                _log.warning("the time for this run is over: %d are told by the next one", len(news) - number)
                return
            heard = False
            try:
                heard = await self._tell(kind, line)
            except KmptuiError as error:
                _log.warning("nobody could be told of %s: %s", line.words, error)
            if line.certificate_id is not None and kind == "success":
                await engine.store.write(told, line.certificate_id, heard, engine.clock.now())


def _words(state: ScheduleState) -> str:
    """When it ran last, and what is wrong with that."""
    if state.none:
        return "no run was ever seen: kmptui systemd install"
    if state.missed:
        return f"missed: the last run ended {state.last:%-d %b %H:%M} UTC" if state.last else "missed: no run has ended"
    if state.last is None:
        return "the first run has not ended yet"
    following = f", next {state.next:%-d %b %H:%M} UTC" if state.next is not None else ""
    return f"ran {state.last:%-d %b %H:%M} UTC, {state.ended}{following}"
