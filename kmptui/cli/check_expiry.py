"""`kmptui check-expiry`: a monitoring plug-in, with the manners of one.

One line, performance data behind a bar, exit code 0 (OK), 1 (WARNING), 2 (CRITICAL) or 3 (UNKNOWN); whatever goes wrong
is UNKNOWN, wrong arguments too (Monitoring Plugins Development Guidelines, "Plugin Output", "Plugin Return Codes").
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import click

from kmptui.cli import output
from kmptui.cli.session import run
from kmptui.config import Paths
from kmptui.errors import KmptuiError

if TYPE_CHECKING:
    from kmptui.services.expiry import ExpiryState
    from kmptui.services.workspace import Workspace

UNKNOWN = 3
DAYS = click.IntRange(0, 3_650)

_log = logging.getLogger(__name__)


class _Plugin(click.Command):
    """Complaints about arguments are UNKNOWN: click's own exit code for them is CRITICAL here."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        try:
            return super().make_context(info_name, args, parent, **extra)
        except click.UsageError as error:
            raise SystemExit(_unknown(error.format_message())) from None


@click.command(cls=_Plugin)
@click.option("--warn", type=DAYS, default=30, show_default=True, help="Days before the end: WARNING.")
@click.option("--critical", type=DAYS, default=7, show_default=True, help="Days before the end: CRITICAL.")
@click.option("--filter", "filter", default="", metavar="FILTER", help="Only what matches, as in orders list.")
def check_expiry(warn: int, critical: int, filter: str) -> None:  # noqa: A002 - the option's name
    """Whether certificates end soon that have no successor; for a monitoring system.

    CRITICAL also for one that ended within the last 30 days. Orders older than 26 hours are UNKNOWN, unless what is
    known is CRITICAL. Needs no vault and asks nothing of SCM: let kmptui sync orders or the timer run daily.
    """
    if warn < critical:
        raise SystemExit(_unknown(f"--warn {warn} is below --critical {critical}"))
    try:
        if not Paths.from_environment().store.exists():  # a wrong variable must not make a home
            raise SystemExit(_unknown("there is no kmptui here: is KMPTUI_HOME right, and this the user of it?"))
        code = run(_check, {"warn": warn, "critical": critical, "filter": filter}, trouble=_trouble)
    except Exception as error:  # noqa: BLE001 - whatever it is, a plug-in says UNKNOWN
        _log.exception("check-expiry failed")
        code = _unknown(f"a fault of kmptui's own ({type(error).__name__}); its log says where")
    raise SystemExit(code)


async def _check(workspace: Workspace, warn: int, critical: int, filter: str) -> int:  # noqa: A002 - the option's name
    state = await workspace.expiry.look(warn, critical, filter)
    _say(f"{state.level.name}: {_words(state)}", _performance(state))
    return int(state.level)


def _words(state: ExpiryState) -> str:
    told = []
    if state.critical:
        told.append(f"{_ending(state.critical)} within {state.critical_days} d")
    if state.warning:
        more = " more" if state.critical else ""
        told.append(f"{_ending(state.warning, more)} within {state.warn_days} d")
    if state.first is not None and told:
        days = state.first.days
        when = "today" if days == 0 else f"in {days} d" if days > 0 else f"{-days} d ago"
        told.append(f"first {state.first.common_name} {when}")
    if not told:
        told.append(f"{state.watched:,} certificates, none ends within {state.warn_days} d")
    if state.stale:
        told.append(state.stale)
    return ", ".join(told)


def _ending(number: int, more: str = "") -> str:
    return f"{number:,}{more} {'certificate ends' if number == 1 else 'certificates end'}"


def _performance(state: ExpiryState) -> str:
    """`label=value;warn;crit;min`: two counts that should be 0, how many are watched, days to the first end, the age of
    the data in seconds."""
    told = [f"critical={state.critical};;0;0", f"warning={state.warning};0;;0", f"certificates={state.watched};;;0"]
    if state.first is not None:
        told.append(f"first_days={state.first.days};{state.warn_days + 1}:;{state.critical_days + 1}:")
    if state.age is not None:
        told.append(f"age={int(state.age.total_seconds())}s;;;0")
    return " ".join(told)


def _say(words: str, performance: str = "") -> None:
    """A bar in the words would begin the performance data."""
    output.line(words.replace("|", "/") + (f" | {performance}" if performance else ""))


def _unknown(words: str) -> int:
    _say(f"UNKNOWN: {words}")
    return UNKNOWN


def _trouble(error: KmptuiError) -> int:
    return _unknown(": ".join(filter(None, (error.what, error.why))))
