"""What the terminal must have."""

from __future__ import annotations

SMALLEST = (60, 15)
"""Columns and lines below which nothing is shown but that it is too small."""


def too_small(columns: int, lines: int) -> bool:
    return columns < SMALLEST[0] or lines < SMALLEST[1]
