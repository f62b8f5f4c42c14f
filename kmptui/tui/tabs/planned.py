"""The plan of automatic renewal as a list: asked of the service whole, cut into windows here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from kmptui.domain.listing import Query, Window
from kmptui.services.renewal import matching

if TYPE_CHECKING:
    from kmptui.services.renewal import PlanLine

PLAN = "plan"
"""The view's name, in a query of the audit."""
MOST = 5_000


@dataclass(frozen=True, slots=True)
class PlannedRow:
    """One line of the plan, with the id of its order as its own."""

    id: int
    common_name: str
    expires: date | datetime | None
    verdict: str
    reason: str
    due: datetime | None
    next: datetime | None
    cause: str
    cure: str
    week: date | None

    @property
    def order_id(self) -> int:
        return self.id

    @property
    def number(self) -> str:
        """`o118`."""
        return f"o{self.id}"


class Planned:
    """A source of rows: the plan for queries of the view PLAN, all others of the lists. The filter's words are looked
    for in what a row shows."""

    def __init__(self, lists: Any, plan: Callable[[int], Awaitable[Sequence[PlanLine]]]) -> None:
        self._lists = lists
        self._plan = plan
        self._rows: tuple[PlannedRow, ...] = ()

    async def window(self, query: Query, offset: int, limit: int) -> Window[Any]:
        if query.view != PLAN:
            found: Window[Any] = await self._lists.window(query, offset, limit)
            return found
        rows = await self._read(query.filter)
        return Window(rows[offset : offset + limit], offset, len(rows))

    async def position(self, query: Query, row_id: int) -> int | None:
        if query.view != PLAN:
            place: int | None = await self._lists.position(query, row_id)
            return place
        rows = await self._read(query.filter)
        return next((at for at, row in enumerate(rows) if row.id == row_id), None)

    async def _read(self, words: str) -> tuple[PlannedRow, ...]:
        return tuple(row_of(line) for line in matching(await self._plan(MOST), words))


def row_of(line: PlanLine) -> PlannedRow:
    """The line of the service as a row of the list."""
    return PlannedRow(
        line.order_id, line.common_name, line.expires, str(line.verdict), line.reason, line.due, line.next,
        line.cause, line.cure, line.week,
    )  # fmt: skip
