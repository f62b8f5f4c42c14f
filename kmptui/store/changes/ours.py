"""What we asked SCM for ourselves, which is no change by others."""

from __future__ import annotations

from kmptui.domain.order import Act, Ledger
from kmptui.store.changes.told import Told
from kmptui.store.columns import json_text, serial_text
from kmptui.store.db import Db

_TAKEN = (Ledger.SENT.value, Ledger.UNCONFIRMED.value, Ledger.ACCEPTED.value)


class Ours:
    """Of some orders (ids as a JSON array): what we asked SCM for."""

    def __init__(self, db: Db, ids: str) -> None:
        taken = json_text(_TAKEN)
        asked = "SELECT order_id, act, spki, target_ssl_id FROM intents WHERE state IN (SELECT value FROM json_each(?))"
        self.renewed = {
            int(row[0])
            for row in db.rows(
                f"SELECT o.id FROM orders o JOIN ({asked} AND act = '{Act.RENEW.value}') i"  # noqa: S608 - constants
                " ON i.target_ssl_id = o.ssl_id WHERE o.id IN (SELECT value FROM json_each(?))",
                (taken, ids),
            )
        }
        # a reissue of ours is over once its certificate is here: what comes after it is another's
        self._awaited: dict[int, list[str]] = {}
        for order_id, serial in db.rows(
            "SELECT i.order_id, ifnull((SELECT c.serial FROM certificates c WHERE c.order_id = i.order_id"  # noqa: S608
            f" AND c.spki = i.spki ORDER BY c.id DESC LIMIT 1), '') FROM ({asked}"
            f" AND act = '{Act.REISSUE.value}' AND order_id IN (SELECT value FROM json_each(?))) i",
            (taken, ids),
        ):
            self._awaited.setdefault(int(order_id), []).append(serial)
        self._revoked: set[tuple[int | None, str]] = {
            (order_id, serial_text(serial))
            for order_id, serial in db.rows(
                "SELECT order_id, serial FROM revocations WHERE order_id IN (SELECT value FROM json_each(?))", (ids,)
            )
        }

    def revoked(self, before: Told) -> bool:
        return bool({(before.order_id, before.serial), (before.order_id, "")} & self._revoked)

    def reissued(self, order_id: int, serial: str) -> bool:
        return any(here in {"", serial} for here in self._awaited.get(order_id, ()))


def in_flight(db: Db) -> tuple[set[str], set[str]]:
    """Names and tokens of requests of ours whose order may come to be known by an import first."""
    found = db.rows(
        "SELECT common_name, token FROM intents WHERE state IN ('prepared', 'sent', 'unconfirmed') AND act <> 'reissue'"
    )
    return {str(row[0]).lower() for row in found}, {str(row[1]) for row in found if row[1]}
