"""What SCM says of the account's health, in words, and kept for the home screen."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kmptui.config import Paths
from kmptui.errors import Unreachable
from kmptui.sandbox.server import SandboxServer
from kmptui.services.health import Check
from kmptui.services.workspace import Workspace
from tests.services.homes import linked, workspace
from tests.services.rig import Hands


async def checked(opened: Workspace) -> dict[str, Check]:
    report = await opened.health.check()
    assert await opened.health.last() == report
    assert all(check.cure for check in report.checks if check.state == "bad")
    return {check.name: check for check in report.checks}


async def test_what_ends_within_sixty_days_is_told(paths: Paths, sandbox: SandboxServer) -> None:
    async with linked(paths, sandbox) as opened:
        assert await opened.health.last() is None
        found = await checked(opened)
        assert found["Role"].state == "ok"
        assert found["Clock"].state == "ok"
        assert found["Password"].state == "ok"
        assert "Example Foundation" in found["REST API"].what
        assert "Example Corporation" in found["Organizations"].what
        assert found["Domains"].state == "bad"
        for ended in ("legacy.example.com", "hospital.example.edu"):
            assert ended in found["Domains"].what
        assert "alumni.example.edu" in found["Domains"].what
        assert "media.example.com" not in found["Domains"].what
    async with workspace(paths) as opened:
        assert await opened.health.last() is not None


@pytest.mark.parametrize(("days", "state"), [(70, "ok"), (59, "note"), (None, "ok")])
async def test_the_passwords_end(paths: Paths, sandbox: SandboxServer, days: int | None, state: str) -> None:
    async with linked(paths, sandbox) as opened:
        ends = None if days is None else (opened.clock.now() + timedelta(days=days)).isoformat()
        sandbox.control(f"admins/{sandbox.login}", {"password_expires": ends})
        assert (await checked(opened))["Password"].state == state


async def test_absence_is_not_never(paths: Paths, sandbox: SandboxServer) -> None:
    async with linked(paths, sandbox) as opened:
        sandbox.control(f"admins/{sandbox.login}", {"type": "IDP"})
        assert (await checked(opened))["Password"].state == "note"


@pytest.mark.parametrize(("ahead", "way"), [(300, "ahead"), (-300, "behind"), (20, "")])
async def test_a_clock_that_is_off(paths: Paths, sandbox: SandboxServer, ahead: int, way: str) -> None:
    clock = Hands()
    clock.ahead = timedelta(seconds=ahead)
    async with linked(paths, sandbox, clock=clock) as opened:
        check = (await checked(opened))["Clock"]
        assert check.state == ("bad" if way else "ok")
        assert way in check.what


async def test_a_role_below_the_masters(paths: Paths, sandbox: SandboxServer) -> None:
    async with linked(paths, sandbox, login="raossl-api") as opened:
        assert (await checked(opened))["Role"].state != "ok"


async def test_a_check_that_fails_leaves_the_last_one(paths: Paths, sandbox: SandboxServer) -> None:
    async with linked(paths, sandbox) as opened:
        report = await opened.health.check()
        sandbox.control("faults", {"kind": "status", "status": 500, "count": -1})
        with pytest.raises(Unreachable):
            await opened.health.check()
        assert await opened.health.last() == report
