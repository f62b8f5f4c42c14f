"""Every command of the README but the installation is run, in its order, in one home."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from kmptui.config import Paths
from tests.cli.conftest import Cli
from tests.sandbox_fixtures import SandboxFactory

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
INSTALLATION = {"./dev demo", "./dev test", "pipx install ."}
"""Run by .ci/run."""


def commands() -> list[str]:
    blocks = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line.strip()]


def test_the_first_two_blocks_are_the_demo_and_the_tests() -> None:
    blocks = re.findall(r"```\w*\n(.*?)```", README, re.DOTALL)
    assert blocks[:2] == ["./dev demo\n", "./dev test\n"]


def test_its_pictures_are_there() -> None:
    root = Path(__file__).parents[2]
    pictures = re.findall(r"!\[[^]]*\]\(([^)]+)\)", README)
    assert pictures
    assert [name for name in pictures if not (root / name).is_file()] == []


def test_its_links_lead_somewhere() -> None:
    root = Path(__file__).parents[2]
    links = [link for link in re.findall(r"[^!]\[[^]]*\]\(([^)]+)\)", README) if "://" not in link]
    assert [name for name in links if not (root / name).is_file()] == []


def test_its_commands_work(
    paths: Paths, sandbox_factory: SandboxFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox = sandbox_factory(customer_uri="ACME", certificates=60, issue_after=0)
    monkeypatch.chdir(tmp_path)
    secret = tmp_path / "scm-password.txt"
    secret.touch(0o600)
    secret.write_text(sandbox.password + "\n")
    cli = Cli(paths.home)
    ran = 0
    for line in commands():
        if line in INSTALLATION:
            continue
        program, *words = shlex.split(line)
        assert program == "kmptui", line
        if words[:2] == ["account", "link"]:
            words += ["--base-url", sandbox.base_url]
        cli(*words, code={0, 3})
        ran += 1
    assert ran > 15
    assert (tmp_path / "shop.p12").stat().st_size > 1000
