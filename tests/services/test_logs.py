"""Logs: private, rotated, printable, without secrets."""

from __future__ import annotations

import io
import logging
import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from kmptui.cli.main import kmptui
from kmptui.config import Paths
from kmptui.sandbox.server import SandboxServer
from kmptui.services import logs
from tests.services.homes import credentials, holding

LOG = logging.getLogger("kmptui.tests")


@pytest.fixture
def log(paths: Paths) -> Iterator[Path]:
    paths.home.mkdir()
    handler = logs.open_log(paths)
    yield paths.log
    logs.close_log(handler)


@pytest.mark.parametrize(
    "text",
    [
        "password=hunter2",
        "Password: hunter2",
        '{"keystore_password": "hunter2"}',
        "keystore-password = 'hunter2 and more'",
        "passphrase: hunter2",
        "http://ops:hunter2@proxy.example.net:3128 refused",
        "-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----",
        "-----BEGIN EC PRIVATE KEY-----\nhunter2 and no end",
    ],
)
def test_what_looks_secret_is_left_out(log: Path, text: str) -> None:
    LOG.warning("it said %s", text)
    told = log.read_text()
    assert "hunter2" not in told
    assert "[redacted]" in told


def test_a_record_is_one_printable_line(log: Path) -> None:
    LOG.warning("it said %s", "a\n2026-01-01T00:00:00Z 1 ERROR kmptui: forged\x1b[2J\x07 \u202e")
    (line,) = log.read_text().splitlines()
    assert "\x1b" not in line
    assert "\u202e" not in line


def test_a_traceback_cannot_pass_for_a_record(log: Path) -> None:
    secret = "-".join(("hunter", "2"))
    try:
        raise ValueError(f"password={secret}\n2026-01-01T00:00:00Z 1 ERROR kmptui: forged")
    except ValueError:
        record = LOG.makeRecord(LOG.name, logging.ERROR, __file__, 1, "failed", (), sys.exc_info())
    record.exc_text = f"what another handler made of it: password={secret}"
    LOG.handle(record)
    first, *others = log.read_text().splitlines()
    assert first.endswith("failed")
    assert "ValueError" in "".join(others)
    assert all(line.startswith("    ") for line in others)
    assert secret not in log.read_text()


def test_files_are_private_and_rotated_by_several_processes(paths: Paths, open_umask: object) -> None:
    """Two handlers, as two processes have them: what one rotated, the other leaves."""
    paths.home.mkdir(mode=0o700)
    one, other = logs.open_log(paths), logs.open_log(paths)
    root = logging.getLogger("kmptui")
    try:
        line = "x" * 1000
        root.removeHandler(other)
        for number in range(1500):
            LOG.warning("one %d %s", number, line)
        root.removeHandler(one)
        root.addHandler(other)
        LOG.warning("the other")
    finally:
        logs.close_log(one)
        logs.close_log(other)
    found = sorted(path.name for path in paths.logs.iterdir())
    assert found == ["kmptui.log", "kmptui.log.1"]
    assert paths.log.read_text().splitlines()[-1].endswith("the other")
    for path in paths.logs.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert path.stat().st_size <= logs.SIZE


def test_a_link_in_its_place_is_not_followed(paths: Paths, tmp_path: Path) -> None:
    paths.logs.mkdir(parents=True)
    elsewhere = tmp_path / "elsewhere"
    paths.log.symlink_to(elsewhere)
    handler = logs.open_log(paths)
    LOG.warning("hello")
    logs.close_log(handler)
    assert not elsewhere.exists()


def test_a_pipe_in_its_place_keeps_nobody_waiting(log: Path) -> None:
    log.unlink(missing_ok=True)
    os.mkfifo(log, 0o600)
    LOG.warning("what nobody reads")
    assert not stat.S_ISREG(log.stat().st_mode)


def test_the_file_tells_less_than_who_asks_for_more(log: Path) -> None:
    stream = io.StringIO()
    telling = logs.tell(stream)
    LOG.debug("GET /ssl/v1: 200")
    LOG.info("something was done")
    logs.close_log(telling)
    assert "GET /ssl/v1" in stream.getvalue()
    assert "GET /ssl/v1" not in log.read_text()
    assert "something was done" in log.read_text()


def test_verbose_tells_each_request_and_no_secret(paths: Paths, sandbox: SandboxServer, tmp_path: Path) -> None:
    request = credentials(sandbox)
    secret = tmp_path / "password"
    secret.touch(0o600)
    secret.write_text(request.password)
    words = (
        "-v", "account", "link", "--base-url", request.base_url, "--login", request.login, "--customer-uri",
        request.customer_uri, "--password-file", str(secret),
    )  # fmt: skip
    done = CliRunner().invoke(kmptui, words, env={"KMPTUI_HOME": str(paths.home)})
    assert done.exit_code == 0
    assert "GET /api/ssl/v1: 200" in done.stderr
    assert request.password not in done.output + done.stderr
    assert holding(paths, request.password) == []
    handlers = logging.getLogger("kmptui").handlers
    assert all(isinstance(one, logging.NullHandler) for one in handlers), handlers
