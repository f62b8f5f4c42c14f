"""`kmptui orders create`: one order, from arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from kmptui.cli import diagnostics, exit_codes, output, secrets
from kmptui.cli.options import as_json, dry_run, small_file, split, yes
from kmptui.cli.session import engine

if TYPE_CHECKING:
    from kmptui.domain.order import NewKey, OrderRequest, OwnCsr
    from kmptui.services.workspace import Workspace


@click.command()
@click.option("--common-name", help="The first name; it is one of the SANs by itself.")
@click.option("--san", multiple=True, metavar="NAME", help="Another name; repeats, and takes commas.")
@click.option(
    "--names-file", metavar="FILE", help="A file of names, in any order and layout; the first is the common name."
)
@click.option("--organization", metavar="ID|NAME", help="The organization or department.")
@click.option("--profile", metavar="ID|NAME", help="The certificate profile.")
@click.option("--term", type=int, metavar="DAYS", help="One of the profile's terms.")
@click.option("--key", metavar="TYPE", help="rsa:2048, rsa:3072, rsa:4096, ec:P-256 or ec:P-384.")
@click.option("--csr", metavar="FILE", help="Your own certification request; its key stays where it is.")
@click.option("--keystore", type=click.Choice(["pkcs12", "jks", "pem"]), help="The default of later exports.")
@click.option("--keystore-password-file", metavar="FILE|-", help="File with the keystore's password.")
@click.option("--generate-password", is_flag=True, help="Have the keystore's password made; an export prints it.")
@click.option("--comments", help="Up to 1,024 characters.")
@click.option("--external-requester", multiple=True, metavar="MAIL", help="Repeats, and takes commas.")
@click.option("--custom-field", multiple=True, metavar="NAME=VALUE", help="A custom field of the account.")
@click.option("--auto-renew", is_flag=True, help="Choose it for automatic renewal.")
@click.option("--note", help="A private note; stays here.")
@click.option("--contact", help="Whom to ask; stays here.")
@click.option("--like", metavar="ID", help="Take everything that is not said here from that order.")
@click.option("--each", is_flag=True, help="One certificate for each name, not one for all.")
@click.option("--again", is_flag=True, help="Although an order like it is open or a day young.")
@click.option("--despite-mirror", is_flag=True, help="Although SCM's domains or organizations seem to forbid it.")
@click.option("--wait", type=float, metavar="SECONDS", help="Follow the order for so long.")
@yes
@dry_run
@as_json
@engine(vault=True)
async def create(
    workspace: Workspace,
    like: str | None,
    each: bool,
    again: bool,
    despite_mirror: bool,
    wait: float | None,
    yes: bool,
    dry_run: bool,
    json: bool,
    **given: object,
) -> int:
    """Order a certificate: the key is made here and sealed, the request checked, then sent once."""
    from kmptui.cli.orders import facts, follow
    from kmptui.domain.order import Ledger

    request = await _request(workspace, like, given)
    preview = await workspace.ordering.preview(request)
    if dry_run:
        output.line(preview.body) if not json else output.raw(preview.body.encode() + b"\n")
        for finding in preview.findings:
            diagnostics.note(f"{'hint' if finding.hint else 'problem'}: {finding}")
        blocked = any(not finding.hint for finding in preview.findings)
        return exit_codes.USAGE if blocked else exit_codes.FINE
    diagnostics.note(preview.effect)
    for finding in preview.findings:
        if finding.hint:
            diagnostics.note(f"hint: {finding}")
    if not diagnostics.confirmed(f"Order {request.common_name}?", yes=yes):
        return exit_codes.FAILURE
    if each:
        placed = await workspace.ordering.place_each(request, again=again, despite_mirror=despite_mirror)
        rows: list[dict[str, object]] = [
            {
                "id": p.order_id,
                "ssl_id": p.ssl_id,
                "common_name": p.common_name,
                "ledger": p.ledger.value,
                "words": p.words,
            }
            for p in placed
        ]
        output.records(rows, ["id", "ssl_id", "common_name", "ledger", "words"], "json" if json else "table")
        return exit_codes.FINE if all(p.ledger is Ledger.ACCEPTED for p in placed) else exit_codes.ATTENTION
    one = await workspace.ordering.place(request, again=again, despite_mirror=despite_mirror)
    diagnostics.note(one.words)
    assert one.order_id is not None  # noqa: S101 - place() raises where no order came to be
    if wait is not None:
        return await follow(workspace, one.order_id, wait, json=json)
    order = await workspace.lists.order(one.order_id)
    if json:
        output.value(facts(order))
    else:
        output.line(f"{order.row.number} {order.common_name}: {order.row.state}")
    return exit_codes.FINE


async def _request(workspace: Workspace, like: str | None, given: dict[str, object]) -> OrderRequest:
    """The request that the arguments make, on top of the one that `--like` names. Raises BadInput, PreflightFailed."""
    import dataclasses

    from kmptui.domain.order import KeystorePassword, OrderRequest

    base: OrderRequest | None = None
    if like:
        base = await workspace.ordering.like(await workspace.lists.resolve_order(like))
    changes: dict[str, object] = {}
    if names := _names(given):
        changes["names"] = names
    if given["organization"]:
        changes["organization_id"] = await workspace.lists.resolve_organization(str(given["organization"]))
    if given["profile"]:
        changes["profile_id"] = await workspace.lists.resolve_profile(str(given["profile"]))
    for name in ("term", "keystore", "comments", "note", "contact"):
        if given[name] is not None:
            changes[name] = given[name]
    if key := _key(given):
        changes["key"] = key
    if given["generate_password"]:
        changes["keystore_password_when"] = KeystorePassword.MADE
    elif given["keystore_password_file"]:
        changes["keystore_password_when"] = KeystorePassword.NOW
        changes["keystore_password"] = secrets.from_file(str(given["keystore_password_file"]), "keystore_password")
    if mails := split(given["external_requester"]):  # type: ignore[arg-type]
        changes["requesters"] = tuple(mails)
    if fields := given["custom_field"]:
        changes["custom_fields"] = tuple(_pair(text) for text in fields)  # type: ignore[attr-defined]
    if given["auto_renew"]:
        changes["auto_renew"] = True
    if base is not None:
        return dataclasses.replace(base, **changes)  # type: ignore[arg-type]
    for member, option in (
        ("names", "--common-name"),
        ("organization_id", "--organization"),
        ("profile_id", "--profile"),
    ):
        if member not in changes:
            raise click.UsageError(f"{option} is needed (or --like)")
    if "term" not in changes:
        raise click.UsageError("--term is needed (or --like)")
    changes.setdefault("key", _default_key(workspace))
    return OrderRequest(**changes)  # type: ignore[arg-type]


def _default_key(_: Workspace) -> NewKey:
    from kmptui.domain.keys import KeySpec
    from kmptui.domain.order import NewKey

    return NewKey(KeySpec("RSA", "2048"))


def _names(given: dict[str, object]) -> tuple[str, ...]:
    """Common name, SANs and the file of names as one clean list; how many were double is told."""
    from kmptui.domain.names import parse_names
    from kmptui.errors import Finding, PreflightFailed

    texts = [str(given["common_name"] or ""), *split(given["san"])]  # type: ignore[arg-type]
    if given["names_file"]:
        texts.append(small_file(str(given["names_file"]), "names").decode("utf-8", "replace"))
    found = parse_names("\n".join(texts))
    if found.problems:
        raise PreflightFailed([Finding("names", f"{problem.text}: {problem.cause}") for problem in found.problems])
    if found.duplicates and given["names_file"]:
        diagnostics.note(f"{found.duplicates} names were double")
    return tuple(name.ascii for name in found.names)


def _key(given: dict[str, object]) -> NewKey | OwnCsr | None:
    from kmptui.domain.keys import KeySpec
    from kmptui.domain.order import NewKey, OwnCsr

    if given["csr"] and given["key"]:
        raise click.UsageError("--csr and --key exclude each other: the request has its key")
    if given["csr"]:
        return OwnCsr(small_file(str(given["csr"]), "csr").decode("utf-8", "replace"))
    return NewKey(KeySpec.parse(str(given["key"]))) if given["key"] else None


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise click.UsageError(f"--custom-field takes NAME=VALUE, not {text!r}")
    return name.strip(), value
