"""What a request is held against, from the store, and reading the part of it anew that may be old."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Iterable
from datetime import date
from typing import TYPE_CHECKING

from kmptui.domain.coverage import DomainIndex
from kmptui.domain.listing import Topic
from kmptui.domain.order import OrderRequest
from kmptui.domain.preflight import Facts
from kmptui.errors import Finding, NotFound
from kmptui.services.bounded import for_each
from kmptui.store import mirror

if TYPE_CHECKING:
    from kmptui.domain.organization import Organization
    from kmptui.scm.client import ScmClient
    from kmptui.services.engine import Engine
    from kmptui.store.database import Db


def facts(db: Db, today: date) -> Facts:
    """All that the mirror knows of profiles, fields, organizations and domains."""
    return Facts(
        today=today,
        profiles=mirror.profiles(db),
        custom_fields=mirror.custom_fields(db),
        organizations=mirror.organizations(db),
        domains=DomainIndex(mirror.domains(db)),
    )


def titles(db: Db, request: OrderRequest) -> tuple[str, str]:
    """The names of the request's organization and profile, empty where the mirror does not have them."""
    try:
        organization = mirror.organization(db, request.organization_id).title
    except NotFound:
        organization = ""
    try:
        profile = mirror.profile(db, request.profile_id).name
    except NotFound:
        profile = ""
    return organization, profile


def worth_asking(found: Iterable[Finding]) -> bool:
    """Whether all that forbids it rests on the mirror, which may be old: then it is read anew first."""
    forbidding = [finding for finding in found if not finding.hint]
    return bool(forbidding) and all(finding.stale_prone for finding in forbidding)


def left(found: Iterable[Finding], *, despite_mirror: bool) -> list[Finding]:
    """What forbids it: no hints, and nothing that rests on the mirror where a person sends all the same."""
    return [one for one in found if not one.hint and not (despite_mirror and one.stale_prone)]


async def read_anew(engine: Engine, client: ScmClient, request: OrderRequest) -> None:
    """The organization and the domains that the request names, as SCM has them now: one GET for each fact. Where no
    domain is known for a name, SCM is asked whether it has one by now."""
    organizations, domain_ids, unknown = await engine.store.read(_named, request)

    if organizations:
        # a department shares what SCM says of its organization
        head = organizations[-1]
        fresh, validations = await asyncio.gather(client.organization(head.id), client.validations(head.id))
        for known in organizations:
            row = dataclasses.replace(
                known,
                rest_enabled=fresh.rest_enabled,
                address=fresh.address,
                cert_types=fresh.cert_types,
                validations=validations,
            )
            await engine.store.write(mirror.update_organization, row)

    async def domain(domain_id: int) -> None:
        await engine.store.write(mirror.update_domain, await client.domain(domain_id))

    await for_each(domain_ids, domain, engine.settings.concurrency)
    newer = await client.domains_above(unknown) if unknown else []
    for found in newer:
        await engine.store.write(mirror.update_domain, found)
    engine.changed(Topic.ORGANIZATIONS, {one.id for one in organizations})
    engine.changed(Topic.DOMAINS, {*domain_ids, *(found.id for found in newer)})


async def read_profile_anew(engine: Engine, client: ScmClient, request: OrderRequest) -> None:
    """The profiles that the request's organization may use, by one GET; of them the request's own is taken over."""
    offered = await client.profiles(request.organization_id)
    own = next((profile for profile in offered if profile.id == request.profile_id), None)
    await engine.store.write(mirror.update_profile, request.profile_id, own, request.organization_id)
    engine.changed(Topic.PROFILES, {request.profile_id})


def _named(db: Db, request: OrderRequest) -> tuple[tuple[Organization, ...], tuple[int, ...], tuple[str, ...]]:
    """The organization (then its parent), the ids of the domains that stand behind the names, and names without
    any."""
    everything = {one.id: one for one in mirror.organizations(db)}
    chosen = everything.get(request.organization_id)
    parent = everything.get(chosen.parent_id) if chosen is not None and chosen.parent_id is not None else None
    index = DomainIndex(mirror.domains(db))
    domains = {domain.id for name in request.names for domain in index.above(name)}
    unknown = tuple(name for name in request.names if not any(True for _ in index.above(name)))
    heads = tuple(one for one in (chosen, parent) if one is not None)
    return heads, tuple(sorted(domains)), unknown
