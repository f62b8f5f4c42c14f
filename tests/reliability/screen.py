"""The full-screen program in a process of its own, at which a person renews, orders and writes notes while others work
on the same store: `python -m tests.reliability.screen HOME`, with a JSON object on standard input (renew: ids, order:
names, notes: texts by id). Answers with a JSON list of what was said of each, "" where it went well."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from pathlib import Path
from typing import Any

from kmptui.config import Paths
from kmptui.errors import KmptuiError
from kmptui.services.workspace import Workspace
from tests.e2e.keyboard import at_home, tab, the_app
from tests.services.rig import request

OV = 2102
"""The profile of `tests.cli.conftest.ORDER`."""


async def main(home: Path, given: dict[str, Any]) -> list[str]:
    said: list[str] = []
    async with the_app(Paths(home)) as (pilot, workspace):
        await at_home(pilot)
        await tab(pilot, 5)
        placed, *_ = await asyncio.gather(
            workspace.renewing.renew_all(given["renew"], stop_after=100_000),
            *(order(workspace, name, said) for name in given["order"]),
            notes(workspace, given["notes"]),
        )
        said += [str(one.error or "") for one in placed]
        await tab(pilot, 7)
    return said


async def order(workspace: Workspace, name: str, said: list[str]) -> None:
    try:
        await workspace.ordering.place(request(name, profile_id=OV, term=90))
    except KmptuiError as error:
        said.append(str(error))
    else:
        said.append("")


async def notes(workspace: Workspace, texts: dict[str, str]) -> None:
    """On rows that others change at the same time."""
    for order_id, text in texts.items():
        await workspace.repository.annotate(int(order_id), note=text, contact="")


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    sys.stdout.write(json.dumps(asyncio.run(main(Path(sys.argv[1]), json.load(sys.stdin)))))
