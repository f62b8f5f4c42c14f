"""Revocations and their proof: what was asked of SCM, that it said so, and that the CA's list has the serial."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from kmptui.domain.audit import Entry, Stamp
from kmptui.domain.listing import Topic
from kmptui.domain.order import ISSUED_STATUSES, Order, RemoteOrder
from kmptui.domain.revocation import Living, Revocation
from kmptui.errors import NotFound
from kmptui.store import audit, certificates, ledger
from kmptui.store.columns import day_of, moment_of, moment_text, serial_text
from kmptui.store.db import Db, touch
from kmptui.store.life_models import RevocationRow
from kmptui.store.models import Issuer

_ISSUED = ", ".join(f"'{status}'" for status in sorted(ISSUED_STATUSES))


def begin(db: Db, new: Revocation) -> int:
    """Keep what is asked; its id. One of the same certificate that is still open goes on, with its own day."""
    known = _open_of(db, new.serial, new.order_id)
    if known is not None:
        columns = {"reason_code": new.reason_code, "reason": new.reason, "again": _again(new.again)}
        RevocationRow.update(**columns).where(RevocationRow.id == known).execute(db)
        return known
    columns = {name: getattr(new, name) for name in _OWN} | {"again": _again(new.again)}
    row_id: int = RevocationRow.insert(**columns).execute(db)
    touch(db, Topic.CERTIFICATES)
    return row_id


_OWN = (
    "certificate_id", "order_id", "serial", "common_name", "reason_code", "reason", "asked", "confirmed", "crl_url",
    "issuer", "ends", "listed", "tries", "problem",
)  # fmt: skip


def get(db: Db, revocation_id: int) -> Revocation:
    """Raises NotFound."""
    row = RevocationRow.select().where(RevocationRow.id == revocation_id).dicts().first(db)
    if row is None:
        raise NotFound(f"There is no revocation {revocation_id}")
    return _of(row)


def rows(db: Db, most: int = 1000) -> tuple[Revocation, ...]:
    """Newest first."""
    found = RevocationRow.select().order_by(RevocationRow.id.desc()).limit(most).dicts().execute(db)
    return tuple(map(_of, found))


def due(db: Db, now: datetime | None) -> tuple[Revocation, ...]:
    """Those to be looked up by now, longest waiting first; without a moment all that are still looked up."""
    open_ = RevocationRow.listed.is_null() & (RevocationRow.again != "")
    if now is not None:
        open_ &= RevocationRow.again <= moment_text(now)
    return tuple(map(_of, RevocationRow.select().where(open_).order_by(RevocationRow.again).dicts().execute(db)))


def next_due(db: Db) -> datetime | None:
    """When the next one is to be looked up."""
    return moment_of(db.value("SELECT min(again) FROM revocations WHERE listed IS NULL AND again <> ''"))


def unconfirmed(db: Db) -> tuple[int, ...]:
    """Orders of which it is not known whether SCM revoked their certificate."""
    found = db.rows(
        "SELECT DISTINCT order_id FROM revocations WHERE listed IS NULL AND again <> '' AND confirmed IS NULL"
        " AND order_id IS NOT NULL ORDER BY order_id"
    )
    return tuple(int(row[0]) for row in found)


def forget(db: Db, revocation_id: int, asked: datetime) -> None:
    """Nothing came of what was asked then: it was not sent, or SCM refused. One that goes on from before stays."""
    mine = (RevocationRow.id == revocation_id) & (RevocationRow.asked == asked) & RevocationRow.confirmed.is_null()
    if RevocationRow.delete().where(mine).execute(db):
        touch(db, Topic.CERTIFICATES)


def confirm(db: Db, revocation_id: int, at: datetime) -> None:
    """SCM says that it is revoked; the certificate here counts as revoked."""
    row = get(db, revocation_id)
    if row.confirmed is None:
        columns: dict[str, Any] = {"confirmed": at, "problem": ""}
        RevocationRow.update(**columns).where(RevocationRow.id == revocation_id).execute(db)
    _mark(db, row.certificate_id, at)
    touch(db, Topic.CERTIFICATES)


def take_in(db: Db, remote: RemoteOrder, stamp: Stamp) -> Order:
    """An order's details as SCM told them just now. Where it is revoked, so are its certificate here and what was asked
    for it."""
    order = ledger.update_from_details(db, remote, stamp)
    if order.row.status.lower() == "revoked":
        _mark(db, order.row.certificate_id, stamp.at)
        waiting = _open_of(db, order.row.serial, order.id)
        if waiting is not None:
            confirm(db, waiting, stamp.at)
    return order


def listed(db: Db, revocation_id: int, entry: Entry, stamp: Stamp) -> bool:
    """The CRL has the serial: the last proof, with its audit row; False where that was known already."""
    known = (RevocationRow.id == revocation_id) & RevocationRow.listed.is_null()
    proved: dict[str, Any] = {"listed": stamp.at, "again": "", "problem": ""}
    if not RevocationRow.update(**proved).where(known).execute(db):
        return False
    confirm(db, revocation_id, stamp.at)
    audit.append(db, entry, stamp)
    return True


def pause(db: Db, revocation_id: int, problem: str, again: datetime | None) -> None:
    """It is not proved yet, and why; looked up again then, or no more."""
    row = get(db, revocation_id)
    columns: dict[str, Any] = {"problem": problem, "again": _again(again), "tries": row.tries + 1}
    RevocationRow.update(**columns).where(RevocationRow.id == revocation_id).execute(db)
    touch(db, Topic.CERTIFICATES)


def not_revoked(db: Db, revocation_id: int, entry: Entry, stamp: Stamp) -> None:
    """SCM still has it as issued, long after it was asked: nothing came of it."""
    RevocationRow.delete().where(RevocationRow.id == revocation_id).execute(db)
    audit.append(db, entry, stamp)
    touch(db, Topic.CERTIFICATES)


def keep_issuer(db: Db, chain: Sequence[bytes]) -> str:
    """The SHA-256 of a leaf's own issuer, which is kept beyond the leaf; "" for an empty chain."""
    if not chain:
        return ""
    digest = hashlib.sha256(chain[0]).hexdigest()
    Issuer.insert(sha256=digest, der=chain[0]).on_conflict_ignore().execute(db)
    return digest


def issuer(db: Db, sha256: str) -> bytes | None:
    """The certificate (DER) of an issuer."""
    found = db.value("SELECT der FROM issuers WHERE sha256 = ?", (sha256,)) if sha256 else None
    return None if found is None else bytes(found)


def living(db: Db, common_name: str, now: datetime) -> tuple[Living, ...]:
    """All certificates of a common name that are neither revoked nor expired, newest first: those of the repository,
    and such as only their issued order tells of. CAs count by days: of one day the later fetched is the newer, and what
    is still to be fetched newer than that."""
    here = db.rows(
        "SELECT id, serial, not_before, not_after, revoked IS NULL AND not_after > ? FROM certificates"
        " WHERE common_name = ? AND deleted = 0",
        (moment_text(now), common_name),
    )
    known = {serial for _, serial, *_ in here}
    found = [
        ((before[:10], 0, row_id), Living(f"c{row_id}", serial, day_of(before[:10]), day_of(after[:10])))
        for row_id, serial, before, after, alive in here
        if alive
    ]
    elsewhere = db.rows(
        "SELECT id, serial, CASE WHEN replaced > issued THEN replaced ELSE issued END, expires FROM orders"  # noqa: S608
        f" WHERE common_name = ? AND ledger = 'accepted' AND lower(status) IN ({_ISSUED}) AND deleted = 0"
        " AND serial <> '' AND expires >= ?",
        (common_name, now.date().isoformat()),
    )
    found += [
        ((day, 1, row_id), Living(f"o{row_id}", serial_text(serial), day_of(day), day_of(ends)))
        for row_id, serial, day, ends in elsewhere
        if serial_text(serial) not in known
    ]
    return tuple(one for _, one in sorted(found, key=lambda pair: pair[0], reverse=True))


def held_of(db: Db, order_id: int) -> int:
    """How many certificates the order had here, those deleted here among them."""
    return int(db.value("SELECT count(*) FROM certificates WHERE order_id = ?", (order_id,)))


def _open_of(db: Db, serial: str, order_id: int | None) -> int | None:
    found = db.value(
        "SELECT id FROM revocations WHERE serial = ? AND order_id IS ? AND listed IS NULL ORDER BY id DESC LIMIT 1",
        (serial, order_id),
    )
    return None if found is None else int(found)


def _mark(db: Db, certificate_id: int | None, at: datetime) -> None:
    """The certificate here, where it still is, counts as revoked from the first word of it on."""
    if certificate_id is None:
        return
    if db.value("SELECT 1 FROM certificates WHERE id = ? AND deleted = 0 AND revoked IS NULL", (certificate_id,)):
        certificates.mark_revoked(db, certificate_id, at)


def _again(at: datetime | None) -> str:
    return moment_text(at) if at is not None else ""


def _of(row: dict[str, Any]) -> Revocation:
    return replace(Revocation(**row), again=moment_of(row["again"]))
