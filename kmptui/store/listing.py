"""Lists as windows on the store: rows, counts, positions and ids of whatever a query asks for.

Every list is sorted by one column and then by id, along an index that also holds what decides about the view; so a
window deep in a long list skips over index entries only, and one in its second half is counted from its end.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kmptui.domain.listing import Query, Topic, Window, sorting
from kmptui.errors import BadInput
from kmptui.store import conditions, sources
from kmptui.store.db import Db, revisions
from kmptui.store.sources import Source

_MOST_COUNTS = 64
_WATCHED = (Topic.ORDERS, Topic.CERTIFICATES, Topic.ORGANIZATIONS)
"""Topics that filters of other topics look at."""


def window(db: Db, query: Query, offset: int, limit: int, now: datetime) -> Window[Any]:
    """Rows of the topic's type: OrderRow, CertificateRow, Organization, Domain, Profile, AuditRow (RenewalLine in the
    view RENEWALS).

    Raises BadInput("filter") with what is wrong with the filter, BadInput("sort") for a column that is none.
    """
    asked = _ask(db, query, now)
    total = count(db, query, now)
    offset = min(max(offset, 0), total)
    limit = min(max(limit, 0), total - offset)
    from_end = offset > total // 2
    skipped = total - offset - limit if from_end else offset
    source = asked.source
    found = db.rows(
        f"SELECT {source.columns} FROM (SELECT {source.id} AS place FROM {source.table} WHERE {asked.where}"  # noqa: S608
        f" ORDER BY {asked.order(not from_end)} LIMIT ? OFFSET ?)"
        f" JOIN {source.table} ON {source.id} = place ORDER BY {asked.order(True)}",
        (*asked.parameters, limit, skipped),
    )
    return Window(tuple(map(source.row, found)), offset, total)


def count(db: Db, query: Query, now: datetime) -> int:
    """How many rows match; kept until the topic changes. Raises as `window` does."""
    key = (query.topic, query.filter, query.view, now.date(), *revisions(db, *_WATCHED, query.topic))
    if key not in db.counts:
        if len(db.counts) >= _MOST_COUNTS:
            db.counts.clear()
        asked = _ask(db, query, now, counting=True)
        sql = f"SELECT count(*) FROM {asked.source.table} WHERE {asked.where}"  # noqa: S608 - from sources
        db.counts[key] = int(db.value(sql, asked.parameters))
    return db.counts[key]


def position(db: Db, query: Query, row_id: int, now: datetime) -> int | None:
    """Where the row stands in the sorted, filtered list; None when it is not in it. Raises as `window` does."""
    asked = _ask(db, query, now)
    source, key = asked.source, asked.key
    own = db.rows(
        f"SELECT {key} FROM {source.table} WHERE {source.id} = ? AND {asked.where}",  # noqa: S608 - from sources
        (row_id, *asked.parameters),
    )
    if not own:
        return None
    before = ">" if asked.descending else "<"
    return int(
        db.value(
            f"SELECT count(*) FROM {source.table} WHERE {asked.where} AND ({key}, {source.id}) {before} (?, ?)",  # noqa: S608
            (*asked.parameters, own[0][0], row_id),
        )
    )


def ids(db: Db, query: Query, now: datetime, most: int = 10_000) -> tuple[int, ...]:
    """Ids of the rows that match, in order (audit: seqs). Raises as `window` does."""
    asked = _ask(db, query, now)
    found = db.rows(
        f"SELECT {asked.source.id} FROM {asked.source.table} WHERE {asked.where}"  # noqa: S608 - from sources
        f" ORDER BY {asked.order(True)} LIMIT ?",
        (*asked.parameters, most),
    )
    return tuple(int(row[0]) for row in found)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A query as SQL."""

    source: Source
    where: str
    parameters: tuple[Any, ...]
    key: str
    descending: bool

    def order(self, forwards: bool) -> str:
        way = "DESC" if self.descending == forwards else "ASC"
        return f"{self.key} {way}, {self.source.id} {way}" if self.key != self.source.id else f"{self.key} {way}"


def _ask(db: Db, query: Query, now: datetime, *, counting: bool = False) -> _Asked:
    source = sources.source(query.topic, now.date(), query.view)
    name, descending = sorting(query)
    if name not in source.sorts:
        raise BadInput(
            "sort", f"{query.topic.value} cannot be sorted by {name[:40]!r}", cure=f"By {', '.join(source.sorts)}"
        )
    where, parameters = source.view(query.view)
    filtered, more = conditions.of(db, query.filter, source, now, counting=counting)
    tests = [test for test in (where, filtered) if test]
    return _Asked(source, " AND ".join(tests) or "1", (*parameters, *more), source.sorts[name], descending)
