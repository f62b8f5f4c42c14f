"""Options that many commands share."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import click

from kmptui.errors import BadInput

F = TypeVar("F", bound=Callable[..., Any])


def as_json(function: F) -> F:
    return click.option("--json", is_flag=True, help="Print one JSON value.")(function)


def yes(function: F) -> F:
    return click.option("--yes", "-y", is_flag=True, help="Answer the question with yes.")(function)


def dry_run(function: F) -> F:
    return click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")(function)


def layout(function: F) -> F:
    choice = click.Choice(["table", "csv", "json"])
    return click.option("--format", "layout", type=choice, default="table", help="How the list is printed.")(function)


def split(values: Iterable[str]) -> list[str]:
    """Options that repeat also take commas."""
    return [part.strip() for text in values for part in text.split(",") if part.strip()]


def small_file(path: str, field: str, most: int = 1024 * 1024) -> bytes:
    """A regular file of at most 1 MiB. Raises BadInput(field) with the reason."""
    import stat

    file = Path(path)
    try:
        facts = file.stat()
        if not stat.S_ISREG(facts.st_mode):
            raise BadInput(field, f"{path} is not a regular file")
        if facts.st_size > most:
            raise BadInput(field, f"{path} is too large", why=f"{facts.st_size:,} bytes", cure="At most 1 MiB is read")
        data = file.read_bytes()
    except OSError as error:
        raise BadInput(field, f"{path} cannot be read", why=error.strerror or "") from error
    if not data:
        raise BadInput(field, f"{path} is empty")
    return data
