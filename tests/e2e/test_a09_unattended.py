"""Unattended renewal on a jump host: the timer's own command line, one home with the screen, bad nights, slept-through
slots."""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import subprocess
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from kmptui.cli import units
from kmptui.config import Paths
from kmptui.domain.listing import Query, Topic
from kmptui.domain.renewable import RenewalRequest
from kmptui.errors import HeldElsewhere, StateForbids
from kmptui.sandbox.server import SandboxServer
from kmptui.services.importing import ImportOptions
from kmptui.services.workspace import Workspace
from tests.cli.conftest import Cli
from tests.sandbox_fixtures import SandboxFactory
from tests.services.homes import asked, linked, workspace
from tests.services.rig import Hands

DUE = ("soon3.example.com", "soon9.example.com", "grades.example.edu")


def as_systemd(folder: Path) -> tuple[int, dict[str, Any]]:
    """Run what the unit runs, with what systemd gives it: no shell, no terminal, the unit's environment alone."""
    text = (folder / units.SERVICE).read_text()
    told = dict(line.split("=", 1) for line in text.splitlines() if line.startswith(("ExecStart=", "Environment=")))
    name, _, value = told["Environment"].partition("=")
    env = {name: value, "PATH": "/usr/bin:/bin", "INVOCATION_ID": "0123456789abcdef", "HOME": os.environ["HOME"]}
    words = [*shlex.split(told["ExecStart"]), "--json"]
    run = subprocess.run(words, capture_output=True, text=True, check=False, env=env, stdin=subprocess.DEVNULL, cwd="/")
    assert run.stdout, run.stderr
    return run.returncode, json.loads(run.stdout)


def names(lines: list[dict[str, Any]]) -> set[str]:
    return {line["common_name"] for line in lines if line["job"] == "renewal"}


def created(sandbox: SandboxServer) -> list[str]:
    return sorted(one["common_name"] for one in sandbox.control("state")["created"])


def test_nights_of_a_timer(sandbox_factory: SandboxFactory, join: Callable[..., Cli], tmp_path: Path) -> None:
    """Nothing due, SCM away, three due and one blocked by DCV: exit codes, one request or none, and the record."""
    sandbox = sandbox_factory(certificates=48, issue_after=3600)
    cli = join(sandbox)
    cli("sync")
    cli("orders", "import")
    folder = tmp_path / "units"
    cli("systemd", "install", "--folder", folder, code={0, 3})
    cli("auto-renewal", "set", "--days-before", "20")
    cli("auto-renewal", "enable")
    sandbox.control("reset", {"what": "counters"})

    code, report = as_systemd(folder)
    assert (code, report["words"], asked(sandbox)) == (0, "Nothing is due", [])

    cli("auto-renewal", "select", *DUE, "crm.legacy.example.com")
    sandbox.control("faults", {"kind": "status", "status": 503, "count": -1, "headers": {"Retry-After": "3600"}})
    code, report = as_systemd(folder)
    assert (code, report["outcome"], report["failed"]) == (4, "deferred", [])
    assert report["next"] > report["ended"]
    sandbox.control("faults", method="DELETE")

    code, report = as_systemd(folder)
    assert code == 3
    assert names(report["done"]) == set(DUE)
    assert names(report["blocked"]) == {"crm.legacy.example.com"}
    assert created(sandbox) == sorted(DUE)
    rows = [row for row in cli.json("audit", "list") if row["action"] == "renew"]
    intents = {row["subject"]: row for row in rows if row["phase"] == "intent"}
    assert set(intents) == set(DUE)
    assert all(row["actor"].startswith("timer ") and "@" in row["actor"] for row in rows)
    blocked = next(row for row in rows if row["subject"] == "crm.legacy.example.com")
    assert "DCV" in blocked["reason"]
    assert cli("audit", "verify").code == 0

    code, report = as_systemd(folder)
    assert (code, names(report["done"]), created(sandbox)) == (3, set(), sorted(DUE))


async def number(opened: Workspace, name: str) -> int:
    window = await opened.lists.window(Query(Topic.ORDERS, f"name={name}", view="all"), 0, 10)
    return max(row.id for row in window.rows)


async def test_screen_and_timer_at_once(paths: Paths, sandbox_factory: SandboxFactory) -> None:
    """A person renews what the timer is about to renew: one order in all, and the loser says who holds it, or that it
    is renewed already."""
    sandbox = sandbox_factory(certificates=48)
    async with linked(paths, sandbox, mirrored=True) as screen, workspace(paths, face="timer") as timer:
        await screen.importing.run(ImportOptions(expires_within=5))
        await screen.importing.fetch()
        await screen.renewal.enable()
        order_id = await number(screen, DUE[0])
        await screen.renewal.select([order_id])
        sandbox.control("settings", {"latency_ms": 30})
        by_hand, report = await asyncio.gather(
            screen.renewing.renew(RenewalRequest(order_id)), timer.schedule.run_due(), return_exceptions=True
        )
        assert created(sandbox) == [DUE[0]]
        assert not isinstance(report, BaseException)
        if isinstance(by_hand, BaseException):
            assert isinstance(by_hand, HeldElsewhere | StateForbids)
        else:
            lines = [line for line in (*report.held, *report.done) if line.job == "renewal"]
            assert all("process" in line.words or "nothing was sent" in line.words for line in lines)


async def test_a_machine_that_slept(paths: Paths, sandbox_factory: SandboxFactory) -> None:
    """No run for 26 hours is shown; after it woke up the machine catches up once, in one run."""
    sandbox = sandbox_factory(certificates=48, issue_after=1)
    clock = Hands()
    async with linked(paths, sandbox, clock=clock, mirrored=True) as opened:
        await opened.importing.run(ImportOptions(expires_within=12))
        await opened.importing.fetch()
        await opened.renewal.set_days(7)
        await opened.renewal.enable()
        await opened.renewal.select([await number(opened, "soon9.example.com")])
        report = await opened.schedule.run_due()
        assert [line for line in report.done if line.job == "renewal"] == []
        asleep = timedelta(days=4)
        clock.ahead += asleep
        sandbox.control("clock", {"advance": asleep.total_seconds()})
        state = await opened.schedule.state()
        assert (state.missed, state.none) == (True, False)
        assert state.words.startswith("missed: the last run ended")
        report = await opened.schedule.run_due()
        assert [line.common_name for line in report.done if line.job == "renewal"] == ["soon9.example.com"]
        assert not (await opened.schedule.state()).missed
        await opened.schedule.run_due()
        assert created(sandbox) == ["soon9.example.com"]
