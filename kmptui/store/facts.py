"""Single facts by name: the home's kind, the ages of the mirrors, the last choices."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from kmptui.store.db import Db
from kmptui.store.models import Fact


@dataclass(frozen=True, slots=True)
class StoredFact:
    value: str
    at: datetime | None


def put(db: Db, name: str, value: str, at: datetime | None = None) -> None:
    Fact.insert(name=name, value=value, at=at).on_conflict_replace().execute(db)


def get(db: Db, name: str) -> StoredFact | None:
    row = Fact.select(Fact.value, Fact.at).where(Fact.name == name).tuples().first(db)
    return None if row is None else StoredFact(row[0], row[1])


def names(db: Db, beginning: str) -> tuple[str, ...]:
    """The names that begin so."""
    return tuple(row[0] for row in Fact.select(Fact.name).where(Fact.name.startswith(beginning)).tuples().execute(db))


def drop(db: Db, name: str) -> None:
    """Forget it, where it is known."""
    Fact.delete().where(Fact.name == name).execute(db)


def forget(db: Db, beginning: str, before: datetime) -> None:
    """Forget those whose names begin so and that are of an earlier time."""
    Fact.delete().where(Fact.name.startswith(beginning) & (Fact.at < before)).execute(db)
