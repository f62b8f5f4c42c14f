"""`kmptui organizations|profiles`: what the mirror holds, with its age."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from kmptui.cli import diagnostics, exit_codes, output
from kmptui.cli.options import as_json, layout
from kmptui.cli.session import engine
from kmptui.domain.listing import Query, Topic

if TYPE_CHECKING:
    from kmptui.domain.organization import Organization
    from kmptui.domain.profile import Profile
    from kmptui.services.workspace import Workspace

MOST = 1_000_000


@click.group()
def organizations() -> None:
    """Organizations and departments."""


@click.group()
def profiles() -> None:
    """Certificate profiles."""


async def rows_of(workspace: Workspace, topic: Topic, text: str) -> list[Any]:
    """All rows of the topic; how old they are is told on standard error."""
    age = await workspace.mirror.age(topic)
    if age is None:
        diagnostics.note(f"The {topic} were never read from SCM: kmptui sync {topic}")
    else:
        diagnostics.note(f"As SCM had them at {age:%Y-%m-%d %H:%M} UTC")
    window = await workspace.lists.window(Query(topic, filter=text, view="all"), 0, MOST)
    return list(window.rows)


def _organization(row: Organization) -> dict[str, object]:
    return {
        "id": row.id,
        "name": row.name,
        "parent_id": row.parent_id,
        "parent": row.parent_name or None,
        "status": row.status,
        "rest_enabled": row.rest_enabled,
        "validations": [
            {"level": v.level, "status": v.status, "expires": v.expires and v.expires.isoformat()}
            for v in row.validations
        ],
    }


@organizations.command("list")
@click.argument("filter", required=False, default="")
@layout
@as_json
@engine()
async def list_organizations(workspace: Workspace, filter: str, layout: str, json: bool) -> int:  # noqa: A002 - the option's name
    """List organizations and departments with id and status."""
    rows = [_organization(row) for row in await rows_of(workspace, Topic.ORGANIZATIONS, filter)]
    output.records(rows, ["id", "name", "parent", "status", "rest_enabled"], "json" if json else layout)
    return exit_codes.FINE


def _profile(row: Profile) -> dict[str, object]:
    return {
        "id": row.id,
        "name": row.name,
        "status": row.status,
        "terms": list(row.terms),
        "keys": [key.option for key in row.keys],
        "organizations": sorted(row.organizations),
        "description": row.description or None,
    }


@profiles.command("list")
@click.argument("filter", required=False, default="")
@layout
@as_json
@engine()
async def list_profiles(workspace: Workspace, filter: str, layout: str, json: bool) -> int:  # noqa: A002 - the option's name
    """List profiles with id, status, terms in days and key types."""
    rows = [_profile(row) for row in await rows_of(workspace, Topic.PROFILES, filter)]
    output.records(rows, ["id", "name", "status", "terms", "keys"], "json" if json else layout)
    return exit_codes.FINE
