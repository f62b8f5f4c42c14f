"""Renewing and reissuing by commands alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kmptui.sandbox.server import SandboxServer
from tests.cli.conftest import Cli, link
from tests.cli.test_main_job import place
from tests.sandbox_fixtures import SandboxFactory
from tests.services.steps import csr


@pytest.fixture
def sandbox(sandbox_factory: SandboxFactory) -> SandboxServer:
    return sandbox_factory(certificates=5)


@pytest.fixture
def linked(cli: Cli, sandbox: SandboxServer, password_file: Path) -> Cli:
    link(cli, sandbox, password_file)
    return cli


def orders(sandbox: SandboxServer, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = sandbox.control(f"orders?name={name}")
    return found


def test_renew_one(linked: Cli, sandbox: SandboxServer, tmp_path: Path) -> None:
    old = place(linked, sandbox, "a1.example.com")
    number = old["number"]
    seen = linked("orders", "renew", number, "--dry-run", "--json")
    (preview,) = json.loads(seen.out)
    assert (preview["serial"], preview["blocked"]) == (old["serial"], None)
    assert "a new EC P-256 key" in preview["key"]
    asked = linked("orders", "renew", number, code=2)
    assert "--yes" in asked.err
    assert old["serial"] in asked.err  # named before it asks
    assert len(orders(sandbox, "a1.example.com")) == 1
    sandbox.control("settings", {"issue_after": 0})
    (done,) = linked.json("orders", "renew", number, "--yes", "--wait", "20")
    assert (done["id"], done["ok"], done["status"]) == (old["id"], True, "issued")
    assert done["serial"] != old["serial"]
    again = linked("orders", "renew", number, "--yes")
    assert "renewed already" in again.out
    assert len(orders(sandbox, "a1.example.com")) == 2
    shown = linked.json("orders", "show", f"o{done['renewal']}")
    assert [one["serials"] for one in shown["versions"]] == [[old["serial"]], [done["serial"]]]
    assert (shown["previous_id"], shown["next_id"]) == (old["id"], None)
    assert f"{number} issued" in linked("orders", "show", f"o{done['renewal']}").out
    own = tmp_path / "own.csr"
    own.write_text(csr("a1.example.com").pem)
    (by_csr,) = linked.json("orders", "renew", f"o{done['renewal']}", "--csr", own, "--yes")
    assert by_csr["ok"]


def test_wrong_usage_sends_nothing(linked: Cli, sandbox: SandboxServer) -> None:
    place(linked, sandbox, "a1.example.com")
    place(linked, sandbox, "b1.example.com")
    sandbox.control("reset", {"what": "counters"})
    for words in (
        (),
        ("a1.example.com", "--blocked"),
        ("--filter", "example.com"),
        ("--filter", "example.com", "--max", "1"),
        ("a1.example.com", "--same-key", "--key", "rsa:2048"),
        ("a1.example.com", "b1.example.com", "--csr", __file__),
        ("a1.example.com", "--stop-after", "0"),
    ):
        linked("orders", "renew", *words, "--yes", code=2)
    linked("orders", "renew", "nowhere.example.com", "--yes", code=1)
    linked("orders", "reissue", "a1.example.com", "--yes", code=2)
    linked("orders", "reissue", "a1.example.com", "--reason", "x", "--remove-san", "z.example.com", "--yes", code=2)
    linked("orders", "reissue", "a1.example.com", "--reason", "x", code=2)
    assert sandbox.control("requests") == []


def test_many_by_filter_and_what_was_blocked(linked: Cli, sandbox: SandboxServer) -> None:
    names = [f"n{number}.example.com" for number in range(3)]
    old = [place(linked, sandbox, name) for name in names]
    sandbox.control(f"orders/{old[1]['ssl_id']}/revoke", {})
    sandbox.control("profiles/2102", {"terms": []})
    sandbox.control("faults", {"kind": "status", "match": "POST /ssl/v1/renewById", "status": 502, "count": 1})
    sandbox.control("profiles/2102", {"terms": [90, 199]})
    done = linked.json("orders", "renew", "--filter", "n status:issued", "--max", "5", "--yes", code=3)
    ledgers = {row["common_name"]: (row["ledger"], row["ok"]) for row in done}
    assert ledgers[names[1]] == (None, False)
    assert sorted(ledgers[name][0] for name in (names[0], names[2])) == ["accepted", "unconfirmed"]
    assert all(len(orders(sandbox, name)) <= 2 for name in names)
    assert linked("orders", "renew", "--blocked", "--yes").out.count("\n") == 1  # the unconfirmed one is not repeated


def test_blocked_by_its_domain_and_tried_again(linked: Cli, sandbox: SandboxServer) -> None:
    old = place(linked, sandbox, "a1.example.com")
    sandbox.control("domains/example.com", {"expires": "2020-01-01"})
    linked("sync", "domains")
    (stopped,) = linked.json("orders", "renew", old["number"], "--yes", code=2)
    assert "DCV" in stopped["words"]
    linked.json("orders", "renew", old["number"], "--despite-mirror", "--yes", code=1)
    assert linked.json("orders", "show", old["number"])["status"] == "issued"
    sandbox.control("domains/example.com", {"expires": "2027-06-01"})
    (done,) = linked.json("orders", "renew", "--blocked", "--yes")
    assert (done["id"], done["ok"]) == (old["id"], True)


def test_reissue(linked: Cli, sandbox: SandboxServer) -> None:
    old = place(linked, sandbox, "a1.example.com", "--san", "b1.example.com")
    words = ("orders", "reissue", old["number"], "--reason", "a key was lost", "--add-san", "c1.example.com",
             "--remove-san", "b1.example.com")  # fmt: skip
    preview = linked.json(*words, "--dry-run")
    assert (preview["added"], preview["removed"]) == (["c1.example.com"], ["b1.example.com"])
    body = json.loads(preview["body"])
    assert body["subjectAlternativeNames"] == ["a1.example.com", "c1.example.com"]
    asked = linked(*words, code=2)
    assert old["serial"] in asked.err
    pending = linked.json(*words, "--yes")
    assert (pending["status"], pending["certificate_id"]) == ("reissue under way", old["certificate_id"])
    assert linked("orders", "watch", old["number"], "--wait", "0", code=3).out.strip().endswith("reissue under way")
    assert linked.json("orders", "list", "open:yes")[0]["status"] == "reissue under way"
    linked(*words[:5], "--yes", code=1)  # one is under way
    sandbox.control("clock", {"advance": 3600})
    (line,) = linked.json("orders", "check")
    assert line["outcome"] == "collected"
    done = linked.json("orders", "show", old["number"])
    assert (done["status"], done["reissuing"], done["id"]) == ("issued", None, old["id"])
    (version,) = done["versions"]
    assert version["serials"] == [done["serial"], old["serial"]]
