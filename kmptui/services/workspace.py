"""One opened home: its services, its running work, its end.

`Workspace.open` is where clock, transport, randomness and paths enter. Work that changes SCM is a task owned here: it
outlives the dialog, the screen and the app that asked for it, and `aclose()` lets it finish its bookkeeping.
"""

from __future__ import annotations

import dataclasses
import logging
import os
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Self, TypeVar

from kmptui.config import Paths, Settings, check_setting, load_settings, save_settings
from kmptui.domain import entry
from kmptui.domain.audit import Actor, Entry
from kmptui.domain.clock import Clock, SystemClock
from kmptui.errors import SettingsError, StoreFailed
from kmptui.services import logs
from kmptui.services.account import Account
from kmptui.services.acting import Acting
from kmptui.services.actor import this_process
from kmptui.services.automatic import Automatic
from kmptui.services.backup import Backup
from kmptui.services.changes import Changes
from kmptui.services.checking import Checking
from kmptui.services.claiming import Claiming
from kmptui.services.collecting import Collecting
from kmptui.services.deciding import Deciding
from kmptui.services.drafts import Drafts
from kmptui.services.editing import Editing
from kmptui.services.engine import Engine
from kmptui.services.expiry import Expiry
from kmptui.services.fetching import Fetching
from kmptui.services.health import Health
from kmptui.services.home import Home
from kmptui.services.hook import FAILURE, Hook, HookEvent, program
from kmptui.services.importing import Importing
from kmptui.services.life import Life
from kmptui.services.lists import Lists
from kmptui.services.mirror import Mirror
from kmptui.services.opening import Opening
from kmptui.services.ordering import Ordering
from kmptui.services.outlook import Outlook
from kmptui.services.placing import Placing
from kmptui.services.proving import Proving
from kmptui.services.reconciling import Reconciling
from kmptui.services.record import Record
from kmptui.services.reissuing import Reissuing
from kmptui.services.renewal import Renewal
from kmptui.services.renewal_audit import RenewalAudit
from kmptui.services.renewing import Renewing
from kmptui.services.reporting import Changed, Progress
from kmptui.services.repository import Repository
from kmptui.services.revoking import Revoking
from kmptui.services.schedule import Schedule
from kmptui.services.sending import Sending
from kmptui.services.steps import Steps
from kmptui.services.validating import Validating
from kmptui.services.vault import VaultService
from kmptui.store import audit
from kmptui.store.claims import Holder
from kmptui.store.database import Store

if TYPE_CHECKING:
    from pathlib import Path

    from kmptui.domain.audit import Stamp
    from kmptui.scm.client import ScmClient
    from kmptui.services.runs import RunLine
    from kmptui.store.db import Db

T = TypeVar("T")

_log = logging.getLogger(__name__)


class Workspace:
    """The services of one home, each an attribute by the name of its work; and paths, clock, actor, settings."""

    def __init__(self, engine: Engine, log: logging.Handler) -> None:
        """Use `open`."""
        self._engine = engine
        self._log = log
        self.paths: Paths = engine.paths
        self.clock: Clock = engine.clock
        self.actor: Actor = engine.actor
        self.vault = VaultService(engine)
        self.account = Account(engine, self.vault)
        claiming = Claiming(engine)
        collecting = Collecting(engine, claiming)
        fetching = Fetching(engine, collecting)
        reconciling = Reconciling(engine, claiming)
        sending = Sending(engine)
        placing = Placing(engine, claiming, sending)
        self.renewing = Renewing(engine, claiming, sending)
        self.reissuing = Reissuing(engine, claiming, sending)
        self.importing = Importing(engine, fetching)
        self.mirror = Mirror(engine, self.importing)
        self.checking = Checking(engine, collecting, fetching, reconciling)
        self.ordering = Ordering(engine, placing, reconciling, self.checking)
        self.repository = Repository(engine)
        self.acting = Acting(engine, claiming)
        self.revoking = Revoking(engine, claiming, self.acting, Proving(engine, claiming))
        self.deciding = Deciding(engine, claiming, self.acting)
        self.editing = Editing(engine, claiming, self.acting, placing)
        self.validating = Validating(engine, claiming)
        self.lists = Lists(engine)
        self.health = Health(engine, self.mirror)
        self.home = Home(engine)
        self.renewal = Renewal(engine, self.change_settings)
        self.life = Life(engine, self.renewal, self.revoking)
        automatic = Automatic(engine, self.renewal, self.renewing)
        outlook = Outlook(engine, automatic, self.revoking)
        steps = Steps(engine, outlook, automatic, self.mirror, self.importing, self.checking, self.revoking)
        self.record = Record(engine)
        self.changes = Changes(engine)
        self.expiry = Expiry(engine)
        self.hook = Hook(engine)
        self.renewal_audit = RenewalAudit(engine)
        self.schedule = Schedule(engine, claiming, self.renewal, outlook, steps, self.record.head, self._tell)
        self.drafts = Drafts(engine)
        self.backup = Backup(engine)

    @classmethod
    async def open(
        cls,
        paths: Paths,
        *,
        face: str,
        clock: Clock | None = None,
        settings: Settings | None = None,
        transport: Any = None,
        randomness: Callable[[int], bytes] | None = None,
    ) -> Self:
        """Open (or make) the home. `face`: tui, cli or timer. Raises SettingsError, StoreFailed."""
        clock = clock or SystemClock()
        settings = settings if settings is not None else load_settings(paths.settings)
        actor = this_process(face)
        store = await Store.open(paths, clock)
        try:
            holder = Holder.open(paths, actor, clock.now())
        except BaseException:
            await store.aclose()
            raise
        try:
            log = logs.open_log(paths)
        except BaseException:
            holder.close()
            await store.aclose()
            raise
        randomness = randomness or os.urandom
        engine = Engine(
            paths=paths,
            settings=settings,
            clock=clock,
            actor=actor,
            store=store,
            holder=holder,
            vault=Opening(store, paths, randomness),
            randomness=randomness,
            transport=transport,
        )
        workspace = cls(engine, log)
        try:
            await workspace.ordering.recover()
            await workspace.acting.recover()
        except StoreFailed as error:
            # a home without room can still be looked at; what is half done is judged at the next opening
            _log.warning("what was left half done is not judged yet: %s", error)
        except BaseException:
            await workspace.aclose(0)
            raise
        return workspace

    async def aclose(self, grace: float = 4.0) -> None:
        """Give requests in flight `grace` seconds, finish the bookkeeping, close client and store."""
        try:
            await self._engine.aclose(grace)
        finally:
            logs.close_log(self._log)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    @property
    def settings(self) -> Settings:
        return self._engine.settings

    async def own(self, work: Coroutine[Any, Any, T], words: str = "") -> T:
        """Run work that must not die with its caller: a task of this workspace; cancelling the caller leaves it
        running."""
        return await self._engine.own(work, words)

    def subscribe(self, callback: Callable[[Changed], None]) -> Callable[[], None]:
        """Call back on the event loop whenever rows changed; returns what ends it."""
        return self._engine.listeners.add(callback)

    async def poll_changes(self) -> None:
        """Look whether another process changed the store; tells subscribers. Cheap: the TUI calls it every second."""
        for topic in await self._engine.store.changes():
            self._engine.changed(topic)

    @property
    def running(self) -> tuple[Progress, ...]:
        """What is being done right now, oldest first: for the status line."""
        return self._engine.running.jobs

    def stop(self) -> bool:
        """Stop what `running` tells last, where it is stoppable: who waits for it gets Stopped. Whether it could."""
        return self._engine.running.stop()

    def watch_running(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call back whenever `running` changed (at most every 100 ms); returns what ends it."""
        return self._engine.running.watch(callback)

    async def check_store(self) -> tuple[str, ...]:
        """What is wrong with the store's file, nothing when it is sound; slow. Raises StoreFailed where it cannot be
        written."""
        await self._engine.store.prove_writable()
        return await self._engine.store.check()

    async def asking(self) -> ScmClient:
        """The connection to SCM, for the doctor alone. Raises NotLinked, VaultLocked, WrongLogin."""
        return await self._engine.client()

    async def change_settings(self, **members: object) -> Settings:
        """Check, save and apply settings; written to the audit. Raises SettingsError, BadInput("proxy"),
        BadInput("hook")."""
        for name, value in members.items():
            if name not in {member.name for member in dataclasses.fields(Settings)}:
                raise SettingsError(f"There is no setting named {name!r}")
            check_setting(name, value)
        if proxy := members.get("proxy"):
            entry.proxy_url(str(proxy))
        if hook := members.get("hook"):
            program(str(hook))
        changed = dataclasses.replace(self._engine.settings, **members)  # type: ignore[arg-type]  # checked
        told = logs.redacted(", ".join(f"{name} = {value}" for name, value in members.items()))
        entry_ = Entry("settings", subject=told)
        await self._engine.store.write(_save, self.paths.settings, members, entry_, await self._engine.stamp())
        self._engine.settings = changed
        return changed

    async def _tell(self, kind: str, line: RunLine) -> bool:
        """The hook hears of what a run brought; whether it did, or there is none."""
        cause = line.words if kind == FAILURE else ""
        event = HookEvent(kind, cause, line.order_id, line.certificate_id, {"common_name": line.common_name})
        heard = await self.hook.fire(event)
        return heard is None or heard.ok


def _save(db: Db, path: Path, members: dict[str, object], told: Entry, stamp: Stamp) -> None:
    """Only one process writes into the store at a time: nobody else's change of the file is lost between reading and
    writing it. What a flag changed for this run alone stays out of the file."""
    audit.append(db, told, stamp)
    save_settings(path, dataclasses.replace(load_settings(path), **members))  # type: ignore[arg-type]  # checked
