"""A renewed or reissued certificate held against what was asked for: it is taken in as it is, and what differs is
said."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import TYPE_CHECKING

from kmptui.domain.audit import Entry
from kmptui.domain.names import display
from kmptui.domain.order import Act, Intent, Ledger, Order
from kmptui.store import audit, certificates, ledger

if TYPE_CHECKING:
    from kmptui.domain.audit import Stamp
    from kmptui.store.certificates import NewCertificate
    from kmptui.store.database import Db

ADAY = timedelta(days=1)
"""Days of SCM and moments of certificates may lie in different time zones."""


def remark(db: Db, new: NewCertificate, certificate_id: int, stamp: Stamp) -> None:
    """Note what differs with the order and in the audit; nothing where all is as asked. Called when it was added."""
    assert new.order_id is not None  # noqa: S101 - what is collected is collected for an order
    intent = ledger.intent_of(db, new.order_id)
    if intent is None or intent.act is Act.ORDER or intent.state is not Ledger.ACCEPTED:
        return
    order = ledger.order(db, new.order_id)
    words = [*_key(intent, new), *_names(intent.names, new.names)]
    if intent.act is Act.RENEW:
        words += _validity(db, order, new)
    if set(new.names) != set(order.names):
        ledger.set_names(db, order.id, new.names)
    if words:
        told = "; ".join(words)
        ledger.set_problem(db, order.id, told)
        subject = f"{new.common_name} {new.serial}"
        audit.append(db, Entry("collect", "done", "noted", subject, order.id, certificate_id, told), stamp)


def _key(intent: Intent, new: NewCertificate) -> list[str]:
    if intent.act is Act.RENEW or not intent.spki or intent.spki == new.spki:
        return []
    return ["SCM issued it for another key than the reissue's: somebody else had it reissued; its key is not here"]


def _names(asked: Iterable[str], got: Iterable[str]) -> list[str]:
    wanted, there = dict.fromkeys(asked), dict.fromkeys(got)
    missing, besides = [n for n in wanted if n not in there], [n for n in there if n not in wanted]
    found = [f"without {_some(missing)}"] if missing else []
    found += [f"with {_some(besides)} besides"] if besides else []
    return [f"SCM ISSUED IT FOR OTHER NAMES: {', '.join(found)}"] if found else []


def _validity(db: Db, order: Order, new: NewCertificate) -> list[str]:
    """How it falls short of the old one, and of what was expected."""
    ends, lasts = new.not_after.date(), new.not_after - new.not_before
    found = []
    if order.expected is not None and ends < order.expected - ADAY:
        found.append(f"it ends on {_day(ends)}, before the {_day(order.expected)} that was expected")
    old = ledger.order(db, order.previous_id) if order.previous_id is not None else None
    here = certificates.of_order(db, old.id)[:1] if old is not None else ()
    if here and lasts < here[0].not_after - here[0].not_before - ADAY:
        before = here[0].not_after - here[0].not_before
        found.append(f"it is valid for {_days(lasts)} days, the old one for {_days(before)}")
    old_end = here[0].not_after.date() if here else old.row.expires if old is not None else None
    if old_end is not None and ends < old_end:
        found.append(f"it ends before the old one, which ends on {_day(old_end)}")
    return found


def _some(names: list[str]) -> str:
    shown = ", ".join(map(display, names[:3]))
    return f"{shown} and {len(names) - 3:,} more" if len(names) > 3 else shown


def _day(day: date) -> str:
    return f"{day:%-d %b %Y}"


def _days(span: timedelta) -> int:
    return round(span / ADAY)
