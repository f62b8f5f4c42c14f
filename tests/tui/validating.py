"""Validating in memory: SCM's answers as the service hands them on, with a record to publish, and no network."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from kmptui.domain.dcv import DcvInstruction, DcvLogLine, DcvRecord, DcvState, Dependents, OrderDcv
from kmptui.domain.domain import Domain
from kmptui.errors import KmptuiError
from kmptui.services.validating import DcvView
from tests.tui.stage import NOW

MAILBOXES = tuple(f"{box}@legacy.example.com" for box in ("admin", "hostmaster", "postmaster", "webmaster"))
ENDED = Domain(4456, "legacy.example.com", "ACTIVE", "APPROVED", "EXPIRED", "EMAIL", date(2026, 11, 11))
BLOCKS = Dependents(12, 1, 3, date(2026, 12, 2), 30)


def record(method: str) -> DcvRecord:
    """What SCM wants to see."""
    host, point = "c9fba2e5ee1d1f4bc82a9b8f3e9ae2c8", "8f14e45fceea167a5a36dedd4bea2543"
    if method == "cname":
        return DcvRecord("CNAME", f"_{host}.{ENDED.name}.", f"{point}.{host}.ca.example.net.")
    if method == "txt":
        return DcvRecord("TXT", f"_pki-validation.{ENDED.name}.", host + point)
    if method == "email":
        return DcvRecord("EMAIL", emails=MAILBOXES)
    url = f"{method}://{ENDED.name}/.well-known/pki-validation/{host.upper()}.txt"
    return DcvRecord(method.upper(), url=url, first_line=point + host, second_line="ca.example.net")


class StageValidating:
    """One domain, `fails` in the place of the next step's or question's answer."""

    def __init__(self, domain: Domain = ENDED) -> None:
        self.view = DcvView(domain, BLOCKS)
        self.now = DcvState(domain.name, "EXPIRED", "NOT_INITIATED")
        self.steps: list[tuple[str, ...]] = []
        self.asked = 0
        self.fails: KmptuiError | None = None
        self.unreachable: KmptuiError | None = None
        self.order = OrderDcv(
            (DcvInstruction(domain.name, record("cname")),),
            (DcvLogLine(domain.name, "Awaiting Validation", NOW - timedelta(minutes=15), NOW + timedelta(minutes=45)),),
        )

    async def known(self, domain_id: int) -> DcvView:
        return self.view

    async def behind(self, order_id: int) -> int | None:
        return self.view.domain.id

    async def state(self, domain_id: int) -> DcvView:
        self.asked += 1
        if self.unreachable is not None:
            raise self.unreachable
        return replace(self.view, state=self.now, asked=NOW)

    def attempt(self, status: str, method: str) -> None:
        """SCM has an attempt."""
        submitted = status == "SUBMITTED"
        self.now = replace(
            self.now,
            order_status=status,
            record=None if method == "email" else record(method),
            submitted=NOW.date() if submitted else None,
            last_check=NOW - timedelta(minutes=2) if submitted else None,
            next_check=NOW + timedelta(minutes=58) if submitted else None,
        )

    def validated(self) -> None:
        """The CA has seen it."""
        until = NOW.date() + timedelta(days=198)
        domain = replace(
            self.view.domain, validation_status="VALIDATED", dcv_method="CNAME_CSR_HASH", dcv_expires=until
        )
        self.view = replace(self.view, domain=domain)
        self.now = DcvState(domain.name, "VALIDATED", "NOT_INITIATED", NOW.date(), until)

    def _take(self, *step: str) -> None:
        self.steps.append(step)
        if self.fails is not None:
            error, self.fails = self.fails, None
            raise error

    async def start(self, domain_id: int, method: str) -> DcvRecord:
        self._take("start", method)
        if method != "email":
            self.attempt("AWAITING_SUBMISSION", method)
        return record(method)

    async def submit(self, domain_id: int, method: str, email: str = "") -> DcvView:
        self._take("submit", method, email)
        self.attempt("SUBMITTED", method)
        return await self.state(domain_id)

    async def look(self, domain_id: int) -> DcvView:
        self._take("look")
        return await self.state(domain_id)

    async def of_order(self, order_id: int) -> OrderDcv:
        self.asked += 1
        return self.order

    async def recheck(self, order_id: int) -> OrderDcv:
        self._take("recheck", str(order_id))
        return self.order
