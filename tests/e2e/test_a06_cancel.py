"""Pending for days: a request is cancelled while it waits, with a message; later the way out is named."""

from __future__ import annotations

from collections.abc import Callable

from tests.cli.conftest import ORDER, Cli
from tests.sandbox_fixtures import SandboxFactory
from tests.services.homes import asked


def test_cancel_by_commands(sandbox_factory: SandboxFactory, join: Callable[..., Cli]) -> None:
    sandbox = sandbox_factory(certificates=2, issue_after=86_400)
    cli = join(sandbox)
    waiting = cli.json(
        "orders", "create", "--common-name", "wait.lab.example.edu", "--organization", "Faculty of Science", *ORDER[2:],
        "--yes",
    )  # fmt: skip
    # just placed: its state is asked for before it is cancelled
    (done,) = cli.json("orders", "cancel", waiting["number"], "--message", "ordered twice", "--yes")
    assert done["ok"]
    there = sandbox.control(f"orders/{waiting['ssl_id']}")
    assert (there["status"], there["decision"]) == ("Declined", "ordered twice")
    shown = cli.json("orders", "show", waiting["number"])
    assert shown["status"] == "declined"
    assert shown["history"][1]["words"] == "cancellation of the request written down, to be sent (ordered twice)"

    applied = cli.json("orders", "create", "--common-name", "applied.example.com", *ORDER, "--yes")
    sandbox.control("clock", {"advance": 43_200})
    cli("orders", "check", applied["number"], code=3)
    assert cli.json("orders", "show", applied["number"])["status"] == "applied"
    refused = cli("orders", "cancel", applied["number"], "--message", "too late", "--yes", code=1)
    for words in ("SCM offers no cancel any more", "the CA's support", shown_number(cli, applied["number"]), "revoke"):
        assert words in refused.err
    assert len([line for line in asked(sandbox) if "/decline/" in line]) == 1


def shown_number(cli: Cli, number: str) -> str:
    """The order number that the CA knows it by."""
    found: str = cli.json("orders", "show", number)["order_number"]
    assert found
    return found
