"""Fixtures that start a sandbox SCM, and let the vendor's OpenAPI document judge what passes through it.

``sandbox`` is one with the default company; ``sandbox_factory(certificates=5, issue_after=0, …)`` starts any number,
with the arguments of :class:`~kmptui.sandbox.server.SandboxConfig`. Both listen on a free loopback port, in a thread,
and end with the test. ``await_order`` moves a sandbox's clock on until an order has a status.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any, Protocol

import pytest

from kmptui.sandbox.server import Exchange, SandboxConfig, SandboxServer, running
from tests import openapi_judge


class SandboxFactory(Protocol):
    """Starts a sandbox; the arguments are those of :class:`SandboxConfig`."""

    def __call__(self, **config: Any) -> SandboxServer: ...


_judged = pytest.StashKey[int]()


@pytest.fixture(scope="session")
def openapi() -> openapi_judge.Judge | None:
    """The judge of this run; None where ``KMPTUI_SCM_OPENAPI`` names no document."""
    return openapi_judge.from_environment()


@pytest.fixture
def sandbox_factory(openapi: openapi_judge.Judge | None, request: pytest.FixtureRequest) -> Iterator[SandboxFactory]:
    """Start sandboxes; all end with the test, which fails if the OpenAPI document was violated."""
    seen: list[Exchange] = []
    with ExitStack() as stack:

        def start(**config: Any) -> SandboxServer:
            if openapi is not None:
                config.setdefault("observer", seen.append)
            return stack.enter_context(running(SandboxConfig(**config)))

        yield start
    if openapi is None:
        return
    openapi.violations.clear()
    before = openapi.judged
    for exchange in seen:
        openapi.observe(exchange)
    stash = request.config.stash
    stash[_judged] = stash.get(_judged, 0) + openapi.judged - before
    if openapi.violations:
        pytest.fail("the vendor's OpenAPI document is violated:\n" + "\n".join(openapi.violations), pytrace=False)


@pytest.fixture
def sandbox(sandbox_factory: SandboxFactory) -> SandboxServer:
    """A sandbox SCM with the default company: 300 orders, issuing after two seconds of its clock."""
    return sandbox_factory()


@pytest.fixture
def await_order() -> Callable[..., dict[str, Any]]:
    """``await_order(sandbox, ssl_id, status="Issued")``: move the sandbox's clock on, a day at most, until it is so."""

    def wait(sandbox: SandboxServer, ssl_id: int, status: str = "Issued") -> dict[str, Any]:
        for step in (0.0, 1.0, 10.0, 100.0, 3600.0, 86_400.0):
            sandbox.control("clock", {"advance": step})
            order: dict[str, Any] = sandbox.control(f"orders/{ssl_id}")
            if order["status"] == status:
                return order
        raise AssertionError(f"order {ssl_id} is {order['status']}, not {status}")

    return wait


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker of a distributed run tells how much it judged."""
    output: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["judged"] = session.config.stash.get(_judged, 0)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """The run that distributed the work adds it up."""
    stash = node.config.stash
    stash[_judged] = stash.get(_judged, 0) + getattr(node, "workeroutput", {}).get("judged", 0)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say how much was judged, or that nothing was."""
    if openapi_judge.from_environment() is None:
        terminalreporter.write_line(f"OpenAPI: not judged, {openapi_judge.VARIABLE} names no document")
    else:
        terminalreporter.write_line(f"OpenAPI: {config.stash.get(_judged, 0)} exchanges judged")
