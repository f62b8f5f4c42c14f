"""What has become of the company's certificates: renewals of the last nights, the plan, one that is blocked."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from kmptui.domain.audit import RenewalLine
from kmptui.domain.listing import Topic
from kmptui.domain.order import OrderRow
from kmptui.domain.renewal import Decision, Verdict
from kmptui.domain.retrying import Attempt, Trouble
from kmptui.domain.selection import Rule
from kmptui.services.life import LifeView
from kmptui.services.renewal import PlanLine
from tests.tui.stage import NOW

SHOP = "shop.example.com"
CAUSE = "DCV of example.com ended on 20 Nov 2026 (shop.example.com and 7 more)"
CURE = "Validate it: kmptui domains validate example.com --method cname"


def renewals(lists: Any) -> list[RenewalLine]:
    """Newest first: one blocked, the others renewed by the timer, one reissued by hand."""
    rows: list[OrderRow] = [row for row in lists.rows[Topic.ORDERS] if row.serial and row.expires][:9]
    return [_line(at, row) for at, row in enumerate(rows)]


def _line(at: int, row: OrderRow) -> RenewalLine:
    blocked, reissued = at == 0, at == 4
    begun = NOW - timedelta(hours=2, minutes=3 * at, days=at // 3)
    ends = NOW.date() + timedelta(days=199 - at)
    return RenewalLine(
        90 - at, begun, "reissue" if reissued else "renew", row.common_name, (row.common_name,),
        "tui maren@web02" if reissued else "timer kmptui@web01", "ops-api@ACME",
        "" if reissued else "due since 3 Nov 2026: it ends on 2 Dec 2026",
        "blocked" if blocked else "reissued" if reissued else "renewed", CAUSE if blocked else "",
        NOW + timedelta(hours=2) if blocked else None, row.id, row.ssl_id, row.serial, row.expires,
        None if blocked else row.id if reissued else 450 + at, None if blocked else 4_720_000 + at,
        "" if blocked else f"{0x5B22C0FFEE + at:024X}", None if blocked else ends, None if blocked else 450 + at,
    )  # fmt: skip


def furnish(made: Any, lists: Any) -> None:
    """Rules, the plan, and the life of the shop's order, whose renewal is blocked."""
    made.renewal.kept = [
        Rule(1, "organization", "7111", title="Web Ops"), Rule(2, "name", "*.test.example.com", exclude=True),
    ]  # fmt: skip
    rows = [row for row in lists.rows[Topic.ORDERS] if row.auto_renew and row.serial and row.expires][:30]
    made.renewal.lines = tuple(_planned(row) for row in rows)
    shop = next((row for row in lists.rows[Topic.ORDERS] if row.common_name == SHOP), None)
    if shop is not None:
        before = replace(shop, id=44, status="Expired", serial="")
        decision = Decision(Verdict.BLOCKED, CAUSE, NOW, NOW + timedelta(hours=2), CAUSE, CURE)
        attempt = Attempt(3, Trouble.DOMAIN, CAUSE, CURE, NOW - timedelta(hours=2), NOW + timedelta(hours=2), -1001)
        made.life.views[shop.id] = LifeView((before,), (), decision, attempt)


def _planned(row: OrderRow) -> PlanLine:
    ends = row.expires
    assert ends is not None
    due = datetime(ends.year, ends.month, ends.day, tzinfo=NOW.tzinfo) - timedelta(days=30)
    monday: date = max(due, NOW).date()
    monday -= timedelta(days=monday.weekday())
    if row.common_name == SHOP:
        again = NOW + timedelta(hours=2)
        return PlanLine(row.id, row.common_name, ends, Verdict.BLOCKED, CAUSE, due, again, CAUSE, CURE, monday)
    if due <= NOW:
        words = f"due since {due:%-d %b %Y}: it ends on {ends:%-d %b %Y}"
        return PlanLine(row.id, row.common_name, ends, Verdict.DUE, words, due, week=monday)
    words = f"due on {due:%-d %b %Y}"
    return PlanLine(row.id, row.common_name, ends, Verdict.NOT_DUE, words, due, due, week=monday)
