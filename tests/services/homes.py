"""Homes as the faces open them: a whole workspace, a sandbox SCM over HTTP, a clock that can be moved."""

from __future__ import annotations

import asyncio
import http.client
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from kmptui.config import Paths, Settings
from kmptui.domain.listing import Query, Topic
from kmptui.sandbox.server import SandboxServer
from kmptui.services.account import LinkRequest
from kmptui.services.workspace import Workspace
from tests.services.rig import Hands

PASSPHRASE = "a long and quiet passphrase"


def credentials(sandbox: SandboxServer, *, login: str | None = None, **members: Any) -> LinkRequest:
    """What the link form holds for an account of the sandbox; `members` in the place of what is right."""
    who = sandbox.login if login is None else login
    told: dict[str, Any] = {
        "base_url": sandbox.base_url,
        "login": who,
        "password": sandbox.password_of(who),
        "customer_uri": sandbox.customer_uri,
    }
    return LinkRequest(**(told | members))


@asynccontextmanager
async def workspace(
    paths: Paths, *, clock: Hands | None = None, face: str = "cli", **settings: Any
) -> AsyncIterator[Workspace]:
    """The home, opened; `settings` in the place of what its file says."""
    opened = await Workspace.open(
        paths, face=face, clock=clock or Hands(), settings=Settings(**settings) if settings else None
    )
    async with opened:
        yield opened


@asynccontextmanager
async def linked(
    paths: Paths,
    sandbox: SandboxServer,
    *,
    login: str | None = None,
    clock: Hands | None = None,
    mirrored: bool = False,
    **settings: Any,
) -> AsyncIterator[Workspace]:
    """A new home, linked to the sandbox; `mirrored`: with organizations, domains and profiles."""
    async with workspace(paths, clock=clock, **settings) as opened:
        await opened.account.link(credentials(sandbox, login=login))
        if mirrored:
            await opened.mirror.sync()
        yield opened


def asked(sandbox: SandboxServer, part: str = "") -> list[str]:
    """What the server was asked: `METHOD /path`."""
    lines = [f"{one['method']} {one['path']}" for one in sandbox.control("requests")]
    return [line for line in lines if part in line]


async def rows(opened: Workspace, topic: Topic, filter: str = "", *, view: str = "all") -> list[Any]:  # noqa: A002
    """All rows of a list."""
    return list((await opened.lists.window(Query(topic, filter, view=view), 0, 100_000)).rows)


async def actions(opened: Workspace) -> list[str]:
    """What the audit says was done, oldest first."""
    return [row.action for row in reversed(await rows(opened, Topic.AUDIT))]


async def until(true: Callable[[], object]) -> None:
    """Let the loop run until it is so; at most a minute."""
    async with asyncio.timeout(60):
        while not true():  # noqa: ASYNC110 - what is waited for happens in another thread or process
            await asyncio.sleep(0.005)


def holding(paths: Paths, secret: str) -> list[str]:
    """Files of the home that hold the text, in any state of the store."""
    found = [path for path in sorted(paths.home.rglob("*")) if path.is_file() and secret.encode() in path.read_bytes()]
    return [str(path.relative_to(paths.home)) for path in found]


@contextmanager
def plain_scm(sandbox: SandboxServer) -> Iterator[str]:
    """The base URL of a server that is the sandbox but does not say so: what a real SCM looks like."""
    there = urlsplit(sandbox.base_url)

    class Relay(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _relay(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            way = http.client.HTTPConnection(there.hostname or "", there.port, timeout=60)
            headers = {
                name: value for name, value in self.headers.items() if name.lower() not in {"host", "connection"}
            }
            way.request(self.command, self.path, body or None, headers)
            answer = way.getresponse()
            content = answer.read()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in {"x-kmptui-sandbox", "content-length", "connection", "date", "server"}:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
            way.close()

        do_GET = do_POST = do_PUT = do_DELETE = _relay

        def log_message(self, *_: object) -> None:
            """Tests are quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Relay)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}{there.path}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
