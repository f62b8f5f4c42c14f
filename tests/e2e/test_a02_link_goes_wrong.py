"""Linking goes wrong: nothing is kept, one plain sentence gives cause and cure, and no more is sent than must be."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from kmptui.config import Paths
from kmptui.sandbox.server import SandboxServer
from kmptui.tui.dialogs.problem import ProblemDialog
from kmptui.tui.tabs.link_form import LinkForm
from kmptui.tui.widgets.dialog import TextDialog
from tests.cli.conftest import ORDER, Cli
from tests.e2e.keyboard import at_home, declined, first_line, flat, link_by_keys, press, the_app
from tests.sandbox_fixtures import SandboxFactory
from tests.tui import acting
from tests.tui.acting import is_open, shown


@dataclass(frozen=True)
class Trouble:
    """What is wrong: the sandbox's configuration, what is typed in place of the right thing, what the next requests
    meet; and the words that must be told."""

    words: tuple[str, ...]
    typed: dict[str, str] = field(default_factory=dict)
    config: dict[str, Any] = field(default_factory=dict)
    fault: dict[str, Any] = field(default_factory=dict)
    wrong_passwords: int = 0


TROUBLES = {
    "wrong password": Trouble(("-16", "password"), {"password": "not-the-password"}, wrong_passwords=1),
    "wrong customer URI": Trouble(("-970", "customer URI"), {"customer_uri": "somebody"}),
    "password expired": Trouble(("expired", "-970"), {"login": "expired-api"}),
    "issuer unknown": Trouble(("trust", "CA file"), config={"tls": True}),
    "proxy in the way": Trouble(
        ("proxy", "NOWHERE"), {"base_url": "https://scm.invalid/api", "proxy": "http://NOWHERE"}
    ),
    "nobody there": Trouble(("no connection to 127.0.0.1", "proxy"), {"base_url": "http://NOWHERE/api"}),
    "HTML": Trouble(("web page", "try again later"), fault={"kind": "html", "count": -1}),
}
each = pytest.mark.parametrize("trouble", TROUBLES.values(), ids=TROUBLES)


@pytest.fixture
def nowhere() -> str:
    """A port of this machine at which nobody listens."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{closed.getsockname()[1]}"


def arranged(trouble: Trouble, sandbox_factory: SandboxFactory, nowhere: str) -> tuple[SandboxServer, dict[str, str]]:
    """The sandbox, and what a person types."""
    sandbox = sandbox_factory(certificates=1, **trouble.config)
    if trouble.fault:
        sandbox.control("faults", trouble.fault)
    typed = {name: text.replace("NOWHERE", nowhere) for name, text in trouble.typed.items()}
    if "login" in typed:
        typed["password"] = sandbox.password_of(typed["login"])
    return sandbox, typed


def told_well(trouble: Trouble, said: str, nowhere: str) -> None:
    """Cause and cure in words that a person reads, with the server's code."""
    for words in trouble.words:
        assert words.replace("NOWHERE", nowhere).lower() in said.lower(), said
    assert "Traceback" not in said


def sent_little(trouble: Trouble, sandbox: SandboxServer) -> None:
    """Three requests at most, a wrong password once, and nothing that changes anything."""
    counters = sandbox.control("state")
    assert counters["requests"] <= 3
    assert counters["wrong_passwords"] == trouble.wrong_passwords
    assert {line["method"] for line in sandbox.control("requests")} <= {"GET"}


@each
async def test_on_the_keyboard(paths: Paths, sandbox_factory: SandboxFactory, trouble: Trouble, nowhere: str) -> None:
    """The form stays with what was typed, a dialog tells cause and cure, and the home is as empty as it was."""
    sandbox, typed = arranged(trouble, sandbox_factory, nowhere)
    async with the_app(paths) as (pilot, workspace):
        await acting.sees(pilot, "Link your account")
        await link_by_keys(pilot, sandbox, **typed)
        dialog = await is_open(pilot, ProblemDialog)
        said = flat(shown(dialog))
        told_well(trouble, said, nowhere)
        assert typed.get("password", sandbox.password) not in said
        await press(pilot, "escape")
        await acting.until(pilot, lambda: pilot.app.screen is not dialog, "the end of the dialog")
        form = pilot.app.screen.query_one(LinkForm)
        assert form.display
        assert acting.field(form, "login").value == typed.get("login", sandbox.login)
        assert await workspace.account.view() is None
        assert (await workspace.vault.status()).state == "none"
    sent_little(trouble, sandbox)


@each
def test_by_a_command(
    cli: Cli, sandbox_factory: SandboxFactory, tmp_path: Path, trouble: Trouble, nowhere: str
) -> None:
    """Exit code 1, the sentence on standard error, nothing on standard output, nothing kept."""
    sandbox, typed = arranged(trouble, sandbox_factory, nowhere)
    secret = tmp_path / "secret"
    secret.touch(0o600)
    secret.write_text(typed.get("password", sandbox.password))
    done = cli(
        "account", "link", "--base-url", typed.get("base_url", sandbox.base_url),
        "--login", typed.get("login", sandbox.login), "--password-file", secret,
        "--customer-uri", typed.get("customer_uri", sandbox.customer_uri), "--proxy", typed.get("proxy", ""),
        code=1,
    )  # fmt: skip
    told_well(trouble, done.err.replace("--ca-file", "CA file"), nowhere)
    assert done.out == ""
    assert secret.read_text() not in done.err
    assert "No SCM account is linked" in cli("account", "show", code=1).err
    assert not (cli.home / "vault.key").exists()
    sent_little(trouble, sandbox)


async def test_a_role_that_may_not_write_on_the_keyboard(paths: Paths, sandbox: SandboxServer) -> None:
    """An account below the MRAO role is linked, with a warning that names what is missing; where it may write nothing
    the screen says READ-ONLY, and a new order is not even begun."""
    login = "readonly-api"
    async with the_app(paths) as (pilot, workspace):
        await link_by_keys(pilot, sandbox, login=login, password=sandbox.password_of(login))
        warning = await is_open(pilot, TextDialog)
        assert "MRAO" in shown(warning)
        await press(pilot, "escape")
        await declined(pilot)
        assert "READ-ONLY" in first_line(pilot)
        await press(pilot, "n")
        await acting.sees(pilot, "New: read-only")
        await at_home(pilot)
        view = await workspace.account.view()
        assert view is not None
        assert view.mrao is False
    assert "enroll" not in str(sandbox.control("state")["by_endpoint"])


def test_a_role_that_may_not_write_by_commands(cli: Cli, sandbox: SandboxServer, secret: Callable[..., Path]) -> None:
    """The same: exit code 0 with a warning, then every order is refused before it is sent."""
    login = "readonly-api"
    done = cli(
        "account", "link", "--base-url", sandbox.base_url, "--login", login, "--customer-uri", sandbox.customer_uri,
        "--password-file", secret(sandbox, login),
    )  # fmt: skip
    assert "MRAO" in done.err
    assert cli.json("account", "show")["read_only"]
    words = list(ORDER)
    words[words.index("Example Corporation")] = cli.json("organizations", "list")[0]["name"]
    refused = cli("orders", "create", "--common-name", "a.lab.example.edu", *words, "--yes", code=1)
    assert "sslRequest is missing" in refused.err
    assert sandbox.control("state")["enroll_calls"] == 0
