"""The schema's steps: each former schema comes up to date with its rows, or stays as it was."""

from __future__ import annotations

import sqlite3
import stat
from pathlib import Path

import pytest

from kmptui.config import Paths
from kmptui.errors import FromTheFuture
from kmptui.store import audit, ledger, migrations
from kmptui.store.database import Store
from kmptui.store.db import Db
from kmptui.store.migrations import NEWEST, STEPS, Step, migrate, version
from kmptui.store.models import TABLES
from tests.store.making import ENTRY, NOW, STAMP, FixedClock, connected, remote

CLOCK = FixedClock()


def test_steps_are_numbered_without_gaps() -> None:
    assert [step.number for step in STEPS] == list(range(1, len(STEPS) + 1))
    assert all(step.name.startswith(f"{step.number:04}_") for step in STEPS)


def test_each_step_is_recorded(db: Db) -> None:
    assert version(db) == NEWEST
    assert db.rows("SELECT number, name FROM migrations") == [(step.number, step.name) for step in STEPS]
    assert migrate(db, NOW) == ()


def test_models_tell_of_the_newest_schema(db: Db) -> None:
    for model in TABLES:
        meta = model._meta
        stored = {row[1]: bool(row[3]) or bool(row[5]) for row in db.rows(f"PRAGMA table_info({meta.table_name})")}
        declared = {field.column_name: not field.null for field in meta.sorted_fields}
        assert declared == stored, meta.table_name


@pytest.mark.parametrize("former", [step.number for step in STEPS])
def test_a_former_schema_comes_up_to_date(tmp_path: Path, former: int) -> None:
    db = Db(tmp_path / "old.db", tmp_path, writer=True, busy_seconds=1)
    db.connect()
    with db.unit("IMMEDIATE"):
        assert len(migrate(db, NOW, STEPS[:former])) == former
        audit.append(db, ENTRY, STAMP)
    with db.unit("IMMEDIATE"):
        assert len(migrate(db, NOW)) == NEWEST - former
    assert audit.verify(db).rows == 1
    assert db.rows("PRAGMA integrity_check") == [("ok",)]
    db.close()


def newer(monkeypatch: pytest.MonkeyPatch, step: Step) -> None:
    """As a later version of the program, with one step more."""
    steps = (*STEPS, step)
    monkeypatch.setattr("kmptui.store.database.STEPS", steps)
    monkeypatch.setattr("kmptui.store.database.NEWEST", step.number)
    monkeypatch.setattr("kmptui.store.home.NEWEST", step.number)


async def test_an_older_store_is_copied_and_migrated(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    store = await Store.open(paths, CLOCK)
    await store.write(ledger.merge, [remote(1), remote(2)], STAMP)
    with monkeypatch.context() as patch:
        newer(patch, Step(NEWEST + 1, "0002_flags", lambda db: db.run("ALTER TABLE orders ADD COLUMN flag TEXT")))
        later = await Store.open(paths, CLOCK)
        assert await later.read(lambda db: db.rows("SELECT ssl_id, flag FROM orders")) == [(1, None), (2, None)]
        assert await later.read(version) == NEWEST + 1
        await later.aclose()
    with pytest.raises(FromTheFuture):  # the older program that still runs
        await store.read(ledger.highest_ssl_id)
    await store.aclose()
    copy = paths.home / f"kmptui.db.before-{NEWEST + 1:04}"
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    with sqlite3.connect(copy) as former:
        assert former.execute("PRAGMA user_version").fetchone() == (NEWEST,)
        assert former.execute("SELECT count(*) FROM orders").fetchone() == (2,)
    former.close()
    with pytest.raises(FromTheFuture):
        await Store.open(paths, CLOCK)


async def test_a_step_that_fails_leaves_the_store_as_it_was(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    store = await Store.open(paths, CLOCK)
    await store.write(ledger.merge, [remote(1)], STAMP)
    await store.aclose()

    def fails(db: Db) -> None:
        db.run("ALTER TABLE orders ADD COLUMN flag TEXT")
        db.run("DELETE FROM order_words")
        raise LookupError("stop")

    with monkeypatch.context() as patch:
        newer(patch, Step(NEWEST + 1, "0002_fails", fails))
        with pytest.raises(LookupError):
            await Store.open(paths, CLOCK)
    store = await Store.open(paths, CLOCK)
    assert await store.read(version) == NEWEST
    assert await store.read(ledger.find, "host1.example.edu") == 1
    assert await store.read(lambda db: db.value("SELECT count(*) FROM order_words")) == 1
    await store.aclose()


def test_the_mark_is_in_the_file(tmp_path: Path) -> None:
    with connected(tmp_path) as db:
        assert db.value("PRAGMA application_id") == migrations.APPLICATION_ID
