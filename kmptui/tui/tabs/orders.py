"""Orders: one request to SCM each, where it stands, and what can be done with it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from kmptui.domain.listing import Topic
from kmptui.domain.order import Hold, Ledger, Order, OrderRow
from kmptui.tui import present
from kmptui.tui.commands.order_commands import ORDER_COMMANDS, abilities
from kmptui.tui.tabs import tones
from kmptui.tui.tabs.details_page import DetailsPage
from kmptui.tui.tabs.list_tab import ListTab
from kmptui.tui.widgets.columns import Cell, Column
from kmptui.tui.widgets.details import Details, Fact, fact, facts

LIVING = frozenset({"issued", "issued, not added", "reissue under way"})


def _expires(row: OrderRow, now: datetime) -> Cell:
    return tones.ends(row.expires, now, living=row.state in LIVING)


def _renewal(row: OrderRow, _: datetime) -> Cell:
    return ("automatic", "good") if row.auto_renew else ("not chosen", "muted")


COLUMNS = (
    Column("No.", 6, lambda r, _: (r.number, "muted"), sort="id"),
    Column("Common name", 22, lambda r, _: (present.name(r.common_name, 90), ""), grow=3, sort="common_name", most=64),
    Column("Names", 5, lambda r, _: (f"{r.names_count:,}", ""), right=True, rank=3),
    Column("State", 17, lambda r, _: tones.state(r.state), sort="status", grow=1, most=24),
    Column("Expires", 15, _expires, sort="expires", rank=1, grow=1, most=20),
    Column("Organization", 16, lambda r, _: (r.organization, ""), grow=2, rank=4, sort="organization", most=30),
    Column("Profile", 16, lambda r, _: (r.profile, ""), grow=2, rank=5, sort="profile", most=30),
    Column("Renewal", 10, _renewal, rank=2),
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

    def empty_words(self) -> str:
        return "No orders are known here yet.\nI imports the existing ones from SCM, n orders a certificate."

    def show_line(self) -> str:
        return f"kmptui orders show {self.row.number}" if self.row is not None else ""

    async def details(self, row: Any) -> Details:
        order = await self.lists.order(row.id)
        certificates = await self.lists.order_certificates(row.id)
        history = await self.lists.order_history(row.id)
        now = self.now()
        versions = [
            f"{c.number} {c.status(now).value}, {present.ending(c.not_after, now)}, serial …{c.serial[-8:]}"
            for c in certificates
        ]
        can, cannot = abilities(ORDER_COMMANDS, self)
        head = order.row
        ending = present.ending(head.expires, now)
        found: list[Fact] = [
            _names(order),
            fact("Organization", head.organization or "-"),
            fact("Profile", f"{head.profile or '-'}" + (f", {order.term:,} days" if order.term else "")),
            fact("Key", _key_words(order)),
            facts("Versions", versions, none="no certificate is in the repository yet"),
            fact("In SCM", _in_scm(order)),
            fact("Requested", _requested(order)),
            fact("Checked", present.moment(order.checked) if order.checked else "never"),
        ]
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
            alerts=tuple(_alerts(order)),
            facts=tuple(found),
        )


def _names(order: Order) -> Fact:
    return facts(present.counted(len(order.names), "name"), [present.name(name) for name in order.names], most=10)


def _alerts(order: Order) -> list[str]:
    found = []
    if order.row.ledger is Ledger.UNCONFIRMED:
        found.append("UNCONFIRMED  sent, no clear answer: it may exist at SCM. It is not sent again; x settles it")
    if order.holder:
        found.append(f"BEING SENT  by {order.holder}")
    if order.row.hold:
        words = {
            "limit": "the certificate limit is reached; a higher limit lets it in at the next check",
            "waiting": "its certificate is still to be fetched; c fetches it",
            "locked": "the vault was locked; c fetches it",
            "failed": "fetching it failed; c tries again",
            "key mismatch": "its certificate has another key than the one that was ordered with",
        }
        if order.reissuing:
            found.append(
                "REISSUE UNDER WAY  the certificate for the new key is awaited; the present one stays current"
                if order.row.hold is Hold.REISSUE
                else "REISSUE UNCONFIRMED  sent, no clear answer. It is not sent again; x settles it"
            )
        else:
            found.append(f"ISSUED, NOT ADDED  {words.get(order.row.hold.value, order.row.hold.value)}")
    if order.problem:
        code = f" (SCM code {order.problem_code})" if order.problem_code is not None else ""
        found.append(f"{order.problem}{code}")
    return found


def _key_words(order: Order) -> str:
    kind = order.key or "unknown kind"
    if order.spki:
        sealed = ", password kept for exports" if order.has_keystore_password else ""
        return f"{kind}, made here; keystore {order.keystore}{sealed}"
    return f"{kind}; the private key is not from here"


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
