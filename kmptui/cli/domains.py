"""`kmptui domains`: what the mirror holds, what SCM says of a domain's validation (DCV), and the steps of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from kmptui.cli import diagnostics, exit_codes, output
from kmptui.cli.mirrors import rows_of
from kmptui.cli.options import as_json, dry_run, layout, yes
from kmptui.cli.session import engine
from kmptui.domain.dcv import METHODS, Step
from kmptui.domain.listing import Topic
from kmptui.domain.text import shell_word

if TYPE_CHECKING:
    from kmptui.domain.dcv import DcvRecord, Dependents
    from kmptui.domain.domain import Domain
    from kmptui.services.validating import DcvView
    from kmptui.services.workspace import Workspace


@click.group()
def domains() -> None:
    """Domains, their delegations and validations (DCV). NAME is a domain or its id."""


def _domain(row: Domain, workspace: Workspace) -> dict[str, object]:
    return {
        "id": row.id,
        "name": row.name,
        "status": row.status(workspace.clock.now().date()),
        "state": row.state or None,
        "dcv_method": row.dcv_method or None,
        "dcv_expires": row.dcv_expires and row.dcv_expires.isoformat(),
        "delegations": [
            {
                "organization_id": d.organization_id,
                "status": d.status,
                "cert_types": list(d.cert_types),
                "privileges": list(d.privileges),
            }
            for d in row.delegations
        ],
    }


def _blocks(found: Dependents) -> dict[str, object]:
    return {
        "certificates": found.certificates,
        "first_ends": found.first,
        "due_for_renewal": found.due,
        "open_orders": found.orders,
    }


def record_facts(record: DcvRecord) -> dict[str, object]:
    """What is to be published, for scripts."""
    return {
        "method": record.method or None,
        "type": record.type or None,
        "host": record.host or None,
        "value": record.point or None,
        "zone_line": record.zone_line or None,
        "url": record.url or None,
        "lines": [line for line in (record.first_line, record.second_line) if line],
        "emails": list(record.emails),
    }


def record_lines(record: DcvRecord) -> list[tuple[str, object]]:
    """The same as labelled lines."""
    lines = ", then ".join(filter(None, (record.first_line, record.second_line)))
    return [
        ("type", record.type),
        ("host", record.host),
        ("value", record.point),
        ("zone file", record.zone_line),
        ("file at", record.url),
        ("its lines", lines),
        ("mailboxes", ", ".join(record.emails)),
    ]


@domains.command("list")
@click.argument("filter", required=False, default="")
@layout
@as_json
@engine()
async def list_domains(workspace: Workspace, filter: str, layout: str, json: bool) -> int:  # noqa: A002 - the option's name
    """List domains with id, status and the end of their validation."""
    rows = [_domain(row, workspace) for row in await rows_of(workspace, Topic.DOMAINS, filter)]
    output.records(rows, ["id", "name", "status", "dcv_method", "dcv_expires"], "json" if json else layout)
    return exit_codes.FINE


@domains.command("show")
@click.argument("name")
@as_json
@engine()
async def show_domain(workspace: Workspace, name: str, json: bool) -> int:
    """One domain: state, validation and its end, delegations, what depends on it and what it blocks."""
    age = await workspace.mirror.age(Topic.DOMAINS)
    if age is not None:
        diagnostics.note(f"As SCM had them at {age:%Y-%m-%d %H:%M} UTC")
    view = await workspace.lists.domain(await workspace.lists.resolve_domain(name))
    facts = _domain(view.domain, workspace)
    if json:
        names = [row.common_name for row in view.certificates]
        output.value({**facts, "certificates": names, "blocks": _blocks(view.blocks)})
        return exit_codes.FINE
    titles = dict(view.organizations)
    validated = facts["status"] == "validated"
    output.fields(
        [
            *((label, facts[label]) for label in ("id", "name", "status", "state", "dcv_method", "dcv_expires")),
            *(
                ("delegated to", f"{titles.get(d.organization_id, d.organization_id)}: {', '.join(d.privileges)}")
                for d in view.domain.delegations
            ),
            ("certificates", f"{view.certificates_total:,} depend on it"),
            ("would block" if validated else "blocks", _blocked(view.blocks)),
        ]
    )
    if not validated:
        diagnostics.note(f"Validate it: kmptui domains validate {shell_word(view.domain.name)} --method cname")
    return exit_codes.FINE


def _blocked(found: Dependents) -> str:
    first = f"; the first ends {found.first}" if found.first else ""
    return found.words + first if found.words else "nothing"


def _report(view: DcvView, workspace: Workspace, *, json: bool, record: DcvRecord | None = None) -> int:
    """Print where a validation stands; the exit code: 0 validated, 3 something is to be done or awaited. `record` is
    what a start answered, where SCM does not tell it again."""
    state = view.state
    published = state.record if state is not None and state.record is not None else record
    if view.stale:
        diagnostics.warning(f"not all could be asked: {view.stale}")
    facts: dict[str, object] = {
        "status": view.domain.status(workspace.clock.now().date()),
        "dcv_method": view.domain.dcv_method or None,
        "dcv_expires": view.domain.dcv_expires,
        "attempt": state.order_status if state else None,
        "attempt_method": (state.method if state else "") or None,
    }
    checks: dict[str, object] = {
        "submitted": state.submitted if state else None,
        "last_check": state.last_check if state else None,
        "next_check": state.next_check if state else None,
        "message": (state.message if state else "") or None,
    }
    done = view.step is Step.DONE
    if json:
        output.value(
            {
                "id": view.domain.id,
                "name": view.domain.name,
                "step": view.step.value,
                **facts,
                "record": record_facts(published) if published else None,
                **checks,
                "blocks": None if done else _blocks(view.blocks),
                "words": view.words,
            }
        )
    else:
        lines = [("domain", view.domain.name), *facts.items(), *(record_lines(published) if published else ())]
        output.fields([*lines, *checks.items(), ("blocks", "" if done else _blocked(view.blocks))])
        diagnostics.note(view.words)
    return exit_codes.FINE if done else exit_codes.ATTENTION


@domains.command("check")
@click.argument("name")
@as_json
@engine(vault=True)
async def check_domain(workspace: Workspace, name: str, json: bool) -> int:
    """Ask SCM now where the validation stands, and what is to be published; changes nothing there."""
    return _report(await workspace.validating.state(await _id(workspace, name)), workspace, json=json)


@domains.command("validate")
@click.argument("name")
@click.option("--method", type=click.Choice(METHODS), help="cname and txt cover the names below, too.")
@click.option("--email", default="", metavar="MAILBOX", help="For --method email: one that the start named.")
@click.option("--submit", is_flag=True, help="The record is published: let the CA look for it.")
@click.option("--look", is_flag=True, help="It is submitted: let the CA look again now.")
@click.option("--wait", type=float, default=0.0, metavar="SECONDS", help="Wait so long until it is validated.")
@yes
@dry_run
@as_json
@engine(vault=True)
async def validate_domain(
    workspace: Workspace, name: str, method: str | None, email: str, submit: bool, look: bool, wait: float,
    yes: bool, dry_run: bool, json: bool,
) -> int:  # fmt: skip
    """Validate a domain: start and print the record to publish; --submit once it is published; --look again."""
    if submit and look:
        raise click.UsageError("--submit and --look exclude each other")
    domain_id = await _id(workspace, name)
    known = await workspace.validating.known(domain_id)
    if method is None and submit:
        method = (await workspace.validating.state(domain_id)).method
    if not method and not look:
        raise click.UsageError(f"Say how: --method {'|'.join(METHODS)}")
    what = "look again" if look else f"{'submit' if submit else 'start'} by {method}"
    status = known.domain.status(workspace.clock.now().date())
    diagnostics.note(f"{known.domain.name}, {status}: {what}")
    if dry_run:
        return exit_codes.FINE
    question = "Let the CA look for it?" if submit or look else "Start a validation?"
    if not diagnostics.confirmed(question, yes=yes):
        return exit_codes.FAILURE
    record = None
    if look:
        view = await workspace.validating.look(domain_id)
    elif submit:
        view = await workspace.validating.submit(domain_id, str(method), email)
    else:
        record = await workspace.validating.start(domain_id, str(method))
        view = await workspace.validating.state(domain_id)
    if wait > 0 and view.step is Step.AWAIT:
        view = await workspace.validating.follow(domain_id, _told, seconds=wait)
    code = _report(view, workspace, json=json, record=record)
    if code != exit_codes.FINE:
        diagnostics.note(_next(view, record, str(method or view.method)))
    return code


def _told(view: DcvView) -> None:
    state = view.state
    checked = f", last check {state.last_check:%H:%M:%S} UTC" if state and state.last_check else ""
    diagnostics.note(f"{view.domain.name}: {state.order_status if state else 'unknown'}{checked}")


def _next(view: DcvView, record: DcvRecord | None, method: str) -> str:
    """The command that comes next."""
    command = f"kmptui domains validate {shell_word(view.domain.name)}"
    if view.step is Step.AWAIT:
        return f"When it is published and the CA is to look before its next check: {command} --look"
    submit = f"{command} --method {method} --submit"
    if method == "email":
        return f"Choose a mailbox, and have the mail sent: {submit} --email MAILBOX"
    told = view.state.record if view.state is not None else None
    if method == "txt" and not any(one is not None and one.publishable for one in (record, told)):
        return f"SCM tells this record with the submit: {submit}"
    return f"Publish it, then: {submit}"


async def _id(workspace: Workspace, name: str) -> int:
    return await workspace.lists.resolve_domain(name.removesuffix("."))
