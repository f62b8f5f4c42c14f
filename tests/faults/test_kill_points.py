"""Hurt at every point of a way: killed, without room on the disk, told to stop; then another process goes on.

The ways are in `walk`, what must hold afterwards in `judges`; the points of each are found by walking it once. A sample
of them is taken, the same in each run, with all that stand next to a POST; `KMPTUI_ALL_POINTS=1` in the environment
takes all.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kmptui.config import Paths
from tests.faults import hurting
from tests.faults.judges import WAYS
from tests.sandbox_fixtures import SandboxFactory

SAMPLE = {"kill": 12, "full": 5, "stop": 5}
"""Points that are tried when not all are."""
CHANGES = 5
"""The same of a renewal and a reissue."""
ALL = os.environ.get("KMPTUI_ALL_POINTS", "") not in {"", "0"}


def sampled(points: list[str], most: int) -> list[int]:
    """`most` of the points, evenly spread from the first to the last, and those around the requests that may change
    something."""
    count = len(points)
    if ALL or count <= most:
        return list(range(count))
    spread = {round(number * (count - 1) / (most - 1)) for number in range(most)}
    posts = {number + beside for number, words in enumerate(points) if " POST " in words for beside in (-1, 0, 1)}
    return sorted(number for number in spread | posts if 0 <= number < count)


@pytest.mark.parametrize(
    ("way", "how"),
    [
        *(("order", how) for how in ("kill", "full", "stop")),
        ("renew", "kill"),
        ("reissue", "kill"),
        *(("import", how) for how in ("kill", "full", "stop")),
        *((way, how) for way in ("first", "rotate", "migrate") for how in ("kill", "full")),
    ],
)
async def test_hurt_at_its_points(tmp_path: Path, sandbox_factory: SandboxFactory, way: str, how: str) -> None:
    sandbox = sandbox_factory(issue_after=0, certificates=WAYS[way].certificates)
    template = tmp_path / "template"
    await WAYS[way].template(Paths(template), sandbox)
    points = await hurting.points(template, way, how)
    at = sampled(points, CHANGES if way in {"renew", "reissue"} else SAMPLE[how])
    _, failures = await hurting.hurt(template, way, how, at, lambda case: WAYS[way].judge(case, sandbox))
    assert not failures, "\n".join(failures)
