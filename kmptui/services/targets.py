"""Which one certificate a revocation would act on, and what a person must know before it: from the store alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from kmptui.domain.names import display
from kmptui.domain.order import ISSUED_STATUSES, Ledger, Order
from kmptui.domain.revocation import BY_NAME, BY_SERIAL, CONSEQUENCES, DIGITS, Living
from kmptui.errors import Ambiguous, BadInput, NotFound, StateForbids
from kmptui.services import deciding_words
from kmptui.store import certificates, ledger, revocations
from kmptui.store.columns import serial_text

if TYPE_CHECKING:
    from kmptui.domain.certificate import CertificateRow
    from kmptui.store.database import Db


@dataclass(frozen=True, slots=True)
class Target:
    """One certificate that is to be revoked. `certificate_id` None: only its order is here; `order_id` None: its order
    is not. `live` are all certificates of the common name that are neither revoked nor expired, newest first, itself
    among them; `newest`: none of them is newer. `confirm` is what must be typed (name or serial), `answer` how it
    reads; `standing` tells it from the others, `words` what follows, `warning` what speaks against it ("" for nothing);
    `already` how it came that it is revoked already, else ""."""

    certificate_id: int | None
    order_id: int | None
    ssl_id: int | None
    serial: str
    common_name: str
    names: tuple[str, ...]
    issued: date | None
    ends: date | None
    live: tuple[Living, ...]
    newest: bool
    confirm: str
    answer: str
    standing: str
    words: str
    warning: str = ""
    already: str = ""

    @property
    def number(self) -> str:
        """`c42`, or `o118` where only its order is here."""
        return f"c{self.certificate_id}" if self.certificate_id is not None else f"o{self.order_id}"

    @property
    def subject(self) -> str:
        """As the record names it."""
        return f"{self.number} {self.common_name} {self.serial}"


def find(db: Db, now: datetime, *, order_id: int | None, certificate_id: int | None, serial: str) -> Target:
    """Exactly one of the three. Raises NotFound, Ambiguous, BadInput("serial"), and StateForbids where nothing can be
    revoked, or where an order has several certificates: it names their serials."""
    if certificate_id is not None:
        return _of_certificate(db, now, certificates.certificate(db, certificate_id).row)
    if order_id is not None:
        return _of_order(db, now, ledger.order(db, order_id))
    return _of_serial(db, now, serial)


def _of_serial(db: Db, now: datetime, text: str) -> Target:
    wanted = serial_text(text.strip())
    if not wanted or any(char not in "0123456789ABCDEF" for char in wanted):
        raise BadInput("serial", f"{text[:60]!r} is no serial number", cure="Write it in hex")
    rows = certificates.by_serial(db, wanted)
    if len(rows) > 1:
        numbers = ", ".join(row.number for row in rows[:8])
        raise Ambiguous("Several certificates have this serial", why=numbers, cure="Give the number")
    if rows:
        return _of_certificate(db, now, rows[0])
    orders = ledger.with_serial(db, wanted)
    if not orders:
        raise NotFound(f"There is no certificate with the serial {wanted[:40]} here", cure="Import the orders first")
    if len(orders) > 1:
        numbers = ", ".join(f"o{one}" for one in orders[:8])
        raise Ambiguous("Several orders have this serial", why=numbers, cure="Give the number")
    return _only_order(db, now, ledger.order(db, orders[0]))


def _of_order(db: Db, now: datetime, order: Order) -> Target:
    rows = certificates.of_order(db, order.id)
    alive = [row for row in rows if not row.revoked and row.not_after > now]
    serials = {row.serial: f"{row.serial} ({row.number}, ends {_day(row.not_after)})" for row in alive}
    known = {row.serial for row in rows}
    current = serial_text(order.row.serial)
    if alive and current and current not in known and order.row.status.lower() in ISSUED_STATUSES:
        serials[current] = f"{current} (not fetched yet)"
    if len(serials) > 1:
        raise StateForbids(
            f"{order.row.number} has {len(serials)} live certificates",
            why="; ".join(serials.values()),
            cure="Revoke one by its serial: kmptui certificates revoke SERIAL",
        )
    if rows and (alive or current in known or not current):
        return _of_certificate(db, now, (alive or rows)[0])
    return _only_order(db, now, order)


def _only_order(db: Db, now: datetime, order: Order) -> Target:
    """Its certificate is not in the repository: the order tells its serial."""
    row = order.row
    status = row.status.lower()
    already = ""
    if status == "revoked":
        already = "it is revoked already" + (f", since {order.revoked:%-d %b %Y}" if order.revoked else "")
    elif row.ledger is not Ledger.ACCEPTED or row.ssl_id is None or status not in ISSUED_STATUSES:
        raise StateForbids(f"{row.number} is not revoked", why=deciding_words.not_issued(order))
    elif row.expires is not None and row.expires < now.date():
        raise StateForbids(f"{row.number} is not revoked", why=f"its certificate expired on {row.expires:%-d %b %Y}")
    serial = serial_text(row.serial)
    if not serial and not already:
        cure = f"Check it first: kmptui orders check {row.number}"
        raise StateForbids(f"{row.number} is not revoked", why="its certificate's serial is not known here", cure=cure)
    return _target(db, now, None, order, serial, order.common_name, order.names, order.issued, row.expires, already)


def _of_certificate(db: Db, now: datetime, row: CertificateRow) -> Target:
    order = ledger.order(db, row.order_id) if row.order_id is not None else None
    already = ""
    told = order is not None and order.row.status.lower() == "revoked" and serial_text(order.row.serial) == row.serial
    if row.revoked or told:
        already = "it is revoked already"
    elif row.not_after <= now:
        raise StateForbids(f"{row.number} is not revoked", why=f"it expired on {_day(row.not_after)}")
    names = certificates.certificate(db, row.id).names
    issued, ends = row.not_before.date(), row.not_after.date()
    return _target(db, now, row.id, order, row.serial, row.common_name, names, issued, ends, already)


def _target(
    db: Db, now: datetime, certificate_id: int | None, order: Order | None, serial: str, common_name: str,
    names: tuple[str, ...], issued: date | None, ends: date | None, already: str,
) -> Target:  # fmt: skip
    live = revocations.living(db, common_name, now) if common_name else ()
    others = [one for one in live if one.serial != serial]
    at = next((place for place, one in enumerate(live) if one.serial == serial), len(live))
    newer = live[:at]
    confirm = BY_SERIAL if others or not common_name else BY_NAME
    return Target(
        certificate_id=certificate_id,
        order_id=order.id if order is not None else None,
        ssl_id=order.ssl_id if order is not None else None,
        serial=serial,
        common_name=common_name,
        names=names,
        issued=issued,
        ends=ends,
        live=live,
        newest=not newer,
        confirm=confirm,
        answer=common_name if confirm == BY_NAME else serial[-DIGITS:],
        standing=_standing(order, others, newer, _elsewhere(db, order, serial)),
        words=CONSEQUENCES,
        warning="" if newer else _warning(common_name, others),
        already=already,
    )


def _elsewhere(db: Db, order: Order | None, serial: str) -> bool:
    """Whether the order had an earlier certificate, and that is not here."""
    if order is None or order.replaced is None:
        return False
    return all(row.serial == serial for row in certificates.of_order(db, order.id))


def _standing(order: Order | None, others: Sequence[Living], newer: Sequence[Living], elsewhere: bool) -> str:
    text = "It is the only live certificate of this name here."
    if others:
        which = "an older one" if newer else "the NEWEST"
        stay = "; ".join(one.words for one in others[:5]) + (f" and {len(others) - 5} more" if len(others) > 5 else "")
        text = f"{len(others) + 1} live certificates have this name; this is {which}. These stay: {stay}."
    if order is not None and elsewhere:
        text += " SCM tells of an earlier certificate of this order, which is not here: it is not touched."
    return text


def _warning(common_name: str, others: Sequence[Living]) -> str:
    name = display(common_name) if common_name else "its names"
    which = "the newest certificate" if others else "the only live certificate"
    return f"It is {which} of {name}: is another one in its place on every server?"


def _day(at: datetime) -> str:
    return f"{at:%-d %b %Y}"
