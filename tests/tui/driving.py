"""How tests drive and read a screen."""

from __future__ import annotations

import asyncio
from typing import Any

from textual.app import App
from textual.pilot import Pilot


def screen_text(app: App[Any]) -> str:
    """What a person sees, line by line."""
    width = app.size.width
    rows = []
    for strip in app.screen._compositor.render_strips():
        rows.append("".join(segment.text for segment in strip)[:width])
    return "\n".join(rows)


READING = frozenset({"window", "age", "details", "refresh", "frame"})
"""Groups of workers that end by themselves; others may wait for a dialog."""


async def settle(pilot: Pilot[Any]) -> None:
    """Wait until all that reads has read, and the screen is drawn."""
    await pilot.pause()
    for _ in range(50):
        workers = [w for w in pilot.app.workers if w.group in READING and not w.is_finished]
        if not workers:
            break
        await asyncio.gather(*(worker.wait() for worker in workers), return_exceptions=True)
        await pilot.pause()
    await pilot.pause()
