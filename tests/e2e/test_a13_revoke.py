"""Revoking acts on one certificate, by serial where its order had several; a second time it is already revoked; nothing
goes out in read-only mode."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from kmptui.config import Paths, Settings
from kmptui.sandbox.server import SandboxServer
from kmptui.tui.dialogs.delete import DeleteDialog
from kmptui.tui.dialogs.revoke import RevokeDialog
from tests.cli.conftest import Cli
from tests.cli.test_main_job import place
from tests.e2e.keyboard import at_home, at_rest, first_line, flat, press, tab, the_app
from tests.sandbox_fixtures import SandboxFactory
from tests.services.homes import asked
from tests.tui.acting import field, is_open, sees, shown, until

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


def test_on_the_keyboard(sandbox_factory: SandboxFactory, join: Callable[..., Cli], paths: Paths) -> None:
    """Only by Actions; the chord is off until reason and common name are typed; a second time it is already revoked; in
    read-only mode the first line says so, and nothing that writes is possible."""
    sandbox = sandbox_factory(certificates=2)
    order = place(join(sandbox), sandbox, NAME)
    asyncio.run(_revoked_by_keys(paths, sandbox, order))
    revocations = [line for line in asked(sandbox) if "/revoke" in line]
    assert len(revocations) == 1
    asyncio.run(_read_only(paths, sandbox))


async def _revoked_by_keys(paths: Paths, sandbox: SandboxServer, order: dict[str, Any]) -> None:
    async with the_app(paths) as (pilot, workspace):
        await at_home(pilot)
        orders = await tab(pilot, 5)
        await press(pilot, "slash", *f"id:{order['number']}", "enter")
        await until(pilot, lambda: orders.list.total == 1)
        await press(pilot, "a", *"revoke", "enter")
        dialog = await is_open(pilot, RevokeDialog)
        said = flat(shown(dialog))
        assert "It is the only live certificate of shop.example.com" in said
        assert "It cannot be undone." in said
        for reason, typed in (("", NAME), ("lost laptop", "shop"), ("lost laptop", order["serial"][-4:])):
            field(dialog, "reason").value, field(dialog, "confirm").value = reason, typed
            await at_rest(pilot)
            assert "ctrl+y Revoke (off" in flat(shown(dialog))
            await press(pilot, "ctrl+y")
        assert [line for line in asked(sandbox) if "/revoke" in line] == []
        field(dialog, "reason_code").choose(4)
        field(dialog, "confirm").value = NAME
        await at_rest(pilot)
        await press(pilot, "ctrl+y")
        await sees(pilot, "shop.example.com is revoked: SCM says so")
        await press(pilot, "escape")
        await is_open(pilot, DeleteDialog)
        await press(pilot, "escape")
        await at_rest(pilot)
        assert sandbox.control(f"orders/{order['ssl_id']}")["status"] == "Revoked"
        assert (await workspace.lists.order(order["id"])).row.state == "revoked"
        await press(pilot, "a", *"revoke", "enter")
        await sees(pilot, "it is revoked already")


async def _read_only(paths: Paths, sandbox: SandboxServer) -> None:
    sandbox.control("reset", {"what": "counters"})
    async with the_app(paths, Settings(read_only=True)) as (pilot, _):
        await at_home(pilot)
        await tab(pilot, 5)
        assert " READ-ONLY " in first_line(pilot)
        below = pilot.app.screen
        for key in ("r", "i", "N", "n"):
            await press(pilot, key)
            await at_rest(pilot)
            assert pilot.app.screen is below, key
            assert "read-only: nothing is changed in SCM" in shown(below)
    assert [line for line in asked(sandbox) if not line.startswith("GET")] == []


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
