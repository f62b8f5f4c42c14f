"""The first link of the account: from an empty home to three mirrored lists, and no question asked twice."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

from textual.widgets import Input

from kmptui.config import Paths
from kmptui.domain.listing import Topic
from kmptui.sandbox.server import SandboxServer
from kmptui.tui.dialogs.health import HealthDialog
from kmptui.tui.tabs.link_form import LinkForm
from tests.cli.conftest import Cli
from tests.e2e.keyboard import at_home, declined, flat, link_by_keys, press, tab, the_app, type_over
from tests.sandbox_fixtures import SandboxFactory
from tests.tui.acting import field, is_open, sees, shown, until


def at_server(sandbox: SandboxServer) -> dict[int, int]:
    """How many rows the tabs 2, 3 and 4 must show."""
    gone = sum(profile["gone"] for profile in sandbox.control("profiles"))
    return {2: 8, 3: len(sandbox.control("domains")), 4: len(sandbox.control("profiles")) - gone}


def holding(home: Path, text: str) -> list[Path]:
    """Files of the home that hold the text."""
    return [file for file in home.rglob("*") if file.is_file() and text.encode() in file.read_bytes()]


def sealed_off(home: Path) -> bool:
    """Whether nobody else may look into any file or folder of the home."""
    return all(
        stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600) for path in (home, *home.rglob("*"))
    )


async def test_on_the_keyboard(paths: Paths, sandbox: SandboxServer, open_umask: object) -> None:
    """An empty store opens on the link form and the other tabs say what they wait for; a pasted login address gives the
    customer URI; the password is never echoed; one call proves it before anything is saved; then organizations, domains
    and profiles are listed with the server's counts and the age of the mirror."""
    async with the_app(paths) as (pilot, workspace):
        await sees(pilot, "Link your account")
        await press(pilot, "escape")
        for number in range(2, 7):
            await tab(pilot, number)
            await sees(pilot, "Waiting for an account")
        await tab(pilot, 1)
        form = pilot.app.screen.query_one(LinkForm)
        field(form, "base_url").focus_control()
        await type_over(pilot, sandbox.base_url.removesuffix("/api") + f"/customer/{sandbox.customer_uri}")
        await press(pilot, "down")
        await until(pilot, lambda: field(form, "base_url").value == sandbox.base_url, "the address alone")
        assert field(form, "customer_uri").value == sandbox.customer_uri
        await press(pilot, *sandbox.login, "down", *sandbox.password)
        assert field(form, "password").value == sandbox.password
        assert sandbox.password not in shown(pilot.app.screen) + pilot.app.export_screenshot()
        assert sandbox.control("state")["requests"] == 0
        assert not paths.key_file.exists()

        await press(pilot, "ctrl+y")
        await declined(pilot)
        first, *_ = sandbox.control("requests")
        assert (first["method"], first["path"], first["login"]) == ("GET", "/api/ssl/v1", sandbox.login)
        for number, rows in at_server(sandbox).items():
            shown_tab = await tab(pilot, number)
            assert shown_tab.list.total == rows
            screen = shown(pilot.app.screen)
            assert f"{rows:,}" in screen.splitlines()[2]
            assert "as of" in screen
            row = shown_tab.list.row
            assert str(row.id) in screen
            assert row.name in screen
        assert sandbox.password not in pilot.app.export_screenshot() + repr(await workspace.account.view())
    assert holding(paths.home, sandbox.password) == []
    assert sealed_off(paths.home)


async def test_health_and_the_second_start_on_the_keyboard(paths: Paths, sandbox: SandboxServer) -> None:
    """Started again, the home screen stands there, SCM is reached without a question, and the health panel tells the
    account's role, the organizations whose REST API is off, validations that end within 60 days, the end of the
    password, and a clock that is off by more than a minute."""
    sandbox.control("clock", {"advance": 150})
    async with the_app(paths) as (pilot, _):
        await link_by_keys(pilot, sandbox)
        await declined(pilot)
        await press(pilot, "q")
        await until(pilot, lambda: not pilot.app.is_running)
    async with the_app(paths) as (pilot, workspace):
        await at_home(pilot)
        assert not pilot.app.screen.query_one(LinkForm).display
        assert not isinstance(pilot.app.focused, Input)
        await press(pilot, "h")
        panel = await is_open(pilot, HealthDialog)
        await until(pilot, lambda: panel._report is not None and not panel._told, "the answer")
        seen = flat(shown(panel))
        for words in (
            "Role: MRAO", "Off for Example Foundation", "example.org (", "OV SSL", "Password: It ends", "150 s behind",
        ):  # fmt: skip
            assert words in seen
        age = await workspace.mirror.age(Topic.DOMAINS)
        await press(pilot, "escape", "s")
        await sees(pilot, "Synced")
        again = await workspace.mirror.age(Topic.DOMAINS)
        assert age is not None
        assert again is not None
        assert again > age


def test_by_commands(
    cli: Cli, sandbox_factory: SandboxFactory, secret: Callable[..., Path], open_umask: object
) -> None:
    """The same by commands: linked by the pasted login address, proved by one call, mirrored with the server's counts,
    and its health told; the password stands in no output, file or log."""
    sandbox = sandbox_factory(tls=True)
    said = ""

    def run(*words: object, code: int | set[int] = 0) -> Any:
        nonlocal said
        done = cli(*words, code=code)
        said += done.out + done.err
        return done

    page = sandbox.base_url.removesuffix("/api") + f"/customer/{sandbox.customer_uri}"
    for words in (("organizations", "list"), ("domains", "list"), ("profiles", "list")):
        assert "were never read from SCM" in run(*words).err
    run("account", "show", code=1)
    run(
        "-v", "account", "link", "--base-url", sandbox.base_url, "--login", sandbox.login, "--customer-uri", page,
        "--password-file", secret(sandbox), "--ca-file", sandbox.ca_file,
    )  # fmt: skip
    assert cli.json("account", "show")["customer_uri"] == sandbox.customer_uri
    for noun, rows in zip(("organizations", "domains", "profiles"), at_server(sandbox).values(), strict=True):
        listed = cli.json(noun, "list")
        assert len(listed) == rows
        assert all({"id", "name", "status"} <= row.keys() for row in listed)
        assert "As SCM had them at" in run(noun, "list").err
    sandbox.control("clock", {"advance": 150})
    checks = cli.json("account", "health", code={0, 3})
    told = " ".join(f"{check['name']} {check['what']}" for check in checks if check["state"] in {"note", "bad"})
    for words in ("Example Foundation", "example.org", "clock"):
        assert words in told, told
    assert "MRAO" in " ".join(check["what"] for check in checks)
    run("account", "test")
    assert sandbox.password not in said
    assert holding(cli.home, sandbox.password) == []
    assert sealed_off(cli.home)
