"""Text from SCM that bites: escape sequences, markup, bidi, floods; in every field, on every screen, in every command.

It is shown as text: it moves no cursor, colours nothing, breaks no line, becomes no link and no formula, ends nothing.
"""

from __future__ import annotations

import asyncio
import csv
import io
import re
import shutil
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from kmptui.config import Paths
from kmptui.sandbox.server import SandboxConfig, SandboxServer, running
from kmptui.tui.dialogs.problem import ProblemDialog
from kmptui.tui.dialogs.write_list import WriteListDialog
from tests.benchmarks.terminal import Terminal
from tests.cli.conftest import ORDER, Cli
from tests.e2e.keyboard import at_home, at_rest, filled, press, tab, the_app
from tests.e2e.walking import FORMAT, everywhere, unclean
from tests.tui.acting import is_open, shown, until

BITES = (
    "\x1b[31337z\x1b[2J\x1b[6n", "\x1b]0;owned\x07", "\x1b]52;c;b3duZWQ=\x07", "\x1b]8;;http://example.com\x1b\\x",
    "\x1bc\x1bP1$q\x1b\\", "\x9b31m\x90q\x9c\x85", "\x00\x08\x0b\x0c\x7f\r\n\t", "[/]", "[@click=app.bell]y[/]", "[red",
    "$text", "\u202eover\u2066iso\u200b\u00ad\ufeff", "\U0001f469\u200d\U0001f4bb\U0001f511\u2708\ufe0f",
    "e" + "\u0301" * 60, "\u2028\u2029", "\u3164\u115f", "\u6f22\u5b57", "%s{0}${x}",
)  # fmt: skip
HOSTILE = "".join(BITES)
FORMULA = '=HYPERLINK("http://example.com")' + HOSTILE
LONG = "x" * 10_000
SEQUENCES = (b"\x1b[31337z", b"\x1b]0;", b"\x1b]52", b"\x1b]8", b"\x1bc", b"\x1bP1", b"\x1b[6n")
"""What would be seen of it if one of them came through to a terminal."""
ODD: set[int] = set()
"""Ids of orders that were made hostile."""
MEMBERS = (
    "commonName", "subjectAlternativeNames", "comments", "requester", "externalRequester", "status", "type", "issuer",
    "approver", "requestedVia", "publicKeyAlg", "keyAlgorithm", "city", "organizationName", "orderNumber",
    "serialNumber", "expires", "requested", "issued", "term",
)  # fmt: skip


def soil(sandbox: SandboxServer) -> None:
    """Put hostile text wherever somebody at SCM can put any."""
    sandbox.control("orders/hostile", {})
    for number, text in ((7101, FORMULA), (7102, HOSTILE), (7111, LONG), (7121, "")):
        sandbox.control(f"organizations/{number}", {"name": text})
    sandbox.control("profiles/2101", {"name": FORMULA, "description": HOSTILE})
    sandbox.control(
        "profiles/2102", {"name": LONG, "description": LONG, "key_types": {HOSTILE: [HOSTILE], "RSA": ["2048"]}}
    )
    for text in (FORMULA, HOSTILE.replace("/", ""), "x" * 300):
        sandbox.control(f"domains/{quote(text.replace('/', ''), safe='')}", {"create": True})
    orders = [row for row in sandbox.control("orders") if row["status"] == "Issued"]
    ODD.update(row["id"] for row in orders[:22])
    for number, member in enumerate(MEMBERS):
        sandbox.control(f"orders/{orders[number]['id']}/change", {"wrong_facts": {member: FORMULA}})
    sandbox.control(f"orders/{orders[20]['id']}/change", {"wrong_facts": dict.fromkeys(MEMBERS[:9], HOSTILE)})
    sandbox.control(f"orders/{orders[21]['id']}/change", {"wrong_facts": dict.fromkeys(MEMBERS[:9], LONG)})
    soil_fields(sandbox)


def soil_fields(sandbox: SandboxServer) -> None:
    """Custom fields that nobody could have made in SCM itself; a fault, since SCM's own are not to be changed."""
    common = {"state": "ACTIVE", "certType": "SSL"}
    body = [
        {"id": 1, "name": HOSTILE, "mandatories": ["REST_API"], **common},
        {"id": 2, "name": FORMULA, "options": [HOSTILE, LONG], "mandatories": [], **common},
    ]
    sandbox.control("faults", {"kind": "status", "status": 200, "match": "GET /customField", "body": body, "count": -1})


@pytest.fixture(scope="module")
def soiled() -> Iterator[SandboxServer]:
    """A sandbox whose every field is hostile."""
    with running(SandboxConfig(certificates=50)) as sandbox:
        soil(sandbox)
        yield sandbox


@pytest.fixture(scope="module")
def template(soiled: SandboxServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home that is linked to it and filled."""
    paths = Paths(tmp_path_factory.mktemp("template") / "home")
    asyncio.run(filled(paths, soiled))
    return paths.home


@pytest.fixture
def filled_home(paths: Paths, template: Path) -> Paths:
    """A copy of it, for one test."""
    shutil.copytree(template, paths.home)
    return paths


def dirt(text: str, allowed: str = "\n") -> set[str]:
    """Control and format characters of a text."""
    return {char for char in text if unicodedata.category(char) in FORMAT and char not in allowed}


async def test_every_screen(filled_home: Paths, soiled: SandboxServer) -> None:
    """Every tab, every page of it and every dialog over hostile rows: no fault of the program's, no control or format
    character, no link, no action, and every line as wide as the terminal."""
    async with the_app(filled_home) as (pilot, _):
        await at_home(pilot)
        bad = {place: found async for place in everywhere(pilot, further=True) if (found := unclean(pilot))}
        assert bad == {}
        for number in range(2, 8):
            listing = (await tab(pilot, number)).list
            if number == 5:
                await press(pilot, "u")
                await at_rest(pilot)
            total = min(listing.total, 90)
            for _ in range(0, total, 15):
                assert unclean(pilot) == []
                await press(pilot, "pagedown")
                await at_rest(pilot)
        assert not (filled_home.log.exists() and "Error" in filled_home.log.read_text())


async def test_the_details_of_every_odd_order(filled_home: Paths, soiled: SandboxServer) -> None:
    """Each order with a hostile member opens, and what it says is text."""
    async with the_app(filled_home, size=(140, 40)) as (pilot, _):
        await at_home(pilot)
        orders = await tab(pilot, 5)
        await press(pilot, "u", "g")
        await at_rest(pilot)
        odd = {row["id"] for row in soiled.control("orders") if row["id"] in ODD}
        for _ in range(orders.list.total):
            await until(pilot, lambda: orders.list.row is not None)
            if orders.list.row.ssl_id in odd:
                await at_rest(pilot)
                assert unclean(pilot) == []
                odd.discard(orders.list.row.ssl_id)
            await press(pilot, "j")
        assert odd == set()


async def test_refusals_and_notices(filled_home: Paths, soiled: SandboxServer) -> None:
    """The server's own words of a refusal, in a dialog and in the status line."""
    for status, body in ((400, {"code": -1, "description": HOSTILE}), (401, {"code": -16, "description": LONG}),
                         (500, HOSTILE)):  # fmt: skip
        soiled.control("faults", {"kind": "status", "status": status, "match": "GET /ssl/v1", "body": body, "count": 4})
        async with the_app(filled_home) as (pilot, _):
            await at_home(pilot)
            await press(pilot, "T")
            await at_rest(pilot)
            await until(pilot, lambda: isinstance(pilot.app.screen, ProblemDialog) or "!" in shown(pilot.app.screen))
            for _ in range(3):
                assert unclean(pilot) == []
                await press(pilot, "pagedown")
                await at_rest(pilot)
        soiled.control("faults", method="DELETE")
    soil_fields(soiled)


async def test_a_list_that_is_written(filled_home: Paths, soiled: SandboxServer) -> None:
    """No cell of the CSV file that `w` writes becomes a formula."""
    async with the_app(filled_home) as (pilot, _):
        await at_home(pilot)
        for number in range(2, 8):
            await tab(pilot, number)
            if number == 7:  # past the renewals and the plan, of which there are none
                await press(pilot, "u", "u")
                await at_rest(pilot)
            await press(pilot, "w")
            dialog = await is_open(pilot, WriteListDialog)
            await press(pilot, "ctrl+y")
            await until(pilot, lambda dialog=dialog: pilot.app.screen is not dialog)
    written = list(filled_home.exports.glob("*.csv"))
    assert len(written) == 6
    for file in written:
        harmless(file.read_text(encoding="utf-8"))


def harmless(text: str) -> None:
    """A CSV file that a spreadsheet may open."""
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert len(rows) > 1
    assert len({len(row) for row in rows}) == 1
    for cell in (cell for row in rows for cell in row):
        assert not cell.startswith(("=", "+", "-", "@", "\t", "\r")), cell
        assert dirt(cell) == set()


LISTS: tuple[tuple[str, ...], ...] = (
    ("organizations", "list"), ("domains", "list"), ("profiles", "list"), ("orders", "list", "--all"),
    ("certificates", "list", "--all"), ("audit", "list"), ("status",), ("account", "show"), ("account", "health"),
    ("doctor",), ("sync",),
)  # fmt: skip


@pytest.fixture
def soiled_cli(filled_home: Paths) -> Cli:
    return Cli(filled_home.home)


def test_every_list_of_a_command(soiled_cli: Cli, soiled: SandboxServer) -> None:
    """Tables, CSV and JSON on standard output, notes on standard error: one line a row, nothing but text."""
    for words in LISTS:
        done = soiled_cli(*words, code={0, 1, 3})
        assert dirt(done.out) == set(), words
        assert dirt(done.err) == set(), words
        as_json = soiled_cli(*words, "--json", code={0, 1, 3})
        assert as_json.out.isascii()
        as_json.json  # noqa: B018 - it parses
    for words in LISTS[:5]:
        harmless(soiled_cli(*words, "--format", "csv").out)
    table = soiled_cli(*LISTS[3]).out.splitlines()
    assert len(table) == 1 + len(soiled_cli.json(*LISTS[3]))
    harmless(soiled_cli("audit", "export", "--format", "csv").out)
    assert dirt(soiled_cli("orders", "import", code={0, 3}).err) == set()


def test_every_show_of_a_command(soiled_cli: Cli) -> None:
    """Each row by itself."""
    shown_rows = [("orders", row["number"]) for row in soiled_cli.json("orders", "list", "--all")]
    shown_rows += [("certificates", f"c{row['id']}") for row in soiled_cli.json("certificates", "list", "--all")[:5]]
    shown_rows += [("domains", str(row["id"])) for row in soiled_cli.json("domains", "list")]
    for noun, number in shown_rows:
        done = soiled_cli(noun, "show", number)
        assert dirt(done.out + done.err) == set(), number


@pytest.mark.parametrize(
    "body", [{"code": -7, "description": HOSTILE}, {"code": HOSTILE, "description": [LONG]}, HOSTILE]
)
def test_a_refusal_by_a_command(soiled_cli: Cli, soiled: SandboxServer, body: Any) -> None:
    """The server's words of a refused order and of a failed call stand on standard error, as text."""
    soiled.control("faults", {"kind": "status", "status": 400, "match": "GET /organization", "body": body, "count": 9})
    done = soiled_cli("sync", "organizations", code={1, 3, 4})
    assert done.err
    assert dirt(done.out + done.err) == set()
    soiled.control("faults", method="DELETE")
    soil_fields(soiled)


def test_what_is_typed_is_no_better(soiled_cli: Cli) -> None:
    """Hostile arguments are refused in printable words."""
    words = list(ORDER)
    words[words.index("Example Corporation")] = "7103"
    for refused in (
        soiled_cli("orders", "create", "--common-name", BITES[0] + ".example.com", *words, "--yes", code={1, 2}),
        soiled_cli("orders", "list", HOSTILE.replace("\x00", ""), code={0, 2}),
        soiled_cli("orders", "show", BITES[2], code=1),
        soiled_cli("find", "/nowhere/" + BITES[1], code={1, 2}),
    ):
        assert dirt(refused.out + refused.err) == set()


OWN = re.compile(
    rb"\x1b\[[0-9;:]*m|\x1b\[[0-9;]*[HJKABCDGdXPLM@]|\x1b\[[<>=?][0-9;]*(?:[hlu]|\$p)|\x1b\[>[0-9;]*[qmu]|\x1b\[c"
    rb"|\x1b[()][AB0]|\x1b[78=>]|\x1b\[[0-9]*t|\x1b\[!p|\x1b\[[0-9;]*r|\x1b\]22;default\x07"
)
"""The sequences that the program itself writes: colours, places, modes, the pointer, what it asks of the terminal."""


def test_on_a_real_terminal(soiled_cli: Cli) -> None:
    """On a pseudo-terminal the program writes its own sequences and text, and nothing that came from SCM acts."""
    with Terminal("kmptui", home=soiled_cli.home, columns=80, lines=24) as terminal:
        terminal.until("Repository")
        for key in ("2", "enter", "escape", "3", "enter", "escape", "4", "enter", "escape", "5", "enter", "escape", "u",
                    "pagedown", "y", "escape", "6", "enter", "escape", "7", "1"):  # fmt: skip
            terminal.key(key)
        written = terminal.output
    assert len(written) > 10_000
    for sequence in SEQUENCES:
        assert sequence not in written
    rest = OWN.sub(b"", written).decode("utf-8")
    assert dirt(rest, "\r\n") == set(), re.findall(r"\x1b.{,12}", rest)
