"""The steps of a run: each in its own try, and what each came to as a line of the report."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING

from kmptui.domain import timing
from kmptui.domain.listing import Topic
from kmptui.domain.order import Ledger
from kmptui.errors import (
    AccountRefused,
    HeldElsewhere,
    KmptuiError,
    NotLinked,
    RestSwitchedOff,
    RoleMissing,
    ScmGarbled,
    StoreFailed,
    Unreachable,
    VaultLocked,
)
from kmptui.services import collecting
from kmptui.services.elsewhere import Elsewhere
from kmptui.services.mirror import MIRRORED
from kmptui.services.outlook import BODIES, MIRROR, ORDERS, PROOFS, SEARCH
from kmptui.store import ledger, schedule, selection

if TYPE_CHECKING:
    from kmptui.scm.client import ScmClient
    from kmptui.services.automatic import Automatic
    from kmptui.services.checking import Checking, CheckLine
    from kmptui.services.engine import Engine
    from kmptui.services.importing import Importing
    from kmptui.services.mirror import Mirror, SyncReport
    from kmptui.services.outlook import Outlook, Proving, Work
    from kmptui.services.reporting import Report
    from kmptui.services.runs import Running


class Steps:
    """Run under the runner's lease, in a task that the workspace owns."""

    def __init__(
        self,
        engine: Engine,
        outlook: Outlook,
        automatic: Automatic,
        mirror: Mirror,
        importing: Importing,
        checking: Checking,
        proving: Proving | None = None,
    ) -> None:
        self._engine = engine
        self._outlook = outlook
        self._automatic = automatic
        self._mirror = mirror
        self._importing = importing
        self._checking = checking
        self._elsewhere = Elsewhere(engine, checking)
        self._proving = proving

    async def run(self, running: Running, report: Report) -> None:
        """All that is due, one after the other; what ends the run early is a line of the report."""
        engine = self._engine
        account = await engine.linked()
        if account.attention:
            running.note("blocked", "account", account.attention, cure="Set the password: kmptui account password")
            return
        await engine.store.write(selection.settle)
        work = await self._outlook.work()
        if not work.anything:
            await self._automatic.tell(work.renewals, running)
            return
        try:
            client = await engine.client()
            await engine.own(client.prove())  # where SCM refuses the password, the account is marked
            if client.clock_skew is not None and (words := timing.clock_words(client.clock_skew)):
                cure = "Set the clock (timedatectl set-ntp true), then: kmptui run-due"
                running.note("blocked", "clock", f"nothing is done: {words}", cure=cure)
                return
            for name, step in (
                ("mirror", self._read_mirror), ("orders", self._read_orders), ("check", self._check),
                ("renewal", self._renew), ("revocations", self._prove),
            ):  # fmt: skip
                if running.over:
                    running.note("deferred", name, "was not begun: the time for this run is over")
                    continue
                await _try(name, step(client, work, running, report), running)
        except (RoleMissing, RestSwitchedOff) as error:
            running.note("blocked", "account", str(error), cure=error.cure)
        except AccountRefused as error:
            running.note("blocked", "account", str(error), cure=error.cure)
        except (Unreachable, ScmGarbled) as error:  # a maintenance page passes, too
            running.note("deferred", "schedule", f"{error.what}: {error.why}" if error.why else error.what)

    async def _read_mirror(self, _: ScmClient, work: Work, running: Running, report: Report) -> None:
        if work.is_due(MIRROR):
            done = await self._kept(MIRROR, self._mirror.sync(MIRRORED, report))
            running.note("done", "mirror", "read " + ", ".join(f"{one.total:,} {one.topic}" for one in done.counts))

    async def _read_orders(self, client: ScmClient, work: Work, running: Running, report: Report) -> None:
        if not work.is_due(ORDERS):
            return
        done = await self._kept(ORDERS, self._mirror.sync((Topic.ORDERS,), report))
        told = (f"{one.total:,} orders read, {one.new:,} new, {one.changed:,} changed" for one in done.counts)
        running.note("done", "orders", "; ".join((*told, *done.warnings)))
        for order_id, words in await self._elsewhere.follow(client):
            running.note("deferred", "orders", words, order_id=order_id)

    async def _kept(self, job: str, work: Awaitable[SyncReport]) -> SyncReport:
        """Run it, and keep when it began and how it ended."""
        engine = self._engine
        await engine.store.write(schedule.begin, job, engine.clock.now())
        outcome, words = "failed", ""
        try:
            result = await work
            outcome = "done"
        except KmptuiError as error:
            words = str(error)
            raise
        finally:
            await engine.store.write(schedule.finish, job, engine.clock.now(), outcome, words)
        return result

    async def _check(self, _: ScmClient, work: Work, running: Running, report: Report) -> None:
        """Open orders of ours and requests without a reply at every run, all others with the daily look; then what
        waits to be fetched."""
        waits = work.pending
        own = dict.fromkeys([one.order_id for one in waits.unanswered] + [one.order_id for one in waits.open])
        lines: tuple[CheckLine, ...] = ()
        if waits.unanswered:
            await self._engine.store.write(schedule.begin, SEARCH, self._engine.clock.now())
        if work.is_due(ORDERS):
            lines = (await self._checking.check(None, report)).lines
        elif own:
            lines = (await self._checking.check(tuple(own), report)).lines
        unanswered = {one.order_id for one in waits.unanswered}
        for line in lines:
            if line.order_id in unanswered and line.outcome == collecting.FAILED:
                cure = f"Or settle it: kmptui orders settle o{line.order_id}"
                running.note(
                    "waiting", "unconfirmed", line.words, cure=cure, order_id=line.order_id,
                    common_name=line.common_name,
                )  # fmt: skip
            else:
                await self._tell_check(line, running, own=line.order_id in own)
        if work.is_due(BODIES):
            fetched = await self._importing.fetch(report)
            if fetched.fetched:
                running.note("done", "certificates", f"{fetched.fetched:,} fetched into the repository")
            for order_id, words in fetched.failed:
                running.note("deferred", "certificates", words, order_id=order_id)

    async def _tell_check(self, line: CheckLine, running: Running, *, own: bool) -> None:
        where, words = "", line.words
        certificate_id = None
        if line.outcome == collecting.COLLECTED:
            where, words = "done", f"collected: {line.words}"
            certificate_id = (await self._engine.store.read(ledger.order, line.order_id)).row.certificate_id
        elif line.outcome == collecting.FAILED:
            where = "deferred"
        elif line.outcome == collecting.NOT_ADDED:
            where = "blocked"
        elif line.outcome == collecting.CLOSED and own and line.after == Ledger.NOT_PLACED:
            # what the schedule is to renew is sent again by this very run, and needs nobody
            where = "done" if await self._automatic.sends_again(line.order_id) else "blocked"
        elif line.outcome == collecting.CLOSED and own:
            where, words = "blocked", f"it is {line.after} now"
        if where:
            running.note(
                where, "check", words, order_id=line.order_id, common_name=line.common_name,
                certificate_id=certificate_id,
            )  # fmt: skip

    async def _renew(self, client: ScmClient, _: Work, running: Running, report: Report) -> None:
        await self._automatic.run(client, running, report)

    async def _prove(self, _: ScmClient, work: Work, running: Running, report: Report) -> None:
        if self._proving is not None and work.is_due(PROOFS):
            proofs = await self._proving.prove(report)
            running.note("done", "revocations", f"{len(proofs):,} looked up in CRLs")


async def _try(name: str, step: Awaitable[None], running: Running) -> None:
    """One step in its own try. Raises what concerns them all: AccountRefused, Unreachable, VaultLocked, StoreFailed."""
    try:
        await step
    except (NotLinked, VaultLocked, StoreFailed, Unreachable):
        raise
    except (RoleMissing, RestSwitchedOff) as error:
        running.note("blocked", name, str(error), cure=error.cure)
    except AccountRefused:
        raise
    except HeldElsewhere as error:
        running.note("held", name, str(error))
    except KmptuiError as error:
        running.note("failed", name, str(error), cure=error.cure)
