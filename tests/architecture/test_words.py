"""The tree tells one story: no module that collects leftovers, none that outgrew one idea."""

from __future__ import annotations

from pathlib import Path

import kmptui

ROOT = Path(kmptui.__file__).parent
LEFTOVERS = {"utils", "helpers", "common", "manager", "misc"}
MOST_LINES = 400


def test_no_module_for_leftovers() -> None:
    assert not [path for path in ROOT.rglob("*.py") if path.stem in LEFTOVERS]


def test_modules_stay_small() -> None:
    sizes = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in ROOT.rglob("*.py")}
    assert {name: size for name, size in sizes.items() if size > MOST_LINES} == {}
