"""Opening the vault: by a person, by a key file, by what systemd or the environment lays down; and locking it."""

from __future__ import annotations

import asyncio
import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from kmptui.config import Paths
from kmptui.domain.listing import Topic
from kmptui.errors import (
    BadInput,
    Busy,
    HeldElsewhere,
    KmptuiError,
    NotFound,
    StateForbids,
    VaultLocked,
    WrongPassphrase,
)
from kmptui.sandbox.server import SandboxServer
from kmptui.services.workspace import Workspace
from kmptui.store import keys, slots
from kmptui.store.database import Store
from kmptui.store.sealed import new_identity
from tests.services.homes import actions, credentials, holding, linked, rows, workspace
from tests.services.rig import Hands

WORDS = "correct horse battery"


def private(path: Path, text: str) -> Path:
    path.touch(0o600)
    path.write_text(text)
    return path


async def works(opened: Workspace) -> bool:
    """Whether a secret can be sealed and opened."""
    vault = opened.account._engine
    sealed = await vault.seal(b"secret", new_identity())
    return await vault.open_sealed(sealed) == b"secret"


async def test_a_key_file_opens_it_at_every_start(paths: Paths) -> None:
    async with workspace(paths) as opened:
        assert (await opened.vault.status()).state == "none"
        with pytest.raises(VaultLocked):
            await opened.vault.unlock()
        made = await opened.vault.init(None)
        assert (made.state, made.slots) == ("open", ("key file",))
        with pytest.raises(StateForbids):
            await opened.vault.init(None)
    async with workspace(paths) as opened:
        assert (await opened.vault.status()).state == "open"
        assert await works(opened)
        assert await actions(opened) == ["vault"]


async def test_a_passphrase_is_asked_for(paths: Paths) -> None:
    async with workspace(paths) as opened:
        assert (await opened.vault.init(WORDS)).slots == ("passphrase",)
    async with workspace(paths) as opened:
        for wrong in ("wrong", WORDS + " "):
            with pytest.raises(WrongPassphrase):
                await opened.vault.unlock(wrong)
        with pytest.raises(VaultLocked):
            await works(opened)
        await opened.vault.unlock(WORDS)
        assert await works(opened)
    assert holding(paths, WORDS) == []


async def test_once_locked_by_hand_it_stays_so(paths: Paths) -> None:
    async with workspace(paths) as opened:
        await opened.vault.init(None)
        assert (await opened.vault.lock()).state == "locked"
        with pytest.raises(VaultLocked):
            await works(opened)
        assert (await opened.vault.unlock()).state == "open"
        assert await works(opened)


async def test_locking_forgets_the_connection_too(paths: Paths, sandbox: SandboxServer) -> None:
    async with linked(paths, sandbox, mirrored=True) as opened:
        await opened.vault.lock()
        before = len(sandbox.control("requests"))
        with pytest.raises(VaultLocked):
            await opened.mirror.sync()
        assert len(sandbox.control("requests")) == before


@pytest.mark.parametrize("passphrase", ["", "short", "x" * 1025], ids=["empty", "short", "long"])
async def test_a_bad_passphrase_makes_no_vault(paths: Paths, sandbox: SandboxServer, passphrase: str) -> None:
    async with workspace(paths) as opened:
        with pytest.raises(BadInput):
            await opened.vault.init(passphrase)
        with pytest.raises(BadInput):
            await opened.account.link(credentials(sandbox), passphrase=passphrase)
        assert (await opened.vault.status()).state == "none"
    assert sandbox.control("requests") == []


async def test_slots_come_and_go(paths: Paths) -> None:
    async with workspace(paths) as opened:
        await opened.vault.init(None)
        with pytest.raises(StateForbids):
            await opened.vault.remove_slot("key file")
        assert (await opened.vault.add_slot("passphrase", WORDS)).slots == ("key file", "passphrase")
        with pytest.raises(StateForbids):
            await opened.vault.add_slot("passphrase", WORDS)
        assert (await opened.vault.remove_slot("key file")).slots == ("passphrase",)
        assert not paths.key_file.exists()
        with pytest.raises(NotFound):
            await opened.vault.remove_slot("key file")
        with pytest.raises(WrongPassphrase):
            await opened.vault.change_passphrase("wrong", "another long one")
        await opened.vault.change_passphrase(WORDS, "another long one")
        assert await works(opened)
    async with workspace(paths) as opened:
        with pytest.raises(WrongPassphrase):
            await opened.vault.unlock(WORDS)
        await opened.vault.unlock("another long one")
        assert await works(opened)


async def test_a_kind_of_slot_that_there_is_not(paths: Paths) -> None:
    async with workspace(paths) as opened:
        await opened.vault.init(None)
        with pytest.raises(KmptuiError):
            await opened.vault.add_slot("fingerprint", WORDS)
        assert (await opened.vault.status()).slots == ("key file",)


# unattended


async def test_the_passphrase_file_of_the_environment(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with workspace(paths) as opened:
        await opened.vault.init(WORDS)
    monkeypatch.setenv("KMPTUI_PASSPHRASE_FILE", str(private(tmp_path / "pass", f"{WORDS}\n")))
    async with workspace(paths) as opened:
        assert await works(opened)


@pytest.mark.parametrize("text", ["", "wrong\n", f"{WORDS}\nmore\n", "\0" * 5000], ids=["empty", "wrong", "2", "huge"])
async def test_a_passphrase_file_that_does_not_help(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    async with workspace(paths) as opened:
        await opened.vault.init(WORDS)
    file = tmp_path / "pass"
    monkeypatch.setenv("KMPTUI_PASSPHRASE_FILE", str(file))
    async with workspace(paths) as opened:
        with pytest.raises(KmptuiError, match="pass"):
            await works(opened)
        private(file, text)
        with pytest.raises(KmptuiError):
            await works(opened)
        await opened.vault.unlock(WORDS)
        assert await works(opened)


async def test_systemds_credentials_come_first(paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with workspace(paths) as opened:
        await opened.vault.init(None)
    folder = tmp_path / "credentials"
    folder.mkdir(0o700)
    shutil.copyfile(paths.key_file, private(folder / "kmptui.key", ""))
    paths.key_file.unlink()
    async with workspace(paths) as opened:
        with pytest.raises(VaultLocked):
            await works(opened)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folder))
    async with workspace(paths) as opened:
        assert await works(opened)
        await opened.vault.add_slot("passphrase", WORDS)
    (folder / "kmptui.key").unlink()
    private(folder / "kmptui.passphrase", WORDS)
    async with workspace(paths) as opened:
        assert await works(opened)


@pytest.mark.parametrize("spoilt", ["gone", "another's", "for all to read"])
async def test_a_key_file_that_opens_nothing_is_told(paths: Paths, spoilt: str) -> None:
    """Not "open": what is wrong, what still works and the way back; and open again once the file is right again."""
    async with workspace(paths) as opened:
        await opened.vault.init(None)
    key = paths.key_file.read_bytes()
    if spoilt == "gone":
        paths.key_file.unlink()
    elif spoilt == "another's":
        paths.key_file.write_bytes(bytes(32))
    else:
        paths.key_file.chmod(0o644)
    async with workspace(paths) as opened:
        for _ in range(2):
            found = await opened.vault.proved()
            assert found.state == "locked"
            assert str(paths.key_file) in found.problem
            assert ("chmod" if spoilt == "for all to read" else "backup") in found.problem
            assert spoilt == "for all to read" or "lists, details" in found.problem
        assert (await opened.vault.status()) == found
        with pytest.raises(KmptuiError, match="key"):
            await works(opened)
        private(paths.key_file, "").write_bytes(key)
        paths.key_file.chmod(0o600)
        assert (await opened.vault.status()).state == "open"
        assert await works(opened)
        assert (await opened.vault.proved()).problem == ""


async def test_a_passphrase_helps_where_the_key_file_is_wrong(paths: Paths) -> None:
    async with workspace(paths) as opened:
        await opened.vault.init(None)
        await opened.vault.add_slot("passphrase", WORDS)
    paths.key_file.write_bytes(bytes(32))
    async with workspace(paths) as opened:
        with pytest.raises(VaultLocked, match="passphrase") as told:
            await works(opened)
        assert not isinstance(told.value, WrongPassphrase)  # nobody typed one, so that one may be asked for
        assert (await opened.vault.unlock(WORDS)).state == "open"
        assert await works(opened)


async def test_wrong_passphrases_slow_down_in_all_processes(paths: Paths) -> None:
    clock = Hands()
    async with workspace(paths, clock=clock) as opened, workspace(paths, clock=clock) as other:
        await opened.vault.init(WORDS)
        for one in (opened, other, opened):
            with pytest.raises(WrongPassphrase, match="wrong"):
                await one.vault.unlock("wrong")
        with pytest.raises(WrongPassphrase, match="Try again in"):
            await other.vault.unlock(WORDS)
        clock.ahead -= timedelta(days=400)  # a clock that was set back locks nobody out
        with pytest.raises(WrongPassphrase, match=r"Try again in [123] s"):
            await other.vault.unlock(WORDS)
        clock.ahead = timedelta(seconds=3)
        await other.vault.unlock(WORDS)
        await other.vault.unlock(WORDS)
        told = [row for row in await rows(other, Topic.AUDIT) if row.outcome == "refused"]
        assert len(told) == 3
    assert holding(paths, "wrong.") == []


async def test_a_rotation_takes_every_secret_along(paths: Paths, sandbox: SandboxServer) -> None:
    async with linked(paths, sandbox) as opened, workspace(paths) as other:
        await other.account.test()
        before = await store_of(opened).read(slots.newest_key)
        assert await opened.vault.rotate() == 1
        assert await store_of(opened).read(slots.newest_key) != before
        assert (await opened.vault.status()).old_keys == 0
        assert await works(other)
        await other.account.test()
        await opened.account.test()
    async with workspace(paths) as opened:
        await opened.account.test()
        assert (await opened.record.verify()).intact


async def test_what_was_sealed_under_a_key_that_is_gone_is_not_written(paths: Paths, sandbox: SandboxServer) -> None:
    async with linked(paths, sandbox) as opened, workspace(paths) as other:
        late = await other.account._engine.seal(b"a private key", new_identity())
        await opened.vault.rotate()
        with pytest.raises(Busy, match="rotated meanwhile"):
            await store_of(other).write(keys.keep, "ab" * 32, late, "RSA 2048", "made", other.clock.now())
        assert await store_of(other).read(keys.key, "ab" * 32) is None


async def test_two_do_not_rotate_at_once(paths: Paths, sandbox: SandboxServer) -> None:
    async with linked(paths, sandbox) as opened, workspace(paths) as other:
        ends = await asyncio.gather(opened.vault.rotate(), other.vault.rotate(), return_exceptions=True)
        assert {type(end) for end in ends} <= {int, HeldElsewhere}
        assert int in {type(end) for end in ends}
        assert (await other.vault.status()).old_keys == 0
        assert await works(opened)
        assert await works(other)


def store_of(opened: Workspace) -> Store:
    return opened.account._engine.store
