"""Logs: one rotated file in the home, 0600, every record printable and without secrets."""

from __future__ import annotations

import logging
import os
import re
import time
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import TextIO

from kmptui.config import Paths, make_private_folder
from kmptui.domain.text import printable

SIZE, KEPT = 1024 * 1024, 3
_ROOT = "kmptui"
_SECRETS = (
    re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL),
    re.compile(r"(?i)(pass(word|phrase|wd)?|pwd|secret|token)\b(['\"]?\s*[:=]\s*)(\"[^\"]*\"|'[^']*'|\S+)"),
    re.compile(r"(?<=://)[^/\s:@]*:[^/\s@]*(?=@)"),
)


def redacted(text: str) -> str:
    """The text without what looks like a private key, a password, or a login in an address."""
    for pattern in _SECRETS:
        text = pattern.sub("[redacted]", text)
    return text


class Redacting(logging.Formatter):
    """One printable line a record, time in UTC. A traceback follows, each line indented, so that no text from outside
    can pass for a record of its own; it never holds the values of variables."""

    def __init__(self, form: str = "%(asctime)sZ %(process)d %(levelname)s %(name)s: %(message)s") -> None:
        super().__init__(form, "%Y-%m-%dT%H:%M:%S")
        self.converter = time.gmtime

    def format(self, record: logging.LogRecord) -> str:
        """Made anew each time: what another handler left in the record is not redacted."""
        record.message = record.getMessage()
        record.asctime = self.formatTime(record, self.datefmt)
        lines = [redacted(self.formatMessage(record))]
        if record.exc_info:
            lines += [f"    {line}" for line in redacted(self.formatException(record.exc_info)).splitlines()]
        return "\n".join(map(printable, lines))


class _Private(RotatingFileHandler):
    """Makes its files 0600 whatever the umask, and goes on in the new file when another process has rotated."""

    def _open(self) -> TextIOWrapper:
        path = Path(self.baseFilename)
        how = os.O_CREAT | os.O_APPEND | os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        handle = os.open(path, how, 0o600)  # a pipe that nobody reads is an error, and keeps nobody waiting
        os.fchmod(handle, 0o600)
        return TextIOWrapper(os.fdopen(handle, "ab"), encoding="utf-8", errors="backslashreplace")

    def emit(self, record: logging.LogRecord) -> None:
        stream = self.stream
        if stream is not None and not _is_file(stream.fileno(), Path(self.baseFilename)):
            stream.close()
            self.stream = None  # as the base class has it before its first record
        super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:
        """A log that cannot be written (a full disk) neither ends the program nor writes over its screen."""


def _is_file(handle: int, path: Path) -> bool:
    """Whether the file of that name is still the one that is open."""
    try:
        there, ours = path.stat(), os.fstat(handle)
    except FileNotFoundError:
        return False
    return (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino)


def open_log(paths: Paths) -> logging.Handler:
    """Start writing the log of a home; `close_log` ends it. Raises SettingsError where the folder cannot be made."""
    make_private_folder(paths.logs)
    handler = _Private(paths.log, maxBytes=SIZE, backupCount=KEPT, encoding="utf-8", delay=True)
    handler.setLevel(logging.INFO)
    return _added(handler, Redacting())


def tell(stream: TextIO) -> logging.Handler:
    """Write all that is done, each request among it, to a stream as well (`-v`); `close_log` ends it."""
    return _added(logging.StreamHandler(stream), Redacting("%(asctime)sZ %(name)s: %(message)s"))


def _added(handler: logging.Handler, formatter: logging.Formatter) -> logging.Handler:
    handler.setFormatter(formatter)
    logging.getLogger(_ROOT).addHandler(handler)
    _level()
    return handler


def close_log(handler: logging.Handler) -> None:
    """End what `open_log` or `tell` began."""
    logging.getLogger(_ROOT).removeHandler(handler)
    handler.close()
    _level()


def _level() -> None:
    """As much as the most curious handler wants; none is left, as if there had never been one."""
    logger = logging.getLogger(_ROOT)
    logger.setLevel(min((one.level or logging.DEBUG for one in logger.handlers), default=logging.NOTSET))
