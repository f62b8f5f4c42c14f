"""The hook: what it is told and what it is not, how long it may take, and which programs are run at all."""

from __future__ import annotations

import asyncio
import json
import os
from datetime import timedelta
from pathlib import Path

import pytest

from kmptui.config import Paths
from kmptui.domain.listing import Topic
from kmptui.errors import BadInput, SettingsError
from kmptui.services.hook import MOST_OUTPUT, HookEvent, program
from kmptui.services.workspace import Workspace
from tests.services.homes import rows, until, workspace
from tests.services.rig import Hands


def script(folder: Path, text: str, mode: int = 0o700) -> Path:
    file = folder / "hook"
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(mode)
    return file


async def entries(opened: Workspace) -> list[tuple[str, str, str]]:
    found = await rows(opened, Topic.AUDIT, "action:hook")
    return [(row.outcome, dict(row.details)["event"], dict(row.details)["exit code"]) for row in found[::-1]]


FAILURE = HookEvent(
    "failure", "DCV of example.edu ended", 7, facts={"common_name": "shop.example.edu\n[/]\x1b", "code": "-180"}
)


async def test_it_is_told_the_facts_and_nothing_else(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KMPTUI_PASSPHRASE_FILE", "/secret/place")
    monkeypatch.setenv("SCM_PASSWORD", "hunter2")
    hook = script(tmp_path, f"env > {tmp_path}/env; cat > {tmp_path}/stdin; echo done; echo password=hunter2 >&2")
    async with workspace(paths, hook=str(hook)) as opened:
        result = await opened.hook.fire(FAILURE)
        assert result is not None
        assert (result.exit_code, result.ok) == (0, True)
        assert result.output.startswith("done")
        assert "hunter2" not in result.output
        told = dict(line.split("=", 1) for line in (tmp_path / "env").read_text().splitlines())
        assert told["KMPTUI_EVENT"] == "failure"
        assert told["KMPTUI_CAUSE"] == "DCV of example.edu ended"
        assert told["KMPTUI_ORDER"] == "o7"
        assert told["KMPTUI_CODE"] == "-180"
        assert told["KMPTUI_HOME"] == str(paths.home)
        assert told["KMPTUI_COMMON_NAME"].startswith("shop.example.edu")
        assert "\x1b" not in (tmp_path / "env").read_text()
        assert {name for name in told if "PASS" in name} == set()
        given = json.loads((tmp_path / "stdin").read_text())
        assert (given["event"], given["order"]) == ("failure", "o7")
        assert await entries(opened) == [("done", "failure", "0")]
        log = paths.log.read_text()
        assert "hunter2" not in log
        assert "done" in log


async def test_a_cause_is_told_once_a_day(paths: Paths, tmp_path: Path) -> None:
    clock = Hands()
    hook = script(tmp_path, f"echo run >> {tmp_path}/runs")
    async with workspace(paths, clock=clock, hook=str(hook)) as opened:
        assert await opened.hook.fire(FAILURE) is not None
        assert await opened.hook.fire(FAILURE) is None
        assert await opened.hook.fire(HookEvent("failure", "another cause", 7)) is not None
        assert await opened.hook.fire(HookEvent("failure", FAILURE.cause, 8)) is not None, "each order is told of"
        for _ in range(2):
            assert await opened.hook.fire(HookEvent("success", certificate_id=4)) is not None
        clock.ahead += timedelta(days=1)
        assert await opened.hook.fire(FAILURE) is not None
        assert (tmp_path / "runs").read_text().count("run") == 6
        opened._engine.settings = type(opened.settings)()
        assert await opened.hook.fire(FAILURE) is None


async def test_how_it_ends(paths: Paths, tmp_path: Path) -> None:
    """Other exit codes, a signal, too much output, a program that takes too long, one that leaves something running:
    told and in the audit, never waited for without end."""
    hook = script(tmp_path, "exit 3")
    async with workspace(paths, hook=str(hook), hook_seconds=1) as opened:
        result = await opened.hook.test()
        assert (result.exit_code, result.words, result.ok) == (3, "exit code 3", False)
        script(tmp_path, "kill -9 $$")
        assert (await opened.hook.test()).words == "it was ended by signal 9"
        script(tmp_path, "head -c 1000000 /dev/zero | tr '\\0' x")
        assert len((await opened.hook.test()).output) == MOST_OUTPUT
        script(tmp_path, f"trap '' TERM; sleep 600 & echo $! > {tmp_path}/child; echo begun; wait; sleep 600")
        result = await opened.hook.test()
        assert result.timed_out
        assert not result.ok
        assert "begun" in result.output
        await until(lambda: _gone(int((tmp_path / "child").read_text())))
        assert [one[0] for one in await entries(opened)] == ["failed", "failed", "done", "failed"]


def _gone(pid: int) -> bool:
    """A child of a child is reaped by whoever adopts it: a zombie counts as gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True


async def test_the_workspace_ends_while_it_runs(paths: Paths, tmp_path: Path) -> None:
    hook = script(tmp_path, f"echo $$ > {tmp_path}/pid; sleep 600")
    opened = await Workspace.open(paths, face="cli")
    await opened.change_settings(hook=str(hook), hook_seconds=600)
    running = asyncio.ensure_future(opened.hook.test())
    await until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text().strip())
    pid = int((tmp_path / "pid").read_text())
    await opened.aclose(0)
    with pytest.raises(asyncio.CancelledError):
        await running
    assert not Path(f"/proc/{pid}").exists(), "it was ended and reaped"


async def test_which_programs_are_run(paths: Paths, tmp_path: Path) -> None:
    async with workspace(paths) as opened:
        with pytest.raises(BadInput):
            await opened.hook.test()
        hook = script(tmp_path, "true")
        for text in ("hook", str(tmp_path / "none"), str(tmp_path)):
            with pytest.raises(BadInput):
                await opened.change_settings(hook=text)
        for mode in (0o722, 0o770, 0o600):
            hook.chmod(mode)
            if mode != 0o600 or not os.access(hook, os.X_OK):
                with pytest.raises(BadInput):
                    await opened.change_settings(hook=str(hook))
        hook.chmod(0o755)
        await opened.change_settings(hook=str(hook))
        assert (await opened.hook.test()).ok
        hook.chmod(0o757)  # changed after it was set: looked at again
        result = await opened.hook.fire(HookEvent("success"))
        assert result is not None
        assert result.exit_code is None
        assert "written by others" in result.words
        folder = tmp_path / "open"
        folder.mkdir()
        inside = script(folder, "true")
        folder.chmod(0o777)
        with pytest.raises(BadInput, match="written by others"):
            program(str(inside))
        link = tmp_path / "link"
        link.symlink_to(inside)
        with pytest.raises(BadInput, match="written by others"):
            program(str(link))
        with pytest.raises(SettingsError):
            await opened.change_settings(hook_seconds=0)


async def test_a_script_without_an_interpreter_is_told(paths: Paths, tmp_path: Path) -> None:
    hook = script(tmp_path, "")
    hook.write_text("#!/nowhere/sh\n")
    async with workspace(paths, hook=str(hook)) as opened:
        result = await opened.hook.fire(HookEvent("success"))
        assert result is not None
        assert result.exit_code is None
        assert await entries(opened) == [("failed", "success", "none")]
