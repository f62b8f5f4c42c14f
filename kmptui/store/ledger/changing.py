"""Changes of an order that are not a step of a request: its hold, its notes, its certificate, its end here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from kmptui.domain.audit import Entry, Stamp
from kmptui.domain.listing import Topic
from kmptui.domain.order import Hold
from kmptui.errors import NotFound, StateForbids
from kmptui.store import audit, selection
from kmptui.store.columns import moment_text
from kmptui.store.db import Db, touch
from kmptui.store.ledger import reading, rows


def set_hold(db: Db, order_id: int, hold: Hold) -> None:
    """Why its certificate is not in the repository. Raises NotFound."""
    if not rows.hold_many(db, (order_id,), hold):
        raise NotFound(f"There is no order o{order_id}")


def set_checked(db: Db, order_ids: Iterable[int], at: datetime) -> None:
    """SCM was asked about them, and nothing else is new."""
    db.many("UPDATE orders SET checked = ? WHERE id = ?", [(moment_text(at), order_id) for order_id in order_ids])
    touch(db, Topic.ORDERS)


def set_problem(db: Db, order_id: int, problem: str, code: int | None = None) -> None:
    """The last thing that went wrong with it; "" when that is over. Raises NotFound."""
    rows.change(db, order_id, problem=problem, problem_code=code)


def set_names(db: Db, order_id: int, names: tuple[str, ...]) -> None:
    """The names that the certificate which came for it holds, where they are others. Raises NotFound."""
    rows.change(db, order_id, names=names, names_count=len(names))


def reissue_overtaken(db: Db, order_id: int, spki: str) -> None:
    """The certificate that came has another key than the awaited reissue's: that one is awaited no more. Raises
    NotFound."""
    rows.change(db, order_id, spki=spki)


def set_auto_renew(db: Db, order_ids: Iterable[int], on: bool) -> int:
    """A person's choice, which goes before every rule; how many were not so before."""
    return selection.choose(db, order_ids, on)


def annotate(db: Db, order_id: int, *, note: str | None = None, contact: str | None = None) -> None:
    """None leaves what is there. Raises NotFound."""
    told = {"note": note, "contact": contact}
    rows.change(db, order_id, **{name: text for name, text in told.items() if text is not None})


def set_told(db: Db, order_id: int, told: Mapping[str, str]) -> None:
    """What SCM is known to have now, and a telling of it could not say: a text that was emptied. Raises NotFound."""
    rows.change(db, order_id, **told)


def delete_here(db: Db, order_ids: Iterable[int], entry: Entry, stamp: Stamp) -> int:
    """Forget orders here, one audit row each; SCM, certificates and keys are untouched. How many were there.
    Raises StateForbids for one with a request that is prepared, sent or unconfirmed."""
    done = 0
    for order_id in order_ids:
        row = rows.known(db, order_id)
        if row["deleted"]:
            continue
        intent = reading.intent_of(db, order_id)
        if intent is not None and intent.state.value in reading.OPEN_INTENTS:
            raise StateForbids(
                f"Order o{order_id} is not deleted",
                why=f"its {intent.act.value} is {intent.state.value}",
                cure="Settle it first: kmptui orders settle",
            )
        done += 1
        rows.change(db, order_id, deleted=True)
        audit.append(db, replace(entry, order_id=order_id, subject=entry.subject or row["common_name"]), stamp)
    return done


def certificate_added(db: Db, order_id: int, certificate_id: int, serial: str) -> None:
    """Its certificate is in the repository: nothing holds it any more, unless it is a reissue's that is awaited. The
    newest one is the order's."""
    hold = Hold.NONE if reading.awaited_reissue(db, order_id) is None else Hold(rows.known(db, order_id)["hold"])
    rows.change(
        db, order_id, certificate_id=certificate_id, serial=serial, hold=hold.value, body_tries=0, body_again="",
        problem="", problem_code=None,
    )  # fmt: skip


def certificate_removed(db: Db, order_id: int, certificate_id: int, left: int | None) -> None:
    """A certificate left the repository; `left` is the newest one that stays. It is not fetched again by itself."""
    if rows.known(db, order_id)["certificate_id"] == certificate_id:
        rows.change(db, order_id, certificate_id=left)
