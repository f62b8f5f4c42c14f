"""check-expiry as a monitoring system runs it: one line, performance data, four exit codes."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

import pytest

from kmptui.domain.clock import SystemClock
from kmptui.sandbox.server import SandboxServer
from tests.cli.conftest import Cli
from tests.sandbox_fixtures import SandboxFactory

LINE = re.compile(r"(OK|WARNING|CRITICAL|UNKNOWN): [^|\n]+( \| [^|\n]+)?\n")


@pytest.fixture
def sandbox(sandbox_factory: SandboxFactory) -> SandboxServer:
    return sandbox_factory(certificates=120)


def told(cli: Cli, *words: object, code: int) -> tuple[str, dict[str, str]]:
    """The line, and the performance data by label."""
    out = cli("check-expiry", *words, code=code).out
    assert LINE.fullmatch(out), out
    assert out.split(":")[0] == ("OK", "WARNING", "CRITICAL", "UNKNOWN")[code]
    line, _, data = out.strip().partition(" | ")
    return line, dict(pair.split("=", 1) for pair in data.split())


def ending(sandbox: SandboxServer, days: int) -> list[str]:
    """Common names of those that end within so many days, or ended within 30, and have no successor: by the sandbox's
    own view."""
    today = datetime.now(UTC).date()
    found = [one for one in sandbox.control("orders") if one["status"] in {"Issued", "Expired"} and one["expires"]]
    for one in found:
        one["day"], one["set"] = date.fromisoformat(one["expires"][:10]), set(one["names"])
    valid = [one for one in found if one["status"] == "Issued"]

    def alone(one: dict) -> bool:
        return not any(other["day"] > one["day"] and one["set"] <= other["set"] for other in valid)

    first, last = today - timedelta(days=30), today + timedelta(days=days)
    return [one["common_name"] for one in found if first <= one["day"] <= last and alone(one)]


def test_what_ends_is_told_and_counted(linked: Cli, sandbox: SandboxServer) -> None:
    assert "never imported" in told(linked, code=3)[0]
    linked("orders", "import", code={0, 3})
    line, data = told(linked, "--warn", 30, "--critical", 7, code=2)
    assert data["critical"].split(";")[0] == str(len(ending(sandbox, 7)))
    assert int(data["warning"].split(";")[0]) == len(ending(sandbox, 30)) - len(ending(sandbox, 7)) > 0
    assert int(data["certificates"].split(";")[0]) > 50
    assert f"{len(ending(sandbox, 7))} certificate" in line
    for name in ("soon3.example.com", "soon9.example.com"):
        line, data = told(linked, "--filter", f"name={name}", code=2 if name.startswith("soon3") else 1)
        assert name in line
        assert data["first_days"].startswith(name[4])
    line, data = told(linked, "--filter", "name=bank.example.com", code=0)
    assert line.startswith("OK: 1 certificates, none ends within 30 d")


def test_a_filter_that_matches_nothing_watches_nobody(linked: Cli) -> None:
    """A slip in a monitoring system's configuration must not stay green for ever."""
    linked("orders", "import", code={0, 3})
    line, data = told(linked, "--filter", "name=nobody.example.com", code=3)
    assert "matches the filter" in line
    assert "first_days" not in data
    assert data["certificates"].split(";")[0] == "0"


def test_a_successor_ends_the_alarm(linked: Cli, sandbox: SandboxServer) -> None:
    linked("orders", "import", code={0, 3})
    told(linked, "--filter", "name=soon3.example.com", code=2)
    anew = {"commonName": "soon3.example.com", "subjAltNames": "soon3.example.com", "certType": 2103}
    sandbox.control(f"orders/{sandbox.control('orders', anew)['id']}/issue", {})
    linked("sync", "orders")
    told(linked, "--filter", "name=soon3.example.com", code=0)


def test_old_data_tells_nothing(linked: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    linked("orders", "import", code={0, 3})
    later = datetime.now(UTC) + timedelta(hours=27)
    monkeypatch.setattr(SystemClock, "now", lambda _: later)
    line, data = told(linked, "--filter", "name=nobody.example.com", code=3)
    assert "27 h ago" in line
    assert data["age"].startswith("97")
    assert "27 h ago" in told(linked, "--filter", "name=soon3.example.com", code=2)[0], (
        "what is known to be bad stays so"
    )


@pytest.mark.parametrize(
    "words",
    [
        ("--warn", "x"),
        ("--warn", 3, "--critical", 7),
        ("--nonsense",),
        ("--filter", "nonsense:1"),
        ("--warn", -1),
        ("more",),
    ],
)
def test_whatever_is_wrong_is_unknown(linked: Cli, words: tuple[object, ...]) -> None:
    told(linked, *words, code=3)


def test_a_home_that_cannot_be_opened_is_unknown(cli: Cli) -> None:
    cli.home.parent.mkdir(exist_ok=True, parents=True)
    cli.home.write_text("a file")
    told(cli, code=3)


def test_where_there_is_no_home_none_is_made(cli: Cli) -> None:
    assert "KMPTUI_HOME" in told(cli, code=3)[0]
    assert not cli.home.exists()


def test_it_needs_no_vault(linked: Cli) -> None:
    linked("orders", "import", code={0, 3})
    (linked.home / "vault.key").unlink()
    told(linked, "--filter", "name=bank.example.com", code=0)


def test_a_failed_reissue_ends_no_alarm(linked: Cli, sandbox: SandboxServer) -> None:
    """SCM calls the order rejected; its certificate lives on, ends all the same, and somebody is told of it."""
    linked("orders", "import", code={0, 3})
    told(linked, "--filter", "name=soon3.example.com", code=2)
    order = linked.json("orders", "show", "soon3.example.com")
    linked("auto-renewal", "select", order["number"])
    linked("auto-renewal", "enable")
    linked("orders", "reissue", order["number"], "--reason", "new key", "--yes", "--despite-mirror")
    told(linked, "--filter", "name=soon3.example.com", code=2)
    sandbox.control(f"orders/{order['ssl_id']}/reject", {})
    linked("orders", "check", order["number"], code={0, 3})
    told(linked, "--filter", "name=soon3.example.com", code=2)
    (line,) = linked.json("auto-renewal", "plan", code=3)
    assert "came to nothing" in line["cause"]
    assert linked.json("orders", "show", order["number"])["status"] == "issued"


def test_a_reissue_by_a_colleague_ends_no_alarm(linked: Cli, sandbox: SandboxServer) -> None:
    linked("orders", "import", code={0, 3})
    order = linked.json("orders", "show", "soon3.example.com")
    sandbox.control(f"orders/{order['ssl_id']}/reissue", {})
    sandbox.control(f"orders/{order['ssl_id']}/hold", {})
    linked("sync", "orders")
    assert linked.json("orders", "show", order["number"])["status"] == "reissue under way"
    told(linked, "--filter", "name=soon3.example.com", code=2)
    sandbox.control(f"orders/{order['ssl_id']}/issue", {})
    linked("sync", "orders")
    assert linked.json("orders", "show", order["number"])["status"].startswith("issued")
