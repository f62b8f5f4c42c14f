"""What an interpreter really loads: a static rule cannot tell a deferred import from an eager one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("textual", "httpx", "peewee", "cryptography")


def loaded(code: str, home: Path) -> set[str]:
    """Names of HEAVY that a fresh interpreter has loaded after running `code`."""
    report = f"\nimport sys\nprint('LOADED', *[m for m in {HEAVY!r} if m in sys.modules])"
    run = subprocess.run(
        [sys.executable, "-c", code + report],
        capture_output=True,
        text=True,
        env={"PATH": "/usr/bin:/bin", "KMPTUI_HOME": str(home), "HOME": str(home)},
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return set(run.stdout.splitlines()[-1].split()[1:])


def command(*words: str) -> str:
    return f"""
from kmptui.cli.main import kmptui
try:
    kmptui.main({list(words)!r}, prog_name="kmptui")
except SystemExit:
    pass
"""


@pytest.mark.parametrize(
    "words",
    [("--help",), ("--version",), ("orders", "--help"), ("orders", "create", "--help"), ("completion", "bash")],
    ids=" ".join,
)
def test_help_loads_nothing_heavy(words: tuple[str, ...], tmp_path: Path) -> None:
    assert loaded(command(*words), tmp_path) == set()


@pytest.mark.parametrize(
    "words",
    [("orders", "list"), ("certificates", "list", "--json"), ("status",), ("audit", "list"), ("domains", "list")],
    ids=" ".join,
)
def test_reading_commands_load_the_store_alone(words: tuple[str, ...], tmp_path: Path) -> None:
    assert loaded(command(*words), tmp_path / "home") == {"peewee"}


def test_completion_loads_nothing_heavy(tmp_path: Path) -> None:
    code = """
import os
os.environ["_KMPTUI_COMPLETE"] = "bash_complete"
os.environ["COMP_WORDS"] = "kmptui orders cre"
os.environ["COMP_CWORD"] = "2"
from kmptui.cli.main import kmptui
try:
    kmptui.main([], prog_name="kmptui")
except SystemExit:
    pass
"""
    assert loaded(code, tmp_path) == set()


def test_the_sandbox_loads_nothing_of_the_program(tmp_path: Path) -> None:
    code = """
import sys
import kmptui.sandbox.server
ours = {m for m in sys.modules if m.startswith("kmptui.") and not m.startswith("kmptui.sandbox")}
assert not ours, ours
"""
    assert loaded(code, tmp_path) == {"cryptography"}
