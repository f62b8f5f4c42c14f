"""`kmptui auto-renewal`: what is set, what is chosen, by hand or by rules, and what will be done when."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from kmptui.cli import diagnostics, exit_codes, output
from kmptui.cli.options import as_json, dry_run, split
from kmptui.cli.renewal_audit import audit
from kmptui.cli.session import engine
from kmptui.config import meant
from kmptui.domain.renewal import Verdict, days_of
from kmptui.domain.selection import KINDS
from kmptui.errors import BadInput

if TYPE_CHECKING:
    from kmptui.domain.selection import Rule
    from kmptui.services.workspace import Workspace


@click.group("auto-renewal")
def auto_renewal() -> None:
    """Automatic renewal: policy, choice, rules, plan, and who renewed what."""


auto_renewal.add_command(audit)


@auto_renewal.command()
@as_json
@engine()
async def show(workspace: Workspace, json: bool) -> int:
    """Whether it is on, how many are chosen, when the schedule ran; exit code 3 when it should run and does not."""
    policy, state = workspace.renewal.refreshed(), await workspace.schedule.state()
    plan = await workspace.renewal.plan()
    counts = {verdict: sum(line.verdict is verdict for line in plan) for verdict in Verdict}
    rules = await workspace.renewal.rules()
    if json:
        output.value(
            {
                "on": policy.on,
                "days_before": policy.days_before,
                "beside_scm": policy.beside_scm,
                "chosen": len(plan),
                "verdicts": {verdict.value: count for verdict, count in counts.items() if count},
                "rules": [_rule(rule) for rule in rules],
                "schedule": {
                    "last": state.last, "ended": state.ended or None, "next": state.next, "missed": state.missed,
                    "none": state.none, "words": state.words,
                },
            }
        )  # fmt: skip
    else:
        told = ", ".join(f"{count:,} {verdict.value}" for verdict, count in counts.items() if count)
        beside = "renewed here too" if policy.beside_scm else "left to SCM"
        output.fields(
            [
                ("Automatic renewal", "on" if policy.on else "off"),
                ("Renewed", f"{policy.days_before} days before the end, never above a third of the lifetime"),
                ("With SCM's own auto-renewal", beside),
                ("Chosen", f"{len(plan):,}" + (f" ({told})" if told else "")),
                ("Rules", f"{len(rules):,}"),
                ("Schedule", state.words),
            ]
        )
    return exit_codes.ATTENTION if state.missed or (policy.on and state.none) else exit_codes.FINE


@auto_renewal.command()
@engine()
async def enable(workspace: Workspace) -> int:
    """From now on renew what is chosen by schedule."""
    await workspace.renewal.enable()
    chosen = len(await workspace.renewal.plan())
    diagnostics.note(f"Automatic renewal is on; {chosen:,} certificates are chosen")
    if (await workspace.schedule.state()).none:
        diagnostics.note("No run of the schedule was ever seen: kmptui systemd install, or a cron line")
    return exit_codes.FINE


@auto_renewal.command()
@engine()
async def disable(workspace: Workspace) -> int:
    """Renew nothing by schedule; what is chosen stays chosen."""
    await workspace.renewal.disable()
    diagnostics.note("Automatic renewal is off")
    return exit_codes.FINE


@auto_renewal.command("set")
@click.option("--days-before", metavar="N", help="Renew so many days before the end.")
@click.option("--beside-scm/--leave-to-scm", default=None, help="What SCM's own auto-renewal is on for: renew it too?")
@engine()
async def set_policy(workspace: Workspace, days_before: str | None, beside_scm: bool | None) -> int:
    """Set when certificates are renewed."""
    if days_before is None and beside_scm is None:
        raise click.UsageError("Say what to set: --days-before N, --beside-scm or --leave-to-scm")
    if days_before is not None:
        days = days_of(days_before)
        for hint in await workspace.renewal.set_days(days):
            diagnostics.warning(hint.cause)
        diagnostics.note(f"Certificates are renewed {days} days before their end")
    if beside_scm is not None:
        await workspace.renewal.set_beside_scm(beside_scm)
        words = "is renewed here too" if beside_scm else "is left to SCM"
        diagnostics.note(f"What SCM's own auto-renewal is on for {words}")
    return exit_codes.FINE


@auto_renewal.command()
@click.argument("ids", nargs=-1, required=True, metavar="ID…")
@dry_run
@engine()
async def select(workspace: Workspace, ids: tuple[str, ...], dry_run: bool) -> int:
    """Choose certificates by hand, whatever the rules say."""
    return await _choose(workspace, ids, dry_run, on=True)


@auto_renewal.command()
@click.argument("ids", nargs=-1, required=True, metavar="ID…")
@dry_run
@engine()
async def deselect(workspace: Workspace, ids: tuple[str, ...], dry_run: bool) -> int:
    """Leave certificates out by hand, whatever the rules say."""
    return await _choose(workspace, ids, dry_run, on=False)


async def _choose(workspace: Workspace, ids: tuple[str, ...], dry_run: bool, *, on: bool) -> int:
    numbers = [await workspace.lists.resolve_order(text) for text in split(ids)]
    if dry_run:
        for number in numbers:
            order = await workspace.lists.order(number)
            output.line(f"{order.row.number} {order.common_name} would be {'chosen' if on else 'left out'}")
        return exit_codes.FINE
    act = workspace.renewal.select if on else workspace.renewal.deselect
    changed = await act(numbers)
    words = "chosen for automatic renewal" if on else "left out of automatic renewal"
    diagnostics.note(f"{len(numbers):,} {words}; {len(numbers) - changed:,} of them were so before")
    hopeless = await workspace.renewal.hopeless(numbers) if on else ()
    for line in hopeless:
        diagnostics.warning(f"{line.number} {line.common_name} cannot be renewed: {line.cause}. {line.cure}")
    return exit_codes.ATTENTION if hopeless else exit_codes.FINE


@auto_renewal.command()
@click.argument("words", nargs=-1, metavar="[WORD…]")
@click.option("--most", type=click.IntRange(1, 1_000_000), default=1000, show_default=True, help="Lines to print.")
@click.option("--export", "out", metavar="FILE|-", help="Write all of it to a file.")
@click.option("--format", "layout", type=click.Choice(["csv", "json"]), help="Of the exported file.")
@click.option("--replace", is_flag=True, help="Replace an existing file.")
@as_json
@engine()
async def plan(
    workspace: Workspace, words: tuple[str, ...], most: int, out: str | None, layout: str | None, replace: bool,
    json: bool,
) -> int:  # fmt: skip
    """What will be done when, week by week, where all the words are in it; exit code 3 when something that is due needs
    a person."""
    from kmptui.services.renewal import facts, matching

    workspace.renewal.refreshed()
    wanted = " ".join(words)
    if out is not None:
        if layout is None:
            raise click.UsageError("--export needs --format csv or json")
        path = None if out == "-" else meant(out)
        written, data = await workspace.renewal.export(path, layout, wanted, replace=replace)
        if path is None:
            output.raw(data)
        diagnostics.note(f"{written:,} lines written")
        return exit_codes.FINE
    lines = matching(await workspace.renewal.plan(), wanted)[:most]
    if json:
        output.value([facts(line) for line in lines])
    elif not lines:
        output.line("Nothing is chosen: kmptui auto-renewal select ID…, or rule add")
    else:
        rows = [
            (f"{line.week:%-d %b %Y}" if line.week else "-", line.number, line.common_name, line.expires,
             line.verdict.value, line.reason + (f"; {line.cure}" if line.cure else ""))
            for line in lines
        ]  # fmt: skip
        output.table(["Week of", "Order", "Name", "Ends", "", "Why"], rows)
    blocked = any(line.verdict is Verdict.BLOCKED and line.due is not None for line in lines)
    return exit_codes.ATTENTION if blocked else exit_codes.FINE


@auto_renewal.group()
def rule() -> None:
    """Rules that choose certificates, and exceptions from them."""


@rule.command("list")
@as_json
@engine()
async def list_rules(workspace: Workspace, json: bool) -> int:
    """All rules, oldest first."""
    rules = await workspace.renewal.rules()
    if json:
        output.value([_rule(one) for one in rules])
    elif not rules:
        output.line("There are no rules")
    else:
        rows = [(one.id, "except" if one.exclude else "renew", one.kind, one.title or one.value) for one in rules]
        output.table(["Rule", "", "By", "Which"], rows)
    return exit_codes.FINE


@rule.command("add")
@click.option("--organization", metavar="ID|NAME", help="All of this organization and its departments.")
@click.option("--profile", metavar="ID|NAME", help="All of this profile.")
@click.option("--name", metavar="PATTERN", help="All whose common name is like it; * stands for any characters.")
@click.option("--except", "exclude", is_flag=True, help="An exception: leave these out, whatever other rules say.")
@as_json
@engine()
async def add_rule(
    workspace: Workspace, organization: str | None, profile: str | None, name: str | None, exclude: bool, json: bool
) -> int:
    """Choose certificates by what they are, now and when they come."""
    given = [
        (kind, value)
        for kind, value in zip(KINDS, (organization, profile, name), strict=True)
        if value is not None
    ]  # fmt: skip
    if len(given) != 1:
        raise BadInput("rule", "A rule has one of --organization, --profile and --name")
    (kind, value) = given[0]
    made, matched = await workspace.renewal.add_rule(kind, value, exclude)
    if json:
        output.value(_rule(made) | {"matches": matched.count, "of": matched.of})
    else:
        output.line(f"Rule {made.id}: {made.words}")
    diagnostics.note(matched.words)
    return exit_codes.FINE


@rule.command("remove")
@click.argument("number", type=int, metavar="ID")
@engine()
async def remove_rule(workspace: Workspace, number: int) -> int:
    """Take a rule away; what was chosen by it alone is chosen no more."""
    removed = await workspace.renewal.remove_rule(number)
    diagnostics.note(f"Rule {removed.id} is removed: {removed.words}")
    return exit_codes.FINE


def _rule(rule: Rule) -> dict[str, object]:
    return {
        "id": rule.id, "kind": rule.kind, "value": rule.value, "title": rule.title or None, "except": rule.exclude,
        "created": rule.created,
    }  # fmt: skip
