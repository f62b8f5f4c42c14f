"""Revoke, cancel, decline, approve, edit, destroy a key: what each asks for, sends and says by commands."""

from __future__ import annotations

import pytest

from kmptui.sandbox.server import SandboxServer
from tests.cli.conftest import ORDER, Cli
from tests.cli.test_main_job import place
from tests.sandbox_fixtures import SandboxFactory
from tests.services.homes import asked

REVOKE = ("--reason-code", "1", "--reason", "lost laptop")
FACULTY = ("--organization", "Faculty of Science", *ORDER[2:])


@pytest.fixture
def sandbox(sandbox_factory: SandboxFactory) -> SandboxServer:
    return sandbox_factory(certificates=2)


def waiting(cli: Cli, name: str) -> str:
    """The number of an order that waits for approval."""
    placed = cli.json("orders", "create", "--common-name", name, *FACULTY, "--yes")
    cli("orders", "check", placed["number"], code=3)
    return str(placed["number"])


def test_a_wrong_confirmation_sends_nothing(linked: Cli, sandbox: SandboxServer) -> None:
    """No --confirm, --yes alone, another name, the serial's end where the name is asked for: 2, and nothing is sent."""
    order = place(linked, sandbox, "lost.example.com")
    serial = order["serial"]
    said = linked("orders", "revoke", order["number"], *REVOKE, "--dry-run")
    for words in (serial, "lost.example.com", "Browsers stop trusting it", "cannot be undone", "only live certificate"):
        assert words in said.err
    before = len(asked(sandbox))
    for more in ((), ("--yes",), ("--confirm", "other.example.com"), ("--confirm", serial[-4:]), ("--confirm", "")):
        refused = linked("orders", "revoke", order["number"], *REVOKE, *more, code=2)
        assert serial in refused.err  # it is told before it is asked
    for wrong in (("--reason-code", "2", "--reason", "x"), ("--reason-code", "1", "--reason", " ")):
        linked("orders", "revoke", order["number"], *wrong, "--confirm", "lost.example.com", code=2)
    linked("orders", "revoke", order["number"], "--confirm", "lost.example.com", code=2)
    assert len(asked(sandbox)) == before
    linked("settings", "set", "read_only", "true")
    linked("orders", "revoke", order["number"], *REVOKE, "--confirm", "lost.example.com", code=1)
    assert len(asked(sandbox)) == before


def test_revoked_proved_and_removed(linked: Cli, sandbox: SandboxServer) -> None:
    order = place(linked, sandbox, "lost.example.com")
    planned = linked.json("orders", "revoke", order["number"], *REVOKE, "--dry-run")
    assert (planned["certificate_id"], planned["confirm"]) == (order["certificate_id"], "name")
    done = linked.json("orders", "revoke", order["number"], *REVOKE, "--confirm", "lost.example.com", "--remove")
    assert (done["already"], done["confirmed"], done["removed"]) == (False, True, True)
    assert done["serial"] == order["serial"]
    (waits,) = linked.json("certificates", "proofs")
    assert (waits["state"], waits["listed"]) == ("waiting", None)
    (proof,) = linked.json("certificates", "proofs", "--look")
    assert proof["state"] == "listed"
    assert proof["url"].endswith(".crl")
    told = [line["words"] for line in linked.json("orders", "show", order["number"])["history"]]
    assert any(words.startswith("in the CA's list of revoked certificates since ") for words in told)
    assert "revocation taken by SCM" in told
    again = linked.json("orders", "revoke", order["number"], *REVOKE)
    assert again["already"]
    assert len([one for one in asked(sandbox) if "/revoke" in one]) == 1


def test_by_serial_where_several_have_the_name(linked: Cli, sandbox: SandboxServer) -> None:
    """A serial in any spelling names one certificate; the last four digits of it confirm, the name does not."""
    old = place(linked, sandbox, "twice.example.com")
    new = place(linked, sandbox, "twice.example.com", "--again")
    spelt = ":".join(old["serial"][at : at + 2] for at in range(0, len(old["serial"]), 2)).lower()
    linked("certificates", "revoke", spelt, *REVOKE, "--confirm", "twice.example.com", code=2)
    done = linked.json("certificates", "revoke", spelt, *REVOKE, "--confirm", old["serial"][-4:].lower())
    assert done["certificate_id"] == old["certificate_id"]
    assert sandbox.control(f"orders/{new['ssl_id']}")["status"] == "Issued"
    linked("certificates", "revoke", "c999", *REVOKE, "--confirm", "x", code=1)
    linked("certificates", "revoke", "DEADBEEF" * 4, *REVOKE, "--confirm", "BEEF", code=1)


def test_waiting_requests(linked: Cli, sandbox: SandboxServer) -> None:
    one, two, three = (waiting(linked, f"{name}.lab.example.edu") for name in ("one", "two", "three"))
    linked("orders", "cancel", one, "--message", "twice", code=2)  # nobody was asked
    linked("orders", "cancel", one, "--message", " ", "--yes", code=2)
    linked("orders", "cancel", one, "--message", "twice", "--dry-run")
    assert not [line for line in asked(sandbox) if "/decline/" in line]
    (done,) = linked.json("orders", "cancel", one, "--message", "twice", "--yes")
    assert (done["ok"], linked.json("orders", "show", one)["status"]) == (True, "declined")
    told = linked.json("orders", "approve", one, f"{two},{three}", "--message", "fine", "--yes", code=3)
    assert [line["ok"] for line in told] == [False, True, True]
    again = linked("orders", "decline", one, "--message", "no", "--yes", code=1)
    assert "declined already" in again.err
    linked("settings", "set", "read_only", "true")
    linked("orders", "cancel", one, "--message", "x", "--yes", code=1)


def test_edit_here_and_in_scm(linked: Cli, sandbox: SandboxServer) -> None:
    number = waiting(linked, "edit.lab.example.edu")
    before = len(asked(sandbox))
    linked("orders", "edit", number, "--note", "ask web ops")
    linked("orders", "edit", number, code=2)
    linked("orders", "edit", number, "--add-san", "more.lab.example.edu", code=2)  # nobody was asked
    linked("orders", "edit", number, "--remove-san", "strange.lab.example.edu", "--yes", code=2)
    linked("orders", "edit", number, "--add-san", "bad_name.lab.example.edu", "--yes", code=2)
    linked("orders", "edit", number, "--term", "17", "--yes", code=2)
    body = linked("orders", "edit", number, "--term", "199", "--dry-run").out
    assert '"term": 199' in body
    assert len(asked(sandbox)) == before
    changed = linked.json(
        "orders", "edit", number, "--add-san", "more.lab.example.edu", "--term", "199", "--comments", "Ticket 1",
        "--external-requester", "a@example.edu,b@example.edu", "--contact", "ops", "--yes",
    )  # fmt: skip
    assert changed["names"] == ["edit.lab.example.edu", "more.lab.example.edu"]
    assert (changed["note"], changed["contact"]) == ("ask web ops", "ops")
    shown = linked.json("orders", "show", number)
    assert shown["comments"].startswith("Ticket 1\nkmptui:")
    first = linked.json("orders", "edit", number, "--common-name", "more.lab.example.edu", "--yes")
    assert first["common_name"] == "more.lab.example.edu"
    there = sandbox.control(f"orders/{first['ssl_id']}")
    assert (there["term"], there["external_requester"]) == (199, "a@example.edu, b@example.edu")


def test_a_key_goes_by_a_yes_of_its_own(linked: Cli, sandbox: SandboxServer) -> None:
    """Neither deleting the order nor the certificate takes it; its name does, also when both are gone."""
    order = place(linked, sandbox, "key.example.com")
    number = f"c{order['certificate_id']}"
    linked("orders", "delete", order["number"], "--yes")
    assert linked.json("certificates", "show", number)["has_key"]
    assert number in linked("certificates", "delete", number, "--yes").err.split("Keys that stay")[1]
    for more in ((), ("--confirm", "other.example.com")):
        linked("certificates", "delete-key", number, *more, code=2)
    linked("certificates", "delete-key", number, "--dry-run")
    linked("certificates", "delete-key", number, "--confirm", "key.example.com")
    linked("certificates", "delete-key", number, "--confirm", "key.example.com", code=1)
    rows = sorted(linked.json("audit", "list"), key=lambda row: row["seq"])
    assert [row["action"] for row in rows[-3:]] == ["delete", "delete", "destroy key"]
    assert linked.json("orders", "import")["kept_deleted"] == 1
    assert linked.json("certificates", "list", "key.example.com", "--all") == []


def test_a_key_whose_order_came_to_nothing_goes_too(linked: Cli, sandbox: SandboxServer) -> None:
    """By the order's number; while the order is open it needs its key."""
    number = waiting(linked, "never.lab.example.edu")
    linked("certificates", "delete-key", number, "--confirm", "never.lab.example.edu", code=1)
    linked("orders", "cancel", number, "--message", "not wanted", "--yes")
    linked("certificates", "delete-key", number, "--confirm", "other.example.edu", code=2)
    linked("certificates", "delete-key", number, "--confirm", "never.lab.example.edu")
    linked("certificates", "delete-key", number, "--confirm", "never.lab.example.edu", code=1)
    newest = max(linked.json("audit", "list"), key=lambda row: row["seq"])
    assert (newest["action"], newest["subject"]) == ("destroy key", f"{number} never.lab.example.edu")


def test_an_order_is_revoked_by_its_own_command(linked: Cli, sandbox: SandboxServer) -> None:
    place(linked, sandbox, "two.example.com")
    said = linked("certificates", "revoke", "o1", "--reason-code", "4", "--reason", "x", "--confirm", "two", code=2)
    assert "kmptui orders revoke o1" in said.err
