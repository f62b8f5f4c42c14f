"""Secrets open, whoever rotates their key meanwhile; a damaged backup restores nothing; without its key the vault keeps
shut, and what needs no key goes on."""

from __future__ import annotations

import asyncio
import random
import shutil
from collections.abc import Awaitable
from pathlib import Path

from kmptui.config import Paths
from kmptui.domain.clock import SystemClock
from kmptui.domain.listing import Query, Topic
from kmptui.errors import Busy, KmptuiError, VaultLocked
from kmptui.sandbox.server import SandboxConfig, running
from kmptui.services import backup
from kmptui.services.exporting import ExportRequest
from kmptui.services.workspace import Workspace
from kmptui.store import keys
from kmptui.store.sealed import new_identity
from tests.reliability import vault_ways
from tests.reliability.tally import Tally
from tests.services.homes import PASSPHRASE, workspace
from tests.services.rig import Rig, opened, request


async def prove(tally: Tally, number: int, folder: Path) -> None:
    draw = random.Random(tally.seed)
    with running(SandboxConfig(certificates=0, issue_after=0)) as sandbox:
        paths = Paths(folder / "home")
        async with opened(paths, sandbox) as rig, opened(paths, sandbox) as other:
            await rotations(tally, number, rig, other)
            for at in range(2):
                order_id = (await rig.ordering.place(request(f"vault-{at}.example.com"))).order_id
                assert order_id is not None
                await rig.checking.check([order_id])
        async with workspace(paths) as home:
            file = (await home.backup.write(folder / "backup", passphrase=PASSPHRASE)).path
        await damages(tally, draw, 3 * number, file, folder)
        await without_its_key(tally, paths)
    await vault_ways.prove(tally, draw, number, folder)


async def rotations(tally: Tally, number: int, rig: Rig, other: Rig) -> None:
    """One process rotates again and again, another one keeps and opens secrets at the same time."""
    kept: dict[str, bytes] = {}
    ended = asyncio.Event()

    async def keeping() -> None:
        while not ended.is_set():
            name, secret = new_identity() * 2, new_identity().encode()
            try:
                sealed = await other.engine.seal(secret, new_identity())
                await other.store.write(keys.keep, name, sealed, "EC P-256", "made", other.clock.now())
            except Busy:
                tally.count("secrets refused, for their key was gone")
                continue
            kept[name] = secret

    work = asyncio.create_task(keeping())
    for _ in range(number):
        await rig.vault.rotate()
        tally.count("rotations")
    ended.set()
    await work
    for name, secret in kept.items():
        stored = await rig.store.read(keys.key, name)
        opens = stored is not None and await rig.engine.open_sealed(stored.sealed) == secret
        tally.require(opens, f"a secret of {len(kept)} does not open")
        tally.count("secrets kept meanwhile")
    await rig.store.write(lambda db: db.run("DELETE FROM keys"))


async def damages(tally: Tally, draw: random.Random, number: int, file: Path, folder: Path) -> None:
    whole = file.read_bytes()
    spoilt = folder / "spoilt"
    for at in range(number):
        data = bytearray(whole)
        place = draw.randrange(len(data))
        kind = draw.choice(("bit", "cut", "byte in", "byte out"))
        if kind == "bit":
            data[place] ^= 1 << draw.randrange(8)
        elif kind == "cut":
            del data[place:]
        elif kind == "byte in":
            data.insert(place, draw.randrange(256))
        else:
            del data[place]
        if data == whole:
            continue
        spoilt.write_bytes(data)
        home = Paths(folder / f"restored-{at}")
        try:
            await backup.restore(home, spoilt, SystemClock(), passphrase=PASSPHRASE)
        except KmptuiError:
            tally.count("damaged backups refused")
        else:
            tally.require(False, f"restored in spite of a {kind} at {place}")
        tally.require(not home.store.exists(), f"something was restored after a {kind} at {place}")
        shutil.rmtree(home.home, ignore_errors=True)
    home = Paths(folder / "restored")
    await backup.restore(home, file, SystemClock(), passphrase=PASSPHRASE)
    async with workspace(home) as back:
        await back.account.test()
        tally.require((await back.record.verify()).intact, "the audit of a restored home is not whole")
        tally.count("backups restored")


async def without_its_key(tally: Tally, paths: Paths) -> None:
    """The key file is lost: lists, details and certificates alone go on; what needs a key says what is missing."""
    paths.key_file.rename(paths.key_file.with_suffix(".lost"))
    async with workspace(paths) as home:
        rows = (await home.lists.window(Query(Topic.CERTIFICATES), 0, 10)).rows
        await home.lists.order(1)
        await home.record.verify()
        done = await home.repository.export(ExportRequest(rows[0].id, "pem", only="chain"))
        tally.require(b"BEGIN CERTIFICATE" in done.data, "a chain was not exported")
        tally.count("things that need no key", 4)
        status = await home.vault.proved()
        for words in ("is not there", "lists, details", "Put it back"):
            tally.require(words in status.problem, f"the status of a vault without its key says {status.problem!r}")
        for needing in _needing(home, rows[0].id):
            try:
                await needing
            except VaultLocked as error:
                tally.require("key file" in str(error) or "locked" in str(error), f"it says {error}")
                tally.count("things that need the key, refused in words")
            else:
                tally.require(False, "something opened without the key")


def _needing(home: Workspace, certificate_id: int) -> tuple[Awaitable[object], ...]:
    export = ExportRequest(certificate_id, "pkcs12", password="correct horse")
    return home.account.test(), home.repository.export(export), home.vault.unlock(), home.vault.rotate()
