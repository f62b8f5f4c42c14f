"""Hurt at every point of a way: killed, without room on the disk, told to stop; then another process goes on.

The ways are in `walk`; the points of each are found by walking it once. A sample of them is taken, the same in each
run, with all that stand next to a POST; `KMPTUI_ALL_POINTS=1` in the environment takes all.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.hazmat.primitives.serialization.pkcs12 import load_pkcs12

from kmptui.config import Paths
from kmptui.domain.audit import Entry
from kmptui.domain.order import KeystorePassword, Ledger
from kmptui.domain.renewable import ReissueRequest, RenewalRequest
from kmptui.errors import KmptuiError
from kmptui.services.exporting import ExportRequest
from kmptui.services.importing import ImportOptions
from kmptui.services.workspace import Workspace
from kmptui.store import audit, certificates, keys, ledger, migrations
from kmptui.store.db import Db
from kmptui.store.ledger.proof import contradiction
from kmptui.store.sealed import Sealed, sealed_under_others
from tests.faults.walk import PASSWORD
from tests.sandbox_fixtures import SandboxFactory
from tests.services.rig import Rig, opened, request
from tests.store.making import NOW, STAMP

WALK = Path(__file__).with_name("walk.py")
SAMPLE = {"kill": 12, "full": 5, "stop": 5}
"""Points that are tried when not all are."""
ALL = os.environ.get("KMPTUI_ALL_POINTS", "") not in {"", "0"}
NEVER = 1_000_000
PATIENCE = 600


@dataclass(frozen=True, slots=True)
class Case:
    """One walk: its folder holds the home, the exports and the journal of the points that were reached."""

    folder: Path
    way: str
    how: str
    at: int

    @property
    def name(self) -> str:
        return f"{self.how}-{self.at}.example.com"

    @property
    def paths(self) -> Paths:
        return Paths(self.folder / "home")

    @property
    def out(self) -> Path:
        return self.folder / "out" / "file.p12"

    @property
    def reached(self) -> list[str]:
        return (self.folder / "journal").read_text().splitlines()

    def order(self) -> str:
        members = {"home": self.paths.home, "out": self.out, "journal": self.folder / "journal"}
        order = {name: str(path) for name, path in members.items()} | {
            "way": self.way,
            "name": self.name,
            "at": self.at,
            "how": self.how,
        }
        return json.dumps(order)


def prepared(template: Path, way: str, how: str, at: int) -> Case:
    case = Case(template.with_name(f"{how}-{at}"), way, how, at)
    case.out.parent.mkdir(parents=True)
    if template.exists():
        shutil.copytree(template, case.paths.home)
    return case


def walked(cases: list[Case]) -> dict[str, dict[str, Any]]:
    """How each walk ended, by its name."""
    done = subprocess.run(
        [sys.executable, str(WALK)],
        input="".join(f"{case.order()}\n" for case in cases),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return {answer["name"]: answer for answer in map(json.loads, done.stdout.splitlines())}


def sampled(points: list[str], most: int) -> list[int]:
    """`most` of the points, evenly spread from the first to the last, and those around the requests that may change
    something."""
    count = len(points)
    if ALL or count <= most:
        return list(range(count))
    spread = {round(number * (count - 1) / (most - 1)) for number in range(most)}
    posts = {number + beside for number, words in enumerate(points) if " POST " in words for beside in (-1, 0, 1)}
    return sorted(number for number in spread | posts if 0 <= number < count)


async def hurt_at_points(
    template: Path, way: str, how: str, judge: Callable[[Case], Awaitable[None]], most: int = 0
) -> None:
    """Walk the way once, then again and again, hurt at each of its points; `judge` asserts what holds afterwards."""
    whole = prepared(template, way, how, NEVER)
    told = (await asyncio.to_thread(walked, [whole]))[whole.name]
    assert (told["status"], told["words"]) == (0, "done")
    cases = [prepared(template, way, how, at) for at in sampled(whole.reached, most or SAMPLE[how])]
    ends = await asyncio.to_thread(walked, cases)
    failures = []
    for case in cases:
        end = ends[case.name]
        try:
            assert end["status"] == (-signal.SIGKILL if how == "kill" else 0), f"it ended with {end['status']}"
            await judge(case)
        except (AssertionError, KmptuiError) as error:
            place = case.reached[-1] if case.reached else "the beginning"
            failures.append(f"{how} at point {case.at}, {place} ({end['words']}): {error!r}")
    assert not failures, "\n".join(failures)


@pytest.mark.parametrize("how", ["kill", "full", "stop"])
async def test_an_order_to_its_file(tmp_path: Path, sandbox_factory: SandboxFactory, how: str) -> None:
    sandbox = sandbox_factory(issue_after=0, certificates=0)
    template = tmp_path / "template"
    async with opened(Paths(template), sandbox):
        pass

    async def judge(case: Case) -> None:
        files_are_whole(case)
        async with opened(case.paths, sandbox) as rig:
            await is_sound(rig, case)
            await goes_on(rig, case)

    await hurt_at_points(template, "order", how, judge)


@pytest.mark.parametrize("way", ["renew", "reissue"])
async def test_a_renewal_and_a_reissue(tmp_path: Path, sandbox_factory: SandboxFactory, way: str) -> None:
    sandbox = sandbox_factory(issue_after=0, certificates=0)
    template = tmp_path / "template"
    async with opened(Paths(template), sandbox):
        pass

    async def judge(case: Case) -> None:
        async with opened(case.paths, sandbox) as rig:
            await settled(rig)
            (old, *newer) = await mine(rig, case)
            await keys_are_here(rig, case)
            await chain_is_one(rig, way)
            accepted = [row for row in await rig.audit(way) if row.outcome == "accepted"]
            assert issues(rig, case) == 1 + len(accepted)
            if way == "renew" and not accepted:
                await rig.renewing.renew(RenewalRequest(old.id))
            elif way == "reissue" and not accepted:
                await rig.reissuing.reissue(ReissueRequest(old.id, "a key was lost"))
            await rig.checking.check()
            *_, last = await mine(rig, case)
            assert (last.row.state, last.reissuing, issues(rig, case)) == ("issued", "", 2)
            assert len(newer) <= 1
            (newest, *_) = await rig.store.read(certificates.of_order, last.id)
            assert newest.has_key
            assert not newest.superseded
            assert (await rig.store.read(certificates.certificate, newest.id)).spki == last.spki

    await hurt_at_points(template, way, "kill", judge, most=5)


def issues(rig: Rig, case: Case) -> int:
    """How many certificates the CA issued for the name."""
    return sum(len(one["certificates"]) for one in rig.created(case.name))


@pytest.mark.parametrize("how", ["kill", "full", "stop"])
async def test_an_import_with_its_bodies(tmp_path: Path, sandbox_factory: SandboxFactory, how: str) -> None:
    sandbox = sandbox_factory(certificates=12)
    template = tmp_path / "template"
    async with opened(Paths(template), sandbox):
        pass
    everything = sandbox.control("state")["orders_total"]

    async def judge(case: Case) -> None:
        async with opened(case.paths, sandbox) as rig:
            done = await rig.importing.run(ImportOptions())
            assert (done.complete, done.seen) == (True, everything)
            rig.clock.ahead += timedelta(hours=13)  # what failed is asked again
            fetched = await rig.importing.fetch()
            assert (fetched.failed, fetched.left) == ((), 0)
            assert await rig.store.read(_ssl_ids) == (everything, everything)
            assert len(await rig.audit("collect")) == await rig.store.read(_certificates) > 0
            assert await rig.store.check() == ()
            assert (await rig.store.read(audit.verify)).intact

    await hurt_at_points(template, "import", how, judge)


@pytest.mark.parametrize("how", ["kill", "full"])
async def test_the_first_opening_of_a_home(tmp_path: Path, how: str) -> None:
    async def judge(case: Case) -> None:
        async with await Workspace.open(case.paths, face="cli") as workspace:
            status = await workspace.vault.status()
            if status.state == "none":
                status = await workspace.vault.init(None)
            assert (status.state, status.slots) == ("open", ("key file",))
            assert (await workspace.vault.unlock()).state == "open"

    await hurt_at_points(tmp_path / "template", "first", how, judge)


@pytest.mark.parametrize("how", ["kill", "full"])
async def test_a_rotation_of_the_data_key(tmp_path: Path, sandbox_factory: SandboxFactory, how: str) -> None:
    sandbox = sandbox_factory(issue_after=0, certificates=0)
    template = tmp_path / "template"
    async with opened(Paths(template), sandbox) as rig:
        for number in range(3):
            password = {"keystore_password_when": KeystorePassword.MADE}
            await rig.ordering.place(request(f"rotated-{number}.example.com", **password))

    async def judge(case: Case) -> None:
        async with opened(case.paths, sandbox) as rig:
            assert await rig.store.read(every_secret) == 7
            for sealed in await rig.store.read(secrets_of):
                assert await rig.engine.open_sealed(sealed)
            assert await rig.vault.rotate() == 7
            assert (await rig.vault.status()).old_keys == 0
            for sealed in await rig.store.read(secrets_of):
                assert await rig.engine.open_sealed(sealed)
            await rig.ordering.place(request(case.name))
            assert (await rig.store.read(audit.verify)).intact

    await hurt_at_points(template, "rotate", how, judge)


@pytest.mark.parametrize("how", ["kill", "full"])
async def test_a_migration(tmp_path: Path, how: str) -> None:
    template = tmp_path / "template"
    paths = Paths(template)
    template.mkdir(0o700)
    db = Db(paths.store, paths.holders, writer=True, busy_seconds=1)
    db.connect()
    with db.unit("IMMEDIATE"):
        migrations.migrate(db, NOW, migrations.STEPS[:1])
        audit.append(db, Entry("link"), STAMP)
        db.run(
            "INSERT INTO orders (ssl_id, common_name, names, names_count, ledger, state, origin, lineage, auto_renew)"
            " VALUES (7, 'kept.example.com', 'kept.example.com', 1, 'accepted', 'issued', 'imported', 1, 1)"
        )
    db.close()
    paths.store.chmod(0o600)

    async def judge(case: Case) -> None:
        async with await Workspace.open(case.paths, face="cli") as workspace:
            order = await workspace.lists.order(1)
            assert (order.common_name, order.row.auto_renew) == ("kept.example.com", True)
            assert (await workspace.record.verify()).rows == 1
            assert await workspace.check_store() == ()
        assert case.paths.store.with_name("kmptui.db.before-0002").exists()

    await hurt_at_points(template, "migrate", how, judge)


def every_secret(db: Db) -> int:
    return len(secrets_of(db))


def secrets_of(db: Db) -> list[Sealed]:
    return [place.sealed for place in sealed_under_others(db, bytes(8), 1_000)]


def _ssl_ids(db: Db) -> tuple[int, int]:
    row = db.rows("SELECT count(*), count(DISTINCT ssl_id) FROM orders WHERE deleted = 0")[0]
    return int(row[0]), int(row[1])


def _certificates(db: Db) -> int:
    return int(db.value("SELECT count(*) FROM certificates"))


def files_are_whole(case: Case) -> None:
    """What stands in the folder can be read to its end; nothing half stands beside it."""
    for path in case.out.parent.iterdir():
        assert path.stat().st_mode & 0o777 == 0o600, path.name
        if path == case.out:
            assert load_pkcs12(path.read_bytes(), PASSWORD.encode()).key is not None
        else:
            assert path.name == "file.pem", f"{path.name} was left behind"
            assert load_pem_private_key(path.read_bytes(), None)


async def is_sound(rig: Rig, case: Case) -> None:
    """The promises of the order protocol, after the process has gone and another one has judged what it left."""
    await settled(rig)
    at_server = rig.created(case.name)
    orders = await mine(rig, case)
    accepted = [order for order in orders if order.row.ledger is Ledger.ACCEPTED]
    assert len(at_server) <= 1, f"{len(at_server)} orders at the server"
    assert [order.ssl_id for order in accepted] == [one["id"] for one in at_server]
    await keys_are_here(rig, case)
    await chain_is_one(rig, "order")
    clear = case.out.with_suffix(".pem")
    if clear.exists():
        assert [row for row in await rig.audit("export") if row.phase == "intent"], "a key in clear without a record"


async def settled(rig: Rig) -> None:
    """What the process left half done is judged by another one."""
    await rig.ordering.recover()
    await rig.ordering.reconcile()
    rig.clock.ahead += timedelta(seconds=601)
    await rig.ordering.reconcile()
    assert await rig.ordering.unconfirmed() == (), "an intent stays unconfirmed"


async def keys_are_here(rig: Rig, case: Case) -> None:
    """The key of each order that SCM has; and the store is whole."""
    for one in rig.created(case.name):
        key = await rig.store.read(keys.key, one["spki_sha256"])
        assert key is not None, "the key of an order is lost"
        assert await rig.engine.open_sealed(Sealed(key.sealed.identity, key.sealed.blob))
    assert await rig.store.check() == ()
    assert (await rig.store.read(audit.verify)).intact
    assert await rig.store.read(contradiction) == ""


async def chain_is_one(rig: Rig, act: str) -> None:
    """Each intent has one row, followed by outcomes of which the last is final."""
    rows = await rig.audit(act)
    assert [row.phase for row in rows[:1]] in ([], ["intent"])
    assert sum(row.phase == "intent" for row in rows) <= 1
    final = {"accepted", "refused", "not sent", "not placed"}
    assert [row.outcome in final for row in rows if row.phase == "outcome"][-1:] == [True] * bool(rows)


async def mine(rig: Rig, case: Case) -> list[Any]:
    ids = await rig.store.read(lambda db: [row[0] for row in db.rows("SELECT id FROM orders WHERE deleted = 0")])
    found = [await rig.store.read(ledger.order, order_id) for order_id in ids]
    return [order for order in found if order.common_name == case.name]


async def goes_on(rig: Rig, case: Case) -> None:
    """A person goes on where it ended, and the certificate comes out, with one order at the server."""
    orders = await mine(rig, case)
    order_id = orders[0].id if orders else None
    if order_id is None or orders[0].row.ledger is not Ledger.ACCEPTED:
        order_id = (await rig.ordering.place(request(case.name), order_id=order_id)).order_id
    assert order_id is not None
    await rig.checking.check([order_id])
    certificate_id = (await rig.store.read(ledger.order, order_id)).row.certificate_id
    assert certificate_id is not None, "the certificate did not come in"
    wanted = ExportRequest(certificate_id, "pkcs12", out=case.out, password=PASSWORD, replace=True)
    await rig.repository.export(wanted)
    files_are_whole(case)
    assert len(rig.created(case.name)) == 1
