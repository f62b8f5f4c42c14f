"""Who renewed what, when, why, and what became of it: by commands, on the screen, in files; and whether the record that
says so is whole."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from kmptui.config import Paths
from kmptui.sandbox.server import SandboxServer
from kmptui.services.renewal_audit import Wanted
from kmptui.services.workspace import Workspace
from kmptui.tui import present
from kmptui.tui.dialogs.write_list import WriteListDialog
from kmptui.tui.tabs.details_page import DetailsPage
from tests.cli.conftest import Cli
from tests.cli.test_main_job import place
from tests.e2e.keyboard import at_home, flat, press, tab, the_app
from tests.sandbox_fixtures import SandboxFactory
from tests.tui.acting import field, is_open, sees, shown, until

RENEW = "POST /ssl/v1/renewById"
EVIL = "=cmd|' /C calc'!A0"
HASH = 64
REFUSAL = {"code": -110, "description": "The CSR is not valid"}


@pytest.fixture
def scm(sandbox_factory: SandboxFactory) -> SandboxServer:
    return sandbox_factory(certificates=5)


@pytest.fixture
def renewed(
    join: Callable[..., Cli], scm: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> tuple[Cli, dict[str, dict[str, Any]]]:
    """One renewed by alice over SSH with sudo, one reissued, one that SCM refused, one without an answer; the orders
    that they were for, by their outcome."""
    cli = join(scm)
    old = {
        "renewed": place(cli, scm, "a1.example.com"),
        "reissued": place(cli, scm, "b1.example.com"),
        "refused": place(cli, scm, "c1.example.com"),
        "unconfirmed": place(cli, scm, "d1.example.com"),
    }
    monkeypatch.setenv("SUDO_USER", "alice")
    monkeypatch.setenv("SSH_CONNECTION", "192.0.2.7 50222 192.0.2.1 22")
    cli("orders", "renew", old["renewed"]["number"], "--yes")
    monkeypatch.delenv("SUDO_USER")
    monkeypatch.delenv("SSH_CONNECTION")
    cli("orders", "reissue", old["reissued"]["number"], "--reason", EVIL, "--yes")
    scm.control("clock", {"advance": 3600})
    cli("orders", "check", code={0, 3})
    refusal = {"kind": "status", "match": RENEW, "status": 400, "body": json.dumps(REFUSAL)}
    scm.control("faults", refusal)
    cli("orders", "renew", old["refused"]["number"], "--yes", code={1, 3})
    scm.control("faults", {"kind": "drop-after", "match": RENEW})
    cli("orders", "renew", old["unconfirmed"]["number"], "--yes", code={1, 3})
    return cli, old


def test_by_commands(
    renewed: tuple[Cli, dict[str, dict[str, Any]]], scm: SandboxServer, tmp_path: Path
) -> None:  # fmt: skip
    """By certificate: by whom, with which account, when, from which id, serial and end to which, why, and the outcome;
    never a secret."""
    cli, old = renewed
    before = old["renewed"]
    (line,) = cli.json("auto-renewal", "audit", "--certificate", before["number"])
    now = cli.json("orders", "show", f"o{line['order_id']}")
    assert line["outcome"] == "renewed"
    assert "alice (as " in line["actor"]
    assert line["actor"].startswith("cli ")
    assert line["actor"].endswith("from 192.0.2.7")
    assert line["account"] == f"{scm.login}@{scm.customer_uri}"
    assert abs(datetime.now(UTC) - datetime.fromisoformat(line["at"])).total_seconds() < 600
    assert (line["old_order_id"], line["old_ssl_id"], line["old_serial"], line["old_expires"]) == (
        before["id"], before["ssl_id"], before["serial"], before["expires"],
    )  # fmt: skip
    assert (line["ssl_id"], line["serial"], line["expires"]) == (now["ssl_id"], now["serial"], now["expires"])
    assert line["why"] == "asked for"
    assert line["serial"] != line["old_serial"]
    for wanted in ("a1.example.com", f"scm:{now['ssl_id']}", f"c{now['certificate_id']}", now["serial"]):
        assert cli.json("auto-renewal", "audit", "--certificate", wanted) == [line], wanted
    for outcome, order in old.items():
        (one,) = cli.json("auto-renewal", "audit", "--outcome", outcome)
        assert (one["old_order_id"], one["common_name"]) == (order["id"], order["common_name"])
    assert "-110" in cli.json("auto-renewal", "audit", "--outcome", "refused")[0]["cause"]
    (reissue,) = cli.json("auto-renewal", "audit", "--outcome", "reissued")
    assert reissue["order_id"] == reissue["old_order_id"]
    assert reissue["serial"] != reissue["old_serial"] == old["reissued"]["serial"]
    assert cli.json("auto-renewal", "audit", "--actor", "alice") == [line]
    assert cli.json("auto-renewal", "audit", "--to", "2020-01-01") == []
    cli("auto-renewal", "audit", "--outcome", "lost", code=2)
    cli("auto-renewal", "audit", "--certificate", "o999", code=1)
    cli("auto-renewal", "audit", "--from", "2026-02-01", "--to", "2026-01-01", code=2)
    told = cli("auto-renewal", "audit").out + cli("auto-renewal", "audit", "--json").out
    assert "a1.example.com" in told
    for secret in (scm.password, "PRIVATE KEY"):
        assert secret not in told


def test_files_of_a_range_of_days(renewed: tuple[Cli, dict[str, dict[str, Any]]], tmp_path: Path) -> None:
    """CSV and JSON hold the same; their sums are those of the ledger; what SCM or a person wrote is no formula."""
    cli, old = renewed
    today = datetime.now(UTC).date()
    out = tmp_path / "audit.json"
    days = ("--from", today, "--to", today)
    done = cli("auto-renewal", "audit", *days, "--export", out, "--format", "json")
    lines = json.loads(out.read_text())
    assert out.stat().st_mode & 0o777 == 0o600
    cells = cli("auto-renewal", "audit", *days, "--export", "-", "--format", "csv").out
    rows = list(csv.DictReader(io.StringIO(cells)))
    assert [row["seq"] for row in rows] == [str(line["seq"]) for line in lines]
    assert [row["outcome"] for row in rows] == [line["outcome"] for line in lines]
    assert any(row["why"] == f"'{EVIL}" for row in rows), [row["why"] for row in rows]
    assert not any(cell.startswith(("=", "+", "@")) for row in rows for cell in row.values())
    assert Counter(line["outcome"] for line in lines) == dict.fromkeys(old, 1)
    for outcome in old:
        assert f"1 {outcome}" in done.err
    states = {"renewed": "accepted", "reissued": "accepted"}
    with sqlite3.connect(Paths(cli.home).store) as db:
        ledger = dict(db.execute("SELECT state, count(*) FROM intents WHERE act <> 'order' GROUP BY 1").fetchall())
    assert ledger == Counter(states.get(line["outcome"], line["outcome"]) for line in lines)
    assert cli("auto-renewal", "audit", "--to", "2020-01-01", "--export", "-", "--format", "json").out == "[]\n"
    cli("auto-renewal", "audit", "--export", out, "--format", "json", code=2)  # never over a file that is there
    cli("auto-renewal", "audit", "--export", out, code=2)


TAMPERING = {
    "a changed byte": ("UPDATE audit SET reason = reason || 'x' WHERE seq = 5", 5),
    "a removed row": ("DELETE FROM audit WHERE seq = 6", 6),
    "an inserted row": (
        "UPDATE audit SET seq = -seq WHERE seq > 4; UPDATE audit SET seq = 1 - seq WHERE seq < 0;"
        "INSERT INTO audit SELECT 5, at, actor, account, action, phase, outcome, subject, order_id, certificate_id,"
        " reason, details, previous, hash FROM audit WHERE seq = 4",
        5,
    ),
    "swapped rows": (
        "UPDATE audit SET seq = 1000 WHERE seq = 3; UPDATE audit SET seq = 3 WHERE seq = 7;"
        "UPDATE audit SET seq = 7 WHERE seq = 1000",
        3,
    ),
}


def attack(home: Path, script: str) -> None:
    """As somebody with the file in hand would: first what guards the table, then the rows."""
    with sqlite3.connect(Paths(home).store) as db:
        guards = db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit'").fetchall()
        for (name,) in guards:
            db.execute(f"DROP TRIGGER {name}")
        db.executescript(script)
    db.close()


def test_the_record_is_whole_or_says_where_it_is_not(join: Callable[..., Cli], scm: SandboxServer) -> None:
    cli = join(scm)
    place(cli, scm, "a1.example.com")
    for number in range(4):
        cli("settings", "set", "concurrency", 2 + number)
    good = cli.json("audit", "verify")
    assert (good["intact"], len(good["head"])) == (True, HASH)
    assert good["rows"] > 8
    assert good["head"] in cli("audit", "verify").out
    kept = Paths(cli.home).store.read_bytes()
    for what, (script, first_bad) in TAMPERING.items():
        attack(cli.home, script)
        found = cli.json("audit", "verify", code=1)
        assert (found["intact"], found["first_bad"]) == (False, first_bad), what
        assert f"row {first_bad}" in cli("audit", "verify", code=1).out
        restore(cli.home, kept)
    assert cli.json("audit", "verify", "--head", good["head"]) == good
    attack(cli.home, f"DELETE FROM audit WHERE seq > {good['rows'] - 2}")
    assert cli.json("audit", "verify")["intact"], "a cut tail looks whole"
    cut = cli.json("audit", "verify", "--head", good["head"], code=1)
    assert (cut["intact"], cut["first_bad"]) == (False, good["rows"] - 1)


def restore(home: Path, kept: bytes) -> None:
    store = Paths(home).store
    for rest in store.parent.glob(f"{store.name}-*"):
        rest.unlink()
    store.write_bytes(kept)


async def test_the_head_is_in_the_log(paths: Paths) -> None:
    """Where it is shipped elsewhere, a cut tail is found by it."""
    async with await Workspace.open(paths, face="timer") as workspace:
        assert await workspace.record.head() == ""
        await workspace.change_settings(theme="light")
        head = await workspace.record.head()
        verdict = await workspace.record.verify(head)
    assert (verdict.intact, verdict.head) == (True, head)
    assert head in paths.log.read_text()


async def test_on_the_screen(
    renewed: tuple[Cli, dict[str, dict[str, Any]]], paths: Paths, scm: SandboxServer
) -> None:  # fmt: skip
    """The seventh tab, filtered by the order, says the same."""
    async with the_app(paths, size=(170, 40)) as (pilot, workspace):
        (line,) = (await workspace.renewal_audit.window(Wanted(outcome="refused"), 0, 9)).rows
        await at_home(pilot)
        audit = await tab(pilot, 7)
        await press(pilot, "slash", *f"id:o{line.order_id}", "enter")
        await sees(pilot, "refused")
        seen = flat(shown(pilot.app.screen))
        for words in ("c1.example.com", line.actor.split("@")[0], "-110"):
            assert words in seen
        assert audit.list.total in {1, 2}
        assert scm.password not in seen


async def test_details_files_and_proof_on_the_screen(
    renewed: tuple[Cli, dict[str, dict[str, Any]]], paths: Paths, tmp_path: Path
) -> None:  # fmt: skip
    """By certificate: who, with which account, when, old and new id, serial and end, why, and the outcome; the list as
    a file, whose sums are the ledger's; and whether the record is whole."""
    _, old = renewed
    async with the_app(paths) as (pilot, workspace):
        (line,) = (await workspace.renewal_audit.window(Wanted(outcome="renewed"), 0, 9)).rows
        await at_home(pilot)
        audit = await tab(pilot, 7)
        assert audit.list.total == len(old)
        await press(pilot, "slash", *"name:a1.example.com", "enter")
        await until(pilot, lambda: audit.list.total == 1)
        await press(pilot, "enter")
        told = flat(shown(await is_open(pilot, DetailsPage)))
        before = old["renewed"]
        for words in (
            "renew a1.example.com renewed", "alice (as ", "from 192.0.2.7", f"Account {line.account}", "Why asked for",
            f"Old order {before['number']} SCM id {before['ssl_id']}", f"New order o{line.order_id}",
            f"Old serial {present.serial(before['serial'])}", f"New serial {present.serial(line.serial)}",
            f"Old end {present.day(line.old_expires)}", f"New end {present.day(line.expires)}",
        ):  # fmt: skip
            assert words in told, (words, told)
        await press(pilot, "escape", "escape", "w")
        dialog = await is_open(pilot, WriteListDialog)
        field(dialog, "format").choose("json")
        field(dialog, "out").value = str(tmp_path / "renewals.json")
        await press(pilot, "ctrl+y")
        await sees(pilot, f"{len(old)} rows written to")
        written = json.loads((tmp_path / "renewals.json").read_text())
        assert Counter(one["outcome"] for one in written) == dict.fromkeys(old, 1)
        assert (await workspace.renewal_audit.sums()).outcomes == dict.fromkeys(old, 1)
        await press(pilot, "v")
        await sees(pilot, "The audit is intact")
        assert (await workspace.record.head())[:16] in flat(shown(pilot.app.screen)).replace(" ", "")
