"""What must be true of a home before its store is opened: whose it is, where it lies, what the file begins with."""

from __future__ import annotations

import hashlib
import os
import platform
import sqlite3
import stat
from pathlib import Path

from kmptui.config import Paths, make_private_folder, read_own, write_private
from kmptui.errors import FromTheFuture, StoreFailed
from kmptui.store.faults import damaged
from kmptui.store.migrations import APPLICATION_ID, NEWEST

OLDEST_SQLITE = (3, 34, 0)
NETWORK_SYSTEMS = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "ceph", "fuse.ceph", "fuse.sshfs", "fuse.glusterfs", "lustre",
     "gfs2", "ocfs2", "beegfs", "gpfs", "fuse.s3fs", "fuse.rclone", "davfs", "fuse.davfs2"}
)  # fmt: skip
_MAGIC = b"SQLite format 3\0"


def prepare(
    paths: Paths, *, mounts: Path = Path("/proc/self/mountinfo"), machine: Path = Path("/etc/machine-id")
) -> None:
    """Make the home and the store's empty file where they are not there, and look at both before SQLite does.

    Raises SettingsError (the home cannot be made, or is another's) and StoreFailed, Damaged, FromTheFuture.
    """
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        raise StoreFailed(
            f"SQLite {sqlite3.sqlite_version} is too old",
            why="the store needs 3.34 or newer",
            cure="Run kmptui with a Python that has a newer one",
        )
    make_private_folder(paths.home)
    refuse_network(paths.home, mounts)
    _refuse_other_host(paths.home / "host", machine)
    _file(paths)
    _header(paths.store)


def refuse_network(home: Path, mounts: Path) -> None:
    """Locks of SQLite and of claims hold on one host only. What cannot be told is let through."""
    try:
        facts = home.stat()
        device = f"{os.major(facts.st_dev)}:{os.minor(facts.st_dev)}"
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return
    for line in lines:
        left, _, right = line.partition(" - ")
        fields = left.split()
        if len(fields) > 2 and fields[2] == device and right.split()[:1] and right.split()[0] in NETWORK_SYSTEMS:
            raise StoreFailed(
                f"{home} lies on a network file system ({right.split()[0]})",
                why="file locks do not hold there, and two hosts could order the same certificate",
                cure="Set KMPTUI_HOME to a folder on a local disk",
            )


def _refuse_other_host(note: Path, machine: Path) -> None:
    """A home belongs to one host: its name and a hash of its machine id stand in a file of the home."""
    try:
        identity = machine.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return
    if not identity:
        return
    mark = hashlib.sha256(b"kmptui home " + identity.encode()).hexdigest()
    try:
        words = read_own(note).decode("utf-8").split()
    except FileNotFoundError:
        _make_note(note, f"{mark} {platform.node()}\n")
        return
    except (OSError, UnicodeDecodeError) as error:
        raise StoreFailed(f"{note} cannot be read", why=str(error), cure="Mend its permissions") from error
    if words[:1] != [mark]:
        owner = words[1] if len(words) > 1 else "another host"
        raise StoreFailed(
            f"This home belongs to {owner}",
            why="one store is for one host",
            cure=f"Run kmptui there; if the home was moved to this host for good, delete {note}",
        )


def _make_note(note: Path, words: str) -> None:
    try:
        write_private(note, words.encode())
    except OSError as error:
        raise StoreFailed(
            f"{note} cannot be written", why=error.strerror or str(error), cure="Make room on its disk"
        ) from error


def _file(paths: Paths) -> None:
    try:
        facts = paths.store.lstat()
    except FileNotFoundError:
        _refuse_lost(paths)
        try:
            os.close(os.open(paths.store, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600))
        except FileExistsError:  # another process made it just now
            return
        except OSError as error:
            raise _unusable(paths.store, error.strerror or str(error)) from error
        return
    except OSError as error:
        raise _unusable(paths.store, error.strerror or str(error)) from error
    if not stat.S_ISREG(facts.st_mode):
        raise _unusable(paths.store, "it is no regular file")
    if facts.st_uid != os.geteuid():
        raise _unusable(paths.store, "it belongs to another user")
    if stat.S_IMODE(facts.st_mode) & 0o077:
        paths.store.chmod(0o600)
    if facts.st_size == 0:
        _refuse_lost(paths)


def _refuse_lost(paths: Paths) -> None:
    """A home that was in use and has no store any more is damaged, not new."""
    if paths.key_file.exists():
        raise damaged(paths.store, f"it is empty or gone, though this home has a vault ({paths.key_file.name})")


def _unusable(path: Path, why: str) -> StoreFailed:
    return StoreFailed(
        f"The store {path} cannot be used", why=why, cure="Mend that, or set KMPTUI_HOME to another folder"
    )


def _header(store: Path) -> None:
    """Judge the file by its first 100 bytes (https://www.sqlite.org/fileformat.html, 1.3), so that a foreign or newer
    one stays untouched: SQLite itself would make files beside it."""
    try:
        with store.open("rb") as file:
            head = file.read(100)
            size = file.seek(0, os.SEEK_END)
    except OSError as error:
        raise _unusable(store, error.strerror or str(error)) from error
    if not head:
        return
    if len(head) < 100 or not head.startswith(_MAGIC):
        raise damaged(store, "it does not begin as a store does")
    application, user_version = _number(head, 68), _number(head, 60)
    wal = store.with_name(store.name + "-wal")
    settled = not wal.exists() or wal.stat().st_size == 0
    if application != APPLICATION_ID and settled and (application or user_version):
        raise StoreFailed(
            f"{store} is no store of kmptui's", why="another program made it", cure="Set KMPTUI_HOME to another folder"
        )
    refuse_newer(user_version)
    page = int.from_bytes(head[16:18], "big")
    page = 65536 if page == 1 else page
    pages = _number(head, 28)
    if settled and _number(head, 24) == _number(head, 92) and pages * page > size:
        raise damaged(store, f"it should have {pages * page:,} bytes and has {size:,}")


def _number(head: bytes, at: int) -> int:
    return int.from_bytes(head[at : at + 4], "big")


def refuse_newer(found: int) -> None:
    """Raise FromTheFuture for a schema that this program does not know."""
    if found > NEWEST:
        raise FromTheFuture(
            "The store was written by a newer version of kmptui",
            why=f"its schema is {found}, this program knows {NEWEST}",
            cure="Upgrade kmptui; the store is untouched",
        )
