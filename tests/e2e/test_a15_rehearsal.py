"""The rehearsal is told from the real thing: DEMO on every screen, and the two kinds of home never mix."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from kmptui.config import Paths
from kmptui.sandbox.server import SandboxServer
from kmptui.tui.dialogs.problem import ProblemDialog
from kmptui.tui.tabs.link_form import LinkForm
from tests.cli.conftest import Cli
from tests.e2e.keyboard import at_home, connect, declined, filled, first_line, flat, link_by_keys, press, the_app
from tests.e2e.walking import everywhere
from tests.sandbox_fixtures import SandboxFactory
from tests.tui.acting import is_open, sees, shown

ANSWERS = {
    "/api/ssl/v1": [],
    "/api/admin/v1": [{"id": 1, "login": "ops-api", "type": "API", "credentials": [{"role": "MRAO"}]}],
    "/api/admin/v1/password": {"state": "NEVER_EXPIRE"},
}


@pytest.fixture
def real() -> Iterator[str]:
    """The base URL of a server that takes any credentials and does not say that it is a sandbox."""

    class Scm(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = json.dumps(ANSWERS.get(self.path.split("?")[0], [])).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("X-Total-Count", "0")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Scm) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/api"
        server.shutdown()
        thread.join()


async def test_demo_stands_on_every_screen(paths: Paths, sandbox_factory: SandboxFactory) -> None:
    """The word DEMO is in the first line of every tab, page and dialog of a home that was linked to a sandbox."""
    await filled(paths, sandbox_factory(certificates=40))
    async with the_app(paths) as (pilot, _):
        await at_home(pilot)
        seen = [(place, "DEMO" in first_line(pilot)) async for place in everywhere(pilot)]
        assert len(seen) > 30
        assert [place for place, told in seen if not told] == []


async def test_the_kinds_do_not_mix_on_the_keyboard(paths: Paths, sandbox: SandboxServer, real: str) -> None:
    """A home that began with a sandbox refuses a real server, in a dialog that says so; nothing is kept."""
    async with the_app(paths) as (pilot, workspace):
        await sees(pilot, "Link your account")
        await connect(workspace, sandbox)
        await workspace.account.unlink()
    async with the_app(paths) as (pilot, workspace):
        await sees(pilot, "Link your account")
        await link_by_keys(pilot, sandbox, base_url=real)
        dialog = await is_open(pilot, ProblemDialog)
        said = flat(shown(dialog))
        assert "Demo and real do not mix" in said
        assert "a real SCM" in said
        await press(pilot, "escape")
        assert pilot.app.screen.query_one(LinkForm).display
        assert await workspace.account.view() is None


async def press_escape(pilot) -> None:
    from tests.e2e.keyboard import press

    await press(pilot, "escape")


async def test_a_real_home_refuses_a_sandbox_on_the_keyboard(paths: Paths, sandbox: SandboxServer, real: str) -> None:
    """And the reverse: a home that began with a real server shows no DEMO and is never linked to a sandbox."""
    async with the_app(paths) as (pilot, workspace):
        await sees(pilot, "Link your account")
        await link_by_keys(pilot, sandbox, base_url=real)
        await declined(pilot)
        assert "DEMO" not in shown(pilot.app.screen)
        await workspace.account.unlink()
    async with the_app(paths) as (pilot, workspace):
        await sees(pilot, "Link your account")
        await link_by_keys(pilot, sandbox)
        dialog = await is_open(pilot, ProblemDialog)
        assert "Demo and real do not mix" in shown(dialog)
        assert await workspace.account.view() is None


@pytest.mark.parametrize("first", ["sandbox", "real"])
def test_the_kinds_do_not_mix_by_commands(
    cli: Cli, sandbox: SandboxServer, secret: Callable[..., Path], real: str, first: str
) -> None:
    """Linked, unlinked, then pointed at the other kind: exit code 1, and the account is not linked."""
    addresses = {"sandbox": sandbox.base_url, "real": real}
    words = ["--login", sandbox.login, "--customer-uri", sandbox.customer_uri, "--password-file", secret(sandbox)]
    cli("account", "link", "--base-url", addresses.pop(first), *words, "--no-sync")
    assert cli.json("account", "show")["kind"] == first
    assert ("DEMO" in cli("account", "show").out) == (first == "sandbox")
    cli("account", "unlink", "--yes")
    ((_, other),) = addresses.items()
    refused = cli("account", "link", "--base-url", other, *words, code=1)
    assert "sandbox" in refused.err
    cli("account", "show", code=1)
