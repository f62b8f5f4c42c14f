"""Lists read from the store alone: windows, names to ids, histories, and files that others open."""

from __future__ import annotations

import csv
import io
import json
import stat
from pathlib import Path
from typing import Any

import pytest

from kmptui.config import Paths
from kmptui.domain.listing import SORTS, Query, Topic
from kmptui.errors import Ambiguous, BadInput, NotFound
from kmptui.sandbox.server import SandboxServer
from kmptui.services.importing import ImportOptions
from kmptui.services.workspace import Workspace
from tests.sandbox_fixtures import SandboxFactory
from tests.services.homes import asked, linked, rows
from tests.services.rig import request

LISTS = tuple(topic for topic in Topic if topic is not Topic.ACCOUNT)
EVIL = "=cmd|' /C calc'!A0"


async def filled(opened: Workspace) -> None:
    await opened.importing.run(ImportOptions())
    await opened.importing.fetch()


async def test_every_list_is_read_without_asking_scm(paths: Paths, sandbox_factory: SandboxFactory) -> None:
    sandbox = sandbox_factory(certificates=40)
    async with linked(paths, sandbox, mirrored=True) as opened:
        await filled(opened)
        before = len(asked(sandbox))
        for topic in LISTS:
            for sort in SORTS[topic]:
                query = Query(topic, sort=sort, view="all")
                window = await opened.lists.window(query, 0, 10)
                ids = await opened.lists.ids(query)
                shown = [row.seq if topic is Topic.AUDIT else row.id for row in window.rows]
                assert shown == list(ids[:10])
                assert window.total == len(ids) > 0
                assert await opened.lists.position(query, ids[-1]) == len(ids) - 1
            assert await opened.lists.position(Query(topic), 10**9) is None
        for row in await rows(opened, Topic.ORDERS):
            assert (await opened.lists.order(row.id)).row == row
        for row in await rows(opened, Topic.CERTIFICATES):
            assert (await opened.lists.certificate(row.id)).row == row
        for row in await rows(opened, Topic.ORGANIZATIONS):
            found = await opened.lists.organization(row.id)
            assert found.organization == row
            assert all(department.parent_id == row.id for department in found.departments)
        for row in await rows(opened, Topic.PROFILES):
            assert len((await opened.lists.profile(row.id)).organizations) == len(row.organizations)
        query = Query(Topic.ORDERS)
        whole = await opened.lists.orders(query, 3, 5)
        assert [one.row for one in whole] == list((await opened.lists.window(query, 3, 5)).rows)
        assert len(asked(sandbox)) == before


async def test_a_domain_and_what_depends_on_it(paths: Paths, sandbox_factory: SandboxFactory) -> None:
    sandbox = sandbox_factory(certificates=40)
    async with linked(paths, sandbox, mirrored=True) as opened:
        await filled(opened)
        found = await opened.lists.domain(await opened.lists.resolve_domain("example.edu"))
        assert {title for _, title in found.organizations} >= {"Example University"}
        assert found.certificates_total == len(found.certificates) > 0
        assert {row.common_name for row in found.certificates} >= {"grades.example.edu", "exam.example.edu"}
        for row in found.certificates:
            assert any(
                name == "example.edu" or name.endswith(".example.edu")
                for name in (await opened.lists.certificate(row.id)).names
            )


async def test_names_become_ids(paths: Paths, sandbox_factory: SandboxFactory) -> None:
    sandbox = sandbox_factory(certificates=40)
    async with linked(paths, sandbox, mirrored=True) as opened:
        await filled(opened)
        lists = opened.lists
        order = await lists.order(await lists.resolve_order("www.example.com"))
        for text in (order.row.number, str(order.id), f"scm:{order.ssl_id}", order.row.serial):
            assert await lists.resolve_order(text) == order.id
        assert order.row.certificate_id is not None
        certificate = await lists.certificate(order.row.certificate_id)
        colons = ":".join(certificate.row.serial[at : at + 2] for at in range(0, len(certificate.row.serial), 2))
        for text in (certificate.row.number, certificate.row.serial, colons.lower(), "www.example.com"):
            assert await lists.resolve_certificate(text) == certificate.id
        assert await lists.resolve_organization("Example Corporation / Web Platform") == 7111
        assert await lists.resolve_organization("web platform") == 7111
        assert await lists.resolve_profile("OV SSL") == await lists.resolve_profile("2102") == 2102
        for resolve in (
            lists.resolve_order, lists.resolve_certificate, lists.resolve_organization, lists.resolve_profile,
            lists.resolve_domain,
        ):  # fmt: skip
            for text in ("", "nothing.of.this", "o999999", "\x1b[31m", "💥" * 400):
                with pytest.raises(NotFound):
                    await resolve(text)
        sandbox.control("orders", {"commonName": "www.example.com"})
        await opened.importing.run(ImportOptions())
        with pytest.raises(Ambiguous, match=order.row.number):
            await lists.resolve_order("www.example.com")
        for read in (lists.order, lists.certificate, lists.organization, lists.profile, lists.domain):
            with pytest.raises(NotFound):
                await read(10**9)


@pytest.mark.parametrize("text", ["expires<banana", 'org:"open', "nosuchfield:1", "x" * 3000])
async def test_a_filter_that_cannot_be_read_says_why(paths: Paths, sandbox: SandboxServer, text: str) -> None:
    async with linked(paths, sandbox) as opened:
        for topic in LISTS:
            with pytest.raises(BadInput) as caught:
                await opened.lists.window(Query(topic, filter=text), 0, 10)
            assert caught.value.field == "filter"


async def test_a_history_in_words(paths: Paths, sandbox: SandboxServer) -> None:
    async with linked(paths, sandbox, mirrored=True) as opened:
        placed = await opened.ordering.place(request("told.example.com"))
        assert placed.order_id is not None
        sandbox.control("clock", {"advance": 60})
        await opened.checking.check()
        told = await opened.lists.order_history(placed.order_id)
        assert len(told) >= 3
        assert [one.at for one in told] == sorted((one.at for one in told), reverse=True)
        for one in told:
            assert one.words
            assert "\n" not in one.words
            assert one.actor.startswith("cli ")
        order = await opened.lists.order(placed.order_id)
        assert order.row.certificate_id is not None
        assert await opened.lists.certificate_history(order.row.certificate_id)
        assert await opened.lists.order_history(10**9) == ()


# files


def read_csv(path: Path) -> tuple[list[str], list[list[str]]]:
    table = list(csv.reader(io.StringIO(path.read_bytes().decode("utf-8"), newline="")))
    return table[0], table[1:]


@pytest.mark.parametrize("topic", LISTS)
async def test_a_list_as_a_file(
    paths: Paths, sandbox: SandboxServer, tmp_path: Path, topic: Topic, open_umask: object
) -> None:
    async with linked(paths, sandbox, mirrored=True) as opened:
        await opened.importing.run(ImportOptions())
        query = Query(topic, view="all")
        for words in ("", "nothing-matches-this"):
            asked_for = Query(topic, filter=words, view="all")
            as_csv, as_json = tmp_path / f"{words or 'all'}.csv", tmp_path / f"{words or 'all'}.json"
            total = (await opened.lists.window(asked_for, 0, 1)).total
            assert await opened.lists.write(asked_for, as_csv, "csv") == total
            assert await opened.lists.write(asked_for, as_json, "json") == total
            columns, lines = read_csv(as_csv)
            objects = json.loads(as_json.read_bytes())
            assert len(lines) == len(objects) == total
            assert all(len(line) == len(columns) for line in lines)
            assert all(set(one) == set(columns) for one in objects), "both tell the same"
            assert stat.S_IMODE(as_csv.stat().st_mode) == stat.S_IMODE(as_json.stat().st_mode) == 0o600
        assert (await opened.lists.window(query, 0, 1)).total > 0 or topic is Topic.CERTIFICATES
        columns, _ = read_csv(tmp_path / "all.csv")
        assert {"status"} <= set(columns) or topic is Topic.AUDIT


async def test_no_cell_becomes_a_formula_or_moves_a_cursor(
    paths: Paths, sandbox: SandboxServer, tmp_path: Path
) -> None:
    sandbox.control("organizations/7103", {"name": EVIL})
    sandbox.control("organizations/7102", {"name": "\x1b[2J\u202eevil\r\n@SUM(1)"})
    async with linked(paths, sandbox, mirrored=True) as opened:
        path = tmp_path / "out.csv"
        await opened.lists.write(Query(Topic.ORGANIZATIONS), path, "csv")
        _, lines = read_csv(path)
        cells = [cell for line in lines for cell in line]
        assert f"'{EVIL}" in cells
        assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
        assert not [cell for cell in cells if not cell.isprintable()]
        path = tmp_path / "out.json"
        await opened.lists.write(Query(Topic.ORGANIZATIONS), path, "json")
        assert path.read_bytes().isascii()
        assert any(one["name"] == EVIL for one in json.loads(path.read_bytes()))


async def test_a_place_that_is_no_good(paths: Paths, sandbox: SandboxServer, tmp_path: Path) -> None:
    async with linked(paths, sandbox, mirrored=True) as opened:
        query = Query(Topic.DOMAINS)
        there = tmp_path / "there.csv"
        there.write_text("mine")
        link = tmp_path / "link.csv"
        link.symlink_to(there)
        places: list[tuple[Path, dict[str, Any]]] = [
            (there, {}), (link, {"replace": True}), (tmp_path, {"replace": True}), (tmp_path / "no" / "where.csv", {}),
        ]  # fmt: skip
        for path, options in places:
            with pytest.raises(BadInput):
                await opened.lists.write(query, path, "csv", **options)
        with pytest.raises(BadInput) as caught:
            await opened.lists.write(query, tmp_path / "out.xls", "xls")
        assert caught.value.field == "format"
        assert there.read_text() == "mine"
        assert sorted(path.name for path in tmp_path.iterdir()) == ["home", "link.csv", "there.csv"]
        assert await opened.lists.write(query, there, "csv", replace=True) == 25
