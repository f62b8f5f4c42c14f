"""Domain control validation: from an ended one to validated, without a clear answer, and where it is not allowed."""

from __future__ import annotations

import pytest

from kmptui.config import Paths
from kmptui.domain.dcv import Step
from kmptui.errors import ReadOnly, ScmRefused, StateForbids, Unconfirmed
from kmptui.sandbox.server import SandboxServer
from kmptui.services.importing import ImportOptions
from kmptui.services.validating import DcvView
from kmptui.store import ledger, mirror
from tests.sandbox_fixtures import SandboxFactory
from tests.services.homes import linked
from tests.services.rig import Rig, opened, request

LEGACY = "legacy.example.com"


async def id_of(rig: Rig, name: str = LEGACY) -> int:
    return await rig.store.read(mirror.find_domain, name)


async def steps(rig: Rig) -> list[tuple[str, str, str]]:
    return [(row.action, row.phase, row.outcome) for row in await rig.audit() if row.action.startswith("dcv")]


async def test_from_ended_to_validated(paths: Paths, sandbox_factory: SandboxFactory) -> None:
    async with opened(paths, sandbox_factory(certificates=60)) as rig:
        await rig.importing.run(ImportOptions())
        domain = await id_of(rig)
        assert await rig.validating.behind(await rig.store.read(ledger.find, f"crm.{LEGACY}")) == domain
        assert await rig.validating.behind(await rig.store.read(ledger.find, "soon9.example.com")) is None
        ended = await rig.validating.state(domain)
        assert (ended.step, ended.domain.status(rig.clock.now().date())) == (Step.START, "expired")
        # crm.legacy.example.com ends in 8 days
        assert (ended.blocks.certificates, ended.blocks.due) == (1, 1)
        assert "it blocks the renewal of 1 certificate, due within 30 d" in ended.words

        rig.sandbox.control(f"domains/{LEGACY}", {"published": False})
        record = await rig.validating.start(domain, "cname")
        assert record.zone_line == f"{record.host} IN CNAME {record.point}"
        waiting = await rig.validating.state(domain)
        assert (waiting.step, waiting.method) == (Step.PUBLISH, "cname")
        assert waiting.state is not None
        assert waiting.state.record is not None
        assert waiting.state.record.zone_line == record.zone_line, "another session is told the same record"

        submitted = await rig.validating.submit(domain, "cname")
        assert submitted.step is Step.AWAIT
        rig.advance(60)
        looked = await rig.validating.look(domain)
        assert looked.step is Step.AWAIT, "nobody published it yet"
        assert looked.state is not None
        assert looked.state.next_check is not None

        rig.sandbox.control(f"domains/{LEGACY}", {"published": True})
        told: list[DcvView] = []
        done = await rig.validating.follow(domain, told.append, seconds=600)
        assert done.step is Step.DONE
        assert (
            "1 renewal is due under it, those that it blocked go on with: kmptui orders renew --blocked" in done.words
        )
        row = await rig.store.read(mirror.domain, domain)
        assert row.status(rig.clock.now().date()) == "validated"
        assert (row.dcv_method, row.dcv_expires is not None) == (done.domain.dcv_method, True)
        assert await steps(rig) == [
            (f"dcv {act}", phase, outcome)
            for act in ("start", "submit", "look")
            for phase, outcome in (("intent", "prepared"), ("outcome", "accepted"))
        ]
        assert {row.subject for row in await rig.audit() if row.action.startswith("dcv")} == {LEGACY}


async def test_by_txt_and_by_mail(paths: Paths, sandbox: SandboxServer) -> None:
    async with opened(paths, sandbox) as rig:
        domain = await id_of(rig, "new.example.com")
        await rig.validating.start(domain, "txt")
        submitted = await rig.validating.submit(domain, "txt")
        assert submitted.step is Step.AWAIT
        assert submitted.state is not None
        assert submitted.state.record is not None
        assert submitted.state.record.zone_line.startswith('_pki-validation.new.example.com. IN TXT "')
        rig.advance(5)
        assert (await rig.validating.state(domain)).step is Step.DONE

        mail = await id_of(rig)
        record = await rig.validating.start(mail, "email")
        assert f"hostmaster@{LEGACY}" in record.emails
        assert (await rig.validating.submit(mail, "email", f"hostmaster@{LEGACY}")).method == "email"
        with pytest.raises(ScmRefused):
            await rig.validating.submit(mail, "email", "me@example.org")
        assert (await steps(rig))[-1] == ("dcv submit", "outcome", "refused")


@pytest.mark.parametrize("acted", [True, False])
async def test_a_lost_answer_is_told_and_not_repeated(paths: Paths, sandbox: SandboxServer, *, acted: bool) -> None:
    async with opened(paths, sandbox) as rig:
        domain = await id_of(rig)
        rig.fault("drop-after" if acted else "drop-before", "POST /dcv/v1/validation/start/domain/cname")
        with pytest.raises(Unconfirmed, match="kmptui domains validate"):
            await rig.validating.start(domain, "cname")
        assert len(rig.requests("start/domain/cname")) == 1
        assert (await steps(rig))[-1] == ("dcv start", "outcome", "unconfirmed")
        assert (await rig.validating.state(domain)).step is (Step.PUBLISH if acted else Step.START)
        assert (await rig.validating.start(domain, "cname")).publishable, "by hand it may be repeated"


async def test_a_step_that_was_taken_stands_though_nothing_can_be_asked_after_it(
    paths: Paths, sandbox: SandboxServer
) -> None:
    async with opened(paths, sandbox) as rig:
        domain = await id_of(rig)
        await rig.validating.start(domain, "cname")
        rig.fault("status", "POST /dcv/v2/validation/status", status=502, count=-1)
        submitted = await rig.validating.submit(domain, "cname")
        assert submitted.step is Step.AWAIT
        assert submitted.stale
        assert (await steps(rig))[-1] == ("dcv submit", "outcome", "accepted")


async def test_what_is_not_allowed_sends_nothing(paths: Paths, sandbox: SandboxServer) -> None:
    async with linked(paths, sandbox, login="raossl-api", mirrored=True) as workspace:
        domain = await workspace.lists.resolve_domain("example.edu")
        for act in (
            workspace.validating.start(domain, "cname"),
            workspace.validating.submit(domain, "cname"),
            workspace.validating.look(domain),
            workspace.validating.recheck(1),
        ):
            with pytest.raises(ReadOnly, match="allowDCV"):
                await act
        assert (await workspace.validating.state(domain)).state is not None, "looking is allowed"
        await workspace.change_settings(read_only=True)
        with pytest.raises(ReadOnly, match="Read-only mode"):
            await workspace.validating.start(domain, "cname")
    posts = [one["path"] for one in sandbox.control("requests") if one["method"] == "POST"]
    assert not [path for path in posts if not path.endswith("/validation/status")]


async def test_the_validation_of_a_waiting_order(paths: Paths, sandbox: SandboxServer) -> None:
    async with opened(paths, sandbox) as rig:
        rig.sandbox.control("settings", {"prevalidation": False})
        rig.sandbox.control("domains/shop.example.com", {"expires": None})
        placed = await rig.ordering.place(request("a.shop.example.com"), despite_mirror=True)
        assert placed.order_id is not None
        found = await rig.validating.of_order(placed.order_id)
        assert [one.domain for one in found.instructions] == ["shop.example.com"]
        assert found.instructions[0].record.zone_line
        assert [line.domain for line in found.log] == ["shop.example.com"]
        again = await rig.validating.recheck(placed.order_id)
        assert again.instructions == found.instructions
        rows = await rig.audit("dcv recheck")
        assert [(row.phase, row.order_id) for row in rows] == [(p, placed.order_id) for p in ("intent", "outcome")]
        assert (await rig.validating.known(await id_of(rig, "shop.example.com"))).blocks.orders == 1
        assert (await rig.validating.known(await id_of(rig, "example.com"))).blocks.orders == 0, "it is not under that"


async def test_an_order_that_scm_does_not_know_has_no_validation(paths: Paths, sandbox: SandboxServer) -> None:
    async with opened(paths, sandbox) as rig:
        rig.fault("drop-before", "POST /ssl/v1/enroll")
        with pytest.raises(Unconfirmed):
            await rig.ordering.place(request("lost.example.com"))
        with pytest.raises(StateForbids):
            await rig.validating.of_order(1)
