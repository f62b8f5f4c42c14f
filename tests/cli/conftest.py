"""The command line in this process, on a home of the test's own, against a sandbox SCM."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from kmptui.cli.main import kmptui
from kmptui.config import Paths
from kmptui.sandbox.server import SandboxServer


@dataclass
class Result:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str
    data: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Cli:
    """Runs commands as a script would: without a terminal."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def __call__(self, *words: object, code: int | set[int] = 0, stdin: bytes | str | None = None) -> Result:
        run = CliRunner().invoke(
            kmptui, [str(word) for word in words], input=stdin, env={"KMPTUI_HOME": str(self.home)}
        )
        if run.exception is not None and not isinstance(run.exception, SystemExit):
            raise run.exception
        result = Result(run.exit_code, run.stdout, run.stderr, run.stdout_bytes)
        assert result.code in ({code} if isinstance(code, int) else code), (
            f"{words}: exit {result.code}, not {code}\n{result.out}\n{result.err}"
        )
        return result

    def json(self, *words: object, code: int | set[int] = 0) -> Any:
        return self(*words, "--json", code=code).json


@pytest.fixture
def cli(paths: Paths) -> Cli:
    return Cli(paths.home)


@pytest.fixture
def password_file(tmp_path: Path, sandbox: SandboxServer) -> Path:
    file = tmp_path / "scm-password"
    file.touch(0o600)
    file.write_text(sandbox.password + "\n")
    return file


@pytest.fixture
def linked(cli: Cli, sandbox: SandboxServer, password_file: Path) -> Cli:
    """Linked and mirrored."""
    link(cli, sandbox, password_file)
    return cli


def link(cli: Cli, sandbox: SandboxServer, password_file: Path, *more: object, code: int = 0) -> Result:
    return cli(
        "account", "link", "--base-url", sandbox.base_url, "--login", sandbox.login,
        "--customer-uri", sandbox.customer_uri, "--password-file", password_file, *more, code=code,
    )  # fmt: skip


ORDER = (
    "--organization", "Example Corporation", "--profile", "OV SSL", "--term", "90", "--key", "ec:P-256",
    "--custom-field", "Cost Centre=0815",
)  # fmt: skip
"""What the sandbox's company takes, but for the names."""
