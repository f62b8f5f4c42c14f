"""What becomes of a certificate after it was ordered: renew, reissue, revoke, decide, edit, renew by itself.

Each opens a dialog, but for the local choice of automatic renewal: it changes nothing in SCM, and the same key undoes
it."""

from __future__ import annotations

from typing import Any

from kmptui.domain.listing import Topic
from kmptui.domain.order import ISSUED_STATUSES, OPEN_STATUSES, Ledger, OrderRow
from kmptui.tui.commands.command import Command, Mode
from kmptui.tui.commands.list_commands import OnSubject
from kmptui.tui.commands.subject import Subject, meant

NO_ROW = "no row is there"
NO_ORDER = "it came without an order"


def order_of(where: Subject) -> int | None:
    """The order that the row is or came from."""
    row = where.row
    if row is None:
        return None
    if where.topic is Topic.ORDERS:
        return int(row.id)
    found = getattr(row, "order_id", None) or getattr(row, "old_order_id", None)
    return None if found is None else int(found)


def certificate_of(where: Subject) -> int | None:
    """The certificate that the row is or has in the repository."""
    row = where.row
    if row is None:
        return None
    found = row.id if where.topic is Topic.CERTIFICATES else getattr(row, "certificate_id", None)
    return None if found is None else int(found)


def order_numbers(where: Subject, most: int = 8) -> str:
    """`o118 o121`, as the command line takes them; the orders of several certificates are not told here."""
    if where.topic is Topic.ORDERS or (where.topic is Topic.AUDIT and where.marked):
        ids = meant(where)
        return " ".join(f"o{number}" for number in ids[:most]) + (" …" if len(ids) > most else "")
    if where.marked and where.topic is Topic.CERTIFICATES:
        return "ID…"
    return f"o{order_of(where)}"


def awaited(row: Any) -> bool:
    """Whether SCM has taken the order and it still waits for somebody."""
    return isinstance(row, OrderRow) and row.ledger is Ledger.ACCEPTED and row.status.lower() in OPEN_STATUSES


class OnOrder(OnSubject):
    """Needs a row that is or has an order; `SENDS`: SCM is changed in the end, so that read-only mode forbids it."""

    SENDS = True

    def why_not(self, where: Subject) -> str:
        if where.row is None and not where.marked:
            return NO_ROW
        if self.SENDS and (reason := where.ways.writing()):
            return reason
        return "" if where.marked or order_of(where) is not None else NO_ORDER


class Renew(OnOrder):
    id = "renew"
    mode = Mode.OPENS
    words = "Renew: a new order for the same names"
    label = "Renew"
    keys = "r"
    place = 3

    def why_not(self, where: Subject) -> str:
        if reason := super().why_not(where):
            return reason
        row = where.row
        if where.marked or row is None:
            return ""
        if isinstance(row, OrderRow) and not (row.ledger is Ledger.ACCEPTED and row.status.lower() in ISSUED_STATUSES):
            return f"it is {row.state}: only an issued one is renewed, order like it"
        return "it is revoked: order like it" if getattr(row, "revoked", False) else ""

    def line(self, where: Subject) -> str:
        return f"kmptui orders renew {order_numbers(where)}"

    async def run(self, where: Subject) -> None:
        await where.ways.renew(await where.ways.orders_of(where.topic, ids_of(where)))


class Reissue(OnOrder):
    id = "reissue"
    mode = Mode.OPENS
    words = "Reissue: the same order, another key or other names"
    label = "Reissue"
    keys = "i"

    def why_not(self, where: Subject) -> str:
        if where.row is None:
            return NO_ROW
        if reason := super().why_not(where):
            return reason
        if order_of(where) is None:
            return NO_ORDER
        row = where.row
        if isinstance(row, OrderRow) and not (row.ledger is Ledger.ACCEPTED and row.status.lower() in ISSUED_STATUSES):
            return f"it is {row.state}: only an issued one is reissued"
        return "it is revoked" if getattr(row, "revoked", False) else ""

    def line(self, where: Subject) -> str:
        return f"kmptui orders reissue o{order_of(where)} --reason TEXT"

    async def run(self, where: Subject) -> None:
        order = order_of(where)
        if order is not None:
            await where.ways.reissue(order)


class Revoke(OnSubject):
    id = "revoke"
    mode = Mode.OPENS
    words = "Revoke: the CA declares one certificate invalid, for good"
    label = "Revoke"

    def why_not(self, where: Subject) -> str:
        row = where.row
        if row is None:
            return NO_ROW
        if reason := where.ways.writing():
            return reason
        if isinstance(row, OrderRow):
            issued = row.ledger is Ledger.ACCEPTED and (row.serial or row.status.lower() in ISSUED_STATUSES)
            if row.status.lower() == "revoked":
                return "it is revoked already"
            if row.status.lower() == "expired":
                return "it has expired: nothing is left to revoke"
            return "" if issued else f"it is {row.state}: nothing of it was issued"
        if getattr(row, "revoked", False):
            return "it is revoked already"
        return "" if certificate_of(where) is not None or order_of(where) is not None else NO_ORDER

    def line(self, where: Subject) -> str:
        noun = f"certificates revoke c{certificate_of(where)}"
        if where.topic is not Topic.CERTIFICATES:
            noun = f"orders revoke o{order_of(where)}"
        return f"kmptui {noun} --reason-code N --reason TEXT --confirm NAME"

    async def run(self, where: Subject) -> None:
        certificate = certificate_of(where) if where.topic is Topic.CERTIFICATES else None
        await where.ways.revoke(order_id=order_of(where), certificate_id=certificate)


class Decide(OnOrder):
    """The base of cancel, approve and decline: of one request, or of all marked."""

    ACT = ""

    def why_not(self, where: Subject) -> str:
        if reason := super().why_not(where):
            return reason
        row = where.row
        if where.marked or row is None:
            return ""
        return "" if awaited(row) else self.closed(row)

    def closed(self, row: Any) -> str:
        """Why there is nothing to decide any more."""
        return f"it is {getattr(row, 'state', 'no request')}: nothing waits"

    def line(self, where: Subject) -> str:
        return f"kmptui orders {self.ACT} {order_numbers(where)} --message TEXT"

    async def run(self, where: Subject) -> None:
        await where.ways.decide(self.ACT, await where.ways.orders_of(where.topic, ids_of(where)))


class CancelRequest(Decide):
    ACT = "cancel"
    id = "cancel"
    mode = Mode.OPENS
    words = "Cancel the request, as long as it is only requested"
    label = "Cancel request"

    def closed(self, row: Any) -> str:
        issued = isinstance(row, OrderRow) and row.status.lower() in ISSUED_STATUSES
        return "it is issued: revoke it" if issued else super().closed(row)


class Approve(Decide):
    ACT = "approve"
    id = "approve"
    mode = Mode.OPENS
    words = "Approve the request: it goes to the CA"
    label = "Approve"


class Decline(Decide):
    ACT = "decline"
    id = "decline"
    mode = Mode.OPENS
    words = "Decline the request of somebody else"
    label = "Decline"


class Edit(OnOrder):
    id = "edit"
    mode = Mode.OPENS
    words = "Edit in SCM: names, profile, term while it waits; comments"
    label = "Edit"

    def why_not(self, where: Subject) -> str:
        if where.row is None:
            return NO_ROW
        if reason := super().why_not(where):
            return reason
        row = where.row
        known = not isinstance(row, OrderRow) or (row.ledger is Ledger.ACCEPTED and row.ssl_id is not None)
        return "" if known else f"it is {row.state}: SCM does not have it"

    def line(self, where: Subject) -> str:
        return f"kmptui orders edit o{order_of(where)} --comments TEXT"

    async def run(self, where: Subject) -> None:
        order = order_of(where)
        if order is not None:
            await where.ways.edit(order)


class AutoRenew(OnOrder):
    SENDS = False
    id = "auto-renew"
    words = "Automatic renewal on or off; SCM is not changed"
    label = "Auto-renewal"
    keys = "t"

    def line(self, where: Subject) -> str:
        chosen = getattr(where.row, "auto_renew", False)
        return f"kmptui auto-renewal {'deselect' if chosen else 'select'} {order_numbers(where)}"

    async def run(self, where: Subject) -> None:
        where.say(await where.ways.toggle_renewal(await where.ways.orders_of(where.topic, ids_of(where))))


class RetryBlocked(OnSubject):
    id = "retry.blocked"
    mode = Mode.OPENS
    words = "Retry every renewal that was blocked"
    label = "Retry blocked"

    def why_not(self, where: Subject) -> str:
        return where.ways.writing()

    def line(self, where: Subject) -> str:  # noqa: ARG002 - whatever is blocked
        return "kmptui orders renew --blocked"

    async def run(self, where: Subject) -> None:
        await where.ways.retry_blocked()


class RenewalSettings(Command[Any]):
    id = "auto-renewal.settings"
    mode = Mode.OPENS
    words = "Auto-renewal: on or off, days before the end, rules"
    label = "Settings"
    keys = "p"
    place = 2

    def line(self, where: Any) -> str:  # noqa: ARG002
        return "kmptui auto-renewal show"

    async def run(self, where: Any) -> None:
        await where.ways.renewal_settings()


def ids_of(where: Subject) -> tuple[int, ...]:
    """The rows that are meant, by the ids of their own topic; elsewhere than in the two lists, orders."""
    if where.topic in {Topic.ORDERS, Topic.CERTIFICATES} or where.marked:
        return meant(where)
    order = order_of(where)
    return () if order is None else (order,)


OF_ORDERS: tuple[type[Command[Any]], ...] = (
    Renew, Reissue, AutoRenew, CancelRequest, Approve, Decline, Edit, Revoke, RetryBlocked,
)  # fmt: skip
OF_CERTIFICATES: tuple[type[Command[Any]], ...] = (Renew, Reissue, AutoRenew, Revoke)
