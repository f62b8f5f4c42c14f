"""The client of one SCM account: every call in one place, each described where it is made.

Reads raise AccountRefused, Unreachable, ScmRefused, ScmGarbled, WrongKind; they are repeated by themselves (four tries,
60 s). Changes raise BadInput, Unreachable or WrongKind (nothing was sent), AccountRefused or ScmRefused (SCM said no),
Unconfirmed (everything else); they are sent once. asyncio.CancelledError passes through: after a change it means that
the outcome is not known.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Self

from kmptui.domain.clock import Clock
from kmptui.scm.asking import Asking
from kmptui.scm.changes import Changes
from kmptui.scm.connection import Connection
from kmptui.scm.dcv import Dcv
from kmptui.scm.directory import Directory, PasswordState
from kmptui.scm.domains import Domains
from kmptui.scm.orders import OrderPage, Orders
from kmptui.scm.repeating import Pause
from kmptui.scm.requests import Enrolment, Renewal, Replacement, Revocation, Update, preview
from kmptui.scm.transport import Credentials

if TYPE_CHECKING:
    import httpx

__all__ = [
    "Credentials", "Enrolment", "OrderPage", "PasswordState", "Renewal", "Replacement", "Revocation", "ScmClient",
    "Update", "preview",
]  # fmt: skip


class ScmClient:
    """One account at one SCM, to be used by `async with` or closed by `aclose()`.

    Proof            prove() · is_mrao() · privileges() · myself() · password_state()
    Directory        organizations() · organization(id) · validations(id) · profiles(organization_id=None) ·
                     custom_fields()
    Domains          domains(on_progress=None) · domain(id) · domains_above(names)
    Orders           count(**filters) · list_orders(position, size, **filters) · details(ssl_id) · report(…) ·
                     collect(ssl_id, format="x509")
    Validation       dcv_status(domain) · dcv_list(…) · order_dcv(ssl_id)
      steps of it    dcv_start(domain, method) · dcv_submit(domain, method) · dcv_sync(domain) ·
                     order_dcv_recheck(ssl_id)
    Changes          enroll(enrolment) · renew(ssl_id, csr=None) · replace(ssl_id, csr, reason, …) ·
                     revoke(ssl_id, code, reason) · revoke_serial(serial, code, reason) · decline(ssl_id, message) ·
                     approve(ssl_id, message) · update(update)
    """

    def __init__(
        self,
        credentials: Credentials,
        *,
        clock: Clock,
        ca_file: str = "",
        proxy: str = "",
        concurrency: int = 8,
        sandbox: bool | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        pause: Pause = asyncio.sleep,
    ) -> None:
        """`sandbox`: the kind that the store is bound to, None for either; `concurrency`: reads at a time; `transport`
        takes the network's place; `pause` waits between tries. Raises BadInput("ca_file"|"proxy")."""
        self._connection = Connection(
            credentials,
            clock=clock,
            ca_file=ca_file,
            proxy=proxy,
            concurrency=concurrency,
            sandbox=sandbox,
            network=transport,
            pause=pause,
        )
        asking = Asking(self._connection)
        directory, domains = Directory(asking), Domains(asking)
        orders, changes = Orders(self._connection), Changes(self._connection)
        dcv = Dcv(asking)

        self.take_oddities = asking.take_oddities

        self.prove = self._connection.prove
        self.is_mrao = directory.is_mrao
        self.privileges = directory.privileges
        self.myself = directory.myself
        self.password_state = directory.password_state

        self.organizations = directory.organizations
        self.organization = directory.organization
        self.validations = directory.validations
        self.profiles = directory.profiles
        self.custom_fields = directory.custom_fields
        self.domains = domains.domains
        self.domain = domains.domain
        self.domains_above = domains.domains_above

        self.count = orders.count
        self.list_orders = orders.list_orders
        self.details = orders.details
        self.report = orders.report
        self.collect = orders.collect

        self.dcv_status = dcv.status
        self.dcv_list = dcv.search
        self.dcv_start = dcv.start
        self.dcv_submit = dcv.submit
        self.dcv_sync = dcv.sync
        self.order_dcv = dcv.of_order
        self.order_dcv_recheck = dcv.recheck

        self.enroll = changes.enroll
        self.renew = changes.renew
        self.replace = changes.replace
        self.revoke = changes.revoke
        self.revoke_serial = changes.revoke_serial
        self.decline = changes.decline
        self.approve = changes.approve
        self.update = changes.update

    @property
    def login(self) -> str:
        """Who asks."""
        return self._connection.login

    @property
    def is_sandbox(self) -> bool | None:
        """The kind of server; None before its first answer."""
        return self._connection.is_sandbox

    @property
    def clock_skew(self) -> timedelta | None:
        """The server's clock minus ours as of its last answer, in whole seconds: positive, the server is ahead."""
        return self._connection.clock_skew

    @property
    def server_now(self) -> datetime | None:
        """What the server's clock says now, reckoned from its last answer; None where it tells no time."""
        return self._connection.server_now

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections; what is in flight on them breaks off."""
        await self._connection.aclose()
