"""Columns of a list: which ones fit, how wide each is, and how a row becomes cells."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Cell = tuple[str, str]
"""A text, perhaps foreign, and its tone: "", good, warning, error or muted."""
ESSENTIAL = 3
"""Columns up to this rank come before the ease of the others."""


@dataclass(frozen=True, slots=True)
class Column:
    """`cells` is its least width; what is left over goes to columns by their `grow`. Columns of a higher `rank` are
    left out first where room is short. `value` gives the cell of a row; `sort` is the store's name of it."""

    title: str
    cells: int
    value: Callable[[Any, datetime], Cell]
    grow: int = 0
    rank: int = 0
    right: bool = False
    sort: str = field(default="")
    most: int = 0
    """It grows no wider than this; 0: without bound."""
    easy: int = 0
    """So wide it is before columns that are not essential join it; 0: as wide as `cells`."""


def fit(columns: Sequence[Column], room: int) -> list[tuple[Column, int]]:
    """The columns that fit into `room` cells, in their order, with their widths; one blank between them."""
    chosen = list(columns)
    while True:
        worst = max((c.rank for c in chosen), default=0)
        widths = [max(c.cells, c.easy if worst > ESSENTIAL else 0) for c in chosen]
        if worst == 0 or len(chosen) == 1 or sum(widths) + len(chosen) - 1 <= room:
            break
        del chosen[max(at for at, c in enumerate(chosen) if c.rank == worst)]
    spare = room - sum(widths) - len(chosen) + 1
    growing = [at for at, c in enumerate(chosen) if c.grow]
    while spare > 0 and growing:
        shares = sum(chosen[at].grow for at in growing)
        given = 0
        for at in list(growing):
            column = chosen[at]
            share = min(spare - given, max(1, spare * column.grow // shares))
            if column.most:
                share = min(share, column.most - widths[at])
            if share <= 0:
                growing.remove(at)
                continue
            widths[at] += share
            given += share
        if not given:
            break
        spare -= given
    return list(zip(chosen, widths, strict=True))
