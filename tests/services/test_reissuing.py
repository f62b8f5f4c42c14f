"""Reissues: the same order, proved by the new public key; until then the present certificate stays current."""

from __future__ import annotations

import pytest

from kmptui.config import Paths
from kmptui.domain.certificate import Source
from kmptui.domain.keys import KeySpec
from kmptui.domain.listing import Query, Topic
from kmptui.domain.order import Ledger, NewKey, Order
from kmptui.domain.renewable import ReissueRequest
from kmptui.errors import BadInput, PreflightFailed, ReadOnly, ScmRefused, StateForbids
from kmptui.sandbox.server import SandboxServer
from kmptui.services.history import sentence
from kmptui.store import audit, certificates, keys, listing
from tests.sandbox_fixtures import SandboxFactory
from tests.services.rig import Rig, opened, request
from tests.services.steps import NAME, csr, fetched, issued, order_of

REPLACE = "/ssl/v1/replace"
WHY = "a key was lost"


@pytest.fixture
def small(sandbox_factory: SandboxFactory) -> SandboxServer:
    return sandbox_factory(certificates=5)


async def checked(rig: Rig, order: Order) -> Order:
    await rig.checking.check([order.id])
    return await order_of(rig, order.id)


async def test_with_a_new_key(paths: Paths, small: SandboxServer) -> None:
    async with opened(paths, small) as rig:
        old = await issued(rig)
        preview = await rig.reissuing.preview(ReissueRequest(old.id, WHY))
        assert (preview.blocked, preview.key) == (False, "a new EC P-256 key")
        assert preview.command == f"kmptui orders reissue {old.row.number} --reason '{WHY}'"
        assert old.row.serial in preview.effect
        placed = await rig.reissuing.reissue(ReissueRequest(old.id, WHY))
        assert (placed.order_id, placed.ssl_id, placed.ledger) == (old.id, old.ssl_id, Ledger.ACCEPTED)
        under_way = await order_of(rig, old.id)
        assert (under_way.row.state, under_way.reissuing) == ("reissue under way", "reissue under way")
        assert under_way.row.certificate_id == old.row.certificate_id
        listed = await rig.store.read(listing.window, Query(Topic.ORDERS, "open:yes"), 0, 10, rig.clock.now())
        assert [row.id for row in listed.rows] == [old.id]
        # the CA has not issued it yet, then it has and SCM still hands out the earlier one
        assert (await checked(rig, old)).row.state == "reissue under way"
        small.control("settings", {"keep_old": 3600})
        rig.advance(60)
        (line,) = (await rig.checking.check()).lines
        assert (line.order_id, line.outcome) == (old.id, "waiting")
        (still,) = await rig.store.read(certificates.of_order, old.id)
        assert not still.superseded
        assert (await order_of(rig, old.id)).problem == ""
        rig.advance(3600)
        done = await rig.ordering.follow(old.id, lambda _: None, seconds=60)
        assert (done.row.state, done.reissuing, done.ssl_id) == ("issued", "", old.ssl_id)
        new, before = await rig.store.read(certificates.of_order, old.id)
        assert (new.source, new.has_key, new.superseded, before.superseded) == (Source.REISSUED, True, False, True)
        assert (before.id, done.row.serial) == (old.row.certificate_id, new.serial)
        assert done.spki != old.spki
        told = [sentence(row) for row in await rig.store.read(audit.of_order, old.id)]
        assert told[:3] == [
            "fetched into the repository",
            "reissue taken by SCM, its certificate is awaited",
            f"reissue written down, to be sent: {WHY}",
        ]


async def test_with_other_names_and_another_key(paths: Paths, small: SandboxServer) -> None:
    async with opened(paths, small) as rig:
        old = await issued(rig, NAME, "b1.example.com")
        names = (NAME, "c1.example.com")
        wanted = ReissueRequest(old.id, WHY, NewKey(KeySpec("RSA", "2048")), names)
        preview = await rig.reissuing.preview(wanted)
        assert (preview.added, preview.removed) == (("c1.example.com",), ("b1.example.com",))
        await rig.reissuing.reissue(wanted)
        rig.advance(60)
        after = await checked(rig, old)
        assert (after.row.state, set(after.names), after.problem) == ("issued", set(names), "")
        new, before = await rig.store.read(certificates.of_order, old.id)
        assert set((await rig.store.read(certificates.certificate, new.id)).names) == set(names)
        assert before.superseded  # the name was taken out on purpose


async def test_with_another_common_name(paths: Paths, small: SandboxServer) -> None:
    async with opened(paths, small) as rig:
        old = await issued(rig, NAME, "b1.example.com")
        await rig.reissuing.reissue(ReissueRequest(old.id, WHY, names=("b1.example.com",)))
        rig.advance(60)
        after = await checked(rig, old)
        assert (after.common_name, after.row.state) == ("b1.example.com", "issued")


async def test_what_cannot_be_reissued_is_said_and_nothing_is_sent(paths: Paths, small: SandboxServer) -> None:
    async with opened(paths, small) as rig:
        order, revoked = await issued(rig), await issued(rig, "b1.example.com")
        small.control(f"orders/{revoked.ssl_id}/revoke", {})
        (certificate,) = await rig.store.read(certificates.of_order, order.id)
        with pytest.raises(StateForbids, match="Revoked"):
            await rig.reissuing.reissue(ReissueRequest(revoked.id, WHY))
        with pytest.raises(StateForbids, match="it is revoked"):
            await rig.reissuing.reissue(ReissueRequest(revoked.id, WHY))
        for wrong, words in (
            (ReissueRequest(order.id, " "), "reason"),
            (ReissueRequest(order.id, "x" * 513), "512"),
            (ReissueRequest(order.id, WHY, names=(NAME, "*.x_y.example.com")), "names"),
            (ReissueRequest(order.id, WHY, names=(NAME, "www.example.gov")), "covers it"),
            (ReissueRequest(order.id, WHY, NewKey(KeySpec("EC", "P-521"))), "not taken"),
        ):
            assert (await rig.reissuing.preview(wrong)).blocked
            with pytest.raises(PreflightFailed, match=words):
                await rig.reissuing.reissue(wrong)
        mine = await rig.reissuing.reissue(ReissueRequest(order.id, WHY, csr(NAME)))
        assert mine.ledger is Ledger.ACCEPTED
        with pytest.raises(StateForbids, match="wait for it"):
            await rig.reissuing.reissue(ReissueRequest(order.id, WHY))
        rig.settings(read_only=True)
        with pytest.raises(ReadOnly):
            await rig.reissuing.reissue(ReissueRequest(order.id, WHY))
        assert len(rig.requests("replace")) == 1
        assert [row.outcome for row in await rig.audit("reissue")] == ["blocked", "prepared", "accepted"]
        assert (await rig.store.read(certificates.of_order, order.id))[0].id == certificate.id


async def test_the_key_of_the_present_one_proves_nothing(paths: Paths, small: SandboxServer) -> None:
    async with opened(paths, small) as rig:
        own = csr(NAME)
        placed = await rig.ordering.place(request(NAME, key=own))
        order = await fetched(rig, placed.order_id)
        with pytest.raises(PreflightFailed, match="key of the present"):
            await rig.reissuing.reissue(ReissueRequest(order.id, WHY, own))
        with pytest.raises(BadInput):
            await rig.reissuing.reissue(ReissueRequest(order.id, WHY, type(own)("no request")))
        with pytest.raises(PreflightFailed, match=r"intruder\.example\.com"):
            await rig.reissuing.reissue(ReissueRequest(order.id, WHY, csr("intruder.example.com")))
        assert rig.requests("replace") == []


async def test_refused_by_scm_leaves_the_order_as_it_is(paths: Paths, small: SandboxServer) -> None:
    async with opened(paths, small) as rig:
        old = await issued(rig)
        small.control(f"orders/{old.ssl_id}/auto-install", {"state": "Completed"})
        with pytest.raises(ScmRefused):
            await rig.reissuing.reissue(ReissueRequest(old.id, WHY))
        after = await order_of(rig, old.id)
        assert (after.row.state, after.row.certificate_id, after.spki) == ("issued", old.row.certificate_id, old.spki)
        assert after.problem_code == -1148
        small.control("profiles/2103", {"gone": True})
        await rig.mirror.sync()
        with pytest.raises(PreflightFailed, match="is gone"):
            await rig.reissuing.reissue(ReissueRequest(old.id, WHY))
        assert len(rig.requests("replace")) == 1


async def test_somebody_reissues_it_once_more(paths: Paths, small: SandboxServer) -> None:
    async with opened(paths, small) as rig:
        old = await issued(rig)
        await rig.reissuing.reissue(ReissueRequest(old.id, WHY))
        rig.advance(60)
        small.control(f"orders/{old.ssl_id}/reissue", {})
        rig.advance(60)
        after = await checked(rig, old)
        assert (after.row.state, after.reissuing) == ("issued", "")
        assert "another key than the reissue's" in after.problem
        new, _ = await rig.store.read(certificates.of_order, old.id)
        assert (new.has_key, new.source) == (False, Source.IMPORTED)
        assert (await rig.reissuing.reissue(ReissueRequest(old.id, WHY))).ledger is Ledger.ACCEPTED
        ours = (await order_of(rig, old.id)).spki
        assert await rig.store.read(keys.key, ours) is not None


async def test_one_that_is_not_in_the_repository_comes_in_past_the_limit(paths: Paths, small: SandboxServer) -> None:
    async with opened(paths, small) as rig:
        await issued(rig, "b1.example.com")
        rig.settings(certificate_limit=1)
        placed = await rig.ordering.place(request(NAME))
        rig.advance(60)
        await rig.checking.check([placed.order_id or 0])
        held = await order_of(rig, placed.order_id)
        assert held.row.state == "issued, not added"
        await rig.reissuing.reissue(ReissueRequest(held.id, WHY))
        rig.advance(60)
        assert (await checked(rig, held)).row.state == "issued, not added"
        rig.settings(certificate_limit=2)
        await rig.checking.check()
        after = await order_of(rig, held.id)
        assert (after.row.state, after.row.certificate_id is not None) == ("issued", True)
        (certificate,) = await rig.store.read(certificates.of_order, held.id)
        assert certificate.source is Source.REISSUED
