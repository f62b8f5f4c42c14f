"""The filters of the SSL list (SCM REST 25.5, List SSL certificates): texts match by a part, the rest by the whole."""

import hashlib
from collections.abc import Callable, Iterable

from starlette.datastructures import QueryParams

from kmptui.sandbox.api import Call
from kmptui.sandbox.authority import SIGNATURE_ALGORITHM
from kmptui.sandbox.rules import sees
from kmptui.sandbox.state import AUTO_RENEWALS, SOURCES, STATUSES, Order
from kmptui.sandbox.wire import Refusal
from kmptui.sandbox.world import World

SIGN_ALL_LIMIT = 5_000
"""Up to so many orders, a search for a fingerprint signs what was not signed yet; above, it finds what was."""
VENDORS = {
    "DV": "Sandbox Public CA",
    "OV": "Sandbox Public CA",
    "EV": "Sandbox Public CA",
    "PRIVATE": "Sandbox Private CA",
}
_FINGERPRINTS = {"sha1Hash": hashlib.sha1, "md5Hash": hashlib.md5, "sha256Hash": hashlib.sha256}


def select(call: Call) -> list[Order]:
    """The orders that the caller may see and that every filter in the query lets through, by ascending id."""
    world = call.world
    tests = [test for name, build in _FILTERS.items() if (test := _filter(world, call.query, name, build))]
    orders = list(world.orders.values())
    if not call.admin.is_master:
        orders = [order for order in orders if sees(world, call.admin, order.org_id)]
    for test in tests:
        orders = [order for order in orders if test(order)]
    return orders


def fingerprint(der: bytes, member: str) -> str:
    """The fingerprint of *der* as SCM writes it; *member* is sha1Hash, md5Hash or sha256Hash."""
    return _FINGERPRINTS[member](der, usedforsecurity=False).hexdigest().upper()


def key_usages(algorithm: str) -> list[str]:
    """What certificates for keys of *algorithm* may be used for."""
    return ["digitalSignature", "keyEncipherment"] if algorithm == "RSA" else ["digitalSignature"]


Test = Callable[[Order], bool]


def _filter(world: World, query: QueryParams, name: str, build: Callable[[World, str], Test]) -> Test | None:
    value = query.get(name)
    return build(world, value) if value else None


def _plain(text: str) -> str:
    """Without case, blanks and underscores: SCM writes ``Not scheduled`` and takes ``NOT_SCHEDULED``."""
    return text.replace(" ", "").replace("_", "").lower()


def _text_filter(read: Callable[[World, Order], str]) -> Callable[[World, str], Test]:
    def build(world: World, value: str) -> Test:
        wanted = value.lower()
        return lambda order: wanted in read(world, order).lower()

    return build


def _same_filter(read: Callable[[World, Order], str]) -> Callable[[World, str], Test]:
    def build(world: World, value: str) -> Test:
        wanted = _plain(value)
        return lambda order: _plain(read(world, order)) == wanted

    return build


def _choice_filter(
    name: str, choices: Iterable[str], read: Callable[[World, Order], str]
) -> Callable[[World, str], Test]:
    known = {_plain(choice) for choice in choices}
    same = _same_filter(read)

    def build(world: World, value: str) -> Test:
        if _plain(value) not in known:
            raise Refusal(-1601, name)
        return same(world, value)

    return build


def _number_filter(name: str, read: Callable[[Order], int]) -> Callable[[World, str], Test]:
    def build(_world: World, value: str) -> Test:
        if not value.isdecimal():
            raise Refusal(-1601, name)
        wanted = int(value)
        return lambda order: read(order) == wanted

    return build


def _serial_filter(world: World, value: str) -> Test:
    found = world.by_serial(value)
    return lambda order: order is found


def _names_filter(_world: World, value: str) -> Test:
    wanted = value.lower()
    return lambda order: any(wanted in name for name in order.names)


def _fingerprint_filter(member: str) -> Callable[[World, str], Test]:
    def build(world: World, value: str) -> Test:
        wanted = value.replace(":", "").upper()
        every = len(world.orders) <= SIGN_ALL_LIMIT

        def test(order: Order) -> bool:
            certificate = world.current(order)
            if certificate is None:
                return False
            der = world.der(certificate) if every else world.authority.signed(certificate)
            return der is not None and fingerprint(der, member) == wanted

        return test

    return build


def _issuer(world: World, order: Order) -> str:
    return world.authority.hierarchies[world.kind(order)].issuing.name if order.issued else ""


_FILTERS: dict[str, Callable[[World, str], Test]] = {
    "orgId": _number_filter("orgId", lambda o: o.org_id),
    "sslTypeId": _number_filter("sslTypeId", lambda o: o.profile_id),
    "status": _choice_filter("status", STATUSES, lambda w, o: w.status(o)),
    "commonName": _text_filter(lambda _w, o: o.common_name),
    "subjectAlternativeName": _names_filter,
    "serialNumber": _serial_filter,
    "renewalStatus": _choice_filter("renewalStatus", AUTO_RENEWALS, lambda _w, o: o.auto_renew),
    "installStatus": _same_filter(lambda _w, o: o.auto_install),
    "discoveryStatus": _same_filter(lambda _w, _o: "NotDeployed"),
    "requestedVia": _choice_filter("requestedVia", SOURCES.values(), lambda _w, o: o.via),
    "requester": _text_filter(lambda _w, o: o.requester),
    "externalRequester": _text_filter(lambda _w, o: o.external_requester),
    "vendor": _text_filter(lambda w, o: VENDORS[w.kind(o)]),
    "issuer": _text_filter(_issuer),
    "signatureAlgorithm": _same_filter(lambda _w, _o: SIGNATURE_ALGORITHM),
    "keyAlgorithm": _same_filter(lambda _w, o: o.key_type.partition(" - ")[0]),
    "keyParam": _same_filter(lambda _w, o: o.key_type.partition(" - ")[2]),
    "keySize": _same_filter(lambda _w, o: o.key_type.partition(" - ")[2]),
    "keyUsage": _text_filter(lambda _w, o: ",".join(key_usages(o.key_type.partition(" - ")[0]))),
    "extendedKeyUsage": _text_filter(lambda _w, _o: "serverAuth"),
    "sha1Hash": _fingerprint_filter("sha1Hash"),
    "md5Hash": _fingerprint_filter("md5Hash"),
    "sha256Hash": _fingerprint_filter("sha256Hash"),
}
