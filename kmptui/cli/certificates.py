"""`kmptui certificates`: the repository."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from kmptui.cli import diagnostics, exit_codes, output, secrets
from kmptui.cli.certificate_key import delete_key
from kmptui.cli.options import as_json, dry_run, layout, split, yes
from kmptui.cli.revoke import proofs, revoke_certificate
from kmptui.cli.session import engine
from kmptui.config import meant
from kmptui.domain.listing import Query, Topic

if TYPE_CHECKING:
    from kmptui.domain.certificate import Certificate
    from kmptui.services.workspace import Workspace

PAGE = 1000


@click.group()
def certificates() -> None:
    """Certificates of the repository. ID is c42 or 42, a serial, or a unique name."""


for command in (revoke_certificate, proofs, delete_key):
    certificates.add_command(command)


def _facts(certificate: Certificate, workspace: Workspace) -> dict[str, object]:
    row = certificate.row
    return {
        "id": row.id,
        "number": row.number,
        "serial": row.serial,
        "common_name": row.common_name,
        "names": list(certificate.names),
        "not_before": row.not_before,
        "not_after": row.not_after,
        "issuer": row.issuer,
        "key": certificate.key,
        "has_key": row.has_key,
        "order_id": row.order_id,
        "status": row.status(workspace.clock.now()).value,
        "source": row.source.value,
        "sha256": certificate.sha256,
        "chain": len(certificate.chain),
        "added": certificate.added,
        "exported": row.exported,
    }


@certificates.command("list")
@click.argument("filter", required=False, default="")
@click.option("--all", "everything", is_flag=True, help="Superseded and long expired ones too.")
@layout
@as_json
@engine()
async def list_certificates(workspace: Workspace, filter: str, everything: bool, layout: str, json: bool) -> int:  # noqa: A002 - the option's name
    """List the certificates of the repository."""
    query = Query(Topic.CERTIFICATES, filter=filter, sort="not_after", view="all" if everything else "current")
    rows: list[dict[str, object]] = []
    while True:
        found = await workspace.lists.certificates(query, len(rows), PAGE)
        rows += [_facts(certificate, workspace) for certificate in found]
        if len(found) < PAGE:
            break
    kind = "json" if json else layout
    if kind == "table":
        rows = [{**row, "id": row["number"]} for row in rows]
    output.records(rows, ["id", "common_name", "status", "not_after", "has_key", "order_id", "serial"], kind)
    return exit_codes.FINE


@certificates.command()
@click.argument("certificate", metavar="ID")
@as_json
@engine()
async def show(workspace: Workspace, certificate: str, json: bool) -> int:
    """All that is known of one certificate."""
    found = await workspace.lists.certificate(await workspace.lists.resolve_certificate(certificate))
    facts = _facts(found, workspace)
    output.value(facts) if json else output.fields(facts.items())
    return exit_codes.FINE


@certificates.command()
@click.argument("certificate", metavar="ID")
@click.option(
    "--format", "layout", type=click.Choice(["pkcs12", "jks", "pem", "der"]), default="pkcs12", show_default=True
)
@click.option("--only", type=click.Choice(["key", "leaf", "chain", "full"]), help="Only this part (PEM, DER).")
@click.option("--out", metavar="PATH|-", required=True, help="The file to write; - is standard output.")
@click.option("--password-file", metavar="FILE|-", help="File with the password; else the order's own.")
@click.option("--generate-password", is_flag=True, help="Make a password; it is printed on standard error.")
@click.option("--no-password", is_flag=True, help="Write the private key in clear; asked, and in the audit.")
@click.option("--alias", default="", help="The name of the entry in the keystore.")
@click.option("--compatible", is_flag=True, help="PKCS#12 for old readers (3DES, SHA-1): weak.")
@click.option("--replace", is_flag=True, help="Replace an existing file without asking.")
@yes
@as_json
@engine(vault=False)
async def export(
    workspace: Workspace,
    certificate: str,
    layout: str,
    only: str | None,
    out: str,
    password_file: str | None,
    generate_password: bool,
    no_password: bool,
    alias: str,
    compatible: bool,
    replace: bool,
    yes: bool,
    json: bool,
) -> int:
    """Write a certificate, its chain and key as PKCS#12, JKS, PEM or DER: 0600, in one step."""
    from kmptui.cli.session import unlocked
    from kmptui.services.repository import ExportRequest

    found = await workspace.lists.certificate(await workspace.lists.resolve_certificate(certificate))
    with_key = only == "key" or (not only and layout != "der" and found.row.has_key)
    if with_key:
        await unlocked(workspace)
    diagnostics.note(f"{found.row.number} {found.row.common_name} {found.row.serial}")
    if no_password and with_key and not diagnostics.confirmed("Write the private key in clear?", yes=yes):
        return exit_codes.FAILURE
    path = None if out == "-" else meant(out)
    if path is not None and path.exists() and not replace:
        if not diagnostics.on_terminal():
            raise click.UsageError(f"{out} exists: say --replace")
        if not diagnostics.confirmed(f"Replace {out}?", yes=False):
            return exit_codes.FAILURE
        replace = True
    done = await workspace.repository.export(
        ExportRequest(
            certificate_id=found.id,
            format=layout,
            only=only or "",
            out=path,
            password=secrets.from_file(password_file, "password") if password_file else None,
            generate=generate_password,
            clear=no_password,
            alias=alias,
            replace=replace,
            compatible=compatible,
        )
    )
    for words in done.warnings:
        diagnostics.warning(words)
    if done.password:
        diagnostics.note(f"Password (shown once): {done.password}")
    if path is None:
        output.raw(done.data)
    elif json:
        output.value({"path": str(done.path), "sha256": done.sha256, "size": done.size, "scp": done.scp})
    else:
        output.fields([("Written", str(done.path)), ("SHA-256", done.sha256), ("Copy it", done.scp)])
    return exit_codes.FINE


@certificates.command("attach-key")
@click.argument("certificate", metavar="ID")
@click.option("--key-file", required=True, metavar="FILE", help="The private key: PEM or DER, encrypted or not.")
@click.option("--key-password-file", metavar="FILE|-", help="File with the passphrase of the key file.")
@engine(vault=True)
async def attach_key(workspace: Workspace, certificate: str, key_file: str, key_password_file: str | None) -> int:
    """Take a private key in, after proving that it is this certificate's."""
    certificate_id = await workspace.lists.resolve_certificate(certificate)
    passphrase = secrets.from_file(key_password_file, "passphrase") if key_password_file else None
    await workspace.repository.attach_key(certificate_id, meant(key_file), passphrase)
    diagnostics.note("The key belongs to the certificate; it is sealed in the vault now")
    return exit_codes.FINE


@certificates.command()
@click.argument("certificate", nargs=-1, required=True, metavar="ID...")
@yes
@dry_run
@engine()
async def delete(workspace: Workspace, certificate: tuple[str, ...], yes: bool, dry_run: bool) -> int:
    """Take certificates out of the repository; nothing changes in SCM, and their keys stay in the vault."""
    ids = [await workspace.lists.resolve_certificate(text) for text in split(certificate)]
    keys: list[str] = []
    for certificate_id in ids:
        found = await workspace.lists.certificate(certificate_id)
        diagnostics.note(f"{found.row.number} {found.row.common_name} {found.row.serial}")
        keys += [found.row.number] if found.row.has_key else []
    if dry_run:
        return exit_codes.FINE
    if not diagnostics.confirmed(f"Take {len(ids)} out of the repository? Their keys stay in the vault", yes=yes):
        return exit_codes.FAILURE
    diagnostics.note(f"{await workspace.repository.delete_certificates(ids)} taken out; SCM was not told")
    if keys:
        diagnostics.note(f"Keys that stay: {', '.join(keys)}. To destroy one: kmptui certificates delete-key ID")
    return exit_codes.FINE
