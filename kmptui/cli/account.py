"""`kmptui account`: link, show, test, health, password, unlink."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from kmptui.cli import diagnostics, exit_codes, output, secrets
from kmptui.cli.options import as_json, yes
from kmptui.cli.session import Progressing, engine
from kmptui.config import DEFAULT_BASE_URL

if TYPE_CHECKING:
    from kmptui.services.account import AccountView
    from kmptui.services.workspace import Workspace


@click.group()
def account() -> None:
    """The linked SCM account."""


def _facts(view: AccountView) -> dict[str, object]:
    return {
        "base_url": view.base_url,
        "login": view.login,
        "customer_uri": view.customer_uri,
        "kind": view.kind,
        "linked": view.linked,
        "mrao": view.mrao,
        "password_state": view.password_state or None,
        "password_expires": view.password_expires,
        "attention": view.attention or None,
        "read_only": view.read_only or None,
    }


def _print(view: AccountView, *, json: bool) -> None:
    if json:
        output.value(_facts(view))
        return
    role = {True: "MRAO", False: "below MRAO", None: "not told by SCM"}[view.mrao]
    output.fields(
        [
            ("Account", f"{view.login} of {view.customer_uri}" + (" (DEMO)" if view.kind == "sandbox" else "")),
            ("Base URL", view.base_url),
            ("Role", role),
            ("Password", view.password_state and f"{view.password_state}, ends {view.password_expires or 'unknown'}"),
            ("Linked", view.linked),
            ("Attention", view.attention),
            ("Read-only", view.read_only),
        ]
    )


@account.command()
@click.option("--base-url", default=DEFAULT_BASE_URL, show_default=True, help="Address of the SCM REST API.")
@click.option("--login", required=True, help="Login of the API administrator.")
@click.option("--customer-uri", required=True, help="The last part of your SCM login URL; the whole URL will do.")
@click.option("--password-file", metavar="FILE|-", help="File with the password; - reads standard input.")
@click.option("--ca-file", default="", help="PEM file of issuers to trust besides the system's.")
@click.option("--proxy", default="", help="URL of the HTTP proxy.")
@click.option("--passphrase-file", metavar="FILE", help="Seal secrets under this passphrase, not under a key file.")
@click.option("--no-sync", is_flag=True, help="Do not read organizations, domains and profiles right away.")
@as_json
@engine()
async def link(
    workspace: Workspace,
    base_url: str,
    login: str,
    customer_uri: str,
    password_file: str | None,
    ca_file: str,
    proxy: str,
    passphrase_file: str | None,
    no_sync: bool,
    json: bool,
) -> int:
    """Link an SCM account: proved by one call before anything is saved."""
    from kmptui.cli.session import unlocked
    from kmptui.services.account import LinkRequest

    password = secrets.password(password_file, "password", "Password")
    passphrase = secrets.from_file(passphrase_file, "passphrase") if passphrase_file else None
    await unlocked(workspace)
    result = await workspace.account.link(
        LinkRequest(base_url, login, password, customer_uri, ca_file, proxy), passphrase=passphrase
    )
    if result.vault_made == "key file":
        diagnostics.note(
            f"A vault was made; its key file is {workspace.paths.key_file}. Whoever reads that folder, and root, can "
            "read the keys: kmptui vault add-slot passphrase, then remove-slot key-file, changes that"
        )
    for words in result.warnings:
        diagnostics.warning(words)
    if not no_sync:
        progress = Progressing()
        report = await workspace.mirror.sync(report=progress)
        progress.end()
        for words in report.warnings:
            diagnostics.warning(words)
        diagnostics.note(", ".join(f"{count.total:,} {count.topic}" for count in report.counts))
    _print(result.account, json=json)
    return exit_codes.FINE


@account.command()
@as_json
@engine()
async def show(workspace: Workspace, json: bool) -> int:
    """The linked account, from the store."""
    view = await workspace.account.view()
    if view is None:
        from kmptui.errors import NotLinked

        raise NotLinked
    _print(view, json=json)
    return exit_codes.FINE


@account.command()
@as_json
@engine(vault=True)
async def test(workspace: Workspace, json: bool) -> int:
    """Prove the stored credentials by one call."""
    view = await workspace.account.test()
    if not json:
        output.line("SCM takes the credentials")
    _print(view, json=json)
    return exit_codes.FINE


@account.command()
@as_json
@engine(vault=True)
async def health(workspace: Workspace, json: bool) -> int:
    """Role, REST switches, validations that end, the password's end, the clock; exit code 3 when something is wrong."""
    report = await workspace.health.check()
    if json:
        output.value(
            [{"name": c.name, "state": c.state, "what": c.what, "cure": c.cure or None} for c in report.checks]
        )
    else:
        output.table(["Check", "State", "What", "Cure"], [(c.name, c.state, c.what, c.cure) for c in report.checks])
    return exit_codes.ATTENTION if any(c.state == "bad" for c in report.checks) else exit_codes.FINE


@account.command()
@click.option("--password-file", metavar="FILE|-", help="File with the new password; - reads standard input.")
@as_json
@engine(vault=True)
async def password(workspace: Workspace, password_file: str | None, json: bool) -> int:
    """Replace the stored password, after one call has proved the new one."""
    view = await workspace.account.change_password(secrets.password(password_file, "password", "New password"))
    _print(view, json=json)
    return exit_codes.FINE


@account.command()
@yes
@engine()
async def unlink(workspace: Workspace, yes: bool) -> int:
    """Forget the account and its password; orders, certificates, keys and the audit stay."""
    if not diagnostics.confirmed("Forget the account? Orders, certificates and keys stay", yes=yes):
        return exit_codes.FAILURE
    await workspace.account.unlink()
    diagnostics.note("Unlinked; orders, certificates, keys and the audit stay")
    return exit_codes.FINE
