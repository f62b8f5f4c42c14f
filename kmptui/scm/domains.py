"""Domains with their delegations (SCM REST 25.5, Domains)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator

from kmptui.domain.domain import Delegation, Domain
from kmptui.domain.names import is_address, under
from kmptui.errors import RoleMissing, ScmRefused
from kmptui.scm import wire
from kmptui.scm.asking import Asking
from kmptui.scm.failures import Call
from kmptui.scm.orders import PAGE

DOMAINS, DOMAIN = Call("domains"), Call("domain")
LISTINGS = 2
"""How often the list is read before it counts as incomplete: a domain may be added or removed while it is read."""


class Domains:
    """The calls that read domains; all raise AccountRefused, Unreachable, ScmRefused, ScmGarbled, WrongKind."""

    def __init__(self, asking: Asking) -> None:
        self._ask = asking
        self._connection = asking.connection

    async def domains(self, on_progress: Callable[[int, int], None] | None = None) -> list[Domain]:
        """All domains with delegations: the list, proved complete against X-Total-Count, then the details of each, as
        many at a time as the connection allows. `on_progress(done, total)` is called as they come.

        The domain report would tell less than the details: no delegations, and those are what orders are checked
        against. A domain that is gone meanwhile is left out; one whose details the account may not see has its name
        only.
        """
        rows = await self._listing()
        found: list[Domain | None] = [None] * len(rows)
        waiting = iter(enumerate(rows))
        done = 0

        async def work(waiting: Iterator[tuple[int, tuple[int, str]]]) -> None:
            nonlocal done
            for place, (number, name) in waiting:
                found[place] = await self._details(number, name)
                done += 1
                if on_progress is not None:
                    on_progress(done, len(rows))

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(self._connection.concurrency, len(rows))):
                    group.create_task(work(waiting))
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from failed
        return [domain for domain in found if domain is not None]

    async def domain(self, domain_id: int) -> Domain:
        """One domain with delegations."""
        row = await self._ask.one(DOMAIN, wire.DomainFull, f"/domain/v1/{domain_id}")
        if row.id != domain_id:
            raise self._connection.garbled(f"it is not about the domain {domain_id}")
        return Domain(
            domain_id,
            (row.name or "").lower(),
            row.state or "",
            row.delegation_status or "",
            row.validation_status or "",
            row.validation_method or "",
            self._ask.day(f"the end of DCV of {(row.name or '')[:253]!r}", row.dcv_expiration),
            tuple(_delegation(one) for one in row.delegations or () if one.org_id),
        )

    async def domains_above(self, names: Iterable[str]) -> list[Domain]:
        """The domains that the names belong to, with delegations, however many others there are. SCM is asked for those
        with the last two labels of a name in theirs: its filter takes a part of a name, and none of them is without
        these."""
        below: dict[str, list[str]] = {}
        for name in names:
            if not is_address(name):
                below.setdefault(".".join(name.removeprefix("*.").split(".")[-2:]), []).append(name)
        found: list[Domain | None] = []
        for part, some in below.items():
            _, _, rows = await self._pages(name=part)
            for number, listed in rows.items():
                if any(under(listed.lower(), name) for name in some):
                    found.append(await self._details(number, listed))
        return [domain for domain in found if domain is not None]

    async def _details(self, number: int, name: str) -> Domain | None:
        try:
            return await self.domain(number)
        except RoleMissing:
            self._ask.note(f"domain {name[:253]!r}: the account may not see its details")
            return Domain(number, name.lower())
        except ScmRefused as error:
            if error.status == 404:
                return None
            raise

    async def _listing(self) -> list[tuple[int, str]]:
        """Ids and names, each once. Raises ScmGarbled where it is not complete."""
        seen, total = 0, None
        for _ in range(LISTINGS):
            seen, total, rows = await self._pages()
            if total is None or seen == total:
                return list(rows.items())
        raise self._connection.garbled(f"it lists {seen:,} of {total or 0:,} domains")

    async def _pages(self, **filters: str) -> tuple[int, int | None, dict[int, str]]:
        """Rows seen (each id once, rows without an id too), SCM's own count, and the rows by id."""
        found: dict[int, str] = {}
        nameless = position = 0
        while True:
            params: dict[str, str | int] = {"size": PAGE, "position": position, **filters}
            answer = await self._connection.read(DOMAINS, "GET", "/domain/v1", params=params)
            rows = self._ask.read_rows(DOMAINS, wire.DomainRow, answer, key=lambda row: row.id)
            for row in rows:
                if number := self._ask.usable(DOMAINS, row.id, row.name):
                    found[number] = row.name or ""
                else:
                    nameless += 1
            position += len(rows)
            if not rows or (len(rows) < PAGE if answer.total is None else position >= answer.total):
                return len(found) + nameless, answer.total, found


def _delegation(row: wire.DelegationRow) -> Delegation:
    return Delegation(
        row.org_id or 0,
        tuple(row.cert_types or ()),
        row.status or "",
        tuple(row.domain_certificate_request_privileges or ()),
    )
