"""The home and the store's file: read-only, locked, damaged, of other versions, elsewhere, another's, or not at all."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from kmptui.config import Paths
from kmptui.domain.audit import Entry
from kmptui.store import audit, migrations
from kmptui.store.db import Db
from tests.reliability.commands import Conditions
from tests.reliability.machine_stage import Case, NotHere, Stage, Step, fails, reads_only
from tests.store.making import NOW, STAMP

PAGE = 4096
FINE = frozenset({0})


@contextmanager
def read_only_file(_: Stage, home: Path) -> Iterator[Conditions]:
    store = Paths(home).store
    store.chmod(0o400)
    yield Conditions(plain=True)
    store.chmod(0o600)


@contextmanager
def read_only_home(_: Stage, home: Path) -> Iterator[Conditions]:
    Paths(home).store.chmod(0o400)
    home.chmod(0o500)
    yield Conditions(plain=True)
    home.chmod(0o700)
    Paths(home).store.chmod(0o600)


@contextmanager
def locked(_: Stage, home: Path) -> Iterator[Conditions]:
    with closing(sqlite3.connect(Paths(home).store, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield Conditions()
        other.execute("ROLLBACK")


@contextmanager
def locked_wholly(_: Stage, home: Path) -> Iterator[Conditions]:
    """By a program that lets nobody even read."""
    with closing(sqlite3.connect(Paths(home).store, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = exclusive")
        other.execute("BEGIN EXCLUSIVE")
        yield Conditions()
        other.execute("ROLLBACK")


@contextmanager
def spoilt_page(_: Stage, home: Path) -> Iterator[Conditions]:
    """The pages with one order's name on them."""
    store = Paths(home).store
    whole = store.read_bytes()
    pages = {at // PAGE for at in range(len(whole)) if whole.startswith(b"own.example.com", at)} - {0}
    with store.open("r+b") as file:
        for page in pages:
            file.seek(page * PAGE)
            file.write(b"\xff" * PAGE)
    yield Conditions()
    store.write_bytes(whole)


@contextmanager
def cut_short(stage: Stage, home: Path) -> Iterator[Conditions]:
    store = Paths(home).store
    whole = store.read_bytes()
    os.truncate(store, len(whole) - PAGE * stage.draw.randint(1, 9))
    yield Conditions()
    store.write_bytes(whole)


@contextmanager
def no_store(_: Stage, home: Path) -> Iterator[Conditions]:
    """The file is gone and the vault's key file is there: that is no new home."""
    store = Paths(home).store
    whole = store.read_bytes()
    store.unlink()
    yield Conditions()
    store.write_bytes(whole)
    store.chmod(0o600)


@contextmanager
def cut_log(stage: Stage, home: Path) -> Iterator[Conditions]:
    """The write-ahead log lost its end: what was not settled is lost, nothing else."""
    store = Paths(home).store
    log = store.with_name(f"{store.name}-wal")
    with closing(sqlite3.connect(store, isolation_level=None)) as other:
        other.execute("PRAGMA wal_autocheckpoint = 0")
        other.execute("INSERT OR REPLACE INTO facts (name, value) VALUES ('machine', ?)", ("x" * 50_000,))
        content = log.read_bytes()
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        other.execute("DELETE FROM facts WHERE name = 'machine'")
    log.write_bytes(content[: len(content) - stage.draw.randint(1, 9_000)])
    yield Conditions()


@contextmanager
def newer(_: Stage, home: Path) -> Iterator[Conditions]:
    store = Paths(home).store
    whole = store.read_bytes()
    with closing(sqlite3.connect(store)) as other:
        other.execute("PRAGMA user_version = 9999")
    later = store.read_bytes()
    yield Conditions()
    if store.read_bytes() != later:
        raise AssertionError("a store of a newer version was touched")
    store.write_bytes(whole)


@contextmanager
def older(_: Stage, home: Path) -> Iterator[Conditions]:
    """Each former schema; afterwards its copy is beside it, and every row is there."""
    paths = Paths(home)
    for former in range(1, migrations.NEWEST):
        for path in home.glob("kmptui.db*"):
            path.unlink()
        db = Db(paths.store, paths.holders, writer=True, busy_seconds=1)
        db.connect()
        with db.unit("IMMEDIATE"):
            migrations.migrate(db, NOW, migrations.STEPS[:former])
            audit.append(db, Entry("link"), STAMP)
        db.close()
        paths.store.chmod(0o600)
    yield Conditions()
    if not paths.store.with_name(f"kmptui.db.before-{migrations.NEWEST:04}").exists():
        raise AssertionError("an older store was migrated without a copy")


@contextmanager
def on_a_network(_: Stage, home: Path) -> Iterator[Conditions]:
    device = home.stat().st_dev
    mounts = home.with_name(f"{home.name}-mounts")
    mounts.write_text(f"36 35 {os.major(device)}:{os.minor(device)} / {home} rw master:1 - nfs4 server:/x rw\n")
    yield Conditions(mounts=str(mounts))


@contextmanager
def anothers(_: Stage, home: Path) -> Iterator[Conditions]:
    if os.geteuid() != 0:
        raise NotHere("only root can give a folder away")
    os.chown(home, 12345, -1)
    yield Conditions()
    os.chown(home, 0, -1)


@contextmanager
def another_host(_: Stage, home: Path) -> Iterator[Conditions]:
    note = home / "host"
    whole = note.read_bytes() if note.exists() else None
    if whole is None:
        raise NotHere("it has no machine id")
    note.write_text("0" * 64 + " elsewhere\n")
    yield Conditions()
    note.write_bytes(whole)


@contextmanager
def nobodys_home(stage: Stage, _: Path) -> Iterator[Conditions]:
    """HOME is not set, and the system knows no such user."""
    if os.geteuid() != 0:
        raise NotHere("only root can become another user")
    folder = stage.folder / "open-to-all"
    folder.mkdir(exist_ok=True)
    yield Conditions(environment={"KMPTUI_HOME": ""}, uid=54321, folder="/")
    if list(folder.iterdir()):
        raise AssertionError("a folder was made where nobody asked for it")


@contextmanager
def home_in_a_file(_: Stage, home: Path) -> Iterator[Conditions]:
    yield Conditions(environment={"KMPTUI_HOME": str(Paths(home).store)})


@contextmanager
def home_of_nobody(_: Stage, __: Path) -> Iterator[Conditions]:
    yield Conditions(environment={"KMPTUI_HOME": "~nobody-of-that-name/kmptui"})


@contextmanager
def home_cannot_be_made(_: Stage, __: Path) -> Iterator[Conditions]:
    yield Conditions(environment={"KMPTUI_HOME": "/proc/kmptui"})


@contextmanager
def odd_settings(_: Stage, home: Path) -> Iterator[Conditions]:
    settings = Paths(home).settings
    settings.touch(0o600)
    settings.write_bytes(b"theme = \xff\n")
    yield Conditions()
    settings.unlink()


def a_year(days: float):  # type: ignore[no-untyped-def]
    @contextmanager
    def off(_: Stage, __: Path) -> Iterator[Conditions]:
        yield Conditions(days=days)

    return off


ANY_END = (Step(("orders", "list"), FINE), Step(("sync",), frozenset({0, 1})))
CASES = (
    Case("the store is read-only", read_only_file, reads_only("permissions"), ("Store",)),
    Case("the home is read-only", read_only_home, fails("permissions"), ("Store",)),
    Case("the store is locked", locked, reads_only("lock"), ("Store",)),
    Case("the store is locked wholly", locked_wholly, fails("lock"), ("Store",)),
    Case("a page is damaged", spoilt_page, (Step(("orders", "list"), told=("damaged", "backup")),), ("Store",)),
    Case("the store is cut short", cut_short, fails("damaged", "backup"), ("Store",)),
    Case("the store is gone", no_store, fails("damaged"), ("Store",)),
    Case("the log is cut short", cut_log, (Step(("orders", "list"), FINE),), ()),
    Case("the store is of a newer version", newer, fails("newer version", "upgrade"), ("Store",)),
    Case("the store is of an older version", older, (Step(("orders", "list"), FINE),), (), whole=False),
    Case("the home is on a network", on_a_network, fails("network", "KMPTUI_HOME"), ("Store",)),
    Case("the home is another user's", anothers, fails("another user"), None),
    Case("the home is another host's", another_host, fails("elsewhere"), ("Store",)),
    Case("no home", nobodys_home, fails("KMPTUI_HOME"), None, homeless=True),
    Case("the home is in a file", home_in_a_file, fails("no folder"), ("Home",), homeless=True),
    Case("the home is nobody's", home_of_nobody, fails("KMPTUI_HOME"), None, homeless=True),
    Case("the home cannot be made", home_cannot_be_made, fails("KMPTUI_HOME"), ("Home",), homeless=True),
    Case("the settings are no text", odd_settings, fails("settings.toml"), ("Settings",)),
    Case("the clock is a year ahead", a_year(365), ANY_END, ("Clock", "Password"), whole=False),
    Case("the clock is a year behind", a_year(-365), ANY_END, ("Clock",), whole=False),
)
