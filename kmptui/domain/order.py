"""Orders: what is asked of SCM, and what is known of it.

An order has two histories. The *ledger* state is ours and says what we know of the request (was it sent, was it
taken); the *status* is SCM's word for where it stands, kept as SCM wrote it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple

from kmptui.domain.keys import KeySpec


class Ledger(StrEnum):
    """What we know of one request that changes SCM.

    prepared ─► sent ─► accepted | refused | unconfirmed ─► accepted | not placed
    """

    PREPARED = "prepared"
    SENT = "sent"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNCONFIRMED = "unconfirmed"
    NOT_PLACED = "not placed"
    DRAFT = "draft"


class Hold(StrEnum):
    """Why an issued certificate is not in the repository yet."""

    NONE = ""
    LIMIT = "limit"
    WAITING = "waiting"
    LOCKED = "locked"
    FAILED = "failed"
    MISMATCH = "key mismatch"
    REISSUE = "reissue"
    """SCM has taken a reissue; the certificate for its key is not here yet, and the earlier one stays current."""
    UNSETTLED = "unsettled"
    """A reissue was sent, and its outcome is not known."""
    ELSEWHERE = "reissue elsewhere"
    """Somebody else has it reissued; the earlier certificate stays current until that comes."""
    KEPT = "reissue failed"
    """SCM calls the order rejected or the like after it had issued it: its certificate lives on."""


REISSUING = frozenset({Hold.REISSUE, Hold.UNSETTLED})
LIVING_ON = frozenset({Hold.ELSEWHERE, Hold.KEPT})
"""The order's status is that of a reissue; its certificate is issued and valid."""


OPEN_STATUSES = frozenset({"init", "requested", "saapproved", "approved", "applied", "downloading"})
"""SCM statuses, folded to lower case, in which an order still waits for somebody."""
ISSUED_STATUSES = frozenset({"issued", "downloaded"})
NOTHING_CAME_STATUSES = frozenset({"declined", "rejected", "invalid"})
CLOSED_STATUSES = frozenset(
    {"declined", "rejected", "invalid", "revoked", "expired", "replaced", "unmanaged", "external"}
)


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key to be generated here."""

    spec: KeySpec


@dataclass(frozen=True, slots=True)
class OwnCsr:
    """A certification request that the user brings: PEM. Its private key stays elsewhere."""

    pem: str


class KeystorePassword(StrEnum):
    """When the keystore's password comes to be."""

    AT_EXPORT = "at export"
    NOW = "now"
    MADE = "made"


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """One certificate to be ordered. `names` are punycode, the common name first; `term` is days.

    `keystore_password` is given for KeystorePassword.NOW only; it is sealed with the intent and never logged.
    """

    names: tuple[str, ...]
    organization_id: int
    profile_id: int
    term: int
    key: NewKey | OwnCsr
    keystore: str = "pkcs12"
    keystore_password_when: KeystorePassword = KeystorePassword.AT_EXPORT
    keystore_password: str = ""
    comments: str = ""
    requesters: tuple[str, ...] = ()
    custom_fields: tuple[tuple[str, str], ...] = ()
    auto_renew: bool = False
    note: str = ""
    contact: str = ""

    @property
    def common_name(self) -> str:
        return self.names[0] if self.names else ""

    def __repr__(self) -> str:
        return f"OrderRequest({self.common_name!r}, {len(self.names)} names, profile {self.profile_id})"


@dataclass(frozen=True, slots=True)
class OrderRow:
    """One line of the Orders list: only what a list shows."""

    id: int
    ssl_id: int | None
    common_name: str
    names_count: int
    ledger: Ledger
    status: str
    hold: Hold
    organization: str
    profile: str
    requested: date | None
    expires: date | None
    serial: str
    certificate_id: int | None
    auto_renew: bool = False
    deleted: bool = False
    superseded: bool = False
    issued: date | None = None
    next_id: int | None = None
    """The order that renewed it, and the word for that one's state."""
    next_state: str = ""
    blocked: str = ""
    """The kind of trouble that kept it from being renewed (see kmptui.domain.retrying)."""

    @property
    def number(self) -> str:
        """`o118`."""
        return f"o{self.id}"

    @property
    def state(self) -> str:
        """The one word that the list shows: ours until SCM has taken the order, then SCM's, lower case where known."""
        return state_word(self.ledger, self.status, self.hold)


@dataclass(frozen=True, slots=True)
class Order:
    """All that is known of one order. Dates that SCM gives without a time are dates; moments are aware UTC."""

    row: OrderRow
    names: tuple[str, ...]
    organization_id: int | None = None
    profile_id: int | None = None
    order_number: str = ""
    backend_id: str = ""
    term: int | None = None
    key: str = ""
    requester: str = ""
    external_requester: str = ""
    comments: str = ""
    custom_fields: tuple[tuple[str, str], ...] = ()
    approved: date | None = None
    issued: date | None = None
    declined: date | None = None
    revoked: date | None = None
    replaced: date | None = None
    renewed: bool | None = None
    requested_via: str = ""
    keystore: str = "pkcs12"
    has_keystore_password: bool = False
    note: str = ""
    contact: str = ""
    origin: str = "imported"
    """ordered (from here), imported, renewed."""
    placed: datetime | None = None
    checked: datetime | None = None
    """When SCM was last asked about it."""
    problem: str = ""
    """The last thing that went wrong with it, in a plain sentence."""
    problem_code: int | None = None
    spki: str = ""
    """SHA-256 of the SubjectPublicKeyInfo that we ordered with, hex."""
    holder: str = ""
    """Who works on it right now, where somebody does."""
    previous_id: int | None = None
    next_id: int | None = None
    expected: date | None = None
    """The day on which a renewal was expected to end when it was sent."""

    @property
    def reissuing(self) -> str:
        """What is to be said of a reissue that has not come yet; "" where there is none."""
        words = {
            Hold.REISSUE: "reissue under way",
            Hold.UNSETTLED: "reissue unconfirmed",
            Hold.ELSEWHERE: "reissued by somebody else, under way in SCM",
        }
        return words.get(self.row.hold, "")

    @property
    def id(self) -> int:
        return self.row.id

    @property
    def ssl_id(self) -> int | None:
        return self.row.ssl_id

    @property
    def common_name(self) -> str:
        return self.row.common_name


class RemoteOrder(NamedTuple):
    """An order as SCM tells it, from its details or from the report; None or empty: SCM did not say.

    A tuple, since one import makes thousands: a frozen dataclass of so many members takes six times as long to make.
    `names` holds the SANs with the common name first. `from_report` rows lack `renewed`, the auto-renewal state and
    `requester_id`, which is the administrator's at SCM.
    `oddities` are the members that could not be understood, in words; they never keep the row out.
    """

    ssl_id: int
    common_name: str = ""
    names: tuple[str, ...] = ()
    status: str = ""
    organization_id: int | None = None
    organization: str = ""
    profile_id: int | None = None
    profile: str = ""
    order_number: str = ""
    backend_id: str = ""
    serial: str = ""
    term: int | None = None
    key: str = ""
    requester: str = ""
    external_requester: str = ""
    comments: str = ""
    custom_fields: tuple[tuple[str, str], ...] = ()
    requested: date | None = None
    approved: date | None = None
    issued: date | None = None
    declined: date | None = None
    expires: date | None = None
    replaced: date | None = None
    revoked: date | None = None
    renewed: bool | None = None
    auto_renew_state: str = ""
    requested_via: str = ""
    issuer: str = ""
    from_report: bool = False
    oddities: tuple[str, ...] = ()
    requester_id: int | None = None


class Act(StrEnum):
    """What an intent asks of SCM."""

    ORDER = "order"
    RENEW = "renew"
    REISSUE = "reissue"


@dataclass(frozen=True, slots=True)
class Intent:
    """One request that changes SCM, written down before the first byte leaves; never holds a secret in clear.

    `token` is `kmptui:` and 16 base32 characters (empty where the comments had no room for it); `spki` the SHA-256
    (hex) of the public key it asks for; `request` the request's members without secrets; `known_ssl_ids_before` is the
    highest sslId known at that time; `searches` complete searches that found nothing, the last one at `searched`.
    """

    id: int
    order_id: int
    act: Act
    state: Ledger
    token: str
    common_name: str
    names: tuple[str, ...]
    organization_id: int | None
    profile_id: int | None
    term: int | None
    csr: str
    spki: str
    prepared: datetime
    request: tuple[tuple[str, str], ...] = ()
    target_ssl_id: int | None = None
    sent: datetime | None = None
    ended: datetime | None = None
    highest_ssl_id: int = 0
    searches: int = 0
    searched: datetime | None = None
    holder: str = ""
    replaced: date | None = None
    """When SCM had replaced the order's certificate last before this reissue."""


def state_word(ledger: Ledger, status: str, hold: Hold = Hold.NONE) -> str:
    """The word for an order's state. SCM's unknown statuses are shown as they are, in quotes."""
    if ledger is Ledger.PREPARED:
        return "draft"
    if ledger is not Ledger.ACCEPTED:
        return ledger.value
    folded = status.lower()
    if hold in REISSUING and folded not in CLOSED_STATUSES:
        return "reissue under way" if hold is Hold.REISSUE else Ledger.UNCONFIRMED.value
    if hold is Hold.ELSEWHERE and folded in OPEN_STATUSES:
        return "reissue under way"
    if hold is Hold.KEPT and folded in NOTHING_CAME_STATUSES:
        return "issued"
    if folded in ISSUED_STATUSES:
        return "issued" if hold in LIVING_ON | {Hold.NONE} else "issued, not added"
    if folded in OPEN_STATUSES | CLOSED_STATUSES:
        return folded
    return f'"{status}"' if status else "accepted"
