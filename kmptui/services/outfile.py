"""Writing a file that holds what nobody else may read or half-read: a whole new file, or nothing.

The new file is made 0600 and without a name (O_TMPFILE, open(2)), fsynced, and given its name in one step; then the
folder is fsynced. So a kill leaves nothing behind. Where a file is replaced, or the file system has no nameless files,
it stands beside its place for a moment (O_EXCL), locked by its writer; what a killed one left there is taken away by
the next that writes into the folder. A symbolic link in its place is never followed.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import secrets
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from kmptui.errors import BadInput, Full

Data = bytes | Callable[[], Iterable[bytes]]
"""What is written: at once, or piece by piece; a second try begins the pieces anew."""

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_NO_LINKS = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})
_NO_NAMELESS = _NO_LINKS | {errno.EISDIR, errno.EINVAL, errno.ENOENT, errno.EXDEV, errno.EACCES}
"""The file system has no nameless files, or no /proc is there to name one by."""

FRESH_SECONDS = 60.0
_BESIDE = re.compile(r"\.kmptui\.[0-9a-f]{16}")


def write_out(path: Path, data: Data, *, replace: bool = False, field: str = "out") -> None:
    """Write `data` to `path`, 0600 whatever the umask.

    An existing regular file is only replaced with `replace`. Raises BadInput(`field`) where the place is no good, and
    Full where the disk has no room; then nothing is there that was not there before. Blocks: call it in a thread.
    """
    name = path.name
    if not name or name in {".", ".."}:
        raise BadInput(field, f"{path} names no file", cure="Name a file, not a folder")
    if "\0" in str(path) or not _encodes(path):
        raise BadInput(field, f"{path} is no name that a file can have", cure="Take out what is no character")
    try:
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        cure = "Make the folder first" if error.errno == errno.ENOENT else "Choose another folder"
        raise BadInput(field, f"{path.parent} cannot be used", why=_reason(error), cure=cure) from error
    try:
        _refuse_odd_place(folder, path, replace=replace, field=field)
        _write(folder, name, data, replace=replace)
    except FileExistsError:
        raise _exists(path, field) from None
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise Full(f"{path} was not written", why=_reason(error), cure="Make room, or write elsewhere") from error
        raise BadInput(field, f"{path} cannot be written", why=_reason(error), cure="Choose another folder") from error
    finally:
        os.close(folder)


def _encodes(path: Path) -> bool:
    """Not with half of a character in it."""
    try:
        os.fsencode(path)
    except UnicodeEncodeError:
        return False
    return True


def _refuse_odd_place(folder: int, path: Path, *, replace: bool, field: str) -> None:
    try:
        there = os.stat(path.name, dir_fd=folder, follow_symlinks=False).st_mode
    except FileNotFoundError:
        return
    if stat.S_ISDIR(there):
        raise BadInput(field, f"{path} is a folder", cure="Name a file in it")
    if stat.S_ISLNK(there):
        raise BadInput(field, f"{path} is a symbolic link", cure="Name the file itself, or remove the link")
    if not stat.S_ISREG(there):
        raise BadInput(field, f"{path} is no regular file", cure="Name another file")
    if not replace:
        raise _exists(path, field)


def _write(folder: int, name: str, data: Data, *, replace: bool) -> None:
    beside = f".kmptui.{secrets.token_hex(8)}"
    _clear(folder)
    try:
        _write_nameless(folder, name, beside, data, replace=replace)
    except OSError as error:
        if error.errno not in _NO_NAMELESS:
            raise
        _write_beside(folder, name, beside, data, replace=replace)
    os.fsync(folder)


def _clear(folder: int) -> None:
    """Take away what killed writers left beside, a private key perhaps: nobody holds its lock, and it is not so new
    that its writer may just be about to take it."""
    for name in os.listdir(folder):
        if _BESIDE.fullmatch(name):
            with contextlib.suppress(OSError):  # it is in use, or another one was quicker
                handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    if time.time() - os.fstat(handle).st_ctime > FRESH_SECONDS:
                        os.unlink(name, dir_fd=folder)
                finally:
                    os.close(handle)


def _write_nameless(folder: int, name: str, beside: str, data: Data, *, replace: bool) -> None:
    handle = os.open(".", os.O_WRONLY | os.O_TMPFILE | os.O_CLOEXEC, 0o600, dir_fd=folder)
    with os.fdopen(handle, "wb") as out:
        _fill(out, data)
        source = f"/proc/self/fd/{out.fileno()}"
        try:
            os.link(source, name, dst_dir_fd=folder, follow_symlinks=True)
        except FileExistsError:
            if not replace:
                raise
            with _taken_away(folder, beside):
                os.link(source, beside, dst_dir_fd=folder, follow_symlinks=True)
                os.rename(beside, name, src_dir_fd=folder, dst_dir_fd=folder)


def _write_beside(folder: int, name: str, beside: str, data: Data, *, replace: bool) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    handle = os.open(beside, flags, 0o600, dir_fd=folder)
    with _taken_away(folder, beside):
        with os.fdopen(handle, "wb") as out:
            _fill(out, data)
        if replace or not _linked(folder, beside, name, flags):
            os.rename(beside, name, src_dir_fd=folder, dst_dir_fd=folder)


def _fill(out: BinaryIO, data: Data) -> None:
    os.fchmod(out.fileno(), 0o600)
    with contextlib.suppress(OSError):  # a file system without locks: then nothing is taken for left there either
        fcntl.flock(out.fileno(), fcntl.LOCK_EX)
    for piece in (data,) if isinstance(data, bytes) else data():
        out.write(piece)
    out.flush()
    os.fsync(out.fileno())


@contextlib.contextmanager
def _taken_away(folder: int, beside: str) -> Iterator[None]:
    """What goes wrong in the block leaves no file beside."""
    try:
        yield
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(beside, dir_fd=folder)
        raise


def _linked(folder: int, beside: str, name: str, flags: int) -> bool:
    """Put the whole file there at once, replacing nothing of anybody's: FileExistsError if somebody was quicker.

    False where the file system has no hard links: then an empty file keeps the place for the rename.
    """
    try:
        os.link(beside, name, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        os.close(os.open(name, flags, 0o600, dir_fd=folder))
        return False
    os.unlink(beside, dir_fd=folder)
    return True


def _exists(path: Path, field: str) -> BadInput:
    return BadInput(field, f"{path} exists already", cure="Choose another name, or say that it may be replaced")


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
