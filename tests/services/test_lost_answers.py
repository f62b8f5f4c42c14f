"""The reply never comes, the process dies, the disk is full: one intent, at most one order, and its key is kept."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kmptui.config import Paths
from kmptui.domain.order import Ledger
from kmptui.domain.renewable import ReissueRequest
from kmptui.errors import BadInput, Full, HeldElsewhere, ScmRefused, StateForbids, Unconfirmed, Unreachable
from kmptui.sandbox.server import SandboxServer
from kmptui.scm.changes import Changes
from kmptui.store import certificates, claims, keys, ledger
from kmptui.store.database import Store
from kmptui.store.ledger.proof import contradiction
from tests.sandbox_fixtures import SandboxFactory
from tests.services.rig import Rig, opened, request

NAME = "a1.example.com"
CHILD = Path(__file__).with_name("child.py")
ENROLL = "POST /ssl/v1/enroll"
LONG = "x" * 1_010
"""Comments without room for a mark."""


async def only_order(rig: Rig) -> Any:
    return await rig.store.read(ledger.order, await rig.store.read(ledger.find, NAME))


async def to_the_repository(rig: Rig) -> None:
    """The one order at the server, with the key that is here, collected."""
    (at_server,) = rig.created(NAME)
    order = await only_order(rig)
    assert order.row.ledger is Ledger.ACCEPTED
    assert order.ssl_id == at_server["id"]
    assert at_server["spki_sha256"] == order.spki
    assert await rig.store.read(keys.key, order.spki) is not None
    followed = await rig.ordering.follow(order.id, lambda _: None)
    assert followed.row.state == "issued"
    assert followed.row.certificate_id is not None


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "drop-after"},
        {"kind": "status", "status": 502, "act": True},
        {"kind": "status", "status": 503, "act": True, "headers": {"Retry-After": "1"}},
        {"kind": "html", "act": True},
        {"kind": "empty", "act": True},
        {"kind": "truncate"},
        {"kind": "garbage-types"},
        {"kind": "redirect", "act": True},
        {"kind": "status", "status": 429, "act": True},
    ],
    ids=lambda fault: f"{fault['kind']} {fault.get('status', '')}",
)
async def test_taken_but_not_told_is_found_again(paths: Paths, sandbox: SandboxServer, fault: dict[str, Any]) -> None:
    async with opened(paths, sandbox) as rig:
        rig.fault(match=ENROLL, **fault)
        with pytest.raises(Unconfirmed):
            await rig.ordering.place(request(NAME))
        (intent,) = await rig.ordering.unconfirmed()
        assert intent.state is Ledger.UNCONFIRMED
        assert (await only_order(rig)).row.state == "unconfirmed"
        with pytest.raises(StateForbids):  # a script that runs twice
            await rig.ordering.place(request(NAME))
        (found,) = await rig.ordering.reconcile()
        assert found.ledger is Ledger.ACCEPTED
        await to_the_repository(rig)
        told = [row.outcome for row in await rig.audit("order")]
        assert told == ["prepared", "unconfirmed", "accepted"]


@pytest.mark.parametrize("kind", ["drop-before", "html", "empty"])
async def test_never_taken_is_not_placed_after_two_searches(paths: Paths, sandbox: SandboxServer, kind: str) -> None:
    async with opened(paths, sandbox) as rig:
        rig.fault(kind, ENROLL)
        with pytest.raises(Unconfirmed):
            await rig.ordering.place(request(NAME))
        for _ in range(3):  # however often it is asked within the ten minutes
            (still,) = await rig.ordering.reconcile()
            assert still.ledger is Ledger.UNCONFIRMED
        rig.advance(599)
        (still,) = await rig.ordering.reconcile()
        assert still.ledger is Ledger.UNCONFIRMED
        rig.advance(2)
        (judged,) = await rig.ordering.reconcile()
        assert judged.ledger is Ledger.NOT_PLACED
        assert rig.created(NAME) == []
        order = await only_order(rig)
        assert await rig.store.read(keys.key, order.spki) is not None
        again = await rig.ordering.place(request(NAME), order_id=order.id)
        assert again.ledger is Ledger.ACCEPTED
        await to_the_repository(rig)


async def test_a_search_that_is_not_whole_does_not_count(paths: Paths, sandbox: SandboxServer) -> None:
    async with opened(paths, sandbox) as rig:
        rig.fault("drop-before", ENROLL)
        with pytest.raises(Unconfirmed):
            await rig.ordering.place(request(NAME))
        await rig.ordering.reconcile()
        rig.advance(700)
        rig.fault("html", "GET /ssl/v1", count=-1)
        (still,) = await rig.ordering.reconcile()
        assert still.ledger is Ledger.UNCONFIRMED
        rig.sandbox.control("faults", method="DELETE")
        (judged,) = await rig.ordering.reconcile()
        assert judged.ledger is Ledger.NOT_PLACED


async def test_a_connection_that_was_never_made_is_a_draft_again(
    paths: Paths, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unreachable(self: Changes, enrolment: object) -> int:
        raise Unreachable("cert-manager.com cannot be reached")

    monkeypatch.setattr(Changes, "enroll", unreachable)
    async with opened(paths, sandbox) as rig:
        with pytest.raises(Unreachable):
            await rig.ordering.place(request(NAME))
        order = await only_order(rig)
        assert order.row.ledger is Ledger.DRAFT
        assert await rig.ordering.unconfirmed() == ()
        monkeypatch.undo()
        await rig.engine.disconnect()
        assert (await rig.ordering.place(request(NAME), order_id=order.id)).ledger is Ledger.ACCEPTED
        assert [row.outcome for row in await rig.audit("order")] == ["prepared", "not sent", "prepared", "accepted"]


def child(paths: Paths, name: str, point: str) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, str(CHILD), str(paths.home), name, point]
    return subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)


async def linked(paths: Paths, sandbox: SandboxServer) -> None:
    async with opened(paths, sandbox):
        pass


@pytest.mark.parametrize("point", ["before sent", "after sent", "after answer"])
async def test_killed_on_the_way(paths: Paths, sandbox: SandboxServer, point: str) -> None:
    await linked(paths, sandbox)
    done = await asyncio.to_thread(child, paths, NAME, point)
    assert done.returncode == -signal.SIGKILL, done.stderr
    async with opened(paths, sandbox) as rig:
        assert await rig.ordering.recover() == 1
        order = await only_order(rig)
        assert await rig.store.read(keys.key, order.spki) is not None
        if point == "before sent":
            assert order.row.ledger is Ledger.DRAFT
            assert rig.created(NAME) == []
            return
        assert order.row.ledger is Ledger.UNCONFIRMED
        (judged,) = await rig.ordering.reconcile()
        if point == "after answer":
            assert judged.ledger is Ledger.ACCEPTED
            await to_the_repository(rig)
            return
        rig.advance(601)
        (judged,) = await rig.ordering.reconcile()
        assert judged.ledger is Ledger.NOT_PLACED
        assert rig.created(NAME) == []


async def test_while_it_is_being_sent_nobody_else_judges_it(paths: Paths, sandbox: SandboxServer) -> None:
    await linked(paths, sandbox)
    sender = await asyncio.create_subprocess_exec(
        sys.executable, str(CHILD), str(paths.home), NAME, "hang after sent", stdout=subprocess.PIPE
    )
    assert sender.stdout is not None
    try:
        assert await asyncio.wait_for(sender.stdout.readline(), 60) == b"sent\n"
        os.kill(sender.pid, signal.SIGSTOP)
        async with opened(paths, sandbox) as rig:
            assert await rig.ordering.recover() == 0
            (told,) = await rig.ordering.reconcile()
            assert "being sent by" in told.words
            assert await rig.ordering.unconfirmed() == ()
            with pytest.raises((HeldElsewhere, StateForbids)):
                await rig.ordering.place(request(NAME))
            sender.kill()
            await sender.wait()
            assert await rig.ordering.recover() == 1
            (intent,) = await rig.ordering.unconfirmed()
            assert intent.common_name == NAME
            assert rig.created(NAME) == []
    finally:
        if sender.returncode is None:
            sender.kill()
            await sender.wait()


async def test_two_processes_place_it_once(paths: Paths, sandbox: SandboxServer) -> None:
    await linked(paths, sandbox)
    both = await asyncio.gather(*[asyncio.to_thread(child, paths, NAME, "none") for _ in range(2)])
    told = sorted(done.stdout for done in both)
    assert "accepted" in told, [done.stderr for done in both]
    assert set(told) <= {"accepted", "AlreadyOrdered", "HeldElsewhere"}
    assert told.count("accepted") == 1
    async with opened(paths, sandbox) as rig:
        assert len(rig.created(NAME)) == 1


async def test_a_disk_without_room_sends_nothing(paths: Paths, sandbox: SandboxServer) -> None:
    await linked(paths, sandbox)
    done = await asyncio.to_thread(child, paths, NAME, "disk full")
    assert done.stdout == "Full", done.stderr
    async with opened(paths, sandbox) as rig:
        assert rig.created(NAME) == []
        assert (await rig.ordering.place(request(NAME))).ledger is Ledger.ACCEPTED


async def test_a_full_disk_before_the_intent_sends_nothing(
    paths: Paths, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(paths, sandbox) as rig:
        full_at(monkeypatch, ledger.prepare)
        with pytest.raises(Full):
            await rig.ordering.place(request(NAME))
        monkeypatch.undo()
        assert rig.requests(ENROLL.replace(" ", " /api")) == []
        assert rig.created(NAME) == []
        assert (await rig.ordering.place(request(NAME))).ledger is Ledger.ACCEPTED


async def test_a_full_disk_at_sent_sends_nothing(
    paths: Paths, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(paths, sandbox) as rig:
        full_at(monkeypatch, ledger.mark_sent)
        with pytest.raises(Full):
            await rig.ordering.place(request(NAME))
        assert rig.created(NAME) == []
        assert (await only_order(rig)).row.ledger is Ledger.DRAFT


async def test_a_full_disk_after_the_answer_loses_nothing(
    paths: Paths, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(paths, sandbox) as rig:
        full_at(monkeypatch, ledger.accept)
        with pytest.raises(Unconfirmed, match="could not be written down"):
            await rig.ordering.place(request(NAME))
        monkeypatch.undo()
        (found,) = await rig.ordering.reconcile()
        assert found.ledger is Ledger.ACCEPTED
        await to_the_repository(rig)


def full_at(monkeypatch: pytest.MonkeyPatch, step: Any) -> None:
    """Let the transaction of a step meet a full disk, as SQLite tells it; it is rolled back."""
    name = step.__name__

    def full(*_: object, **__: object) -> None:
        raise Full("The disk is full")

    monkeypatch.setattr(ledger, name, full)


async def test_cancelled_while_sent_is_unconfirmed(paths: Paths, sandbox: SandboxServer) -> None:
    async with opened(paths, sandbox) as rig:
        rig.fault("delay", ENROLL, delay=30, act=True)
        placing = asyncio.create_task(rig.ordering.place(request(NAME)))
        async with asyncio.timeout(20):
            while not rig.requests("enroll"):  # noqa: ASYNC110 - the sandbox is another party: it can only be asked
                await asyncio.sleep(0.02)
        await rig.engine.aclose(0.1)
        with pytest.raises(asyncio.CancelledError):
            await placing
    async with opened(paths, sandbox) as rig:
        order = await only_order(rig)
        assert order.row.ledger is Ledger.UNCONFIRMED
        assert "stopped" in order.problem


async def test_cancelled_before_it_was_sent_is_a_draft(
    paths: Paths, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(paths, sandbox) as rig:
        write, reached = Store.write, asyncio.Event()

        async def slow(self: Store, fn: Any, *args: Any, **kwargs: Any) -> Any:
            if fn is ledger.mark_sent:
                reached.set()
                await asyncio.sleep(60)
            return await write(self, fn, *args, **kwargs)

        monkeypatch.setattr(Store, "write", slow)
        placing = asyncio.create_task(rig.ordering.place(request(NAME)))
        await asyncio.wait_for(reached.wait(), 20)
        await rig.engine.aclose(0.1)
        with pytest.raises(asyncio.CancelledError):
            await placing
    async with opened(paths, sandbox) as rig:
        assert (await only_order(rig)).row.ledger is Ledger.DRAFT
        assert rig.created(NAME) == []


# without a mark


async def test_without_a_mark_the_one_that_looks_the_same_is_taken_over(paths: Paths, sandbox: SandboxServer) -> None:
    async with opened(paths, sandbox) as rig:
        rig.fault("drop-after", ENROLL)
        with pytest.raises(Unconfirmed):
            await rig.ordering.place(request(NAME, comments=LONG))
        (found,) = await rig.ordering.reconcile()
        assert found.ledger is Ledger.ACCEPTED
        await to_the_repository(rig)


def twin(rig: Rig, **members: Any) -> int:
    """Somebody orders the same in SCM's console, with a key of theirs."""
    body = {"commonName": NAME, "orgId": 7101, "certType": 2103, "term": 199, "comments": "x", **members}
    return int(rig.sandbox.control("orders", body)["id"])


async def test_two_that_look_the_same_are_a_question(paths: Paths, sandbox_factory: SandboxFactory) -> None:
    async with opened(paths, sandbox_factory(issue_after=1_000_000)) as rig:
        rig.fault("drop-after", ENROLL)
        with pytest.raises(Unconfirmed):
            await rig.ordering.place(request(NAME, comments=LONG))
        other = twin(rig)
        (asked,) = await rig.ordering.reconcile()
        assert asked.ledger is Ledger.UNCONFIRMED
        assert "2 orders in SCM may be it" in asked.words
        assert "settle" in (await only_order(rig)).problem
        candidates = await rig.ordering.candidates(asked.order_id or 0)
        assert {one.ssl_id for one in candidates} == {one["id"] for one in rig.created(NAME)}
        assert "the same names" in candidates[0].reasons
        assert len(rig.requests("enroll")) == 1
        (ours,) = [one["id"] for one in rig.created(NAME) if one["id"] != other]
        order = await rig.ordering.settle(asked.order_id or 0, ours)
        assert order.row.ledger is Ledger.ACCEPTED
        rig.sandbox.control(f"orders/{ours}/issue", {})
        followed = await rig.ordering.follow(order.id, lambda _: None)
        assert followed.row.certificate_id is not None


async def test_once_issued_the_public_key_decides(paths: Paths, sandbox: SandboxServer) -> None:
    async with opened(paths, sandbox) as rig:
        rig.fault("drop-after", ENROLL)
        with pytest.raises(Unconfirmed):
            await rig.ordering.place(request(NAME, comments=LONG))
        other = twin(rig)
        rig.advance(3_600)
        (found,) = await rig.ordering.reconcile()
        assert found.ledger is Ledger.ACCEPTED
        assert found.ssl_id != other


async def test_a_strangers_order_is_not_settled_on(paths: Paths, sandbox: SandboxServer) -> None:
    async with opened(paths, sandbox) as rig:
        rig.fault("drop-before", ENROLL)
        with pytest.raises(Unconfirmed):
            await rig.ordering.place(request(NAME, comments=LONG))
        other = twin(rig)
        rig.advance(3_600)
        order = await only_order(rig)
        with pytest.raises(BadInput, match="another key"):
            await rig.ordering.settle(order.id, other)
        wrong = twin(rig, commonName="b1.example.com")
        with pytest.raises(BadInput, match="is for b1"):
            await rig.ordering.settle(order.id, wrong)
        assert (await rig.ordering.settle(order.id, None)).row.ledger is Ledger.NOT_PLACED
        with pytest.raises(StateForbids):
            await rig.ordering.settle(order.id, None)
        told = [(row.outcome, row.reason) for row in await rig.audit("order")]
        assert told[-1] == ("not placed", "a person said that it was not placed")


async def test_a_clock_that_jumps_makes_no_two_searches_of_one(paths: Paths, sandbox: SandboxServer) -> None:
    """What counts between them is SCM's time: its list may be behind by minutes."""
    async with opened(paths, sandbox) as rig:
        rig.fault("drop-before", ENROLL)
        with pytest.raises(Unconfirmed):
            await rig.ordering.place(request(NAME))
        for hours in (0, 1, -1):
            rig.clock.ahead += timedelta(hours=hours)
            (still,) = await rig.ordering.reconcile()
            assert still.ledger is Ledger.UNCONFIRMED, f"{hours} h ahead"
        sandbox.control("clock", {"advance": 601})
        (judged,) = await rig.ordering.reconcile()
        assert judged.ledger is Ledger.NOT_PLACED


async def test_a_wrong_link_is_undone_when_the_certificate_comes(paths: Paths, sandbox: SandboxServer) -> None:
    async with opened(paths, sandbox) as rig:
        rig.fault("drop-before", ENROLL)
        with pytest.raises(Unconfirmed):
            await rig.ordering.place(request(NAME, comments=LONG))
        other = twin(rig)
        (linked_to,) = await rig.ordering.reconcile()  # the only one that looks like it
        assert (linked_to.ledger, linked_to.ssl_id) == (Ledger.ACCEPTED, other)
        rig.advance(3_600)
        report = await rig.checking.check([linked_to.order_id or 0])
        assert "another key" in report.lines[0].words
        order = await rig.store.read(ledger.order, linked_to.order_id or 0)
        assert order.row.ledger is Ledger.UNCONFIRMED
        assert await rig.store.read(keys.key, order.spki) is not None
        (still,) = await rig.ordering.reconcile()
        assert still.ledger is Ledger.UNCONFIRMED  # the stranger is not taken again
        rig.advance(601)
        (judged,) = await rig.ordering.reconcile()
        assert judged.ledger is Ledger.NOT_PLACED


async def test_an_import_in_between_becomes_the_order(paths: Paths, sandbox: SandboxServer) -> None:
    from kmptui.services.importing import ImportOptions

    async with opened(paths, sandbox) as rig:
        rig.fault("drop-after", ENROLL)
        with pytest.raises(Unconfirmed):
            await rig.ordering.place(request(NAME))
        await rig.importing.run(ImportOptions())
        (found,) = await rig.ordering.reconcile()
        assert found.ledger is Ledger.ACCEPTED
        order = await rig.store.read(ledger.order_by_ssl_id, found.ssl_id or 0)
        assert order is not None
        assert order.id == found.order_id
        await to_the_repository(rig)


async def test_a_reissue_of_what_was_imported_in_between_does_not_hide_it(paths: Paths, sandbox: SandboxServer) -> None:
    """The import made a row of its own of the lost order, and that was reissued: it is the order all the same."""
    from kmptui.services.importing import ImportOptions

    async with opened(paths, sandbox) as rig:
        rig.fault("drop-after", ENROLL)
        with pytest.raises(Unconfirmed):
            await rig.ordering.place(request(NAME))
        rig.advance(60)
        await rig.importing.run(ImportOptions())
        imported = await rig.store.read(ledger.order_by_ssl_id, rig.created(NAME)[0]["id"])
        assert imported is not None
        await rig.reissuing.reissue(ReissueRequest(imported.id, "a key was lost"))
        for _ in range(2):
            (found,) = await rig.ordering.reconcile()
            rig.advance(601)
            if found.ledger is not Ledger.UNCONFIRMED:
                break
        assert (found.ledger, found.ssl_id) == (Ledger.ACCEPTED, imported.ssl_id)
        assert len(rig.created(NAME)) == 1
        await rig.checking.check()
        order = await rig.store.read(ledger.order, found.order_id or 0)
        held = await rig.store.read(certificates.certificate, order.row.certificate_id or 0)
        assert held.row.has_key
        assert not order.reissuing
        assert not await rig.store.read(contradiction)


STEPS = st.lists(
    st.sampled_from(["fine", "drop-before", "drop-after", "502 before", "502 after", "garbage", "refused"]),
    min_size=1,
    max_size=6,
)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_orders_at_the_server_are_the_intents_that_were_taken(
    tmp_path_factory: pytest.TempPathFactory, sandbox: SandboxServer, steps: list[str]
) -> None:
    paths = Paths(tmp_path_factory.mktemp("home"))
    sandbox.control("reset", {})
    asyncio.run(play(paths, sandbox, steps))


def expected_of(step: str) -> contextlib.AbstractContextManager[object]:
    if step == "fine":
        return contextlib.nullcontext()
    return pytest.raises(ScmRefused if step == "refused" else Unconfirmed)


async def play(paths: Paths, sandbox: SandboxServer, steps: list[str]) -> None:
    async with opened(paths, sandbox) as rig:
        for number, step in enumerate(steps):
            name, _, when = step.partition(" ")
            wanted = request(f"n{number}.example.com")
            if name == "502":
                rig.fault("status", ENROLL, status=502, act=when == "after")
            elif name == "garbage":
                rig.fault("garbage-types", ENROLL)
            elif name == "refused":
                rig.sandbox.control("profiles/2103", {"terms": [90]})
            elif name != "fine":
                rig.fault(name, ENROLL)
            with expected_of(step):
                await rig.ordering.place(wanted)
            if name == "refused":
                rig.sandbox.control("profiles/2103", {"terms": [90, 199, 365]})
        await rig.ordering.reconcile()
        rig.advance(601)
        await rig.ordering.reconcile()
        assert await rig.ordering.unconfirmed() == ()
        for number, step in enumerate(steps):
            name = f"n{number}.example.com"
            order = await rig.store.read(ledger.order, await rig.store.read(ledger.find, name))
            taken = step in {"fine", "drop-after", "502 after", "garbage"}
            assert [one["id"] for one in rig.created(name)] == ([order.ssl_id] if taken else [])
            expected = Ledger.ACCEPTED if taken else Ledger.REFUSED if step == "refused" else Ledger.NOT_PLACED
            assert order.row.ledger is expected
            assert await rig.store.read(keys.key, order.spki) is not None


async def test_a_claim_that_could_not_be_given_back_is_given_back_later(
    paths: Paths, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise Full("The disk is full")

    async with opened(paths, sandbox) as rig:
        monkeypatch.setattr(claims, "release", full)
        await rig.ordering.place(request(NAME))
        monkeypatch.undo()
        assert await rig.store.read(claims.held_by, claims.name_topic(NAME)) != ""
        async with rig.claiming.hold("b1.example.com"):
            assert await rig.store.read(claims.held_by, claims.name_topic(NAME)) == ""
