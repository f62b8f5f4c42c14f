"""Orders held against what was known of them: revoked, reissued, renewed by others, new, and vanished."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta

from kmptui.domain.changes import ChangeKind
from kmptui.domain.listing import Topic
from kmptui.domain.order import OPEN_STATUSES
from kmptui.store import facts
from kmptui.store.changes.book import Found, put, take_back
from kmptui.store.changes.ours import Ours, in_flight
from kmptui.store.changes.told import Told, certificate, ends, on, reissued, standing
from kmptui.store.columns import json_text, moment_text, names_of
from kmptui.store.db import Db

_LOOKED = "orders looked at"
"""The fact that holds the highest sslId of the last complete look at SCM's orders, and its time."""
_ZONES = timedelta(days=1)
"""How far a day that SCM tells may be from ours."""
_LIVE = frozenset({"issued", "downloaded"})


def note_orders(db: Db, changed: Sequence[tuple[Told, Told]], new: Sequence[Told], at: datetime) -> None:
    """Orders as they were and as SCM tells them now, and such as were not known; what was not our doing is noted."""
    found = [*_of_changed(db, changed), *_of_new(db, new)]
    put(db, found, at)


def looked_at(db: Db) -> tuple[int, date] | None:
    """The highest sslId of the last look at SCM's orders, and its day; None before the first import."""
    found = facts.get(db, _LOOKED)
    return None if found is None or found.at is None else (int(found.value), found.at.date())


def looked(db: Db, ssl_ids: Collection[int], whole: bool, began: datetime, at: datetime) -> None:
    """SCM told of these orders. `whole`: they are all that it has, so that what is known here and not among them has
    vanished; such as were placed since `began` are not judged."""
    known = looked_at(db)
    highest = max([*ssl_ids, known[0] if known is not None else 0], default=0)
    facts.put(db, _LOOKED, str(highest), at)
    if whole:
        _note_vanished(db, ssl_ids, highest, began, at)


def _of_changed(db: Db, changed: Sequence[tuple[Told, Told]]) -> list[Found]:
    if not changed:
        return []
    ids = json_text([after.order_id for _, after in changed])
    ours = Ours(db, ids)
    found = []
    for before, after in changed:
        if (kind := _kind(before, after, ours)) is None:
            continue
        told = {
            ChangeKind.REVOKED: (standing(before), f"revoked{on(after.revoked)}"),
            ChangeKind.REISSUED: (certificate(before), reissued(before, after)),
            ChangeKind.RENEWED: (standing(before), "SCM says that it is renewed"),
        }[kind]
        found.append(Found(Topic.ORDERS, kind, after.common_name, after.order_id, None, *told))
    return found


def _kind(before: Told, after: Told, ours: Ours) -> ChangeKind | None:
    was, now = before.status.lower(), after.status.lower()
    if now == "revoked" != was:
        return None if ours.revoked(before) else ChangeKind.REVOKED
    again = was in _LIVE and now in OPEN_STATUSES
    if again or (before.serial and after.serial != before.serial):
        return None if ours.reissued(after.order_id, after.serial) else ChangeKind.REISSUED
    if before.renewed == 0 and after.renewed:
        return None if after.order_id in ours.renewed else ChangeKind.RENEWED
    return None


def _of_new(db: Db, new: Sequence[Told]) -> list[Found]:
    known = looked_at(db) if new else None
    if known is None:
        return []
    highest, day = known
    since = (day - _ZONES).isoformat()
    fresh = [one for one in new if one.ssl_id > highest and (not one.requested or one.requested >= since)]
    if not fresh:
        return []
    mine, tokens = in_flight(db)
    fresh = [
        one
        for one in fresh
        if one.common_name.lower() not in mine and not any(token in one.comments for token in tokens)
    ]
    predecessors = _predecessors(db, fresh)
    found = []
    for one in fresh:
        what = f"o{one.order_id} (scm:{one.ssl_id}), {standing(one)}"
        if (old := predecessors.get(one.order_id)) is not None:
            found.append(
                Found(
                    Topic.ORDERS,
                    ChangeKind.RENEWED,
                    one.common_name,
                    old[0],
                    one.order_id,
                    f"o{old[0]}, {old[1]}",
                    what,
                )
            )
        else:
            by = f", requested by {one.requester}" if one.requester else ""
            found.append(Found(Topic.ORDERS, ChangeKind.NEW, one.common_name, one.order_id, None, "", what + by))
    return found


def _predecessors(db: Db, fresh: Sequence[Told]) -> dict[int, tuple[int, str]]:
    """For new orders the current issued one with the same names, if there is one: its id, and how it stands."""
    if not fresh:
        return {}
    own = {one.order_id for one in fresh}
    by_name: dict[str, list[tuple[int, frozenset[str], str, str]]] = {}
    for order_id, common_name, names, status, expires in db.rows(
        "SELECT id, common_name, names, state, expires FROM orders WHERE shelf = 0 AND deleted = 0"
        " AND state IN ('issued', 'issued, not added') AND common_name IN (SELECT value FROM json_each(?))"
        " ORDER BY expires",
        (json_text(sorted({one.common_name for one in fresh})),),
    ):
        if order_id not in own:
            kept = (int(order_id), frozenset(names_of(names.lower())), expires, f"{status}{ends(expires)}")
            by_name.setdefault(common_name.lower(), []).append(kept)
    found = {}
    for one in fresh:
        wanted = frozenset(names_of(one.names.lower()))
        alike = [old for old in by_name.get(one.common_name.lower(), ()) if old[1] == wanted and old[2] <= one.expires]
        if alike:
            found[one.order_id] = (alike[-1][0], alike[-1][3])
    return found


def _note_vanished(db: Db, ssl_ids: Collection[int], highest: int, began: datetime, at: datetime) -> None:
    told = frozenset(ssl_ids)
    known = db.rows(
        "SELECT id, ssl_id, common_name, state, expires FROM orders WHERE ledger = 'accepted' AND ssl_id IS NOT NULL"
        " AND deleted = 0 AND ssl_id <= ? AND (placed IS NULL OR placed < ?)",
        (highest, moment_text(began)),
    )
    gone = [row for row in known if row[1] not in told]
    noted = {
        int(row[0]) for row in db.rows("SELECT order_id FROM changes WHERE kind = 'vanished' AND topic = 'orders'")
    }
    back = noted - {int(row[0]) for row in gone}
    take_back(db, Topic.ORDERS, ChangeKind.VANISHED, back)
    put(
        db,
        [
            Found(
                Topic.ORDERS,
                ChangeKind.VANISHED,
                name,
                order_id,
                None,
                f"{state}{ends(expires)}",
                "SCM lists it no more",
            )
            for order_id, _, name, state, expires in gone
            if order_id not in noted
        ],
        at,
    )
