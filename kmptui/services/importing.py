"""Import existing orders: the inventory by one report, then the certificates' bodies in the background."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import TYPE_CHECKING

from kmptui.domain.audit import Entry
from kmptui.domain.limit import Limit
from kmptui.domain.listing import Topic
from kmptui.services import choosing
from kmptui.services.collecting import COLLECTED, FAILED, NOT_ADDED, WAITING
from kmptui.services.reporting import Progress, Report, silent
from kmptui.store import audit, certificates, changes, drafts, ledger, mirror, schedule

if TYPE_CHECKING:
    from kmptui.domain.audit import Stamp
    from kmptui.domain.order import RemoteOrder
    from kmptui.scm.client import ScmClient
    from kmptui.services.engine import Engine
    from kmptui.services.fetching import Fetching
    from kmptui.store.database import Db
    from kmptui.store.ledger import MergeReport

SLICE = 1_000
OPTIONS_FORM = "import"
"""Where the last options are kept."""
REPORT_STATUS = {"": 0, "requested": 1, "issued": 2, "revoked": 3, "expired": 4}


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """`status`: "" (all), requested, issued, revoked, expired. `expires_within` in days."""

    status: str = ""
    organization_id: int | None = None
    expires_within: int | None = None
    common_name: str = ""
    include_deleted: bool = False


@dataclass(frozen=True, slots=True)
class Forecast:
    """What an import will meet: orders at the server, and how many certificates the limit lets in (None: no limit)."""

    orders: int
    room: int | None
    words: str


@dataclass(frozen=True, slots=True)
class ImportReport:
    """`complete`: rows seen equal the server's own count, else the import is incomplete and says so.

    `odd` rows: sslId and what could not be understood. `to_fetch` bodies are queued; `held` stay out by the limit.
    `left_out`: rows of a refresh that are neither known here nor wanted by the last import.
    """

    seen: int
    server_count: int
    complete: bool
    new: int
    changed: int
    same: int
    kept_deleted: int
    odd: tuple[tuple[int, str], ...]
    to_fetch: int
    held: int
    requests: int
    left_out: int = 0

    @property
    def words(self) -> str:
        """One line: what came in, and whether it is all."""
        found = f"{self.new:,} new, {self.changed:,} changed, {self.same:,} the same"
        if self.kept_deleted:
            found += f", {self.kept_deleted:,} deleted here stay so"
        if self.odd:
            found += f", {len(self.odd):,} with oddities"
        if self.complete:
            return f"Import complete: {found}"
        return f"Import incomplete: SCM counts {self.server_count:,} orders and sent {self.seen:,}. {found}"


@dataclass(frozen=True, slots=True)
class FetchReport:
    """Bodies: fetched into the repository, held back by the limit, failed (will be tried again), still queued."""

    fetched: int
    held: int
    failed: tuple[tuple[int, str], ...]
    left: int


class Importing:
    def __init__(self, engine: Engine, fetching: Fetching) -> None:
        self._engine = engine
        self._fetching = fetching

    async def forecast(self, options: ImportOptions) -> Forecast:
        """Ask SCM for the count only."""
        return await self._engine.own(self._forecast(options), "Counting orders", stoppable=True)

    async def _forecast(self, options: ImportOptions) -> Forecast:
        engine = self._engine
        client = await engine.client()
        orders = await client.count(**_filters(options))
        room = await engine.store.read(_room, engine.settings.certificate_limit, engine.clock.now())
        words = f"SCM counts {orders:,} orders"
        if options.expires_within is not None or options.common_name:
            words += "; of these, those that match come in"
        if room is not None and room < orders:
            words += f"; the certificate limit has room for {room:,} certificates, the rest stay issued, not added"
        return Forecast(orders, room, words)

    async def run(self, options: ImportOptions, report: Report = silent) -> ImportReport:
        """Take the orders in; bodies are only queued: call `fetch()` next (the TUI does so in the background)."""
        return await self._engine.own(
            self._run(options, self._engine.telling(report)),
            "Importing orders",
            stoppable=True,
            stopped="orders taken in are kept, import again for the rest",
        )

    async def refresh(self, report: Report = silent) -> ImportReport:
        """Refresh by one whole report the orders that are known here, whatever the last import's options were, and take
        in new ones that those want; before any import none. Bodies are queued as in `run`."""
        return await self._engine.own(
            self._refresh(self._engine.telling(report)),
            "Refreshing orders",
            stoppable=True,
            stopped="orders refreshed so far are kept, sync again for the rest",
        )

    async def fetch(self, report: Report = silent) -> FetchReport:
        """Fetch queued certificate bodies, not expired and soonest to expire first, with bounded concurrency; goes on
        where an earlier run was stopped or killed; each comes in once."""
        return await self._engine.own(
            self._fetch(self._engine.telling(report)),
            "Fetching certificates",
            stoppable=True,
            stopped="these are kept; a check of all orders fetches the rest",
        )

    async def queued(self) -> int:
        """Bodies still to be fetched."""
        return await self._engine.store.read(schedule.bodies_left, self._engine.clock.now())

    async def last_options(self) -> ImportOptions:
        """The options of the last import (all orders before any), without bringing deleted ones back."""
        return await self._engine.store.read(_last_options) or ImportOptions()

    async def _refresh(self, report: Report) -> ImportReport:
        choose = await self._engine.store.read(_refreshing, self._engine.clock.now().date())
        return await self._run(ImportOptions(), report, refreshing=choose)

    async def _run(
        self, options: ImportOptions, report: Report, *, refreshing: choosing.Choice | None = None
    ) -> ImportReport:
        engine = self._engine
        client = await engine.client()
        began = engine.clock.now()
        report(Progress("Asking SCM for its orders"))
        # the count is asked beside the report: one more wait would cost more than the report itself
        counting = asyncio.ensure_future(self._counted(client, options))
        try:
            remotes = await _reported(client, options, report)
            (count,), requests = await counting, 2
        finally:
            counting.cancel()
        seen = _distinct(remotes)
        if count != seen:
            again = await self._counted(client, options, departments=True)
            requests += len(again)
            count = again[0] if again[0] == seen else sum(again)
        complete = count == seen
        choose = refreshing or choosing.by_options(options, engine.clock.now().date())
        wanted = choose(remotes)
        merged = await self._merge(wanted, options, report)
        everything = options.status == "" and options.organization_id is None
        whole = everything and (refreshing is not None or len(wanted) == len(remotes))
        outcome = ImportReport(
            seen=seen,
            server_count=count,
            complete=complete,
            new=sum(one.new for one in merged),
            changed=sum(one.changed for one in merged),
            same=sum(one.same for one in merged),
            kept_deleted=sum(one.kept_deleted for one in merged),
            odd=tuple((one.ssl_id, "; ".join(one.oddities)) for one in remotes if one.oddities),
            to_fetch=0,
            held=0,
            requests=requests,
            left_out=len(remotes) - len(wanted) if refreshing else 0,
        )
        kept = None if refreshing else options
        looked = _Look(frozenset(one.ssl_id for one in remotes), complete and everything, began)
        to_fetch, held = await engine.store.write(
            _conclude, kept, outcome, looked, complete and whole, engine.settings.certificate_limit,
            await engine.stamp(),
        )  # fmt: skip
        engine.changed(Topic.ORDERS, set())
        return replace(outcome, to_fetch=to_fetch, held=held)

    async def _counted(
        self, client: ScmClient, options: ImportOptions, *, departments: bool = False
    ) -> tuple[int, ...]:
        """SCM's own count of the same orders. The report of an organization holds its departments' orders too, its list
        on some servers does not: with `departments` theirs follow, one count each."""
        filters = _filters(options)
        others: tuple[int, ...] = ()
        if departments and options.organization_id is not None:
            others = await self._engine.store.read(_departments, options.organization_id)
        return (
            await client.count(**filters),
            *[await client.count(**(filters | {"orgId": one})) for one in others],
        )

    async def _merge(self, wanted: Sequence[RemoteOrder], options: ImportOptions, report: Report) -> list[MergeReport]:
        engine = self._engine
        stamp = await engine.stamp()
        merged = []
        for at in range(0, len(wanted), SLICE):
            rows = wanted[at : at + SLICE]
            merged.append(await engine.store.write_part(ledger.merge, rows, stamp, bring_back=options.include_deleted))
            report(Progress("Taking orders in", at + len(rows), len(wanted)))
            engine.changed(Topic.ORDERS, merged[-1].changed_ids)
        return merged

    async def _fetch(self, report: Report) -> FetchReport:
        engine = self._engine
        await self._fetching.let_in()
        outcomes = await self._fetching.drain(await engine.client(), report)
        return FetchReport(
            fetched=sum(one.outcome == COLLECTED for one in outcomes),
            held=sum(one.outcome == NOT_ADDED for one in outcomes),
            failed=tuple((one.order_id, one.words) for one in outcomes if one.outcome in {FAILED, WAITING}),
            left=await self.queued(),
        )


@dataclass(frozen=True, slots=True)
class _Look:
    """The ids that a report told; `whole`: SCM has no others. `began`: before it was asked."""

    ssl_ids: frozenset[int]
    whole: bool
    began: datetime


async def _reported(client: ScmClient, options: ImportOptions, report: Report) -> list[RemoteOrder]:
    """All rows of one report request; nothing is stored before its end has come, for only then it is whole."""
    organizations = () if options.organization_id is None else (options.organization_id,)
    rows: list[RemoteOrder] = []
    async with contextlib.aclosing(
        client.report(status=REPORT_STATUS[options.status], organization_ids=organizations)
    ) as slices:
        async for some in slices:
            rows += some
            report(Progress("Reading SCM's report", len(rows)))
    return rows


def _distinct(remotes: Sequence[RemoteOrder]) -> int:
    """How many orders the rows are: one that is told twice must not stand for one that is missing."""
    ids = [remote.ssl_id for remote in remotes if remote.ssl_id]
    return len(set(ids)) + len(remotes) - len(ids)


def _filters(options: ImportOptions) -> dict[str, str | int]:
    """The same selection as the report's, as the count takes it."""
    filters: dict[str, str | int] = {}
    if options.status:
        filters["status"] = options.status.capitalize()
    if options.organization_id is not None:
        filters["orgId"] = options.organization_id
    return filters


def _refreshing(db: Db, today: date) -> choosing.Choice:
    options = _last_options(db)
    own = options.organization_id if options is not None else None
    organizations = frozenset() if own is None else frozenset((own, *_departments(db, own)))
    return choosing.for_refresh(ledger.known_ssl_ids(db), options, organizations, today)


def _departments(db: Db, organization_id: int) -> tuple[int, ...]:
    return tuple(one.id for one in mirror.organizations(db) if one.parent_id == organization_id)


def _room(db: Db, most: int, now: datetime) -> int | None:
    return Limit(most, certificates.limit_used(db, now)).room


def _conclude(
    db: Db, options: ImportOptions | None, outcome: ImportReport, looked: _Look, whole: bool, most: int, stamp: Stamp
) -> tuple[int, int]:
    """Age of the orders, what SCM lists no more, the import's options and audit (None: it was a refresh), and how many
    bodies will be fetched and held."""
    changes.looked(db, looked.ssl_ids, looked.whole, looked.began, stamp.at)
    if whole:
        mirror.set_mirrored_at(db, Topic.ORDERS, stamp.at)
    if options is not None:
        _record(db, options, outcome, stamp)
    left = schedule.bodies_left(db, stamp.at)
    room = _room(db, most, stamp.at)
    held = 0 if room is None else max(0, left - room)
    return left - held, held


def _record(db: Db, options: ImportOptions, outcome: ImportReport, stamp: Stamp) -> None:
    members = {
        "status": options.status,
        "organization": "" if options.organization_id is None else str(options.organization_id),
        "expires_within": "" if options.expires_within is None else str(options.expires_within),
        "common_name": options.common_name,
    }
    drafts.save(db, members, stamp.at, OPTIONS_FORM)
    words = outcome.words
    audit.append(db, Entry("import", outcome="done" if outcome.complete else "incomplete", reason=words), stamp)


def _last_options(db: Db) -> ImportOptions | None:
    saved = drafts.load(db, OPTIONS_FORM)
    if saved is None:
        return None
    members = dict(saved.members)
    return ImportOptions(
        status=members["status"],
        organization_id=int(members["organization"]) if members["organization"] else None,
        expires_within=int(members["expires_within"]) if members["expires_within"] else None,
        common_name=members["common_name"],
    )
