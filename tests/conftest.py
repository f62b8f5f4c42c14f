"""What every test stands on: its own home, no colours or passphrases from outside, and the sandbox SCM."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kmptui.config import Paths

pytest_plugins = ["tests.sandbox_fixtures"]

FOREIGN = (
    "NO_COLOR",
    "TEXTUAL_THEME",
    "KMPTUI_PASSPHRASE_FILE",
    "KMPTUI_HOME",
    "CREDENTIALS_DIRECTORY",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "SUDO_USER",
    "SSH_CONNECTION",
)


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in FOREIGN:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    """A home of the test's own, not made yet."""
    return Paths(tmp_path / "home")


@pytest.fixture
def open_umask() -> object:
    """The most careless umask there is, for the length of a test."""
    former = os.umask(0)
    yield None
    os.umask(former)
