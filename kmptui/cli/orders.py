"""`kmptui orders`: import, list, show, check, watch, settle, delete. What else is done with orders has modules of its
own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from kmptui.cli import diagnostics, exit_codes, output
from kmptui.cli.options import as_json, dry_run, layout, split, yes
from kmptui.cli.order_create import create
from kmptui.cli.order_dcv import dcv
from kmptui.cli.order_decisions import approve, cancel, decline
from kmptui.cli.order_edit import edit
from kmptui.cli.order_reissue import reissue
from kmptui.cli.order_renew import renew
from kmptui.cli.revoke import revoke_order
from kmptui.cli.session import Progressing, engine
from kmptui.domain.listing import Query, Topic
from kmptui.domain.retrying import NEVER

if TYPE_CHECKING:
    from kmptui.domain.order import Order
    from kmptui.services.life import LifeView
    from kmptui.services.workspace import Workspace

COLUMNS = ["id", "common_name", "names", "status", "expires", "organization", "profile"]
PAGE = 1000


@click.group()
def orders() -> None:
    """Orders: what was asked of SCM. ID is o118 or 118 (ours), scm:4711823 (SCM's), a unique name or serial."""


for command in (create, edit, renew, reissue, cancel, decline, approve, revoke_order, dcv):
    orders.add_command(command)


def facts(order: Order) -> dict[str, object]:
    """The stable members of an order, for scripts."""
    row = order.row
    return {
        "id": row.id,
        "number": row.number,
        "ssl_id": row.ssl_id,
        "order_number": order.order_number or None,
        "common_name": row.common_name,
        "names": list(order.names),
        "status": row.state,
        "scm_status": row.status or None,
        "ledger": row.ledger.value,
        "hold": row.hold.value or None,
        "organization": row.organization,
        "profile": row.profile,
        "requested": row.requested,
        "expires": row.expires,
        "serial": row.serial or None,
        "certificate_id": row.certificate_id,
        "checked": order.checked,
        "problem": order.problem or None,
        "reissuing": order.reissuing or None,
        "previous_id": order.previous_id,
        "next_id": order.next_id,
        "note": order.note or None,
        "contact": order.contact or None,
    }


@orders.command("import")
@click.option(
    "--status", type=click.Choice(["requested", "issued", "revoked", "expired"]), help="Only these; else all."
)
@click.option("--organization", metavar="ID|NAME", help="Only this organization's.")
@click.option(
    "--expires-within", type=click.IntRange(1, 36500), metavar="DAYS", help="Only what ends within so many days."
)
@click.option("--common-name", default="", help="Only this common name (part of it).")
@click.option("--include-deleted", is_flag=True, help="Bring back what was deleted here.")
@click.option("--no-fetch", is_flag=True, help="Take in the list only; fetch no certificates now.")
@dry_run
@as_json
@engine(vault=True)
async def import_orders(
    workspace: Workspace,
    status: str | None,
    organization: str | None,
    expires_within: int | None,
    common_name: str,
    include_deleted: bool,
    no_fetch: bool,
    dry_run: bool,
    json: bool,
) -> int:
    """Take in orders that exist in SCM: the list by one report, then the certificates. Changes nothing there."""
    from kmptui.services.importing import ImportOptions

    options = ImportOptions(
        status=status or "",
        organization_id=await workspace.lists.resolve_organization(organization) if organization else None,
        expires_within=expires_within,
        common_name=common_name,
        include_deleted=include_deleted,
    )
    forecast = await workspace.importing.forecast(options)
    diagnostics.note(forecast.words)
    if dry_run:
        return exit_codes.FINE
    progress = Progressing()
    report = await workspace.importing.run(options, progress)
    fetched = None if no_fetch else await workspace.importing.fetch(progress)
    progress.end()
    # those that an earlier run held back count as well: they still wait
    held = (await workspace.lists.window(Query(Topic.ORDERS, filter="hold=limit", view="all"), 0, 1)).total
    for ssl_id, reason in report.odd:
        diagnostics.warning(f"scm:{ssl_id}: {reason}")
    if json:
        output.value(
            {
                "seen": report.seen,
                "server_count": report.server_count,
                "complete": report.complete,
                "new": report.new,
                "changed": report.changed,
                "same": report.same,
                "kept_deleted": report.kept_deleted,
                "fetched": fetched.fetched if fetched else 0,
                "not_added": held,
                "failed": [{"id": i, "reason": why} for i, why in fetched.failed] if fetched else [],
                "left": fetched.left if fetched else report.to_fetch,
            }
        )
    else:
        output.line(report.words)
        if fetched:
            output.line(
                f"{fetched.fetched:,} certificates fetched into the repository"
                + (f", {held:,} issued, not added (certificate limit)" if held else "")
                + (f", {len(fetched.failed):,} failed: they are tried again" if fetched.failed else "")
            )
    waits = not report.complete or bool(held) or (fetched is not None and bool(fetched.failed or fetched.left))
    return exit_codes.ATTENTION if waits else exit_codes.FINE


@orders.command("list")
@click.argument("filter", required=False, default="")
@click.option("--columns", default="", help="Members to print, separated by commas.")
@click.option("--sort", default="expires", type=click.Choice(["id", "common_name", "status", "expires", "requested"]))
@click.option("--all", "everything", is_flag=True, help="Superseded, declined and long expired ones too.")
@layout
@as_json
@engine()
async def list_orders(
    workspace: Workspace, filter: str, columns: str, sort: str, everything: bool, layout: str, json: bool  # noqa: A002 - the option's name
) -> int:  # fmt: skip
    """List orders. FILTER: words, org:"Web Ops", status:issued, expires<30d, covers:www.example.edu."""
    from kmptui.errors import BadInput

    query = Query(Topic.ORDERS, filter=filter, sort=sort, view="all" if everything else "current")
    rows: list[dict[str, object]] = []
    while True:
        found = await workspace.lists.orders(query, len(rows), PAGE)
        rows += [facts(order) for order in found]
        if len(found) < PAGE:
            break
    names = split([columns]) or COLUMNS
    if unknown := [name for name in names if rows and name not in rows[0]]:
        raise BadInput("columns", f"There is no column {unknown[0]}", cure=f"Known are: {', '.join(rows[0])}")
    kind = "json" if json else layout
    if kind == "table":
        rows = [{**row, "names": len(row["names"]), "id": row["number"]} for row in rows]  # type: ignore[arg-type]
    output.records(rows, names, kind)
    return exit_codes.FINE


@orders.command()
@click.argument("order", metavar="ID")
@as_json
@engine()
async def show(workspace: Workspace, order: str, json: bool) -> int:
    """All that is known of one order, from the store."""
    from kmptui.services.home_lines import waits

    order_id = await workspace.lists.resolve_order(order)
    found = await workspace.lists.order(order_id)
    history = await workspace.lists.order_history(order_id)
    versions = await _versions(workspace, found)
    renewal = _renewal(await workspace.life.of(order_id))
    waiting = waits(found, workspace.clock.now().date()) or None
    if json:
        lines = [{"at": h.at, "actor": h.actor, "words": h.words} for h in history]
        more = {"expected": found.expected, "comments": found.comments or None, "versions": versions, "history": lines}
        output.value({**facts(found), **more, "waits": waiting, "renewal": renewal})
        return exit_codes.FINE
    output.fields(
        [
            *facts(found).items(),
            ("expected", found.expected),
            ("comments", found.comments),
            ("held by", found.holder),
            ("versions", " <- ".join(_version_words(one, found.id) for one in versions) if len(versions) > 1 else ""),
            ("waits for", waiting),
            ("renewal", f"{renewal['verdict']}: {renewal['why']}"),
            ("last try", renewal["tried"]),
            ("next try", renewal["again"]),
            ("cure", renewal["cure"]),
        ]
    )
    for entry in history:
        output.line(f"{entry.at:%Y-%m-%d %H:%M} {entry.actor}: {entry.words}")
    return exit_codes.FINE


def _renewal(around: LifeView) -> dict[str, object]:
    """What is decided about its renewal; where one failed, why, when it was tried, and what mends it."""
    decision, attempt, refused = around.decision, around.attempt, around.refused
    failed = attempt or refused
    again = failed.again if failed is not None and failed.again != NEVER else None
    return {
        "verdict": decision.verdict.value if refused is None else "failed",
        "why": decision.reason if refused is None else refused.cause,
        "cure": decision.cure or (failed.cure if failed is not None else "") or None,
        "due": decision.due_at,
        "tried": failed.last if failed is not None else None,
        "tries": failed.tries if failed is not None else 0,
        "code": failed.code if failed is not None else None,
        "again": again,
    }


async def _versions(workspace: Workspace, order: Order) -> list[dict[str, object]]:
    """The orders that it renews and that renewed it, the oldest first, each with the certificates that it had."""
    row = [order]
    while (before := row[0].previous_id) is not None:
        row.insert(0, await workspace.lists.order(before))
    while (after := row[-1].next_id) is not None:
        row.append(await workspace.lists.order(after))
    return [
        {
            "id": one.id,
            "number": one.row.number,
            "status": one.row.state,
            "expires": one.row.expires,
            "serials": [held.serial for held in await workspace.lists.order_certificates(one.id)],
        }
        for one in row
    ]


def _version_words(version: dict[str, object], own: int) -> str:
    ends = [f"..{str(serial)[-4:]}" for serial in version["serials"]]  # type: ignore[attr-defined]
    here = " (this one)" if version["id"] == own else ""
    return " ".join([f"{version['number']}{here} {version['status']}", *ends])


@orders.command()
@click.argument("order", metavar="ID")
@click.option("--wait", type=float, default=None, metavar="SECONDS", help="Stop after so long; else when it is done.")
@as_json
@engine(vault=True)
async def watch(workspace: Workspace, order: str, wait: float | None, json: bool) -> int:
    """Follow an order until it is in the repository, closed, or waits for a person."""
    order_id = await workspace.lists.resolve_order(order)
    return await follow(workspace, order_id, wait, json=json)


async def follow(workspace: Workspace, order_id: int, seconds: float | None, *, json: bool) -> int:
    """Print each change of state; exit code 0 once the certificate is in the repository, else 3."""

    def told(order: Order) -> None:
        diagnostics.note(f"{order.row.number} {order.common_name}: {order.row.state}")

    last = await workspace.ordering.follow(order_id, told, seconds=seconds)
    if json:
        output.value(facts(last))
    else:
        output.line(f"{last.row.number} {last.common_name}: {last.row.state}")
    here = last.row.certificate_id is not None and not last.reissuing
    return exit_codes.FINE if here else exit_codes.ATTENTION


@orders.command()
@click.argument("order", nargs=-1, metavar="[ID]...")
@as_json
@engine(vault=True)
async def check(workspace: Workspace, order: tuple[str, ...], json: bool) -> int:
    """Ask SCM now; what is issued is fetched into the repository. Without ID: all that wait for something."""
    ids = [await workspace.lists.resolve_order(text) for text in split(order)]
    progress = Progressing()
    report = await workspace.checking.check(ids or None, progress)
    progress.end()
    rows: list[dict[str, object]] = [
        {
            "id": line.order_id,
            "common_name": line.common_name,
            "before": line.before,
            "after": line.after,
            "outcome": line.outcome,
            "words": line.words,
        }
        for line in report.lines
    ]
    output.records(rows, ["id", "common_name", "before", "after", "outcome", "words"], "json" if json else "table")
    waits = {"waiting", "not added", "failed"}
    return exit_codes.ATTENTION if any(line.outcome in waits for line in report.lines) else exit_codes.FINE


@orders.command()
@click.argument("order", metavar="ID")
@click.option("--is", "ssl_id", metavar="SSL-ID", help="It is this order of SCM.")
@click.option("--none", "nothing", is_flag=True, help="It was never placed.")
@yes
@dry_run
@as_json
@engine(vault=True)
async def settle(
    workspace: Workspace, order: str, ssl_id: str | None, nothing: bool, yes: bool, dry_run: bool, json: bool
) -> int:
    """Say which order of SCM an unconfirmed one is, or that there is none; without either, list what it may be."""
    order_id = await workspace.lists.resolve_order(order)
    if ssl_id is None and not nothing:
        found = await workspace.ordering.candidates(order_id)
        rows: list[dict[str, object]] = [
            {
                "ssl_id": c.ssl_id,
                "common_name": c.common_name,
                "status": c.status,
                "requested": c.requested,
                "reasons": list(c.reasons),
            }
            for c in found
        ]
        if not rows:
            diagnostics.note("SCM has no order that may be it: --none says that it was never placed")
        output.records(rows, ["ssl_id", "common_name", "status", "requested", "reasons"], "json" if json else "table")
        return exit_codes.ATTENTION
    if ssl_id is not None and nothing:
        raise click.UsageError("--is and --none exclude each other")
    number = None
    if ssl_id is not None:
        digits = ssl_id.removeprefix("scm:")
        if not (digits.isascii() and digits.isdigit()):
            raise click.UsageError("--is takes a number of SCM, such as 4711823")
        number = int(digits)
    current = await workspace.lists.order(order_id)
    what = f"SCM's order {number}" if number is not None else "never placed"
    diagnostics.note(f"{current.row.number} {current.common_name}: {what}")
    if dry_run:
        return exit_codes.FINE
    if not diagnostics.confirmed("Settle it so?", yes=yes):
        return exit_codes.FAILURE
    settled = await workspace.ordering.settle(order_id, number)
    if json:
        output.value(facts(settled))
    else:
        output.line(f"{settled.row.number} {settled.common_name}: {settled.row.state}")
    return exit_codes.FINE


@orders.command()
@click.argument("order", nargs=-1, required=True, metavar="ID...")
@yes
@dry_run
@engine()
async def delete(workspace: Workspace, order: tuple[str, ...], yes: bool, dry_run: bool) -> int:
    """Forget orders here. They stay in SCM; their certificates and keys stay in the repository."""
    ids = [await workspace.lists.resolve_order(text) for text in split(order)]
    for order_id in ids:
        found = await workspace.lists.order(order_id)
        diagnostics.note(f"{found.row.number} {found.common_name} {found.row.serial}".rstrip())
    if dry_run:
        return exit_codes.FINE
    question = f"Forget {len(ids)} here? SCM keeps them, and an import leaves them out unless asked"
    if not diagnostics.confirmed(question, yes=yes):
        return exit_codes.FAILURE
    diagnostics.note(f"{await workspace.repository.delete_orders(ids)} forgotten here; SCM keeps them")
    return exit_codes.FINE
