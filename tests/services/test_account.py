"""Linking: proved before it is saved, refused in words, nothing in clear on the disk (A1, A2, A15)."""

from __future__ import annotations

import socket
import stat
import traceback
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from kmptui.config import Paths
from kmptui.domain.audit import AuditRow
from kmptui.domain.listing import Query, Topic
from kmptui.errors import (
    BadInput,
    ConnectFailed,
    FromScm,
    HostUnknown,
    KmptuiError,
    NotLinked,
    PasswordExpired,
    ProxyFailed,
    ReadOnly,
    ScmGarbled,
    StateForbids,
    TlsUntrusted,
    VaultLocked,
    WrongKind,
    WrongLogin,
)
from kmptui.sandbox.server import SandboxServer
from kmptui.services.workspace import Workspace
from tests.sandbox_fixtures import SandboxFactory
from tests.services.homes import PASSPHRASE, asked, credentials, holding, linked, plain_scm, rows, workspace
from tests.services.rig import request as an_order


@pytest.fixture
async def home(paths: Paths) -> AsyncIterator[Workspace]:
    async with workspace(paths) as opened:
        yield opened


async def audit(home: Workspace, action: str) -> list[AuditRow]:
    return [row for row in await rows(home, Topic.AUDIT) if row.action == action]


def closed_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


async def test_first_link_start_to_restart(paths: Paths, sandbox: SandboxServer, open_umask: object) -> None:
    async with workspace(paths) as home:
        assert await home.account.view() is None
        with pytest.raises(NotLinked):
            await home.mirror.sync()
        page = f"{sandbox.base_url.removesuffix('/api')}/customer/{sandbox.customer_uri}"
        result = await home.account.link(credentials(sandbox, base_url=page, customer_uri=""))
        assert (result.vault_made, result.warnings) == ("key file", ())
        view = result.account
        assert (view.customer_uri, view.kind, view.mrao, view.read_only) == (sandbox.customer_uri, "sandbox", True, "")
        assert view.password_state == "ALIVE"
        assert view.password_expires is not None
        assert asked(sandbox)[0] == "GET /api/ssl/v1"
        await home.mirror.sync()
        await home.importing.run(await home.importing.last_options())
        await home.health.check()
    await _nothing_in_clear(paths, sandbox)

    async with workspace(paths) as home:
        again = await home.account.view()
        assert again is not None
        assert again.linked == view.linked
        assert await home.mirror.age(Topic.DOMAINS) is not None
        await home.account.test()  # no passphrase is asked for


async def _nothing_in_clear(paths: Paths, sandbox: SandboxServer) -> None:
    assert holding(paths, sandbox.password) == []
    for path in (paths.home, *paths.home.rglob("*")):
        mode = stat.S_IMODE(path.lstat().st_mode)
        assert mode == (0o700 if path.is_dir() else 0o600), path


async def test_the_disk_while_it_is_open(paths: Paths, sandbox: SandboxServer, open_umask: object) -> None:
    async with linked(paths, sandbox) as home:
        await home.mirror.sync()
        await _nothing_in_clear(paths, sandbox)
        assert paths.store.with_name(f"{paths.store.name}-wal").exists()
        assert sandbox.password not in repr(await home.account.view()) + repr(credentials(sandbox))


async def test_a_wrong_password_is_sent_once(home: Workspace, sandbox: SandboxServer) -> None:
    with pytest.raises(WrongLogin) as caught:
        await home.account.link(credentials(sandbox, password="not-this-one"))
    assert caught.value.code == -16
    assert len(asked(sandbox)) == 1
    assert "not-this-one" not in f"{caught.value!r} {caught.value}"
    await _not_linked(home)


async def _not_linked(home: Workspace) -> None:
    assert await home.account.view() is None
    assert (await home.vault.status()).state == "none"
    assert await audit(home, "link") == []


CAUSES: dict[str, tuple[dict[str, str], type[KmptuiError]]] = {
    "customer uri": ({"customer_uri": "SomebodyElse"}, WrongLogin),
    "expired": ({"login": "expired-api"}, PasswordExpired),
    "unknown host": ({"base_url": "https://no-such-host.invalid/api"}, HostUnknown),
}


@pytest.mark.parametrize("cause", CAUSES)
async def test_each_cause_in_a_sentence(home: Workspace, sandbox: SandboxServer, cause: str) -> None:
    members, kind = CAUSES[cause]
    with pytest.raises(kind) as caught:
        await home.account.link(credentials(sandbox, **members))
    error = caught.value
    assert error.what
    assert error.cure
    if isinstance(error, FromScm):
        assert error.code is not None
        assert str(error.code) in str(error)
    assert len(asked(sandbox)) <= 3
    await _not_linked(home)


async def test_nobody_listens(home: Workspace, sandbox: SandboxServer) -> None:
    with pytest.raises(ConnectFailed, match="No connection to 127"):
        await home.account.link(credentials(sandbox, base_url=f"https://127.0.0.1:{closed_port()}/api"))
    await _not_linked(home)


async def test_the_proxy_is_not_there(home: Workspace, sandbox: SandboxServer) -> None:
    port = closed_port()
    with pytest.raises(BadInput) as refused:
        await home.account.link(credentials(sandbox, proxy=f"http://user:hush@127.0.0.1:{port}"))
    assert "hush" not in str(refused.value)
    with pytest.raises(ProxyFailed) as caught:
        await home.account.link(
            credentials(sandbox, base_url="https://scm.example/api", proxy=f"http://127.0.0.1:{port}")
        )
    assert "127.0.0.1" in str(caught.value)
    await _not_linked(home)


async def test_an_unknown_issuer(home: Workspace, sandbox_factory: SandboxFactory) -> None:
    sandbox = sandbox_factory(tls=True)
    with pytest.raises(TlsUntrusted, match="--ca-file"):
        await home.account.link(credentials(sandbox))
    assert asked(sandbox) == []
    await _not_linked(home)
    result = await home.account.link(credentials(sandbox, ca_file=str(sandbox.ca_file)))
    assert result.account.base_url.startswith("https://")
    await home.mirror.sync([Topic.DOMAINS])


async def test_a_page_instead_of_scm(home: Workspace, sandbox: SandboxServer) -> None:
    sandbox.control("faults", {"kind": "html", "match": "GET /ssl/v1", "count": -1, "status": 200})
    with pytest.raises(ScmGarbled, match="web page"):
        await home.account.link(credentials(sandbox))
    assert len(asked(sandbox)) <= 3
    await _not_linked(home)


async def test_maintenance(home: Workspace, sandbox: SandboxServer) -> None:
    sandbox.control("faults", {"kind": "html", "match": "GET /ssl/v1", "count": -1, "status": 503})
    with pytest.raises(KmptuiError):
        await home.account.link(credentials(sandbox))
    assert len(asked(sandbox)) <= 3
    await _not_linked(home)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("base_url", "http://cert-manager.com/api"),
        ("login", ""),
        ("password", ""),
        ("password", "two\nlines"),
        ("customer_uri", "a b"),
        ("ca_file", "/nowhere/ca.pem"),
        ("proxy", "socks://x"),
    ],
)
async def test_bad_input_is_never_sent(home: Workspace, sandbox: SandboxServer, field: str, value: str) -> None:
    with pytest.raises(BadInput) as caught:
        await home.account.link(credentials(sandbox, **{field: value}))
    assert caught.value.field == field
    assert asked(sandbox) == []


async def test_a_bad_passphrase_is_told_before_anything_is_sent(home: Workspace, sandbox: SandboxServer) -> None:
    with pytest.raises(BadInput) as caught:
        await home.account.link(credentials(sandbox), passphrase="short")
    assert caught.value.field == "passphrase"
    assert asked(sandbox) == []
    result = await home.account.link(credentials(sandbox), passphrase=PASSPHRASE)
    assert result.vault_made == "passphrase"
    assert not home.paths.key_file.exists()


async def test_a_locked_vault_is_told_before_anything_is_sent(paths: Paths, sandbox: SandboxServer) -> None:
    async with workspace(paths) as home:
        await home.vault.init(PASSPHRASE)
    async with workspace(paths) as home:
        with pytest.raises(VaultLocked):
            await home.account.link(credentials(sandbox))
        assert asked(sandbox) == []
        await home.vault.unlock(PASSPHRASE)
        await home.account.link(credentials(sandbox))


async def test_below_the_master_role(paths: Paths, sandbox: SandboxServer) -> None:
    """It may order, but not all: linked, with a warning that names what is missing; not read-only."""
    async with workspace(paths) as home:
        result = await home.account.link(credentials(sandbox, login="raossl-api"))
        assert result.account.mrao is False
        assert "MRAO" in result.warnings[0]
        assert "sslRevoke" in result.warnings[1]
        assert "sslRequest" not in result.warnings[1]
        assert result.account.read_only == ""
        assert set(result.account.missing) == {"revoke", "approve", "validate"}
        report = await home.mirror.sync()
        assert {count.topic: count.total for count in report.counts}[Topic.ORGANIZATIONS] < 8


async def test_an_account_that_may_only_read(paths: Paths, sandbox: SandboxServer) -> None:
    async with linked(paths, sandbox, login="readonly-api") as home:
        await home.mirror.sync()
        view = await home.account.view()
        assert view is not None
        assert "readonly-api" in view.read_only
        before = len(asked(sandbox))
        with pytest.raises(ReadOnly, match="sslRequest"):
            await home.ordering.place(an_order(), despite_mirror=True)
        assert len(asked(sandbox)) == before
        # what SCM grants later is found by the next test
        sandbox.control("admins/readonly-api", {"privileges": ["sslRequest"]})
        again = await home.account.test()
        assert again.read_only == ""
        assert "order" not in again.missing
        with pytest.raises(KmptuiError) as caught:
            await home.ordering.place(an_order(), despite_mirror=True)
        assert not isinstance(caught.value, ReadOnly)


async def test_read_only_mode(paths: Paths, sandbox: SandboxServer) -> None:
    async with linked(paths, sandbox, read_only=True) as home:
        view = await home.account.view()
        assert view is not None
        assert view.read_only == "read-only mode is on"
        with pytest.raises(ReadOnly):
            await home.ordering.place(an_order())


async def test_what_scm_does_not_tell_is_no_refusal(home: Workspace, sandbox: SandboxServer) -> None:
    refusal = {"code": -3, "description": "not authorized"}
    sandbox.control("faults", {"kind": "status", "status": 403, "match": "GET /admin", "count": -1, "body": refusal})
    result = await home.account.link(credentials(sandbox, login="raossl-api"))
    assert (result.account.mrao, result.account.password_state, result.account.missing) == (None, "", ())
    assert result.warnings == ()


async def test_another_account_is_refused_until_unlinked(paths: Paths, sandbox: SandboxServer) -> None:
    async with linked(paths, sandbox) as home:
        await home.mirror.sync([Topic.DOMAINS])
        sent = len(asked(sandbox))
        with pytest.raises(StateForbids, match="Unlink"):
            await home.account.link(credentials(sandbox, login="raossl-api"))
        assert len(asked(sandbox)) == sent
        await home.account.unlink()
        assert await home.account.view() is None
        with pytest.raises(NotLinked):
            await home.account.unlink()
        assert (await home.lists.window(Query(Topic.DOMAINS), 0, 1)).total == 25
        await home.account.link(credentials(sandbox, login="raossl-api"))
        assert [row.action for row in await audit(home, "unlink")] == ["unlink"]


async def test_the_same_account_can_be_linked_anew(paths: Paths, sandbox: SandboxServer) -> None:
    async with linked(paths, sandbox) as home:
        await home.mirror.sync([Topic.DOMAINS])
        result = await home.account.link(credentials(sandbox))
        assert result.vault_made == ""
        await home.mirror.sync([Topic.DOMAINS])


async def test_a_refused_password_is_not_sent_again(paths: Paths, sandbox: SandboxServer) -> None:
    """Somebody changed it in SCM: one request finds out, then nothing is sent until a person acts; also not by the next
    process."""
    async with linked(paths, sandbox) as home:
        sandbox.control(f"admins/{sandbox.login}", {"password": "Changed-in-SCM-1"})
        sent = len(asked(sandbox))
        with pytest.raises(WrongLogin):
            await home.mirror.sync([Topic.DOMAINS])
        assert len(asked(sandbox)) == sent + 1
        view = await home.account.view()
        assert view is not None
        assert "-16" in view.attention
        for _ in range(3):
            with pytest.raises(WrongLogin, match="account password"):
                await home.mirror.sync([Topic.DOMAINS])
        assert (await home.account.view()) == view  # the sentence does not grow
    async with workspace(paths) as home:
        with pytest.raises(WrongLogin):
            await home.mirror.sync([Topic.DOMAINS])
        assert (await home.home.view()).needs[0].word == "ACCOUNT"
        assert len(asked(sandbox)) == sent + 1
        with pytest.raises(WrongLogin):
            await home.account.change_password("Also-wrong-1")
        view = await home.account.change_password("Changed-in-SCM-1")
        assert view.attention == ""
        await home.mirror.sync([Topic.DOMAINS])
    assert holding(paths, "Changed-in-SCM-1") == holding(paths, "Also-wrong-1") == []


async def test_a_typing_error_spoils_nothing(paths: Paths, sandbox: SandboxServer) -> None:
    async with linked(paths, sandbox) as home:
        with pytest.raises(WrongLogin):
            await home.account.change_password("mistyped-password")
        with pytest.raises(WrongLogin):
            await home.account.link(credentials(sandbox, password="mistyped-password"))
        view = await home.account.view()
        assert view is not None
        assert view.attention == ""
        await home.mirror.sync([Topic.DOMAINS])


async def test_the_test_notes_and_clears(paths: Paths, sandbox: SandboxServer) -> None:
    async with linked(paths, sandbox) as home:
        own = sandbox.password
        sandbox.control(f"admins/{sandbox.login}", {"password": "Changed-in-SCM-1"})
        with pytest.raises(WrongLogin):
            await home.account.test()
        view = await home.account.view()
        assert view is not None
        assert view.attention
        sandbox.control(f"admins/{sandbox.login}", {"password": own, "locked": False})
        assert (await home.account.test()).attention == ""


async def test_another_process_changed_the_password(paths: Paths, sandbox: SandboxServer) -> None:
    """The one that was open all the time uses the new one, and never sends the old one again."""
    async with linked(paths, sandbox) as first, workspace(paths) as second:
        await first.mirror.sync([Topic.DOMAINS])
        sandbox.control(f"admins/{sandbox.login}", {"password": "Changed-in-SCM-1"})
        await second.account.change_password("Changed-in-SCM-1")
        await first.mirror.sync([Topic.DOMAINS])
        assert sandbox.control("state")["wrong_passwords_by_login"] == {}


async def test_a_sandbox_home_stays_one(paths: Paths, sandbox: SandboxServer) -> None:
    async with linked(paths, sandbox) as home:
        with plain_scm(sandbox) as base_url:
            with pytest.raises(WrongKind, match="sandbox"):
                await home.account.link(credentials(sandbox, base_url=base_url))
            await home.account.unlink()
            with pytest.raises(WrongKind):
                await home.account.link(credentials(sandbox, base_url=base_url))
        assert await home.account.view() is None


async def test_a_real_home_never_speaks_to_a_sandbox(paths: Paths, sandbox: SandboxServer) -> None:
    with plain_scm(sandbox) as base_url:
        async with workspace(paths) as home:
            result = await home.account.link(credentials(sandbox, base_url=base_url))
            assert result.account.kind == "real"
            await home.mirror.sync([Topic.DOMAINS])
            with pytest.raises(WrongKind, match="real"):
                await home.account.link(credentials(sandbox))


async def test_secrets_are_not_in_the_chain_of_an_error(home: Workspace, sandbox: SandboxServer) -> None:
    secret = "-".join(("Very", "secret", "1"))  # not whole in any line of the source
    with pytest.raises(WrongLogin) as caught:
        await home.account.link(credentials(sandbox, password=secret))
    told = "".join(traceback.format_exception(caught.value))
    seen: Any = caught.value
    while seen is not None:
        told += f"{seen!r} {seen} {vars(seen)!r}"
        seen = seen.__cause__ or seen.__context__
    assert secret not in told


async def test_not_in_the_process_list(paths: Paths, sandbox: SandboxServer) -> None:
    async with linked(paths, sandbox):
        assert sandbox.password.encode() not in Path("/proc/self/cmdline").read_bytes()
