"""The life of an order: who may move it from which state to which, and what the passing of time does to it.

Requested → Approved → Applied → Issued; Requested → Declined; Issued → Revoked; Issued → Applied → Issued on a reissue.
"""

from collections.abc import Sequence

from kmptui.sandbox.clock import DAY, midnight
from kmptui.sandbox.state import PENDING, PROCESSED, Admin, Certificate, DcvOrder, Domain, Order
from kmptui.sandbox.wire import Refusal
from kmptui.sandbox.world import World

APPLIED_AT = 0.25
"""The part of the issue delay after which an approved order is with the CA."""


def place(world: World, order: Order, *, needs_approval: bool) -> Order:
    """Enter a new order: it waits for approval, or goes on to the CA at once."""
    order.id = world.next_order_id
    world.next_order_id += 1
    world.orders[order.id] = order
    world.created.append(order.id)
    world.counters.orders_created += 1
    world.log(order.requester, "SSL: request", order, f"SSL certificate requested: {order.common_name}", order.via)
    if not needs_approval:
        _approve(world, order, order.requester_id)
    world.in_progress.add(order.id)
    return order


def approve(world: World, order: Order, admin: Admin, message: str) -> None:
    """Refusals: -1112 where it does not wait for approval, -1140 for one's own EV request."""
    if order.status not in {"Requested", "SAApproved"}:
        raise Refusal(-1112, world.status(order))
    if world.kind(order) == "EV" and order.requester_id == admin.id:
        raise Refusal(-1140)
    order.decision = message
    _approve(world, order, admin.id)
    world.log(admin.login, "SSL: approve", order, message)


def decline(world: World, order: Order, admin: Admin, message: str) -> None:
    """Refusal -1113 where it does not wait for approval: SCM knows no other cancel."""
    if order.status not in {"Requested", "SAApproved"}:
        raise Refusal(-1113, order.common_name, world.status(order))
    order.status = "Declined"
    order.declined = world.now()
    order.decision = message
    world.in_progress.discard(order.id)
    world.log(admin.login, "SSL: decline", order, message)


def replace(
    world: World, order: Order, admin: Admin, *, names: Sequence[str], key_type: str, spki: bytes, reason: str
) -> None:
    """Reissue under the same id. Refusals: -130 where it is not Issued, -1148 where SCM installed it by itself."""
    if world.status(order) != "Issued":
        raise Refusal(-130, world.status(order))
    if order.auto_install != "Not configured":
        raise Refusal(-1148)
    order.previous = (*order.previous, *world.newest(order))
    order.generation += 1
    order.common_name = names[0]
    order.names = tuple(names)
    order.key_type = key_type
    order.spki = spki
    order.status = "Applied"
    order.replaced = world.now()
    order.replace_reason = reason
    order.processing_since = world.now()
    world.in_progress.add(order.id)
    world.log(admin.login, "SSL: replace", order, reason)


def mark_renewed(world: World, old: Order, new: Order | None) -> None:
    old.renewed = world.now()
    old.renewed_by = new.id if new is not None else None


def revoke(world: World, order: Order, admin: Admin, *, reason_code: int | None, reason: str) -> None:
    """Revoke every live certificate of *order*. Refusals: -159 where it is revoked, -102 where it is not Issued."""
    _revoke_newest(world, order, reason_code)
    for certificate in order.previous:
        _mark_revoked(certificate, world.now(), reason_code)
    world.log(admin.login, "SSL: revoke", order, reason)


def revoke_certificate(
    world: World, order: Order, serial: int, admin: Admin, *, reason_code: int | None, reason: str
) -> None:
    """Revoke one certificate of *order*; the order is Revoked only with its newest. Refusals as :func:`revoke`."""
    replaced = next((c for c in order.previous if c.serial == serial), None)
    if replaced is None:
        _revoke_newest(world, order, reason_code)
    elif replaced.revoked is not None:
        raise Refusal(-159)
    else:
        _mark_revoked(replaced, world.now(), reason_code)
        world.crl_version += 1
    world.log(admin.login, "SSL: revoke", order, reason)


def revocations(world: World, kinds: frozenset[str]) -> list[tuple[int, float, int | None]]:
    """Serial, time and reason of every revoked certificate of these *kinds*, for the CRL, once the CA lists it."""
    found = []
    until = world.now() - world.settings.crl_after
    for order in world.orders.values():
        if order.marked_revoked:
            continue
        if (order.revoked is not None or order.previous) and world.kind(order) in kinds:
            for certificate in world.certificates(order):
                if certificate.revoked is not None and certificate.revoked <= until:
                    found.append((certificate.serial, certificate.revoked, certificate.reason_code))
    return found


def settle(world: World) -> None:
    """Bring every order and domain to where the clock says it should be."""
    now = world.now()
    for domain in world.domains.values():
        if domain.order is not None:
            _settle_domain(world, domain, domain.order, now)
    for ssl_id in sorted(world.in_progress):
        _settle_order(world, world.orders[ssl_id], now)
    for ssl_id in sorted(world.self_renewing):
        _renew_by_itself(world, world.orders[ssl_id], now)


def unvalidated(world: World, order: Order, moment: float) -> list[str]:
    """The names of *order* whose domains are not validated at *moment*; none for private CAs, which ask for no DCV."""
    if world.kind(order) == "PRIVATE":
        return []
    return [name for name in order.names if not covered(world.domain_for(name), name, moment)]


def covered(domain: Domain | None, name: str, moment: float) -> bool:
    """Whether *domain*'s validation covers *name*: HTTP(S) proves the exact name only (BR 3.2.2.4.18)."""
    if domain is None or domain.expires is None or domain.expires <= moment:
        return False
    return domain.method not in {"HTTP_CSR_HASH", "HTTPS_CSR_HASH"} or domain.name == name


def successor(world: World, old: Order, admin: Admin, *, key_type: str, spki: bytes | None, via: str) -> Order:
    """The order that a renewal of *old* makes: its names, fields and comments, and the term that is offered now."""
    profile = world.profiles[old.profile_id]
    return Order(
        id=0,
        org_id=old.org_id,
        profile_id=old.profile_id,
        common_name=old.common_name,
        names=old.names,
        term=old.term if old.term in profile.terms else max(profile.terms),
        key_type=key_type,
        spki=spki,
        status="Requested",
        requested=world.now(),
        requester=admin.full_name,
        requester_id=admin.id,
        via=via,
        comments=old.comments,
        external_requester=old.external_requester,
        custom_fields=old.custom_fields,
    )


def subject_key(world: World, order: Order) -> bytes:
    """The public key of *order*: its CSR's, or the one that follows from the seed."""
    return order.spki or world.authority.subject_key(order.id, order.key_type)


def needs_approval(world: World, order: Order, admin: Admin) -> bool:
    profile = world.profiles[order.profile_id]
    required = profile.approval or world.organizations[order.org_id].approval
    return required and (profile.kind == "EV" or "autoApproveCertificates" not in admin.privileges)


def _approve(world: World, order: Order, approver_id: int) -> None:
    order.status = "Approved"
    order.approved = world.now()
    order.approver_id = approver_id
    order.processing_since = world.now()


def _settle_order(world: World, order: Order, now: float) -> None:
    if order.status not in PROCESSED or order.processing_since is None:
        if order.status not in PENDING:
            world.in_progress.discard(order.id)
        return
    delay = world.settings.issue_after
    if order.status == "Approved" and now >= order.processing_since + delay * APPLIED_AT:
        order.status = "Applied"
    ready = order.processing_since + delay
    if order.status == "Applied" and not order.hold and now >= ready and not unvalidated(world, order, now):
        issue(world, order, _since_validated(world, order, ready))


def _since_validated(world: World, order: Order, ready: float) -> float:
    """When the CA could issue: after its delay, and not before the last of the domains was validated."""
    if world.kind(order) == "PRIVATE" or world.settings.prevalidation:
        return ready
    moments = [d.validated for n in order.names if (d := world.domain_for(n)) is not None and d.validated is not None]
    return max([ready, *moments])


def issue(world: World, order: Order, moment: float) -> None:
    """The CA issues: a first certificate lives for its term, a reissued one as long as the one it replaces."""
    if order.previous:
        order.replaced = moment
    else:
        order.issued = moment
        order.expires = midnight(moment) + (world.longest_validity(order, moment) + 1) * DAY - 1
    order.status = "Issued"
    order.processing_since = None
    world.in_progress.discard(order.id)
    world.note_serial(order)
    world.log("SYSTEM", "SSL: issued", order, f"SSL certificate issued: {order.common_name}", "System")
    source = next((o for o in world.self_renewing if world.orders[o].renewed_by == order.id), None)
    if source is not None:
        world.orders[source].auto_renew = "Successful"
        world.self_renewing.discard(source)


def _settle_domain(world: World, domain: Domain, order: DcvOrder, now: float) -> None:
    if order.status != "SUBMITTED" or order.submitted is None:
        return
    ready = order.submitted + world.settings.issue_after
    order.last_check, order.next_check = now, now + 3600
    if domain.published and now >= ready:
        finish_dcv(world, domain, order.mode, ready)


def finish_dcv(world: World, domain: Domain, mode: str, moment: float) -> None:
    """The CA has seen the record: the domain is validated from *moment* on, for as long as the rules allow."""
    domain.validated = moment
    domain.expires = midnight(moment) + world.dcv_reuse(moment)
    domain.method = METHODS[mode]
    domain.order = None
    world.log("SYSTEM", "DCV: validated", None, f"Domain validated: {domain.name}", "System")


METHODS = {
    "CNAME": "CNAME_CSR_HASH",
    "TXT": "DNSTXT_RANDOM_VALUE",
    "HTTP": "HTTP_CSR_HASH",
    "HTTPS": "HTTPS_CSR_HASH",
    "EMAIL": "EMAIL",
}


def _renew_by_itself(world: World, old: Order, now: float) -> None:
    """SCM's own auto-renewal: with the old key, when so many days are left."""
    if old.auto_renew != "Scheduled" or old.expires is None or old.auto_renew_days is None:
        return
    if world.status(old) != "Issued" or now < old.expires - old.auto_renew_days * DAY:
        return
    profile = world.profiles.get(old.profile_id)
    if old.renewed is not None or profile is None or profile.gone or unvalidated(world, old, now):
        old.auto_renew = "Failed"
        world.self_renewing.discard(old.id)
        return
    admin = world.admin_by_id(old.requester_id) or next(iter(world.admins.values()))
    new = successor(world, old, admin, key_type=old.key_type, spki=subject_key(world, old), via="Client Admin")
    place(world, new, needs_approval=False)
    mark_renewed(world, old, new)
    old.auto_renew = "Started"


def _revoke_newest(world: World, order: Order, reason_code: int | None) -> None:
    if order.status == "Revoked":
        raise Refusal(-159)
    if world.status(order) != "Issued":
        raise Refusal(-102)
    order.status = "Revoked"
    order.revoked = world.now()
    order.reason_code = reason_code
    world.crl_version += 1


def _mark_revoked(certificate: Certificate, moment: float, reason_code: int | None) -> None:
    if certificate.revoked is None:
        certificate.revoked = moment
        certificate.reason_code = reason_code
