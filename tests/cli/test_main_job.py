"""From a new home to a keystore on the disk, by commands alone."""

from __future__ import annotations

import json
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest

from kmptui.sandbox.server import SandboxServer
from tests.cli.conftest import ORDER, Cli, link

needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not here to judge")
needs_keytool = pytest.mark.skipif(shutil.which("keytool") is None, reason="keytool is not here to judge")


def place(cli: Cli, sandbox: SandboxServer, name: str, *more: object) -> dict[str, Any]:
    """Order, let the CA issue, fetch: the order's JSON."""
    placed = cli.json("orders", "create", "--common-name", name, *ORDER, *more, "--yes")
    sandbox.control("clock", {"advance": 3600})
    (line,) = cli.json("orders", "check", placed["number"])
    assert line["outcome"] == "collected"
    order: dict[str, Any] = cli.json("orders", "show", placed["number"])
    return order


def test_link_mirror_show(cli: Cli, sandbox: SandboxServer, password_file: Path) -> None:
    done = link(cli, sandbox, password_file, "--json")
    assert json.loads(done.out)["mrao"] is True
    assert "key file" in done.err
    assert sandbox.password not in done.out + done.err
    shown = cli.json("account", "show")
    assert shown["kind"] == "sandbox"
    assert len(cli.json("organizations", "list")) == 8
    assert len(cli.json("domains", "list")) == 25
    profiles = cli.json("profiles", "list")
    assert {row["name"] for row in profiles} >= {"DV SSL", "OV SSL", "OV Multi-Domain SSL"}
    assert all({"id", "status", "terms", "keys"} <= row.keys() for row in profiles)
    domain = cli.json("domains", "show", "example.com")
    assert domain["delegations"]
    assert domain["status"] == "validated"
    assert cli.json("account", "test")["login"] == sandbox.login


def test_import_proves_the_count_and_can_be_repeated(linked: Cli, sandbox: SandboxServer) -> None:
    first = linked.json("orders", "import", "--no-fetch", code=0)
    assert first["complete"]
    assert first["seen"] == first["server_count"] == first["new"]
    again = linked.json("orders", "import", "--no-fetch")
    assert (again["new"], again["same"]) == (0, first["seen"])
    gone = linked.json("orders", "list", "--all")[0]["number"]
    linked("orders", "delete", gone, "--yes")
    assert linked.json("orders", "import", "--no-fetch")["kept_deleted"] == 1
    assert linked.json("orders", "import", "--no-fetch", "--include-deleted")["kept_deleted"] == 0
    assert len(linked.json("orders", "list", "--all")) == first["seen"]


@needs_openssl
def test_order_fetch_export(linked: Cli, sandbox: SandboxServer, tmp_path: Path) -> None:
    order = place(linked, sandbox, "cli.example.com", "--san", "www.cli.example.com,CLI.example.com.")
    assert order["names"] == ["cli.example.com", "www.cli.example.com"]
    assert order["status"] == "issued"
    assert {
        "id", "ssl_id", "order_number", "common_name", "names", "status", "organization", "profile", "requested",
        "expires", "serial", "certificate_id",
    } <= order.keys()  # fmt: skip
    certificate = linked.json("certificates", "show", f"c{order['certificate_id']}")
    assert certificate["has_key"]
    assert certificate["serial"] == order["serial"]
    assert certificate["order_id"] == order["id"]
    secret = tmp_path / "pw"
    secret.touch(0o600)
    secret.write_text("correct-horse-battery\n")
    out = tmp_path / "cli.p12"
    done = linked.json("certificates", "export", "cli.example.com", "--out", out, "--password-file", secret)
    assert done["path"] == str(out)
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    judge = subprocess.run(
        ["openssl", "pkcs12", "-in", out, "-passin", f"file:{secret}", "-nodes"], capture_output=True, text=True
    )
    assert judge.returncode == 0, judge.stderr
    assert judge.stdout.count("BEGIN CERTIFICATE") >= 2
    assert "BEGIN PRIVATE KEY" in judge.stdout
    refused = linked("certificates", "export", "cli.example.com", "--out", out, "--password-file", secret, code=2)
    assert "--replace" in refused.err
    leaf = linked("certificates", "export", "cli.example.com", "--format", "pem", "--only", "leaf", "--out", "-").data
    assert leaf.count(b"BEGIN CERTIFICATE") == 1
    (tmp_path / "leaf.pem").write_bytes(leaf)
    found = linked.json("find", tmp_path / "leaf.pem")
    assert found[0]["certificate_id"] == order["certificate_id"]


@needs_keytool
def test_a_java_keystore(linked: Cli, sandbox: SandboxServer, tmp_path: Path) -> None:
    place(linked, sandbox, "java.example.com", "--keystore", "jks", "--generate-password")
    out = tmp_path / "java.jks"
    linked("certificates", "export", "java.example.com", "--format", "jks", "--out", out, "--alias", "web")
    secret = tmp_path / "pw"
    shown = linked("certificates", "export", "java.example.com", "--format", "jks", "--out", tmp_path / "two.jks",
                   "--generate-password")  # fmt: skip
    secret.write_text(shown.err.rsplit("shown once): ", 1)[1].splitlines()[0])
    judge = subprocess.run(
        ["keytool", "-list", "-keystore", tmp_path / "two.jks", "-storepass:file", secret],
        capture_output=True,
        text=True,
    )
    assert judge.returncode == 0, judge.stdout + judge.stderr
    assert "PrivateKeyEntry" in judge.stdout


@needs_openssl
def test_own_csr_and_attached_key(linked: Cli, sandbox: SandboxServer, tmp_path: Path) -> None:
    key, csr = tmp_path / "own.key", tmp_path / "own.csr"
    subprocess.run(
        ["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key,
         "-out", csr, "-subj", "/CN=own.example.com", "-addext", "subjectAltName=DNS:own.example.com"],
        check=True, capture_output=True,
    )  # fmt: skip
    words = [word for word in ORDER if word not in {"--key", "ec:P-256"}]
    placed = linked.json("orders", "create", "--common-name", "own.example.com", "--csr", csr, *words, "--yes")
    sandbox.control("clock", {"advance": 3600})
    linked("orders", "check", placed["number"])
    assert linked.json("certificates", "show", "own.example.com")["has_key"] is False
    assert "key" in linked("certificates", "export", "own.example.com", "--out", tmp_path / "x.p12", code=1).err
    stranger = tmp_path / "stranger.key"
    subprocess.run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", stranger],
                   check=True, capture_output=True)  # fmt: skip
    linked("certificates", "attach-key", "own.example.com", "--key-file", stranger, code=2)
    assert linked.json("certificates", "show", "own.example.com")["has_key"] is False
    linked("certificates", "attach-key", "own.example.com", "--key-file", key)
    assert linked.json("certificates", "show", "own.example.com")["has_key"] is True


def test_the_limit_keeps_out_and_lets_in(linked: Cli, sandbox: SandboxServer) -> None:
    place(linked, sandbox, "first.example.com")
    linked("settings", "set", "certificate_limit", "1")
    second = linked.json("orders", "create", "--common-name", "second.example.com", *ORDER, "--yes")
    sandbox.control("clock", {"advance": 3600})
    (line,) = linked.json("orders", "check", second["number"], code=3)
    assert line["outcome"] == "not added"
    assert "1 of 1" in line["words"]
    assert linked.json("orders", "show", second["number"])["status"] == "issued, not added"
    linked("settings", "set", "certificate_limit", "2")
    assert linked.json("orders", "check")[0]["outcome"] == "collected"


def test_what_the_limit_holds_back_is_told_each_time(linked: Cli) -> None:
    linked("settings", "set", "certificate_limit", "5")
    first = linked.json("orders", "import", code=3)
    assert first["fetched"] == 5
    assert first["not_added"] > 0
    again = linked.json("orders", "import", code=3)
    assert again["not_added"] == first["not_added"]


def test_the_record(linked: Cli, sandbox: SandboxServer, tmp_path: Path) -> None:
    place(linked, sandbox, "record.example.com")
    verdict = linked.json("audit", "verify")
    head = linked("audit", "verify", "--head", verdict["head"]).out
    assert head.startswith("ok")
    assert verdict["intact"]
    rows = json.loads(linked("audit", "export", "--format", "json").out)
    assert len(rows) == verdict["rows"]
    ours = [row for row in rows if row["action"] == "order"]
    assert [row["phase"] for row in ours] == ["intent", "outcome"]
    assert all("cli" in row["actor"] for row in ours)
    linked("audit", "export", "--format", "csv", "--out", tmp_path / "audit.csv")
    assert len((tmp_path / "audit.csv").read_text().splitlines()) == len(rows) + 1


def test_status_doctor_settings_vault(linked: Cli) -> None:
    assert set(linked.json("status", code={0, 3})) >= {"needs", "facts", "as_of"}
    checks = linked.json("doctor")
    assert {check["state"] for check in checks} <= {"ok", "note", "skipped"}
    assert linked.json("settings", "get", "concurrency") == 8
    linked("settings", "set", "theme", "light")
    assert linked.json("settings", "list")["theme"] == "light"
    assert linked.json("vault", "status")["slots"] == ["key file"]
