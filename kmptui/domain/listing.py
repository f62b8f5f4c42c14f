"""Lists as windows: what is asked of the store, and what comes back. Rows are domain values of their topic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

Row = TypeVar("Row", covariant=True)


class Topic(StrEnum):
    """What lists show and changes are told of."""

    ORDERS = "orders"
    CERTIFICATES = "certificates"
    ORGANIZATIONS = "organizations"
    DOMAINS = "domains"
    PROFILES = "profiles"
    AUDIT = "audit"
    ACCOUNT = "account"


RENEWALS = "renewals"
"""The view of the audit that has one line (RenewalLine) for each attempt to renew or reissue."""


@dataclass(frozen=True, slots=True)
class Query:
    """Which rows: `filter` in the filter language (see kmptui.domain.filters), `sort` a column of the topic ("" for its
    own order), `view` current or all, of the audit also RENEWALS."""

    topic: Topic
    filter: str = ""
    sort: str = ""
    descending: bool = False
    view: str = "current"


@dataclass(frozen=True, slots=True)
class Window(Generic[Row]):
    """`rows` from `offset` on, of `total` rows that match."""

    rows: Sequence[Row]
    offset: int
    total: int


SORTS: dict[Topic, tuple[str, ...]] = {
    Topic.ORDERS: ("id", "common_name", "status", "expires", "requested", "organization", "profile"),
    Topic.CERTIFICATES: ("id", "common_name", "not_after", "not_before", "issuer", "serial"),
    Topic.ORGANIZATIONS: ("name", "id", "status"),
    Topic.DOMAINS: ("name", "id", "status", "dcv_expires"),
    Topic.PROFILES: ("name", "id", "status"),
    Topic.AUDIT: ("seq",),
}
"""Columns that each topic can be sorted by."""

OWN_SORTS: dict[Topic, tuple[str, bool]] = {
    Topic.ORDERS: ("expires", False),
    Topic.CERTIFICATES: ("not_after", False),
    Topic.ORGANIZATIONS: ("name", False),
    Topic.DOMAINS: ("name", False),
    Topic.PROFILES: ("name", False),
    Topic.AUDIT: ("seq", True),
}
"""The order of each topic's list where none is asked for: column, descending."""


def sorting(query: Query) -> tuple[str, bool]:
    """The column that a query's rows are sorted by, and whether descending; its own order turned round where only
    `descending` is given."""
    if query.sort:
        return query.sort, query.descending
    column, descending = OWN_SORTS[query.topic]
    return column, descending != query.descending
