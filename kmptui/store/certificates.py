"""The repository's certificates."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from kmptui.domain.audit import Entry, Stamp
from kmptui.domain.certificate import Certificate, CertificateRow, Source
from kmptui.domain.limit import Limit
from kmptui.domain.listing import Topic
from kmptui.errors import Ambiguous, LimitReached, NotFound
from kmptui.store import audit, ledger, words
from kmptui.store.columns import SEPARATOR, clean, json_text, moment_of, moment_text, names_of, names_text, serial_text
from kmptui.store.db import Db, touch
from kmptui.store.models import Body, CertificateRecord, Issuer

COLUMNS = (
    "c.id, c.serial, c.common_name, c.names_count, c.not_before, c.not_after, c.issuer,"
    " EXISTS (SELECT 1 FROM keys WHERE keys.spki = c.spki), c.order_id, c.source, c.revoked, c.superseded, c.exported"
)
"""What `row_of` reads, from `certificates c`."""
_NEWEST = "ORDER BY c.not_before DESC, c.id DESC"


@dataclass(frozen=True, slots=True)
class NewCertificate:
    """A certificate about to be added. `leaf`, `chain` DER (issuer first); `sha256` of the leaf, `spki` of its public
    key, hex; `serial` upper-case hex without separators; `names` the common name first; `key` like "RSA 2048"."""

    order_id: int | None
    serial: str
    common_name: str
    names: tuple[str, ...]
    not_before: datetime
    not_after: datetime
    issuer: str
    subject: str
    key: str
    leaf: bytes
    chain: tuple[bytes, ...]
    sha256: str
    spki: str
    source: Source = Source.IMPORTED


def add(db: Db, new: NewCertificate, entry: Entry, stamp: Stamp, *, most: int = 0) -> int:
    """Add it with its audit row; its id. The same one again changes nothing (and writes no row), unless it had been
    deleted here: then it comes back. Takes the place of its predecessor in its order or lineage, and sets the order's
    certificate, serial and hold.

    `most`: the certificate limit (0: none). Raises LimitReached when there is no room; a successor is never held back.
    Raises NotFound for an unknown order.
    """
    lineage = ledger.lineage_of(db, new.order_id) if new.order_id is not None else None
    known = db.rows("SELECT id, deleted FROM certificates WHERE sha256 = ?", (new.sha256,))
    if known and not known[0][1]:
        _join(db, int(known[0][0]), new, lineage)
        return int(known[0][0])
    _refuse_beyond_limit(db, new, stamp.at, most)
    row_id = int(known[0][0]) if known else _insert(db, new, lineage, stamp.at)
    if known:
        CertificateRecord.update(deleted=False, shelf=0, added=stamp.at).where(CertificateRecord.id == row_id).execute(
            db
        )
    Body.insert(certificate_id=row_id, leaf=new.leaf, chain=_chain(db, new.chain)).on_conflict_replace().execute(db)
    _index(db, row_id, new)
    ledger.rank(db, _lineage(db, row_id))
    _settle_order(db, new.order_id)
    audit.append(db, replace(entry, order_id=new.order_id, certificate_id=row_id), stamp)
    touch(db, Topic.CERTIFICATES)
    return row_id


def certificate(db: Db, certificate_id: int) -> Certificate:
    """Raises NotFound."""
    found = db.rows(
        f"SELECT {COLUMNS}, c.names, b.leaf, b.chain, c.sha256, c.spki, c.key, c.subject, c.added"  # noqa: S608
        " FROM certificates c JOIN bodies b ON b.certificate_id = c.id WHERE c.id = ? AND c.deleted = 0",
        (certificate_id,),
    )
    if not found:
        raise NotFound(f"There is no certificate c{certificate_id} here")
    *row, names, leaf, chain, sha256, spki, key, subject, added = found[0]
    ders = dict(db.rows("SELECT id, der FROM issuers WHERE id IN (SELECT value FROM json_each(?))", (chain,)))
    return Certificate(
        row=row_of(tuple(row)),
        names=names_of(names),
        leaf=bytes(leaf),
        chain=tuple(bytes(ders[issuer]) for issuer in json.loads(chain)),
        sha256=sha256,
        spki=spki,
        key=key,
        subject=subject,
        added=moment_of(added),
    )


def find(db: Db, text: str, *, deleted: bool = False) -> int:
    """`c42`, `42`, a serial (separators and leading zeros do not matter), a unique common name (of the current ones
    where older ones share it); `deleted`: also of those that were deleted here. Raises NotFound, Ambiguous."""
    wanted = text.strip().lower()
    number = wanted.removeprefix("c")
    if number.isascii() and number.isdigit() and len(number) < 19:
        found = db.rows("SELECT id FROM certificates WHERE id = ? AND deleted <= ?", (int(number), deleted))
        if found:
            return int(found[0][0])
    rows = db.rows(
        "SELECT id, superseded FROM certificates WHERE (serial = ? OR common_name = ?) AND deleted <= ? ORDER BY id",
        (serial_text(wanted), clean(wanted), deleted),
    )
    current = [row for row in rows if not row[1]]
    if len(current) == 1 or len(rows) == 1:
        return int((current or rows)[0][0])
    if rows:
        raise Ambiguous(
            f"Several certificates are {text!r}",
            why=", ".join(f"c{row[0]}" for row in rows[:8]),
            cure="Give the number",
        )
    raise NotFound(f"There is no certificate {text!r} here")


def of_order(db: Db, order_id: int) -> tuple[CertificateRow, ...]:
    """Newest first."""
    return _rows(db, "c.order_id = ?", order_id)


def by_serial(db: Db, serial: str) -> tuple[CertificateRow, ...]:
    """Serials are unique for each issuer only."""
    return _rows(db, "c.serial = ?", serial_text(serial))


def by_spki(db: Db, spki: str) -> tuple[CertificateRow, ...]:
    """Newest first."""
    return _rows(db, "c.spki = ?", spki)


def by_sha256(db: Db, sha256: str) -> CertificateRow | None:
    return next(iter(_rows(db, "c.sha256 = ?", sha256)), None)


def under(db: Db, domain: str, most: int = 100) -> tuple[tuple[CertificateRow, ...], int]:
    """Certificates, current ones, with a name at or below the domain, soonest to expire first, and how many there
    are."""
    name = words.fold(domain.removeprefix("*.").rstrip("."))
    tests: list[str] = []
    parameters: list[str] = []
    for start in (".",) if domain.startswith("*.") else (SEPARATOR, "."):
        test, asked = words.condition(db, words.CERTIFICATES, "c.id", f"{start}{name}{SEPARATOR}", "names")
        tests.append(test)
        parameters += asked
    where = f"({' OR '.join(tests)}) AND c.shelf = 0"
    total = int(db.value(f"SELECT count(*) FROM certificates c WHERE {where}", tuple(parameters)))  # noqa: S608
    found = db.rows(
        f"SELECT {COLUMNS} FROM certificates c WHERE {where} ORDER BY c.not_after, c.id LIMIT ?",  # noqa: S608
        (*parameters, most),
    )
    return tuple(map(row_of, found)), total


def limit_used(db: Db, now: datetime) -> int:
    """Lineages with a certificate that is neither expired nor revoked."""
    return int(
        db.value(
            "SELECT count(DISTINCT lineage) FROM certificates WHERE revoked IS NULL AND deleted = 0 AND not_after > ?",
            (moment_text(now),),
        )
    )


def mark_exported(db: Db, certificate_id: int, entry: Entry, stamp: Stamp) -> None:
    """Raises NotFound."""
    row = _known(db, certificate_id)
    CertificateRecord.update(exported=stamp.at).where(CertificateRecord.id == certificate_id).execute(db)
    audit.append(db, replace(entry, order_id=row["order_id"], certificate_id=certificate_id), stamp)
    touch(db, Topic.CERTIFICATES)


def mark_revoked(db: Db, certificate_id: int, at: datetime) -> None:
    """It is known to be revoked; the order's words come from SCM. Raises NotFound."""
    _known(db, certificate_id)
    CertificateRecord.update(revoked=at).where(CertificateRecord.id == certificate_id).execute(db)
    ledger.rank(db, _lineage(db, certificate_id))
    touch(db, Topic.CERTIFICATES)


def delete_here(db: Db, certificate_ids: Iterable[int], entry: Entry, stamp: Stamp) -> int:
    """Take certificates out of the repository, one audit row each; keys are untouched. The number that were there."""
    done = 0
    for row_id in certificate_ids:
        row = CertificateRecord.select().where(CertificateRecord.id == row_id).dicts().first(db)
        if row is None or row["deleted"]:
            continue
        done += 1
        Body.delete().where(Body.certificate_id == row_id).execute(db)
        CertificateRecord.update(deleted=True, shelf=2).where(CertificateRecord.id == row_id).execute(db)
        words.remove(db, words.CERTIFICATES, [row_id])
        ledger.rank(db, row["lineage"])
        if row["order_id"] is not None:
            left = of_order(db, row["order_id"])
            ledger.certificate_removed(db, row["order_id"], row_id, left[0].id if left else None)
        subject = entry.subject or row["common_name"]
        audit.append(db, replace(entry, order_id=row["order_id"], certificate_id=row_id, subject=subject), stamp)
    if done:
        touch(db, Topic.CERTIFICATES)
    return done


def row_of(row: tuple[Any, ...]) -> CertificateRow:
    """A line of the list from its COLUMNS."""
    (row_id, serial, common_name, count, before, after, issuer, has_key, order_id, source, revoked, old, exported) = row
    return CertificateRow(
        row_id, serial, common_name, count, datetime.fromisoformat(before), datetime.fromisoformat(after), issuer,
        bool(has_key), order_id, Source(source), revoked is not None, bool(old), moment_of(exported),
    )  # fmt: skip


def _rows(db: Db, where: str, value: object) -> tuple[CertificateRow, ...]:
    sql = f"SELECT {COLUMNS} FROM certificates c WHERE {where} AND c.deleted = 0 {_NEWEST}"  # noqa: S608 - constants
    return tuple(map(row_of, db.rows(sql, (value,))))


def _known(db: Db, certificate_id: int) -> dict[str, Any]:
    row: dict[str, Any] | None = (
        CertificateRecord.select().where(CertificateRecord.id == certificate_id).dicts().first(db)
    )
    if row is None or row["deleted"]:
        raise NotFound(f"There is no certificate c{certificate_id} here")
    return row


def _refuse_beyond_limit(db: Db, new: NewCertificate, now: datetime, most: int) -> None:
    if most == 0 or new.not_after <= now:
        return
    limit = Limit(most, limit_used(db, now))
    successor = new.order_id is not None and ledger.is_successor(db, new.order_id)
    if not limit.admits(successor=successor):
        raise LimitReached(
            f"Issued, not added: limit {limit}",
            cure="Raise certificate_limit, or delete certificates here; then check again",
        )


def _join(db: Db, row_id: int, new: NewCertificate, lineage: int | None) -> None:
    """A certificate that is here already comes with an order: it is that order's, unless it has one."""
    if new.order_id is None:
        return
    if _known(db, row_id)["order_id"] is None:
        own = CertificateRecord.update(order_id=new.order_id, lineage=lineage)
        own.where(CertificateRecord.id == row_id).execute(db)
        ledger.rank(db, _lineage(db, row_id))
        touch(db, Topic.CERTIFICATES)
    ledger.certificate_added(db, new.order_id, row_id, serial_text(new.serial))
    _settle_order(db, new.order_id)


def _lineage(db: Db, certificate_id: int) -> int:
    return int(db.value("SELECT lineage FROM certificates WHERE id = ?", (certificate_id,)))


def _settle_order(db: Db, order_id: int | None) -> None:
    """The newest certificate of an order is the order's."""
    newest = of_order(db, order_id)[:1] if order_id is not None else ()
    if order_id is not None and newest:
        ledger.certificate_added(db, order_id, newest[0].id, newest[0].serial)


def _insert(db: Db, new: NewCertificate, lineage: int | None, now: datetime) -> int:
    row_id: int = CertificateRecord.insert(
        order_id=new.order_id,
        lineage=lineage or 0,
        serial=serial_text(new.serial),
        common_name=new.common_name,
        names=new.names,
        names_count=len(new.names),
        not_before=new.not_before,
        not_after=new.not_after,
        issuer=new.issuer,
        subject=new.subject,
        key=new.key,
        sha256=new.sha256,
        spki=new.spki,
        source=new.source.value,
        added=now,
        superseded=False,
        deleted=False,
        shelf=0,
    ).execute(db)
    if lineage is None:  # without an order it is a lineage of its own, apart from those of orders
        CertificateRecord.update(lineage=-row_id).where(CertificateRecord.id == row_id).execute(db)
    return row_id


def _chain(db: Db, chain: Iterable[bytes]) -> str:
    ids = []
    for der in chain:
        digest = hashlib.sha256(der).hexdigest()
        Issuer.insert(sha256=digest, der=der).on_conflict_ignore().execute(db)
        ids.append(int(db.value("SELECT id FROM issuers WHERE sha256 = ?", (digest,))))
    return json_text(ids)


def _index(db: Db, row_id: int, new: NewCertificate) -> None:
    of = db.rows("SELECT organization, profile FROM orders WHERE id = ?", (new.order_id,))
    rest = words.rest_words((serial_text(new.serial), new.issuer, new.subject, *(of[0] if of else ())))
    words.replace(db, words.CERTIFICATES, [(row_id, words.names_words(clean(names_text(new.names))), clean(rest))])
