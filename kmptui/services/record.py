"""The audit as a service: verify the chain, export it."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from kmptui.domain.audit import AuditRow, Verdict
from kmptui.errors import BadInput
from kmptui.services import tables
from kmptui.services.outfile import write_out
from kmptui.store import audit
from kmptui.store.ledger.proof import contradiction

if TYPE_CHECKING:
    from kmptui.services.engine import Engine
    from kmptui.store.database import Db

_log = logging.getLogger(__name__)

COLUMNS = (
    "seq", "at", "actor", "account", "action", "phase", "outcome", "subject", "order_id", "certificate_id", "reason",
    "details", "previous", "hash",
)  # fmt: skip
PAGE = 1000


class Record:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def verify(self, head: str | None = None) -> Verdict:
        """Check the whole chain; with `head`, that this hash is part of it (finds a cut tail); and that the ledger says
        what the record says."""
        return await self._engine.store.read(_verdict, head)

    async def head(self) -> str:
        """The hash of the last row ("" while there is none), written to the log, too: kept where whoever changes the
        store does not reach, it finds a tail that was cut off (`verify`)."""
        found = await self._engine.store.read(audit.head)
        _log.info("the record's head is %s", found or "none: it is empty")
        return found

    async def export(
        self, path: Path | None, format: str, *, start: date | None = None, end: date | None = None,  # noqa: A002
        replace: bool = False,
    ) -> tuple[int, bytes]:  # fmt: skip
        """csv or json of a range of days (inclusive, UTC); the number of rows, and the bytes where `path` is None.
        Raises BadInput."""
        if start and end and end < start:
            raise BadInput("to", f"{end} is before {start}", cure="Swap the days")
        tables.known(format)
        rows: list[AuditRow] = []
        first = datetime.combine(start, time.min, UTC) if start else None
        # the calendar's last day has no next one
        last = datetime.combine(end, time.min, UTC) + timedelta(days=1) if end and end < date.max else None
        while True:
            after = rows[-1].seq if rows else 0
            found = await self._engine.store.read(audit.rows, after=after, start=first, end=last, most=PAGE)
            rows += found
            if len(found) < PAGE:
                break
        data = tables.encoded(format, COLUMNS, [_facts(row) for row in rows])
        if path is None:
            return len(rows), data
        await asyncio.to_thread(write_out, path, data, replace=replace)
        return len(rows), b""


def _verdict(db: Db, head: str | None) -> Verdict:
    found = audit.verify(db, head)
    if not found.intact or not (wrong := contradiction(db)):
        return found
    return replace(found, intact=False, problem=f"the record is whole, and the orders are not as it tells: {wrong}")


def _facts(row: AuditRow) -> dict[str, object]:
    facts = {name: getattr(row, name) for name in COLUMNS}
    return facts | {"details": dict(row.details)}
