"""`kmptui orders renew`: one certificate, those of a filter, or all that was blocked."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from kmptui.cli import diagnostics, exit_codes, output
from kmptui.cli.options import as_json, dry_run, small_file, split, yes
from kmptui.cli.session import Progressing, engine

if TYPE_CHECKING:
    from kmptui.domain.order import NewKey, Order, OwnCsr
    from kmptui.domain.renewable import SameKey
    from kmptui.services.ordering import Placed
    from kmptui.services.renewing import RenewalPreview
    from kmptui.services.workspace import Workspace

    Key = NewKey | SameKey | OwnCsr | None

COLUMNS = ["id", "common_name", "renewal", "ssl_id", "ledger", "status", "words"]
SHOWN = 20
"""Certificates that are named one by one before it is asked; of more the rest is counted."""


@click.command()
@click.argument("order", nargs=-1, metavar="[ID]...")
@click.option("--same-key", is_flag=True, help="With the old key once more; else a new one of its kind is made.")
@click.option("--key", metavar="TYPE", help="A new key of another kind: rsa:2048, rsa:3072, ec:P-256 …")
@click.option("--csr", metavar="FILE", help="Your own certification request; its key stays where it is.")
@click.option("--filter", "words", metavar="FILTER", help="All that match, as in orders list; needs --max.")
@click.option("--max", "most", type=click.IntRange(1, 10_000), metavar="N", help="Renew nothing where more match.")
@click.option("--blocked", is_flag=True, help="All that could be renewed and was not, for a cause that is known.")
@click.option(
    "--stop-after",
    type=click.IntRange(1),
    default=3,
    show_default=True,
    metavar="N",
    help="No more after N failed.",
)
@click.option("--wait", type=float, metavar="SECONDS", help="Follow the new orders for so long.")
@click.option("--despite-mirror", is_flag=True, help="Although SCM's domains or organizations seem to forbid it.")
@yes
@dry_run
@as_json
@engine(vault=True)
async def renew(
    workspace: Workspace,
    order: tuple[str, ...],
    same_key: bool,
    key: str | None,
    csr: str | None,
    words: str | None,
    most: int | None,
    blocked: bool,
    stop_after: int,
    wait: float | None,
    despite_mirror: bool,
    yes: bool,
    dry_run: bool,
    json: bool,
) -> int:
    """Renew certificates: a new order for the same names. The old one stays valid to its end."""
    ids = await _chosen(workspace, order, words, most, blocked)
    chosen = _key(same_key, key, csr)
    if csr and len(ids) != 1:
        raise click.UsageError("--csr renews one certificate: a request has one key")
    previews = await workspace.renewing.preview(ids, chosen)
    _tell(previews)
    if dry_run:
        output.records([_preview(one) for one in previews], PREVIEWED, "json" if json else "table")
        return exit_codes.ATTENTION if any(one.blocked for one in previews) else exit_codes.FINE
    if not previews:
        output.records([], COLUMNS, "json" if json else "table")
        return exit_codes.FINE
    if not diagnostics.confirmed(f"Renew {len(previews):,}? SCM may charge for each", yes=yes):
        return exit_codes.FAILURE
    progress = Progressing()
    placed = await workspace.renewing.renew_all(
        ids, key=chosen, despite_mirror=despite_mirror, stop_after=stop_after, report=progress
    )
    progress.end()
    return await _finish(workspace, ids, placed, wait, json=json)


async def _chosen(
    workspace: Workspace, named: Sequence[str], words: str | None, most: int | None, blocked: bool
) -> list[int]:
    """Whose renewal is asked for: by number, by filter or by what was blocked."""
    from kmptui.domain.listing import Query, Topic

    if bool(named) + (words is not None) + blocked != 1:
        raise click.UsageError("Say which: ID…, or --filter with --max, or --blocked")
    if named:
        return list(dict.fromkeys([await workspace.lists.resolve_order(text) for text in split(named)]))
    if blocked:
        return [one.order_id for one in await workspace.renewing.blocked()][:most]
    if most is None:
        raise click.UsageError("--filter needs --max: how many may be renewed at most")
    query = Query(Topic.ORDERS, filter=words or "", sort="expires")
    found = await workspace.lists.ids(query, most + 1)
    if len(found) > most:
        raise click.UsageError(f"More than {most:,} match: narrow the filter, or raise --max")
    return list(found)


def _key(same_key: bool, key: str | None, csr: str | None) -> Key:
    from kmptui.domain.keys import KeySpec
    from kmptui.domain.order import NewKey, OwnCsr
    from kmptui.domain.renewable import SameKey

    if same_key + bool(key) + bool(csr) > 1:
        raise click.UsageError("--same-key, --key and --csr exclude each other")
    if csr:
        return OwnCsr(small_file(csr, "csr").decode("utf-8", "replace"))
    return SameKey() if same_key else NewKey(KeySpec.parse(key)) if key else None


PREVIEWED = ["id", "common_name", "serial", "expires", "expected", "key", "blocked"]


def _preview(one: RenewalPreview) -> dict[str, object]:
    row = one.order.row
    return {
        "id": row.id,
        "common_name": row.common_name,
        "serial": row.serial or None,
        "expires": row.expires,
        "term": one.term or None,
        "expected": one.expected,
        "key": one.key,
        "blocked": one.cause or None,
        "findings": [str(finding) for finding in one.findings],
        "effect": one.effect,
        "command": one.command,
        "body": one.body,
    }


def _tell(previews: Sequence[RenewalPreview]) -> None:
    """Name and serial of each before it is asked, and how many would be refused here."""
    for one in previews[:SHOWN]:
        row = one.order.row
        ends = f", ends {row.expires:%-d %b %Y}" if row.expires else ""
        what = f"blocked: {one.cause}" if one.blocked else one.key
        diagnostics.note(f"{row.number} {row.common_name} {row.serial or '(no serial)'}{ends}: {what}")
        for finding in one.findings:
            if finding.hint and not one.blocked:
                diagnostics.note(f"  hint: {finding}")
    if len(previews) > SHOWN:
        diagnostics.note(f"and {len(previews) - SHOWN:,} more")
    if len(previews) == 1 and not previews[0].blocked:
        diagnostics.note(previews[0].effect)
    stopped = sum(one.blocked for one in previews)
    if len(previews) != 1 or stopped:
        diagnostics.note(f"{len(previews) - stopped:,} to renew, {stopped:,} blocked")


async def _finish(
    workspace: Workspace, ids: Sequence[int], placed: Sequence[Placed], wait: float | None, *, json: bool
) -> int:
    """One line for each, after following what SCM took."""
    taken = [one.order_id for one in placed if one.error is None and one.order_id is not None]
    if wait is not None:
        await asyncio.gather(*(workspace.ordering.follow(order_id, _told, seconds=wait) for order_id in taken))
    rows: list[dict[str, object]] = []
    waits = False
    for order_id, one in zip(ids, placed, strict=True):
        order = await workspace.lists.order(one.order_id) if one.order_id is not None else None
        waits = waits or (wait is not None and order is not None and order.row.certificate_id is None)
        rows.append(_outcome(order_id, one, order))
    if json:
        output.value(rows)
    else:
        output.table(COLUMNS, [[f"o{row['id']}" if name == "id" else row[name] for name in COLUMNS] for row in rows])
    code = exit_codes.of_many([one.error for one in placed])
    return exit_codes.ATTENTION if code == exit_codes.FINE and waits else code


def _told(order: Order) -> None:
    diagnostics.note(f"{order.row.number} {order.common_name}: {order.row.state}")


def _outcome(order_id: int, one: Placed, renewal: Order | None) -> dict[str, Any]:
    row = renewal.row if renewal is not None else None
    return {
        "id": order_id,
        "common_name": one.common_name,
        "renewal": one.order_id,
        "ssl_id": one.ssl_id,
        "ledger": one.ledger.value if row is not None else None,
        "status": row.state if row is not None else None,
        "expires": row.expires if row is not None else None,
        "serial": (row.serial or None) if row is not None else None,
        "certificate_id": row.certificate_id if row is not None else None,
        "ok": one.error is None,
        "problem": (renewal.problem or None) if renewal is not None else None,
        "words": one.words,
    }
