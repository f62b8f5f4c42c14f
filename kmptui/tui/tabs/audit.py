"""Auto-Renewal Audit: who did what, when, with which outcome."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from kmptui.domain.audit import AuditRow
from kmptui.domain.listing import Topic
from kmptui.tui import present
from kmptui.tui.commands.order_commands import AUDIT_COMMANDS
from kmptui.tui.tabs.details_page import DetailsPage
from kmptui.tui.tabs.list_tab import ListTab
from kmptui.tui.widgets.columns import Cell, Column
from kmptui.tui.widgets.details import Details, fact

BAD = {"refused": "error", "failed": "error", "unconfirmed": "error", "not placed": "warning"}


def _outcome(row: AuditRow, _: datetime) -> Cell:
    return row.outcome or row.phase, BAD.get(row.outcome, "")


COLUMNS = (
    Column("No.", 6, lambda r, _: (f"{r.seq:,}", "muted"), right=True, sort="seq", rank=2),
    Column("When", 17, lambda r, _: (present.moment(r.at), "")),
    Column("What", 12, lambda r, _: (r.action, ""), grow=1, most=20),
    Column("Outcome", 11, _outcome),
    Column("Subject", 18, lambda r, _: (r.subject, ""), grow=3, most=80),
    Column("Who", 16, lambda r, _: (r.actor, ""), grow=2, rank=1, most=44),
    Column("Reason", 14, lambda r, _: (r.reason, ""), grow=2, rank=3),
)


class AuditDetails(DetailsPage):
    """One row of the audit on a screen of its own."""

    OFFERS = AUDIT_COMMANDS


class AuditTab(ListTab):
    """The audit, newest first."""

    TOPIC = Topic.AUDIT
    FOLLOWS = frozenset({Topic.AUDIT})
    COLUMNS = COLUMNS
    DETAILS: ClassVar[type[DetailsPage]] = AuditDetails
    OFFERS = AUDIT_COMMANDS

    def empty_words(self) -> str:
        return "Nothing has been done here yet.\nEvery order, fetch, export and change is recorded in this list."

    def show_line(self) -> str:
        return "kmptui audit list"

    async def details(self, row: Any) -> Details:
        return Details(
            title=f"{row.seq:,}  {row.action}",
            state=(row.outcome or row.phase, ""),
            facts=(
                fact("When", f"{present.moment(row.at)} {present.zone()}"),
                fact("Who", row.actor),
                fact("Account", row.account or "-"),
                fact("Phase", row.phase),
                fact("Subject", row.subject or "-"),
                fact("Order", f"o{row.order_id}" if row.order_id else "-"),
                fact("Certificate", f"c{row.certificate_id}" if row.certificate_id else "-"),
                fact("Reason", row.reason or "-"),
                *(fact(name, value) for name, value in row.details),
                fact("Hash", row.hash or "-", present.MUTED),
                fact("After", row.previous or "-", present.MUTED),
            ),
        )
