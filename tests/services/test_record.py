"""The record: verified whole, exported by days, told apart from one that was touched. And drafts, without secrets."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
import stat
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from kmptui.config import Paths
from kmptui.domain.audit import Entry
from kmptui.domain.listing import Topic
from kmptui.errors import BadInput
from kmptui.services.workspace import Workspace
from kmptui.store import audit
from kmptui.store.database import Db
from tests.services.homes import holding, rows, workspace
from tests.services.rig import Hands


async def written(opened: Workspace, clock: Hands, days: int = 4) -> None:
    """Three rows a day."""
    for day in range(days):
        clock.ahead = datetime(2026, 11, 20 + day, 12, tzinfo=UTC) - datetime.now(UTC)
        for limit in (1, 2, 3):
            await opened.change_settings(certificate_limit=10 * day + limit)


async def test_intact_and_found_again_by_its_head(paths: Paths) -> None:
    clock = Hands()
    async with workspace(paths, clock=clock) as opened:
        empty = await opened.record.verify()
        assert (empty.intact, empty.rows) == (True, 0)
        await written(opened, clock)
        verdict = await opened.record.verify()
        assert (verdict.intact, verdict.rows) == (True, 12)
        newest = (await rows(opened, Topic.AUDIT))[0]
        assert newest.hash == verdict.head
        assert (await opened.record.verify(verdict.head)).intact
        assert not (await opened.record.verify("0" * 64)).intact


@pytest.mark.parametrize(
    ("sql", "first_bad"),
    [
        ("UPDATE audit SET subject = 'another' WHERE seq = 5", 5),
        ("UPDATE audit SET actor = actor || ' ' WHERE seq = 1", 1),
        ("DELETE FROM audit WHERE seq = 7", 7),
    ],
)
async def test_a_row_that_was_touched_is_named(paths: Paths, sql: str, first_bad: int) -> None:
    clock = Hands()
    async with workspace(paths, clock=clock) as opened:
        await written(opened, clock)
    connection = sqlite3.connect(paths.store)
    for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        connection.execute(f"DROP TRIGGER {name}")
    connection.execute(sql)
    connection.commit()
    connection.close()
    async with workspace(paths) as opened:
        verdict = await opened.record.verify()
        assert not verdict.intact
        assert verdict.first_bad is not None
        assert verdict.first_bad - first_bad in {0, 1}
        assert verdict.problem


async def test_a_cut_tail_shows_against_a_kept_head(paths: Paths) -> None:
    clock = Hands()
    async with workspace(paths, clock=clock) as opened:
        await written(opened, clock)
        head = (await opened.record.verify()).head
    connection = sqlite3.connect(paths.store)
    connection.execute("DROP TRIGGER audit_is_not_deleted")
    connection.execute("DELETE FROM audit WHERE seq > 9")
    connection.commit()
    connection.close()
    async with workspace(paths) as opened:
        assert (await opened.record.verify()).intact
        assert not (await opened.record.verify(head)).intact


async def test_days_as_files(paths: Paths, tmp_path: Path, open_umask: object) -> None:
    clock = Hands()
    async with workspace(paths, clock=clock) as opened:
        await written(opened, clock)
        for start, end, count in (
            (None, None, 12),
            (date(2026, 11, 21), date(2026, 11, 22), 6),
            (date(2026, 11, 23), None, 3),
            (None, date(2026, 11, 19), 0),
            (date.min, date.max, 12),
        ):
            total, data = await opened.record.export(None, "json", start=start, end=end)
            assert total == len(json.loads(data)) == count
            total, data = await opened.record.export(None, "csv", start=start, end=end)
            table = list(csv.DictReader(io.StringIO(data.decode())))
            assert total == len(table) == count
        path = tmp_path / "record.json"
        assert await opened.record.export(path, "json") == (12, b"")
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        told = json.loads(path.read_bytes())
        assert [one["seq"] for one in told] == list(range(1, 13))
        assert told[0]["at"].endswith("Z")
        assert told[-1]["hash"] == (await opened.record.verify()).head
        with pytest.raises(BadInput):
            await opened.record.export(path, "json")
        with pytest.raises(BadInput):
            await opened.record.export(None, "xml")
        with pytest.raises(BadInput):
            await opened.record.export(None, "csv", start=date(2026, 11, 22), end=date(2026, 11, 21))


async def test_a_long_record_comes_whole(paths: Paths) -> None:
    async with workspace(paths) as opened:
        engine = opened.account._engine
        stamp = await engine.stamp()

        def many(db: Db) -> None:
            for number in range(2_345):
                audit.append(db, Entry("note", subject=str(number)), stamp)

        await engine.store.write(many)
        total, data = await opened.record.export(None, "json")
        assert total == 2_345
        assert [one["subject"] for one in json.loads(data)] == [str(number) for number in range(2_345)]
        assert (await opened.record.verify()).rows == 2_345


async def test_a_draft_is_offered_again(paths: Paths) -> None:
    clock = Hands()
    async with workspace(paths, clock=clock) as opened:
        assert await opened.drafts.load() is None
        members = {"names": "a.example.com\nb.example.com", "comments": "Ticket 4711", "term": "199"}
        saved = await opened.drafts.save(members)
        assert dict(saved.members) == members
        clock.ahead += timedelta(minutes=1)
        later = await opened.drafts.save(members | {"comments": "Ticket 4712 \ud800"})
        assert later.saved > saved.saved
    async with workspace(paths) as opened:
        found = await opened.drafts.load()
        assert found is not None
        assert dict(found.members)["comments"].startswith("Ticket 4712")
        await opened.drafts.discard()
        assert await opened.drafts.load() is None


async def test_no_password_comes_into_a_draft(paths: Paths) -> None:
    async with workspace(paths) as opened:
        await opened.drafts.save({"names": "a.example.com", "keystore_password": "s3cret-words"})
        found = await opened.drafts.load()
        assert found is not None
        assert "s3cret-words" not in repr(found)
    assert holding(paths, "s3cret-words") == []
