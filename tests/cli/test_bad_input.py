"""What is wrong is refused with its reason, an exit code, and nothing sent."""

from __future__ import annotations

from pathlib import Path

import pytest

from kmptui.sandbox.server import SandboxServer
from tests.cli.conftest import ORDER, Cli, link


def enrolments(sandbox: SandboxServer) -> int:
    return int(sandbox.control("state")["enroll_calls"])


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--common-name", "a_b.example.com"), "underscore"),
        (("--common-name", "*.com"), "wildcard"),
        (("--common-name", "x" * 64 + ".example.com"), "63"),
        (("--common-name", "ok.example.com", "--comments", "x" * 1025), "1,024"),
        (("--common-name", "ok.example.com", "--external-requester", "nobody"), "e-mail"),
        (
            (
                "--common-name",
                "ok.example.com",
                "--external-requester",
                ",".join(f"{n}{'a' * 60}@example.com" for n in range(8)),
            ),
            "512",
        ),
    ],
)
def test_the_form_rules(linked: Cli, sandbox: SandboxServer, words: tuple[str, ...], reason: str) -> None:
    before = enrolments(sandbox)
    refused = linked("orders", "create", *words, *ORDER, "--yes", code=2)
    assert reason in refused.err
    assert enrolments(sandbox) == before
    assert linked.json("orders", "list", "--all") == []


def test_a_comment_of_1024_characters_passes(linked: Cli) -> None:
    linked("orders", "create", "--common-name", "long.example.com", "--comments", "x" * 1024, *ORDER, "--yes")


@pytest.mark.parametrize(
    ("replace", "reason"),
    [
        (("--term", "91"), "term"),
        (("--key", "rsa:1024"), "short"),
        (("--profile", "no such"), "profile"),
        (("--organization", "nobody"), "organization"),
        (("--custom-field", "Cost Centre="), "Cost Centre"),
    ],
)
def test_the_profile_rules(linked: Cli, sandbox: SandboxServer, replace: tuple[str, str], reason: str) -> None:
    words = list(ORDER)
    words[words.index(replace[0]) + 1] = replace[1]
    refused = linked("orders", "create", "--common-name", "ok.example.com", *words, "--yes", code={1, 2})
    assert reason.lower() in refused.err.lower()
    assert enrolments(sandbox) == 0


def test_without_a_terminal_nothing_is_sent_unasked(linked: Cli, sandbox: SandboxServer) -> None:
    refused = linked("orders", "create", "--common-name", "ask.example.com", *ORDER, code=2)
    assert "--yes" in refused.err
    assert enrolments(sandbox) == 0


def test_a_script_that_runs_twice_orders_once(linked: Cli, sandbox: SandboxServer) -> None:
    words = ("orders", "create", "--common-name", "twice.example.com", *ORDER, "--yes")
    first = linked.json(*words)
    refused = linked(*words, code=3)
    assert first["number"] in refused.err
    assert enrolments(sandbox) == 1
    linked(*words, "--again")
    assert enrolments(sandbox) == 2


def test_a_dry_run_sends_nothing(linked: Cli, sandbox: SandboxServer) -> None:
    shown = linked("orders", "create", "--common-name", "dry.example.com", *ORDER, "--dry-run")
    assert '"subjAltNames"' in shown.out
    assert enrolments(sandbox) == 0
    assert linked.json("orders", "list", "--all") == []


def test_a_wrong_password_is_sent_once_and_nothing_is_saved(cli: Cli, sandbox: SandboxServer, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong"
    wrong.touch(0o600)
    wrong.write_text("not-the-password\n")
    refused = link(cli, sandbox, wrong, code=1)
    assert "-16" in refused.err
    assert "not-the-password" not in refused.err
    counters = sandbox.control("state")
    assert counters["wrong_passwords"] == 1
    assert counters["requests"] <= 3
    assert cli("account", "show", code=1).err.startswith("kmptui: No SCM account is linked")


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"", "empty"), (b"a\nb\n", "more than one line"), (b"\xff\xfe", "not text"), (b"x" * 5000, "too long")],
    ids=["empty", "two lines", "bytes", "huge"],
)
def test_password_files(cli: Cli, sandbox: SandboxServer, tmp_path: Path, content: bytes, reason: str) -> None:
    file = tmp_path / "file"
    file.touch(0o600)
    file.write_bytes(content)
    assert reason in link(cli, sandbox, file, code=2).err
    assert sandbox.control("state")["requests"] == 0


def test_files_that_are_not_what_they_claim(linked: Cli, sandbox: SandboxServer, tmp_path: Path) -> None:
    empty, huge, junk = tmp_path / "empty", tmp_path / "huge", tmp_path / "junk"
    empty.touch()
    huge.write_bytes(b"x" * (1024 * 1024 + 1))
    junk.write_bytes(b"-----BEGIN CERTIFICATE REQUEST-----\nbm90aGluZw==\n-----END CERTIFICATE REQUEST-----\n")
    words = [word for word in ORDER if word not in {"--key", "ec:P-256"}]
    for file, reason in ((empty, "empty"), (huge, "too large"), (tmp_path, "not a regular file"), (junk, "CSR")):
        refused = linked("orders", "create", "--common-name", "f.example.com", "--csr", file, *words, "--yes", code=2)
        assert reason.lower() in refused.err.lower()
    assert enrolments(sandbox) == 0


def test_a_settings_file_with_a_typo(cli: Cli) -> None:
    cli.home.mkdir()
    (cli.home / "settings.toml").write_text("certificat_limit = 5\n")
    refused = cli("status", code=1)
    assert "certificate_limit" in refused.err


def test_a_home_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    refused = Cli(tmp_path / "file" / "home")("status", code=1)
    assert "KMPTUI_HOME" in refused.err


@pytest.mark.parametrize(
    "words", [("orders", "show", "o999"), ("certificates", "show", "c999"), ("orders", "show", "x")]
)
def test_what_is_not_there(linked: Cli, words: tuple[str, ...]) -> None:
    assert linked(*words, code=1).err.startswith("kmptui: ")


def test_an_unknown_command_suggests_one(cli: Cli) -> None:
    assert "Did you mean orders" in cli("order", code=2).err


def test_a_filter_with_an_unknown_field(linked: Cli) -> None:
    assert "status" in linked("orders", "list", "stauts:issued", code=2).err
