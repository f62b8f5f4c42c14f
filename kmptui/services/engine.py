"""What every service stands on: one home's store, clock, actor, vault, connection to SCM, running work and listeners.

It decides nothing; each service takes from it by constructor what it needs.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Collection, Coroutine
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from kmptui.domain.audit import Stamp
from kmptui.domain.listing import Topic
from kmptui.errors import KmptuiError, NotLinked, PasswordExpired, ReadOnly, Stopped, WrongLogin
from kmptui.services import rights
from kmptui.services.reporting import Changed, Listeners, Progress, Report, Running, silent
from kmptui.store import account as accounts

if TYPE_CHECKING:
    from kmptui.config import Paths, Settings
    from kmptui.domain.audit import Actor
    from kmptui.domain.clock import Clock
    from kmptui.errors import AccountRefused
    from kmptui.scm.client import ScmClient
    from kmptui.services.opening import Opening
    from kmptui.store.account import StoredAccount
    from kmptui.store.claims import Holder
    from kmptui.store.database import Db, Store
    from kmptui.store.sealed import Sealed

T = TypeVar("T")

_log = logging.getLogger(__name__)


class Engine:
    """One for each workspace, made when it opens."""

    def __init__(
        self,
        *,
        paths: Paths,
        settings: Settings,
        clock: Clock,
        actor: Actor,
        store: Store,
        holder: Holder,
        vault: Opening,
        randomness: Callable[[int], bytes],
        transport: Any = None,
    ) -> None:
        self.paths = paths
        self.settings = settings
        self.clock = clock
        self.actor = actor
        self.store = store
        self.holder = holder
        self.vault = vault
        self.randomness = randomness
        self.transport = transport
        self.listeners = Listeners()
        self.running = Running()
        self._owned: set[asyncio.Task[Any]] = set()
        self._stoppable: set[asyncio.Task[Any]] = set()
        self._stopped: dict[asyncio.Task[Any], Progress] = {}
        self._client: ScmClient | None = None
        self._client_of: tuple[object, ...] = ()
        self._retired: list[ScmClient] = []
        self._connecting = asyncio.Lock()

    async def stamp(self) -> Stamp:
        """Now, by whom, on which account."""
        linked = await self.store.read(accounts.account)
        account = f"{linked.login}@{linked.customer_uri}" if linked else ""
        return Stamp(self.clock.now(), self.actor, account)

    def changed(self, topic: Topic, ids: Collection[int] = ()) -> None:
        """Tell the listeners of this process; empty `ids` means: any row."""
        self.listeners.tell(Changed(topic, frozenset(ids)))

    # secrets

    async def seal(self, plaintext: bytes, identity: str) -> Sealed:
        """Seal a secret under a random identity. Raises VaultLocked."""
        return await self.vault.seal(plaintext, identity)

    async def open_sealed(self, sealed: Sealed) -> bytes:
        """Open a sealed secret. Raises VaultLocked, Damaged."""
        return await self.vault.open(sealed)

    # the account

    async def linked(self) -> StoredAccount:
        """The linked account. Raises NotLinked."""
        found = await self.store.read(accounts.account)
        if found is None:
            raise NotLinked
        return found

    async def may_write(self, act: str = "order") -> None:
        """Raise ReadOnly where `act` (see rights.PRIVILEGES) is not to be done in SCM: by the setting or the flag, or
        because the account's role does not allow it. What SCM does not tell is let through: it judges."""
        if self.settings.read_only:
            raise ReadOnly("Read-only mode is on", cure="Switch it off with: kmptui settings set read_only false")
        account = await self.store.read(accounts.account)
        if account is not None and act in rights.forbidden(account.roles):
            raise ReadOnly(
                f"SCM does not let {account.login} {act}",
                why=f"the privilege {rights.PRIVILEGES[act]} is missing",
                cure="Ask your SCM master administrator (MRAO) for it, then: kmptui account test",
            )

    async def client(self) -> ScmClient:
        """The one connection of this workspace, made when it is first needed, and anew when the account, its password
        or the way to SCM were changed, be it by another process.

        Raises NotLinked, VaultLocked, and WrongLogin while the account needs attention: credentials that SCM refused
        are not sent again by themselves.
        """
        async with self._connecting:
            account = await self.linked()
            if account.attention:
                raise WrongLogin(
                    "The credentials are not sent again by themselves",
                    why=account.attention,
                    cure="Set the password that holds: kmptui account password; or prove it: kmptui account test",
                )
            basis = self._basis(account)
            if self._client is None or self._client_of != basis:
                self._retire()
                password = (await self.open_sealed(account.password)).decode("utf-8")
                self._client = self.connect(account.base_url, account.login, password, account.customer_uri, account)
                self._client_of = basis
            return self._client

    def _basis(self, account: StoredAccount) -> tuple[object, ...]:
        """What a connection rests on; the identity of the sealed password changes with the password."""
        own, settings = account, self.settings
        return (
            own.password.identity, own.base_url, own.login, own.customer_uri, own.kind, own.ca_file, own.proxy,
            settings.ca_file, settings.proxy, settings.concurrency,
        )  # fmt: skip

    def connect(
        self, base_url: str, login: str, password: str, customer_uri: str, account: StoredAccount | None = None,
        *, ca_file: str = "", proxy: str = "", kind: str = "",
    ) -> ScmClient:  # fmt: skip
        """A client of its own; `account` binds it to the store's kind, CA file and proxy."""
        from kmptui.scm.client import Credentials, ScmClient

        kind = kind or (account.kind if account else "")
        return ScmClient(
            Credentials(base_url, login, password, customer_uri),
            clock=self.clock,
            ca_file=ca_file or (account.ca_file if account else "") or self.settings.ca_file,
            proxy=proxy or (account.proxy if account else "") or self.settings.proxy,
            concurrency=self.settings.concurrency,
            sandbox={"sandbox": True, "real": False}.get(kind),
            transport=self.transport,
        )

    async def disconnect(self) -> None:
        """Forget the connection: the next call makes one with the credentials of then. Work that runs keeps the old one
        to its end: closing it under a request that changes SCM would leave its outcome unknown."""
        async with self._connecting:
            self._retire()
        await self._close_retired()

    def _retire(self) -> None:
        if self._client is not None:
            self._retired.append(self._client)
            self._client = None

    async def _close_retired(self) -> None:
        if self._owned <= {asyncio.current_task()}:
            retired, self._retired = self._retired, []
            for client in retired:
                await client.aclose()

    # work

    async def own(
        self,
        work: Coroutine[Any, Any, T],
        words: str = "",
        *,
        stoppable: bool = False,
        stopped: str = "",
        noting: bool = True,
    ) -> T:
        """Run work in a task of the workspace, shown as `words`; it goes on when the caller is cancelled, unless it is
        `stoppable`: then it is cancelled too, and has ended when the caller hears of it. A person may stop that, too:
        Stopped is raised, with `stopped` to say what is kept and how it goes on. `noting`: it uses the stored
        credentials, and that SCM refuses them is noted, so that they are not sent again by themselves."""
        task = asyncio.get_running_loop().create_task(self._shown(work, words, stoppable=stoppable, noting=noting))
        self._owned.add(task)
        if stoppable:
            self._stoppable.add(task)
        task.add_done_callback(self._ended)
        task.add_done_callback(lambda _: work.close())  # work that was cancelled before it began
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if not task.done():
                task.add_done_callback(_alone)
                if stoppable:
                    task.cancel()
                    await asyncio.wait([task])
            elif (at := self._stopped.get(task)) is not None and not _cancelled():
                far = f" at {at.done:,} of {at.total:,}" if at.total else ""
                raise Stopped(f"Stopped{far}", why=stopped) from None
            raise
        finally:
            self._stopped.pop(task, None)

    async def _shown(self, work: Coroutine[Any, Any, T], words: str, *, stoppable: bool, noting: bool) -> T:
        task = asyncio.current_task()
        stop = partial(self._stop, task) if stoppable and task is not None else None
        try:
            with self.running.shown(words, stop) if words else contextlib.nullcontext():
                return await work
        except (WrongLogin, PasswordExpired) as error:
            if noting and self._client_of:
                await self.note_refusal(error, str(self._client_of[0]))
            raise
        finally:
            await self._close_retired()

    def _stop(self, task: asyncio.Task[Any], progress: Progress) -> None:
        self._stopped[task] = progress
        task.cancel()

    async def note_refusal(self, error: AccountRefused, identity: str) -> None:
        """SCM refused the password that is sealed under `identity`: unless it was replaced meanwhile, the account needs
        attention until one is proved."""
        said = f' (SCM says {error.code}: "{error.text}")' if error.text else ""
        await self.store.write(_set_attention, error.what + said, identity)
        await self.disconnect()
        self.changed(Topic.ACCOUNT)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._owned.discard(task)
        self._stoppable.discard(task)
        if not task.cancelled():
            task.exception()  # whoever waits is told; asyncio must not complain where nobody does

    def telling(self, also: Report = silent) -> Report:
        """A progress report for the work that runs here: the status line and `also` hear it."""
        return self.running.telling(also)

    async def aclose(self, grace: float) -> None:
        """End what is stoppable at once, let other work finish for `grace` seconds, then cancel it and give it as long
        to write its outcome; close everything."""
        try:
            for task in tuple(self._stoppable):
                task.cancel()
            await self._settled(grace)
            for task in tuple(self._owned):
                task.cancel()
            await self._settled(grace)
        finally:
            self._retire()
            retired, self._retired = self._retired, []
            for client in retired:
                await client.aclose()
            self.vault.forget()
            await self.store.aclose()
            self.holder.close()

    async def _settled(self, seconds: float) -> None:
        """Wait until no work is left, what other work begins meanwhile included, or the time is over."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while self._owned and loop.time() < end:
            await asyncio.wait(set(self._owned), timeout=end - loop.time(), return_when=asyncio.FIRST_COMPLETED)


def _cancelled() -> bool:
    """Whether the task that runs here is itself to end."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _alone(task: asyncio.Task[Any]) -> None:
    """Work that nobody waits for any more failed: the log is the only place to say so."""
    error = None if task.cancelled() else task.exception()
    if isinstance(error, KmptuiError):
        _log.warning("work in the background ended: %s", error)
    elif error is not None:
        _log.error("work in the background failed", exc_info=error)


def _set_attention(db: Db, words: str, identity: str) -> None:
    known = accounts.account(db)
    if known is not None and not known.attention and known.password.identity == identity:
        accounts.set_attention(db, words)
