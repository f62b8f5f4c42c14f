"""The customer as a whole: all records, the settings that control can turn, and what follows from the time."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec

from kmptui.sandbox.authority import Authority
from kmptui.sandbox.bundle import ChainStyle
from kmptui.sandbox.clock import DAY, Clock, midnight
from kmptui.sandbox.state import (
    Activity,
    Admin,
    Certificate,
    CustomField,
    Domain,
    Kind,
    Order,
    Organization,
    Profile,
)
from kmptui.sandbox.wire import Refusal, serial_number

LAST_VALIDITY = 46
# CA/Browser Forum ballot SC-081v3, less the margin that CAs keep: (from, longest validity, DCV reuse), in days.
_SCHEDULE = (
    (datetime(2029, 3, 15, tzinfo=UTC).timestamp(), LAST_VALIDITY, 9),
    (datetime(2027, 3, 15, tzinfo=UTC).timestamp(), 99, 98),
    (datetime(2026, 3, 15, tzinfo=UTC).timestamp(), 199, 198),
    (0.0, 397, 397),
)


class Settings(msgspec.Struct, kw_only=True):
    """What control may turn while the sandbox runs. Times are seconds of the sandbox's clock, latency real ones."""

    issue_after: float = 2.0
    latency_ms: float = 0.0
    prevalidation: bool = True
    keep_old: float | None = None
    crl_after: float = 0.0
    lock_after: int = 5
    chain: ChainStyle = ChainStyle()


class Counters(msgspec.Struct, kw_only=True):
    """What happened since the start or the last reset."""

    requests: int = 0
    by_endpoint: dict[str, int] = msgspec.field(default_factory=Counter)
    enroll_calls: int = 0
    renew_calls: int = 0
    replace_calls: int = 0
    orders_created: int = 0
    wrong_passwords: int = 0


class World:
    """One customer of the sandbox SCM, at one moment of one clock."""

    def __init__(self, *, seed: int, clock: Clock, authority: Authority, customer_uri: str, settings: Settings) -> None:
        self.seed = seed
        self.clock = clock
        self.authority = authority
        self.customer_uri = customer_uri
        self.settings = settings
        self.counters = Counters()
        self.admins: dict[str, Admin] = {}
        self.organizations: dict[int, Organization] = {}
        self.domains: dict[int, Domain] = {}
        self.profiles: dict[int, Profile] = {}
        self.fields: list[CustomField] = []
        self.orders: dict[int, Order] = {}
        self.created: list[int] = []
        self.activity: list[Activity] = []
        self.in_progress: set[int] = set()
        self.self_renewing: set[int] = set()
        self.next_order_id = 1
        self.crl_version = 0
        self._serials: dict[int, int] | None = None

    def now(self) -> float:
        return self.clock.now()

    # -- looking up

    def order(self, ssl_id: int, *, status: int = 400) -> Order:
        """The order of that id. Refusal -124 where there is none."""
        order = self.orders.get(ssl_id)
        if order is None:
            raise Refusal(-124, ssl_id, status=status)
        return order

    def organization_of(self, organization: Organization) -> Organization:
        """The organization that a department belongs to; an organization is its own."""
        return self.organizations[organization.parent_id] if organization.parent_id else organization

    def domain_named(self, name: str) -> Domain | None:
        return next((d for d in self.domains.values() if d.name == name), None)

    def domain_for(self, name: str) -> Domain | None:
        """The most specific domain of the customer that *name* falls under; it alone decides."""
        labels = name.removeprefix("*.").split(".")
        known = {domain.name: domain for domain in self.domains.values()}
        return next((known[n] for i in range(len(labels)) if (n := ".".join(labels[i:])) in known), None)

    def admin_by_id(self, admin_id: int) -> Admin | None:
        return next((admin for admin in self.admins.values() if admin.id == admin_id), None)

    def by_serial(self, text: str) -> Order | None:
        """The order that has, or before a reissue had, the certificate with this serial number."""
        serial = serial_number(text)
        if serial is None:
            return None
        if self._serials is None:
            self._serials = {c.serial: order.id for order in self.orders.values() for c in self.certificates(order)}
        ssl_id = self._serials.get(serial)
        return None if ssl_id is None else self.orders.get(ssl_id)

    # -- what follows from an order's record

    def status(self, order: Order) -> str:
        """The order's status now: Issued becomes Expired by the clock alone."""
        if order.status == "Issued" and order.expires is not None and order.expires <= self.now():
            return "Expired"
        return order.status

    def order_number(self, order: Order) -> int:
        return 2_874_113_055 + (order.id - 4_700_000) * 37

    def renew_id(self, order: Order) -> str:
        letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
        return "".join(letters[b % 62] for b in self.authority.digest("renew", order.id, size=20))

    def current(self, order: Order) -> Certificate | None:
        """The newest certificate of *order*; while a reissue is under way, the one it will take the place of."""
        if order.issued is None or order.expires is None:
            return None
        if order.previous and order.status not in {"Issued", "Revoked", "Expired", "Replaced"}:
            return order.previous[-1]
        return Certificate(
            ssl_id=order.id,
            generation=order.generation,
            serial=self.authority.serial(order.id, order.generation),
            kind=self.kind(order),
            org_id=order.org_id,
            common_name=order.common_name,
            names=order.names,
            key_type=order.key_type,
            spki=order.spki,
            not_before=self.not_before(order),
            not_after=order.expires,
            revoked=order.revoked,
            reason_code=order.reason_code,
        )

    def not_before(self, order: Order) -> float:
        """The start of the day on which the newest certificate was issued."""
        moment = order.replaced if order.generation else order.issued
        return midnight(moment or 0.0)

    def newest(self, order: Order) -> list[Certificate]:
        """The newest certificate of *order* as a list of one; none before the first."""
        current = self.current(order)
        return [] if current is None else [current]

    def certificates(self, order: Order) -> Iterator[Certificate]:
        """All certificates of *order*, oldest first."""
        yield from order.previous
        current = self.current(order)
        if current is not None and current not in order.previous:
            yield current

    def kind(self, order: Order) -> Kind:
        profile = self.profiles.get(order.profile_id)
        return profile.kind if profile is not None else "OV"

    def der(self, certificate: Certificate) -> bytes:
        organization = self.organizations[certificate.org_id]
        return self.authority.leaf(certificate, self.organization_of(organization))

    def longest_validity(self, order: Order, moment: float) -> int:
        """Days that a certificate issued at *moment* may live: public ones are capped, private ones are not."""
        if self.kind(order) == "PRIVATE":
            return order.term
        return min(order.term, next(days for start, days, _ in _SCHEDULE if moment >= start))

    def dcv_reuse(self, moment: float) -> float:
        """Seconds for which a validation made at *moment* holds."""
        return next(days for start, _, days in _SCHEDULE if moment >= start) * DAY

    def note_serial(self, order: Order) -> None:
        """Make a newly issued certificate findable by its serial number."""
        if self._serials is not None:
            self._serials.update((c.serial, order.id) for c in self.certificates(order))

    def log(self, login: str, action: str, order: Order | None, description: str, access: str = "REST API") -> None:
        self.activity.append(
            Activity(
                id=len(self.activity) + 1,
                date=self.now(),
                action=action,
                login=login,
                order_id=order.id if order else None,
                description=description,
                access=access,
            )
        )
