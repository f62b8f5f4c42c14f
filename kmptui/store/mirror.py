"""What SCM knows of organizations, domains, profiles and custom fields, as it was when it was last read."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from kmptui.domain.audit import Stamp
from kmptui.domain.changes import ChangeKind
from kmptui.domain.domain import Delegation, Domain
from kmptui.domain.keys import KeySpec
from kmptui.domain.listing import Topic
from kmptui.domain.organization import Organization, Validation
from kmptui.domain.profile import CustomField, Profile
from kmptui.errors import Ambiguous, NotFound
from kmptui.store import changes, facts, words
from kmptui.store.columns import json_text
from kmptui.store.db import Db, touch
from kmptui.store.models import CustomFieldRow, DomainRow, MirrorRow, OrganizationRow, ProfileRow

GONE = "gone"
NOT_YOURS = "not for your organizations"
CHANGED = "changed"
USABLE = "usable"
_BEFORE_ALL = date.min


@dataclass(frozen=True, slots=True)
class Mirrored:
    """What a replacement did: rows that SCM lists now, and which of them are new, changed, or gone since last time."""

    total: int
    new: int
    changed: int
    gone: int


Columns = dict[str, Any]


def replace_organizations(db: Db, rows: Sequence[Organization], stamp: Stamp) -> Mirrored:
    """Put the whole list in the place of the old one; what vanished stays as "gone". Sets the topic's age."""
    return _replace(
        db, Topic.ORGANIZATIONS, OrganizationRow, {row.id: _organization_columns(row) for row in rows}, stamp
    )


def replace_domains(db: Db, rows: Sequence[Domain], stamp: Stamp) -> Mirrored:
    """As replace_organizations."""
    return _replace(db, Topic.DOMAINS, DomainRow, {row.id: _domain_columns(row) for row in rows}, stamp)


def replace_profiles(db: Db, rows: Sequence[Profile], stamp: Stamp) -> Mirrored:
    """As replace_organizations. The status is found here: gone, "not for your organizations" (no organization may use
    it), changed (terms or keys differ from the last acknowledged ones), else usable."""
    query = ProfileRow.select(ProfileRow.id, ProfileRow.seen_terms, ProfileRow.seen_keys)
    seen = {row[0]: (row[1], row[2]) for row in query.tuples().execute(db)}
    columns = {row.id: _profile_columns(row, seen.get(row.id)) for row in rows}
    _note_profiles(db, columns, stamp.at)
    return _replace(db, Topic.PROFILES, ProfileRow, columns, stamp)


def replace_custom_fields(db: Db, rows: Sequence[CustomField], stamp: Stamp) -> Mirrored:
    """As replace_organizations; a field that vanished is inactive."""
    columns = {row.id: _custom_field_columns(row, place) for place, row in enumerate(rows)}
    return _replace(db, None, CustomFieldRow, columns, stamp)


def update_organization(db: Db, row: Organization) -> bool:
    """One organization read anew; whether it differs. The topic's age stays."""
    return _update(db, Topic.ORGANIZATIONS, OrganizationRow, row.id, _organization_columns(row))


def update_domain(db: Db, row: Domain) -> bool:
    """One domain read anew; whether it differs. The topic's age stays."""
    return _update(db, Topic.DOMAINS, DomainRow, row.id, _domain_columns(row))


def update_profile(db: Db, profile_id: int, offered: Profile | None, organization_id: int) -> bool:
    """One profile as SCM offers it to one organization now (None: not any more); whether it differs. What other
    organizations may use stays as it was known, and so does the topic's age."""
    known = ProfileRow.select().where(ProfileRow.id == profile_id).dicts().first(db)
    before = profile_of(known) if known is not None and known["status"] != GONE else None
    users = before.organizations if before is not None else frozenset()
    if offered is None:
        if before is None:
            return False
        row = replace(before, organizations=users - {organization_id})
    else:
        row = replace(offered, organizations=users | {organization_id})
    seen = (known["seen_terms"], known["seen_keys"]) if known is not None else None
    return _update(db, Topic.PROFILES, ProfileRow, profile_id, _profile_columns(row, seen))


def acknowledge_profile(db: Db, profile_id: int) -> None:
    """Its terms and keys are as a person has seen them: no longer "changed". Raises NotFound."""
    known = _get(db, ProfileRow, profile_id, "profile")
    status = USABLE if known["status"] == CHANGED else known["status"]
    ProfileRow.update(seen_terms=known["terms"], seen_keys=known["keys"], status=status).where(
        ProfileRow.id == profile_id
    ).execute(db)
    touch(db, Topic.PROFILES)


def organizations(db: Db) -> tuple[Organization, ...]:
    """All that SCM lists now, by title."""
    rows = OrganizationRow.select().where(OrganizationRow.present).order_by(OrganizationRow.title, OrganizationRow.id)
    return tuple(map(organization_of, rows.dicts().execute(db)))


def domains(db: Db) -> tuple[Domain, ...]:
    """All that SCM lists now, by name."""
    rows = DomainRow.select().where(DomainRow.present).order_by(DomainRow.name, DomainRow.id)
    return tuple(map(domain_of, rows.dicts().execute(db)))


def profiles(db: Db) -> tuple[Profile, ...]:
    """All that SCM lists now, by name."""
    rows = ProfileRow.select().where(ProfileRow.status != GONE).order_by(ProfileRow.name, ProfileRow.id)
    return tuple(map(profile_of, rows.dicts().execute(db)))


def custom_fields(db: Db) -> tuple[CustomField, ...]:
    """The active ones, in SCM's order."""
    rows = CustomFieldRow.select().where(CustomFieldRow.active).order_by(CustomFieldRow.place)
    return tuple(
        CustomField(row["id"], row["name"], row["mandatory"], row["options"], row["active"])
        for row in rows.dicts().execute(db)
    )


def organization(db: Db, organization_id: int) -> Organization:
    """Also one that is gone. Raises NotFound."""
    return organization_of(_get(db, OrganizationRow, organization_id, "organization"))


def domain(db: Db, domain_id: int) -> Domain:
    """Also one that is gone. Raises NotFound."""
    return domain_of(_get(db, DomainRow, domain_id, "domain"))


def profile(db: Db, profile_id: int) -> Profile:
    """Also one that is gone. Raises NotFound."""
    return profile_of(_get(db, ProfileRow, profile_id, "profile"))


def find_organization(db: Db, text: str) -> int:
    """Id, title, or unique name. Raises NotFound, Ambiguous."""
    known = db.rows("SELECT id, title, name FROM organizations WHERE present = 1 ORDER BY id")
    return _find("organization", text, known)


def find_profile(db: Db, text: str) -> int:
    """Id or unique name. Raises NotFound, Ambiguous."""
    return _find("profile", text, db.rows("SELECT id, name, name FROM profiles WHERE status <> ? ORDER BY id", (GONE,)))


def find_domain(db: Db, text: str) -> int:
    """Id or name. Raises NotFound, Ambiguous."""
    return _find("domain", text, db.rows("SELECT id, name, name FROM domains WHERE present = 1 ORDER BY id"))


def mirrored_at(db: Db, topic: Topic) -> datetime | None:
    """When the topic was last read whole from SCM; ORDERS: the last complete import or refresh."""
    found = facts.get(db, f"mirrored {topic.value}")
    return found.at if found else None


def set_mirrored_at(db: Db, topic: Topic, at: datetime) -> None:
    """For ORDERS, whose batches the caller merges one by one; the `replace_…` functions do it by themselves."""
    facts.put(db, f"mirrored {topic.value}", "", at)
    touch(db, topic)


def organization_of(row: Mapping[str, Any]) -> Organization:
    validations = tuple(
        Validation(level, status, date.fromisoformat(expires) if expires else None)
        for level, status, expires in json.loads(row["validations"])
    )
    return Organization(
        row["id"], row["name"], row["parent_id"], row["parent_name"], row["rest_enabled"], row["address"],
        row["cert_types"], validations, row["present"],
    )  # fmt: skip


def domain_of(row: Mapping[str, Any]) -> Domain:
    delegations = tuple(
        Delegation(organization_id, tuple(types), status, tuple(privileges))
        for organization_id, types, status, privileges in json.loads(row["delegations"])
    )
    return Domain(
        row["id"], row["name"], row["state"], row["delegation_status"], row["validation_status"], row["dcv_method"],
        row["dcv_expires"], delegations, row["present"],
    )  # fmt: skip


def profile_of(row: Mapping[str, Any]) -> Profile:
    return Profile(
        row["id"],
        row["name"],
        row["description"],
        tuple(json.loads(row["terms"])),
        tuple(KeySpec(algorithm, parameter) for algorithm, parameter in json.loads(row["keys"])),
        frozenset(json.loads(row["organizations"])),
        row["status"],
    )


def _organization_columns(row: Organization) -> Columns:
    return {
        "name": row.name,
        "parent_id": row.parent_id,
        "parent_name": row.parent_name,
        "title": row.title,
        "rest_enabled": row.rest_enabled,
        "address": row.address,
        "cert_types": row.cert_types,
        "validations": json_text(
            [[v.level, v.status, v.expires.isoformat() if v.expires else ""] for v in row.validations]
        ),
        "present": True,
        "status": row.status,
        "words": words.rest_words((str(row.id), row.title, row.address)),
    }


def _domain_columns(row: Domain) -> Columns:
    return {
        "name": row.name,
        "state": row.state,
        "delegation_status": row.delegation_status,
        "validation_status": row.validation_status,
        "dcv_method": row.dcv_method,
        "dcv_expires": row.dcv_expires,
        "delegations": json_text([[d.organization_id, d.cert_types, d.status, d.privileges] for d in row.delegations]),
        "present": True,
        "status": row.status(_BEFORE_ALL),
        "words": words.rest_words((str(row.id), row.name, row.dcv_method)),
    }


def _profile_columns(row: Profile, seen: tuple[str, str] | None) -> Columns:
    terms = json_text(sorted(row.terms))
    keys = json_text([[key.algorithm, key.parameter] for key in row.keys])
    seen_terms, seen_keys = seen if seen is not None else (terms, keys)
    status = USABLE if (terms, keys) == (seen_terms, seen_keys) else CHANGED
    return {
        "name": row.name,
        "description": row.description,
        "terms": terms,
        "keys": keys,
        "organizations": json_text(sorted(row.organizations)),
        "status": status if row.organizations else NOT_YOURS,
        "seen_terms": seen_terms,
        "seen_keys": seen_keys,
        "words": words.rest_words((str(row.id), row.name, row.description)),
    }


def _note_profiles(db: Db, columns: Mapping[int, Columns], at: datetime) -> None:
    """Profiles that somebody changed or took away since they were last read: for `store.changes`."""
    found: list[tuple[int, str, ChangeKind, str, str]] = []
    back: list[int] = []
    for row_id, known in _known(db, ProfileRow).items():
        offered, now = _offered(known), columns.get(row_id)
        if now is None:
            if known["status"] != GONE:
                found.append((row_id, known["name"], ChangeKind.VANISHED, offered, "SCM offers it no more"))
            continue
        if known["status"] == GONE:
            back.append(row_id)
        if (known["terms"], known["keys"]) != (now["terms"], now["keys"]):
            found.append((row_id, now["name"], ChangeKind.CHANGED, offered, _offered(now)))
    changes.note_profiles(db, found, back, at)


def _offered(columns: Columns) -> str:
    """`terms 90, 199 d; keys RSA 2048, EC P-256`."""
    terms = ", ".join(f"{days:,}" for days in json.loads(columns["terms"]))
    keys = ", ".join(str(KeySpec(algorithm, parameter)) for algorithm, parameter in json.loads(columns["keys"]))
    return f"terms {terms} d; keys {keys}" if terms else f"no terms; keys {keys}"


def _custom_field_columns(row: CustomField, place: int) -> Columns:
    return {
        "place": place,
        "name": row.name,
        "mandatory": row.mandatory,
        "options": row.options,
        "active": row.active,
    }


_VANISHED: dict[type[MirrorRow], Columns] = {
    OrganizationRow: {"present": False, "status": GONE},
    DomainRow: {"present": False, "status": GONE},
    ProfileRow: {"status": GONE},
    CustomFieldRow: {"active": False},
}


def _replace(
    db: Db, topic: Topic | None, model: type[MirrorRow], rows: Mapping[int, Columns], stamp: Stamp
) -> Mirrored:
    known = _known(db, model)
    new = changed = 0
    for row_id, columns in rows.items():
        if row_id not in known:
            new += 1
            model.insert(id=row_id, **columns).execute(db)
        elif _differs(model, known[row_id], columns):
            changed += 1
            model.update(**columns).where(model.id == row_id).execute(db)
    vanished = _VANISHED[model]
    gone = [row_id for row_id in known.keys() - rows.keys() if _differs(model, known[row_id], vanished)]
    for row_id in gone:
        model.update(**vanished).where(model.id == row_id).execute(db)
    if topic is not None:
        facts.put(db, f"mirrored {topic.value}", "", stamp.at)
        touch(db, topic)
    return Mirrored(len(rows), new, changed, len(gone))


def _update(db: Db, topic: Topic, model: type[MirrorRow], row_id: int, columns: Columns) -> bool:
    known = _known(db, model, row_id)
    if row_id not in known:
        model.insert(id=row_id, **columns).execute(db)
    elif _differs(model, known[row_id], columns):
        model.update(**columns).where(model.id == row_id).execute(db)
    else:
        return False
    touch(db, topic)
    return True


def _known(db: Db, model: type[MirrorRow], row_id: int | None = None) -> dict[int, Columns]:
    query = model.select()
    if row_id is not None:
        query = query.where(model.id == row_id)
    return {row["id"]: row for row in query.dicts().execute(db)}


def _differs(model: type[MirrorRow], known: Columns, columns: Columns) -> bool:
    """Compared as they would stand in the row, so that text which had to be cleaned does not look changed for ever."""
    stored: dict[str, Any] = model._meta.fields
    return any(stored[name].db_value(known[name]) != stored[name].db_value(value) for name, value in columns.items())


def _get(db: Db, model: type[MirrorRow], row_id: int, what: str) -> Columns:
    row: Columns | None = model.select().where(model.id == row_id).dicts().first(db)
    if row is None:
        raise NotFound(f"There is no {what} with the id {row_id}", cure="Sync, then look at the list")
    return row


def _find(what: str, text: str, known: Iterable[tuple[Any, ...]]) -> int:
    wanted = text.strip().casefold()
    rows = [(int(row[0]), str(row[1]), str(row[2])) for row in known]
    tests: tuple[Callable[[tuple[int, str, str]], bool], ...] = (
        lambda row: str(row[0]) == wanted,
        lambda row: row[1].casefold() == wanted,
        lambda row: row[2].casefold() == wanted,
    )
    for test in tests:
        found = [row for row in rows if test(row)]
        if len(found) == 1:
            return found[0][0]
        if found:
            told = ", ".join(f"{row[0]} ({row[1]})" for row in found[:5])
            raise Ambiguous(f"Several {what}s are called {text!r}", why=told, cure="Give the id")
    raise NotFound(f"There is no {what} {text!r}", cure="Sync, then look at the list")
