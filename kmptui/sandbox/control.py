"""Control: the hand behind the scenes. JSON under ``/control``, without credentials, for loopback only.

Here the clock is moved, other administrators decide, validations end, and faults are armed. Every call answers JSON;
what is wrong with a request is 400 ``{"error": …}``.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from kmptui.sandbox import console, customer, lifecycle
from kmptui.sandbox.clock import moment
from kmptui.sandbox.faults import Fault
from kmptui.sandbox.knobs import Ask, Knob, Wrong, only
from kmptui.sandbox.wire import Refusal, json_response, stamp
from kmptui.sandbox.world import Counters, Settings

if TYPE_CHECKING:
    from kmptui.sandbox.app import Sandbox


def routes(sandbox: Sandbox) -> list[BaseRoute]:
    """All control routes, bound to *sandbox*."""
    table: list[tuple[str, str, Knob]] = [
        ("GET", "/state", show_state),
        ("GET", "/requests", show_requests),
        ("POST", "/reset", reset),
        ("GET", "/clock", show_clock),
        ("POST", "/clock", set_clock),
        ("GET", "/settings", show_settings),
        ("POST", "/settings", change_settings),
        ("GET", "/faults", show_faults),
        ("POST", "/faults", arm_fault),
        ("DELETE", "/faults", clear_faults),
        ("GET", "/orders", console.list_orders),
        ("POST", "/orders", console.create_order),
        ("POST", "/orders/hostile", console.add_hostile),
        ("GET", "/orders/{id}", console.show_order),
        ("POST", "/orders/{id}/{action}", console.act_on_order),
        ("GET", "/domains", customer.list_domains),
        ("POST", "/domains/{name}", customer.change_domain),
        ("POST", "/organizations/{id}", customer.change_organization),
        ("GET", "/admins", customer.list_admins),
        ("POST", "/admins/{login}", customer.change_admin),
        ("GET", "/profiles", customer.list_profiles),
        ("POST", "/profiles/{id}", customer.change_profile),
    ]
    return [Route(f"/control{path}", _endpoint(sandbox, knob), methods=[verb]) for verb, path, knob in table]


def _endpoint(sandbox: Sandbox, knob: Knob) -> Callable[[Request], Any]:
    async def endpoint(request: Request) -> Response:
        if request.client is None or not ipaddress.ip_address(request.client.host).is_loopback:
            return json_response({"error": "control is for loopback only"}, status=403)
        raw = await request.body()
        try:
            body = json.loads(raw) if raw.strip() else {}
            if not isinstance(body, dict):
                raise Wrong("the body must be a JSON object")
            lifecycle.settle(sandbox.world)
            answer = knob(Ask(sandbox, request.path_params, request.query_params, body))
            lifecycle.settle(sandbox.world)
        except Refusal as refusal:
            return json_response({"error": refusal.description, "code": refusal.code}, status=400)
        except (Wrong, ValueError, TypeError, LookupError) as error:
            return json_response({"error": f"{error}"}, status=400)
        return json_response(answer)

    return endpoint


def show_state(ask: Ask) -> object:
    """``GET /control/state``: clock, settings, counters, and the orders created since the start."""
    world = ask.world
    return {
        "now": stamp(world.now()),
        "seed": world.seed,
        "settings": msgspec.to_builtins(world.settings),
        "orders_total": len(world.orders),
        **msgspec.to_builtins(world.counters),
        "wrong_passwords_by_login": {a.login: a.wrong_passwords for a in world.admins.values() if a.wrong_passwords},
        "locked": [admin.login for admin in world.admins.values() if admin.locked],
        "created": [console.describe(world, world.orders[i]) for i in world.created if i in world.orders],
        "faults": len(ask.sandbox.faults.armed),
    }


def show_requests(ask: Ask) -> object:
    """``GET /control/requests[?since=N]``: the log, from the line after number N."""
    since = int(ask.query.get("since", "0"))
    return [line for line in ask.sandbox.traffic.lines if line["number"] > since]


def reset(ask: Ask) -> object:
    """``POST /control/reset`` ``{"what": "all" | "counters"}``: all as at the start, or counters and log alone."""
    only(ask.body, "what")
    what = ask.body.get("what", "all")
    if what == "all":
        ask.sandbox.reset()
    elif what == "counters":
        ask.world.counters = Counters()
        ask.world.created.clear()
        ask.sandbox.traffic.lines.clear()
    else:
        raise Wrong(f"unknown: {what}; there are all, counters")
    return {"now": stamp(ask.world.now())}


def show_clock(ask: Ask) -> object:
    """``GET /control/clock``: ``{now, seconds, frozen}``."""
    clock = ask.world.clock
    return {"now": stamp(clock.now()), "seconds": clock.now(), "frozen": clock.frozen}


def set_clock(ask: Ask) -> object:
    """``POST /control/clock`` ``{"set": ISO}``, ``{"advance": seconds}``, ``{"freeze": bool}``, alone or together."""
    only(ask.body, "set", "advance", "freeze")
    clock = ask.world.clock
    if "freeze" in ask.body:
        clock.freeze(bool(ask.body["freeze"]))
    if "set" in ask.body:
        clock.set(moment(ask.body["set"]))
    if "advance" in ask.body:
        clock.advance(float(ask.body["advance"]))
    return show_clock(ask)


def show_settings(ask: Ask) -> object:
    """``GET /control/settings``."""
    return msgspec.to_builtins(ask.world.settings)


def change_settings(ask: Ask) -> object:
    """``POST /control/settings``: issue_after, latency_ms, prevalidation, keep_old, crl_after, lock_after, chain.

    ``crl_after``: seconds after a revocation until the CRL lists it; ``keep_old``: seconds after a reissue for which
    collect hands out the old certificate (null: never); ``chain``: any of ``{"root": bool, "cross": bool, "crlf":
    bool}``.
    """
    present = msgspec.to_builtins(ask.world.settings)
    only(ask.body, *present)
    chain = ask.body.get("chain", {})
    only(chain, *present["chain"])
    ask.world.settings = msgspec.convert(present | ask.body | {"chain": present["chain"] | chain}, Settings)
    return show_settings(ask)


def show_faults(ask: Ask) -> object:
    """``GET /control/faults``: what is still armed."""
    return [msgspec.to_builtins(fault) for fault in ask.sandbox.faults.armed]


def arm_fault(ask: Ask) -> object:
    """``POST /control/faults``: one :class:`~kmptui.sandbox.faults.Fault`, or ``{"faults": [...]}``."""
    for item in ask.body.get("faults", [ask.body]):
        only(item, *Fault.__struct_fields__)
        ask.sandbox.faults.arm(msgspec.convert(item, Fault))
    return show_faults(ask)


def clear_faults(ask: Ask) -> object:
    """``DELETE /control/faults``."""
    ask.sandbox.faults.armed.clear()
    return []
