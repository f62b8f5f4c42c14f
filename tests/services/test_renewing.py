"""Renewals: one order each, by SCM's own word, whatever is done twice, at once, or wrongly."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from kmptui.config import Paths
from kmptui.domain.certificate import Source
from kmptui.domain.keys import KeySpec
from kmptui.domain.order import Ledger, NewKey, OwnCsr
from kmptui.domain.renewable import RenewalRequest, SameKey
from kmptui.errors import BadInput, HeldElsewhere, PreflightFailed, ReadOnly, ScmRefused, StateForbids
from kmptui.sandbox.server import SandboxServer
from kmptui.services.importing import ImportOptions
from kmptui.store import certificates, keys, ledger
from kmptui.store.ledger.proof import contradiction
from tests.sandbox_fixtures import SandboxFactory
from tests.services.rig import opened, request
from tests.services.steps import NAME, csr, fetched, issued, order_of

RENEW = "POST /ssl/v1/renewById"
CHILD = Path(__file__).with_name("child.py")
A_MONTH = 30 * 86_400.0


@pytest.fixture
def small(sandbox_factory: SandboxFactory) -> SandboxServer:
    return sandbox_factory(certificates=5)


async def test_with_a_new_key(paths: Paths, small: SandboxServer) -> None:
    async with opened(paths, small) as rig:
        old = await issued(rig, NAME, "b1.example.com", note="web01", contact="webops", auto_renew=True)
        rig.advance(A_MONTH)
        (preview,) = await rig.renewing.preview([old.id])
        assert (preview.blocked, preview.key, preview.term) == (False, "a new EC P-256 key", 199)
        assert preview.command == f"kmptui orders renew {old.row.number}"
        placed = await rig.renewing.renew(RenewalRequest(old.id), why="due, ends in 29 d")
        new = await order_of(rig, placed.order_id)
        assert (placed.ledger, new.previous_id, new.expected) == (Ledger.ACCEPTED, old.id, preview.expected)
        assert (new.note, new.contact, new.row.auto_renew, new.origin) == ("web01", "webops", True, "renewed")
        assert new.spki != old.spki
        assert await rig.store.read(keys.key, new.spki) is not None
        new, old = await fetched(rig, new.id), await order_of(rig, old.id)
        old = await order_of(rig, old.id)
        assert (new.problem, old.row.superseded, old.next_id) == ("", True, new.id)
        assert {one["spki_sha256"] for one in rig.created(NAME)} == {old.spki, new.spki}
        first, second = await rig.audit("renew")
        assert (first.phase, first.reason, second.outcome) == ("intent", "due, ends in 29 d", "accepted")
        assert dict(first.details)["old serial"] == old.row.serial


async def test_with_the_old_key_and_its_keystore_password(paths: Paths, small: SandboxServer) -> None:
    from kmptui.domain.order import KeystorePassword

    async with opened(paths, small) as rig:
        old = await issued(rig, keystore_password_when=KeystorePassword.MADE)
        placed = await rig.renewing.renew(RenewalRequest(old.id, SameKey()))
        new = await fetched(rig, placed.order_id)
        assert new.spki == old.spki
        assert new.has_keystore_password
        (certificate,) = await rig.store.read(certificates.of_order, new.id)
        assert certificate.has_key
        assert certificate.source is Source.RENEWED


async def test_an_imported_one_with_a_key_that_is_not_here(paths: Paths, small: SandboxServer) -> None:
    small.control("orders", {"commonName": NAME, "certType": 2103})
    async with opened(paths, small) as rig:
        rig.advance(60)
        await rig.importing.run(ImportOptions(common_name=NAME))
        old_id = await rig.store.read(ledger.find, NAME)
        old = await fetched(rig, old_id)
        (preview,) = await rig.renewing.preview([old.id], SameKey())
        assert "not kept here" in preview.key
        assert "no private key" in preview.effect
        placed = await rig.renewing.renew(RenewalRequest(old.id, SameKey()))
        new = await fetched(rig, placed.order_id)
        (certificate,) = await rig.store.read(certificates.of_order, new.id)
        assert not certificate.has_key
        (theirs,) = [one for one in rig.created(NAME) if one["id"] == new.ssl_id]
        assert theirs["spki_sha256"] == new.spki
        assert await rig.store.read(contradiction) == ""


async def test_with_an_own_csr(paths: Paths, small: SandboxServer) -> None:
    async with opened(paths, small) as rig:
        old = await issued(rig)
        strange = csr(NAME, "other.example.com")
        with pytest.raises(PreflightFailed, match="does not have"):
            await rig.renewing.renew(RenewalRequest(old.id, strange))
        with pytest.raises(PreflightFailed, match="not taken"):
            await rig.renewing.renew(RenewalRequest(old.id, csr(NAME, spec="ec:P-521")))
        with pytest.raises(BadInput):
            await rig.renewing.renew(RenewalRequest(old.id, OwnCsr("-----BEGIN nothing")))
        assert rig.requests("renewById") == []
        placed = await rig.renewing.renew(RenewalRequest(old.id, csr(NAME)))
        new = await fetched(rig, placed.order_id)
        assert await rig.store.read(keys.key, new.spki) is None


# SCM's word right before


async def test_somebody_in_the_console_was_quicker(paths: Paths, small: SandboxServer) -> None:
    async with opened(paths, small) as rig:
        old = await issued(rig)
        small.control(f"orders/{old.ssl_id}/renew", {})
        with pytest.raises(StateForbids, match="renewed already"):
            await rig.renewing.renew(RenewalRequest(old.id))
        assert rig.requests("renewById") == []
        assert (await order_of(rig, old.id)).renewed is True
        (preview,) = await rig.renewing.preview([old.id])
        assert "renewed already" in preview.forbidden
        (row,) = await rig.audit("renew")
        assert (row.outcome, row.order_id) == ("blocked", old.id)
        assert (await order_of(rig, old.id)).row.state == "issued"


async def test_what_scm_renews_by_itself_is_left_alone(paths: Paths, small: SandboxServer) -> None:
    async with opened(paths, small) as rig:
        old = await issued(rig)
        small.control(f"orders/{old.ssl_id}/auto-renew", {"state": "Scheduled", "days": 10})
        with pytest.raises(StateForbids, match="by itself"):
            await rig.renewing.renew(RenewalRequest(old.id))
        assert rig.requests("renewById") == []
        rig.settings(renew_beside_scm=True)
        assert (await rig.renewing.renew(RenewalRequest(old.id))).ledger is Ledger.ACCEPTED


@pytest.mark.parametrize("what", ["revoke", "expire", "delete"])
async def test_gone_at_scm_meanwhile(paths: Paths, small: SandboxServer, what: str) -> None:
    async with opened(paths, small) as rig:
        old = await issued(rig)
        small.control(f"orders/{old.ssl_id}/{what}", {})
        with pytest.raises(StateForbids):
            await rig.renewing.renew(RenewalRequest(old.id))
        assert rig.requests("renewById") == []
        assert [row.outcome for row in await rig.audit("renew")] == ["blocked"]


# bad input


async def test_what_cannot_be_renewed_is_said_and_nothing_is_sent(paths: Paths, small: SandboxServer) -> None:
    async with opened(paths, small) as rig:
        revoked, declined = await issued(rig), await rig.ordering.place(request("b1.example.com", profile_id=2105))
        small.control(f"orders/{revoked.ssl_id}/revoke", {})
        small.control(f"orders/{declined.ssl_id}/decline", {})
        await rig.checking.check([revoked.id, declined.order_id or 0])
        deleted = await issued(rig, "c1.example.com")
        await rig.repository.delete_orders([deleted.id])
        rig.fault("drop-after", "POST /ssl/v1/enroll")
        (lost,) = await rig.ordering.place_each(request("d1.example.com"))
        renewed = await issued(rig, "e1.example.com")
        await rig.renewing.renew(RenewalRequest(renewed.id))
        ids = [revoked.id, declined.order_id or 0, deleted.id, lost.order_id or 0, renewed.id]
        words = ["revoked", "declined", "deleted here", "unconfirmed", "renewed already"]
        before = len(rig.requests())
        for preview, word in zip(await rig.renewing.preview(ids), words, strict=True):
            assert word in preview.forbidden
            assert preview.blocked
            with pytest.raises(StateForbids, match=word):
                await rig.renewing.renew(RenewalRequest(preview.order.id))
        assert len(rig.requests()) == before
        rig.settings(read_only=True)
        with pytest.raises(ReadOnly):
            await rig.renewing.renew(RenewalRequest(renewed.id))


async def test_a_block_of_the_mirror_is_read_anew_first(paths: Paths, small: SandboxServer) -> None:
    async with opened(paths, small) as rig:
        old = await issued(rig)
        small.control("domains/example.com", {"expires": "2020-01-01"})
        await rig.mirror.sync()
        (preview,) = await rig.renewing.preview([old.id])
        assert "DCV of example.com ended" in preview.cause
        with pytest.raises(PreflightFailed, match="DCV"):
            await rig.renewing.renew(RenewalRequest(old.id))
        assert rig.requests("renewById") == []
        with pytest.raises(ScmRefused):  # a person may send all the same: SCM judges
            await rig.renewing.renew(RenewalRequest(old.id), despite_mirror=True)
        (stopped,) = await rig.renewing.blocked()
        assert stopped.order_id == old.id
        assert "DCV" in stopped.cause
        assert (await order_of(rig, old.id)).problem_code == -1137
        small.control("domains/example.com", {"expires": "2027-06-01"})
        (placed,) = await rig.renewing.retry_blocked()  # the mirror still says that it ended
        assert placed.ledger is Ledger.ACCEPTED
        assert await rig.renewing.blocked() == ()
        assert (await order_of(rig, old.id)).problem == ""
        assert len(rig.created(NAME)) == 2
        assert placed.order_id == (await order_of(rig, old.id)).next_id


async def test_a_profile_that_is_gone_or_allows_no_renewal(paths: Paths, small: SandboxServer) -> None:
    async with opened(paths, small) as rig:
        old = await issued(rig)
        legacy = await issued(rig, "b1.example.com", profile_id=2108, key=NewKey(KeySpec("RSA", "2048")))
        small.control("profiles/2103", {"gone": True})
        await rig.mirror.sync()
        with pytest.raises(PreflightFailed, match="is gone"):
            await rig.renewing.renew(RenewalRequest(old.id))
        assert rig.requests("renewById") == []
        small.control("profiles/2103", {"gone": False})
        assert (await rig.renewing.renew(RenewalRequest(old.id))).ledger is Ledger.ACCEPTED  # by one GET, no sync
        with pytest.raises(ScmRefused) as refused:
            await rig.renewing.renew(RenewalRequest(legacy.id))
        assert refused.value.code == -180
        after = await order_of(rig, legacy.id)
        assert (after.row.state, after.problem_code) == ("issued", -180)
        assert (await order_of(rig, after.next_id)).row.ledger is Ledger.REFUSED
        with pytest.raises(PreflightFailed, match="does not allow renewals"):
            await rig.renewing.renew(RenewalRequest(legacy.id))
        assert len(rig.requests("renewById")) == 2


# many, and at once


async def test_many_go_on_where_a_run_broke_off(paths: Paths, small: SandboxServer) -> None:
    async with opened(paths, small) as rig:
        names = [f"n{number}.example.com" for number in range(5)]
        old = [await issued(rig, name) for name in names]
        ids = [order.id for order in old]
        small.control(f"orders/{old[1].ssl_id}/revoke", {})
        rig.settings(concurrency=1)
        rig.fault("status", RENEW, status=500, skip=1, count=2)
        first = await rig.renewing.renew_all(ids, stop_after=2)
        assert [one.ledger for one in first] == [
            Ledger.ACCEPTED, Ledger.DRAFT, Ledger.UNCONFIRMED, Ledger.UNCONFIRMED, Ledger.DRAFT,
        ]  # fmt: skip
        assert "Revoked" in first[1].words
        assert "not begun" in first[4].words
        rig.settings(concurrency=8)
        again = await rig.renewing.renew_all(ids)
        assert "renewed already" in again[0].words
        assert again[0].error is None
        assert [one.ledger for one in again[2:]] == [Ledger.UNCONFIRMED, Ledger.UNCONFIRMED, Ledger.ACCEPTED]
        assert len(rig.requests("renewById")) == 4
        await rig.ordering.reconcile()
        rig.advance(601)
        await rig.ordering.reconcile()
        last = await rig.renewing.renew_all(ids)
        assert [one.ledger for one in last] == [Ledger.ACCEPTED, Ledger.DRAFT, *[Ledger.ACCEPTED] * 3]
        assert [len(rig.created(name)) for name in names] == [2, 1, 2, 2, 2]


async def test_two_orders_of_one_name_do_not_meet(paths: Paths, small: SandboxServer) -> None:
    async with opened(paths, small) as rig:
        first = await issued(rig)
        rig.advance(2 * 86_400)
        second = await issued(rig)
        placed = await rig.renewing.renew_all([first.id, second.id])
        assert [one.ledger for one in placed] == [Ledger.ACCEPTED] * 2


async def test_two_processes_renew_it_once(paths: Paths, small: SandboxServer) -> None:
    async with opened(paths, small) as rig:
        await issued(rig)
    words = [sys.executable, str(CHILD), str(paths.home), NAME, "none", "renew"]

    def run() -> subprocess.CompletedProcess[str]:
        return subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)

    both = await asyncio.gather(*[asyncio.to_thread(run) for _ in range(2)])
    told = sorted(done.stdout for done in both)
    assert told.count("accepted") == 1, [done.stderr for done in both]
    # the later one may find two orders of the name already
    assert set(told) <= {"accepted", "HeldElsewhere", "StateForbids", "Ambiguous"}
    async with opened(paths, small) as rig:
        assert len(rig.created(NAME)) == 2


async def test_the_other_says_who_holds_it(paths: Paths, small: SandboxServer) -> None:
    async with opened(paths, small) as rig:
        old = await issued(rig)
        async with rig.claiming.hold(NAME):
            with pytest.raises(HeldElsewhere, match="another task"):
                await rig.renewing.renew(RenewalRequest(old.id))
        assert rig.requests("renewById") == []


# what came


async def test_valid_for_less_than_before_is_taken_in_and_noted(paths: Paths, small: SandboxServer) -> None:
    async with opened(paths, small) as rig:
        old = await issued(rig)
        small.control("profiles/2103", {"terms": [90]})
        placed = await rig.renewing.renew(RenewalRequest(old.id))  # the mirror does not know the new terms yet
        new = await fetched(rig, placed.order_id)
        assert "before the" in new.problem
        assert "valid for 91 days, the old one for 200" in new.problem
        (noted,) = [row for row in await rig.audit("collect") if row.outcome == "noted"]
        assert noted.reason == new.problem
        assert noted.certificate_id == new.row.certificate_id


async def test_issued_for_other_names_hides_nothing(paths: Paths, small: SandboxServer) -> None:
    async with opened(paths, small) as rig:
        old = await issued(rig, NAME, "b1.example.com")
        new_id = (await rig.renewing.renew(RenewalRequest(old.id))).order_id
        rig.sandbox.control(f"orders/{(await order_of(rig, new_id)).ssl_id}/names", {"names": [NAME, "c1.example.com"]})
        new = await fetched(rig, new_id)
        assert "OTHER NAMES: without b1.example.com, with c1.example.com besides" in new.problem
        assert set(new.names) == {NAME, "c1.example.com"}
        assert not (await order_of(rig, old.id)).row.superseded
        (certificate,) = await rig.store.read(certificates.of_order, old.id)
        assert not certificate.superseded
