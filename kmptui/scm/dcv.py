"""Domain control validation: where it stands, and its steps (SCM REST 25.5, Domain Control Validation).

25.5 has version 1 of most calls, the 25.9 document version 2: which one a server serves is asked once, by a read,
before a step is taken.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from kmptui.domain.dcv import METHODS, DcvInstruction, DcvLogLine, DcvRecord, DcvRow, DcvState, OrderDcv
from kmptui.errors import BadInput, ScmGarbled, ScmRefused
from kmptui.scm import failures, wire
from kmptui.scm.asking import Asking
from kmptui.scm.connection import Answer
from kmptui.scm.failures import Call
from kmptui.scm.orders import PAGE

T = TypeVar("T")
_LOOK = "It may be tried again: kmptui domains validate"
STATUS, SEARCH, ORDER = Call("dcv status"), Call("dcv search"), Call("order dcv")
START = Call("dcv start", "the start of the validation", _LOOK)
SUBMIT = Call("dcv submit", "the validation", _LOOK)
SYNC = Call("dcv sync", "the wish to look again", _LOOK)
RECHECK = Call("dcv recheck", "the wish to look again", _LOOK)


class Dcv:
    """Reads raise AccountRefused, Unreachable, ScmRefused, ScmGarbled, WrongKind; steps (start, submit, sync, recheck)
    are sent once and raise like all changes, and BadInput("domain"|"method"|"email")."""

    def __init__(self, asking: Asking) -> None:
        self._ask = asking
        self._connection = asking.connection
        self._version = 0

    async def status(self, domain: str) -> DcvState:
        """Where the validation of a domain stands."""
        body = {"domain": _domain(domain)}
        answer = await self._connection.read(STATUS, "POST", "/dcv/v2/validation/status", body=body)
        return self._state(domain, self._ask.read_object(STATUS, wire.DcvAnswer, answer))

    async def search(self, *, expires_in: int | None = None, status: str = "", domain: str = "") -> list[DcvRow]:
        """All validations that match, page by page: `expires_in` days from now at most, `status` in SCM's words,
        `domain` a part of the name."""
        filters: dict[str, str | int] = {"dcvStatus": status, "domain": domain}
        filters = {name: value for name, value in filters.items() if value}
        if expires_in is not None:
            filters["expiresIn"] = expires_in
        path = f"/dcv/v{await self._served()}/validation"
        found: dict[str, DcvRow] = {}
        position = 0
        while True:
            params = {"size": PAGE, "position": position, **filters}
            answer = await self._connection.read(SEARCH, "GET", path, params=params)
            rows = self._ask.read_rows(SEARCH, wire.DcvSearchRow, answer, key=lambda row: row.domain)
            before = len(found)
            for row in rows:
                if row.domain:
                    found[row.domain] = self._row(row.domain, row)
            position += len(rows)
            full = len(rows) >= PAGE if answer.total is None else position < answer.total
            if not full or len(found) == before:  # a server that ignores `position` gives the first page again
                return list(found.values())

    async def start(self, domain: str, method: str) -> DcvRecord:
        """Begin: what to publish. For txt the record comes with the submit, for email the mailboxes to choose from."""
        name, way = _domain(domain), _method(method)
        path = f"/dcv/v{await self._served()}/validation/start/domain/{way}"
        answer = await self._connection.change(START, "POST", path, {"domain": name})
        return self._step(START, answer, lambda row: _record(way.upper(), row))

    async def submit(self, domain: str, method: str, email: str = "") -> DcvState:
        """Let the CA look for what was published; `email` is one of the mailboxes of `start`, for that method only."""
        name, way = _domain(domain), _method(method)
        body = {"domain": name}
        if way == "email":
            if not email:
                raise BadInput("email", "The mailbox is missing", cure="Take one of those that the start names")
            body["email"] = email
        path = f"/dcv/v{await self._served()}/validation/submit/domain/{way}"
        answer = await self._connection.change(SUBMIT, "POST", path, body)
        return self._step(SUBMIT, answer, lambda row: self._state(name, row, way.upper()))

    async def sync(self, domain: str) -> DcvState:
        """Let SCM look again now."""
        name = _domain(domain)
        path = f"/dcv/v{await self._served()}/validation/sync?force=true"
        answer = await self._connection.change(SYNC, "POST", path, {"domain": name})
        return self._step(SYNC, answer, lambda row: self._state(name, row))

    async def of_order(self, ssl_id: int) -> OrderDcv:
        """The validation of one waiting order."""
        return self._of_order(await self._connection.read(ORDER, "GET", f"/ssl/v1/{ssl_id}/dcv"))

    async def recheck(self, ssl_id: int) -> OrderDcv:
        """Let the CA look again for one waiting order."""
        answer = await self._connection.change(RECHECK, "POST", f"/ssl/v1/{ssl_id}/dcv/recheck", None)
        try:
            return self._of_order(answer)
        except ScmGarbled as error:
            raise failures.unconfirmed(RECHECK, str(error)) from error

    async def _served(self) -> int:
        """The version of the calls that the server has."""
        if not self._version:
            try:
                await self._connection.read(SEARCH, "GET", "/dcv/v1/validation", params={"size": 1, "position": 0})
                self._version = 1
            except ScmRefused as error:
                if error.status != 404:
                    raise
                self._version = 2
        return self._version

    def _step(self, call: Call, answer: Answer, made: Callable[[wire.DcvAnswer], T]) -> T:
        try:
            return made(self._ask.read_object(call, wire.DcvAnswer, answer))
        except ScmGarbled as error:
            raise failures.unconfirmed(call, str(error)) from error

    def _state(self, domain: str, row: wire.DcvAnswer, method: str = "") -> DcvState:
        record = _record(row.order_mode or method, row)
        return DcvState(
            domain,
            row.status or "",
            row.order_status or "",
            self._ask.day("the validation's day", row.validation_date),
            self._ask.day("the validation's end", row.expiration_date),
            record if record.publishable or record.emails else None,
            self._ask.day("the submission's day", row.submitted_date),
            self._ask.moment("the last check", row.last_check),
            self._ask.moment("the next check", row.next_check),
            row.message or "",
        )

    def _row(self, domain: str, row: wire.DcvSearchRow) -> DcvRow:
        return DcvRow(
            domain,
            row.dcv_status or "",
            row.dcv_method or "",
            row.dcv_order_status or "",
            row.dcv_order_method or "",
            self._ask.day("a validation's end", row.expiration_date),
        )

    def _of_order(self, answer: Answer) -> OrderDcv:
        """25.5 answers with an object, the 25.9 document knows a list of them."""
        if answer.body.lstrip()[:1] == b"[":
            rows = self._ask.read_rows(
                ORDER, wire.OrderDcvAnswer, answer, key=lambda row: row.dcv_log or row.instructions
            )
        else:
            rows = [self._ask.read_object(ORDER, wire.OrderDcvAnswer, answer)]
        logs = [row.dcv_log for row in rows if row.dcv_log is not None]
        problems = [log.error.description for log in logs if log.error is not None and log.error.description]
        return OrderDcv(
            tuple(_instruction(one) for row in rows for one in row.instructions or () if one.domain_name),
            tuple(self._line(line) for log in logs for line in log.log or () if line.domain_name),
            "; ".join(problems),
        )

    def _line(self, row: wire.DcvLogRow) -> DcvLogLine:
        return DcvLogLine(
            row.domain_name or "",
            row.dcv_status or "",
            self._ask.moment("the last check", row.last_check),
            self._ask.moment("the next check", row.next_check),
            self._ask.moment("the validation's moment", row.dcv_date),
        )


def _record(method: str, row: wire.DcvAnswer) -> DcvRecord:
    emails = tuple(row.emails or ((row.validation_email,) if row.validation_email else ()))
    return DcvRecord(
        method,
        row.host or "",
        row.point or "",
        row.url or "",
        row.first_line or "",
        row.second_line or "",
        emails,
        row.message or "",
    )


def _instruction(row: wire.DcvInstructionRow) -> DcvInstruction:
    emails = (row.dcv_email,) if row.dcv_email else ()
    record = DcvRecord(row.dcv_mode or "", row.host or "", row.point or "", row.url or "", row.file or "", "", emails)
    return DcvInstruction(row.domain_name or "", record)


def _domain(name: str) -> str:
    bare = name.strip().lower().removeprefix("*.")
    if not 3 <= len(bare) <= 255 or not bare.isascii() or not bare.isprintable():
        raise BadInput("domain", f"{name[:60]!r} is no domain name", cure="Write it in punycode: xn--…")
    return bare


def _method(name: str) -> str:
    if name.lower() not in METHODS:
        raise BadInput("method", f"{name[:20]!r} is no method", cure=f"Take one of {', '.join(METHODS)}")
    return name.lower()
