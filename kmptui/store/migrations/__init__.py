"""The schema's steps. Each is applied once, in order, and recorded in the transaction that applied it.

A step is frozen once it was released: it writes its SQL out and uses no model, for those tell of the newest schema
only. `PRAGMA user_version` is the number of the last step, so that an older program sees at once that it is too old.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from kmptui.store.columns import moment_text
from kmptui.store.migrations import step_0001_initial, step_0002_life

if TYPE_CHECKING:
    from kmptui.store.db import Db

APPLICATION_ID = 0x6B6D7075
"""`kmpu` in the file's header: tells a store of ours from any other SQLite file."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step: `name` as it is recorded."""

    number: int
    name: str
    apply: Callable[[Db], None]


STEPS: tuple[Step, ...] = (
    Step(1, "0001_initial", step_0001_initial.apply),
    Step(2, "0002_life", step_0002_life.apply),
)
NEWEST = STEPS[-1].number


def version(db: Db) -> int:
    """The number of the last step that was applied; 0 for an empty file."""
    return int(db.value("PRAGMA user_version"))


def migrate(db: Db, now: datetime, steps: Sequence[Step] = STEPS) -> tuple[str, ...]:
    """Apply what is missing, inside the caller's transaction; the names of the steps."""
    if version(db) == 0:
        db.run(f"PRAGMA application_id = {APPLICATION_ID}")
        db.run("CREATE TABLE migrations (number INTEGER PRIMARY KEY, name TEXT NOT NULL, applied TEXT NOT NULL)")
    todo = [step for step in steps if step.number > version(db)]
    for step in todo:
        step.apply(db)
        db.run("INSERT INTO migrations VALUES (?, ?, ?)", (step.number, step.name, moment_text(now)))
        db.run(f"PRAGMA user_version = {step.number}")
    return tuple(step.name for step in todo)
