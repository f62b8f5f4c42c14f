"""What SCM says about the account's health."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from kmptui.domain.domain import word
from kmptui.domain.listing import Topic
from kmptui.services import rights
from kmptui.services.account import Facts, save_facts, told
from kmptui.services.mirror import MIRRORED
from kmptui.store import account as accounts
from kmptui.store import mirror

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kmptui.domain.domain import Domain
    from kmptui.domain.organization import Organization, Validation
    from kmptui.scm.client import ScmClient
    from kmptui.services.engine import Engine
    from kmptui.services.mirror import Mirror
    from kmptui.store.database import Db

ENDS_SOON = 60
"""Days before the end of a validation or a password from which it is told."""
SKEW = timedelta(seconds=60)
NAMED = 5
NEAR_YEAR = 330
"""Days within which a day and a month say which year is meant."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing examined. `state`: ok, note, bad, skipped; `what` is what was found, `cure` what to do about it."""

    name: str
    state: str
    what: str
    cure: str = ""


@dataclass(frozen=True, slots=True)
class HealthReport:
    checks: tuple[Check, ...]
    at: datetime


class Health:
    def __init__(self, engine: Engine, mirror: Mirror) -> None:
        self._engine = engine
        self._mirror = mirror

    async def check(self) -> HealthReport:
        """Ask SCM: role, organizations with REST off, DCV and validations that end within 60 days, the password's end,
        the clock's skew (over 60 s). Saved, so that the home screen shows the count of notes. Raises as a sync does."""
        return await self._engine.own(self._check(), "Looking at the account's health", stoppable=True)

    async def last(self) -> HealthReport | None:
        """The saved report of the last check."""
        found = await self._engine.store.read(accounts.health)
        if found is None:
            return None
        return HealthReport(tuple(Check(**check) for check in json.loads(found[0])), found[1])

    async def _check(self) -> HealthReport:
        engine = self._engine
        client = await engine.client()
        facts = await told(client)
        account = (role(facts, client.login), password(facts, engine.clock.now().date()), clock(client))
        await self._mirror.sync(MIRRORED)
        today = engine.clock.now().date()
        organizations = await engine.store.read(mirror.organizations)
        domains = await engine.store.read(mirror.domains)
        report = HealthReport(
            (*account, rest(organizations), validations(organizations, today), dcv(domains, today)), engine.clock.now()
        )
        saved = json.dumps([dataclasses.asdict(check) for check in report.checks])
        await engine.store.write(_save, facts, saved, report.at)
        engine.changed(Topic.ACCOUNT)
        return report


def _save(db: Db, facts: Facts, report: str, at: datetime) -> None:
    save_facts(db, facts)
    accounts.save_health(db, report, at)


def role(facts: Facts, login: str) -> Check:
    """Whether the account is a master administrator, and what it has no right to do."""
    if facts.mrao is None:
        return Check("Role", "note", "SCM does not tell the account's role", "MRAO is needed to see everything")
    if facts.mrao:
        return Check("Role", "ok", "MRAO")
    missing = rights.warning(login, facts.roles)
    what = "The account is below MRAO" + (f". {missing}" if missing else "")
    return Check("Role", "bad", what, "Ask your SCM master administrator for the MRAO role")


def password(facts: Facts, today: date) -> Check:
    """When the API password ends; an answer that is missing is not "never"."""
    state, ends = facts.password_state, facts.password_expires
    renew = "Set a new one in SCM, then: kmptui account password"
    if not state:
        cure = "90 days are common: note the date"
        return Check("Password", "note", "SCM does not tell when the password ends", cure)
    if state == "NEVER_EXPIRE":
        return Check("Password", "ok", "It does not expire")
    if state == "EXPIRED" or (ends and ends < today):
        return Check("Password", "bad", "It has expired", renew)
    if ends is None:
        return Check("Password", "note", "It expires; SCM does not tell when")
    days = (ends - today).days
    soon = days <= ENDS_SOON
    return Check(
        "Password",
        "note" if soon else "ok",
        f"It ends {_day(ends, today)}, {f'in {days} d' if days else 'today'}",
        renew if soon else "",
    )


def clock(client: ScmClient) -> Check:
    """How far this host's clock is from SCM's."""
    skew = client.clock_skew
    if skew is None:
        return Check("Clock", "note", "SCM did not tell its time")
    if abs(skew) <= SKEW:
        return Check("Clock", "ok", "It agrees with SCM's")
    way = "behind" if skew > timedelta(0) else "ahead of"
    seconds = abs(skew).total_seconds()
    return Check(
        "Clock", "bad", f"This host's clock is {seconds:,.0f} s {way} SCM's", "Set it, for example with chrony"
    )


def rest(organizations: Iterable[Organization]) -> Check:
    """Organizations whose certificates cannot be ordered by REST."""
    off = [row.title for row in organizations if row.rest_enabled is False]
    if not off:
        return Check("REST API", "ok", "On for all organizations")
    cure = "Have 'SSL certificates: Web API' switched on for them in SCM"
    return Check("REST API", "note", f"Off for {_named(off)}", cure)


def validations(organizations: Iterable[Organization], today: date) -> Check:
    """Organization validations that ended or end soon (398 days at most: CA/B Forum ballot SC-081v3)."""
    soon = [
        f"{row.title} ({validation.level.replace('_', ' ')}, {_until(validation, today)})"
        for row in organizations
        if row.parent_id is None
        for validation in row.validations
        if _ends(validation.expires, today) or word(validation.status) in {"expired", "notvalidated"}
    ]
    if not soon:
        return Check("Organizations", "ok", f"No validation ends within {ENDS_SOON} d")
    return Check("Organizations", "note", f"Ended or ending: {_named(soon)}", "Have them validated anew in SCM")


def dcv(domains: Iterable[Domain], today: date) -> Check:
    """Domain validations that ended or end soon."""
    known = list(domains)
    ended = [row.name for row in known if row.status(today) == "expired"]
    soon = [
        f"{row.name} ({_day(row.dcv_expires, today)})"
        for row in known
        if row.status(today) == "validated" and _ends(row.dcv_expires, today)
    ]
    if ended:
        also = f"; ending: {_named(soon)}" if soon else ""
        return Check("Domains", "bad", f"DCV ended: {_named(ended)}{also}", "Publish the new record that SCM asks for")
    if soon:
        return Check("Domains", "note", f"DCV ends within {ENDS_SOON} d: {_named(soon)}", "Renew it in time")
    return Check("Domains", "ok", f"No DCV ends within {ENDS_SOON} d")


def _until(validation: Validation, today: date) -> str:
    if validation.expires is None:
        return validation.status.replace("_", " ").lower()
    return _day(validation.expires, today)


def _day(day: date | None, today: date) -> str:
    """`2 Dec`, with the year where it is far away."""
    if day is None:
        return "-"
    return f"{day:%-d %b}" + (f" {day.year}" if abs((day - today).days) > NEAR_YEAR else "")


def _ends(day: date | None, today: date) -> bool:
    return day is not None and (day - today).days <= ENDS_SOON


def _named(names: list[str]) -> str:
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more:,} more" if more > 0 else "")
