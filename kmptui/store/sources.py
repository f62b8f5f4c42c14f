"""What each list is made of: its table, columns, sorts and views, and what the fields of a filter mean in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from kmptui.domain.listing import RENEWALS, SORTS, Topic
from kmptui.domain.order import ISSUED_STATUSES
from kmptui.errors import BadInput
from kmptui.store import audit, certificates, handovers, mirror, renewal_audit, stalled, successors, words
from kmptui.store.columns import NEVER
from kmptui.store.db import Db
from kmptui.store.ledger import rows as orders
from kmptui.store.ledger.reading import LONG_EXPIRED, OPEN_STATES
from kmptui.store.models import DomainRow, MirrorRow, OrganizationRow, ProfileRow

Parameters = tuple[Any, ...]
_OPEN = ", ".join(f"'{state}'" for state in OPEN_STATES)
_LIVE = "'issued', 'issued, not added', 'reissue under way'"
View = Callable[[str], tuple[str, Parameters]]


@dataclass(frozen=True, slots=True)
class Source:
    """A list as SQL. `texts`, `days`, `moments` and `flags` say by the filter's field which expressions hold it: any of
    several texts, a day as text and what stands for none, a moment as text, a truth; `listed` gives the ids of the rows
    for which a truth holds that takes more than the row to know. `ids` are (field, letter): a column of ids, and the
    letter that their numbers may begin with; `lineage` holds the first order of the row's renewals. `words` are the
    tables of a search index, else `text` is one text, and `names` the row's names joined by SEPARATOR."""

    table: str
    id: str
    columns: str
    row: Callable[[tuple[Any, ...]], Any]
    sorts: dict[str, str]
    view: View
    words: words.Words | None = None
    text: str = ""
    names: str = ""
    texts: dict[str, tuple[str, ...]] = field(default_factory=dict)
    sorted_texts: dict[str, str] = field(default_factory=dict)
    """Of these, the fields whose first column begins an index and has few values: they are looked up by value."""
    untold: dict[str, frozenset[str]] = field(default_factory=dict)
    """What the other columns of such a field may hold that cannot be seen in the first: folded words."""
    days: dict[str, tuple[str, str]] = field(default_factory=dict)
    moments: dict[str, str] = field(default_factory=dict)
    flags: dict[str, str] = field(default_factory=dict)
    listed: dict[str, Callable[[Db, date], str]] = field(default_factory=dict)
    listed_texts: dict[str, Callable[[Db, str, str], str]] = field(default_factory=dict)
    """Likewise the rows whose field has, or holds (operator and value of the term), a text."""
    ids: dict[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    any_id: bool = False
    """A number without its letter may be any of the ids."""
    serial: str = ""
    lineage: str = ""


def source(topic: Topic, today: date, view: str = "current") -> Source:
    """Raises BadInput("topic") for a topic without a list."""
    if topic not in _SOURCES:
        raise BadInput("topic", f"There is no list of {topic.value}")
    return _renewals() if (topic, view) == (Topic.AUDIT, RENEWALS) else _SOURCES[topic](today)


def _orders(today: date) -> Source:
    # What an order's list shows is in its indexes: see orders_… in the first migration.
    view = _view("o.shelf = 0 AND o.expires >= ?", ((today - LONG_EXPIRED).isoformat(),), "o.shelf < 2")
    return Source(
        table="orders o",
        id="o.id",
        columns=orders.COLUMNS,
        row=orders.row_of,
        sorts={name: f"o.{'state' if name == 'status' else name}" for name in SORTS[Topic.ORDERS]},
        view=view,
        words=words.ORDERS,
        texts={
            "org": ("o.organization",),
            "profile": ("o.profile",),
            "status": ("o.state", "o.status"),
            "hold": ("o.hold",),
            "issuer": ("o.issuer",),
            "requester": ("o.requester", "o.external_requester"),
            "comments": ("o.comments",),
            "note": ("o.note",),
            "contact": ("o.contact",),
            "source": ("o.origin",),
        },
        sorted_texts={"status": "state", "org": "organization", "profile": "profile"},
        untold={"status": ISSUED_STATUSES - {"issued"}},
        days={"expires": ("o.expires", NEVER), "requested": ("o.requested", ""), "issued": ("o.issued", "")},
        flags={
            "key": "EXISTS (SELECT 1 FROM keys k WHERE k.spki IN (o.spki, (SELECT c.spki FROM certificates c"
            " WHERE c.id = o.certificate_id)))",
            "renew": "o.auto_renew",
            "open": f"(o.state IN ({_OPEN}))",
            "live": f"(o.state IN ({_LIVE}))",
            "approve": "(o.state = 'requested' AND o.origin = 'imported')",
            "scmrenews": "(o.auto_renew_state COLLATE NOCASE IN ('scheduled', 'started'))",
            "exported":
            "EXISTS (SELECT 1 FROM certificates c WHERE c.id = o.certificate_id AND c.exported IS NOT NULL)",
        },
        listed={"successor": successors.having},
        listed_texts={"renewal": stalled.having},
        ids={"id": (("o.id", "o"), ("o.certificate_id", "c")), "scm": (("o.ssl_id", ""),)},
        serial="o.serial",
        lineage="o.lineage",
    )  # fmt: skip


def _certificates(today: date) -> Source:
    view = _view("c.shelf = 0 AND c.not_after >= ?", ((today - LONG_EXPIRED).isoformat(),), "c.shelf < 2")
    return Source(
        table="certificates c",
        id="c.id",
        columns=certificates.COLUMNS,
        row=certificates.row_of,
        sorts={name: f"c.{name}" for name in SORTS[Topic.CERTIFICATES]},
        view=view,
        words=words.CERTIFICATES,
        texts={
            "org": (_OF_ORDER.format("organization"),),
            "profile": (_OF_ORDER.format("profile"),),
            "note": (_OF_ORDER.format("note"),),
            "contact": (_OF_ORDER.format("contact"),),
            "requester": (_OF_ORDER.format("requester"), _OF_ORDER.format("external_requester")),
            "comments": (_OF_ORDER.format("comments"),),
            "status": (_certificate_status(today),),
            "issuer": ("c.issuer",),
            "source": ("c.source",),
        },
        moments={"expires": "c.not_after", "issued": "c.not_before", "at": "c.added"},
        flags={
            "key": "EXISTS (SELECT 1 FROM keys k WHERE k.spki = c.spki)",
            "renew": "ifnull((SELECT o.auto_renew FROM orders o WHERE o.id = c.order_id), 0)",
            "exported": "c.exported IS NOT NULL",
        },
        listed={"handover": handovers.having},
        ids={
            "id": (("c.id", "c"), ("c.order_id", "o")),
            "scm": (("(SELECT o.ssl_id FROM orders o WHERE o.id = c.order_id)", ""),),
        },
        serial="c.serial",
        lineage="c.lineage",
    )


_OF_ORDER = "ifnull((SELECT o.{} FROM orders o WHERE o.id = c.order_id), '')"


def _certificate_status(today: date) -> str:
    return (
        f"CASE WHEN c.revoked IS NOT NULL THEN 'revoked' WHEN c.not_after < '{today.isoformat()}' THEN 'expired'"
        " WHEN c.superseded THEN 'superseded' ELSE 'valid' END"
    )


def _organizations(_: date) -> Source:
    return Source(
        table="organizations g",
        id="g.id",
        columns=_all("g", OrganizationRow),
        row=_mirror_row(OrganizationRow, mirror.organization_of),
        sorts={"name": "g.title", "id": "g.id", "status": "g.status"},
        view=_view("g.present = 1", (), ""),
        text="g.words",
        texts={"name": ("g.title",), "org": ("g.title",), "status": ("g.status",)},
        ids={"id": (("g.id", ""),)},
    )


def _domains(today: date) -> Source:
    status = (
        "CASE WHEN d.status IN ('validated', 'not validated') AND d.dcv_expires <> ''"
        f" AND d.dcv_expires < '{today.isoformat()}' THEN 'expired' ELSE d.status END"
    )
    organizations = (
        "ifnull((SELECT group_concat(g.title, char(10)) FROM organizations g WHERE g.id IN"
        " (SELECT json_extract(value, '$[0]') FROM json_each(d.delegations))), '')"
    )
    return Source(
        table="domains d",
        id="d.id",
        columns=_all("d", DomainRow),
        row=_mirror_row(DomainRow, mirror.domain_of),
        sorts={"name": "d.name", "id": "d.id", "status": status, "dcv_expires": "d.dcv_expires"},
        view=_view("d.present = 1", (), ""),
        text="d.words",
        texts={"name": ("d.name",), "org": (organizations,), "status": (status,), "method": ("d.dcv_method",)},
        days={"dcv": ("d.dcv_expires", ""), "expires": ("d.dcv_expires", "")},
        ids={"id": (("d.id", ""),)},
    )


def _profiles(_: date) -> Source:
    organizations = (
        "ifnull((SELECT group_concat(g.title, char(10)) FROM organizations g WHERE g.id IN"
        " (SELECT value FROM json_each(p.organizations))), '')"
    )
    return Source(
        table="profiles p",
        id="p.id",
        columns=_all("p", ProfileRow),
        row=_mirror_row(ProfileRow, mirror.profile_of),
        sorts={"name": "p.name", "id": "p.id", "status": "p.status"},
        view=_view("", (), ""),
        text="p.words",
        texts={"name": ("p.name",), "profile": ("p.name",), "org": (organizations,), "status": ("p.status",)},
        ids={"id": (("p.id", ""),)},
    )


def _audit(_: date) -> Source:
    text = (
        "a.actor || char(10) || a.account || char(10) || a.action || char(10) || a.outcome || char(10) || a.subject"
        " || char(10) || a.reason || char(10) || a.details"
    )
    return Source(
        table="audit a",
        id="a.seq",
        columns=", ".join(f"a.{name}" for name in audit.COLUMNS),
        row=audit.row_of,
        sorts={"seq": "a.seq"},
        view=_view("", (), ""),
        text=text,
        texts={
            "name": ("a.subject",),
            "status": ("a.outcome", "a.phase"),
            "action": ("a.action",),
            "outcome": ("a.outcome",),
            "actor": ("a.actor",),
        },
        moments={"at": "a.at"},
        ids={"id": (("a.order_id", "o"), ("a.certificate_id", "c"))},
        any_id=True,
    )


def _renewals() -> Source:
    text = (
        "a.actor || char(10) || a.account || char(10) || a.subject || char(10) || ifnull(a.names, '') || char(10)"
        " || a.reason || char(10) || a.details"
    )
    return Source(
        table=f"{renewal_audit.ATTEMPTS} a",
        id="a.seq",
        columns=renewal_audit.COLUMNS,
        row=renewal_audit.row_of,
        sorts={"seq": "a.seq"},
        view=lambda _: ("", ()),
        text=text,
        names="ifnull(a.names, a.subject)",
        texts={
            "status": (renewal_audit.OUTCOME,),
            "outcome": (renewal_audit.OUTCOME,),
            "action": ("a.action",),
            "actor": ("a.actor",),
        },
        moments={"at": "a.at"},
        ids={"id": (("a.order_id", "o"), ("a.old_id", "o")), "scm": (("a.ssl_id", ""), ("a.old_ssl_id", ""))},
        any_id=True,
        lineage="a.lineage",
    )


_SOURCES: dict[Topic, Callable[[date], Source]] = {
    Topic.ORDERS: _orders,
    Topic.CERTIFICATES: _certificates,
    Topic.ORGANIZATIONS: _organizations,
    Topic.DOMAINS: _domains,
    Topic.PROFILES: _profiles,
    Topic.AUDIT: _audit,
}


def _view(current: str, parameters: Parameters, everything: str) -> View:
    def view(name: str) -> tuple[str, Parameters]:
        if name not in {"current", "all"}:
            raise BadInput("view", f"There is no view {name[:40]!r}", cure="current or all")
        return (current, parameters) if name == "current" else (everything, ())

    return view


def _all(alias: str, model: type[MirrorRow]) -> str:
    return ", ".join(f"{alias}.{name}" for name in model._meta.fields)


def _mirror_row(model: type[MirrorRow], make: Callable[[dict[str, Any]], Any]) -> Callable[[tuple[Any, ...]], Any]:
    """Mirror rows go through the model's fields, which know how each column stands."""
    fields = list(model._meta.fields.items())

    def row(values: tuple[Any, ...]) -> Any:
        return make({name: kind.python_value(value) for (name, kind), value in zip(fields, values, strict=True)})

    return row
