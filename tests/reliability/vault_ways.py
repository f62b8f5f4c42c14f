"""Part of `vault`: locking by hand and by idle time, passphrases, credentials of a timer, rotations that are killed,
and backups that are written while others work."""

from __future__ import annotations

import asyncio
import itertools
import random
import shutil
import signal
from datetime import timedelta
from pathlib import Path

from kmptui.config import Paths, Settings
from kmptui.domain.clock import SystemClock
from kmptui.errors import StateForbids, VaultLocked, WrongPassphrase
from kmptui.sandbox.server import SandboxConfig, SandboxServer, running
from kmptui.services import backup
from kmptui.services.workspace import Workspace
from kmptui.store import keys
from kmptui.tui.app import KmptuiApp
from kmptui.tui.dialogs.passphrase import PassphraseDialog
from tests.e2e.keyboard import at_home, paste, press, the_app
from tests.faults import hurting
from tests.reliability.commands import Commands, Conditions
from tests.reliability.tally import Tally
from tests.services.homes import PASSPHRASE, credentials, linked, until, workspace
from tests.services.rig import Hands, opened, request
from tests.tui.acting import is_open, sees

NEXT = "another long and quiet passphrase"
IDLE_MINUTES = 1


async def prove(tally: Tally, draw: random.Random, number: int, folder: Path) -> None:
    with running(SandboxConfig(certificates=4, issue_after=0)) as sandbox:
        await killed_rotations(tally, draw, max(2, number // 4), folder / "rotated", sandbox)
        await passphrases(tally, Paths(folder / "typed"), sandbox)
        await locked_by_idle_time(tally, Paths(folder / "typed"), sandbox)
        await asyncio.to_thread(timers, tally, Paths(folder / "typed"), folder)
        await backups_meanwhile(tally, max(2, number // 10), folder / "backed up", sandbox)


async def killed_rotations(
    tally: Tally, draw: random.Random, number: int, folder: Path, sandbox: SandboxServer
) -> None:
    """SIGKILL at points of a rotation: every secret opens, and the next rotation leaves no old key."""
    template = Paths(folder / "template")
    async with linked(template, sandbox, mirrored=True):
        pass
    async with opened(template, sandbox) as rig:
        for at in range(3):
            await rig.ordering.place(request(f"rotated-{at}.example.com"))
    reached = range(len(await hurting.points(template.home, "rotate", "kill")))
    drawn = draw.sample(reached, min(number, len(reached)))
    cases = [hurting.prepared(template.home, "rotate", "kill", at) for at in drawn]
    ends = await asyncio.to_thread(hurting.walked, cases)
    for case in cases:
        tally.require(ends[case.name]["status"] == -signal.SIGKILL, f"{case.place}: {ends[case.name]}")
        async with opened(case.paths, sandbox) as rig:
            for _ in range(2):
                rows = await rig.store.read(lambda db: [row[0] for row in db.rows("SELECT spki FROM keys")])
                for spki in rows:
                    stored = await rig.store.read(keys.key, spki)
                    tally.require(stored and await rig.engine.open_sealed(stored.sealed), f"{case.place}: a secret")
                await rig.vault.rotate()
            tally.require((await rig.vault.status()).old_keys == 0, f"{case.place}: an old key stays")
        tally.count("rotations killed in the middle")
        shutil.rmtree(case.folder)


async def passphrases(tally: Tally, paths: Paths, sandbox: SandboxServer) -> None:
    """Changed while another process has the vault open; wrong ones slow down; locked by hand it asks again."""
    clock = Hands()
    async with workspace(paths, clock=clock) as home, workspace(paths, clock=clock) as other:
        await home.account.link(credentials(sandbox), passphrase=PASSPHRASE)
        await home.mirror.sync()
        await other.vault.unlock(PASSPHRASE)
        await home.vault.change_passphrase(PASSPHRASE, NEXT)
        await other.account.test()
        await home.vault.lock()
        for needing in (home.account.test(), home.vault.rotate()):
            await refused(tally, needing, "what was locked by hand opens by itself")
        waits = 0
        for at in range(9):
            try:
                await home.vault.unlock(PASSPHRASE if at % 2 else "wrong")
            except WrongPassphrase as error:
                waits += "Try again in" in str(error)
        tally.require(waits >= 6, f"{waits} of 9 wrong passphrases had to wait")
        tally.count("wrong passphrases slowed down", waits)
        clock.ahead += timedelta(minutes=6)
        await home.vault.unlock(NEXT)
        await home.account.test()
    tally.count("passphrases changed")


async def refused(tally: Tally, needing: object, broken: str) -> None:
    try:
        await needing  # type: ignore[misc]
    except VaultLocked:
        tally.count("things that need the key, refused in words")
    else:
        tally.require(False, broken)


async def locked_by_idle_time(tally: Tally, paths: Paths, sandbox: SandboxServer) -> None:
    """The screen is left alone: while work runs nothing is locked, then it is; what is asked for then waits for the
    passphrase, and goes on with it. Locked by hand over running work, that comes to its end."""
    async with the_app(paths, Settings(lock_after_minutes=IDLE_MINUTES)) as (pilot, home):
        await at_home(pilot)
        await home.vault.unlock(NEXT)
        app = pilot.app
        assert isinstance(app, KmptuiApp)
        work = await slow(home, sandbox)
        app.touched -= 3_600
        await app._lock_when_idle()
        tally.require((await home.vault.status()).state == "open", "it is locked over running work by idle time")
        await work
        await app._lock_when_idle()
        tally.require((await home.vault.status()).state == "locked", "an idle screen does not lock the vault")
        await sees(pilot, "was locked after")
        await press(pilot, "T")
        await is_open(pilot, PassphraseDialog)
        await paste(pilot, NEXT)
        await press(pilot, "ctrl+y")
        await sees(pilot, "SCM takes the login and password")
        tally.count("vaults locked by idle time, and opened by what waited for it")
        work = await slow(home, sandbox)
        await home.vault.lock()
        await refused(tally, home.vault.rotate(), "a new secret is there in a locked vault")
        await work
        tally.count("works that went on over a lock by hand")


async def slow(home: Workspace, sandbox: SandboxServer) -> asyncio.Task[object]:
    """Work that runs, and takes its time at SCM."""
    sandbox.control("faults", {"kind": "delay", "match": "GET /ssl/v1", "delay": 1.5, "count": 1})
    work = asyncio.ensure_future(home.account.test())
    await until(lambda: home.running and not sandbox.control("faults"))
    return work


def timers(tally: Tally, paths: Paths, folder: Path) -> None:
    """What a timer's unit has: a credential of systemd, as root lays it down, a passphrase's or a key file's; without
    one, or with a wrong one, the run says so."""
    laid = folder / "credentials"
    laid.mkdir(0o700)
    unit = Conditions(environment={"CREDENTIALS_DIRECTORY": str(laid)})
    with Commands() as commands:

        def run(words: tuple[str, ...], conditions: Conditions, code: int, told: str = "") -> None:
            done = commands.run(paths.home, *words, conditions=conditions)
            said = done.out + done.err
            fine = done.code == code and told in said and "Traceback" not in said
            tally.require(fine, f"{words}, {conditions.environment}: exit {done.code}, {said}")
            tally.count("commands with a unit's credentials")

        run(("sync",), unit, 1, "locked")
        put(laid / "kmptui.passphrase", b"a wrong passphrase")
        run(("sync",), unit, 1, "kmptui.passphrase is wrong")
        put(laid / "kmptui.passphrase", NEXT.encode())
        run(("sync",), unit, 0)
        run(("vault", "add-slot", "key-file"), unit, 0)
        key = paths.key_file.read_bytes()
        paths.key_file.unlink()
        (laid / "kmptui.passphrase").unlink()
        run(("vault", "status"), unit, 3, "is not there")
        run(("orders", "list"), unit, 0)
        put(laid / "kmptui.key", bytes(32))
        run(("vault", "status"), unit, 3, "is not the key of this vault")
        put(laid / "kmptui.key", key)
        for words in (("vault", "status"), ("sync",), ("run-due",)):
            run(words, unit, 0)
        put(paths.key_file, key)


def put(path: Path, data: bytes) -> None:
    path.touch(0o600)
    path.write_bytes(data)


async def backups_meanwhile(tally: Tally, number: int, folder: Path, sandbox: SandboxServer) -> None:
    """Written while another process orders and renews: each is whole, and goes into an empty home alone."""
    paths = Paths(folder / "home")
    async with linked(paths, sandbox, mirrored=True):
        pass
    ended = asyncio.Event()
    async with opened(paths, sandbox) as rig, workspace(paths) as home:

        async def ordering() -> None:
            for at in itertools.count():
                if ended.is_set():
                    return
                await rig.ordering.place(request(f"backed-up-{at}.example.com"))

        work = asyncio.create_task(ordering())
        files = []
        for at in range(number):
            files.append((await home.backup.write(folder / f"{at}.backup", passphrase=PASSPHRASE)).path)
            tally.count("backups written while orders were placed")
        ended.set()
        await work
    rows = 0
    for at, file in enumerate(files):
        back = Paths(folder / f"back-{at}")
        told = await backup.restore(back, file, SystemClock(), passphrase=PASSPHRASE)
        tally.require(told.audit_rows >= rows, f"backup {at} is older than the one before")
        rows = told.audit_rows
        async with workspace(back) as restored:
            tally.require(await restored.check_store() == (), f"backup {at}: the store is not sound")
            tally.require((await restored.record.verify()).intact, f"backup {at}: the record is not whole")
            await restored.account.test()
        try:
            await backup.restore(back, file, SystemClock(), passphrase=PASSPHRASE)
        except StateForbids:
            tally.count("restores into a used home refused")
        else:
            tally.require(False, f"backup {at} was restored over a store")
