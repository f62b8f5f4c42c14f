"""Three runners and a screen on one store, through a hundred due renewals: a hundred orders."""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from datetime import timedelta
from typing import Any

from kmptui.config import Paths
from kmptui.domain.listing import Topic
from kmptui.sandbox.server import SandboxServer
from kmptui.services.importing import ImportOptions
from kmptui.services.renewal_audit import EVERYTHING
from kmptui.services.workspace import Workspace
from tests.e2e.keyboard import at_home, tab, the_app
from tests.sandbox_fixtures import SandboxFactory
from tests.services.homes import linked, rows

MANY = 100
RUNNERS, TRIES = 3, 3
NAMES = [f"w{number:03d}.example.com" for number in range(MANY)]
AGE = timedelta(days=150)
"""Of 199 days: less than a third is left."""
BUSY, FINE, ATTENTION = 4, 0, 3


async def prepared(paths: Paths, sandbox: SandboxServer) -> None:
    """A home with a hundred certificates that are due, all chosen by a rule."""
    sandbox.control("clock", {"advance": -AGE.total_seconds()})
    for name in NAMES:
        sandbox.control("orders", {"commonName": name, "certType": 2103})
    sandbox.control("clock", {"advance": AGE.total_seconds()})
    async with linked(paths, sandbox, mirrored=True) as opened:
        await opened.importing.run(ImportOptions())
        await opened.importing.fetch()
        await opened.renewal.enable()
        await opened.renewal.set_days(60)
        await opened.renewal.add_rule("name", "w*.example.com")
        due = [line for line in await opened.renewal.plan() if line.verdict == "due"]
        assert len(due) == MANY
    sandbox.control("reset", {"what": "counters"})


async def runner(paths: Paths) -> int:
    """A timer's process, again a few times while it is told that another one works; its last exit code."""
    env = {"KMPTUI_HOME": str(paths.home), "PATH": "/usr/bin:/bin"}
    code = BUSY
    for _ in range(TRIES):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "kmptui", "run-due", "--json", env=env,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, err = await process.communicate()
        assert process.returncode in {FINE, ATTENTION, BUSY}, (process.returncode, out, err)
        code = process.returncode
        if code != BUSY:
            break
        report = json.loads(out)
        assert report["held"], report["words"]
    return code


async def by_hand(workspace: Workspace, ids: list[int]) -> list[Any]:
    """A person renews some of them on the screen at the same time; who loses a name is told who holds it."""
    return list(await workspace.renewing.renew_all(ids, stop_after=MANY))


async def test_a_hundred_orders(paths: Paths, sandbox_factory: SandboxFactory) -> None:
    sandbox = sandbox_factory(certificates=5, issue_after=0)
    await prepared(paths, sandbox)
    async with the_app(paths) as (pilot, workspace):
        await at_home(pilot)
        old = {row.common_name: row.id for row in await rows(workspace, Topic.ORDERS, "renew:yes")}
        mine = [old[name] for name in NAMES[::4]]
        placed, *_ = await asyncio.gather(by_hand(workspace, mine), *(runner(paths) for _ in range(RUNNERS)))
        for one in placed:
            assert one.error is None or "works on it" in str(one.error) or "renewed" in str(one.error), one
        await workspace.schedule.run_due()
        await tab(pilot, 7)
        lines = (await workspace.renewal_audit.window(EVERYTHING, 0, 500)).rows
        requests = [line for line in lines if line.order_id is not None]
        assert Counter(line.common_name for line in requests) == dict.fromkeys(NAMES, 1)
        assert {line.outcome for line in requests} <= {"renewed", "pending"}
        sums = await workspace.renewal_audit.sums()
        assert sums.states == {"accepted": MANY}
        assert {line.actor.split()[0] for line in requests} <= {"tui", "timer"}
        assert (await workspace.record.verify()).intact
    created = Counter(one["common_name"] for one in sandbox.control("state")["created"])
    assert created == dict.fromkeys(NAMES, 1), "a hundred orders for a hundred renewals"
    asked = [one["path"] for one in sandbox.control("requests") if one["method"] == "POST"]
    assert sum("renewById" in path for path in asked) == MANY
