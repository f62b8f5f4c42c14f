"""Automatic renewal as people see it: what is set, what is chosen, and what will be done when."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from kmptui.config import load_settings, make_private_folder
from kmptui.domain import renewal, selection
from kmptui.domain.audit import Entry
from kmptui.domain.coverage import DomainIndex
from kmptui.domain.listing import Topic
from kmptui.domain.preflight import Facts
from kmptui.domain.renewal import Decision, Policy, Subject, Verdict
from kmptui.domain.selection import Matched, Rule
from kmptui.domain.validity import longest_issued
from kmptui.errors import BadInput, Finding, NotFound
from kmptui.services import tables
from kmptui.services.outfile import write_out
from kmptui.store import audit, mirror, renewals
from kmptui.store import selection as selected

if TYPE_CHECKING:
    from pathlib import Path

    from kmptui.config import Settings
    from kmptui.domain.audit import Stamp
    from kmptui.services.engine import Engine
    from kmptui.store.database import Db

Decided = tuple[tuple[Subject, Decision], ...]

MEMBERS = ("auto_renewal", "renew_days_before", "renew_beside_scm")
SOON = timedelta(days=3)
BATCH = 1_000
NAMED = 3
"""Names that one audit row tells."""


@dataclass(frozen=True, slots=True)
class PlanLine:
    """One chosen certificate. `due` is when it becomes (or became) due, `next` when it is looked at next; `week` the
    Monday of the week in which something is to happen, None where nothing is."""

    order_id: int
    common_name: str
    expires: date | None
    verdict: Verdict
    reason: str
    due: datetime | None = None
    next: datetime | None = None
    cause: str = ""
    cure: str = ""
    week: date | None = None

    @property
    def number(self) -> str:
        """`o118`."""
        return f"o{self.order_id}"


def facts(line: PlanLine) -> dict[str, object]:
    """A line as members by name; what is not known is None."""
    members = {member.name: getattr(line, member.name) for member in dataclasses.fields(line)}
    return members | {"verdict": line.verdict.value, "cause": line.cause or None, "cure": line.cure or None}


def matching(lines: Iterable[PlanLine], words: str) -> tuple[PlanLine, ...]:
    """The lines that hold all of these words in what is shown of them."""
    wanted = words.casefold().split()
    return tuple(
        line
        for line in lines
        if all(
            word in f"{line.number} {line.common_name} {line.verdict} {line.reason} {line.cause}".casefold()
            for word in wanted
        )
    )


def policy_of(settings: Settings) -> Policy:
    """What is set about automatic renewal."""
    return Policy(settings.auto_renewal, settings.renew_days_before, settings.renew_beside_scm)


class Renewal:
    """`change` is the workspace's way to save settings."""

    def __init__(self, engine: Engine, change: Callable[..., Awaitable[Settings]]) -> None:
        self._engine = engine
        self._change = change
        self._seen: tuple[object, ...] | None = None

    # what is set

    def policy(self) -> Policy:
        """What is set, as this process knows it."""
        return policy_of(self._engine.settings)

    def refreshed(self) -> Policy:
        """What is set, with what another process saved since: what was switched off there is off here too. Raises
        SettingsError."""
        saved = load_settings(self._engine.paths.settings)
        now = tuple(getattr(saved, name) for name in MEMBERS)
        if self._seen is not None and now != self._seen:
            told = dict(zip(MEMBERS, now, strict=True))
            self._engine.settings = dataclasses.replace(self._engine.settings, **told)
        self._seen = now
        return self.policy()

    async def enable(self) -> Policy:
        """From now on what is chosen is renewed by schedule; in the audit. Raises SettingsError."""
        await self._change(auto_renewal=True)
        return self.refreshed()

    async def disable(self) -> Policy:
        """Nothing is renewed by schedule any more; in the audit. Raises SettingsError."""
        await self._change(auto_renewal=False)
        return self.refreshed()

    async def set_beside_scm(self, on: bool) -> Policy:
        """Whether what SCM's own auto-renewal is at work for is renewed here too. Raises SettingsError."""
        await self._change(renew_beside_scm=on)
        return self.refreshed()

    async def days_findings(self, days: int) -> tuple[Finding, ...]:
        """What speaks against renewing so many days before the end, a hint above a third of the lifetime; from the
        store, quick enough for each key press."""
        engine = self._engine
        shortest = await engine.store.read(renewals.shortest_term)
        if shortest is None:
            return renewal.days_findings(days, None)
        term, whose = shortest
        return renewal.days_findings(days, min(term, longest_issued(engine.clock.now().date())), whose)

    async def set_days(self, days: int) -> tuple[Finding, ...]:
        """Renew so many days before the end; the hints that go with it. Raises BadInput("days"), SettingsError."""
        found = await self.days_findings(days)
        for finding in found:
            if not finding.hint:
                raise BadInput("days", f"Not set: {finding.cause}", cure=finding.cure)
        await self._change(renew_days_before=days)
        self.refreshed()
        return found

    # what is chosen

    async def select(self, order_ids: Collection[int]) -> int:
        """A person chooses these, whatever the rules say; how many were not chosen before. Raises NotFound."""
        return await self._choose(order_ids, on=True)

    async def deselect(self, order_ids: Collection[int]) -> int:
        """A person leaves these out, whatever the rules say; how many were chosen before. Raises NotFound."""
        return await self._choose(order_ids, on=False)

    async def hopeless(self, order_ids: Collection[int]) -> tuple[PlanLine, ...]:
        """Those of them that are chosen, and that no renewal can help: revoked, ended, or never to be renewed. From the
        store alone."""
        engine = self._engine
        told = await engine.store.read(_decide_each, order_ids, self.policy(), engine.clock.now())
        lines = (_line(subject, decision) for subject, decision in told)
        return tuple(line for line in lines if line.verdict is Verdict.BLOCKED and line.due is None)

    async def rules(self) -> tuple[Rule, ...]:
        """Oldest first."""
        return await self._engine.store.read(selected.rules)

    async def add_rule(self, kind: str, value: str, exclude: bool = False) -> tuple[Rule, Matched]:
        """`kind` organization or profile (`value` an id or a name) or name (a pattern); `exclude`: an exception. How
        many of the current certificates it matches is told, and that it is none or all. Raises BadInput, NotFound,
        Ambiguous, StateForbids (there is one like it)."""
        if kind not in selection.KINDS:
            raise BadInput("kind", f"{kind!r} is no kind of rule", cure=f"Take {', '.join(selection.KINDS)}")
        if kind == "name":
            value = selection.pattern(value)
        engine = self._engine
        added = await engine.store.write(_add_rule, kind, value, exclude, await engine.stamp())
        engine.changed(Topic.ORDERS)
        return added

    async def remove_rule(self, rule_id: int) -> Rule:
        """Raises NotFound."""
        engine = self._engine
        removed = await engine.store.write(selected.remove, rule_id, await engine.stamp())
        engine.changed(Topic.ORDERS)
        return removed

    async def _choose(self, order_ids: Collection[int], *, on: bool) -> int:
        """In batches, so that nobody waits for long; the record tells of all of them at the end."""
        engine = self._engine
        ids = tuple(dict.fromkeys(order_ids))
        names = await engine.store.read(_named, ids)
        done = 0
        for start in range(0, len(ids), BATCH):
            last = start + BATCH >= len(ids)
            entry = _chosen(ids, names, on) if last else None
            stamp = await engine.stamp()
            done += await engine.store.write(_choose, ids[start : start + BATCH], on, entry, stamp)
        engine.changed(Topic.ORDERS, set(order_ids))
        return done

    # what will be done

    async def plan(self, most: int | None = None) -> tuple[PlanLine, ...]:
        """Every chosen certificate and what is to be done about it, what is due first; from the store alone."""
        decided = await self.decided()
        lines = sorted((_line(subject, decision) for subject, decision in decided), key=_order)
        return tuple(lines[:most])

    async def export(
        self, path: Path | None, format: str, words: str = "", *, replace: bool = False  # noqa: A002
    ) -> tuple[int, bytes]:  # fmt: skip
        """The plan as csv or json, or the lines of it that hold all the words; how many these are, and the bytes where
        `path` is None. CSV cells cannot become formulas. Raises BadInput."""
        tables.known(format)
        lines = matching(await self.plan(), words)
        columns = [member.name for member in dataclasses.fields(PlanLine)]
        data = await asyncio.to_thread(tables.encoded, format, columns, [facts(line) for line in lines])
        if path is None:
            return len(lines), data
        if path.parent == self._engine.paths.exports:
            make_private_folder(path.parent)
        await asyncio.to_thread(write_out, path, data, replace=replace)
        return len(lines), b""

    async def decided(self, *, soon: bool = False) -> Decided:
        """Every chosen certificate with its decision, soonest to end first; from the store alone. `soon`: those alone
        that are due by now or within days."""
        engine, policy = self._engine, self.policy()
        within = timedelta(days=policy.days_before) + SOON if soon else None
        return await engine.store.read(_decided, policy, engine.clock.now(), within)

    async def decision(self, order_id: int) -> Decision:
        """Of any order, chosen or not; from the store alone. Raises NotFound."""
        engine = self._engine
        _, decision = await engine.store.read(_decide, order_id, self.policy(), engine.clock.now())
        return decision


def _decided(db: Db, policy: Policy, now: datetime, within: timedelta | None) -> Decided:
    return decide_each(db, renewals.chosen(db, now, within), policy, now)


def _decide(db: Db, order_id: int, policy: Policy, now: datetime) -> tuple[Subject, Decision]:
    found = renewals.subjects(db, (order_id,), now)
    if not found:
        raise NotFound(f"There is no order o{order_id}")
    return found[0], renewal.decide(found[0], policy, _facts(db, now), now)


def _decide_each(db: Db, order_ids: Collection[int], policy: Policy, now: datetime) -> Decided:
    return decide_each(db, renewals.subjects(db, order_ids, now), policy, now)


def decide_each(db: Db, subjects: Collection[Subject], policy: Policy, now: datetime) -> Decided:
    """Each with its decision; from the store alone."""
    facts = _facts(db, now) if any(_near(subject, policy, now) for subject in subjects) else Facts(now.date())
    return tuple((subject, renewal.decide(subject, policy, facts, now)) for subject in subjects)


def _near(subject: Subject, policy: Policy, now: datetime) -> bool:
    """Whether it may be due: only then the mirror is asked, which is large."""
    return subject.not_after is not None and subject.not_after - now <= timedelta(days=policy.days_before)


def _facts(db: Db, now: datetime) -> Facts:
    return Facts(
        today=now.date(),
        profiles=mirror.profiles(db),
        organizations=mirror.organizations(db),
        domains=DomainIndex(mirror.domains(db)),
    )


def _line(subject: Subject, decision: Decision) -> PlanLine:
    row = subject.order.row
    then = decision.next or decision.due_at
    ends = subject.not_after.date() if subject.not_after is not None else row.expires
    return PlanLine(
        row.id, row.common_name, ends, decision.verdict, decision.reason, decision.due_at, decision.next,
        decision.cause, decision.cure, then.date() - timedelta(days=then.weekday()) if then is not None else None,
    )  # fmt: skip


def _order(line: PlanLine) -> tuple[object, ...]:
    last = date.max
    then = line.due.date() if line.due is not None else last
    return (then, line.expires or last, line.common_name, line.order_id)


def _add_rule(db: Db, kind: str, value: str, exclude: bool, stamp: Stamp) -> tuple[Rule, Matched]:
    if kind == "organization":
        value = str(mirror.find_organization(db, value))
    elif kind == "profile":
        value = str(mirror.find_profile(db, value))
    return selected.add(db, kind, value, exclude, stamp)


def _named(db: Db, order_ids: tuple[int, ...]) -> dict[int, str]:
    """The common name of each. Raises NotFound where one is not here."""
    known = renewals.names(db, order_ids)
    missing = [order_id for order_id in order_ids if order_id not in known]
    if missing:
        raise NotFound(f"There is no order o{missing[0]}")
    return known


def _chosen(order_ids: tuple[int, ...], names: dict[int, str], on: bool) -> Entry:
    told = ", ".join(names[order_id] for order_id in order_ids[:NAMED])
    more = f" and {len(order_ids) - NAMED:,} more" if len(order_ids) > NAMED else ""
    only = order_ids[0] if len(order_ids) == 1 else None
    words = "chosen by hand" if on else "left out by hand"
    return Entry("auto-renewal", subject=told + more, order_id=only, reason=words)


def _choose(db: Db, order_ids: tuple[int, ...], on: bool, entry: Entry | None, stamp: Stamp) -> int:
    done = selected.choose(db, order_ids, on)
    if entry is not None:
        audit.append(db, entry, stamp)
    return done
