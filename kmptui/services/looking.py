"""Looking at SCM for what an unconfirmed request may have made: complete searches, and what speaks for each order."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kmptui.domain.order import ISSUED_STATUSES, OPEN_STATUSES, Act, Intent, RemoteOrder
from kmptui.errors import ScmGarbled, ScmRefused
from kmptui.services import matching
from kmptui.services.bounded import for_each
from kmptui.store import certificates, ledger

if TYPE_CHECKING:
    from kmptui.domain.certificate import Certificate
    from kmptui.scm.client import ScmClient
    from kmptui.services.engine import Engine
    from kmptui.store.database import Db

PAGE = 200


@dataclass(frozen=True, slots=True)
class Candidate:
    """An order at SCM that may be the unconfirmed one, and what speaks for it, in words."""

    ssl_id: int
    common_name: str
    names: tuple[str, ...]
    status: str
    requested: str
    reasons: tuple[str, ...]
    sure: bool = False
    """It has the intent's mark or public key."""


@dataclass(frozen=True, slots=True)
class Search:
    """What one complete search found. `others`: SCM has newer orders of that name that are not the
    intent's."""

    candidates: tuple[Candidate, ...]
    others: bool = False


class Looking:
    """Asks SCM, and changes nothing. Everything raises as reads do; ScmGarbled also where SCM's list is not whole."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def search(self, client: ScmClient, intent: Intent) -> Search:
        """One complete search for the order that an order's or a renewal's intent made."""
        copied = await self._engine.store.read(_comments_of, intent)
        rows = await self._listed(client, intent.common_name)
        strangers = await self._engine.store.read(_strangers, intent, [row.ssl_id for row in rows])
        found: list[Candidate] = []

        async def look(row: RemoteOrder) -> None:
            candidate = await self._weigh(client, intent, await client.details(row.ssl_id), copied)
            if candidate is not None:
                found.append(candidate)

        await for_each([row for row in rows if row.ssl_id not in strangers], look, self._engine.settings.concurrency)
        told = {one.ssl_id for one in found}
        others = any(row.ssl_id > intent.highest_ssl_id and row.ssl_id not in told for row in rows)
        return Search(tuple(sorted(found, key=lambda one: (not one.sure, one.ssl_id))), others)

    async def _listed(self, client: ScmClient, common_name: str) -> list[RemoteOrder]:
        """All of that name, whatever the size of SCM's pages: up to its count, or to an empty page where it tells
        none."""
        rows: dict[int, RemoteOrder] = {}
        position, total = 0, None
        while total is None or position < total:
            page = await client.list_orders(position, PAGE, commonName=common_name)
            total = page.total
            known = len(rows)
            rows.update((row.ssl_id, row) for row in page.rows)
            position += len(page.rows)
            if len(rows) == known:
                break
        if total is not None and len(rows) != total:
            raise ScmGarbled(f"SCM lists {len(rows):,} orders of {common_name}, and counts {total:,}")
        return list(rows.values())

    async def _weigh(self, client: ScmClient, intent: Intent, remote: RemoteOrder, copied: str) -> Candidate | None:
        reasons = matching.reasons(intent, remote, copied)
        if not reasons:
            return None
        sure = matching.MARK in reasons
        if not sure and remote.status.lower() in ISSUED_STATUSES:
            same = await self.same_key(client, intent, remote.ssl_id)
            if same is False:
                return None
            if same and not matching.keeps_key(intent):
                sure, reasons = True, (*reasons, "public key")
        requested = f"{remote.requested:%Y-%m-%d}" if remote.requested else ""
        return Candidate(
            remote.ssl_id, remote.common_name, remote.names, remote.status, requested, reasons, sure
        )  # fmt: skip

    async def same_key(self, client: ScmClient, intent: Intent, ssl_id: int) -> bool | None:
        """Whether the issued certificate has the intent's public key; None while SCM does not hand it out, and where
        that key is not known."""
        from kmptui.pki import chain

        if not intent.spki:
            return None
        try:
            data = await client.collect(ssl_id)
        except ScmRefused:
            return None
        return await asyncio.to_thread(lambda: chain.holds_key(chain.parse(data), intent.spki))

    async def of_the_key(self, client: ScmClient, intent: Intent, sure: list[Candidate]) -> list[Candidate]:
        """The one of several that has the intent's key, where all others have another: who renews an order in SCM's
        console copies its comments, and the mark with them."""
        if len(sure) < 2:
            return sure
        same = [await self.same_key(client, intent, one.ssl_id) for one in sure]
        ours = [one for one, is_ours in zip(sure, same, strict=True) if is_ours]
        return ours if len(ours) == 1 and None not in same else sure

    async def reissued(self, client: ScmClient, intent: Intent, remote: RemoteOrder) -> tuple[bool | None, str]:
        """Whether SCM has taken the reissue, and what shows it; None where that cannot be told now. `remote` is the
        order as SCM tells it. The public key proves it, and so does that an order is with the CA again which was issued
        when the reissue was sent."""
        status = remote.status.lower()
        if status in OPEN_STATUSES:
            return True, f'the order is "{remote.status}" again'
        if status not in ISSUED_STATUSES:
            return False, f'the order is "{remote.status}"'
        same = await self.same_key(client, intent, remote.ssl_id)
        if same is None:
            return None, "SCM does not hand out its certificate now"
        if same:
            return True, "its certificate has the new public key"
        if remote.replaced is not None and remote.replaced != intent.replaced:
            return None, f"SCM replaced its certificate on {remote.replaced:%Y-%m-%d}, for another key"
        return False, "SCM hands out the earlier certificate, and has replaced nothing"


def _strangers(db: Db, intent: Intent, ssl_ids: Sequence[int]) -> frozenset[int]:
    """Those that cannot be the intent's: other orders of ours that were sent from here, were known before it, or have
    certificates with other keys alone."""
    found = set()
    for ssl_id in ssl_ids:
        order = ledger.order_by_ssl_id(db, ssl_id)
        if order is None or order.id == intent.order_id:
            continue
        keys = {row.spki for row in _certificates(db, order.id)}
        others = bool(intent.spki and keys) and intent.spki not in keys
        marked = intent.token and intent.token in order.comments
        if ledger.sent_from_here(db, order.id) or (not marked and (ssl_id <= intent.highest_ssl_id or others)):
            found.add(ssl_id)
    return frozenset(found)


def _comments_of(db: Db, intent: Intent) -> str:
    """The comments of the order that a renewal is for: SCM copies them."""
    if intent.act is not Act.RENEW or intent.target_ssl_id is None:
        return ""
    order = ledger.order_by_ssl_id(db, intent.target_ssl_id)
    return order.comments if order is not None else ""


def _certificates(db: Db, order_id: int) -> list[Certificate]:
    return [certificates.certificate(db, row.id) for row in certificates.of_order(db, order_id)]
