"""Opening the vault: by a person, by a key file, by what systemd or the environment lays down; and locking it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from kmptui.config import Paths
from kmptui.errors import BadInput, KmptuiError, NotFound, StateForbids, VaultLocked, WrongPassphrase
from kmptui.sandbox.server import SandboxServer
from kmptui.services.workspace import Workspace
from kmptui.store.sealed import new_identity
from tests.services.homes import actions, credentials, holding, linked, workspace

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
        for wrong in ("", "wrong", WORDS + " "):
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
