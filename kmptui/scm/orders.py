"""Reading orders: list, count, details, the report, the certificate's file (SCM REST 25.5, SSL certificates,
Reports)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import date

from kmptui.domain.order import RemoteOrder
from kmptui.scm import reading, remote, wire
from kmptui.scm.connection import Connection
from kmptui.scm.failures import Call
from kmptui.scm.slices import slices

PAGE = 200
"""The largest page that SCM gives."""
COUNT, LIST, DETAILS, REPORT, COLLECT = map(Call, ("count", "list", "details", "report", "collect"))


@dataclass(frozen=True, slots=True)
class OrderPage:
    """One page of the list: rows hold ssl_id, common_name, names and serial only; `total` is SCM's X-Total-Count, of
    all that match."""

    rows: tuple[RemoteOrder, ...]
    total: int | None


class Orders:
    """The calls that read orders; all raise AccountRefused, Unreachable, ScmRefused, ScmGarbled, WrongKind."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def count(self, **filters: str | int) -> int:
        """How many orders match. `filters` as SCM names them: commonName, subjectAlternativeName, status, orgId,
        sslTypeId, serialNumber, renewalStatus, requester, issuer, requestedVia …"""
        answer = await self._connection.read(COUNT, "HEAD", "/ssl/v1", params=filters)
        if answer.total is None:
            raise self._connection.garbled("it does not tell how many orders there are")
        return answer.total

    async def list_orders(self, position: int = 0, size: int = PAGE, **filters: str | int) -> OrderPage:
        """At most `size` (up to 200) of the orders that match, from `position` on; filters as for `count`."""
        params = {"size": size, "position": position, **filters}
        answer = await self._connection.read(LIST, "GET", "/ssl/v1", params=params)
        try:
            rows, odd = reading.many(wire.Identity, answer.body)
        except reading.WrongShape as error:
            raise self._connection.garbled(str(error)) from error
        orders = (remote.from_identity(row, odd.get(number, ())) for number, row in enumerate(rows))
        return OrderPage(tuple(orders), answer.total)

    async def details(self, ssl_id: int) -> RemoteOrder:
        """All that SCM tells of one order."""
        answer = await self._connection.read(DETAILS, "GET", f"/ssl/v1/{ssl_id}")
        return read_details(self._connection, answer.body, ssl_id)

    async def report(
        self,
        *,
        status: int = 0,
        organization_ids: Sequence[int] = (),
        common_name: str = "",
        date_attribute: int | None = None,
        from_: date | None = None,
        to: date | None = None,
    ) -> AsyncGenerator[list[RemoteOrder], None]:
        """The whole inventory by one request, in lists of at most 2,000 while it comes.

        `status` 0 any, 1 requested, 2 issued, 3 revoked, 4 expired; `date_attribute`, to which `from_` and `to` refer:
        2 revocation, 3 expiration, 4 request, 5 issuance; `common_name` is a part of it. A row without a usable id has
        ssl_id 0 and its oddity: it is to be listed, not stored. Rows lack `renewed` and the auto-renewal state.

        Raises like all reads, *also after rows were given*: a half report shows at its end, and only an iteration that
        ended by itself is whole. Who leaves it early closes it (contextlib.aclosing).
        """
        body: dict[str, object] = {
            "organizationIds": list(organization_ids),
            "certificateStatus": status,
            "serialNumberFormat": "",
            "includeIpAddresses": False,
        }
        if common_name:
            body["commonName"] = common_name
        if date_attribute is not None:
            body["certificateDateAttribute"] = date_attribute
        body |= {name: day.isoformat() for name, day in (("from", from_), ("to", to)) if day is not None}
        async with self._connection.stream(REPORT, "/report/v1/ssl-certificates", body) as pieces:
            try:
                async with aclosing(slices(pieces)) as parts:
                    async for part in parts:
                        rows, odd = reading.many(wire.ReportRow, b"[" + b",".join(part) + b"]")
                        yield [remote.from_report(row, odd.get(number, ())) for number, row in enumerate(rows)]
                        await asyncio.sleep(0)  # a slice is decoded at one go: let others in between
            except reading.WrongShape as error:
                raise self._connection.garbled(str(error)) from error

    async def collect(self, ssl_id: int, format: str = "x509") -> bytes:  # noqa: A002 -- SCM's own word
        """The certificate's file; `format` x509, x509CO, x509IO, x509IOR, x509R, pem, pemco, pemia, base64 or bin.
        Raises ScmRefused, whose kind is pending (ask again later), revoked or attention."""
        answer = await self._connection.read(COLLECT, "GET", f"/ssl/v1/collect/{ssl_id}", params={"format": format})
        if not answer.body.strip():
            raise self._connection.garbled("it is empty")
        return answer.body


def read_details(connection: Connection, body: bytes, ssl_id: int) -> RemoteOrder:
    """The details of that order. Raises ScmGarbled for another shape or another order."""
    odd: list[str] = []
    try:
        order = remote.from_details(reading.one(wire.Details, body, odd), odd)
    except reading.WrongShape as error:
        raise connection.garbled(str(error)) from error
    if order.ssl_id != ssl_id:
        raise connection.garbled(
            f"it is about the order {order.ssl_id}, not {ssl_id}" if order.ssl_id else "it has no id"
        )
    return order
