"""What must be so when the year is over: the record, the ledger and the server tell the same."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from kmptui.domain.audit import AuditRow
from kmptui.domain.listing import Topic
from kmptui.services.renewal_audit import EVERYTHING
from kmptui.store.db import Db
from tests.services.homes import rows

if TYPE_CHECKING:
    from tests.year.life import Life


HELD = "issued, not added: limit"
"""How far it is reached may change from run to run."""


async def settle(life: Life) -> None:
    """Count, and hold everything against everything."""
    opened, year = life.opened, life.year
    lines = (await opened.renewal_audit.window(EVERYTHING, 0, 1_000_000)).rows
    year.take(lines)
    record = await rows(opened, Topic.AUDIT)
    await _orders(life)
    _causes(life, record)
    await _recovered(life, record)
    verdict = await opened.record.verify()
    life.require(verdict.intact, f"the record: {verdict.problem}")
    year.facts["rows of the record, intact"] = verdict.rows
    year.facts["runs of the timer"] = life.reports
    valid = await life.valid()
    for service in (*life.company, life.newcomer):
        held = valid.get(frozenset(service.names))
        told = f"{held.source}, {held.not_before:%Y-%m-%d} to {held.not_after:%Y-%m-%d}" if held else "none"
        year.names[service.name] = told


async def _orders(life: Life) -> None:
    """Ours at the server = accepted in the ledger; nothing for what nobody chose, nor after a revocation."""
    created = life.created()
    ours = Counter(int(one["id"]) for one in created if one["requested_via"] == "REST API")
    accepted = Counter(await life.opened._engine.store.read(_accepted))
    life.require(ours == accepted, f"orders and intents differ: {(ours - accepted) | (accepted - ours)}")
    life.year.facts["orders of ours at the server, each an accepted intent"] = ours.total()
    life.year.facts["orders by others after the start"] = len(created) - ours.total() - len(life.company)
    renewed = {one["common_name"] for one in created if one["requested_via"] == "REST API"}
    for service in life.company:
        life.require(service.chosen or service.name not in renewed, f"{service.name} is renewed, and nobody chose it")
    for service, last in life.revoked:
        after = [one for one in created if one["common_name"] == service.name and int(one["id"]) > last]
        life.require(not after, f"{service.name} was revoked, and ordered again")


def _causes(life: Life, record: list[AuditRow]) -> None:
    """Whatever a run called failed or blocked has a row that names the cause."""
    told: dict[int | None, set[str]] = {}
    for row in record:
        told.setdefault(row.order_id, set()).add(row.reason)
    for job, order_id, name, words in sorted(life.told):
        known = told.get(order_id, set())
        held = job == "check" and any(one.startswith(HELD) for one in known) and words.startswith(HELD)
        life.require(words in known or held, f"o{order_id} {name} has no row for {job}: {words}")


async def _recovered(life: Life, record: list[AuditRow]) -> None:
    """Requests without a reply, and what became of them: all were settled, by themselves."""
    open_ = await life.opened._engine.store.read(_unsettled)
    life.require(not open_, f"not settled at the end: {open_}")
    lost: set[int] = set()
    for row in sorted(record, key=lambda row: row.seq):
        if row.action != "renew" or row.order_id is None:
            continue
        if row.outcome == "unconfirmed":
            lost.add(row.order_id)
        elif row.order_id in lost and row.outcome in {"accepted", "not placed"}:
            lost.discard(row.order_id)
            life.year.count(row.at, "recovered")


def _accepted(db: Db) -> list[int]:
    found = db.rows("SELECT ssl_id FROM intents WHERE state = 'accepted' AND act IN ('order', 'renew')")
    return [int(row[0]) for row in found]


def _unsettled(db: Db) -> list[tuple[object, ...]]:
    return db.rows("SELECT order_id, state FROM intents WHERE state IN ('prepared', 'sent', 'unconfirmed')")
