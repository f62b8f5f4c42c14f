"""Signals end a command in order: also while it asks, also twice, and it says what it was in the middle of."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kmptui.sandbox.server import SandboxServer
from tests.benchmarks.stage import ROOT, environment
from tests.benchmarks.terminal import Terminal
from tests.cli.conftest import ORDER, Cli
from tests.services.homes import asked

CREATE = ("orders", "create", *ORDER, "--common-name", "ended.example.com")
PATIENCE = 60


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_ends_the_asking(linked: Cli, sandbox: SandboxServer, number: signal.Signals) -> None:
    """The event loop stands still while a person is asked: nobody else would hear it."""
    with Terminal("kmptui", *CREATE, home=linked.home) as terminal:
        terminal.until("Order ended.example.com?")
        status = terminal.end(number)
        assert os.waitstatus_to_exitcode(status) == 128 + number
        assert b"kmptui: stopped" in terminal.output
        assert b"Traceback" not in terminal.output
    assert not asked(sandbox, "POST /api/ssl/v1/enroll")


def test_a_signal_at_a_secrets_prompt_gives_the_echo_back(linked: Cli) -> None:
    with Terminal("kmptui", "account", "password", home=linked.home) as terminal:
        terminal.until("assword")
        assert not terminal.modes[3] & termios.ECHO
        status = terminal.end(signal.SIGTERM)
        assert os.waitstatus_to_exitcode(status) == 128 + signal.SIGTERM
        assert terminal.modes[3] & termios.ECHO


def slow(sandbox: SandboxServer, delay: float) -> None:
    sandbox.control("faults", {"kind": "delay", "match": "POST /ssl/v1/enroll", "delay": delay, "act": True})


def sent(sandbox: SandboxServer) -> None:
    """Wait until the order is at SCM, which answers after a while."""
    end = time.monotonic() + PATIENCE
    while sandbox.control("faults"):  # taken by the request that it was armed for
        assert time.monotonic() < end
        time.sleep(0.02)


@contextmanager
def ordering(cli: Cli, sandbox: SandboxServer, delay: float) -> Iterator[subprocess.Popen[str]]:
    """A command whose order is at SCM."""
    slow(sandbox, delay)
    with subprocess.Popen(
        [sys.executable, "-m", "kmptui", *CREATE, "--yes"],
        cwd=ROOT, env=environment(cli.home), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        sent(sandbox)
        try:
            yield process
        finally:
            process.kill()


def test_a_second_signal_cuts_nothing_short(linked: Cli, sandbox: SandboxServer) -> None:
    """A closing terminal sends SIGHUP twice: the answer is waited for all the same, and written down."""
    with ordering(linked, sandbox, 1.5) as process:
        for _ in range(2):
            process.send_signal(signal.SIGHUP)
            time.sleep(0.1)
        _, said = process.communicate(timeout=PATIENCE)
    assert process.returncode == 128 + signal.SIGHUP, said
    assert "stopped in the middle of: Ordering ended.example.com" in said
    assert linked.json("orders", "show", "ended.example.com")["ssl_id"]


def test_a_closed_terminal_ends_a_command_in_order(linked: Cli, sandbox: SandboxServer) -> None:
    """What it says then nobody can read, and that is no fault."""
    slow(sandbox, 1.0)
    with Terminal("kmptui", *CREATE, "--yes", home=linked.home) as terminal:
        sent(sandbox)
        assert os.waitstatus_to_exitcode(terminal.hang_up()) == 128 + signal.SIGHUP
    assert linked.json("orders", "show", "ended.example.com")["ssl_id"]


def test_an_answer_that_does_not_come_is_unconfirmed(linked: Cli, sandbox: SandboxServer) -> None:
    with ordering(linked, sandbox, PATIENCE) as process:
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=PATIENCE)
    assert process.returncode == 128 + signal.SIGTERM, said
    assert linked.json("orders", "show", "ended.example.com")["ledger"] == "unconfirmed"


NO_NAME_SERVER = """
import socket, sys, threading
asked = threading.Event()

def unanswered(*_, **__):
    sys.stderr.write("asked\\n")
    sys.stderr.flush()
    asked.wait(3_600)

socket.getaddrinfo = unanswered
from kmptui.cli.main import main
main()
"""


def test_a_name_server_that_does_not_answer_is_not_waited_for(tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.touch(0o600)
    password.write_text("secret\n")
    link = ("account", "link", "--base-url", "https://scm.example.com/api", "--login", "ops", "--customer-uri", "ACME")
    with subprocess.Popen(
        [sys.executable, "-c", NO_NAME_SERVER, *link, "--password-file", str(password)],
        cwd=ROOT, env=environment(tmp_path / "home"), stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        try:
            assert process.stderr is not None
            assert process.stderr.readline() == "asked\n"
            process.send_signal(signal.SIGTERM)
            assert process.wait(PATIENCE) == 128 + signal.SIGTERM
            assert "kmptui: stopped" in process.stderr.read()
        finally:
            process.kill()


def test_the_screen_ends_with_the_signals_number(tmp_path: Path) -> None:
    with Terminal("kmptui", home=tmp_path / "home") as terminal:
        terminal.until("Account")
        assert os.waitstatus_to_exitcode(terminal.end(signal.SIGTERM, twice=True)) == 128 + signal.SIGTERM
