"""Filters as SQL: what a person typed goes in as parameters only."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from kmptui.domain.filters import Kind, Term, parse_filter
from kmptui.domain.names import covers
from kmptui.store import words
from kmptui.store.columns import SEPARATOR, clean, serial_text
from kmptui.store.db import Db
from kmptui.store.sources import Source

Condition = tuple[str, tuple[Any, ...]]
NOTHING: Condition = ("0", ())
"""What a field means in a list that has none such."""


def of(db: Db, text: str, source: Source, now: datetime) -> Condition:
    """The condition of a filter, "" for an empty one. Raises BadInput("filter")."""
    conditions = []
    parameters: list[Any] = []
    for term in parse_filter(text).terms:
        condition, asked = _term(db, term, source, now.date())
        # A field without a value gives NULL, which is neither true nor false: it does not match, and its negation does.
        conditions.append(f"NOT ifnull({condition}, 0)" if term.negated else f"({condition})")
        parameters += asked
    return " AND ".join(conditions), tuple(parameters)


def _term(db: Db, term: Term, source: Source, today: date) -> Condition:
    if term.kind is Kind.DATE:
        return _date(term, source, term.day(today))
    if term.kind is Kind.FLAG and term.field in source.listed:
        found = source.listed[term.field](db, today)
        is_in = "IN" if term.value else "NOT IN"
        return f"{source.id} {is_in} (SELECT value FROM json_each(?))", (found,)  # noqa: S608 - id is ours
    if term.kind is Kind.FLAG:
        return (f"{source.flags[term.field]} = {int(bool(term.value))}", ()) if term.field in source.flags else NOTHING
    value = clean(str(term.value))
    if term.kind is Kind.ID:
        return _id(source, term.field, value)
    if term.kind is Kind.SERIAL:
        return _serial(source, term.op, value)
    if term.kind is Kind.HOST:
        return _covers(db, source, value)
    if term.field == "":
        return _word(db, source, words.fold(value))
    if term.field == "name" and source.words is not None:
        folded = words.fold(value)
        return _names(db, source, f"{SEPARATOR}{folded}{SEPARATOR}" if term.op == "=" else folded)
    return _text(source.texts.get(term.field, ()), term.op, value)


def _word(db: Db, source: Source, folded: str) -> Condition:
    if source.words is not None:
        return words.condition(db, source.words, source.id, folded.replace(SEPARATOR, " "))
    fold = "lower" if folded.isascii() else "fold"
    return f"instr({fold}({source.text}), ?) > 0", (folded,)


def _names(db: Db, source: Source, text: str) -> Condition:
    if source.words is None:
        return NOTHING
    return words.condition(db, source.words, source.id, text, "names")


def _covers(db: Db, source: Source, host: str) -> Condition:
    condition, asked = _names(db, source, f"{SEPARATOR}{host}{SEPARATOR}")
    wildcard = f"*.{host.partition('.')[2]}"
    if not covers(wildcard, host):
        return condition, asked
    other, more = _names(db, source, f"{SEPARATOR}{wildcard}{SEPARATOR}")
    return f"({condition} OR {other})", (*asked, *more)


def _text(columns: tuple[str, ...], op: str, value: str) -> Condition:
    """Case never matters. SQLite folds ASCII only, so what has other letters is folded on both sides by a function."""
    if not columns:
        return NOTHING
    if value.isascii():
        if op == "=":
            tests = [f"{column} = ? COLLATE NOCASE" for column in columns]
            return f"({' OR '.join(tests)})", (value,) * len(columns)
        escaped = value.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        tests = [f"{column} LIKE ? ESCAPE '\\'" for column in columns]
        return f"({' OR '.join(tests)})", (f"%{escaped}%",) * len(columns)
    tests = [f"fold({column}) = ?" if op == "=" else f"instr(fold({column}), ?) > 0" for column in columns]
    return f"({' OR '.join(tests)})", (words.fold(value),) * len(columns)


def _date(term: Term, source: Source, day: date) -> Condition:
    if term.field in source.days:
        column, none = source.days[term.field]
        return f"({column} {term.op} ? AND {column} <> '{none}')", (day.isoformat(),)
    if term.field not in source.moments:
        return NOTHING
    column = source.moments[term.field]
    start, end = day.isoformat(), (day + timedelta(days=1)).isoformat() if day < date.max else "9999-12-32"
    if term.op == "=":
        return f"({column} >= ? AND {column} < ?)", (start, end)
    # Moments sort as text behind the day that they begin with, so a day's end is the next day's beginning.
    return f"{column} {term.op[0]}{'=' if term.op[0] == '>' else ''} ?", (end if term.op in {"<=", ">"} else start,)


def _id(source: Source, field: str, value: str) -> Condition:
    """`118` is a number of the list's own kind; `o118` and `c42` say of which."""
    own, *others = source.ids.get(field, ()) or (("", ""),)
    if not own[0]:
        return NOTHING
    digits = value.removeprefix("scm:").lstrip("oc")
    letter = value.removeprefix("scm:")[: -len(digits)]
    if letter == "" and others and own[1] == "o" and source.table.startswith("audit"):
        return f"({own[0]} = ? OR {others[0][0]} = ?)", (int(digits), int(digits))
    for column, prefix in (own, *others):
        if letter in {prefix, ""}:
            return f"{column} = ?", (int(digits),)
    return NOTHING


def _serial(source: Source, op: str, value: str) -> Condition:
    if not source.serial:
        return NOTHING
    if op == "=":
        return f"{source.serial} = ?", (serial_text(value),)
    return f"instr({source.serial}, ?) > 0", (value.lstrip("0"),)
