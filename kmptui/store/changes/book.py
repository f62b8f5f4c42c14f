"""The changes that were noted: each thing has one open change of a kind, which keeps how it began."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kmptui.domain.changes import Change, ChangeKind
from kmptui.domain.listing import Topic
from kmptui.errors import NotFound
from kmptui.store.columns import clean, json_text, moment_text
from kmptui.store.db import Db, touch
from kmptui.store.life_models import ChangeRow


@dataclass(frozen=True, slots=True)
class Found:
    topic: Topic
    kind: ChangeKind
    subject: str
    order_id: int | None
    row_id: int | None
    before: str
    after: str


def note_profiles(
    db: Db, found: Iterable[tuple[int, str, ChangeKind, str, str]], back: Collection[int], at: datetime
) -> None:
    """Profiles that changed or vanished: id, name, kind, before and after in words; those that are `back` did not."""
    take_back(db, Topic.PROFILES, ChangeKind.VANISHED, back)
    put(db, [Found(Topic.PROFILES, kind, name, None, row, *words) for row, name, kind, *words in found], at)


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


def take_back(db: Db, topic: Topic, kind: ChangeKind, ids: Collection[int]) -> None:
    column = "order_id" if topic is Topic.ORDERS else "row_id"
    if ids and (
        db.run(
            f"DELETE FROM changes WHERE topic = ? AND kind = ? AND {column} IN (SELECT value FROM json_each(?))",  # noqa: S608
            (topic.value, kind.value, json_text(sorted(ids))),
        ).rowcount
    ):
        touch(db, topic)


def put(db: Db, found: Sequence[Found], at: datetime) -> None:
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
