"""The record: chained, append-only, and whatever is done to it is found."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta

import peewee
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kmptui.domain.audit import Actor, Entry, Stamp
from kmptui.store import audit
from kmptui.store.db import Db
from tests.store.making import NOW, STAMP, connected, stamp


def filled(db: Db, rows: int = 9) -> str:
    for n in range(1, rows + 1):
        entry = Entry(
            "order", "intent", "done", f"host{n}.example.edu", n, None, "due", (("term", "199"), ("n", str(n)))
        )
        assert audit.append(db, entry, stamp(n)) == n
    return audit.head(db)


def disarm(db: Db) -> None:
    """As somebody with the file in hand would."""
    for (name,) in db.rows("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit'"):
        db.run(f"DROP TRIGGER {name}")


def test_rows_come_back_as_they_went_in(db: Db) -> None:
    filled(db, 3)
    first, second, third = audit.rows(db)
    assert (first.seq, first.at, first.actor) == (1, NOW + timedelta(minutes=1), "cli alice@web01")
    assert first.details == (("term", "199"), ("n", "1"))
    assert (second.previous, third.previous) == (first.hash, second.hash)
    assert first.previous == audit.START
    assert audit.rows(db, after=2) == (third,)
    assert audit.rows(db, start=NOW + timedelta(minutes=2), end=NOW + timedelta(minutes=3)) == (second,)
    assert audit.rows(db, most=1) == (first,)
    assert audit.of_order(db, 2) == (second,)


def test_the_serialisation_is_the_documented_one(db: Db) -> None:
    audit.append(db, Entry("order", subject="Ünï\x00\ud800", details=(("a", "é"),)), STAMP)
    (row,) = audit.rows(db)
    told = [
        1, "2026-11-23T03:12:00.000000Z", "cli alice@web01", "ops-api@ACME", "order", "done", "done",
        row.subject, None, None, "", [["a", "é"]], "0" * 64,
    ]  # fmt: skip
    text = json.dumps(told, ensure_ascii=True, separators=(",", ":"))
    assert row.hash == hashlib.sha256(text.encode()).hexdigest()
    assert audit.verify(db).intact


def test_an_empty_record_is_intact(db: Db) -> None:
    verdict = audit.verify(db)
    assert (verdict.intact, verdict.rows, verdict.head) == (True, 0, "")
    assert not audit.verify(db, "ab" * 32).intact


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET reason = 'x' WHERE seq = 3",
        "DELETE FROM audit WHERE seq = 9",
        "DELETE FROM audit",
        "INSERT OR REPLACE INTO audit SELECT * FROM audit WHERE seq = 3",
        "INSERT INTO audit SELECT 20, at, actor, account, action, phase, outcome, subject, order_id, certificate_id,"
        " reason, details, previous, hash FROM audit WHERE seq = 3",
    ],
)
def test_the_database_itself_refuses(db: Db, statement: str) -> None:
    filled(db)
    with pytest.raises(peewee.IntegrityError, match="append-only"):
        db.run(statement)
    assert audit.verify(db).intact


@pytest.mark.parametrize("column", audit.COLUMNS[1:])
def test_a_changed_byte_is_found(db: Db, column: str) -> None:
    filled(db)
    disarm(db)
    new = 77 if column.endswith("_id") else '[["term","200"]]' if column == "details" else "x"
    db.run(f"UPDATE audit SET {column} = ? WHERE seq = 5", (new,))
    verdict = audit.verify(db)
    assert (verdict.intact, verdict.first_bad) == (False, 5)
    assert "5" in verdict.problem


def test_a_row_that_was_rewritten_with_its_hash_is_found_by_the_next(db: Db) -> None:
    filled(db)
    disarm(db)
    row = list(db.rows("SELECT * FROM audit WHERE seq = 5")[0])
    row[7] = "another.example.edu"
    told = [*row[:11], json.loads(row[11]), row[12]]
    digest = hashlib.sha256(json.dumps(told, separators=(",", ":")).encode()).hexdigest()
    db.run("UPDATE audit SET subject = ?, hash = ? WHERE seq = 5", (row[7], digest))
    assert audit.verify(db).first_bad == 6


@pytest.mark.parametrize(
    "statement",
    [
        "details = 'no json'",
        "details = CAST(details AS BLOB)",
        "details = '" + "[" * 100_000 + "'",
        "reason = CAST(reason AS BLOB)",
        "subject = CAST(x'61ff' AS TEXT)",
    ],
    ids=["no JSON", "bytes", "JSON without end", "bytes for text", "no UTF-8"],
)
def test_an_unreadable_row_is_found(db: Db, statement: str) -> None:
    filled(db)
    disarm(db)
    db.run(f"UPDATE audit SET {statement} WHERE seq = 4")
    verdict = audit.verify(db)
    assert (verdict.intact, verdict.first_bad) == (False, 4)
    assert "row 4 was changed" in verdict.problem


def test_an_inserted_row_is_found(db: Db) -> None:
    filled(db)
    disarm(db)
    db.run("UPDATE audit SET seq = -seq WHERE seq > 4")
    db.run("UPDATE audit SET seq = 1 - seq WHERE seq < 0")
    db.run("INSERT INTO audit SELECT 5, at, actor, account, action, phase, outcome, subject, order_id, certificate_id,"
           " reason, details, previous, hash FROM audit WHERE seq = 4")  # fmt: skip
    assert audit.verify(db).first_bad == 5


def test_a_removed_row_is_found(db: Db) -> None:
    filled(db)
    disarm(db)
    db.run("DELETE FROM audit WHERE seq = 4")
    assert audit.verify(db).first_bad == 4
    db.run("UPDATE audit SET seq = seq - 1 WHERE seq > 4")
    assert audit.verify(db).first_bad == 4


def test_swapped_rows_are_found(db: Db) -> None:
    filled(db)
    disarm(db)
    for old, new in ((3, 100), (6, 3), (100, 6)):
        db.run("UPDATE audit SET seq = ? WHERE seq = ?", (new, old))
    assert audit.verify(db).first_bad == 3


def test_a_cut_tail_is_found_by_its_head_only(db: Db) -> None:
    head = filled(db)
    disarm(db)
    assert audit.verify(db, head).intact
    earlier = audit.rows(db)[5].hash
    assert audit.verify(db, earlier).intact
    db.run("DELETE FROM audit WHERE seq > 7")
    assert audit.verify(db).intact
    verdict = audit.verify(db, head)
    assert (verdict.intact, verdict.first_bad, verdict.rows) == (False, 8, 7)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.text(max_size=20), st.lists(st.tuples(st.text(max_size=5), st.text(max_size=5)), max_size=3)),
        max_size=6,
    )
)
def test_any_text_is_recorded_and_verified(tmp_path_factory: pytest.TempPathFactory, entries: list) -> None:
    with connected(tmp_path_factory.mktemp("audit")) as db:
        for text, details in entries:
            actor = Actor("tui", user=text, host=text)
            audit.append(db, Entry(text, subject=text, reason=text, details=tuple(details)), Stamp(NOW, actor, text))
        verdict = audit.verify(db)
        assert (verdict.intact, verdict.rows) == (True, len(entries))
        assert len(audit.rows(db)) == len(entries)
