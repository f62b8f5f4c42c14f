"""Doing one thing to many, a few at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

T = TypeVar("T")


async def for_each(items: Iterable[T], work: Callable[[T], Awaitable[None]], most: int) -> None:
    """Run `work` on every item, at most `most` at a time, in their order. The first that raises ends all: what runs is
    cancelled and awaited, what waits is not begun, and the error is raised. So `work` catches an item's own trouble."""
    waiting = iter(items)

    async def worker() -> None:
        for item in waiting:
            await work(item)

    workers = [asyncio.create_task(worker()) for _ in range(max(1, most))]
    try:
        await asyncio.gather(*workers)
    finally:
        for task in workers:
            task.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
