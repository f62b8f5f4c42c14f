"""What is told of a row of the seventh tab: of the plan, of the renewals, of the record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kmptui.domain.audit import AuditRow, RenewalLine
from kmptui.tui import present
from kmptui.tui.commands.order_commands import AUDIT_COMMANDS
from kmptui.tui.tabs import order_details
from kmptui.tui.tabs.planned import PlannedRow
from kmptui.tui.widgets.details import Details, fact, facts

if TYPE_CHECKING:
    from kmptui.tui.tabs.audit import AuditTab


async def of(tab: AuditTab, row: Any) -> Details:
    """Of a line of the plan: its order, whole."""
    if isinstance(row, PlannedRow):
        return await order_details.of(tab.lists, tab.life, tab, row.order_id, AUDIT_COMMANDS)
    return _renewal(row) if isinstance(row, RenewalLine) else _record(row)


def _renewal(row: RenewalLine) -> Details:
    old = f"o{row.old_order_id}" if row.old_order_id else "-"
    new = f"o{row.order_id}" if row.order_id else "none was made"
    alerts = (row.cause,) if row.cause else ()
    return Details(
        title=f"{row.action} {present.name(row.common_name)}",
        state=(row.outcome, present.PLAIN),
        alerts=alerts,
        facts=(
            fact("When", f"{present.moment(row.at)} {present.zone()}"),
            fact("Who", row.actor),
            fact("Account", row.account or "-"),
            fact("Why", row.why or "asked for by hand"),
            facts(present.counted(len(row.names), "name"), [present.name(name) for name in row.names], most=10),
            fact("Old order", old + (f"   SCM id {row.old_ssl_id}" if row.old_ssl_id else "")),
            fact("Old serial", present.serial(row.old_serial) or "-"),
            fact("Old end", present.day(row.old_expires)),
            fact("New order", new + (f"   SCM id {row.ssl_id}" if row.ssl_id else "")),
            fact("New serial", present.serial(row.serial) or "not here yet"),
            fact("New end", present.day(row.expires)),
            fact("Certificate", f"c{row.certificate_id}" if row.certificate_id else "-"),
            fact("Next try", f"{present.moment(row.next_try)} {present.zone()}" if row.next_try else "-"),
        ),
    )


def _record(row: AuditRow) -> Details:
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
