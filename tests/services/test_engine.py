"""Work that the workspace owns: who may stop it, how it ends, and what it does to the connection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from kmptui.config import Paths
from kmptui.domain.audit import Entry
from kmptui.domain.listing import Topic
from kmptui.errors import KmptuiError, ReadOnly, Stopped, VaultLocked
from kmptui.sandbox.server import SandboxServer
from kmptui.services.engine import Engine
from kmptui.services.rights import PRIVILEGES, forbidden, lacks, read_only, warning
from kmptui.store import audit
from tests.services.homes import actions, asked, linked, until, workspace
from tests.services.rig import opened as rig_opened


class Work:
    """Begins, waits to be let go, and keeps what became of it."""

    def __init__(self, *, failing: bool = False) -> None:
        self.begun, self.go = asyncio.Event(), asyncio.Event()
        self.ended = ""
        self._failing = failing

    async def run(self) -> str:
        self.begun.set()
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            await asyncio.sleep(0)
            self.ended = "cancelled"
            if self._failing:
                raise KmptuiError("the clearing up failed") from None
            raise
        self.ended = "done"
        return self.ended


@pytest.fixture
async def engine(paths: Paths, sandbox: SandboxServer) -> AsyncIterator[Engine]:
    async with rig_opened(paths, sandbox) as rig:
        yield rig.engine


async def test_a_caller_that_leaves_ends_what_is_stoppable(engine: Engine) -> None:
    work = Work()
    caller = asyncio.ensure_future(engine.own(work.run(), "Reading", stoppable=True))
    await work.begun.wait()
    assert [job.words for job in engine.running.jobs] == ["Reading"]
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert work.ended == "cancelled", "it has ended when the caller hears of it"
    assert engine.running.jobs == ()


async def test_a_caller_that_leaves_does_not_end_other_work(engine: Engine) -> None:
    work = Work()
    caller = asyncio.ensure_future(engine.own(work.run(), "Ordering"))
    await work.begun.wait()
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert work.ended == ""
    work.go.set()
    await until(lambda: work.ended)
    assert work.ended == "done"


async def test_a_person_stops_the_work_that_is_shown(engine: Engine) -> None:
    """The youngest, where it is stoppable; who waits is told how far it came, and the work around it ends likewise."""
    inner, changing = Work(), Work()

    async def around() -> None:
        await engine.own(inner.run(), "Refreshing", stoppable=True, stopped="these are kept")

    caller = asyncio.ensure_future(engine.own(around(), "Syncing", stoppable=True, stopped="read again"))
    await inner.begun.wait()
    other = asyncio.ensure_future(engine.own(changing.run(), "Ordering"))
    await changing.begun.wait()
    assert [job.stoppable for job in engine.running.jobs] == [True, True, False]
    assert not engine.running.stop(), "what changes SCM is not stopped, nor what stands behind it"
    changing.go.set()
    await other
    assert engine.running.stop()
    with pytest.raises(Stopped, match="Stopped: these are kept"):
        await caller
    assert inner.ended == "cancelled"
    assert engine.running.jobs == ()
    assert not engine.running.stop()


async def test_trouble_in_the_end_of_work_is_still_a_cancellation(engine: Engine) -> None:
    work = Work(failing=True)
    caller = asyncio.ensure_future(engine.own(work.run(), stoppable=True))
    await work.begun.wait()
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller


async def test_work_that_never_began_leaves_nothing_behind(paths: Paths) -> None:
    work = Work()
    async with workspace(paths) as opened:
        caller = asyncio.ensure_future(opened._engine.own(work.run(), stoppable=True))
        await asyncio.sleep(0)
        await opened.aclose(0)
        with pytest.raises(asyncio.CancelledError):
            await caller
    assert not work.begun.is_set()


async def test_closing_ends_reading_at_once_and_waits_for_the_rest(paths: Paths, sandbox: SandboxServer) -> None:
    """With an hour of grace: what reads is not waited for, what changes is, and what it begins meanwhile."""
    reading, changing, following = Work(), Work(), Work()

    async with asyncio.timeout(60):
        async with workspace(paths) as opened:
            engine = opened._engine

            async def both() -> None:
                await changing.run()
                await engine.own(following.run())

            callers = [
                asyncio.ensure_future(engine.own(reading.run(), stoppable=True)),
                asyncio.ensure_future(engine.own(both())),
            ]
            await reading.begun.wait()
            await changing.begun.wait()
            closing = asyncio.ensure_future(opened.aclose(3600))
            await until(lambda: reading.ended)
            assert changing.ended == ""
            changing.go.set()
            await following.begun.wait()
            following.go.set()
            await closing
            await asyncio.gather(*callers, return_exceptions=True)
    assert (reading.ended, changing.ended, following.ended) == ("cancelled", "done", "done")


async def test_work_that_is_cancelled_at_the_end_writes_its_outcome(paths: Paths) -> None:
    async with workspace(paths) as opened:
        engine = opened._engine
        begun = asyncio.Event()

        async def sending() -> None:
            begun.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                await engine.store.write(audit.append, Entry("order", "outcome", "unconfirmed"), await engine.stamp())
                raise

        caller = asyncio.ensure_future(opened.own(sending()))
        await begun.wait()
        await opened.aclose(0.05)
        with pytest.raises(asyncio.CancelledError):
            await caller
    async with workspace(paths) as opened:
        assert await actions(opened) == ["order"]


async def test_locking_breaks_no_work_off(paths: Paths, sandbox: SandboxServer) -> None:
    async with linked(paths, sandbox) as opened:
        sandbox.control("settings", {"latency_ms": 20})
        before = len(asked(sandbox))
        syncing = asyncio.ensure_future(opened.mirror.sync([Topic.ORGANIZATIONS]))
        await until(lambda: len(asked(sandbox)) > before)
        assert (await opened.vault.lock()).state == "locked"
        assert (await syncing).counts[0].total == 8
        with pytest.raises(VaultLocked):
            await opened.mirror.sync([Topic.DOMAINS])
        await opened.vault.unlock()
        await opened.mirror.sync([Topic.DOMAINS])


async def test_one_connection_for_all(engine: Engine) -> None:
    first, second = await asyncio.gather(engine.client(), engine.client())
    assert first is second
    await engine.disconnect()
    assert await engine.client() is not first


# what SCM lets the account do


def test_what_is_not_told_is_not_forbidden() -> None:
    assert lacks(None, ()) == lacks(True, ()) == lacks(False, None) == ()
    assert lacks(False, PRIVILEGES.values()) == ()
    assert warning("me", ()) == read_only("me", ()) == ""


def test_what_is_missing_is_named() -> None:
    some = lacks(False, {"sslRequest", "sslRenew", "sslReplace"})
    assert forbidden(some) == ("revoke", "approve", "edit", "validate")
    assert read_only("me", some) == ""
    assert "sslRevoke, sslApprove, sslManage, allowDCV" in warning("me", some)
    nothing = lacks(False, {"viewUsage"})
    assert forbidden(nothing) == tuple(PRIVILEGES)
    assert "me" in read_only("me", nothing)


@pytest.mark.parametrize("act", PRIVILEGES)
async def test_each_act_needs_its_privilege(paths: Paths, sandbox: SandboxServer, act: str) -> None:
    sandbox.control("admins/raossl-api", {"privileges": sorted(set(PRIVILEGES.values()) - {PRIVILEGES[act]})})
    async with linked(paths, sandbox, login="raossl-api") as opened:
        for other in PRIVILEGES:
            if other != act:
                await opened._engine.may_write(other)
        with pytest.raises(ReadOnly, match=PRIVILEGES[act]):
            await opened._engine.may_write(act)
