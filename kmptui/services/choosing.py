"""Which of the orders that SCM tells of come in: those that an import asks for, and those that a refresh renews."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING

from kmptui.domain.order import ISSUED_STATUSES, RemoteOrder

if TYPE_CHECKING:
    from kmptui.services.importing import ImportOptions

Choice = Callable[[Sequence[RemoteOrder]], list[RemoteOrder]]


def by_options(options: ImportOptions, today: date) -> Choice:
    """Rows with an id that match what the server did not filter: the expiry and the name."""
    part = options.common_name.strip().lower()
    last = None if options.expires_within is None else today + timedelta(days=options.expires_within)

    def matches(remote: RemoteOrder) -> bool:
        soon = last is None or (remote.expires is not None and today <= remote.expires <= last)
        return remote.ssl_id > 0 and soon and part in remote.common_name.lower()

    return lambda remotes: list(filter(matches, remotes))


def for_refresh(
    known: Collection[int], options: ImportOptions | None, organizations: Collection[int], today: date
) -> Choice:
    """Rows of a whole report that are `known` here, or that the last import's options (None: there was no import) want;
    `organizations` are the one that they name, with its departments."""
    if options is None:
        return lambda remotes: [remote for remote in remotes if remote.ssl_id in known]
    filtered, statuses = by_options(options, today), _STATUSES.get(options.status)

    def choose(remotes: Sequence[RemoteOrder]) -> list[RemoteOrder]:
        wanted = {
            remote.ssl_id
            for remote in filtered(remotes)
            if (statuses is None or remote.status.lower() in statuses)
            and (options.organization_id is None or remote.organization_id in organizations)
        }
        return [remote for remote in remotes if remote.ssl_id in wanted or remote.ssl_id in known]

    return choose


_STATUSES = {status: frozenset({status}) for status in ("requested", "revoked", "expired")} | {
    "issued": ISSUED_STATUSES
}
"""What the report's own filter by status means; "" is all."""
