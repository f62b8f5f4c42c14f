"""Following renewals that somebody made in SCM's console, so that the choice goes on with the new certificate.

SCM's report does not say that an order was renewed, and an import may leave the new order out: chosen orders that look
renewed are asked about, and the order that renewed one is looked for by its name.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from kmptui.domain.listing import Topic
from kmptui.store import ledger, pending

if TYPE_CHECKING:
    from kmptui.domain.order import RemoteOrder
    from kmptui.scm.client import ScmClient
    from kmptui.services.checking import Checking
    from kmptui.services.engine import Engine

PAGE = 200


class Elsewhere:
    """A few questions a day at most; the ledger joins what comes (store.ledger.following)."""

    def __init__(self, engine: Engine, checking: Checking) -> None:
        self._engine = engine
        self._checking = checking

    async def follow(self, client: ScmClient) -> None:
        """Raises as all reads of SCM."""
        engine = self._engine
        perhaps = await engine.store.read(pending.perhaps_renewed, engine.clock.now().date())
        if perhaps:
            await self._checking.check(perhaps)
        for order_id, common_name, ssl_id in await engine.store.read(pending.renewed_by_nobody_known):
            later = [row.ssl_id async for row in _named(client, common_name) if row.ssl_id > ssl_id]
            for one in sorted(await engine.store.read(pending.unknown, later)):
                remote = await client.details(one)
                await engine.store.write(ledger.update_from_details, remote, await engine.stamp())
            engine.changed(Topic.ORDERS, {order_id})


async def _named(client: ScmClient, common_name: str) -> AsyncIterator[RemoteOrder]:
    """Every order of that common name, page by page."""
    position = 0
    while True:
        page = await client.list_orders(position, PAGE, commonName=common_name)
        for row in page.rows:
            yield row
        position += len(page.rows)
        if not page.rows or (page.total is not None and position >= page.total):
            return
