"""The text that lists are searched by: folded to lower case, one row for each order or certificate.

`names` are the names, each between separators, so that a whole name can be asked for as text; `rest` are the other
words. A trigram index (FTS5) finds what has three characters or more. Filling it costs more than all other tables
together, so a new row is only marked `fresh`; it is searched directly until `catch_up` has taken it into the index.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from kmptui.store.columns import SEPARATOR, json_text
from kmptui.store.db import Db

SHORTEST = 3
"""Characters that the index needs; shorter text is looked for row by row."""
NARROW = 2_000
"""Matches up to which a list is made from the matches; above, from the sorted rows, each looked at."""


@dataclass(frozen=True, slots=True)
class Words:
    """The tables of one topic."""

    table: str
    search: str


ORDERS = Words("order_words", "order_search")
CERTIFICATES = Words("certificate_words", "certificate_search")
ALL = (ORDERS, CERTIFICATES)

Row = tuple[int, str, str]
"""Id, names, rest."""


def fold(text: str) -> str:
    """As both text and what is looked for stand: case folded, without characters that no search can ask for."""
    return text.casefold().replace("\0", " ")


def names_words(joined: str) -> str:
    """Names, joined by the separator, as `names` holds them."""
    return f"{SEPARATOR}{fold(joined)}{SEPARATOR}"


def rest_words(parts: Iterable[str]) -> str:
    return fold("\n".join(filter(None, parts))).replace(SEPARATOR, " ")


def put(db: Db, words: Words, rows: list[Row]) -> None:
    """Text for new rows."""
    db.insert(words.table, ("id", "names", "rest", "fresh"), [(*row, 1) for row in rows])


def replace(db: Db, words: Words, rows: list[Row]) -> None:
    """Other text for rows that may have some already."""
    remove(db, words, [row[0] for row in rows])
    put(db, words, rows)


def remove(db: Db, words: Words, ids: list[int]) -> None:
    db.many(
        f"INSERT INTO {words.search} ({words.search}, rowid, names, rest)"  # noqa: S608 - constants
        f" SELECT 'delete', id, names, rest FROM {words.table} WHERE id = ? AND fresh = 0",
        [(row,) for row in ids],
    )
    db.many(f"DELETE FROM {words.table} WHERE id = ?", [(row,) for row in ids])  # noqa: S608 - constants


def catch_up(db: Db, most: int = 500) -> bool:
    """Take some fresh rows into the index; whether more are left."""
    for words in ALL:
        fresh = db.rows(
            f"SELECT id, names, rest FROM {words.table} WHERE fresh = 1 ORDER BY id LIMIT ?",  # noqa: S608 - constants
            (most,),
        )
        if not fresh:
            continue
        db.many(f"INSERT INTO {words.search} (rowid, names, rest) VALUES (?, ?, ?)", fresh)  # noqa: S608 - constants
        db.many(f"UPDATE {words.table} SET fresh = 0 WHERE id = ?", [(row[0],) for row in fresh])  # noqa: S608
        return True
    return False


def containing(db: Db, words: Words, text: str, column: str = "") -> list[int] | None:
    """Ids of the rows that hold the folded `text`, in `names`, `rest`, or (column "") either; None when they are many
    or the index cannot tell: then each row has to be looked at."""
    if len(text) < SHORTEST:
        return None
    found = db.rows(
        f"SELECT rowid FROM {words.search} WHERE {words.search} MATCH ? LIMIT ?",  # noqa: S608 - constants
        (_asked(text, column), NARROW + 1),
    )
    if len(found) > NARROW:
        return None
    looked, parameters = _holds("w", text, column)
    found += db.rows(
        f"SELECT w.id FROM {words.table} w WHERE w.fresh = 1 AND {looked} LIMIT ?",  # noqa: S608 - constants
        (*parameters, NARROW + 1),
    )
    return None if len(found) > NARROW else [row[0] for row in found]


def condition(
    db: Db, words: Words, row: str, text: str, column: str = "", *, counting: bool = False
) -> tuple[str, tuple[str, ...]]:
    """SQL, and its parameters, that is true when the words of the row `row` (an SQL expression of its id) hold the
    folded `text`. Where few rows do, it names them; where many do, each row is looked at, which a window of a sorted
    list does for the rows that it shows only; `counting` looks at all rows, and asks the index for them at once."""
    few = containing(db, words, text, column)
    if few is not None:
        return f"{row} IN (SELECT value FROM json_each(?))", (json_text(few),)  # noqa: S608 - row is ours
    looked, parameters = _holds("w", text, column)
    if counting and len(text) >= SHORTEST:
        return (
            f"+{row} IN (SELECT rowid FROM {words.search} WHERE {words.search} MATCH ?"  # noqa: S608 - row is ours
            f" UNION ALL SELECT w.id FROM {words.table} w WHERE w.fresh = 1 AND {looked})",
            (_asked(text, column), *parameters),
        )
    return f"EXISTS (SELECT 1 FROM {words.table} w WHERE w.id = {row} AND {looked})", parameters  # noqa: S608


def _asked(text: str, column: str) -> str:
    """As the index is asked for text, whatever is in it."""
    quoted = '"' + text.replace('"', '""') + '"'
    return f"{column} : {quoted}" if column else quoted


def _holds(alias: str, text: str, column: str) -> tuple[str, tuple[str, ...]]:
    if column:
        return f"instr({alias}.{column}, ?) > 0", (text,)
    return f"(instr({alias}.names, ?) > 0 OR instr({alias}.rest, ?) > 0)", (text, text)
