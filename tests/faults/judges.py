"""What must hold after a way (see `walk`) was broken off somewhere: another process opens the home, judges what is half
done, and goes on; at the server there is one order for each intent, and no key is lost."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.hazmat.primitives.serialization.pkcs12 import load_pkcs12

from kmptui.config import Paths
from kmptui.domain.audit import Entry
from kmptui.domain.order import KeystorePassword, Ledger
from kmptui.domain.renewable import ReissueRequest, RenewalRequest
from kmptui.sandbox.server import SandboxServer
from kmptui.services.exporting import ExportRequest
from kmptui.services.importing import ImportOptions
from kmptui.services.workspace import Workspace
from kmptui.store import audit, certificates, keys, ledger, migrations
from kmptui.store.db import Db
from kmptui.store.ledger.proof import contradiction
from kmptui.store.sealed import Sealed, sealed_under_others
from tests.faults.hurting import Case
from tests.faults.walk import PASSWORD
from tests.services.rig import Rig, opened, request
from tests.store.making import NOW, STAMP


@dataclass(frozen=True, slots=True)
class Way:
    """`template` makes the home from which each walk begins, `judge` asserts what holds after one; `certificates` are
    at the sandbox beforehand."""

    template: Callable[[Paths, SandboxServer], Awaitable[None]]
    judge: Callable[[Case, SandboxServer], Awaitable[None]]
    certificates: int = 0


async def no_home(_paths: Paths, _sandbox: SandboxServer) -> None:
    """The way begins before there is one."""


async def a_linked_home(paths: Paths, sandbox: SandboxServer) -> None:
    async with opened(paths, sandbox):
        pass


async def order(case: Case, sandbox: SandboxServer) -> None:
    files_are_whole(case)
    async with opened(case.paths, sandbox) as rig:
        await is_sound(rig, case)
        await goes_on(rig, case)


async def change(case: Case, sandbox: SandboxServer) -> None:
    """A renewal or a reissue."""
    async with opened(case.paths, sandbox) as rig:
        await settled(rig)
        (old, *newer) = await mine(rig, case)
        await keys_are_here(rig, case)
        await chain_is_one(rig, case.way)
        accepted = [row for row in await rig.audit(case.way) if row.outcome == "accepted"]
        assert issues(rig, case) == 1 + len(accepted)
        if case.way == "renew" and not accepted:
            await rig.renewing.renew(RenewalRequest(old.id))
        elif case.way == "reissue" and not accepted:
            await rig.reissuing.reissue(ReissueRequest(old.id, "a key was lost"))
        await rig.checking.check()
        *_, last = await mine(rig, case)
        assert (last.row.state, last.reissuing, issues(rig, case)) == ("issued", "", 2)
        assert len(newer) <= 1
        (newest, *_) = await rig.store.read(certificates.of_order, last.id)
        assert newest.has_key
        assert not newest.superseded
        assert (await rig.store.read(certificates.certificate, newest.id)).spki == last.spki


def issues(rig: Rig, case: Case) -> int:
    """How many certificates the CA issued for the name."""
    return sum(len(one["certificates"]) for one in rig.created(case.name))


async def taken_in(case: Case, sandbox: SandboxServer) -> None:
    everything = sandbox.control("state")["orders_total"]
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


async def first(case: Case, _sandbox: SandboxServer) -> None:
    async with await Workspace.open(case.paths, face="cli") as workspace:
        status = await workspace.vault.status()
        if status.state == "none":
            status = await workspace.vault.init(None)
        assert (status.state, status.slots) == ("open", ("key file",))
        assert (await workspace.vault.unlock()).state == "open"


async def three_orders(paths: Paths, sandbox: SandboxServer) -> None:
    async with opened(paths, sandbox) as rig:
        for number in range(3):
            password = {"keystore_password_when": KeystorePassword.MADE}
            await rig.ordering.place(request(f"rotated-{number}.example.com", **password))


async def rotated(case: Case, sandbox: SandboxServer) -> None:
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


async def an_old_store(paths: Paths, _sandbox: SandboxServer) -> None:
    """A store of the first version."""
    paths.home.mkdir(0o700)
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


async def migrated(case: Case, _sandbox: SandboxServer) -> None:
    async with await Workspace.open(case.paths, face="cli") as workspace:
        kept = await workspace.lists.order(1)
        assert (kept.common_name, kept.row.auto_renew) == ("kept.example.com", True)
        assert (await workspace.record.verify()).rows == 1
        assert await workspace.check_store() == ()
    assert case.paths.store.with_name("kmptui.db.before-0002").exists()


WAYS = {
    "order": Way(a_linked_home, order),
    "renew": Way(a_linked_home, change),
    "reissue": Way(a_linked_home, change),
    "import": Way(a_linked_home, taken_in, certificates=12),
    "first": Way(no_home, first),
    "rotate": Way(three_orders, rotated),
    "migrate": Way(an_old_store, migrated),
}


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
    rig.advance(601)
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
