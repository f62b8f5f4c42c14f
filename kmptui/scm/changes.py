"""The calls that change orders, each sent once (SCM REST 25.5, SSL certificates)."""

from __future__ import annotations

from collections.abc import Sequence

from kmptui.domain.certificate import serial_hex
from kmptui.domain.order import RemoteOrder
from kmptui.errors import BadInput, ScmGarbled
from kmptui.scm import failures, reading, remote, wire
from kmptui.scm.connection import Answer, Connection
from kmptui.scm.failures import Call
from kmptui.scm.orders import read_details
from kmptui.scm.requests import Body, Decision, Enrolment, Renewal, Replacement, Revocation, Update

_LOOK = "Check the order's status before you try again: kmptui orders check"

ENROLL = Call("enroll", "the order")
RENEW = Call("renew", "the renewal")
REPLACE = Call("replace", "the reissue")
REVOKE = Call("revoke", "the revocation", _LOOK)
DECLINE = Call("decline", "the decline", _LOOK)
APPROVE = Call("approve", "the approval", _LOOK)
UPDATE = Call("update", "the change", _LOOK)


class Changes:
    """All raise BadInput, Unreachable, WrongKind (nothing was sent), AccountRefused, ScmRefused (SCM said no),
    Unconfirmed (everything else); CancelledError passes through and is for the caller to judge (unconfirmed)."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def enroll(self, enrolment: Enrolment) -> int:
        """The new order's sslId."""
        return self._new_id(ENROLL, await self._post(ENROLL, "/ssl/v1/enroll", enrolment))

    async def renew(self, ssl_id: int, csr: str | None = None) -> int:
        """The sslId of the new order; without a CSR the old key is used again."""
        return self._new_id(RENEW, await self._post(RENEW, f"/ssl/v1/renewById/{ssl_id}", Renewal(csr)), not_=ssl_id)

    async def replace(
        self, ssl_id: int, csr: str, reason: str, common_name: str = "", names: Sequence[str] = ()
    ) -> None:
        """Reissue under the same sslId."""
        request = Replacement(csr, reason, common_name, tuple(names))
        self._done(REPLACE, await self._post(REPLACE, f"/ssl/v1/replace/{ssl_id}", request))

    async def revoke(self, ssl_id: int, code: int, reason: str) -> None:
        """Revoke what the order holds. ScmRefused with kind "done": it was revoked already."""
        self._done(REVOKE, await self._post(REVOKE, f"/ssl/v1/revoke/{ssl_id}", Revocation(code, reason)))

    async def revoke_serial(self, serial: str, code: int, reason: str) -> None:
        """Revoke one certificate; `serial` in hex, with or without separators."""
        try:
            digits = serial_hex(serial)
        except ValueError as error:
            raise BadInput("serial", f"{serial[:60]!r} is no serial number", cure="Write it in hex") from error
        self._done(REVOKE, await self._post(REVOKE, f"/ssl/v1/revoke/serial/{digits}", Revocation(code, reason)))

    async def decline(self, ssl_id: int, message: str) -> None:
        """The only cancel that SCM has, and only while the order is Requested."""
        self._done(DECLINE, await self._post(DECLINE, f"/ssl/v1/decline/{ssl_id}", Decision(message)))

    async def approve(self, ssl_id: int, message: str) -> None:
        """Let a Requested order go on to the CA."""
        self._done(APPROVE, await self._post(APPROVE, f"/ssl/v1/approve/{ssl_id}", Decision(message)))

    async def update(self, update: Update) -> RemoteOrder:
        """Edit a waiting order; returns it as SCM has it now."""
        answer = await self._connection.change(UPDATE, "PUT", "/ssl/v1", update.body())
        try:
            return read_details(self._connection, answer.body, update.ssl_id)
        except ScmGarbled as error:
            raise failures.unconfirmed(UPDATE, str(error)) from error

    async def _post(self, call: Call, path: str, request: Body) -> Answer:
        return await self._connection.change(call, "POST", path, request.body())

    def _new_id(self, call: Call, answer: Answer, not_: int = 0) -> int:
        """The id of what was ordered; without one SCM may have taken the order all the same."""
        odd: list[str] = []
        try:
            found = reading.one(wire.NewOrder, answer.body, odd)
        except reading.WrongShape as error:
            raise failures.unconfirmed(call, f"SCM's answer cannot be read: {error}") from error
        ssl_id = remote.usable_id(found.ssl_id, odd)
        if not ssl_id or odd or ssl_id == not_:
            raise failures.unconfirmed(call, "SCM's answer names no new order")
        return ssl_id

    def _done(self, call: Call, answer: Answer) -> None:
        """204, or a 2xx with JSON: SCM took it. Anything else is not its answer."""
        if answer.body.strip():
            try:
                reading.parse(answer.body)
            except reading.WrongShape as error:
                raise failures.unconfirmed(call, f"SCM's answer cannot be read: {error}") from error
