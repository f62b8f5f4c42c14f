"""Pictures hold on every machine: one zone, one version of the toolkit, nothing of the environment."""

from __future__ import annotations

import time
from collections.abc import Iterator
from importlib.metadata import version

import pytest

PINNED = {"textual": "8.2.8", "pytest-textual-snapshot": "1.1.0"}


@pytest.fixture(autouse=True)
def _one_zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def pytest_configure(config: pytest.Config) -> None:
    """Pictures are made anew with the pinned versions only: another one draws its own differences."""
    if config.getoption("--snapshot-update", default=False):
        wrong = {name: version(name) for name, wanted in PINNED.items() if version(name) != wanted}
        if wrong:
            raise pytest.UsageError(f"--snapshot-update needs {PINNED}, not {wrong}")
