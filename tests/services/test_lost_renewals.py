"""The reply to a renewal or a reissue never comes, or the process dies: one of each at SCM, and its key is kept."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from kmptui.config import Paths
from kmptui.domain.order import Ledger, Order
from kmptui.domain.renewable import ReissueRequest, RenewalRequest, SameKey
from kmptui.errors import BadInput, StateForbids, Unconfirmed
from kmptui.sandbox.server import SandboxServer
from kmptui.services.ordering import Placed
from kmptui.store import certificates, keys, ledger
from kmptui.store.ledger.proof import contradiction
from tests.sandbox_fixtures import SandboxFactory
from tests.services.rig import Rig, opened
from tests.services.steps import NAME, fetched, issued, order_of

CHILD = Path(__file__).with_name("child.py")
RENEW, REPLACE = "POST /ssl/v1/renewById", "POST /ssl/v1/replace"
WHY = "a key was lost"
BOTH = pytest.mark.parametrize("what", ["renew", "reissue"])


@pytest.fixture
def small(sandbox_factory: SandboxFactory) -> SandboxServer:
    return sandbox_factory(certificates=5)


async def lost(rig: Rig, old: Order, what: str, kind: str, **members: Any) -> Order:
    """Have it renewed or reissued, and lose the answer; the order whose state is unconfirmed."""
    rig.fault(kind, RENEW if what == "renew" else REPLACE, **members)
    with pytest.raises(Unconfirmed):
        await ask(rig, old, what)
    after = await order_of(rig, old.id)
    unconfirmed = after if what == "reissue" else await order_of(rig, after.next_id)
    assert unconfirmed.row.state == "unconfirmed"
    return unconfirmed


async def ask(rig: Rig, old: Order, what: str) -> Placed:
    if what == "renew":
        return await rig.renewing.renew(RenewalRequest(old.id))
    return await rig.reissuing.reissue(ReissueRequest(old.id, WHY))


def sent(rig: Rig, what: str) -> int:
    return len(rig.requests("renewById" if what == "renew" else "replace"))


@BOTH
async def test_a_check_tells_of_it_once(paths: Paths, small: SandboxServer, what: str) -> None:
    """Whether it is found again or not: one line for the order whose reply had not come."""
    async with opened(paths, small) as rig:
        old = await issued(rig)
        unconfirmed = await lost(rig, old, what, "drop-before")
        (line,) = (await rig.checking.check([unconfirmed.id])).lines
        assert (line.order_id, line.outcome) == (unconfirmed.id, "failed")
        rig.advance(601)
        (line,) = [one for one in (await rig.checking.check()).lines if one.order_id == unconfirmed.id]
        assert "not" in line.words
        again = await lost(rig, await order_of(rig, old.id), what, "drop-after")
        (line,) = (await rig.checking.check([again.id])).lines
        assert line.before == "unconfirmed"
        assert "found again" in line.words or "reissued under" in line.words


async def judged(rig: Rig) -> Any:
    (one,) = await rig.ordering.reconcile()
    return one


async def came(rig: Rig, old: Order, what: str) -> None:
    """The new certificate is in the repository, for the key that was made for it, which is here; the old one is
    superseded by it."""
    found = await order_of(rig, old.id)
    found = await fetched(rig, found.id if what == "reissue" else found.next_id)
    (new, *others) = await rig.store.read(certificates.of_order, found.id)
    assert new.has_key
    assert (await rig.store.read(certificates.certificate, new.id)).spki == found.spki != old.spki
    assert len(others) == (what == "reissue")
    assert found.row.state == "issued"
    before = await rig.store.read(certificates.certificate, old.row.certificate_id or 0)
    assert before.row.superseded
    assert await rig.store.read(contradiction) == ""


@BOTH
@pytest.mark.parametrize(
    "fault",
    [{"kind": "drop-after"}, {"kind": "status", "status": 502, "act": True}, {"kind": "html", "act": True}],
    ids=lambda fault: fault["kind"],
)
async def test_taken_but_not_told_is_found_again(
    paths: Paths, small: SandboxServer, what: str, fault: dict[str, Any]
) -> None:
    async with opened(paths, small) as rig:
        old = await issued(rig)
        await lost(rig, old, what, **fault)
        with pytest.raises(StateForbids):  # nor by a script that runs twice
            await ask(rig, old, what)
        assert (await judged(rig)).ledger is Ledger.ACCEPTED
        await came(rig, old, what)
        assert sent(rig, what) == 1
        assert [row.outcome for row in await rig.audit(what)] == ["prepared", "unconfirmed", "accepted"]


@BOTH
async def test_found_again_once_it_is_issued(paths: Paths, small: SandboxServer, what: str) -> None:
    async with opened(paths, small) as rig:
        old = await issued(rig)
        await lost(rig, old, what, "drop-after")
        rig.advance(3_600)
        assert "public key" in str(await rig.ordering.candidates((await order_of(rig, old.id)).next_id or old.id))
        assert (await judged(rig)).ledger is Ledger.ACCEPTED
        await came(rig, old, what)


@BOTH
async def test_never_taken_is_not_placed_after_two_looks(paths: Paths, small: SandboxServer, what: str) -> None:
    async with opened(paths, small) as rig:
        old = await issued(rig)
        unconfirmed = await lost(rig, old, what, "drop-before")
        for _ in range(2):
            assert (await judged(rig)).ledger is Ledger.UNCONFIRMED
        rig.advance(601)
        assert (await judged(rig)).ledger is Ledger.NOT_PLACED
        after = await order_of(rig, unconfirmed.id)
        assert after.row.state == ("issued" if what == "reissue" else "not placed")
        assert (await order_of(rig, old.id)).row.certificate_id == old.row.certificate_id
        assert (await ask(rig, old, what)).ledger is Ledger.ACCEPTED
        await came(rig, old, what)
        assert sent(rig, what) == 2


@BOTH
@pytest.mark.parametrize("point", ["before sent", "after sent", "after answer"])
async def test_killed_on_the_way(paths: Paths, small: SandboxServer, what: str, point: str) -> None:
    async with opened(paths, small) as rig:
        old = await issued(rig)
        ahead = rig.clock.ahead
    words = [sys.executable, str(CHILD), str(paths.home), NAME, point, what]
    done = await asyncio.to_thread(subprocess.run, words, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    async with opened(paths, small) as rig:
        rig.clock.ahead = ahead
        assert await rig.ordering.recover() == 1
        after = await order_of(rig, old.id)
        row = after.row if what == "reissue" else (await order_of(rig, after.next_id)).row
        if point == "before sent":
            assert row.state == ("issued" if what == "reissue" else "draft")
            assert (await ask(rig, old, what)).ledger is Ledger.ACCEPTED
        else:
            assert row.state == "unconfirmed"
            expected = Ledger.ACCEPTED if point == "after answer" else Ledger.UNCONFIRMED
            assert (await judged(rig)).ledger is expected
            if point == "after sent":
                rig.advance(601)
                assert (await judged(rig)).ledger is Ledger.NOT_PLACED
                assert sent(rig, what) == 0
                return
        await came(rig, old, what)
        assert sent(rig, what) == 1


async def test_a_colleague_orders_the_same_meanwhile(paths: Paths, sandbox_factory: SandboxFactory) -> None:
    async with opened(paths, sandbox_factory(certificates=5)) as rig:
        old = await issued(rig)
        rig.sandbox.control("settings", {"issue_after": 1_000_000})
        row = await lost(rig, old, "renew", "drop-after")
        body = {"commonName": NAME, "orgId": 7101, "certType": 2103, "term": 199, "comments": "x"}
        other = rig.sandbox.control("orders", body)["id"]
        found = await judged(rig)
        assert found.ledger is Ledger.UNCONFIRMED
        assert "2 orders in SCM may be it" in found.words
        assert {one.ssl_id for one in await rig.ordering.candidates(row.id)} > {other}
        rig.sandbox.control(f"orders/{other}/issue", {})
        with pytest.raises(BadInput, match="another key"):
            await rig.ordering.settle(row.id, other)
        assert (await judged(rig)).ledger is Ledger.ACCEPTED  # the other one has another key
        assert sent(rig, "renew") == 1


async def test_a_colleague_renews_it_in_our_place(paths: Paths, small: SandboxServer) -> None:
    async with opened(paths, small) as rig:
        old = await issued(rig)
        row = await lost(rig, old, "renew", "drop-before")
        small.control(f"orders/{old.ssl_id}/renew", {})
        found = await judged(rig)
        assert found.ledger is Ledger.ACCEPTED  # the only one that looks like it
        rig.advance(60)
        await rig.checking.check([row.id])
        assert (await order_of(rig, row.id)).row.ledger is Ledger.UNCONFIRMED  # it has another key
        await judged(rig)
        rig.advance(601)
        assert (await judged(rig)).ledger is Ledger.NOT_PLACED
        assert (await order_of(rig, old.id)).renewed is True
        assert sent(rig, "renew") == 1


async def test_marked_as_renewed_and_nowhere_to_be_found_is_a_question(paths: Paths, small: SandboxServer) -> None:
    async with opened(paths, small) as rig:
        old = await issued(rig)
        row = await lost(rig, old, "renew", "drop-after")
        (ours,) = [one["id"] for one in rig.created(NAME) if one["id"] != old.ssl_id]
        small.control(f"orders/{ours}/delete", {})
        for _ in range(3):
            found = await judged(rig)
            assert "lists no order that may be it" in found.words
            rig.advance(601)
        assert found.ledger is Ledger.UNCONFIRMED
        assert "settle" in (await order_of(rig, row.id)).problem
        assert (await rig.ordering.settle(row.id, None)).row.ledger is Ledger.NOT_PLACED


async def test_with_the_old_key_names_and_time_decide_or_a_person(paths: Paths, small: SandboxServer) -> None:
    async with opened(paths, small) as rig:
        old = await issued(rig)
        rig.fault("drop-after", RENEW)
        with pytest.raises(Unconfirmed):
            await rig.renewing.renew(RenewalRequest(old.id, SameKey()))
        row = (await order_of(rig, old.id)).next_id or 0
        small.control("settings", {"issue_after": 0})
        small.control(f"orders/{old.ssl_id}/auto-renew", {"state": "Not scheduled"})
        twin = rig.sandbox.control("orders", {"commonName": NAME, "certType": 2103, "comments": "x"})["id"]
        rig.advance(60)
        found = await judged(rig)  # the twin has another key: it is out
        assert (found.ledger, found.ssl_id != twin) == (Ledger.ACCEPTED, True)
        new = await fetched(rig, row)
        assert new.spki == old.spki
        assert await rig.store.read(keys.key, new.spki) is not None


async def test_a_colleague_reissues_it_while_ours_is_lost(paths: Paths, small: SandboxServer) -> None:
    async with opened(paths, small) as rig:
        old = await issued(rig)
        await lost(rig, old, "reissue", "drop-before")
        small.control(f"orders/{old.ssl_id}/reissue", {})
        rig.advance(60)
        found = await judged(rig)
        assert found.ledger is Ledger.UNCONFIRMED
        assert "for another key" in found.words
        with pytest.raises(BadInput, match="another key"):
            await rig.ordering.settle(old.id, old.ssl_id)
        assert (await rig.ordering.settle(old.id, None)).row.state == "issued, not added"  # the colleague's is to come
        await rig.checking.check()
        assert (await order_of(rig, old.id)).row.state == "issued"
        assert len(await rig.store.read(certificates.of_order, old.id)) == 2
        intent = await rig.store.read(ledger.intent_of, old.id)
        assert intent is not None
        assert intent.state is Ledger.NOT_PLACED
        assert await rig.store.read(keys.key, intent.spki) is not None
