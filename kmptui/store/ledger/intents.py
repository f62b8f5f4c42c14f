"""Intents: what is asked of SCM, written down before the first byte leaves, and what became of it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from kmptui.domain.audit import Entry, Stamp
from kmptui.domain.order import ISSUED_STATUSES, Act, Hold, Intent, Ledger, Order, OrderRequest
from kmptui.errors import StateForbids
from kmptui.store import audit, changes, claims, keys, selection
from kmptui.store.claims import Claim
from kmptui.store.db import Db
from kmptui.store.ledger import lineage, reading, rows
from kmptui.store.models import CertificateRecord, IntentRow
from kmptui.store.sealed import Sealed

_AGAIN = frozenset({Ledger.DRAFT.value, Ledger.REFUSED.value, Ledger.NOT_PLACED.value})
"""Ledger states of an order from which a new intent may begin."""
_CAME_TO_NOTHING = frozenset({"declined", "rejected", "invalid"})
"""States of a renewal at SCM that never has a certificate."""


@dataclass(frozen=True, slots=True)
class Material:
    """What was made for a request before it is written down. `key` None: own CSR, or the old key; `key_words` like
    "RSA 2048"; `token` "" where the comments have no room for it; `body` the request's members as SCM will get them,
    without secrets."""

    csr: str
    spki: str
    key: Sealed | None
    key_words: str
    token: str = ""
    password: Sealed | None = None
    body: tuple[tuple[str, str], ...] = ()


def prepare(
    db: Db,
    act: Act,
    request: OrderRequest,
    material: Material,
    claim: Claim,
    entry: Entry,
    stamp: Stamp,
    *,
    organization: str = "",
    profile: str = "",
    order_id: int | None = None,
    expected: date | None = None,
) -> Intent:
    """Write the intent down, before the first byte leaves: key, order row and intent (prepared), audit row.

    Compose it with `claims.claim` in one `Store.write`. `organization` and `profile` are their names, for the lists.
    `expected`: the last day that a renewal is expected to have.
    `order_id`: for Act.ORDER a draft, refused or not placed order that is tried again (else a new row is made); for
    RENEW and REISSUE the order that is renewed or reissued. A renewal makes a new row that knows its predecessor, a
    reissue works on the order itself, whose own state stays. `entry.order_id` is filled in here; so in all functions
    below. Raises StateForbids (also while the order has an open intent), NotFound, HeldElsewhere.
    """
    claims.check(db, claim)
    if claim.topic != claims.name_topic(request.common_name):
        raise StateForbids(f"The claim is not on {request.common_name}")
    target = rows.known(db, order_id) if order_id is not None else None
    if material.key is not None:
        keys.keep(db, material.spki, material.key, material.key_words, "made", stamp.at)
    columns = _columns(request, material, organization, profile) | {"expected": expected}
    if act is Act.ORDER:
        own = _order_row(db, target, columns)
    elif target is None:
        raise StateForbids(f"A {act.value} needs the order that it is for")
    else:
        _refuse_unless_accepted(db, act, target)
        own = _renewal_row(db, target, columns) if act is Act.RENEW else int(target["id"])
    if act is not Act.REISSUE:
        selection.settle(db, (own,))
    intent_id: int = IntentRow.insert(
        order_id=own,
        act=act.value,
        state=Ledger.PREPARED.value,
        topic=claim.topic,
        token=material.token,
        common_name=request.common_name,
        names=request.names,
        organization_id=request.organization_id,
        profile_id=request.profile_id,
        term=request.term,
        csr=material.csr,
        spki=material.spki,
        request=material.body,
        target_ssl_id=target["ssl_id"] if target is not None and act is not Act.ORDER else None,
        highest_ssl_id=reading.highest_ssl_id(db),
        prepared=stamp.at,
        searches=0,
        replaced=target["replaced"] if target is not None and act is Act.REISSUE else None,
    ).execute(db)
    _record(db, entry, own, request.common_name, stamp)
    return reading.intent(db, intent_id)


def mark_sent(db: Db, intent_id: int, claim: Claim, entry: Entry | None, stamp: Stamp) -> Intent:
    """prepared → sent: nothing may happen between this commit and the first byte. `entry` None: no row of its own."""
    row = _move(db, intent_id, claim, {Ledger.PREPARED}, Ledger.SENT, sent=stamp.at)
    if row["act"] != Act.REISSUE.value:
        rows.change(db, row["order_id"], placed=stamp.at, requested=stamp.at.date())
    if entry is not None:
        _record(db, entry, row["order_id"], row["common_name"], stamp)
    return reading.intent(db, intent_id)


def accept(db: Db, intent_id: int, ssl_id: int, claim: Claim, entry: Entry, stamp: Stamp) -> Order:
    """sent, unconfirmed → accepted: SCM has it under this id. A row that an import made for the id in between becomes
    one with the order. Raises StateForbids also when another order of ours has the id."""
    before = reading.intent_row(db, intent_id)
    told: rows.Columns = {"ssl_id": ssl_id}
    if before["act"] == Act.REISSUE.value:
        if ssl_id != before["target_ssl_id"]:
            raise StateForbids(
                f"A reissue keeps the id scm:{before['target_ssl_id']}", why=f"scm:{ssl_id} is another one"
            )
        told = {"spki": before["spki"]}
    row = _move(db, intent_id, claim, {Ledger.SENT, Ledger.UNCONFIRMED}, Ledger.ACCEPTED, ended=stamp.at, ssl_id=ssl_id)
    if before["act"] != Act.REISSUE.value:
        told |= _absorb(db, row["order_id"], ssl_id)
    rows.change(db, row["order_id"], **told, problem="", problem_code=None)
    if before["act"] == Act.RENEW.value:
        _tell_predecessor(db, row["order_id"], "", None)
        renewed = "SELECT previous_id FROM orders WHERE id = ?"
        db.run(f"DELETE FROM renewal_tries WHERE order_id = ({renewed})", (row["order_id"],))  # noqa: S608 - a constant
    selection.settle(db, (row["order_id"],))
    lineage.rank(db, reading.lineage_of(db, row["order_id"]))
    _record(db, entry, row["order_id"], row["common_name"], stamp)
    return reading.order(db, row["order_id"])


def refuse(db: Db, intent_id: int, problem: str, code: int | None, claim: Claim, entry: Entry, stamp: Stamp) -> Intent:
    """sent → refused: SCM said no, and clearly. Of a renewal the order that it was for knows it, too."""
    intent = _end(db, intent_id, claim, {Ledger.SENT}, Ledger.REFUSED, problem, code, entry, stamp)
    if intent.act is Act.RENEW:
        _tell_predecessor(db, intent.order_id, problem, code)
    return intent


def unconfirm(db: Db, intent_id: int, problem: str, claim: Claim, entry: Entry, stamp: Stamp) -> Intent:
    """sent → unconfirmed: it may have been acted on. It is never sent again."""
    return _end(db, intent_id, claim, {Ledger.SENT}, Ledger.UNCONFIRMED, problem, None, entry, stamp)


def not_placed(db: Db, intent_id: int, problem: str, claim: Claim, entry: Entry, stamp: Stamp) -> Intent:
    """unconfirmed → not placed: two complete searches found nothing, or a person said so."""
    return _end(db, intent_id, claim, {Ledger.UNCONFIRMED}, Ledger.NOT_PLACED, problem, None, entry, stamp)


def back_to_draft(db: Db, intent_id: int, problem: str, claim: Claim, entry: Entry, stamp: Stamp) -> Intent:
    """prepared → draft; sent → draft only when it is proved that nothing was sent."""
    intent = _end(db, intent_id, claim, {Ledger.PREPARED, Ledger.SENT}, Ledger.DRAFT, problem, None, entry, stamp)
    if intent.act is not Act.REISSUE:
        rows.change(db, intent.order_id, placed=None, requested=None)
    return intent


def undo_accept(db: Db, intent_id: int, problem: str, claim: Claim, entry: Entry, stamp: Stamp) -> Intent:
    """accepted → unconfirmed: the certificate has another key, so the order that was taken over is not ours. The next
    import brings that one in as an order of its own. Raises StateForbids once a certificate of the intent's key is
    here or a later request builds upon it, and for a reissue."""
    row = reading.intent_row(db, intent_id)
    mine = (CertificateRecord.order_id == row["order_id"]) & (CertificateRecord.spki == row["spki"])
    newest = reading.intent_of(db, row["order_id"])
    built_upon = rows.known(db, row["order_id"])["next_id"] is not None or newest is None or newest.id != intent_id
    if row["act"] == Act.REISSUE.value or built_upon or CertificateRecord.select().where(mine).exists(db):
        raise StateForbids(f"Order o{row['order_id']} is certainly the one at SCM")
    forgotten = dict.fromkeys(_TOLD_DAYS) | dict.fromkeys(_TOLD_TEXTS, "") | {"ssl_id": None, "hold": ""}
    intent = _end(
        db,
        intent_id,
        claim,
        {Ledger.ACCEPTED},
        Ledger.UNCONFIRMED,
        problem,
        None,
        entry,
        stamp,
        searches=0,
        searched=None,
        ssl_id=None,
    )
    rows.change(db, row["order_id"], **forgotten)
    return intent


_TOLD_DAYS = ("approved", "issued", "declined", "expires", "replaced", "revoked", "renewed")
_TOLD_TEXTS = ("status", "serial", "order_number", "backend_id")


def record_search(db: Db, intent_id: int, at: datetime, claim: Claim) -> Intent:
    """One more complete search at SCM found nothing. Raises StateForbids, HeldElsewhere."""
    row = _move(db, intent_id, claim, {Ledger.UNCONFIRMED}, Ledger.UNCONFIRMED, searched=at)
    IntentRow.update(searches=row["searches"] + 1).where(IntentRow.id == intent_id).execute(db)
    return reading.intent(db, intent_id)


def _end(
    db: Db, intent_id: int, claim: Claim, allowed: Collection[Ledger], to: Ledger, problem: str, code: int | None,
    entry: Entry, stamp: Stamp, **columns: Any,
) -> Intent:  # fmt: skip
    row = _move(db, intent_id, claim, allowed, to, ended=stamp.at, **columns)
    rows.change(db, row["order_id"], problem=problem, problem_code=code)
    _record(db, entry, row["order_id"], row["common_name"], stamp)
    return reading.intent(db, intent_id)


def _move(
    db: Db, intent_id: int, claim: Claim, allowed: Collection[Ledger], to: Ledger, **columns: Any
) -> dict[str, Any]:
    """The one step from state to state; the intent's row as it was before."""
    claims.check(db, claim)
    row = reading.intent_row(db, intent_id)
    if claim.topic != row["topic"]:
        raise StateForbids(f"The claim is not on {row['common_name']}")
    if Ledger(row["state"]) not in allowed:
        raise StateForbids(f"The {row['act']} of {row['common_name']} is {row['state']}", why=f"it cannot become {to}")
    IntentRow.update(state=to.value, **columns).where(IntentRow.id == intent_id).execute(db)
    if row["act"] == Act.REISSUE.value:  # the order itself stays what it is until it has its new certificate
        rows.change(db, row["order_id"], **_reissue_hold(db, rows.known(db, row["order_id"]), to))
    else:
        rows.change(db, row["order_id"], ledger=to.value)
    return row


def _reissue_hold(db: Db, order: rows.Columns, to: Ledger) -> rows.Columns:
    """What a reissue that is (or may be) at SCM makes of its order, and that is over when it came to nothing."""
    if to is Ledger.ACCEPTED:
        return {"hold": Hold.REISSUE.value, "body_tries": 0, "body_again": ""}
    if to is Ledger.UNCONFIRMED:
        return {"hold": Hold.UNSETTLED.value}
    if order["hold"] != Hold.UNSETTLED.value:
        return {}
    # somebody else may have had it reissued meanwhile
    known = (CertificateRecord.order_id == order["id"]) & (CertificateRecord.serial == order["serial"])
    missing = order["certificate_id"] is None or not CertificateRecord.select().where(known).exists(db)
    issued = order["status"].lower() in ISSUED_STATUSES
    return {"hold": Hold.WAITING.value if missing and issued else Hold.NONE.value}


def _tell_predecessor(db: Db, order_id: int, problem: str, code: int | None) -> None:
    previous = rows.known(db, order_id)["previous_id"]
    if previous is not None:
        rows.change(db, previous, problem=problem, problem_code=code)


def _record(db: Db, entry: Entry, order_id: int, common_name: str, stamp: Stamp) -> None:
    audit.append(db, replace(entry, order_id=order_id, subject=entry.subject or common_name), stamp)


def _columns(request: OrderRequest, material: Material, organization: str, profile: str) -> rows.Columns:
    password = material.password
    return {
        "common_name": request.common_name,
        "names": request.names,
        "names_count": len(request.names),
        "ledger": Ledger.PREPARED.value,
        "organization_id": request.organization_id,
        "organization": organization,
        "profile_id": request.profile_id,
        "profile": profile,
        "term": request.term,
        "key": material.key_words,
        "spki": material.spki,
        "external_requester": ", ".join(request.requesters),
        "comments": request.comments,
        "custom_fields": request.custom_fields,
        "keystore": request.keystore,
        "password_identity": password.identity if password is not None else None,
        "password": password.blob if password is not None else None,
        "auto_renew": request.auto_renew,
        "choice": selection.ON if request.auto_renew else "",
        "note": request.note,
        "contact": request.contact,
        "problem": "",
        "problem_code": None,
    }


def _order_row(db: Db, target: rows.Columns | None, columns: rows.Columns) -> int:
    if target is None:
        return rows.insert(db, **columns, **_FRESH, origin="ordered", lineage=0)
    if target["ledger"] not in _AGAIN or target["deleted"]:
        raise StateForbids(f"Order o{target['id']} is {target['state']}", why="it is not to be placed again")
    rows.change(db, target["id"], **columns)
    return int(target["id"])


def _renewal_row(db: Db, target: rows.Columns, columns: rows.Columns) -> int:
    """The row of the renewal: that of an earlier try that came to nothing, or a new one, chosen for automatic renewal
    as its predecessor is."""
    successor = rows.known(db, target["next_id"]) if target["next_id"] is not None else None
    if successor is not None and successor["ledger"] not in _AGAIN and successor["state"] not in _CAME_TO_NOTHING:
        raise StateForbids(
            f"Order o{target['id']} is renewed already", why=f"by o{successor['id']}, {successor['state']}"
        )
    columns = columns | {name: target[name] for name in ("choice", "auto_renew")}
    if successor is not None and successor["ledger"] in _AGAIN and not successor["deleted"]:
        rows.change(db, successor["id"], **columns)
        return int(successor["id"])
    own = rows.insert(db, **columns, **_FRESH, origin="renewed", lineage=target["lineage"], previous_id=target["id"])
    rows.change(db, target["id"], next_id=own)
    return own


_FRESH: rows.Columns = {
    "status": "", "hold": "", "order_number": "", "backend_id": "", "serial": "", "requester": "", "requested": None,
    "approved": None, "issued": None, "declined": None, "expires": None, "replaced": None, "revoked": None,
    "auto_renew_state": "", "requested_via": "", "issuer": "", "oddities": (), "superseded": False, "deleted": False,
    "body_tries": 0, "body_again": "",
}  # fmt: skip
"""What a row has before SCM has told of it."""


def _refuse_unless_accepted(db: Db, act: Act, target: rows.Columns) -> None:
    if target["ledger"] != Ledger.ACCEPTED.value or target["ssl_id"] is None:
        raise StateForbids(f"Order o{target['id']} is {target['state']}", why=f"SCM has nothing to {act.value}")
    if target["deleted"]:
        raise StateForbids(f"Order o{target['id']} was deleted here", cure="Import it again, deleted ones included")
    query = IntentRow.select().where((IntentRow.order_id == target["id"]) & IntentRow.state.in_(reading.OPEN_INTENTS))
    if query.exists(db):
        raise StateForbids(f"Order o{target['id']} has a request under way", cure="Wait for it, or settle it")


def _absorb(db: Db, order_id: int, ssl_id: int) -> rows.Columns:
    """What an import knew under the id, and its row made empty; nothing when there was no such row."""
    found = db.value("SELECT id FROM orders WHERE ssl_id = ? AND id <> ?", (ssl_id, order_id))
    if found is None:
        return {}
    other = rows.known(db, int(found))
    if reading.sent_from_here(db, other["id"]):
        raise StateForbids(f"scm:{ssl_id} is order o{other['id']} already")
    reissue = reading.intent_of(db, other["id"])
    if reissue is not None and reissue.state.value in reading.OPEN_INTENTS:
        raise StateForbids(
            f"scm:{ssl_id} is o{other['id']}, whose reissue is {reissue.state}", cure="Settle that first"
        )
    own = rows.known(db, order_id)
    if other["common_name"] and other["common_name"].lower() != own["common_name"].lower():
        raise StateForbids(f"scm:{ssl_id} is o{other['id']}, for {other['common_name']}")
    if other["lineage"] == own["lineage"]:
        raise StateForbids(f"scm:{ssl_id} is o{other['id']}, which is renewed by this one")
    CertificateRecord.update(order_id=order_id, lineage=own["lineage"]).where(
        CertificateRecord.order_id == other["id"]
    ).execute(db)
    words = f"became one with o{order_id}"
    emptied = {"ssl_id": None, "certificate_id": None, "hold": "", "deleted": True, "problem": words, "next_id": None}
    rows.change(db, other["id"], **emptied)
    changes.retract(db, other["id"])
    if other["next_id"] is not None:  # it was renewed from here meanwhile: that renewal is the order's
        lineage.join(db, order_id, other["next_id"])
    kept = {name: other[name] for name in (*_TOLD_DAYS, *_TOLD_TEXTS, *_KEPT) if other[name] not in {None, ""}}
    return kept | {name: own[name] or other[name] for name in ("note", "contact", "choice", "auto_renew")}


_KEPT = (
    "requested", "requester", "requested_via", "issuer", "auto_renew_state", "certificate_id", "hold", "checked",
)  # fmt: skip


def perhaps_sent(db: Db) -> None:
    """A copy of the store cannot know what became of a request that was prepared when it was made: it may have been
    sent since. It counts as sent, so that it is looked for, and not as a draft, which would be sent again."""
    prepared, sent = Ledger.PREPARED.value, Ledger.SENT.value
    for order_id, act in db.rows("SELECT order_id, act FROM intents WHERE state = ?", (prepared,)):
        if act != Act.REISSUE.value:
            rows.change(db, int(order_id), ledger=sent)
    db.run("UPDATE intents SET state = ?, sent = ifnull(sent, prepared) WHERE state = ?", (sent, prepared))
