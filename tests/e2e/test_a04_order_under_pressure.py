"""An order under time pressure over a slow line: one paste of a mess, checks beside the fields, nothing sent."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kmptui.config import Paths
from kmptui.sandbox.server import SandboxServer
from kmptui.services.workspace import Workspace
from kmptui.tui.dialogs.order.form import OrderForm
from kmptui.tui.dialogs.order.preview import PreviewDialog
from kmptui.tui.tabs.home_screen import HomeScreen
from tests.cli.conftest import ORDER, Cli
from tests.e2e.keyboard import at_home, connect, flat, paste, press, the_app
from tests.services.rig import request
from tests.tui.acting import field, is_open, paste_marked, shown, until

GOOD = [f"host{n:02d}.example.com" for n in range(34)]
MESS = (
    "host00.example.com, host01.example.com;host02.example.com\n"
    + "\n".join(GOOD[3:])
    + "\t HOST05.example.com. \r\n*.example.com,,; host09.example.com  b\u00fccher.example.com"
    " a.legacy.example.com\n*.api.example.com"
)
"""40 names: 36 good ones (a wildcard and an IDN among them), two doubles, one whose DCV has ended, a wildcard that
is not delegated; commas, semicolons, blanks, tabs, line breaks, a trailing dot."""
NAMES = [*GOOD, "*.example.com", "xn--bcher-kva.example.com", "a.legacy.example.com", "*.api.example.com"]
LATENCY_MS = 400


def writes(sandbox: SandboxServer) -> list[str]:
    """Requests that change something at SCM."""
    return [f"{r['method']} {r['path']}" for r in sandbox.control("requests") if r["method"] not in {"GET", "HEAD"}]


async def choose(pilot: Any, form: OrderForm, name: str, words: str) -> None:
    """Open a field's list with enter, filter it by typing, choose with enter."""
    field(form, name).focus_control()
    await press(pilot, "enter")
    await until(pilot, lambda: pilot.app.screen is not form, f"the list of {name}")
    choices = pilot.app.screen
    at = next(n for n, option in enumerate(choices._shown) if option.words == words)
    current = choices.query_one("Choices").highlighted or 0
    await press(pilot, *(["down"] * (at - current) or ["up"] * (current - at)), "enter")
    await until(pilot, lambda: pilot.app.screen is form, "the form")


async def test_on_the_keyboard(paths: Paths, sandbox: SandboxServer) -> None:
    """One key opens the form with the organization, profile and term used last; a paste of forty names is normalised,
    deduplicated and counted; what would be refused is marked with its reason while one types, though every answer of
    SCM takes 400 ms; nothing at all is sent; a draft keeps it."""
    async with the_app(paths) as (pilot, workspace):
        await _linked_with_an_order(workspace, sandbox)
        sandbox.control("settings", {"latency_ms": LATENCY_MS})
        sandbox.control("reset", {"what": "counters"})
        await press(pilot, "5", "n")
        form = await is_open(pilot, OrderForm)
        assert (form.values.organization_id, form.values.profile_id, form.values.term) == (7101, 2103, 199)

        await paste_marked(pilot, MESS)
        await until(pilot, lambda: len(form.values.names) == len(NAMES))
        assert sorted(form.values.names) == sorted(NAMES)
        await until(pilot, lambda: len([f for f in form.findings if f.field == "names" and not f.hint]) == 2)
        told = {f.names[0]: f.cause for f in form.findings if f.field == "names" and not f.hint}
        assert "ended" in told["a.legacy.example.com"]
        assert "wildcard" in told["*.api.example.com"]
        screen = shown(form)
        for words in (
            f"Names {len(NAMES):>6}",
            "pasted 40",
            "2 double",
            "x a.legacy.example.com",
            "x *.api.example.com",
        ):
            assert words in screen, screen
        assert "b\u00fccher.example.com (xn--bcher-kva.example.com)" in _all_lines(form)

        assert "365 days" in [option.words for option in field(form, "term").options]
        assert "47 days" not in [option.words for option in field(form, "term").options]
        await choose(pilot, form, "term", "365 days")
        await until(pilot, lambda: any(f.field == "term" and f.hint for f in form.findings), "the hint")
        assert "199 days" in flat(shown(form))

        field(form, "comments").focus_control()
        await paste_marked(pilot, "x" * 1025)
        await until(pilot, lambda: any(f.field == "comments" and not f.hint for f in form.findings))
        await press(pilot, "backspace")
        await until(pilot, lambda: not any(f.field == "comments" and not f.hint for f in form.findings))
        assert len(form.values.comments) == 1024

        await press(pilot, "ctrl+o")
        await until(pilot, lambda: any(f.field == "custom:Cost Centre" and not f.hint for f in form.findings))
        await until(pilot, lambda: field(form, "custom:Cost Centre").is_bad)
        assert pilot.app.screen is form
        field(form, "custom:Cost Centre").focus_control()
        await paste(pilot, "0815")
        await press(pilot, "ctrl+o")
        preview = await is_open(pilot, PreviewDialog)
        said = flat(shown(preview))
        assert "Looked up again before it is sent" in said
        await press(pilot, "escape")
        await until(pilot, lambda: pilot.app.screen is form)
        await press(pilot, "escape", "escape")
        await is_open(pilot, HomeScreen)
        assert writes(sandbox) == []
    sandbox.control("settings", {"latency_ms": 0})
    async with the_app(paths) as (pilot, workspace):
        await at_home(pilot)
        await press(pilot, "n")
        form = await is_open(pilot, OrderForm)
        assert sorted(form.values.names) == sorted(NAMES)
        assert (form.values.term, len(form.values.comments)) == (365, 1024)
        assert dict(form.values.custom) == {"Cost Centre": "0815"}
    assert writes(sandbox) == []


def _all_lines(form: OrderForm) -> str:
    listing = form.query_one("NamesList")
    return "\n".join(str(listing.get_option_at_index(n).prompt) for n in range(listing.option_count))


async def _linked_with_an_order(workspace: Workspace, sandbox: SandboxServer) -> None:
    await connect(workspace, sandbox)
    await workspace.ordering.place(request("first.example.com"))


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        (("--comments", "x" * 1025), "1,024"),
        (("--term", "47"), "term"),
        (("--custom-field", "Cost Centre="), "Cost Centre"),
        ((), "a.legacy.example.com"),
    ],
    ids=["comments", "term", "custom field", "names"],
)
def test_what_is_refused_by_a_command(
    join: Callable[..., Cli], sandbox: SandboxServer, tmp_path: Path, more: tuple[str, ...], reason: str
) -> None:
    """The same mess out of a file: each thing that is wrong is named, the exit code is 2, and no order is sent."""
    cli = join(sandbox)
    file = tmp_path / "names.txt"
    file.write_text(MESS)
    sandbox.control("reset", {"what": "counters"})
    words = ["--profile", "OV Multi-Domain SSL", *more]
    refused = cli("orders", "create", "--names-file", file, *ORDER, *words, "--yes", code=2)
    assert reason in refused.err
    assert writes(sandbox) == []
    assert cli.json("orders", "list", "--all") == []


def test_a_dry_run_and_the_order_by_a_command(join: Callable[..., Cli], sandbox: SandboxServer, tmp_path: Path) -> None:
    """Without the two names that SCM would refuse, the whole request is shown, then placed once with all of them."""
    cli = join(sandbox)
    file = tmp_path / "names.txt"
    file.write_text(MESS.replace("a.legacy.example.com", "").replace("*.api.example.com", ""))
    words = [*ORDER, "--profile", "OV Multi-Domain SSL", "--term", "199", "--comments", "x" * 1024]
    shown_first = cli("orders", "create", "--names-file", file, *words, "--dry-run")
    assert "xn--bcher-kva.example.com" in shown_first.out
    assert writes(sandbox) == []
    placed = cli.json("orders", "create", "--names-file", file, *words, "--yes")
    assert sorted(placed["names"]) == sorted(NAMES[:36])
    assert len(sandbox.control("state")["created"]) == 1
