"""Where an order stands on its way into the repository: placed, applied, issued, fetched."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from kmptui.domain.order import CLOSED_STATUSES, ISSUED_STATUSES, LIVING_ON, REISSUING, Hold, Ledger, Order


@dataclass(frozen=True, slots=True)
class Stage:
    """One step. `state`: done, now, later or wrong; `words` say what happened, or what is waited for."""

    word: str
    state: str
    words: str


WAITS: dict[str, str] = {
    "requested": "waits for an approval in SCM",
    "saapproved": "approved once, waits for the second approval",
    "approved": "approved, about to go to the CA",
    "applied": "at the CA",
    "init": "being taken in by SCM",
    "downloading": "issued, SCM is fetching it from the CA",
}
HELD: dict[Hold, str] = {
    Hold.LIMIT: "issued, not added: the certificate limit is reached. A higher one lets it in at the next check: "
    "kmptui settings set certificate_limit N",
    Hold.WAITING: "issued; SCM does not hand it out yet",
    Hold.LOCKED: "issued, not added: the vault is locked; it comes in once it is open",
    Hold.FAILED: "issued; fetching failed and is tried again by Check",
    Hold.REISSUE: "issued; the reissue's certificate is awaited",
    Hold.UNSETTLED: "issued; a reissue of it is unconfirmed",
    Hold.ELSEWHERE: "issued; somebody else has it reissued",
    Hold.KEPT: "issued; a reissue of it came to nothing",
    Hold.MISMATCH: "issued for another key than this order's: not taken",
}


def stages(order: Order | None) -> tuple[Stage, ...]:
    """All four steps of an order; None while the request is being sent."""
    if order is None:
        return _line(0, "now", "is being sent to SCM")
    row = order.row
    if row.ledger in {Ledger.PREPARED, Ledger.DRAFT, Ledger.SENT}:
        return _line(0, "now", "is being sent to SCM")
    if row.ledger is Ledger.REFUSED:
        return _line(0, "wrong", f"refused by SCM: {order.problem}" if order.problem else "refused by SCM")
    if row.ledger is Ledger.UNCONFIRMED:
        return _line(0, "wrong", "unconfirmed: sent, no clear answer; it may exist at SCM")
    if row.ledger is Ledger.NOT_PLACED:
        return _line(0, "wrong", "not placed: SCM has no such order")
    status = row.status.lower()
    placed = f"SCM has it as {row.ssl_id}" + (f", CA order {order.order_number}" if order.order_number else "")
    if row.hold in LIVING_ON:
        return _line(4 if row.certificate_id is not None else 3, "now", "not here yet", placed, "", HELD[row.hold])
    if status in CLOSED_STATUSES:
        return _line(1, "wrong", f"ended as {row.state}" + (f": {order.problem}" if order.problem else ""), placed)
    if status in ISSUED_STATUSES:
        issued = "by the CA" + _on(order.issued)
        if row.certificate_id is not None and row.hold not in REISSUING:
            return _line(
                4,
                "done",
                "",
                placed,
                "",
                issued,
                f"in the repository as c{row.certificate_id}, proved to be for this order's key",
            )
        if row.hold is not Hold.NONE:
            return _line(
                3, "wrong" if row.hold in {Hold.MISMATCH, Hold.UNSETTLED} else "now", HELD[row.hold], placed, "", issued
            )
        return _line(3, "now", "being fetched", placed, "", issued)
    if status == "requested" or not status:
        return _line(1, "now", WAITS["requested"] if status else "SCM has taken it", placed)
    return _line(2, "now", "the CA has not issued it yet", placed, WAITS.get(status, row.state))


def finished(order: Order | None) -> bool:
    """Whether nothing more is to be waited for."""
    steps = stages(order)
    return steps[-1].state == "done" or any(step.state == "wrong" for step in steps)


def _line(at: int, state: str, words: str, *before: str) -> tuple[Stage, ...]:
    """Steps before `at` are done with their words, the step at `at` is in `state`, those after it are still to come."""
    names = ("placed", "applied", "issued", "fetched")
    told = [*before, "", "", "", ""]
    return tuple(
        Stage(name, "done", told[n]) if n < at else Stage(name, state if n == at else "later", words if n == at else "")
        for n, name in enumerate(names)
    )


def _on(day: date | None) -> str:
    return f" on {day:%-d %b %Y}" if day else ""
