"""All that is told of one order."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from kmptui.domain.certificate import CertificateRow
from kmptui.domain.order import CLOSED_STATUSES, ISSUED_STATUSES, Hold, Ledger, Order, OrderRow
from kmptui.domain.retrying import NEVER, Trouble
from kmptui.services.home_lines import waits
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
NOTHING_CAME = CLOSED_STATUSES | {Ledger.DRAFT, Ledger.REFUSED, Ledger.NOT_PLACED}
"""States of a renewal after which the order stands as before."""
TROUBLES: dict[str, tuple[str, str]] = {
    Trouble.DOMAIN: ("BLOCKED dcv", "error"),
    Trouble.REFUSED: ("REFUSED", "error"),
    Trouble.GIVEN_UP: ("GIVEN UP", "error"),
    **dict.fromkeys((Trouble.UNREACHABLE, Trouble.TEMPORARY, Trouble.HELD), ("tried again", "warning")),
}
"""What the list says of a renewal that did not come about; all others are BLOCKED, and the details say by what."""
UNPROVED = re.compile(r"\bDCV of \S+ ended|\bis not validated\b|\bis validated over HTTP\b")
"""Causes that a domain's validation mends."""


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
        alerts=tuple(_alerts(order, around, now)),
        facts=tuple(found),
    )


def _names(order: Order) -> Fact:
    return facts(present.counted(len(order.names), "name"), [present.name(name) for name in order.names], most=10)


def _alerts(order: Order, around: LifeView, now: datetime) -> list[str]:
    found = []
    if around.decision.pressing:
        found.append(f"RENEWAL BLOCKED  {around.decision.cause}. {_tried(around, now)}{mended_by(around)}")
    elif (refused := around.refused) is not None:
        code = f" (SCM code {refused.code})" if refused.code is not None else ""
        when = f" Tried {present.clock(refused.last, now)}." if refused.last is not None else ""
        found.append(f"RENEWAL FAILED  {refused.cause}{code}.{when} r tries it again")
    if waiting := waits(order, present.local(now).date()):
        checked = f"; checked {present.clock(order.checked, now)}" if order.checked else ""
        found.append(f"WAITS  for {waiting}{checked}. c asks SCM now")
    if order.row.ledger is Ledger.UNCONFIRMED:
        found.append("UNCONFIRMED  sent, no clear answer: it may exist at SCM. It is not sent again; x settles it")
    if order.reissuing:
        words = "the certificate below stays current until the new one is here"
        if order.reissuing.endswith("unconfirmed"):
            words = "sent, no clear answer: it is looked for, and not sent again; x settles it"
        found.append(f"{order.reissuing.upper()}  {words}")
    elif order.row.hold is Hold.KEPT:
        words = f"SCM calls the order {order.row.status.lower()}; the certificate that it had issued stays valid"
        found.append(f"REISSUE FAILED  {words}")
    elif order.row.hold:
        found.append(f"ISSUED, NOT ADDED  {HOLDS.get(order.row.hold.value, order.row.hold.value)}")
    if order.holder:
        found.append(f"BEING SENT  by {order.holder}")
    if order.problem and (around.refused is None or around.refused.cause != order.problem):
        code = f" (SCM code {order.problem_code})" if order.problem_code is not None else ""
        found.append(f"{order.problem}{code}")
    return found


def _tried(around: LifeView, now: datetime) -> str:
    """When it was tried, how often, and when it is tried again by itself."""
    attempt = around.attempt
    if attempt is None:
        return ""
    often = f", {present.counted(attempt.tries, 'try', 'tries')}" if attempt.tries > 1 else ""
    again = "not again by itself" if attempt.again == NEVER else f"next {present.clock(attempt.again, now)}"
    return f"Tried {present.clock(attempt.last, now)}{often}, {again}. "


def mended_by(around: LifeView) -> str:
    """The cure, with the key that leads to it instead of the command line."""
    decision, attempt = around.decision, around.attempt
    if (attempt is not None and attempt.trouble is Trouble.DOMAIN) or UNPROVED.search(decision.cause):
        return "V validates the domain, then r renews"
    cure = decision.cure.partition(": kmptui ")[0]
    if "switched off" in decision.cause:
        key = "7, then p"
    elif decision.next is None and attempt is None:
        key = "N orders like it"
    else:
        key = "r tries it now"
    return f"{cure} ({key})" if cure else key


def _key_words(order: Order) -> str:
    kind = order.key or "unknown kind"
    if order.spki:
        sealed = ", password kept for exports" if order.has_keystore_password else ""
        keystore = {"pkcs12": "PKCS#12"}.get(order.keystore, order.keystore.upper())
        return f"{kind}, made here; keystore {keystore}{sealed}"
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
        why = f": {attempt.cause}{code}" if attempt.cause != decision.cause else code
        lines.append((f"last try {present.clock(attempt.last, now)}, {tries}{why}", present.WARNING))
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
    if row.next_id is not None and row.next_state not in NOTHING_CAME:
        return f"o{row.next_id} waits", "error" if row.next_state == Ledger.UNCONFIRMED else "warning"
    if row.blocked:
        return TROUBLES.get(row.blocked, ("BLOCKED", "error"))
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
