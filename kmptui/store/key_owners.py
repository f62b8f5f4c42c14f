"""Whose a private key is: that of a certificate, or of an order that never came to one."""

from __future__ import annotations

import re
from dataclasses import dataclass

from kmptui.errors import NotFound
from kmptui.store import certificates
from kmptui.store.db import Db

_ORDER = re.compile(r"o(\d{1,18})", re.ASCII)


@dataclass(frozen=True, slots=True)
class KeyOwner:
    """A certificate by its key, also one that was deleted here: its key stays until it is destroyed by itself. Without
    a certificate (`certificate_id` None, no serial) the order that the key was made for, also a deleted one. `others`
    are the numbers of further certificates that are here and have the same key."""

    number: str
    certificate_id: int | None
    order_id: int | None
    common_name: str
    serial: str
    spki: str
    has_key: bool
    others: tuple[str, ...]

    @property
    def subject(self) -> str:
        """As the record names it."""
        return " ".join(filter(None, (self.number, self.common_name, self.serial)))


def find(db: Db, text: str) -> KeyOwner:
    """By `c42`, a serial, a unique common name, or `o118`: then the order's certificate for that key where it has one.
    Raises NotFound, Ambiguous."""
    if named := _ORDER.fullmatch(text.strip().lower()):
        return _of_order(db, int(named[1]))
    return _of_certificate(db, certificates.find(db, text, deleted=True))


def _of_certificate(db: Db, certificate_id: int) -> KeyOwner:
    found = db.rows(
        "SELECT c.order_id, c.common_name, c.serial, c.spki, EXISTS (SELECT 1 FROM keys WHERE keys.spki = c.spki)"
        " FROM certificates c WHERE c.id = ?",
        (certificate_id,),
    )
    order_id, common_name, serial, spki, has_key = found[0]
    others = tuple(row.number for row in certificates.by_spki(db, spki) if row.id != certificate_id)
    return KeyOwner(f"c{certificate_id}", certificate_id, order_id, common_name, serial, spki, bool(has_key), others)


def _of_order(db: Db, order_id: int) -> KeyOwner:
    found = db.rows(
        "SELECT o.common_name, o.spki, EXISTS (SELECT 1 FROM keys WHERE keys.spki = o.spki),"
        " (SELECT max(c.id) FROM certificates c WHERE c.order_id = o.id AND c.spki = o.spki)"
        " FROM orders o WHERE o.id = ?",
        (order_id,),
    )
    if not found:
        raise NotFound(f"There is no order o{order_id} here")
    common_name, spki, has_key, certificate_id = found[0]
    if certificate_id is not None:
        return _of_certificate(db, certificate_id)
    others = tuple(row.number for row in certificates.by_spki(db, spki)) if spki else ()
    return KeyOwner(f"o{order_id}", None, order_id, common_name, "", spki, bool(spki and has_key), others)
