"""Which order or certificate of ours does a file belong to? Keys, requests and certificates share a public key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kmptui.errors import NotFound
from kmptui.store import certificates, ledger

if TYPE_CHECKING:
    from kmptui.pki.identify import Found
    from kmptui.store.database import Db

WORDS = {
    "csr": "a certification request",
    "key": "a private key",
    "encrypted key": "an encrypted private key",
    "pkcs12": "a PKCS#12 keystore",
    "jks": "a Java keystore",
    "pkcs7": "a bundle of certificates (PKCS#7)",
    "certificate": "a certificate",
}


@dataclass(frozen=True, slots=True)
class Match:
    """Where a file belongs: `kind` of the file, our order and certificate where known, `words` a plain sentence."""

    kind: str
    words: str
    order_id: int | None = None
    certificate_id: int | None = None


def matches(db: Db, found: Found) -> tuple[Match, ...]:
    """Everything of ours that the file belongs to, the certificate itself first; where nothing does: one without."""
    what = WORDS.get(found.kind, "nothing that kmptui knows")
    if found.problem:
        return (Match(found.kind, f"This should be {what}, but it cannot be read: {found.problem}"),)
    if found.spki is None:
        return (Match(found.kind, _closed(found.kind, what)),)
    hits: list[Match] = []
    same = certificates.by_sha256(db, found.sha256) if found.sha256 else None
    if same is not None:
        words = (
            f"This is {what}: {same.number} {same.common_name}, serial {same.serial}{_order_words(db, same.order_id)}"
        )
        hits.append(Match(found.kind, words, same.order_id, same.id))
    for row in certificates.by_spki(db, found.spki):
        if same is None or row.id != same.id:
            words = f"This is {what} with the key of {row.number} {row.common_name}, serial {row.serial}"
            hits.append(Match(found.kind, words + _order_words(db, row.order_id), row.order_id, row.id))
    told = {hit.order_id for hit in hits}
    for order_id in ledger.by_spki(db, found.spki):
        if order_id not in told:
            words = f"This is {what} with the key of {_order(db, order_id)}"
            hits.append(Match(found.kind, words, order_id))
    if hits:
        return tuple(hits)
    return (Match(found.kind, f"This is {what}, and it belongs to no order or certificate here"),)


def _closed(kind: str, what: str) -> str:
    if kind in {"pkcs12", "encrypted key"}:
        return f"This is {what}: without its password it cannot be told where it belongs"
    return f"This is {what}: it cannot be told where it belongs"


def _order(db: Db, order_id: int) -> str:
    order = ledger.order(db, order_id)
    return f"order {order.row.number} {order.common_name} ({order.row.state})"


def _order_words(db: Db, order_id: int | None) -> str:
    if order_id is None:
        return ""
    try:
        return f", of {_order(db, order_id)}"
    except NotFound:  # deleted here
        return ""
