"""An order as somebody else's change shows in it, and that in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kmptui.store.columns import day_of, names_of


@dataclass(frozen=True, slots=True)
class Told:
    """What of an order tells that somebody changed it, as its columns hold it."""

    order_id: int
    ssl_id: int
    common_name: str
    names: str
    status: str
    serial: str
    expires: str
    requested: str
    revoked: str
    requester: str
    comments: str
    renewed: int | None


def differs(before: tuple[Any, ...], after: tuple[Any, ...]) -> bool:
    """Whether status, serial and renewed flag may tell of a change: a quick look, since it is made at every row."""
    if before == after:
        return False
    (status, serial, renewed), (new_status, new_serial, newly_renewed) = before, after
    return bool(status != new_status or (serial and serial != new_serial) or (renewed == 0 and newly_renewed))


def standing(one: Told) -> str:
    """`issued, ends 2 Dec 2026`."""
    return f"{one.status.lower() or 'no status yet'}{ends(one.expires)}"


def certificate(one: Told) -> str:
    serial = f"serial {_short(one.serial)}" if one.serial else one.status.lower()
    return f"{serial}{ends(one.expires)}"


def reissued(before: Told, after: Told) -> str:
    if after.serial == before.serial:
        return f"being issued anew, {after.status.lower()}"
    more = "" if names_of(after.names) == names_of(before.names) else f", {len(names_of(after.names)):,} names"
    return f"{certificate(after)}{more}"


def _short(serial: str) -> str:
    return serial if len(serial) <= 12 else f"{serial[:4]}…{serial[-6:]}"


def ends(text: str) -> str:
    day = day_of(text)
    return f", ends {day:%-d %b %Y}" if day is not None else ""


def on(text: str) -> str:
    day = day_of(text)
    return f" on {day:%-d %b %Y}" if day is not None else ""
