"""Taking in what SCM tells of orders: in bulk from the report, one by one from details."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

from kmptui.domain.audit import Stamp
from kmptui.domain.listing import Topic
from kmptui.domain.order import (
    CLOSED_STATUSES,
    ISSUED_STATUSES,
    LIVING_ON,
    NOTHING_CAME_STATUSES,
    OPEN_STATUSES,
    REISSUING,
    Hold,
    Ledger,
    Order,
    RemoteOrder,
    state_word,
)
from kmptui.store import changes, selection, words
from kmptui.store.columns import NEVER, clean, json_text, moment_text, names_text, pairs_text, serial_text, texts_text
from kmptui.store.db import Db, touch
from kmptui.store.ledger import following, lineage, reading, rows

_TOLD = (
    "common_name", "names", "names_count", "status", "organization_id", "organization", "profile_id", "profile",
    "order_number", "backend_id", "serial", "term", "key", "requester", "external_requester", "comments",
    "custom_fields", "requested", "approved", "issued", "declined", "expires", "replaced", "revoked", "renewed",
    "auto_renew_state", "requested_via", "issuer", "oddities",
)  # fmt: skip
"""Columns that SCM's word fills, in the order of `_told`."""
_AT = {name: place for place, name in enumerate(_TOLD)}
_NAMES, _STATUS, _SERIAL, _EXPIRES = _AT["names"], _AT["status"], _AT["serial"], _AT["expires"]
_RENEWED, _ODDITIES = _AT["renewed"], _AT["oddities"]
_CHANGES = tuple(
    _AT[name]
    for name in (
        "common_name", "names", "status", "serial", "expires", "requested", "revoked", "requester", "comments",
        "renewed",
    )
)  # fmt: skip
"""The columns of `changes.Told`, in its order."""
_WORDS = tuple(_AT[name] for name in ("names", "organization", "profile", "serial", "order_number"))
_OWN = ("hold", "state", "shelf")
_KNOWN = ("id", "ssl_id", "ledger", "deleted", "superseded", "certificate_id", "note", "contact", *_OWN)

_SELECT = (
    f"SELECT {', '.join((*_KNOWN, *_TOLD))} FROM orders"  # noqa: S608 - constants
    " WHERE ssl_id IN (SELECT value FROM json_each(?))"
)
_INSERT_COLUMNS = ("id", "ssl_id", "ledger", "origin", "lineage", "checked", *_OWN, *_TOLD)
_UPDATE = f"UPDATE orders SET checked = ?, deleted = ?, {' = ?, '.join((*_OWN, *_TOLD))} = ? WHERE id = ?"  # noqa: S608

Values = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class MergeReport:
    """Rows new here (brought back ones too), changed, the same, and left deleted; `changed_ids` of new and changed."""

    new: int
    changed: int
    same: int
    kept_deleted: int
    changed_ids: frozenset[int]


def merge(db: Db, remotes: Sequence[RemoteOrder], stamp: Stamp, *, bring_back: bool = False) -> MergeReport:
    """Take in orders as SCM tells them, at most 1,000 a call so that nobody waits. What SCM did not say stays as it was
    known; an sslId that is ours is updated, others become imported orders; unconfirmed intents are not matched here.
    Orders deleted here stay so unless `bring_back`. Issued ones that are not in the repository wait for their body."""
    try:
        with db.part():
            return _Merge(db, stamp, bring_back).run({remote.ssl_id: _told(remote) for remote in remotes})
    except UnicodeEncodeError:  # lone surrogates: rare enough to clean all texts only then
        return _Merge(db, stamp, bring_back).run({remote.ssl_id: _cleaned(_told(remote)) for remote in remotes})


def update_from_details(db: Db, remote: RemoteOrder, stamp: Stamp) -> Order:
    """One order's details as SCM told them just now: merged, and the order counts as checked."""
    merge(db, (remote,), stamp)
    db.run("UPDATE orders SET checked = ? WHERE ssl_id = ?", (moment_text(stamp.at), remote.ssl_id))
    touch(db, Topic.ORDERS)
    return reading.order(db, int(db.value("SELECT id FROM orders WHERE ssl_id = ?", (remote.ssl_id,))))


class _Merge:
    """One batch: what is known is read at once, compared here, and written by a few statements for many rows."""

    def __init__(self, db: Db, stamp: Stamp, bring_back: bool) -> None:
        self._db = db
        self._at = moment_text(stamp.at)
        self._now = stamp.at
        self._today = stamp.at.date().isoformat()
        self._watched = changes.looked_at(db) is not None
        self._bring_back = bring_back
        self._inserts: list[Values] = []
        self._updates: list[Values] = []
        self._new_words: list[words.Row] = []
        self._other_words: list[words.Row] = []
        self._elsewhere: list[tuple[changes.Told, changes.Told]] = []
        self._unknown: list[changes.Told] = []
        self._revoked: list[int] = []

    def run(self, told: dict[int, Values]) -> MergeReport:
        known = {row[1]: row for row in self._db.rows(_SELECT, (json_text(list(told)),))}
        next_id = int(self._db.value("SELECT seq FROM sqlite_sequence WHERE name = 'orders'") or 0) + 1
        new: list[int] = []
        changed: list[int] = []
        same = kept = 0
        for ssl_id, values in told.items():
            row = known.get(ssl_id)
            if row is None:
                self._insert(next_id, ssl_id, values)
                new.append(next_id)
                next_id += 1
            elif row[3] and not self._bring_back:
                kept += 1
            elif self._update(row, values):
                (new if row[3] else changed).append(row[0])
            else:
                same += 1
        self._write()
        if new or changed:
            touch(self._db, Topic.ORDERS)
            following.follow(self._db, (*new, *changed))
            if selection.has_rules(self._db):
                selection.settle(self._db, (*new, *changed))
        return MergeReport(len(new), len(changed), same, kept, frozenset((*new, *changed)))

    def _insert(self, order_id: int, ssl_id: int, told: Values) -> None:
        values = told if told[_EXPIRES] else (*told[:_EXPIRES], NEVER, *told[_EXPIRES + 1 :])
        if values[2] is None:
            values = (values[0], values[1], 0, *values[3:])
        hold, state, shelf = _standing(values[_STATUS], values[_EXPIRES] >= self._today)
        self._inserts.append(
            (order_id, ssl_id, "accepted", "imported", order_id, self._at, hold, state, shelf, *values)
        )
        self._new_words.append(_words(order_id, ssl_id, values, "", ""))
        if self._watched:
            self._unknown.append(_facts(order_id, ssl_id, values))

    def _update(self, row: Values, told: Values) -> bool:
        """Whether anything is new."""
        order_id, ssl_id, ledger, deleted, superseded, certificate_id, note, contact, *own = row[: len(_KNOWN)]
        before = row[len(_KNOWN) :]
        after = _known_after(told, before)
        hold = self._hold(own[0], before[_STATUS], after, certificate_id, before[_SERIAL])
        state = state_word(Ledger(ledger), after[_STATUS], _HOLDS[hold])
        derived = [hold, state, rows.shelf_of(state, superseded=bool(superseded), deleted=False)]
        if after == before and derived == own:
            return False
        self._updates.append((self._at, 0, *derived, *after, order_id))
        if not deleted and changes.differs(_watched(before), _watched(after)):
            self._elsewhere.append((_facts(order_id, ssl_id, before), _facts(order_id, ssl_id, after)))
        if state == "revoked" != own[1] and certificate_id is not None:
            self._revoked.append(certificate_id)
        if deleted or any(after[place] != before[place] for place in _WORDS):
            self._other_words.append(_words(order_id, ssl_id, after, note, contact))
        return True

    def _hold(
        self, hold: str, status_before: str, after: Values, certificate_id: int | None, serial_before: str
    ) -> str:
        """An order that has become issued waits for its body, and so does one that got another serial (reissued by
        somebody else). A body that was deleted here is not fetched again. A reissue of ours is awaited, whatever SCM
        calls the order meanwhile; and one that was issued lives on while it is reissued elsewhere, and when a reissue
        came to nothing."""
        if _HOLDS[hold] in REISSUING and after[_STATUS].lower() not in CLOSED_STATUSES:
            return hold
        lived = status_before.lower() in ISSUED_STATUSES or _HOLDS[hold] in LIVING_ON | REISSUING
        if lived and after[_STATUS].lower() in OPEN_STATUSES:
            return Hold.ELSEWHERE.value
        if lived and after[_STATUS].lower() in NOTHING_CAME_STATUSES:
            return Hold.KEPT.value
        if after[_STATUS].lower() not in ISSUED_STATUSES:
            return Hold.NONE.value
        became = certificate_id is None and status_before.lower() not in ISSUED_STATUSES
        reissued = certificate_id is not None and bool(serial_before) and after[_SERIAL] != serial_before
        if (became or reissued) and after[_EXPIRES] >= self._today:
            return Hold.WAITING.value
        return Hold.NONE.value if _HOLDS[hold] in LIVING_ON else hold

    def _write(self) -> None:
        self._db.insert("orders", _INSERT_COLUMNS, self._inserts)
        self._db.many(_UPDATE, self._updates)
        words.put(self._db, words.ORDERS, self._new_words)
        words.replace(self._db, words.ORDERS, self._other_words)
        changes.note_orders(self._db, self._elsewhere, self._unknown, self._now)
        for certificate_id in self._revoked:
            self._mark_revoked(certificate_id)

    def _mark_revoked(self, certificate_id: int) -> None:
        """The certificate of a revoked order counts no more, whoever revoked it."""
        own = self._db.value("SELECT lineage FROM certificates WHERE id = ? AND revoked IS NULL", (certificate_id,))
        if own is not None:
            self._db.run("UPDATE certificates SET revoked = ? WHERE id = ?", (self._at, certificate_id))
            lineage.rank(self._db, int(own))


def _known_after(told: Values, before: Values) -> Values:
    """What SCM said, and where it did not, what was known; but oddities are of this telling alone."""
    after = [said or known for said, known in zip(told, before, strict=True)]
    if told[_RENEWED] is not None:
        after[_RENEWED] = told[_RENEWED]
    after[_ODDITIES] = told[_ODDITIES]
    return tuple(after)


def _watched(values: Values) -> Values:
    return values[_STATUS], values[_SERIAL], values[_RENEWED]


def _facts(order_id: int, ssl_id: int, values: Values) -> changes.Told:
    return changes.Told(order_id, ssl_id, *[values[place] for place in _CHANGES])


_HOLDS = {hold.value: hold for hold in Hold}


@lru_cache(maxsize=256)
def _standing(status: str, alive: bool) -> tuple[str, str, int]:
    """Hold, state and shelf of a new row; `alive`: it has not expired."""
    hold = Hold.WAITING if alive and status.lower() in ISSUED_STATUSES else Hold.NONE
    state = state_word(Ledger.ACCEPTED, status, hold)
    return hold.value, state, rows.shelf_of(state, superseded=False, deleted=False)


def _told(remote: RemoteOrder) -> Values:
    """The columns of _TOLD; "" and None where SCM did not say."""
    names = names_text(remote.names) or remote.common_name
    return (
        remote.common_name,
        names,
        len(remote.names) or (1 if names else None),
        remote.status,
        remote.organization_id,
        remote.organization,
        remote.profile_id,
        remote.profile,
        remote.order_number,
        remote.backend_id,
        serial_text(remote.serial) if remote.serial else "",
        remote.term,
        remote.key,
        remote.requester,
        remote.external_requester,
        remote.comments,
        pairs_text(remote.custom_fields) if remote.custom_fields else "",
        _day(remote.requested),
        _day(remote.approved),
        _day(remote.issued),
        _day(remote.declined),
        _day(remote.expires),
        _day(remote.replaced),
        _day(remote.revoked),
        remote.renewed,
        remote.auto_renew_state,
        remote.requested_via,
        remote.issuer,
        texts_text(remote.oddities) if remote.oddities else "",
    )


@lru_cache(maxsize=16_384)
def _day(day: date | None) -> str:
    return day.isoformat() if day is not None else ""


def _cleaned(values: Values) -> Values:
    return tuple(clean(value) if isinstance(value, str) else value for value in values)


def _words(order_id: int, ssl_id: int, values: Values, note: str, contact: str) -> words.Row:
    names, organization, profile, serial, number = (values[place] for place in _WORDS)
    return (order_id, *rows.words_of(names, organization, profile, serial, number, ssl_id, note, contact))
