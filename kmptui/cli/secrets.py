"""Secrets come from a file, from standard input or from a prompt; never from an argument."""

from __future__ import annotations

import stat
import sys
from pathlib import Path

from kmptui.cli import diagnostics
from kmptui.errors import BadInput

MOST = 4096


def from_file(source: str, field: str) -> str:
    """The first line of a file, or of standard input for `-`. Raises BadInput(field) with the reason."""
    if source == "-":
        return _line(sys.stdin.buffer.read(MOST + 1), field, "standard input")
    path = Path(source)
    try:
        facts = path.stat()
        if not (stat.S_ISREG(facts.st_mode) or stat.S_ISFIFO(facts.st_mode)):
            raise BadInput(field, f"{source} is not a regular file")
        with path.open("rb") as file:
            data = file.read(MOST + 1)
    except OSError as error:
        raise BadInput(field, f"{source} cannot be read", why=error.strerror or "") from error
    if stat.S_ISREG(facts.st_mode) and facts.st_mode & 0o077:
        diagnostics.warning(f"{source} can be read by others; chmod 600 it")
    return _line(data, field, source)


def _line(data: bytes, field: str, source: str) -> str:
    if len(data) > MOST:
        raise BadInput(field, f"{source} is too long for a password")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise BadInput(field, f"{source} is not text") from None
    lines = text.splitlines()
    if not lines or not lines[0]:
        raise BadInput(field, f"{source} is empty")
    if len(lines) > 1:
        raise BadInput(field, f"{source} has more than one line")
    return lines[0]


def password(source: str | None, field: str, words: str, *, twice: bool = False) -> str:
    """From `source`, else asked for on the terminal. Raises BadInput(field) where there is neither."""
    if source is not None:
        return from_file(source, field)
    if not diagnostics.on_terminal():
        raise BadInput(field, f"{words} is needed", cure="Without a terminal give it in a file: --password-file")
    return diagnostics.asked(words, hidden=True, twice=twice)
