"""Whatever hand but the program's is laid on the record or the ledger, `verify` finds it and names the first bad row;
what only a head that was kept elsewhere finds, and what nothing can find, is counted."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from kmptui.config import Paths
from kmptui.domain.audit import Verdict
from kmptui.domain.renewable import ReissueRequest, RenewalRequest
from kmptui.errors import KmptuiError
from kmptui.sandbox.server import SandboxConfig, running
from kmptui.services.record import Record
from tests.reliability.tally import Tally
from tests.reliability.tampering import HANDS, Attack, Hand
from tests.services.rig import Rig, opened, request

ENROLL, RENEW = "POST /ssl/v1/enroll", "POST /ssl/v1/renewById"
REFUSAL = {"kind": "status", "status": 400, "body": {"code": -110, "description": "The CSR is not valid"}}
WAITING = {"organization_id": 7121}
"""An order that waits for approval in the sandbox's company."""


async def prove(tally: Tally, number: int, folder: Path) -> None:
    draw = random.Random(tally.seed)
    with running(SandboxConfig(certificates=6, issue_after=0)) as sandbox:
        paths = Paths(folder / "home")
        async with opened(paths, sandbox) as rig:
            await lived(rig)
            record = Record(rig.engine)
            good = await record.verify()
            tally.require(good.intact, f"the record as the program wrote it: {good.problem}")
            tally.count("rows of the record", good.rows)
            whole = folder / "whole.db"
            await rig.store.backup(whole)
            for at in range(30 * number):
                name, hand = HANDS[at % len(HANDS)]
                await one(tally, draw, f"case {at}, {name}", hand, record, good.head, paths.store, whole)
            restore(whole, paths.store)
            tally.require(await record.verify(good.head) == good, "the store that was put back is not as it was")


async def lived(rig: Rig) -> None:
    """Orders, renewals, a reissue, a revocation, a decision; answered, refused and lost."""
    ids = [await issued(rig, f"record-{at}.example.com") for at in range(5)]
    rig.advance(86_400)
    await rig.renewing.renew(RenewalRequest(ids[0]))
    await rig.renewing.renew(RenewalRequest(ids[1]), why="due")
    await rig.reissuing.reissue(ReissueRequest(ids[2], "a key was lost"))
    await rig.checking.check(ids)
    target = await rig.revoking.target(order_id=ids[3])
    await rig.revoking.revoke(target, code=4, reason="superseded", typed=target.answer)
    placed = await rig.ordering.place(request("record-waits.lab.example.edu", **WAITING))
    await rig.deciding.cancel([placed.order_id or 0], "not needed")
    for fault in (REFUSAL, {"kind": "drop-after"}, {"kind": "drop-before"}):
        rig.fault(match=ENROLL, **fault)
        await failing(rig.ordering.place(request(f"record-{fault['kind']}.example.com")))
    rig.fault(match=RENEW, **REFUSAL)
    await failing(rig.renewing.renew(RenewalRequest(ids[4])))
    await rig.ordering.reconcile()
    await rig.vault.rotate()


async def issued(rig: Rig, name: str) -> int:
    order_id = (await rig.ordering.place(request(name))).order_id
    assert order_id is not None
    await rig.checking.check([order_id])
    return order_id


async def failing(work: Any) -> None:
    try:
        await work
    except KmptuiError:
        return
    raise AssertionError("it should have been refused")


def restore(source: Path, target: Path) -> None:
    """Put the whole store in place of the spoilt one, while the program has it open."""
    with closing(sqlite3.connect(source)) as whole, closing(sqlite3.connect(target, timeout=30)) as spoilt:
        whole.backup(spoilt)


async def one(
    tally: Tally, draw: random.Random, case: str, hand: Hand, record: Record, head: str, store: Path, whole: Path
) -> None:
    restore(whole, store)
    with closing(sqlite3.connect(store, timeout=30)) as db:
        attack = Attack(db, draw)
        expected = hand(attack)
        db.commit()
    case = f"{case}: {attack.words}"
    try:
        found, kept = await record.verify(), await record.verify(head)
    except Exception as error:  # noqa: BLE001 - what must not come
        tally.require(False, f"{case}: {type(error).__name__}: {error}")
        return
    if expected.never:
        _counted(tally, expected.never, kept)
    elif expected.head_only:
        _counted(tally, "cuts and rewrites without a kept head", found)
        tally.require(not kept.intact, f"{case}: not found with the head that was kept")
        tally.count("cuts and rewrites found by a kept head")
        if found.intact:
            tally.require(kept.first_bad == found.rows + 1, f"{case}: {kept}")
    elif expected.order:
        tally.require(not found.intact and f"o{expected.order}:" in found.problem, f"{case}: {found}")
        tally.count("hands on the ledger, found and named")
    else:
        tally.require(not found.intact and found.first_bad == expected.row, f"{case}: not row {expected.row}, {found}")
        tally.require(f"row {expected.row}" in found.problem, f"{case}: the row is not named, {found.problem}")
        tally.count("hands on the record, found and named")


def _counted(tally: Tally, words: str, verdict: Verdict) -> None:
    tally.count(f"{words}: " + ("not found" if verdict.intact else "found by the ledger"))
