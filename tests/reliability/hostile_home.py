"""A home in which everything that SCM, a file or a paste can fill is filled with texts that bite."""

from __future__ import annotations

import io
import json
import math
import sqlite3
from collections.abc import Awaitable
from contextlib import closing, redirect_stderr
from urllib.parse import quote

from kmptui.cli import diagnostics
from kmptui.domain.audit import Entry
from kmptui.domain.renewable import ReissueRequest, RenewalRequest
from kmptui.errors import KmptuiError
from kmptui.services.exporting import ExportRequest
from kmptui.services.importing import ImportOptions
from kmptui.store import audit
from kmptui.store.columns import SEPARATOR, clean, pairs_text, texts_text
from tests.e2e.test_hostile_text import MEMBERS
from tests.reliability.bites import HUGE
from tests.reliability.hostile_scene import Scene, sendable
from tests.services.homes import linked, workspace
from tests.services.rig import opened, request

TABLES: dict[str, tuple[str, ...]] = {
    "orders": ("common_name", "names", "status", "organization", "profile", "order_number", "backend_id", "serial",
               "requester", "external_requester", "comments", "custom_fields", "requested_via", "issuer", "key", "note",
               "contact", "problem"),
    "certificates": ("serial", "common_name", "names", "issuer", "subject", "key"),
    "organizations": ("name", "title", "parent_name", "address"),
    "domains": ("name", "state", "delegation_status", "validation_status", "dcv_method"),
    "profiles": ("name", "description"),
    "custom_fields": ("name", "options"),
    "changes": ("subject", "before", "after"),
    "renewal_tries": ("cause", "cure"),
    "revocations": ("common_name", "serial", "reason", "crl_url", "issuer", "problem"),
    "runs": ("words",),
}  # fmt: skip
"""Columns that hold what SCM, a file or a paste said."""
ONE_OF_A_KIND = {"ssl_id": "NULL", "password_identity": "NULL", "sha256": "hex(randomblob(32))"}
"""Columns that no two rows share."""
FIXED = {"renewal_tries", "runs"}
"""Tables with a row for each of something else."""


async def filled(scene: Scene) -> None:
    soil(scene)
    await lived(scene)
    await refused(scene)
    if scene.thorough:
        await exported(scene)
    spoilt(scene)


def soil(scene: Scene) -> None:
    """At SCM: names, and facts of orders that no SCM should tell; one of each is a megabyte."""
    sandbox, turn = scene.sandbox, scene.turn
    for number in (7102, 7111, 7121):
        sandbox.control(f"organizations/{number}", {"name": sendable(turn.next("SCM: organization"))})
    told = {"name": sendable(turn.next("SCM: profile")), "description": HUGE}
    sandbox.control("profiles/2101", told)
    for _ in range(3):
        name = sendable(turn.next("SCM: domain", 200)).replace("/", "") or "x"
        try:
            sandbox.control(f"domains/{quote(name, safe='')}", {"create": True})
        except ValueError:  # the sandbox has one of that name
            continue
    orders = [row for row in sandbox.control("orders") if row["status"] == "Issued"]
    for number, order in enumerate(orders):
        member = MEMBERS[number % len(MEMBERS)]
        text = HUGE if number < len(MEMBERS) and scene.first else sendable(turn.next(f"SCM: {member}"))
        sandbox.control(f"orders/{order['id']}/change", {"wrong_facts": {member: text}})


async def lived(scene: Scene) -> None:
    """Everything that a person does, with reasons, notes and messages that bite."""
    turn = scene.turn
    async with linked(scene.paths, scene.sandbox, mirrored=True) as home:
        await home.importing.run(ImportOptions())
        await home.importing.fetch()
        for _ in range(9):
            await tried(scene, home.change_settings(hook=turn.next("setting: hook", 3_000)))
            await tried(scene, home.change_settings(ca_file=turn.next("setting: ca_file", 3_000)))
        await home.change_settings(hook="", ca_file="")
    name = f"bite-{scene.name.split()[-1]}"
    async with opened(scene.paths, scene.sandbox) as rig:
        ids = []
        for at in range(4):
            placed = await rig.ordering.place(request(f"{name}-{at}.example.com"))
            ids.append(placed.order_id or 0)
        await rig.checking.check(ids)
        rig.advance(86_400)
        await tried(scene, rig.renewing.renew(RenewalRequest(ids[0]), why=turn.next("why", 3_000)))
        await tried(scene, rig.reissuing.reissue(ReissueRequest(ids[1], turn.next("reason of a reissue", 500))))
        target = await rig.revoking.target(order_id=ids[2])
        reason = turn.next("reason of a revocation", 500)
        await tried(scene, rig.revoking.revoke(target, code=4, reason=reason, typed=target.answer))
        body = {"code": -110, "description": sendable(turn.next("refusal of a renewal", 3_000))}
        rig.fault("status", "POST /ssl/v1/renewById", status=400, body=body, count=1)
        await tried(scene, rig.renewing.renew(RenewalRequest(ids[3])))
        waiting = (await rig.ordering.place(request(f"{name}.lab.example.edu", organization_id=7121))).order_id
        await tried(scene, rig.deciding.cancel([waiting or 0], turn.next("message", 500)))
        for _ in range(max(12, math.ceil(scene.rows / 4))):
            bite = [turn.next(f"record: {part}") for part in ("subject", "reason", "name", "value")]
            entry = Entry("renew", "intent", "blocked", bite[0], reason=bite[1], details=((bite[2], bite[3]),))
            await rig.store.write(audit.append, entry, await rig.engine.stamp())


async def tried(scene: Scene, work: Awaitable[object]) -> None:
    """Done, or refused in words that are text."""
    try:
        await work
    except KmptuiError as error:
        scene.require(str(error).strip(), f"{type(error).__name__} without a word")
        scene.tally.count("refusals")


async def refused(scene: Scene) -> None:
    """SCM's own words of a refusal, halves of characters included, as a command tells them."""
    async with workspace(scene.paths) as home:
        for _ in range(max(12, scene.rows)):
            # as ASCII, with \\u escapes: the only way in which half of a character comes over the line
            body = json.dumps({"code": -7, "description": scene.turn.next("SCM: refusal")})
            fault = {"kind": "status", "status": 400, "match": "GET /ssl/v1", "body": body, "count": 1}
            scene.sandbox.control("faults", fault)
            told = io.StringIO()
            try:
                await home.account.test()
            except KmptuiError as error:
                with redirect_stderr(told):
                    diagnostics.trouble(error)
            scene.sandbox.control("faults", method="DELETE")
            scene.clean("a refusal", told.getvalue())
            scene.require(0 < len(told.getvalue().splitlines()) <= 4, f"a refusal: {told.getvalue()!r:.300}")
            scene.tally.count("refusals")


async def exported(scene: Scene) -> None:
    """A file named after each text, and one in whose name it stands."""
    async with workspace(scene.paths) as home:
        folder = scene.paths.exports
        for _ in range(scene.rows):
            text = scene.turn.next("name of an export")
            path = home.repository.suggested_path(text, "pem", "chain")
            scene.require(
                path.parent == folder and not path.name.startswith("."), f"the export of {text!r:.80}: {path}"
            )
            scene.clean("a suggested name", path.name, "")
            typed = folder / (text.replace("/", "").replace("\0", "")[:40] or "x")
            for out in (path, typed):
                request = ExportRequest(1, "pem", only="chain", out=out, replace=True)
                await tried(scene, home.repository.export(request))
            scene.tally.count("exports")
        scene.require(not [path for path in folder.rglob("*") if path.is_dir()], "an export made a folder")


def spoilt(scene: Scene) -> None:
    """Each row's texts, as if SCM had told them so; every text comes to stand in every column."""
    with closing(sqlite3.connect(scene.paths.store)) as db:
        db.execute(
            "INSERT OR IGNORE INTO renewal_tries (order_id, tries, kind, cause, cure, last, again)"
            " SELECT id, 1, 'blocked', '', '', requested, '' FROM orders LIMIT 9"
        )
        for table, columns in TABLES.items():
            if table not in FIXED:
                lengthened(db, table, scene.rows)
            primary = {"renewal_tries": "order_id", "runs": "job"}.get(table, "id")
            for (row,) in db.execute(f"SELECT {primary} FROM {table}").fetchall():
                for column in columns:
                    text = stored(column, sendable(scene.turn.next(f"{table}.{column}")))
                    db.execute(f"UPDATE {table} SET {column} = ? WHERE {primary} = ?", (clean(text), row))
                    scene.tally.count("fields filled")
        db.commit()


def stored(column: str, text: str) -> str:
    """In the form of the column."""
    if column == "names":
        return SEPARATOR.join(("www.example.com", text))
    if column == "custom_fields":
        return pairs_text(((text[:100], text),))
    return texts_text((text, "x")) if column == "options" else text


def lengthened(db: sqlite3.Connection, table: str, rows: int) -> None:
    """Copies of its rows, until there are so many."""
    described = db.execute(f"PRAGMA table_info({table})").fetchall()
    names = [row[1] for row in described if row[1] != "id"]
    values = [ONE_OF_A_KIND.get(name, name) for name in names]
    have = db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
    while 0 < have < rows:
        db.execute(
            f"INSERT INTO {table} ({', '.join(names)}) SELECT {', '.join(values)} FROM {table} LIMIT ?", (rows - have,)
        )
        have = db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
    if table == "certificates":
        db.execute(
            "INSERT INTO bodies (certificate_id, leaf, chain) SELECT c.id, b.leaf, b.chain FROM certificates c,"
            " (SELECT leaf, chain FROM bodies LIMIT 1) b WHERE c.id NOT IN (SELECT certificate_id FROM bodies)"
        )
