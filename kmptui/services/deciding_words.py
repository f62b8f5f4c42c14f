"""Why an order cannot be cancelled, decided or revoked in its state, with the way out, in words."""

from __future__ import annotations

from kmptui.domain.order import ISSUED_STATUSES, Ledger, Order

WAITING = frozenset({"requested", "saapproved"})
"""SCM statuses, folded, in which a request waits for a decision (SCM REST 25.5: approve, decline)."""
WITH_THE_CA = frozenset({"approved", "applied", "downloading"})


def not_issued(order: Order) -> str:
    """Why there is nothing to revoke."""
    row = order.row
    if (own := not_at_scm(order)) or row.status.lower() in ISSUED_STATUSES:
        return own
    if row.status.lower() in WAITING:
        return f"it is {row.state}: there is no certificate yet; cancel the request: kmptui orders cancel {row.number}"
    if not row.status:
        return f"its state is not known yet; check it: kmptui orders check {row.number}"
    if row.status.lower() in WITH_THE_CA:
        return f"it is {row.state}: there is no certificate yet; it can be revoked once it is issued"
    return f"it is {row.state}: there is no certificate to revoke"


def not_waiting(order: Order, act: str) -> str:
    """Why a request cannot be cancelled, declined or approved any more; "" where it can, or where its state is not
    known here yet. `act` as in Deciding."""
    row = order.row
    if own := not_at_scm(order):
        return own
    status = row.status.lower()
    if status in WAITING or not status:
        return ""
    if act == "approve":
        return f"it is {row.state}: only a request that waits for approval is approved"
    if status in WITH_THE_CA:
        number = f" with the order number {order.order_number}" if order.order_number else ""
        return (
            f"it is {row.state}: the CA has it, and SCM offers no cancel any more. What remains: ask the CA's"
            f" support{number}, or wait until it is issued and revoke it"
        )
    if status in ISSUED_STATUSES:
        return f"it is {row.state}: revoke the certificate instead: kmptui orders revoke {row.number}"
    if status in {"declined", "rejected", "invalid"}:
        return f"it is {row.state} already"
    if status == "init":
        return f"it is {row.state}: SCM does not have it waiting yet; check it: kmptui orders check {row.number}"
    return f"it is {row.state}: only a request that still waits can be {'cancelled' if act == 'cancel' else 'declined'}"


def not_at_scm(order: Order) -> str:
    """Why SCM cannot be asked about it at all; "" where it can."""
    row = order.row
    if row.ledger is Ledger.UNCONFIRMED:
        return f"whether SCM has it is not known; settle it first: kmptui orders settle {row.number}"
    if row.ledger is Ledger.SENT:
        return "it is being sent right now"
    if row.ledger is not Ledger.ACCEPTED or row.ssl_id is None:
        return f"it is {row.state}: SCM does not have it; delete it here: kmptui orders delete {row.number}"
    return ""
