"""Changes in SCM that are no orders (revoke, cancel, approve, decline, edit) while they are under way: a row from the
intent to the outcome, so that one whose process died between them is found and told."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from kmptui.domain.audit import Entry, Stamp
from kmptui.store import audit, claims
from kmptui.store.claims import Claim
from kmptui.store.columns import clean, moment_text
from kmptui.store.db import Db


@dataclass(frozen=True, slots=True)
class Act:
    """One that has no outcome yet."""

    id: int
    action: str
    common_name: str
    subject: str
    order_id: int | None
    certificate_id: int | None
    began: datetime

    @property
    def entry(self) -> Entry:
        """What its audit rows have in common."""
        return Entry(
            self.action, "outcome", subject=self.subject, order_id=self.order_id, certificate_id=self.certificate_id
        )


def begin(db: Db, common_name: str, entry: Entry, claim: Claim, stamp: Stamp) -> int:
    """The intent, with its audit row, before the first byte leaves; its id. Raises HeldElsewhere."""
    claims.check(db, claim)
    values = (entry.action, clean(common_name), clean(entry.subject), entry.order_id, entry.certificate_id)
    act_id = db.run(
        "INSERT INTO acts (action, common_name, subject, order_id, certificate_id, began) VALUES (?, ?, ?, ?, ?, ?)",
        (*values, moment_text(stamp.at)),
    ).lastrowid
    audit.append(db, replace(entry, phase="intent", outcome="prepared"), stamp)
    return int(act_id or 0)


def end(db: Db, act_id: int, entry: Entry, claim: Claim, stamp: Stamp) -> bool:
    """The outcome, with its audit row, once: False where another process has told one. Raises HeldElsewhere."""
    claims.check(db, claim)
    if not db.run("DELETE FROM acts WHERE id = ?", (act_id,)).rowcount:
        return False
    audit.append(db, replace(entry, phase="outcome"), stamp)
    return True


def left(db: Db) -> tuple[Act, ...]:
    """Those without an outcome, oldest first: under way, or left behind by a process that died."""
    found = db.rows("SELECT id, action, common_name, subject, order_id, certificate_id, began FROM acts ORDER BY id")
    return tuple(
        Act(act_id, action, common_name, subject, order_id, certificate_id, datetime.fromisoformat(began))
        for act_id, action, common_name, subject, order_id, certificate_id, began in found
    )
