"""Which orders SCM's own auto-renewal is at work for: one filtered list for each of its states."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kmptui.domain.renewable import SCM_RENEWS
from kmptui.errors import ScmGarbled

if TYPE_CHECKING:
    from kmptui.scm.client import ScmClient

PAGE = 200


async def states(client: ScmClient) -> dict[int, str]:
    """The state by SCM's number. Raises as all reads of SCM; ScmGarbled also where one order has two states: then the
    filter is not heeded, and every order would count as one that SCM renews."""
    words = [state.capitalize() for state in sorted(SCM_RENEWS, reverse=True)]
    firsts = [await client.list_orders(0, PAGE, renewalStatus=word) for word in words]
    seen: set[int] = set()
    for page in firsts:
        if seen & (told := {row.ssl_id for row in page.rows}):
            raise ScmGarbled("SCM's lists of what it renews by itself overlap", why="it does not heed the filter")
        seen |= told
    found: dict[int, str] = {}
    for word, page in zip(words, firsts, strict=True):
        position = 0
        while new := {row.ssl_id: word for row in page.rows if row.ssl_id not in found}:
            found |= new
            position += len(page.rows)
            if page.total is not None and position >= page.total:
                break
            page = await client.list_orders(position, PAGE, renewalStatus=word)
    return found
