"""A home in one file: consistent, sealed, verified before it is put in place, and refused where it is damaged."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from kmptui.config import Paths
from kmptui.domain.clock import SystemClock
from kmptui.domain.listing import Topic
from kmptui.domain.order import Ledger
from kmptui.errors import BadInput, StateForbids, VaultLocked, WrongPassphrase
from kmptui.sandbox.server import SandboxServer
from kmptui.services import backup
from kmptui.services.importing import ImportOptions
from kmptui.services.reconciling import Reconciling
from kmptui.services.record import Record
from kmptui.store import ledger
from kmptui.store.db import Db
from tests.sandbox_fixtures import SandboxFactory
from tests.services.homes import PASSPHRASE, linked, rows, workspace
from tests.services.rig import opened, request

CLOCK = SystemClock()


@pytest.fixture
def sandbox(sandbox_factory: SandboxFactory) -> SandboxServer:
    return sandbox_factory(certificates=12)


async def filled(paths: Paths, sandbox: SandboxServer, file: Path, **options: str) -> backup.BackedUp:
    """A home with orders, certificates and a secret, and its backup; what others write meanwhile breaks nothing."""
    async with linked(paths, sandbox) as home:
        await home.importing.run(ImportOptions())
        done, _ = await asyncio.gather(home.backup.write(file, **options), home.importing.fetch())
    return done


async def test_there_and_back_again(paths: Paths, sandbox: SandboxServer, tmp_path: Path, open_umask: object) -> None:
    file = tmp_path / "home.backup"
    done = await filled(paths, sandbox, file)
    assert done.opened_by == ("key file",)
    assert file.stat().st_mode & 0o777 == 0o600
    assert sandbox.customer_uri.encode() not in file.read_bytes()
    home = Paths(tmp_path / "other")
    restored = await backup.restore(home, file, CLOCK, key_file=paths.key_file)
    async with workspace(paths) as first, workspace(home) as second:
        assert restored.orders == len(await rows(first, Topic.ORDERS)) == len(await rows(second, Topic.ORDERS))
        assert (await second.record.verify()).intact
        await second.account.test()
        assert (await second.vault.status()).slots == ("key file",)
    assert [path.stat().st_mode & 0o077 for path in home.home.rglob("*")] == [0] * len(list(home.home.rglob("*")))
    assert not list(home.home.glob(".backup*"))
    with pytest.raises(StateForbids, match="holds a store already"):
        await backup.restore(home, file, CLOCK, key_file=paths.key_file)


async def test_a_passphrase_of_its_own_makes_a_new_key_file(
    paths: Paths, sandbox: SandboxServer, tmp_path: Path
) -> None:
    file = tmp_path / "home.backup"
    assert "passphrase" in (await filled(paths, sandbox, file, passphrase=PASSPHRASE)).opened_by
    home = Paths(tmp_path / "other")
    with pytest.raises(WrongPassphrase):
        await backup.restore(home, file, CLOCK, passphrase="something else")
    with pytest.raises(VaultLocked):
        await backup.restore(home, file, CLOCK)
    assert not home.store.exists()
    await backup.restore(home, file, CLOCK, passphrase=PASSPHRASE)
    assert home.key_file.read_bytes() != paths.key_file.read_bytes()
    async with workspace(home) as opened:
        await opened.account.test()


@pytest.mark.parametrize("what", ["a bit", "the head", "cut", "longer", "swapped", "empty", "other"])
async def test_a_damaged_one_is_refused(paths: Paths, sandbox: SandboxServer, tmp_path: Path, what: str) -> None:
    file = tmp_path / "home.backup"
    await filled(paths, sandbox, file)
    data = bytearray(file.read_bytes())
    body = data.index(b"\n", data.index(b"\n") + 1) + 1
    if what == "a bit":
        data[body + 200] ^= 1
    elif what == "the head":
        at = data.index(b'"host":"') + 8
        data[at] ^= 1
    elif what == "cut":
        del data[-7:]
    elif what == "longer":
        data += b"x"
    elif what == "swapped":
        data[body:] = data[body:] + data[body:]
    elif what == "empty":
        data.clear()
    else:
        data[:] = os.urandom(4096)
    file.write_bytes(data)
    home = Paths(tmp_path / "other")
    with pytest.raises(BadInput) as caught:
        await backup.restore(home, file, CLOCK, key_file=paths.key_file)
    assert caught.value.field == "file"
    assert not home.store.exists()
    assert not home.key_file.exists()


async def test_the_key_of_a_store_that_was_moved_away_is_not_written_over(
    paths: Paths, sandbox: SandboxServer, tmp_path: Path
) -> None:
    file = tmp_path / "home.backup"
    await filled(paths, sandbox, file, passphrase=PASSPHRASE)
    home = Paths(tmp_path / "other")
    async with linked(home, sandbox):
        pass
    home.store.rename(tmp_path / "moved")
    key = home.key_file.read_bytes()
    for way in ({"key_file": paths.key_file}, {"passphrase": PASSPHRASE}):
        with pytest.raises(StateForbids, match="the key of another vault"):
            await backup.restore(home, file, CLOCK, **way)  # type: ignore[arg-type]
        assert home.key_file.read_bytes() == key
        assert not home.store.exists()


async def test_the_log_of_a_store_that_was_moved_away_is_not_played_into_another(
    paths: Paths, sandbox: SandboxServer, tmp_path: Path
) -> None:
    file = tmp_path / "home.backup"
    await filled(paths, sandbox, file)
    home = Paths(tmp_path / "other")
    home.home.mkdir(0o700)
    log = home.store.with_name("kmptui.db-wal")
    log.write_bytes(b"changes of another store")
    with pytest.raises(StateForbids, match="belongs to another store"):
        await backup.restore(home, file, CLOCK, key_file=paths.key_file)
    assert log.read_bytes() == b"changes of another store"
    log.unlink()
    home.settings.write_text("certificate_limit = 7\n")
    await backup.restore(home, file, CLOCK, key_file=paths.key_file)


async def test_what_was_prepared_when_it_was_copied_may_have_been_sent_since(
    paths: Paths, sandbox: SandboxServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "home.backup"
    async with opened(paths, sandbox) as rig:
        mark = ledger.mark_sent

        def copied_before(db: Db, *args: Any) -> Any:
            copy = sqlite3.connect(paths.store)
            with contextlib.closing(copy), contextlib.closing(sqlite3.connect(tmp_path / "copy.db")) as other:
                copy.backup(other)
            return mark(db, *args)

        monkeypatch.setattr(ledger, "mark_sent", copied_before)
        await rig.ordering.place(request("sent-later.example.com"))
    (tmp_path / "copy.db").replace(paths.store)
    for end in ("-wal", "-shm"):
        paths.store.with_name(paths.store.name + end).unlink(missing_ok=True)
    monkeypatch.setattr(Reconciling, "recover", nothing_to_judge)
    async with workspace(paths) as home_:
        await home_.backup.write(file)
    monkeypatch.undo()
    home = Paths(tmp_path / "other")
    await backup.restore(home, file, CLOCK, key_file=paths.key_file)
    async with opened(home, sandbox) as rig:
        await rig.ordering.recover()
        (intent,) = await rig.ordering.unconfirmed()
        await rig.ordering.reconcile()
        order = await rig.store.read(ledger.order, intent.order_id)
        assert order.row.ledger is Ledger.ACCEPTED
        assert (await Record(rig.engine).verify()).intact
        assert len(rig.created("sent-later.example.com")) == 1


async def nothing_to_judge(_: Reconciling) -> int:
    return 0
