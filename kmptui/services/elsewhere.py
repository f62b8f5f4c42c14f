"""Following renewals that somebody made in SCM's console, so that the choice goes on with the new certificate.

SCM's report does not say that an order was renewed, and an import may leave the new order out: chosen orders that look
renewed are asked about, and the order that renewed one is looked for by its name.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from kmptui.domain.listing import Topic
from kmptui.errors import RestSwitchedOff, RoleMissing, ScmGarbled, ScmRefused
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

    async def follow(self, client: ScmClient) -> tuple[tuple[int, str], ...]:
        """Each order's own trouble, by its id: it stops no other. Raises WrongLogin, PasswordExpired, Unreachable,
        StoreFailed."""
        engine = self._engine
        perhaps = await engine.store.read(pending.perhaps_renewed, engine.clock.now().date())
        if perhaps:
            await self._checking.check(perhaps)
        failed = []
        for order_id, common_name, ssl_id in await engine.store.read(pending.renewed_by_nobody_known):
            try:
                later = [row.ssl_id async for row in _named(client, common_name) if row.ssl_id > ssl_id]
                for one in sorted(await engine.store.read(pending.unknown, later)):
                    remote = await client.details(one)
                    await engine.store.write(ledger.update_from_details, remote, await engine.stamp())
            except (ScmRefused, ScmGarbled, RoleMissing, RestSwitchedOff) as error:
                failed.append((order_id, f"which order renewed it could not be looked for: {error}"))
            engine.changed(Topic.ORDERS, {order_id})
        return tuple(failed)


async def _named(client: ScmClient, common_name: str) -> AsyncIterator[RemoteOrder]:
    """Every order of that common name, page by page, until one brings nothing new."""
    position, seen = 0, set[int]()
    while True:
        page = await client.list_orders(position, PAGE, commonName=common_name)
        new = [row for row in page.rows if row.ssl_id not in seen]
        for row in new:
            yield row
        seen |= {row.ssl_id for row in new}
        position += len(page.rows)
        if not new or (page.total is not None and position >= page.total):
            return
