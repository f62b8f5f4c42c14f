"""Whatever becomes of an answer, every call ends in a typed error or in its value; what changes something is sent once;
the credentials go nowhere else; and the engine makes of it one order for each intent."""

from __future__ import annotations

import asyncio
import json
import os
import random
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx

from kmptui.config import Paths
from kmptui.domain.clock import SystemClock
from kmptui.domain.keys import KeySpec
from kmptui.domain.order import Ledger
from kmptui.errors import KmptuiError
from kmptui.pki import csr, keypair
from kmptui.sandbox.server import SandboxConfig, SandboxServer, running
from kmptui.scm import transport
from kmptui.scm.client import Credentials, Enrolment, ScmClient, Update
from kmptui.store import account, keys
from kmptui.store.ledger.proof import contradiction
from tests.reliability.tally import Tally
from tests.services.rig import Rig, opened, request

OV, CORPORATION = 2102, 7101
COST = (("Cost Centre", "CC-1"),)
SILENCE = 0.15
"""Seconds that the client waits for a byte here; in the field it is a minute."""
READS_AT_MOST = 4
WRONG_LOGIN = -16

Fault = dict[str, Any]
Call = Callable[[ScmClient], Awaitable[object]]


async def prove(tally: Tally, number: int, folder: Path) -> None:
    draw = random.Random(tally.seed)
    with elsewhere() as (other, visits), quick(), running(SandboxConfig(certificates=40, issue_after=0)) as sandbox:
        await calls(tally, draw, 60 * number, sandbox, other)
        await orders(tally, draw, max(6, number), sandbox, Paths(folder / "home"), other)
        tally.require(not visits, f"another host was asked: {visits[:3]}")
        tally.count("requests to another host", len(visits))


@contextmanager
def quick() -> Iterator[None]:
    """The client's patience, cut short."""
    former = transport.READ_SECONDS
    transport.READ_SECONDS = SILENCE
    try:
        yield
    finally:
        transport.READ_SECONDS = former


@contextmanager
def elsewhere() -> Iterator[tuple[str, list[str]]]:
    """Another host, to which a redirect leads: its address, and what it was asked."""
    visits: list[str] = []

    class Visited(BaseHTTPRequestHandler):
        def _note(self) -> None:
            visits.append(
                f"{self.command} {self.path} {'with' if self.headers.get('password') else 'without'} password"
            )
            self.send_response(200)
            self.end_headers()

        do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = _note

        def log_message(self, *_: object) -> None:
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Visited)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/elsewhere", visits
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Counting(httpx.AsyncHTTPTransport):
    """Counts what leaves."""

    def __init__(self) -> None:
        super().__init__(trust_env=False)
        self.sent: Counter[str] = Counter()

    async def handle_async_request(self, asked: httpx.Request) -> httpx.Response:
        self.sent[f"{asked.method} {asked.url.path}"] += 1
        return await super().handle_async_request(asked)


async def calls(tally: Tally, draw: random.Random, number: int, sandbox: SandboxServer, other: str) -> None:
    """Each call of the client meets each fault."""
    network = Counting()
    login = Credentials(sandbox.base_url, sandbox.login, sandbox.password, sandbox.customer_uri)
    async with ScmClient(login, clock=SystemClock(), sandbox=True, transport=network, pause=_no_pause) as client:
        await client.prove()
        asked = everything(sandbox)
        for at in range(number):
            name, changes, match, call = asked[at % len(asked)]
            fault = drawn(draw, other)
            case = f"call {at}, {name} with {told(fault)}"
            if fault["kind"] != "none":
                await asyncio.to_thread(sandbox.control, "faults", {"match": match, "count": -1, **fault})
            network.sent.clear()
            try:
                await call(client)
            except KmptuiError as error:
                tally.count("typed errors")
                tally.require(str(error).strip() and "Traceback" not in str(error), f"{case}: says {error}")
            except Exception as error:  # noqa: BLE001 - what must not come
                tally.require(False, f"{case}: {type(error).__name__}: {error}")
            else:
                tally.count("values")
            if fault["kind"] != "none":
                await asyncio.to_thread(sandbox.control, "faults", None, method="DELETE")
            sent = {line: count for line, count in network.sent.items() if changes and not line.startswith("GET")}
            tally.require(all(count == 1 for count in sent.values()), f"{case}: sent more than once, {sent}")
            most = max(network.sent.values(), default=0)
            tally.require(most <= READS_AT_MOST, f"{case}: asked {most} times")
            tally.count("exchanges", sum(network.sent.values()))


async def _no_pause(_: float) -> None:
    await asyncio.sleep(0)


def everything(sandbox: SandboxServer) -> list[tuple[str, bool, str, Call]]:
    """Name, whether it changes something, what its request line begins with, and the call."""
    issued = sandbox.control("orders?status=Issued")
    one, two, three, four = (order["id"] for order in issued[:4])
    waiting = (sandbox.control("orders?status=Requested") or issued)[0]["id"]
    private = keypair.generate(KeySpec("EC", "P-256"))
    pem = csr.build(private, ("lost.example.com",))
    asked = Enrolment(CORPORATION, pem, ("lost.example.com",), OV, 199, custom_fields=COST)

    async def report(client: ScmClient) -> object:
        return [row async for rows in client.report() for row in rows]

    return [
        ("prove", False, "GET /ssl/v1", lambda c: c.prove()),
        ("organizations", False, "GET /organization/v1", lambda c: c.organizations()),
        ("organization", False, "GET /organization/v1", lambda c: c.organization(CORPORATION)),
        ("validations", False, "GET /organization/v2", lambda c: c.validations(CORPORATION)),
        ("profiles", False, "GET /ssl/v1/types", lambda c: c.profiles()),
        ("custom fields", False, "GET /customField", lambda c: c.custom_fields()),
        ("domains", False, "(GET|POST) /(domain|report)", lambda c: c.domains()),
        ("domain", False, "GET /domain", lambda c: c.domain(1)),
        ("count", False, "HEAD /ssl/v1", lambda c: c.count()),
        ("list", False, "GET /ssl/v1", lambda c: c.list_orders()),
        ("details", False, "GET /ssl/v1", lambda c: c.details(one)),
        ("report", False, "POST /report", report),
        ("collect", False, "GET /ssl/v1/collect", lambda c: c.collect(one)),
        ("is mrao", False, "GET /admin", lambda c: c.is_mrao()),
        ("password state", False, "GET /admin", lambda c: c.password_state()),
        ("dcv status", False, "POST /dcv", lambda c: c.dcv_status("example.com")),
        ("dcv list", False, "GET /dcv", lambda c: c.dcv_list(expires_in=60)),
        ("order dcv", False, "GET /ssl/v1", lambda c: c.order_dcv(waiting)),
        ("enroll", True, "POST /ssl/v1/enroll", lambda c: c.enroll(asked)),
        ("renew", True, "POST /ssl/v1/renewById", lambda c: c.renew(one, pem)),
        ("replace", True, "POST /ssl/v1/replace", lambda c: c.replace(two, pem, "lost")),
        ("revoke", True, "POST /ssl/v1/revoke", lambda c: c.revoke(three, 4, "lost")),
        ("revoke serial", True, "POST /ssl/v1/revoke", lambda c: c.revoke_serial("4A11", 4, "lost")),
        ("approve", True, "POST /ssl/v1/approve", lambda c: c.approve(waiting, "lost")),
        ("decline", True, "POST /ssl/v1/decline", lambda c: c.decline(four, "lost")),
        ("update", True, "PUT /ssl/v1", lambda c: c.update(Update(waiting, comments="lost"))),
        ("dcv start", True, "POST /dcv", lambda c: c.dcv_start("example.com", "cname")),
        ("dcv submit", True, "POST /dcv", lambda c: c.dcv_submit("example.com", "cname")),
        ("dcv sync", True, "POST /dcv", lambda c: c.dcv_sync("example.com")),
        ("dcv recheck", True, "POST /ssl/v1", lambda c: c.order_dcv_recheck(waiting)),
    ]  # fmt: skip


def drawn(draw: random.Random, other: str) -> Fault:
    """One fault; what takes long or much comes seldom."""
    status = draw.choice((400, 401, 403, 404, 408, 409, 429, 500, 502, 503, 504))
    text = draw.choice(
        ({}, {"code": draw.choice((-1, WRONG_LOGIN, -14, -103, -105, -159, -1400, 17, 10**30)), "description": "?"})
    )
    usual: list[Fault] = [
        {"kind": "drop-before"},
        {"kind": "drop-after"},
        {"kind": "status", "status": status, "body": text, "act": draw.random() < 0.5 and not _is_no(status, text)},
        {"kind": "status", "status": 503, "headers": {"retry-after": draw.choice(("1", "x", "-5", "9" * 40))}},
        {"kind": "redirect", "status": draw.choice((301, 302, 303, 307, 308)), "headers": {"location": other}},
        {"kind": "html", "status": draw.choice((200, 403, 502)), "act": draw.random() < 0.5},
        {"kind": "empty", "status": draw.choice((200, 204, 500)), "act": draw.random() < 0.5},
        {"kind": "truncate", "size": draw.choice((0, 1, 17, 200))},
        {"kind": "garbage-types"},
        {"kind": "status", "status": 200, "body": oddity(draw), "act": draw.random() < 0.5},
        {"kind": "none"},
    ]
    if draw.random() < 0.02:
        return draw.choice(
            (
                {"kind": "delay", "delay": SILENCE * 3},
                {"kind": "slow-drip", "delay": 0.0002},
                {"kind": "huge", "size": 100 * 1024 * 1024},
                {"kind": "bomb", "size": 256 * 1024 * 1024},
            )
        )
    return draw.choice(usual)


def _is_no(status: int, body: Fault) -> bool:
    """SCM's own and clear No, of the codes that are drawn: it does not say so and act."""
    return 400 <= status < 500 and status not in {408, 429} and body.get("code") == WRONG_LOGIN


def told(fault: Fault) -> str:
    return ", ".join(f"{name} {str(value)[:80]}" for name, value in fault.items())


def oddity(draw: random.Random, depth: int = 0) -> Any:
    """JSON of any shape, with the members that SCM's answers have."""
    kinds = 5 if depth > 3 else 7
    kind = draw.randrange(kinds)
    if kind == 0:
        return draw.choice((None, True, False, 0, -1, 2**63, 1e308, 10**25))
    if kind <= 2:
        return draw.choice(
            ("", "x", "12/31/9999", "2026-02-30", "\u202e\x1b[2J", "a" * 3_000, "-----BEGIN CERTIFICATE-----")
        )
    if kind <= 4:
        return draw.randrange(-(10**6), 10**6)
    if kind == 5:
        return [oddity(draw, depth + 1) for _ in range(draw.randrange(4))]
    return {draw.choice(MEMBERS): oddity(draw, depth + 1) for _ in range(draw.randrange(7))}


def _members() -> tuple[str, ...]:
    """Names of members out of the vendor's document, where it is there."""
    known = {"sslId", "id", "name", "status", "commonName", "code", "description", "reports", "statusCode", "expires"}
    document = os.environ.get("KMPTUI_SCM_OPENAPI")
    if document:
        schemas = json.loads(Path(document).read_text()).get("components", {}).get("schemas", {})
        for schema in schemas.values():
            known.update(schema.get("properties", {}))
    return tuple(sorted(known))


MEMBERS = _members()


async def orders(
    tally: Tally, draw: random.Random, number: int, sandbox: SandboxServer, paths: Paths, other: str
) -> None:
    """Orders whose answers are lost in every way: looked for, taken over or not placed, and never two of them."""
    async with opened(paths, sandbox) as rig:
        for at in range(number):
            name = f"lost-{at}.example.com"
            fault = drawn(draw, other)
            case = f"order {at} with {told(fault)}"
            if fault["kind"] != "none":
                rig.fault(match="POST /ssl/v1/enroll", **fault)
            with suppress(KmptuiError):
                await rig.ordering.place(request(name))
            tally.count("orders tried")
            sandbox.control("faults", None, method="DELETE")
            await rig.store.write(account.set_attention, "")  # a person has seen that the login was not to blame
            await rig.ordering.reconcile()
            rig.advance(660)
            await rig.ordering.reconcile()
            await judged(tally, rig, name, case)


async def judged(tally: Tally, rig: Rig, name: str, case: str) -> None:
    """One order at the server for each intent that was confirmed, and its key is here."""
    at_server = rig.created(name)
    states = await rig.store.read(
        lambda db: [row[0] for row in db.rows("SELECT state FROM intents WHERE common_name = ?", (name,))]
    )
    confirmed = states.count(Ledger.ACCEPTED.value)
    tally.count("orders at the server", len(at_server))
    tally.count("intents confirmed", confirmed)
    tally.require(len(at_server) == confirmed, f"{case}: {len(at_server)} orders, intents {states}")
    tally.require(len(at_server) <= 1, f"{case}: {len(at_server)} orders for one intent")
    tally.require(Ledger.UNCONFIRMED.value not in states, f"{case}: still unconfirmed")
    wrong = await rig.store.read(contradiction)
    tally.require(not wrong, f"{case}: {wrong}")
    for order in at_server:
        tally.require(await rig.store.read(keys.key, order["spki_sha256"]), f"{case}: its key is lost")
