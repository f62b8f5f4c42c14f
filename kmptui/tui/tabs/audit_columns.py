"""The columns of the seventh tab's three views."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from kmptui.domain.audit import AuditRow, RenewalLine
from kmptui.tui import present
from kmptui.tui.tabs import tones
from kmptui.tui.tabs.planned import PlannedRow
from kmptui.tui.widgets.columns import Cell, Column

BAD = {"refused": "error", "failed": "error", "unconfirmed": "error", "not placed": "warning"}
OUTCOMES = BAD | {"blocked": "error", "not sent": "warning", "deferred": "warning", "pending": "warning"}
VERDICTS = {"blocked": "error", "due": "warning", "renewed": "good"}


def _outcome(row: AuditRow, _: datetime) -> Cell:
    return row.outcome or row.phase, BAD.get(row.outcome, "")


EVERYTHING = (
    Column("No.", 6, lambda r, _: (f"{r.seq:,}", "muted"), right=True, sort="seq", rank=2),
    Column("When", 17, lambda r, _: (present.moment(r.at), "")),
    Column("What", 12, lambda r, _: (r.action, ""), grow=1, most=20),
    Column("Outcome", 11, _outcome),
    Column("Subject", 18, lambda r, _: (r.subject, ""), grow=3, most=80),
    Column("Who", 16, lambda r, _: (r.actor, ""), grow=2, rank=1, most=44),
    Column("Reason", 14, lambda r, _: (r.reason, ""), grow=2, rank=3),
)


def _renewed(row: RenewalLine, _: datetime) -> Cell:
    return row.outcome, OUTCOMES.get(row.outcome, "")


def _pair(row: RenewalLine, _: datetime) -> Cell:
    """`o118 -> o204`; a reissue keeps its order."""
    old = f"o{row.old_order_id}" if row.old_order_id else "-"
    if row.order_id is None:
        return old, "muted"
    return (f"o{row.order_id}" if row.order_id == row.old_order_id else f"{old} -> o{row.order_id}"), ""


RENEWALS = (
    Column("When", 17, lambda r, _: (present.moment(r.at), "")),
    Column("Common name", 18, lambda r, _: (present.name(r.common_name, 90), ""), grow=3, most=64),
    Column("What", 7, lambda r, _: (r.action, ""), rank=3),
    Column("Outcome", 11, _renewed),
    Column("Order", 12, _pair, rank=1),
    Column("New end", 11, lambda r, _: (present.day(r.expires) if r.order_id else "-", ""), rank=4),
    Column("Who", 14, lambda r, _: (r.actor, ""), grow=2, rank=2, most=44),
    Column("Why", 16, lambda r, _: (r.cause or r.why, ""), grow=3, rank=5),
)


def week(monday: date | None, now: datetime) -> str:
    """`this week`, `next week`, `from 7 Dec`: the week, by its Monday, in which something is to happen."""
    if monday is None:
        return "-"
    first = present.local(now).date()
    first -= timedelta(days=first.weekday())
    if monday <= first:
        return "this week"
    if monday == first + timedelta(days=7):
        return "next week"
    far = (monday - first).days > present.NEAR_YEAR
    return f"from {monday.day} {monday:%b}" + (f" {monday.year}" if far else "")


def _verdict(row: PlannedRow, _: datetime) -> Cell:
    word = row.verdict
    return word.upper() if word == "blocked" else word, VERDICTS.get(word, "muted" if word == "not due" else "")


def _why(row: PlannedRow, now: datetime) -> Cell:
    """The verdict stands beside it, and so does the end."""
    if row.due is not None and row.verdict in {"due", "not due"}:
        return f"{'since' if row.verdict == 'due' else 'on'} {present.near_day(row.due, now)}", ""
    return row.cause or row.reason, ""


def _next(row: PlannedRow, now: datetime) -> Cell:
    return (present.clock(row.next, now) if row.next <= now else present.day(row.next)) if row.next else "-", ""


PLAN = (
    Column("Week", 11, lambda r, now: (week(r.week, now), "muted"), rank=1),
    Column("No.", 6, lambda r, _: (r.number, "muted"), rank=3),
    Column("Common name", 20, lambda r, _: (present.name(r.common_name, 90), ""), grow=3, most=64),
    Column("Expires", 15, lambda r, now: tones.ends(r.expires, now), rank=2),
    Column("Renewal", 9, _verdict),
    Column("Why", 17, _why, grow=4, most=120),
    Column("Next look", 12, _next, rank=4),
)
