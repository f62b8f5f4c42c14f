"""Renewing what is due, one by one, each in its own try: one that fails does not stop the others."""

from __future__ import annotations

import logging
from collections.abc import Awaitable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from kmptui.domain.audit import Entry
from kmptui.domain.listing import Topic
from kmptui.domain.renewable import SCM_RENEWS, RenewalRequest
from kmptui.domain.renewal import UNKNOWN_RENEWAL, Decision, Subject, Verdict
from kmptui.domain.retrying import NEEDS_A_PERSON, Attempt, Trouble, next_attempt, told, trouble_of
from kmptui.errors import (
    FromScm,
    HeldElsewhere,
    KmptuiError,
    PasswordExpired,
    ReadOnly,
    Refused,
    RestSwitchedOff,
    RoleMissing,
    ScmGarbled,
    ScmRefused,
    StoreFailed,
    Unavailable,
    Unconfirmed,
    Unreachable,
    VaultLocked,
    WrongLogin,
)
from kmptui.services import scm_renews
from kmptui.services.reporting import Progress
from kmptui.store import audit, ledger, renewals
from kmptui.store.stalled import BY_SCHEDULE

if TYPE_CHECKING:
    from datetime import datetime

    from kmptui.domain.audit import Stamp
    from kmptui.scm.client import ScmClient
    from kmptui.services.engine import Engine
    from kmptui.services.ordering import Placed
    from kmptui.services.renewal import Renewal
    from kmptui.services.reporting import Report
    from kmptui.services.runs import Running
    from kmptui.store.database import Db

Pressing = tuple[tuple[Subject, Decision], ...]

IN_A_ROW = 3
"""So many renewals that SCM does not answer, or not readably, end the run: it is not they."""
JOB = "renewal"

_log = logging.getLogger(__name__)


class Renews(Protocol):
    """What places one renewal; raises like ordering does."""

    def renew(self, request: RenewalRequest, *, why: str = "") -> Awaitable[Placed]: ...


@dataclass(frozen=True, slots=True)
class Due:
    """What a run has to look at: to be renewed now, needing a person, ended unrenewed and not yet told."""

    actionable: tuple[tuple[Subject, Decision], ...] = ()
    pressing: Pressing = ()
    given_up: tuple[tuple[Subject, Decision], ...] = ()
    next: datetime | None = None
    """When one of the others is to be looked at, where that is within days."""

    def at(self, now: datetime) -> datetime | None:
        """When there is something to do."""
        return now if self.actionable or self.given_up else self.next


class Automatic:
    """The part of a run that renews."""

    def __init__(self, engine: Engine, renewal: Renewal, renewing: Renews) -> None:
        self._engine = engine
        self._renewal = renewal
        self._renewing = renewing

    async def due(self) -> Due:
        """From the store alone; nothing while automatic renewal is off. Where nothing may be sent, that is what keeps
        all that is due."""
        if not self._renewal.policy().on:
            return Due()
        decided = await self._renewal.decided(soon=True)
        if (why := await self._forbidden()) is not None:
            decided = tuple((subject, _kept_by(decision, why)) for subject, decision in decided)
        return Due(
            tuple(one for one in decided if one[1].actionable),
            tuple(one for one in decided if one[1].pressing and not one[1].actionable),
            tuple(one for one in decided if one[1].given_up and _untold(one[0])),
            min((decision.next for _, decision in decided if decision.next is not None), default=None),
        )

    async def _forbidden(self) -> ReadOnly | None:
        """Why no renewal may be sent at all: read-only mode, or the account's role."""
        try:
            await self._engine.may_write("renew")
        except ReadOnly as error:
            return error
        return None

    async def sends_again(self, order_id: int) -> bool:
        """Whether this order was to renew one that the schedule renews: where it was not placed, it is tried again."""
        order = await self._engine.store.read(ledger.order, order_id)
        if order.previous_id is None or not self._renewal.policy().on:
            return False
        return (await self._engine.store.read(ledger.order, order.previous_id)).row.auto_renew

    async def run(self, client: ScmClient, running: Running, report: Report) -> None:
        """Renew what is due. Raises what ends the whole run: WrongLogin, PasswordExpired, VaultLocked, StoreFailed, and
        Unreachable when several in a row had no answer."""
        due = await self.due()
        if due.actionable or any(subject.scm_state.lower() in SCM_RENEWS for subject, _ in due.pressing):
            # also of what is left to SCM: where that failed there, nobody else would ever renew it
            await self._ask_scm_for_its_own(client, running)
            due = await self.due()
        await self.tell(due, running)
        await self._each(due, running, report)

    async def tell(self, due: Due, running: Running) -> None:
        """What ended unrenewed, and what should be renewed by now and needs a person first; in the audit once for each
        cause that keeps it. Asks nobody."""
        engine = self._engine
        for subject, decision in due.given_up:
            await self._give_up(subject, decision, running)
        if news := await engine.store.read(_not_recorded, due.pressing):
            await engine.store.write(_record, news, await engine.stamp())
        for subject, decision in due.pressing:
            row = subject.order.row
            running.note(
                "blocked", JOB, decision.cause, cure=decision.cure, order_id=row.id, common_name=row.common_name,
                again=decision.next,
            )  # fmt: skip

    async def _each(self, due: Due, running: Running, report: Report) -> None:
        unanswered = 0
        for number, (subject, decision) in enumerate(due.actionable, 1):
            row = subject.order.row
            if running.over:
                left = len(due.actionable) - number + 1
                running.note("deferred", JOB, f"{left:,} renewals were not begun: the time for this run is over")
                return
            report(Progress(f"Renewing {row.common_name}", number, len(due.actionable)))
            try:
                await self._one(subject, decision, running)
                unanswered = 0
            except (WrongLogin, PasswordExpired, VaultLocked, StoreFailed):
                raise
            except (Unreachable, ScmGarbled) as error:
                await self._noted(subject, decision, error, running)
                unanswered += 1
                if unanswered < IN_A_ROW:
                    continue
                if isinstance(error, Unreachable):
                    raise
                raise Unavailable(error.what, why=error.why, cure=error.cure) from error
            except KmptuiError as error:
                await self._refused(subject, decision, error, running)
            except Exception as error:  # noqa: BLE001 - a defect must not keep the other certificates from being renewed
                _log.exception("renewing o%s failed", row.id)
                words = f"a fault of kmptui's own ({type(error).__name__}): the log says where"
                running.note("failed", JOB, words, order_id=row.id, common_name=row.common_name)
                await self._note(
                    subject, decision, Trouble.REFUSED, words, "Look at the log, then renew it by hand", None
                )

    async def _one(self, subject: Subject, decision: Decision, running: Running) -> None:
        row = subject.order.row
        try:
            placed = await self._renewing.renew(RenewalRequest(row.id), why=f"{BY_SCHEDULE}, {decision.reason}")
        except Unconfirmed as error:
            # the ledger knows it as under way: it is looked for, and never sent again
            running.note("waiting", JOB, str(error), order_id=row.id, common_name=row.common_name)
            return
        await self._engine.store.write(renewals.clear, [row.id])
        words = f"renewed: {placed.words}"
        running.note("done", JOB, words, order_id=placed.order_id or row.id, common_name=row.common_name)

    async def _refused(self, subject: Subject, decision: Decision, error: KmptuiError, running: Running) -> None:
        """It was not renewed. Reading SCM right before may have shown that somebody else has, or is about to: then that
        is the news, and nothing failed."""
        if isinstance(error, Refused):
            now = await self._renewal.decision(subject.order.id)
            if now.verdict in {Verdict.RENEWED, Verdict.UNDER_WAY} or now.cause == UNKNOWN_RENEWAL:
                words = f"nothing was sent: {now.reason}"
                row = subject.order.row
                running.note("done", JOB, words, order_id=row.id, common_name=row.common_name)
                return
        await self._noted(subject, decision, error, running)

    async def _noted(self, subject: Subject, decision: Decision, error: KmptuiError, running: Running) -> None:
        """Keep why it failed and when it is tried again, in the store, the audit and the report."""
        trouble = trouble_of(error)
        cause, cure = told(error)
        code = error.code if isinstance(error, FromScm) else None
        attempt = await self._note(subject, decision, trouble, cause, cure, code)
        row = subject.order.row
        where = "held" if isinstance(error, HeldElsewhere) else "deferred"
        if trouble in NEEDS_A_PERSON:
            where = "failed" if trouble is Trouble.REFUSED and not isinstance(error, Refused) else "blocked"
        elif isinstance(error, ScmGarbled):
            where = "failed"
        running.note(
            where, JOB, attempt.cause, cure=attempt.cure, order_id=row.id, common_name=row.common_name,
            again=attempt.again,
        )  # fmt: skip

    async def _note(
        self, subject: Subject, decision: Decision, trouble: Trouble, cause: str, cure: str, code: int | None
    ) -> Attempt:
        engine = self._engine
        now = engine.clock.now()
        assert subject.not_after is not None  # noqa: S101 - what has no end is never due
        attempt = next_attempt(subject.attempt, trouble, cause, cure, now, subject.not_after, code)
        await engine.store.write(_keep, subject, decision.reason, attempt, await engine.stamp())
        engine.changed(Topic.ORDERS, {subject.order.id})
        return attempt

    async def _give_up(self, subject: Subject, decision: Decision, running: Running) -> None:
        """It ended unrenewed: said once, with the last cause. What had ended before the schedule could have seen it was
        chosen too late: a person is needed, but the schedule has not failed."""
        last, ends = subject.attempt, subject.not_after
        late = last is None and ends is not None and (running.last is None or ends <= running.last)
        cause = decision.cause
        if late:
            cause += ", before automatic renewal saw it"
        elif last is not None:
            cause += f"; {last.cause}"
        elif (why := await self._forbidden()) is not None:
            cause += f"; {_words(why)}"
        attempt = await self._note(
            subject, decision, last.trouble if last else Trouble.REFUSED, cause, decision.cure, None
        )
        row = subject.order.row
        where = "blocked" if late else "failed"
        running.note(where, JOB, attempt.cause, cure=attempt.cure, order_id=row.id, common_name=row.common_name)

    async def _ask_scm_for_its_own(self, client: ScmClient, running: Running) -> None:
        """That these lists cannot be had keeps nothing from being renewed: each order is read before it is sent."""
        try:
            states = await scm_renews.states(client)
        except (ScmRefused, ScmGarbled, RoleMissing, RestSwitchedOff) as error:
            running.note("deferred", JOB, f"what SCM renews by itself could not be listed: {error}")
            return
        await self._engine.store.write(renewals.set_scm_renewals, states)


def _kept_by(decision: Decision, why: ReadOnly) -> Decision:
    """What would be renewed now is blocked by what forbids it; all others stay as they are."""
    if not decision.actionable:
        return decision
    words = _words(why)
    return replace(
        decision, verdict=Verdict.BLOCKED, reason=words, cause=words, cure=why.cure, next=None, actionable=False
    )


def _words(why: ReadOnly) -> str:
    return f"{why.what}: {why.why}" if why.why else why.what


def _untold(subject: Subject) -> bool:
    """Whether that it was given up is news."""
    return subject.attempt is None or subject.attempt.trouble is not Trouble.GIVEN_UP


def _not_recorded(db: Db, pressing: Pressing) -> Pressing:
    """Those whose last row does not tell the cause: no try of theirs failed for it, so no other row does."""
    return tuple(one for one in pressing if audit.last_reason(db, one[0].order.id, "renew") != one[1].cause)


def _record(db: Db, news: Pressing, stamp: Stamp) -> None:
    for subject, decision in news:
        row = subject.order.row
        again = f"{decision.next:%Y-%m-%d %H:%M} UTC" if decision.next is not None else "once nothing keeps it"
        entry = Entry(
            "renew", "outcome", "not renewed", row.common_name, order_id=row.id, reason=decision.cause,
            details=(("why", f"due since {decision.due_at:%-d %b %Y}"), ("again", again)),
        )  # fmt: skip
        audit.append(db, entry, stamp)


def _keep(db: Db, subject: Subject, why: str, attempt: Attempt, stamp: Stamp) -> None:
    """The try, and an audit row that names why it failed and when it is tried again. That another process works on it
    is no failure."""
    row = subject.order.row
    renewals.note(db, row.id, attempt)
    if attempt.trouble is Trouble.HELD:
        return
    gone = attempt.trouble is Trouble.GIVEN_UP
    again = "never" if gone else f"{attempt.again:%Y-%m-%d %H:%M} UTC"
    entry = Entry(
        "renew", "outcome", "given up" if gone else "not renewed", row.common_name, order_id=row.id,
        reason=attempt.cause,
        details=(("why", why), ("kind", attempt.trouble.value), ("tries", str(attempt.tries)), ("again", again)),
    )  # fmt: skip
    audit.append(db, entry, stamp)
