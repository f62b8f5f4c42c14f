"""The main job on the keyboard against a sandbox SCM: link, import, order out of a pasted mess, follow, export."""

from __future__ import annotations

import asyncio
import shutil
import stat
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from textual import events
from textual.pilot import Pilot

from kmptui.config import Paths
from kmptui.domain.listing import Query, Topic
from kmptui.domain.order import Ledger
from kmptui.services.workspace import Workspace
from kmptui.tui.app import KmptuiApp
from kmptui.tui.dialogs.export import ExportDialog
from kmptui.tui.dialogs.exported import ExportedDialog
from kmptui.tui.dialogs.import_orders import ImportDialog
from kmptui.tui.dialogs.order.follow import FollowPage
from kmptui.tui.dialogs.order.form import OrderForm
from kmptui.tui.dialogs.order.preview import PreviewDialog
from kmptui.tui.dialogs.problem import ProblemDialog
from kmptui.tui.tabs.home_screen import HomeScreen
from kmptui.tui.tabs.link_form import LinkForm
from kmptui.tui.widgets.dialog import TextDialog
from tests.tui.acting import field, fill, is_open, sees, shown, until

needs_openssl = pytest.mark.skipif(
    shutil.which("openssl") is None, reason="openssl is not installed: nothing can judge"
)


@asynccontextmanager
async def the_app(paths: Paths, size: tuple[int, int] = (80, 24)) -> AsyncIterator[tuple[Pilot[Any], Workspace]]:
    """The app on a home of its own."""
    async with await Workspace.open(paths, face="tui") as workspace, KmptuiApp(workspace).run_test(size=size) as pilot:
        yield pilot, workspace


async def link(pilot: Pilot[Any], sandbox: Any, **changes: str) -> None:
    """Fill in the link form and press the chord."""
    form = pilot.app.screen.query_one(LinkForm)
    await until(pilot, lambda: form.display)
    filled = {
        "base_url": sandbox.base_url, "login": sandbox.login, "password": sandbox.password,
        "customer_uri": sandbox.customer_uri, "ca_file": "", **changes,
    }  # fmt: skip
    await fill(pilot, form, **filled)
    await pilot.press("ctrl+y")


async def linked(pilot: Pilot[Any], sandbox: Any) -> None:
    """Link, and decline the offered import."""
    await link(pilot, sandbox)
    await is_open(pilot, ImportDialog)
    await pilot.press("escape", "escape")
    await is_open(pilot, HomeScreen)


async def orderable(workspace: Workspace) -> tuple[int, int, str]:
    """An organization, a profile of its, and a domain for which both work, as the engine itself judges."""
    from kmptui.domain.order import NewKey, OrderRequest

    facts = await workspace.ordering.facts()
    window = await workspace.lists.window(Query(Topic.DOMAINS), 0, 100)
    for organization in facts.organizations:
        for profile in facts.profiles:
            if organization.id not in profile.organizations or not profile.terms or not profile.keys:
                continue
            if "multi" not in profile.name.lower():
                continue
            for domain in window.rows:
                names = (f"shop.{domain.name}", f"www.{domain.name}")
                request = OrderRequest(
                    names, organization.id, profile.id, min(profile.terms), NewKey(sorted(profile.keys)[-1])
                )
                found = await workspace.ordering.check(request)
                if not [f for f in found if not f.hint and not f.field.startswith("custom:")]:
                    return organization.id, profile.id, domain.name
    raise AssertionError("the sandbox has nothing that can be ordered")


@needs_openssl
async def test_from_the_link_form_to_a_keystore_that_openssl_opens(paths: Paths, sandbox_factory: Any) -> None:
    sandbox = sandbox_factory(certificates=20, issue_after=0)
    async with the_app(paths) as (pilot, workspace):
        await link(pilot, sandbox)
        dialog = await is_open(pilot, ImportDialog)
        await until(pilot, lambda: "20" in str(dialog.query_one(".forecast").render()))
        await pilot.press("ctrl+y")
        report = await is_open(pilot, TextDialog)
        assert "Import: complete" in report.title_text()
        await pilot.press("escape")
        await is_open(pilot, HomeScreen)
        assert "DEMO" in shown(pilot.app.screen).splitlines()[0]
        organization, profile, domain = await orderable(workspace)

        await pilot.press("n")
        form = await is_open(pilot, OrderForm)
        for name, value in (("organization", organization), ("profile", profile)):
            picker = field(form, name)
            picker.value = value
            picker.post_message(picker.Edited(picker))
            await pilot.pause()
        form.query_one("NamesEntry").post_message(
            events.Paste(f"SHOP.{domain}.,\n www.{domain}; shop.{domain}\t\n")  # what a clipboard is like
        )
        for custom in (found for found in form.fields() if found.name.startswith("custom:")):
            if hasattr(custom, "check"):
                custom.value = "0815"
            else:
                custom.value = custom.options[-1].value
                custom.post_message(custom.Edited(custom))
        await until(pilot, lambda: form.values.names == (f"shop.{domain}", f"www.{domain}"))
        await until(pilot, lambda: not [f for f in form.findings if not f.hint], "a form without a problem")
        await pilot.press("ctrl+o")
        await is_open(pilot, PreviewDialog)
        await pilot.press("ctrl+y")
        page = await is_open(pilot, FollowPage)
        await until(pilot, lambda: page.order is not None and page.order.ssl_id is not None, "the order")
        await asyncio.to_thread(sandbox.control, f"orders/{page.order.ssl_id}/issue", {})
        await until(pilot, lambda: page.certificate_id is not None, "the certificate")
        await sees(pilot, "in the repository")

        await pilot.press("e")
        export = await is_open(pilot, ExportDialog)
        target = paths.home.parent / "shop.p12"
        await fill(pilot, export, typed="correct-horse", again="correct-horse", out=str(target))
        await pilot.press("ctrl+y")
        await is_open(pilot, ExportedDialog)
        assert str(target.name) in shown(pilot.app.screen)
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    said = await asyncio.to_thread(
        subprocess.run,
        ["openssl", "pkcs12", "-in", target, "-passin", "pass:correct-horse", "-nodes"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "BEGIN PRIVATE KEY" in said.stdout
    assert said.stdout.count("BEGIN CERTIFICATE") >= 2
    assert len(sandbox.control(f"orders?name=shop.{domain}")) == 1


async def test_linked_once_nothing_is_asked_again(paths: Paths, sandbox_factory: Any) -> None:
    sandbox = sandbox_factory(certificates=3)
    async with the_app(paths) as (pilot, _):
        await linked(pilot, sandbox)
    async with the_app(paths) as (pilot, _):
        await sees(pilot, sandbox.login)
        assert not pilot.app.screen.query_one(LinkForm).display
    for file in (paths.store, paths.key_file):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    kept = b"".join(file.read_bytes() for file in paths.home.rglob("*") if file.is_file())
    assert sandbox.password.encode() not in kept


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"password": "wrong-password"}, "login, password"),
        ({"customer_uri": "nobody"}, "customer URI"),
        ({"base_url": "http://127.0.0.1:9/api"}, "connection"),
    ],
)
async def test_a_link_that_fails_is_told_and_nothing_is_kept(
    paths: Paths, sandbox_factory: Any, changes: dict[str, str], said: str
) -> None:
    sandbox = sandbox_factory(certificates=1)
    async with the_app(paths) as (pilot, workspace):
        await link(pilot, sandbox, **changes)
        await is_open(pilot, ProblemDialog)
        assert said.lower() in " ".join(shown(pilot.app.screen).split()).lower()
        await pilot.press("escape")
        await is_open(pilot, HomeScreen)
        form = pilot.app.screen.query_one(LinkForm)
        assert form.display
        assert field(form, "login").value == sandbox.login
        assert await workspace.account.view() is None


async def test_a_reply_that_never_comes_leaves_one_order_that_is_settled(paths: Paths, sandbox_factory: Any) -> None:
    sandbox = sandbox_factory(certificates=1, issue_after=60)
    async with the_app(paths) as (pilot, workspace):
        await linked(pilot, sandbox)
        organization, profile, domain = await orderable(workspace)
        sandbox.control("faults", {"kind": "drop-after", "match": "POST /ssl/v[0-9]/enroll"})
        await pilot.press("n")
        form = await is_open(pilot, OrderForm)
        for name, value in (("organization", organization), ("profile", profile)):
            picker = field(form, name)
            picker.value = value
            picker.post_message(picker.Edited(picker))
            await pilot.pause()
        form.query_one("NamesEntry").post_message(events.Paste(f"lost.{domain} "))
        for custom in (found for found in form.fields() if found.name.startswith("custom:")):
            custom.value = "0815" if hasattr(custom, "check") else custom.options[-1].value
            custom.post_message(custom.Edited(custom))
        await until(pilot, lambda: form.values.names and not [f for f in form.findings if not f.hint])
        await pilot.press("ctrl+o")
        await is_open(pilot, PreviewDialog)
        await pilot.press("ctrl+y")
        page = await is_open(pilot, FollowPage)
        await until(pilot, lambda: page.unconfirmed, "an unconfirmed order")
        assert "never sent a second time" in " ".join(shown(page).split())
        await pilot.press("exclamation_mark")
        await until(pilot, lambda: page.order is not None and page.order.row.ledger is Ledger.ACCEPTED, "the order")
    assert len(sandbox.control(f"orders?name=lost.{domain}")) == 1
