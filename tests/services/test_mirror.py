"""The mirror holds what the server holds, topic by topic, whole or not at all."""

from __future__ import annotations

import asyncio
import http.client
import json
from typing import Any
from urllib.parse import urlsplit

import pytest

from kmptui.config import Paths
from kmptui.domain.listing import Topic
from kmptui.errors import KmptuiError, ScmGarbled, Unreachable
from kmptui.sandbox.server import SandboxServer
from kmptui.services.importing import ImportOptions
from kmptui.services.mirror import SyncReport
from kmptui.services.reporting import Progress
from kmptui.services.workspace import Workspace
from tests.services.homes import actions, asked, linked, rows, until
from tests.services.rig import Hands

TOPICS = (Topic.ORGANIZATIONS, Topic.DOMAINS, Topic.PROFILES)


def ask(sandbox: SandboxServer, path: str) -> tuple[Any, dict[str, str]]:
    """One call of the API, made without kmptui: the answer, and its headers in lower case."""
    parts = urlsplit(sandbox.base_url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
    try:
        connection.request("GET", f"{parts.path}{path}", headers=sandbox.headers())
        response = connection.getresponse()
        return json.loads(response.read()), {name.lower(): value for name, value in response.getheaders()}
    finally:
        connection.close()


def totals(report: SyncReport) -> dict[Topic, int]:
    return {count.topic: count.total for count in report.counts}


async def everything(opened: Workspace) -> dict[Topic, list[Any]]:
    return {topic: await rows(opened, topic) for topic in TOPICS}


async def test_counts_equal_the_servers(paths: Paths, sandbox: SandboxServer) -> None:
    organizations, _ = ask(sandbox, "/organization/v1")
    _, domains = ask(sandbox, "/domain/v1?size=1&position=0")
    profiles, _ = ask(sandbox, "/ssl/v1/types")
    async with linked(paths, sandbox) as opened:
        heard: list[Progress] = []
        report = await opened.mirror.sync(report=heard.append)
        assert totals(report) == {
            Topic.ORGANIZATIONS: sum(1 + len(one["departments"]) for one in organizations),
            Topic.DOMAINS: int(domains["x-total-count"]),
            Topic.PROFILES: len(profiles),
        }
        assert all((count.new, count.changed, count.gone) == (count.total, 0, 0) for count in report.counts)
        assert report.warnings == ()
        for topic in TOPICS:
            assert len(await rows(opened, topic)) == totals(report)[topic]
            assert await opened.mirror.age(topic) is not None
        assert any(one.total and one.done == one.total for one in heard)
        assert (await opened.ordering.facts()).custom_fields
        again = await opened.mirror.sync()
        assert totals(again) == totals(report)
        assert all((count.new, count.changed, count.gone) == (0, 0, 0) for count in again.counts)
        assert (await actions(opened))[-2:] == ["sync", "sync"]


async def test_who_may_use_a_profile(paths: Paths, sandbox: SandboxServer) -> None:
    async with linked(paths, sandbox) as opened:
        await opened.mirror.sync([Topic.PROFILES])  # alone, on a home without organizations
        await opened.mirror.sync([Topic.ORGANIZATIONS])
        organizations = await rows(opened, Topic.ORGANIZATIONS)
        for profile in await rows(opened, Topic.PROFILES):
            told = {
                one.id
                for one in organizations
                if any(row["id"] == profile.id for row in ask(sandbox, f"/ssl/v1/types?organizationId={one.id}")[0])
            }
            assert profile.organizations == told, profile.name
            assert profile.status == "usable"


async def test_organizations_with_their_details(paths: Paths, sandbox: SandboxServer) -> None:
    async with linked(paths, sandbox, mirrored=True) as opened:
        by_name = {row.name: row for row in await rows(opened, Topic.ORGANIZATIONS)}
        corporation, platform = by_name["Example Corporation"], by_name["Web Platform"]
        assert "Berlin" in corporation.address
        assert {one.level for one in corporation.validations} == {"OV_SSL", "EV_SSL"}
        assert (platform.parent_id, platform.title) == (corporation.id, "Example Corporation / Web Platform")
        assert platform.validations == corporation.validations
        assert by_name["Example Foundation"].rest_enabled is False


async def test_what_changes_at_the_server(paths: Paths, sandbox: SandboxServer) -> None:
    async with linked(paths, sandbox, mirrored=True) as opened:
        sandbox.control("domains/vpn.example.net", {"delete": True})
        sandbox.control("domains/fresh.example.net", {"create": True, "validate": True})
        sandbox.control("domains/example.org", {"expires": "2020-01-01T00:00:00Z"})
        sandbox.control("profiles/2102", {"terms": [90]})
        sandbox.control("profiles/2108", {"gone": True})
        sandbox.control("profiles/2103", {"organizations": []})
        report = await opened.mirror.sync()
        counts = {count.topic: count for count in report.counts}
        assert (counts[Topic.DOMAINS].new, counts[Topic.DOMAINS].gone) == (1, 1)
        assert counts[Topic.DOMAINS].changed >= 1
        assert counts[Topic.PROFILES].gone == 1
        now = opened.clock.now().date()
        domains = {row.name: row.status(now) for row in await rows(opened, Topic.DOMAINS)}
        assert domains["vpn.example.net"] == "gone"
        assert domains["fresh.example.net"] == "validated"
        assert domains["example.org"] == "expired"
        profiles = {row.id: row.status for row in await rows(opened, Topic.PROFILES)}
        assert profiles[2102] == "changed"
        assert profiles[2108] == "gone"


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "html", "match": "GET /domain/v1/5"},
        {"kind": "truncate", "match": "GET /domain/v1"},
        {"kind": "garbage-types", "match": "GET /organization/v1$"},
        {"kind": "status", "status": 500, "match": "GET /ssl/v1/types"},
        {"kind": "empty", "match": "GET /organization/v2"},
    ],
    ids=lambda fault: f"{fault['kind']} {fault['match']}",
)
async def test_a_topic_is_saved_whole_or_not_at_all(
    paths: Paths, sandbox: SandboxServer, fault: dict[str, Any]
) -> None:
    clock = Hands()
    async with linked(paths, sandbox, clock=clock, mirrored=True) as opened:
        before = await everything(opened)
        ages = {topic: await opened.mirror.age(topic) for topic in TOPICS}
        sandbox.control("faults", fault | {"count": -1, "skip": 1})
        for topic in TOPICS:
            try:
                await opened.mirror.sync([topic])
            except (ScmGarbled, Unreachable, KmptuiError) as error:
                assert error.what  # noqa: PT017 - which topics fail depends on the fault
                assert await opened.mirror.age(topic) == ages[topic]
        assert await everything(opened) == before
        sandbox.control("faults", method="DELETE")
        assert all(count.changed == count.gone == 0 for count in (await opened.mirror.sync()).counts)


async def test_orders_come_as_they_did_last_time(paths: Paths, sandbox: SandboxServer) -> None:
    async with linked(paths, sandbox, mirrored=True) as opened:
        await opened.importing.run(ImportOptions(status="issued"))
        before = {row.ssl_id for row in await rows(opened, Topic.ORDERS)}
        sandbox.control("orders", {"commonName": "later.example.com"})
        sandbox.control("clock", {"advance": 60})
        report = await opened.mirror.sync((Topic.ORDERS, Topic.PROFILES))
        assert {count.topic for count in report.counts} == {Topic.ORDERS, Topic.PROFILES}
        after = await rows(opened, Topic.ORDERS)
        assert {row.common_name for row in after if row.ssl_id not in before} == {"later.example.com"}
        assert await opened.importing.last_options() == ImportOptions(status="issued")


async def test_a_caller_that_leaves_stops_it(paths: Paths, sandbox: SandboxServer) -> None:
    async with linked(paths, sandbox) as opened:
        sandbox.control("faults", {"kind": "delay", "delay": 30.0, "match": "GET /domain/v1/", "count": -1})
        task = asyncio.ensure_future(opened.mirror.sync())
        await until(lambda: asked(sandbox, "GET /api/domain/v1/"))
        assert [job.words for job in opened.running]
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert opened.running == ()
        assert await rows(opened, Topic.DOMAINS) == []
        assert await rows(opened, Topic.ORGANIZATIONS) != []


async def test_what_scm_keeps_from_the_account_is_said_and_ends_nothing(paths: Paths, sandbox: SandboxServer) -> None:
    async with linked(paths, sandbox, login="readonly-api") as opened:
        report = await opened.mirror.sync()
        assert totals(report)[Topic.ORGANIZATIONS] == 2
        names = {row.name for row in await rows(opened, Topic.ORGANIZATIONS)}
        assert names == {"Example University", "Faculty of Science"}
        (science,) = [row.id for row in await rows(opened, Topic.ORGANIZATIONS) if row.parent_id is not None]
        assert any(science in row.organizations for row in await rows(opened, Topic.PROFILES))
