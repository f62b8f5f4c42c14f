"""Filters as SQL: what a person typed goes in as parameters only."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from kmptui.domain.filters import Kind, Term, parse_filter
from kmptui.domain.names import covers
from kmptui.store import words
from kmptui.store.columns import SEPARATOR, clean, json_text, serial_text
from kmptui.store.db import Db
from kmptui.store.sources import Source

Condition = tuple[str, tuple[Any, ...]]
MOST_VALUES = 1_000
"""Values of a column up to which they are looked through one by one."""
NOTHING: Condition = ("0", ())
"""What a field means in a list that has none such."""


def of(db: Db, text: str, source: Source, now: datetime, *, counting: bool = False) -> Condition:
    """The condition of a filter, "" for an empty one: for a window of a sorted list, or for `counting` all that match.
    Raises BadInput("filter")."""
    conditions = []
    parameters: list[Any] = []
    terms = parse_filter(text).terms
    # Of several terms one is often narrow, and then the others are better asked of its few rows.
    counting = counting and len(terms) == 1
    for term in terms:
        condition, asked = _term(db, term, source, now.date(), counting)
        # A field without a value gives NULL, which is neither true nor false: it does not match, and its negation does.
        conditions.append(f"NOT ifnull({condition}, 0)" if term.negated else f"({condition})")
        parameters += asked
    return " AND ".join(conditions), tuple(parameters)


def _term(db: Db, term: Term, source: Source, today: date, counting: bool) -> Condition:
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
        return _covers(db, source, value, counting)
    if term.field in source.listed_texts:
        found = source.listed_texts[term.field](db, term.op, words.fold(value))
        return f"{source.id} IN (SELECT value FROM json_each(?))", (found,)  # noqa: S608 - id is ours
    if term.field == "":
        return _word(db, source, words.fold(value), counting)
    if term.field == "name" and (source.words is not None or source.names):
        folded = words.fold(value)
        return _names(db, source, f"{SEPARATOR}{folded}{SEPARATOR}" if term.op == "=" else folded, counting)
    columns = source.texts.get(term.field, ())
    if (values := _values(db, source, term, value)) is not None:
        return _in_values(db, source, columns[0], json_text(values), counting)
    return _text(columns, term.op, value)


def _values(db: Db, source: Source, term: Term, text: str) -> list[str] | None:
    """Which values of a field's first column match; None where that does not tell all, or has too many. Each value is
    one step in the index, so a dozen values in a hundred thousand rows take a dozen steps."""
    column, others = source.sorted_texts.get(term.field), source.untold.get(term.field, frozenset())
    if column is None or (others and (term.op == "=" or any(text.lower() in word for word in others))):
        return None
    table = source.table.split()[0]
    test, asked = _text(("known.value",), term.op, text)
    found = db.rows(
        f"WITH RECURSIVE known(value) AS (SELECT min({column}) FROM {table} UNION ALL"  # noqa: S608 - from sources
        f" SELECT (SELECT min({column}) FROM {table} WHERE {column} > known.value) FROM known"
        f" WHERE known.value IS NOT NULL LIMIT ?) SELECT value, {test} FROM known WHERE value IS NOT NULL",
        (MOST_VALUES + 1, *asked),
    )
    return [value for value, matches in found if matches] if len(found) <= MOST_VALUES else None


def _in_values(db: Db, source: Source, column: str, values: str, counting: bool) -> Condition:
    """A window names the rows where they are few, and looks at each sorted row where they are many (the plus keeps the
    index of the sorting in use)."""
    condition = f"{column} IN (SELECT value FROM json_each(?))"  # noqa: S608 - from sources
    if counting:
        return condition, (values,)
    found = db.rows(
        f"SELECT {source.id} FROM {source.table} WHERE {condition} LIMIT ?",  # noqa: S608 - from sources
        (values, words.NARROW + 1),
    )
    if len(found) > words.NARROW:
        return f"+{condition}", (values,)
    return f"{source.id} IN (SELECT value FROM json_each(?))", (json_text([row[0] for row in found]),)  # noqa: S608


def _word(db: Db, source: Source, folded: str, counting: bool) -> Condition:
    if source.words is not None:
        return words.condition(db, source.words, source.id, folded.replace(SEPARATOR, " "), counting=counting)
    fold = "lower" if folded.isascii() else "fold"
    return f"instr({fold}({source.text}), ?) > 0", (folded,)


def _names(db: Db, source: Source, text: str, counting: bool) -> Condition:
    if source.words is None:
        held = f"instr(fold(char(31) || {source.names} || char(31)), ?) > 0"  # char(31) is SEPARATOR
        return (held, (text,)) if source.names else NOTHING
    return words.condition(db, source.words, source.id, text, "names", counting=counting)


def _covers(db: Db, source: Source, host: str, counting: bool) -> Condition:
    condition, asked = _names(db, source, f"{SEPARATOR}{host}{SEPARATOR}", counting)
    wildcard = f"*.{host.partition('.')[2]}"
    if not covers(wildcard, host):
        return condition, asked
    other, more = _names(db, source, f"{SEPARATOR}{wildcard}{SEPARATOR}", counting)
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
    """`118` is a number of the list's own kind (in the record of any); `o118` and `c42` say of which."""
    number = value.removeprefix("scm:")
    digits = number.lstrip("oc")
    letter = number[: -len(digits)]
    if field == "lineage":
        return _lineage(source, letter, value.startswith("scm:"), int(digits))
    known = source.ids.get(field, ())
    if letter == "" and not source.any_id:
        known = known[:1]
    columns = [column for column, prefix in known if letter in {prefix, ""}]
    if not columns:
        return NOTHING
    return f"({' OR '.join(f'{column} = ?' for column in columns)})", (int(digits),) * len(columns)


def _lineage(source: Source, letter: str, by_ssl_id: bool, number: int) -> Condition:
    """A number without a letter is an order's."""
    if not source.lineage:
        return NOTHING
    table, column = "certificates" if letter == "c" else "orders", "ssl_id" if by_ssl_id else "id"
    return f"{source.lineage} = (SELECT lineage FROM {table} WHERE {column} = ?)", (number,)  # noqa: S608 - ours


def _serial(source: Source, op: str, value: str) -> Condition:
    if not source.serial:
        return NOTHING
    if op == "=":
        return f"{source.serial} = ?", (serial_text(value),)
    return f"instr({source.serial}, ?) > 0", (value.lstrip("0"),)
