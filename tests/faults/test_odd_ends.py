"""Ends that no plan has: cancelled in between, no room where the outcome goes, marks that were copied, odd answers."""

from __future__ import annotations

import asyncio
import dataclasses
import os
from pathlib import Path
from typing import Any

import pytest

from kmptui.config import Paths
from kmptui.domain.audit import Entry
from kmptui.domain.keys import KeySpec
from kmptui.domain.order import Ledger
from kmptui.errors import Full, HeldElsewhere, Unconfirmed
from kmptui.pki import csr, keypair
from kmptui.sandbox.server import SandboxServer
from kmptui.services import matching, spelling
from kmptui.services.importing import ImportOptions
from kmptui.services.outfile import write_out
from kmptui.store import audit, claims, ledger
from tests.sandbox_fixtures import SandboxFactory
from tests.services.rig import Rig, opened, request

NAME = "a1.example.com"
ENROLL = "POST /ssl/v1/enroll"
TOPIC = claims.name_topic(NAME)
LONG = "x" * 1_010
"""Comments without room for a mark."""


def full(*_: object, **__: object) -> None:
    raise Full("The disk is full")


async def only_order(rig: Rig) -> Any:
    return await rig.store.read(ledger.order, await rig.store.read(ledger.find, NAME))


async def lost(rig: Rig, **members: Any) -> None:
    """Ordered, taken, and not told."""
    rig.fault("drop-after", ENROLL)
    with pytest.raises(Unconfirmed):
        await rig.ordering.place(request(NAME, **members))


# claims


async def test_cancelled_while_it_takes_a_claim_it_holds_none(
    paths: Paths, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A check that is stopped in a long session must not keep the name from everybody until the session ends."""
    async with opened(paths, sandbox) as rig:
        holding = asyncio.create_task(rig.claiming.hold(NAME).__aenter__())
        take, taken = claims.claim, asyncio.Event()
        loop = asyncio.get_running_loop()

        def taking(*args: Any) -> claims.Claim:
            loop.call_soon_threadsafe(holding.cancel)
            loop.call_soon_threadsafe(taken.set)
            return take(*args)

        monkeypatch.setattr(claims, "claim", taking)
        with pytest.raises(asyncio.CancelledError):
            await holding
        assert taken.is_set()
        monkeypatch.undo()
        assert await rig.store.write(claims.held_by, TOPIC) == ""
        async with rig.claiming.hold(NAME):
            pass


async def test_no_room_for_outcome_and_claim_is_judged_once_there_is(
    paths: Paths, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(paths, sandbox) as rig:
        monkeypatch.setattr(ledger, "accept", full)
        monkeypatch.setattr(claims, "release", full)
        with pytest.raises(Unconfirmed):
            await rig.ordering.place(request(NAME))
        monkeypatch.undo()
        assert (await only_order(rig)).row.ledger is Ledger.SENT
        (found,) = await rig.ordering.reconcile()  # in the same process, with nothing else done before
        assert found.ledger is Ledger.ACCEPTED
        assert len(rig.created(NAME)) == 1


async def test_a_claim_of_the_dead_is_taken_over_and_said(paths: Paths, sandbox: SandboxServer) -> None:
    async with opened(paths, sandbox) as rig:
        dead = claims.Holder.open(paths, rig.engine.actor, rig.clock.now())
        await rig.store.write(claims.claim, TOPIC, dead, rig.clock.now())
        with pytest.raises(HeldElsewhere):
            await rig.ordering.place(request(NAME))
        dead.close()
        await rig.ordering.place(request(NAME))
        (row,) = await rig.audit("take over")
        assert row.subject == NAME
        assert dead.words in row.reason


# the answer


async def test_an_answer_with_another_orders_id_is_no_answer(
    paths: Paths, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy that answers from its memory: the order was sent, so it is unconfirmed, and found by its mark."""
    async with opened(paths, sandbox) as rig:
        first = await rig.ordering.place(request("b1.example.com"))
        client = await rig.engine.client()
        enroll = client.enroll

        async def from_memory(enrolment: Any) -> int:
            await enroll(enrolment)
            return first.ssl_id or 0

        monkeypatch.setattr(client, "enroll", from_memory)
        with pytest.raises(Unconfirmed):
            await rig.ordering.place(request(NAME))
        monkeypatch.undo()
        assert (await only_order(rig)).row.ledger is Ledger.UNCONFIRMED
        (found,) = await rig.ordering.reconcile()
        assert (found.ledger, found.ssl_id) == (Ledger.ACCEPTED, rig.created(NAME)[0]["id"])


async def test_a_lost_claim_after_it_was_sent_is_unconfirmed(
    paths: Paths, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody cleared the folder of locks away, and another process went on with the order: its number is newer."""
    async with opened(paths, sandbox) as rig:
        client = await rig.engine.client()
        enroll = client.enroll

        async def overtaken(enrolment: Any) -> int:
            ssl_id = await enroll(enrolment)
            for lock in paths.holders.iterdir():
                lock.unlink()
            async with opened(paths, sandbox) as other:
                assert await other.ordering.recover() == 1
            return ssl_id

        monkeypatch.setattr(client, "enroll", overtaken)
        with pytest.raises(Unconfirmed):
            await rig.ordering.place(request(NAME))
        monkeypatch.undo()
        (found,) = await rig.ordering.reconcile()
        assert found.ledger is Ledger.ACCEPTED
        assert [row.outcome for row in await rig.audit("order")] == ["prepared", "unconfirmed", "accepted"]


async def test_an_outcome_is_written_without_asking_the_store_first(
    paths: Paths, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Told to end just when the answer is here: it is written all the same."""
    async with opened(paths, sandbox) as rig:
        client = await rig.engine.client()
        enroll = client.enroll

        async def answered(enrolment: Any) -> int:
            ssl_id = await enroll(enrolment)
            for task in rig.engine._owned:
                task.cancel()
            return ssl_id

        monkeypatch.setattr(client, "enroll", answered)
        placing = asyncio.create_task(rig.ordering.place(request(NAME)))
        with pytest.raises(asyncio.CancelledError):
            await placing
        monkeypatch.undo()
        order = await rig.store.write(lambda db: ledger.order(db, ledger.find(db, NAME)))
        assert order.row.ledger is Ledger.ACCEPTED


# finding it again


async def renewed_by_a_colleague(rig: Rig, ssl_id: int) -> int:
    """SCM's renewal, with a key of theirs: it copies the comments, our mark among them."""
    private = keypair.generate(KeySpec("EC", "P-256"))
    client = await rig.engine.client()
    return await client.renew(ssl_id, csr.build(private, (NAME,)))


async def test_a_renewal_that_copied_the_mark_is_not_taken_for_the_order(paths: Paths, sandbox: SandboxServer) -> None:
    async with opened(paths, sandbox) as rig:
        await lost(rig)
        (ours,) = rig.created(NAME)
        rig.advance(3_600)
        copy = await renewed_by_a_colleague(rig, ours["id"])
        rig.advance(3_600)
        assert rig.created(NAME)[-1]["comments"] == ours["comments"]
        (found,) = await rig.ordering.reconcile()
        assert (found.ledger, found.ssl_id) == (Ledger.ACCEPTED, ours["id"])
        assert found.ssl_id != copy


async def test_two_marks_of_which_one_has_no_key_yet_are_a_question(paths: Paths, sandbox: SandboxServer) -> None:
    async with opened(paths, sandbox) as rig:
        await lost(rig)
        (ours,) = rig.created(NAME)
        rig.advance(3_600)
        sandbox.control("settings", {"issue_after": 1_000_000})
        await renewed_by_a_colleague(rig, ours["id"])
        (asked,) = await rig.ordering.reconcile()
        assert asked.ledger is Ledger.UNCONFIRMED
        assert "2 orders" in asked.words


async def test_a_mark_under_another_name_is_a_copy(paths: Paths, sandbox: SandboxServer) -> None:
    async with opened(paths, sandbox) as rig:
        await lost(rig)
        (ours,) = rig.created(NAME)
        (intent,) = await rig.ordering.unconfirmed()
        remote = await (await rig.engine.client()).details(ours["id"])
        assert matching.reasons(intent, remote) == (matching.MARK,)
        assert matching.reasons(intent, remote._replace(common_name="b1.example.com")) == ()


async def test_the_mark_counts_more_than_the_order_of_ids(paths: Paths, sandbox: SandboxServer) -> None:
    """Nothing promises that SCM's ids only grow: what an import brought in between is ours when it has our mark."""
    async with opened(paths, sandbox) as rig:
        await lost(rig)
        await rig.importing.run(ImportOptions())
        await rig.store.write(lambda db: db.run("UPDATE intents SET highest_ssl_id = 999999999").rowcount)
        (found,) = await rig.ordering.reconcile()
        assert (found.ledger, found.ssl_id) == (Ledger.ACCEPTED, rig.created(NAME)[0]["id"])


def test_a_pasted_mark_is_left_out() -> None:
    old, new = spelling.new_mark(os.urandom), spelling.new_mark(os.urandom)
    assert spelling.marked(f"for the shop\n{old}", new) == f"for the shop\n{new}"
    assert spelling.marked(f"for the shop\n{old}", "") == "for the shop"


async def test_pages_shorter_than_asked_are_no_end(
    paths: Paths, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that gives one row a page and tells no count: the search is complete only at an empty page."""
    async with opened(paths, sandbox) as rig:
        sandbox.control("orders", {"commonName": NAME, "orgId": 7101, "certType": 2103, "term": 199})
        await lost(rig)
        client = await rig.engine.client()
        listing = client.list_orders

        async def short(position: int, size: int, **filters: Any) -> Any:
            page = await listing(position, 1, **filters)
            return dataclasses.replace(page, total=None)

        monkeypatch.setattr(client, "list_orders", short)
        (found,) = await rig.ordering.reconcile()
        assert found.ledger is Ledger.ACCEPTED


async def test_a_search_counts_from_its_beginning(
    paths: Paths, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The list was read nine minutes after the first search; that its rows took two more does not make it ten."""
    async with opened(paths, sandbox) as rig:
        rig.fault("drop-before", ENROLL)
        with pytest.raises(Unconfirmed):
            await rig.ordering.place(request(NAME))
        await rig.ordering.reconcile()
        rig.advance(540)
        client = await rig.engine.client()
        listing = client.list_orders

        async def slow(*args: Any, **filters: Any) -> Any:
            page = await listing(*args, **filters)
            rig.advance(120)
            return page

        monkeypatch.setattr(client, "list_orders", slow)
        (still,) = await rig.ordering.reconcile()
        assert still.ledger is Ledger.UNCONFIRMED
        monkeypatch.undo()
        (judged,) = await rig.ordering.reconcile()
        assert judged.ledger is Ledger.NOT_PLACED


# collecting


async def test_what_a_question_after_another_key_meets_stops_no_other_order(
    paths: Paths, sandbox: SandboxServer
) -> None:
    """Linked by its looks, and of another key: the name is held, SCM garbles its details, and the check goes on."""
    async with opened(paths, sandbox) as rig:
        rig.fault("drop-before", ENROLL)
        with pytest.raises(Unconfirmed):
            await rig.ordering.place(request(NAME, comments=LONG))
        body = {"commonName": NAME, "orgId": 7101, "certType": 2103, "term": 199, "comments": "x"}
        stranger = sandbox.control("orders", body)["id"]
        (linked,) = await rig.ordering.reconcile()
        assert linked.ssl_id == stranger
        fine = (await rig.ordering.place(request("b1.example.com"))).order_id
        rig.advance(3_600)
        wanted = [linked.order_id or 0, fine or 0]
        async with rig.claiming.hold(NAME):
            report = await rig.checking.check(wanted)
        assert sorted(line.outcome for line in report.lines) == ["collected", "failed"]
        details = f"GET /ssl/v1/{stranger}"
        rig.fault("garbage-types", details, count=1, skip=1)
        (line,) = (await rig.checking.check(wanted[:1])).lines
        assert line.outcome == "failed"


async def test_an_order_that_was_answered_is_not_undone_for_an_earlier_try(
    paths: Paths, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kmptui.services.collecting import _was_answered

    async with opened(paths, sandbox) as rig:
        rig.fault("drop-before", ENROLL)
        with pytest.raises(Unconfirmed):
            await rig.ordering.place(request(NAME, comments=LONG))
        order = await only_order(rig)
        await rig.ordering.settle(order.id, None)
        await rig.ordering.place(request(NAME, comments=LONG), order_id=order.id)
        assert await rig.store.read(_was_answered, order.id)
        edited = Entry("edit", "outcome", "unconfirmed", NAME, order.id)
        await rig.store.write(audit.append, edited, await rig.engine.stamp())
        assert await rig.store.read(_was_answered, order.id)


# importing, exporting


async def test_a_row_told_twice_does_not_stand_for_a_missing_one(
    paths: Paths, sandbox_factory: SandboxFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(paths, sandbox_factory(certificates=8)) as rig:
        client = await rig.engine.client()
        report = client.report

        async def odd(**members: Any) -> Any:
            async for rows in report(**members):
                yield [*rows[:-1], rows[0]]

        monkeypatch.setattr(client, "report", odd)
        done = await rig.importing.run(ImportOptions())
        assert (done.complete, done.server_count - done.seen) == (False, 1)


def test_a_file_has_no_name_before_it_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a kill leaves nothing beside it, least of all a key in clear."""
    fsync, seen = os.fsync, []

    def syncing(handle: int) -> None:
        seen.append(sorted(path.name for path in tmp_path.iterdir()))
        fsync(handle)

    monkeypatch.setattr(os, "fsync", syncing)
    write_out(tmp_path / "key.pem", b"secret")
    assert seen == [[], ["key.pem"]]
