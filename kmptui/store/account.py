"""The linked account: one for each home, of one kind for good."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from datetime import date, datetime
from typing import Any

from kmptui.domain.audit import Entry, Stamp
from kmptui.domain.listing import Topic
from kmptui.errors import NotLinked, StateForbids, WrongKind
from kmptui.store import audit, facts
from kmptui.store.columns import clean
from kmptui.store.db import Db, touch
from kmptui.store.models import AccountRow
from kmptui.store.sealed import Sealed

_KINDS = {"real": "a real SCM", "sandbox": "a sandbox"}


@dataclass(frozen=True, slots=True)
class StoredAccount:
    """`kind` is real or sandbox; `mrao` None where SCM did not tell; `roles` facts in words; `attention` a sentence
    while SCM refuses the credentials."""

    base_url: str
    login: str
    customer_uri: str
    kind: str
    linked: datetime
    password: Sealed = field(repr=False)
    mrao: bool | None = None
    roles: tuple[str, ...] = ()
    password_state: str = ""
    password_expires: date | None = None
    attention: str = ""
    ca_file: str = ""
    proxy: str = ""


def account(db: Db) -> StoredAccount | None:
    """None while nothing is linked."""
    row = AccountRow.select().dicts().first(db)
    if row is None:
        return None
    del row["id"]
    sealed = Sealed(row.pop("password_identity"), bytes(row.pop("password")))
    return StoredAccount(**row, password=sealed)


def kind(db: Db) -> str:
    """real, sandbox, or "" before the first link; it stays when the account is unlinked."""
    found = facts.get(db, "kind")
    return found.value if found else ""


def link(db: Db, linked: StoredAccount, entry: Entry, stamp: Stamp) -> None:
    """Save the account, or its new state. Raises WrongKind (the home is of the other kind) and StateForbids (another
    customer URI or login is linked: unlink it first)."""
    own = kind(db)
    if own and own != linked.kind:
        raise WrongKind(
            f"This home is for {_KINDS[own]}",
            why=f"the server is {_KINDS[linked.kind]}",
            cure="Set KMPTUI_HOME to another folder for it",
        )
    known = account(db)
    if known is not None and (known.customer_uri, known.login) != (linked.customer_uri, linked.login):
        raise StateForbids(
            f"{known.login} of {known.customer_uri} is linked", cure="Unlink it first: kmptui account unlink"
        )
    members = {field.name: getattr(linked, field.name) for field in fields(linked)}
    members |= {"password_identity": linked.password.identity, "password": linked.password.blob}
    AccountRow.insert(id=1, **members).on_conflict_replace().execute(db)
    facts.put(db, "kind", linked.kind)
    audit.append(db, entry, stamp)
    touch(db, Topic.ACCOUNT)


def set_password(db: Db, password: Sealed, entry: Entry, stamp: Stamp) -> None:
    """The new password has been proved: it replaces the old one. Raises NotLinked."""
    _update(db, password_identity=password.identity, password=password.blob, attention="")
    audit.append(db, entry, stamp)


def set_facts(
    db: Db, *, mrao: bool | None, roles: tuple[str, ...], password_state: str, password_expires: date | None
) -> None:
    """What SCM says of the account now. Raises NotLinked."""
    _update(db, mrao=mrao, roles=roles, password_state=password_state, password_expires=password_expires)


def set_attention(db: Db, words: str) -> None:
    """The account needs a person ("" when it no longer does). Nothing happens while nothing is linked."""
    if db.run("UPDATE account SET attention = ? WHERE attention <> ?", (clean(words), clean(words))).rowcount:
        touch(db, Topic.ACCOUNT)


def unlink(db: Db, entry: Entry, stamp: Stamp) -> None:
    """Forget the account and its password; all else stays. Raises NotLinked."""
    if not AccountRow.delete().execute(db):
        raise NotLinked
    audit.append(db, entry, stamp)
    touch(db, Topic.ACCOUNT)


def save_health(db: Db, report: str, at: datetime) -> None:
    """The last health report, as the caller's JSON."""
    facts.put(db, "health", report, at)
    touch(db, Topic.ACCOUNT)


def health(db: Db) -> tuple[str, datetime] | None:
    found = facts.get(db, "health")
    return (found.value, found.at) if found and found.at else None


def _update(db: Db, **columns: Any) -> None:
    if not AccountRow.update(**columns).execute(db):
        raise NotLinked
    touch(db, Topic.ACCOUNT)
