"""Columns of a list: which ones fit, how wide each is, and how a row becomes cells."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Cell = tuple[str, str]
"""A text, perhaps foreign, and its tone: "", good, warning, error or muted."""


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


def fit(columns: Sequence[Column], room: int) -> list[tuple[Column, int]]:
    """The columns that fit into `room` cells, in their order, with their widths; one blank between them."""
    chosen = list(columns)
    while len(chosen) > 1 and sum(c.cells for c in chosen) + len(chosen) - 1 > room:
        worst = max(c.rank for c in chosen)
        last = max(at for at, c in enumerate(chosen) if c.rank == worst)
        if worst == 0:
            break
        del chosen[last]
    widths = [c.cells for c in chosen]
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
