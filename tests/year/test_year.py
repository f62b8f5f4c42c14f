"""The short form: ten weeks of twenty certificates with all that goes wrong, and that one seed is one story."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.sandbox_fixtures import SandboxFactory
from tests.year.life import Life, configuration
from tests.year.year import Year


async def lived(factory: SandboxFactory, home: Path, certificates: int, days: int, seed: int) -> Year:
    return await Life(factory(**configuration(seed)), home, certificates, days, seed).live()


async def test_nothing_expires_that_could_be_renewed(sandbox_factory: SandboxFactory, tmp_path: Path) -> None:
    year = await lived(sandbox_factory, tmp_path / "home", 20, 70, 1)
    assert not year.broken, year.report()
    total = sum(year.months.values(), start=Counter[str]())
    assert total["renewed"] >= 6
    assert total["followed"] > 5
    assert total["recovered"] > 0
    assert total["deferred"] > 0
    assert total["blocked DCV"] > 0


async def test_one_seed_is_one_story(sandbox_factory: SandboxFactory, tmp_path: Path) -> None:
    first = await lived(sandbox_factory, tmp_path / "first", 6, 10, 1)
    again = await lived(sandbox_factory, tmp_path / "again", 6, 10, 1)
    assert (first.digest, first.table()) == (again.digest, again.table())


async def test_a_timer_that_does_not_renew_is_found(
    sandbox_factory: SandboxFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The simulation itself: where nothing is renewed, it says so."""

    async def nothing(*_: object) -> None:
        return

    monkeypatch.setattr("kmptui.services.automatic.Automatic._each", nothing)
    year = await lived(sandbox_factory, tmp_path / "home", 16, 6, 1)
    assert any("could be renewed since" in words for words in year.broken)
