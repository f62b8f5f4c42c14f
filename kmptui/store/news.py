"""Certificates that came into the repository and that nobody was told of yet."""

from __future__ import annotations

from datetime import datetime, timedelta

from kmptui.domain.certificate import CertificateRow, Source
from kmptui.store import certificates, facts
from kmptui.store.columns import json_text, moment_text
from kmptui.store.db import Db

_TOLD = "told certificates"
"""The fact that holds the highest id that was told."""
_AGAIN = "tell again "
"""Facts: a certificate of which nobody could be told, and since when."""
AGAIN_FOR = timedelta(days=1)
_OURS = ", ".join(f"'{source}'" for source in (Source.ORDERED, Source.RENEWED, Source.REISSUED))
MOST = 500


def untold(db: Db, since: datetime, now: datetime) -> tuple[CertificateRow, ...]:
    """Those that were ordered, renewed or reissued from here, however they came in, oldest first; also such of which
    nobody could be told within the last day. The first time ever: those that were added since `since`."""
    if facts.get(db, _TOLD) is None:
        before = db.value("SELECT max(id) FROM certificates WHERE added < ?", (moment_text(since),))
        facts.put(db, _TOLD, str(before or 0))
    known = facts.get(db, _TOLD)
    assert known is not None  # noqa: S101 - put right above
    facts.forget(db, _AGAIN, now - AGAIN_FOR)
    again = [int(name.removeprefix(_AGAIN)) for name in facts.names(db, _AGAIN)]
    found = db.rows(
        f"SELECT {certificates.COLUMNS} FROM certificates c"  # noqa: S608 - constants
        f" WHERE (c.id > ? AND c.source IN ({_OURS}) OR c.id IN (SELECT value FROM json_each(?))) AND c.deleted = 0"
        f" ORDER BY c.id LIMIT {MOST}",
        (int(known.value), json_text(again)),
    )
    return tuple(map(certificates.row_of, found))


def told(db: Db, certificate_id: int, heard: bool, now: datetime) -> None:
    """Somebody was told of it; or not, and then it is told again for a day."""
    known = facts.get(db, _TOLD)
    if known is None or int(known.value) < certificate_id:
        facts.put(db, _TOLD, str(certificate_id))
    name = f"{_AGAIN}{certificate_id}"
    if heard:
        facts.drop(db, name)
    elif facts.get(db, name) is None:
        facts.put(db, name, "", now)
