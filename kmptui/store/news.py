"""Certificates that came into the repository and that nobody was told of yet."""

from __future__ import annotations

from datetime import datetime

from kmptui.domain.certificate import CertificateRow, Source
from kmptui.store import certificates, facts
from kmptui.store.columns import moment_text
from kmptui.store.db import Db

_TOLD = "told certificates"
_OURS = ", ".join(f"'{source}'" for source in (Source.ORDERED, Source.RENEWED, Source.REISSUED))
MOST = 500


def untold(db: Db, since: datetime) -> tuple[CertificateRow, ...]:
    """Those that were ordered, renewed or reissued from here, however they came in, oldest first; from now on they
    count as told. The first time ever: those that were added since `since`."""
    known = facts.get(db, _TOLD)
    test, asked = ("c.id > ?", int(known.value)) if known is not None else ("c.added >= ?", moment_text(since))
    found = db.rows(
        f"SELECT {certificates.COLUMNS} FROM certificates c WHERE {test} AND c.deleted = 0"  # noqa: S608 - constants
        f" AND c.source IN ({_OURS}) ORDER BY c.id LIMIT {MOST}",
        (asked,),
    )
    rows = tuple(map(certificates.row_of, found))
    newest = rows[-1].id if len(rows) == MOST else int(db.value("SELECT max(id) FROM certificates") or 0)
    facts.put(db, _TOLD, str(newest))
    return rows
