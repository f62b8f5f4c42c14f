"""Starting and stopping a sandbox: sockets, listeners, the private folder with its certificates.

In the same event loop::

    async with SandboxServer(SandboxConfig(issue_after=0)) as sandbox: ...

beside the caller, in a thread of its own::

    with running(SandboxConfig()) as sandbox:
        sandbox.base_url, sandbox.login, sandbox.password, sandbox.customer_uri, sandbox.ca_file, sandbox.control_url
"""

import asyncio
import http.client
import json
import shutil
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from kmptui.sandbox.app import Sandbox, SandboxConfig
from kmptui.sandbox.company import MASTER, password_of
from kmptui.sandbox.gate import Exchange, Gate

__all__ = ["Exchange", "SandboxConfig", "SandboxServer", "running"]

KEEP_ALIVE = 75
START_TIMEOUT = 60.0


class SandboxServer:
    """A sandbox SCM that listens. Use it as an async context manager, or as a plain one, which takes a thread."""

    def __init__(self, config: SandboxConfig | None = None) -> None:
        self.config = config or SandboxConfig()
        self.base_url = ""
        self.control_url = ""
        self.ca_file = Path()
        self._listeners: list[_Listener] = []
        self._folder: Path | None = None
        self._end_thread: Callable[[], None] = lambda: None

    @property
    def login(self) -> str:
        """The master administrator for the API."""
        return MASTER

    @property
    def password(self) -> str:
        return self.password_of(self.login)

    @property
    def customer_uri(self) -> str:
        return self.config.customer_uri

    def password_of(self, login: str) -> str:
        """The password that an administrator had at the start."""
        return self.config.passwords.get(login) or password_of(self.config.seed, login)

    def headers(self, login: str | None = None) -> dict[str, str]:
        """The three credential headers of one administrator."""
        name = login or self.login
        return {"login": name, "password": self.password_of(name), "customerUri": self.customer_uri}

    def announcement(self) -> dict[str, str]:
        """What ``kmptui sandbox`` prints as one line of JSON."""
        return {
            "base_url": self.base_url,
            "login": self.login,
            "password": self.password,
            "customer_uri": self.customer_uri,
            "ca_file": str(self.ca_file),
            "control_url": self.control_url,
        }

    def control(self, path: str, body: Mapping[str, Any] | None = None, *, method: str | None = None) -> Any:
        """Call ``/control/{path}`` and return its JSON: GET without a body, else POST. ValueError says what was wrong.

        It blocks: not for use in the event loop that the sandbox runs in.
        """
        parts = urlsplit(self.control_url)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
        try:
            data = None if body is None else json.dumps(body)
            verb = method or ("GET" if body is None else "POST")
            connection.request(verb, f"{parts.path}/{path}", data, {"Content-Type": "application/json"})
            response = connection.getresponse()
            answer = json.loads(response.read())
        finally:
            connection.close()
        if response.status >= 400:
            raise ValueError(answer["error"])
        return answer

    # -- in the caller's event loop

    async def start(self) -> None:
        """Bind, build the company, listen. OSError if the port is taken."""
        config = self.config
        main = _bind(config.host, config.port)
        plain = _bind(config.host, 0) if config.tls else main
        sandbox = Sandbox(config, f"http://{_origin(plain)}")
        self._folder = Path(tempfile.mkdtemp(prefix="kmptui-sandbox-"))
        self.ca_file = self._folder / "ca.pem"
        self.ca_file.write_bytes(sandbox.world.authority.roots_pem())
        if config.tls:
            chain, key = sandbox.world.authority.server_files(config.host)
            chain_file, key_file = self._folder / "server.pem", self._folder / "server.key"
            chain_file.write_bytes(chain)
            key_file.write_bytes(key)
            key_file.chmod(0o600)
            self._listeners = [
                _Listener(sandbox, main, api=True, public=False, certificate=(chain_file, key_file)),
                _Listener(sandbox, plain, api=False, public=True),
            ]
        else:
            self._listeners = [_Listener(sandbox, main, api=True, public=True)]
        self.base_url = f"{'https' if config.tls else 'http'}://{_origin(main)}/api"
        self.control_url = f"http://{_origin(plain)}/control"
        for listener in self._listeners:
            await listener.start()

    async def stop(self) -> None:
        """Close at once, whatever is under way, and remove the private folder."""
        for listener in self._listeners:
            await listener.stop()
        self._listeners = []
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    # -- in a thread of its own

    def __enter__(self) -> Self:
        ready = threading.Event()
        failure: list[BaseException] = []

        async def serve() -> None:
            loop, stop = asyncio.get_running_loop(), asyncio.Event()
            self._end_thread = lambda: self._let_end(loop, stop, thread)
            async with self:
                ready.set()
                await stop.wait()

        def run() -> None:
            try:
                asyncio.run(serve())
            except BaseException as error:  # noqa: BLE001 -- handed to the thread that waits for the start
                failure.append(error)
            finally:
                ready.set()

        thread = threading.Thread(target=run, name="kmptui-sandbox", daemon=True)
        thread.start()
        if not ready.wait(START_TIMEOUT):
            raise TimeoutError("the sandbox did not start")
        if failure:
            raise failure[0]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end_thread()

    @staticmethod
    def _let_end(loop: asyncio.AbstractEventLoop, stop: asyncio.Event, thread: threading.Thread) -> None:
        loop.call_soon_threadsafe(stop.set)
        thread.join(START_TIMEOUT)


@contextmanager
def running(config: SandboxConfig | None = None) -> Iterator[SandboxServer]:
    """A sandbox in a thread beside the caller, for the length of the block."""
    with SandboxServer(config) as sandbox:
        yield sandbox


class _Listener:
    """One listening socket with uvicorn behind it; it knows its connections, so that faults can cut one."""

    def __init__(
        self,
        sandbox: Sandbox,
        bound: socket.socket,
        *,
        api: bool,
        public: bool,
        certificate: tuple[Path, Path] | None = None,
    ) -> None:
        self._socket = bound
        transports: dict[Any, asyncio.Transport] = {}

        class Protocol(H11Protocol):
            """uvicorn's, with its transport on record under the client's address."""

            def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
                super().connection_made(transport)
                transports[self.client] = transport

            def connection_lost(self, exc: Exception | None) -> None:
                transports.pop(self.client, None)
                super().connection_lost(exc)

        def abort(client: Any) -> None:
            if (transport := transports.get(tuple(client))) is not None:
                transport.abort()

        gate: Gate = sandbox.asgi(abort, api=api, public=public)
        self._transports = transports
        self._server = uvicorn.Server(
            uvicorn.Config(
                gate,
                http=Protocol,
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                date_header=False,
                timeout_keep_alive=KEEP_ALIVE,
                ssl_certfile=str(certificate[0]) if certificate else None,
                ssl_keyfile=str(certificate[1]) if certificate else None,
            )
        )

    async def start(self) -> None:
        config = self._server.config
        config.load()
        self._server.lifespan = config.lifespan_class(config)
        await self._server.startup(sockets=[self._socket])

    async def stop(self) -> None:
        """Unlike uvicorn's own shutdown, wait for nobody: cut the connections, then end the tasks."""
        for server in self._server.servers:
            server.close()
        for transport in list(self._transports.values()):
            transport.abort()
        await asyncio.sleep(0)
        tasks = list(self._server.server_state.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for server in self._server.servers:
            await server.wait_closed()
        self._socket.close()


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # the protocol is named so that asyncio sees TCP and switches Nagle off: else every answer takes 40 ms
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
        bound.listen(2048)
        bound.setblocking(False)
    except OSError:
        bound.close()
        raise
    return bound


def _origin(bound: socket.socket) -> str:
    host, port = bound.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
