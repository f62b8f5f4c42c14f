"""The Auto-Renewal Audit: who renewed which certificate, when, why, and what became of it."""

from __future__ import annotations

import asyncio
import dataclasses
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from kmptui.domain.audit import OUTCOMES, RenewalLine, RenewalSums
from kmptui.domain.filters import Filter, Term
from kmptui.domain.listing import RENEWALS, Query, Topic, Window
from kmptui.errors import BadInput, NotFound
from kmptui.services import tables
from kmptui.services.outfile import write_out
from kmptui.store import certificates, ledger, listing, renewal_audit

if TYPE_CHECKING:
    from kmptui.services.engine import Engine
    from kmptui.store.database import Db

COLUMNS = tuple(member.name for member in dataclasses.fields(RenewalLine))
PAGE = 1000
_NUMBER = re.compile(r"[oc]?[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which attempts: of a certificate (`c42`, `o118`, `scm:…`, a serial: all of its row of renewals; else a name that
    they hold), with an outcome (one of OUTCOMES), by an actor (part of who it was), on these days (inclusive, UTC);
    `filter` in the filter language."""

    certificate: str = ""
    outcome: str = ""
    actor: str = ""
    start: date | None = None
    end: date | None = None
    filter: str = ""


EVERYTHING = Wanted()


class RenewalAudit:
    """Reads the store alone; never asks SCM."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def query(self, wanted: Wanted = EVERYTHING) -> Query:
        """What lists of the audit ask for, newest first: `Lists.window` and its kin take it, and give RenewalLine.
        Raises NotFound, BadInput."""
        if wanted.start and wanted.end and wanted.end < wanted.start:
            raise BadInput("to", f"{wanted.end} is before {wanted.start}", cure="Swap the days")
        if wanted.outcome and wanted.outcome not in OUTCOMES:
            raise BadInput("outcome", f"{wanted.outcome!r} is no outcome", cure=f"One of: {', '.join(OUTCOMES)}")
        terms = []
        if wanted.certificate:
            terms.append(await self._engine.store.read(_of_certificate, wanted.certificate.strip()))
        if wanted.outcome:
            terms.append(Term("outcome", "=", wanted.outcome))
        if wanted.actor:
            terms.append(Term("actor", ":", wanted.actor))
        if wanted.start:
            terms.append(Term("at", ">=", wanted.start))
        if wanted.end:
            terms.append(Term("at", "<=", wanted.end))
        return Query(Topic.AUDIT, f"{wanted.filter} {Filter(tuple(terms))}".strip(), view=RENEWALS)

    async def window(self, wanted: Wanted, offset: int, limit: int) -> Window[RenewalLine]:
        """Attempts, newest first. Raises NotFound, BadInput."""
        query = await self.query(wanted)
        return await self._engine.store.read(listing.window, query, offset, limit, self._engine.clock.now())

    async def export(
        self, path: Path | None, format: str, wanted: Wanted = EVERYTHING, *, replace: bool = False  # noqa: A002
    ) -> tuple[int, bytes]:  # fmt: skip
        """csv or json, newest first, as the store is at one moment; the number of attempts, and the bytes where `path`
        is None. CSV cells cannot become formulas. Raises NotFound, BadInput."""
        tables.known(format)
        query = await self.query(wanted)
        lines = await self._engine.store.read(_everything, query, self._engine.clock.now())
        data = await asyncio.to_thread(tables.encoded, format, COLUMNS, [facts(line) for line in lines])
        if path is None:
            return len(lines), data
        await asyncio.to_thread(write_out, path, data, replace=replace)
        return len(lines), b""

    async def sums(self, start: date | None = None, end: date | None = None) -> RenewalSums:
        """Attempts of a range of days (inclusive, UTC), counted from the ledger: what an export of it must come to."""
        first = datetime.combine(start, time.min, UTC) if start else None
        # the calendar's last day has no next one
        last = datetime.combine(end, time.min, UTC) + timedelta(days=1) if end and end < date.max else None
        return await self._engine.store.read(renewal_audit.sums, first, last)


def facts(line: RenewalLine) -> dict[str, object]:
    """A line as members by name; what is not known is None."""
    return {name: value if value != "" else None for name in COLUMNS for value in (getattr(line, name),)}


def _of_certificate(db: Db, text: str) -> Term:
    """Raises NotFound for a number that nothing has here."""
    folded = text.lower()
    if folded.startswith("scm:") and folded[4:].isdigit():
        order = ledger.order_by_ssl_id(db, int(folded[4:]))
        if order is None:
            raise NotFound(f"There is no order {text!r} here")
        return Term("lineage", "=", f"o{order.id}")
    if not _NUMBER.fullmatch(folded):
        held = certificates.by_serial(db, text)
        return Term("lineage", "=", f"c{held[0].id}") if held else Term("name", "=", folded)
    if folded.startswith("c"):
        return Term("lineage", "=", f"c{certificates.find(db, folded)}")
    order_id = int(folded.removeprefix("o"))
    ledger.lineage_of(db, order_id)  # deleted ones have a history, too
    return Term("lineage", "=", f"o{order_id}")


def _everything(db: Db, query: Query, now: datetime) -> list[RenewalLine]:
    lines: list[RenewalLine] = []
    while found := listing.window(db, query, len(lines), PAGE, now).rows:
        lines += found
    return lines
