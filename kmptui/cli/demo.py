"""`kmptui demo`: a rehearsal on a sandbox SCM, on screen or as a script; gone without a trace when it ends."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kmptui.cli import diagnostics, exit_codes, output
from kmptui.errors import KmptuiError

if TYPE_CHECKING:
    from kmptui.domain.order import OrderRequest
    from kmptui.services.workspace import Workspace

READY_WITHIN = 30.0
"""Seconds that the sandbox may take to say that it is ready."""


class SandboxFailed(KmptuiError):
    """The sandbox did not start."""


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """A running sandbox, and a home that ends with it."""

    home: Path
    base_url: str
    login: str
    password: str
    customer_uri: str
    ca_file: str
    control_url: str

    def __repr__(self) -> str:
        return f"Rehearsal({self.base_url})"


@contextlib.asynccontextmanager
async def rehearsal(certificates: int) -> AsyncIterator[Rehearsal]:
    """Start a sandbox as a child that dies with us, and make a home; both are gone at the end."""
    home = Path(tempfile.mkdtemp(prefix="kmptui-demo-"))
    words = [sys.executable, "-m", "kmptui", "sandbox", "--leash", "--certificates", str(certificates)]
    child = await asyncio.create_subprocess_exec(
        *words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        assert child.stdout is not None  # noqa: S101 - a pipe, see above
        assert child.stdin is not None  # noqa: S101 - likewise
        try:
            told = json.loads(await asyncio.wait_for(child.stdout.readline(), READY_WITHIN))
        except (TimeoutError, ValueError) as error:
            raise SandboxFailed("The sandbox did not start", cure="kmptui sandbox shows why") from error
        yield Rehearsal(home, **told)
        child.stdin.close()
        await asyncio.wait_for(child.wait(), 5.0)
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
        shutil.rmtree(home, ignore_errors=True)


@click.command()
@click.option("--script", is_flag=True, help="Play the main job without a terminal, and say what was done.")
@click.option(
    "--certificates", type=click.IntRange(0, 100_000), default=300, help="Orders that the sandbox starts with."
)
def demo(script: bool, certificates: int) -> None:
    """A rehearsal: a sandbox SCM with a real CA, sample domains and orders; no account, no network but this machine."""
    raise SystemExit(played(certificates) if script else on_screen(certificates))


def on_screen(certificates: int = 300) -> int:
    """The TUI on a linked demo home; the exit code."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        diagnostics.note("kmptui: the demo needs a terminal; kmptui demo --script plays it without one")
        return exit_codes.USAGE

    async def run() -> int:
        from kmptui.cli.screen import show
        from kmptui.config import Paths
        from kmptui.services.workspace import Workspace

        diagnostics.note("Starting a sandbox SCM …")
        async with rehearsal(certificates) as stage:
            paths = Paths(stage.home)
            async with await Workspace.open(paths, face="cli") as workspace:
                await _link(workspace, stage)
                await _import(workspace)
                await workspace.importing.fetch()
            return (await show(paths))[1]

    return _told(run())


def played(certificates: int) -> int:
    """Link, mirror, import, order, issue, fetch, export, verify; narrated; the exit code."""
    return _told(_play(certificates))


def _told(work: Coroutine[Any, Any, int | None]) -> int:
    try:
        return asyncio.run(work) or exit_codes.FINE
    except KmptuiError as error:
        return diagnostics.trouble(error)
    except (KeyboardInterrupt, asyncio.CancelledError):
        return exit_codes.ENDED_BY + signal.SIGINT


async def _link(workspace: Workspace, stage: Rehearsal) -> None:
    from kmptui.services.account import LinkRequest

    await workspace.account.link(LinkRequest(stage.base_url, stage.login, stage.password, stage.customer_uri))
    await workspace.mirror.sync()


async def _import(workspace: Workspace) -> None:
    from kmptui.services.importing import ImportOptions

    await workspace.importing.run(ImportOptions())


async def _play(certificates: int) -> None:
    from kmptui.config import Paths
    from kmptui.domain.listing import Query, Topic
    from kmptui.services.workspace import Workspace

    async with rehearsal(certificates) as stage:
        output.line(f"1. A sandbox SCM listens at {stage.base_url}; nothing leaves this machine.")
        async with await Workspace.open(Paths(stage.home), face="cli") as workspace:
            await _link(workspace, stage)
            output.line(f"2. Linked the account {stage.login}: proved by one call, its password sealed in a vault.")
            counts = [
                f"{(await workspace.lists.window(Query(topic, view='all'), 0, 1)).total} {topic}"
                for topic in (Topic.ORGANIZATIONS, Topic.DOMAINS, Topic.PROFILES)
            ]
            output.line(f"3. Mirrored {', '.join(counts)}.")
            await _import(workspace)
            existing = (await workspace.lists.window(Query(Topic.ORDERS, view="all"), 0, 1)).total
            output.line(f"4. Imported {existing} existing orders by one report.")
            fetched = await workspace.importing.fetch()
            output.line(f"5. Fetched {fetched.fetched} certificates into the repository, {len(fetched.failed)} failed.")
            await _order_and_export(workspace, stage)
    output.line("Done. The sandbox, its account and its keys are gone again.")


async def _order_and_export(workspace: Workspace, stage: Rehearsal) -> None:
    from kmptui.services.repository import ExportRequest

    request = await _request(workspace)
    placed = await workspace.ordering.place(request)
    output.line(f"6. Ordered {request.common_name} and {len(request.names) - 1} more names: {placed.words}")
    assert placed.order_id is not None  # noqa: S101 - place() raises where no order came to be
    states: list[str] = []
    order = await workspace.ordering.follow(
        placed.order_id, lambda seen: states.append(seen.row.state), seconds=READY_WITHIN * 2
    )
    output.line(f"7. Followed it: {', '.join(dict.fromkeys(states)) or order.row.state}.")
    if order.row.certificate_id is None:
        raise SandboxFailed("The certificate did not come", why=f"the order is {order.row.state}")
    certificate = await workspace.lists.certificate(order.row.certificate_id)
    output.line(f"8. In the repository: serial {certificate.row.serial}, ends {certificate.row.not_after:%Y-%m-%d}.")
    keystore = stage.home / "demo.p12"
    done = await workspace.repository.export(ExportRequest(certificate.id, "pkcs12", out=keystore, generate=True))
    output.line(f"9. Exported key and chain as PKCS#12: {done.size:,} bytes, SHA-256 {done.sha256[:16]}…")
    output.line(f"10. {await _verified(workspace, certificate.id, stage)}")
    verdict = await workspace.record.verify()
    if not verdict.intact:
        raise SandboxFailed("The audit is not intact", why=verdict.problem)
    output.line(f"11. The audit holds {verdict.rows} rows, its chain of hashes is intact.")


async def _request(workspace: Workspace) -> OrderRequest:
    """An order that the sandbox's company may place."""
    from kmptui.domain.keys import KeySpec
    from kmptui.domain.order import NewKey, OrderRequest

    return OrderRequest(
        names=("demo.example.com", "www.demo.example.com"),
        organization_id=await workspace.lists.resolve_organization("Example Corporation"),
        profile_id=await workspace.lists.resolve_profile("OV SSL"),
        term=90,
        key=NewKey(KeySpec("EC", "P-256")),
        comments="A rehearsal",
        custom_fields=(("Cost Centre", "0815"),),
    )


async def _verified(workspace: Workspace, certificate_id: int, stage: Rehearsal) -> str:
    """Have `openssl` judge the chain and the CRL, where it is there. Raises SandboxFailed when it says no."""
    from kmptui.services.repository import ExportRequest

    parts = {}
    for part in ("leaf", "chain"):
        parts[part] = stage.home / f"{part}.pem"
        await workspace.repository.export(ExportRequest(certificate_id, "pem", only=part, out=parts[part]))
    openssl = shutil.which("openssl")
    if openssl is None:
        return "Key, certificate and chain belong together (openssl is not here to say so, too)."
    crls = stage.home / "crls.pem"
    crls.write_bytes(b"".join([await _crl(openssl, stage, name) for name in ("issuing", "root")]))
    words = ["verify", "-crl_check_all", "-CAfile", stage.ca_file, "-untrusted", str(parts["chain"])]
    judge = await asyncio.create_subprocess_exec(
        openssl, *words, "-CRLfile", str(crls), str(parts["leaf"]), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    told, _ = await judge.communicate()
    if judge.returncode:
        raise SandboxFailed("openssl does not accept the chain", why=told.decode(errors="replace").strip())
    return "openssl verifies the chain up to the root, and neither certificate is on its issuer's CRL."


async def _crl(openssl: str, stage: Rehearsal, name: str) -> bytes:
    """One of the sandbox's CRLs, as PEM."""
    from urllib.request import ProxyHandler, build_opener

    url = stage.control_url.removesuffix("/control") + f"/crl/{name}.crl"
    direct = build_opener(ProxyHandler({}))  # our own child on the loopback is never a proxy's business
    with await asyncio.to_thread(direct.open, url) as answer:
        data = answer.read()
    turn = await asyncio.create_subprocess_exec(
        openssl, "crl", "-inform", "DER", "-outform", "PEM", stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    pem, _ = await turn.communicate(data)
    return pem
