"""An opened store, a database on the test's own thread, and a holder of claims."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from kmptui.config import Paths
from kmptui.store.claims import Holder
from kmptui.store.database import Store
from kmptui.store.db import Db
from tests.store import making


@pytest.fixture
async def store(paths: Paths) -> AsyncIterator[Store]:
    opened = await Store.open(paths, making.FixedClock())
    yield opened
    await opened.aclose()


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Db]:
    with making.connected(tmp_path) as opened:
        yield opened


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[Holder]:
    """Its files lie where `db` looks for them."""

    class Here(Paths):
        @property
        def holders(self) -> Path:
            return tmp_path / "holders"

    made = Holder.open(Here(tmp_path), making.ACTOR, making.NOW)
    yield made
    made.close()
