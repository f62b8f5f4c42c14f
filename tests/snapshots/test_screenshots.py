"""The committed pictures show the program as it is."""

from __future__ import annotations

import asyncio
import re

import pytest

from tests.snapshots.company_stage import HOME
from tests.snapshots.pictures import PICTURES
from tests.snapshots.screenshots import FOLDER, SIZE, SIZES, picture

AGAIN = "python -m tests.snapshots.screenshots"
ROOT = FOLDER.parent


@pytest.mark.parametrize("name", PICTURES)
def test_the_picture_is_not_stale(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("HOME", str(HOME.parents[2]))
    fresh = asyncio.run(picture(PICTURES[name], SIZES.get(name, SIZE)))
    kept = FOLDER / f"{name}.svg"
    assert kept.is_file(), f"missing: {AGAIN}"
    assert kept.read_text(encoding="utf-8") == fresh, f"{kept.name} is stale: {AGAIN}"


def test_no_picture_is_left_over() -> None:
    assert {path.stem for path in FOLDER.glob("*.svg")} == set(PICTURES)


def test_the_readme_names_only_pictures_that_are_made() -> None:
    named = re.findall(r"screenshots/([a-z-]+)\.svg", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert set(named) <= set(PICTURES)


def test_every_dialog_has_its_picture() -> None:
    """A dialog that is added needs a scene: each module of dialogs is named by one that shows it."""
    modules = {path.stem for path in (ROOT / "kmptui" / "tui" / "dialogs").glob("*.py")}
    known = set(SHOWN_BY) | WITHOUT
    assert modules == known
    assert set(SHOWN_BY.values()) <= set(PICTURES)


SHOWN_BY = {
    "actions": "actions", "attach_key": "attach-key", "choose": "order-profile", "command_log": "log", "copy": "copy",
    "delete": "delete-order", "export": "export", "exported": "exported", "health": "health", "help": "help",
    "import_orders": "import", "note": "note", "passphrase": "unlock", "password": "password",
    "problem": "problem-refused", "quit": "quit", "settle": "settle", "unlink": "unlink", "verdict": "verdict",
    "write_list": "write", "renew": "renew", "renew_many": "renew-many", "reissue": "reissue", "revoke": "revoke-ready",
    "decide": "cancel", "edit": "edit", "auto_renewal": "auto-renewal", "add_rule": "add-rule", "changes": "changes",
    "validation": "validation-publish", "order_dcv": "order-dcv",
}  # fmt: skip
WITHOUT = {"__init__", "asking", "files", "key_choice", "radio_lines", "too_small", "weighed", "weighing"}
"""No dialogs of their own, or nothing to be seen."""
