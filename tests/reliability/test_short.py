"""The short form of each promise."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.reliability.promises import PROMISES
from tests.reliability.tally import Tally, table


@pytest.mark.parametrize("name", PROMISES)
async def test_the_promise_holds(name: str, tmp_path: Path) -> None:
    tally = Tally(name, 1)
    await PROMISES[name](tally, 1, tmp_path)
    assert not tally.broken, table([tally])
    assert sum(tally.counts.values()) > 0


def test_a_broken_promise_is_told() -> None:
    tally = Tally("orders", 7)
    tally.count("orders", 2)
    tally.require(True, "never told")
    tally.require(False, "two for one intent")
    assert table([tally]).splitlines()[-1] == "orders: two for one intent (seed 7)"
