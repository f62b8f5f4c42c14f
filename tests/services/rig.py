"""A home linked to a sandbox over real HTTP, with the engine's services, a clock that can be moved, and their ends."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from kmptui.config import Paths, Settings
from kmptui.domain.audit import AuditRow, Entry
from kmptui.domain.keys import KeySpec
from kmptui.domain.listing import Topic
from kmptui.domain.order import NewKey, OrderRequest
from kmptui.sandbox.server import SandboxServer
from kmptui.services.acting import Acting
from kmptui.services.actor import this_process
from kmptui.services.checking import Checking
from kmptui.services.claiming import Claiming
from kmptui.services.collecting import Collecting
from kmptui.services.deciding import Deciding
from kmptui.services.editing import Editing
from kmptui.services.engine import Engine
from kmptui.services.fetching import Fetching
from kmptui.services.importing import Importing
from kmptui.services.mirror import Mirror
from kmptui.services.opening import Opening
from kmptui.services.ordering import Ordering
from kmptui.services.placing import Placing
from kmptui.services.proving import Proving
from kmptui.services.reconciling import Reconciling
from kmptui.services.reissuing import Reissuing
from kmptui.services.renewing import Renewing
from kmptui.services.repository import Repository
from kmptui.services.revoking import Revoking
from kmptui.services.sending import Sending
from kmptui.services.validating import Validating
from kmptui.services.vault import VaultService
from kmptui.store import account, audit
from kmptui.store.account import StoredAccount
from kmptui.store.claims import Holder
from kmptui.store.database import Store
from kmptui.store.sealed import new_identity


class Hands:
    """The host's clock, and what it was moved by."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead


class Rig:
    """Everything by name; `advance` moves both clocks."""

    def __init__(self, engine: Engine, sandbox: SandboxServer | None, clock: Hands) -> None:
        self.engine = engine
        self.store = engine.store
        self._sandbox = sandbox
        self.clock = clock
        self.claiming = Claiming(engine)
        self.collecting = Collecting(engine, self.claiming)
        self.fetching = Fetching(engine, self.collecting)
        self.reconciling = Reconciling(engine, self.claiming)
        self.sending = Sending(engine)
        self.placing = Placing(engine, self.claiming, self.sending)
        self.renewing = Renewing(engine, self.claiming, self.sending)
        self.reissuing = Reissuing(engine, self.claiming, self.sending)
        self.importing = Importing(engine, self.fetching)
        self.mirror = Mirror(engine, self.importing)
        self.checking = Checking(engine, self.collecting, self.fetching, self.reconciling)
        self.naps: list[float] = []
        self.ordering = Ordering(engine, self.placing, self.reconciling, self.checking, self.sleep)
        self.repository = Repository(engine)
        self.acting = Acting(engine, self.claiming)
        self.revoking = Revoking(engine, self.claiming, self.acting, Proving(engine, self.claiming))
        self.deciding = Deciding(engine, self.claiming, self.acting)
        self.editing = Editing(engine, self.claiming, self.acting, self.placing)
        self.validating = Validating(engine, self.claiming, self.sleep)
        self.vault = VaultService(engine)

    @property
    def sandbox(self) -> SandboxServer:
        assert self._sandbox is not None, "this rig was opened on a linked home, without a hand on the sandbox"
        return self._sandbox

    async def sleep(self, seconds: float) -> None:
        """No test waits: the clocks move instead."""
        self.naps.append(seconds)
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        self.clock.ahead += timedelta(seconds=seconds)
        self.sandbox.control("clock", {"advance": seconds})

    def fault(self, kind: str, match: str, **members: Any) -> None:
        self.sandbox.control("faults", {"kind": kind, "match": match, **members})

    def created(self, name: str) -> list[dict[str, Any]]:
        """Orders of that name that came to be at the server since it started."""
        return [one for one in self.sandbox.control("state")["created"] if one["common_name"] == name]

    def requests(self, part: str = "") -> list[str]:
        """What the server was asked: `METHOD /path`."""
        lines = [f"{one['method']} {one['path']}" for one in self.sandbox.control("requests")]
        return [line for line in lines if part in line]

    async def audit(self, action: str = "") -> list[AuditRow]:
        rows = await self.store.read(audit.rows, most=1_000_000)
        return [row for row in rows if not action or row.action == action]

    def settings(self, **members: Any) -> None:
        import dataclasses

        self.engine.settings = dataclasses.replace(self.engine.settings, **members)


@asynccontextmanager
async def opened(
    paths: Paths, sandbox: SandboxServer | None, *, face: str = "cli", clock: Hands | None = None, **settings: Any
) -> AsyncIterator[Rig]:
    """Open a home as the workspace does, and link it where it is new."""
    clock = clock or Hands()
    actor = this_process(face)
    store = await Store.open(paths, clock)
    holder = Holder.open(paths, actor, clock.now())
    engine = Engine(
        paths=paths,
        settings=Settings(**settings),
        clock=clock,
        actor=actor,
        store=store,
        holder=holder,
        vault=Opening(store, paths, os.urandom),
        randomness=os.urandom,
    )
    rig = Rig(engine, sandbox, clock)
    try:
        if await store.read(account.account) is None:
            await _link(rig)
        yield rig
    finally:
        await engine.aclose(4.0)


async def _link(rig: Rig) -> None:
    await rig.vault.init(None)
    sandbox = rig.sandbox
    linked = StoredAccount(
        sandbox.base_url,
        sandbox.login,
        sandbox.customer_uri,
        "sandbox",
        rig.clock.now(),
        await rig.engine.seal(sandbox.password.encode(), new_identity()),
    )
    await rig.store.write(account.link, linked, Entry("link"), await rig.engine.stamp())
    await rig.mirror.sync([Topic.ORGANIZATIONS, Topic.DOMAINS, Topic.PROFILES])


def request(name: str = "www.example.com", *more: str, **members: Any) -> OrderRequest:
    """An order that the sandbox takes and issues without approval."""
    base: dict[str, Any] = {
        "names": (name, *more),
        "organization_id": 7101,
        "profile_id": 2103,
        "term": 199,
        "key": NewKey(KeySpec("EC", "P-256")),
        "comments": "for the shop",
        "custom_fields": (("Cost Centre", "CC-1"),),
    }
    return OrderRequest(**(base | members))
