"""Editing a waiting order in SCM: what is asked, when SCM takes it, and the order that comes of it (SCM REST 25.5,
`PUT /ssl/v1`: names, profile, term and CSR only while Requested, Declined, Rejected or Invalid)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from kmptui.domain.order import Order, OrderRequest
from kmptui.domain.renewable import as_request

EDITABLE = frozenset({"requested", "declined", "rejected", "invalid"})
"""SCM statuses, folded, in which what was requested can be changed."""
REQUESTED_FIELDS = ("names", "profile", "term")


@dataclass(frozen=True, slots=True)
class EditRequest:
    """What is to be changed; None stays as it is. `names` is the whole new list in punycode, the common name first;
    `comments` as a person writes them, without the mark."""

    names: tuple[str, ...] | None = None
    profile_id: int | None = None
    term: int | None = None
    comments: str | None = None
    requesters: tuple[str, ...] | None = None


def all_names(order: Order) -> tuple[str, ...]:
    """The common name first, each once."""
    return tuple(dict.fromkeys(name for name in (order.common_name, *order.names) if name))


def requesters_of(order: Order) -> tuple[str, ...]:
    """The external requesters that it has."""
    return tuple(address for address in re.split(r"[,;\s]+", order.external_requester) if address)


def narrowed(order: Order, changes: EditRequest, comments: str) -> EditRequest:
    """Only what differs from the order; `comments` are the present ones without the mark. The order of names other than
    the common name does not count."""
    names = changes.names
    if names is not None and names[:1] == all_names(order)[:1] and set(names) == set(all_names(order)):
        names = None
    return EditRequest(
        names,
        None if changes.profile_id == order.profile_id else changes.profile_id,
        None if changes.term == order.term else changes.term,
        None if changes.comments is not None and changes.comments == comments else changes.comments,
        None if changes.requesters is not None and changes.requesters == requesters_of(order) else changes.requesters,
    )


def overtaken(seen: Order, now: Order, changes: EditRequest) -> tuple[str, ...]:
    """Fields of the changes that the order has otherwise now than when it was seen: to send them would undo what
    somebody else changed. What was not known then (an import tells no comments) is not among them."""
    had = EditRequest(
        all_names(seen), seen.profile_id, seen.term, seen.comments or None, requesters_of(seen) or None
    )  # fmt: skip
    differ = fields_of(narrowed(now, had, now.comments))
    return tuple(field for field in fields_of(changes) if field in differ)


def fields_of(changes: EditRequest) -> tuple[str, ...]:
    """The fields that are changed, as findings name them."""
    named = (
        ("names", changes.names),
        ("profile", changes.profile_id),
        ("term", changes.term),
        ("comments", changes.comments),
        ("requesters", changes.requesters),
    )
    return tuple(name for name, value in named if value is not None)


def requests(changes: EditRequest) -> bool:
    """Whether it changes what was requested, and not only what stands beside it."""
    return any(field in REQUESTED_FIELDS for field in fields_of(changes))


def edited(order: Order, changes: EditRequest) -> OrderRequest:
    """The order as the change leaves it, as a request: to hold it against what is known."""
    request = as_request(order, None, changes.term if changes.term is not None else order.term or 0)
    return replace(
        request,
        names=changes.names if changes.names is not None else request.names,
        profile_id=changes.profile_id if changes.profile_id is not None else request.profile_id,
        comments=changes.comments if changes.comments is not None else "",
        requesters=changes.requesters if changes.requesters is not None else (),
        custom_fields=(),
    )


def concerned(changes: EditRequest) -> frozenset[str]:
    """The fields of findings that a change has to do with: a profile has its terms, keys, names and organization."""
    own = set(fields_of(changes))
    if requests(changes):
        own |= {"names", "common_name", "organization", "profile", "term", "key"}
    return frozenset(own)


def words_of(values: Sequence[str]) -> str:
    """A list in one line."""
    return ", ".join(values)
