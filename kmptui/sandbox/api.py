"""The way into the API: credentials, the body, the passing of time, and refusals turned into answers."""

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import Headers, QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kmptui.sandbox.lifecycle import settle
from kmptui.sandbox.state import Admin
from kmptui.sandbox.wire import Refusal, read_object
from kmptui.sandbox.world import World

PASSWORD_PATH = "/admin/v1/password"  # noqa: S105 -- a path, no secret


@dataclass(frozen=True)
class Call:
    """One authenticated request: who asks, for what, with which body."""

    world: World
    admin: Admin
    path: dict[str, Any]
    query: QueryParams
    body: bytes

    def object(self) -> dict[str, Any]:
        """The body as a JSON object. Refusal -1002 without one."""
        return read_object(self.body)


Handler = Callable[[Call], Response]


def route(path: str, handler: Handler, *methods: str) -> Route:
    """A route below /api that only administrators of the customer reach."""

    async def endpoint(request: Request) -> Response:
        world: World = request.app.state.sandbox.world
        body = await request.body()
        try:
            settle(world)
            admin = authenticate(world, request.headers, request.url.path)
            return handler(Call(world, admin, request.path_params, request.query_params, body))
        except Refusal as refusal:
            return refusal.response()

    return Route(f"/api{path}", endpoint, methods=list(methods or ("GET",)))


def authenticate(world: World, headers: Headers, path: str) -> Admin:
    """The administrator whose headers these are (SCM REST 25.5, Authentication).

    Refusals (401): -970 for missing headers, another customer, a locked account or an expired password, -16 for a login
    that is unknown or a password that is wrong. An expired password still opens the call that tells so.
    """
    login, password, customer = (headers.get(name, "") for name in ("login", "password", "customerUri"))
    if not login or not password or customer != world.customer_uri:
        raise Refusal(-970, status=401)
    admin = world.admins.get(login)
    if admin is None or not admin.active:
        raise Refusal(-16, status=401)
    if admin.locked:
        raise Refusal(-970, status=401, text="Incorrect login credentials. The account is locked.")
    if not hmac.compare_digest(password.encode(), admin.password.encode()):
        world.counters.wrong_passwords += 1
        admin.wrong_passwords += 1
        admin.locked = 0 < world.settings.lock_after <= admin.wrong_passwords
        raise Refusal(-16, status=401)
    admin.wrong_passwords = 0
    expired = admin.password_expires is not None and admin.password_expires <= world.now()
    if expired and not path.endswith(PASSWORD_PATH):
        raise Refusal(-970, status=401, text="Incorrect login credentials. The password has expired.")
    return admin


async def no_such_resource(request: Request, _exc: Exception) -> Response:
    """Whatever SCM does not serve, and the older /private/api, as SCM words it."""
    return Refusal(-1, status=404, text=f"No resource {request.method} {request.url.path}").response()


async def wrong_method(request: Request, _exc: Exception) -> Response:
    return Refusal(-1, status=405, text=f"Method {request.method} is not supported by {request.url.path}").response()
