"""New certificates that took the place of others and were not exported since: the servers still have the old ones."""

from __future__ import annotations

from datetime import date

from kmptui.domain.listing import Topic
from kmptui.store.columns import json_text
from kmptui.store.db import Db, kept, revisions

_NEW = (
    "SELECT c.id, (SELECT min(p.not_after) FROM certificates p WHERE p.lineage = c.lineage AND p.id <> c.id"
    " AND p.deleted = 0 AND p.revoked IS NULL) AS ends FROM certificates c"
    " WHERE c.shelf = 0 AND c.exported IS NULL AND c.revoked IS NULL AND c.not_after >= ?"
    " AND c.source <> 'imported' AND c.lineage IN"
    " (SELECT lineage FROM certificates WHERE superseded = 1 AND deleted = 0)"
)
"""Imported ones were put on their servers by whoever ordered them."""


def having(db: Db, today: date) -> str:
    """Ids (a JSON array) of the certificates; kept until one changes."""
    return _found(db, today)[0]


def first_end(db: Db, today: date) -> date | None:
    """When the first of the certificates that they replaced ends, or ended."""
    text = _found(db, today)[1]
    return date.fromisoformat(text[:10]) if text else None


def _found(db: Db, today: date) -> tuple[str, str]:
    def find() -> tuple[str, str]:
        rows = db.rows(_NEW, (today.isoformat(),))
        return json_text([row[0] for row in rows]), min((row[1] for row in rows if row[1]), default="")

    return kept(db, "handovers", (revisions(db, Topic.CERTIFICATES), today), find)
