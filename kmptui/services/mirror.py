"""Sync: organizations, domains, profiles and custom fields (and the known orders) as SCM has them now."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from kmptui.domain.audit import Entry
from kmptui.domain.listing import Topic
from kmptui.errors import RoleMissing, ScmRefused
from kmptui.services.bounded import for_each
from kmptui.services.reporting import Progress, Report, silent
from kmptui.store import audit, mirror

if TYPE_CHECKING:
    from kmptui.domain.organization import Organization
    from kmptui.domain.profile import Profile
    from kmptui.scm.client import ScmClient
    from kmptui.services.engine import Engine
    from kmptui.services.importing import Importing
    from kmptui.store.database import Db
    from kmptui.store.mirror import Mirrored

MIRRORED = (Topic.ORGANIZATIONS, Topic.DOMAINS, Topic.PROFILES)


@dataclass(frozen=True, slots=True)
class TopicCount:
    topic: Topic
    total: int
    new: int
    changed: int
    gone: int


@dataclass(frozen=True, slots=True)
class SyncReport:
    counts: tuple[TopicCount, ...]
    warnings: tuple[str, ...]
    at: datetime


class Mirror:
    def __init__(self, engine: Engine, importing: Importing) -> None:
        self._engine = engine
        self._importing = importing

    async def sync(self, topics: Collection[Topic] = MIRRORED, report: Report = silent) -> SyncReport:
        """Read the topics anew; each is saved whole or not at all.

        ORDERS refreshes by one report all orders that are known here, and takes in new ones that the last import's
        options want; before any import none, only their number is told. Raises NotLinked, AccountRefused, Unreachable,
        ScmGarbled.
        """
        return await self._engine.own(
            self._sync(tuple(topics), report),
            "Syncing with SCM",
            stoppable=True,
            stopped="what was read whole is kept, sync again for the rest",
        )

    async def age(self, topic: Topic) -> datetime | None:
        """When the topic was last read whole from SCM."""
        return await self._engine.store.read(mirror.mirrored_at, topic)

    async def _sync(self, topics: tuple[Topic, ...], report: Report) -> SyncReport:
        engine = self._engine
        client = await engine.client()
        told = engine.telling(report)
        counts: list[TopicCount] = []
        warnings: list[str] = []
        started = engine.clock.now()
        for topic in (topic for topic in Topic if topic in topics):
            if topic is Topic.ORDERS:
                done = await self._importing.refresh(report)
                counts.append(TopicCount(topic, done.seen, done.new, done.changed, 0))
                if not done.complete:
                    warnings.append(done.words)
                if done.left_out:
                    warnings.append(f"{done.left_out:,} orders at SCM were not imported: kmptui orders import")
                continue
            told(Progress(f"Reading {topic} from SCM"))
            mirrored = await self._read(client, topic, told, warnings)
            counts.append(TopicCount(topic, mirrored.total, mirrored.new, mirrored.changed, mirrored.gone))
            warnings += client.take_oddities()
            engine.changed(topic)
        entry = Entry(
            "sync",
            subject=", ".join(one.topic for one in counts),
            details=tuple(
                (str(c.topic), f"{c.total} ({c.new} new, {c.changed} changed, {c.gone} gone)") for c in counts
            ),
        )
        await engine.store.write(audit.append, entry, await engine.stamp())
        return SyncReport(tuple(counts), tuple(dict.fromkeys(warnings)), started)

    async def _read(self, client: ScmClient, topic: Topic, told: Report, warnings: list[str]) -> Mirrored:
        store, stamp = self._engine.store, await self._engine.stamp()
        if topic is Topic.ORGANIZATIONS:
            organizations = await self._organizations(client, told, warnings)
            return await store.write(mirror.replace_organizations, organizations, stamp)
        if topic is Topic.DOMAINS:
            domains = await client.domains(lambda done, total: told(Progress("Reading domains", done, total)))
            return await store.write(mirror.replace_domains, domains, stamp)
        profiles = await self._profiles(client, told, warnings)
        fields = await client.custom_fields()

        def save(db: Db) -> Mirrored:
            mirror.replace_custom_fields(db, fields, stamp)
            return mirror.replace_profiles(db, profiles, stamp)

        return await store.write(save)

    async def _organizations(self, client: ScmClient, told: Report, warnings: list[str]) -> list[Organization]:
        """The list, and for each organization what only its details tell; departments share their parent's. What the
        account's role does not let it see stays unknown, and is said."""
        listed = await client.organizations()
        parents = [row for row in listed if row.parent_id is None]
        found: dict[int, Organization] = {}

        async def one(row: Organization) -> None:
            details = row
            try:
                details = dataclasses.replace(await client.organization(row.id), name=row.name)
                details = dataclasses.replace(details, validations=await client.validations(row.id))
            except (RoleMissing, ScmRefused) as error:
                warnings.append(f"What SCM knows of {row.name} is not told in full: {error.what}")
            found[row.id] = details
            told(Progress("Reading organizations", len(found), len(parents)))

        await for_each(parents, one, self._engine.settings.concurrency)
        return [found.get(row.id) or _department(row, found.get(row.parent_id or 0)) for row in listed]

    async def _profiles(self, client: ScmClient, told: Report, warnings: list[str]) -> list[Profile]:
        """All profiles, and by one question an organization who may use them (SCM REST 25.5, SSL: list types)."""
        everything = await client.profiles()
        # not from the store: profiles may be read before, or without, the organizations
        organizations = await client.organizations()
        users: dict[int, set[int]] = {profile.id: set() for profile in everything}
        asked = 0

        async def one(organization: Organization) -> None:
            nonlocal asked
            try:
                for profile in await client.profiles(organization.id):
                    users.setdefault(profile.id, set()).add(organization.id)
            except (RoleMissing, ScmRefused) as error:
                warnings.append(f"Which profiles {organization.title} may use is not told: {error.what}")
            asked += 1
            told(Progress("Reading profiles", asked, len(organizations)))

        await for_each(organizations, one, self._engine.settings.concurrency)
        return [dataclasses.replace(profile, organizations=frozenset(users[profile.id])) for profile in everything]


def _department(row: Organization, parent: Organization | None) -> Organization:
    if parent is None:
        return row
    return dataclasses.replace(
        row, rest_enabled=parent.rest_enabled, cert_types=parent.cert_types, validations=parent.validations
    )
