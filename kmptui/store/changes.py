"""What somebody else changed in SCM, noted in the transaction that takes it in.

Each thing has one open change of a kind: a later look tells how it ended, and keeps how it began. What we did ourselves
is no change: our requests are intents, our revocations rows of their own.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from kmptui.domain.changes import Change, ChangeKind
from kmptui.domain.listing import Topic
from kmptui.domain.order import OPEN_STATUSES, Act, Ledger
from kmptui.errors import NotFound
from kmptui.store import facts
from kmptui.store.columns import clean, day_of, json_text, moment_text, names_of, serial_text
from kmptui.store.db import Db, touch
from kmptui.store.life_models import ChangeRow

_LOOKED = "orders looked at"
"""The fact that holds the highest sslId of the last complete look at SCM's orders, and its time."""
_ZONES = timedelta(days=1)
"""How far a day that SCM tells may be from ours."""
_TAKEN = (Ledger.SENT.value, Ledger.UNCONFIRMED.value, Ledger.ACCEPTED.value)
_IN_FLIGHT = (Ledger.PREPARED.value, Ledger.SENT.value, Ledger.UNCONFIRMED.value)


@dataclass(frozen=True, slots=True)
class Told:
    """What of an order tells that somebody changed it, as its columns hold it."""

    order_id: int
    ssl_id: int
    common_name: str
    names: str
    status: str
    serial: str
    expires: str
    requested: str
    revoked: str
    requester: str
    comments: str
    renewed: int | None


@dataclass(frozen=True, slots=True)
class _Found:
    topic: Topic
    kind: ChangeKind
    subject: str
    order_id: int | None
    row_id: int | None
    before: str
    after: str


def note_orders(db: Db, changed: Sequence[tuple[Told, Told]], new: Sequence[Told], at: datetime) -> None:
    """Orders as they were and as SCM tells them now, and such as were not known; what was not our doing is noted."""
    found = [*_of_changed(db, changed), *_of_new(db, new)]
    _put(db, found, at)


def differs(before: tuple[Any, ...], after: tuple[Any, ...]) -> bool:
    """Whether status, serial and renewed flag may tell of a change: a quick look, since it is made at every row."""
    if before == after:
        return False
    (status, serial, renewed), (new_status, new_serial, newly_renewed) = before, after
    return bool(status != new_status or (serial and serial != new_serial) or (renewed == 0 and newly_renewed))


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


def note_profiles(
    db: Db, found: Iterable[tuple[int, str, ChangeKind, str, str]], back: Collection[int], at: datetime
) -> None:
    """Profiles that changed or vanished: id, name, kind, before and after in words; those that are `back` did not."""
    _retract(db, Topic.PROFILES, ChangeKind.VANISHED, back)
    _put(db, [_Found(Topic.PROFILES, kind, name, None, row, *words) for row, name, kind, *words in found], at)


def retract(db: Db, order_id: int) -> None:
    """The order turned out to be one of ours: what was noted of it was no change."""
    if db.rows("SELECT 1 FROM changes WHERE order_id = ?1 OR (topic = 'orders' AND row_id = ?1) LIMIT 1", (order_id,)):
        db.run("DELETE FROM changes WHERE order_id = ?1 OR (topic = 'orders' AND row_id = ?1)", (order_id,))
        touch(db, Topic.ORDERS)


def rows(db: Db, *, seen: bool = False, most: int = 1000) -> tuple[Change, ...]:
    """Newest first; with `seen` those that were acknowledged too."""
    query = ChangeRow.select().order_by(ChangeRow.at.desc(), ChangeRow.id.desc()).limit(most)
    if not seen:
        query = query.where(ChangeRow.seen.is_null())
    return tuple(map(_of, query.dicts().execute(db)))


def open_counts(db: Db) -> dict[tuple[Topic, ChangeKind], int]:
    """How many of each kind nobody has acknowledged."""
    found = db.rows("SELECT topic, kind, count(*) FROM changes WHERE seen IS NULL GROUP BY topic, kind")
    return {(Topic(topic), ChangeKind(kind)): int(number) for topic, kind, number in found}


def acknowledge(db: Db, change_ids: Collection[int] | None, at: datetime) -> tuple[Change, ...]:
    """Those that nobody had acknowledged before, all of them for None. Raises NotFound for an id that is none."""
    wanted = {change.id: change for change in rows(db, seen=change_ids is not None, most=1_000_000)}
    if change_ids is not None and (missing := [one for one in change_ids if one not in wanted]):
        raise NotFound(f"There is no change {missing[0]}", cure="kmptui changes list --all shows all")
    chosen = tuple(
        change
        for change in wanted.values()
        if change.seen is None and (change_ids is None or change.id in frozenset(change_ids))
    )
    db.many("UPDATE changes SET seen = ? WHERE id = ?", [(moment_text(at), change.id) for change in chosen])
    if chosen:
        touch(db, *dict.fromkeys(change.topic for change in chosen))
    return chosen


def _of_changed(db: Db, changed: Sequence[tuple[Told, Told]]) -> list[_Found]:
    if not changed:
        return []
    ids = json_text([after.order_id for _, after in changed])
    ours = _Ours(db, ids)
    found = []
    for before, after in changed:
        if (kind := _kind(before, after, ours)) is None:
            continue
        told = {
            ChangeKind.REVOKED: (_standing(before), f"revoked{_on(after.revoked)}"),
            ChangeKind.REISSUED: (_certificate(before), _reissued(before, after)),
            ChangeKind.RENEWED: (_standing(before), "SCM says that it is renewed"),
        }[kind]
        found.append(_Found(Topic.ORDERS, kind, after.common_name, after.order_id, None, *told))
    return found


def _kind(before: Told, after: Told, ours: _Ours) -> ChangeKind | None:
    was, now = before.status.lower(), after.status.lower()
    if now == "revoked" != was:
        return None if ours.revoked(before) else ChangeKind.REVOKED
    again = was in _LIVE and now in OPEN_STATUSES
    if again or (before.serial and after.serial != before.serial):
        return None if ours.reissued(after.order_id, after.serial) else ChangeKind.REISSUED
    if before.renewed == 0 and after.renewed:
        return None if after.order_id in ours.renewed else ChangeKind.RENEWED
    return None


_LIVE = frozenset({"issued", "downloaded"})


class _Ours:
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


def _of_new(db: Db, new: Sequence[Told]) -> list[_Found]:
    known = looked_at(db) if new else None
    if known is None:
        return []
    highest, day = known
    since = (day - _ZONES).isoformat()
    fresh = [one for one in new if one.ssl_id > highest and (not one.requested or one.requested >= since)]
    if not fresh:
        return []
    mine, tokens = _in_flight(db)
    fresh = [
        one
        for one in fresh
        if one.common_name.lower() not in mine and not any(token in one.comments for token in tokens)
    ]
    predecessors = _predecessors(db, fresh)
    found = []
    for one in fresh:
        what = f"o{one.order_id} (scm:{one.ssl_id}), {_standing(one)}"
        if (old := predecessors.get(one.order_id)) is not None:
            found.append(
                _Found(
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
            found.append(_Found(Topic.ORDERS, ChangeKind.NEW, one.common_name, one.order_id, None, "", what + by))
    return found


def _in_flight(db: Db) -> tuple[set[str], set[str]]:
    """Names and tokens of requests of ours whose order may come to be known by an import first."""
    found = db.rows(
        "SELECT common_name, token FROM intents WHERE state IN ('prepared', 'sent', 'unconfirmed') AND act <> 'reissue'"
    )
    return {str(row[0]).lower() for row in found}, {str(row[1]) for row in found if row[1]}


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
            kept = (int(order_id), frozenset(names_of(names.lower())), expires, f"{status}{_ends(expires)}")
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
    _retract(db, Topic.ORDERS, ChangeKind.VANISHED, back)
    _put(
        db,
        [
            _Found(
                Topic.ORDERS,
                ChangeKind.VANISHED,
                name,
                order_id,
                None,
                f"{state}{_ends(expires)}",
                "SCM lists it no more",
            )
            for order_id, _, name, state, expires in gone
            if order_id not in noted
        ],
        at,
    )


def _retract(db: Db, topic: Topic, kind: ChangeKind, ids: Collection[int]) -> None:
    column = "order_id" if topic is Topic.ORDERS else "row_id"
    if ids and (
        db.run(
            f"DELETE FROM changes WHERE topic = ? AND kind = ? AND {column} IN (SELECT value FROM json_each(?))",  # noqa: S608
            (topic.value, kind.value, json_text(sorted(ids))),
        ).rowcount
    ):
        touch(db, topic)


def _put(db: Db, found: Sequence[_Found], at: datetime) -> None:
    """Note them; what is noted and open already keeps how it began, and is none where it is as it was."""
    if not found:
        return
    known = {
        (topic, kind, order_id if topic == Topic.ORDERS.value else row_id): (change_id, before)
        for change_id, topic, kind, order_id, row_id, before in db.rows(
            "SELECT id, topic, kind, order_id, row_id, before FROM changes WHERE seen IS NULL"
        )
    }
    latest = {
        (one.topic.value, one.kind.value, one.order_id if one.topic is Topic.ORDERS else one.row_id): one
        for one in found
    }
    added: list[tuple[Any, ...]] = []
    for key, one in latest.items():
        after = clean(one.after)
        if (earlier := known.get(key)) is None:
            own = (clean(one.subject), one.order_id, one.row_id, clean(one.before), after)
            added.append((moment_text(at), key[0], key[1], *own))
        elif earlier[1] == after:
            db.run("DELETE FROM changes WHERE id = ?", (earlier[0],))
        else:
            db.run(
                "UPDATE changes SET at = ?, after = ?, row_id = ifnull(?, row_id) WHERE id = ?",
                (moment_text(at), after, one.row_id, earlier[0]),
            )
    db.insert("changes", ("at", "topic", "kind", "subject", "order_id", "row_id", "before", "after"), added)
    touch(db, *dict.fromkeys(one.topic for one in found))


def _of(row: dict[str, Any]) -> Change:
    return Change(**row | {"topic": Topic(row["topic"]), "kind": ChangeKind(row["kind"])})


def _standing(one: Told) -> str:
    """`issued, ends 2 Dec 2026`."""
    return f"{one.status.lower() or 'no status yet'}{_ends(one.expires)}"


def _certificate(one: Told) -> str:
    serial = f"serial {_short(one.serial)}" if one.serial else one.status.lower()
    return f"{serial}{_ends(one.expires)}"


def _reissued(before: Told, after: Told) -> str:
    if after.serial == before.serial:
        return f"being issued anew, {after.status.lower()}"
    more = "" if names_of(after.names) == names_of(before.names) else f", {len(names_of(after.names)):,} names"
    return f"{_certificate(after)}{more}"


def _short(serial: str) -> str:
    return serial if len(serial) <= 12 else f"{serial[:4]}…{serial[-6:]}"


def _ends(text: str) -> str:
    day = day_of(text)
    return f", ends {day:%-d %b %Y}" if day is not None else ""


def _on(text: str) -> str:
    day = day_of(text)
    return f" on {day:%-d %b %Y}" if day is not None else ""
