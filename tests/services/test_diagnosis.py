"""The doctor names what is wrong, once, with its cause and cure; what rests on it is skipped."""

from __future__ import annotations

import socket
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from kmptui.config import Paths
from kmptui.sandbox.server import SandboxServer
from kmptui.services.diagnosis import examine
from kmptui.services.health import Check
from kmptui.store.database import Store
from tests.sandbox_fixtures import SandboxFactory
from tests.services.homes import asked, credentials, linked, workspace
from tests.services.rig import Hands


async def found(paths: Paths, *, clock: Hands | None = None) -> dict[str, Check]:
    checks = await examine(paths, clock=clock or Hands())
    assert len({check.name for check in checks}) == len(checks)
    for check in checks:
        assert check.state in {"ok", "note", "bad", "skipped"}
        assert check.what
        assert check.cure or check.state != "bad", check
    return {check.name: check for check in checks}


def bad(checks: dict[str, Check]) -> set[str]:
    return {name for name, check in checks.items() if check.state == "bad"}


async def test_all_is_well(paths: Paths, sandbox: SandboxServer) -> None:
    async with linked(paths, sandbox, mirrored=True):
        pass
    checks = await found(paths)
    assert bad(checks) == set()
    for name in ("Settings", "Home", "Permissions", "Store", "Vault", "Address", "TLS", "Credentials", "Role", "Clock"):
        assert checks[name].state == "ok", name


async def test_tls_is_trusted_by_the_file_of_the_account(paths: Paths, sandbox_factory: SandboxFactory) -> None:
    sandbox = sandbox_factory(tls=True)
    async with workspace(paths) as opened:
        await opened.account.link(credentials(sandbox, ca_file=str(sandbox.ca_file)))
    assert bad(await found(paths)) == set()
    sandbox.ca_file.write_bytes((await _another_ca(sandbox_factory)).read_bytes())
    checks = await found(paths)
    assert bad(checks) == {"TLS"}
    assert checks["Credentials"].state == "skipped"
    assert "--ca-file" in checks["TLS"].cure


async def _another_ca(sandbox_factory: SandboxFactory) -> Path:
    return sandbox_factory(tls=True, seed=99).ca_file


async def test_a_home_that_is_new(paths: Paths) -> None:
    checks = await found(paths)
    assert bad(checks) == set()
    assert checks["Vault"].state == "note"
    assert "link" in checks["Account"].cure
    assert checks["Credentials"].state == "skipped"


@pytest.mark.parametrize("text", ["theme = ", "thema = 'dark'\n", "concurrency = 99\n"])
async def test_settings_with_a_slip(paths: Paths, text: str) -> None:
    paths.home.mkdir(0o700)
    paths.settings.touch(0o600)
    paths.settings.write_text(text)
    checks = await found(paths)
    assert bad(checks) == {"Settings"}
    assert checks["Store"].state == "skipped"


async def test_files_that_others_may_read(paths: Paths) -> None:
    async with workspace(paths) as opened:
        await opened.vault.init(None)
    paths.store.chmod(0o644)
    checks = await found(paths)
    assert "Permissions" in bad(checks)
    assert paths.store.name in checks["Permissions"].what
    assert bad(await found(paths)) <= {"Permissions"}


async def test_a_key_file_that_others_may_read(paths: Paths, sandbox: SandboxServer) -> None:
    async with linked(paths, sandbox):
        pass
    paths.key_file.chmod(0o640)
    checks = await found(paths)
    assert {"Permissions", "Vault"} <= bad(checks)
    assert checks["Credentials"].state == "skipped"


async def test_a_key_file_that_is_lost(paths: Paths, sandbox: SandboxServer) -> None:
    """Bad, not merely locked: nobody has a passphrase that would open it."""
    async with linked(paths, sandbox):
        pass
    paths.key_file.unlink()
    checks = await found(paths)
    assert bad(checks) == {"Vault"}
    assert "backup" in checks["Vault"].cure


async def test_a_store_that_is_damaged(paths: Paths) -> None:
    async with workspace(paths):
        pass
    paths.store.write_bytes(b"no database at all " * 300)
    checks = await found(paths)
    assert bad(checks) == {"Store"}


async def test_a_store_that_cannot_be_written(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything can be read, and nothing could be done."""
    async with workspace(paths):
        pass
    monkeypatch.setitem(Store.open.__func__.__kwdefaults__, "busy_seconds", 0.05)  # type: ignore[attr-defined]
    with closing(sqlite3.connect(paths.store, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        checks = await found(paths)
        assert bad(checks) == {"Store"}
        assert "lock" in checks["Store"].what
    assert bad(await found(paths)) == set()


async def test_a_vault_that_needs_a_person(paths: Paths, sandbox: SandboxServer) -> None:
    async with workspace(paths) as opened:
        await opened.account.link(credentials(sandbox), passphrase="correct horse")
    before = len(asked(sandbox))
    checks = await found(paths)
    assert bad(checks) == set()
    assert checks["Vault"].state == "note"
    assert checks["Credentials"].state == "skipped"
    assert len(asked(sandbox)) == before


async def test_a_password_that_scm_refuses_is_sent_once(paths: Paths, sandbox: SandboxServer) -> None:
    async with linked(paths, sandbox):
        pass
    sandbox.control(f"admins/{sandbox.login}", {"password": "changed-elsewhere"})
    for _ in range(3):
        checks = await found(paths)
        assert bad(checks) == {"Credentials"}
        assert checks["Role"].state == "skipped"
    assert sandbox.control("state")["wrong_passwords"] == 1


async def test_nobody_answers(paths: Paths, sandbox_factory: SandboxFactory) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    with_port = sandbox_factory(port=port)
    async with linked(paths, with_port):
        pass
    with_port.control("faults", {"kind": "html", "count": -1})
    assert bad(await found(paths)) == {"Address"}
    with_port.control("faults", method="DELETE")
    assert bad(await found(paths)) == set()


async def test_a_clock_that_is_off(paths: Paths, sandbox: SandboxServer) -> None:
    clock = Hands()
    async with linked(paths, sandbox, clock=clock):
        pass
    clock.ahead = timedelta(minutes=5)
    assert bad(await found(paths, clock=clock)) == {"Clock"}


async def test_a_role_below_the_masters(paths: Paths, sandbox: SandboxServer) -> None:
    async with linked(paths, sandbox, login="raossl-api"):
        pass
    assert (await found(paths))["Role"].state in {"bad", "note"}
