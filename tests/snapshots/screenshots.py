"""`python -m tests.snapshots.screenshots` writes `screenshots/` anew, from the same scenes as the tests."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from importlib.metadata import version
from pathlib import Path

from tests.conftest import FOREIGN
from tests.snapshots.company_stage import HOME
from tests.snapshots.conftest import PINNED
from tests.snapshots.pictures import PICTURES
from tests.snapshots.scenes import Scene

FOLDER = Path(__file__).parents[2] / "screenshots"
SIZE = (110, 32)
SIZES = {"orders": (130, 34)}
"""Wide enough for the details beside the list."""


async def picture(scene: Scene, size: tuple[int, int]) -> str:
    """The scene as SVG."""
    app = scene.app()
    async with app.run_test(size=size) as pilot:
        await scene.play(pilot)
        return app.export_screenshot(title="kmptui") + "\n"


async def write() -> None:
    """All of them; pictures that are no longer named go."""
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.glob("*.svg"):
        if old.stem not in PICTURES:
            old.unlink()
    for name, scene in PICTURES.items():
        svg = await picture(scene, SIZES.get(name, SIZE))
        (FOLDER / f"{name}.svg").write_text(svg, encoding="utf-8", newline="\n")


def main() -> int:
    wrong = {name: version(name) for name, wanted in PINNED.items() if version(name) != wanted}
    if wrong:
        sys.stderr.write(f"Pictures are made with {PINNED}, not {wrong}\n")
        return 1
    for name in FOREIGN:
        os.environ.pop(name, None)
    os.environ.update(TZ="UTC", HOME=str(HOME.parents[2]))
    time.tzset()
    asyncio.run(write())
    return 0


if __name__ == "__main__":
    sys.exit(main())
