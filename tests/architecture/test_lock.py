"""The locked set-up of the tests has all that pyproject.toml asks for, in versions that it takes, with hashes."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
_PINNED = re.compile(
    r"^([A-Za-z0-9_.-]+)==(\S+)(?: ; [^\\]+)? \\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", re.M
)


def test_the_lock_holds_what_is_asked_for() -> None:
    text = (ROOT / "requirements" / "dev.txt").read_text()
    locked = {name.lower(): version for name, version, _ in _PINNED.findall(text)}
    assert len(locked) == len(re.findall(r"^\S+==", text, re.M)), "each is pinned, with hashes"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    build = (ROOT / "requirements" / "build.in").read_text().splitlines()
    asked = [*project["dependencies"], *project["optional-dependencies"]["dev"], *build[1:]]
    for requirement in map(Requirement, asked):
        version = locked.get(requirement.name.lower())
        assert version is not None, requirement.name
        assert requirement.specifier.contains(version), f"{requirement} is locked as {version}: ./dev lock"
