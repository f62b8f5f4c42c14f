"""Many requests that change SCM, one outcome each, and an end where they go wrong one after the other."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from kmptui.domain.order import Ledger, Order
from kmptui.errors import HeldElsewhere, Refused, ScmRefused, StateForbids, Unconfirmed
from kmptui.services.ordering import Placed
from kmptui.services.reporting import Progress, Report


class Run:
    """One bulk run: what came of each, by the order's id, and whether more may be begun. What kmptui refuses itself,
    and what another process holds, stops nothing."""

    def __init__(self, words: str, total: int, stop_after: int, report: Report) -> None:
        self.placed: dict[int, Placed] = {}
        self._words = words
        self._total = total
        self._left = max(1, stop_after)
        self._stopped = ""
        self._report = report

    async def do(self, order: Order, work: Callable[[], Awaitable[Placed]]) -> None:
        """Do it, unless the run has been stopped: then its outcome says so. `work` raises nothing."""
        if self._stopped:
            words = f"not begun: {self._stopped}"
            self.placed[order.id] = Placed(
                None, None, order.common_name, Ledger.DRAFT, words, StateForbids("Not begun", why=self._stopped)
            )
            return
        done = await work()
        self.placed[order.id] = done
        self._count(done.error)
        self._report(Progress(self._words, len(self.placed), self._total))

    def _count(self, error: Exception | None) -> None:
        if error is None or isinstance(error, Refused | HeldElsewhere):
            return
        if not isinstance(error, ScmRefused | Unconfirmed):
            self._stopped = str(error)
            return
        self._left -= 1
        if self._left == 0:
            self._stopped = "too many failed before it"
