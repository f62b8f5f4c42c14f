"""The store's file and threads: opening, transactions, trouble with the file, what other processes do."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import peewee
import pytest

from kmptui.config import Paths
from kmptui.domain.listing import Topic
from kmptui.errors import Busy, Damaged, FromTheFuture, Full, SettingsError, StoreFailed
from kmptui.store import audit, database, facts, home, ledger, words
from kmptui.store.database import Store
from kmptui.store.db import Db, touch
from kmptui.store.migrations import NEWEST
from kmptui.store.models import Fact
from tests.store.making import ENTRY, NOW, STAMP, FixedClock, remote

CLOCK = FixedClock()
ROOT = Path(__file__).parents[2]


async def filled(paths: Paths, rows: int = 300) -> None:
    """A store with rows, settled in its file."""
    store = await Store.open(paths, CLOCK)
    await store.write(ledger.merge, [remote(n) for n in range(1, rows + 1)], STAMP)
    await store.aclose()


def child(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)], cwd=ROOT, capture_output=True, text=True, timeout=60
    )


async def test_files_are_private_whatever_the_umask(paths: Paths, open_umask: object) -> None:
    store = await Store.open(paths, CLOCK)
    await store.write(facts.put, "a", "b")
    await store.backup(paths.home / "copy.db")
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in paths.home.iterdir()}
    await store.aclose()
    assert {"kmptui.db", "kmptui.db-wal", "kmptui.db-shm", "copy.db"} <= modes.keys()
    assert set(modes.values()) == {0o600}
    assert stat.S_IMODE(paths.home.stat().st_mode) == 0o700


async def test_an_answer_is_committed(store: Store, paths: Paths) -> None:
    await store.write(facts.put, "a", "b")
    with sqlite3.connect(paths.store) as other:
        assert other.execute("SELECT value FROM facts WHERE name = 'a'").fetchone() == ("b",)
    other.close()
    assert (await store.read(facts.get, "a")).value == "b"


async def test_what_raises_changes_nothing(store: Store) -> None:
    def fails(db: Db) -> None:
        facts.put(db, "a", "b")
        raise LookupError("stop")

    with pytest.raises(LookupError, match="stop"):
        await store.write(fails)
    assert await store.read(facts.get, "a") is None
    await store.write(facts.put, "a", "c")


async def test_the_reader_cannot_write(store: Store) -> None:
    with pytest.raises(StoreFailed):
        await store.read(facts.put, "a", "b")


async def test_a_query_that_strays_opens_no_connection(store: Store) -> None:
    def leaks(db: Db) -> object:
        return Fact.select().bind(db)

    query = await store.read(leaks)
    with pytest.raises(peewee.InterfaceError):
        list(query)


async def test_a_cancelled_caller_takes_no_write_back(store: Store) -> None:
    gate = asyncio.Event()
    loop = asyncio.get_running_loop()

    def slow(db: Db) -> None:
        loop.call_soon_threadsafe(gate.set)
        facts.put(db, "first", "done")

    waiting = asyncio.create_task(store.write(slow))
    queued = asyncio.create_task(store.write(facts.put, "second", "done"))
    await gate.wait()
    waiting.cancel()
    queued.cancel()
    await asyncio.gather(waiting, queued, return_exceptions=True)
    assert (await store.read(facts.get, "first")) is not None or await store.write(facts.get, "first") is not None
    assert await store.write(facts.get, "second") is not None


async def test_closing_finishes_what_is_queued(paths: Paths) -> None:
    store = await Store.open(paths, CLOCK)
    writes = [asyncio.create_task(store.write(facts.put, str(n), "x")) for n in range(50)]
    await asyncio.sleep(0)
    await store.aclose()
    await asyncio.gather(*writes)
    with pytest.raises(StoreFailed, match="closed"):
        await store.write(facts.put, "late", "x")
    await store.aclose()
    again = await Store.open(paths, CLOCK)
    assert await again.read(lambda db: db.value("SELECT count(*) FROM facts")) == 50
    await again.aclose()


async def test_changes_tell_topics(store: Store, paths: Paths) -> None:
    assert await store.changes() == frozenset()
    await store.write(touch, Topic.ORDERS)
    assert await store.changes() == {Topic.ORDERS}
    assert await store.changes() == frozenset()
    other = await Store.open(paths, CLOCK)
    await other.write(audit.append, ENTRY, STAMP)
    await other.write(touch, Topic.DOMAINS)
    await other.write(facts.put, "heartbeat", "1")
    assert await store.changes() == {Topic.AUDIT, Topic.DOMAINS}
    await other.write(facts.put, "heartbeat", "2")
    assert await store.changes() == frozenset()
    assert await other.changes() == {Topic.AUDIT, Topic.DOMAINS}
    await other.aclose()


async def test_a_read_is_of_one_moment(store: Store, paths: Paths) -> None:
    def twice(db: Db) -> tuple[object, object]:
        first = db.value("SELECT count(*) FROM facts")
        with sqlite3.connect(paths.store) as other:
            other.execute("INSERT INTO facts (name, value) VALUES ('between', 'x')")
        other.close()
        return first, db.value("SELECT count(*) FROM facts")

    first, second = await store.read(twice)
    assert first == second


async def test_a_held_lock_is_busy(paths: Paths) -> None:
    await filled(paths, 1)
    store = await Store.open(paths, CLOCK, busy_seconds=0.05)
    other = sqlite3.connect(paths.store, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Busy):
        await store.write(facts.put, "a", "b")
    assert await store.read(facts.get, "a") is None
    other.execute("ROLLBACK")
    other.close()
    await store.write(facts.put, "a", "b")
    await store.aclose()


async def test_a_full_disk_changes_nothing(store: Store) -> None:
    def too_much(db: Db) -> None:
        db.run(f"PRAGMA max_page_count = {int(db.value('PRAGMA page_count')) + 2}")
        ledger.merge(db, [remote(n) for n in range(1, 500)], STAMP)

    def room(db: Db) -> None:
        db.run("PRAGMA max_page_count = 1073741823")

    with pytest.raises(Full):
        await store.write(too_much)
    await store.write(room)
    assert await store.read(ledger.highest_ssl_id) == 0
    assert await store.check() == ()


FULL = """
import asyncio, resource, signal, sys
from pathlib import Path
from kmptui.config import Paths
from kmptui.errors import Full
from kmptui.store import facts
from kmptui.store.database import Store
from tests.store.making import FixedClock

async def main():
    store = await Store.open(Paths(Path(sys.argv[1])), FixedClock())
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    size = Path(sys.argv[1], "kmptui.db-wal").stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
    try:
        await store.write(facts.put, "a", "x" * 20_000)
    except Full as error:
        print("full:", error)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    await store.write(facts.put, "b", "x")
    print(await store.read(facts.get, "a"), (await store.read(facts.get, "b")).value, await store.check())
    await store.aclose()

asyncio.run(main())
"""


async def test_a_write_that_the_system_refuses_changes_nothing(paths: Paths) -> None:
    await filled(paths, 1)
    ended = child(FULL, paths.home)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines()[0].startswith("full: The store")
    assert ended.stdout.splitlines()[1] == "None x ()"


READ_ONLY = """
import asyncio, ctypes, os, sys
from pathlib import Path
from kmptui.config import Paths
from kmptui.errors import StoreFailed
from kmptui.store import facts, ledger
from kmptui.store.database import Store
from tests.store.making import FixedClock

if os.geteuid() == 0:  # root may write everywhere until it drops its capabilities
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    if ctypes.CDLL(None).capset(header, (ctypes.c_uint32 * 6)()) != 0:
        sys.exit(77)

async def main():
    try:
        store = await Store.open(Paths(Path(sys.argv[1])), FixedClock())
    except StoreFailed as error:
        print(type(error).__name__, error)
        return
    print("orders up to", await store.read(ledger.highest_ssl_id))
    for work in (store.write(facts.put, "a", "b"), store.prove_writable()):
        try:
            await work
        except StoreFailed as error:
            print(type(error).__name__, error)
    await store.aclose()

asyncio.run(main())
"""


async def test_a_read_only_store_is_said(paths: Paths) -> None:
    await filled(paths, 1)
    paths.store.chmod(0o400)
    before = paths.store.read_bytes()
    ended = child(READ_ONLY, paths.home)
    if ended.returncode == 77:
        pytest.skip("this system does not let root drop its capabilities")
    assert ended.stdout.startswith("orders up to 1\nStoreFailed The store"), ended.stderr
    assert ended.stdout.count("StoreFailed The store") == 2, "what changes nothing says so as well"
    assert "permissions" in ended.stdout
    assert paths.store.read_bytes() == before
    paths.home.chmod(0o500)
    ended = child(READ_ONLY, paths.home)
    paths.home.chmod(0o700)
    assert "StoreFailed The store" in ended.stdout, ended.stderr
    assert paths.store.read_bytes() == before


@pytest.mark.parametrize("content", [b"hello", b"x" * 5000, b"SQLite format 3\0 cut"])
async def test_what_is_no_store_is_damaged_and_untouched(paths: Paths, content: bytes) -> None:
    paths.home.mkdir(mode=0o700)
    paths.store.write_bytes(content)
    with pytest.raises(Damaged):
        await Store.open(paths, CLOCK)
    assert paths.store.read_bytes() == content
    assert not list(paths.home.glob("kmptui.db-*"))


async def test_a_cut_store_is_damaged(paths: Paths) -> None:
    await filled(paths)
    size = paths.store.stat().st_size
    os.truncate(paths.store, size - 4096)
    with pytest.raises(Damaged, match="bytes"):
        await Store.open(paths, CLOCK)
    assert paths.store.stat().st_size == size - 4096


async def test_a_spoilt_page_is_found(paths: Paths) -> None:
    await filled(paths, 1000)
    content = paths.store.read_bytes()
    pages = {at // 4096 for at in range(len(content)) if content.startswith(b"host500.example.edu", at)}
    with paths.store.open("r+b") as file:
        for page in pages:
            file.seek(page * 4096)
            file.write(b"\xff" * 4096)
    store = await Store.open(paths, CLOCK)
    assert await store.check()
    with pytest.raises(Damaged):
        await store.read(lambda db: db.rows("SELECT * FROM orders ORDER BY id"))
    await store.aclose()


async def test_text_that_is_none_is_damage(store: Store) -> None:
    """Python itself complains of it, without a code of SQLite's."""
    await store.write(lambda db: db.run("INSERT INTO facts (name, value) VALUES ('a', CAST(x'61ff' AS TEXT))").rowcount)
    with pytest.raises(Damaged, match="UTF-8"):
        await store.read(facts.get, "a")


async def test_an_empty_store_is_new_unless_the_home_was_in_use(paths: Paths) -> None:
    paths.home.mkdir(mode=0o700)
    paths.store.touch()
    store = await Store.open(paths, CLOCK)
    await store.aclose()
    paths.store.unlink()
    paths.key_file.write_bytes(b"k" * 32)
    with pytest.raises(Damaged, match="vault"):
        await Store.open(paths, CLOCK)
    assert not paths.store.exists()
    paths.store.touch()
    with pytest.raises(Damaged, match="vault"):
        await Store.open(paths, CLOCK)


async def test_a_newer_store_is_refused_untouched(paths: Paths) -> None:
    await filled(paths, 1)
    with sqlite3.connect(paths.store) as other:
        other.execute("PRAGMA user_version = 9999")
    other.close()
    before = paths.store.read_bytes()
    with pytest.raises(FromTheFuture, match="newer"):
        await Store.open(paths, CLOCK)
    assert paths.store.read_bytes() == before
    assert sorted(path.name for path in paths.home.iterdir() if "kmptui.db" in path.name) == ["kmptui.db"]


async def test_a_store_that_a_newer_program_migrates_meanwhile_is_left_alone(store: Store, paths: Paths) -> None:
    with sqlite3.connect(paths.store) as other:
        other.execute("PRAGMA user_version = 9999")
    other.close()
    with pytest.raises(FromTheFuture):
        await store.write(facts.put, "a", "b")
    with pytest.raises(FromTheFuture):
        await store.read(facts.get, "a")
    with sqlite3.connect(paths.store) as other:
        assert other.execute("SELECT count(*) FROM facts").fetchone() == (0,)
    other.close()


async def test_another_programs_database_is_refused_untouched(paths: Paths) -> None:
    paths.home.mkdir(mode=0o700)
    with sqlite3.connect(paths.store) as other:
        other.execute("PRAGMA application_id = 42")
        other.execute("CREATE TABLE t (x)")
    other.close()
    before = paths.store.read_bytes()
    with pytest.raises(StoreFailed, match="no store of kmptui"):
        await Store.open(paths, CLOCK)
    assert paths.store.read_bytes() == before


async def test_a_database_without_our_mark_is_refused(paths: Paths) -> None:
    paths.home.mkdir(mode=0o700)
    with sqlite3.connect(paths.store) as other:
        other.execute("CREATE TABLE t (x)")
    other.close()
    with pytest.raises(Damaged, match="version"):
        await Store.open(paths, CLOCK)


@pytest.mark.parametrize("kind", ["folder", "link", "fifo"])
async def test_what_is_no_regular_file_is_refused(paths: Paths, tmp_path: Path, kind: str) -> None:
    paths.home.mkdir(mode=0o700)
    if kind == "folder":
        paths.store.mkdir()
    elif kind == "link":
        (tmp_path / "elsewhere").write_bytes(b"")
        paths.store.symlink_to(tmp_path / "elsewhere")
    else:
        os.mkfifo(paths.store)
    with pytest.raises(StoreFailed, match="regular"):
        await Store.open(paths, CLOCK)


async def test_anothers_home_is_refused(paths: Paths) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a folder away")
    paths.home.mkdir(mode=0o700)
    os.chown(paths.home, 12345, -1)
    with pytest.raises(SettingsError, match="another user"):
        await Store.open(paths, CLOCK)
    os.chown(paths.home, 0, -1)
    paths.store.touch()
    os.chown(paths.store, 12345, -1)
    with pytest.raises(StoreFailed, match="another user"):
        await Store.open(paths, CLOCK)


def test_a_network_file_system_is_refused(tmp_path: Path) -> None:
    device = tmp_path.stat().st_dev
    mounts = tmp_path / "mountinfo"
    line = f"36 35 {os.major(device)}:{os.minor(device)} / {tmp_path} rw,noatime master:1 - {{}} server:/x rw\n"
    mounts.write_text("garbage\n" + line.format("nfs4"))
    with pytest.raises(StoreFailed, match="network"):
        home.refuse_network(tmp_path, mounts)
    mounts.write_text(line.format("ext4"))
    home.refuse_network(tmp_path, mounts)
    home.refuse_network(tmp_path, tmp_path / "no such file")


def test_a_pipe_in_the_place_of_the_hosts_note_keeps_nobody_waiting(paths: Paths) -> None:
    paths.home.mkdir(0o700)
    os.mkfifo(paths.home / "host", 0o600)
    with pytest.raises(StoreFailed, match="no regular file"):
        home.prepare(paths)


def test_another_hosts_home_is_refused(paths: Paths, tmp_path: Path) -> None:
    machine = tmp_path / "machine-id"
    machine.write_text("first\n")
    home.prepare(paths, machine=machine)
    home.prepare(paths, machine=machine)
    machine.write_text("second\n")
    with pytest.raises(StoreFailed, match="belongs to"):
        home.prepare(paths, machine=machine)
    (paths.home / "host").unlink()
    home.prepare(paths, machine=machine)
    assert "second" not in (paths.home / "host").read_text()


async def test_a_backup_is_whole_and_never_overwrites(store: Store, paths: Paths, tmp_path: Path) -> None:
    await store.write(ledger.merge, [remote(n) for n in range(1, 200)], STAMP)
    copy = Paths(tmp_path / "copy")
    copy.home.mkdir(mode=0o700)
    await store.backup(copy.store)
    with pytest.raises(StoreFailed):
        await store.backup(copy.store)
    with pytest.raises(StoreFailed):
        await store.backup(tmp_path / "no" / "such")
    again = await Store.open(copy, CLOCK)
    assert await again.read(ledger.highest_ssl_id) == 199
    assert await again.check() == ()
    await again.aclose()


async def test_a_cut_log_loses_only_what_was_not_settled(paths: Paths, tmp_path: Path) -> None:
    store = await Store.open(paths, CLOCK)
    await store.write(ledger.merge, [remote(n) for n in range(1, 50)], STAMP)
    copy = Paths(tmp_path / "copy")
    shutil.copytree(paths.home, copy.home)
    await store.aclose()
    wal = copy.store.with_name("kmptui.db-wal")
    os.truncate(wal, wal.stat().st_size - 1000)
    again = await Store.open(copy, CLOCK)
    assert await again.check() == ()
    assert await again.read(ledger.highest_ssl_id) in {0, 49}
    await again.aclose()


COUNTING = """
import asyncio, sys
from pathlib import Path
from kmptui.config import Paths
from kmptui.store import audit, facts
from kmptui.store.database import Store
from tests.store.making import ENTRY, STAMP, FixedClock

def count(db):
    known = facts.get(db, "count")
    facts.put(db, "count", str(int(known.value) + 1 if known else 1))
    audit.append(db, ENTRY, STAMP)

async def main():
    store = await Store.open(Paths(Path(sys.argv[1])), FixedClock(), busy_seconds=60)
    for _ in range(60):
        await store.write(count)
    await store.aclose()

asyncio.run(main())
"""


def two_that_count(paths: Paths) -> None:
    both = [
        subprocess.Popen([sys.executable, "-c", COUNTING, str(paths.home)], cwd=ROOT, stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    for process in both:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors


async def test_two_processes_lose_no_update(paths: Paths) -> None:
    await asyncio.to_thread(two_that_count, paths)
    store = await Store.open(paths, CLOCK)
    assert (await store.read(facts.get, "count")).value == "120"
    verdict = await store.read(audit.verify)
    assert verdict.intact
    assert verdict.rows == 120
    await store.aclose()


async def test_search_text_is_indexed_between_jobs(store: Store) -> None:
    await store.write(ledger.merge, [remote(n) for n in range(1, 700)], STAMP)

    def fresh(db: Db) -> int:
        return int(db.value("SELECT count(*) FROM order_words WHERE fresh = 1"))

    for _ in range(200):
        if not await store.read(fresh):
            break
        await asyncio.sleep(0.05)
    assert await store.read(fresh) == 0
    assert await store.read(words.containing, words.ORDERS, "host42.") is not None


HOT = """
import asyncio, sys
from datetime import UTC, datetime
from pathlib import Path
from kmptui.config import Paths
from kmptui.domain.clock import SystemClock
from kmptui.domain.listing import Query, Topic
from kmptui.store import account, audit, certificates, claims, drafts, ledger, listing, mirror, schedule, slots
from kmptui.store.database import Store

async def main():
    store = await Store.open(Paths(Path(sys.argv[1])), SystemClock())
    now = datetime.now(UTC)
    for topic in Topic:
        if topic is not Topic.ACCOUNT:
            await store.read(listing.window, Query(topic), 0, 50, now)
    await store.read(ledger.states, now)
    await store.read(account.account)
    await store.read(slots.status)
    await store.aclose()

asyncio.run(main())
print(sorted({name.partition(".")[0] for name in sys.modules} & {"cryptography", "httpx", "textual", "click"}))
"""


async def test_reading_loads_neither_cryptography_nor_httpx(paths: Paths) -> None:
    await filled(paths, 50)
    ended = child(HOT, paths.home)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.strip() == "[]"


def test_moments_need_a_zone() -> None:
    from kmptui.store.columns import moment_of, moment_text

    assert moment_of(moment_text(NOW)) == NOW
    with pytest.raises(ValueError, match="zone"):
        moment_text(NOW.replace(tzinfo=None))


async def test_parts_are_lasting_once_the_last_write_is(store: Store) -> None:
    """The parts do not wait for the disk; whatever comes after them does, also where a part failed."""
    assert await store.write_part(lambda db: db.value("PRAGMA synchronous")) == 1
    with pytest.raises(ZeroDivisionError):
        await store.write_part(lambda _: 1 // 0)
    await store.write_part(facts.put, "a", "b")
    assert await store.write(lambda db: db.value("PRAGMA synchronous")) == 2
    assert (await store.read(facts.get, "a")).value == "b"


def test_the_search_index_of_a_newer_store_is_left_alone(db: Db) -> None:
    """Between two jobs the writer takes new text in; beside a newer program it must not."""
    words.put(db, words.ORDERS, [(1, "a.example.edu", "")])
    db.run(f"PRAGMA user_version = {NEWEST + 1}")
    before = db.rows("SELECT * FROM order_words")
    assert database._between(db, db.path) is False
    assert db.rows("SELECT * FROM order_words") == before
    db.run(f"PRAGMA user_version = {NEWEST}")
    database._between(db, db.path)
    assert db.rows("SELECT * FROM order_words") != before
