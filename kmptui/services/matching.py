"""Is this order of SCM the one that an intent asked for? What speaks for it, in words."""

from __future__ import annotations

import re
from datetime import timedelta

from kmptui.domain.order import Act, Intent, RemoteOrder

BEFORE_THE_INTENT = timedelta(days=1)
"""SCM's dates have no time and may be of another zone."""
MARK = "the mark in its comments"
_ANY_MARK = re.compile(r"kmptui:[A-Z2-7]{16}")


def keeps_key(intent: Intent) -> bool:
    """Whether it renews with the old key: other orders may have that key, too, so it proves nothing."""
    return intent.act is Act.RENEW and not intent.csr


def reasons(intent: Intent, remote: RemoteOrder, copied: str = "") -> tuple[str, ...]:
    """What speaks for it, the mark alone where it is there; empty where it cannot be the intent's order.

    A mark under another common name was copied with an order's comments. Without the mark, common name, names, profile
    and organization must be the same as far as SCM tells them, and it was requested since the intent (minus a day).
    Where a mark was sent, comments without it are somebody else's: only an order whose comments SCM does not tell can
    still be meant, and that is for a person to say. A renewal has no mark of its own; `copied` are the old order's
    comments, which SCM gives to the new one, and with them the mark of that.
    """
    if remote.ssl_id == intent.target_ssl_id:
        return ()
    if intent.token and intent.token in remote.comments:
        return (MARK,) if remote.common_name.lower() in {"", intent.common_name} else ()
    strange = set(_ANY_MARK.findall(remote.comments)) - set(_ANY_MARK.findall(copied))
    if strange or (intent.token and remote.comments.strip()):
        return ()
    if remote.requested is not None and remote.requested < (intent.prepared - BEFORE_THE_INTENT).date():
        return ()
    found = []
    for name, ours, theirs in (
        ("common name", intent.common_name, remote.common_name.lower()),
        ("names", frozenset(intent.names), frozenset(name.lower() for name in remote.names)),
        ("profile", intent.profile_id, remote.profile_id),
        ("organization", intent.organization_id, remote.organization_id),
    ):
        if ours and theirs and ours != theirs:
            return ()
        if theirs:
            found.append(f"the same {name}")
    if copied and remote.comments == copied:
        found.append("the same comments")
    if remote.requested is not None:
        found.append(f"requested on {remote.requested:%Y-%m-%d}")
    return tuple(found) if remote.common_name else ()
