"""Make a home linked to a sandbox and import its orders: `python -m tests.benchmarks.home FOLDER [settled]`.

With `settled` it waits until the search index, which is filled in idle moments, holds all of them. Reads the sandbox's
announcement from standard input, prints how long the import took and the peak memory. The import is the same call that
the TUI and `kmptui orders import` make; linking and the first sync come before the clock starts.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3
import sys
import time
from pathlib import Path

from kmptui.config import Paths
from kmptui.domain.listing import Topic
from kmptui.services.account import LinkRequest
from kmptui.services.importing import ImportOptions
from kmptui.services.workspace import Workspace
from tests.benchmarks import stage


async def imported(folder: Path, told: dict[str, str], *, settled: bool) -> dict[str, float]:
    """`seconds` and `orders` of the import, `peak_mib` of the process."""
    request = LinkRequest(told["base_url"], told["login"], told["password"], told["customer_uri"])
    async with await Workspace.open(Paths(folder), face="cli") as workspace:
        await workspace.account.link(request)
        await workspace.mirror.sync([Topic.ORGANIZATIONS, Topic.DOMAINS, Topic.PROFILES])
        begin = time.perf_counter()
        report = await workspace.importing.run(ImportOptions())
        took = time.perf_counter() - begin
        while settled and _unsearchable(workspace.paths.store):  # noqa: ASYNC110 - no event tells of it
            await asyncio.sleep(0.2)
    if not report.complete or report.odd:
        raise RuntimeError(report.words)
    return {"seconds": took, "orders": report.new, "peak_mib": stage.peak_mib()}


def _unsearchable(store: Path) -> int:
    with contextlib.closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as database:
        return int(database.execute("SELECT count(*) FROM order_words WHERE fresh = 1").fetchone()[0])


if __name__ == "__main__":
    print(
        json.dumps(asyncio.run(imported(Path(sys.argv[1]), json.load(sys.stdin), settled=sys.argv[2:] == ["settled"])))
    )
