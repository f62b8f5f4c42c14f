"""All that is told of one order."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from kmptui.domain.certificate import CertificateRow
from kmptui.domain.order import ISSUED_STATUSES, Ledger, Order, OrderRow
from kmptui.domain.retrying import NEVER
from kmptui.services.life import Life, LifeView
from kmptui.services.lists import Lists
from kmptui.services.proving import Proof
from kmptui.tui import present
from kmptui.tui.commands.command import Command
from kmptui.tui.commands.order_commands import abilities
from kmptui.tui.commands.subject import Subject
from kmptui.tui.tabs import tones
from kmptui.tui.widgets.details import Details, Fact, Part, fact, facts

HOLDS = {
    "limit": "the certificate limit is reached; a higher limit lets it in at the next check",
    "waiting": "its certificate is still to be fetched; c fetches it",
    "locked": "the vault was locked; c fetches it",
    "failed": "fetching it failed; c tries again",
    "key mismatch": "its certificate has another key than the one that was ordered with",
}


async def of(
    lists: Lists, life: Life, where: Subject, order_id: int, commands: tuple[type[Command[Any]], ...]
) -> Details:
    """The order with its life, its history, and what can be done with it on `where`."""
    order = await lists.order(order_id)
    certificates = await lists.order_certificates(order_id)
    history = await lists.order_history(order_id)
    around = await life.of(order_id)
    now = where.now()
    can, cannot = abilities(commands, where)
    head = order.row
    ending = present.ending(head.expires, now)
    found: list[Fact] = [
        _names(order),
        fact("Organization", head.organization or "-"),
        fact("Profile", f"{head.profile or '-'}" + (f", {order.term:,} days" if order.term else "")),
        fact("Key", _key_words(order)),
        Fact("Versions", _versions(order, around, certificates, now)),
        Fact("Renewal", _renewal(around, now)),
        fact("In SCM", _in_scm(order)),
        fact("Requested", _requested(order)),
        fact("Checked", present.moment(order.checked) if order.checked else "never"),
    ]
    if around.proofs:
        found.append(Fact("Revocation", tuple(part for proof in around.proofs for part in _proof(proof))))
    if order.comments:
        found.append(fact("Comments", order.comments))
    found += [fact(name, value) for name, value in order.custom_fields]
    if order.note or order.contact:
        found.append(
            fact("Note", "; ".join(filter(None, (order.note, f"ask {order.contact}" if order.contact else ""))))
        )
    found += [
        facts("History", [f"{present.moment(h.at)}  {h.actor}  {h.words}" for h in history], none="nothing yet"),
        fact("Can do", "   ".join(can) or "-"),
        facts("Cannot", cannot, none="-"),
    ]
    return Details(
        title=f"{head.number} {present.name(head.common_name)}",
        state=(f"{head.state}, {ending}" if ending else head.state, tones.styled(head.state)[1]),
        alerts=tuple(_alerts(order, around)),
        facts=tuple(found),
    )


def _names(order: Order) -> Fact:
    return facts(present.counted(len(order.names), "name"), [present.name(name) for name in order.names], most=10)


def _alerts(order: Order, around: LifeView) -> list[str]:
    found = []
    if around.decision.pressing:
        cure = f": {around.decision.cure}" if around.decision.cure else ""
        found.append(f"RENEWAL BLOCKED  {around.decision.cause}{cure} ({cure_key(around)})")
    if order.row.ledger is Ledger.UNCONFIRMED:
        found.append("UNCONFIRMED  sent, no clear answer: it may exist at SCM. It is not sent again; x settles it")
    if order.reissuing:
        words = "the certificate below stays current until the new one is here"
        if order.reissuing.endswith("unconfirmed"):
            words = "sent, no clear answer: it is looked for, and not sent again; x settles it"
        found.append(f"{order.reissuing.upper()}  {words}")
    elif order.row.hold:
        found.append(f"ISSUED, NOT ADDED  {HOLDS.get(order.row.hold.value, order.row.hold.value)}")
    if order.holder:
        found.append(f"BEING SENT  by {order.holder}")
    if order.problem:
        code = f" (SCM code {order.problem_code})" if order.problem_code is not None else ""
        found.append(f"{order.problem}{code}")
    return found


def cure_key(around: LifeView) -> str:
    """The key that leads to the cure."""
    trouble = around.attempt.trouble.value if around.attempt is not None else ""
    if trouble in {"dcv", "mirror"} or "validation" in around.decision.cause or "DCV" in around.decision.cause:
        return "3 shows the domain; then r"
    if "switched off" in around.decision.cause:
        return "7, then p"
    return "N orders like it" if around.decision.next is None and around.attempt is None else "r tries it now"


def _key_words(order: Order) -> str:
    kind = order.key or "unknown kind"
    if order.spki:
        sealed = ", password kept for exports" if order.has_keystore_password else ""
        return f"{kind}, made here; keystore {order.keystore}{sealed}"
    return f"{kind}; the private key is not from here"


def _versions(
    order: Order, around: LifeView, certificates: tuple[CertificateRow, ...], now: datetime
) -> tuple[Part, ...]:
    """`o044 expired <- o121 CURRENT ..9C <- none yet`, then each certificate of the order with its serial."""
    own = f"{order.row.number} {_standing(order)}"
    if order.row.serial:
        own += f" ..{order.row.serial[-4:]}"
    line = [f"{row.number} {row.state}" for row in around.before]
    line += [own, *(f"{row.number} {row.state}" for row in around.after)]
    if not around.after:
        line.append("none yet")
    lines: list[Part] = [(" <- ".join(line), "")]
    for row in certificates:
        lines.append((f"{row.number} {row.status(now).value}, {present.ending(row.not_after, now)}", ""))
        lines.append((f"serial {present.serial(row.serial)}", present.MUTED))
    if not certificates:
        lines.append(("no certificate is in the repository yet", present.MUTED))
    return tuple(lines)


def _standing(order: Order) -> str:
    row = order.row
    living = row.ledger is Ledger.ACCEPTED and row.status.lower() in ISSUED_STATUSES and not row.superseded
    return "CURRENT" if living else row.state


def _renewal(around: LifeView, now: datetime) -> tuple[Part, ...]:
    """What is decided, when it is looked at next, and what became of the last try."""
    decision = around.decision
    blocked = decision.verdict == "blocked"
    lines: list[Part] = [(f"{decision.verdict}: {decision.reason}", present.WARNING if decision.pressing else "")]
    if blocked and decision.cure:
        lines.append((decision.cure, ""))
    if (attempt := around.attempt) is not None:
        code = f" (SCM code {attempt.code})" if attempt.code is not None else ""
        tries = present.counted(attempt.tries, "try", "tries")
        lines.append((f"last try {present.clock(attempt.last, now)}, {tries}: {attempt.cause}{code}", present.WARNING))
        again = "never again by itself" if attempt.again == NEVER else f"next try {present.moment(attempt.again)}"
        lines.append((f"{again}; r tries it now", ""))
    elif decision.next is not None and not blocked:
        lines.append((f"looked at next {present.when(decision.next, now)}", present.MUTED))
    return tuple(lines)


def _proof(proof: Proof) -> tuple[Part, ...]:
    serial = f"serial ..{proof.serial[-4:]}"
    if proof.listed is not None:
        return (
            (f"{serial}: revoked; listed in the CRL since {present.moment(proof.listed)}", present.GOOD),
            (proof.url, present.MUTED),
        )
    again = f"; looked up next {present.moment(proof.again)}" if proof.again is not None else ""
    lines: tuple[Part, ...] = ((f"{serial}: {proof.words}{again}", present.WARNING),)
    return (*lines, (proof.url, present.MUTED)) if proof.url else lines


def renewal_cell(row: OrderRow, due: datetime | None, on: bool, now: datetime) -> tuple[str, str]:
    """The column of the list: `not chosen`, `due in 12 d`, `BLOCKED dcv`, `done: o204`."""
    if row.next_id is not None and row.next_state.startswith("issued"):
        return f"done: o{row.next_id}", "good"
    if row.next_id is not None and row.next_state in tones.WAITING:
        return f"o{row.next_id} waits", "warning"
    if row.blocked:
        return f"BLOCKED {row.blocked}", "error"
    if row.ledger is not Ledger.ACCEPTED or not row.state.startswith(("issued", "reissue")):
        return ("chosen" if row.auto_renew else "-"), "muted"
    if not row.auto_renew or due is None:
        return ("chosen" if row.auto_renew else "not chosen"), "muted"
    days = present.days_until(due, now)
    if days > 0:
        return f"due in {days:,} d", ""
    return ("due now", "warning") if on else ("due, but off", "error")


def _in_scm(order: Order) -> str:
    parts = [
        f"id {order.ssl_id}" if order.ssl_id else "no id yet",
        f"CA order {order.order_number}" if order.order_number else "",
        f"by {order.requested_via}" if order.requested_via else "",
        "renewed" if order.renewed else "",
    ]
    return "   ".join(filter(None, parts))


def _requested(order: Order) -> str:
    when = present.moment(order.placed) if order.placed else present.day(order.row.requested)
    by = f" by {order.requester}" if order.requester else ""
    dates = [
        f"{word} {present.day(value)}"
        for word, value in (
            ("approved", order.approved), ("issued", order.issued), ("declined", order.declined),
            ("revoked", order.revoked), ("replaced", order.replaced),
        )
        if value
    ]  # fmt: skip
    return ", ".join([f"{when}{by}", *dates])
