"""One sandbox as an application: the API, what the CA publishes, and control, over one world that can be made anew."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from kmptui.sandbox import administration, admins, company, control, dcv, domains, orders, reports, seed, ssl
from kmptui.sandbox.api import no_such_resource, wrong_method
from kmptui.sandbox.authority import Authority
from kmptui.sandbox.clock import DAY, Clock, midnight
from kmptui.sandbox.faults import Faults
from kmptui.sandbox.gate import Gate, Observer, Traffic
from kmptui.sandbox.lifecycle import revocations, settle
from kmptui.sandbox.world import Settings, World

_KINDS = {"issuing": frozenset({"DV", "OV", "EV"}), "private-issuing": frozenset({"PRIVATE"})}


@dataclass(frozen=True)
class SandboxConfig:
    """How a sandbox starts. Times are seconds of its own clock, ``latency_ms`` and ``port`` (0: any free one) real.

    ``now`` is where its clock starts (None: the present), and ``frozen`` keeps it there. ``password_days`` is how long
    ops-api's password lasts (None: for ever); ``passwords`` sets those of single administrators, the others follow from
    the seed. ``hostile`` adds orders that are odd on purpose. ``observer`` is called with every exchange outside
    /control, in the server's thread.
    """

    host: str = "127.0.0.1"
    port: int = 0
    tls: bool = False
    certificates: int = 300
    issue_after: float = 2.0
    latency_ms: float = 0.0
    seed: int = 1
    now: datetime | None = None
    frozen: bool = False
    hostile: bool = False
    customer_uri: str = "sandbox"
    passwords: dict[str, str] = field(default_factory=dict)
    password_days: float | None = 80.0
    observer: Observer | None = None


class Sandbox:
    """The state behind the listeners. *address* is the plain-HTTP origin that certificates point to."""

    def __init__(self, config: SandboxConfig, address: str) -> None:
        self.config = config
        self.address = address
        self.faults = Faults()
        self.traffic = Traffic()
        self.world = self._new_world()
        self._crls: dict[str, tuple[tuple[int, int, int], bytes]] = {}

    def reset(self) -> None:
        """Begin again, as after a start: records, counters, settings, clock, faults and log."""
        self.faults.armed.clear()
        self.traffic.lines.clear()
        self.world = self._new_world()
        self._crls.clear()

    def asgi(self, abort: Callable[[Any], None], *, api: bool, public: bool) -> Gate:
        """The application for one listener: the API, or what is public (CRLs, CA certificates, control), or both."""
        routes: list[BaseRoute] = []
        if api:
            routes += api_routes()
        if public:
            routes += [
                Route("/crl/{slug}.crl", self._crl),
                Route("/aia/{slug}.cer", self._aia),
                *control.routes(self),
            ]
        app = Starlette(routes=routes, exception_handlers={404: no_such_resource, 405: wrong_method})
        app.router.redirect_slashes = False
        app.state.sandbox = self
        return Gate(
            app,
            world=lambda: self.world,
            faults=self.faults,
            traffic=self.traffic,
            abort=abort,
            observer=self.config.observer,
        )

    def _new_world(self) -> World:
        config = self.config
        clock = Clock(config.now)
        clock.freeze(config.frozen)
        world = World(
            seed=config.seed,
            clock=clock,
            authority=Authority(config.seed, self.address),
            customer_uri=config.customer_uri,
            settings=Settings(issue_after=config.issue_after, latency_ms=config.latency_ms),
        )
        company.found(world, midnight(clock.now()), config.passwords)
        days = config.password_days
        expires = None if days is None else midnight(clock.now()) + days * DAY
        world.admins[company.MASTER].password_expires = expires
        seed.populate(world, config.certificates, hostile=config.hostile)
        return world

    async def _crl(self, request: Request) -> Response:
        slug = request.path_params["slug"]
        if slug not in self.world.authority.issuers:
            return await no_such_resource(request, LookupError(slug))
        settle(self.world)
        # a CA that is late takes its revocations in one by one: its list may change at any second
        made = int(self.world.now() // (1 if self.world.settings.crl_after else 3600))
        version = (self.world.crl_version, len(self.world.orders), made)
        known = self._crls.get(slug)
        if known is None or known[0] != version:
            revoked = revocations(self.world, _KINDS[slug]) if slug in _KINDS else []
            known = (version, self.world.authority.crl(slug, revoked, self.world.now()))
            self._crls[slug] = known
        return Response(known[1], media_type="application/pkix-crl")

    async def _aia(self, request: Request) -> Response:
        issuer = self.world.authority.issuers.get(request.path_params["slug"])
        if issuer is None:
            return await no_such_resource(request, LookupError())
        return Response(issuer.certificate.public_bytes(Encoding.DER), media_type="application/pkix-cert")


def api_routes() -> list[BaseRoute]:
    """All routes of the API, the fixed paths before those with an id."""
    routes: list[BaseRoute] = []
    for version in ("v1", "v2"):
        routes += orders.routes(version) + ssl.routes(version)
    return [
        *routes,
        *dcv.routes(1),
        *dcv.routes(2),
        *domains.routes(),
        *administration.routes(),
        *admins.routes(),
        *reports.routes(),
    ]
