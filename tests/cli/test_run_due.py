"""`run-due` and `auto-renewal` as scripts and timers use them: what they print, and how they exit."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from kmptui.cli.run_due import exit_code
from kmptui.services.runs import LISTS, RunLine, RunReport
from tests.cli.conftest import Cli, link
from tests.sandbox_fixtures import SandboxFactory
from tests.services.homes import asked
from tests.store.making import NOW

DUE = ("soon3.example.com", "soon9.example.com", "grades.example.edu")
CODE = """
import sys
from kmptui.cli.main import kmptui
try:
    kmptui.main(["run-due"], prog_name="kmptui")
except SystemExit as end:
    print("EXIT", end.code)
print("LOADED", *[name for name in ("textual", "rich") if name in sys.modules])
"""


@pytest.fixture
def filled(cli: Cli, sandbox_factory: SandboxFactory, tmp_path: Path):
    """Linked, mirrored, imported; the sandbox with it."""
    sandbox = sandbox_factory(certificates=48)
    file = tmp_path / "scm-password"
    file.touch(0o600)
    file.write_text(sandbox.password + "\n")
    link(cli, sandbox, file)
    cli("sync")
    cli("orders", "import")
    return cli, sandbox


def test_nothing_due(filled) -> None:
    """Exit code 0, one line, no request; a process of its own loads no terminal toolkit for it."""
    cli, sandbox = filled
    sandbox.control("reset", {"what": "counters"})
    run = cli("run-due")
    assert run.out.count("\n") == 1
    assert run.out.startswith("Nothing is due; next ")
    alone = subprocess.run(
        [sys.executable, "-c", CODE], capture_output=True, text=True, check=True,
        env={"PATH": os.environ["PATH"], "KMPTUI_HOME": str(cli.home), "HOME": str(cli.home)},
    )  # fmt: skip
    line, *rest = alone.stdout.splitlines()
    assert (line.split(";")[0], rest) == ("Nothing is due", ["EXIT 0", "LOADED"])
    assert asked(sandbox) == []
    assert cli.json("audit", "list")[0]["actor"].startswith("cli ")


def test_chosen_planned_renewed(filled) -> None:
    """By hand and by rules; the plan says what will be done, the run does it, in the name of the timer."""
    cli, sandbox = filled
    assert cli.json("auto-renewal", "show")["on"] is False
    cli("auto-renewal", "select", *DUE, "crm.legacy.example.com")
    plan = cli.json("auto-renewal", "plan", code=3)
    assert {line["cause"] for line in plan} == {"automatic renewal is switched off"}
    assert "Nothing is due" in cli("run-due").out
    assert "4 certificates are chosen" in cli("auto-renewal", "enable").err
    shown = cli.json("auto-renewal", "show")
    assert (shown["on"], shown["chosen"], shown["schedule"]["missed"]) == (True, 4, False)
    plan = {line["common_name"]: line for line in cli.json("auto-renewal", "plan", code=3)}
    assert {name for name, line in plan.items() if line["verdict"] == "due"} == set(DUE)
    assert plan["crm.legacy.example.com"]["cause"].startswith("DCV of legacy.example.com ended on ")
    assert [line["common_name"] for line in cli.json("auto-renewal", "plan", "legacy", "BLOCKED", code=3)] == [
        "crm.legacy.example.com"
    ]
    cli("auto-renewal", "plan", "--export", "-", code=2)
    head, *lines = cli("auto-renewal", "plan", "--export", "-", "--format", "csv").out.splitlines()
    assert head == "order_id,common_name,expires,verdict,reason,due,next,cause,cure,week"
    assert {line.split(",")[1] for line in lines} == set(plan)
    done = cli.json("run-due", code=3)
    assert {line["common_name"] for line in done["done"] if line["job"] == "renewal"} == set(DUE)
    assert [line["common_name"] for line in done["blocked"]] == ["crm.legacy.example.com"]
    intents = [row for row in cli.json("audit", "list") if row["action"] == "renew" and row["phase"] == "intent"]
    assert {row["actor"].split()[0] for row in intents} == {"timer"}
    sandbox.control("clock", {"advance": 60})
    text = cli("run-due", code=3)
    assert "collected: in the repository" in text.out
    assert "BLOCKED: o" in text.out
    cli("auto-renewal", "deselect", "crm.legacy.example.com")
    assert "Nothing is due" in cli("run-due").out


def test_rules(filled) -> None:
    cli, _ = filled
    added = cli.json("auto-renewal", "rule", "add", "--organization", "Example Corporation")
    assert 0 < added["matches"] < added["of"]
    everything = cli("auto-renewal", "rule", "add", "--name", "*", "--except")
    assert "every certificate here" in everything.err
    assert cli.json("auto-renewal", "plan") == []
    assert "matches none" in cli("auto-renewal", "rule", "add", "--name", "*.invalid").err
    listed = cli.json("auto-renewal", "rule", "list")
    assert [(rule["kind"], rule["except"]) for rule in listed] == [
        ("organization", False), ("name", True), ("name", False),
    ]  # fmt: skip
    cli("auto-renewal", "rule", "remove", listed[1]["id"])
    plan = cli.json("auto-renewal", "plan", code={0, 3})
    assert len([line for line in plan if "given up" not in line["reason"]]) == added["matches"]
    cli("auto-renewal", "rule", "remove", 99, code=1)
    cli("auto-renewal", "rule", "add", "--name", "*", "--profile", "OV SSL", code=2)
    cli("auto-renewal", "rule", "add", code=2)


def test_days(filled) -> None:
    """What is no number, none, a whole term or more is refused with the reason; above a third is warned of."""
    cli, _ = filled
    for wrong in ("ten", "0", "-1", "400", "199"):
        refused = cli("auto-renewal", "set", "--days-before", wrong, code=2)
        assert "days" in refused.err
    cli("auto-renewal", "select", "cron.example.net")
    assert "47 days" in cli("auto-renewal", "set", "--days-before", "47", code=2).err
    assert "47 days" in cli("settings", "set", "renew_days_before", "47", code=2).err
    warned = cli("auto-renewal", "set", "--days-before", "20")
    assert "more than a third of the lifetime" in warned.err
    cli("auto-renewal", "set", "--days-before", "14", "--beside-scm")
    shown = cli.json("auto-renewal", "show")
    assert (shown["days_before"], shown["beside_scm"]) == (14, True)
    cli("auto-renewal", "set", code=2)


def test_another_runner_has_the_lease(filled) -> None:
    """Exit code 4, and by whom it is held; a runner that was killed holds nothing."""
    cli, _ = filled
    code = (
        "import asyncio, sys\n"
        "from kmptui.config import Paths\n"
        "from kmptui.services.workspace import Workspace\n"
        "async def main():\n"
        "    async with await Workspace.open(Paths.from_environment(), face='timer') as opened:\n"
        "        async with opened.schedule._claiming.lease():\n"
        "            print('held', flush=True)\n"
        "            await asyncio.sleep(600)\n"
        "asyncio.run(main())\n"
    )
    env = {"PATH": os.environ["PATH"], "KMPTUI_HOME": str(cli.home), "PYTHONPATH": os.pathsep.join(sys.path)}
    holder = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=env)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        held = cli.json("run-due", code=4)
        assert f"process {holder.pid}" in held["held"][0]["words"]
    finally:
        holder.kill()
        holder.communicate()
    assert cli("run-due").out.startswith("Nothing is due")
    rows = cli.json("audit", "list")
    assert rows[0]["action"] == "take over"
    numbers = [row["seq"] for row in rows]
    assert numbers == list(range(numbers[0], 0, -1))
    few = [row["seq"] for row in cli.json("audit", "list", "--most", 2)]
    assert few == numbers[:2], "of a record that is longer the newest are shown"


@pytest.mark.parametrize(
    ("lists", "code"),
    [((), 0), (("done",), 0), (("done", "waiting"), 3), (("blocked", "deferred"), 3), (("deferred", "waiting"), 4),
     (("held",), 4), (("failed", "blocked", "deferred"), 1)],
)  # fmt: skip
def test_exit_codes(lists: tuple[str, ...], code: int) -> None:
    line = (RunLine("renewal", "words"),)
    report = RunReport(NOW, NOW, **dict.fromkeys(lists, line))
    assert exit_code(report) == code
    assert set(lists) <= set(LISTS)


def test_without_an_account(cli: Cli) -> None:
    assert "No SCM account is linked" in cli("run-due", code=1).err
