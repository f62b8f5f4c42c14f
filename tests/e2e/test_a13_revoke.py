"""Revoking acts on one certificate, by serial where its order had several; a second time it is already revoked; nothing
goes out in read-only mode."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.cli.conftest import Cli
from tests.cli.test_main_job import place
from tests.sandbox_fixtures import SandboxFactory
from tests.services.homes import asked

needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not here to judge")
NAME = "shop.example.com"
REASON = ("--reason-code", "4", "--reason", "replaced by a new key")


@needs_openssl
def test_the_older_of_two_by_commands(
    sandbox_factory: SandboxFactory, join: Callable[..., Cli], tmp_path: Path
) -> None:
    """Reissued in the console, both certificates here: the order is refused with both serials, the older one goes by
    its serial, the order stays valid, and openssl finds the serial in the list that the certificate names."""
    sandbox = sandbox_factory(certificates=2)
    sandbox.control("settings", {"crl_after": 3600})
    cli = join(sandbox)
    order = place(cli, sandbox, NAME)
    sandbox.control(f"orders/{order['ssl_id']}/reissue", {})
    sandbox.control("clock", {"advance": 86_400})
    cli("orders", "check", order["number"])
    newer, older = cli.json("certificates", "list", NAME, "--all")
    if newer["serial"] == order["serial"]:
        newer, older = older, newer
    refused = cli("orders", "revoke", order["number"], *REASON, "--confirm", NAME, code=1)
    assert older["serial"] in refused.err
    assert newer["serial"] in refused.err
    done = cli.json("certificates", "revoke", older["serial"], *REASON, "--confirm", older["serial"][-4:])
    assert done["certificate_id"] == older["id"]
    assert [line for line in asked(sandbox) if "/revoke" in line] == [
        f"POST /api/ssl/v1/revoke/serial/{older['serial']}"
    ]
    assert sandbox.control(f"orders/{order['ssl_id']}")["status"] == "Issued"
    assert cli.json("orders", "show", order["number"])["status"] == "issued"
    assert cli.json("certificates", "show", f"c{newer['id']}")["status"] == "valid"
    assert cli.json("certificates", "show", f"c{older['id']}")["status"] == "revoked"

    assert cli.json("certificates", "proofs", "--look", code=3)[0]["state"] == "waiting"
    sandbox.control("clock", {"advance": 3700})
    (proof,) = cli.json("certificates", "proofs", "--look")
    assert proof["state"] == "listed"
    (tmp_path / "x.crl").write_bytes(httpx.get(proof["url"], trust_env=False).content)
    judge = subprocess.run(
        ["openssl", "crl", "-in", tmp_path / "x.crl", "-inform", "DER", "-noout", "-text"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert older["serial"] in judge.stdout
    assert newer["serial"] not in judge.stdout
    again = cli("certificates", "revoke", older["serial"], *REASON)
    assert "already revoked" in again.out
    assert cli.json("audit", "verify")["intact"]


def test_revoked_by_a_colleague_meanwhile(sandbox_factory: SandboxFactory, join: Callable[..., Cli]) -> None:
    """SCM knows it as revoked, the store does not: told as already revoked, a success; then the store knows it, too."""
    sandbox = sandbox_factory(certificates=2)
    cli = join(sandbox)
    order = place(cli, sandbox, NAME)
    sandbox.control(f"orders/{order['ssl_id']}/revoke", {})
    done = cli.json("orders", "revoke", order["number"], *REASON, "--confirm", NAME)
    assert done["already"]
    assert cli.json("orders", "show", order["number"])["status"] == "revoked"
    assert [line for line in asked(sandbox) if "/revoke" in line] == []


def test_read_only_sends_nothing(sandbox_factory: SandboxFactory, join: Callable[..., Cli]) -> None:
    sandbox = sandbox_factory(certificates=2)
    cli = join(sandbox)
    order = place(cli, sandbox, NAME)
    cli("settings", "set", "read_only", "true")
    sandbox.control("reset", {"what": "counters"})
    number = order["number"]
    for words in (
        ("orders", "revoke", number, *REASON, "--confirm", NAME),
        ("certificates", "revoke", order["serial"], *REASON, "--confirm", NAME),
        ("orders", "cancel", number, "--message", "x", "--yes"),
        ("orders", "decline", number, "--message", "x", "--yes"),
        ("orders", "approve", number, "--message", "x", "--yes"),
        ("orders", "edit", number, "--comments", "x", "--yes"),
    ):
        assert "Read-only" in cli(*words, code=1).err
    assert asked(sandbox) == []
