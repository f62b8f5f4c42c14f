"""Standard error: what a person is told, and what a person is asked."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterable

import click

from kmptui.cli import ending, exit_codes
from kmptui.domain.text import printable
from kmptui.errors import FromScm, KmptuiError, PreflightFailed


def note(text: str) -> None:
    """Something worth knowing."""
    sys.stderr.write(printable(text) + "\n")
    sys.stderr.flush()


def warning(text: str) -> None:
    note(f"warning: {text}")


def trouble(error: KmptuiError) -> int:
    """Tell what happened, what it comes from and what to do; the exit code that goes with it."""
    if isinstance(error, PreflightFailed):
        note("kmptui: not sent")
        for finding in error.findings:
            note(f"  {finding}")
        return exit_codes.of(error)
    note(f"kmptui: {error.what}" + (f": {error.why}" if error.why else ""))
    if isinstance(error, FromScm) and (error.text or error.code is not None):
        code = error.code if error.code is not None else error.status
        note(f'  SCM says {code}: "{error.text}"')
    if error.cure:
        note(f"  {error.cure}")
    return exit_codes.of(error)


def stopped(number: int, under_way: Iterable[str] = ()) -> int:
    """Tell that a signal ended it, and in the middle of what; the exit code."""
    words = ", ".join(under_way)
    told = f" in the middle of: {words}; kmptui orders list tells what became of it" if words else ""
    with contextlib.suppress(OSError):  # the terminal may be what went away
        note(f"kmptui: stopped{told}")
    return exit_codes.ENDED_BY + number


def on_terminal() -> bool:
    """Whether a person can be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def confirmed(question: str, *, yes: bool) -> bool:
    """Ask before something is changed; `--yes` answers. Without a terminal and without `--yes`: wrong usage, nothing
    is done."""
    if yes:
        return True
    if not on_terminal():
        raise click.UsageError("There is no terminal to ask on: say --yes")
    with ending.asking():
        return click.confirm(printable(question), default=False, err=True)


def asked(words: str, *, hidden: bool = False, twice: bool = False) -> str:
    """What a person types, at a terminal; `hidden` for a secret, which may not be empty, `twice` to be typed twice."""
    with ending.asking():
        if hidden:
            return str(click.prompt(words, hide_input=True, confirmation_prompt=twice, err=True))
        return str(click.prompt(words, err=True, default="", show_default=False))
