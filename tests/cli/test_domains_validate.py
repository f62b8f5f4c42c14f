"""Validating a domain from a script: the record to publish, the exit codes, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from kmptui.sandbox.server import SandboxServer
from tests.cli.conftest import ORDER, Cli

LEGACY = "legacy.example.com"


def posts(sandbox: SandboxServer) -> list[str]:
    """What changed something at SCM, or was to."""
    asked = [one["path"] for one in sandbox.control("requests") if one["method"] == "POST"]
    return [path for path in asked if "/dcv" in path and not path.endswith("/validation/status")]


def test_from_ended_to_validated(linked: Cli, sandbox: SandboxServer) -> None:
    known = linked.json("domains", "show", LEGACY)
    assert (known["status"], known["blocks"]["certificates"]) == ("expired", 0)
    assert "kmptui domains validate" in linked("domains", "show", LEGACY).err
    assert linked.json("domains", "check", LEGACY, code=3)["step"] == "start"

    start = ("domains", "validate", LEGACY, "--method", "cname")
    assert "--yes" in linked(*start, code=2).err, "without a terminal nothing is started unasked"
    assert "start by cname" in linked(*start, "--dry-run").err
    assert posts(sandbox) == []
    started = linked(*start, "--yes", code=3)
    record = linked.json("domains", "check", LEGACY, code=3)["record"]
    assert record["zone_line"] == f"{record['host']} IN CNAME {record['value']}"
    assert record["zone_line"] in started.out
    assert f"kmptui domains validate {LEGACY} --method cname --submit" in started.err

    sandbox.control(f"domains/{LEGACY}", {"published": False})
    waiting = linked.json("domains", "validate", LEGACY, "--submit", "--yes", code=3)
    assert waiting["step"] == "await"
    assert linked("domains", "validate", LEGACY, "--look", "--yes", code=3).err.rstrip().endswith("--look")
    sandbox.control(f"domains/{LEGACY}", {"published": True})
    sandbox.control("clock", {"advance": 60})
    done = linked.json("domains", "validate", LEGACY, "--look", "--wait", 5, "--yes")
    assert (done["step"], done["status"]) == ("done", "validated")
    assert linked.json("domains", "show", LEGACY)["status"] == "validated"
    assert linked.json("domains", "check", LEGACY)["step"] == "done"


def test_by_txt_the_record_comes_quoted(linked: Cli, sandbox: SandboxServer) -> None:
    words = ("domains", "validate", "new.example.com", "--method", "txt", "--yes")
    linked(*words, code=3)
    assert '_pki-validation.new.example.com. IN TXT "' in linked(*words, "--submit", code=3).out
    sandbox.control("clock", {"advance": 60})
    assert linked.json("domains", "check", "new.example.com")["step"] == "done"


def test_by_mail_the_mailboxes_are_told_first(linked: Cli) -> None:
    words = ("domains", "validate", LEGACY, "--method", "email", "--yes")
    started = linked(*words, code=3)
    assert f"hostmaster@{LEGACY}" in started.out
    assert "--email MAILBOX" in started.err
    assert "mailbox is missing" in linked(*words, "--submit", code=2).err
    linked(*words, "--submit", "--email", f"hostmaster@{LEGACY}", code=3)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ((LEGACY,), "--method"),
        ((LEGACY, "--method", "pigeon"), "pigeon"),
        ((LEGACY, "--submit", "--look"), "exclude"),
    ],
)
def test_wrong_usage_sends_nothing(linked: Cli, sandbox: SandboxServer, words: tuple[str, ...], reason: str) -> None:
    assert reason in linked("domains", "validate", *words, "--yes", code=2).err
    assert posts(sandbox) == []


def test_what_scm_refuses_or_forbids(linked: Cli, sandbox: SandboxServer) -> None:
    assert "nowhere.example" in linked("domains", "validate", "nowhere.example", "--method", "txt", code=1).err
    refused = linked("domains", "validate", "old.example.net", "--method", "cname", "--yes", code=1)
    assert "not active" in refused.err
    sandbox.control("faults", {"kind": "drop-after", "match": "POST /dcv/v1/validation/start/domain/cname"})
    lost = linked("domains", "validate", LEGACY, "--method", "cname", "--yes", code=3)
    assert "not known" in lost.err
    assert len([path for path in posts(sandbox) if path.endswith("start/domain/cname")]) == 2
    linked("settings", "set", "read_only", "true")
    assert "Read-only" in linked("domains", "validate", LEGACY, "--method", "cname", "--yes", code=1).err


def test_the_validation_of_a_waiting_order(linked: Cli, sandbox: SandboxServer) -> None:
    sandbox.control("settings", {"prevalidation": False})
    sandbox.control("domains/shop.example.com", {"expires": None})
    words = ("orders", "create", "--common-name", "a.shop.example.com", *ORDER, "--despite-mirror", "--yes")
    number = linked.json(*words)["number"]
    found = linked.json("orders", "dcv", number, code=3)
    assert [one["domain"] for one in found["instructions"]] == ["shop.example.com"]
    assert "shop.example.com" in linked("orders", "dcv", number, code=3).out
    assert "look again" in linked("orders", "dcv", number, "--recheck", "--dry-run").err
    assert not [path for path in posts(sandbox) if path.endswith("/recheck")]
    linked("orders", "dcv", number, "--recheck", "--yes", code=3)
    sandbox.control("domains/shop.example.com", {"validate": True})
    assert linked.json("orders", "dcv", number)["instructions"] == []


def test_a_role_without_the_privilege(cli: Cli, sandbox: SandboxServer, tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text(sandbox.password_of("raossl-api"))
    cli(
        "account", "link", "--base-url", sandbox.base_url, "--login", "raossl-api",
        "--customer-uri", sandbox.customer_uri, "--password-file", file,
    )  # fmt: skip
    assert "allowDCV" in cli("domains", "validate", "example.edu", "--method", "cname", "--yes", code=1).err
    assert posts(sandbox) == []
