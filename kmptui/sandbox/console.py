"""Control over orders: what other administrators do in SCM's console, and what the CA decides."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from starlette.datastructures import QueryParams

from kmptui.sandbox import lifecycle, orders, rules, seed
from kmptui.sandbox.api import Call
from kmptui.sandbox.clock import midnight
from kmptui.sandbox.knobs import Ask, Wrong, only
from kmptui.sandbox.state import Order
from kmptui.sandbox.wire import Refusal, serial_text, stamp
from kmptui.sandbox.world import World

_CURVE = ec.SECP256R1()
_CHANGEABLE = ("comments", "external_requester", "requester", "org_id", "profile_id", "wrong_facts")


def describe(world: World, order: Order) -> dict[str, object]:
    """An order as control tells it: more than SCM does. ``waits_for`` names what has no valid DCV."""
    return {
        "id": order.id,
        "order_number": world.order_number(order),
        "common_name": order.common_name,
        "names": list(order.names),
        "status": world.status(order),
        "organization": order.org_id,
        "profile": order.profile_id,
        "term": order.term,
        "comments": order.comments,
        "requester": order.requester,
        "external_requester": order.external_requester,
        "requested_via": order.via,
        "requested": stamp(order.requested),
        "approved": stamp(order.approved),
        "issued": stamp(order.issued),
        "expires": stamp(order.expires),
        "revoked": stamp(order.revoked),
        "renewed": order.renewed is not None,
        "renewed_by": order.renewed_by,
        "spki_sha256": hashlib.sha256(lifecycle.subject_key(world, order)).hexdigest(),
        "custom_fields": dict(order.custom_fields),
        "decision": order.decision,
        "auto_renew": order.auto_renew,
        "hold": order.hold,
        "waits_for": lifecycle.unvalidated(world, order, world.now()) if order.id in world.in_progress else [],
        "certificates": [
            {
                "serial": serial_text(certificate.serial),
                "not_before": stamp(certificate.not_before),
                "not_after": stamp(certificate.not_after),
                "revoked": stamp(certificate.revoked),
            }
            for certificate in world.certificates(order)
        ],
    }


def list_orders(ask: Ask) -> object:
    """``GET /control/orders[?name=&status=]``: exact common name, exact status; described as :func:`describe` does."""
    world = ask.world
    name, status = ask.query.get("name"), ask.query.get("status")
    found = [
        order
        for order in world.orders.values()
        if (name is None or order.common_name == name) and (status is None or world.status(order) == status)
    ]
    return [describe(world, order) for order in found]


def show_order(ask: Ask) -> object:
    """``GET /control/orders/{id}``."""
    return describe(ask.world, ask.world.order(int(ask.path["id"])))


def create_order(ask: Ask) -> object:
    """``POST /control/orders``: what enroll takes, ordered by ``as`` (m.keller) in the console.

    Without ``csr`` a P-256 key is made for ``commonName`` and returned as ``private_key`` (PEM). ``orgId``,
    ``certType``, ``term`` and the cost centre have defaults.
    """
    fields = {"orgId": 7101, "certType": 2102, "term": 199, "customFields": [{"name": "Cost Centre", "value": "CC-1"}]}
    fields |= ask.body
    extra: dict[str, object] = {}
    if "csr" not in fields:
        key = ec.generate_private_key(_CURVE)
        fields["csr"] = _csr(str(fields.get("commonName", "")), key)
        extra["private_key"] = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    call = Call(ask.world, ask.actor, {}, QueryParams(), b"")
    order = orders.new_order(call, fields, via=str(fields.get("via", "Client Admin")))
    return describe(ask.world, order) | extra


def act_on_order(ask: Ask) -> object:
    """``POST /control/orders/{id}/{action}``; who acts is ``as`` (m.keller). The answer describes the order after it.

    approve, decline ``{message}``; revoke ``{reason_code, reason}``; reissue ``{names, reason}`` and renew (with new
    keys that nobody has; renew describes the new order); expire (now, whatever a collected certificate says); hold,
    release (the CA's manual review); names ``{names}`` (the CA takes these for those that were asked for); issue (now,
    whatever it waits for); reject; invalidate; auto-renew ``{state, days}``; auto-install ``{state}``; delete (it
    vanishes); change ``{comments, requester, external_requester, org_id, profile_id, wrong_facts}``.
    """
    action = _ACTIONS.get(ask.path["action"])
    if action is None:
        raise Wrong(f"unknown action {ask.path['action']}; there are {', '.join(sorted(_ACTIONS))}")
    order = ask.world.order(int(ask.path["id"]))
    other = action(ask, order)
    if order.id not in ask.world.orders:
        return {"id": order.id, "deleted": True}
    lifecycle.settle(ask.world)
    return describe(ask.world, other or order)


def add_hostile(ask: Ask) -> object:
    """``POST /control/orders/hostile``: the rows that are odd on purpose join the inventory."""
    world = ask.world
    added = []
    for order in seed.hostile_orders(midnight(world.now())):
        order.id = world.next_order_id
        world.next_order_id += 1
        world.orders[order.id] = order
        world.note_serial(order)
        added.append(order.id)
    return {"added": added}


Action = Callable[[Ask, Order], Order | None]


def _approve(ask: Ask, order: Order) -> None:
    lifecycle.approve(ask.world, order, ask.actor, str(ask.body.get("message", "approved")))


def _decline(ask: Ask, order: Order) -> None:
    lifecycle.decline(ask.world, order, ask.actor, str(ask.body.get("message", "declined")))


def _revoke(ask: Ask, order: Order) -> None:
    code = rules.reason_code({"reasonCode": ask.body.get("reason_code", 4)})
    reason = str(ask.body.get("reason", "revoked in the console"))
    lifecycle.revoke(ask.world, order, ask.actor, reason_code=code, reason=reason)


def _reissue(ask: Ask, order: Order) -> None:
    names = [str(name).lower() for name in ask.body.get("names", order.names)]
    key = ask.world.authority.elliptic_key(f"console {order.id} {order.generation}", _CURVE)
    reason = str(ask.body.get("reason", "reissued in the console"))
    lifecycle.replace(ask.world, order, ask.actor, names=names, key_type="EC - P-256", spki=_spki(key), reason=reason)


def _renew(ask: Ask, order: Order) -> Order:
    world = ask.world
    if world.status(order) != "Issued":
        raise Refusal(-130, world.status(order))
    key = world.authority.elliptic_key(f"renewal of {order.id} {world.next_order_id}", _CURVE)
    new = lifecycle.successor(world, order, ask.actor, key_type="EC - P-256", spki=_spki(key), via="Client Admin")
    lifecycle.place(world, new, needs_approval=False)
    lifecycle.mark_renewed(world, order, new)
    return new


def _expire(ask: Ask, order: Order) -> None:
    order.expires = ask.world.now() - 1


def _hold(_ask: Ask, order: Order) -> None:
    order.hold = True


def _release(ask: Ask, order: Order) -> None:
    order.hold = False
    order.processing_since = ask.world.now()


def _rename(ask: Ask, order: Order) -> None:
    if order.id not in ask.world.in_progress:
        raise Wrong(f"order {order.id} is {ask.world.status(order)}")
    order.names = tuple(str(name).lower() for name in ask.body["names"])
    order.common_name = order.names[0]


def _issue(ask: Ask, order: Order) -> None:
    world = ask.world
    if order.id not in world.in_progress:
        raise Wrong(f"order {order.id} is {world.status(order)}")
    order.approved = order.approved or world.now()
    order.hold = False
    lifecycle.issue(world, order, world.now())


def _end_as(status: str) -> Action:
    def end(ask: Ask, order: Order) -> None:
        order.status = status
        ask.world.in_progress.discard(order.id)

    return end


def _auto_renew(ask: Ask, order: Order) -> None:
    days = ask.body.get("days")
    orders.schedule_self_renewal(
        ask.world, order, str(ask.body.get("state", "Scheduled")), None if days is None else int(days)
    )


def _auto_install(ask: Ask, order: Order) -> None:
    order.auto_install = str(ask.body.get("state", "Completed"))


def _delete(ask: Ask, order: Order) -> None:
    world = ask.world
    del world.orders[order.id]
    world.in_progress.discard(order.id)
    world.self_renewing.discard(order.id)


def _change(ask: Ask, order: Order) -> None:
    only(ask.body, "as", *_CHANGEABLE)
    for name in _CHANGEABLE:
        if name in ask.body:
            setattr(order, name, ask.body[name])


_ACTIONS: dict[str, Action] = {
    "approve": _approve,
    "decline": _decline,
    "revoke": _revoke,
    "reissue": _reissue,
    "renew": _renew,
    "expire": _expire,
    "hold": _hold,
    "release": _release,
    "issue": _issue,
    "names": _rename,
    "reject": _end_as("Rejected"),
    "invalidate": _end_as("Invalid"),
    "auto-renew": _auto_renew,
    "auto-install": _auto_install,
    "delete": _delete,
    "change": _change,
}


def _csr(common_name: str, key: ec.EllipticCurvePrivateKey) -> str:
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name)])
    request = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    return request.public_bytes(Encoding.PEM).decode()


def _spki(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
