"""What can be done with orders and certificates. None of these keys changes anything by itself: each opens a dialog, or
asks SCM without changing it."""

from __future__ import annotations

from typing import Any

from kmptui.domain.listing import Topic
from kmptui.domain.order import ISSUED_STATUSES, OPEN_STATUSES, Ledger, OrderRow
from kmptui.services.checking import CheckReport
from kmptui.tui import present
from kmptui.tui.commands.command import Command, Mode
from kmptui.tui.commands.life_commands import (
    NO_ORDER,
    NO_ROW,
    OF_CERTIFICATES,
    OF_ORDERS,
    AutoRenew,
    Renew,
    RenewalSettings,
    RetryBlocked,
    awaited,
    certificate_of,
    order_of,
)
from kmptui.tui.commands.list_commands import OnSubject
from kmptui.tui.commands.subject import Subject, meant


def numbers(where: Subject, ids: tuple[int, ...], most: int = 8) -> str:
    """`o118 o121`, as the command line takes them."""
    letter = "o" if where.topic is Topic.ORDERS else "c"
    return " ".join(f"{letter}{number}" for number in ids[:most]) + (" …" if len(ids) > most else "")


class CheckOrders(OnSubject):
    id = "check"
    words = "Check order status: ask SCM now, fetch what is issued"
    label = "Check"
    keys = "c"
    place = 3

    def why_not(self, where: Subject) -> str:
        return super().why_not(where) or ("" if where.marked or order_of(where) else "it came without an order")

    def line(self, where: Subject) -> str:
        ids = meant(where) if where.topic is Topic.ORDERS else (order_of(where) or 0,)
        return "kmptui orders check " + " ".join(f"o{number}" for number in ids[:8]) + (" …" if len(ids) > 8 else "")

    async def run(self, where: Subject) -> None:
        ids = meant(where) if where.topic is Topic.ORDERS else (order_of(where) or 0,)
        where.say(f"Asking SCM about {present.counted(len(ids), 'order')} …")
        await tell(where, await where.ways.check(ids))


class CheckAll(OnSubject):
    id = "check.all"
    words = "Check every order that is open or not yet fetched"
    label = "Check all"
    keys = "E"

    def why_not(self, where: Subject) -> str:  # noqa: ARG002 - possible on an empty list too
        return ""

    def line(self, where: Subject) -> str:  # noqa: ARG002
        return "kmptui orders check"

    async def run(self, where: Subject) -> None:
        where.say("Asking SCM about every open order …")
        await tell(where, await where.ways.check(None))


async def tell(where: Subject, report: CheckReport) -> None:
    """One order in its own words; several as counts, with the failures in a dialog that stays until read."""
    if len(report.lines) == 1:
        where.say(report.lines[0].words)
        return
    counts = {line.outcome: report.count(line.outcome) for line in report.lines}
    told = ", ".join(f"{number:,} {word}" for word, number in counts.items()) or "nothing was open"
    where.say(f"Checked {present.counted(len(report.lines), 'order')}: {told}")
    bad = [line for line in report.lines if line.outcome in {"failed", "not added"}]
    if bad:
        from textual.content import Content

        from kmptui.tui.widgets.dialog import TextDialog

        lines = [present.text(f"o{line.order_id} {line.common_name}: {line.words}") for line in bad]
        await where.app.push_screen_wait(TextDialog("Not everything went well", Content("\n").join(lines)))


class OrderLike(OnSubject):
    id = "order.like"
    mode = Mode.OPENS
    words = "Order like this one"
    label = "Like this"
    keys = "N"

    def why_not(self, where: Subject) -> str:
        return super().why_not(where) or where.ways.writing() or ("" if order_of(where) else "it came without an order")

    def line(self, where: Subject) -> str:
        return f"kmptui orders create --like o{order_of(where)}"

    async def run(self, where: Subject) -> None:
        await where.ways.order(like=order_of(where))


class Export(OnSubject):
    id = "export"
    mode = Mode.OPENS
    words = "Export the certificate, with its key where it is here"
    label = "Export"
    keys = "e"
    place = 5

    def why_not(self, where: Subject) -> str:
        return super().why_not(where) or ("" if certificate_of(where) else "no certificate is in the repository yet")

    def line(self, where: Subject) -> str:
        return f"kmptui certificates export c{certificate_of(where)} --format pkcs12 --out FILE"

    async def run(self, where: Subject) -> None:
        certificate = certificate_of(where)
        if certificate is not None:
            await where.ways.export(certificate)


class AttachKey(OnSubject):
    id = "attach"
    mode = Mode.OPENS
    words = "Attach the private key, from a file"
    label = "Attach key"
    keys = "K"

    def why_not(self, where: Subject) -> str:
        if where.row is None:
            return NO_ROW
        if not certificate_of(where):
            return "no certificate is in the repository yet"
        return "its key is here already" if getattr(where.row, "has_key", False) else ""

    def line(self, where: Subject) -> str:
        return f"kmptui certificates attach-key c{certificate_of(where)} --key-file FILE"

    async def run(self, where: Subject) -> None:
        certificate = certificate_of(where)
        if certificate is not None:
            await where.ways.attach_key(certificate)


class Follow(OnSubject):
    id = "follow"
    mode = Mode.OPENS
    words = "Follow the order until its certificate is here"
    label = "Follow"
    keys = "f"

    def why_not(self, where: Subject) -> str:
        if where.row is None:
            return NO_ROW
        row = where.row
        open_now = row.ledger is Ledger.ACCEPTED and row.status.lower() in OPEN_STATUSES | ISSUED_STATUSES
        return "" if open_now and not row.certificate_id else "nothing is awaited"

    def line(self, where: Subject) -> str:
        return f"kmptui orders watch o{order_of(where)}"

    async def run(self, where: Subject) -> None:
        await where.ways.follow(where.row.id)  # type: ignore[union-attr]  # why_not has looked


class Settle(OnSubject):
    id = "settle"
    mode = Mode.OPENS
    words = "Settle: find out which order at SCM it is, or none"
    label = "Settle"
    keys = "x"

    def why_not(self, where: Subject) -> str:
        if where.row is None:
            return NO_ROW
        return "" if where.row.state == Ledger.UNCONFIRMED else "only an order without a reply is settled"

    def line(self, where: Subject) -> str:
        return f"kmptui orders settle o{order_of(where)} --is SSL-ID"

    async def run(self, where: Subject) -> None:
        await where.ways.settle(order_of(where))


class OrderValidation(OnSubject):
    id = "order.dcv"
    mode = Mode.OPENS
    words = "Validation (DCV): this order's, or what blocks its renewal"
    label = "DCV"
    keys = "V"

    def why_not(self, where: Subject) -> str:
        if where.row is None:
            return NO_ROW
        if order_of(where) is None:
            return NO_ORDER
        row = where.row
        if not isinstance(row, OrderRow) or awaited(row):
            return ""
        issued = row.ledger is Ledger.ACCEPTED and row.status.lower() in ISSUED_STATUSES | {"expired"}
        return "" if issued else f"it is {row.state}: no domain keeps it"

    def line(self, where: Subject) -> str:
        return f"kmptui orders dcv o{order_of(where)}" if awaited(where.row) else ""

    async def run(self, where: Subject) -> None:
        order = order_of(where)
        if order is None:
            return
        if awaited(where.row):
            await where.ways.order_dcv(order)
        elif not await where.ways.validate_behind(order):
            where.say(f"The domains of o{order}'s names are validated")


class Note(OnSubject):
    id = "note"
    mode = Mode.OPENS
    words = "Private note and contact; never sent to SCM"
    label = "Note"
    keys = "m"

    def why_not(self, where: Subject) -> str:
        return super().why_not(where) or ("" if order_of(where) else "it came without an order")

    def line(self, where: Subject) -> str:
        return f"kmptui orders edit o{order_of(where)} --note TEXT --contact TEXT"

    async def run(self, where: Subject) -> None:
        order = order_of(where)
        if order is not None:
            await where.ways.note(order)


class Delete(OnSubject):
    id = "delete"
    mode = Mode.OPENS
    words = "Delete here: kmptui forgets it, SCM keeps it"
    label = "Delete here"
    keys = "d"

    def line(self, where: Subject) -> str:
        return f"kmptui {where.topic.value} delete {numbers(where, meant(where))}"

    async def run(self, where: Subject) -> None:
        await where.ways.delete(where.topic, meant(where))


class DestroyKey(OnSubject):
    id = "destroy.key"
    mode = Mode.OPENS
    words = "Destroy the private key, for good: asked once more"
    label = "Destroy key"

    def why_not(self, where: Subject) -> str:
        if where.row is None:
            return NO_ROW
        return "" if getattr(where.row, "has_key", False) else "its key is not here"

    async def run(self, where: Subject) -> None:
        await where.ways.destroy_key(where.row.id)  # type: ignore[union-attr]  # why_not has looked


class VerifyAudit(OnSubject):
    id = "verify"
    words = "Verify the audit's chain"
    label = "Verify"
    keys = "v"

    def line(self, where: Subject) -> str:  # noqa: ARG002
        return "kmptui audit verify"

    async def run(self, where: Subject) -> None:
        await where.ways.verify_audit()


ORDER_COMMANDS: tuple[type[Command[Any]], ...] = (
    CheckOrders, *OF_ORDERS, Export, OrderLike, Follow, Settle, OrderValidation, Note, AttachKey, Delete, CheckAll,
)  # fmt: skip
CERTIFICATE_COMMANDS: tuple[type[Command[Any]], ...] = (
    CheckOrders, *OF_CERTIFICATES, Export, OrderLike, AttachKey, Note, Delete, DestroyKey,
)  # fmt: skip
AUDIT_COMMANDS: tuple[type[Command[Any]], ...] = (
    RenewalSettings, Renew, AutoRenew, OrderValidation, RetryBlocked, VerifyAudit,
)  # fmt: skip


def abilities(kinds: tuple[type[Command[Any]], ...], where: Subject) -> tuple[list[str], list[str]]:
    """What can be done with the row, and what cannot, with the reason."""
    can, cannot = [], []
    for kind in kinds:
        command = kind()
        if reason := command.why_not(where):
            cannot.append(f"{kind.label}: {reason}")
        else:
            can.append(f"{kind.keys.split(',')[0] or 'a'} {kind.label}")
    return can, cannot
