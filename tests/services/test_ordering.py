"""One order, once: from the form to the repository, and what forbids it."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import shlex
from pathlib import Path
from typing import Any

import httpx
import pytest

from kmptui.config import Paths
from kmptui.domain.keys import KeySpec
from kmptui.domain.order import Hold, KeystorePassword, Ledger, NewKey, OwnCsr
from kmptui.errors import (
    AlreadyOrdered,
    HeldElsewhere,
    NotLinked,
    PreflightFailed,
    ReadOnly,
    ScmRefused,
    Unreachable,
    VaultLocked,
    WrongLogin,
)
from kmptui.pki import csr, keypair
from kmptui.sandbox.server import SandboxServer
from kmptui.services.ordering import Placed
from kmptui.store import account, claims, keys, ledger
from tests.sandbox_fixtures import SandboxFactory
from tests.services.rig import opened, request

ENROLL = "POST /api/ssl/v1/enroll"


def add_domain(sandbox: SandboxServer, body: dict[str, Any]) -> None:
    """Somebody adds a domain at SCM, by its API."""
    headers = {"login": sandbox.login, "password": sandbox.password, "customerUri": sandbox.customer_uri}
    httpx.post(f"{sandbox.base_url}/domain/v1", json=body, headers=headers, trust_env=False).raise_for_status()


async def test_placed_issued_collected(paths: Paths, sandbox: SandboxServer) -> None:
    async with opened(paths, sandbox) as rig:
        placed = await rig.ordering.place(request("a1.example.com", "b1.example.com"))
        assert placed.ledger is Ledger.ACCEPTED
        assert placed.order_id is not None
        seen: list[str] = []
        order = await rig.ordering.follow(placed.order_id, lambda one: seen.append(one.row.state))
        assert order.row.state == "issued"
        assert order.row.hold is Hold.NONE
        assert order.row.certificate_id is not None
        assert seen[-1] == "issued"
        assert rig.naps[0] == 5.0
        (at_server,) = rig.created("a1.example.com")
        assert at_server["spki_sha256"] == order.spki
        assert at_server["names"] == ["a1.example.com", "b1.example.com"]
        intent = await rig.store.read(ledger.intent_of, placed.order_id)
        assert intent is not None
        assert at_server["comments"] == f"for the shop\n{intent.token}"
        told = [(row.action, row.phase, row.outcome) for row in await rig.audit() if row.order_id == order.id]
        assert told == [("order", "intent", "prepared"), ("order", "outcome", "accepted"), ("collect", "done", "done")]
        assert await rig.store.read(claims.held_by, claims.name_topic("a1.example.com")) == ""


async def test_the_account_is_proved_right_before_and_nothing_comes_between(
    paths: Paths, sandbox: SandboxServer
) -> None:
    async with opened(paths, sandbox) as rig:
        await rig.ordering.place(request("a1.example.com"))
        asked = rig.requests()
        at = asked.index(ENROLL)
        assert asked[at - 1].startswith("GET ")
        assert asked.count(ENROLL) == 1


async def test_what_the_form_forbids_is_not_sent(paths: Paths, sandbox: SandboxServer) -> None:
    async with opened(paths, sandbox) as rig:
        before = len(rig.requests())
        wrong = request("a1.example.com", term=17, comments="x" * 1_025, custom_fields=())
        with pytest.raises(PreflightFailed) as caught:
            await rig.ordering.place(wrong, despite_mirror=True)
        assert {finding.field for finding in caught.value.findings} == {"term", "comments", "custom:Cost Centre"}
        assert len(rig.requests()) == before
        assert await rig.audit("order") == []


async def test_what_the_mirror_forbids_is_read_anew(paths: Paths, sandbox: SandboxServer) -> None:
    sandbox.control("domains/example.net", {"expires": "2026-01-01T00:00:00Z"})
    async with opened(paths, sandbox) as rig:
        old = request("a1.example.net")
        with pytest.raises(PreflightFailed, match=r"DCV of example\.net ended"):
            await rig.ordering.place(old)
        assert len(rig.requests("GET /api/domain/v1/501")) == 2  # the sync, and once more
        assert ENROLL not in rig.requests()
        with pytest.raises(ScmRefused) as caught:
            await rig.ordering.place(old, despite_mirror=True)
        assert caught.value.code == -107
        assert await rig.ordering.similar(old) == ()
        refused = await rig.store.read(ledger.find, "a1.example.net")
        order = await rig.store.read(ledger.order, refused)
        assert order.row.ledger is Ledger.REFUSED
        assert order.problem_code == -107
        sandbox.control("domains/example.net", {"validate": True})
        placed = await rig.ordering.place(old, order_id=refused)
        assert placed.order_id == refused
        assert placed.ledger is Ledger.ACCEPTED


async def test_a_domain_that_is_not_mirrored_yet_is_asked_for_by_name(paths: Paths, sandbox: SandboxServer) -> None:
    async with opened(paths, sandbox) as rig:
        with pytest.raises(PreflightFailed, match="no domain of this account covers it"):
            await rig.ordering.place(request("a1.shop.brand-new.example"))
        rights = [{"orgId": 7101, "certTypes": ["SSL"], "domainCertificateRequestPrivileges": ["SUBDOMAIN"]}]
        await asyncio.to_thread(add_domain, sandbox, {"name": "brand-new.example", "delegations": rights})
        sandbox.control("domains/brand-new.example", {"validate": True})
        listed = len(rig.requests("GET /api/domain/v1/"))
        placed = await rig.ordering.place(request("a1.shop.brand-new.example"))
        assert placed.ledger is Ledger.ACCEPTED
        assert len(rig.requests("GET /api/domain/v1/")) == listed + 1, "the details of that one alone"
        assert await rig.ordering.check(request("b1.brand-new.example")) == (), "it is mirrored now"


async def test_an_organization_switched_off_for_rest_is_read_anew(paths: Paths, sandbox: SandboxServer) -> None:
    async with opened(paths, sandbox) as rig:
        sandbox.control("organizations/7101", {"rest_enabled": False})
        await rig.mirror.sync()
        with pytest.raises(PreflightFailed, match="does not allow orders by REST"):
            await rig.ordering.place(request("a1.example.com"))
        sandbox.control("organizations/7101", {"rest_enabled": True})
        placed = await rig.ordering.place(request("a1.example.com", organization_id=7101))
        assert placed.ledger is Ledger.ACCEPTED


async def test_a_twin_of_an_open_or_young_order_is_refused(paths: Paths, sandbox: SandboxServer) -> None:
    async with opened(paths, sandbox) as rig:
        first = await rig.ordering.place(request("a1.example.com", "b1.example.com"))
        with pytest.raises(AlreadyOrdered, match=f"o{first.order_id}") as caught:
            await rig.ordering.place(request("b1.example.com", "a1.example.com"))
        assert caught.value.orders == (first.order_id,)
        assert len(rig.created("a1.example.com")) == 1
        other = await rig.ordering.place(request("a1.example.com", "b1.example.com", profile_id=2107, term=47))
        assert other.order_id != first.order_id
        again = await rig.ordering.place(request("a1.example.com", "b1.example.com"), again=True)
        assert again.order_id not in {first.order_id, None}


async def test_read_only_locked_and_unlinked_send_nothing(paths: Paths, sandbox: SandboxServer) -> None:
    async with opened(paths, sandbox) as rig:
        rig.settings(read_only=True)
        with pytest.raises(ReadOnly):
            await rig.ordering.place(request())
        rig.settings(read_only=False)
        await rig.vault.lock()
        await rig.engine.disconnect()
        with pytest.raises(VaultLocked):
            await rig.ordering.place(request())
        await rig.vault.unlock()
        from kmptui.domain.audit import Entry

        await rig.store.write(account.unlink, Entry("unlink"), await rig.engine.stamp())
        await rig.engine.disconnect()
        with pytest.raises(NotLinked):
            await rig.ordering.place(request())
        assert ENROLL not in rig.requests()


async def test_refused_credentials_stop_and_are_not_sent_again(paths: Paths, sandbox: SandboxServer) -> None:
    async with opened(paths, sandbox) as rig:
        rig.sandbox.control(f"admins/{sandbox.login}", {"password": "Another-Password-1"})
        with pytest.raises(WrongLogin):
            await rig.ordering.place(request("a1.example.com"))
        count = len(rig.requests())
        with pytest.raises(WrongLogin):
            await rig.ordering.place(request("a1.example.com"))
        assert len(rig.requests()) == count
        assert ENROLL not in rig.requests()


async def test_a_held_name_is_left_alone(paths: Paths, sandbox: SandboxServer) -> None:
    async with opened(paths, sandbox) as rig, rig.claiming.hold("a1.example.com"):
        with pytest.raises(HeldElsewhere):
            await rig.ordering.place(request("a1.example.com"))
        assert ENROLL not in rig.requests()


async def test_one_order_for_each_name(paths: Paths, sandbox: SandboxServer) -> None:
    sandbox.control("domains/example.net", {"expires": "2026-01-01T00:00:00Z"})
    async with opened(paths, sandbox) as rig:
        wanted = request("a1.example.com", "a1.example.net", "b1.example.com")
        told: list[Placed] = []
        await rig.vault.lock()
        with pytest.raises(VaultLocked):
            await rig.ordering.place_each(wanted, on_placed=told.append)
        assert told == [], "nothing is half done"
        await rig.vault.unlock()
        first, second, third = await rig.ordering.place_each(wanted, on_placed=told.append)
        assert told == [first, second, third]
        assert (first.ledger, third.ledger) == (Ledger.ACCEPTED, Ledger.ACCEPTED)
        assert isinstance(second.error, PreflightFailed)
        assert second.order_id is None
        (at_server,) = rig.created("b1.example.com")
        assert at_server["names"] == ["b1.example.com"]


async def test_connection_trouble_ends_a_series(paths: Paths, sandbox: SandboxServer) -> None:
    async with opened(paths, sandbox) as rig:
        rig.fault("drop-after", "POST /ssl/v1/enroll")
        (only,) = await rig.ordering.place_each(request("a1.example.com", "b1.example.com"))
        assert only.ledger is Ledger.UNCONFIRMED
        assert only.order_id is not None
        assert rig.created("b1.example.com") == []


async def test_a_server_that_cannot_be_reached_is_sent_nothing(paths: Paths, sandbox: SandboxServer) -> None:
    async with opened(paths, sandbox) as rig:
        rig.fault("drop-before", "GET ", count=-1)
        with pytest.raises(Unreachable):
            await rig.ordering.place(request("a1.example.com"))
        assert ENROLL not in rig.requests()
        assert await rig.ordering.unconfirmed() == ()
        assert await rig.ordering.similar(request("a1.example.com")) == ()
        assert await rig.store.read(claims.held_by, claims.name_topic("a1.example.com")) == ""


async def test_an_own_csr_brings_no_key(paths: Paths, sandbox: SandboxServer) -> None:
    private = keypair.generate(KeySpec("RSA", "2048"))
    pem = csr.build(private, ("a1.example.com",))
    async with opened(paths, sandbox) as rig:
        placed = await rig.ordering.place(request("a1.example.com", key=OwnCsr(pem)))
        assert placed.order_id is not None
        order = await rig.ordering.follow(placed.order_id, lambda _: None)
        assert order.spki == keypair.spki(private)
        assert await rig.store.read(keys.key, order.spki) is None
        assert order.row.certificate_id is not None
        findings = await rig.ordering.check(request("a1.example.com", key=OwnCsr(pem[:200])))
        assert [finding.field for finding in findings if not finding.hint] == ["csr"]
        weak = OwnCsr(csr.build(keypair.generate(KeySpec("EC", "P-521")), ("a1.example.com",)))
        findings = await rig.ordering.check(request("a1.example.com", key=weak))
        assert "EC P-521 is not taken" in str(findings[0])


async def test_keystore_passwords_are_sealed_with_the_order(paths: Paths, sandbox: SandboxServer) -> None:
    async with opened(paths, sandbox) as rig:
        now = await rig.ordering.place(
            request(
                "a1.example.com", keystore_password_when=KeystorePassword.NOW, keystore_password="correct horse battery"
            )
        )
        made = await rig.ordering.place(request("b1.example.com", keystore_password_when=KeystorePassword.MADE))
        none = await rig.ordering.place(request("c1.example.com"))
        assert await rig.repository.keystore_password(now.order_id or 0) == "correct horse battery"
        password = await rig.repository.keystore_password(made.order_id or 0)
        assert len(password) == 27
        assert await rig.repository.keystore_password(none.order_id or 0) == ""
        told = json.dumps([dataclasses.asdict(row) for row in await rig.audit()], default=str)
    assert "correct horse" not in told
    assert password not in told
    for file in paths.home.rglob("*"):
        if file.is_file():
            assert b"correct horse" not in file.read_bytes()


async def test_the_preview_is_what_would_be_sent(paths: Paths, sandbox: SandboxServer) -> None:
    async with opened(paths, sandbox) as rig:
        before = len(rig.requests())
        preview = await rig.ordering.preview(request("a1.example.com", "*.b1.example.com"))
        body = json.loads(preview.body)
        assert body["subjAltNames"] == "a1.example.com,*.b1.example.com"
        assert body["orgId"] == 7101
        assert body["customFields"] == [{"name": "Cost Centre", "value": "CC-1"}]
        assert "made when it is sent" in body["csr"]
        words = shlex.split(preview.command)
        assert words[:3] == ["kmptui", "orders", "create"]
        assert "OV Multi-Domain SSL" in preview.effect
        assert preview.similar == ()
        assert (await rig.ordering.preview(request(names=()))).body == ""
        assert len(rig.requests()) == before
        assert await rig.ordering.facts()


async def test_the_form_remembers_what_was_chosen_last(paths: Paths, sandbox: SandboxServer) -> None:
    async with opened(paths, sandbox) as rig:
        assert (await rig.ordering.facts()).last_profile_id is None
        await rig.ordering.place(request("a1.example.com"))
        facts = await rig.ordering.facts()
        assert (facts.last_organization_id, facts.last_profile_id, facts.last_term) == (7101, 2103, 199)
        assert facts.mirrored is not None
        assert {field.name for field in facts.custom_fields if field.mandatory} == {"Cost Centre"}


async def test_like_gives_the_same_order_without_its_secrets(paths: Paths, sandbox: SandboxServer) -> None:
    async with opened(paths, sandbox) as rig:
        asked = request(
            "a1.example.com",
            "b1.example.com",
            requesters=("web@example.com", "ops@example.com"),
            note="ask Jo",
            contact="jo",
            keystore_password_when=KeystorePassword.MADE,
        )
        placed = await rig.ordering.place(asked)
        await rig.checking.check([placed.order_id or 0])
        like = await rig.ordering.like(placed.order_id or 0)
        assert like == dataclasses.replace(asked, keystore_password_when=KeystorePassword.AT_EXPORT)
        assert like.key == NewKey(KeySpec("EC", "P-256"))


async def test_following_ends_with_its_time(paths: Paths, sandbox_factory: SandboxFactory) -> None:
    async with opened(paths, sandbox_factory(issue_after=1_000_000, certificates=0)) as rig:
        placed = await rig.ordering.place(request("a1.example.com"))
        order = await rig.ordering.follow(placed.order_id or 0, lambda _: None, seconds=60)
        assert order.row.state in {"requested", "approved", "applied"}
        assert rig.naps[:3] == [5.0, 7.5, 11.25]
        assert sum(rig.naps) == pytest.approx(60)


async def test_following_goes_on_through_an_outage(paths: Paths, sandbox: SandboxServer) -> None:
    async with opened(paths, sandbox) as rig:
        placed = await rig.ordering.place(request("a1.example.com"))
        rig.fault("status", "GET /ssl/v1/", status=404, count=1)
        order = await rig.ordering.follow(placed.order_id or 0, lambda _: None)
        assert order.row.state == "issued"


async def test_a_caller_that_goes_away_does_not_stop_the_order(paths: Paths, sandbox: SandboxServer) -> None:
    async with opened(paths, sandbox) as rig:
        rig.fault("delay", "POST /ssl/v1/enroll", delay=0.5)
        caller = asyncio.create_task(rig.ordering.place(request("a1.example.com")))
        async with asyncio.timeout(20):
            while not rig.requests("enroll"):  # noqa: ASYNC110 - the sandbox is another party: it can only be asked
                await asyncio.sleep(0.02)
        caller.cancel()
        with pytest.raises(asyncio.CancelledError):
            await caller
        await rig.engine.aclose(4.0)
    async with opened(paths, sandbox) as rig:
        (at_server,) = rig.created("a1.example.com")
        order = await rig.store.read(ledger.order_by_ssl_id, at_server["id"])
        assert order is not None
        assert order.row.ledger is Ledger.ACCEPTED


def test_files_of_the_home_are_private(paths: Paths, sandbox: SandboxServer, open_umask: object) -> None:
    async def play() -> None:
        async with opened(paths, sandbox) as rig:
            await rig.ordering.place(request("a1.example.com"))

    asyncio.run(play())
    for path in [paths.home, *paths.home.rglob("*")]:
        assert path.stat().st_mode & 0o077 == 0, path
    assert isinstance(paths.home, Path)
