"""The screen's clock: it does what is due while the program is open, and asks nobody for a passphrase."""

from __future__ import annotations

from datetime import timedelta

from kmptui.config import Paths
from kmptui.sandbox.server import SandboxServer
from kmptui.tui.ticking import Ticking
from tests.services.homes import asked, linked
from tests.services.rig import Hands

WEEK = timedelta(days=7)


async def test_it_does_what_is_due(paths: Paths, sandbox: SandboxServer) -> None:
    """Nothing while nothing is due or the vault is locked; then one run, and a pause before the next."""
    clock = Hands()
    said: list[str] = []
    problems: list[str] = []
    async with linked(paths, sandbox, clock=clock, mirrored=True) as opened:
        ticking = Ticking(opened, said.append, problems.append)
        await opened.schedule.run_due()
        sandbox.control("reset", {"what": "counters"})
        assert await ticking.tick() is None
        for _ in range(2):
            clock.ahead += WEEK
            sandbox.control("clock", {"advance": WEEK.total_seconds()})
            await opened.vault.lock()
            assert await ticking.tick() is None
            assert asked(sandbox) == []
            await opened.vault.unlock()
            report = await ticking.tick()
            assert report is not None
            assert [line.job for line in report.done] == ["mirror"]
            assert await ticking.tick() is None
            sandbox.control("reset", {"what": "counters"})
    assert said == ["By schedule: 1 done"] * 2
    assert problems == []
