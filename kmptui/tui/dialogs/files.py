"""Reading the small files that a person names: requests and keys."""

from __future__ import annotations

import stat
from pathlib import Path

from kmptui.config import meant
from kmptui.errors import BadInput

MOST = 1024 * 1024


def named(text: str) -> Path:
    """The path that a person means, without blanks around it."""
    return meant(text.strip())


def spelled(path: Path) -> str:
    """The path as a person would type it: `~` for the user's home, so that the file's name is in sight."""
    try:
        return f"~/{path.relative_to(Path.home())}"
    except (ValueError, RuntimeError):  # elsewhere, or there is no home
        return str(path)


def small_file(path: str, field: str) -> bytes:
    """The content of a regular file of at most 1 MiB; `~` is the user's home. Raises BadInput(field)."""
    try:
        file = named(path)
        facts = file.stat()
        if not stat.S_ISREG(facts.st_mode):
            raise BadInput(field, f"{file} is no regular file")
        if facts.st_size > MOST:
            raise BadInput(field, f"{file} is too large", why=f"it has {facts.st_size:,} bytes", cure="At most 1 MiB")
        data = file.read_bytes()
    except (OSError, ValueError, RuntimeError) as error:
        why = error.strerror if isinstance(error, OSError) else ""
        raise BadInput(field, f"{path.strip()} cannot be read", why=(why or str(error)).lower()) from error
    if not data:
        raise BadInput(field, f"{file} is empty")
    return data


def small_text(path: str, field: str) -> str:
    """The same as ASCII text, as PEM is. Raises BadInput(field)."""
    try:
        return small_file(path, field).decode("ascii")
    except UnicodeDecodeError as error:
        what = f"{path.strip()} is no text"
        raise BadInput(field, what, why="it is not PEM", cure="Convert it to PEM first") from error
