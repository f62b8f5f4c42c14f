"""Orders: one request to SCM each, where it stands, and what can be done with it."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from typing import Any, ClassVar

from kmptui.domain.clock import Clock
from kmptui.domain.listing import Topic
from kmptui.domain.order import OrderRow
from kmptui.domain.renewal import beginning, due_at
from kmptui.services.life import Life
from kmptui.services.lists import Lists
from kmptui.services.mirror import Mirror
from kmptui.tui import present
from kmptui.tui.commands.life_commands import awaited
from kmptui.tui.commands.order_commands import ORDER_COMMANDS
from kmptui.tui.commands.ways import Ways
from kmptui.tui.tabs import order_details, tones
from kmptui.tui.tabs.details_page import DetailsPage
from kmptui.tui.tabs.list_tab import ListTab
from kmptui.tui.widgets.columns import Cell, Column
from kmptui.tui.widgets.details import Details

LIVING = frozenset({"issued", "issued, not added", "reissue under way"})


def _expires(row: OrderRow, now: datetime) -> Cell:
    """The end; of what has none yet, how long it has been waiting."""
    if row.expires is None and row.requested is not None and awaited(row):
        days = -present.days_until(row.requested, now)
        return (f"waits {days:,} d" if days > 0 else "waits"), "warning"
    return tones.ends(row.expires, now, living=row.state in LIVING)


RENEWAL = Column("Renewal", 12, lambda r, _: (r.blocked, ""), rank=2, grow=1, most=19)
"""Its cells need what is set about automatic renewal: the tab gives them."""
COLUMNS = (
    Column("No.", 6, lambda r, _: (r.number, "muted"), sort="id"),
    Column(
        "Common name",
        22,
        lambda r, _: (present.name(r.common_name, 90), ""),
        grow=3,
        sort="common_name",
        most=64,
        easy=30,
    ),
    Column("Names", 5, lambda r, _: (f"{r.names_count:,}", ""), right=True, rank=3),
    Column("State", 17, lambda r, _: tones.state(r.state), sort="status", grow=1, most=24),
    Column("Expires", 15, _expires, sort="expires", rank=1, grow=1, most=20),
    Column("Organization", 16, lambda r, _: (r.organization, ""), grow=2, rank=4, sort="organization", most=30),
    Column("Profile", 16, lambda r, _: (r.profile, ""), grow=2, rank=5, sort="profile", most=30),
    RENEWAL,
    Column("Requested", 11, lambda r, _: (present.day(r.requested), ""), rank=6, sort="requested"),
    Column("SCM id", 10, lambda r, _: (str(r.ssl_id or "-"), "muted"), rank=7, right=True),
)


class OrderDetails(DetailsPage):
    """One order on a screen of its own."""

    OFFERS = ORDER_COMMANDS


class OrdersTab(ListTab):
    """The Orders tab."""

    TOPIC = Topic.ORDERS
    FOLLOWS = frozenset({Topic.ORDERS, Topic.CERTIFICATES})
    COLUMNS = COLUMNS
    DETAILS: ClassVar[type[DetailsPage]] = OrderDetails
    VIEWS = True
    OFFERS = ORDER_COMMANDS

    def __init__(self, lists: Lists, mirror: Mirror, clock: Clock, ways: Ways, life: Life) -> None:
        self._life = life
        super().__init__(lists, mirror, clock, ways)

    def columns(self) -> tuple[Column, ...]:
        cells = dataclasses.replace(RENEWAL, value=self._renewal)
        return tuple(cells if column is RENEWAL else column for column in COLUMNS)

    def _renewal(self, row: OrderRow, now: datetime) -> Cell:
        policy = self._life.policy()
        due = None
        begins = row.issued or row.requested
        if row.expires is not None and begins is not None:
            due = due_at(beginning(begins), beginning(row.expires), policy.days_before)
        return order_details.renewal_cell(row, due, policy.on, now)

    def empty_words(self) -> str:
        return "No orders are known here yet.\nI imports the existing ones from SCM, n orders a certificate."

    def show_line(self) -> str:
        return f"kmptui orders show {self.row.number}" if self.row is not None else ""

    async def details(self, row: Any) -> Details:
        return await order_details.of(self.lists, self._life, self, row.id, ORDER_COMMANDS)
