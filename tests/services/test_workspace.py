"""A home that is opened: whose it is, what runs in it, what is told of it, and how it ends."""

from __future__ import annotations

import asyncio
import logging
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from kmptui.config import Paths, load_settings
from kmptui.domain.audit import Entry
from kmptui.domain.listing import Topic
from kmptui.errors import BadInput, KmptuiError, SettingsError, StoreFailed, WrongLogin
from kmptui.sandbox.server import SandboxServer
from kmptui.services.actor import this_process
from kmptui.services.importing import ImportOptions
from kmptui.services.reporting import Changed
from kmptui.services.workspace import Workspace
from kmptui.store import audit
from tests.services.homes import actions, asked, credentials, linked, rows, until, workspace
from tests.services.rig import request

ROOT = Path(__file__).resolve().parents[2]


async def test_a_home_is_made_private(paths: Paths, open_umask: object) -> None:
    async with workspace(paths):
        assert len(list(paths.holders.iterdir())) == 1
        for path in (paths.home, *paths.home.rglob("*")):
            assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
    assert list(paths.holders.iterdir()) == []


async def test_a_home_that_cannot_be_opened_leaves_nothing_open(paths: Paths) -> None:
    async with workspace(paths):
        pass
    paths.logs.mkdir(exist_ok=True)
    for file in paths.logs.iterdir():
        file.unlink()
    paths.logs.rmdir()
    paths.logs.write_text("a file in the place of the folder")
    for _ in range(3):
        with pytest.raises(KmptuiError):
            await Workspace.open(paths, face="cli")
    paths.logs.unlink()
    async with workspace(paths):
        assert len(list(paths.holders.iterdir())) == 1
    paths.settings.write_text("no_such_setting = 1\n")
    with pytest.raises(SettingsError, match="no_such_setting"):
        await Workspace.open(paths, face="cli")
    paths.settings.unlink()
    paths.store.write_bytes(b"this is no database" * 100)
    with pytest.raises(StoreFailed):
        await Workspace.open(paths, face="cli")


def test_who_acts(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = this_process("tui")
    assert (plain.face, plain.pid, plain.sudo_user, plain.ssh_source) == ("tui", os.getpid(), "", "")
    monkeypatch.setenv("SUDO_USER", "ada\x1b[31m")
    monkeypatch.setenv("SSH_CONNECTION", "192.0.2.7 50022 192.0.2.1 22")
    monkeypatch.setenv("USER", "somebody-else")
    found = this_process("cli")
    assert found.ssh_source == "192.0.2.7"
    assert found.sudo_user.startswith("ada")
    assert "\x1b" not in str(found)
    assert found.user == plain.user, "the environment does not say who acts"
    assert str(found).startswith("cli ada")


# work


async def test_work_outlives_who_asked_for_it(paths: Paths) -> None:
    async with workspace(paths) as opened:
        begun, go, done = asyncio.Event(), asyncio.Event(), asyncio.Event()

        async def work() -> None:
            begun.set()
            await go.wait()
            done.set()

        caller = asyncio.ensure_future(opened.own(work(), "Doing it"))
        await begun.wait()
        assert [job.words for job in opened.running] == ["Doing it"]
        caller.cancel()
        with pytest.raises(asyncio.CancelledError):
            await caller
        assert [job.words for job in opened.running] == ["Doing it"]
        go.set()
        await asyncio.wait_for(done.wait(), 5)


async def test_closing_lets_work_finish_and_then_ends_it(paths: Paths) -> None:
    told: list[str] = []

    async def quick() -> None:
        await asyncio.sleep(0.05)
        told.append("quick is done")

    async def endless() -> None:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            await opened.drafts.save({"names": "written at the end"})
            told.append("endless has written its end")
            raise

    opened = await Workspace.open(paths, face="tui")
    tasks = [asyncio.ensure_future(opened.own(quick())), asyncio.ensure_future(opened.own(endless()))]
    await asyncio.sleep(0)
    await opened.aclose(grace=0.5)
    assert told == ["quick is done", "endless has written its end"]
    with pytest.raises(asyncio.CancelledError):
        await tasks[1]
    async with workspace(paths) as again:
        assert await again.drafts.load() is not None


async def test_an_order_that_is_being_sent_is_finished_at_the_end(paths: Paths, sandbox: SandboxServer) -> None:
    opened = await Workspace.open(paths, face="tui")
    await opened.account.link(credentials(sandbox))
    await opened.mirror.sync()
    sandbox.control("faults", {"kind": "delay", "delay": 0.5, "match": "POST /ssl/v1/enroll"})
    caller = asyncio.ensure_future(opened.ordering.place(request("late.example.com")))
    await until(lambda: asked(sandbox, "POST /api/ssl/v1/enroll"))
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    await opened.aclose(grace=20)
    async with workspace(paths) as again:
        (order,) = await rows(again, Topic.ORDERS, "late.example.com")
        assert order.ledger == "accepted"
        assert order.ssl_id is not None
    assert len([one for one in sandbox.control("state")["created"] if one["common_name"] == "late.example.com"]) == 1


async def test_a_failure_reaches_who_waits_and_not_the_workspace(paths: Paths) -> None:
    async def broken() -> None:
        raise BadInput("x", "It is broken")

    async with workspace(paths) as opened:
        with pytest.raises(BadInput):
            await opened.own(broken(), "Breaking")
        assert opened.running == ()
        assert (await opened.record.verify()).intact


async def test_a_failure_that_nobody_waits_for_is_in_the_log(paths: Paths) -> None:
    async with workspace(paths) as opened:
        go = asyncio.Event()

        async def broken() -> None:
            await go.wait()
            raise ValueError("password=hunter2-secret")

        caller = asyncio.ensure_future(opened.own(broken(), "Breaking"))
        await asyncio.sleep(0)
        caller.cancel()
        with pytest.raises(asyncio.CancelledError):
            await caller
        go.set()
        await until(lambda: opened.running == ())
    text = paths.log.read_text()
    assert "ValueError" in text
    assert "hunter2" not in text


async def test_progress_is_seen_while_it_lasts(paths: Paths, sandbox: SandboxServer) -> None:
    async with linked(paths, sandbox) as opened:
        seen: list[tuple[str, int]] = []
        calls = 0

        def look() -> None:
            nonlocal calls
            calls += 1
            seen.extend((job.words, job.done) for job in opened.running)

        end = opened.watch_running(look)
        sandbox.control("settings", {"latency_ms": 30})
        await opened.mirror.sync()
        await until(lambda: calls > 0)
        end()
        assert opened.running == ()
        before = calls
        await opened.mirror.sync([Topic.PROFILES])
        assert calls - before <= 1, "who does not watch is not called"


async def test_even_a_count_takes_a_refused_password_once(paths: Paths, sandbox: SandboxServer) -> None:
    async with linked(paths, sandbox) as opened:
        sandbox.control(f"admins/{sandbox.login}", {"password": "changed-elsewhere"})
        for _ in range(3):
            with pytest.raises(WrongLogin):
                await opened.importing.forecast(ImportOptions())
        assert sandbox.control("state")["wrong_passwords"] == 1


# changes


async def test_changes_of_another_process_are_told_by_topic(paths: Paths, sandbox: SandboxServer) -> None:
    async with linked(paths, sandbox, mirrored=True) as one, workspace(paths) as other:
        await one.poll_changes()
        heard: list[Changed] = []
        end = one.subscribe(heard.append)
        await one.poll_changes()
        assert heard == []
        await other.importing.run(ImportOptions())
        await one.poll_changes()
        assert {Topic.ORDERS, Topic.AUDIT} <= {change.topic for change in heard}
        assert Topic.PROFILES not in {change.topic for change in heard}
        assert len(await rows(one, Topic.ORDERS)) == len(await rows(other, Topic.ORDERS)) > 0
        end()
        heard.clear()
        await other.importing.run(ImportOptions(include_deleted=True))
        await one.poll_changes()
        assert heard == []


async def test_what_a_listener_does_wrong_is_its_own_trouble(paths: Paths, sandbox: SandboxServer) -> None:
    def bad(_: Changed) -> None:
        raise RuntimeError("a defect")

    async with linked(paths, sandbox) as opened:
        heard: list[Changed] = []
        opened.subscribe(bad)
        opened.subscribe(heard.append)
        await opened.mirror.sync([Topic.PROFILES])
        assert any(change.topic is Topic.PROFILES for change in heard)


# settings


async def test_settings_are_checked_kept_and_recorded(paths: Paths) -> None:
    async with workspace(paths) as opened:
        changed = await opened.change_settings(certificate_limit=25, theme="light")
        assert changed == opened.settings
        assert (changed.certificate_limit, changed.theme) == (25, "light")
        for members in (
            {"certificate_limit": -1}, {"certificate_limit": "25"}, {"nonsense": 1}, {"theme": "pink"},
            {"concurrency": 0}, {"concurrency": 17},
        ):  # fmt: skip
            with pytest.raises(SettingsError):
                await opened.change_settings(**members)
        assert opened.settings == changed
        assert load_settings(paths.settings) == changed
        assert stat.S_IMODE(paths.settings.stat().st_mode) == 0o600
        assert await actions(opened) == ["settings"]
    async with workspace(paths) as opened:
        assert opened.settings == changed


async def test_a_proxys_password_stays_out_of_the_settings_and_the_record(paths: Paths) -> None:
    async with workspace(paths) as opened:
        with pytest.raises(BadInput, match="is not kept"):
            await opened.change_settings(proxy="http://ops:geheim@proxy.example.net:3128")
        assert "geheim" not in repr(await rows(opened, Topic.AUDIT))
        assert not paths.settings.exists()


async def test_read_only_mode_stops_what_writes(paths: Paths, sandbox: SandboxServer) -> None:
    async with linked(paths, sandbox, mirrored=True) as opened:
        await opened.change_settings(read_only=True)
        view = await opened.account.view()
        assert view is not None
        assert view.read_only
        before = len(asked(sandbox, "POST"))
        with pytest.raises(KmptuiError, match=r"[Rr]ead-only"):
            await opened.ordering.place(request())
        assert len(asked(sandbox, "POST")) == before


async def test_a_new_way_to_scm_is_taken_at_once(paths: Paths, sandbox: SandboxServer) -> None:
    async with linked(paths, sandbox, mirrored=True) as opened:
        sandbox.control("settings", {"latency_ms": 40})
        await opened.change_settings(concurrency=1)
        await opened.mirror.sync([Topic.DOMAINS])


# logs


async def test_the_log_is_private_and_holds_no_secret(paths: Paths, sandbox: SandboxServer, open_umask: object) -> None:
    async with linked(paths, sandbox) as opened:
        log = logging.getLogger("kmptui.test")
        log.warning("password=%s and %s", "hunter2-secret", "\x1b[31mred\nforged line")
        log.error("-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n-----END PRIVATE KEY-----")
        log.info("http://ops:hunter2-secret@proxy.example.net:3128")
        try:
            raise RuntimeError("token: hunter2-secret")
        except RuntimeError:
            log.exception("went wrong")
        assert opened.running == ()
    text = paths.log.read_text()
    assert "hunter2" not in text
    assert "MIIE" not in text
    assert "\x1b" not in text
    assert sandbox.password not in text
    assert not [line for line in text.splitlines() if line.startswith("forged")]
    assert "RuntimeError" in text
    assert stat.S_IMODE(paths.log.stat().st_mode) == 0o600


async def test_two_homes_in_one_process_keep_their_logs(paths: Paths, tmp_path: Path) -> None:
    async with workspace(paths), workspace(Paths(tmp_path / "other")):
        logging.getLogger("kmptui.test").warning("hello")
    logging.getLogger("kmptui.test").warning("nobody listens any more")
    assert "nobody" not in paths.log.read_text()


async def test_a_log_that_cannot_be_written_disturbs_nobody(paths: Paths, capfd: pytest.CaptureFixture[str]) -> None:
    async with workspace(paths) as opened:
        paths.log.unlink(missing_ok=True)
        paths.log.mkdir()
        logging.getLogger("kmptui.test").warning("cannot be written")
        await opened.drafts.save({"names": "x.example.com"})
    assert capfd.readouterr().err == ""


# what is loaded


SETTING = """
import asyncio, sys
from pathlib import Path
from kmptui.config import Paths, load_settings
from kmptui.services.workspace import Workspace

async def main(home, name):
    paths = Paths(Path(home))
    async with await Workspace.open(paths, face="cli") as opened:
        for number in range(10, 50):
            await opened.change_settings(**{name: number})
            assert getattr(load_settings(paths.settings), name) == number, name

asyncio.run(main(*sys.argv[1:]))
"""


async def test_two_processes_that_change_settings_lose_nothing_of_each_other(paths: Paths) -> None:
    async with workspace(paths):
        words = [sys.executable, "-c", SETTING, str(paths.home)]
        names = ("certificate_limit", "lock_after_minutes")
        setting = [await asyncio.create_subprocess_exec(*words, name, cwd=ROOT) for name in names]
        assert [await one.wait() for one in setting] == [0, 0]
    kept = load_settings(paths.settings)
    assert (kept.certificate_limit, kept.lock_after_minutes) == (49, 49)


READING = """
import asyncio, sys
from pathlib import Path
from kmptui.config import Paths
from kmptui.domain.listing import Query, Topic
from kmptui.services.workspace import Workspace

async def main():
    async with await Workspace.open(Paths(Path(sys.argv[1])), face="tui") as opened:
        assert await opened.account.view() is not None
        assert (await opened.home.view()).needs
        await opened.vault.status(), await opened.health.last(), await opened.drafts.load()
        await opened.ordering.facts(), await opened.ordering.unconfirmed(), await opened.record.verify()
        for topic in Topic:
            if topic is not Topic.ACCOUNT:
                window = await opened.lists.window(Query(topic), 0, 50)
        for row in (await opened.lists.window(Query(Topic.ORDERS), 0, 5)).rows:
            await opened.lists.order(row.id), await opened.lists.order_history(row.id)
        await opened.poll_changes()

asyncio.run(main())
print(*sorted({"httpx", "cryptography", "textual", "click"} & set(sys.modules)))
"""


async def test_looking_loads_neither_http_nor_cryptography(paths: Paths, sandbox: SandboxServer) -> None:
    async with linked(paths, sandbox, mirrored=True) as opened:
        await opened.importing.run(ImportOptions())
        await opened.health.check()
    run = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-W", "error", "-c", READING, str(paths.home)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert run.stdout.split() == []


async def test_a_record_keeps_who_acted(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUDO_USER", "ada")
    monkeypatch.setenv("SSH_CONNECTION", "192.0.2.7 50022 192.0.2.1 22")
    async with workspace(paths, face="timer") as opened:
        engine = opened.account._engine
        await engine.store.write(audit.append, Entry("note"), await engine.stamp())
        (row,) = await rows(opened, Topic.AUDIT)
        assert row.actor.startswith("timer ada")
        assert "192.0.2.7" in row.actor
        assert row.account == ""
