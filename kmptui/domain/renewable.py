"""Renewing and reissuing: what is asked, and what is known against it beforehand.

SCM's renewal (REST 25.5, SSL: renew by id) takes a CSR and nothing else: no names, term, profile or comments. The
term is the old one where the profile still offers it, else the longest that it offers; what comes is known once it is
here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta

from kmptui.domain import entry, preflight
from kmptui.domain.keys import KeySpec
from kmptui.domain.names import display
from kmptui.domain.order import (
    ISSUED_STATUSES,
    Hold,
    Ledger,
    NewKey,
    Order,
    OrderRequest,
    OwnCsr,
    RemoteOrder,
)  # fmt: skip
from kmptui.domain.preflight import Facts
from kmptui.domain.profile import Profile
from kmptui.domain.validity import longest_issued
from kmptui.errors import BadInput, Finding

SCM_RENEWS = frozenset({"scheduled", "started"})
"""SCM's own auto-renewal is at work in these states (SSL details, autoRenewDetails), folded to lower case."""
NOT_RENEWABLE = -180
"""SCM's code for a profile that does not allow renewals."""


@dataclass(frozen=True, slots=True)
class SameKey:
    """The key of the certificate that is renewed, once more: SCM uses its old CSR."""


@dataclass(frozen=True, slots=True)
class RenewalRequest:
    """One renewal. `key` None: a new key of the kind that the old one has."""

    order_id: int
    key: NewKey | SameKey | OwnCsr | None = None


@dataclass(frozen=True, slots=True)
class ReissueRequest:
    """One reissue (SCM: replace): the same order, a new certificate for a new key and perhaps other names. `key` None:
    a new key of the kind that the old one has; `names` the whole new list, the common name first, empty for those that
    it has; `reason` 1–512 characters."""

    order_id: int
    reason: str
    key: NewKey | OwnCsr | None = None
    names: tuple[str, ...] = ()


def forbidden(order: Order, today: date) -> str:
    """Why an order in this state cannot be renewed, and what can be done instead; "" where it can."""
    row = order.row
    if row.deleted:
        return "it was deleted here: import it first"
    if row.ledger is not Ledger.ACCEPTED or row.ssl_id is None:
        return f"it is {row.state}: SCM has nothing to renew"
    if words := _reissuing(order):
        return words
    if row.status.lower() not in ISSUED_STATUSES:
        return f"{_stands(order)}: only an issued one is renewed; order like it instead"
    if order.renewed:
        return "it is renewed already"
    if row.expires is not None and row.expires < today:
        return "it has expired: order like it instead"
    return ""


def not_reissuable(order: Order, today: date) -> str:
    """Why an order in this state cannot be reissued, and what can be done instead; "" where it can."""
    row = order.row
    if row.deleted:
        return "it was deleted here: import it first"
    if row.ledger is not Ledger.ACCEPTED or row.ssl_id is None:
        return f"it is {row.state}: SCM has nothing to reissue"
    if words := _reissuing(order):
        return words
    if row.status.lower() not in ISSUED_STATUSES:
        return f"{_stands(order)}: only an issued one is reissued; order like it instead"
    if row.expires is not None and row.expires < today:
        return "it has expired: order like it instead"
    return ""


def _stands(order: Order) -> str:
    if order.row.hold is Hold.KEPT:
        return f"a reissue of it came to nothing, and SCM calls the order {order.row.status.lower()}"
    return f"it is {order.row.state}"


def _reissuing(order: Order) -> str:
    if not order.reissuing:
        return ""
    return f"{order.reissuing}: {'settle that first' if order.row.hold is Hold.UNSETTLED else 'wait for it'}"


def told_otherwise(remote: RemoteOrder, *, beside_scm: bool) -> str:
    """Why SCM's word on the old order, read right before the renewal would be sent, forbids it; "" where it does not.
    `beside_scm`: SCM's own auto-renewal is no reason."""
    if remote.status.lower() not in ISSUED_STATUSES:
        return f'SCM says that it is "{remote.status}"' if remote.status else "SCM does not say that it is issued"
    if remote.renewed:
        return "SCM says that it is renewed already"
    if remote.auto_renew_state.lower() in SCM_RENEWS and not beside_scm:
        return f"SCM renews it by itself (its auto-renewal is {remote.auto_renew_state.lower()})"
    return ""


def spec_of(order: Order) -> KeySpec:
    """The kind of its key, RSA 2048 where that is not known."""
    try:
        return KeySpec.parse(order.key)
    except BadInput:
        return KeySpec("RSA", "2048")


def as_request(order: Order, key: NewKey | SameKey | OwnCsr | None, term: int) -> OrderRequest:
    """The order that a renewal makes, as a request: for the ledger, and to hold it against what is known. The old key
    counts as one of its kind."""
    asked = NewKey(spec_of(order)) if key is None or isinstance(key, SameKey) else key
    names = tuple(dict.fromkeys((order.common_name, *order.names)))
    return OrderRequest(
        names=names,
        organization_id=order.organization_id or 0,
        profile_id=order.profile_id or 0,
        term=term,
        key=asked,
        keystore=order.keystore,
        comments=order.comments,
        custom_fields=order.custom_fields,
        auto_renew=order.row.auto_renew,
        note=order.note,
        contact=order.contact,
    )


def term(order: Order, profile: Profile | None) -> int:
    """The term in days that SCM will take, as far as one can tell; 0 where nothing is known."""
    if profile is None or not profile.terms:
        return order.term or 0
    return order.term if order.term in profile.terms else max(profile.terms)


def expected_end(order: Order, profile: Profile | None, today: date) -> date | None:
    """The last day of the new certificate if it were issued today: a prediction, nothing that SCM promises."""
    days = term(order, profile)
    if not days:
        return None
    private = preflight.validation_level(profile) == "PRIVATE"
    return today + timedelta(days=days if private else min(days, longest_issued(today)))


def findings(
    order: Order, facts: Facts, key: NewKey | SameKey | OwnCsr | None = None, *, csr_key: KeySpec | None = None
) -> tuple[Finding, ...]:
    """What is known against renewing it: its profile, the key, its organization, the validation of every name. What
    rests on the mirror is `stale_prone`, as in an order's preflight; nothing but hints means that it may be sent."""
    profile = next((p for p in facts.profiles if p.id == order.profile_id), None)
    request = as_request(order, key, term(order, profile))
    found: list[Finding] = []
    if order.problem_code == NOT_RENEWABLE:
        cause = f"SCM does not allow renewals with {order.row.profile or 'its profile'}"
        # the mirror does not tell when that changes: a person may try again
        found.append(Finding("profile", cause, "Order like it with another profile", stale_prone=True))
    elif order.profile_id is None:
        found.append(Finding("profile", "is not known here", "Check the order, then try again", stale_prone=True))
    elif facts.profiles:
        found += _of_profile(request, profile, order, csr_key)
    found += preflight.mirror_findings(request, facts.organizations, facts.domains, facts.today, facts.profiles)
    return tuple(found)


def _of_profile(request: OrderRequest, profile: Profile | None, order: Order, csr_key: KeySpec | None) -> list[Finding]:
    """Whether the profile is still there and offers a term and the key. Other profiles than the old one are no cure: a
    renewal cannot choose."""
    title = order.row.profile or f"profile {order.profile_id}"
    cure = "Have it offered again in SCM, then sync profiles; or order like it with another profile"
    if profile is None or profile.status == "gone":
        return [Finding("profile", f"{title} is gone", cure, stale_prone=True)]
    if request.organization_id not in profile.organizations:
        cause = f"{title} is no longer for {order.row.organization or 'its organization'}"
        return [Finding("profile", cause, cure, stale_prone=True)]
    if not profile.terms:
        return [Finding("term", f"{title} offers no term", cure, stale_prone=True)]
    found = []
    if order.term and order.term not in profile.terms:
        cause = f"{order.term:,} days are no longer offered: it will be {request.term:,} days"
        found.append(Finding("term", cause, hint=True))
    spec = request.key.spec if isinstance(request.key, NewKey) else csr_key
    if spec is not None and profile.keys and spec not in profile.keys:
        taken = ", ".join(map(str, sorted(profile.keys)))
        found.append(Finding("key", f"{spec} is not taken by {title}", f"Choose one of: {taken}"))
    return found


def csr_findings(order: Order, key: KeySpec, names: tuple[str, ...], profile: Profile | None) -> tuple[Finding, ...]:
    """What speaks against an own CSR for a renewal: the names are the order's, as SCM takes no others."""
    own = frozenset((order.common_name, *order.names))
    found = []
    if others := [name for name in names if name not in own]:
        cause = f"asks for {', '.join(map(display, others[:3]))}, which the order does not have"
        found.append(Finding("csr", cause, "A renewal keeps the names: reissue it, or order anew", names=tuple(others)))
    elif names and (left_out := [name for name in (order.common_name, *order.names) if name not in names]):
        cause = f"leaves out {', '.join(map(display, dict.fromkeys(left_out[:3])))}: SCM keeps the order's names"
        found.append(Finding("csr", cause, hint=True))
    if profile is not None and profile.keys and key not in profile.keys:
        taken = ", ".join(map(str, sorted(profile.keys)))
        found.append(Finding("csr", f"{key} is not taken by {profile.name}", f"It takes: {taken}"))
    return tuple(found)


def strange_names(order: Order, request: ReissueRequest, names: tuple[str, ...]) -> tuple[Finding, ...]:
    """An own CSR for a reissue that holds other names than the order has, or is to have: what SCM would make of them
    nobody was asked."""
    own = {name.lower() for name in reissue_request(order, request).names}
    others = [name for name in names if name.lower() not in own]
    if not others:
        return ()
    cause = f"asks for {', '.join(map(display, others[:3]))}, which is no name of the order"
    return (Finding("csr", cause, "Add the name to the order as well, or make another request", names=tuple(others)),)


def reissue_findings(
    order: Order, request: ReissueRequest, facts: Facts, *, csr_key: KeySpec | None = None
) -> tuple[Finding, ...]:
    """What is known against reissuing it: the reason, the names, the profile, the key, the validation of every name."""
    asked = reissue_request(order, request)
    found = []
    try:
        entry.reason(request.reason)
    except BadInput as error:
        found.append(Finding("reason", f"{error.what}: {error.why}" if error.why else error.what, error.cure))
    form = preflight.form_findings(asked, facts.profiles, (), facts.today, csr_key=csr_key)
    found += [one for one in form if one.field in {"names", "common_name", "csr"} and not one.hint]
    profile = next((p for p in facts.profiles if p.id == order.profile_id), None)
    if facts.profiles:
        own_csr = isinstance(request.key, OwnCsr)
        of_profile = _of_profile(asked, profile, order, None if own_csr else csr_key)
        found += [one for one in of_profile if one.field != "term"]
    found += preflight.mirror_findings(asked, facts.organizations, facts.domains, facts.today, facts.profiles)
    return tuple(found)


def reissue_request(order: Order, request: ReissueRequest) -> OrderRequest:
    """The order as the reissue leaves it, as a request."""
    same = as_request(order, request.key, order.term or 0)
    return replace(same, names=request.names) if request.names else same
