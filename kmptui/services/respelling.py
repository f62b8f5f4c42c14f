"""A renewal or a reissue spelled out: the key, the command line that does the same, the effect, the request's body."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from datetime import date

from kmptui.domain import renewable
from kmptui.domain.names import display
from kmptui.domain.order import NewKey, Order, OwnCsr
from kmptui.domain.renewable import ReissueRequest, SameKey
from kmptui.errors import BadInput

CSR_PLACEHOLDER = "-----BEGIN CERTIFICATE REQUEST-----\nmade when it is sent\n-----END CERTIFICATE REQUEST-----\n"

Key = NewKey | SameKey | OwnCsr | None


def subject(common_name: str, names: Sequence[str]) -> str:
    """What it is about, for the record: the common name and how many more."""
    others = len(set(names) - {common_name})
    return common_name + (f" and {others:,} more" if others else "")


def renewal_key(order: Order, key: Key, *, has_key: bool, csr_key: str = "") -> str:
    """The key of the new certificate, in words."""
    if isinstance(key, SameKey):
        return f"the same {order.key or 'key'}, {'kept here' if has_key else 'which is not kept here'}"
    if isinstance(key, OwnCsr):
        return f"your own CSR{f' ({csr_key})' if csr_key else ''}; its key stays with you"
    return f"a new {key.spec if key is not None else renewable.spec_of(order)} key"


def renewal_command(orders: Sequence[Order], key: Key) -> str:
    """What a shell would be told for the same renewals."""
    words = ["kmptui", "orders", "renew", *(order.row.number for order in orders)]
    if isinstance(key, SameKey):
        words.append("--same-key")
    elif isinstance(key, OwnCsr):
        words += ["--csr", "FILE"]
    elif isinstance(key, NewKey):
        words += ["--key", key.spec.option]
    return shlex.join(words)


def renewal_effect(order: Order, key: Key, term: int, expected: date | None, *, has_key: bool) -> str:
    """What will happen, in a few sentences."""
    lasts = f", {term:,} days" if term else ""
    ends = f" (to about {_day(expected)})" if expected else ""
    old = f"The old one stays valid until {_day(order.row.expires)}" if order.row.expires else "The old one stays valid"
    where = ", ".join(part for part in (order.row.profile, order.row.organization) if part)
    return (
        f"Renews {_names(order.common_name, order.names)}: a new order{f' with {where}' if where else ''}{lasts}{ends}."
        f" {_of_key(order, key, has_key=has_key)} {old}. SCM may charge for it."
    )


def _of_key(order: Order, key: Key, *, has_key: bool) -> str:
    if isinstance(key, SameKey):
        kept = "" if has_key else " That key is not kept here, so an export will have no private key."
        return f"SCM uses the old key again.{kept}"
    if isinstance(key, OwnCsr):
        return "Your own CSR is sent; its key stays with you."
    return f"A new {key.spec if key is not None else renewable.spec_of(order)} key is made and sealed here."


def renewal_body(key: Key) -> str:
    """The request as SCM will get it, with a placeholder for the CSR that is made when it is sent."""
    from kmptui.scm.requests import Renewal, preview

    csr = None if isinstance(key, SameKey) else key.pem if isinstance(key, OwnCsr) else CSR_PLACEHOLDER
    try:
        return preview(Renewal(csr))
    except BadInput:  # the findings say what and where
        return ""


def reissue_command(order: Order, request: ReissueRequest) -> str:
    """What a shell would be told for the same reissue."""
    words = ["kmptui", "orders", "reissue", order.row.number, "--reason", request.reason]
    if isinstance(request.key, OwnCsr):
        words += ["--csr", "FILE"]
    elif isinstance(request.key, NewKey):
        words += ["--key", request.key.spec.option]
    added, removed = changed_names(order, request)
    for option, names in (("--add-san", added), ("--remove-san", removed)):
        for name in names:
            words += [option, name]
    return shlex.join(words)


def reissue_effect(order: Order, request: ReissueRequest) -> str:
    """What will happen, in a few sentences."""
    added, removed = changed_names(order, request)
    changes = [
        f"{words} {', '.join(map(display, names[:3]))}{f' and {len(names) - 3:,} more' if len(names) > 3 else ''}"
        for words, names in (("added:", added), ("taken out:", removed))
        if names
    ]
    names = f"Names {'; '.join(changes)}." if changes else "The names stay."
    serial = f" (serial {order.row.serial})" if order.row.serial else ""
    return (
        f"Reissues {order.row.number} {display(order.common_name)} under the same order: {names}"
        f" {_of_key(order, request.key, has_key=False)} The present certificate{serial} stays current until the new one"
        " is here; it is not revoked by this."
    )


def reissue_body(order: Order, request: ReissueRequest) -> str:
    """The request as SCM will get it, with a placeholder for the CSR that is made when it is sent."""
    from kmptui.scm.requests import Replacement, preview

    csr = request.key.pem if isinstance(request.key, OwnCsr) else CSR_PLACEHOLDER
    common_name, names = sent_names(order, request)
    try:
        return preview(Replacement(csr, request.reason, common_name, names))
    except BadInput:  # the findings say what and where
        return ""


def sent_names(order: Order, request: ReissueRequest) -> tuple[str, tuple[str, ...]]:
    """Common name and names as the request holds them: nothing where they stay as they are, but always beside an own
    CSR, which might say something else."""
    if isinstance(request.key, OwnCsr):
        names = request.names or tuple(dict.fromkeys((order.common_name, *order.names)))
        return names[0], names
    if not any(changed_names(order, request)) and request.names[:1] in {(), (order.common_name,)}:
        return "", ()
    return request.names[0], request.names


def changed_names(order: Order, request: ReissueRequest) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names that are added, and those that are taken out."""
    if not request.names:
        return (), ()
    before = dict.fromkeys((order.common_name, *order.names))
    added = tuple(name for name in dict.fromkeys(request.names) if name not in before)
    return added, tuple(name for name in before if name not in request.names)


def _names(common_name: str, names: Sequence[str]) -> str:
    others = len(set(names) - {common_name})
    return display(common_name) + (f" and {others:,} more name{'s' if others > 1 else ''}" if others else "")


def _day(day: date | None) -> str:
    return f"{day:%-d %b %Y}" if day is not None else ""
