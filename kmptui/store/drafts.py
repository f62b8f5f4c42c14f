"""Forms that were begun, and the last choices made in them. Never a secret: the caller leaves them out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from kmptui.store import facts
from kmptui.store.columns import clean, json_text
from kmptui.store.db import Db
from kmptui.store.models import DraftRow

ORDER_FORM = "order"


@dataclass(frozen=True, slots=True)
class StoredDraft:
    """The form's fields as typed, by field name, and when it was saved."""

    members: tuple[tuple[str, str], ...]
    saved: datetime


@dataclass(frozen=True, slots=True)
class LastChoice:
    """What was chosen when an order was last placed."""

    organization_id: int | None = None
    profile_id: int | None = None
    term: int | None = None


def save(db: Db, members: Mapping[str, str], at: datetime, form: str = ORDER_FORM) -> StoredDraft:
    draft = StoredDraft(tuple((clean(name), clean(value)) for name, value in members.items()), at)
    DraftRow.insert(form=form, members=draft.members, saved=at).on_conflict_replace().execute(db)
    return draft


def load(db: Db, form: str = ORDER_FORM) -> StoredDraft | None:
    row = DraftRow.select().where(DraftRow.form == form).dicts().first(db)
    return None if row is None else StoredDraft(row["members"], row["saved"])


def discard(db: Db, form: str = ORDER_FORM) -> None:
    DraftRow.delete().where(DraftRow.form == form).execute(db)


def remember(db: Db, choice: LastChoice) -> None:
    facts.put(db, "last choice", json_text([choice.organization_id, choice.profile_id, choice.term]))


def last_choice(db: Db) -> LastChoice:
    found = facts.get(db, "last choice")
    return LastChoice(*json.loads(found.value)) if found else LastChoice()
